// How calls in the reference's words become calls of wick's functions: names, positions and options.

import * as wick from '../../ts/index.ts';
import * as F from '../../ts/nn/functional/index.ts';
import { NotImplemented, optionName, type Plain } from './torch-names.ts';

/** A function by its public name; functions of nn.functional come first where both exist and the call names them. */
type Fn = (...args: unknown[]) => unknown;
const tensors = wick as unknown as Record<string, Fn>;
const functional = F as unknown as Record<string, Fn>;

/** Arguments that say nothing in wick. */
const SILENT = new Set(
  'out device layout memory_format pin_memory inplace size_average reduce non_blocking copy _stacklevel sorted stable scale_grad_by_freq sparse norm_type compute_mode antialias out_int32'.split(
    ' ',
  ),
);
/** Functions in which `sorted`, `stable` and the like are arguments of their own. */
const SPEAKING: Readonly<Record<string, readonly string[]>> = {
  topk: ['sorted'],
  unique: ['sorted'],
  scatter: ['reduce'],
  to: ['copy'],
  searchsorted: ['out_int32'],
  bucketize: ['out_int32'],
  scatter_reduce: ['reduce'],
};

/**
 * Parameters in PyTorch's order; those before `|` are positional in wick too, the rest are options; `= name` where wick's name is
 * another than the camelCase form. Functions that are not here take their arguments as they come.
 */
const SIGNATURES: Readonly<Record<string, string>> = {
  add: 'input other | alpha',
  sub: 'input other | alpha',
  subtract: 'input other | alpha = sub',
  multiply: 'input other = mul',
  divide: 'input other | rounding_mode = div',
  true_divide: 'input other = div',
  div: 'input other | rounding_mode',
  clamp: 'input min max',
  clip: 'input min max = clamp',
  addcmul: 'input tensor1 tensor2 | value',
  addcdiv: 'input tensor1 tensor2 | value',
  addmm: 'input mat1 mat2 | beta alpha',
  addmv: 'input mat vec | beta alpha',
  addr: 'input vec1 vec2 | beta alpha',
  addbmm: 'input batch1 batch2 | beta alpha',
  baddbmm: 'input batch1 batch2 | beta alpha',
  arange: '| ',
  argmax: 'input dim | keepdim',
  argmin: 'input dim | keepdim',
  argsort: 'input | dim descending stable',
  sort: 'input | dim descending stable',
  topk: 'input k | dim largest sorted',
  kthvalue: 'input k dim | keepdim',
  median: 'input dim | keepdim',
  nanmedian: 'input dim | keepdim',
  mode: 'input dim | keepdim',
  quantile: 'input q | dim keepdim interpolation',
  nanquantile: 'input q | dim keepdim interpolation',
  all: 'input dim | keepdim',
  any: 'input dim | keepdim',
  sum: 'input dim | keepdim dtype',
  nansum: 'input dim | keepdim dtype',
  mean: 'input dim | keepdim dtype',
  nanmean: 'input dim | keepdim dtype',
  prod: 'input dim | keepdim dtype',
  amax: 'input dim | keepdim',
  amin: 'input dim | keepdim',
  aminmax: 'input | dim keepdim',
  logsumexp: 'input dim | keepdim',
  cumsum: 'input dim | dtype',
  cumprod: 'input dim | dtype',
  softmax: 'input dim | dtype',
  log_softmax: 'input dim | dtype',
  norm: 'input p dim | keepdim dtype',
  vector_norm: 'input ord dim | keepdim dtype = norm',
  norm_except_dim: 'v pow dim',
  bitwise_left_shift: 'input other',
  lerp: 'input end weight',
  isclose: 'input other | rtol atol equal_nan',
  allclose: 'input other | rtol atol equal_nan',
  nan_to_num: 'input | nan posinf neginf',
  round: 'input | decimals',
  diag: 'input diagonal',
  diag_embed: 'input offset dim1 dim2',
  diagonal: 'input offset dim1 dim2',
  diagonal_scatter: 'input src offset dim1 dim2',
  select_scatter: 'input src dim index',
  slice_scatter: 'input src dim start end step',
  diff: 'input | n dim prepend append',
  cross: 'input other dim',
  cumulative_trapezoid: 'y x | dx dim',
  trapezoid: 'y x | dx dim',
  trapz: 'y x | dx dim = trapezoid',
  tensordot: 'a b dims',
  cat: 'tensors dim',
  concat: 'tensors dim = cat',
  concatenate: 'tensors dim = cat',
  stack: 'tensors dim',
  chunk: 'input chunks dim',
  unsafe_chunk: 'input chunks dim = chunk',
  split: 'tensor split_size_or_sections dim',
  split_with_sizes: 'input split_sizes dim = split',
  unsafe_split: 'tensor split_size dim = split',
  movedim: 'input source destination',
  moveaxis: 'input source destination = movedim',
  swapaxes: 'input axis0 axis1 = transpose',
  swapdims: 'input dim0 dim1 = transpose',
  transpose_copy: 'input dim0 dim1 = transpose',
  t_copy: 'input = t',
  permute_copy: 'input dims = permute',
  as_strided: 'input size stride storage_offset',
  as_strided_copy: 'input size stride storage_offset = asStrided',
  flatten: 'input start_dim end_dim',
  meshgrid: 'tensors | indexing',
  unbind: 'input dim',
  squeeze: 'input dim',
  roll: 'input shifts dims',
  rot90: 'input k dims',
  flip: 'input dims',
  tril: 'input diagonal',
  triu: 'input diagonal',
  index_add: 'input dim index source | alpha',
  index_put: 'input indices values | accumulate',
  scatter_reduce: 'input dim index src reduce | include_self',
  take_along_dim: 'input indices dim',
  index_reduce: 'input dim index source reduce | include_self',
  searchsorted: 'sorted_sequence input | out_int32 right side sorter',
  bucketize: 'input boundaries | out_int32 right',
  repeat_interleave: 'input repeats dim',
  masked_select: 'input mask',
  gather: 'input dim index',
  count_nonzero: 'input dim',
  unique_consecutive: 'input | return_inverse return_counts dim',
  unique: 'input | sorted return_inverse return_counts dim',
  one_hot: 'input num_classes = oneHot',
  multinomial: 'input num_samples replacement',
  bernoulli: 'input',
  renorm: 'input p dim maxnorm',
  cdist: 'x1 x2 p',
  logspace: 'start end steps base | dtype requires_grad',
  linspace: 'start end steps | dtype requires_grad',
  zeros: 'size | dtype requires_grad',
  ones: 'size | dtype requires_grad',
  empty: 'size | dtype requires_grad',
  rand: 'size | dtype requires_grad',
  randn: 'size | dtype requires_grad',
  fill: 'input value',
  full: 'size fill_value | dtype requires_grad',
  zeros_like: 'input | dtype requires_grad',
  ones_like: 'input | dtype requires_grad',
  empty_like: 'input | dtype requires_grad',
  full_like: 'input fill_value | dtype requires_grad',
  rand_like: 'input | dtype requires_grad',
  randn_like: 'input | dtype requires_grad',
  bincount: 'input weights minlength',
  histc: 'input bins min max',
  vander: 'x N increasing',
  polygamma: 'n input',
  logit: 'input eps',
  // nn.functional
  avg_pool1d: 'input kernel_size | stride padding ceil_mode count_include_pad',
  avg_pool2d: 'input kernel_size | stride padding ceil_mode count_include_pad divisor_override',
  avg_pool3d: 'input kernel_size | stride padding ceil_mode count_include_pad divisor_override',
  max_pool1d: 'input kernel_size | stride padding dilation ceil_mode',
  max_pool2d: 'input kernel_size | stride padding dilation ceil_mode',
  max_pool3d: 'input kernel_size | stride padding dilation ceil_mode',
  max_pool1d_with_indices: 'input kernel_size | stride padding dilation ceil_mode = maxPool1dWithIndices',
  max_pool2d_with_indices: 'input kernel_size | stride padding dilation ceil_mode = maxPool2dWithIndices',
  max_pool3d_with_indices: 'input kernel_size | stride padding dilation ceil_mode = maxPool3dWithIndices',
  adaptive_avg_pool1d: 'input output_size',
  adaptive_avg_pool2d: 'input output_size',
  adaptive_avg_pool3d: 'input output_size',
  adaptive_max_pool1d: 'input output_size',
  adaptive_max_pool2d: 'input output_size',
  adaptive_max_pool3d: 'input output_size',
  batch_norm: 'input running_mean running_var | weight bias training momentum eps',
  instance_norm: 'input running_mean running_var | weight bias use_input_stats momentum eps',
  group_norm: 'input num_groups | weight bias eps',
  layer_norm: 'input normalized_shape | weight bias eps',
  rms_norm: 'input normalized_shape | weight eps',
  local_response_norm: 'input size | alpha beta k',
  normalize: 'input | p dim eps',
  bilinear: 'input1 input2 weight bias',
  linear: 'input weight bias',
  conv1d: 'input weight bias | stride padding dilation groups',
  conv2d: 'input weight bias | stride padding dilation groups',
  conv3d: 'input weight bias | stride padding dilation groups',
  conv_transpose1d: 'input weight bias | stride padding output_padding groups dilation',
  conv_transpose2d: 'input weight bias | stride padding output_padding groups dilation',
  conv_transpose3d: 'input weight bias | stride padding output_padding groups dilation',
  cosine_similarity: 'x1 x2 | dim eps',
  pairwise_distance: 'x1 x2 | p eps keepdim',
  binary_cross_entropy: 'input target | weight size_average reduce reduction',
  binary_cross_entropy_with_logits: 'input target | weight size_average reduce reduction pos_weight',
  cross_entropy: 'input target | weight size_average ignore_index reduce reduction label_smoothing',
  nll_loss: 'input target | weight size_average ignore_index reduce reduction',
  mse_loss: 'input target | size_average reduce reduction weight',
  l1_loss: 'input target | size_average reduce reduction weight',
  smooth_l1_loss: 'input target | size_average reduce reduction beta',
  huber_loss: 'input target | reduction delta weight',
  kl_div: 'input target | size_average reduce reduction log_target',
  poisson_nll_loss: 'input target | log_input full size_average eps reduce reduction',
  gaussian_nll_loss: 'input target var | full eps reduction',
  hinge_embedding_loss: 'input target | margin size_average reduce reduction',
  margin_ranking_loss: 'input1 input2 target | margin size_average reduce reduction',
  cosine_embedding_loss: 'input1 input2 target | margin size_average reduce reduction',
  soft_margin_loss: 'input target | size_average reduce reduction',
  multilabel_margin_loss: 'input target | size_average reduce reduction',
  multilabel_soft_margin_loss: 'input target | weight size_average reduce reduction',
  multi_margin_loss: 'input target | p margin weight size_average reduce reduction',
  triplet_margin_loss: 'anchor positive negative | margin p eps swap size_average reduce reduction',
  scaled_dot_product_attention: 'query key value | attn_mask dropout_p is_causal scale',
  dropout: 'input p | training',
  dropout1d: 'input p | training',
  dropout2d: 'input p | training',
  dropout3d: 'input p | training',
  alpha_dropout: 'input p | training',
  feature_alpha_dropout: 'input p | training',
  elu: 'input alpha',
  celu: 'input alpha',
  gelu: 'input | approximate',
  leaky_relu: 'input negative_slope',
  hardtanh: 'input | min_val max_val',
  softplus: 'input | beta threshold',
  softshrink: 'input lambd',
  hardshrink: 'input lambd',
  threshold: 'input threshold value',
  logsigmoid: 'input = logSigmoid',
  softmin: 'input dim | dtype',
  glu: 'input dim',
  prelu: 'input weight',
  pad: 'input pad | mode value',
  constant_pad_nd: 'input pad value',
  unfold: 'input dimension size step',
  fold: 'input output_size kernel_size | dilation padding stride',
  pixel_shuffle: 'input upscale_factor',
  pixel_unshuffle: 'input downscale_factor',
  interpolate: 'input | size scale_factor mode align_corners recompute_scale_factor',
  grid_sample: 'input grid | mode padding_mode align_corners',
  max_unpool1d: 'input indices kernel_size | stride padding output_size',
  max_unpool2d: 'input indices kernel_size | stride padding output_size',
  max_unpool3d: 'input indices kernel_size | stride padding output_size',
  // names that differ
  absolute: 'input = abs',
  negative: 'input = neg',
  arccos: 'input = acos',
  arccosh: 'input = acosh',
  arcsin: 'input = asin',
  arcsinh: 'input = asinh',
  arctan: 'input = atan',
  arctanh: 'input = atanh',
  arctan2: 'input other = atan2',
  fix: 'input = trunc',
  var: 'input dim | correction keepdim = variance',
  expit: 'input = sigmoid',
  greater: 'input other = gt',
  greater_equal: 'input other = ge',
  less: 'input other = lt',
  less_equal: 'input other = le',
  not_equal: 'input other = ne',
  ger: 'input vec2 = outer',
  row_stack: 'tensors = vstack',
  adjoint: 'input = matrixTransposed',
  gammaln: 'input = lgamma',
  psi: 'input = digamma',
  multigammaln: 'a p = mvlgamma',
  tensor_split: 'input indices_or_sections dim',
  hsplit: 'input indices_or_sections',
  vsplit: 'input indices_or_sections',
  dsplit: 'input indices_or_sections',
  combinations: 'input r with_replacement',
  isin: 'elements test_elements | assume_unique invert',
  mvlgamma: 'input p',
  cov: 'input | correction',
  index_fill: 'input dim index value',
  scatter_add: 'input dim index src',
  masked_fill: 'input mask value',
  narrow: 'input dim start length',
  select: 'input dim index',
  unsqueeze: 'input dim',
  transpose: 'input dim0 dim1',
  unflatten: 'input dim sizes',
  tile: 'input dims',
  cummax: 'input dim',
  cummin: 'input dim',
  logcumsumexp: 'input dim',
  trace: 'input',
  positive: 'input',
  conj: 'input',
  real: 'input',
  vecdot: 'x y dim',
  put: 'input index source | accumulate',
  upsample_nearest: 'input | size scale_factor',
  upsample_bilinear: 'input | size scale_factor',
  upsample: 'input | size scale_factor mode align_corners = interpolate',
  pdist: 'input p',
  sum_to_size: 'input size',
  dist: 'input other p',
  diagflat: 'input offset',
  channel_shuffle: 'input groups',
  lp_pool1d: 'input norm_type kernel_size | stride ceil_mode',
  lp_pool2d: 'input norm_type kernel_size | stride ceil_mode',
  gumbel_softmax: 'logits | tau hard dim',
  matrix_power: 'input n',
};

/** Arguments by the reference's names, in its order. */
export type Named = Map<string, Plain>;

interface Signature {
  readonly positional: readonly string[];
  readonly optional: readonly string[];
  readonly name: string | null;
}
function signatureOf(leaf: string): Signature | null {
  const inPlace = leaf.endsWith('_') && SIGNATURES[leaf] === undefined;
  const text = SIGNATURES[inPlace ? leaf.slice(0, -1) : leaf];
  if (text === undefined) return null;
  const [parameters, name = null] = text.split('=').map((part) => part.trim());
  const [positional, optional = ''] = parameters.split('|');
  const words = (s: string): string[] => s.trim().split(/\s+/).filter(Boolean);
  return { positional: words(positional), optional: words(optional), name: name !== null && inPlace ? `${name}_` : name };
}

const camel = (leaf: string): string => leaf.replace(/(?<=[a-zA-Z0-9])_([a-z0-9])/g, (_, c: string) => c.toUpperCase());

/** A function by its reference name, e.g. conv_transpose1d of torch.nn.functional. @throws NotImplemented */
export function lookup(leaf: string, path: string): Fn {
  const name = signatureOf(leaf)?.name ?? camel(leaf);
  const places = path.startsWith('torch.nn.functional') ? [functional, tensors] : [tensors, functional];
  const fn = places.map((p) => p[name]).find((f) => typeof f === 'function');
  if (fn === undefined) throw new NotImplemented(`${path}: no function ${name}`);
  return fn;
}

/** Arguments by name; without a signature the positional ones are `0`, `1`, ... */
export function bind(leaf: string, args: readonly Plain[], kwargs: ReadonlyMap<string, Plain>): Named {
  const signature = signatureOf(leaf);
  const names = signature === null ? [] : [...signature.positional, ...signature.optional];
  const named: Named = new Map();
  const speaks = SPEAKING[leaf] ?? [];
  args.forEach((value, i) => {
    const name = names[i] ?? String(i);
    if (!SILENT.has(name) || speaks.includes(name)) named.set(name, value);
  });
  for (const [key, value] of kwargs) if (!SILENT.has(key) || speaks.includes(key)) named.set(key === 'self' ? 'input' : key, value);
  return named;
}

/** Calls wick's function of a name with bound arguments. */
export function invoke(leaf: string, path: string, named: Named): unknown {
  const fn = lookup(leaf, path);
  const signature = signatureOf(leaf);
  const given = new Map(named);
  const call: Plain[] = [];
  const take = (name: string): void => {
    call.push(given.get(name) ?? undefined);
    given.delete(name);
  };
  if (signature === null) {
    for (let i = 0; given.has(String(i)); i++) take(String(i));
    if (call.length === 0 && given.has('input')) take('input');
  } else {
    signature.positional.forEach(take);
    if (call[0] === undefined && given.has('input')) call[0] = given.get('input');
    given.delete('input');
  }
  while (call.length > 0 && call[call.length - 1] === undefined) call.pop();
  const options = [...given].filter(([, value]) => value !== null && !(Array.isArray(value) && value.length === 0));
  if (options.length > 0) {
    while (signature !== null && call.length < signature.positional.length) call.push(undefined);
    call.push(Object.fromEntries(options.map(([key, value]) => [optionName(key), value])));
  }
  return fn(...call);
}
