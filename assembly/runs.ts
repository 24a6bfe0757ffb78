// The conversions of contiguous runs that vectors do: 8 or 16 elements at a time, with the results of the loops in convert.ts.
// Each returns how many elements it did; the rest is for those loops.
import { BF16, BOOL, F16, F32, F64, I16, I32, I64, I8, U8 } from './step';

@inline function low(x: v128): v128 { return i32x4.extend_low_i16x8_u(x); }
@inline function high(x: v128): v128 { return i32x4.extend_high_i16x8_u(x); }

/** Halves in the low 16 bits of the lanes to floats: scaling by 2^112 rebiases and normalises. */
@inline function widenHalf(h: v128): v128 {
  const body = i32x4.shl(v128.and(h, i32x4.splat(0x7fff)), 13);
  const scaled = f32x4.mul(body, i32x4.splat(0x77800000));
  const special = i32x4.ge_s(body, i32x4.splat(0x0f800000));
  const value = v128.bitselect(v128.or(body, i32x4.splat(0x7f800000)), scaled, special);
  return v128.or(value, i32x4.shl(v128.and(h, i32x4.splat(0x8000)), 16));
}

/** Floats to halves in the low 16 bits, to nearest even; below the normal range the addition rounds at the half's fixed last place. */
@inline function narrowHalf(x: v128): v128 {
  const a = v128.and(x, i32x4.splat(0x7fffffff));
  const tiny = i32x4.sub(f32x4.add(a, f32x4.splat(0.5)), i32x4.splat(0x3f000000));
  const odd = v128.and(i32x4.shr_u(a, 13), i32x4.splat(1));
  let y = i32x4.shr_u(i32x4.sub(i32x4.add(i32x4.add(a, i32x4.splat(0xfff)), odd), i32x4.splat(0x38000000)), 13);
  y = v128.bitselect(tiny, y, i32x4.lt_s(a, i32x4.splat(0x38800000)));
  y = v128.bitselect(i32x4.splat(0x7c00), y, i32x4.ge_s(a, i32x4.splat(0x477ff000)));
  y = v128.bitselect(i32x4.splat(0x7e00), y, i32x4.gt_s(a, i32x4.splat(0x7f800000)));
  return v128.or(y, v128.and(i32x4.shr_u(x, 16), i32x4.splat(0x8000)));
}

@inline function narrowBrain(x: v128): v128 {
  const odd = v128.and(i32x4.shr_u(x, 16), i32x4.splat(1));
  const y = i32x4.shr_u(i32x4.add(i32x4.add(x, i32x4.splat(0x7fff)), odd), 16);
  return v128.bitselect(v128.or(i32x4.shr_u(x, 16), i32x4.splat(0x40)), y, f32x4.ne(x, x));
}

@inline function put(q: usize, a: v128, floats: bool): void { v128.store(q, floats ? f32x4.convert_i32x4_s(a) : a); }

/** `dtype` at p to lanes of `type` at q. */
export function loadRuns(dtype: i32, type: i32, p: usize, q: usize, n: i32): i32 {
  let i = 0;
  const floats = type == F32;
  if (type == F64) {
    if (dtype == F32) for (; i + 2 <= n; i += 2, p += 8, q += 16) v128.store(q, f64x2.promote_low_f32x4(v128.load64_zero(p)));
  } else if (!floats && type != I32) return 0;
  else if (dtype == U8 || dtype == BOOL) for (; i + 8 <= n; i += 8, p += 8, q += 32) {
    const a = i16x8.extend_low_i8x16_u(v128.load64_zero(p));
    put(q, low(a), floats);
    put(q + 16, high(a), floats);
  } else if (dtype == I8 || dtype == I16) for (const size: usize = dtype == I8 ? 8 : 16; i + 8 <= n; i += 8, p += size, q += 32) {
    const a = dtype == I8 ? i16x8.extend_low_i8x16_s(v128.load64_zero(p)) : v128.load(p);
    put(q, i32x4.extend_low_i16x8_s(a), floats);
    put(q + 16, i32x4.extend_high_i16x8_s(a), floats);
  } else if (!floats) return 0;
  else if (dtype == F64) for (; i + 2 <= n; i += 2, p += 16, q += 8) v128.store64_lane(q, f32x4.demote_f64x2_zero(v128.load(p)), 0);
  else if (dtype == F16) for (; i + 8 <= n; i += 8, p += 16, q += 32) {
    const h = v128.load(p);
    v128.store(q, widenHalf(low(h)));
    v128.store(q, widenHalf(high(h)), 16);
  } else if (dtype == BF16) for (; i + 8 <= n; i += 8, p += 16, q += 32) {
    const h = v128.load(p);
    v128.store(q, i32x4.shl(low(h), 16));
    v128.store(q, i32x4.shl(high(h), 16), 16);
  }
  return i;
}

/** Lanes of `type` at p to `dtype` at q. */
export function storeRuns(type: i32, dtype: i32, p: usize, q: usize, n: i32): i32 {
  let i = 0;
  if (type == F64) {
    if (dtype == F32) for (; i + 2 <= n; i += 2, p += 16, q += 8) v128.store64_lane(q, f32x4.demote_f64x2_zero(v128.load(p)), 0);
  } else if (type == F32) {
    if (dtype == F64) for (; i + 2 <= n; i += 2, p += 8, q += 16) v128.store(q, f64x2.promote_low_f32x4(v128.load64_zero(p)));
    else if (dtype == F16)
      for (; i + 8 <= n; i += 8, p += 32, q += 16)
        v128.store(q, i16x8.narrow_i32x4_u(narrowHalf(v128.load(p)), narrowHalf(v128.load(p, 16))));
    else if (dtype == BF16)
      for (; i + 8 <= n; i += 8, p += 32, q += 16)
        v128.store(q, i16x8.narrow_i32x4_u(narrowBrain(v128.load(p)), narrowBrain(v128.load(p, 16))));
  } else if (type != I32) return 0;
  else if (dtype == I64) for (; i + 4 <= n; i += 4, p += 16, q += 32) {
    const a = v128.load(p);
    v128.store(q, i64x2.extend_low_i32x4_s(a));
    v128.store(q, i64x2.extend_high_i32x4_s(a), 16);
  } else if (dtype == BOOL) for (const zero = i32x4.splat(0); i + 16 <= n; i += 16, p += 64, q += 16) {
    const a = i16x8.narrow_i32x4_s(i32x4.ne(v128.load(p), zero), i32x4.ne(v128.load(p, 16), zero));
    const b = i16x8.narrow_i32x4_s(i32x4.ne(v128.load(p, 32), zero), i32x4.ne(v128.load(p, 48), zero));
    v128.store(q, v128.and(i8x16.narrow_i16x8_s(a, b), i8x16.splat(1)));
  } else if (dtype == I8 || dtype == U8) for (; i + 16 <= n; i += 16, p += 64, q += 16) {
    // The low byte of each lane.
    const a = v128.shuffle<i8>(v128.load(p), v128.load(p, 16), 0, 4, 8, 12, 16, 20, 24, 28, 0, 0, 0, 0, 0, 0, 0, 0);
    const b = v128.shuffle<i8>(v128.load(p, 32), v128.load(p, 48), 0, 4, 8, 12, 16, 20, 24, 28, 0, 0, 0, 0, 0, 0, 0, 0);
    v128.store(q, v128.shuffle<i64>(a, b, 0, 2));
  } else if (dtype == I16) for (; i + 8 <= n; i += 8, p += 32, q += 16)
    v128.store(q, v128.shuffle<i16>(v128.load(p), v128.load(p, 16), 0, 2, 4, 6, 8, 10, 12, 14));
  return i;
}
