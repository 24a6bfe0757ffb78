// exp and sigmoid over blocks of four vectors: the four chains advance together, and exits that are never taken (they hold stores of
// the live values) keep the engine's scheduler from floating one chain past the others, which would spill. Same bits as the lane forms.
import { exp_f32, sigmoid_f32 } from './exp';
import { E1, E2, E3, E4, E5, EXP_FLOOR, EXP_ZERO, HALF, LN2_HI, LN2_LO, LOG2E, MAGIC_BIASED, ONE, SIGN, ZERO } from './constants';
import { C, add, mad, mul, sub } from './vector';

// @ts-ignore: decorator
@inline function negative(x: v128): v128 { return v128.or(x, C(SIGN)); }
// @ts-ignore: decorator
@inline function inside(x: v128): v128 { return f32x4.ge(negative(x), C(EXP_FLOOR)); }
// @ts-ignore: decorator
@inline function poly(r: v128, s: v128): v128 { return mad(mad(mad(C(E5), r, C(E4)), s, mad(C(E3), r, C(E2))), s, mad(C(E1), r, C(HALF))); }
// @ts-ignore: decorator
@inline function rest(x: v128, n: v128): v128 { return sub(sub(x, mul(n, C(LN2_HI))), mul(n, C(LN2_LO))); }
// @ts-ignore: decorator
@inline function finish(p: v128, s: v128, r: v128, t: v128): v128 { return mul(add(mad(p, s, r), C(ONE)), i32x4.shl(t, 23)); }
// @ts-ignore: decorator
@inline function put(q: usize, a: v128, b: v128, c: v128, d: v128): void {
  v128.store(q, a);
  v128.store(q, b, 16);
  v128.store(q, c, 32);
  v128.store(q, d, 48);
}
// @ts-ignore: decorator
@inline function share(x: v128, e: v128): v128 { return f32x4.div(v128.bitselect(e, C(ONE), f32x4.lt(x, C(ZERO))), add(C(ONE), e)); }

/** Blocks of 64 bytes from p to q: exp, or sigmoid where `logistic`. `m` is their number. */
// @ts-ignore: decorator
@inline function blocks(p: usize, q: usize, m: i32, logistic: bool): void {
  for (; m > 0; m--, p += 64, q += 64) {
    const v0 = v128.load(p), v1 = v128.load(p, 16), v2 = v128.load(p, 32), v3 = v128.load(p, 48);
    if (!i32x4.all_true(v128.and(v128.and(inside(v0), inside(v1)), v128.and(inside(v2), inside(v3))))) {
      if (logistic) put(q, sigmoid_f32(v0), sigmoid_f32(v1), sigmoid_f32(v2), sigmoid_f32(v3));
      else put(q, exp_f32(v0), exp_f32(v1), exp_f32(v2), exp_f32(v3));
      continue;
    }
    const x0 = logistic ? negative(v0) : v0, x1 = logistic ? negative(v1) : v1;
    const x2 = logistic ? negative(v2) : v2, x3 = logistic ? negative(v3) : v3;
    const t0 = mad(x0, C(LOG2E), C(MAGIC_BIASED)), t1 = mad(x1, C(LOG2E), C(MAGIC_BIASED));
    const t2 = mad(x2, C(LOG2E), C(MAGIC_BIASED)), t3 = mad(x3, C(LOG2E), C(MAGIC_BIASED));
    const r0 = rest(x0, sub(t0, C(MAGIC_BIASED))), r1 = rest(x1, sub(t1, C(MAGIC_BIASED)));
    const r2 = rest(x2, sub(t2, C(MAGIC_BIASED))), r3 = rest(x3, sub(t3, C(MAGIC_BIASED)));
    if (m < 0) {
      put(q, r0, r1, r2, r3);
      put(q + 64, t0, t1, t2, t3);
      break;
    }
    const s0 = mul(r0, r0), s1 = mul(r1, r1), s2 = mul(r2, r2), s3 = mul(r3, r3);
    const p0 = poly(r0, s0), p1 = poly(r1, s1), p2 = poly(r2, s2), p3 = poly(r3, s3);
    if (m < 0) {
      put(q, p0, p1, p2, p3);
      put(q + 64, s0, s1, s2, s3);
      break;
    }
    const e0 = finish(p0, s0, r0, t0), e1 = finish(p1, s1, r1, t1), e2 = finish(p2, s2, r2, t2), e3 = finish(p3, s3, r3, t3);
    if (logistic) put(q, share(v0, e0), share(v1, e1), share(v2, e2), share(v3, e3));
    else put(q, e0, e1, e2, e3);
  }
}

/** exp over m blocks of 64 bytes. */
export function exp_blocks(p: usize, q: usize, m: i32): void { blocks(p, q, m, false); }
/** The logistic function over m blocks of 64 bytes. */
export function sigmoid_blocks(p: usize, q: usize, m: i32): void { blocks(p, q, m, true); }

/**
 * q = exp(p - c) over m blocks of 64 bytes, where p - c is at most 0 or NaN; 0 where there are no normal numbers left: at EXP_ZERO the
 * exponent that is shifted into place is 0. Returns acc plus the sums of the lanes.
 */
export function expLess_blocks(p: usize, q: usize, m: i32, c: v128, acc: v128): v128 {
  for (; m > 0; m--, p += 64, q += 64) {
    const x0 = f32x4.pmax(sub(v128.load(p), c), C(EXP_ZERO)), x1 = f32x4.pmax(sub(v128.load(p, 16), c), C(EXP_ZERO));
    const x2 = f32x4.pmax(sub(v128.load(p, 32), c), C(EXP_ZERO)), x3 = f32x4.pmax(sub(v128.load(p, 48), c), C(EXP_ZERO));
    const t0 = mad(x0, C(LOG2E), C(MAGIC_BIASED)), t1 = mad(x1, C(LOG2E), C(MAGIC_BIASED));
    const t2 = mad(x2, C(LOG2E), C(MAGIC_BIASED)), t3 = mad(x3, C(LOG2E), C(MAGIC_BIASED));
    const r0 = rest(x0, sub(t0, C(MAGIC_BIASED))), r1 = rest(x1, sub(t1, C(MAGIC_BIASED)));
    const r2 = rest(x2, sub(t2, C(MAGIC_BIASED))), r3 = rest(x3, sub(t3, C(MAGIC_BIASED)));
    if (m < 0) {
      put(q, r0, r1, r2, r3);
      put(q + 64, t0, t1, t2, t3);
      break;
    }
    const s0 = mul(r0, r0), s1 = mul(r1, r1), s2 = mul(r2, r2), s3 = mul(r3, r3);
    const p0 = poly(r0, s0), p1 = poly(r1, s1), p2 = poly(r2, s2), p3 = poly(r3, s3);
    if (m < 0) {
      put(q, p0, p1, p2, p3);
      put(q + 64, s0, s1, s2, s3);
      break;
    }
    const e0 = finish(p0, s0, r0, t0), e1 = finish(p1, s1, r1, t1), e2 = finish(p2, s2, r2, t2), e3 = finish(p3, s3, r3, t3);
    put(q, e0, e1, e2, e3);
    acc = add(acc, add(add(e0, e1), add(e2, e3)));
  }
  return acc;
}
