// The loops of every reduction. float32 is folded in blocks of 16 vectors a lane and the blocks in float64, so the error does
// not grow with the length; other types fold in themselves. The order depends on the shape alone.
import { Binary } from '../lanes';
import { scratch } from '../threads';

/** Scratch of the folds: one vector, a span of mapped values, then the accumulators of a block of columns. */
const SPAN: i32 = 4096;
export const COLUMNS: i32 = 1024;
@inline export function accumulators(): usize { return scratch + 64 + SPAN; }
/** One parameter of the compute type for each column of a block, after the accumulators. */
@inline export function parameters(): usize { return accumulators() + COLUMNS * 8 + 64; }

const IOTA: usize = memory.data<u8>([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15], 16);

// What is folded. `unit` is the value that changes nothing.
@final export class Sum extends Binary {
  @inline unit<T>(): T { return <T>0; }
  @inline f32(a: v128, b: v128): v128 { return f32x4.add(a, b); }
  @inline f64(a: v128, b: v128): v128 { return f64x2.add(a, b); }
  @inline i64(a: v128, b: v128): v128 { return i64x2.add(a, b); }
}
@final export class Prod extends Binary {
  @inline unit<T>(): T { return <T>1; }
  @inline f32(a: v128, b: v128): v128 { return f32x4.mul(a, b); }
  @inline f64(a: v128, b: v128): v128 { return f64x2.mul(a, b); }
  @inline i64(a: v128, b: v128): v128 { return i64x2.mul(a, b); }
}
@final export class Max extends Binary {
  @inline unit<T>(): T { return isFloat<T>() ? <T>-Infinity : sizeof<T>() == 8 ? <T>i64.MIN_VALUE : <T>i32.MIN_VALUE; }
  @inline f32(a: v128, b: v128): v128 { return f32x4.max(a, b); }
  @inline f64(a: v128, b: v128): v128 { return f64x2.max(a, b); }
  @inline i32(a: v128, b: v128): v128 { return i32x4.max_s(a, b); }
  @inline i64(a: v128, b: v128): v128 { return v128.bitselect(a, b, i64x2.gt_s(a, b)); }
}
@final export class Min extends Binary {
  @inline unit<T>(): T { return isFloat<T>() ? <T>Infinity : sizeof<T>() == 8 ? <T>i64.MAX_VALUE : <T>i32.MAX_VALUE; }
  @inline f32(a: v128, b: v128): v128 { return f32x4.min(a, b); }
  @inline f64(a: v128, b: v128): v128 { return f64x2.min(a, b); }
  @inline i32(a: v128, b: v128): v128 { return i32x4.min_s(a, b); }
  @inline i64(a: v128, b: v128): v128 { return v128.bitselect(a, b, i64x2.lt_s(a, b)); }
}
// On bools: bytes of 0 or 1.
@final export class All extends Binary {
  @inline unit<T>(): T { return <T>1; }
  @inline i32(a: v128, b: v128): v128 { return v128.and(a, b); }
}
@final export class Any extends Binary {
  @inline unit<T>(): T { return <T>0; }
  @inline i32(a: v128, b: v128): v128 { return v128.or(a, b); }
}

/** Folded after a map with a parameter c; Plain folds x itself. */
@final export class Plain extends Binary {
  @inline f32(x: v128, c: v128): v128 { return x; }
  @inline f64(x: v128, c: v128): v128 { return x; }
  @inline i32(x: v128, c: v128): v128 { return x; }
  @inline i64(x: v128, c: v128): v128 { return x; }
}

/** (x - c) squared. */
@final export class SquareLess extends Binary {
  @inline f32(x: v128, c: v128): v128 { const d = f32x4.sub(x, c); return f32x4.mul(d, d); }
  @inline f64(x: v128, c: v128): v128 { const d = f64x2.sub(x, c); return f64x2.mul(d, d); }
}

@inline export function op<K extends Binary, T>(a: v128, b: v128): v128 {
  const k = changetype<K>(0);
  if (isFloat<T>()) return sizeof<T>() == 4 ? k.f32(a, b) : k.f64(a, b);
  return sizeof<T>() == 8 ? k.i64(a, b) : k.i32(a, b);
}

@inline export function unit<K extends Binary, T>(): v128 { return v128.splat<T>(changetype<K>(0).unit<T>()); }
/** The unit of an accumulator of T: float64 for float32. */
@inline export function accUnit<K extends Binary, T>(): v128 {
  return isFloat<T>() ? v128.splat<f64>(changetype<K>(0).unit<f64>()) : unit<K, T>();
}
/** Bytes of the accumulators of one vector. */
@inline export function accBytes<T>(): usize { return isFloat<T>() && sizeof<T>() == 4 ? 32 : 16; }

@inline function high(v: v128): v128 { return v128.shuffle<u8>(v, v, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7); }

/** Fold of accumulators, lane by lane. */
@inline export function join<K extends Binary, T>(a: v128, b: v128): v128 {
  return isFloat<T>() ? changetype<K>(0).f64(a, b) : op<K, T>(a, b);
}
/** Folds a vector of T into an accumulator. */
@inline function absorb<K extends Binary, T>(acc: v128, v: v128): v128 {
  if (isFloat<T>() && sizeof<T>() == 4)
    return join<K, T>(acc, join<K, T>(f64x2.promote_low_f32x4(v), f64x2.promote_low_f32x4(high(v))));
  return join<K, T>(acc, v);
}
/** Folds the lanes of an accumulator; the result is in lane 0. */
@inline export function across<K extends Binary, T>(acc: v128): v128 {
  acc = join<K, T>(acc, high(acc));
  if (!isFloat<T>() && sizeof<T>() <= 4) acc = op<K, T>(acc, v128.shuffle<i32>(acc, acc, 1, 0, 3, 2));
  if (sizeof<T>() == 1) {
    acc = op<K, T>(acc, i16x8.shuffle(acc, acc, 1, 0, 3, 2, 5, 4, 7, 6));
    acc = op<K, T>(acc, i8x16.shuffle(acc, acc, 1, 0, 3, 2, 5, 4, 7, 6, 9, 8, 11, 10, 13, 12, 15, 14));
  }
  return acc;
}
/** Stores lane 0 of an accumulator as T. */
@inline export function finish<T>(y: usize, acc: v128, divisor: f64): void {
  if (isFloat<T>()) store<T>(y, <T>(f64x2.extract_lane(acc, 0) / divisor));
  else store<T>(y, sizeof<T>() == 8 ? <T>i64x2.extract_lane(acc, 0) : <T>i32x4.extract_lane(acc, 0));
}

/** A vector at p of which `bytes` may be read; the lanes behind them are `rest`. */
export function part(p: usize, bytes: usize, rest: v128): v128 {
  v128.store(scratch, rest);
  for (let i: usize = 0; i < bytes; i++) store<u8>(scratch + i, load<u8>(p + i));
  return v128.load(scratch);
}
/** A vector at p; what lies at or behind `end` is not read and has any value. */
@inline export function upTo(p: usize, end: usize): v128 {
  return p + 16 <= end ? v128.load(p) : part(p, end - p, i32x4.splat(0));
}
/** A vector at p of which `bytes` count; the other lanes are `rest`. */
@inline export function masked(p: usize, bytes: usize, end: usize, rest: v128): v128 {
  return v128.bitselect(upTo(p, end), rest, i8x16.gt_s(i8x16.splat(<i8>bytes), v128.load(IOTA)));
}

/** Folds `bytes` at p into an accumulator; nothing at or behind `end` is read. */
export function run<K extends Binary, T>(acc: v128, p: usize, bytes: usize, end: usize): v128 {
  while (bytes >= 128) {
    let s0 = v128.load(p), s1 = v128.load(p, 16), s2 = v128.load(p, 32), s3 = v128.load(p, 48);
    let s4 = v128.load(p, 64), s5 = v128.load(p, 80), s6 = v128.load(p, 96), s7 = v128.load(p, 112);
    const stop = p + min<usize>(bytes & ~127, 2048);
    bytes -= stop - p;
    for (p += 128; p < stop; p += 128) {
      s0 = op<K, T>(s0, v128.load(p));
      s1 = op<K, T>(s1, v128.load(p, 16));
      s2 = op<K, T>(s2, v128.load(p, 32));
      s3 = op<K, T>(s3, v128.load(p, 48));
      s4 = op<K, T>(s4, v128.load(p, 64));
      s5 = op<K, T>(s5, v128.load(p, 80));
      s6 = op<K, T>(s6, v128.load(p, 96));
      s7 = op<K, T>(s7, v128.load(p, 112));
    }
    s0 = op<K, T>(op<K, T>(op<K, T>(s0, s1), op<K, T>(s2, s3)), op<K, T>(op<K, T>(s4, s5), op<K, T>(s6, s7)));
    acc = absorb<K, T>(acc, s0);
  }
  if (bytes > 0) {
    let s = unit<K, T>();
    for (; bytes >= 16; bytes -= 16, p += 16) s = op<K, T>(s, v128.load(p));
    if (bytes > 0) s = op<K, T>(s, masked(p, bytes, end, unit<K, T>()));
    acc = absorb<K, T>(acc, s);
  }
  return acc;
}

/** As `run`, of P(x, c). */
export function runOf<K extends Binary, T, P extends Binary>(acc: v128, p: usize, bytes: usize, end: usize, c: v128): v128 {
  if (idof<P>() == idof<Plain>()) return run<K, T>(acc, p, bytes, end);
  const q = scratch + 64;
  while (bytes > 0) {
    const n = min<usize>(bytes, SPAN);
    for (let i: usize = 0; i < n; i += 16) v128.store(q + i, op<P, T>(upTo(p + i, end), c));
    acc = run<K, T>(acc, q, n, q + SPAN);
    p += n;
    bytes -= n;
  }
  return acc;
}

/** Folds `rows` rows, `stride` bytes apart, of `bytes` at p into accumulators at a; parameters of the columns lie at c. */
export function columns<K extends Binary, T, P extends Binary>(
  a: usize, p: usize, rows: i32, stride: usize, bytes: usize, end: usize, c: usize,
): void {
  while (rows > 0) {
    const n = min(rows, 16);
    let q = p, o = a, b = c;
    let left = bytes;
    for (; left >= 64; left -= 64, q += 64, b += 64, o += 4 * accBytes<T>()) {
      const c0 = v128.load(b), c1 = v128.load(b, 16), c2 = v128.load(b, 32), c3 = v128.load(b, 48);
      let r = q;
      let s0 = op<P, T>(v128.load(r), c0), s1 = op<P, T>(v128.load(r, 16), c1);
      let s2 = op<P, T>(v128.load(r, 32), c2), s3 = op<P, T>(v128.load(r, 48), c3);
      for (let i = 1; i < n; i++) {
        r += stride;
        s0 = op<K, T>(s0, op<P, T>(v128.load(r), c0));
        s1 = op<K, T>(s1, op<P, T>(v128.load(r, 16), c1));
        s2 = op<K, T>(s2, op<P, T>(v128.load(r, 32), c2));
        s3 = op<K, T>(s3, op<P, T>(v128.load(r, 48), c3));
      }
      put<K, T>(o, s0);
      put<K, T>(o + accBytes<T>(), s1);
      put<K, T>(o + 2 * accBytes<T>(), s2);
      put<K, T>(o + 3 * accBytes<T>(), s3);
    }
    // The lanes behind the last column hold the next row's values and are dropped.
    for (; <isize>left > 0; left -= 16, q += 16, b += 16, o += accBytes<T>()) {
      const c0 = v128.load(b);
      let r = q;
      let s0 = op<P, T>(upTo(r, end), c0);
      for (let i = 1; i < n; i++) {
        r += stride;
        s0 = op<K, T>(s0, op<P, T>(upTo(r, end), c0));
      }
      put<K, T>(o, s0);
    }
    rows -= n;
    p += <usize>n * stride;
  }
}
/** Folds one vector into the accumulators of its columns. */
@inline function put<K extends Binary, T>(a: usize, v: v128): void {
  if (isFloat<T>() && sizeof<T>() == 4) {
    v128.store(a, join<K, T>(v128.load(a), f64x2.promote_low_f32x4(v)));
    v128.store(a, join<K, T>(v128.load(a, 16), f64x2.promote_low_f32x4(high(v))), 16);
  } else v128.store(a, join<K, T>(v128.load(a), v));
}
