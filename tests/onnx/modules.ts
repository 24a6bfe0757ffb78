// Modules and example inputs for round trips: one or more for every class that wick/nn exports.
import { rand, randint, randn, randperm, type Tensor, tensor } from '../../ts/index.ts';
import * as nn from '../../ts/nn/index.ts';

/** One round trip. */
export interface Trip {
  readonly name: string;
  readonly module: nn.Module;
  readonly examples: readonly Tensor[];
  /** Whether the first dimension may vary. */
  readonly batch: boolean;
  /** Why results differ in their last bits, where they do. */
  readonly close?: string;
  /** What export says of a module that ONNX cannot hold. */
  readonly refused?: RegExp;
}
type More = Partial<Omit<Trip, 'name' | 'module' | 'examples'>>;
type Made = readonly [module: nn.Module, examples: readonly Tensor[], more?: More & { readonly as?: string }];

/** A function, or a part of a module's results, as a module. */
class Of extends nn.Module {
  readonly inner: nn.Module | null;
  private readonly f: (...x: Tensor[]) => unknown;
  constructor(f: (...x: Tensor[]) => unknown, inner: nn.Module | null = null) {
    super();
    this.f = f;
    this.inner = inner;
  }
  override forward(...x: Tensor[]): Tensor | Tensor[] {
    const y = this.f(...x);
    return Array.isArray(y) ? (y.flat(2).filter((t) => t !== null) as Tensor[]) : (y as Tensor);
  }
}
/** All results of a module that gives a nested list. */
const all = (inner: nn.Module): nn.Module => new Of((...x) => inner.forward(...x), inner);

/** JavaScriptCore drops the frames of calls in tail position from its stacks, and with them the name of the module that made the call. */
const stack = (): string => `${new Error().stack}`;
const caller = (): string => stack();
const refusal = caller().includes('caller') ? /reads a tensor's value in CTCLoss/ : /reads a tensor's value/;

/** The first of them. */
const first = (inner: nn.Module): nn.Module => new Of((...x) => (inner.forward(...x) as Tensor[])[0], inner);

const image = (c: number, h: number, w: number): Tensor => randn([2, c, h, w]);
const line = (c: number, n: number): Tensor => randn([2, c, n]);
const volume = (c: number, d: number, h: number, w: number): Tensor => randn([2, c, d, h, w]);
const labels = (n: number, classes: number): Tensor => randint(0, classes, [n]);
const signs = (n: number): Tensor => randint(0, 2, [n]).mul(2).sub(1).to('float32');
/** A loss of examples [5, 4]; its mean is over the batch, which must not vary. */
const loss = (Kind: new () => nn.Module, more: readonly Tensor[], close?: string): Made => [
  new Kind(),
  [randn([5, 4]), ...more],
  { batch: false, ...(close === undefined ? {} : { close }) },
];
const one =
  (Kind: new () => nn.Module, x: Tensor = randn([3, 5])): (() => Made[]) =>
  () => [[new Kind(), [x]]];
const tokens = (): Tensor => randn([2, 3, 8]);
const encoder = (more: object = {}): nn.TransformerEncoderLayer =>
  new nn.TransformerEncoderLayer(8, 2, { dimFeedforward: 16, batchFirst: true, ...more });
const decoder = (more: object = {}): nn.TransformerDecoderLayer =>
  new nn.TransformerDecoderLayer(8, 2, { dimFeedforward: 16, batchFirst: true, ...more });
const pads = (Kind: { new (n: never): nn.Module }, n: 1 | 2 | 3, circular: boolean = false): (() => Made[]) => {
  const x = (): Tensor => [line(3, 6), image(3, 5, 6), volume(2, 4, 5, 6)][n - 1];
  const each = Array.from({ length: 2 * n }, (_, i) => (i % 3) + (circular ? 0 : 1));
  return () => [
    [new Kind(each as never), [x()]],
    [new Kind(2 as never), [x()]],
  ];
};
/** ONNX has no logarithm of a sigmoid: it is written with Softplus, which is rounded elsewhere. */
const LOGARITHM = 'log-sigmoid as -Softplus(-x)';
const undivided: More = { refused: /an adaptive pool from \d to \d, which does not divide it, has no ONNX operator/ };
/** The three kinds of recurrent layer in every arrangement. */
const recurrent = (Kind: new (input: number, hidden: number, options: object) => nn.Module): Made[] => [
  [all(new Kind(4, 5, {})), [randn([3, 2, 4])], { batch: false }],
  [all(new Kind(4, 5, { batchFirst: true })), [randn([2, 3, 4])], { batch: false, as: 'batch first' }],
  [first(new Kind(4, 5, { batchFirst: true })), [randn([2, 3, 4])], { as: 'any batch' }],
  [all(new Kind(4, 5, { bidirectional: true, numLayers: 2 })), [randn([3, 2, 4])], { batch: false, as: 'both ways, two layers' }],
  [all(new Kind(4, 5, { bias: false })), [randn([3, 2, 4])], { batch: false, as: 'no bias' }],
  [all(new Kind(40, 37, {})), [randn([9, 6, 40])], { batch: false, as: 'wide' }],
  [all(new Kind(4, 5, {})), [randn([3, 4])], { batch: false, as: 'no batch' }],
];
/** For every class of wick/nn. */
export const MODULES: Readonly<Record<string, () => Made[]>> = {
  ReLU: one(nn.ReLU),
  ReLU6: one(nn.ReLU6, randn([3, 5]).mul(5)),
  SELU: one(nn.SELU),
  SiLU: one(nn.SiLU),
  Mish: one(nn.Mish),
  Sigmoid: one(nn.Sigmoid),
  Tanh: one(nn.Tanh),
  Hardsigmoid: one(nn.Hardsigmoid, randn([3, 5]).mul(3)),
  Hardswish: one(nn.Hardswish, randn([3, 5]).mul(3)),
  Softsign: one(nn.Softsign),
  Tanhshrink: one(nn.Tanhshrink),
  LogSigmoid: () => [[new nn.LogSigmoid(), [randn([3, 5])], { close: LOGARITHM }]],
  LeakyReLU: one(nn.LeakyReLU),
  ELU: () => [
    [new nn.ELU(), [randn([3, 5])]],
    [new nn.ELU(0.7), [randn([3, 5])]],
  ],
  CELU: () => [
    [new nn.CELU(), [randn([3, 5])]],
    [new nn.CELU(0.7), [randn([3, 5])]],
  ],
  Softshrink: one(nn.Softshrink),
  Hardshrink: one(nn.Hardshrink),
  Softmax: () => [
    [new nn.Softmax(1), [randn([3, 5])]],
    [new nn.Softmax(1), [image(3, 4, 5)]],
  ],
  Softmin: () => [[new nn.Softmin(1), [randn([3, 5])]]],
  LogSoftmax: () => [[new nn.LogSoftmax(1), [randn([3, 5])]]],
  GLU: () => [[new nn.GLU(1), [randn([3, 6])]]],
  GELU: () => [
    [new nn.GELU(), [randn([3, 5])]],
    [new nn.GELU({ approximate: 'tanh' }), [randn([3, 5])]],
  ],
  Softplus: () => [
    [new nn.Softplus(), [randn([3, 5])]],
    [new nn.Softplus({ beta: 2, threshold: 1 }), [randn([3, 5])]],
  ],
  Hardtanh: one(nn.Hardtanh),
  Threshold: () => [[new nn.Threshold(0.2, -1), [randn([3, 5])]]],
  PReLU: () => [
    [new nn.PReLU(), [randn([3, 5])]],
    [new nn.PReLU(3), [image(3, 4, 5)]],
  ],
  MultiheadAttention: () => {
    const plain = new nn.MultiheadAttention(8, 2, { batchFirst: true });
    const extra = new nn.MultiheadAttention(8, 2, { batchFirst: true, addBiasKv: true, addZeroAttn: true, kdim: 6, vdim: 4 });
    return [
      [all(plain), [tokens(), tokens(), tokens()]],
      [new Of((q, k, v) => plain.forward(q, k, v, { needWeights: false }), plain), [tokens(), tokens(), tokens()], { as: 'no weights' }],
      [all(new nn.MultiheadAttention(8, 2)), [tokens(), tokens(), tokens()], { batch: false, as: 'time first' }],
      [all(extra), [tokens(), randn([2, 5, 6]), randn([2, 5, 4])], { as: 'other widths, biases of keys, a zero' }],
      [new Of((q, m) => plain.forward(q, q, q, { attnMask: m, needWeights: false }), plain), [tokens(), randn([3, 3])], mask('a mask')],
      [new Of((q, m) => plain.forward(q, q, q, { attnMask: m.gt(9) }), plain), [tokens(), randn([3, 3])], mask('a mask of true and false')],
    ];
  },
  Sequential: () => [
    [
      new nn.Sequential(
        ...[new nn.Conv2d(1, 4, 3), new nn.BatchNorm2d(4), new nn.ReLU(), new nn.MaxPool2d(2), new nn.Flatten(), new nn.Linear(36, 3)],
      ),
      [image(1, 8, 8)],
    ],
  ],
  ModuleList: () => {
    const list = new nn.ModuleList([new nn.Linear(4, 4), new nn.Linear(4, 3)]);
    return [[new Of((x) => [...list].reduce((y, m) => m.forward(y) as Tensor, x), list), [randn([3, 4])]]];
  },
  ModuleDict: () => {
    const dict = new nn.ModuleDict({ first: new nn.Linear(4, 3) });
    return [[new Of((x) => dict.get('first')?.forward(x), dict), [randn([3, 4])]]];
  },
  ParameterList: () => {
    const list = new nn.ParameterList([randn([4, 3])]);
    return [[new Of((x) => x.matmul([...list][0]), list), [randn([3, 4])]]];
  },
  Conv1d: () => [
    [new nn.Conv1d(3, 4, 3, { padding: 1, dilation: 2 }), [line(3, 12)]],
    [new nn.Conv1d(4, 4, 3, { padding: 'same', paddingMode: 'circular' }), [line(4, 9)]],
  ],
  Conv2d: () => [
    [new nn.Conv2d(4, 6, 3, { stride: 2, padding: 1, groups: 2 }), [image(4, 9, 8)]],
    [new nn.Conv2d(17, 21, 5, { padding: 2 }), [image(17, 33, 31)]],
    [new nn.Conv2d(4, 4, 3, { padding: 1, groups: 4, bias: false, paddingMode: 'reflect' }), [image(4, 9, 8)]],
  ],
  Conv3d: () => [[new nn.Conv3d(2, 3, 2), [volume(2, 4, 5, 6)]]],
  ConvTranspose1d: () => [[new nn.ConvTranspose1d(3, 4, 3, { stride: 2, dilation: 2, groups: 1 }), [line(3, 6)]]],
  ConvTranspose2d: () => [[new nn.ConvTranspose2d(3, 4, 3, { stride: 2, padding: 1, outputPadding: 1 }), [image(3, 5, 6)]]],
  ConvTranspose3d: () => [[new nn.ConvTranspose3d(2, 4, 2, { stride: 2, groups: 2 }), [volume(2, 3, 4, 3)]]],
  Dropout: () => [[new nn.Dropout(0.5), [randn([3, 5])]]],
  Dropout1d: () => [[new nn.Dropout1d(0.5), [line(3, 5)]]],
  Dropout2d: () => [[new nn.Dropout2d(0.5), [image(3, 5, 4)]]],
  AlphaDropout: () => [[new nn.AlphaDropout(0.5), [randn([3, 5])]]],
  Embedding: () => [[new nn.Embedding(10, 4, { paddingIdx: 2 }), [randint(0, 10, [2, 3])]]],
  Linear: () => [
    [new nn.Linear(6, 4), [randn([3, 6])]],
    [new nn.Linear(6, 4), [randn([3, 5, 6])]],
    [new nn.Linear(300, 70), [randn([2, 37, 300])]],
    [new nn.Linear(6, 4, { bias: false }), [randn([3, 2, 5, 6])]],
    [new nn.Linear(6, 4), [randn([6])], { batch: false }],
  ],
  Bilinear: () => [[new nn.Bilinear(3, 4, 5), [randn([2, 3]), randn([2, 4])]]],
  Identity: one(nn.Identity),
  Flatten: () => [[new nn.Flatten(), [randn([3, 4, 6])]]],
  Unflatten: () => [[new nn.Unflatten(1, [2, 3]), [randn([4, 6])]]],
  MSELoss: () => [loss(nn.MSELoss, [randn([5, 4])])],
  L1Loss: () => [loss(nn.L1Loss, [randn([5, 4])])],
  SmoothL1Loss: () => [loss(nn.SmoothL1Loss, [randn([5, 4])])],
  HuberLoss: () => [loss(nn.HuberLoss, [randn([5, 4])])],
  KLDivLoss: () => [loss(nn.KLDivLoss, [rand([5, 4])])],
  PoissonNLLLoss: () => [loss(nn.PoissonNLLLoss, [rand([5, 4])])],
  HingeEmbeddingLoss: () => [loss(nn.HingeEmbeddingLoss, [signs(20).reshape([5, 4])])],
  SoftMarginLoss: () => [loss(nn.SoftMarginLoss, [signs(20).reshape([5, 4])], 'log(1 + x) as Add and Log')],
  MultiLabelMarginLoss: () => [loss(nn.MultiLabelMarginLoss, [randperm(20).remainder(4).sub(1).reshape([5, 4]).to('int64')])],
  GaussianNLLLoss: () => [loss(nn.GaussianNLLLoss, [randn([5, 4]), rand([5, 4]).add(0.1)])],
  MarginRankingLoss: () => [loss(nn.MarginRankingLoss, [randn([5, 4]), signs(20).reshape([5, 4])])],
  CosineEmbeddingLoss: () => [loss(nn.CosineEmbeddingLoss, [randn([5, 4]), signs(5)])],
  TripletMarginLoss: () => [loss(nn.TripletMarginLoss, [randn([5, 4]), randn([5, 4])])],
  NLLLoss: () => [loss(nn.NLLLoss, [labels(5, 4)])],
  CrossEntropyLoss: () => [
    loss(nn.CrossEntropyLoss, [labels(5, 4)]),
    loss(nn.CrossEntropyLoss, [rand([5, 4]).softmax(1)]),
    [new nn.CrossEntropyLoss({ weight: rand([4]), ignoreIndex: 1 }), [randn([5, 4]), labels(5, 4)], { batch: false }],
    [
      new nn.CrossEntropyLoss({ labelSmoothing: 0.1 }),
      [randn([5, 4]), labels(5, 4)],
      { batch: false, refused: /crossEntropy with label smoothing has no ONNX operator/ },
    ],
  ],
  BCELoss: () => [[new nn.BCELoss(), [rand([5, 4]), rand([5, 4])], { batch: false }]],
  MultiMarginLoss: () => [loss(nn.MultiMarginLoss, [labels(5, 4)])],
  MultiLabelSoftMarginLoss: () => [loss(nn.MultiLabelSoftMarginLoss, [randint(0, 2, [5, 4]).to('float32')], LOGARITHM)],
  BCEWithLogitsLoss: () => [loss(nn.BCEWithLogitsLoss, [rand([5, 4])], LOGARITHM)],
  CTCLoss: () => [
    [
      new Of((x, t) => new nn.CTCLoss().forward(x, t, [6, 5], [2, 3])),
      [randn([6, 2, 5]).logSoftmax(2), tensor([1, 2, 3, 1, 4, 3], { shape: [2, 3], dtype: 'int64' })],
      { batch: false, refused: refusal },
    ],
  ],
  BatchNorm1d: () => [
    [new nn.BatchNorm1d(4), [randn([3, 4])]],
    [new nn.BatchNorm1d(4, { affine: false }), [line(4, 5)]],
  ],
  BatchNorm2d: () => [[new nn.BatchNorm2d(4), [image(4, 5, 5)]]],
  BatchNorm3d: () => [[new nn.BatchNorm3d(2), [volume(2, 3, 4, 5)]]],
  InstanceNorm1d: () => [[new nn.InstanceNorm1d(4), [line(4, 7)]]],
  InstanceNorm2d: () => [[new nn.InstanceNorm2d(4, { affine: true }), [image(4, 5, 5)]]],
  InstanceNorm3d: () => [[new nn.InstanceNorm3d(2), [volume(2, 3, 4, 5)]]],
  LayerNorm: () => [
    [new nn.LayerNorm([6]), [randn([3, 4, 6])]],
    [new nn.LayerNorm([300]), [randn([2, 11, 300])]],
    [new nn.LayerNorm([4, 6], { elementwiseAffine: false }), [randn([3, 4, 6])]],
  ],
  RMSNorm: () => [
    [new nn.RMSNorm([6]), [randn([3, 4, 6])]],
    [new nn.RMSNorm([300]), [randn([2, 11, 300])]],
    [new nn.RMSNorm([4, 6], { elementwiseAffine: false }), [randn([3, 4, 6])]],
  ],
  GroupNorm: () => [
    [new nn.GroupNorm(2, 4), [image(4, 5, 5)]],
    [new nn.GroupNorm(2, 4), [randn([3, 4])]],
  ],
  LocalResponseNorm: () => [[new nn.LocalResponseNorm(3), [image(5, 4, 4)]]],
  ZeroPad1d: pads(nn.ZeroPad1d, 1),
  ZeroPad2d: pads(nn.ZeroPad2d, 2),
  ZeroPad3d: pads(nn.ZeroPad3d, 3),
  ConstantPad1d: () => [[new nn.ConstantPad1d([1, 2], 3.5), [line(3, 6)]]],
  ConstantPad2d: () => [[new nn.ConstantPad2d([1, 2, 0, -1], -1), [image(3, 6, 5)]]],
  ConstantPad3d: () => [[new nn.ConstantPad3d(1, 2), [volume(2, 3, 4, 3)]]],
  ReflectionPad1d: pads(nn.ReflectionPad1d, 1),
  ReflectionPad2d: pads(nn.ReflectionPad2d, 2),
  ReflectionPad3d: pads(nn.ReflectionPad3d, 3),
  ReplicationPad1d: pads(nn.ReplicationPad1d, 1),
  ReplicationPad2d: pads(nn.ReplicationPad2d, 2),
  ReplicationPad3d: pads(nn.ReplicationPad3d, 3),
  CircularPad1d: pads(nn.CircularPad1d, 1, true),
  CircularPad2d: pads(nn.CircularPad2d, 2, true),
  CircularPad3d: pads(nn.CircularPad3d, 3, true),
  MaxPool1d: () => [[new nn.MaxPool1d(3, { stride: 2, padding: 1 }), [line(3, 8)]]],
  MaxPool2d: () => [
    [new nn.MaxPool2d(2), [image(3, 8, 6)]],
    [new nn.MaxPool2d(3, { stride: 2, padding: 1, dilation: 2, ceilMode: true }), [image(3, 9, 8)]],
    [all(new nn.MaxPool2d(2, { returnIndices: true })), [image(3, 8, 6)], { as: 'with places' }],
  ],
  MaxPool3d: () => [[new nn.MaxPool3d(2), [volume(2, 4, 5, 6)]]],
  AvgPool1d: () => [[new nn.AvgPool1d(3), [line(3, 8)]]],
  AvgPool2d: () => [
    [new nn.AvgPool2d(3, { stride: 2, padding: 1 }), [image(3, 8, 7)]],
    [new nn.AvgPool2d(3, { stride: 2, padding: 1, countIncludePad: false, ceilMode: true }), [image(3, 8, 7)]],
    [new nn.AvgPool2d(2, { divisorOverride: 3 }), [image(3, 8, 6)], { refused: /avgPool with divisorOverride has no ONNX operator/ }],
  ],
  AvgPool3d: () => [[new nn.AvgPool3d(2), [volume(2, 4, 5, 6)]]],
  AdaptiveMaxPool1d: () => [
    [new nn.AdaptiveMaxPool1d(4), [line(3, 8)]],
    [new nn.AdaptiveMaxPool1d(3), [line(3, 8)], undivided],
  ],
  AdaptiveMaxPool2d: () => [
    [new nn.AdaptiveMaxPool2d(2), [image(3, 8, 6)]],
    [new nn.AdaptiveMaxPool2d(1), [image(3, 8, 6)]],
    [new nn.AdaptiveMaxPool2d([3, 4]), [image(3, 8, 6)], undivided],
  ],
  AdaptiveMaxPool3d: () => [
    [new nn.AdaptiveMaxPool3d([2, 3, 2]), [volume(2, 4, 6, 6)]],
    [new nn.AdaptiveMaxPool3d([2, 3, 2]), [volume(2, 4, 5, 6)], undivided],
  ],
  AdaptiveAvgPool1d: () => [
    [new nn.AdaptiveAvgPool1d(4), [line(3, 8)]],
    [new nn.AdaptiveAvgPool1d(3), [line(3, 8)], undivided],
  ],
  AdaptiveAvgPool2d: () => [
    [new nn.AdaptiveAvgPool2d(2), [image(3, 8, 6)]],
    [new nn.AdaptiveAvgPool2d(1), [image(3, 8, 6)]],
    [new nn.AdaptiveAvgPool2d(1), [image(9, 33, 31)]],
    [new nn.AdaptiveAvgPool2d([3, 2]), [image(9, 24, 34)]],
    [new nn.AdaptiveAvgPool2d([3, 4]), [image(3, 8, 6)], undivided],
  ],
  AdaptiveAvgPool3d: () => [
    [new nn.AdaptiveAvgPool3d([2, 3, 2]), [volume(2, 4, 6, 6)]],
    [new nn.AdaptiveAvgPool3d([2, 3, 2]), [volume(2, 4, 5, 6)], undivided],
  ],
  RNN: () => [...recurrent(nn.RNN), [all(new nn.RNN(4, 5, { nonlinearity: 'relu' })), [randn([3, 2, 4])], { batch: false, as: 'relu' }]],
  GRU: () => recurrent(nn.GRU),
  LSTM: () => [...recurrent(nn.LSTM), [all(new nn.LSTM(4, 5, { projSize: 3 })), [randn([3, 2, 4])], { batch: false, as: 'projected' }]],
  RNNCell: () => [
    [new nn.RNNCell(4, 5), [randn([3, 4]), randn([3, 5])]],
    [new nn.RNNCell(4, 5), [randn([4])], { batch: false, as: 'no batch' }],
  ],
  LSTMCell: () => {
    const cell = new nn.LSTMCell(4, 5);
    return [[new Of((x, h, c) => cell.forward(x, [h, c]), cell), [randn([3, 4]), randn([3, 5]), randn([3, 5])]]];
  },
  GRUCell: () => [
    [new nn.GRUCell(4, 5), [randn([3, 4]), randn([3, 5])]],
    [new nn.GRUCell(4, 5), [randn([4])], { batch: false, as: 'no batch' }],
  ],
  TransformerEncoderLayer: () => [
    [encoder(), [tokens()]],
    [new nn.TransformerEncoderLayer(48, 3, { dimFeedforward: 130, batchFirst: true }), [randn([2, 40, 48])]],
    [encoder({ normFirst: true, activation: 'gelu' }), [tokens()]],
  ],
  TransformerDecoderLayer: () => [[decoder(), [tokens(), randn([2, 5, 8])]]],
  TransformerEncoder: () => {
    const net = new nn.TransformerEncoder(encoder(), 2, { norm: new nn.LayerNorm(8) });
    const causal = nn.generateSquareSubsequentMask(3);
    return [
      [net, [tokens()]],
      [new Of((x) => net.forward(x, { mask: causal }), net), [tokens()], { as: 'a causal mask' }],
    ];
  },
  TransformerDecoder: () => [[new nn.TransformerDecoder(decoder(), 2), [tokens(), randn([2, 5, 8])]]],
  Transformer: () => [
    [
      new nn.Transformer({ dModel: 8, nhead: 2, numEncoderLayers: 1, numDecoderLayers: 1, dimFeedforward: 16, batchFirst: true }),
      [randn([2, 5, 8]), tokens()],
    ],
  ],
};
function mask(as: string): More & { as: string } {
  return { batch: false, as };
}

/** Functions that are no module. */
const FUNCTIONS: Readonly<Record<string, () => Made>> = {
  'cat and pad': () => [
    new Of((x, y) => x.pad([1, 2]).narrow(1, 1, 4).add(y).pad([0, 0, 1, 0], { value: 3 })),
    [rand([3, 4]), rand([3, 4])],
    { batch: false },
  ],
  reductions: () => [
    new Of((x) =>
      x
        .sum(1, { keepdim: true })
        .add(x.amax(1, { keepdim: true }))
        .mul(x.var(1, { keepdim: true })),
    ),
    [rand([3, 4])],
    { close: 'variance as a mean of squares' },
  ],
  'unfold and diagonal': () => [
    new Of((x) =>
      x
        .unfold(1, 2, 1)
        .sum(2)
        .narrow(1, 0, 3)
        .add(x.narrow(1, 0, 3).diagonal()),
    ),
    [rand([3, 4])],
    { batch: false },
  ],
  'where and compare': () => [new Of((x) => x.gt(0.5).logicalOr(x.lt(0.1)).to('float32').mul(x.floor().add(x.round()))), [rand([3, 4])]],
};

/** Every round trip; a class's later ones bear a number or what is special about them. */
export function trips(): Trip[] {
  const trip = (name: string, [module, examples, { as: _, ...more } = {}]: Made): Trip => ({
    ...{ name, module: module.eval() as nn.Module, examples, batch: true },
    ...more,
  });
  const each = Object.entries(MODULES).flatMap(([name, list]) =>
    list().map((m, i) => trip(m[2]?.as !== undefined ? `${name}, ${m[2].as}` : i === 0 ? name : `${name} ${i + 1}`, m)),
  );
  return [...each, ...Object.entries(FUNCTIONS).map(([name, m]) => trip(name, m()))];
}
/** The round trips that are written at all. */
export const written = (): Trip[] => trips().filter((t) => t.refused === undefined);
