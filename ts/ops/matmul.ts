import { COMPUTE, type DType, FLOAT, NUMBER, SIZE } from '../base/dtype.ts';
import { DTypeError, ShapeError } from '../base/errors.ts';
import { broadcast, contiguousStrides, type Shape, sameShape, show, sizeOf } from '../base/shape.ts';
import { kernel, type Layout, type Lowered, type Meta, type Op, type Value } from './op.ts';

const MAX_DIMS = 6;
/** k is cut into equal blocks of at most this: part of the order of summation. */
const K_BLOCK = 256;
/** Bytes of a row of a column block: 256 float32 columns times a block of k are 256 kB of packed B, which stay in the second-level cache. */
const N_BLOCK_BYTES = 1024;
/** Multiplications and additions worth a tile of their own. */
const GRAIN = 2_000_000;
/** Up to this many rows, packing B costs more than it brings: B stored by rows is read in place, B stored by columns as dot products. */
const FEW_ROWS = 8;
const FEW_DOTS = 4;
const PATH = { packed: 0, inPlace: 1, dots: 2, zeros: 3, integers: 4 } as const;

const numbered = (name: string): string[] => Array.from({ length: MAX_DIMS }, (_, i) => `${name}${i}`);
const INTS: readonly string[] = [
  ...['m', 'n', 'k', 'am', 'ak', 'bk', 'bn', 'byColumns', 'path', 'swap', 'kstep', 'mBlock', 'nBlock', 'mBlocks', 'nBlocks'],
  ...['units', 'per', 'packUnits', 'packPer', 'dims', 'finish'],
  ...numbered('size'),
  ...numbered('a'),
  ...numbered('b'),
  ...numbered('p'),
];

const FLOATS: readonly string[] = ['alpha', 'beta', 'low', 'high'];

/** Clamps that the last pass over a product can carry. */
export type Clamp = 'relu' | 'relu6';
const LIMITS: Record<Clamp, readonly number[]> = { relu: [0, Number.POSITIVE_INFINITY], relu6: [0, 6] };

/** A stack of matrices as the kernel sees it; strides in elements. */
export interface Stack {
  readonly batch: Shape;
  readonly batchStrides: Shape;
  readonly rows: number;
  readonly columns: number;
  readonly rowStride: number;
  readonly columnStride: number;
}

/** The matrices of a tensor, by its last two dimensions. */
export function stackOf(x: Meta): Stack {
  const r = x.shape.length;
  return {
    batch: x.shape.slice(0, -2),
    batchStrides: x.strides.slice(0, -2),
    rows: x.shape[r - 2],
    columns: x.shape[r - 1],
    rowStride: x.strides[r - 2],
    columnStride: x.strides[r - 1],
  };
}
/** The same matrices with rows and columns exchanged. */
export function transposed(x: Stack): Stack {
  return { ...x, rows: x.columns, columns: x.rows, rowStride: x.columnStride, columnStride: x.rowStride };
}

/** Matrices whose rows or columns are contiguous are read where they lie. */
function inPlaceLayout(x: Meta): Layout {
  const r = x.shape.length;
  const [rows, columns, rowStride, columnStride] = [x.shape[r - 2], x.shape[r - 1], x.strides[r - 2], x.strides[r - 1]];
  const lines = columns === 1 ? rows === 1 || rowStride === 1 : columnStride === 1 || (rowStride === 1 && rows !== 1);
  return lines && r - 2 <= MAX_DIMS ? 'any' : 'contiguous';
}

/** All rows of a stack as one matrix, if their strides allow it. */
function flattened(x: Stack): Stack | null {
  let rows = x.rows;
  let stride = x.rowStride;
  for (let i = x.batch.length - 1; i >= 0; i--) {
    if (x.batch[i] === 1) continue;
    if (rows === 1) stride = x.batchStrides[i];
    else if (x.batchStrides[i] !== rows * stride) return null;
    rows *= x.batch[i];
  }
  return { ...x, batch: [], batchStrides: [], rows, rowStride: stride };
}

interface Dim {
  size: number;
  a: number;
  b: number;
}

/** Batch dimensions of a product, neighbours merged where both operands allow it; stride 0 where an operand has size 1. */
function batchDims(a: Stack, b: Stack): Dim[] {
  const rank = Math.max(a.batch.length, b.batch.length);
  const dims: Dim[] = [];
  for (let i = -rank; i < 0; i++) {
    const sa = a.batch.at(i) ?? 1;
    const sb = b.batch.at(i) ?? 1;
    if (sa === 1 && sb === 1) continue;
    const dim = {
      size: sa === 1 ? sb : sa,
      a: sa === 1 ? 0 : (a.batchStrides.at(i) as number),
      b: sb === 1 ? 0 : (b.batchStrides.at(i) as number),
    };
    const last = dims.at(-1);
    if (last && last.a === dim.a * dim.size && last.b === dim.b * dim.size) {
      last.size *= dim.size;
      last.a = dim.a;
      last.b = dim.b;
    } else dims.push(dim);
  }
  return dims;
}

/** How to run a [..., m, k] x b [..., k, n] into a row-major result; `finish`: alpha, beta and limits of a last pass over it. */
function lowerProduct(op: string, left: Stack, right: Stack, dtype: DType, finish?: readonly number[]): Lowered {
  const size = SIZE[dtype];
  const width = 32 / size;
  let a = left;
  let b = right;
  // The choice of path looks at shapes (rowsInAll) and at row- or column-major only: dots sum in another order than the other paths.
  const shared = sizeOf(b.batch) === 1;
  const rowsInAll = shared ? a.rows * sizeOf(a.batch) : a.rows;
  if (shared) {
    a = flattened(a) ?? a;
    b = { ...b, batch: [], batchStrides: [] };
  }
  let swap = 0;
  if (b.columns === 1 && rowsInAll > 1) {
    [a, b] = [transposed(b), transposed(a)];
    swap = 1;
  }
  const m = a.rows;
  const n = b.columns;
  const k = a.columns;
  const rows = swap === 1 ? 1 : rowsInAll;
  const byRows = n > 1 && b.columnStride === 1;
  const byColumns = a.columnStride !== 1 && k > 1;
  const path =
    k === 0
      ? PATH.zeros
      : !FLOAT.includes(dtype)
        ? PATH.integers
        : byRows
          ? rows <= FEW_ROWS
            ? PATH.inPlace
            : PATH.packed
          : rows <= FEW_DOTS && !byColumns
            ? PATH.dots
            : PATH.packed;

  const dims = batchDims(a, b);
  if (dims.length > MAX_DIMS)
    throw new ShapeError(
      `${op}: more than ${MAX_DIMS} batch dimensions that do not merge, ${show(left.batch)} and ${show(right.batch)}; reshape to fewer`,
    );
  const batch = dims.reduce((p, d) => p * d.size, 1);
  let matrices = 1;
  const packed = dims.map(() => 0);
  for (let i = dims.length - 1; i >= 0; i--) {
    if (dims[i].b === 0) continue;
    packed[i] = matrices;
    matrices *= dims[i].size;
  }

  const blocks = Math.max(1, Math.ceil(k / K_BLOCK));
  const kstep = Math.max(8, Math.ceil(k / blocks / 8) * 8);
  const nBlock = path === PATH.inPlace ? 4096 / size : path === PATH.dots ? 64 : N_BLOCK_BYTES / size;
  const mBlock =
    path === PATH.packed || path === PATH.integers
      ? Math.max(32, 4 * Math.ceil(GRAIN / (8 * k * Math.min(n, nBlock) || GRAIN)))
      : Math.max(m, 1);
  const mBlocks = Math.ceil(m / mBlock);
  const nBlocks = Math.ceil(n / nBlock);
  const units = batch * mBlocks * nBlocks;
  const per = Math.max(1, Math.floor(GRAIN / (2 * Math.min(m, mBlock) * Math.min(n, nBlock) * k || GRAIN)));
  const panels = Math.ceil(n / width);
  const packUnits = path === PATH.packed ? matrices * blocks * Math.ceil(panels / 32) : 0;
  const packPer = Math.max(1, Math.floor(131072 / (Math.min(n, 32 * width) * Math.min(k, kstep) || 131072)));
  const field = (f: (d: Dim, i: number) => number): number[] =>
    Array.from({ length: MAX_DIMS }, (_, i) => (i < dims.length ? f(dims[i], i) : 0));
  const products = Math.ceil(units / per);
  return {
    ints: [
      ...[m, n, k, a.rowStride, a.columnStride, b.rowStride, b.columnStride, byColumns ? 1 : 0, path, swap, kstep],
      ...[mBlock, nBlock, mBlocks, nBlocks, units, per, packUnits, packPer, dims.length, finish ? 1 : 0],
      ...field((d) => d.size),
      ...field((d) => d.a),
      ...field((d) => d.b),
      ...field((_, i) => packed[i]),
    ],
    floats: finish,
    tiles: units === 0 ? [] : path === PATH.packed ? [Math.ceil(packUnits / packPer), products] : [products],
    workspace: path === PATH.packed ? matrices * blocks * panels * (kstep * 32 + 64) : 0,
    packs:
      path === PATH.packed
        ? { input: 1 - swap, key: `panels ${[dtype, n, k, b.rowStride, b.columnStride, packed, dims.map((d) => [d.size, d.b])]}` }
        : undefined,
  };
}

function checkTypes(op: string, inputs: readonly (Meta | null)[]): DType {
  const dtype = (inputs[0] as Meta).dtype;
  if (!NUMBER.includes(dtype)) throw new DTypeError(`${op}: ${dtype} is not supported; convert with .to('float32')`);
  for (const x of inputs)
    if (x && x.dtype !== dtype)
      throw new DTypeError(`${op}: operands must have one dtype, not ${dtype} and ${x.dtype}; convert one with .to('${x.dtype}')`);
  return dtype;
}

/** a and b with their last two dimensions exchanged, as views. */
function dimsOfTranspose(rank: number): number[] {
  const dims = Array.from({ length: rank }, (_, i) => i);
  [dims[rank - 2], dims[rank - 1]] = [rank - 1, rank - 2];
  return dims;
}

/**
 * Product of stacks of matrices, a [..., m, k] and b [..., k, n]; batch dimensions broadcast.
 * Sums run over blocks of at most 256 of k, each in the order of k; if there is one row (or one column) and the matrix lies along k, over the
 * lanes of a vector.
 */
export const matmul: Op = kernel({
  doc: 'Matrix product, batched and broadcast over the leading dimensions.',
  onnx: 'MatMul',
  inputs: ['a', 'b'],
  outputs: ['y'],
  attrs: {},
  infer: ([a, b]) => {
    if (a.shape.length < 2 || b.shape.length < 2)
      throw new ShapeError(
        `matmul: operands need at least 2 dimensions, not ${show(a.shape)} and ${show(b.shape)}; add one with unsqueeze`,
      );
    const dtype = checkTypes('matmul', [a, b]);
    const k = a.shape[a.shape.length - 1];
    if (k !== b.shape[b.shape.length - 2])
      throw new ShapeError(
        `matmul: ${show(a.shape)} and ${show(b.shape)} do not fit: the last dimension of a (${k}) must equal the second last of b (${b.shape[b.shape.length - 2]}); transpose or reshape one of them`,
      );
    const batch = broadcast('matmul', a.shape.slice(0, -2), b.shape.slice(0, -2));
    return [{ shape: [...batch, a.shape[a.shape.length - 2], b.shape[b.shape.length - 1]], dtype }];
  },
  loads: ([a]) => COMPUTE[a.dtype],
  layout: inPlaceLayout,
  ints: INTS,
  floats: FLOATS,
  lower: ([a, b], [y]) => lowerProduct('matmul', stackOf(a as Meta), stackOf(b as Meta), y.dtype),
  kernel: { file: 'gemm/matmul', name: 'matmul' },
  tiled: true,
  saves: ['a', 'b'],
  uses: { a: [1], b: [0] },
  vjp: (ops, { dy, a, b, inputs, needs }) => {
    const t = (x: Value): Value => ops.permute(x, { dims: dimsOfTranspose(x.shape.length) });
    const rows = (x: Value): Value => ops.reshape(x, { shape: [sizeOf(x.shape.slice(0, -1)), x.shape[x.shape.length - 1]] });
    // One matrix b for many a: a single product sums over the batch.
    const [first, second] = inputs as readonly Meta[];
    const flat = second.shape.length === 2 && first.shape.length > 2;
    return [needs[0] ? ops.matmul(dy, t(b)) : null, needs[1] ? (flat ? ops.matmul(t(rows(a)), rows(dy)) : ops.matmul(t(a), dy)) : null];
  },
});

/** Factors and clamp of linear. */
interface Affine {
  readonly alpha?: number;
  readonly beta?: number;
  readonly activation?: Clamp;
}

/**
 * x [..., in] times the transpose of w [out, in]: matmul's order; then times alpha, plus bias [out], plus beta times the residual
 * [..., out], clamped: the bits of separate ops in this order. Only floating-point operands take more than a bias.
 */
export const linear: Op = kernel({
  doc: 'Affine map alpha * x @ w.T + bias + beta * residual of the last dimension, then an activation; w is [out, in], bias [out].',
  inputs: ['x', 'w', 'bias?', 'residual?'],
  outputs: ['y'],
  attrs: { 'alpha?': 'number', 'beta?': 'number', 'activation?': "'relu' | 'relu6'" },
  infer: ([x, w, bias, residual]) => {
    const dtype = checkTypes('linear', [x, w, bias ?? null, residual ?? null]);
    const k = x.shape[x.shape.length - 1];
    if (w.shape.length !== 2 || x.shape.length < 1 || k !== w.shape[1])
      throw new ShapeError(
        `linear: input ${show(x.shape)} and weight ${show(w.shape)} do not fit: they need shapes [..., in] and [out, in]`,
      );
    if (bias && (bias.shape.length !== 1 || bias.shape[0] !== w.shape[0]))
      throw new ShapeError(`linear: bias ${show(bias.shape)} does not fit weight ${show(w.shape)}: it needs shape [${w.shape[0]}]`);
    const shape = [...x.shape.slice(0, -1), w.shape[0]];
    if (residual && !sameShape(residual.shape, shape))
      throw new ShapeError(`linear: residual ${show(residual.shape)} must have the result's shape ${show(shape)}; expand it`);
    return [{ shape, dtype }];
  },
  loads: ([x]) => COMPUTE[x.dtype],
  layout: (x, index) => (index < 2 && x.shape.length === 2 ? inPlaceLayout(x) : 'contiguous'),
  ints: INTS,
  floats: FLOATS,
  lower: ([x, w, bias, residual], [y], { alpha = 1, beta = 1, activation }: Affine) => {
    const { shape, strides } = x as Meta;
    const k = shape[shape.length - 1];
    const rows = sizeOf(shape.slice(0, -1));
    const matrix = shape.length === 2 ? { shape, strides } : { shape: [rows, k], strides: contiguousStrides([rows, k]) };
    const limits = activation ? LIMITS[activation] : [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
    const finish = bias || residual || activation || alpha !== 1 ? [alpha, beta, ...limits] : undefined;
    return lowerProduct('linear', stackOf({ ...matrix, dtype: y.dtype }), transposed(stackOf(w as Meta)), y.dtype, finish);
  },
  kernel: { file: 'gemm/matmul', name: 'linear' },
  tiled: true,
  // A factor below zero makes zeros negative, which a clamp at zero tells from its bound.
  activations: ({ alpha = 1 }: Affine) => (alpha > 0 ? ['relu', 'relu6'] : ['relu']),
  affine: { weight: 1, bias: 2 },
  saves: ['x', 'w'],
  uses: { x: [1], w: [0] },
  vjp: (ops, { dy, x, w, attrs, inputs, needs }) => {
    const { alpha = 1, beta = 1 }: Affine = attrs;
    const rows = (v: Value): Value => ops.reshape(v, { shape: [sizeOf(v.shape.slice(0, -1)), v.shape[v.shape.length - 1]] });
    const g = rows(alpha === 1 ? dy : ops.mul(dy, alpha));
    return [
      needs[0] ? ops.reshape(ops.matmul(g, w), { shape: (inputs[0] as Meta).shape }) : null,
      needs[1] ? ops.matmul(ops.permute(g, { dims: [1, 0] }), rows(x)) : null,
      inputs[2] && needs[2] ? ops.sum(rows(dy), { dims: [0], keepdim: false }) : null,
      inputs[3] && needs[3] ? (beta === 1 ? dy : ops.mul(dy, beta)) : null,
    ];
  },
});
