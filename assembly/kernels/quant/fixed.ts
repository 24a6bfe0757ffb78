// Fixed-point arithmetic as gemmlowp and TensorFlow Lite define it. A raw int32 with k integer bits stands for raw / 2^(31 - k).
import { BOOL, F64, I16, I32, I64, I8, U8 } from '../../step';

/** a * b / 2^31, rounded to nearest, ties upwards. */
@inline export function highMul(a: i32, b: i32): i32 {
  if (a == b && a == i32.MIN_VALUE) return i32.MAX_VALUE;
  return <i32>((<i64>a * <i64>b + (1 << 30)) >> 31);
}
/** x / 2^e, rounded to nearest, ties away from zero. */
@inline export function roundingShift(x: i32, e: i32): i32 {
  const mask = <i32>((<i64>1 << e) - 1);
  return (x >> e) + <i32>((x & mask) > (mask >> 1) + <i32>(x < 0));
}
/** x * multiplier * 2^(shift - 31) by two roundings. */
@inline export function scaled(x: i32, multiplier: i32, shift: i32): i32 {
  const left = max(shift, 0);
  return roundingShift(highMul(x << left, multiplier), left - shift);
}
/** The same of a wide sum: the multiplier cut to 16 bits, one rounding. */
@inline export function scaledWide(x: i64, multiplier: i32, shift: i32): i32 {
  const reduced: i64 = multiplier < 0x7fff0000 ? (multiplier + (1 << 15)) >> 16 : 0x7fff;
  const total = 15 - shift;
  return <i32>((x * reduced + (<i64>1 << (total - 1))) >> total);
}
/** x * 2^e, saturated. */
@inline export function leftShift(x: i32, e: i32): i32 {
  if (e == 0) return x;
  const limit = <i32>((<i64>1 << (31 - e)) - 1);
  return x > limit ? i32.MAX_VALUE : x < -limit ? i32.MIN_VALUE : x << e;
}
/** (a + b) / 2, ties away from zero. */
@inline export function halfSum(a: i32, b: i32): i32 {
  const sum = <i64>a + <i64>b;
  return <i32>((sum + (sum >= 0 ? 1 : -1)) / 2);
}
@inline export function saturated(x: i64): i32 { return <i32>max<i64>(i32.MIN_VALUE, min<i64>(i32.MAX_VALUE, x)); }

/** One step of exp: times e^(-2^e) where that bit of the remainder is set. */
@inline function barrel(y: i32, rest: i32, e: i32, factor: i32): i32 { return rest & (1 << (26 + e)) ? highMul(y, factor) : y; }

/** exp of a number of 5 integer bits that is not positive, with none. */
export function expNegative(a: i32): i32 {
  if (a == 0) return i32.MAX_VALUE;
  const quarter = 1 << 24;
  const part = (a & (quarter - 1)) - quarter;
  // Taylor's series around -1/8.
  const x = (part << 5) + (1 << 28), x2 = highMul(x, x), x3 = highMul(x2, x), x4 = highMul(x2, x2);
  const tail = roundingShift(highMul(roundingShift(x4, 2) + x3, 715827883) + x2, 1);
  let y = 1895147668 + highMul(1895147668, x + tail);
  const rest = part - a;
  y = barrel(y, rest, -2, 1672461947);
  y = barrel(y, rest, -1, 1302514674);
  y = barrel(y, rest, 0, 790015084);
  y = barrel(y, rest, 1, 290630308);
  y = barrel(y, rest, 2, 39332535);
  y = barrel(y, rest, 3, 720401);
  return barrel(y, rest, 4, 242);
}

/** 1 / (1 + a) for a in [0, 1], no integer bits: three steps of Newton. */
export function inverseOfOnePlus(a: i32): i32 {
  const half = halfSum(a, i32.MAX_VALUE);
  let x = 1515870810 + highMul(half, -1010580540);
  for (let i = 0; i < 3; i++) x += leftShift(highMul(x, (1 << 29) - highMul(half, x)), 2);
  return leftShift(x, 1);
}

/** Natural logarithm of a number of 12 integer bits that is at least 1, with 5. */
export function logAboveOne(z: i32): i32 {
  const rootHalf = 1518500250, rootRootHalf = 1805811301, quarter = roundingShift(536870912, 6);
  const room = <i32>clz(z);
  const ra = leftShift(highMul(leftShift(z, room - 1), rootHalf), 1);
  const pa = saturated(<i64>leftShift(12 - room, 25) + quarter);
  const below = <i32>clz(highMul(z, rootHalf)) - 1;
  const rb = leftShift(z, below);
  const pb = saturated(<i64>leftShift(12 - below, 25) - quarter);
  const r = min(ra, rb), power = max(pa, pb), p = halfSum(r, rootRootHalf), q = (r - rootRootHalf) * 2;
  const square = highMul(q, q);
  const num = highMul(q, r) + highMul(highMul(q, square), 117049297);
  const denominator = highMul(p, 1057819769 + q + highMul(127690142, square)) + highMul(638450708, q);
  return leftShift(highMul(power, 1488522236) + highMul(roundingShift(num, 6), inverseOfOnePlus(denominator)), 1);
}

/** What `inverseRoot` found: 1 / sqrt(x) is multiplier * 2^(shift - 31). */
export let rootShift: i32 = 0;
export function inverseRoot(x: i32): i32 {
  if (x <= 1) {
    rootShift = 0;
    return i32.MAX_VALUE;
  }
  let shift = 11;
  for (; x >= 1 << 29; shift++) x /= 4;
  const pairs = (<i32>clz(x) - 1) / 2 - 1;
  shift -= pairs;
  x <<= 2 * pairs;
  const input = x >> 1, half = roundingShift(input, 1);
  let y = 1 << 28;
  for (let i = 0; i < 5; i++) {
    const cube = leftShift(highMul(highMul(y, y), y), 6);
    y = leftShift(highMul((1 << 28) + (1 << 27), y) - highMul(half, cube), 3);
  }
  y = highMul(y, 1518500250);
  if (shift < 0) {
    y <<= -shift;
    shift = 0;
  }
  rootShift = -shift;
  return y;
}

/** Element i of any integer dtype, or of a float64 that holds a whole number. */
export function wide(p: usize, dtype: i32, i: usize): i64 {
  if (dtype == I8) return <i64>load<i8>(p + i);
  if (dtype == U8 || dtype == BOOL) return <i64>load<u8>(p + i);
  if (dtype == I16) return <i64>load<i16>(p + (i << 1));
  if (dtype == I32) return <i64>load<i32>(p + (i << 2));
  if (dtype == I64) return load<i64>(p + (i << 3));
  if (dtype == F64) return <i64>load<f64>(p + (i << 3));
  return 0;
}
@inline export function narrow(p: usize, dtype: i32, i: usize): i32 {
  if (dtype == I8) return <i32>load<i8>(p + i);
  if (dtype == U8 || dtype == BOOL) return <i32>load<u8>(p + i);
  if (dtype == I16) return <i32>load<i16>(p + (i << 1));
  return load<i32>(p + (i << 2));
}
@inline export function put(p: usize, dtype: i32, i: usize, x: i32): void {
  if (dtype == I8 || dtype == U8 || dtype == BOOL) store<u8>(p + i, <u8>x);
  else if (dtype == I16) store<i16>(p + (i << 1), <i16>x);
  else store<i32>(p + (i << 2), x);
}
@inline export function clamp(x: i32, low: i32, high: i32): i32 { return min(max(x, low), high); }
