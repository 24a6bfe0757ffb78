// Where the largest or smallest element lies along one axis of [outer][n][inner]: the first of equals, a NaN before all.
import { argmax as f } from '../gen/fields';
import { Binary } from '../lanes';
import { F32, F64, dtype, int, operand } from '../step';
import { scratch } from '../threads';
import { Max, Min, accUnit, across, run } from './fold';

@inline function better<K extends Binary, T>(a: T, b: T): bool {
  if (isFloat<T>() && a != a) return b == b;
  return idof<K>() == idof<Max>() ? a > b : a < b;
}

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
function line<K extends Binary, T>(p: usize, n: i32): i32 {
  const bytes = <usize>n * sizeof<T>();
  const acc = across<K, T>(run<K, T>(accUnit<K, T>(), p, bytes, p + bytes));
  if (isFloat<T>()) return find<T>(p, n, <T>f64x2.extract_lane(acc, 0));
  return find<T>(p, n, sizeof<T>() == 8 ? <T>i64x2.extract_lane(acc, 0) : <T>i32x4.extract_lane(acc, 0));
}

/** values may be 0: not wanted. */
function pick<K extends Binary, T>(s: usize, tile: i32, values: usize, indices: usize, x: usize): void {
  const n = int(s, f.n), inner = int(s, f.inner), width = int(s, f.width), group = int(s, f.group);
  const blocks = (inner + width - 1) / width;
  const column = (tile % blocks) * width;
  const count = min(width, inner - column);
  const lo = (tile / blocks) * group;
  for (let o = lo, hi = min(int(s, f.outer), lo + group); o < hi; o++) {
    const first = x + <usize>(o * n * inner + column) * sizeof<T>();
    const at = <usize>(o * inner + column);
    if (inner == 1) {
      const i = line<K, T>(first, n);
      store<i64>(indices + (at << 3), i);
      if (values) store<T>(values + at * sizeof<T>(), load<T>(first + <usize>i * sizeof<T>()));
      continue;
    }
    const best = scratch;
    const where = indices + (at << 3);
    memory.copy(best, first, <usize>count * sizeof<T>());
    memory.fill(where, 0, <usize>count << 3);
    for (let r = 1; r < n; r++) {
      const p = first + <usize>(r * inner) * sizeof<T>();
      for (let j = 0; j < count; j++) {
        const e = <usize>j * sizeof<T>();
        const v = load<T>(p + e);
        if (!better<K, T>(v, load<T>(best + e))) continue;
        store<T>(best + e, v);
        store<i64>(where + (<usize>j << 3), r);
      }
    }
    if (values) memory.copy(values + at * sizeof<T>(), best, <usize>count * sizeof<T>());
  }
}
@inline function along<K extends Binary>(s: usize, tile: i32, values: usize, indices: usize, x: usize, type: i32): void {
  switch (type) {
    case F32: { pick<K, f32>(s, tile, values, indices, x); return; }
    case F64: { pick<K, f64>(s, tile, values, indices, x); return; }
    default: pick<K, i64>(s, tile, values, indices, x);
  }
}
function largest(s: usize, tile: i32, values: usize, indices: usize, i: i32): void {
  along<Max>(s, tile, values, indices, operand(s, i), dtype(s, i));
}
function smallest(s: usize, tile: i32, values: usize, indices: usize, i: i32): void {
  along<Min>(s, tile, values, indices, operand(s, i), dtype(s, i));
}

export function argmax(s: usize, phase: i32, tile: i32): void { largest(s, tile, 0, operand(s, 0), 1); }
export function argmin(s: usize, phase: i32, tile: i32): void { smallest(s, tile, 0, operand(s, 0), 1); }
export function maxDim(s: usize, phase: i32, tile: i32): void { largest(s, tile, operand(s, 0), operand(s, 1), 2); }
export function minDim(s: usize, phase: i32, tile: i32): void { smallest(s, tile, operand(s, 0), operand(s, 1), 2); }
