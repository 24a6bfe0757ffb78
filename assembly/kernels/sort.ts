// Stable sort of rows along a dimension, and their first k. A row is a list of entries: the place of an element in the low word, a word
// of its key in the high one. Keys are unsigned, in the order of the elements, NaN last; keys of two words sort by the low one first.
import { shiftOf } from '../convert';
import { sort as f } from '../gen/fields';
import { F32, F64, I32, dtype, int, operand } from '../step';
import { scratch } from '../threads';
import { copyRun } from './strided';

const SHORT: i32 = 48;
/** Rows from which on digits have 11 bits, not 8. */
const LONG: i32 = 4096;
/** Bytes of the histograms at the start of a row's memory: 3 digits of 2048 counts, or 4 of 256. */
const COUNTS: usize = 24576;

/** A key in the order of the element: NaN above all, -0 as 0. */
@inline function keyOf<T>(p: usize): u64 {
  const x = load<T>(p);
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

function insertion(list: usize, n: i32): void {
  for (let p = list + 8, end = list + (<usize>n << 3); p < end; p += 8) {
    const entry = load<u64>(p);
    let q = p;
    for (; q > list && load<u32>(q - 4) > <u32>(entry >> 32); q -= 8) store<u64>(q, load<u64>(q - 8));
    store<u64>(q, entry);
  }
}

/** Sorts n entries by their high words, digit by digit from the least significant, skipping digits that all share; returns the list. */
function radix(counts: usize, list: usize, other: usize, n: i32): usize {
  const bits = n < LONG ? 8 : 11, digits = n < LONG ? 4 : 3;
  const mask: u32 = (1 << bits) - 1;
  const size = <usize>4 << bits;
  memory.fill(counts, 0, size * digits);
  const bytes = <usize>n << 3;
  for (let p = list, end = list + bytes; p < end; p += 8) {
    let key = load<u32>(p, 4);
    for (let c = counts, last = counts + size * digits; c < last; c += size, key >>= bits) {
      const at = c + ((key & mask) << 2);
      store<i32>(at, load<i32>(at) + 1);
    }
  }
  for (let d = 0; d < digits; d++, counts += size) {
    const shift = d * bits;
    if (load<i32>(counts + ((load<u32>(list, 4) >> shift & mask) << 2)) == n) continue;
    let to = other;
    for (let c = counts; c < counts + size; c += 4) {
      const count = load<i32>(c);
      store<u32>(c, <u32>to);
      to += <usize>count << 3;
    }
    for (let p = list, end = list + bytes; p < end; p += 8) {
      const entry = load<u64>(p);
      const c = counts + ((<u32>(entry >> 32) >> shift & mask) << 2);
      const at = load<u32>(c);
      store<u32>(c, at + 8);
      store<u64>(at, entry);
    }
    const swap = list;
    list = other;
    other = swap;
  }
  return list;
}

/** Sorts the n places of the list by their elements of x; returns the sorted list, which may be the other one. */
function order<T>(memory: usize, list: usize, other: usize, n: i32, x: usize, flip: u64): usize {
  for (let stage = 0; stage < <i32>sizeof<T>(); stage += 4) {
    for (let p = list, end = list + (<usize>n << 3); p < end; p += 8)
      store<u32>(p, <u32>((keyOf<T>(x + <usize>load<u32>(p) * sizeof<T>()) ^ flip) >> <u64>(stage << 3)), 4);
    if (n <= SHORT) insertion(list, n);
    else {
      const sorted = radix(memory, list, other, n);
      if (sorted != list) {
        other = list;
        list = sorted;
      }
    }
  }
  return list;
}

/** The first k of n places in order. Where k is small, those that beat the k-th so far gather in a short list that is sorted when full. */
function first<T>(memory: usize, list: usize, other: usize, n: i32, k: i32, x: usize, flip: u64): usize {
  const room = 2 * k + 64;
  if (room > n >> 2) {
    for (let i = 0; i < n; i++) store<u32>(list + (<usize>i << 3), i);
    return order<T>(memory, list, other, n, x, flip);
  }
  let count = 0, open = true, limit: u64 = 0;
  for (let i = 0; i < n; i++) {
    const key = keyOf<T>(x + <usize>i * sizeof<T>()) ^ flip;
    if (key >= limit && !open) continue;
    store<u32>(list + (<usize>count << 3), i);
    if (++count < room) continue;
    const sorted = order<T>(memory, list, other, count, x, flip);
    if (sorted != list) {
      other = list;
      list = sorted;
    }
    count = k;
    open = false;
    limit = k == 0 ? 0 : keyOf<T>(x + <usize>load<u32>(list + (<usize>(k - 1) << 3)) * sizeof<T>()) ^ flip;
  }
  return order<T>(memory, list, other, count, x, flip);
}

/** Rows tile * each and on; each takes k of its n elements in order. */
function rows<T>(s: usize, tile: i32): void {
  const n = int(s, f.n), k = int(s, f.k), inner = int(s, f.inner), each = int(s, f.each);
  const spare = <usize>int(s, f.spare);
  const memory = spare ? operand(s, 3) + <usize>tile * spare : scratch;
  const list = memory + COUNTS, other = list + (<usize>n << 3), line = other + (<usize>n << 3);
  const flip: u64 = int(s, f.descending) ? (sizeof<T>() == 4 ? 0xffffffff : u64.MAX_VALUE) : 0;
  for (let r = tile * each, end = min(int(s, f.count), r + each); r < end; r++) {
    const o = r / inner, column = <usize>(r - o * inner);
    let x = operand(s, 2) + (<usize>o * <usize>n * <usize>inner + column) * sizeof<T>();
    if (inner > 1) {
      copyRun(shiftOf(dtype(s, 0)), line, sizeof<T>(), x, <usize>inner * sizeof<T>(), n);
      x = line;
    }
    const sorted = first<T>(memory, list, other, n, k, x, flip);
    let at = <usize>o * <usize>k * <usize>inner + column;
    for (let i = 0; i < k; i++, at += inner) {
      const place = load<u32>(sorted + (<usize>i << 3));
      store<T>(operand(s, 0) + at * sizeof<T>(), load<T>(x + <usize>place * sizeof<T>()));
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
