import { type DType, isFloat } from '../base/dtype.ts';
import { DTypeError } from '../base/errors.ts';
import { needSame } from '../base/shape.ts';
import { AXIS_INTS, lowerAxis } from './axes.ts';
import { kernel, type Lowered, type Meta, type Op } from './op.ts';
import { productsBefore, shifted } from './products.ts';

interface Along {
  readonly dim: number;
  readonly dtype?: DType;
  readonly reverse?: boolean;
}
const ATTRS = { dim: 'number', 'dtype?': 'DType', 'reverse?': 'boolean' };
const INTS = [...AXIS_INTS, 'reverse'];

function lower([x]: readonly (Meta | null)[], _: readonly Meta[], { dim, reverse }: Along): Lowered {
  const step = lowerAxis((x as Meta).shape, dim, true);
  return { ...step, ints: [...step.ints, reverse ? 1 : 0] };
}
/** Integers and bools accumulate in int64, as in PyTorch. */
const total = (x: Meta, dtype: DType | undefined): DType => dtype ?? (isFloat(x.dtype) ? x.dtype : 'int64');
const wide = (dtype: DType): DType => (dtype === 'float64' ? dtype : isFloat(dtype) ? 'float32' : 'int64');
const ordered = ([x]: readonly Meta[]): DType => wide(x.dtype);

function floats(op: string, dtype: DType): DType {
  if (!isFloat(dtype)) throw new DTypeError(`${op}: needs a floating-point dtype, not ${dtype}; convert x to float32 first`);
  return dtype;
}

export const cumsum: Op = kernel({
  doc: 'Running sum along dim; integers and bools add up in int64.',
  inputs: ['x'],
  outputs: ['y'],
  attrs: ATTRS,
  infer: ([x], { dtype }: Along) => [{ shape: x.shape, dtype: total(x, dtype) }],
  loads: ([x], { dtype }) => wide(total(x, dtype as DType | undefined)),
  ints: INTS,
  lower,
  kernel: { file: 'scan', name: 'cumsum' },
  onnx: 'CumSum',
  vjp: (ops, { dy, attrs: { dim, reverse } }) => [ops.cumsum(dy, { dim, reverse: !reverse })],
});

export const cumprod: Op = kernel({
  doc: 'Running product along dim; integers and bools multiply in int64.',
  inputs: ['x'],
  outputs: ['y'],
  attrs: { dim: 'number', 'dtype?': 'DType' },
  infer: ([x], { dtype }: Along) => [{ shape: x.shape, dtype: total(x, dtype) }],
  loads: ([x], { dtype }) => wide(total(x, dtype as DType | undefined)),
  ints: INTS,
  lower,
  kernel: { file: 'scan', name: 'cumprod' },
  saves: ['x'],
  // Of each element: the product before it, times what follows of dy and the products behind. No division, so zeros are no exception.
  vjp: (ops, { dy, x, attrs: { dim } }) => {
    if (x.shape.length === 0 || x.shape.includes(0)) return [dy];
    return [ops.mul(productsBefore(ops, x, dim), ops.recurrence(x, dy, { dim, reverse: true }))];
  },
});

export const logcumsumexp: Op = kernel({
  doc: 'Logarithm of the running sum of exp(x) along dim.',
  inputs: ['x'],
  outputs: ['y'],
  attrs: { dim: 'number' },
  infer: ([x]) => [{ shape: x.shape, dtype: floats('logcumsumexp', x.dtype) }],
  loads: ([x]) => wide(x.dtype),
  ints: INTS,
  lower,
  kernel: { file: 'scan', name: 'logcumsumexp' },
  saves: ['x', 'y'],
  // s[i] = dy[i] + exp(y[i] - y[i+1]) s[i+1], dx = exp(x - y) s: no factor exceeds 1.
  vjp: (ops, { dy, x, y, attrs: { dim } }) => {
    if (x.shape.length === 0 || x.shape.includes(0)) return [dy];
    const finite = ops.ne(y, -Infinity);
    const level = ops.where(finite, y, 0);
    const fall = ops.where(finite, ops.exp(ops.sub(shifted(ops, y, dim), level)), 0);
    return [ops.where(finite, ops.mul(ops.exp(ops.sub(x, level)), ops.recurrence(fall, dy, { dim, reverse: true })), 0)];
  },
});

function running(name: 'cummax' | 'cummin', doc: string): Op {
  return kernel({
    doc,
    inputs: ['x'],
    outputs: ['values', 'indices'],
    attrs: { dim: 'number' },
    infer: ([x]) => [
      { shape: x.shape, dtype: x.dtype },
      { shape: x.shape, dtype: 'int64' },
    ],
    loads: ordered,
    writes: (inputs) => [ordered(inputs), 'int64'],
    ints: INTS,
    lower,
    kernel: { file: 'scan', name },
    saves: ['indices'],
    vjp: (ops, { dy, indices, attrs: { dim } }) => [dy.shape.length === 0 ? dy : ops.gatherBackward(dy, indices, { shape: dy.shape, dim })],
  });
}
export const cummax: Op = running('cummax', 'Largest element so far along dim and where the latest of them lies; a NaN stays.');
export const cummin: Op = running('cummin', 'Smallest element so far along dim and where the latest of them lies; a NaN stays.');

export const recurrence: Op = kernel({
  doc: "y[i] = b[i] + a[i] y[i-1] along dim, or from the end y[i] = b[i] + a[i+1] y[i+1]; each is the other's derivative.",
  inputs: ['a', 'b'],
  outputs: ['y'],
  attrs: { dim: 'number', 'reverse?': 'boolean' },
  infer: ([a, b]) => {
    needSame('recurrence', 'a', a.shape, 'b', b.shape);
    return [{ shape: a.shape, dtype: floats('recurrence', a.dtype) }];
  },
  loads: ([a]) => wide(a.dtype),
  ints: INTS,
  lower,
  kernel: { file: 'scan', name: 'recurrence' },
  saves: ['a', 'y'],
  vjp: (ops, { dy, a, y, attrs: { dim, reverse }, needs }) => {
    const db = ops.recurrence(a, dy, { dim, reverse: !reverse });
    if (!needs[0]) return [null, db];
    return [reverse ? ops.mul(shifted(ops, db, dim), y) : ops.mul(db, shifted(ops, y, dim)), db];
  },
});
