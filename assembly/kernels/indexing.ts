// Ops that read or write where an index tensor (int64) says. Indices are checked in phase 0, before any write.
import { gather as g, indexAdd as a, indexSelect as sel, nonzeroFill as nz, scatter as sc, searchsorted as ss } from '../gen/fields';
import { shiftOf } from '../convert';
import { F32, F64, GRAIN, I32, I64, dtype, int, float, operand } from '../step';
import { fail, failed } from '../threads';

/** Bytes that one tile copies or clears. */
const BYTES: usize = 1 << 17;

/** Reports the first index of n that is not in 0 to size - 1. */
function check(p: usize, n: i32, size: i32): bool {
  for (const end = p + (<usize>n << 3); p < end; p += 8) {
    const i = load<i64>(p);
    if (<u64>i >= <u64>size) {
      fail(1, <i32>max<i64>(min<i64>(i, i32.MAX_VALUE), i32.MIN_VALUE));
      return false;
    }
  }
  return true;
}

/** Phase 0 of what writes: checks a tile of the index and copies a tile of x to y (x = 0: clears it). */
function prepare(tile: i32, y: usize, x: usize, bytes: usize, index: usize, n: i32, size: i32): void {
  const from = tile * GRAIN;
  if (from < n && !check(index + (<usize>from << 3), min(GRAIN, n - from), size)) return;
  const lo = <usize>tile * BYTES;
  if (lo >= bytes || x == y) return;
  const count = min(BYTES, bytes - lo);
  if (x) memory.copy(y + lo, x + lo, count);
  else memory.fill(y + lo, 0, count);
}

/** Copies a short run of bytes. */
@inline function copyBytes(q: usize, p: usize, bytes: usize): void {
  if (bytes == 4) store<u32>(q, load<u32>(p));
  else if (bytes == 8) store<u64>(q, load<u64>(p));
  else if (bytes > 256) memory.copy(q, p, bytes);
  else {
    const end = q + bytes;
    for (; q + 16 <= end; q += 16, p += 16) v128.store(q, v128.load(p));
    for (; q < end; q++, p++) store<u8>(q, load<u8>(p));
  }
}

/** y[o, j, :] = x[o, index[j], :]. */
export function indexSelect(s: usize, phase: i32, tile: i32): void {
  const k = int(s, sel.k);
  const n = int(s, sel.n);
  const per = int(s, sel.per);
  const bytes = <usize>int(s, sel.inner) << shiftOf(dtype(s, 0));
  const index = operand(s, 2);
  const hi = min(int(s, sel.outer) * k, (tile + 1) * per);
  for (let r = tile * per; r < hi; r++) {
    const o = r / k;
    const i = load<i64>(index + (<usize>(r - o * k) << 3));
    if (<u64>i >= <u64>n) { check(index + (<usize>(r - o * k) << 3), 1, n); return; }
    copyBytes(operand(s, 0) + <usize>r * bytes, operand(s, 1) + (<usize>o * <usize>n + <usize>i) * bytes, bytes);
  }
}
export function embedding(s: usize, phase: i32, tile: i32): void { indexSelect(s, phase, tile); }

function axpy<T>(y: usize, x: usize, n: i32, alpha: T): void {
  const lanes = 16 / <i32>sizeof<T>();
  const va = v128.splat<T>(alpha);
  for (; n >= lanes; n -= lanes, y += 16, x += 16) v128.store(y, v128.add<T>(v128.load(y), v128.mul<T>(va, v128.load(x))));
  for (; n > 0; n--, y += sizeof<T>(), x += sizeof<T>()) store<T>(y, load<T>(y) + alpha * load<T>(x));
}

/** y = x (or zeros), then y[o, index[j], :] += alpha * src[o, j, :], j in order; `copy`: the last write wins instead. */
@inline function addRows(s: usize, phase: i32, tile: i32, x: usize, index: usize, src: usize, copy: bool): void {
  const outer = int(s, a.outer);
  const n = int(s, a.n);
  const k = int(s, a.k);
  const inner = int(s, a.inner);
  const t = dtype(s, 0);
  const shift = shiftOf(t);
  const y = operand(s, 0);
  if (phase == 0) {
    prepare(tile, y, x, (<usize>outer * <usize>n * <usize>inner) << shift, index, k, n);
    return;
  }
  if (failed()) return;
  const chunk = int(s, a.chunk);
  const chunks = int(s, a.chunks);
  const per = int(s, a.per);
  const skip = int(s, a.skip);
  const alpha = float(s, a.alpha);
  const from = tile % chunks * chunk;
  const count = min(chunk, inner - from);
  const lo = tile / chunks * per;
  const hi = min(outer, lo + per);
  for (let o = lo; o < hi; o++) {
    for (let j = 0; j < k; j++) {
      const i = <i32>load<i64>(index + (<usize>j << 3));
      if (i == skip) continue;
      const q = y + (((<usize>o * <usize>n + <usize>i) * <usize>inner + <usize>from) << shift);
      const p = src + (((<usize>o * <usize>k + <usize>j) * <usize>inner + <usize>from) << shift);
      if (copy) copyBytes(q, p, <usize>count << shift);
      else if (t == F32) axpy<f32>(q, p, count, <f32>alpha);
      else if (t == F64) axpy<f64>(q, p, count, alpha);
      else if (t == I32) axpy<i32>(q, p, count, <i32>alpha);
      else axpy<i64>(q, p, count, <i64>alpha);
    }
  }
}
export function indexAdd(s: usize, phase: i32, tile: i32): void {
  addRows(s, phase, tile, operand(s, 1), operand(s, 2), operand(s, 3), false);
}
export function indexCopy(s: usize, phase: i32, tile: i32): void {
  addRows(s, phase, tile, operand(s, 1), operand(s, 2), operand(s, 3), true);
}
export function indexSelectBackward(s: usize, phase: i32, tile: i32): void {
  addRows(s, phase, tile, 0, operand(s, 2), operand(s, 1), false);
}
export function embeddingBackward(s: usize, phase: i32, tile: i32): void {
  addRows(s, phase, tile, 0, operand(s, 2), operand(s, 1), false);
}

/** Offsets in elements of logical index `at` by two stride lists: the first in the low half. */
function locate2(s: usize, dims: i32, at: i32): i64 {
  let p = 0;
  let q = 0;
  for (let d = dims - 1; d >= 0; d--) {
    const size = int(s, sc.size0 + d);
    const rest = at / size;
    const i = at - rest * size;
    p += i * int(s, sc.stride0 + d);
    q += i * int(s, sc.from0 + d);
    at = rest;
  }
  return <i64>(<u32>p) | <i64>q << 32;
}

/** y[p] = x[p with index[p] along the axis], in index's shape. */
export function gather(s: usize, phase: i32, tile: i32): void {
  const size = int(s, g.axis);
  const step = int(s, g.step);
  const dims = int(s, g.dims);
  const shift = shiftOf(dtype(s, 0));
  const x = operand(s, 1);
  const inner = int(s, g.size0 + dims - 1);
  const stride = int(s, g.stride0 + dims - 1);
  const hi = min(int(s, g.n), (tile + 1) * GRAIN);
  for (let i = tile * GRAIN; i < hi; ) {
    let count = min(inner - i % inner, hi - i);
    let at = <i32>locate2(s, dims, i);
    let p = operand(s, 2) + (<usize>i << 3);
    let y = operand(s, 0) + (<usize>i << shift);
    i += count;
    if (!check(p, count, size)) return;
    for (; count > 0; count--, p += 8, at += stride, y += <usize>1 << shift) {
      const from = x + (<usize>(at + <i32>load<i64>(p) * step) << shift);
      switch (<i32>shift) {
        case 0: { store<u8>(y, load<u8>(from)); break; }
        case 1: { store<u16>(y, load<u16>(from)); break; }
        case 2: { store<u32>(y, load<u32>(from)); break; }
        default: store<u64>(y, load<u64>(from));
      }
    }
  }
}

const SUM: i32 = 1;
const PROD: i32 = 2;
const MEAN: i32 = 3;
const AMAX: i32 = 4;

/** What an element starts from when it does not take part itself. */
@inline function identity<T>(mode: i32): T {
  if (mode == PROD) return <T>1;
  if (mode <= MEAN) return <T>0;
  if (isFloat<T>()) return mode == AMAX ? <T>-Infinity : <T>Infinity;
  if (sizeof<T>() == 8) return <T>(mode == AMAX ? i64.MIN_VALUE : i64.MAX_VALUE);
  return <T>(mode == AMAX ? i32.MIN_VALUE : i32.MAX_VALUE);
}

@inline function combine<T>(mode: i32, a: T, b: T): T {
  if (mode == PROD) return a * b;
  if (mode <= MEAN) return a + b;
  // NaN wins on both sides.
  if (mode == AMAX) return a != a || a > b ? a : b;
  return a != a || a < b ? a : b;
}

/** One tile of phase 1: index positions lo to hi, in order. */
function reduceInto<T>(s: usize, lo: i32, hi: i32, y: usize, index: usize, src: usize, counts: usize, mode: i32, first: bool): void {
  const step = int(s, sc.step);
  const dims = int(s, sc.dims);
  const inner = int(s, sc.size0 + dims - 1);
  const stride = int(s, sc.stride0 + dims - 1);
  const from = int(s, sc.from0 + dims - 1);
  for (let i = lo; i < hi; ) {
    let count = min(inner - i % inner, hi - i);
    const both = locate2(s, dims, i);
    let at = <i32>both;
    let p = src + (<usize><i32>(both >> 32)) * sizeof<T>();
    let k = index + (<usize>i << 3);
    i += count;
    for (; count > 0; count--, k += 8, at += stride, p += <usize>from * sizeof<T>()) {
      const to = at + <i32>load<i64>(k) * step;
      const q = y + <usize>to * sizeof<T>();
      if (first) store<T>(q, identity<T>(mode));
      else if (mode == 0) store<T>(q, load<T>(p));
      else {
        store<T>(q, combine<T>(mode, load<T>(q), load<T>(p)));
        if (mode == MEAN) {
          const c = counts + (<usize>to << 2);
          store<i32>(c, load<i32>(c) + 1);
        }
      }
    }
  }
}

/** Integer division that rounds down, as torch's mean of integers. */
function divide<T>(y: usize, counts: usize, n: i32): void {
  for (; n > 0; n--, y += sizeof<T>(), counts += 4) {
    const c = load<i32>(counts);
    if (c <= 1) continue;
    const v = load<T>(y);
    let r = v / <T>c;
    if (isInteger<T>() && r * <T>c > v) r -= <T>1;
    store<T>(y, r);
  }
}

/** y = x (or zeros); y[p with index[p] along the axis] = reduce(itself, src[p]), p in order; tiles hold whole rows of the outer dims. */
function scatterWith(s: usize, phase: i32, tile: i32, x: usize, src: usize): void {
  const n = int(s, sc.n), total = int(s, sc.total), mode = int(s, sc.mode), t = dtype(s, 0);
  const y = operand(s, 0), index = operand(s, 2), counts = operand(s, 4);
  const self = int(s, sc.self) != 0;
  const shift = shiftOf(t);
  if (phase == 0) {
    prepare(tile, y, x, <usize>total << shift, index, n, int(s, sc.axis));
    if (mode == MEAN) {
      const each = <i32>(BYTES >> shift);
      for (let i = tile * each, end = min(total, i + each); i < end; i++) store<i32>(counts + (<usize>i << 2), i32(self));
    }
    return;
  }
  if (failed()) return;
  const per = phase == 2 ? GRAIN : int(s, sc.per);
  const lo = tile * per;
  const hi = min(phase == 2 ? total : n, lo + per);
  if (t == F32) work<f32>(s, phase, lo, hi, y, index, src, counts, mode, self);
  else if (t == F64) work<f64>(s, phase, lo, hi, y, index, src, counts, mode, self);
  else if (t == I32) work<i32>(s, phase, lo, hi, y, index, src, counts, mode, self);
  else work<i64>(s, phase, lo, hi, y, index, src, counts, mode, self);
}
function work<T>(s: usize, phase: i32, lo: i32, hi: i32, y: usize, index: usize, src: usize, counts: usize, mode: i32, self: bool): void {
  if (phase == 2) {
    divide<T>(y + <usize>lo * sizeof<T>(), counts + (<usize>lo << 2), hi - lo);
    return;
  }
  for (let pass = i32(self); pass < 2; pass++) reduceInto<T>(s, lo, hi, y, index, src, counts, mode, pass == 0);
}
export function scatter(s: usize, phase: i32, tile: i32): void { scatterWith(s, phase, tile, operand(s, 1), operand(s, 3)); }
export function scatterAdd(s: usize, phase: i32, tile: i32): void { scatterWith(s, phase, tile, operand(s, 1), operand(s, 3)); }
export function scatterReduce(s: usize, phase: i32, tile: i32): void { scatterWith(s, phase, tile, operand(s, 1), operand(s, 3)); }
export function gatherBackward(s: usize, phase: i32, tile: i32): void { scatterWith(s, phase, tile, 0, operand(s, 1)); }

/** Number of elements that are not zero; x is bool. */
export function nonzeroCount(s: usize, phase: i32, tile: i32): void {
  const x = operand(s, 1);
  let count: i64 = 0;
  for (let p = x, end = x + <usize>int(s, 0); p < end; p++) count += load<u8>(p);
  store<i64>(operand(s, 0), count);
}

/** Coordinates of the elements that are not zero, in order; at most `count` rows. */
export function nonzeroFill(s: usize, phase: i32, tile: i32): void {
  const n = int(s, nz.n);
  const rank = int(s, nz.rank);
  const x = operand(s, 1);
  let y = operand(s, 0);
  const end = y + (<usize>(int(s, nz.count) * rank) << 3);
  for (let i = 0; i < n && y < end; i++) {
    if ((i & 7) == 0) while (i + 8 < n && load<u64>(x + <usize>i) == 0) i += 8;
    if (load<u8>(x + <usize>i) == 0) continue;
    let rest = i;
    for (let d = rank - 1; d >= 0; d--) {
      const size = int(s, nz.size0 + d);
      store<i64>(y + (<usize>d << 3), rest % size);
      rest /= size;
    }
    y += <usize>rank << 3;
  }
}

function search<T>(y: usize, row: usize, n: i32, v: usize, count: i32, right: bool): void {
  for (; count > 0; count--, v += sizeof<T>(), y += 8) {
    const x = load<T>(v);
    let lo = 0;
    let hi = n;
    while (lo < hi) {
      const mid = (lo + hi) >> 1;
      const m = load<T>(row + <usize>mid * sizeof<T>());
      if (right ? m > x : m >= x) hi = mid;
      else lo = mid + 1;
    }
    store<i64>(y, lo);
  }
}

/** Where each value would go in its sorted row. */
export function searchsorted(s: usize, phase: i32, tile: i32): void {
  const n = int(s, ss.n);
  const m = int(s, ss.m);
  const right = int(s, ss.right) != 0;
  const t = dtype(s, 1);
  const shift = shiftOf(t);
  const hi = min(int(s, ss.count), (tile + 1) * GRAIN);
  for (let i = tile * GRAIN; i < hi; ) {
    const r = i / m;
    const count = min(m - (i - r * m), hi - i);
    const row = operand(s, 1) + ((<usize>r * <usize>n) << shift);
    const v = operand(s, 2) + (<usize>i << shift);
    const y = operand(s, 0) + (<usize>i << 3);
    if (t == F32) search<f32>(y, row, n, v, count, right);
    else if (t == F64) search<f64>(y, row, n, v, count, right);
    else if (t == I32) search<i32>(y, row, n, v, count, right);
    else search<i64>(y, row, n, v, count, right);
    i += count;
  }
}
