// Every function on f64x2, one lane after the other: NativeMath compiles to Wasm arithmetic, the same bits everywhere.
import { cos1, sin1, tan1 } from './reduce';
import { acosh1, asinh1, exp21, log1, log101, log21, pow1, sigmoid1 } from './scalar';
import { digamma1, erf1, erfc1, erfinv1, lgamma1 } from './special';
import { pair } from './vector';

// @ts-ignore: decorator
@inline function lo(x: v128): f64 { return f64x2.extract_lane(x, 0); }
// @ts-ignore: decorator
@inline function hi(x: v128): f64 { return f64x2.extract_lane(x, 1); }

export function exp_f64(x: v128): v128 { return pair(NativeMath.exp(lo(x)), NativeMath.exp(hi(x))); }
export function exp2_f64(x: v128): v128 { return pair(exp21(lo(x)), exp21(hi(x))); }
export function expm1_f64(x: v128): v128 { return pair(NativeMath.expm1(lo(x)), NativeMath.expm1(hi(x))); }
export function log_f64(x: v128): v128 { return pair(log1(lo(x)), log1(hi(x))); }
export function log2_f64(x: v128): v128 { return pair(log21(lo(x)), log21(hi(x))); }
export function log10_f64(x: v128): v128 { return pair(log101(lo(x)), log101(hi(x))); }
export function log1p_f64(x: v128): v128 { return pair(NativeMath.log1p(lo(x)), NativeMath.log1p(hi(x))); }
export function sin_f64(x: v128): v128 { return pair(sin1(lo(x)), sin1(hi(x))); }
export function cos_f64(x: v128): v128 { return pair(cos1(lo(x)), cos1(hi(x))); }
export function tan_f64(x: v128): v128 { return pair(tan1(lo(x)), tan1(hi(x))); }
export function asin_f64(x: v128): v128 { return pair(NativeMath.asin(lo(x)), NativeMath.asin(hi(x))); }
export function acos_f64(x: v128): v128 { return pair(NativeMath.acos(lo(x)), NativeMath.acos(hi(x))); }
export function atan_f64(x: v128): v128 { return pair(NativeMath.atan(lo(x)), NativeMath.atan(hi(x))); }
export function sinh_f64(x: v128): v128 { return pair(NativeMath.sinh(lo(x)), NativeMath.sinh(hi(x))); }
export function cosh_f64(x: v128): v128 { return pair(NativeMath.cosh(lo(x)), NativeMath.cosh(hi(x))); }
export function tanh_f64(x: v128): v128 { return pair(NativeMath.tanh(lo(x)), NativeMath.tanh(hi(x))); }
export function asinh_f64(x: v128): v128 { return pair(asinh1(lo(x)), asinh1(hi(x))); }
export function acosh_f64(x: v128): v128 { return pair(acosh1(lo(x)), acosh1(hi(x))); }
export function atanh_f64(x: v128): v128 { return pair(NativeMath.atanh(lo(x)), NativeMath.atanh(hi(x))); }
export function erf_f64(x: v128): v128 { return pair(erf1(lo(x)), erf1(hi(x))); }
export function erfc_f64(x: v128): v128 { return pair(erfc1(lo(x)), erfc1(hi(x))); }
export function erfinv_f64(x: v128): v128 { return pair(erfinv1(lo(x)), erfinv1(hi(x))); }
export function lgamma_f64(x: v128): v128 { return pair(lgamma1(lo(x)), lgamma1(hi(x))); }
export function digamma_f64(x: v128): v128 { return pair(digamma1(lo(x)), digamma1(hi(x))); }
export function sigmoid_f64(x: v128): v128 { return pair(sigmoid1(lo(x)), sigmoid1(hi(x))); }

/** x^y by the rules of C99. */
export function pow_f64(x: v128, y: v128): v128 { return pair(pow1(lo(x), lo(y)), pow1(hi(x), hi(y))); }

/** The angle of the point (x, y). */
export function atan2_f64(y: v128, x: v128): v128 { return pair(NativeMath.atan2(lo(y), lo(x)), NativeMath.atan2(hi(y), hi(x))); }
