// Ops that read or write where an index tensor says. Indices are int64 or int32, in 0 to size - 1; others are an IndexError.
import { COMPUTE, type DType, isFloat, promote, SIZE } from '../base/dtype.ts';
import { DTypeError, ShapeError, ValueError } from '../base/errors.ts';
import { contiguousStrides, type Shape, show, sizeOf, wrapDim } from '../base/shape.ts';
import { type KernelOp, kernel, type Meta, type Value } from './op.ts';
import { collapse, GRAIN, list, tilesOf } from './strided.ts';

/** Bytes that one tile of a copying phase moves; as in assembly/kernels/indexing.ts. */
const BYTES = 1 << 17;

/** The dimensions around `dim`, collapsed. */
interface Around {
  readonly outer: number;
  readonly n: number;
  readonly inner: number;
}
function around(shape: Shape, dim: number): Around {
  return { outer: sizeOf(shape.slice(0, dim)), n: shape.length === 0 ? 1 : shape[dim], inner: sizeOf(shape.slice(dim + 1)) };
}

function needIndex(op: string, index: Meta): void {
  if (index.dtype !== 'int64' && index.dtype !== 'int32')
    throw new DTypeError(`${op}: the index has dtype ${index.dtype}; use int64 or int32 (index.to('int64'))`);
}
function needSame(op: string, x: Meta, src: Meta): void {
  if (x.dtype !== src.dtype)
    throw new DTypeError(`${op}: dtypes ${x.dtype} and ${src.dtype} differ; convert the source with src.to('${x.dtype}')`);
}
/** Tiles of the phase that checks n indices and copies the output. */
const prepareTiles = (n: number, y: Meta, dtype: DType): number =>
  Math.max(1, tilesOf(n), Math.ceil((sizeOf(y.shape) * SIZE[dtype]) / BYTES));
const as = (...dtypes: DType[]): readonly DType[] => dtypes;

// ---- one index for whole rows: indexSelect, indexAdd, indexCopy, embedding

function lowerSelect(y: Meta, a: Around, k: number): { ints: number[]; tiles: number[] } {
  const per = Math.max(1, Math.floor(GRAIN / Math.max(1, a.inner)));
  return { ints: [a.outer, a.n, k, a.inner, per], tiles: sizeOf(y.shape) === 0 ? [] : [tilesOf(a.outer * k, per)] };
}

/** Rows of x along dim: y[..., j, ...] = x[..., index[j], ...], index of at most one dimension. @throws ShapeError, DTypeError, IndexError */
export const indexSelect: KernelOp = kernel({
  doc: 'The slices of a dimension that a one-dimensional index names.',
  onnx: 'Gather',
  inputs: ['x', 'index'],
  outputs: ['y'],
  attrs: { dim: 'number' },
  infer: ([x, index], { dim }: { dim: number }) => {
    needIndex('indexSelect', index);
    const d = wrapDim('indexSelect', dim, x.shape.length);
    if (index.shape.length > 1 || (x.shape.length === 0 && sizeOf(index.shape) !== 1))
      throw new ShapeError(
        `indexSelect: index ${show(index.shape)} on ${show(x.shape)}; give a one-dimensional index (one element for a scalar)`,
      );
    const shape = x.shape.slice();
    if (shape.length > 0) shape[d] = sizeOf(index.shape);
    return [{ shape, dtype: x.dtype }];
  },
  loads: ([x]) => as(x.dtype, 'int64'),
  writes: ([x]) => [x.dtype],
  ints: ['outer', 'n', 'k', 'inner', 'per'],
  lower: ([x, index], [y], { dim }: { dim: number }) =>
    lowerSelect(y, around((x as Meta).shape, wrapDim('indexSelect', dim, (x as Meta).shape.length)), sizeOf((index as Meta).shape)),
  kernel: { file: 'indexing', name: 'indexSelect' },
  saves: ['index'],
  vjp: ({ indexSelectBackward }, { dy, index, inputs, attrs }) => [
    indexSelectBackward(dy, index, { shape: (inputs[0] as Meta).shape, dim: attrs.dim }),
    null,
  ],
});

const addInts: string[] = ['outer', 'n', 'k', 'inner', 'chunk', 'chunks', 'per', 'skip'];

function lowerAdd(y: Meta, dim: number, k: number, alpha: number, skip: number): { ints: number[]; floats: number[]; tiles: number[] } {
  const { outer, n, inner } = around(y.shape, dim);
  // Columns and outer blocks are independent; within them the index is walked in order.
  const chunk = k * inner > GRAIN ? 64 : Math.max(1, inner);
  const chunks = Math.max(1, Math.ceil(inner / chunk));
  const per = Math.max(1, Math.floor(GRAIN / Math.max(1, k * chunk)));
  const ints = [outer, n, k, inner, chunk, chunks, per, skip];
  const tiles = [prepareTiles(k, y, y.dtype), Math.ceil(outer / per) * chunks];
  // With no memory to write there may still be an index to check.
  return { ints, floats: [alpha], tiles: sizeOf(y.shape) === 0 ? (k === 0 ? [] : tiles.slice(0, 1)) : k === 0 ? tiles.slice(0, 1) : tiles };
}

function checkRows(op: string, x: Meta, index: Meta, src: Meta, dim: number): number {
  needIndex(op, index);
  needSame(op, x, src);
  const d = wrapDim(op, dim, x.shape.length);
  const k = sizeOf(index.shape);
  const want = x.shape.slice();
  if (want.length > 0) want[d] = k;
  if (
    index.shape.length > 1 ||
    sizeOf(want) !== sizeOf(src.shape) ||
    (src.shape.length > 0 && want.length > 0 && show(want) !== show(src.shape))
  )
    throw new ShapeError(
      `${op}: source ${show(src.shape)} for ${show(x.shape)}, dim ${d}, index ${show(index.shape)}; the source must be ${show(want)}`,
    );
  return d;
}

/** x with alpha * src added to the slices that index names, in order (duplicates add up). @throws ShapeError, DTypeError, IndexError */
export const indexAdd: KernelOp = kernel({
  doc: 'Adds the slices of a source to the slices of a dimension that an index names; duplicates add up in order.',
  inputs: ['x', 'index', 'src'],
  outputs: ['y'],
  attrs: { dim: 'number', 'alpha?': 'number' },
  infer: ([x, index, src], { dim }: { dim: number }) => {
    checkRows('indexAdd', x, index, src, dim);
    return [{ shape: x.shape, dtype: x.dtype }];
  },
  loads: ([x]) => as(COMPUTE[x.dtype], 'int64', COMPUTE[x.dtype]),
  writes: ([x]) => [COMPUTE[x.dtype]],
  ints: addInts,
  floats: ['alpha'],
  lower: ([, index], [y], { dim, alpha = 1 }: { dim: number; alpha?: number }) =>
    lowerAdd(y, wrapDim('indexAdd', dim, y.shape.length), sizeOf((index as Meta).shape), alpha, -1),
  kernel: { file: 'indexing', name: 'indexAdd' },
  saves: ['index'],
  vjp: ({ indexSelect, mul, reshape }, { dy, index, attrs, needs, inputs }) => {
    const rows = (): Value => {
      const g = reshape(indexSelect(dy, index, { dim: attrs.dim }), { shape: (inputs[2] as Meta).shape });
      return attrs.alpha === undefined || attrs.alpha === 1 ? g : mul(g, attrs.alpha);
    };
    return [dy, null, needs[2] ? rows() : null];
  },
});

/** x with the slices that index names replaced by those of src; the last of duplicates wins. @throws ShapeError, DTypeError, IndexError */
export const indexCopy: KernelOp = kernel({
  doc: 'Replaces the slices of a dimension that an index names by those of a source; the last of duplicates wins.',
  inputs: ['x', 'index', 'src'],
  outputs: ['y'],
  attrs: { dim: 'number' },
  infer: ([x, index, src], { dim }: { dim: number }) => {
    checkRows('indexCopy', x, index, src, dim);
    return [{ shape: x.shape, dtype: x.dtype }];
  },
  loads: ([x]) => as(x.dtype, 'int64', x.dtype),
  writes: ([x]) => [x.dtype],
  ints: addInts,
  floats: ['alpha'],
  lower: ([, index], [y], { dim }: { dim: number }) =>
    lowerAdd(y, wrapDim('indexCopy', dim, y.shape.length), sizeOf((index as Meta).shape), 1, -1),
  kernel: { file: 'indexing', name: 'indexCopy' },
  saves: ['index'],
  vjp: ({ indexCopy, indexSelect, reshape, full }, { dy, index, attrs, needs, inputs }) => {
    const src = inputs[2] as Meta;
    return [
      needs[0] ? indexCopy(dy, index, full({ shape: src.shape, value: 0, dtype: dy.dtype }), attrs) : null,
      null,
      needs[2] ? reshape(indexSelect(dy, index, { dim: attrs.dim }), { shape: src.shape }) : null,
    ];
  },
});

/** Zeros of `shape` with the slices of dy added where index says: the derivative of indexSelect. */
export const indexSelectBackward: KernelOp = kernel({
  doc: 'Zeros of a shape with slices added where an index says.',
  inputs: ['dy', 'index'],
  outputs: ['y'],
  attrs: { shape: 'Shape', dim: 'number' },
  infer: ([dy, index], { shape, dim }: { shape: Shape; dim: number }) => {
    checkRows('indexSelectBackward', { ...dy, shape }, index, dy, dim);
    return [{ shape, dtype: dy.dtype }];
  },
  loads: ([dy]) => as(COMPUTE[dy.dtype], 'int64'),
  writes: ([dy]) => [COMPUTE[dy.dtype]],
  ints: addInts,
  floats: ['alpha'],
  lower: ([, index], [y], { dim }: { dim: number }) =>
    lowerAdd(y, wrapDim('indexSelect', dim, y.shape.length), sizeOf((index as Meta).shape), 1, -1),
  kernel: { file: 'indexing', name: 'indexSelectBackward' },
  saves: ['index'],
  vjp: ({ indexSelect }, { dy, index, attrs }) => [indexSelect(dy, index, { dim: attrs.dim }), null],
});

const padRow = (paddingIdx: number | undefined | null, rows: number): number =>
  paddingIdx == null ? -1 : paddingIdx < 0 ? paddingIdx + rows : paddingIdx;

/** Rows of a (rows, width) table for an index of any shape; the row paddingIdx takes no gradient. @throws ShapeError, DTypeError, IndexError */
export const embedding: KernelOp = kernel({
  doc: 'The rows of a table that an index of any shape names.',
  inputs: ['weight', 'index'],
  outputs: ['y'],
  attrs: { 'paddingIdx?': 'number | null' },
  infer: ([weight, index], { paddingIdx }: { paddingIdx?: number | null }) => {
    needIndex('embedding', index);
    if (weight.shape.length !== 2) throw new ShapeError(`embedding: the table is ${show(weight.shape)}; give a matrix, one row per index`);
    const rows = weight.shape[0];
    if (paddingIdx != null && !(paddingIdx >= -rows && paddingIdx < rows))
      throw new ValueError(`embedding: paddingIdx ${paddingIdx} is not a row of ${show(weight.shape)}; use ${-rows} to ${rows - 1}`);
    return [{ shape: [...index.shape, weight.shape[1]], dtype: weight.dtype }];
  },
  loads: ([weight]) => as(weight.dtype, 'int64'),
  writes: ([weight]) => [weight.dtype],
  ints: ['outer', 'n', 'k', 'inner', 'per'],
  lower: ([weight, index], [y]) => lowerSelect(y, around((weight as Meta).shape, 0), sizeOf((index as Meta).shape)),
  kernel: { file: 'indexing', name: 'embedding' },
  saves: ['index'],
  vjp: ({ embeddingBackward }, { dy, index, inputs, attrs }) => [
    embeddingBackward(dy, index, { rows: (inputs[0] as Meta).shape[0], paddingIdx: attrs.paddingIdx }),
    null,
  ],
});

/** Zeros (rows, width) with each vector of dy added to its row, in order; the row paddingIdx stays zero. */
export const embeddingBackward: KernelOp = kernel({
  doc: 'Zeros with each vector added to the row of a table that its index names, in order.',
  inputs: ['dy', 'index'],
  outputs: ['y'],
  attrs: { rows: 'number', 'paddingIdx?': 'number | null' },
  infer: ([dy, index], { rows }: { rows: number }) => {
    needIndex('embeddingBackward', index);
    if (dy.shape.length === 0 || show(dy.shape.slice(0, -1)) !== show(index.shape))
      throw new ShapeError(
        `embeddingBackward: gradient ${show(dy.shape)} for index ${show(index.shape)}; it needs the index's shape and one more dimension`,
      );
    return [{ shape: [rows, dy.shape[dy.shape.length - 1]], dtype: dy.dtype }];
  },
  loads: ([dy]) => as(COMPUTE[dy.dtype], 'int64'),
  writes: ([dy]) => [COMPUTE[dy.dtype]],
  ints: addInts,
  floats: ['alpha'],
  lower: ([, index], [y], { rows, paddingIdx }: { rows: number; paddingIdx?: number | null }) =>
    lowerAdd(y, 0, sizeOf((index as Meta).shape), 1, padRow(paddingIdx, rows)),
  kernel: { file: 'indexing', name: 'embeddingBackward' },
  saves: ['index'],
  vjp: ({ embedding, eq, reshape, where }, { dy, index, attrs }) => {
    const g = embedding(dy, index, { paddingIdx: attrs.paddingIdx });
    if (attrs.paddingIdx == null) return [g, null];
    return [where(reshape(eq(index, padRow(attrs.paddingIdx, attrs.rows)), { shape: [...index.shape, 1] }), 0, g), null];
  },
});

// ---- one index per element: gather and the scatters

const scatterInts: string[] = [
  'n',
  'total',
  'axis',
  'step',
  'mode',
  'self',
  'per',
  'dims',
  ...list('size'),
  ...list('stride'),
  ...list('from'),
];

/** Fields of a walk over index positions: x along its strides but the axis, the source along its own. */
function lowerScatter(
  op: string,
  x: Meta,
  index: Meta,
  src: Shape,
  dim: number,
  mode: number,
  self: boolean,
): { ints: number[]; n: number; per: number; total: number } {
  const d = wrapDim(op, dim, x.shape.length);
  const strides = contiguousStrides(x.shape);
  const step = x.shape.length === 0 ? 1 : strides[d];
  if (strides.length > 0) strides[d] = 0;
  // A scalar index means one element of one dimension.
  const shape = index.shape.length === 0 ? x.shape.map(() => 1) : index.shape;
  const walk = collapse(
    op,
    shape,
    strides.length === 0 ? shape.map(() => 0) : strides,
    src.length === shape.length ? contiguousStrides(src) : shape.map(() => 1),
  );
  const n = sizeOf(index.shape);
  // Different rows of an outermost dimension that is not the axis write to different places.
  const row = n / walk[1];
  const per = walk[1 + 8] === 0 ? Math.max(1, n) : Math.max(1, row * Math.max(1, Math.floor(GRAIN / row)));
  const total = sizeOf(x.shape);
  return { ints: [n, total, x.shape.length === 0 ? 1 : x.shape[d], step, mode, self ? 1 : 0, per, ...walk], n, per, total };
}

/** gather's and scatter's rule: index within x but for the axis, and within the source. */
function checkEach(op: string, x: Meta, index: Meta, src: Meta | null, dim: number): void {
  needIndex(op, index);
  const d = wrapDim(op, dim, x.shape.length);
  if (sizeOf(index.shape) === 0) return;
  const at = (s: Shape): Shape => (s.length === 0 ? [1] : s);
  const [a, i, b] = [at(x.shape), at(index.shape), src && at(src.shape)];
  if (
    a.length !== i.length ||
    i.some((n, k) => (k !== d && n > a[k]) || (b !== null && n > (b[k] ?? 0))) ||
    (b !== null && b.length !== i.length)
  )
    throw new ShapeError(
      `${op}: index ${show(index.shape)} for ${show(x.shape)}${src ? ` and source ${show(src.shape)}` : ''}, dim ${d}; the index must have as many dimensions and be no larger${src ? ' than the source, nor, but for dim, than the tensor' : ' but for dim'}`,
    );
}

/** y[i][j][k] = x[index[i][j][k]][j][k] for dim 0; y has index's shape. @throws ShapeError, DTypeError, IndexError */
export const gather: KernelOp = kernel({
  doc: 'Elements along a dimension at the places that an index of the same rank gives.',
  onnx: 'GatherElements',
  inputs: ['x', 'index'],
  outputs: ['y'],
  attrs: { dim: 'number' },
  infer: ([x, index], { dim }: { dim: number }) => {
    checkEach('gather', x, index, null, dim);
    return [{ shape: index.shape, dtype: x.dtype }];
  },
  loads: ([x]) => as(x.dtype, 'int64'),
  writes: ([x]) => [x.dtype],
  ints: scatterInts,
  lower: ([x, index], [y], { dim }: { dim: number }) => {
    const n = sizeOf(y.shape);
    if (n === 0) return { ints: scatterInts.map(() => 0), tiles: [] };
    return { ints: lowerScatter('gather', x as Meta, index as Meta, y.shape, dim, 0, false).ints, tiles: [tilesOf(n)] };
  },
  kernel: { file: 'indexing', name: 'gather' },
  saves: ['index'],
  vjp: ({ gatherBackward }, { dy, index, inputs, attrs }) => [
    gatherBackward(dy, index, { shape: (inputs[0] as Meta).shape, dim: attrs.dim }),
    null,
  ],
});

interface ScatterAttrs {
  readonly dim: number;
  readonly reduce?: string;
  readonly includeSelf?: boolean;
}
const MODES: Readonly<Record<string, number>> = { sum: 1, prod: 2, mean: 3, amax: 4, amin: 5 };

function lowerInto(
  op: string,
  x: Meta,
  index: Meta,
  src: Shape,
  dim: number,
  mode: number,
  self: boolean,
): { ints: number[]; tiles: number[]; workspace?: number } {
  const total = sizeOf(x.shape);
  if (sizeOf(index.shape) === 0) {
    const ints = scatterInts.map(() => 0);
    ints[1] = total;
    return { ints, tiles: total === 0 ? [] : [prepareTiles(0, x, x.dtype)] };
  }
  const { ints, n, per } = lowerScatter(op, x, index, src, dim, mode, self);
  const tiles = [prepareTiles(n, x, x.dtype)];
  if (total > 0) tiles.push(tilesOf(n, per));
  if (mode === MODES.mean && total > 0) tiles.push(tilesOf(total));
  return { ints, tiles, workspace: mode === MODES.mean ? 4 * total : 0 };
}

/** The gradient of src where index may be smaller than src. */
function widen(ops: { sliceBackward(dy: Value, attrs: object): Value }, g: Value, src: Meta): Value {
  if (show(g.shape) === show(src.shape) || src.shape.length === 0) return g;
  return ops.sliceBackward(g, { shape: src.shape, starts: src.shape.map(() => 0), steps: src.shape.map(() => 1) });
}

const intoRow = {
  inputs: ['x', 'index', 'src'],
  outputs: ['y'],
  loads: ([x]: readonly Meta[]): readonly DType[] => as(COMPUTE[x.dtype], 'int64', COMPUTE[x.dtype]),
  writes: ([x]: readonly Meta[]): readonly DType[] => [COMPUTE[x.dtype]],
  ints: scatterInts,
} as const;

function inferInto(op: string): KernelOp['infer'] {
  return ([x, index, src], { dim }: ScatterAttrs) => {
    checkEach(op, x, index, src, dim);
    needSame(op, x, src);
    return [{ shape: x.shape, dtype: x.dtype }];
  };
}

/** x with x[index[i][j][k]][j][k] = src[i][j][k] for dim 0; the last of duplicates wins. @throws ShapeError, DTypeError, IndexError */
export const scatter: KernelOp = kernel({
  ...intoRow,
  doc: 'Writes the elements of a source where an index along a dimension says; the last of duplicates wins.',
  onnx: 'ScatterElements',
  attrs: { dim: 'number' },
  infer: inferInto('scatter'),
  lower: ([x, index, src], _, { dim }: ScatterAttrs) => lowerInto('scatter', x as Meta, index as Meta, (src as Meta).shape, dim, 0, true),
  kernel: { file: 'indexing', name: 'scatter' },
  saves: ['index'],
  vjp: (ops, { dy, index, attrs, needs, inputs }) => [
    needs[0] ? ops.scatter(dy, index, ops.full({ shape: index.shape, value: 0, dtype: dy.dtype }), { dim: attrs.dim }) : null,
    null,
    needs[2] ? widen(ops as never, ops.gather(dy, index, { dim: attrs.dim }), inputs[2] as Meta) : null,
  ],
});

/** x with src[i][j][k] added at x[index[i][j][k]][j][k] for dim 0, in order. @throws ShapeError, DTypeError, IndexError */
export const scatterAdd: KernelOp = kernel({
  ...intoRow,
  doc: 'Adds the elements of a source where an index along a dimension says; duplicates add up in order.',
  attrs: { dim: 'number' },
  infer: inferInto('scatterAdd'),
  lower: ([x, index, src], _, { dim }: ScatterAttrs) =>
    lowerInto('scatterAdd', x as Meta, index as Meta, (src as Meta).shape, dim, MODES.sum, true),
  kernel: { file: 'indexing', name: 'scatterAdd' },
  saves: ['index'],
  vjp: (ops, { dy, index, attrs, needs, inputs }) => [
    dy,
    null,
    needs[2] ? widen(ops as never, ops.gather(dy, index, { dim: attrs.dim }), inputs[2] as Meta) : null,
  ],
});

/** Zeros of `shape` with dy added where index says: the derivative of gather, sort and topk. */
export const gatherBackward: KernelOp = kernel({
  doc: 'Zeros of a shape with elements added where an index along a dimension says.',
  inputs: ['dy', 'index'],
  outputs: ['y'],
  attrs: { shape: 'Shape', dim: 'number' },
  infer: ([dy, index], { shape, dim }: { shape: Shape; dim: number }) => {
    checkEach('gatherBackward', { ...dy, shape }, index, dy, dim);
    return [{ shape, dtype: dy.dtype }];
  },
  loads: ([dy]) => as(COMPUTE[dy.dtype], 'int64'),
  writes: ([dy]) => [COMPUTE[dy.dtype]],
  ints: scatterInts,
  lower: ([dy, index], [y], { dim }: { dim: number }) =>
    lowerInto('gatherBackward', y, index as Meta, (dy as Meta).shape, dim, MODES.sum, true),
  kernel: { file: 'indexing', name: 'gatherBackward' },
  saves: ['index'],
  vjp: ({ gather }, { dy, index, attrs }) => [gather(dy, index, { dim: attrs.dim }), null],
});

/** As scatterAdd with another reduction: 'sum', 'prod', 'mean', 'amax', 'amin'; without includeSelf what is written starts afresh. */
export const scatterReduce: KernelOp = kernel({
  ...intoRow,
  doc: 'Reduces the elements of a source into the places that an index along a dimension gives.',
  attrs: { dim: 'number', reduce: "'sum' | 'prod' | 'mean' | 'amax' | 'amin'", 'includeSelf?': 'boolean' },
  infer: (inputs, attrs: ScatterAttrs) => {
    if (!((attrs.reduce ?? '') in MODES))
      throw new ValueError(`scatterReduce: reduce '${attrs.reduce}' is not one of ${Object.keys(MODES).join(', ')}`);
    return inferInto('scatterReduce')(inputs, attrs);
  },
  lower: ([x, index, src], _, { dim, reduce, includeSelf = true }: ScatterAttrs) =>
    lowerInto('scatterReduce', x as Meta, index as Meta, (src as Meta).shape, dim, MODES[reduce as string], includeSelf),
  kernel: { file: 'indexing', name: 'scatterReduce' },
  saves: ['x', 'index', 'src', 'y'],
  // torch's formulas: ties of amax and amin share; a product divides out each factor, a single zero is put aside.
  vjp: (ops, { dy, x, index, src, y, attrs, inputs }) => {
    const { dim, reduce, includeSelf = true } = attrs as ScatterAttrs;
    const { gather, mul, div, where, eq, scatterAdd, full } = ops;
    const shape = index.shape;
    const dtype = dy.dtype;
    const constant = (s: Shape, value: number): Value => full({ shape: s, value, dtype });
    const at = (t: Value): Value => gather(t, index, { dim });
    const clear = (t: Value): Value => (includeSelf ? t : ops.scatter(t, index, constant(shape, 0), { dim }));
    // Only the part of the source that the index covers takes part.
    const s = src.shape.length === 0 ? src : ops.slice(src, { starts: shape.map(() => 0), steps: shape.map(() => 1), sizes: shape });
    let dx: Value;
    let ds: Value;
    if (reduce === 'sum') {
      dx = clear(dy);
      ds = at(dy);
    } else if (reduce === 'mean') {
      const count = scatterAdd(constant(x.shape, includeSelf ? 1 : 0), index, constant(shape, 1), { dim });
      const g = div(dy, where(eq(count, 0), 1, count));
      dx = clear(g);
      ds = at(g);
    } else if (reduce === 'prod') {
      const one = where(eq(x, 0), 1, x);
      dx = clear(div(mul(dy, ops.scatterReduce(one, index, src, attrs)), one));
      const zero = eq(s, 0);
      const zeros = at(scatterAdd(constant(x.shape, 0), index, where(zero, constant(shape, 1), 0), { dim }));
      const single = mul(zero, eq(zeros, 1));
      const rest = ops.scatterReduce(x, index, where(single, 1, s), attrs);
      ds = where(single, at(mul(dy, rest)), div(at(mul(dy, y)), where(zero, 1, s)));
    } else {
      const self = clear(where(eq(x, y), constant(x.shape, 1), 0));
      const hit = where(eq(s, at(y)), constant(shape, 1), 0);
      const count = scatterAdd(self, index, hit, { dim });
      const g = div(dy, where(eq(count, 0), 1, count));
      // Untouched elements are their own result.
      dx = mul(self, g);
      ds = mul(hit, at(g));
    }
    return [dx, null, widen(ops as never, ds, inputs[2] as Meta)];
  },
});

/** How many elements are not zero, as an int64 scalar: the first half of nonzero. */
export const nonzeroCount: KernelOp = kernel({
  doc: 'The number of elements that are not zero.',
  inputs: ['x'],
  outputs: ['y'],
  attrs: {},
  infer: () => [{ shape: [], dtype: 'int64' }],
  loads: () => 'bool',
  writes: () => ['int64'],
  ints: ['n'],
  lower: ([x]) => ({ ints: [sizeOf((x as Meta).shape)], tiles: [1] }),
  kernel: { file: 'indexing', name: 'nonzeroCount' },
  vjp: null,
});

/** Coordinates (count, rank) of the elements that are not zero, in order; count is nonzeroCount's. */
export const nonzeroFill: KernelOp = kernel({
  doc: 'The coordinates of the elements that are not zero, in order.',
  inputs: ['x'],
  outputs: ['y'],
  attrs: { count: 'number' },
  infer: ([x], { count }: { count: number }) => [{ shape: [count, x.shape.length], dtype: 'int64' }],
  loads: () => 'bool',
  writes: () => ['int64'],
  ints: ['n', 'count', 'rank', ...list('size')],
  lower: ([x], [y], { count }: { count: number }) => {
    const { shape } = x as Meta;
    if (shape.length > 8) throw new ShapeError(`nonzero: ${show(shape)} has more than 8 dimensions; flatten some of them first`);
    return {
      ints: [sizeOf(shape), count, shape.length, ...Array.from({ length: 8 }, (_, i) => shape[i] ?? 1)],
      tiles: sizeOf(y.shape) === 0 ? [] : [1],
    };
  },
  kernel: { file: 'indexing', name: 'nonzeroFill' },
  vjp: null,
});

/** int64 places where values would go in the sorted last dimension; right: after equal ones. @throws ShapeError */
export const searchsorted: KernelOp = kernel({
  doc: 'The places in the sorted last dimension where values would go.',
  inputs: ['sorted', 'values'],
  outputs: ['y'],
  attrs: { 'right?': 'boolean' },
  infer: ([sorted, values]) => {
    const lead = sorted.shape.slice(0, -1);
    if (sorted.shape.length === 0 || (lead.length > 0 && show(lead) !== show(values.shape.slice(0, -1))))
      throw new ShapeError(
        `searchsorted: values ${show(values.shape)} for ${show(sorted.shape)}; all but the last dimension must agree, or the sorted tensor have one dimension`,
      );
    return [{ shape: values.shape, dtype: 'int64' }];
  },
  loads: ([sorted, values]) => COMPUTE[isFloat(sorted.dtype) || isFloat(values.dtype) ? promote(sorted.dtype, values.dtype) : 'int64'],
  writes: () => ['int64'],
  ints: ['count', 'n', 'm', 'right'],
  lower: ([sorted, values], _, { right = false }: { right?: boolean }) => {
    const count = sizeOf((values as Meta).shape);
    const { shape } = sorted as Meta;
    const m = shape.length === 1 ? count : (values as Meta).shape[shape.length - 1];
    return { ints: [count, shape[shape.length - 1], m, right ? 1 : 0], tiles: count === 0 ? [] : [tilesOf(count)] };
  },
  kernel: { file: 'indexing', name: 'searchsorted' },
  vjp: null,
});
