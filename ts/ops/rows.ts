// One index for whole rows of a dimension: indexSelect, indexAdd, indexCopy, embedding and their derivatives.
import { COMPUTE } from '../base/dtype.ts';
import { ShapeError, ValueError } from '../base/errors.ts';
import { type Shape, show, sizeOf, wrapDim } from '../base/shape.ts';
import { as, needIndex, needSame, prepareTiles } from './indices.ts';
import { type KernelOp, kernel, type Meta, type Value } from './op.ts';
import { GRAIN, tilesOf } from './strided.ts';

/** The dimensions around `dim`, collapsed. */
interface Around {
  readonly outer: number;
  readonly n: number;
  readonly inner: number;
}
function around(shape: Shape, dim: number): Around {
  return { outer: sizeOf(shape.slice(0, dim)), n: shape.length === 0 ? 1 : shape[dim], inner: sizeOf(shape.slice(dim + 1)) };
}

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
