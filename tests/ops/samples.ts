// Calls of every row of the op table with a kernel or a view.

import type { Tensor } from '../../ts/index.ts';
import * as wick from '../../ts/index.ts';
import { TABLE } from '../../ts/ops/networks.ts';
import type { Attrs, KernelOp } from '../../ts/ops/op.ts';

const { tensor } = wick;

/** One call of a row: inputs and attributes. Floating-point inputs are float64. */
export interface Call {
  readonly inputs: readonly (Tensor | null)[];
  readonly attrs: Attrs;
}

let seed = 0;
const generator = new wick.Generator(0);
/** Draws from the start again, so that a row's samples do not depend on the rows before it. */
export function restart(): void {
  seed = 0;
  generator.manualSeed(0);
}
/** Numbers from an interval. */
export function draw(shape: readonly number[], low = -1.9, high = 1.9): Tensor {
  return wick
    .rand([...shape], { dtype: 'float64', generator })
    .mul(high - low)
    .add(low);
}
/** Distinct numbers at least 0.1 apart in random order: no ties, and no order that a small step changes. */
function distinct(shape: readonly number[]): Tensor {
  const n = shape.reduce((p, v) => p * v, 1);
  return wick
    .randperm(n, { generator })
    .to('float64')
    .mul(0.13)
    .sub(n * 0.06)
    .reshape([...shape]);
}
const int = (data: unknown): Tensor => tensor(data as number[], { dtype: 'int64' });
const place = (): Attrs => ({ seedLo: 7 + seed++, seedHi: 1, offsetLo: 0, offsetHi: 0 });
const one = (x: Tensor, attrs: Attrs): Call => ({ inputs: [x], attrs });

const dims = (attrs: Attrs, make: (shape: readonly number[]) => Tensor = draw): Call[] => [
  one(make([2, 3, 4]), { dims: [1], keepdim: false, ...attrs }),
  one(make([2, 3, 4]), { dims: [0, 2], keepdim: true, ...attrs }),
  one(make([5]), { dims: [0], keepdim: false, ...attrs }),
];
const along = (attrs: Attrs, make: (shape: readonly number[]) => Tensor = draw): Call[] => [
  one(make([2, 5]), { dim: 1, ...attrs }),
  one(make([4, 2, 3]), { dim: 0, ...attrs }),
];
const optimiser = (states: readonly (Tensor | null)[], attrs: Attrs): Call[] => [
  { inputs: [draw([2, 3]), draw([2, 3]), ...states], attrs },
];
const pool: Attrs = { kernelSize: [2, 3], stride: [2, 1], padding: [1, 1] };
const moves: readonly Attrs[] = [{}, { stride: [2, 1], padding: [1, 0], dilation: [1, 2] }];
const index = (): Tensor => int([2, 0, 2]);
const square = (): Tensor =>
  int([
    [0, 2, 1],
    [1, 1, 0],
  ]);

/** Calls of every row with a kernel of its own. */
export const KERNELS: Readonly<Record<string, () => Call[]>> = {
  sum: () => dims({}),
  mean: () => dims({}),
  prod: () => [
    ...dims({}),
    one(
      tensor(
        [
          [0, 2, 3],
          [0, 0, 1],
        ],
        { dtype: 'float64' },
      ),
      { dims: [1], keepdim: false },
    ),
  ],
  amax: () => dims({}, distinct),
  amin: () => dims({}, distinct),
  all: () => dims({}),
  any: () => dims({}),
  variance: () => dims({ correction: 1 }),
  logsumexp: () => dims({}),
  argmax: () => [...along({ keepdim: false }, distinct), one(distinct([2, 3]), { dim: null, keepdim: true })],
  argmin: () => along({ keepdim: true }, distinct),
  maxDim: () => [...along({ keepdim: false }, distinct), one(distinct([2, 3]), { dim: 0, keepdim: true })],
  minDim: () => along({ keepdim: false }, distinct),
  cumsum: () => [...along({}), one(draw([2, 3]), { dim: 1, reverse: true })],
  cumprod: () => [...along({}), one(tensor([2, 0, 3, 0, 1], { dtype: 'float64' }), { dim: 0 })],
  logcumsumexp: () => along({}),
  cummax: () => along({}, distinct),
  cummin: () => along({}, distinct),
  recurrence: () => [false, true].map((reverse) => ({ inputs: [draw([2, 4]), draw([2, 4])], attrs: { dim: 1, reverse } })),
  softmax: () => along({}),
  logSoftmax: () => along({}),
  softmaxBackward: () => [{ inputs: [draw([2, 4]), draw([2, 4])], attrs: { dim: 1 } }],
  logSoftmaxBackward: () => [{ inputs: [draw([2, 4]), draw([2, 4])], attrs: { dim: 1 } }],
  normalization: () => [
    { inputs: [draw([3, 4]), draw([4]), draw([4]), null, null], attrs: { dims: 1, eps: 1e-5 } },
    { inputs: [draw([2, 2, 3]), null, null, null, null], attrs: { dims: 2, eps: 1e-3 } },
    { inputs: [draw([2, 5]), draw([5]), null, null, null], attrs: { dims: 1, rms: true, eps: 1e-3 } },
    { inputs: [draw([2, 4, 3]), draw([4]), draw([4]), null, null], attrs: { groups: 2, eps: 1e-3 } },
    { inputs: [draw([3, 2, 2]), draw([2]), draw([2]), null, null], attrs: { groups: 2, batch: true, eps: 1e-3 } },
  ],
  normalizationBackward: () => [
    normalizationGradient(draw([3, 4]), draw([4]), { dims: 1, affine: true }),
    normalizationGradient(draw([2, 5]), null, { dims: 1, rms: true }),
    normalizationGradient(draw([2, 4, 3]), draw([4]), { groups: 2, affine: true }),
    normalizationGradient(draw([3, 2, 2]), draw([2]), { groups: 2, batch: true, affine: true }),
    normalizationGradient(draw([3, 2, 2]), draw([2]), { groups: 2, batch: true, affine: true, fixed: true }),
  ],
  lstmCell: () => [{ inputs: [draw([2, 12]), draw([2, 12]), draw([2, 3])], attrs: {} }],
  gruCell: () => [{ inputs: [draw([2, 9]), draw([2, 9]), draw([2, 3])], attrs: {} }],
  gruCellBackward: () => [{ inputs: [draw([2, 3]), draw([2, 9]), draw([2, 9]), draw([2, 3])], attrs: {} }],
  lstmCellBackward: () => [{ inputs: [draw([2, 3]), draw([2, 3]), draw([2, 12]), draw([2, 3]), draw([2, 3])], attrs: {} }],
  attention: () => [
    { inputs: [draw([1, 2, 3, 4]), draw([1, 2, 5, 4]), draw([1, 2, 5, 3]), null], attrs: { scale: 0.5, causal: false } },
    { inputs: [draw([2, 1, 4, 2]), draw([2, 1, 4, 2]), draw([2, 1, 4, 2]), null], attrs: { scale: 1, causal: true } },
    { inputs: [draw([1, 1, 3, 2]), draw([1, 1, 4, 2]), draw([1, 1, 4, 5]), attentionMask()], attrs: { scale: 0.7, causal: false } },
  ],
  attentionBackward: () => [
    attentionGradient(draw([1, 2, 3, 4]), draw([1, 2, 5, 4]), draw([1, 2, 5, 3]), null, false),
    attentionGradient(draw([2, 1, 4, 2]), draw([2, 1, 4, 2]), draw([2, 1, 4, 2]), null, true),
    attentionGradient(draw([1, 1, 3, 2]), draw([1, 1, 4, 2]), draw([1, 1, 4, 5]), attentionMask(), false),
  ],
  crossEntropy: () =>
    (['mean', 'sum', 'none'] as const).map((reduction, i) => ({
      inputs: [draw([4, 3 + i]), int([2, 0, 1, 0]), i === 0 ? null : draw([3 + i], 0.5, 2).to('float32')],
      attrs: { ignoreIndex: i === 2 ? 0 : -100, smoothing: 0.1 * i, reduction },
    })),
  crossEntropyBackward: () =>
    (['mean', 'sum', 'none'] as const).map((reduction, i) => crossEntropyGradient(reduction, i === 2 ? 0 : -100, 0.1 * i)),
  matmul: () => [
    { inputs: [draw([2, 3]), draw([3, 4])], attrs: {} },
    { inputs: [draw([2, 1, 2, 3]), draw([3, 3, 2])], attrs: {} },
    { inputs: [draw([2, 2, 3]), draw([3, 1])], attrs: {} },
  ],
  intMm: () => [
    { inputs: [draw([3, 5], -9, 9).to('int8'), draw([5, 4], 0, 99).to('uint8')], attrs: { aZero: 3, bZero: 7 } },
    { inputs: [draw([2, 3, 4], 0, 99).to('uint8'), draw([2, 4, 9], -9, 9).to('int8')], attrs: {} },
  ],
  linear: () => [
    { inputs: [draw([2, 3]), draw([4, 3]), draw([4]), null], attrs: {} },
    { inputs: [draw([2, 2, 3]), draw([2, 3]), null, null], attrs: {} },
    { inputs: [draw([2, 3]), draw([4, 3]), null, draw([2, 4])], attrs: { alpha: 0.5, beta: -2 } },
    { inputs: [draw([3, 3]), draw([1, 3]), draw([1]), draw([3, 1])], attrs: {} },
  ],
  convolution: () => [
    ...moves.map((attrs) => ({ inputs: [draw([2, 2, 4, 5]), draw([3, 2, 2, 2]), draw([3])], attrs })),
    { inputs: [draw([1, 4, 4, 4]), draw([4, 2, 3, 3]), null], attrs: { groups: 2, padding: [1, 1] } },
    { inputs: [draw([1, 3, 4, 4]), draw([3, 1, 3, 3]), null], attrs: { groups: 3, padding: [1, 1] } },
  ],
  convolutionInput: () => [
    { inputs: [draw([1, 3, 3, 4]), draw([3, 2, 2, 2])], attrs: { inputSize: [4, 5] } },
    { inputs: [draw([1, 2, 2, 3]), draw([2, 2, 2, 2])], attrs: { inputSize: [4, 6], stride: [2, 2] } },
  ],
  convolutionWeight: () => [{ inputs: [draw([2, 3, 3, 4]), draw([2, 2, 4, 5])], attrs: { kernelSize: [2, 2] } }],
  maxPool: () => [
    one(distinct([1, 2, 4, 5]), { ...pool, dilation: [1, 1] }),
    one(distinct([1, 1, 5, 5]), { kernelSize: [2, 2], ceilMode: true }),
  ],
  adaptiveMaxPool: () => [one(distinct([1, 2, 5, 4]), { outputSize: [2, 3] })],
  maxPoolBackward: () => [
    {
      inputs: [
        draw([1, 2, 2, 2]),
        int([
          [
            [
              [0, 3],
              [3, 8],
            ],
            [
              [1, 2],
              [4, 5],
            ],
          ],
        ]),
      ],
      attrs: { inputSize: [3, 3] },
    },
  ],
  maxPoolGather: () => [
    {
      inputs: [
        draw([1, 2, 3, 3]),
        int([
          [
            [
              [0, 3],
              [3, 8],
            ],
            [
              [1, 2],
              [4, 5],
            ],
          ],
        ]),
      ],
      attrs: {},
    },
  ],
  avgPool: () => [one(draw([1, 2, 4, 5]), pool), one(draw([1, 1, 5, 5]), { ...pool, countIncludePad: false, ceilMode: true })],
  avgPoolBackward: () => [one(draw([1, 2, 3, 5]), { ...pool, inputSize: [4, 5] })],
  adaptiveAvgPool: () => [one(draw([1, 2, 5, 4]), { outputSize: [2, 3] })],
  adaptiveAvgPoolBackward: () => [one(draw([1, 2, 2, 3]), { inputSize: [5, 4] })],
  indexSelect: () => [
    { inputs: [draw([3, 2]), index()], attrs: { dim: 0 } },
    { inputs: [draw([2, 3, 2]), index()], attrs: { dim: 1 } },
  ],
  indexAdd: () => [{ inputs: [draw([2, 3]), index(), draw([2, 3])], attrs: { dim: 1, alpha: 2 } }],
  indexCopy: () => [{ inputs: [draw([2, 4]), int([3, 0]), draw([2, 2])], attrs: { dim: 1 } }],
  indexSelectBackward: () => [{ inputs: [draw([3, 2]), index()], attrs: { shape: [4, 2], dim: 0 } }],
  embedding: () => [
    {
      inputs: [
        draw([4, 3]),
        int([
          [0, 2],
          [2, 3],
        ]),
      ],
      attrs: { paddingIdx: 1 },
    },
    { inputs: [draw([4, 3]), int([1, 1])], attrs: {} },
  ],
  embeddingBackward: () => [
    {
      inputs: [
        draw([2, 2, 3]),
        int([
          [0, 2],
          [2, 3],
        ]),
      ],
      attrs: { rows: 4, paddingIdx: 2 },
    },
  ],
  gather: () => [
    { inputs: [draw([3, 3]), square()], attrs: { dim: 0 } },
    { inputs: [draw([2, 3]), int([[2], [0]])], attrs: { dim: 1 } },
  ],
  gatherBackward: () => [{ inputs: [draw([2, 3]), square()], attrs: { shape: [3, 3], dim: 0 } }],
  scatter: () => [
    {
      inputs: [
        draw([3, 3]),
        int([
          [0, 2, 1],
          [1, 0, 2],
        ]),
        draw([2, 4]),
      ],
      attrs: { dim: 0 },
    },
  ],
  scatterAdd: () => [{ inputs: [draw([3, 3]), square(), draw([2, 3])], attrs: { dim: 0 } }],
  scatterReduce: () =>
    ['sum', 'prod', 'mean', 'amax', 'amin'].map((reduce, i) => ({
      inputs: [distinct([3, 3]), square(), distinct([2, 3])],
      attrs: { dim: 0, reduce, includeSelf: i % 2 === 0 },
    })),
  nonzeroCount: () => [
    one(
      tensor(
        [
          [0, 1, 2],
          [3, 0, 0],
        ],
        { dtype: 'float64' },
      ),
      {},
    ),
  ],
  nonzeroFill: () => [
    one(
      tensor(
        [
          [0, 1, 2],
          [3, 0, 0],
        ],
        { dtype: 'float64' },
      ),
      { count: 3 },
    ),
  ],
  searchsorted: () => [
    { inputs: [tensor([1, 2, 4, 8], { dtype: 'float64' }), draw([2, 3], 0, 9)], attrs: {} },
    {
      inputs: [
        tensor(
          [
            [1, 2],
            [3, 4],
          ],
          { dtype: 'float64' },
        ),
        draw([2, 3], 0, 5),
      ],
      attrs: { right: true },
    },
  ],
  asStridedCopy: () => [one(draw([3, 4]), { sizes: [2, 3], strides: [1, 3], offset: 2 })],
  asStridedBackward: () => [
    one(draw([2, 3]), { shape: [3, 4], sizes: [2, 3], strides: [1, 3], offset: 2 }),
    one(draw([3, 2]), { shape: [4], sizes: [3, 2], strides: [1, 1], offset: 0 }),
  ],
  sliceBackward: () => [one(draw([2, 2]), { shape: [3, 4], starts: [1, 0], steps: [1, 2] })],
  flip: () => [one(draw([2, 3, 2]), { dims: [0, -1] })],
  tril: () => [one(draw([2, 3, 4]), { diagonal: 1 }), one(draw([3, 3]), {})],
  triu: () => [one(draw([3, 3]), { diagonal: -1 })],
  sort: () => [...along({}, distinct), one(distinct([2, 5]), { dim: 1, descending: true })],
  topk: () => along({ k: 2 }, distinct),
  dropout: () => [one(draw([3, 5]), { p: 0.4, ...place() })],
  bernoulli: () => [one(draw([3, 5], 0, 1), place())],
  uniform: () => [{ inputs: [], attrs: { shape: [3, 2], dtype: 'float64', from: -1, to: 1, ...place() } }],
  normal: () => [{ inputs: [], attrs: { shape: [3, 2], dtype: 'float64', ...place() } }],
  exponential: () => [{ inputs: [], attrs: { shape: [3, 2], dtype: 'float64', ...place() } }],
  randint: () => [{ inputs: [], attrs: { shape: [3, 2], high: 9, ...place() } }],
  randperm: () => [{ inputs: [], attrs: { n: 7, ...place() } }],
  full: () => [{ inputs: [], attrs: { shape: [3, 2], dtype: 'float64', value: 2.5 } }],
  arange: () => [{ inputs: [], attrs: { start: 1, step: 0.5, n: 4, dtype: 'float64' } }],
  linspace: () => [{ inputs: [], attrs: { start: 1, end: 2, n: 5, dtype: 'float64' } }],
  sgdStep: () => optimiser([draw([2, 3])], { lr: 0.1, momentum: 0.9, weightDecay: 0.01, nesterov: true }),
  adamStep: () =>
    optimiser([draw([2, 3]), draw([2, 3], 0, 1), draw([2, 3], 0, 1)], {
      lr: 0.1,
      biasCorrection1: 0.1,
      biasCorrection2: 0.001,
      decoupled: true,
      weightDecay: 0.1,
    }),
  rmspropStep: () => optimiser([draw([2, 3], 5, 6), draw([2, 3], 0, 1), draw([2, 3])], { lr: 0.1, momentum: 0.9 }),
  adagradStep: () => optimiser([draw([2, 3], 0, 1)], { lr: 0.1 }),
};

/** Masks have no derivative: in float32, which the checks leave alone. */
const attentionMask = (): Tensor => draw([1, 1, 3, 4]).to('float32');
function attentionGradient(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | null, causal: boolean): Call {
  const attrs = { scale: 0.6, causal };
  const [y, level] = wick.callKernel(TABLE.attention as KernelOp, [q, k, v, mask], attrs);
  return { inputs: [draw(y.shape), q, k, v, y, level, mask], attrs };
}
/** The statistics are those of x and of the targets. */
function crossEntropyGradient(reduction: 'mean' | 'sum' | 'none', ignoreIndex: number, smoothing: number): Call {
  const x = draw([4, 5]);
  const target = int([2, 0, 1, 0]);
  const weight = smoothing === 0 ? null : draw([5], 0.5, 2).to('float32');
  const attrs = { ignoreIndex, smoothing, reduction };
  const [y, level, sum, total] = wick.callKernel(TABLE.crossEntropy as KernelOp, [x, target, weight], attrs);
  return { inputs: [draw(y.shape), x, target, level, sum, total, weight], attrs };
}
/** The statistics are those of x: the row's derivative holds only there. */
function normalizationGradient(x: Tensor, weight: Tensor | null, attrs: Attrs): Call {
  const [, mean, variance] = wick.callKernel(TABLE.normalization as KernelOp, [x, null, null, null, null], { ...attrs, eps: 1e-3 });
  return { inputs: [draw(x.shape), x, mean, variance, weight], attrs: { ...attrs, eps: 1e-3 } };
}

/** Calls of every view. */
export const VIEWS: Readonly<Record<string, () => Call[]>> = {
  reshape: () => [one(draw([2, 6]), { shape: [3, 4] }), one(draw([1]), { shape: [] })],
  permute: () => [one(draw([2, 3, 4]), { dims: [2, 0, 1] })],
  expand: () => [one(draw([3, 1]), { shape: [2, 3, 4] })],
  slice: () => [one(draw([4, 5]), { starts: [1, 0], steps: [1, 2], sizes: [3, 2] })],
  diagonal: () => [one(draw([3, 4]), { offset: 1 }), one(draw([2, 3, 3]), { offset: -1, dim1: 1, dim2: 2 })],
  unfold: () => [one(draw([2, 6]), { dim: 1, size: 3, step: 2 }), one(draw([5]), { dim: 0, size: 3, step: 1 })],
  asStrided: () => [one(draw([3, 4]), { shape: [2, 3], strides: [1, 3], offset: 2 }), one(draw([6]), { shape: [3, 3], strides: [1, 1] })],
};
