// Quantised softmax, its logarithm, and rows of length one.
import { integerRows as f } from '../../gen/fields';
import { I16, U8, dtype, int, operand } from '../../step';
import { clamp, expNegative, highMul, inverseOfOnePlus, inverseRoot, logAboveOne, narrow, put } from './fixed';
import { rootShift, roundingShift, scaled } from './fixed';

/** An entry between two of a table of 513 over all 16-bit numbers. */
@inline function between(table: usize, x: i32): i32 {
  const p = table + (<usize>(256 + (x >> 7)) << 1);
  const base = <i32>load<i16>(p), slope = <i32>load<i16>(p, 2) - base;
  return base + ((slope * (x & 127) + 64) >> 7);
}

/** One row of 8 bits: exp in fixed point, the reciprocal of the sum by Newton. */
function softmax8(x: usize, y: usize, from: i32, to: i32, depth: usize, multiplier: i32, left: i32, least: i32): void {
  let top = i32.MIN_VALUE;
  for (let i: usize = 0; i < depth; i++) top = max(top, narrow(x, from, i));
  let sum = 0;
  for (let i: usize = 0; i < depth; i++) {
    const d = narrow(x, from, i) - top;
    if (d >= least) sum += roundingShift(expNegative(highMul(d << left, multiplier)), 12);
  }
  const room = <i32>clz(sum), inverse = inverseOfOnePlus((sum << room) ^ i32.MIN_VALUE);
  const bits = to == I16 ? 16 : 8, low = to == U8 ? 0 : -(1 << (bits - 1)), high = to == U8 ? 255 : (1 << (bits - 1)) - 1;
  const exponent = 12 - room + 31 - bits;
  for (let i: usize = 0; i < depth; i++) {
    const d = narrow(x, from, i) - top;
    let v = low;
    if (d >= least) v = clamp(roundingShift(highMul(inverse, expNegative(highMul(d << left, multiplier))), exponent) + low, low, high);
    put(y, to, i, v);
  }
}

/** One row of 16 bits: exp and reciprocal by tables. */
function softmax16(x: usize, y: usize, depth: usize, multiplier: i32, shift: i32, tables: usize): void {
  let top = i32.MIN_VALUE;
  for (let i: usize = 0; i < depth; i++) top = max(top, <i32>load<i16>(x + (i << 1)));
  let sum = 0;
  for (let i: usize = 0; i < depth; i++) {
    const d = <i32>load<i16>(x + (i << 1)) - top;
    const e = between(tables, clamp(scaled(d, multiplier, shift) + 32767, -32768, 32767));
    store<i16>(y + (i << 1), <i16>e);
    sum += <i32>load<i16>(y + (i << 1));
  }
  const room = <i32>clz(sum);
  const shifted = <i32>(((<i64>sum << (room - 1)) + (1 << 13)) >> 14);
  const inverse = <i64>between(tables + 1026, clamp(shifted - ((1 << 15) + (1 << 16)), -32768, 32767));
  const right = <i64>(31 - room);
  for (let i: usize = 0; i < depth; i++) {
    const v = <i32>((<i64>load<i16>(y + (i << 1)) * inverse + (<i64>1 << (right - 1))) >> right);
    store<i16>(y + (i << 1), <i16>clamp(v, 0, 32767));
  }
}

function logSoftmax8(s: usize, x: usize, y: usize, depth: usize, multiplier: i32, left: i32, least: i32): void {
  let top = i32.MIN_VALUE;
  for (let i: usize = 0; i < depth; i++) top = max(top, <i32>load<i8>(x + i));
  let sum = 0;
  for (let i: usize = 0; i < depth; i++) {
    const d = <i32>load<i8>(x + i) - top;
    if (d >= least) sum += roundingShift(expNegative(scaled(d, multiplier, left)), 12);
  }
  const log = logAboveOne(sum);
  const limit = max(least - 1, scaled(log + i32.MIN_VALUE, int(s, f.reverse), -int(s, f.reverseShift)));
  for (let i: usize = 0; i < depth; i++) {
    const d = <i32>load<i8>(x + i) - top;
    store<i8>(y + i, <i8>(d > limit ? clamp(roundingShift(scaled(d, multiplier, left) - log, 22) + 127, -128, 127) : -128));
  }
}

function unit8(x: usize, y: usize, from: i32, to: i32, depth: usize, zero: i32): void {
  let sum = 0;
  for (let i: usize = 0; i < depth; i++) {
    const v = narrow(x, from, i) - zero;
    sum += v * v;
  }
  const multiplier = inverseRoot(sum), shift = rootShift + 7, offset = to == U8 ? 128 : 0;
  for (let i: usize = 0; i < depth; i++)
    put(y, to, i, clamp(scaled(narrow(x, from, i) - zero, multiplier, shift) + offset, offset - 128, offset + 127));
}

/** Rows along the last dimension; mode 0: softmax of bytes, 1: of 16 bits, 2: its logarithm, 3: rows of length one. */
export function integerRows(s: usize, phase: i32, tile: i32): void {
  const rows = int(s, f.rows), depth = <usize>int(s, f.depth), per = int(s, f.per), mode = int(s, f.mode);
  const from = dtype(s, 1), to = dtype(s, 0), multiplier = int(s, f.multiplier), left = int(s, f.left), least = int(s, f.least);
  const wideX: usize = from == I16 ? 1 : 0, wideY: usize = to == I16 ? 1 : 0;
  for (let i = tile * per, end = min(rows, i + per); i < end; i++) {
    const x = operand(s, 1) + ((<usize>i * depth) << wideX), y = operand(s, 0) + ((<usize>i * depth) << wideY);
    if (mode == 0) softmax8(x, y, from, to, depth, multiplier, left, least);
    else if (mode == 1) softmax16(x, y, depth, multiplier, left, operand(s, 2));
    else if (mode == 2) logSoftmax8(s, x, y, depth, multiplier, left, least);
    else unit8(x, y, from, to, depth, least);
  }
}
