// Tensors made from numbers alone.
import { arange as ar, full as fu, linspace as li } from '../gen/fields';
import { shiftOf, storeRun } from '../convert';
import { F32, F64, GRAIN, I64, dtype, float, int, join, operand } from '../step';
import { scratch } from '../threads';

/** Every element one value: a vector of it is made once, then repeated. */
export function full(s: usize, phase: i32, tile: i32): void {
  const t = dtype(s, 0);
  const shift = shiftOf(t);
  store<f64>(scratch, float(s, fu.value));
  if (t == I64) store<i64>(scratch, join(int(s, fu.lo), int(s, fu.hi)), 16);
  else storeRun(F64, t, scratch, scratch + 16, 0, 1);
  let v: v128;
  if (shift == 0) v = v128.load8_splat(scratch, 16);
  else if (shift == 1) v = v128.load16_splat(scratch, 16);
  else if (shift == 2) v = v128.load32_splat(scratch, 16);
  else v = v128.load64_splat(scratch, 16);
  const lo = tile * GRAIN;
  const n = min(GRAIN, int(s, fu.n) - lo);
  let q = operand(s, 0) + (<usize>lo << shift);
  const end = q + (<usize>n << shift);
  for (; q + 16 <= end; q += 16) v128.store(q, v);
  v128.store(scratch, v);
  if (q < end) memory.copy(q, scratch, end - q);
}

function range<T>(s: usize, tile: i32): void {
  const hi = min(int(s, ar.n), (tile + 1) * GRAIN);
  for (let i = tile * GRAIN; i < hi; i++)
    store<T>(operand(s, 0) + <usize>i * sizeof<T>(), <T>(float(s, ar.start) + float(s, ar.step) * <f64>i));
}
export function arange(s: usize, phase: i32, tile: i32): void {
  const t = dtype(s, 0);
  if (t == F32) range<f32>(s, tile);
  else if (t == F64) range<f64>(s, tile);
  else range<i64>(s, tile);
}

/** C computes, T is stored: float32 in float32, integers in float64, as torch. */
function space<C, T>(s: usize, tile: i32): void {
  const n = int(s, li.n);
  const start = <C>float(s, li.start);
  const end = <C>float(s, li.end);
  const step = n > 1 ? (end - start) / <C>(n - 1) : <C>0;
  const hi = min(n, (tile + 1) * GRAIN);
  for (let i = tile * GRAIN; i < hi; i++) {
    const y = i < n / 2 || n == 1 ? start + step * <C>i : end - step * <C>(n - i - 1);
    store<T>(operand(s, 0) + <usize>i * sizeof<T>(), <T>y);
  }
}
export function linspace(s: usize, phase: i32, tile: i32): void {
  const t = dtype(s, 0);
  if (t == F32) space<f32, f32>(s, tile);
  else if (t == F64) space<f64, f64>(s, tile);
  else space<f64, i64>(s, tile);
}
