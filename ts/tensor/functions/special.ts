// Functions of mathematics that follow from others.
import { isFloat } from '../../base/dtype.ts';
import { ShapeError, ValueError } from '../../base/errors.ts';
import { show } from '../../base/shape.ts';
import type { Scalar } from '../../ops/op.ts';
import { type Tensor, TensorCore } from '../core.ts';
import { where } from './arithmetic.ts';
import { scalar } from './create.ts';
import { cat, stack } from './joining.ts';

const floats = (x: Tensor): Tensor => (isFloat(x.dtype) ? x : x.to('float32'));
const LOG_PI = 1.1447298858494002;
const SQRT_HALF = Math.SQRT1_2;
const PI = Math.PI;

/** Derivative number n of digamma: (-1)^(n+1) n! zeta(n + 1, x). @throws ValueError @example polygamma(1, tensor([1])) // [1.6449] */
export function polygamma(n: number, x: Tensor): Tensor {
  if (!Number.isInteger(n) || n < 0) throw new ValueError(`polygamma: order ${n} must be a whole number of at least 0`);
  const v = floats(x);
  if (n === 0) return v.digamma();
  let factor = n % 2 === 0 ? -1 : 1;
  for (let k = 2; k <= n; k++) factor *= k;
  return scalar(n + 1, { dtype: v.dtype })
    .zeta(v)
    .mul(factor);
}
/** log of the multivariate gamma function of dimension p; x > (p - 1) / 2. @throws ValueError */
export function mvlgamma(x: Tensor, p: number): Tensor {
  if (!Number.isInteger(p) || p < 1) throw new ValueError(`mvlgamma: p ${p} must be a whole number of at least 1`);
  const v = floats(x);
  let y = v.lgamma();
  for (let j = 1; j < p; j++) y = y.add(v.sub(j / 2).lgamma());
  return y.add((p * (p - 1) * LOG_PI) / 4);
}
/** Distribution function of the standard normal: the share below x. @example tensor([0]).ndtr() // [0.5] */
export function ndtr(x: Tensor): Tensor {
  return floats(x).mul(-SQRT_HALF).erfc().mul(0.5);
}
/** log(x / (1 - x)); with eps, x is brought into [eps, 1 - eps] first. @example tensor([0.5]).logit() // [0] */
export function logit(x: Tensor, eps?: number | null): Tensor {
  const v = floats(x);
  const z = eps === null || eps === undefined ? v : v.clamp({ min: eps, max: 1 - eps });
  return z.div(z.rsub(1)).log();
}
/** sin(pi x) / (pi x), 1 at 0. @example tensor([0, 0.5]).sinc() // [1, 0.6366] */
export function sinc(x: Tensor): Tensor {
  const v = floats(x).mul(PI);
  const zero = v.eq(0);
  const safe = where(zero, 1, v);
  return where(zero, 1, safe.sin().div(safe));
}
/** -x log x; 0 at 0, -Infinity below. @example tensor([1, 0]).entr() // [0, 0] */
export function entr(x: Tensor): Tensor {
  const v = floats(x);
  return where(v.lt(0), Number.NEGATIVE_INFINITY, v.xlogy(v).neg());
}
/** a log(1 + b), 0 where a is 0. */
export function xlog1py(a: Tensor, b: Tensor | Scalar): Tensor {
  const v = floats(a);
  const other = b instanceof TensorCore ? floats(b as Tensor) : scalar(b as number, { dtype: v.dtype });
  return where(v.eq(0).logicalAnd(other.isnan().logicalNot()), 0, v.mul(other.log1p()));
}
/** a to the power b in float64. @example tensor([2]).floatPower(-1) // [0.5] */
export function floatPower(a: Tensor, b: Tensor | Scalar): Tensor {
  return a.to('float64').pow(b instanceof TensorCore ? (b as Tensor).to('float64') : b);
}
/** a times two to the power b. @example tensor([3]).ldexp(tensor([2])) // [12] */
export function ldexp(a: Tensor, b: Tensor): Tensor {
  return a.mul(floats(b).exp2());
}
/** The sign; the same as sign for real numbers. */
export function sgn(x: Tensor): Tensor {
  return x.sign();
}
/** Whether each element is among those of another tensor. @example tensor([1, 2]).isin(tensor([2, 3])) // [false, true] */
export function isin(x: Tensor, elements: Tensor, options: { readonly invert?: boolean } = {}): Tensor {
  const found = x
    .unsqueeze(-1)
    .eq(elements.reshape([-1]))
    .any(-1);
  return options.invert ? found.logicalNot() : found;
}
/** Covariances of variables (rows) over observations (columns); correction is taken from the count, default 1. @throws ShapeError */
export function cov(x: Tensor, options: { readonly correction?: number } = {}): Tensor {
  if (x.ndim > 2) throw new ShapeError(`cov: ${show(x.shape)} must have at most 2 dimensions`);
  const v = floats(x).reshape(x.ndim < 2 ? [1, x.numel] : x.shape);
  const centred = v.sub(v.mean(1, { keepdim: true }));
  const y = centred.matmul(centred.T).div(Math.max(0, v.shape[1] - (options.correction ?? 1)));
  return x.ndim < 2 ? y.reshape([]) : y;
}
/** Correlations of variables (rows) over observations (columns), between -1 and 1. */
export function corrcoef(x: Tensor): Tensor {
  const c = cov(x);
  if (c.ndim === 0) return c.div(c);
  const deviation = c.diagonal().sqrt();
  return c.div(deviation.unsqueeze(1)).div(deviation.unsqueeze(0)).clamp({ min: -1, max: 1 });
}
/** log of ndtr, without losing small shares. @example tensor([0]).logNdtr() // [-0.6931] */
export function logNdtr(x: Tensor): Tensor {
  const v = floats(x).to('float64');
  const far = v.lt(-20);
  const direct = where(far, 0, v).mul(-Math.SQRT1_2).erfc().mul(0.5).log();
  // The asymptotic series of Mills' ratio.
  const z = where(far, v, -20);
  const w = z.square().reciprocal();
  const tail = w.mul(w.mul(3).sub(1)).log1p().sub(z.square().mul(0.5)).sub(z.neg().log()).sub(0.9189385332046727);
  return where(far, tail, direct).to(floats(x).dtype);
}
/** The p-norm of a - b over all elements. @example tensor([3, 4]).dist(zeros([2])) // 5 */
export function dist(a: Tensor, b: Tensor, p: number = 2): Tensor {
  return a.sub(b).norm(p);
}
/** Whether each element has no imaginary part: true for real numbers. */
export function isreal(x: Tensor): Tensor {
  return x.eq(x).logicalOr(true);
}
/** Powers of a vector as columns: x^(n-1) to x^0, or the other way round. @example tensor([2, 3]).vander(2) // [[2, 1], [3, 1]] */
export function vander(x: Tensor, n?: number | null, increasing: boolean = false): Tensor {
  if (x.ndim !== 1) throw new ShapeError(`vander: ${show(x.shape)} must have one dimension`);
  const count = n ?? x.numel;
  if (!(count >= 0)) throw new ValueError(`vander: ${count} columns; the number must not be negative`);
  const columns: Tensor[] = [];
  for (let k = 0; k < count; k++) columns.push(k === 0 ? x.onesLike() : columns[k - 1].mul(x));
  if (!increasing) columns.reverse();
  return count === 0 ? x.reshape([-1, 1]).narrow(1, 0, 0) : stack(columns, 1);
}
/** Running logs of sums of exponentials along a dimension. @example tensor([0, 0]).logcumsumexp(0) // [0, 0.6931] */
export function logcumsumexp(x: Tensor, dim: number): Tensor {
  const v = floats(x);
  if (v.ndim === 0) return v.clone();
  const d = dim < 0 ? dim + v.ndim : dim;
  const n = v.shape[d];
  // Doubling: after k rounds each place holds the sum over the 2^k places up to it.
  let y = v;
  for (let step = 1; step < n; step *= 2) {
    const before = y.narrow(d, 0, n - step);
    y = cat([y.narrow(d, 0, step), y.narrow(d, step, n - step).logaddexp(before)], d);
  }
  return y.clone();
}
