// Data that moves between a contiguous side and a strided one: flips, gradients of slices and of other views.
import { flip as fields, asStridedBackward as back, tril as triangle } from '../gen/fields';
import { shiftOf } from '../convert';
import { F32, F64, GRAIN, I32, dtype, int, operand } from '../step';

/** Offset, in elements, of logical index `at` in a region: `sizes` and `strides` are the first of 8 integer fields each. */
@inline export function locate(s: usize, dims: i32, sizes: i32, strides: i32, at: i32): i32 {
  let o = 0;
  for (let d = dims - 1; d >= 0; d--) {
    const size = int(s, sizes + d);
    const rest = at / size;
    o += (at - rest * size) * int(s, strides + d);
    at = rest;
  }
  return o;
}

/** Copies n elements of 1 << shift bytes; steps are in bytes. */
export function copyRun(shift: usize, q: usize, qstep: usize, p: usize, pstep: usize, n: i32): void {
  switch (<i32>shift) {
    case 0: { for (; n > 0; n--, p += pstep, q += qstep) store<u8>(q, load<u8>(p)); return; }
    case 1: { for (; n > 0; n--, p += pstep, q += qstep) store<u16>(q, load<u16>(p)); return; }
    case 2: { for (; n > 0; n--, p += pstep, q += qstep) store<u32>(q, load<u32>(p)); return; }
    default: for (; n > 0; n--, p += pstep, q += qstep) store<u64>(q, load<u64>(p));
  }
}

/** y contiguous = x read at (offset, strides), in spans of the innermost dimension. */
function read(s: usize, tile: i32): void {
  const n = int(s, fields.n);
  const dims = int(s, fields.dims);
  const shift = shiftOf(dtype(s, 0));
  const inner = int(s, fields.size0 + dims - 1);
  const step = <usize>int(s, fields.stride0 + dims - 1) << shift;
  const x = operand(s, 1) + (<usize>int(s, fields.offset) << shift);
  const hi = min(n, (tile + 1) * GRAIN);
  for (let i = tile * GRAIN; i < hi; ) {
    const count = min(inner - i % inner, hi - i);
    const from = x + (<usize>locate(s, dims, fields.size0, fields.stride0, i) << shift);
    copyRun(shift, operand(s, 0) + (<usize>i << shift), <usize>1 << shift, from, step, count);
    i += count;
  }
}
export function flip(s: usize, phase: i32, tile: i32): void { read(s, tile); }
export function asStridedCopy(s: usize, phase: i32, tile: i32): void { read(s, tile); }

function addRun<T>(q: usize, step: usize, p: usize, n: i32): void {
  for (; n > 0; n--, p += sizeof<T>(), q += step) store<T>(q, load<T>(q) + load<T>(p));
}

/** y = zeros, then y at (offset, strides) += x. The host gives one tile where the strides overlap. */
function add(s: usize, phase: i32, tile: i32): void {
  const t = dtype(s, 0);
  const shift = shiftOf(t);
  const y = operand(s, 0);
  if (phase == 0) {
    const total = int(s, back.total);
    const lo = tile * GRAIN;
    memory.fill(y + (<usize>lo << shift), 0, <usize>(min(total, lo + GRAIN) - lo) << shift);
    return;
  }
  const n = int(s, back.n);
  const dims = int(s, back.dims);
  const grain = int(s, back.grain);
  const inner = int(s, back.size0 + dims - 1);
  const step = <usize>int(s, back.stride0 + dims - 1) << shift;
  const hi = min(n, (tile + 1) * grain);
  for (let i = tile * grain; i < hi; ) {
    const count = min(inner - i % inner, hi - i);
    const q = y + (<usize>(int(s, back.offset) + locate(s, dims, back.size0, back.stride0, i)) << shift);
    const p = operand(s, 1) + (<usize>i << shift);
    if (t == F32) addRun<f32>(q, step, p, count);
    else if (t == F64) addRun<f64>(q, step, p, count);
    else if (t == I32) addRun<i32>(q, step, p, count);
    else addRun<i64>(q, step, p, count);
    i += count;
  }
}
export function sliceBackward(s: usize, phase: i32, tile: i32): void { add(s, phase, tile); }
export function asStridedBackward(s: usize, phase: i32, tile: i32): void { add(s, phase, tile); }

/** Rows of matrices: the part from the diagonal on (upper) or up to it is kept, the rest is zero. */
function keep(s: usize, tile: i32, upper: bool): void {
  const rows = int(s, triangle.rows);
  const cols = int(s, triangle.cols);
  const per = int(s, triangle.per);
  const shift = shiftOf(dtype(s, 0));
  const hi = min(int(s, triangle.count), (tile + 1) * per);
  for (let r = tile * per; r < hi; r++) {
    const at = <usize>r * <usize>cols;
    const y = operand(s, 0) + (at << shift);
    const x = operand(s, 1) + (at << shift);
    const edge = r % rows + int(s, triangle.diagonal) + i32(!upper);
    const cut = <usize>max(0, min(cols, edge)) << shift;
    const end = <usize>cols << shift;
    if (upper) {
      memory.fill(y, 0, cut);
      memory.copy(y + cut, x + cut, end - cut);
    } else {
      memory.copy(y, x, cut);
      memory.fill(y + cut, 0, end - cut);
    }
  }
}
export function tril(s: usize, phase: i32, tile: i32): void { keep(s, tile, false); }
export function triu(s: usize, phase: i32, tile: i32): void { keep(s, tile, true); }
