// sin and cos on f32x4. The argument is reduced in doubles (pi/2 in two parts, 25 + 53 bits: exact products up
// to 2^27); farther out each lane goes through the double functions, which reduce exactly.
// Polynomials: Cephes sinf, cosf (S. Moshier).
import {
  C1, C2, C3, D_INVPIO2, D_MAGIC, D_PIO2_1, D_PIO2_1T, HALF, ONE, S1, S2, S3, SIGN, TRIG_FAR, TRIG_TINY,
} from './constants';
import { cos1, sin1 } from './reduce';
import { C, lane0, lane1, lane2, lane3, mad, mul, quad, sub } from './vector';

// @ts-ignore: decorator
@inline function quotient(d: v128): v128 { return f64x2.add(f64x2.mul(d, C(D_INVPIO2)), C(D_MAGIC)); }

// @ts-ignore: decorator
@inline function remainder(d: v128, t: v128): v128 {
  const n = f64x2.sub(t, C(D_MAGIC));
  return f32x4.demote_f64x2_zero(f64x2.sub(f64x2.sub(d, f64x2.mul(n, C(D_PIO2_1))), f64x2.mul(n, C(D_PIO2_1T))));
}

/** sin(x + quarter * pi/2), lanes below 2^27 in magnitude. */
// @ts-ignore: decorator
@inline function wave(x: v128, quarter: i32): v128 {
  const d0 = f64x2.promote_low_f32x4(x), d1 = f64x2.promote_low_f32x4(v128.shuffle<i32>(x, x, 2, 3, 2, 3));
  const t0 = quotient(d0), t1 = quotient(d1);
  let q = v128.shuffle<i32>(t0, t1, 0, 2, 4, 6);
  if (quarter) q = i32x4.add(q, i32x4.splat(quarter));
  const r = v128.shuffle<i32>(remainder(d0, t0), remainder(d1, t1), 0, 1, 4, 5);
  const z = mul(r, r);
  const s = mad(mad(mad(C(S3), z, C(S2)), z, C(S1)), mul(z, r), r);
  const c = mad(mad(mad(C(C3), z, C(C2)), z, C(C1)), mul(z, z), sub(C(ONE), mul(z, C(HALF))));
  const odd = i32x4.shr_s(i32x4.shl(q, 31), 31);
  return v128.xor(v128.bitselect(c, s, odd), v128.and(i32x4.shl(q, 30), C(SIGN)));
}

// @ts-ignore: decorator
@inline export function far(x: v128): bool { return v128.any_true(f32x4.ge(v128.andnot(x, C(SIGN)), C(TRIG_FAR))); }

/** sin(x), radians, for every finite x; NaN at the infinities. */
export function sin_f32(x: v128): v128 {
  if (far(x)) return quad(sin1(lane0(x)), sin1(lane1(x)), sin1(lane2(x)), sin1(lane3(x)));
  return v128.bitselect(x, wave(x, 0), f32x4.lt(v128.andnot(x, C(SIGN)), C(TRIG_TINY)));
}

/** cos(x), radians, for every finite x; NaN at the infinities. */
export function cos_f32(x: v128): v128 {
  if (far(x)) return quad(cos1(lane0(x)), cos1(lane1(x)), cos1(lane2(x)), cos1(lane3(x)));
  return wave(x, 1);
}
