// Loops over lines: contiguous runs of float32 or float64 elements with parameters that are one for all (a step of 0) or one for each
// element (a step of 16 bytes a vector). They may read up to 15 bytes past a line, as every elementwise kernel may.
import { exp_f64 } from '../math';
import { expLess_blocks } from '../math/blocks';
import { scratch } from '../threads';

const IOTA: usize = memory.data<u8>([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15], 16);
/** A vector at p of which `bytes` count; the other lanes are `rest`. */
@inline function first(p: usize, bytes: usize, rest: v128): v128 {
  return v128.bitselect(v128.load(p), rest, i8x16.gt_s(i8x16.splat(<i8>min<usize>(bytes, 16)), v128.load(IOTA)));
}

/** Stores v at p, or the first `bytes` of it. */
export function storeUpTo(p: usize, v: v128, bytes: usize): void {
  if (bytes >= 16) v128.store(p, v);
  else {
    v128.store(scratch, v);
    for (let i: usize = 0; i < bytes; i += 4) store<u32>(p + i, load<u32>(scratch + i));
  }
}

/** Bytes from one parameter of a line to the next: a vector each (a step of 0) or one value for each of at most COLUMNS columns. */
export const COLUMNS: i32 = 1024;
export const PLANE: usize = 8256;

/** A function of the vectors at a and b, of the parameters from c on, PLANE bytes apart, and of those at w and v; it loads what it uses. */
export abstract class Each {}
@final export class Plain extends Each {
  @inline at<T>(a: usize, b: usize, c: usize, w: usize, v: usize): v128 { return v128.load(a); }
}
@inline function at<K extends Each, T>(a: usize, b: usize, c: usize, w: usize, v: usize): v128 {
  return changetype<K>(0).at<T>(a, b, c, w, v);
}

/** y = K(a, b, c, w, v) over a line; the parameters move by s, t and u bytes a vector. */
export function each<K extends Each, T>(
  y: usize, a: usize, b: usize, bytes: usize, c: usize, s: usize, w: usize, t: usize, v: usize, u: usize,
): void {
  for (; bytes >= 64; bytes -= 64, y += 64, a += 64, b += 64, c += 4 * s, w += 4 * t, v += 4 * u) {
    v128.store(y, at<K, T>(a, b, c, w, v));
    v128.store(y, at<K, T>(a + 16, b + 16, c + s, w + t, v + u), 16);
    v128.store(y, at<K, T>(a + 32, b + 32, c + 2 * s, w + 2 * t, v + 2 * u), 32);
    v128.store(y, at<K, T>(a + 48, b + 48, c + 3 * s, w + 3 * t, v + 3 * u), 48);
  }
  for (; <isize>bytes > 0; bytes -= 16, y += 16, a += 16, b += 16, c += s, w += t, v += u) storeUpTo(y, at<K, T>(a, b, c, w, v), bytes);
}

/** The sum of a vector's lanes in float64. */
@inline export function lanes<T>(x: v128): f64 {
  if (sizeof<T>() == 4) x = f64x2.add(f64x2.promote_low_f32x4(x), f64x2.promote_low_f32x4(v128.shuffle<i64>(x, x, 1, 0)));
  return f64x2.extract_lane(x, 0) + f64x2.extract_lane(x, 1);
}

/** The sum of K over a line: in the element's type over blocks of 2 kB, in float64 over the blocks. */
export function total<K extends Each, T>(a: usize, b: usize, bytes: usize, c: usize, w: usize, t: usize): f64 {
  let sum: f64 = 0;
  const zero = i32x4.splat(0);
  while (bytes > 0) {
    let s0 = zero, s1 = zero, s2 = zero, s3 = zero;
    const block = min<usize>(bytes, 2048);
    bytes -= block;
    let left = block;
    for (; left >= 64; left -= 64, a += 64, b += 64) {
      s0 = v128.add<T>(s0, at<K, T>(a, b, c, w, w)); w += t;
      s1 = v128.add<T>(s1, at<K, T>(a + 16, b + 16, c, w, w)); w += t;
      s2 = v128.add<T>(s2, at<K, T>(a + 32, b + 32, c, w, w)); w += t;
      s3 = v128.add<T>(s3, at<K, T>(a + 48, b + 48, c, w, w)); w += t;
    }
    for (; <isize>left > 0; left -= 16, a += 16, b += 16, w += t) {
      v128.store(scratch, at<K, T>(a, b, c, w, w));
      s0 = v128.add<T>(s0, first(scratch, left, zero));
    }
    sum += lanes<T>(v128.add<T>(v128.add<T>(s0, s1), v128.add<T>(s2, s3)));
  }
  return sum;
}

/** Sums of K over `rows` rows, `stride` bytes apart, for each column, as float64 to `to`, which has room for whole vectors. */
export function columns<K extends Each, T>(
  to: usize, a: usize, b: usize, rows: i32, stride: usize, bytes: usize, c: usize, s: usize, w: usize,
): void {
  const zero = i32x4.splat(0);
  for (let i: usize = 0; i < bytes; c += 4 * s) {
    let s0 = zero, s1 = zero, s2 = zero, s3 = zero;
    let p = a + i, q = b + i;
    const wide = bytes - i >= 64;
    for (let r = rows; r > 0; r--, p += stride, q += stride) {
      s0 = v128.add<T>(s0, at<K, T>(p, q, c, w, w));
      if (!wide) continue;
      s1 = v128.add<T>(s1, at<K, T>(p + 16, q + 16, c + s, w, w));
      s2 = v128.add<T>(s2, at<K, T>(p + 32, q + 32, c + 2 * s, w, w));
      s3 = v128.add<T>(s3, at<K, T>(p + 48, q + 48, c + 3 * s, w, w));
    }
    to = widen<T>(to, s0);
    i += 16;
    if (!wide) {
      c -= 3 * s;
      continue;
    }
    to = widen<T>(widen<T>(widen<T>(to, s1), s2), s3);
    i += 48;
  }
}
@inline function widen<T>(to: usize, x: v128): usize {
  if (sizeof<T>() == 8) {
    v128.store(to, x);
    return to + 16;
  }
  v128.store(to, f64x2.promote_low_f32x4(x));
  v128.store(to, f64x2.promote_low_f32x4(v128.shuffle<i64>(x, x, 1, 0)), 16);
  return to + 32;
}

/** The largest element of a line in all lanes; it passes over NaNs, which the sum of exponentials finds. */
export function top<T>(p: usize, bytes: usize): v128 {
  const least = v128.splat<T>(-Infinity);
  let s0 = least, s1 = least, s2 = least, s3 = least;
  for (; bytes >= 64; bytes -= 64, p += 64) {
    s0 = v128.pmax<T>(s0, v128.load(p));
    s1 = v128.pmax<T>(s1, v128.load(p, 16));
    s2 = v128.pmax<T>(s2, v128.load(p, 32));
    s3 = v128.pmax<T>(s3, v128.load(p, 48));
  }
  for (; <isize>bytes > 0; bytes -= 16, p += 16) s0 = v128.pmax<T>(s0, first(p, bytes, least));
  s0 = v128.pmax<T>(v128.pmax<T>(s0, s1), v128.pmax<T>(s2, s3));
  s0 = v128.pmax<T>(s0, v128.shuffle<i64>(s0, s0, 1, 0));
  return sizeof<T>() == 8 ? s0 : v128.pmax<T>(s0, v128.shuffle<i32>(s0, s0, 1, 0, 3, 2));
}

/** q = exp(p - c) over a line, nowhere above 1; returns the sum. Where `keep` is false the results are not wanted. */
export function expLine<T>(q: usize, p: usize, bytes: usize, c: v128, keep: bool): f64 {
  let sum: f64 = 0;
  const zero = i32x4.splat(0), tile = scratch + 64;
  if (sizeof<T>() == 8) {
    for (; <isize>bytes > 0; bytes -= 16, p += 16, q += 16) {
      const e = exp_f64(f64x2.sub(first(p, bytes, v128.splat<T>(-Infinity)), c));
      if (keep) storeUpTo(q, e, bytes);
      sum += lanes<T>(e);
    }
    return sum;
  }
  while (bytes >= 64) {
    const block = min<usize>(bytes & ~63, 2048);
    sum += lanes<T>(expLess_blocks(p, keep ? q : tile, <i32>(block >> 6), c, zero));
    bytes -= block;
    p += block;
    q += block;
  }
  if (bytes == 0) return sum;
  for (let i: usize = 0; i < 64; i += 16) v128.store(tile + i, v128.splat<T>(-Infinity));
  memory.copy(tile, p, bytes);
  sum += lanes<T>(expLess_blocks(tile, tile, 1, c, zero));
  if (keep) memory.copy(q, tile, bytes);
  return sum;
}
