// Running folds along one axis of [outer][n][inner], in either direction. float32 accumulates in float64.
import { cumsum as f } from '../gen/fields';
import { F32, F64, dtype, int, operand } from '../step';
import { scratch } from '../threads';

const SUM: i32 = 0;
const PROD: i32 = 1;
const LOG: i32 = 2;

/** The accumulator of T: float64 for float32. */
@inline function step<A>(what: i32, acc: A, x: A): A {
  if (what == SUM) return acc + x;
  if (what == PROD) return acc * x;
  if (!isFloat<A>()) return acc;
  // log(exp(acc) + exp(x)) around the larger of the two
  const hi = acc > x ? acc : x;
  const lo = acc > x ? x : acc;
  return lo == -Infinity || hi == Infinity ? hi : <A>(<f64>hi + NativeMath.log1p(NativeMath.exp(<f64>lo - <f64>hi)));
}

@inline function pair(what: i32, acc: v128, x: v128): v128 { return what == SUM ? f64x2.add(acc, x) : f64x2.mul(acc, x); }

function scan<T, A>(what: i32, s: usize, tile: i32): void {
  const n = int(s, f.n), inner = int(s, f.inner), width = int(s, f.width), group = int(s, f.group);
  const blocks = (inner + width - 1) / width;
  const column = (tile % blocks) * width;
  const count = min(width, inner - column);
  const lo = (tile / blocks) * group;
  const x = operand(s, 1), y = operand(s, 0);
  const reverse = int(s, f.reverse) != 0;
  const first: A = what == PROD ? <A>1 : what == LOG && isFloat<A>() ? <A>-Infinity : <A>0;
  for (let o = lo, hi = min(int(s, f.outer), lo + group); o < hi; o++) {
    if (inner == 1) {
      let acc = first;
      let at = <usize>(o * n + (reverse ? n - 1 : 0)) * sizeof<T>();
      for (let r = 0; r < n; r++, at += reverse ? 0 - sizeof<T>() : sizeof<T>()) {
        acc = step<A>(what, acc, <A>load<T>(x + at));
        store<T>(y + at, <T>acc);
      }
      continue;
    }
    for (let j = 0; j < count; j++) store<A>(scratch + <usize>j * sizeof<A>(), first);
    for (let r = 0; r < n; r++) {
      const row = reverse ? n - 1 - r : r;
      let at = <usize>((o * n + row) * inner + column) * sizeof<T>();
      let a = scratch, j = 0;
      if (what != LOG && sizeof<T>() == 4) for (; j + 4 <= count; j += 4, at += 16, a += 32) {
        const v = v128.load(x + at);
        const lo = pair(what, v128.load(a), f64x2.promote_low_f32x4(v));
        const hi = pair(what, v128.load(a, 16), f64x2.promote_low_f32x4(v128.shuffle<i64>(v, v, 1, 0)));
        v128.store(a, lo);
        v128.store(a, hi, 16);
        v128.store(y + at, v128.shuffle<i64>(f32x4.demote_f64x2_zero(lo), f32x4.demote_f64x2_zero(hi), 0, 2));
      }
      for (; j < count; j++, at += sizeof<T>(), a += sizeof<A>()) {
        const acc = step<A>(what, load<A>(a), <A>load<T>(x + at));
        store<A>(a, acc);
        store<T>(y + at, <T>acc);
      }
    }
  }
}
@inline function start(what: i32, s: usize, tile: i32): void {
  switch (dtype(s, 1)) {
    case F32: { scan<f32, f64>(what, s, tile); return; }
    case F64: { scan<f64, f64>(what, s, tile); return; }
    default: scan<i64, i64>(what, s, tile);
  }
}
export function cumsum(s: usize, phase: i32, tile: i32): void { start(SUM, s, tile); }
export function cumprod(s: usize, phase: i32, tile: i32): void { start(PROD, s, tile); }
export function logcumsumexp(s: usize, phase: i32, tile: i32): void { start(LOG, s, tile); }

/** Running extremes with the place of the latest; a NaN stays. */
function extremes<T>(sign: i32, s: usize, tile: i32): void {
  const n = int(s, f.n), inner = int(s, f.inner), width = int(s, f.width), group = int(s, f.group);
  const blocks = (inner + width - 1) / width;
  const column = (tile % blocks) * width;
  const count = min(width, inner - column);
  const lo = (tile / blocks) * group;
  const y = operand(s, 0), places = operand(s, 1), x = operand(s, 2);
  for (let o = lo, hi = min(int(s, f.outer), lo + group); o < hi; o++) {
    for (let r = 0; r < n; r++) {
      const row = <usize>((o * n + r) * inner + column);
      for (let j = 0; j < count; j++) {
        const at = row + j;
        const v = load<T>(x + at * sizeof<T>());
        let best = v, place: i64 = r;
        if (r > 0) {
          const before = load<T>(y + (at - inner) * sizeof<T>());
          const better = sign > 0 ? v >= before : v <= before;
          if (!(better && before == before) && v == v) {
            best = before;
            place = load<i64>(places + ((at - inner) << 3));
          }
        }
        store<T>(y + at * sizeof<T>(), best);
        store<i64>(places + (at << 3), place);
      }
    }
  }
}
@inline function running(sign: i32, s: usize, tile: i32): void {
  switch (dtype(s, 2)) {
    case F32: { extremes<f32>(sign, s, tile); return; }
    case F64: { extremes<f64>(sign, s, tile); return; }
    default: extremes<i64>(sign, s, tile);
  }
}
export function cummax(s: usize, phase: i32, tile: i32): void { running(1, s, tile); }
export function cummin(s: usize, phase: i32, tile: i32): void { running(-1, s, tile); }

/** y[i] = b[i] + a[i] y[i-1]; reversed, y[i] = b[i] + a[i+1] y[i+1]. */
function recur<T>(s: usize, tile: i32): void {
  const n = int(s, f.n), inner = int(s, f.inner), width = int(s, f.width), group = int(s, f.group);
  const blocks = (inner + width - 1) / width;
  const column = (tile % blocks) * width;
  const count = min(width, inner - column);
  const lo = (tile / blocks) * group;
  const y = operand(s, 0), a = operand(s, 1), b = operand(s, 2);
  const reverse = int(s, f.reverse) != 0;
  const shift = <usize>inner * sizeof<T>();
  for (let o = lo, hi = min(int(s, f.outer), lo + group); o < hi; o++) {
    for (let r = 0; r < n; r++) {
      const row = reverse ? n - 1 - r : r;
      let at = <usize>((o * n + row) * inner + column) * sizeof<T>();
      let acc = scratch;
      for (let j = 0; j < count; j++, at += sizeof<T>(), acc += 8) {
        let v = <f64>load<T>(b + at);
        if (r > 0) v += <f64>load<T>(a + (reverse ? at + shift : at)) * load<f64>(acc);
        store<f64>(acc, v);
        store<T>(y + at, <T>v);
      }
    }
  }
}
export function recurrence(s: usize, phase: i32, tile: i32): void {
  if (dtype(s, 1) == F32) recur<f32>(s, tile);
  else recur<f64>(s, tile);
}
