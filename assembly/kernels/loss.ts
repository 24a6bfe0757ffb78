// Cross entropy of lines of logits and class indices, and its derivative.
import { crossEntropy as f } from '../gen/fields';
import { log1 } from '../math/scalar';
import { F32, dtype, float, int, operand } from '../step';
import { fail, scratch } from '../threads';
import { Each, PLANE, each, expLine, top, total } from './line';

/** w (c - x): a class's share of the spread loss. */
@final class Spread extends Each {
  @inline at<T>(a: usize, b: usize, c: usize, w: usize, v: usize): v128 {
    return v128.mul<T>(v128.load(w), v128.sub<T>(v128.load(c), v128.load(a)));
  }
}
@final class Weight extends Each {
  @inline at<T>(a: usize, b: usize, c: usize, w: usize, v: usize): v128 { return v128.load(w); }
}
/** a times the first parameter less w times the second: the line's share of the probabilities less that of the classes. */
@final class Slope extends Each {
  @inline at<T>(a: usize, b: usize, c: usize, w: usize, v: usize): v128 {
    return v128.sub<T>(v128.mul<T>(v128.load(a), v128.load(c)), v128.mul<T>(v128.load(c, PLANE), v128.load(w)));
  }
}
// Parameters of a line, behind what the loops use: two vectors, and ones.
@inline function params(): usize { return scratch + 8192; }
@inline function ones(): usize { return scratch + 8192 + 16; }

/** The class of line i, or -1 where it is ignored. */
function classOf(s: usize, target: usize, i: i32): i32 {
  const t = load<i64>(target + (<usize>i << 3));
  if (t == <i64>float(s, f.ignoreIndex)) return -1;
  if (<u64>t < <u64>int(s, f.n)) return <i32>t;
  fail(1, <i32>max<i64>(min<i64>(t, i32.MAX_VALUE), i32.MIN_VALUE));
  return -1;
}

/** Lines to losses; the workspace holds loss and weight of each in float64 until the last phase sums them. */
function forward<T>(s: usize, phase: i32, tile: i32, w: usize): void {
  const n = int(s, f.n), outer = int(s, f.outer), group = int(s, f.group), reduction = int(s, f.reduction);
  const bytes = <usize>n * sizeof<T>(), work = operand(s, 7), y = operand(s, 0);
  if (phase == 1) {
    let sum: f64 = 0, all: f64 = 0;
    for (let i: usize = 0; i < <usize>outer; i++) {
      const loss = load<f64>(work + (i << 4));
      if (reduction == 0) store<T>(y + i * sizeof<T>(), <T>loss);
      sum += loss;
      all += load<f64>(work + (i << 4), 8);
    }
    if (reduction != 0) store<T>(y, <T>(reduction == 1 ? sum : sum / all));
    store<T>(operand(s, 3), <T>all);
    return;
  }
  const smoothing = float(s, f.smoothing);
  const v = w ? w : ones(), step: usize = w ? 16 : 0;
  v128.store(ones(), v128.splat<T>(1));
  for (let i = tile * group, last = min(outer, i + group); i < last; i++) {
    const x = operand(s, 4) + bytes * i, at = <usize>i * sizeof<T>();
    const most = top<T>(x, bytes);
    const sum = expLine<T>(0, x, bytes, most, false);
    v128.store(params(), most);
    const level = load<T>(params());
    store<T>(operand(s, 1) + at, level);
    store<T>(operand(s, 2) + at, <T>sum);
    const log = log1(sum);
    const t = classOf(s, operand(s, 5), i);
    const o = <usize>max(t, 0) * sizeof<T>();
    const weight: f64 = t < 0 ? 0 : w ? <f64>load<T>(w + o) : 1;
    let loss: f64 = 0;
    if (t >= 0) {
      loss = weight * (<f64>level - <f64>load<T>(x + o) + log);
      if (smoothing != 0) {
        v128.store(params(), v128.splat<T>(<T>(<f64>level + log)));
        loss = loss * (1 - smoothing) + total<Spread, T>(x, x, bytes, params(), v, step) * smoothing / <f64>n;
      }
    }
    store<f64>(work + (<usize>i << 4), loss);
    store<f64>(work + (<usize>i << 4), weight, 8);
  }
}

/** dx = g (V softmax(x) - (1 - smoothing) w onehot - smoothing w / n), V the sum of what is subtracted. */
function backward<T>(s: usize, tile: i32, w: usize): void {
  const n = int(s, f.n), outer = int(s, f.outer), group = int(s, f.group), reduction = int(s, f.reduction);
  const bytes = <usize>n * sizeof<T>(), g = operand(s, 1);
  const spread = float(s, f.smoothing) / <f64>n, rest = 1 - float(s, f.smoothing);
  const v = w ? w : ones(), step: usize = w ? 16 : 0;
  v128.store(ones(), v128.splat<T>(1));
  const all = spread == 0 ? 0 : total<Weight, T>(g, g, bytes, g, v, step);
  for (let i = tile * group, last = min(outer, i + group); i < last; i++) {
    const x = operand(s, 2) + bytes * i, y = operand(s, 0) + bytes * i, at = <usize>i * sizeof<T>();
    const t = classOf(s, operand(s, 3), i);
    if (t < 0) {
      memory.fill(y, 0, bytes);
      continue;
    }
    let scale = <f64>load<T>(reduction == 0 ? g + at : g);
    if (reduction == 2) scale /= <f64>load<T>(operand(s, 6));
    const o = <usize>t * sizeof<T>();
    const own = rest * (w ? <f64>load<T>(w + o) : 1);
    expLine<T>(y, x, bytes, v128.splat<T>(load<T>(operand(s, 4) + at)), true);
    v128.store(params(), v128.splat<T>(<T>(scale * (own + spread * all) / <f64>load<T>(operand(s, 5) + at))));
    v128.store(params() + PLANE, v128.splat<T>(<T>(scale * spread)));
    each<Slope, T>(y, y, y, bytes, params(), 0, v, step, v, 0);
    store<T>(y + o, <T>(<f64>load<T>(y + o) - scale * own));
  }
}

export function crossEntropy(s: usize, phase: i32, tile: i32): void {
  if (dtype(s, 4) == F32) forward<f32>(s, phase, tile, operand(s, 6));
  else forward<f64>(s, phase, tile, operand(s, 6));
}
export function crossEntropyBackward(s: usize, phase: i32, tile: i32): void {
  if (dtype(s, 2) == F32) backward<f32>(s, tile, operand(s, 7));
  else backward<f64>(s, tile, operand(s, 7));
}
