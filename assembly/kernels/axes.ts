// The walk of a reduction over collapsed axes (ts/ops/axes.ts): innermost either a reduced run of n elements (a row) or a kept
// run of n elements (columns); around it up to three kept and three reduced axes. Long reductions are cut into pieces by
// shape, whose accumulators lie in the workspace until the next phase joins them.
import { sum as f } from '../gen/fields';
import { Binary } from '../lanes';
import { int } from '../step';
import { COLUMNS, accBytes, accUnit, accumulators, across, columns, finish, join, parameters, runOf } from './fold';

/** Offset of index i of the three axes whose sizes start at field `sizes` and strides at `sizes` + 3. */
@inline function offset(s: usize, sizes: i32, i: i32): usize {
  const b = int(s, sizes + 2);
  if (i < b) return <usize>(i * int(s, sizes + 5));
  const a = int(s, sizes + 1);
  const i2 = i % b;
  i /= b;
  return <usize>((i / a) * int(s, sizes + 3) + (i % a) * int(s, sizes + 4) + i2 * int(s, sizes + 5));
}
@inline export function keptOffset(s: usize, o: i32): usize { return offset(s, f.k0, o); }
@inline export function keptCount(s: usize): i32 { return int(s, f.k0) * int(s, f.k1) * int(s, f.k2); }
@inline function reducedCount(s: usize): i32 { return int(s, f.r0) * int(s, f.r1) * int(s, f.r2); }
/** One behind the last element of x. */
@inline function endOf<T>(s: usize, x: usize): usize { return x + <usize>int(s, f.size) * sizeof<T>(); }

/** Accumulator of piece `piece` of row o, with parameter c. */
export function foldRow<K extends Binary, T, P extends Binary>(s: usize, x: usize, o: i32, piece: i32, c: v128): v128 {
  const end = endOf<T>(s, x);
  const n = int(s, f.n), m = reducedCount(s), span = int(s, f.span);
  let acc = accUnit<K, T>();
  const p = x + keptOffset(s, o) * sizeof<T>();
  const from = piece * span;
  if (m == 1) return across<K, T>(runOf<K, T, P>(acc, p + <usize>from * sizeof<T>(), <usize>min(n - from, span) * sizeof<T>(), end, c));
  const to = min(m, from + span);
  for (let r = from; r < to; r++) acc = runOf<K, T, P>(acc, p + offset(s, f.r0, r) * sizeof<T>(), <usize>n * sizeof<T>(), end, c);
  return across<K, T>(acc);
}

/** Folds piece `piece` of `count` columns from column `column` of o into the accumulators of the scratch. */
export function foldColumns<K extends Binary, T, P extends Binary>(s: usize, x: usize, o: i32, column: i32, count: i32, piece: i32): void {
  const end = endOf<T>(s, x);
  const bytes = <usize>count * sizeof<T>();
  const a = accumulators();
  const acc = accUnit<K, T>();
  const last = a + ((bytes + 15) >> 4) * accBytes<T>();
  for (let p = a; p < last; p += 16) v128.store(p, acc);
  const p = x + (keptOffset(s, o) + column) * sizeof<T>();
  const span = int(s, f.span), r2 = int(s, f.r2);
  const stride = <usize>int(s, f.rs2) * sizeof<T>();
  let r = piece * span;
  const to = min(reducedCount(s), r + span);
  while (r < to) {
    const n = min(to - r, r2 - r % r2);
    columns<K, T, P>(a, p + offset(s, f.r0, r) * sizeof<T>(), n, stride, bytes, end, parameters());
    r += n;
  }
}

/** Stores the results of `count` columns from the accumulators at a. */
export function finishColumns<T>(y: usize, a: usize, count: i32, divisor: f64): void {
  const step: usize = isFloat<T>() ? 8 : sizeof<T>();
  for (const last = y + <usize>count * sizeof<T>(); y < last; y += sizeof<T>(), a += step) {
    if (isFloat<T>()) store<T>(y, <T>(load<f64>(a) / divisor));
    else store<T>(y, load<T>(a));
  }
}

/** A whole reduction: phase 0 folds, phase 1 joins the pieces where there are several. */
export function reduce<K extends Binary, T, P extends Binary>(
  s: usize, phase: i32, tile: i32, y: usize, x: usize, w: usize, c: usize, divisor: f64,
): void {
  const pieces = int(s, f.pieces);
  if (phase == 1) {
    joinPieces<K, T>(s, tile, y, w, divisor);
    return;
  }
  const piece = tile % pieces;
  if (int(s, f.rows)) {
    const group = int(s, f.group);
    let o = (tile / pieces) * group;
    for (const last = min(keptCount(s), o + group); o < last; o++) {
      const acc = foldRow<K, T, P>(s, x, o, piece, c ? v128.load_splat<T>(c + <usize>o * sizeof<T>()) : i32x4.splat(0));
      if (pieces == 1) finish<T>(y + <usize>o * sizeof<T>(), acc, divisor);
      else v128.store64_lane(w + (<usize>tile << 3), acc, 0);
    }
    return;
  }
  const n = int(s, f.n), blocks = (n + COLUMNS - 1) / COLUMNS, group = int(s, f.group);
  const unitIndex = tile / pieces;
  const column = (unitIndex % blocks) * COLUMNS;
  const count = min(n - column, COLUMNS);
  let o = (unitIndex / blocks) * group;
  for (const last = min(keptCount(s), o + group); o < last; o++) {
    const at = <usize>(o * n + column) * sizeof<T>();
    if (c) memory.copy(parameters(), c + at, <usize>count * sizeof<T>());
    foldColumns<K, T, P>(s, x, o, column, count, piece);
    if (pieces == 1) finishColumns<T>(y + at, accumulators(), count, divisor);
    else memory.copy(w + <usize>tile * COLUMNS * 8, accumulators(), COLUMNS * 8);
  }
}

/** Joins the pieces of one row or of one block of columns. */
function joinPieces<K extends Binary, T>(s: usize, tile: i32, y: usize, w: usize, divisor: f64): void {
  const pieces = int(s, f.pieces);
  if (int(s, f.rows)) {
    w += <usize>(tile * pieces) << 3;
    let acc = v128.load64_zero(w);
    for (let i = 1; i < pieces; i++) acc = join<K, T>(acc, v128.load64_zero(w + (<usize>i << 3)));
    finish<T>(y + <usize>tile * sizeof<T>(), acc, divisor);
    return;
  }
  const n = int(s, f.n), blocks = (n + COLUMNS - 1) / COLUMNS;
  const column = (tile % blocks) * COLUMNS, o = tile / blocks;
  const a = accumulators();
  const size: usize = COLUMNS * 8;
  w += <usize>(tile * pieces) * size;
  memory.copy(a, w, size);
  for (let i = 1; i < pieces; i++) {
    w += size;
    for (let b: usize = 0; b < size; b += 16) v128.store(a + b, join<K, T>(v128.load(a + b), v128.load(w + b)));
  }
  finishColumns<T>(y + <usize>(o * n + column) * sizeof<T>(), a, min(n - column, COLUMNS), divisor);
}
