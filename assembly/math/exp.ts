// exp and log families on f32x4, without lane loops. Polynomials: Cephes expf, exp2f, logf, log10f, tanhf
// (S. Moshier); rounding by adding 1.5*2^23, so the sum's low bits hold the integer.
import {
  E1, E2, E3, E4, E5, EXP2_HI, EXP2_LO, EXPM1_LO, EXP_FLOOR, EXP_HI, EXP_LO, F23, FORTY, HALF, I126, INF,
  L0, L1, L102A, L102B, L10EA, L10EB, L2, L3, L4, L5, L6, L7, L8, LN2, LN2_HI, LN2_LO, LOG2E, LOG2EA,
  MAGIC, MAGIC_BIASED, MANT, MINNORM, NINF, ONE, SIGN, SQRTHF, T0, T1, T2, T3, T4, TANH_CUT, TWO, TWO23, ZERO,
} from './constants';
import { C, add, mad, mul, sub } from './vector';

/** exp(r) - 1 for |r| <= ln(2) / 2. */
// @ts-ignore: decorator
@inline function expTail(r: v128): v128 {
  const r2 = mul(r, r);
  const p = mad(mad(mad(C(E5), r, C(E4)), r2, mad(C(E3), r, C(E2))), r2, mad(C(E1), r, C(HALF)));
  return mad(p, r2, r);
}

/** x - n ln(2), exact in its leading part. */
// @ts-ignore: decorator
@inline function expReduce(x: v128, n: v128): v128 { return sub(sub(x, mul(n, C(LN2_HI))), mul(n, C(LN2_LO))); }

/** p 2^n in two factors, so that subnormal and infinite results round once; t = n + 1.5*2^23. */
// @ts-ignore: decorator
@inline function scale(p: v128, t: v128): v128 {
  const n = i32x4.sub(t, C(MAGIC)), h = i32x4.shr_s(n, 1);
  return mul(mul(p, i32x4.add(i32x4.shl(h, 23), C(ONE))), i32x4.add(i32x4.shl(i32x4.sub(n, h), 23), C(ONE)));
}

/** exp(x): 0 and infinity at the ends, subnormal results rounded, NaN kept. */
// @ts-ignore: decorator
@inline export function exp_f32(x: v128): v128 {
  x = f32x4.pmax(f32x4.pmin(x, C(EXP_HI)), C(EXP_LO));
  const t = mad(x, C(LOG2E), C(MAGIC));
  return scale(add(expTail(expReduce(x, sub(t, C(MAGIC)))), C(ONE)), t);
}

/** exp(x) for x <= 88, never below exp(-80): one multiplication instead of the exact ends. NaN kept. */
// @ts-ignore: decorator
@inline export function expNormal_f32(x: v128): v128 {
  x = f32x4.pmax(x, C(EXP_FLOOR));
  const t = mad(x, C(LOG2E), C(MAGIC_BIASED));
  return mul(add(expTail(expReduce(x, sub(t, C(MAGIC_BIASED)))), C(ONE)), i32x4.shl(t, 23));
}

/** 2^x, exact for integers. */
// @ts-ignore: decorator
@inline export function exp2_f32(x: v128): v128 {
  x = f32x4.pmax(f32x4.pmin(x, C(EXP2_HI)), C(EXP2_LO));
  const t = add(x, C(MAGIC));
  return scale(add(expTail(mul(sub(x, sub(t, C(MAGIC))), C(LN2))), C(ONE)), t);
}

/** exp(x) - 1, relatively accurate near zero; keeps the sign of zero. */
// @ts-ignore: decorator
@inline export function expm1_f32(x: v128): v128 {
  const y = f32x4.pmax(f32x4.pmin(x, C(EXP_HI)), C(EXPM1_LO));
  const t = mad(y, C(LOG2E), C(MAGIC_BIASED)), n = sub(t, C(MAGIC_BIASED));
  // 2^(n-1), doubled at the end: 2^128 is out of range
  const s = i32x4.shl(i32x4.sub(t, i32x4.splat(1)), 23);
  const r = mad(s, expTail(expReduce(y, n)), sub(s, C(HALF)));
  return v128.or(add(r, r), v128.and(x, C(SIGN)));
}

/** 1 / (1 + exp(-x)), accurate down to its subnormal values. */
// @ts-ignore: decorator
@inline export function sigmoid_f32(x: v128): v128 {
  const e = exp_f32(v128.or(x, C(SIGN)));
  return f32x4.div(v128.bitselect(e, C(ONE), f32x4.lt(x, C(ZERO))), add(C(ONE), e));
}

/** tanh(x). */
// @ts-ignore: decorator
@inline export function tanh_f32(x: v128): v128 {
  const a = v128.andnot(x, C(SIGN)), z = mul(x, x), z2 = mul(z, z);
  const p = mad(mad(mad(mad(C(T4), z, C(T3)), z2, mad(C(T2), z, C(T1))), z, C(T0)), mul(z, a), a);
  const e = expNormal_f32(f32x4.pmin(add(a, a), C(FORTY)));
  const q = sub(C(ONE), f32x4.div(C(TWO), add(e, C(ONE))));
  return v128.or(v128.bitselect(p, q, f32x4.lt(a, C(TANH_CUT))), v128.and(x, C(SIGN)));
}

/** The logarithm of base `base` (0 for e, 2, 10); `base` must be a literal. */
// @ts-ignore: decorator
@inline function logBase(x: v128, base: i32): v128 {
  const tiny = f32x4.lt(x, C(MINNORM));
  const xs = v128.bitselect(mul(x, C(TWO23)), x, tiny);
  let e = sub(f32x4.convert_i32x4_s(i32x4.sub(i32x4.shr_u(xs, 23), C(I126))), v128.and(tiny, C(F23)));
  let m = v128.or(v128.and(xs, C(MANT)), C(HALF));
  const low = f32x4.lt(m, C(SQRTHF));
  e = sub(e, v128.and(low, C(ONE)));
  m = add(sub(m, C(ONE)), v128.and(low, m));
  const z = mul(m, m), z2 = mul(z, z);
  const a = mad(C(L8), m, C(L7)), b = mad(C(L6), m, C(L5)), c = mad(C(L4), m, C(L3)), d = mad(C(L2), m, C(L1));
  let p = mul(mul(mad(mad(mad(a, z, b), z2, mad(c, z, d)), m, C(L0)), m), z);
  let r: v128;
  if (base == 2) {
    p = sub(p, mul(z, C(HALF)));
    r = add(add(add(mad(p, C(LOG2EA), mul(m, C(LOG2EA))), p), m), e);
  } else if (base == 10) {
    p = sub(p, mul(z, C(HALF)));
    r = mad(e, C(L102B), mad(m, C(L10EB), mul(p, C(L10EB))));
    r = mad(e, C(L102A), mad(m, C(L10EA), mad(p, C(L10EA), r)));
  } else {
    p = sub(mad(e, C(LN2_LO), p), mul(z, C(HALF)));
    r = mad(e, C(LN2_HI), add(m, p));
  }
  r = v128.bitselect(x, r, f32x4.eq(x, C(INF)));
  // all ones is a NaN
  r = v128.or(r, v128.or(f32x4.lt(x, C(ZERO)), f32x4.ne(x, x)));
  return v128.bitselect(C(NINF), r, f32x4.eq(x, C(ZERO)));
}

/** ln(x), subnormal arguments included; -infinity at zero, NaN below. */
// @ts-ignore: decorator
@inline export function log_f32(x: v128): v128 { return logBase(x, 0); }

/** log2(x). */
export function log2_f32(x: v128): v128 { return logBase(x, 2); }

/** log10(x). */
export function log10_f32(x: v128): v128 { return logBase(x, 10); }

/** ln(1 + x), relatively accurate near zero; keeps the sign of zero. */
export function log1p_f32(x: v128): v128 {
  const u = add(C(ONE), x);
  // what rounding 1 + x lost, relative to it; NaN at u = 0 and u = infinity
  let c = f32x4.div(sub(x, sub(u, C(ONE))), u);
  c = v128.and(c, f32x4.eq(c, c));
  return v128.or(add(logBase(u, 0), c), v128.and(x, C(SIGN)));
}
