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
@inline export function storeUpTo(p: usize, v: v128, bytes: usize): void {
  if (bytes >= 16) v128.store(p, v);
  else {
    v128.store(scratch, v);
    for (let i: usize = 0; i < bytes; i += 4) store<u32>(p + i, load<u32>(scratch + i));
  }
}

/** A function of the vectors at a and b and of parameters at c, d and at w, v; it loads what it uses. */
export abstract class Each {}
@inline function at<K extends Each, T>(a: usize, b: usize, c: usize, d: usize, w: usize, v: usize): v128 {
  return changetype<K>(0).at<T>(a, b, c, d, w, v);
}

/** y = K(a, b, c, d, w, v) over a line; c and d move by `s`, w and v by `t` bytes a vector. */
export function each<K extends Each, T>(
  y: usize, a: usize, b: usize, bytes: usize, c: usize, d: usize, s: usize, w: usize, v: usize, t: usize,
): void {
  let i: usize = 0;
  for (const full = bytes & ~31; i < full; i += 32) {
    v128.store(y + i, at<K, T>(a + i, b + i, c, d, w, v));
    c += s; d += s; w += t; v += t;
    v128.store(y + i, at<K, T>(a + i + 16, b + i + 16, c, d, w, v), 16);
    c += s; d += s; w += t; v += t;
  }
  for (; i < bytes; i += 16, c += s, d += s, w += t, v += t) storeUpTo(y + i, at<K, T>(a + i, b + i, c, d, w, v), bytes - i);
}

/** The sum of a vector's lanes in float64. */
@inline export function lanes<T>(x: v128): f64 {
  if (sizeof<T>() == 8) return f64x2.extract_lane(x, 0) + f64x2.extract_lane(x, 1);
  const y = f64x2.add(f64x2.promote_low_f32x4(x), f64x2.promote_low_f32x4(v128.shuffle<i64>(x, x, 1, 0)));
  return f64x2.extract_lane(y, 0) + f64x2.extract_lane(y, 1);
}

/** The sum of K over a line: in float32 over blocks of 1 kB, in float64 over the blocks. */
export function total<K extends Each, T>(a: usize, b: usize, bytes: usize, c: usize, d: usize, w: usize, v: usize, t: usize): f64 {
  let sum: f64 = 0;
  const zero = i32x4.splat(0);
  while (bytes > 0) {
    let s0 = zero, s1 = zero;
    const block = min<usize>(bytes, 1024);
    bytes -= block;
    let left = block;
    for (; left >= 32; left -= 32, a += 32, b += 32) {
      s0 = v128.add<T>(s0, at<K, T>(a, b, c, d, w, v));
      w += t; v += t;
      s1 = v128.add<T>(s1, at<K, T>(a + 16, b + 16, c, d, w, v));
      w += t; v += t;
    }
    for (; <isize>left > 0; left -= 16, a += 16, b += 16, w += t, v += t) {
      v128.store(scratch, at<K, T>(a, b, c, d, w, v));
      s0 = v128.add<T>(s0, first(scratch, left, zero));
    }
    sum += lanes<T>(v128.add<T>(s0, s1));
  }
  return sum;
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
