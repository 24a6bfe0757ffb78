// Where the largest or smallest element lies along one axis of [outer][n][inner]: the first of equals, a NaN before all.
// The smallest is the largest of elements whose order is turned around by xor with a mask.
import { argmax as f } from '../gen/fields';
import { F32, F64, I64, dtype, int, operand } from '../step';
import { scratch } from '../threads';
import { mask } from './axes';
import { CROSS, TOP, accumulators, clear, finish, fold, parameters, upTo } from './fold';

/** Index of the first element of n at p that equals v; any NaN where v is one. */
function find<T>(p: usize, n: i32, v: T): i32 {
  const target = v128.splat<T>(v);
  const per = <i32>(16 / sizeof<T>());
  const nan = isFloat<T>() && v != v;
  let i = 0;
  for (; i <= n - per; i += per) {
    const x = v128.load(p + <usize>i * sizeof<T>());
    if (v128.any_true(nan ? v128.ne<T>(x, x) : v128.eq<T>(x, target))) break;
  }
  for (; i < n; i++) {
    const x = load<T>(p + <usize>i * sizeof<T>());
    if (x == v || (nan && x != x)) break;
  }
  return i;
}

/** Index along a contiguous line of n elements. */
function line<T>(kind: i32, flip: bool, p: usize, n: i32): i32 {
  const bytes = <usize>n * sizeof<T>(), a = accumulators();
  clear(kind, a, 1);
  fold(kind, CROSS, a, p, 1, 0, bytes, p + bytes, parameters());
  finish(kind, a, a, 1, flip ? -1 : 1, flip);
  return find<T>(p, n, load<T>(a));
}

/** Takes rows `from` to `to` of one vector of columns into the best and their rows, which are lanes as wide as T. */
function down<T>(best: usize, where: usize, p: usize, from: i32, to: i32, stride: usize, end: usize, c: v128): void {
  let b = v128.load(best), k = v128.load(where);
  for (; from < to; from++, p += stride) {
    const v = v128.xor(upTo(p, end), c);
    // Not less or equal, so that a NaN wins; nothing is better than a NaN.
    const better = isFloat<T>() ? v128.andnot(v128.eq<T>(b, b), v128.le<T>(v, b)) : i64x2.gt_s(v, b);
    b = v128.bitselect(v, b, better);
    k = v128.bitselect(sizeof<T>() == 4 ? i32x4.splat(from) : i64x2.splat(from), k, better);
  }
  v128.store(best, b);
  v128.store(where, k);
}

/** values may be 0: not wanted. */
function pick<T>(s: usize, tile: i32, flip: bool, values: usize, indices: usize, x: usize, type: i32): void {
  const n = int(s, f.n), inner = int(s, f.inner), width = int(s, f.width), group = int(s, f.group), outer = int(s, f.outer);
  const blocks = (inner + width - 1) / width;
  const column = (tile % blocks) * width;
  const count = min(width, inner - column);
  const stride = <usize>inner * sizeof<T>();
  const end = x + <usize>(outer * n) * stride;
  const c = flip ? mask(type) : i32x4.splat(0);
  const lo = (tile / blocks) * group;
  for (let o = lo, hi = min(outer, lo + group); o < hi; o++) {
    const first = x + <usize>(o * n * inner + column) * sizeof<T>();
    const at = <usize>(o * inner + column);
    if (inner == 1) {
      v128.store(parameters(), c);
      const i = line<T>(TOP | type, flip, first, n);
      store<i64>(indices + (at << 3), i);
      if (values) store<T>(values + at * sizeof<T>(), load<T>(first + <usize>i * sizeof<T>()));
      continue;
    }
    const best = scratch + 64, where = best + 16384;
    const bytes = <usize>count * sizeof<T>();
    for (let i: usize = 0; i < bytes; i += 16) v128.store(best + i, v128.xor(upTo(first + i, end), c));
    memory.fill(where, 0, bytes + 16);
    // Few enough rows at a time that their lines stay in L1 from vector to vector.
    for (let r = 1; r < n; r += 6)
      for (let i: usize = 0; i < bytes; i += 16)
        down<T>(best + i, where + i, first + <usize>r * stride + i, r, min(n, r + 6), stride, end, c);
    for (let j = 0; j < count; j++) {
      const i = sizeof<T>() == 4 ? <i64>load<i32>(where + (<usize>j << 2)) : load<i64>(where + (<usize>j << 3));
      store<i64>(indices + ((at + j) << 3), i);
    }
    if (values) {
      for (let i: usize = 0; i < bytes; i += 16) v128.store(best + i, v128.xor(v128.load(best + i), c));
      memory.copy(values + at * sizeof<T>(), best, bytes);
    }
  }
}

function along(s: usize, tile: i32, flip: bool, values: usize, indices: usize, i: i32): void {
  const x = operand(s, i);
  switch (dtype(s, i)) {
    case F32: { pick<f32>(s, tile, flip, values, indices, x, F32); return; }
    case F64: { pick<f64>(s, tile, flip, values, indices, x, F64); return; }
    default: pick<i64>(s, tile, flip, values, indices, x, I64);
  }
}

export function argmax(s: usize, phase: i32, tile: i32): void { along(s, tile, false, 0, operand(s, 0), 1); }
export function argmin(s: usize, phase: i32, tile: i32): void { along(s, tile, true, 0, operand(s, 0), 1); }
export function maxDim(s: usize, phase: i32, tile: i32): void { along(s, tile, false, operand(s, 0), operand(s, 1), 2); }
export function minDim(s: usize, phase: i32, tile: i32): void { along(s, tile, true, operand(s, 0), operand(s, 1), 2); }
