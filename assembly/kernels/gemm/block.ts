// Blocks of C from strips of four rows of A. Strides are bytes; kc is at most 256, so a strip stays in the first-level cache.
import { scratch } from '../../threads';
import { tileInPlace, tilePacked } from './gen/tile';
import { deposit, packStrip, width } from './pack';

// The thread's scratch: a strip of A, one tile, then room for the caller.
const TILE: usize = 8192;
/** First byte of a thread's scratch that blocks leave to their caller. */
export const FREE: usize = 16384;

/** The strip of rows i to i + mr: in place where it is four whole rows, else a copy. Returns its address; its row stride is stripStride. */
@inline function stripOf<T>(mr: i32, kc: i32, a: usize, lda: usize, byColumns: bool): usize {
  if (byColumns) packStrip<T>(kc, a, lda, scratch);
  else if (mr < 4)
    for (let r: usize = 0; r < <usize>mr; r++) memory.copy(scratch + r * <usize>kc * sizeof<T>(), a + r * lda, <usize>kc * sizeof<T>());
  else return a;
  return scratch;
}

function settle<T>(mr: i32, nr: i32, c: usize, ldc: usize, add: bool): void {
  for (let p = scratch + TILE; mr > 0; mr--, p += 32, c += ldc) deposit<T>(nr, p, c, add);
}

/** C[m, n] = A[m, kc] * B, or added to C; B in panels. `byColumns`: A is stored by columns, lda apart. */
export function multiply<T>(
  m: i32, n: i32, kc: i32, a: usize, lda: usize, byColumns: bool, b: usize, panel: usize, c: usize, ldc: usize, add: bool,
): void {
  const next: usize = byColumns ? 4 * sizeof<T>() : lda << 2;
  for (; m > 0; m -= 4, a += next, c += ldc << 2) {
    const mr = min(m, 4), strip = stripOf<T>(mr, kc, a, lda, byColumns);
    const stride = strip == a ? lda : <usize>kc * sizeof<T>();
    let p = b, q = c, j = n;
    if (mr == 4) for (; j >= width<T>(); j -= width<T>(), p += panel, q += 32) tilePacked<T>(kc, strip, stride, p, q, ldc, add);
    for (; j > 0; j -= width<T>(), p += panel, q += 32) {
      tilePacked<T>(kc, strip, stride, p, scratch + TILE, 32, false);
      settle<T>(mr, min(j, width<T>()), q, ldc, add);
    }
  }
}

/** As multiply, with B read in place, rows ldb apart; may read a panel's width past a row. */
export function multiplyInPlace<T>(
  m: i32, n: i32, kc: i32, a: usize, lda: usize, byColumns: bool, b: usize, ldb: usize, c: usize, ldc: usize, add: bool,
): void {
  const next: usize = byColumns ? 4 * sizeof<T>() : lda << 2;
  for (; m > 0; m -= 4, a += next, c += ldc << 2) {
    const mr = min(m, 4), strip = stripOf<T>(mr, kc, a, lda, byColumns);
    const stride = strip == a ? lda : <usize>kc * sizeof<T>();
    let p = b, q = c, j = n;
    if (mr == 4) for (; j >= width<T>(); j -= width<T>(), p += 32, q += 32) tileInPlace<T>(kc, strip, stride, p, ldb, q, ldc, add);
    for (; j > 0; j -= width<T>(), p += 32, q += 32) {
      tileInPlace<T>(kc, strip, stride, p, ldb, scratch + TILE, 32, false);
      settle<T>(mr, min(j, width<T>()), q, ldc, add);
    }
  }
}

/** Adds a row of n elements to m rows of C. */
export function addRow<T>(m: i32, n: i32, row: usize, c: usize, ldc: usize): void {
  const lanes = <i32>(16 / sizeof<T>());
  for (; m > 0; m--, c += ldc) {
    let p = row, q = c, j = n;
    for (; j >= lanes; j -= lanes, p += 16, q += 16) v128.store(q, v128.add<T>(v128.load(q), v128.load(p)));
    if (j > 0) deposit<T>(j, p, q, true);
  }
}
