// Load and store conversions between storage dtypes and compute types. Floats to integers truncate and saturate, NaN gives 0;
// integers to narrower integers wrap; float32 to float16 and bfloat16 round to nearest even.
import { loadRuns, storeRuns } from './runs';
import { BF16, BOOL, F16, F32, F64, I16, I32, I8, U8 } from './step';

/** IEEE half to single, exact. */
@inline export function halfToFloat(h: u32): f32 {
  const sign = (h & 0x8000) << 16;
  const body = h & 0x7fff;
  if (body >= 0x7c00) return reinterpret<f32>(sign | 0x7f800000 | ((body & 0x3ff) << 13));
  // Scaling by 2^112 rebiases normal numbers and normalises subnormal ones.
  const scaled = reinterpret<f32>(body << 13) * reinterpret<f32>(0x77800000);
  return reinterpret<f32>(reinterpret<u32>(scaled) | sign);
}

/** Single to IEEE half, round to nearest even. */
@inline export function floatToHalf(x: f32): u32 {
  const bits = reinterpret<u32>(x);
  const sign = (bits >> 16) & 0x8000;
  let a = bits & 0x7fffffff;
  if (a > 0x7f800000) return sign | 0x7e00;
  if (a >= 0x477ff000) return sign | 0x7c00;
  // Below the normal range the addition rounds at the half's fixed last place.
  if (a < 0x38800000) return sign | (reinterpret<u32>(reinterpret<f32>(a) + 0.5) - 0x3f000000);
  a += 0xfff + ((a >> 13) & 1);
  return sign | ((a - 0x38000000) >> 13);
}

@inline export function floatToBrain(x: f32): u32 {
  const bits = reinterpret<u32>(x);
  if ((bits & 0x7fffffff) > 0x7f800000) return (bits >> 16) | 0x40;
  return (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;
}

function widen<S>(type: i32, p: usize, step: usize, q: usize, n: i32): void {
  switch (type) {
    case F32: { for (; n > 0; n--, p += step, q += 4) store<f32>(q, <f32>load<S>(p)); return; }
    case F64: { for (; n > 0; n--, p += step, q += 8) store<f64>(q, <f64>load<S>(p)); return; }
    case I32: { for (; n > 0; n--, p += step, q += 4) store<i32>(q, <i32>load<S>(p)); return; }
    default: { for (; n > 0; n--, p += step, q += 8) store<i64>(q, <i64>load<S>(p)); }
  }
}

@inline function half(p: usize, brain: bool): f32 {
  const h: u32 = load<u16>(p);
  return brain ? reinterpret<f32>(h << 16) : halfToFloat(h);
}

function widenHalf(brain: bool, type: i32, p: usize, step: usize, q: usize, n: i32): void {
  switch (type) {
    case F32: { for (; n > 0; n--, p += step, q += 4) store<f32>(q, half(p, brain)); return; }
    case F64: { for (; n > 0; n--, p += step, q += 8) store<f64>(q, <f64>half(p, brain)); return; }
    case I32: { for (; n > 0; n--, p += step, q += 4) store<i32>(q, <i32>half(p, brain)); return; }
    default: { for (; n > 0; n--, p += step, q += 8) store<i64>(q, <i64>half(p, brain)); }
  }
}

/** Loads n elements of storage `dtype` at p, `step` bytes apart, into contiguous lanes of `type` at q. */
export function loadRun(dtype: i32, type: i32, p: usize, step: usize, q: usize, n: i32): void {
  if (step == <usize>1 << shiftOf(dtype)) {
    const done = loadRuns(dtype, type, p, q, n);
    p += step * done;
    q += <usize>done << shiftOf(type);
    n -= done;
  }
  switch (dtype) {
    case F32: { widen<f32>(type, p, step, q, n); return; }
    case F64: { widen<f64>(type, p, step, q, n); return; }
    case I32: { widen<i32>(type, p, step, q, n); return; }
    case I16: { widen<i16>(type, p, step, q, n); return; }
    case I8: { widen<i8>(type, p, step, q, n); return; }
    case U8:
    case BOOL: { widen<u8>(type, p, step, q, n); return; }
    case F16: { widenHalf(false, type, p, step, q, n); return; }
    case BF16: { widenHalf(true, type, p, step, q, n); return; }
    default: widen<i64>(type, p, step, q, n);
  }
}

function narrow<T>(dtype: i32, p: usize, q: usize, step: usize, n: i32): void {
  switch (dtype) {
    case F32: { for (; n > 0; n--, p += sizeof<T>(), q += step) store<f32>(q, <f32>load<T>(p)); return; }
    case F64: { for (; n > 0; n--, p += sizeof<T>(), q += step) store<f64>(q, <f64>load<T>(p)); return; }
    case I32: { for (; n > 0; n--, p += sizeof<T>(), q += step) store<i32>(q, isFloat<T>() ? <i32>load<T>(p) : <i32>load<T>(p)); return; }
    case I16: { for (; n > 0; n--, p += sizeof<T>(), q += step) store<i16>(q, <i16><i32>load<T>(p)); return; }
    case I8:
    case U8: { for (; n > 0; n--, p += sizeof<T>(), q += step) store<u8>(q, <u8><i32>load<T>(p)); return; }
    case BOOL: { for (; n > 0; n--, p += sizeof<T>(), q += step) store<u8>(q, u8(load<T>(p) != 0)); return; }
    case F16: { for (; n > 0; n--, p += sizeof<T>(), q += step) store<u16>(q, <u16>floatToHalf(<f32>load<T>(p))); return; }
    case BF16: { for (; n > 0; n--, p += sizeof<T>(), q += step) store<u16>(q, <u16>floatToBrain(<f32>load<T>(p))); return; }
    default: for (; n > 0; n--, p += sizeof<T>(), q += step) store<i64>(q, <i64>load<T>(p));
  }
}

/** Stores n contiguous lanes of `type` at p as storage `dtype` at q, `step` bytes apart. */
export function storeRun(type: i32, dtype: i32, p: usize, q: usize, step: usize, n: i32): void {
  if (step == <usize>1 << shiftOf(dtype)) {
    const done = storeRuns(type, dtype, p, q, n);
    p += <usize>done << shiftOf(type);
    q += step * done;
    n -= done;
  }
  switch (type) {
    case F32: { narrow<f32>(dtype, p, q, step, n); return; }
    case F64: { narrow<f64>(dtype, p, q, step, n); return; }
    case I32: { narrow<i32>(dtype, p, q, step, n); return; }
    default: narrow<i64>(dtype, p, q, step, n);
  }
}

/** log2 of a storage dtype's size in bytes. */
@inline export function shiftOf(dtype: i32): usize {
  // dtype:  F32 F64 I32 I64 F16 BF16 I16 I8 U8 BOOL -> 2 3 2 3 1 1 1 0 0 0, two bits each
  return <usize>((0x015ee >> (dtype << 1)) & 3);
}
