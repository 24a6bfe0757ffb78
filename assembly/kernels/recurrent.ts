// The elementwise parts of a step of an LSTM, on rows of four gates (input, forget, cell, output), and of a GRU, on rows of three (reset,
// update, new), and their derivatives.
import { lstmCell as f } from '../gen/fields';
import { map1 } from '../loops';
import { F32, F64, dtype, int, operand } from '../step';
import { scratch } from '../threads';
import { Each, each } from './line';
import { Tanh } from './trig';
import { Sigmoid } from './unary';

/** Elements taken at a time, and a place for some in the scratch. */
const SPAN: i32 = 512;
@inline function buffer(): usize { return scratch + 8192; }

@inline function one<T>(): v128 { return v128.splat<T>(1); }
@inline function less<T>(x: v128): v128 { return v128.sub<T>(one<T>(), v128.mul<T>(x, x)); }
@inline function bell<T>(x: v128): v128 { return v128.mul<T>(x, v128.sub<T>(one<T>(), x)); }
@final class Add extends Each {
  @inline at<T>(a: usize, b: usize, c: usize, w: usize, v: usize): v128 { return v128.add<T>(v128.load(a), v128.load(b)); }
}
@final class Product extends Each {
  @inline at<T>(a: usize, b: usize, c: usize, w: usize, v: usize): v128 { return v128.mul<T>(v128.load(a), v128.load(b)); }
}
/** a b + w v */
@final class Products extends Each {
  @inline at<T>(a: usize, b: usize, c: usize, w: usize, v: usize): v128 {
    return v128.add<T>(v128.mul<T>(v128.load(a), v128.load(b)), v128.mul<T>(v128.load(w), v128.load(v)));
  }
}
/** a + b w (1 - v v) */
@final class ToCell extends Each {
  @inline at<T>(a: usize, b: usize, c: usize, w: usize, v: usize): v128 {
    return v128.add<T>(v128.load(a), v128.mul<T>(v128.mul<T>(v128.load(b), v128.load(w)), less<T>(v128.load(v))));
  }
}
/** a b w (1 - w) */
@final class ToGate extends Each {
  @inline at<T>(a: usize, b: usize, c: usize, w: usize, v: usize): v128 {
    return v128.mul<T>(v128.mul<T>(v128.load(a), v128.load(b)), bell<T>(v128.load(w)));
  }
}
/** a b (1 - w w) */
@final class ToNew extends Each {
  @inline at<T>(a: usize, b: usize, c: usize, w: usize, v: usize): v128 {
    return v128.mul<T>(v128.mul<T>(v128.load(a), v128.load(b)), less<T>(v128.load(w)));
  }
}

/** a + b w */
@final class AddProduct extends Each {
  @inline at<T>(a: usize, b: usize, c: usize, w: usize, v: usize): v128 {
    return v128.add<T>(v128.load(a), v128.mul<T>(v128.load(b), v128.load(w)));
  }
}
/** a + w (b - a) */
@final class Mix extends Each {
  @inline at<T>(a: usize, b: usize, c: usize, w: usize, v: usize): v128 {
    return v128.add<T>(v128.load(a), v128.mul<T>(v128.load(w), v128.sub<T>(v128.load(b), v128.load(a))));
  }
}
/** a (1 - b) (1 - w w) */
@final class ToMixed extends Each {
  @inline at<T>(a: usize, b: usize, c: usize, w: usize, v: usize): v128 {
    return v128.mul<T>(v128.mul<T>(v128.load(a), v128.sub<T>(one<T>(), v128.load(b))), less<T>(v128.load(w)));
  }
}
/** a (b - v) w (1 - w) */
@final class ToUpdate extends Each {
  @inline at<T>(a: usize, b: usize, c: usize, w: usize, v: usize): v128 {
    return v128.mul<T>(v128.mul<T>(v128.load(a), v128.sub<T>(v128.load(b), v128.load(v))), bell<T>(v128.load(w)));
  }
}

const LSTM: i32 = 0;
const LSTM_BACK: i32 = 1;
const GRU: i32 = 2;
@inline function spans<T>(s: usize, tile: i32, what: i32): void {
  const hidden = int(s, f.hidden), group = int(s, f.group);
  for (let n = tile * group, last = min(int(s, f.rows), n + group); n < last; n++)
    for (let j = 0; j < hidden; j += SPAN) {
      const at = <usize>(n * hidden + j) * sizeof<T>(), gates = <usize>(n * hidden * (what < GRU ? 4 : 3) + j) * sizeof<T>();
      const bytes = <usize>min(SPAN, hidden - j) * sizeof<T>(), gate = <usize>hidden * sizeof<T>();
      if (what == LSTM) forward<T>(s, at, gates, gate, bytes);
      else if (what == LSTM_BACK) backward<T>(s, at, gates, gate, bytes);
      else if (what == GRU) forwardGru<T>(s, at, gates, gate, bytes);
      else backwardGru<T>(s, at, gates, gate, bytes);
    }
}

function forward<T>(s: usize, at: usize, gates: usize, gate: usize, bytes: usize): void {
  const type = sizeof<T>() == 4 ? F32 : F64, t = buffer(), end = t + ((bytes + 15) & -16);
  const h = operand(s, 0) + at, cell = operand(s, 1) + at, acts = operand(s, 2) + gates;
  for (let k = 0; k < 4; k++) {
    const o = gates + gate * k;
    each<Add, T>(t, operand(s, 3) + o, operand(s, 4) + o, bytes, t, 0, t, 0, t, 0);
    if (k == 2) map1<Tanh>(type, t, t, t, t, end);
    else map1<Sigmoid>(type, t, t, t, t, end);
    memory.copy(acts + gate * k, t, bytes);
  }
  each<Products, T>(cell, acts + gate, operand(s, 5) + at, bytes, t, 0, acts, 16, acts + gate * 2, 16);
  memory.copy(t, cell, bytes);
  map1<Tanh>(type, t, t, t, t, end);
  each<Product, T>(h, acts + gate * 3, t, bytes, t, 0, t, 0, t, 0);
}

function backward<T>(s: usize, at: usize, gates: usize, gate: usize, bytes: usize): void {
  const type = sizeof<T>() == 4 ? F32 : F64, t = buffer(), d = t + 8192;
  const dx = operand(s, 0) + gates, dh = operand(s, 2) + at, acts = operand(s, 4) + gates;
  memory.copy(t, operand(s, 6) + at, bytes);
  map1<Tanh>(type, t, t, t, t, t + ((bytes + 15) & -16));
  each<ToCell, T>(d, operand(s, 3) + at, dh, bytes, t, 0, acts + gate * 3, 16, t, 16);
  each<ToGate, T>(dx, d, acts + gate * 2, bytes, t, 0, acts, 16, t, 0);
  each<ToGate, T>(dx + gate, d, operand(s, 5) + at, bytes, t, 0, acts + gate, 16, t, 0);
  each<ToNew, T>(dx + gate * 2, d, acts, bytes, t, 0, acts + gate * 2, 16, t, 0);
  each<ToGate, T>(dx + gate * 3, dh, t, bytes, t, 0, acts + gate * 3, 16, t, 0);
  each<Product, T>(operand(s, 1) + at, d, acts + gate, bytes, t, 0, t, 0, t, 0);
}

function forwardGru<T>(s: usize, at: usize, gates: usize, gate: usize, bytes: usize): void {
  const type = sizeof<T>() == 4 ? F32 : F64, t = buffer(), end = t + ((bytes + 15) & -16);
  const acts = operand(s, 1) + gates, x = operand(s, 2) + gates, r = operand(s, 3) + gates;
  for (let k = 0; k < 3; k++) {
    const o = gate * k;
    if (k < 2) each<Add, T>(t, x + o, r + o, bytes, t, 0, t, 0, t, 0);
    else each<AddProduct, T>(t, x + o, acts, bytes, t, 0, r + o, 16, t, 0);
    if (k == 2) map1<Tanh>(type, t, t, t, t, end);
    else map1<Sigmoid>(type, t, t, t, t, end);
    memory.copy(acts + o, t, bytes);
  }
  each<Mix, T>(operand(s, 0) + at, t, operand(s, 4) + at, bytes, t, 0, acts + gate, 16, t, 0);
}

function backwardGru<T>(s: usize, at: usize, gates: usize, gate: usize, bytes: usize): void {
  const t = buffer(), dx = operand(s, 0) + gates, dr = operand(s, 1) + gates, dy = operand(s, 3) + at, acts = operand(s, 4) + gates;
  const update = acts + gate, fresh = acts + gate * 2;
  each<ToMixed, T>(dx + gate * 2, dy, update, bytes, t, 0, fresh, 16, t, 0);
  each<Product, T>(dr + gate * 2, dx + gate * 2, acts, bytes, t, 0, t, 0, t, 0);
  each<ToGate, T>(dx, dx + gate * 2, operand(s, 5) + gates + gate * 2, bytes, t, 0, acts, 16, t, 0);
  each<ToUpdate, T>(dx + gate, dy, operand(s, 6) + at, bytes, t, 0, update, 16, fresh, 16);
  memory.copy(dr, dx, bytes);
  memory.copy(dr + gate, dx + gate, bytes);
  each<Product, T>(operand(s, 2) + at, dy, update, bytes, t, 0, t, 0, t, 0);
}

export function lstmCell(s: usize, phase: i32, tile: i32): void {
  if (dtype(s, 3) == F32) spans<f32>(s, tile, LSTM);
  else spans<f64>(s, tile, LSTM);
}
export function lstmCellBackward(s: usize, phase: i32, tile: i32): void {
  if (dtype(s, 2) == F32) spans<f32>(s, tile, LSTM_BACK);
  else spans<f64>(s, tile, LSTM_BACK);
}
/** The fields are lstmCell's, here and below. */
export function gruCell(s: usize, phase: i32, tile: i32): void {
  if (dtype(s, 2) == F32) spans<f32>(s, tile, GRU);
  else spans<f64>(s, tile, GRU);
}
export function gruCellBackward(s: usize, phase: i32, tile: i32): void {
  if (dtype(s, 3) == F32) spans<f32>(s, tile, GRU + 1);
  else spans<f64>(s, tile, GRU + 1);
}
