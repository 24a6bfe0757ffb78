// Fixed-point multiplication of four lanes at once, the same numbers as fixed.ts.

/**
 * A multiplier of one lane, as scaledLanes reads it: what shifts left, the multiplier, half of what the shift to the right cuts off,
 * whether there is such a shift, and 2^(30 - shift), 16 bytes apart.
 */
export function prepareLane(at: usize, multiplier: i32, shift: i32): void {
  const right = max(-shift, 0);
  store<i32>(at, 1 << max(shift, 0));
  store<i32>(at, multiplier, 16);
  store<i32>(at, right > 0 ? 1 << (right - 1) : 0, 32);
  store<i32>(at, right > 0 ? -1 : 0, 48);
  store<i32>(at, right > 30 ? 0 : 1 << (30 - right), 64);
}
/** The same multiplier for all lanes. */
export function prepareLanes(at: usize, multiplier: i32, shift: i32): void {
  for (let lane: usize = 0; lane < 16; lane += 4) prepareLane(at + lane, multiplier, shift);
}
/** Integer field i of a kernel step in eight words: loaded, as V8 would move what makes them into the loop that uses them. */
@inline export function words(s: usize, i: i32): v128 { return v128.load16_splat(s + load<u16>(s, 28) + (<usize>i << 2)); }
@inline function lows(a: v128, b: v128): v128 { return v128.shuffle<i32>(a, b, 0, 2, 4, 6); }
/**
 * Four numbers scaled by two roundings; `lefts`: whether a multiplier shifts left. Only the low halves of the products' shifted sums are
 * read, so the shifts need no sign.
 */
@inline export function scaledLanes(x: v128, at: usize, lefts: bool): v128 {
  const round = i64x2.splat(1 << 30), m = v128.load(at, 16), power = v128.load(at, 64);
  let v = x;
  if (lefts) v = i32x4.mul(v, v128.load(at));
  const a = i64x2.add(i64x2.extmul_low_i32x4_s(v, m), round), b = i64x2.add(i64x2.extmul_high_i32x4_s(v, m), round);
  v = lows(i64x2.shr_u(a, 31), i64x2.shr_u(b, 31));
  v = i32x4.add(v, i32x4.add(v128.load(at, 32), v128.and(i32x4.shr_s(v, 31), v128.load(at, 48))));
  return lows(i64x2.shr_u(i64x2.extmul_low_i32x4_s(v, power), 30), i64x2.shr_u(i64x2.extmul_high_i32x4_s(v, power), 30));
}
/** Eight bytes less z as 16-bit integers. */
@inline export function widen(p: usize, signed: bool, z: v128): v128 {
  const x = v128.load64_zero(p);
  return i16x8.sub(signed ? i16x8.extend_low_i8x16_s(x) : i16x8.extend_low_i8x16_u(x), z);
}
/** Eight results as bytes, within the limits: zero point and limits fit in 16 bits, so sums may saturate there. */
@inline export function bytes(a: v128, b: v128, zero: v128, low: v128, high: v128, signed: bool): v128 {
  const words = i16x8.min_s(i16x8.max_s(i16x8.add_sat_s(i16x8.narrow_i32x4_s(a, b), zero), low), high);
  return signed ? i8x16.narrow_i16x8_s(words, words) : i8x16.narrow_i16x8_u(words, words);
}
