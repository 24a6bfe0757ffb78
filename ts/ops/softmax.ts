import { type DType, isFloat } from '../base/dtype.ts';
import { DTypeError } from '../base/errors.ts';
import { needSame, sizeOf } from '../base/shape.ts';
import { AXIS_INTS, lowerAxis } from './axes.ts';
import { kernel, type Lowered, type Meta, type Op, type Value } from './op.ts';

interface Dim {
  readonly dim: number;
  readonly dtype?: DType;
}
const ATTRS = { dim: 'number', 'dtype?': 'DType' };

function out(op: string, x: Meta, dtype: DType | undefined): DType {
  const result = dtype ?? x.dtype;
  if (!isFloat(result)) throw new DTypeError(`${op}: needs a floating-point dtype, not ${result}; pass { dtype: 'float32' } or convert x`);
  return result;
}
const compute = (dtype: DType): DType => (dtype === 'float64' ? dtype : 'float32');
const lower = ([x]: readonly (Meta | null)[], _: readonly Meta[], { dim }: Dim): Lowered => {
  const { shape } = x as Meta;
  return sizeOf(shape) === 0 ? { ints: [0, 0, 0, 1, 1], tiles: [] } : lowerAxis(shape, dim);
};

export const softmax: Op = kernel({
  doc: 'exp(x) along dim divided by its sum, safe for large x.',
  inputs: ['x'],
  outputs: ['y'],
  attrs: ATTRS,
  infer: ([x], { dtype }: Dim) => [{ shape: x.shape, dtype: out('softmax', x, dtype) }],
  loads: ([x], { dtype }) => compute(out('softmax', x, dtype as DType | undefined)),
  ints: AXIS_INTS,
  lower,
  kernel: { file: 'softmax', name: 'softmax' },
  onnx: 'Softmax',
  saves: ['y'],
  vjp: (ops, { dy, y, attrs }) => [ops.softmaxBackward(dy, y, { dim: attrs.dim })],
});

export const logSoftmax: Op = kernel({
  doc: 'Logarithm of softmax along dim, without overflow or loss of small probabilities.',
  inputs: ['x'],
  outputs: ['y'],
  attrs: ATTRS,
  infer: ([x], { dtype }: Dim) => [{ shape: x.shape, dtype: out('logSoftmax', x, dtype) }],
  loads: ([x], { dtype }) => compute(out('logSoftmax', x, dtype as DType | undefined)),
  ints: AXIS_INTS,
  lower,
  kernel: { file: 'softmax', name: 'logSoftmax' },
  onnx: 'LogSoftmax',
  saves: ['y'],
  vjp: (ops, { dy, y, attrs }) => [ops.logSoftmaxBackward(dy, y, { dim: attrs.dim })],
});

export const softmaxBackward: Op = kernel({
  doc: 'Gradient of softmax for the gradient g of its result y: y (g - sum(g y)) along dim.',
  inputs: ['g', 'y'],
  outputs: ['dx'],
  attrs: { dim: 'number' },
  infer: ([g, y]) => {
    needSame('softmaxBackward', 'gradient', g.shape, 'result', y.shape);
    return [{ shape: y.shape, dtype: g.dtype }];
  },
  loads: ([g]) => compute(g.dtype),
  ints: AXIS_INTS,
  lower,
  kernel: { file: 'softmax', name: 'softmaxBackward' },
  saves: ['g', 'y'],
  vjp: (ops, { dy, g, y, attrs: { dim }, needs }) => {
    const along = (v: Value): Value => (y.shape.length === 0 ? v : ops.sum(v, { dims: [dim], keepdim: true }));
    return [
      needs[0] ? ops.softmaxBackward(dy, y, { dim }) : null,
      needs[1] ? ops.sub(ops.mul(dy, ops.sub(g, along(ops.mul(g, y)))), ops.mul(g, along(ops.mul(dy, y)))) : null,
    ];
  },
});

export const logSoftmaxBackward: Op = kernel({
  doc: 'Gradient of logSoftmax for the gradient g of its result y: g - exp(y) sum(g) along dim.',
  inputs: ['g', 'y'],
  outputs: ['dx'],
  attrs: { dim: 'number' },
  infer: ([g, y]) => {
    needSame('logSoftmaxBackward', 'gradient', g.shape, 'result', y.shape);
    return [{ shape: y.shape, dtype: g.dtype }];
  },
  loads: ([g]) => compute(g.dtype),
  ints: AXIS_INTS,
  lower,
  kernel: { file: 'softmax', name: 'logSoftmaxBackward' },
  saves: ['g', 'y'],
  vjp: (ops, { dy, g, y, attrs: { dim }, needs }) => {
    const along = (v: Value): Value => (y.shape.length === 0 ? v : ops.sum(v, { dims: [dim], keepdim: true }));
    const weighted = ops.mul(dy, ops.exp(y));
    return [needs[0] ? ops.sub(dy, along(weighted)) : null, needs[1] ? ops.neg(ops.mul(weighted, along(g))) : null];
  },
});
