// Quantised elementwise operations: rescaling by channel, tables, rounding of floats, and pairs of operands.
import { combine as c, inverseSquareRoot as r, joined as j, lookup as l, quantize as q, requantize as f } from '../../gen/fields';
import { F64, I16, I8, U8, dtype, float, int, operand } from '../../step';
import { scratch } from '../../threads';
import { clamp, inverseRoot, narrow, put, rootShift, roundingShift, scaled, scaledWide, wide } from './fixed';
import { bytes, prepareLanes, scaledLanes, widen, words } from './lanes';

/** Rounded to nearest, ties away from zero. */
@inline function nearest(v: f64): f64 {
  const t = trunc<f64>(v);
  return abs<f64>(v - t) >= 0.5 ? t + copysign<f64>(1, v) : t;
}
/** y = clamp(scaled(x - xZero + bias) + zero), the scale by the last dimension; scales of float64 are real numbers. */
export function requantize(s: usize, phase: i32, tile: i32): void {
  const n = int(s, f.n), channels = int(s, f.channels), per = int(s, f.per);
  const zero = int(s, f.zero), low = int(s, f.low), high = int(s, f.high);
  const y = operand(s, 0), x = operand(s, 1), scales = operand(s, 2), bias = int(s, f.bias) ? operand(s, 3) : 0;
  const to = dtype(s, 0), from = dtype(s, 1), kind = dtype(s, 3), one = int(s, f.scales) == 1, isWide = int(s, f.wide) != 0;
  const offset = <i64>int(s, f.xZero), shifts = scales + (<usize>int(s, f.scales) << 2);
  const start = tile * per, end = min(n, start + per);
  let k = start % channels;
  if (dtype(s, 2) == F64) {
    const least = <f64>(low - zero), most = <f64>(high - zero);
    for (let i = start; i < end; i++) {
      let a = wide(x, from, i) - offset;
      if (bias) a += wide(bias, kind, k);
      put(y, to, i, <i32>min(max(nearest(<f64>a * load<f64>(scales + (one ? 0 : <usize>k << 3))), least), most) + zero);
      if (++k == channels) k = 0;
    }
    return;
  }
  for (let i = start; i < end; i++) {
    const at: usize = one ? 0 : <usize>k << 2;
    const m = load<i32>(scales + at), e = load<i32>(shifts + at);
    let a = wide(x, from, i) - offset;
    if (bias) a += wide(bias, kind, k);
    put(y, to, i, clamp((isWide ? scaledWide(a, m, e) : scaled(<i32>a, m, e)) + zero, low, high));
    if (++k == channels) k = 0;
  }
}

/** y = table[x - low]. */
export function lookup(s: usize, phase: i32, tile: i32): void {
  const n = int(s, l.n), per = int(s, l.per), low = int(s, l.low), shift = <usize>int(s, l.shift);
  const y = operand(s, 0), x = operand(s, 1), table = operand(s, 2), from = dtype(s, 1);
  const start = tile * per, end = min(n, start + per);
  if (shift == 0 && from != I16) {
    // A byte's table is turned by 128 for signed indices.
    const flip = from == I8 ? 128 : 0;
    for (let i = start; i < end; i++) store<u8>(y + i, load<u8>(table + (load<u8>(x + i) ^ flip)));
    return;
  }
  for (let i = start; i < end; i++) {
    const at = table + (<usize>(narrow(x, from, i) - low) << shift);
    if (shift == 0) store<u8>(y + i, load<u8>(at));
    else if (shift == 1) store<u16>(y + (<usize>i << 1), load<u16>(at));
    else store<u32>(y + (<usize>i << 2), load<u32>(at));
  }
}

/** y = clamp(round(x / scale) + zero), ties away from zero. */
export function quantize(s: usize, phase: i32, tile: i32): void {
  const n = int(s, q.n), per = int(s, q.per), zero = <f32>int(s, q.zero), low = <f32>int(s, q.low), high = <f32>int(s, q.high);
  const y = operand(s, 0), x = operand(s, 1), to = dtype(s, 0), scale = <f32>float(s, q.scale);
  const start = tile * per, end = min(n, start + per);
  for (let i = start; i < end; i++) {
    const v = load<f32>(x + (<usize>i << 2)) / scale, t = trunc<f32>(v);
    const away: f32 = abs<f32>(v - t) >= 0.5 ? copysign<f32>(1, v) : 0;
    // A number that is none becomes the lowest.
    put(y, to, i, <i32>min<f32>(max<f32>(t + away + zero, low), high));
  }
}

@inline function isByte(type: i32): bool { return type == I8 || type == U8; }
const TABLE: i32 = 256;
@inline function entry(table: usize, p: usize): i32 { return load<i32>(table + (<usize>load<u8>(p) << 2)); }
/** Sums of what the tables hold for four pairs of bytes. */
@inline function fourOf(a: usize, b: usize, ta: usize, tb: usize): v128 {
  const one = i32x4.splat(entry(ta, a) + entry(tb, b)), two = i32x4.replace_lane(one, 1, entry(ta, a + 1) + entry(tb, b + 1));
  const three = i32x4.replace_lane(two, 2, entry(ta, a + 2) + entry(tb, b + 2));
  return i32x4.replace_lane(three, 3, entry(ta, a + 3) + entry(tb, b + 3));
}
/** The larger of two scales' common form, then sum, difference, product, square of the difference, or comparison. */
export function combine(s: usize, phase: i32, tile: i32): void {
  const n = int(s, c.n), per = int(s, c.per), mode = int(s, c.mode), left = int(s, c.left), low = int(s, c.low), high = int(s, c.high);
  const y = operand(s, 0), a = operand(s, 1), b = operand(s, 2), to = dtype(s, 0), da = dtype(s, 1), db = dtype(s, 2);
  const aZero = int(s, c.aZero), aMul = int(s, c.aMul), aShift = int(s, c.aShift), bZero = int(s, c.bZero), bMul = int(s, c.bMul);
  const bShift = int(s, c.bShift), yZero = int(s, c.yZero), yMul = int(s, c.yMul), yShift = int(s, c.yShift);
  const start = tile * per, end = min(n, start + per);
  let first = start;
  if ((mode == 0 || mode == 1 || mode == 2) && isByte(da) && isByte(db) && isByte(to)) {
    // Eight bytes at a time.
    const at = scratch, az = i16x8.splat(<i16>aZero), bz = i16x8.splat(<i16>bZero), zero = i16x8.splat(<i16>yZero);
    const least = i16x8.splat(<i16>low), most = i16x8.splat(<i16>high), la = aShift > 0, lb = bShift > 0, ly = yShift > 0;
    const sa = da == I8, sb = db == I8, sy = to == I8;
    prepareLanes(at, aMul, aShift);
    prepareLanes(at + 80, bMul, bShift);
    prepareLanes(at + 160, yMul, yShift);
    // Of many elements, what a byte becomes is looked up.
    if (mode != 2 && end - start >= 4 * TABLE) {
      const ta = scratch + 256, tb = ta + TABLE * 4;
      for (let i = 0; i < TABLE; i++) {
        const p = (sa ? <i32>(<i8>i) : i) - aZero, r = (sb ? <i32>(<i8>i) : i) - bZero, v = scaled(r << left, bMul, bShift);
        store<i32>(ta + (<usize>i << 2), scaled(p << left, aMul, aShift));
        store<i32>(tb + (<usize>i << 2), mode == 0 ? v : -v);
      }
      for (; first + 8 <= end; first += 8) {
        const u = fourOf(a + first, b + first, ta, tb), v = fourOf(a + first + 4, b + first + 4, ta, tb);
        v128.store64_lane(y + first, bytes(scaledLanes(u, at + 160, ly), scaledLanes(v, at + 160, ly), zero, least, most, sy), 0);
      }
    }
    for (; first + 8 <= end; first += 8) {
      const p = widen(a + first, sa, az), r = widen(b + first, sb, bz);
      let u: v128, v: v128;
      if (mode == 2) {
        u = i32x4.extmul_low_i16x8_s(p, r);
        v = i32x4.extmul_high_i16x8_s(p, r);
      } else {
        u = scaledLanes(i32x4.shl(i32x4.extend_low_i16x8_s(p), left), at, la);
        v = scaledLanes(i32x4.shl(i32x4.extend_high_i16x8_s(p), left), at, la);
        const w = scaledLanes(i32x4.shl(i32x4.extend_low_i16x8_s(r), left), at + 80, lb);
        const x = scaledLanes(i32x4.shl(i32x4.extend_high_i16x8_s(r), left), at + 80, lb);
        u = mode == 0 ? i32x4.add(u, w) : i32x4.sub(u, w);
        v = mode == 0 ? i32x4.add(v, x) : i32x4.sub(v, x);
      }
      v128.store64_lane(y + first, bytes(scaledLanes(u, at + 160, ly), scaledLanes(v, at + 160, ly), zero, least, most, sy), 0);
    }
  }
  for (let i = first; i < end; i++) {
    const p = narrow(a, da, i) - aZero, r = narrow(b, db, i) - bZero;
    let v = 0;
    if (mode == 2) v = scaled(p * r, yMul, yShift);
    else if (mode == 3) v = p >= 0 ? scaled(p, aMul, aShift) : scaled(p * r, yMul, yShift);
    else if (mode == 4) {
      // Powers of two: one operand is shifted, the sum saturates at 16 bits.
      const sum = roundingShift(p, -aShift) + roundingShift(r, -bShift);
      v = clamp(sum, -32768, 32767);
    } else {
      const u = scaled(p << left, aMul, aShift), w = scaled(r << left, bMul, bShift);
      if (mode == 0) v = scaled(u + w, yMul, yShift);
      else if (mode == 1) v = scaled(u - w, yMul, yShift);
      else if (mode == 5) v = scaled((u - w) * (u - w), yMul, yShift);
      else if (mode == 6) v = <i32>(u == w);
      else if (mode == 7) v = <i32>(u != w);
      else if (mode == 8) v = <i32>(u < w);
      else if (mode == 9) v = <i32>(u <= w);
      else if (mode == 10) v = <i32>(u > w);
      else v = <i32>(u >= w);
    }
    put(y, to, i, clamp(v + yZero, low, high));
  }
}

/** x * a + y in one rounding, of two lanes: what float64 gives, made float32. */
@inline function fused(x: v128, a: v128, y: v128): v128 {
  return f32x4.demote_f64x2_zero(f64x2.add(f64x2.mul(f64x2.convert_low_i32x4_s(x), a), f64x2.promote_low_f32x4(y)));
}
@inline function sumTwo(x: v128, y: v128, a: v128, b: v128, fixed: v128): v128 { return fused(x, a, fused(y, b, fixed)); }
/** Four sums x * a + (y * b + fixed). */
@inline function sumFour(x: v128, y: v128, a: v128, b: v128, fixed: v128): v128 {
  const high = sumTwo(v128.shuffle<i64>(x, x, 1, 1), v128.shuffle<i64>(y, y, 1, 1), a, b, fixed);
  return i32x4.trunc_sat_f32x4_s(f32x4.nearest(v128.shuffle<i64>(sumTwo(x, y, a, b, fixed), high, 0, 2)));
}
@inline function product(v: v128, by: v128): v128 {
  return i32x4.trunc_sat_f32x4_s(f32x4.nearest(f32x4.mul(f32x4.convert_i32x4_s(v), by)));
}
/**
 * Bytes added, a * aScale + (b * bScale + fixed), or multiplied less their zero points, times aScale; ties to even: eight at a time, the
 * last ones by way of the scratch.
 */
export function joined(s: usize, phase: i32, tile: i32): void {
  const n = int(s, j.n), per = int(s, j.per), times = int(s, j.times) != 0;
  const y = operand(s, 0), a = operand(s, 1), b = operand(s, 2), sa = dtype(s, 1) == I8, sb = dtype(s, 2) == I8, sy = dtype(s, 0) == I8;
  const az = words(s, j.aZero), bz = words(s, j.bZero), zero = words(s, j.zero);
  const low = words(s, j.low), high = words(s, j.high), by = f32x4.splat(<f32>float(s, j.aScale));
  const as = f64x2.splat(float(s, j.aScale)), bs = f64x2.splat(float(s, j.bScale)), fixed = f32x4.splat(<f32>float(s, j.fixed));
  for (let i = tile * per, end = min(n, i + per); i < end; i += 8) {
    const count = min(8, end - i);
    let p = a + i, q = b + i;
    if (count < 8) {
      memory.copy(scratch, p, count);
      memory.copy(scratch + 8, q, count);
      p = scratch;
      q = scratch + 8;
    }
    const u = widen(p, sa, az), v = widen(q, sb, bz);
    let first: v128, second: v128;
    if (times) {
      first = product(i32x4.extmul_low_i16x8_s(u, v), by);
      second = product(i32x4.extmul_high_i16x8_s(u, v), by);
    } else {
      first = sumFour(i32x4.extend_low_i16x8_s(u), i32x4.extend_low_i16x8_s(v), as, bs, fixed);
      second = sumFour(i32x4.extend_high_i16x8_s(u), i32x4.extend_high_i16x8_s(v), as, bs, fixed);
    }
    const out = bytes(first, second, zero, low, high, sy);
    if (count == 8) v128.store64_lane(y + i, out, 0);
    else {
      v128.store(scratch, out);
      memory.copy(y + i, scratch, count);
    }
  }
}

/** y = 1 / sqrt(x) of int8, through 20 bits of fraction. */
export function inverseSquareRoot(s: usize, phase: i32, tile: i32): void {
  const n = int(s, r.n), xZero = int(s, r.xZero), zero = int(s, r.zero), multiplier = int(s, r.multiplier), shift = int(s, r.shift);
  const y = operand(s, 0), x = operand(s, 1);
  for (let i = 0; i < n; i++) {
    const v = <i32>load<i8>(x + i) - xZero;
    let out = 127;
    if (v > 0) {
      const m = inverseRoot(v);
      out = clamp(scaled(scaled(1, m, rootShift + 20), multiplier, shift - 20) + zero, -128, 127);
    }
    store<i8>(y + i, <i8>out);
  }
}
