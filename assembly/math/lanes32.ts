// The less hot functions on f32x4, lane by lane in doubles and rounded once: close to half a unit in the last place.
import { tan1 } from './reduce';
import { acosh1, asinh1, pow1 } from './scalar';
import { digamma1, erfc1, erfinv1, lgamma1 } from './special';
import { lane0, lane1, lane2, lane3, quad } from './vector';

export function tan_f32(x: v128): v128 {
  return quad(tan1(lane0(x)), tan1(lane1(x)), tan1(lane2(x)), tan1(lane3(x)));
}

export function asin_f32(x: v128): v128 {
  return quad(NativeMath.asin(lane0(x)), NativeMath.asin(lane1(x)), NativeMath.asin(lane2(x)), NativeMath.asin(lane3(x)));
}

export function acos_f32(x: v128): v128 {
  return quad(NativeMath.acos(lane0(x)), NativeMath.acos(lane1(x)), NativeMath.acos(lane2(x)), NativeMath.acos(lane3(x)));
}

export function atan_f32(x: v128): v128 {
  return quad(NativeMath.atan(lane0(x)), NativeMath.atan(lane1(x)), NativeMath.atan(lane2(x)), NativeMath.atan(lane3(x)));
}

export function sinh_f32(x: v128): v128 {
  return quad(NativeMath.sinh(lane0(x)), NativeMath.sinh(lane1(x)), NativeMath.sinh(lane2(x)), NativeMath.sinh(lane3(x)));
}

export function cosh_f32(x: v128): v128 {
  return quad(NativeMath.cosh(lane0(x)), NativeMath.cosh(lane1(x)), NativeMath.cosh(lane2(x)), NativeMath.cosh(lane3(x)));
}

export function asinh_f32(x: v128): v128 {
  return quad(asinh1(lane0(x)), asinh1(lane1(x)), asinh1(lane2(x)), asinh1(lane3(x)));
}

export function acosh_f32(x: v128): v128 {
  return quad(acosh1(lane0(x)), acosh1(lane1(x)), acosh1(lane2(x)), acosh1(lane3(x)));
}

export function atanh_f32(x: v128): v128 {
  return quad(NativeMath.atanh(lane0(x)), NativeMath.atanh(lane1(x)), NativeMath.atanh(lane2(x)), NativeMath.atanh(lane3(x)));
}

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

/** x^y by the rules of C99. */
export function pow_f32(x: v128, y: v128): v128 {
  return quad(pow1(lane0(x), lane0(y)), pow1(lane1(x), lane1(y)), pow1(lane2(x), lane2(y)), pow1(lane3(x), lane3(y)));
}

/** The angle of the point (x, y). */
export function atan2_f32(y: v128, x: v128): v128 {
  return quad(
    NativeMath.atan2(lane0(y), lane0(x)),
    NativeMath.atan2(lane1(y), lane1(x)),
    NativeMath.atan2(lane2(y), lane2(x)),
    NativeMath.atan2(lane3(y), lane3(x)),
  );
}
