// One call of every row of the op table at a size that fills the second-level cache or more; flops where arithmetic is the limit.
import * as wick from '../../ts/index.ts';
import * as F from '../../ts/nn/functional/index.ts';
import { TABLE } from '../../ts/ops/networks.ts';
import type { Attrs, KernelOp, MapOp } from '../../ts/ops/op.ts';

type Tensor = wick.Tensor;

/** What one row is timed on. */
export interface Case {
  readonly inputs: readonly (Tensor | null)[];
  readonly attrs: Attrs;
  /** Multiplications and additions; undefined: memory is the limit. */
  readonly flops?: number;
}

const N = 1 << 20;
const generator = new wick.Generator(7);
const rand = (...shape: number[]): Tensor => wick.rand(shape, { generator });
const index = (n: number, high: number): Tensor => wick.randint(0, high, [n], { generator });
const place: Attrs = { seedLo: 7, seedHi: 1, offsetLo: 0, offsetHi: 0 };
const call = (inputs: readonly (Tensor | null)[], attrs: Attrs = {}, flops?: number): Case => ({ inputs, attrs, flops });
const lastDim = (attrs: Attrs = {}): Case => call([rand(1024, 1024)], { dim: 1, keepdim: false, ...attrs });
const reduced = (attrs: Attrs = {}): Case => call([rand(1024, 1024)], { dims: [1], keepdim: false, ...attrs });
const image = (channels: number, size: number): Tensor => rand(8, channels, size, size).contiguous({ memoryFormat: 'channelsLast' });
const convFlops = (n: number, size: number, from: number, to: number): number => 2 * 9 * n * size * size * from * to;
const step = (states: number, attrs: Attrs): Case =>
  call([rand(N), rand(N), ...Array.from({ length: states }, () => rand(N))], { lr: 1e-6, ...attrs });

const rowOf = (name: string): KernelOp => TABLE[name] as KernelOp;
const normGradient = (): Case => {
  const attrs = { dims: 1, eps: 1e-5 };
  const x = rand(1024, 1024);
  const [, mean, variance] = wick.callKernel(rowOf('normalization'), [x, null, null, null, null], attrs);
  return call([rand(1024, 1024), x, mean, variance, rand(1024)], { ...attrs, affine: true });
};
const sequences = (): Tensor[] => [0, 1, 2].map(() => rand(1, 8, 256, 64));
const attentionGradient = (): Case => {
  const attrs = { scale: 0.125, causal: false };
  const inputs = sequences();
  const results = wick.callKernel(rowOf('attention'), [...inputs, null], attrs);
  return call([rand(1, 8, 256, 64), ...inputs, ...results, null], attrs, 14 * 8 * 256 * 256 * 64);
};
const classes = (): Tensor => wick.randint(0, 1024, [1024]);
const loss: Attrs = { ignoreIndex: -100, smoothing: 0, reduction: 'mean' };
const lossGradient = (): Case => {
  const [x, target] = [rand(1024, 1024), classes()];
  const [, ...statistics] = wick.callKernel(rowOf('crossEntropy'), [x, target, null], loss);
  return call([wick.ones([]), x, target, ...statistics, null], loss);
};

/** Cases of the rows with kernels of their own. */
export const KERNELS: Readonly<Record<string, () => Case>> = {
  sum: () => reduced(),
  mean: () => reduced(),
  prod: () => reduced(),
  amax: () => reduced(),
  amin: () => reduced(),
  all: () => reduced(),
  any: () => reduced(),
  variance: () => reduced({ correction: 1 }),
  logsumexp: () => reduced(),
  argmax: () => lastDim(),
  argmin: () => lastDim(),
  maxDim: () => lastDim(),
  minDim: () => lastDim(),
  cumsum: () => lastDim(),
  cumprod: () => lastDim(),
  logcumsumexp: () => lastDim(),
  cummax: () => lastDim(),
  cummin: () => lastDim(),
  recurrence: () => call([rand(1024, 1024), rand(1024, 1024)], { dim: 1, reverse: false }),
  softmax: () => lastDim(),
  logSoftmax: () => lastDim(),
  softmaxBackward: () => call([rand(1024, 1024), rand(1024, 1024)], { dim: 1 }),
  logSoftmaxBackward: () => call([rand(1024, 1024), rand(1024, 1024)], { dim: 1 }),
  normalization: () => call([rand(1024, 1024), rand(1024), rand(1024), null, null], { dims: 1, eps: 1e-5 }),
  normalizationBackward: () => normGradient(),
  lstmCell: () => call([rand(64, 4096), rand(64, 4096), rand(64, 1024)]),
  gruCell: () => call([rand(64, 3072), rand(64, 3072), rand(64, 1024)]),
  gruCellBackward: () => call([rand(64, 1024), rand(64, 3072), rand(64, 3072), rand(64, 1024)]),
  lstmCellBackward: () => call([rand(64, 1024), rand(64, 1024), rand(64, 4096), rand(64, 1024), rand(64, 1024)]),
  attention: () => call([...sequences(), null], { scale: 0.125, causal: false }, 4 * 8 * 256 * 256 * 64),
  attentionBackward: () => attentionGradient(),
  crossEntropy: () => call([rand(1024, 1024), classes(), null], loss),
  crossEntropyBackward: () => lossGradient(),
  matmul: () => call([rand(256, 256), rand(256, 256)], {}, 2 * 256 ** 3),
  intMm: () => call([index(65536, 127).to('uint8').reshape(256, 256), index(65536, 99).to('int8').reshape(256, 256)], {}, 2 * 256 ** 3),
  linear: () => call([rand(256, 256), rand(256, 256), rand(256), null], {}, 2 * 256 ** 3),
  convolution: () => call([image(32, 28), rand(32, 32, 3, 3), rand(32)], { padding: [1, 1] }, convFlops(8, 28, 32, 32)),
  convolutionInput: () => call([image(32, 28), rand(32, 32, 3, 3)], { inputSize: [28, 28], padding: [1, 1] }, convFlops(8, 28, 32, 32)),
  convolutionWeight: () => call([image(32, 28), image(32, 28)], { kernelSize: [3, 3], padding: [1, 1] }, convFlops(8, 28, 32, 32)),
  maxPool: () => call([image(32, 64)], { kernelSize: [2, 2], stride: [2, 2] }),
  maxPoolBackward: () => {
    const [, indices] = F.maxPool2dWithIndices(image(32, 64), 2);
    return call([image(32, 32), indices], { inputSize: [64, 64] });
  },
  maxPoolGather: () => {
    const [, indices] = F.maxPool2dWithIndices(image(32, 64), 2);
    return call([image(32, 64), indices]);
  },
  adaptiveMaxPool: () => call([image(32, 64)], { outputSize: [8, 8] }),
  avgPool: () => call([image(32, 64)], { kernelSize: [2, 2], stride: [2, 2] }),
  avgPoolBackward: () => call([image(32, 32)], { kernelSize: [2, 2], stride: [2, 2], inputSize: [64, 64] }),
  adaptiveAvgPool: () => call([image(32, 64)], { outputSize: [1, 1] }),
  adaptiveAvgPoolBackward: () => call([image(32, 1)], { inputSize: [64, 64] }),
  embedding: () => call([rand(32000, 256), index(4096, 32000)]),
  embeddingBackward: () => call([rand(4096, 256), index(4096, 32000)], { rows: 32000 }),
  indexSelect: () => call([rand(4096, 256), index(4096, 4096)], { dim: 0 }),
  indexSelectBackward: () => call([rand(4096, 256), index(4096, 4096)], { shape: [4096, 256], dim: 0 }),
  indexAdd: () => call([rand(4096, 256), index(4096, 4096), rand(4096, 256)], { dim: 0, alpha: 1 }),
  indexCopy: () => call([rand(4096, 256), wick.randperm(4096, { generator }), rand(4096, 256)], { dim: 0 }),
  gather: () => call([rand(1024, 1024), index(N, 1024).reshape(1024, 1024)], { dim: 1 }),
  gatherBackward: () => call([rand(1024, 1024), index(N, 1024).reshape(1024, 1024)], { shape: [1024, 1024], dim: 1 }),
  scatter: () => call([rand(1024, 1024), index(N, 1024).reshape(1024, 1024), rand(1024, 1024)], { dim: 1 }),
  scatterAdd: () => call([rand(1024, 1024), index(N, 1024).reshape(1024, 1024), rand(1024, 1024)], { dim: 1 }),
  scatterReduce: () =>
    call([rand(1024, 1024), index(N, 1024).reshape(1024, 1024), rand(1024, 1024)], { dim: 1, reduce: 'sum', includeSelf: true }),
  nonzeroCount: () => call([rand(N).round()]),
  nonzeroFill: () => {
    const x = rand(N).round();
    return call([x], { count: x.sum().itemSync() as number });
  },
  searchsorted: () => call([wick.linspace(0, 1, 1024), rand(N)]),
  asStridedCopy: () => call([rand(1024, 1024)], { sizes: [1024, 1024], strides: [1, 1024], offset: 0 }),
  asStridedBackward: () => call([rand(1024, 1024)], { shape: [1024, 1024], sizes: [1024, 1024], strides: [1, 1024], offset: 0 }),
  sliceBackward: () => call([rand(512, 1024)], { shape: [1024, 1024], starts: [256, 0], steps: [1, 1] }),
  flip: () => call([rand(1024, 1024)], { dims: [1] }),
  tril: () => call([rand(1024, 1024)]),
  triu: () => call([rand(1024, 1024)]),
  sort: () => call([rand(1 << 16)], { dim: 0 }),
  topk: () => call([rand(1 << 16)], { dim: 0, k: 16 }),
  dropout: () => call([rand(N)], { p: 0.5, ...place }),
  bernoulli: () => call([rand(N)], place),
  uniform: () => call([], { shape: [N], dtype: 'float32', from: 0, to: 1, ...place }),
  normal: () => call([], { shape: [N], dtype: 'float32', ...place }),
  exponential: () => call([], { shape: [N], dtype: 'float32', ...place }),
  randint: () => call([], { shape: [N], high: 9, ...place }),
  randperm: () => call([], { n: 1 << 16, ...place }),
  full: () => call([], { shape: [N], dtype: 'float32', value: 1 }),
  arange: () => call([], { start: 0, step: 1, n: N, dtype: 'float32' }),
  linspace: () => call([], { start: 0, end: 1, n: N, dtype: 'float32' }),
  sgdStep: () => step(1, { momentum: 0.9 }),
  adamStep: () => call([rand(N), rand(N), rand(N), rand(N), null], { lr: 1e-6, biasCorrection1: 0.1, biasCorrection2: 0.001 }),
  rmspropStep: () => call([rand(N), rand(N), rand(N), null, null], { lr: 1e-6 }),
  adagradStep: () => step(1, {}),
};

/** Elementwise rows on a million elements each, float32 where the row takes it. */
export function mapCase(op: MapOp): Case {
  const dtype = op.dtypes.includes('float32') ? 'float32' : op.dtypes.includes('int32') ? 'int32' : op.dtypes[0];
  const operand = (i: number): Tensor => {
    const x = op.masks.includes(i) ? rand(N).gt(0.5) : rand(N).mul(0.8).add(0.1);
    return dtype === 'float32' || op.masks.includes(i) ? x : x.mul(100).to(dtype);
  };
  return call(op.inputs.map((_, i) => operand(i)));
}

/** Bytes that the inputs and outputs of a call take. */
export function bytesOf(inputs: readonly (Tensor | null)[], outputs: readonly Tensor[], op: MapOp | KernelOp): number {
  const mutated = op.kind === 'kernel' ? (op.mutates?.length ?? 0) : 0;
  const read = inputs.reduce((n, x) => n + (x?.nbytes ?? 0), 0);
  const written = outputs.reduce((n, y) => n + y.nbytes, 0);
  return read + written + mutated * (inputs[0]?.nbytes ?? 0);
}
