// Blocks of C from strips of four rows of A. Strides are bytes; kc is at most 256, so a strip stays in the first-level cache.
import { SPREAD, TALL } from '../../step';
import { scratch } from '../../threads';
import { held } from '../held';
import { narrow, row, rows, spread4, tile2, tile3, tile4, tile6 } from './gen/tile';
import { deposit, packSpread, packStrip, width } from './pack';

// The thread's scratch: a strip of A, one tile, a strip spread, then room for the caller of multiply and for the sums of multiplyInPlace.
const TILE: usize = 16384;
const SPREAD_STRIP: usize = TILE + 512;
/** First byte of a thread's scratch that multiply leaves to its caller. */
export const FREE: usize = 34816;

/** Rows of the next tile of m. Five are three and two: a row alone would leave three quarters of a tile idle. */
@inline function height(m: i32): i32 {
  if (FAST && load<i32>(TALL)) return m == 5 ? 3 : m == 7 || m == 8 ? 4 : min(m, 6);
  return m == 5 ? 3 : min(m, 4);
}

/** C[m, n] = A[m, kc] * B, or added to C; B in panels. `byColumns`: A is stored by columns, lda apart. */
export function multiply<T>(
  m: i32, n: i32, kc: i32, a: usize, lda: usize, byColumns: bool, b: usize, panel: usize, c: usize, ldc: usize, add: bool,
): void {
  const step = byColumns ? sizeof<T>() : lda;
  while (m > 0) {
    const mr = height(m);
    let strip = a, stride = lda;
    if (byColumns || mr == 1) {
      strip = scratch;
      stride = <usize>kc * sizeof<T>();
      if (FAST && mr > 4) packStrip<T>(kc, a + 4 * sizeof<T>(), lda, strip + (stride << 2));
      if (byColumns) packStrip<T>(kc, a, lda, strip);
      else memory.copy(strip, a, stride);
    }
    // Worth its stores where a strip meets a few panels; either tile sums in the same order.
    const spread = !FAST && !SOLO && sizeof<T>() == 4 && mr == 4 && n >= 64 && load<i32>(SPREAD);
    if (spread) packSpread<T>(kc, strip, stride, scratch + SPREAD_STRIP);
    let p = b, q = c;
    for (let j = n; j > 0; j -= width<T>(), p += panel, q += 32) {
      const whole = j >= width<T>() && mr > 1, to = whole ? q : scratch + TILE, ld = whole ? ldc : 32, adds = whole && add;
      if (FAST && mr == 6) tile6<T>(kc, strip, stride, p, to, ld, adds);
      else if (j <= width<T>() >> 1 && mr == 4) narrow<T>(kc, strip, stride, p, to, ld, adds);
      else if (spread) spread4<T>(kc, scratch + SPREAD_STRIP, <usize>kc << 4, p, to, ld, adds);
      else if (mr == 4) tile4<T>(kc, strip, stride, p, to, ld, adds);
      else if (mr == 3) tile3<T>(kc, strip, stride, p, to, ld, adds);
      else tile2<T>(kc, strip, stride, p, to, ld, adds);
      if (!whole) for (let r: usize = 0; r < <usize>mr; r++) deposit<T>(min(j, width<T>()), to + (r << 5), q + r * ldc, add);
    }
    m -= mr;
    a += <usize>mr * step;
    c += <usize>mr * ldc;
  }
}

/**
 * As multiply, with few rows and B read in place, rows ldb apart: B once from memory, four rows at a time. n is at most 1024 float32;
 * may read 16 bytes past a row.
 */
export function multiplyInPlace<T>(
  m: i32, n: i32, kc: i32, a: usize, lda: usize, byColumns: bool, b: usize, ldb: usize, c: usize, ldc: usize, add: bool,
): void {
  const vectors = <i32>((<usize>n * sizeof<T>() + 15) >> 4), line = (<usize>vectors << 4) + 64, sums = scratch + FREE;
  for (let p = sums, end = sums + <usize>m * line; p < end; p += 16) v128.store(p, i32x4.splat(0));
  let x = a, stride = lda;
  if (byColumns) {
    x = sums + <usize>m * line;
    stride = <usize>kc * sizeof<T>();
    for (let i: usize = 0; i < <usize>m; i += 4) packStrip<T>(kc, a + i * sizeof<T>(), lda, x + i * stride);
  }
  // So many rows of B as stay in the first-level cache for all rows of A.
  const chunk = m > 2 ? max(4, 1024 / vectors & -4) : kc;
  for (; kc > 0; kc -= chunk, x += <usize>chunk * sizeof<T>(), b += <usize>chunk * ldb) {
    const k = min(kc, chunk);
    let p = x, q = sums, i = m;
    for (; i > 1; i -= 2, p += stride << 1, q += line << 1) rows<T>(vectors, k, p, stride, b, ldb, q, line);
    if (i > 0) row<T>(vectors, k, p, stride, b, ldb, q, line);
  }
  for (let i: usize = 0; i < <usize>m; i++) deposit<T>(n, sums + i * line, c + i * ldc, add);
}

/** Adds a row of n elements to m rows of C. */
export function addRow<T>(m: i32, n: i32, row: usize, c: usize, ldc: usize): void {
  for (; m > 0; m--, c += ldc) deposit<T>(n, row, c, true);
}

/**
 * C[m, n] = alpha C, plus a row (or, where `step` is 0, one vector for all) if there is one, plus beta times a matrix as C lies if there
 * is one, clamped. May read 16 bytes past a row.
 */
export function finish<T>(
  m: i32, n: i32, c: usize, ldc: usize, row: usize, step: usize, added: usize, alpha: f64, beta: f64, low: f64, high: f64,
): void {
  const lanes = <i32>(16 / sizeof<T>());
  const a = held<T>(alpha), b = held<T>(beta), l = held<T>(low), h = held<T>(high);
  for (; m > 0; m--, c += ldc) {
    let p = c, q = row, r = added;
    for (let j = n; j > 0; j -= lanes, p += 16, q += step, r += 16) {
      let v = v128.mul<T>(a, v128.load(p));
      if (row) v = v128.add<T>(v, v128.load(q));
      if (added) v = v128.add<T>(v, v128.mul<T>(b, v128.load(r)));
      v = v128.pmin<T>(v128.pmax<T>(v, l), h);
      if (j >= lanes) v128.store(p, v);
      else {
        v128.store(scratch, v);
        deposit<T>(j, scratch, p, false);
      }
    }
    if (added) added += ldc;
  }
}
