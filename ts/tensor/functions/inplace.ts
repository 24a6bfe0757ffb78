// In-place forms of functions that have no kernel writing into its operand: the result is computed, then copied over x.
import type { Scalar } from '../../ops/op.ts';
import type { Tensor } from '../core.ts';
import { eq, ge, gt, le, logicalAnd, logicalNot, logicalOr, logicalXor, lt, ne } from '../gen/functions.ts';
import { addcdiv, addcmul, type ValueOptions } from './arithmetic.ts';
import { type NanToNumOptions, nanToNum } from './comparing.ts';
import { maskedScatter } from './indexing.ts';
import { addmm, addmv, type BetaAlpha, baddbmm, tril, triu } from './linalg.ts';
import { renorm } from './products.ts';
import { cumprod, cumsum } from './reductions.ts';
import { copy_ } from './write.ts';

/** a == b as 0 and 1, in place. */
export function eq_(a: Tensor, b: Tensor | Scalar): Tensor {
  return copy_(a, eq(a, b));
}
/** a != b as 0 and 1, in place. */
export function ne_(a: Tensor, b: Tensor | Scalar): Tensor {
  return copy_(a, ne(a, b));
}
/** a < b as 0 and 1, in place. */
export function lt_(a: Tensor, b: Tensor | Scalar): Tensor {
  return copy_(a, lt(a, b));
}
/** a <= b as 0 and 1, in place. */
export function le_(a: Tensor, b: Tensor | Scalar): Tensor {
  return copy_(a, le(a, b));
}
/** a > b as 0 and 1, in place. */
export function gt_(a: Tensor, b: Tensor | Scalar): Tensor {
  return copy_(a, gt(a, b));
}
/** a >= b as 0 and 1, in place. */
export function ge_(a: Tensor, b: Tensor | Scalar): Tensor {
  return copy_(a, ge(a, b));
}
/** Whether both are true, as 0 and 1, in place. */
export function logicalAnd_(a: Tensor, b: Tensor | Scalar): Tensor {
  return copy_(a, logicalAnd(a, b));
}
/** Whether either is true, as 0 and 1, in place. */
export function logicalOr_(a: Tensor, b: Tensor | Scalar): Tensor {
  return copy_(a, logicalOr(a, b));
}
/** Whether exactly one is true, as 0 and 1, in place. */
export function logicalXor_(a: Tensor, b: Tensor | Scalar): Tensor {
  return copy_(a, logicalXor(a, b));
}
/** Whether each element is false, as 0 and 1, in place. */
export function logicalNot_(x: Tensor): Tensor {
  return copy_(x, logicalNot(x));
}
/** x + value * b * c, in place. */
export function addcmul_(x: Tensor, b: Tensor, c: Tensor, options: ValueOptions = {}): Tensor {
  return copy_(x, addcmul(x, b, c, options));
}
/** x + value * b / c, in place. */
export function addcdiv_(x: Tensor, b: Tensor, c: Tensor, options: ValueOptions = {}): Tensor {
  return copy_(x, addcdiv(x, b, c, options));
}
/** beta * x + alpha * (a @ b), in place. */
export function addmm_(x: Tensor, a: Tensor, b: Tensor, options: BetaAlpha = {}): Tensor {
  return copy_(x, addmm(x, a, b, options));
}
/** beta * x + alpha * (a @ v), in place. */
export function addmv_(x: Tensor, a: Tensor, v: Tensor, options: BetaAlpha = {}): Tensor {
  return copy_(x, addmv(x, a, v, options));
}
/** beta * x + alpha * bmm(a, b), in place. */
export function baddbmm_(x: Tensor, a: Tensor, b: Tensor, options: BetaAlpha = {}): Tensor {
  return copy_(x, baddbmm(x, a, b, options));
}
/** The lower triangle, the rest set to zero, in place. */
export function tril_(x: Tensor, diagonal: number = 0): Tensor {
  return copy_(x, tril(x, diagonal));
}
/** The upper triangle, the rest set to zero, in place. */
export function triu_(x: Tensor, diagonal: number = 0): Tensor {
  return copy_(x, triu(x, diagonal));
}
/** Running sums along a dimension, in place. */
export function cumsum_(x: Tensor, dim: number): Tensor {
  return copy_(x, cumsum(x, dim));
}
/** Running products along a dimension, in place. */
export function cumprod_(x: Tensor, dim: number): Tensor {
  return copy_(x, cumprod(x, dim));
}
/** NaN and infinities replaced by numbers, in place. */
export function nanToNum_(x: Tensor, options: NanToNumOptions = {}): Tensor {
  return copy_(x, nanToNum(x, options));
}
/** The elements where the mask is true replaced by those of source, in order, in place. */
export function maskedScatter_(x: Tensor, mask: Tensor, source: Tensor): Tensor {
  return copy_(x, maskedScatter(x, mask, source));
}
/** Parts along dim scaled down to a norm of maxnorm, in place. */
export function renorm_(x: Tensor, p: number, dim: number, maxnorm: number): Tensor {
  return copy_(x, renorm(x, p, dim, maxnorm));
}
