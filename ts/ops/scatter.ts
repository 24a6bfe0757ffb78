// One index per element: gather and the scatters.
import { COMPUTE, type DType } from '../base/dtype.ts';
import { ShapeError, ValueError } from '../base/errors.ts';
import { contiguousStrides, type Shape, show, sizeOf, wrapDim } from '../base/shape.ts';
import { as, needIndex, needSame, prepareTiles } from './indices.ts';
import { type KernelOp, kernel, type Meta, type Value } from './op.ts';
import { collapse, GRAIN, list, tilesOf } from './strided.ts';

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
