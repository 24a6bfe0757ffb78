// Bands: what a normalisation works on at a time. Either one contiguous run of elements that share a parameter (step 0), or
// `rows` rows, `stride` bytes apart, of columns with a parameter each (step 1).
import { F32, F64 } from '../step';
import { COLUMNS, CROSS, EACH, accumulators, clear, finish, fold, parameters, upTo } from './fold';

/** What a sweep does to vectors of two tensors, a and b, and two parameters, c and d. */
export abstract class Sweep {
  f32(a: v128, b: v128, c: v128, d: v128): v128 { return unreachable(); }
  f64(a: v128, b: v128, c: v128, d: v128): v128 { return unreachable(); }
}

/** Parameters of a band: c is the first, d the second. */
@inline export function paramC(): usize { return parameters(); }
@inline export function paramD(): usize { return parameters() + COLUMNS * 8 + 64; }
@inline function spare(): usize { return parameters() + 2 * (COLUMNS * 8 + 64); }

/** Stores v at p, or the first `bytes` of it. */
@inline export function storeUpTo(p: usize, v: v128, bytes: usize): void {
  if (bytes >= 16) v128.store(p, v);
  else {
    const q = spare();
    v128.store(q, v);
    for (let i: usize = 0; i < bytes; i += 4) store<u32>(p + i, load<u32>(q + i));
  }
}

/** Folds a band of float32 or float64 into parameters at `to`; `what` takes no parameter of its own. */
export function foldBand<T>(what: i32, to: usize, p: usize, rows: i32, stride: usize, bytes: usize, end: usize, step: i32): void {
  const kind = what | (sizeof<T>() == 4 ? F32 : F64), a = accumulators(), zero = spare();
  const count = step == 0 ? 1 : <i32>(bytes / sizeof<T>());
  v128.store(zero, i32x4.splat(0));
  clear(kind, a, count);
  fold(kind, step == 0 ? CROSS : EACH, a, p, rows, stride, bytes, end, zero);
  finish(kind, to, a, count, 1, false);
  if (step == 0) v128.store(to, v128.load_splat<T>(to));
}

/** y = P(a, b, c, d) over a band whose tensors share one layout; a tensor that P does not read may be any of the others. */
export function sweep<P extends Sweep, T>(
  y: usize, a: usize, b: usize, rows: i32, stride: usize, bytes: usize, endA: usize, endB: usize, step: i32,
): void {
  const k = changetype<P>(0);
  const shift = <usize>step * 16;
  for (; rows > 0; rows--) {
    let c = paramC(), d = paramD();
    let i: usize = 0;
    const safe = min(min(a + bytes, endA) - a, min(b + bytes, endB) - b) & ~15;
    for (; i < safe; i += 16, c += shift, d += shift) v128.store(y + i, apply<P, T>(k, v128.load(a + i), v128.load(b + i), c, d));
    if (i < bytes) storeUpTo(y + i, apply<P, T>(k, upTo(a + i, endA), upTo(b + i, endB), c, d), bytes - i);
    y += stride;
    a += stride;
    b += stride;
  }
}
@inline function apply<P extends Sweep, T>(k: P, a: v128, b: v128, c: usize, d: usize): v128 {
  return sizeof<T>() == 4 ? k.f32(a, b, v128.load(c), v128.load(d)) : k.f64(a, b, v128.load(c), v128.load(d));
}

/** The parameters of a band, `bytes` of them, through a function of float64: c = F(c). */
export abstract class Scalar {
  of(c: f64): f64 { return unreachable(); }
}
export function adjust<F extends Scalar, T>(to: usize, from: usize, bytes: usize, step: i32): void {
  const k = changetype<F>(0);
  if (step == 0) {
    v128.store(to, v128.splat<T>(<T>k.of(<f64>load<T>(from))));
    return;
  }
  for (let i: usize = 0; i < bytes; i += sizeof<T>()) store<T>(to + i, <T>k.of(<f64>load<T>(from + i)));
}
