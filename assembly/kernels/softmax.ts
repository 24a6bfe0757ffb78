// Softmax and its logarithm along one axis of [outer][n][inner], and their derivatives.
import { softmax as f } from '../gen/fields';
import { exp_f32, exp_f64 } from '../math';
import { log1 } from '../math/scalar';
import { F32, dtype, int, operand } from '../step';
import { Scalar, Sweep, adjust, foldBand, paramC, paramD, sweep } from './band';
import { SUM, TOP } from './fold';

@final class ExpLess extends Sweep {
  @inline f32(a: v128, b: v128, c: v128, d: v128): v128 { return exp_f32(f32x4.sub(a, c)); }
  @inline f64(a: v128, b: v128, c: v128, d: v128): v128 { return exp_f64(f64x2.sub(a, c)); }
}
@final class Scale extends Sweep {
  @inline f32(a: v128, b: v128, c: v128, d: v128): v128 { return f32x4.mul(a, d); }
  @inline f64(a: v128, b: v128, c: v128, d: v128): v128 { return f64x2.mul(a, d); }
}
@final class LessBoth extends Sweep {
  @inline f32(a: v128, b: v128, c: v128, d: v128): v128 { return f32x4.sub(f32x4.sub(a, c), d); }
  @inline f64(a: v128, b: v128, c: v128, d: v128): v128 { return f64x2.sub(f64x2.sub(a, c), d); }
}
@final class Product extends Sweep {
  @inline f32(a: v128, b: v128, c: v128, d: v128): v128 { return f32x4.mul(a, b); }
  @inline f64(a: v128, b: v128, c: v128, d: v128): v128 { return f64x2.mul(a, b); }
}
@final class Back extends Sweep {
  @inline f32(a: v128, b: v128, c: v128, d: v128): v128 { return f32x4.mul(b, f32x4.sub(a, c)); }
  @inline f64(a: v128, b: v128, c: v128, d: v128): v128 { return f64x2.mul(b, f64x2.sub(a, c)); }
}
@final class LogBack extends Sweep {
  @inline f32(a: v128, b: v128, c: v128, d: v128): v128 { return f32x4.sub(a, f32x4.mul(exp_f32(b), c)); }
  @inline f64(a: v128, b: v128, c: v128, d: v128): v128 { return f64x2.sub(a, f64x2.mul(exp_f64(b), c)); }
}
@final class Reciprocal extends Scalar {
  @inline of(c: f64): f64 { return 1 / c; }
}
@final class Log extends Scalar {
  @inline of(c: f64): f64 { return log1(c); }
}

const SOFTMAX: i32 = 0;
const LOG: i32 = 1;
const BACK: i32 = 2;
const LOG_BACK: i32 = 3;

function band<T>(
  what: i32, y: usize, a: usize, b: usize, rows: i32, stride: usize, bytes: usize, endY: usize, endA: usize, endB: usize, step: i32,
): void {
  if (what <= LOG) {
    foldBand<T>(TOP, paramC(), a, rows, stride, bytes, endA, step);
    sweep<ExpLess, T>(y, a, a, rows, stride, bytes, endA, endA, step);
    foldBand<T>(SUM, paramD(), y, rows, stride, bytes, endY, step);
    if (what == SOFTMAX) {
      adjust<Reciprocal, T>(paramD(), paramD(), bytes, step);
      sweep<Scale, T>(y, y, y, rows, stride, bytes, endY, endY, step);
    } else {
      adjust<Log, T>(paramD(), paramD(), bytes, step);
      sweep<LessBoth, T>(y, a, a, rows, stride, bytes, endA, endA, step);
    }
  } else if (what == BACK) {
    sweep<Product, T>(y, a, b, rows, stride, bytes, endA, endB, step);
    foldBand<T>(SUM, paramC(), y, rows, stride, bytes, endY, step);
    sweep<Back, T>(y, a, b, rows, stride, bytes, endA, endB, step);
  } else {
    foldBand<T>(SUM, paramC(), a, rows, stride, bytes, endA, step);
    sweep<LogBack, T>(y, a, b, rows, stride, bytes, endA, endB, step);
  }
}

function tiles<T>(what: i32, s: usize, tile: i32): void {
  const n = int(s, f.n), inner = int(s, f.inner), outer = int(s, f.outer), group = int(s, f.group), width = int(s, f.width);
  const blocks = (inner + width - 1) / width;
  const column = (tile % blocks) * width;
  const size = <usize>(outer * n * inner) * sizeof<T>();
  const y = operand(s, 0), a = operand(s, 1), b = what >= BACK ? operand(s, 2) : a;
  const lo = (tile / blocks) * group;
  for (let o = lo, hi = min(outer, lo + group); o < hi; o++) {
    const at = <usize>(o * n * inner + column) * sizeof<T>();
    if (inner == 1) band<T>(what, y + at, a + at, b + at, 1, 0, <usize>n * sizeof<T>(), y + size, a + size, b + size, 0);
    else {
      const bytes = <usize>min(width, inner - column) * sizeof<T>();
      band<T>(what, y + at, a + at, b + at, n, <usize>inner * sizeof<T>(), bytes, y + size, a + size, b + size, 1);
    }
  }
}
@inline function start(what: i32, s: usize, tile: i32): void {
  if (dtype(s, 1) == F32) tiles<f32>(what, s, tile);
  else tiles<f64>(what, s, tile);
}

export function softmax(s: usize, phase: i32, tile: i32): void { start(SOFTMAX, s, tile); }
export function logSoftmax(s: usize, phase: i32, tile: i32): void { start(LOG, s, tile); }
export function softmaxBackward(s: usize, phase: i32, tile: i32): void { start(BACK, s, tile); }
export function logSoftmaxBackward(s: usize, phase: i32, tile: i32): void { start(LOG_BACK, s, tile); }
