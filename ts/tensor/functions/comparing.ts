import { CATEGORY, type DType, isFloat } from '../../base/dtype.ts';
import { DTypeError, ValueError } from '../../base/errors.ts';
import { sameShape } from '../../base/shape.ts';
import type { Tensor } from '../core.ts';
import { where } from './arithmetic.ts';

/** Options of isclose and allclose. */
export interface CloseOptions {
  /** Share of |b| that a may be away; default 1e-5. */
  readonly rtol?: number;
  /** Distance that a may be away in any case; default 1e-8. */
  readonly atol?: number;
  /** Whether NaN equals NaN; default false. */
  readonly equalNan?: boolean;
}
/** Whether |a - b| <= atol + rtol |b|, elementwise. @throws DTypeError, ValueError @example tensor([1, 2]).isclose(tensor([1, 2.1])) // [true, false] */
export function isclose(a: Tensor, b: Tensor, options: CloseOptions = {}): Tensor {
  const { rtol = 1e-5, atol = 1e-8, equalNan = false } = options;
  if (a.dtype !== b.dtype) throw new DTypeError(`isclose: dtypes differ, ${a.dtype} and ${b.dtype}; convert one of them`);
  if (!(rtol >= 0) || !(atol >= 0)) throw new ValueError(`isclose: rtol ${rtol} and atol ${atol} must be at least 0`);
  let close = a.eq(b);
  if (equalNan && isFloat(a.dtype)) close = close.logicalOr(a.isnan().logicalAnd(b.isnan()));
  if (rtol === 0 && atol === 0) return close;
  const [x, y] = isFloat(a.dtype) ? [a, b] : [a.to('float64'), b.to('float64')];
  const error = x.sub(y).abs();
  return close.logicalOr(error.isfinite().logicalAnd(error.le(y.mul(rtol).abs().add(atol))));
}
/** Whether all elements are close; reads the answer, so only for tensors on Wasm. @throws DeviceError elsewhere @example allclose(ones([2]), ones([2])) // true */
export function allclose(a: Tensor, b: Tensor, options: CloseOptions = {}): boolean {
  return Boolean(isclose(a, b, options).all().itemSync());
}
/** Whether two tensors have the same shape and elements; reads the answer, so only for tensors on Wasm. @example ones([2]).equal(ones([2])) // true */
export function equal(a: Tensor, b: Tensor): boolean {
  return sameShape(a.shape, b.shape) && Boolean(a.eq(b).all().itemSync());
}

/** Largest finite number of each floating-point dtype. */
const LARGEST: Partial<Record<DType, number>> = {
  float64: Number.MAX_VALUE,
  float32: 3.4028234663852886e38,
  float16: 65504,
  bfloat16: 3.3895313892515355e38,
};
/** What nanToNum puts in place. */
export interface NanToNumOptions {
  /** Default 0. */
  readonly nan?: number | null;
  /** Default: the largest finite number of the dtype. */
  readonly posinf?: number | null;
  /** Default: the smallest finite number of the dtype. */
  readonly neginf?: number | null;
}
/** x with NaN and infinities replaced by numbers. @example tensor([NaN, 1]).nanToNum() // [0, 1] */
export function nanToNum(x: Tensor, options: NanToNumOptions = {}): Tensor {
  if (CATEGORY[x.dtype] !== 2) return x.clone();
  const most = LARGEST[x.dtype] as number;
  const noNan = where(x.isnan(), options.nan ?? 0, x);
  return where(x.isneginf(), options.neginf ?? -most, where(x.isposinf(), options.posinf ?? most, noNan));
}
/** The phase of real numbers: pi where negative, else 0; NaN stays. */
export function angle(x: Tensor): Tensor {
  const v = isFloat(x.dtype) ? x : x.to('float32');
  return where(v.isnan(), v, where(v.lt(0), v.fullLike(Math.PI), 0));
}
