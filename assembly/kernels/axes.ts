// The walk of a reduction over collapsed axes (ts/ops/axes.ts): innermost either a reduced run of n elements (a row) or a kept
// run of n elements (columns); around it up to three kept and three reduced axes. Long reductions are cut into pieces by
// shape, whose accumulators lie in the workspace until the next phase joins them. A row is treated as a single column.
import { sum as f } from '../gen/fields';
import { F32, F64, I64, dtype, float, int, operand } from '../step';
import { BYTES, COLUMNS, CROSS, EACH, LANES, TOP, accumulators, clear, exps, finish, fold, parameters, shiftOf, wide } from './fold';

/** Offset of index i of the three axes whose sizes start at field `sizes` and strides at `sizes` + 3. */
function offset(s: usize, sizes: i32, i: i32): usize {
  const b = int(s, sizes + 2);
  if (i < b) return <usize>(i * int(s, sizes + 5));
  const a = int(s, sizes + 1);
  const i2 = i % b;
  i /= b;
  return <usize>((i / a) * int(s, sizes + 3) + (i % a) * int(s, sizes + 4) + i2 * int(s, sizes + 5));
}

/** The compute type of a fold of operand i; bools fold as bytes. */
export function typeOf(s: usize, i: i32): i32 {
  const t = dtype(s, i);
  return t == F32 || t == F64 ? t : t == I64 ? I64 : BYTES;
}

/** Columns of a unit of work, the first of them, the units, and the outputs that one unit holds in all. */
@inline export function width(s: usize): i32 { return int(s, f.rows) ? 1 : int(s, f.n); }
@inline export function blocks(s: usize): i32 { return (width(s) + COLUMNS - 1) / COLUMNS; }
@inline export function keptCount(s: usize): i32 { return int(s, f.k0) * int(s, f.k1) * int(s, f.k2); }

/** Folds piece `piece` of `count` columns from column `column` of o into the cleared accumulators; `exp`: exp(x - c). */
export function foldPiece(s: usize, kind: i32, x: usize, o: i32, column: i32, count: i32, piece: i32, exp: bool): void {
  const a = accumulators(), c = parameters();
  clear(kind, a, count);
  const shift = shiftOf(kind);
  const end = x + (<usize>int(s, f.size) << shift);
  const rows = int(s, f.rows) != 0;
  const span = int(s, f.span), n = int(s, f.n), r2 = int(s, f.r2);
  const m = int(s, f.r0) * int(s, f.r1) * r2;
  const stride = <usize>int(s, f.rs2) << shift;
  let p = x + ((offset(s, f.k0, o) + column) << shift);
  let r = piece * span;
  let length = rows ? n : count;
  let to = min(m, r + span);
  if (rows && m == 1) {
    // One run, cut into pieces of `span` elements.
    p += <usize>r << shift;
    length = min(n - r, span);
    r = 0;
    to = 1;
  }
  while (r < to) {
    const k = min(to - r, r2 - r % r2);
    const how = !rows ? EACH : r + k == to ? CROSS : LANES;
    const q = p + (offset(s, f.r0, r) << shift);
    if (exp) exps(kind, how, a, q, k, stride, <usize>length << shift, end, c);
    else fold(kind, how, a, q, k, stride, <usize>length << shift, end, c);
    r += k;
  }
}

/** A whole reduction of operand 1: phase 0 folds, phase 1 joins the pieces where there are several. `flip`: the smallest by TOP. */
export function reduce(s: usize, phase: i32, tile: i32, what: i32, flip: bool): void {
  const kind = what | typeOf(s, 1);
  const pieces = int(s, f.pieces), n = width(s), group = int(s, f.group);
  const size = <usize>min(n, COLUMNS) << 3;
  const unit = phase == 1 ? tile : tile / pieces;
  const column = (unit % blocks(s)) * COLUMNS;
  const count = min(n - column, COLUMNS);
  const a = accumulators(), w = operand(s, 2) + <usize>tile * size;
  const divisor = flip ? -1 : float(s, f.divisor);
  let o = (unit / blocks(s)) * group;
  for (const last = min(keptCount(s), o + group); o < last; o++) {
    const y = operand(s, 0) + (<usize>(o * n + column) << shiftOf(kind));
    if (phase == 1) {
      const t = kind & 3;
      const joined = what | (t == F32 ? F64 : t);
      const bytes = <usize>count << wide(kind);
      v128.store(parameters(), i32x4.splat(0));
      clear(kind, a, count);
      let p = operand(s, 2) + <usize>(tile * pieces) * size;
      for (let i = 0; i < pieces; i++, p += size) fold(joined, EACH, a, p, 1, 0, bytes, p + max<usize>(bytes, 8), parameters());
    } else {
      if (what == TOP) v128.store(parameters(), flip ? mask(kind & 3) : i32x4.splat(0));
      foldPiece(s, kind, operand(s, 1), o, column, count, tile % pieces, false);
      if (pieces > 1) {
        memory.copy(w, a, <usize>count << wide(kind));
        return;
      }
    }
    finish(kind, y, a, count, divisor, flip);
  }
}

/** The bits that turn the order of a type around. */
export function mask(t: i32): v128 {
  if (t == F32) return i32x4.splat(i32.MIN_VALUE);
  if (t == F64) return i64x2.splat(i64.MIN_VALUE);
  return t == BYTES ? i8x16.splat(1) : i64x2.splat(-1);
}
