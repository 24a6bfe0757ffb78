import { type DType, isFloat } from '../base/dtype.ts';
import { DTypeError, ShapeError } from '../base/errors.ts';
import { needSame, type Shape, sameShape, show, sizeOf } from '../base/shape.ts';
import { kernel, type Lowered, type Meta, type Op, type Value } from './op.ts';

interface Norm {
  /** How many of the last dimensions are normalised together. */
  readonly dims: number;
  readonly eps: number;
}
const INTS: readonly string[] = ['outer', 'n', 'group'];
const compute = (dtype: DType): DType => (dtype === 'float64' ? dtype : 'float32');
/** The last dims of a rank, and those before them. */
const inner = (rank: number, dims: number): number[] => Array.from({ length: dims }, (_, i) => rank - dims + i);
const outer = (rank: number, dims: number): number[] => Array.from({ length: rank - dims }, (_, i) => i);

function lines(shape: Shape, dims: number, eps: number): Lowered {
  const n = sizeOf(shape.slice(shape.length - dims));
  const count = sizeOf(shape.slice(0, shape.length - dims));
  const group = Math.max(1, Math.floor(16384 / Math.max(1, n)));
  return { ints: [count, n, group], floats: [eps], tiles: n * count === 0 ? [] : [Math.ceil(count / group)] };
}

export const layerNorm: Op = kernel({
  doc: 'Each line over the last dims less its mean, divided by sqrt(variance + eps), times weight, plus bias.',
  inputs: ['x', 'weight?', 'bias?'],
  outputs: ['y', 'mean', 'rstd'],
  attrs: { dims: 'number', eps: 'number' },
  infer: ([x, ...affine], { dims }: Norm) => {
    if (!isFloat(x.dtype)) throw new DTypeError(`layerNorm: needs a floating-point dtype, not ${x.dtype}; convert x to float32 first`);
    if (!(dims >= 1 && dims <= x.shape.length))
      throw new ShapeError(`layerNorm: cannot normalise the last ${dims} dimensions of ${show(x.shape)}; give 1 to ${x.shape.length}`);
    const line = x.shape.slice(x.shape.length - dims);
    for (const p of affine)
      if (p && !sameShape(p.shape, line))
        throw new ShapeError(
          `layerNorm: weight and bias must have the normalised shape ${show(line)} of x ${show(x.shape)}, not ${show(p.shape)}`,
        );
    const one = [...x.shape.slice(0, x.shape.length - dims), ...line.map(() => 1)];
    return [
      { shape: x.shape, dtype: x.dtype },
      { shape: one, dtype: compute(x.dtype) },
      { shape: one, dtype: compute(x.dtype) },
    ];
  },
  loads: ([x]) => compute(x.dtype),
  writes: ([x]) => [compute(x.dtype), compute(x.dtype), compute(x.dtype)],
  ints: INTS,
  floats: ['eps'],
  lower: ([x], _, { dims, eps }: Norm) => lines((x as Meta).shape, dims, eps),
  kernel: { file: 'norm', name: 'layerNorm' },
  onnx: 'LayerNormalization',
  saves: ['x', 'weight', 'mean', 'rstd'],
  vjp: (ops, { dy, dys, x, weight, mean, rstd, attrs, needs }) => {
    const { dims } = attrs as Norm;
    const rank = x.shape.length;
    const n = sizeOf(x.shape.slice(rank - dims));
    const h = (): Value => ops.mul(ops.sub(x, mean), rstd);
    let dx = needs[0] ? ops.layerNormBackward(dy, x, mean, rstd, weight, { dims }) : null;
    // The saved statistics have gradients of their own when this derivative is differentiated.
    if (dx && dys[1]) dx = ops.add(dx, ops.div(dys[1], n));
    if (dx && dys[2]) dx = ops.sub(dx, ops.mul(h(), ops.mul(ops.div(dys[2], n), ops.mul(rstd, rstd))));
    const over = { dims: outer(rank, dims), keepdim: false };
    const collect = (v: Value): Value => (rank === dims ? v : ops.sum(v, over));
    return [dx, needs[1] ? collect(ops.mul(dy, h())) : null, needs[2] ? collect(dy) : null];
  },
});

export const layerNormBackward: Op = kernel({
  doc: 'Gradient of layerNorm in x for the gradient g of its result and its saved statistics.',
  inputs: ['g', 'x', 'mean', 'rstd', 'weight?'],
  outputs: ['dx'],
  attrs: { dims: 'number' },
  infer: ([g, x, mean, rstd, weight], { dims }: Norm) => {
    const op = 'layerNormBackward';
    const rank = x.shape.length;
    if (!(dims >= 1 && dims <= rank)) throw new ShapeError(`${op}: ${show(x.shape)} has no last ${dims} dimensions; give 1 to ${rank}`);
    const line = x.shape.slice(rank - dims);
    const one = [...x.shape.slice(0, rank - dims), ...line.map(() => 1)];
    needSame(op, 'gradient', g.shape, 'x', x.shape);
    needSame(op, 'mean', mean.shape, 'statistics of x', one);
    needSame(op, 'rstd', rstd.shape, 'statistics of x', one);
    if (weight) needSame(op, 'weight', weight.shape, 'normalised shape', line);
    return [{ shape: x.shape, dtype: x.dtype }];
  },
  loads: ([, x]) => compute(x.dtype),
  ints: INTS,
  floats: ['eps'],
  lower: ([, x], _, { dims }: Norm) => lines((x as Meta).shape, dims, 0),
  kernel: { file: 'norm', name: 'layerNormBackward' },
  saves: ['g', 'x', 'mean', 'rstd', 'weight', 'dx'],
  // dx = r (I - 11'/n - hh'/n) a with a = g weight, h = (x - mean) r: symmetric in a, so the same row is its derivative there.
  vjp: (ops, { dy, g, x, mean, rstd, weight, dx, attrs: { dims }, needs }) => {
    const rank = x.shape.length;
    const line = { dims: inner(rank, dims), keepdim: true };
    const n = sizeOf(x.shape.slice(rank - dims));
    const da = ops.layerNormBackward(dy, x, mean, rstd, null, { dims });
    const a = weight ? ops.mul(g, weight) : g;
    const h = ops.mul(ops.sub(x, mean), rstd);
    const average = (v: Value): Value => ops.div(ops.sum(v, line), n);
    const dh = ops.neg(ops.mul(rstd, ops.add(ops.mul(dy, average(ops.mul(a, h))), ops.mul(a, average(ops.mul(dy, h))))));
    const toX = ops.mul(dh, rstd);
    const dr = ops.div(ops.add(ops.sum(ops.mul(dy, dx), line), ops.sum(ops.mul(dh, h), line)), rstd);
    const over = { dims: outer(rank, dims), keepdim: false };
    const dw = weight && needs[4] ? ops.mul(da, g) : null;
    return [weight ? ops.mul(da, weight) : da, toX, ops.neg(ops.sum(toX, line)), dr, dw && rank > dims ? ops.sum(dw, over) : dw];
  },
});
