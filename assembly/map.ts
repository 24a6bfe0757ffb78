// The driver of every elementwise op: walks the elements in logical order in spans of contiguous lanes of the compute type.
// An operand that is not already such a span (another dtype, strides, a scalar) passes through a small tile that stays in L1.
import { loadRun, shiftOf, storeRun } from './convert';
import { COPY } from './gen/dispatch';
import {
  DENSE, DIRECT, F32, GATHER, GRAIN, I32, I64, IMMEDIATE, SCALAR, SLOTS, entryDtype, entryType, int32, opcode, spanType,
} from './step';
import { SCRATCH, scratch } from './threads';
import { isTurned, turnTile } from './turn';

/** Bytes of one tile; four of them fit in half of L1. */
const TILE: usize = 4096;

@inline export function entry(s: usize, k: i32): usize { return s + 32 + (<usize>k << 4); }
@inline export function modeOf(e: usize): i32 { return load<u8>(e, 6); }
@inline export function base(e: usize): usize { return load<u32>(SLOTS + (<usize>load<u32>(e) << 2)) + load<u32>(e, 8); }

/** The strides of operand k, behind the sizes. */
@inline function stridesOf(s: usize, k: i32): usize {
  return entry(s, load<i32>(s, 28)) + (<usize>((k + 1) * load<i32>(s, 20)) << 2);
}

/** Walks `count` elements from logical index `start` between a strided operand and a contiguous tile. */
function walk(s: usize, k: i32, start: i32, count: i32, tile: usize, out: bool): void {
  const dims = load<i32>(s, 20);
  const e = entry(s, k);
  const sizes = entry(s, load<i32>(s, 28));
  const strides = sizes + (<usize>((k + 1) * dims) << 2);
  const dtype = entryDtype(e);
  const t = entryType(e);
  const shift = shiftOf(dtype);
  const width = shiftOf(t);
  const at = scratch + 4 * TILE;
  let p = base(e);
  let rest = start;
  for (let d = dims - 1; d >= 0; d--) {
    const o = <usize>d << 2;
    const size = load<i32>(sizes + o);
    const i = rest % size;
    rest /= size;
    store<i32>(at + o, i);
    p += <usize>(i * load<i32>(strides + o)) << shift;
  }
  const last = <usize>(dims - 1) << 2;
  const inner = load<i32>(sizes + last);
  const step = <usize>load<i32>(strides + last) << shift;
  let from = load<i32>(at + last);
  while (true) {
    const n = min(inner - from, count);
    if (step == <usize>1 << shift && dtype == t) memory.copy(out ? p : tile, out ? tile : p, <usize>n << shift);
    else if (step == 0 && !out) {
      loadRun(dtype, t, p, 0, tile, 1);
      repeat(width, tile, n);
    } else if (out) storeRun(t, dtype, tile, p, step, n);
    else loadRun(dtype, t, p, step, tile, n);
    count -= n;
    if (count == 0) return;
    tile += <usize>n << width;
    // Carry: back to the start of the inner dimension, one further in the next outer one that has room.
    p -= step * <usize>from;
    from = 0;
    for (let d = dims - 2; d >= 0; d--) {
      const o = <usize>d << 2;
      const stride = <usize>load<i32>(strides + o) << shift;
      const i = load<i32>(at + o) + 1;
      if (i < load<i32>(sizes + o)) {
        store<i32>(at + o, i);
        p += stride;
        break;
      }
      store<i32>(at + o, 0);
      p -= stride * <usize>(i - 1);
    }
  }
}

/** Writes the first of n lanes of 1 << shift bytes to the others. */
function repeat(shift: usize, tile: usize, n: i32): void {
  const v = shift == 2 ? v128.load32_splat(tile) : v128.load64_splat(tile);
  const end = tile + (<usize>n << shift);
  for (; tile + 16 <= end; tile += 16) v128.store(tile, v);
  if (shift == 2) for (; tile < end; tile += 4) v128.store32_lane(tile, v, 0);
  else if (tile < end) v128.store64_lane(tile, v, 0);
}

/** Fills the first n lanes of a scalar operand's tile. */
export function fill(e: usize, tile: usize, n: i32): void {
  const t = entryType(e);
  if (modeOf(e) == IMMEDIATE) {
    const x = load<f64>(e, 8);
    if (t == I64) store<i64>(tile, load<i64>(e, 8));
    else if (t == F32) store<f32>(tile, <f32>x);
    else if (t == I32) store<i32>(tile, <i32>x);
    else store<f64>(tile, x);
  } else loadRun(entryDtype(e), t, base(e), 0, tile, 1);
  repeat(shiftOf(t), tile, n);
}

/** What `dense` takes for the address of an operand that is the number. */
const NUMBER: usize = <usize>-1;

/**
 * An elementwise op on vectors of `bytes` bytes (of its compute type t) that lie side by side, with no step in memory: what small eager
 * calls are. Operands at NUMBER are `x`, in at most a tile of bytes.
 */
export function dense(fn: i32, t: i32, y: usize, a: usize, b: usize, c: usize, bytes: usize, x: f64): void {
  const end = y + ((bytes + 15) & -16);
  if (a == NUMBER || b == NUMBER || c == NUMBER) {
    if (t == F32) store<f32>(scratch, <f32>x);
    else store<f64>(scratch, x);
    repeat(shiftOf(t), scratch, <i32>((end - y) >> shiftOf(t)));
    if (a == NUMBER) a = scratch;
    if (b == NUMBER) b = scratch;
    if (c == NUMBER) c = scratch;
  }
  call_indirect<void>(fn, t, y, a, b, c, end);
}

/** Runs tile `tile` of map step s with the span function at table index fn. */
export function map(s: usize, tile: i32, fn: i32): void {
  const operands = load<i32>(s, 28);
  const n = load<i32>(s, 16);
  const t = spanType(int32(s, 24));
  const lo = tile * GRAIN;
  const hi = min(n, lo + GRAIN);
  if (load<i32>(s, 20) == DENSE) {
    const at = <usize>lo << shiftOf(t);
    const y = base(entry(s, 0)) + at;
    const a = base(entry(s, 1)) + at;
    const b = operands > 2 ? base(entry(s, 2)) + at : 0;
    const c = operands > 3 ? base(entry(s, 3)) + at : 0;
    call_indirect<void>(fn, t, y, a, b, c, y + (((<usize>(hi - lo) << shiftOf(t)) + 15) & -16));
    return;
  }
  const lanes = 16 >> <i32>shiftOf(t);
  const widthOut = shiftOf(entryType(entry(s, 0)));
  const tileY = scratch;
  const tileA = scratch + TILE;
  const tileB = scratch + 2 * TILE;
  const tileC = scratch + 3 * TILE;
  let tiled = false;
  // Transposed operands are turned a whole tile at once; `turned` holds those tiles' addresses.
  let room = scratch + 8 * TILE;
  const turned = scratch + 7 * TILE;
  for (let k = 0; k < operands; k++) {
    const e = entry(s, k);
    const mode = modeOf(e);
    const own = turned + (<usize>k << 2);
    store<u32>(own, 0);
    if (mode == DIRECT) continue;
    tiled = true;
    if (mode == GATHER) {
      const size = (<usize>GRAIN << shiftOf(entryDtype(e))) + 64;
      if (entryDtype(e) != entryType(e) || !isTurned(load<i32>(s, 20), stridesOf(s, k)) || room + size > scratch + SCRATCH) continue;
      if (opcode(s) == COPY && modeOf(entry(s, 0)) == DIRECT) {
        turnOperand(s, 1, lo, hi, base(entry(s, 0)) + (<usize>lo << widthOut), false);
        return;
      }
      store<u32>(own, <u32>room);
      if (k > 0) turnOperand(s, k, lo, hi, room, false);
      room += size;
    } else fill(e, scratch + <usize>k * TILE, min((hi - lo + lanes - 1) & -lanes, <i32>(TILE >> shiftOf(t))));
  }
  const chunk = tiled ? <i32>(TILE >> shiftOf(t)) : GRAIN;
  const ey = entry(s, 0);
  const my = modeOf(ey);
  // The last vector may reach past the elements only where the host says that the output's storage ends there.
  const whole = load<u8>(ey, 7) != 0;
  for (let i = lo; i < hi; i += chunk) {
    const count = min(hi - i, chunk);
    const a = operands > 1 ? source(s, 1, i, count, tileA, lo) : 0;
    const b = operands > 2 ? source(s, 2, i, count, tileB, lo) : 0;
    const c = operands > 3 ? source(s, 3, i, count, tileC, lo) : 0;
    if (my == DIRECT) {
      const y = base(ey) + (<usize>i << widthOut);
      const full = whole ? (count + lanes - 1) & -lanes : count & -lanes;
      const o = <usize>full << shiftOf(t);
      if (full > 0) call_indirect<void>(fn, t, y, a, b, c, y + o);
      const rest = count - full;
      if (rest > 0) {
        call_indirect<void>(fn, t, tileY, a + o, b + o, c + o, tileY + 16);
        memory.copy(y + o, tileY, <usize>rest << widthOut);
      }
    } else {
      const full = (count + lanes - 1) & -lanes;
      const whole: usize = load<u32>(turned);
      const y = whole ? whole + (<usize>(i - lo) << widthOut) : tileY;
      call_indirect<void>(fn, t, y, a, b, c, y + (<usize>full << shiftOf(t)));
      if (!whole) walk(s, 0, i, count, tileY, true);
    }
  }
  if (load<u32>(turned)) turnOperand(s, 0, lo, hi, load<u32>(turned), true);
}

function turnOperand(s: usize, k: i32, lo: i32, hi: i32, tile: usize, out: bool): void {
  const e = entry(s, k);
  turnTile(base(e), load<i32>(s, 20), entry(s, load<i32>(s, 28)), stridesOf(s, k), shiftOf(entryDtype(e)), lo, hi, tile, out);
}

@inline function source(s: usize, k: i32, i: i32, count: i32, tile: usize, lo: i32): usize {
  const e = entry(s, k);
  const mode = modeOf(e);
  if (mode == DIRECT) return base(e) + (<usize>i << shiftOf(entryDtype(e)));
  if (mode != GATHER) return tile;
  const turned: usize = load<u32>(scratch + 7 * TILE + (<usize>k << 2));
  if (turned) return turned + (<usize>(i - lo) << shiftOf(entryDtype(e)));
  walk(s, k, i, count, tile, false);
  return tile;
}
