// The loops of every reduction. float32 is folded in blocks of 16 vectors a lane and the blocks in float64, so the error does
// not grow with the length; other types fold in themselves. The order depends on the shape alone.
import { Binary } from '../lanes';
import { exp_f64 } from '../math';
import { exp_blocks } from '../math/blocks';
import { F32, F64, I64 } from '../step';
import { scratch } from '../threads';

/** Scratch of the folds: one vector, a span of mapped values, then the accumulators of a block of columns. */
const SPAN: i32 = 4096;
export const COLUMNS: i32 = 1024;
@inline export function accumulators(): usize { return scratch + 64 + SPAN; }
/** One parameter of the compute type for each column of a block, after the accumulators. */
@inline export function parameters(): usize { return accumulators() + COLUMNS * 8 + 64; }

const IOTA: usize = memory.data<u8>([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15], 16);

// What is folded, by number: a kind is one of these and the compute type in its two low bits. BYTES are bools, 0 or 1.
export const SUM: i32 = 0;
export const PROD: i32 = 4;
export const TOP: i32 = 8;
export const SQUARE: i32 = 12;
export const BYTES: i32 = 2;

/** An associative operation on what `take` makes of an element and a parameter; `unit` changes nothing. */
@final export class Sum extends Binary {
  @inline unit<T>(): T { return <T>0; }
  @inline take<T>(x: v128, c: v128): v128 { return x; }
  @inline f32(a: v128, b: v128): v128 { return f32x4.add(a, b); }
  @inline f64(a: v128, b: v128): v128 { return f64x2.add(a, b); }
  @inline i64(a: v128, b: v128): v128 { return i64x2.add(a, b); }
}
@final export class Prod extends Binary {
  @inline unit<T>(): T { return <T>1; }
  @inline take<T>(x: v128, c: v128): v128 { return x; }
  @inline f32(a: v128, b: v128): v128 { return f32x4.mul(a, b); }
  @inline f64(a: v128, b: v128): v128 { return f64x2.mul(a, b); }
  @inline i64(a: v128, b: v128): v128 { return i64x2.mul(a, b); }
}
/** The largest of x xor c: with the sign bits (floats) or all bits (integers) for c, the smallest, flipped. */
@final export class Top extends Binary {
  @inline unit<T>(): T { return isFloat<T>() ? <T>-Infinity : sizeof<T>() == 8 ? <T>i64.MIN_VALUE : <T>0; }
  @inline take<T>(x: v128, c: v128): v128 { return v128.xor(x, c); }
  @inline f32(a: v128, b: v128): v128 { return f32x4.max(a, b); }
  @inline f64(a: v128, b: v128): v128 { return f64x2.max(a, b); }
  @inline i32(a: v128, b: v128): v128 { return i8x16.max_u(a, b); }
  @inline i64(a: v128, b: v128): v128 { return v128.bitselect(a, b, i64x2.gt_s(a, b)); }
}
/** The sum of (x - c) squared. */
@final export class Square extends Binary {
  @inline unit<T>(): T { return <T>0; }
  @inline take<T>(x: v128, c: v128): v128 { const d = v128.sub<T>(x, c); return v128.mul<T>(d, d); }
  @inline f32(a: v128, b: v128): v128 { return f32x4.add(a, b); }
  @inline f64(a: v128, b: v128): v128 { return f64x2.add(a, b); }
}

@inline function take<K extends Binary, T>(x: v128, c: v128): v128 { return changetype<K>(0).take<T>(x, c); }
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
/** A vector at p of which `bytes` may be read. */
function part(p: usize, bytes: usize): v128 {
  for (let i: usize = 0; i < bytes; i++) store<u8>(scratch + i, load<u8>(p + i));
  return v128.load(scratch);
}
/** A vector at p; what lies at or behind `end` is not read and has any value. */
@inline export function upTo(p: usize, end: usize): v128 {
  return p + 16 <= end ? v128.load(p) : part(p, end - p);
}
/** Lane masks of the first `bytes` of a vector. */
@inline function first(bytes: usize): v128 { return i8x16.gt_s(i8x16.splat(<i8>bytes), v128.load(IOTA)); }

/** Folds `bytes` at p into an accumulator, with one parameter c; nothing at or behind `end` is read. */
export function run<K extends Binary, T>(acc: v128, p: usize, bytes: usize, end: usize, c: v128): v128 {
  while (bytes >= 128) {
    let s0 = take<K, T>(v128.load(p), c), s1 = take<K, T>(v128.load(p, 16), c);
    let s2 = take<K, T>(v128.load(p, 32), c), s3 = take<K, T>(v128.load(p, 48), c);
    let s4 = take<K, T>(v128.load(p, 64), c), s5 = take<K, T>(v128.load(p, 80), c);
    let s6 = take<K, T>(v128.load(p, 96), c), s7 = take<K, T>(v128.load(p, 112), c);
    const stop = p + min<usize>(bytes & ~127, 2048);
    bytes -= stop - p;
    for (p += 128; p < stop; p += 128) {
      s0 = op<K, T>(s0, take<K, T>(v128.load(p), c));
      s1 = op<K, T>(s1, take<K, T>(v128.load(p, 16), c));
      s2 = op<K, T>(s2, take<K, T>(v128.load(p, 32), c));
      s3 = op<K, T>(s3, take<K, T>(v128.load(p, 48), c));
      s4 = op<K, T>(s4, take<K, T>(v128.load(p, 64), c));
      s5 = op<K, T>(s5, take<K, T>(v128.load(p, 80), c));
      s6 = op<K, T>(s6, take<K, T>(v128.load(p, 96), c));
      s7 = op<K, T>(s7, take<K, T>(v128.load(p, 112), c));
    }
    s0 = op<K, T>(op<K, T>(op<K, T>(s0, s1), op<K, T>(s2, s3)), op<K, T>(op<K, T>(s4, s5), op<K, T>(s6, s7)));
    acc = absorb<K, T>(acc, s0);
  }
  if (bytes > 0) {
    let s = unit<K, T>();
    for (; bytes >= 16; bytes -= 16, p += 16) s = op<K, T>(s, take<K, T>(v128.load(p), c));
    if (bytes > 0) s = op<K, T>(s, v128.bitselect(take<K, T>(upTo(p, end), c), unit<K, T>(), first(bytes)));
    acc = absorb<K, T>(acc, s);
  }
  return acc;
}

/** Folds `runs` runs, `stride` bytes apart, into the accumulator at a; its lanes too where `cross`. */
function lines<K extends Binary, T>(a: usize, p: usize, runs: i32, stride: usize, bytes: usize, end: usize, c: usize, cross: bool): void {
  let acc = v128.load(a);
  for (const d = v128.load(c); runs > 0; runs--, p += stride) acc = run<K, T>(acc, p, bytes, end, d);
  v128.store(a, cross ? across<K, T>(acc) : acc);
}

/** Folds `rows` rows, `stride` bytes apart, of `bytes` at p into accumulators at a; the parameters of the columns lie at c. */
function columns<K extends Binary, T>(a: usize, p: usize, rows: i32, stride: usize, bytes: usize, end: usize, c: usize): void {
  const step: usize = idof<K>() == idof<Square>() ? 16 : 0;
  while (rows > 0) {
    const n = min(rows, 16);
    let q = p, o = a, b = c;
    let left = bytes;
    for (; left >= 64; left -= 64, q += 64, b += 4 * step, o += 4 * accBytes<T>()) {
      const c0 = v128.load(b), c1 = step ? v128.load(b, 16) : c0, c2 = step ? v128.load(b, 32) : c0, c3 = step ? v128.load(b, 48) : c0;
      let r = q;
      let s0 = take<K, T>(v128.load(r), c0), s1 = take<K, T>(v128.load(r, 16), c1);
      let s2 = take<K, T>(v128.load(r, 32), c2), s3 = take<K, T>(v128.load(r, 48), c3);
      for (let i = 1; i < n; i++) {
        r += stride;
        s0 = op<K, T>(s0, take<K, T>(v128.load(r), c0));
        s1 = op<K, T>(s1, take<K, T>(v128.load(r, 16), c1));
        s2 = op<K, T>(s2, take<K, T>(v128.load(r, 32), c2));
        s3 = op<K, T>(s3, take<K, T>(v128.load(r, 48), c3));
      }
      put<K, T>(o, s0);
      put<K, T>(o + accBytes<T>(), s1);
      put<K, T>(o + 2 * accBytes<T>(), s2);
      put<K, T>(o + 3 * accBytes<T>(), s3);
    }
    // The lanes behind the last column hold the next row's values and are dropped.
    for (; <isize>left > 0; left -= 16, q += 16, b += step, o += accBytes<T>()) {
      const c0 = v128.load(b);
      let r = q;
      let s0 = take<K, T>(upTo(r, end), c0);
      for (let i = 1; i < n; i++) {
        r += stride;
        s0 = op<K, T>(s0, take<K, T>(upTo(r, end), c0));
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

/** How `fold` goes: column by column, by runs, or by runs and then over the lanes of the accumulator. */
export const EACH: i32 = 0;
export const LANES: i32 = 1;
export const CROSS: i32 = 2;

@inline function go<K extends Binary, T>(how: i32, a: usize, p: usize, n: i32, stride: usize, bytes: usize, end: usize, c: usize): void {
  if (how == EACH) columns<K, T>(a, p, n, stride, bytes, end, c);
  else lines<K, T>(a, p, n, stride, bytes, end, c, how == CROSS);
}

/** Folds n runs or rows of `bytes`, `stride` bytes apart, into the accumulators at a, with parameters at c. */
export function fold(kind: i32, how: i32, a: usize, p: usize, n: i32, stride: usize, bytes: usize, end: usize, c: usize): void {
  switch (kind) {
    case SUM | F32: { go<Sum, f32>(how, a, p, n, stride, bytes, end, c); return; }
    case SUM | F64: { go<Sum, f64>(how, a, p, n, stride, bytes, end, c); return; }
    case SUM | I64: { go<Sum, i64>(how, a, p, n, stride, bytes, end, c); return; }
    case PROD | F32: { go<Prod, f32>(how, a, p, n, stride, bytes, end, c); return; }
    case PROD | F64: { go<Prod, f64>(how, a, p, n, stride, bytes, end, c); return; }
    case PROD | I64: { go<Prod, i64>(how, a, p, n, stride, bytes, end, c); return; }
    case TOP | F32: { go<Top, f32>(how, a, p, n, stride, bytes, end, c); return; }
    case TOP | F64: { go<Top, f64>(how, a, p, n, stride, bytes, end, c); return; }
    case TOP | BYTES: { go<Top, u8>(how, a, p, n, stride, bytes, end, c); return; }
    case TOP | I64: { go<Top, i64>(how, a, p, n, stride, bytes, end, c); return; }
    case SQUARE | F32: { go<Square, f32>(how, a, p, n, stride, bytes, end, c); return; }
    default: go<Square, f64>(how, a, p, n, stride, bytes, end, c);
  }
}

/** log2 of the size of an element of a kind, and of its accumulator: float32 accumulates in float64. */
@inline export function shiftOf(kind: i32): usize { return (kind & 3) == BYTES ? 0 : (kind & 3) == F32 ? 2 : 3; }
@inline export function wide(kind: i32): usize { return (kind & 3) == BYTES ? 0 : 3; }

/** Sets the accumulators of `count` columns to the unit of a kind. */
export function clear(kind: i32, a: usize, count: i32): void {
  const t = kind & 3, k = kind & ~3;
  let unit: i64 = 0;
  if (k == PROD) unit = t == I64 ? 1 : reinterpret<i64>(<f64>1);
  else if (k == TOP && t != BYTES) unit = t == I64 ? i64.MIN_VALUE : reinterpret<i64>(-Infinity);
  for (const last = a + (<usize>count << wide(kind)) + 24; a < last; a += 8) store<i64>(a, unit);
}

/** Stores the results of `count` columns from the accumulators at a; `flip`: undoes the flip of integers. */
export function finish(kind: i32, y: usize, a: usize, count: i32, divisor: f64, flip: bool): void {
  const t = kind & 3;
  if (t == F32) for (const d = f64x2.splat(divisor); count > 1; count -= 2, a += 16, y += 8) {
    v128.store64_lane(y, f32x4.demote_f64x2_zero(f64x2.div(v128.load(a), d)), 0);
  }
  for (; count > 0; count--, a += <usize>1 << wide(kind), y += <usize>1 << shiftOf(kind)) {
    if (t == F32) store<f32>(y, <f32>(load<f64>(a) / divisor));
    else if (t == F64) store<f64>(y, load<f64>(a) / divisor);
    else if (t == BYTES) store<u8>(y, load<u8>(a) ^ u8(flip));
    else store<i64>(y, load<i64>(a) ^ -i64(flip));
  }
}

/** y = exp(x - c) of `bytes` at p; `step`: bytes to the next parameter. */
function expLess<T>(y: usize, p: usize, bytes: usize, end: usize, c: usize, step: usize): void {
  for (let i: usize = 0; i < bytes; i += 16, c += step) {
    const d = v128.sub<T>(upTo(p + i, end), v128.load(c));
    v128.store(y + i, sizeof<T>() == 4 ? d : exp_f64(d));
  }
  if (sizeof<T>() == 4) exp_blocks(y, y, <i32>((bytes + 63) >> 6));
}

/** As `fold`, of exp(x - c) in float32 or float64: through a tile of at most 16 rows, in the order of `fold`. */
export function exps(kind: i32, how: i32, a: usize, p: usize, n: i32, stride: usize, bytes: usize, end: usize, c: usize): void {
  const tile = scratch + 64, wanted = how == EACH ? 256 : SPAN;
  const high = how == EACH ? 16 : 1;
  for (; n > 0; n -= high, p += <usize>high * stride) {
    const rows = min(n, high);
    for (let i: usize = 0; i < bytes; i += wanted) {
      const part = min<usize>(bytes - i, wanted);
      const b = how == EACH ? c + i : c;
      for (let r = 0; r < rows; r++) {
        const y = tile + <usize>r * wanted, x = p + i + <usize>r * stride;
        if ((kind & 3) == F32) expLess<f32>(y, x, part, end, b, how == EACH ? 16 : 0);
        else expLess<f64>(y, x, part, end, b, how == EACH ? 16 : 0);
      }
      const last = n <= rows && i + part == bytes;
      const from = a + (how == EACH ? i << (3 - shiftOf(kind)) : 0);
      fold(kind, how == CROSS && !last ? LANES : how, from, tile, rows, wanted, part, tile + SPAN, b);
    }
  }
}
