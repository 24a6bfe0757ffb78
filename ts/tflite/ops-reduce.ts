// Sums, means, products, extremes and running sums.
import { CATEGORY } from '../base/dtype.ts';
import { exp, log } from '../base/math.ts';
import { sizeOf } from '../base/shape.ts';
import { cat, flip, type Tensor, zeros } from '../tensor/index.ts';
import { type Call, operators } from './call.ts';
import { multiplierOf } from './fixed.ts';
import { requantised } from './quantised.ts';

interface Reduction {
  readonly x: Tensor;
  readonly dims: number[];
  readonly keepdim: boolean;
  /** Elements that make one. */
  readonly count: number;
}
function reduction(c: Call): Reduction {
  const x = c.x(0);
  const dims = x.ndim === 0 ? [] : c.dims(1, x.ndim);
  return { x, dims, keepdim: c.options.bool(0), count: sizeOf(dims.map((d) => x.shape[d])) };
}
/** Reduces plain numbers; no dimensions: nothing. */
const plain =
  (fn: (x: Tensor, dims: number[], options: { readonly keepdim: boolean }) => Tensor) =>
  (c: Call): Tensor => {
    const { x, dims, keepdim } = reduction(c);
    return dims.length === 0 ? x.clone() : fn(x, dims, { keepdim }).to(x.dtype);
  };

/** The sum less its zero points, exact. */
function total({ x, dims, keepdim }: Reduction, zero: number): Tensor {
  const wide = x.to('int32').sub(zero);
  return dims.length === 0 ? wide : wide.sum(dims, { keepdim, dtype: 'int32' });
}

function mean(c: Call): Tensor {
  if (!c.quantised())
    return plain((x, dims, o) =>
      CATEGORY[x.dtype] === 2 ? x.mean(dims, o) : x.sum(dims, o).truncDivide(sizeOf(dims.map((d) => x.shape[d]))),
    )(c);
  const r = reduction(c);
  const [x, y] = [c.q(0), c.outQ()];
  // The count goes into the multiplier: by a shift of up to what keeps 32 bits.
  const by = multiplierOf(x.scale / y.scale);
  const shift = Math.min(31 - Math.clz32(Math.max(1, r.count)), 31 + by.shift);
  const multiplier = Number((BigInt(by.multiplier) << BigInt(shift)) / BigInt(Math.max(1, r.count)));
  return requantised(total(r, x.zero), c.outType(), [{ multiplier, shift: by.shift - shift }], { zero: y.zero });
}

function product(c: Call): Tensor {
  if (!c.quantised()) return plain((x, dims, o) => dims.reduceRight((y, d) => y.prod(d, o), x))(c);
  const { x, dims, keepdim, count } = reduction(c);
  const [qx, qy] = [c.q(0), c.outQ()];
  const by = multiplierOf(qx.scale / exp(log(qy.scale) / count));
  const moved = x.permute([...x.shape.keys()].filter((d) => !dims.includes(d)).concat(dims)).reshape([-1, count]);
  const rescale = (y: Tensor): Tensor => requantised(y, 'int32', [by], { zero: 0, wide: true });
  const part = (i: number): Tensor => moved.narrow(1, i, 1).to('int64').sub(qx.zero);
  let y = part(0);
  c.turns(count);
  for (let i = 1; i < count; i++) y = rescale(y.mul(part(i))).to('int64');
  const shape = x.shape.flatMap((n, d) => (dims.includes(d) ? (keepdim ? [1] : []) : [n]));
  return requantised(y, c.outType(), [by], { zero: qy.zero, wide: true }).reshape(shape);
}

const arg =
  (fn: (x: Tensor, d: number) => Tensor) =>
  (c: Call): Tensor =>
    fn(c.x(0), c.dim(c.number(1), c.x(0).ndim)).to(c.outType());

operators({
  MEAN: mean,
  SUM: (c) => {
    if (!c.quantised()) return plain((x, dims, o) => x.sum(dims, o))(c);
    const r = reduction(c);
    const [x, y] = [c.q(0), c.outQ()];
    return requantised(total(r, x.zero), c.outType(), [x.scale / y.scale], { zero: y.zero });
  },
  REDUCE_PROD: product,
  REDUCE_MAX: plain((x, dims, o) => x.amax(dims, o)),
  REDUCE_MIN: plain((x, dims, o) => x.amin(dims, o)),
  REDUCE_ANY: plain((x, dims, o) => x.any(dims, o)),
  REDUCE_ALL: plain((x, dims, o) => x.all(dims, o)),
  ARG_MAX: arg((x, d) => x.argmax(d)),
  ARG_MIN: arg((x, d) => x.argmin(d)),
  CUMSUM: (c) => {
    const x = c.x(0);
    const d = c.dim(c.number(1), x.ndim);
    const [exclusive, reverse] = [c.options.bool(0), c.options.bool(1)];
    const turn = (y: Tensor): Tensor => (reverse ? flip(y, [d]) : y);
    const sum = turn(x).cumsum(d).to(x.dtype);
    if (!exclusive) return turn(sum);
    const first = zeros(
      x.shape.map((n, k) => (k === d ? Math.min(1, n) : n)),
      { dtype: x.dtype },
    );
    return turn(x.shape[d] === 0 ? sum : cat([first, sum.narrow(d, 0, x.shape[d] - 1)], d));
  },
});
