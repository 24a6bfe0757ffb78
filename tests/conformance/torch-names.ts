// How calls in the reference's words become calls of wick's modules and optimizers.
import * as nn from '../../ts/nn/index.ts';
import { Tensor } from '../../ts/tensor/index.ts';
import type { Value } from './decode.ts';

/** A decoded argument as wick takes it. */
export type Plain = unknown;

const camel = (key: string): string =>
  key.length === 1 ? key : key.replace(/_([a-zA-Z0-9])/g, (_, c: string) => c.toUpperCase()).replace(/^T(?=[A-Z])/, 't');
/** `T_max` is tMax, `weight_decay` weightDecay. */
export const optionName = (key: string): string => camel(/^T_/.test(key) ? key.toLowerCase() : key);

/** Parameters of each constructor in PyTorch's order; those before `|` are positional in wick too, the rest are options. */
const SIGNATURES: Record<string, string> = {
  AdaptiveAvgPool: 'output_size |',
  AdaptiveMaxPool: 'output_size |',
  AvgPool: 'kernel_size | stride padding ceil_mode count_include_pad divisor_override',
  MaxPool: 'kernel_size | stride padding dilation return_indices ceil_mode',
  AlphaDropout: 'p |',
  BCELoss: '| weight size_average reduce reduction',
  BCEWithLogitsLoss: '| weight size_average reduce reduction pos_weight',
  BatchNorm: 'num_features | eps momentum affine track_running_stats',
  Bilinear: 'in1_features in2_features out_features | bias',
  CELU: 'alpha |',
  CTCLoss: '| blank reduction zero_infinity',
  CircularPad: 'padding |',
  ConstantPad: 'padding value |',
  Conv: 'in_channels out_channels kernel_size | stride padding dilation groups bias padding_mode',
  ConvTranspose: 'in_channels out_channels kernel_size | stride padding output_padding groups bias dilation padding_mode',
  CrossEntropyLoss: '| weight size_average ignore_index reduce reduction label_smoothing',
  Dropout: 'p |',
  ELU: 'alpha |',
  Embedding: 'num_embeddings embedding_dim | padding_idx max_norm norm_type',
  Flatten: 'start_dim end_dim |',
  GELU: '| approximate',
  GLU: 'dim |',
  GRU: 'input_size hidden_size | num_layers bias batch_first dropout bidirectional',
  GRUCell: 'input_size hidden_size | bias',
  GaussianNLLLoss: '| full eps reduction',
  GroupNorm: 'num_groups num_channels | eps affine',
  Hardshrink: 'lambd |',
  Hardtanh: '| min_val max_val',
  HingeEmbeddingLoss: '| margin',
  HuberLoss: '| reduction delta',
  InstanceNorm: 'num_features | eps momentum affine track_running_stats',
  KLDivLoss: '| size_average reduce reduction log_target',
  L1Loss: '| size_average reduce reduction',
  LSTM: 'input_size hidden_size | num_layers bias batch_first dropout bidirectional proj_size',
  LSTMCell: 'input_size hidden_size | bias',
  LayerNorm: 'normalized_shape | eps elementwise_affine bias',
  LazyConv: 'out_channels kernel_size | stride padding dilation groups bias padding_mode',
  LeakyReLU: 'negative_slope |',
  Linear: 'in_features out_features | bias',
  LocalResponseNorm: 'size | alpha beta k',
  LogSoftmax: 'dim |',
  MSELoss: '| size_average reduce reduction',
  MultiLabelMarginLoss: '| size_average reduce reduction',
  MultiheadAttention: 'embed_dim num_heads | dropout bias add_bias_kv add_zero_attn kdim vdim batch_first',
  NLLLoss: '| weight size_average ignore_index reduce reduction',
  PReLU: 'num_parameters | init',
  RMSNorm: 'normalized_shape | eps elementwise_affine',
  RNN: 'input_size hidden_size | num_layers nonlinearity bias batch_first dropout bidirectional',
  RNNCell: 'input_size hidden_size | bias nonlinearity',
  ReflectionPad: 'padding |',
  ReplicationPad: 'padding |',
  SmoothL1Loss: '| size_average reduce reduction beta',
  SoftMarginLoss: '| size_average reduce reduction',
  Softmax: 'dim |',
  Softmin: 'dim |',
  Softplus: '| beta threshold',
  Softshrink: 'lambd |',
  Threshold: 'threshold value |',
  Transformer: '| d_model nhead num_encoder_layers num_decoder_layers dim_feedforward dropout activation',
  TransformerDecoder: 'decoder_layer num_layers | norm',
  TransformerDecoderLayer: 'd_model nhead | dim_feedforward dropout activation layer_norm_eps batch_first norm_first bias',
  TransformerEncoder: 'encoder_layer num_layers | norm',
  TransformerEncoderLayer: 'd_model nhead | dim_feedforward dropout activation layer_norm_eps batch_first norm_first bias',
  TripletMarginLoss: '| margin p eps swap',
  Unflatten: 'dim unflattened_size |',
  ZeroPad: 'padding |',
};
/** Options that say nothing in wick. */
const SILENT = new Set(['device', 'inplace', 'enable_nested_tensor', 'size_average', 'reduce']);

/** What a case asks for and wick does not have. */
export class NotImplemented extends Error {}

/** A decoded value as plain JavaScript: tensors, numbers, strings, arrays. */
export function plain(value: Value<Tensor>): Plain {
  switch (value.kind) {
    case 'none':
      return null;
    case 'tensor':
      if (value.complex) throw new NotImplemented('complex tensors');
      return value.tensor;
    case 'list':
    case 'tuple':
      return value.items.map(plain);
    case 'dict':
      return Object.fromEntries(Array.from(value.entries, ([k, v]) => [k, plain(v)]));
    case 'dtype':
    case 'function':
      return value.name;
    case 'module':
      return construct(value.name, value.args.map(plain), Object.fromEntries(Array.from(value.kwargs, ([k, v]) => [k, plain(v)])));
    case 'bool':
    case 'int':
    case 'float':
    case 'string':
    case 'option':
      return value.value;
    default:
      throw new NotImplemented(`values of kind ${value.kind}`);
  }
}

/** Constructs a module from PyTorch's arguments. @throws NotImplemented */
export function construct(name: string, args: readonly Plain[], kwargs: Readonly<Record<string, Plain>>): nn.Module {
  const Class = (nn as unknown as Record<string, new (...args: unknown[]) => nn.Module>)[name];
  if (Class === undefined) throw new NotImplemented(`nn.${name}`);
  const [positional, optional] = (SIGNATURES[name] ?? SIGNATURES[name.replace(/[123]d$/, '')] ?? '|')
    .split('|')
    .map((part) => part.trim().split(/\s+/).filter(Boolean));
  const names = [...positional, ...optional];
  const given = new Map<string, Plain>(Object.entries(kwargs).filter(([k]) => !SILENT.has(k)));
  args.forEach((value, i) => {
    if (names[i] === undefined) throw new Error(`construct: ${name} has no parameter ${i}`);
    if (!SILENT.has(names[i])) given.set(names[i], value);
  });
  const call = positional.map((p) => given.get(p));
  while (call.length > 0 && call[call.length - 1] === undefined) call.pop();
  const rest = [...given].filter(([k]) => !positional.includes(k));
  if (rest.length > 0) {
    while (call.length < positional.length) call.push(undefined);
    call.push(Object.fromEntries(rest.map(([k, v]) => [optionName(k), v])));
  }
  return new Class(...call);
}

/** The tensors of a result, in order. */
export function tensorsOf(out: unknown): Tensor[] {
  if (out instanceof Tensor) return [out];
  return Array.isArray(out) ? out.flatMap(tensorsOf) : [];
}
