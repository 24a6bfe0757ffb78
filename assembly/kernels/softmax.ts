// Softmax and its logarithm along one axis of [outer][n][inner], and their derivatives: lines (inner is 1) or bands of columns.
import { softmax as f } from '../gen/fields';
import { log1 } from '../math/scalar';
import { F32, F64, dtype, int, operand } from '../step';
import { EACH, SUM, TOP, accumulators, clear, finish, fold, parameters } from './fold';
import { Each, PLANE, Plain, each, expLine, top, total } from './line';

@final class Less extends Each {
  @inline at<T>(a: usize, b: usize, c: usize, w: usize, v: usize): v128 { return v128.sub<T>(v128.load(a), v128.load(c)); }
}
@final class Scale extends Each {
  @inline at<T>(a: usize, b: usize, c: usize, w: usize, v: usize): v128 { return v128.mul<T>(v128.load(a), v128.load(c, PLANE)); }
}
@final class LessBoth extends Each {
  @inline at<T>(a: usize, b: usize, c: usize, w: usize, v: usize): v128 {
    return v128.sub<T>(v128.sub<T>(v128.load(a), v128.load(c)), v128.load(c, PLANE));
  }
}
@final class Product extends Each {
  @inline at<T>(a: usize, b: usize, c: usize, w: usize, v: usize): v128 { return v128.mul<T>(v128.load(a), v128.load(b)); }
}
@final class Back extends Each {
  @inline at<T>(a: usize, b: usize, c: usize, w: usize, v: usize): v128 {
    return v128.mul<T>(v128.load(b), v128.sub<T>(v128.load(a), v128.load(c)));
  }
}
@final class LogBack extends Each {
  @inline at<T>(a: usize, b: usize, c: usize, w: usize, v: usize): v128 {
    return v128.sub<T>(v128.load(a), v128.mul<T>(v128.load(b), v128.load(c)));
  }
}

const SOFTMAX: i32 = 0;
const LOG: i32 = 1;
const BACK: i32 = 2;
const LOG_BACK: i32 = 3;

/** Parameters of a band: a vector each, or one value a column. */
@inline function params(): usize { return parameters() + 64; }

/** y from a, the gradient or x, and b, the result. `step`: 0 for one line, 16 for `rows` rows of columns. */
function band<T>(what: i32, y: usize, a: usize, b: usize, rows: i32, stride: usize, bytes: usize, step: usize): void {
  const c = params(), d = c + PLANE, type = sizeof<T>() == 4 ? F32 : F64;
  if (step == 0) {
    let sum: f64 = 0;
    if (what <= LOG) {
      const most = top<T>(a, bytes);
      v128.store(c, most);
      sum = expLine<T>(y, a, bytes, most, what == SOFTMAX);
      v128.store(d, v128.splat<T>(<T>(what == SOFTMAX ? 1 / sum : log1(sum))));
    } else {
      const sum = what == BACK ? total<Product, T>(a, b, bytes, c, c, 0) : total<Plain, T>(a, b, bytes, c, c, 0);
      v128.store(c, v128.splat<T>(<T>sum));
    }
  } else if (what <= LOG) {
    column<T>(TOP | type, c, a, rows, stride, bytes);
    for (let r: usize = 0; r < <usize>rows; r++) {
      const q = y + r * stride;
      each<Less, T>(q, a + r * stride, b, bytes, c, 16, c, 0, c, 0);
      expLine<T>(q, q, bytes, i32x4.splat(0), true);
    }
    column<T>(SUM | type, d, y, rows, stride, bytes);
    for (let i: usize = 0; i < bytes; i += sizeof<T>()) {
      const sum = <f64>load<T>(d + i);
      store<T>(d + i, <T>(what == SOFTMAX ? 1 / sum : log1(sum)));
    }
  } else {
    for (let r: usize = 0; what == BACK && r < <usize>rows; r++)
      each<Product, T>(y + r * stride, a + r * stride, b + r * stride, bytes, c, 0, c, 0, c, 0);
    column<T>(SUM | type, c, what == BACK ? y : a, rows, stride, bytes);
  }
  for (; rows > 0; rows--, y += stride, a += stride, b += stride) {
    if (what == SOFTMAX) each<Scale, T>(y, y, b, bytes, c, step, c, 0, c, 0);
    else if (what == LOG) each<LessBoth, T>(y, a, b, bytes, c, step, c, 0, c, 0);
    else if (what == BACK) each<Back, T>(y, a, b, bytes, c, step, c, 0, c, 0);
    else {
      expLine<T>(y, b, bytes, i32x4.splat(0), true);
      each<LogBack, T>(y, a, y, bytes, c, step, c, 0, c, 0);
    }
  }
}

/** Folds the columns of a band into parameters at `to`. */
function column<T>(kind: i32, to: usize, p: usize, rows: i32, stride: usize, bytes: usize): void {
  const a = accumulators(), zero = parameters(), count = <i32>(bytes / sizeof<T>());
  v128.store(zero, i32x4.splat(0));
  clear(kind, a, count);
  fold(kind, EACH, a, p, rows, stride, bytes, usize.MAX_VALUE, zero);
  finish(kind, to, a, count, 1, false);
}

function tiles<T>(what: i32, s: usize, tile: i32): void {
  const n = int(s, f.n), inner = int(s, f.inner), group = int(s, f.group), width = int(s, f.width);
  const blocks = (inner + width - 1) / width;
  const column = (tile % blocks) * width;
  const y = operand(s, 0), a = operand(s, 1), b = what >= BACK ? operand(s, 2) : a;
  const lo = (tile / blocks) * group;
  for (let o = lo, hi = min(int(s, f.outer), lo + group); o < hi; o++) {
    const at = <usize>(o * n * inner + column) * sizeof<T>();
    if (inner == 1) band<T>(what, y + at, a + at, b + at, 1, 0, <usize>n * sizeof<T>(), 0);
    else band<T>(what, y + at, a + at, b + at, n, <usize>inner * sizeof<T>(), <usize>min(width, inner - column) * sizeof<T>(), 16);
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
