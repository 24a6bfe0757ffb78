// Optimiser steps, in place: one pass over a parameter, its gradient and its state. PyTorch's single-tensor formulas in their order
// of operations; lanes are independent, so vectors and threads change nothing.
import { adagradStep as ag, adamStep as ad, rmspropStep as rm, sgdStep as sg } from '../gen/fields';
import { F32, GRAIN, dtype, float, int, operand } from '../step';
import { scratch } from '../threads';

/** Through memory, before a loop: V8 would move the conversion into it. */
function splat<T>(x: f64): v128 {
  store<T>(scratch + 128, <T>x);
  return v128.load_splat<T>(scratch + 128);
}
@inline function add<T>(a: v128, b: v128): v128 { return v128.add<T>(a, b); }
@inline function sub<T>(a: v128, b: v128): v128 { return v128.sub<T>(a, b); }
@inline function mul<T>(a: v128, b: v128): v128 { return v128.mul<T>(a, b); }
@inline function div<T>(a: v128, b: v128): v128 { return v128.div<T>(a, b); }
/** As torch.lerp, a + (b - a) times a weight, from the nearer end: `share` is the weight if that is below a half, else one less the weight. */
@inline function lerp<T>(a: v128, b: v128, share: v128, near: bool): v128 {
  const d = mul<T>(share, sub<T>(b, a));
  return near ? add<T>(a, d) : sub<T>(b, d);
}
@inline function shareOf<T>(weight: f64): v128 { return splat<T>(min(weight, 1 - weight)); }

/** Runs a step on whole vectors of a tile, and on the rest of it through copies: `end` - `p` is a multiple of 16 bytes. */
function tiled(s: usize, tile: i32, operands: i32, kind: i32): void {
  const t = dtype(s, 0);
  const shift: usize = t == F32 ? 2 : 3;
  const lo = tile * GRAIN;
  const bytes = <usize>(min(int(s, sg.n), lo + GRAIN) - lo) << shift;
  const at = <usize>lo << shift;
  const whole = bytes & -16;
  const rest = bytes - whole;
  const p0 = operand(s, 0) + at;
  const p1 = operand(s, 1) + at;
  const p2 = present(s, 2, operands, at);
  const p3 = present(s, 3, operands, at);
  const p4 = present(s, 4, operands, at);
  step(s, t, kind, p0, p1, p2, p3, p4, whole);
  if (rest == 0) return;
  for (let k = 0; k < operands; k++) {
    const q = operand(s, k);
    if (q) memory.copy(scratch + (<usize>k << 4), q + at + whole, rest);
  }
  step(s, t, kind, scratch, scratch + 16, p2 ? scratch + 32 : 0, p3 ? scratch + 48 : 0, p4 ? scratch + 64 : 0, 16);
  for (let k = 0; k < operands; k++) {
    const q = operand(s, k);
    if (q && k != 1) memory.copy(q + at + whole, scratch + (<usize>k << 4), rest);
  }
}
@inline function present(s: usize, k: i32, operands: i32, at: usize): usize {
  if (k >= operands) return 0;
  const p = operand(s, k);
  return p ? p + at : 0;
}

function step(s: usize, t: i32, kind: i32, p: usize, g: usize, a: usize, b: usize, c: usize, bytes: usize): void {
  if (t == F32) typed<f32>(s, kind, p, g, a, b, c, bytes);
  else typed<f64>(s, kind, p, g, a, b, c, bytes);
}
@inline function typed<T>(s: usize, kind: i32, p: usize, g: usize, a: usize, b: usize, c: usize, bytes: usize): void {
  switch (kind) {
    case 0: { sgd<T>(s, p, g, a, bytes); return; }
    case 1: { adam<T>(s, p, g, a, b, c, bytes); return; }
    case 2: { rmsprop<T>(s, p, g, a, b, c, bytes); return; }
    default: adagrad<T>(s, p, g, a, bytes);
  }
}

/** The gradient of a lane vector: negated to maximise, with decay of the parameter added. */
@inline function gradient<T>(g: v128, p: v128, maximize: bool, decays: bool, decay: v128): v128 {
  if (maximize) g = v128.neg<T>(g);
  return decays ? add<T>(g, mul<T>(decay, p)) : g;
}

/** Told as types, whether a loop is the plain one: asking for what is rare in each turn takes twice as long. */
type Plain = bool;
type Full = i32;

/** Plain: no momentum, and the gradient as it is. */
function sgdLoop<T, P>(s: usize, p: usize, g: usize, buffer: usize, bytes: usize): void {
  const rate = splat<T>(-float(s, sg.lr));
  const momentum = splat<T>(float(s, sg.momentum));
  const fresh = splat<T>(1 - float(s, sg.dampening));
  const decays = float(s, sg.weightDecay) != 0, decay = splat<T>(float(s, sg.weightDecay));
  const maximize = int(s, sg.maximize) != 0;
  const nesterov = int(s, sg.nesterov) != 0;
  const first = int(s, sg.first) != 0;
  for (let i: usize = 0; i < bytes; i += 16) {
    const x = v128.load(p + i);
    let d = v128.load(g + i);
    if (!isBoolean<P>()) d = gradient<T>(d, x, maximize, decays, decay);
    if (!isBoolean<P>() && buffer) {
      const m = first ? d : add<T>(mul<T>(v128.load(buffer + i), momentum), mul<T>(fresh, d));
      v128.store(buffer + i, m);
      d = nesterov ? add<T>(d, mul<T>(momentum, m)) : m;
    }
    v128.store(p + i, add<T>(x, mul<T>(rate, d)));
  }
}
function sgd<T>(s: usize, p: usize, g: usize, buffer: usize, bytes: usize): void {
  if (sizeof<T>() == 4 && !buffer && !int(s, sg.maximize) && float(s, sg.weightDecay) == 0) sgdLoop<T, Plain>(s, p, g, buffer, bytes);
  else sgdLoop<T, Full>(s, p, g, buffer, bytes);
}
export function sgdStep(s: usize, phase: i32, tile: i32): void { tiled(s, tile, 3, 0); }

/** Plain: the gradient as it is, and the mean nearer to what it was. */
function adamLoop<T, P>(s: usize, p: usize, g: usize, m: usize, v: usize, top: usize, bytes: usize): void {
  const lr = float(s, ad.lr);
  const decoupled = int(s, ad.decoupled) != 0;
  const decays = !decoupled && float(s, ad.weightDecay) != 0, decay = splat<T>(float(s, ad.weightDecay));
  const maximize = int(s, ad.maximize) != 0;
  const away = 1 - float(s, ad.beta1), near = isBoolean<P>() || away < 0.5, share = shareOf<T>(away);
  const beta2 = splat<T>(float(s, ad.beta2));
  const fresh = splat<T>(1 - float(s, ad.beta2));
  const eps = splat<T>(float(s, ad.eps));
  const size = splat<T>(-(lr / float(s, ad.biasCorrection1)));
  const root = splat<T>(sqrt<f64>(float(s, ad.biasCorrection2)));
  const shrink = splat<T>(decoupled ? 1 - lr * float(s, ad.weightDecay) : 1);
  for (let i: usize = 0; i < bytes; i += 16) {
    const x = v128.load(p + i), a = v128.load(m + i);
    let d = v128.load(g + i);
    if (!isBoolean<P>()) d = gradient<T>(d, x, maximize, decays, decay);
    const mean = lerp<T>(a, d, share, near);
    let square = add<T>(mul<T>(v128.load(v + i), beta2), mul<T>(mul<T>(fresh, d), d));
    v128.store(m + i, mean);
    v128.store(v + i, square);
    if (top) {
      square = v128.max<T>(v128.load(top + i), square);
      v128.store(top + i, square);
    }
    const denominator = add<T>(div<T>(v128.sqrt<T>(square), root), eps);
    v128.store(p + i, add<T>(mul<T>(x, shrink), div<T>(mul<T>(size, mean), denominator)));
  }
}
function adam<T>(s: usize, p: usize, g: usize, m: usize, v: usize, top: usize, bytes: usize): void {
  const asIs = !int(s, ad.maximize) && (int(s, ad.decoupled) != 0 || float(s, ad.weightDecay) == 0);
  if (sizeof<T>() == 4 && asIs && 1 - float(s, ad.beta1) < 0.5) adamLoop<T, Plain>(s, p, g, m, v, top, bytes);
  else adamLoop<T, Full>(s, p, g, m, v, top, bytes);
}
export function adamStep(s: usize, phase: i32, tile: i32): void { tiled(s, tile, 5, 1); }

function rmsprop<T>(s: usize, p: usize, g: usize, v: usize, mean: usize, buffer: usize, bytes: usize): void {
  const decays = float(s, rm.weightDecay) != 0, decay = splat<T>(float(s, rm.weightDecay));
  const maximize = int(s, rm.maximize) != 0;
  const alpha = splat<T>(float(s, rm.alpha));
  const away = 1 - float(s, rm.alpha);
  const fresh = splat<T>(away), near = away < 0.5, share = shareOf<T>(away);
  const eps = splat<T>(float(s, rm.eps));
  const rate = splat<T>(-float(s, rm.lr));
  const momentum = splat<T>(float(s, rm.momentum));
  for (let i: usize = 0; i < bytes; i += 16) {
    const x = v128.load(p + i);
    const d = gradient<T>(v128.load(g + i), x, maximize, decays, decay);
    let square = add<T>(mul<T>(v128.load(v + i), alpha), mul<T>(mul<T>(fresh, d), d));
    v128.store(v + i, square);
    if (mean) {
      const a = lerp<T>(v128.load(mean + i), d, share, near);
      v128.store(mean + i, a);
      square = sub<T>(square, mul<T>(a, a));
    }
    const deviation = add<T>(v128.sqrt<T>(square), eps);
    if (buffer) {
      const b = add<T>(mul<T>(v128.load(buffer + i), momentum), div<T>(d, deviation));
      v128.store(buffer + i, b);
      v128.store(p + i, add<T>(x, mul<T>(rate, b)));
    } else v128.store(p + i, add<T>(x, div<T>(mul<T>(rate, d), deviation)));
  }
}
export function rmspropStep(s: usize, phase: i32, tile: i32): void { tiled(s, tile, 5, 2); }

function adagrad<T>(s: usize, p: usize, g: usize, sum: usize, bytes: usize): void {
  const decays = float(s, ag.weightDecay) != 0, decay = splat<T>(float(s, ag.weightDecay));
  const maximize = int(s, ag.maximize) != 0;
  const eps = splat<T>(float(s, ag.eps));
  const rate = splat<T>(-float(s, ag.lr));
  for (let i: usize = 0; i < bytes; i += 16) {
    const x = v128.load(p + i);
    const d = gradient<T>(v128.load(g + i), x, maximize, decays, decay);
    const total = add<T>(v128.load(sum + i), mul<T>(d, d));
    v128.store(sum + i, total);
    v128.store(p + i, add<T>(x, div<T>(mul<T>(rate, d), add<T>(v128.sqrt<T>(total), eps))));
  }
}
export function adagradStep(s: usize, phase: i32, tile: i32): void { tiled(s, tile, 3, 3); }
