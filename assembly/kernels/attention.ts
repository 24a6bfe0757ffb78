// Attention of [n][heads][rows][width] queries in blocks of rows by blocks of keys: scores live in the thread's scratch alone. The forward
// pass keeps a running maximum and sum for each row; the derivative computes the scores again, once for the queries' blocks and once
// for the keys'. Rows lie at any stride, their elements side by side.
import { attention as f } from '../gen/fields';
import { F32, dtype, float, int, operand } from '../step';
import { scratch } from '../threads';
import { FREE, multiply } from './gemm/block';
import { packColumns, packRows, panelBytes } from './gemm/pack';
import { Each, PLANE, each, expLine, top, total } from './line';

/** Rows and keys of a block: BLOCK of ts/ops/attention.ts. The width of a row is at most 256. */
const BLOCK: i32 = 64;
@inline function pitch<T>(): usize { return BLOCK * sizeof<T>(); }
// The scratch: parameters, maxima and sums of the rows, two blocks of scores, three packed blocks.
@inline function params(): usize { return scratch + FREE; }
@inline function zeros(): usize { return scratch + FREE + 32; }
@inline function levels(): usize { return scratch + FREE + 64; }
@inline function sumsOf(): usize { return scratch + FREE + 1024; }
@inline function scoresAt(): usize { return scratch + FREE + 16384; }
@inline function slopesAt(): usize { return scratch + FREE + 49152; }
@inline function panelsAt(i: i32): usize { return scratch + FREE + 81920 + <usize>i * 135168; }

@final class Scale extends Each {
  @inline at<T>(a: usize, b: usize, c: usize, w: usize, v: usize): v128 { return v128.mul<T>(v128.load(a), v128.load(c)); }
}
/** a scale + mask */
@final class Masked extends Each {
  @inline at<T>(a: usize, b: usize, c: usize, w: usize, v: usize): v128 {
    return v128.add<T>(v128.mul<T>(v128.load(a), v128.load(c)), v128.load(w));
  }
}
@final class Product extends Each {
  @inline at<T>(a: usize, b: usize, c: usize, w: usize, v: usize): v128 { return v128.mul<T>(v128.load(a), v128.load(b)); }
}
/** a (b - first) second */
@final class Slope extends Each {
  @inline at<T>(a: usize, b: usize, c: usize, w: usize, v: usize): v128 {
    return v128.mul<T>(v128.mul<T>(v128.load(a), v128.sub<T>(v128.load(b), v128.load(c))), v128.load(c, PLANE));
  }
}
@inline function splat<T>(p: usize, x: f64): void { v128.store(p, v128.splat<T>(<T>x)); }

/** Row `row` of head u of operand `o`, whose three strides start at field `strides`. */
function rowOf<T>(s: usize, o: i32, strides: i32, u: i32, row: i32): usize {
  const heads = int(s, f.heads);
  const at = (u / heads) * int(s, strides) + (u % heads) * int(s, strides + 1) + row * int(s, strides + 2);
  return operand(s, o) + <usize>at * sizeof<T>();
}
@inline function strideOf<T>(s: usize, strides: i32): usize { return <usize>int(s, strides + 2) * sizeof<T>(); }

/** Scores of `rows` queries from i and `keys` packed keys from j, scaled and masked. */
function scores<T>(s: usize, u: i32, i: i32, rows: i32, j: i32, keys: i32, q: i32, mask: i32): void {
  const width = int(s, f.width), at = scoresAt(), c = params();
  const to = panelsAt(0), first = rowOf<T>(s, q, f.q0, u, i);
  multiply<T>(rows, keys, width, first, strideOf<T>(s, f.q0), false, to, panelBytes(width), at, pitch<T>(), false);
  splat<T>(c, float(s, f.scale));
  splat<T>(zeros(), 0);
  const masked = operand(s, mask) != 0;
  for (let r = 0; r < rows; r++) {
    const p = at + pitch<T>() * r;
    const w = masked ? rowOf<T>(s, mask, f.m0, u, i + r) + <usize>j * sizeof<T>() : zeros();
    each<Masked, T>(p, p, p, <usize>keys * sizeof<T>(), c, 0, w, masked ? 16 : 0, w, 0);
    if (int(s, f.causal)) for (let k = max(0, i + r + 1 - j); k < keys; k++) store<T>(p + <usize>k * sizeof<T>(), <T>-Infinity);
  }
}
/** Packs rows j to j + keys of an operand as columns. */
@inline function pack<T>(s: usize, to: i32, o: i32, strides: i32, u: i32, j: i32, keys: i32, width: i32): void {
  packColumns<T>(width, keys, rowOf<T>(s, o, strides, u, j), strideOf<T>(s, strides), panelsAt(to), panelBytes(width));
}
/** C += X Y, or C = X Y: X a block of scores (`turned`: its transpose) of `rows` by `inner`, Y rows of an operand from `j`, packed. */
function combine<T>(
  s: usize, rows: i32, inner: i32, n: i32, x: usize, turned: bool, o: i32, strides: i32, u: i32, j: i32, to: i32, c: usize, add: bool,
): void {
  const panel = panelBytes(inner);
  packRows<T>(inner, n, rowOf<T>(s, o, strides, u, j), strideOf<T>(s, strides), panelsAt(to), panel);
  multiply<T>(rows, n, inner, x, pitch<T>(), turned, panelsAt(to), panel, c, <usize>n * sizeof<T>(), add);
}
/** Keys that rows up to `last` see. */
@inline function seen(s: usize, last: i32): i32 { return int(s, f.causal) ? min(int(s, f.keys), last) : int(s, f.keys); }

function forward<T>(s: usize, tile: i32): void {
  const all = int(s, f.rows), blocks = (all + BLOCK - 1) / BLOCK, depth = int(s, f.depth), c = params();
  const u = tile / blocks, i = (tile % blocks) * BLOCK, rows = min(all - i, BLOCK), row = <usize>depth * sizeof<T>();
  const y = operand(s, 0) + row * (u * all + i), at = scoresAt();
  for (let r: usize = 0; r < <usize>rows; r++) {
    store<f64>(levels() + (r << 3), -Infinity);
    store<f64>(sumsOf() + (r << 3), 0);
  }
  memory.fill(y, 0, row * rows);
  const end = seen(s, i + rows);
  for (let j = 0; j < end; j += BLOCK) {
    const keys = min(end - j, BLOCK), bytes = <usize>keys * sizeof<T>();
    pack<T>(s, 0, 3, f.k0, u, j, keys, int(s, f.width));
    scores<T>(s, u, i, rows, j, keys, 2, 5);
    for (let r: usize = 0; r < <usize>rows; r++) {
      const p = at + pitch<T>() * r, level = levels() + (r << 3), sum = sumsOf() + (r << 3);
      v128.store(c, top<T>(p, bytes));
      const before = load<f64>(level), now = max(before, <f64>load<T>(c));
      // Nothing seen so far: such keys have no share, but a NaN shows.
      splat<T>(c, now == -Infinity ? 0 : now);
      const more = expLine<T>(p, p, bytes, v128.load(c), true);
      splat<T>(c, before - now);
      if (before != -Infinity && before != now) expLine<T>(c, c, sizeof<T>(), i32x4.splat(0), true);
      else splat<T>(c, 1);
      const fade = <f64>load<T>(c);
      store<f64>(sum, load<f64>(sum) * fade + more);
      store<f64>(level, now);
      if (fade == 1) continue;
      splat<T>(c, fade);
      each<Scale, T>(y + row * r, y + row * r, y, row, c, 0, c, 0, c, 0);
    }
    combine<T>(s, rows, keys, depth, at, false, 4, f.v0, u, j, 0, y, true);
  }
  for (let r: usize = 0; r < <usize>rows; r++) {
    const sum = load<f64>(sumsOf() + (r << 3));
    splat<T>(c, 1 / sum);
    each<Scale, T>(y + row * r, y + row * r, y, row, c, 0, c, 0, c, 0);
    store<T>(operand(s, 1) + (<usize>(u * all + i) + r) * sizeof<T>(), <T>(load<f64>(levels() + (r << 3)) + NativeMath.log(sum)));
  }
}

/** Shares P of a block in place of its scores and, in the other block, P (g v' - sum(g y)) scale. The values are packed too. */
function slopes<T>(s: usize, u: i32, i: i32, rows: i32, j: i32, keys: i32): void {
  const depth = int(s, f.depth), all = int(s, f.rows), c = params(), row = <usize>depth * sizeof<T>(), bytes = <usize>keys * sizeof<T>();
  scores<T>(s, u, i, rows, j, keys, 4, 9);
  const g = rowOf<T>(s, 3, f.g0, u, i), stride = strideOf<T>(s, f.g0);
  multiply<T>(rows, keys, depth, g, stride, false, panelsAt(1), panelBytes(depth), slopesAt(), pitch<T>(), false);
  for (let r: usize = 0; r < <usize>rows; r++) {
    const p = scoresAt() + pitch<T>() * r, d = slopesAt() + pitch<T>() * r, at = <usize>(u * all + i) + r;
    expLine<T>(p, p, bytes, v128.splat<T>(load<T>(operand(s, 8) + at * sizeof<T>())), true);
    splat<T>(c, total<Product, T>(g + stride * r, operand(s, 7) + row * at, row, c, c, 0));
    splat<T>(c + PLANE, float(s, f.scale));
    each<Slope, T>(d, p, d, bytes, c, 0, c, 0, c, 0);
  }
}
/** dq of a block of queries. */
function backwardRows<T>(s: usize, tile: i32): void {
  const all = int(s, f.rows), blocks = (all + BLOCK - 1) / BLOCK, width = int(s, f.width);
  const u = tile / blocks, i = (tile % blocks) * BLOCK, rows = min(all - i, BLOCK), row = <usize>width * sizeof<T>();
  const dq = operand(s, 0) + row * (u * all + i), end = seen(s, i + rows);
  for (let j = 0; j < end; j += BLOCK) {
    const keys = min(end - j, BLOCK);
    pack<T>(s, 0, 5, f.k0, u, j, keys, width);
    pack<T>(s, 1, 6, f.v0, u, j, keys, int(s, f.depth));
    slopes<T>(s, u, i, rows, j, keys);
    combine<T>(s, rows, keys, width, slopesAt(), false, 5, f.k0, u, j, 2, dq, j > 0);
  }
  if (end == 0) memory.fill(dq, 0, row * rows);
}
/** dk and dv of a block of keys. */
function backwardKeys<T>(s: usize, tile: i32): void {
  const all = int(s, f.keys), queries = int(s, f.rows), blocks = (all + BLOCK - 1) / BLOCK;
  const width = int(s, f.width), depth = int(s, f.depth);
  const u = tile / blocks, j = (tile % blocks) * BLOCK, keys = min(all - j, BLOCK);
  const row = <usize>width * sizeof<T>(), line = <usize>depth * sizeof<T>();
  const dk = operand(s, 1) + row * (u * all + j), dv = operand(s, 2) + line * (u * all + j);
  memory.fill(dk, 0, row * keys);
  memory.fill(dv, 0, line * keys);
  pack<T>(s, 0, 5, f.k0, u, j, keys, width);
  pack<T>(s, 1, 6, f.v0, u, j, keys, depth);
  for (let i = int(s, f.causal) ? j - j % BLOCK : 0; i < queries; i += BLOCK) {
    const rows = min(queries - i, BLOCK);
    slopes<T>(s, u, i, rows, j, keys);
    combine<T>(s, keys, rows, depth, scoresAt(), true, 3, f.g0, u, i, 2, dv, true);
    combine<T>(s, keys, rows, width, slopesAt(), true, 4, f.q0, u, i, 2, dk, true);
  }
}

export function attention(s: usize, phase: i32, tile: i32): void {
  if (dtype(s, 2) == F32) forward<f32>(s, tile);
  else forward<f64>(s, tile);
}
export function attentionBackward(s: usize, phase: i32, tile: i32): void {
  if (dtype(s, 3) == F32) {
    if (phase == 0) backwardRows<f32>(s, tile);
    else backwardKeys<f32>(s, tile);
  } else if (phase == 0) backwardRows<f64>(s, tile);
  else backwardKeys<f64>(s, tile);
}
