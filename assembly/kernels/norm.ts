// Layer normalisation of [outer][n] and its derivative with respect to x: one line at a time.
import { layerNorm as f } from '../gen/fields';
import { Binary } from '../lanes';
import { F32, dtype, float, int, operand } from '../step';
import { scratch } from '../threads';
import { storeUpTo } from './band';
import { Square, Sum, accUnit, across, run, upTo } from './fold';

@inline function total<T, K extends Binary>(p: usize, bytes: usize, end: usize, c: v128): f64 {
  return f64x2.extract_lane(across<Sum, T>(run<K, T>(accUnit<Sum, T>(), p, bytes, end, c)), 0);
}

function forward<T>(s: usize, tile: i32): void {
  const n = int(s, f.n), outer = int(s, f.outer), group = int(s, f.group);
  const eps = float(s, f.eps);
  const bytes = <usize>n * sizeof<T>();
  const weight = operand(s, 4), bias = operand(s, 5);
  const end = operand(s, 3) + bytes * outer;
  let o = tile * group;
  for (const last = min(outer, o + group); o < last; o++) {
    const at = <usize>o * sizeof<T>();
    const x = operand(s, 3) + bytes * o, y = operand(s, 0) + bytes * o;
    const mean = <T>(total<T, Sum>(x, bytes, end, i32x4.splat(0)) / <f64>n);
    const c = v128.splat<T>(mean);
    const rstd = <T>(1 / sqrt<f64>(total<T, Square>(x, bytes, end, c) / <f64>n + eps));
    store<T>(operand(s, 1) + at, mean);
    store<T>(operand(s, 2) + at, rstd);
    const d = v128.splat<T>(rstd);
    for (let i: usize = 0; i < bytes; i += 16) {
      let v = v128.mul<T>(v128.sub<T>(upTo(x + i, end), c), d);
      if (weight) v = v128.mul<T>(v, upTo(weight + i, weight + bytes));
      if (bias) v = v128.add<T>(v, upTo(bias + i, bias + bytes));
      storeUpTo(y + i, v, bytes - i);
    }
  }
}

/** dx = rstd (a - mean(a) - h mean(a h)) with a = g weight and h = (x - mean) rstd. */
function backward<T>(s: usize, tile: i32): void {
  const n = int(s, f.n), outer = int(s, f.outer), group = int(s, f.group);
  const bytes = <usize>n * sizeof<T>();
  const weight = operand(s, 5);
  const endG = operand(s, 1) + bytes * outer, endX = operand(s, 2) + bytes * outer;
  const span: usize = 4096;
  // Behind the folds' own scratch.
  const products = scratch + 65536;
  let o = tile * group;
  for (const last = min(outer, o + group); o < last; o++) {
    const at = <usize>o * sizeof<T>();
    const y = operand(s, 0) + bytes * o, g = operand(s, 1) + bytes * o, x = operand(s, 2) + bytes * o;
    const c = v128.splat<T>(load<T>(operand(s, 3) + at)), d = v128.splat<T>(load<T>(operand(s, 4) + at));
    let sumA = accUnit<Sum, T>(), sumAH = sumA;
    for (let i: usize = 0; i < bytes; i += span) {
      const count = min(bytes - i, span);
      for (let j: usize = 0; j < count; j += 16) {
        const k = i + j;
        let a = upTo(g + k, endG);
        if (weight) a = v128.mul<T>(a, upTo(weight + k, weight + bytes));
        v128.store(products + j, v128.mul<T>(a, v128.mul<T>(v128.sub<T>(upTo(x + k, endX), c), d)));
        v128.store(products + span + j, a);
      }
      sumAH = run<Sum, T>(sumAH, products, count, products + span, d);
      sumA = run<Sum, T>(sumA, products + span, count, products + 2 * span, d);
    }
    const a0 = v128.splat<T>(<T>(f64x2.extract_lane(across<Sum, T>(sumA), 0) / <f64>n));
    const a1 = v128.splat<T>(<T>(f64x2.extract_lane(across<Sum, T>(sumAH), 0) / <f64>n));
    for (let i: usize = 0; i < bytes; i += 16) {
      let a = upTo(g + i, endG);
      if (weight) a = v128.mul<T>(a, upTo(weight + i, weight + bytes));
      const h = v128.mul<T>(v128.sub<T>(upTo(x + i, endX), c), d);
      storeUpTo(y + i, v128.mul<T>(d, v128.sub<T>(v128.sub<T>(a, a0), v128.mul<T>(h, a1))), bytes - i);
    }
  }
}

export function layerNorm(s: usize, phase: i32, tile: i32): void {
  if (dtype(s, 3) == F32) forward<f32>(s, tile);
  else forward<f64>(s, tile);
}
export function layerNormBackward(s: usize, phase: i32, tile: i32): void {
  if (dtype(s, 2) == F32) backward<f32>(s, tile);
  else backward<f64>(s, tile);
}
