// Sorting along a dimension. Always stable; NaN counts as the largest.
import { COMPUTE, type DType } from '../base/dtype.ts';
import { IndexError } from '../base/errors.ts';
import { show, sizeOf, wrapDim } from '../base/shape.ts';
import { type KernelOp, kernel, type Lowered, type Meta, type Result } from './op.ts';

/** Bytes of a row's histograms, and what a thread's scratch holds besides; as in kernels/sort.ts and assembly/threads.ts. */
const COUNTS = 24576;
const SCRATCH = (1 << 19) - COUNTS;
/** Elements that one tile sorts at least. */
const GRAIN = 8192;

const ints: string[] = ['n', 'k', 'inner', 'count', 'each', 'descending', 'spare'];
const writes = ([x]: readonly Meta[]): readonly DType[] => [COMPUTE[x.dtype], 'int64'];

function lower(x: Meta, dim: number, k: number, descending: boolean): Lowered {
  const { shape } = x;
  const n = shape.length === 0 ? 1 : shape[dim];
  const inner = sizeOf(shape.slice(dim + 1));
  const count = n === 0 ? 0 : sizeOf(shape) / n;
  // Long rows sort in memory of their tile's own; few such tiles, so that it stays a few times the data.
  const long = 24 * n > SCRATCH;
  const each = long ? Math.max(1, Math.ceil(count / 4)) : Math.max(1, Math.floor(GRAIN / Math.max(1, n)));
  const spare = long ? (COUNTS + 24 * n + 63) & ~63 : 0;
  const tiles = Math.ceil(count / each);
  return {
    ints: [n, k, inner, count, each, descending ? 1 : 0, spare],
    tiles: count === 0 || k === 0 ? [] : [tiles],
    workspace: spare * tiles,
  };
}

const pair = (x: Meta, shape: readonly number[]): readonly Result[] => [
  { shape, dtype: x.dtype },
  { shape, dtype: 'int64' },
];

/** Elements in ascending (or descending) order along dim, and the int64 indices they come from. @throws IndexError */
export const sort: KernelOp = kernel({
  doc: 'Sorts along a dimension: the values and the indices they come from; equal values keep their order.',
  inputs: ['x'],
  outputs: ['y', 'indices'],
  attrs: { 'dim?': 'number', 'descending?': 'boolean', 'stable?': 'boolean' },
  infer: ([x], { dim = -1 }: { dim?: number }) => {
    wrapDim('sort', dim, x.shape.length);
    return pair(x, x.shape);
  },
  loads: ([x]) => COMPUTE[x.dtype],
  writes,
  ints,
  lower: ([x], _, { dim = -1, descending = false }: { dim?: number; descending?: boolean }) => {
    const { shape } = x as Meta;
    const d = wrapDim('sort', dim, shape.length);
    return lower(x as Meta, d, shape.length === 0 ? 1 : shape[d], descending);
  },
  kernel: { file: 'sort', name: 'sort' },
  saves: ['indices'],
  vjp: ({ gatherBackward }, { dy, indices, inputs, attrs }) => [
    gatherBackward(dy, indices, { shape: (inputs[0] as Meta).shape, dim: attrs.dim ?? -1 }),
  ],
});

/** The k largest (or smallest) elements along dim in order, and their int64 indices; the first of equal ones. @throws IndexError */
export const topk: KernelOp = kernel({
  doc: 'The k largest or smallest elements along a dimension, in order, and their indices.',
  onnx: 'TopK',
  inputs: ['x'],
  outputs: ['y', 'indices'],
  attrs: { k: 'number', 'dim?': 'number', 'largest?': 'boolean', 'sorted?': 'boolean' },
  infer: ([x], { k, dim = -1 }: { k: number; dim?: number }) => {
    const d = wrapDim('topk', dim, x.shape.length);
    const n = x.shape.length === 0 ? 1 : x.shape[d];
    if (!(Number.isInteger(k) && k >= 0 && k <= n))
      throw new IndexError(`topk: k ${k} on dimension ${d} of ${show(x.shape)}; use 0 to ${n}`);
    const shape = x.shape.slice();
    if (shape.length > 0) shape[d] = k;
    return pair(x, shape);
  },
  loads: ([x]) => COMPUTE[x.dtype],
  writes,
  ints,
  lower: ([x], _, { k, dim = -1, largest = true }: { k: number; dim?: number; largest?: boolean }) =>
    // A scalar is its own first, whatever k.
    lower(x as Meta, wrapDim('topk', dim, (x as Meta).shape.length), (x as Meta).shape.length === 0 ? 1 : k, largest),
  kernel: { file: 'sort', name: 'topk' },
  saves: ['indices'],
  vjp: ({ gatherBackward }, { dy, indices, inputs, attrs }) => [
    gatherBackward(dy, indices, { shape: (inputs[0] as Meta).shape, dim: attrs.dim ?? -1 }),
  ],
});
