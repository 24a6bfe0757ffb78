import { type DType, isFloat } from '../base/dtype.ts';
import { DTypeError, ShapeError } from '../base/errors.ts';
import { type Shape, show, sizeOf } from '../base/shape.ts';
import { AXIS_INTS, checkDims, FOLD_INTS, foldLayout, keep, lowerAxis, lowerFold, reducedShape, reducedSize } from './axes.ts';
import { type Attrs, kernel, type Layout, type Meta, type Op } from './op.ts';
import { productsBefore, productsBehind } from './products.ts';

interface Dims {
  readonly dims: readonly number[];
  readonly keepdim: boolean;
  readonly dtype?: DType;
}

/** Integers and bools add up in int64, as in PyTorch. */
function total(x: Meta, dtype: DType | undefined): DType {
  return dtype ?? (isFloat(x.dtype) ? x.dtype : 'int64');
}
/** The compute type of a sum: half types in float32, integers in int64. */
function wide(dtype: DType): DType {
  return dtype === 'float64' ? dtype : isFloat(dtype) ? 'float32' : 'int64';
}
/** What extremes and their indices compare in. */
const ordered = ([x]: readonly Meta[]): DType => wide(x.dtype);
const folds =
  (name: string, divides: boolean) =>
  ([x]: readonly (Meta | null)[], _: readonly Meta[], { dims }: Dims) => {
    const { shape } = x as Meta;
    return { ...lowerFold(name, x as Meta, dims), floats: [divides ? reducedSize(shape, dims) : 1] };
  };
const layout = (x: Meta, _: number, __: readonly (Meta | null)[], attrs: Attrs): Layout => foldLayout(x, attrs.dims as readonly number[]);
/** The shape of a reduction. @throws IndexError */
function shapeOf(op: string, x: Meta, { dims, keepdim }: Dims): Shape {
  checkDims(op, x.shape, dims);
  return reducedShape(x.shape, dims, keepdim);
}
function full(op: string, shape: Shape, dims: readonly number[]): void {
  if (reducedSize(shape, dims) === 0 && sizeOf(reducedShape(shape, dims, false)) > 0)
    throw new ShapeError(
      `${op}: dims [${dims.join(', ')}] of ${show(shape)} hold no element and an empty ${op} has no value; reduce over dimensions that are not empty`,
    );
}
/** The step of a fold in two passes: the first gives each output the parameter of the second. */
const twice =
  (name: string) =>
  ([x]: readonly (Meta | null)[], _: readonly Meta[], { dims, correction }: Dims & { correction?: number }) => {
    const { shape } = x as Meta;
    const n = reducedSize(shape, dims);
    return { ...lowerFold(name, x as Meta, dims, false), floats: [n, Math.max(0, n - (correction ?? 0))] };
  };
const ATTRS = { dims: 'readonly number[]', keepdim: 'boolean' };
const WIDE = { ...ATTRS, 'dtype?': 'DType' };

export const sum: Op = kernel({
  doc: 'Sum over dims; integers and bools add up in int64.',
  inputs: ['x'],
  outputs: ['y'],
  attrs: WIDE,
  infer: ([x], attrs: Dims) => [{ shape: shapeOf('sum', x, attrs), dtype: total(x, attrs.dtype) }],
  loads: ([x], { dtype }) => wide(total(x, dtype as DType | undefined)),
  layout,
  ints: FOLD_INTS,
  floats: ['divisor'],
  lower: folds('sum', false),
  kernel: { file: 'reduce', name: 'sum' },
  onnx: 'ReduceSum',
  vjp: (ops, { dy, attrs, inputs: [x] }) => {
    const { shape } = x as Meta;
    return [ops.expand(keep(ops, dy, shape, attrs.dims, attrs.keepdim), { shape })];
  },
});

export const mean: Op = kernel({
  doc: 'Mean over dims of a floating-point tensor; half types accumulate in float32.',
  inputs: ['x'],
  outputs: ['y'],
  attrs: WIDE,
  infer: ([x], attrs: Dims) => {
    const out = attrs.dtype ?? x.dtype;
    if (!isFloat(out)) throw new DTypeError(`mean: needs a floating-point dtype, not ${out}; pass { dtype: 'float32' } or convert x`);
    return [{ shape: shapeOf('mean', x, attrs), dtype: out }];
  },
  loads: ([x], { dtype }) => wide((dtype as DType | undefined) ?? x.dtype),
  layout,
  ints: FOLD_INTS,
  floats: ['divisor'],
  lower: folds('mean', true),
  kernel: { file: 'reduce', name: 'sum' },
  onnx: 'ReduceMean',
  vjp: (ops, { dy, attrs, inputs: [x] }) => {
    const { shape } = x as Meta;
    const g = ops.div(dy, reducedSize(shape, attrs.dims));
    return [ops.expand(keep(ops, g, shape, attrs.dims, attrs.keepdim), { shape })];
  },
});

export const prod: Op = kernel({
  doc: 'Product over dims; integers and bools multiply in int64.',
  inputs: ['x'],
  outputs: ['y'],
  attrs: WIDE,
  infer: ([x], attrs: Dims) => [{ shape: shapeOf('prod', x, attrs), dtype: total(x, attrs.dtype) }],
  loads: ([x], { dtype }) => wide(total(x, dtype as DType | undefined)),
  layout,
  ints: FOLD_INTS,
  floats: ['divisor'],
  lower: folds('prod', false),
  kernel: { file: 'reduce', name: 'prod' },
  onnx: 'ReduceProd',
  saves: ['x'],
  // The product of the others, without a division: exact where elements are zero, and differentiable again.
  vjp: (ops, { dy, x, attrs }) => {
    const { dims, keepdim } = attrs as Dims;
    const { shape } = x;
    const kept = shape.map((_, i) => i).filter((i) => !dims.includes(i));
    const order = [...kept, ...dims];
    const n = reducedSize(shape, dims);
    if (sizeOf(shape) === 0) return [ops.full({ shape, dtype: x.dtype, value: 0 })];
    const flat = ops.reshape(ops.permute(x, { dims: order }), { shape: [sizeOf(kept.map((i) => shape[i])), n] });
    const others = ops.reshape(ops.mul(productsBefore(ops, flat, 1), productsBehind(ops, flat, 1)), { shape: order.map((i) => shape[i]) });
    const back = order.map((_, i) => order.indexOf(i));
    return [ops.mul(keep(ops, dy, shape, dims, keepdim), ops.permute(others, { dims: back }))];
  },
});

/** Ties share the gradient equally, as in PyTorch. */
function extreme(name: 'amax' | 'amin', doc: string, onnx: string): Op {
  return kernel({
    doc,
    inputs: ['x'],
    outputs: ['y'],
    attrs: ATTRS,
    infer: ([x], attrs: Dims) => {
      const shape = shapeOf(name, x, attrs);
      full(name, x.shape, attrs.dims);
      return [{ shape, dtype: x.dtype }];
    },
    loads: ordered,
    layout,
    ints: FOLD_INTS,
    floats: ['divisor'],
    lower: folds(name, false),
    kernel: { file: 'reduce', name },
    onnx,
    saves: ['x', 'y'],
    vjp: (ops, { dy, x, y, attrs }) => {
      const { dims, keepdim } = attrs as Dims;
      const hit = ops.eq(x, keep(ops, y, x.shape, dims, keepdim));
      const share = ops.div(keep(ops, dy, x.shape, dims, keepdim), ops.sum(hit, { dims, keepdim: true }));
      return [ops.where(hit, share, 0)];
    },
  });
}
export const amax: Op = extreme('amax', 'Largest element over dims; NaN where one is NaN.', 'ReduceMax');
export const amin: Op = extreme('amin', 'Smallest element over dims; NaN where one is NaN.', 'ReduceMin');

function truth(name: 'all' | 'any', doc: string): Op {
  return kernel({
    doc,
    inputs: ['x'],
    outputs: ['y'],
    attrs: ATTRS,
    infer: ([x], attrs: Dims) => [{ shape: shapeOf(name, x, attrs), dtype: x.dtype === 'uint8' ? 'uint8' : 'bool' }],
    loads: () => 'bool',
    layout,
    ints: FOLD_INTS,
    floats: ['divisor'],
    lower: folds(name, false),
    kernel: { file: 'reduce', name },
    vjp: null,
  });
}
export const all: Op = truth('all', 'Whether all elements over dims are not zero; uint8 gives uint8, as in PyTorch.');
export const any: Op = truth('any', 'Whether any element over dims is not zero; uint8 gives uint8, as in PyTorch.');

interface Dim {
  readonly dim: number | null;
  readonly keepdim: boolean;
}
function axisOf({ shape }: Meta, { dim, keepdim }: Dim): Shape {
  return reducedShape(shape, dim === null ? shape.map((_, i) => i) : shape.length === 0 ? [] : [dim], keepdim);
}
function someOf(op: string, { shape }: Meta, dim: number | null): void {
  if (dim === null ? sizeOf(shape) === 0 : shape.length > 0 && shape[dim] === 0)
    throw new ShapeError(
      `${op}: ${dim === null ? 'x' : `dim ${dim}`} of ${show(shape)} holds no element and so has no ${op}; choose a dimension that is not empty`,
    );
}
function arg(name: 'argmax' | 'argmin', doc: string, onnx: string): Op {
  return kernel({
    doc,
    inputs: ['x'],
    outputs: ['y'],
    attrs: { dim: 'number | null', keepdim: 'boolean' },
    infer: ([x], attrs: Dim) => {
      someOf(name, x, attrs.dim);
      return [{ shape: axisOf(x, attrs), dtype: 'int64' }];
    },
    loads: ordered,
    writes: () => ['int64'],
    ints: AXIS_INTS,
    lower: ([x], _, { dim }: Dim) => lowerAxis((x as Meta).shape, dim, true),
    kernel: { file: 'arg', name },
    onnx,
    vjp: null,
  });
}
export const argmax: Op = arg(
  'argmax',
  'Index of the largest element along dim (null: of all), the first of equals; NaN counts as the largest.',
  'ArgMax',
);
export const argmin: Op = arg(
  'argmin',
  'Index of the smallest element along dim (null: of all), the first of equals; NaN counts as the smallest.',
  'ArgMin',
);

function pick(name: 'maxDim' | 'minDim', doc: string): Op {
  return kernel({
    doc,
    inputs: ['x'],
    outputs: ['values', 'indices'],
    attrs: { dim: 'number', keepdim: 'boolean' },
    infer: ([x], attrs: Dim) => {
      someOf(name, x, attrs.dim);
      const shape = axisOf(x, attrs);
      return [
        { shape, dtype: x.dtype },
        { shape, dtype: 'int64' },
      ];
    },
    loads: ordered,
    writes: (inputs) => [ordered(inputs), 'int64'],
    ints: AXIS_INTS,
    lower: ([x], _, { dim }: Dim) => lowerAxis((x as Meta).shape, dim, true),
    kernel: { file: 'arg', name },
    saves: ['indices'],
    vjp: (ops, { dy, indices, attrs: { dim, keepdim }, inputs: [x] }) => {
      const { shape } = x as Meta;
      if (shape.length === 0) return [dy];
      const lines = { shape: reducedShape(shape, [dim], true) };
      const [g, i] = keepdim ? [dy, indices] : [ops.reshape(dy, lines), ops.reshape(indices, lines)];
      return [ops.gatherBackward(g, i, { shape, dim })];
    },
  });
}
export const maxDim: Op = pick('maxDim', 'Largest elements along dim and where they lie, the first of equals; NaN counts as the largest.');
export const minDim: Op = pick(
  'minDim',
  'Smallest elements along dim and where they lie, the first of equals; NaN counts as the smallest.',
);

function floating(op: string, { dtype }: Meta): DType {
  if (!isFloat(dtype)) throw new DTypeError(`${op}: needs a floating-point dtype, not ${dtype}; convert x to float32 first`);
  return dtype;
}

export const variance: Op = kernel({
  doc: 'Variance over dims: squared distances from the mean, summed and divided by their number less correction.',
  inputs: ['x'],
  outputs: ['y'],
  attrs: { ...ATTRS, correction: 'number' },
  infer: ([x], attrs: Dims) => [{ shape: shapeOf('variance', x, attrs), dtype: floating('var', x) }],
  loads: ([x]) => wide(x.dtype),
  layout,
  ints: FOLD_INTS,
  floats: ['count', 'divisor'],
  lower: twice('var'),
  kernel: { file: 'twice', name: 'variance' },
  saves: ['x'],
  vjp: (ops, { dy, x, attrs: { dims, keepdim, correction } }) => {
    const n = Math.max(0, reducedSize(x.shape, dims) - correction);
    const g = ops.mul(keep(ops, dy, x.shape, dims, keepdim), 2 / n);
    return [ops.mul(g, ops.sub(x, ops.mean(x, { dims, keepdim: true })))];
  },
});

export const logsumexp: Op = kernel({
  doc: 'Logarithm of the sum of exp(x) over dims, safe for large x and for infinities.',
  inputs: ['x'],
  outputs: ['y'],
  attrs: ATTRS,
  infer: ([x], attrs: Dims) => [{ shape: shapeOf('logsumexp', x, attrs), dtype: floating('logsumexp', x) }],
  loads: ([x]) => wide(x.dtype),
  layout,
  ints: FOLD_INTS,
  floats: ['count', 'divisor'],
  lower: twice('logsumexp'),
  kernel: { file: 'twice', name: 'logsumexp' },
  onnx: 'ReduceLogSumExp',
  saves: ['x', 'y'],
  vjp: (ops, { dy, x, y, attrs: { dims, keepdim } }) => {
    const level = keep(ops, y, x.shape, dims, keepdim);
    const empty = ops.eq(level, -Infinity);
    const part = ops.where(empty, 0, ops.exp(ops.sub(x, ops.where(empty, 0, level))));
    return [ops.mul(keep(ops, dy, x.shape, dims, keepdim), part)];
  },
});
