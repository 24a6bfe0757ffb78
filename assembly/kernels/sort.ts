// Stable sort of rows along a dimension, and its first k. Elements become unsigned keys whose order is theirs, NaN last; the keys carry
// their places along: insertion for short rows, else least-significant-digit radix, skipping digits that all share.
import { sort as f } from '../gen/fields';
import { F32, F64, I32, dtype, int, operand } from '../step';
import { scratch } from '../threads';

const SHORT: i32 = 48;
/** Bytes of the histograms at the start of a row's memory: 8 digits of 256 counts. */
const COUNTS: usize = 8192;

/** A key in the order of the element: NaN above all, -0 as 0. */
@inline function keyOf<T>(x: T): u64 {
  if (isFloat<T>()) {
    if (sizeof<T>() == 4) {
      if (x != x) return 0xffffffff;
      const b = reinterpret<i32>(<f32>x + <f32>0);
      return <u64><u32>(b ^ (b >> 31 | i32.MIN_VALUE));
    }
    if (x != x) return u64.MAX_VALUE;
    const b = reinterpret<i64>(<f64>x + 0);
    return <u64>(b ^ (b >> 63 | i64.MIN_VALUE));
  }
  if (sizeof<T>() == 4) return <u64><u32>(<i32>x ^ i32.MIN_VALUE);
  return <u64>(<i64>x ^ i64.MIN_VALUE);
}

function insertion(keys: usize, places: usize, n: i32): void {
  for (let i = 1; i < n; i++) {
    const key = load<u64>(keys + (<usize>i << 3));
    let j = i;
    for (; j > 0 && load<u64>(keys + (<usize>(j - 1) << 3)) > key; j--) {
      store<u64>(keys + (<usize>j << 3), load<u64>(keys + (<usize>(j - 1) << 3)));
      store<u32>(places + (<usize>j << 2), load<u32>(places + (<usize>(j - 1) << 2)));
    }
    store<u64>(keys + (<usize>j << 3), key);
    store<u32>(places + (<usize>j << 2), i);
  }
}

/** Sorts n keys of `digits` bytes; returns where the sorted places lie. */
function radix(counts: usize, keys: usize, places: usize, keys2: usize, places2: usize, n: i32, digits: i32): usize {
  memory.fill(counts, 0, <usize>digits << 10);
  for (let p = keys, end = keys + (<usize>n << 3); p < end; p += 8) {
    let key = load<u64>(p);
    for (let d = 0; d < digits; d++, key >>= 8) {
      const c = counts + (<usize>d << 10) + (<usize>(key & 255) << 2);
      store<i32>(c, load<i32>(c) + 1);
    }
  }
  for (let d = 0; d < digits; d++) {
    const c = counts + (<usize>d << 10);
    const shift = <u64>(d << 3);
    if (load<i32>(c + (<usize>(load<u64>(keys) >> shift & 255) << 2)) == n) continue;
    let sum = 0;
    for (let p = c; p < c + 1024; p += 4) {
      const count = load<i32>(p);
      store<i32>(p, sum);
      sum += count;
    }
    for (let i = 0; i < n; i++) {
      const key = load<u64>(keys + (<usize>i << 3));
      const p = c + (<usize>(key >> shift & 255) << 2);
      const to = load<i32>(p);
      store<i32>(p, to + 1);
      store<u64>(keys2 + (<usize>to << 3), key);
      store<u32>(places2 + (<usize>to << 2), load<u32>(places + (<usize>i << 2)));
    }
    const k = keys;
    keys = keys2;
    keys2 = k;
    const q = places;
    places = places2;
    places2 = q;
  }
  return places;
}

/** Rows tile, tile + rowsApart, ...; each takes k of its n sorted elements. */
function rows<T>(s: usize, tile: i32): void {
  const n = int(s, f.n);
  const k = int(s, f.k);
  const inner = int(s, f.inner);
  const count = int(s, f.count);
  const each = int(s, f.each);
  const down = int(s, f.descending) != 0;
  const spare = <usize>int(s, f.spare);
  const memory = spare ? operand(s, 3) + <usize>tile * spare : scratch;
  const keys = memory + COUNTS;
  const keys2 = keys + (<usize>n << 3);
  const places = keys2 + (<usize>n << 3);
  const places2 = places + (<usize>n << 2);
  const flip: u64 = down ? (sizeof<T>() == 4 ? 0xffffffff : u64.MAX_VALUE) : 0;
  const step = <usize>inner * sizeof<T>();
  for (let r = tile * each, end = min(count, r + each); r < end; r++) {
    const o = r / inner;
    const column = <usize>(r - o * inner);
    const x = operand(s, 2) + (<usize>o * <usize>n * <usize>inner + column) * sizeof<T>();
    for (let i = 0, p = x; i < n; i++, p += step) {
      store<u64>(keys + (<usize>i << 3), keyOf<T>(load<T>(p)) ^ flip);
      store<u32>(places + (<usize>i << 2), i);
    }
    let sorted = places;
    if (n <= SHORT) insertion(keys, places, n);
    else sorted = radix(memory, keys, places, keys2, places2, n, <i32>sizeof<T>());
    let at = <usize>o * <usize>k * <usize>inner + column;
    for (let i = 0; i < k; i++, at += inner) {
      const place = load<u32>(sorted + (<usize>i << 2));
      store<T>(operand(s, 0) + at * sizeof<T>(), load<T>(x + <usize>place * step));
      store<i64>(operand(s, 1) + (at << 3), place);
    }
  }
}

export function sort(s: usize, phase: i32, tile: i32): void {
  const t = dtype(s, 0);
  if (t == F32) rows<f32>(s, tile);
  else if (t == F64) rows<f64>(s, tile);
  else if (t == I32) rows<i32>(s, tile);
  else rows<i64>(s, tile);
}
export function topk(s: usize, phase: i32, tile: i32): void { sort(s, phase, tile); }
