// The less hot functions on f32x4, in doubles and rounded once: close to half a unit in the last place.
import { ZERO } from './constants';
import { tan1 } from './reduce';
import { digamma1, erfc1, erfinv1, lgamma1 } from './special';
import { far } from './trig';
import { C, lane0, lane1, lane2, lane3, quad } from './vector';
import * as w from './wide';
import { high, low, narrow } from './wide';

export function tan_f32(x: v128): v128 {
  if (far(x)) return quad(tan1(lane0(x)), tan1(lane1(x)), tan1(lane2(x)), tan1(lane3(x)));
  return v128.bitselect(x, narrow(w.tan(low(x)), w.tan(high(x))), f32x4.eq(x, C(ZERO)));
}
export function asin_f32(x: v128): v128 { return narrow(w.asin(low(x)), w.asin(high(x))); }
export function acos_f32(x: v128): v128 { return narrow(w.acos(low(x)), w.acos(high(x))); }
export function atan_f32(x: v128): v128 { return narrow(w.atan(low(x)), w.atan(high(x))); }
export function sinh_f32(x: v128): v128 { return narrow(w.sinh(low(x)), w.sinh(high(x))); }
export function cosh_f32(x: v128): v128 { return narrow(w.cosh(low(x)), w.cosh(high(x))); }
export function asinh_f32(x: v128): v128 { return narrow(w.asinh(low(x)), w.asinh(high(x))); }
export function acosh_f32(x: v128): v128 { return narrow(w.acosh(low(x)), w.acosh(high(x))); }
export function atanh_f32(x: v128): v128 { return narrow(w.atanh(low(x)), w.atanh(high(x))); }

/** x^y by the rules of C99. */
export function pow_f32(x: v128, y: v128): v128 { return narrow(w.pow(low(x), low(y)), w.pow(high(x), high(y))); }

/** The angle of the point (x, y). */
export function atan2_f32(y: v128, x: v128): v128 { return narrow(w.atan2(low(y), low(x)), w.atan2(high(y), high(x))); }

export function erfc_f32(x: v128): v128 {
  return quad(erfc1(lane0(x)), erfc1(lane1(x)), erfc1(lane2(x)), erfc1(lane3(x)));
}

export function erfinv_f32(x: v128): v128 {
  return quad(erfinv1(lane0(x)), erfinv1(lane1(x)), erfinv1(lane2(x)), erfinv1(lane3(x)));
}

export function lgamma_f32(x: v128): v128 {
  return quad(lgamma1(lane0(x)), lgamma1(lane1(x)), lgamma1(lane2(x)), lgamma1(lane3(x)));
}

export function digamma_f32(x: v128): v128 {
  return quad(digamma1(lane0(x)), digamma1(lane1(x)), digamma1(lane2(x)), digamma1(lane3(x)));
}
