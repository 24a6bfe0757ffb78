// float32 functions computed in doubles, two lanes at a time, and rounded once: within a few thousandths of half a unit in the last place.
// Polynomials are Chebyshev fits on the reduced ranges, relative errors below 2e-12; ASINH and ATANH are the Taylor series.
import { D_INVPIO2, D_MAGIC, D_PIO2_1, D_PIO2_1T } from './constants';
import { C } from './vector';

const ATAN: usize = memory.data<f64>([
  0.9999999999999745, 0.9999999999999745,
  -0.3333333333087194, -0.3333333333087194,
  0.19999999613122235, 0.19999999613122235,
  -0.14285690803738157, -0.14285690803738157,
  0.11110393683633286, 0.11110393683633286,
  -0.09078498879881558, -0.09078498879881558,
  0.07564435922690405, 0.07564435922690405,
  -0.05877122400077869, -0.05877122400077869,
  0.030700444627155262, 0.030700444627155262,
], 16);
const LOG2: usize = memory.data<f64>([
  2.8853900817778513, 2.8853900817778513,
  0.9617966941141932, 0.9617966941141932,
  0.577077942084938, 0.577077942084938,
  0.4122092836497886, 0.4122092836497886,
  0.3199043017741304, 0.3199043017741304,
  0.28292158276688467, 0.28292158276688467,
], 16);
const EXP2: usize = memory.data<f64>([
  1.0000000000000144, 1.0000000000000144,
  0.6931471805459295, 0.6931471805459295,
  0.24022650695638342, 0.24022650695638342,
  0.05550410941219298, 0.05550410941219298,
  0.0096181291943266, 0.0096181291943266,
  0.001333345055704823, 0.001333345055704823,
  0.00015403433503423546, 0.00015403433503423546,
  1.531008195523761e-05, 1.531008195523761e-05,
  1.3259694488364235e-06, 1.3259694488364235e-06,
], 16);
const SIN: usize = memory.data<f64>([
  0.999999999999996, 0.999999999999996,
  -0.1666666666661576, -0.1666666666661576,
  0.008333333323762347, 0.008333333323762347,
  -0.00019841263247583963, -0.00019841263247583963,
  2.7555262414415103e-06, 2.7555262414415103e-06,
  -2.4755920931491255e-08, -2.4755920931491255e-08,
], 16);
const COS: usize = memory.data<f64>([
  0.9999999999999446, 0.9999999999999446,
  -0.49999999999347433, -0.49999999999347433,
  0.04166666654334868, 0.04166666654334868,
  -0.001388888036497028, -0.001388888036497028,
  2.479892283942458e-05, 2.479892283942458e-05,
  -2.717300889293321e-07, -2.717300889293321e-07,
], 16);
const SINH: usize = memory.data<f64>([
  0.9999999999999212, 0.9999999999999212,
  0.16666666667239963, 0.16666666667239963,
  0.008333333266494344, 0.008333333266494344,
  0.00019841298332101866, 0.00019841298332101866,
  2.7551833083038294e-06, 2.7551833083038294e-06,
  2.5538278330745904e-08, 2.5538278330745904e-08,
], 16);
const ASINH: usize = memory.data<f64>([
  1.0, 1.0,
  -0.16666666666666666, -0.16666666666666666,
  0.075, 0.075,
  -0.044642857142857144, -0.044642857142857144,
  0.030381944444444444, 0.030381944444444444,
  0.0, 0.0,
], 16);
const ATANH: usize = memory.data<f64>([
  1.0, 1.0,
  0.3333333333333333, 0.3333333333333333,
  0.2, 0.2,
  0.14285714285714285, 0.14285714285714285,
  0.1111111111111111, 0.1111111111111111,
  0.0, 0.0,
], 16);
const K: usize = memory.data<f64>([
  1.0, 1.0, // ONE
  0.5, 0.5, // HALF
  3.141592653589793, 3.141592653589793, // PI
  1.5707963267948966, 1.5707963267948966, // HALF_PI
  0.7853981633974483, 0.7853981633974483, // QUARTER_PI
  0.41421356237309503, 0.41421356237309503, // TAN_EIGHTH
  1.4426950408889634, 1.4426950408889634, // LOG2E
  0.6931471805599453, 0.6931471805599453, // LN2
  1000.0, 1000.0, // LIMIT
  0.03, 0.03, // SMALL
  Infinity, Infinity, // INF
  6755399441055744.0, 6755399441055744.0, // MAGIC
  4503599627371519.0, 4503599627371519.0, // BIAS52
], 16);
const ONE: usize = K + 0;
const HALF: usize = K + 16;
const PI: usize = K + 32;
const HALF_PI: usize = K + 48;
const QUARTER_PI: usize = K + 64;
const TAN_EIGHTH: usize = K + 80;
const LOG2E: usize = K + 96;
const LN2: usize = K + 112;
const LIMIT: usize = K + 128;
const SMALL: usize = K + 144;
const INF: usize = K + 160;
const MAGIC: usize = K + 176;
const BIAS52: usize = K + 192;
const U: usize = memory.data<u64>([
  0x8000000000000000, 0x8000000000000000, // SIGN
  0x00095f6200000000, 0x00095f6200000000, // ROOT_HALF
  0x4330000000000000, 0x4330000000000000, // TWO52
  0x000fffffffffffff, 0x000fffffffffffff, // MANTISSA
  0x3fe6a09e00000000, 0x3fe6a09e00000000, // LOWEST
], 16);
const SIGN: usize = U;
const ROOT_HALF: usize = U + 16;
const TWO52: usize = U + 32;
const MANTISSA: usize = U + 48;
const LOWEST: usize = U + 64;

// @ts-ignore: decorator
@inline function mul(a: v128, b: v128): v128 { return f64x2.mul(a, b); }
// @ts-ignore: decorator
@inline function add(a: v128, b: v128): v128 { return f64x2.add(a, b); }
// @ts-ignore: decorator
@inline function sub(a: v128, b: v128): v128 { return f64x2.sub(a, b); }
// @ts-ignore: decorator
@inline function pick(yes: v128, no: v128, mask: v128): v128 { return v128.bitselect(yes, no, mask); }

// @ts-ignore: decorator
@inline function mad(a: v128, b: v128, c: v128): v128 { return f64x2.add(f64x2.mul(a, b), c); }
/** The polynomial of six, or nine, coefficients at p, constant term first. */
// @ts-ignore: decorator
@inline function six(p: usize, x: v128): v128 {
  const z = mul(x, x);
  return mad(mad(mad(C(p + 80), x, C(p + 64)), z, mad(C(p + 48), x, C(p + 32))), z, mad(C(p + 16), x, C(p)));
}
// @ts-ignore: decorator
@inline function nine(p: usize, x: v128): v128 {
  const z = mul(x, x), w = mul(z, z);
  const upper = mad(C(p + 128), w, mad(mad(C(p + 112), x, C(p + 96)), z, mad(C(p + 80), x, C(p + 64))));
  return mad(upper, w, mad(mad(C(p + 48), x, C(p + 32)), z, mad(C(p + 16), x, C(p))));
}

/** Lanes 0 and 1, or 2 and 3, as doubles. */
// @ts-ignore: decorator
@inline export function low(x: v128): v128 { return f64x2.promote_low_f32x4(x); }
// @ts-ignore: decorator
@inline export function high(x: v128): v128 { return f64x2.promote_low_f32x4(v128.shuffle<i64>(x, x, 1, 1)); }
/** Two pairs of doubles rounded to an f32x4. */
// @ts-ignore: decorator
@inline export function narrow(a: v128, b: v128): v128 {
  return v128.shuffle<i64>(f32x4.demote_f64x2_zero(a), f32x4.demote_f64x2_zero(b), 0, 2);
}

/** log2(x) of normal doubles, 0, infinity and NaN; NaN below 0. */
function log2(x: v128): v128 {
  const u = i64x2.add(x, C(ROOT_HALF));
  const k = sub(v128.or(i64x2.shr_u(u, 52), C(TWO52)), C(BIAS52));
  const m = i64x2.add(v128.and(u, C(MANTISSA)), C(LOWEST));
  const s = f64x2.div(sub(m, C(ONE)), add(m, C(ONE)));
  let r = add(k, mul(s, six(LOG2, mul(s, s))));
  r = pick(x, r, v128.or(f64x2.eq(x, C(INF)), f64x2.ne(x, x)));
  const zero = i64x2.splat(0);
  r = pick(f64x2.neg(C(INF)), r, f64x2.eq(x, zero));
  // All ones is a NaN.
  return v128.or(r, f64x2.lt(x, zero));
}

/** 2^x, far enough out for every float32 to be 0 or infinite; NaN kept. */
function exp2(x: v128): v128 {
  x = f64x2.max(f64x2.min(x, C(LIMIT)), f64x2.neg(C(LIMIT)));
  const t = add(x, C(MAGIC));
  return i64x2.add(nine(EXP2, sub(x, sub(t, C(MAGIC)))), i64x2.shl(t, 52));
}
// @ts-ignore: decorator
@inline function exp(x: v128): v128 { return exp2(mul(x, C(LOG2E))); }
// @ts-ignore: decorator
@inline function log(x: v128): v128 { return mul(log2(x), C(LN2)); }

/** x^y by the rules of C99. */
export function pow(x: v128, y: v128): v128 {
  const a = f64x2.abs(x), zero = i64x2.splat(0);
  let r = exp2(mul(log2(a), y));
  const below = i64x2.shr_s(x, 63), whole = f64x2.eq(f64x2.trunc(y), y), h = mul(y, C(HALF));
  const odd = v128.andnot(whole, f64x2.eq(f64x2.trunc(h), h));
  r = v128.xor(r, v128.and(v128.and(below, odd), C(SIGN)));
  r = v128.or(r, v128.andnot(v128.and(f64x2.lt(x, zero), f64x2.lt(a, C(INF))), whole));
  const one = v128.or(f64x2.eq(y, zero), v128.or(f64x2.eq(x, C(ONE)), v128.and(f64x2.eq(a, C(ONE)), f64x2.eq(f64x2.abs(y), C(INF)))));
  return pick(C(ONE), r, one);
}

/** The angle of the point (x, y). */
export function atan2(y: v128, x: v128): v128 {
  const a = f64x2.abs(x), b = f64x2.abs(y);
  let m = f64x2.max(a, b), n = f64x2.min(a, b);
  const both = f64x2.eq(n, C(INF));
  m = pick(C(ONE), m, v128.or(both, f64x2.eq(m, i64x2.splat(0))));
  n = pick(C(ONE), n, both);
  const far = f64x2.gt(n, mul(m, C(TAN_EIGHTH)));
  const t = f64x2.div(pick(sub(n, m), n, far), pick(add(n, m), m, far));
  let r = add(v128.and(far, C(QUARTER_PI)), mul(t, nine(ATAN, mul(t, t))));
  r = pick(sub(C(HALF_PI), r), r, f64x2.gt(b, a));
  r = pick(sub(C(PI), r), r, i64x2.shr_s(x, 63));
  return pick(y, r, C(SIGN));
}
// @ts-ignore: decorator
@inline function leg(x: v128): v128 { return f64x2.sqrt(mul(sub(C(ONE), x), add(C(ONE), x))); }
export function asin(x: v128): v128 { return atan2(x, leg(x)); }
export function acos(x: v128): v128 { return atan2(leg(x), x); }
export function atan(x: v128): v128 { return atan2(x, C(ONE)); }

/** tan(x), |x| below 2^27. */
export function tan(x: v128): v128 {
  const t = add(mul(x, C(D_INVPIO2)), C(D_MAGIC)), n = sub(t, C(D_MAGIC));
  const r = sub(sub(x, mul(n, C(D_PIO2_1))), mul(n, C(D_PIO2_1T))), z = mul(r, r);
  const s = mul(r, six(SIN, z)), c = six(COS, z), odd = i64x2.shr_s(i64x2.shl(t, 63), 63);
  return f64x2.div(pick(f64x2.neg(c), s, odd), pick(s, c, odd));
}

export function cosh(x: v128): v128 {
  const e = exp(f64x2.abs(x));
  return mul(C(HALF), add(e, f64x2.div(C(ONE), e)));
}
export function sinh(x: v128): v128 {
  const a = f64x2.abs(x), e = exp(a);
  const far = mul(C(HALF), sub(e, f64x2.div(C(ONE), e))), near = mul(a, six(SINH, mul(a, a)));
  return pick(x, pick(near, far, f64x2.lt(a, C(ONE))), C(SIGN));
}
export function asinh(x: v128): v128 {
  const a = f64x2.abs(x), z = mul(a, a);
  const far = log(add(a, f64x2.sqrt(add(z, C(ONE))))), near = mul(a, six(ASINH, z));
  return pick(x, pick(near, far, f64x2.lt(a, C(SMALL))), C(SIGN));
}
export function acosh(x: v128): v128 {
  const r = log(add(x, f64x2.sqrt(mul(sub(x, C(ONE)), add(x, C(ONE))))));
  return v128.or(r, f64x2.lt(x, C(ONE)));
}
export function atanh(x: v128): v128 {
  const far = mul(C(HALF), log(f64x2.div(add(C(ONE), x), sub(C(ONE), x))));
  return pick(mul(x, six(ATANH, mul(x, x))), far, f64x2.lt(f64x2.abs(x), C(SMALL)));
}
