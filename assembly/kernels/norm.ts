// Normalisation of groups of elements and its derivative. The memory is one of three forms:
// LINES: [samples][groups][per], each line of `per` elements normalised by itself;
// RUNS: [samples or pieces][channels][span], a run of `span` elements for each channel of each piece;
// COLUMNS: [samples][length][channels], cut into pieces of `span` rows.
// A group is `per` channels of one sample. RUNS and COLUMNS go in three phases: partial results of each piece and channel, the
// groups' results from them in a fixed order, and the elements.
import { normalization as f } from '../gen/fields';
import { F32, dtype, float, int, operand } from '../step';
import { scratch } from '../threads';
import { COLUMNS as WIDTH, Each, PLANE, Plain, columns, each, total } from './line';

const LINES: i32 = 0;
const RUNS: i32 = 1;

// Parameters: mean, 1 / deviation, weight, then bias or (in the derivative) two more.
const MEAN: usize = 0;
const SCALE: usize = PLANE;
const WEIGHT: usize = 2 * PLANE;
const THIRD: usize = 3 * PLANE;
const FOURTH: usize = 4 * PLANE;
/** Scratch behind what the loops use: float64 sums of a block of columns, ones, zeros, then the parameters. */
@inline function sums(): usize { return scratch + 8192; }
@inline function ones(): usize { return scratch + 24576; }
@inline function zeros(): usize { return ones() + 16; }
@inline function params(): usize { return ones() + 64; }

@final class Square extends Each {
  @inline at<T>(a: usize, b: usize, c: usize, w: usize, v: usize): v128 {
    const d = v128.sub<T>(v128.load(a), v128.load(c));
    return v128.mul<T>(d, d);
  }
}
@inline function normal<T>(x: usize, c: usize): v128 { return v128.mul<T>(v128.sub<T>(v128.load(x), v128.load(c)), v128.load(c, SCALE)); }
@final class Apply extends Each {
  @inline at<T>(a: usize, b: usize, c: usize, w: usize, v: usize): v128 {
    return v128.add<T>(v128.mul<T>(normal<T>(a, c), v128.load(w)), v128.load(v));
  }
}
// Of the derivative: a is the gradient, b is x.
@final class Weighted extends Each {
  @inline at<T>(a: usize, b: usize, c: usize, w: usize, v: usize): v128 { return v128.mul<T>(v128.load(a), v128.load(w)); }
}
@final class Along extends Each {
  @inline at<T>(a: usize, b: usize, c: usize, w: usize, v: usize): v128 {
    return v128.mul<T>(v128.mul<T>(v128.load(a), v128.load(w)), normal<T>(b, c));
  }
}
@final class Back extends Each {
  @inline at<T>(a: usize, b: usize, c: usize, w: usize, v: usize): v128 {
    // The mean is taken off before the scale, so that a group of one gets exactly zero.
    const own = v128.sub<T>(v128.mul<T>(v128.load(a), v128.load(w)), v128.load(c, FOURTH));
    const d = v128.sub<T>(v128.load(b), v128.load(c));
    return v128.add<T>(v128.mul<T>(own, v128.load(c, SCALE)), v128.mul<T>(d, v128.load(c, THIRD)));
  }
}
@final class AddAlong extends Each {
  @inline at<T>(a: usize, b: usize, c: usize, w: usize, v: usize): v128 {
    return v128.add<T>(v128.load(w), v128.mul<T>(v128.load(a), normal<T>(b, c)));
  }
}
@final class Add extends Each {
  @inline at<T>(a: usize, b: usize, c: usize, w: usize, v: usize): v128 { return v128.add<T>(v128.load(w), v128.load(a)); }
}

@inline function splat<T>(p: usize, x: f64): void { v128.store(p, v128.splat<T>(<T>x)); }
@inline function constants<T>(): void {
  splat<T>(ones(), 1);
  splat<T>(zeros(), 0);
}
@inline function scaleOf(variance: f64, eps: f64): f64 { return 1 / sqrt<f64>(variance + eps); }

function forwardLines<T>(s: usize, tile: i32): void {
  const per = int(s, f.per), groups = int(s, f.groups), group = int(s, f.group);
  const bytes = <usize>per * sizeof<T>(), weight = operand(s, 4), bias = operand(s, 5), c = params();
  constants<T>();
  for (let o = tile * group, last = min(int(s, f.samples) * groups, o + group); o < last; o++) {
    const x = operand(s, 3) + bytes * o, first = bytes * (o % groups), at = <usize>o * sizeof<T>();
    const mean = int(s, f.rms) ? <T>0 : <T>(total<Plain, T>(x, x, bytes, c, c, 0) / <f64>per);
    splat<T>(c, mean);
    const variance = <T>(total<Square, T>(x, x, bytes, c, c, 0) / <f64>per);
    store<T>(operand(s, 1) + at, mean);
    store<T>(operand(s, 2) + at, variance);
    splat<T>(c + SCALE, scaleOf(<f64>variance, float(s, f.eps)));
    const w = weight ? weight + first : ones(), v = bias ? bias + first : zeros();
    each<Apply, T>(operand(s, 0) + bytes * o, x, x, bytes, c, 0, w, weight ? 16 : 0, v, bias ? 16 : 0);
  }
}

/** dx = r (a - mean(a) - h mean(a h)) with a = g weight, h = (x - mean) r; the tiles' sums over lines lie in the workspace. */
function backwardLines<T>(s: usize, tile: i32): void {
  const per = int(s, f.per), groups = int(s, f.groups), group = int(s, f.group);
  const bytes = <usize>per * sizeof<T>(), weight = operand(s, 7), affine = int(s, f.affine), c = params();
  const dw = operand(s, 8) + bytes * groups * 2 * tile, db = dw + bytes * groups;
  constants<T>();
  if (affine) memory.fill(dw, 0, bytes * groups * 2);
  for (let o = tile * group, last = min(int(s, f.samples) * groups, o + group); o < last; o++) {
    const g = operand(s, 3) + bytes * o, x = operand(s, 4) + bytes * o, first = bytes * (o % groups), at = <usize>o * sizeof<T>();
    const w = weight ? weight + first : ones(), t: usize = weight ? 16 : 0;
    const r = scaleOf(<f64>load<T>(operand(s, 6) + at), float(s, f.eps));
    splat<T>(c, load<T>(operand(s, 5) + at));
    splat<T>(c + SCALE, r);
    splat<T>(c + THIRD, -r * r * total<Along, T>(g, x, bytes, c, w, t) / <f64>per);
    splat<T>(c + FOURTH, int(s, f.rms) ? 0 : total<Weighted, T>(g, x, bytes, c, w, t) / <f64>per);
    each<Back, T>(operand(s, 0) + bytes * o, g, x, bytes, c, 0, w, t, w, 0);
    if (!affine) continue;
    each<AddAlong, T>(dw + first, g, x, bytes, c, 0, dw + first, 16, w, 0);
    each<Add, T>(db + first, g, x, bytes, c, 0, db + first, 16, w, 0);
  }
}
/** Sums of the tiles' sums: a block of channels. */
function joinLines<T>(s: usize, block: i32): void {
  const channels = int(s, f.per) * int(s, f.groups), first = block * WIDTH, count = min(channels - first, WIDTH);
  const bytes = <usize>channels * sizeof<T>(), group = int(s, f.group), at = <usize>first * sizeof<T>();
  const parts = (int(s, f.samples) * int(s, f.groups) + group - 1) / group;
  for (let k = 0; k < 2; k++) {
    const p = operand(s, 8) + bytes * k + at;
    columns<Plain, T>(sums(), p, p, parts, bytes * 2, <usize>count * sizeof<T>(), p, 0, p);
    for (let j: usize = 0; j < <usize>count; j++) store<T>(operand(s, 1 + k) + at + j * sizeof<T>(), <T>load<f64>(sums() + (j << 3)));
  }
}

// The workspace of RUNS and COLUMNS: two float64 for each group, then two for each channel of each piece.
@inline function groupAt(s: usize, i: i32): usize { return operand(s, 8) + (<usize>i << 4); }
@inline function pieceAt(s: usize, piece: i32, channel: i32): usize {
  const channels = int(s, f.groups) * int(s, f.per);
  return groupAt(s, int(s, f.samples) * int(s, f.groups) + piece * channels + channel);
}
/** Elements of a channel in piece k of a sample. */
@inline function countOf(s: usize, k: i32): i32 { return min(int(s, f.span), int(s, f.length) - k * int(s, f.span)); }

/** The groups' mean and variance, or in the derivative the sums over the gradient, from those of the pieces. */
function combine<T>(s: usize, tile: i32, back: bool): void {
  const samples = int(s, f.samples), groups = int(s, f.groups), per = int(s, f.per), pieces = int(s, f.pieces), joint = int(s, f.joint);
  const all = <f64>per * <f64>int(s, f.length), fixed = int(s, f.fixed) != 0, weight = operand(s, 7);
  if (!back) {
    for (let i = tile * joint, last = min(samples * groups, i + joint); i < last; i++) {
      let mean: f64 = 0, variance: f64 = 0;
      const n = i / groups, first = (i % groups) * per, at = <usize>i * sizeof<T>();
      if (fixed) {
        mean = <f64>load<T>(operand(s, 6) + at);
        variance = <f64>load<T>(weight + at);
      } else {
        for (let pass = 0; pass < 2; pass++) {
          for (let k = 0; k < pieces; k++) {
            const count = <f64>countOf(s, k);
            let p = pieceAt(s, n * pieces + k, first);
            for (let j = 0; j < per; j++, p += 16) {
              if (pass == 0) mean += count * load<f64>(p);
              else {
                const d = load<f64>(p) - mean;
                variance += load<f64>(p, 8) + count * d * d;
              }
            }
          }
          if (pass == 0) mean /= all;
          else variance /= all;
        }
      }
      store<T>(operand(s, 1) + at, <T>mean);
      store<T>(operand(s, 2) + at, <T>variance);
      store<f64>(groupAt(s, i), <f64><T>mean);
      store<f64>(groupAt(s, i), scaleOf(<f64><T>variance, float(s, f.eps)), 8);
    }
    return;
  }
  for (let g = tile * joint, last = min(groups, g + joint); g < last; g++) {
    for (let n = 0; n < samples; n++) {
      store<f64>(groupAt(s, n * groups + g), 0);
      store<f64>(groupAt(s, n * groups + g), 0, 8);
    }
    for (let c = g * per; c < (g + 1) * per; c++) {
      const at = <usize>c * sizeof<T>(), w = (weight ? <f64>load<T>(weight + at) : 1) / all;
      let db: f64 = 0, dw: f64 = 0;
      for (let n = 0; n < samples; n++) {
        let a: f64 = 0, b: f64 = 0;
        for (let k = 0; k < pieces; k++) {
          const p = pieceAt(s, n * pieces + k, c);
          a += load<f64>(p);
          b += load<f64>(p, 8);
        }
        db += a;
        dw += b;
        const q = groupAt(s, n * groups + g);
        if (fixed) continue;
        store<f64>(q, load<f64>(q) + w * a);
        store<f64>(q, load<f64>(q, 8) + w * b, 8);
      }
      if (!int(s, f.affine)) continue;
      store<T>(operand(s, 1) + at, <T>dw);
      store<T>(operand(s, 2) + at, <T>db);
    }
  }
}

/** The parameters of `count` channels of a sample from channel `first`, repeated up to `room` of them; one in all lanes for RUNS. */
function fill<T>(s: usize, sample: i32, first: i32, count: i32, room: i32, apply: bool, back: bool): void {
  const groups = int(s, f.groups), per = int(s, f.per), c = params();
  const weight = operand(s, back ? 7 : 4), bias = operand(s, 5);
  for (let j = 0; j < count; j++) {
    const channel = first + j, i = sample * groups + channel / per, o = <usize>j * sizeof<T>(), at = <usize>channel * sizeof<T>();
    let mean: f64 = 0, r: f64 = 0;
    if (back) {
      mean = <f64>load<T>(operand(s, 5) + <usize>i * sizeof<T>());
      r = scaleOf(<f64>load<T>(operand(s, 6) + <usize>i * sizeof<T>()), float(s, f.eps));
    } else {
      mean = load<f64>(groupAt(s, i));
      r = load<f64>(groupAt(s, i), 8);
    }
    store<T>(c + o, <T>mean);
    store<T>(c + SCALE + o, <T>r);
    if (!apply) continue;
    store<T>(c + WEIGHT + o, weight ? load<T>(weight + at) : 1);
    if (back) {
      store<T>(c + THIRD + o, <T>(-r * r * load<f64>(groupAt(s, i), 8)));
      store<T>(c + FOURTH + o, <T>load<f64>(groupAt(s, i)));
    } else store<T>(c + THIRD + o, bias ? load<T>(bias + at) : 0);
  }
  for (let p = c; p <= c + FOURTH; p += PLANE) {
    if (int(s, f.form) == RUNS) v128.store(p, v128.load_splat<T>(p));
    else for (let k = count; k < room; k <<= 1) memory.copy(p + <usize>k * sizeof<T>(), p, <usize>min(k, room - k) * sizeof<T>());
  }
}

/** A tile of pieces: their partial results (phase 0) or their elements (phase 2). */
function pieces<T>(s: usize, tile: i32, apply: bool, back: bool): void {
  const channels = int(s, f.groups) * int(s, f.per), runs = int(s, f.form) == RUNS, group = int(s, f.group);
  const blocks = runs ? channels : (channels + WIDTH - 1) / WIDTH;
  const perSample = int(s, f.pieces), length = int(s, f.length), span = int(s, f.span);
  const row = <usize>channels * sizeof<T>(), c = params(), y = operand(s, 0);
  const a = operand(s, 3), b = operand(s, back ? 4 : 3);
  // Narrow rows are taken several at a time.
  const times = runs || blocks > 1 ? 1 : max(1, min(span, WIDTH / channels));
  const step: usize = runs ? 0 : 16;
  constants<T>();
  let before = -1;
  for (let u = tile * group, last = min(int(s, f.samples) * perSample * blocks, u + group); u < last; u++) {
    const piece = u / blocks, sample = piece / perSample, k = piece % perSample;
    const channel = runs ? u % blocks : (u % blocks) * WIDTH, count = runs ? 1 : min(channels - channel, WIDTH);
    const n = countOf(s, k);
    const at = runs ? <usize>u * span * sizeof<T>() : row * (sample * length + k * span) + <usize>channel * sizeof<T>();
    if (apply || back) {
      if (before != sample || blocks > 1) fill<T>(s, sample, channel, count, count * times, apply, back);
      before = sample;
    }
    const bytes = <usize>(runs ? n : count) * sizeof<T>();
    if (apply) {
      const whole = blocks == 1 && !runs;
      const end = whole ? at + row * n : runs ? at + bytes : at + row * (n - 1) + bytes;
      const wide = bytes * times, stride = whole ? wide : row;
      for (let p = at; p < end; p += runs ? bytes : stride) {
        const m = min(wide, end - p);
        if (back) each<Back, T>(y + p, a + p, b + p, m, c, step, c + WEIGHT, step, c, 0);
        else each<Apply, T>(y + p, a + p, a + p, m, c, step, c + WEIGHT, step, c + THIRD, step);
      }
      continue;
    }
    const to = pieceAt(s, piece, channel);
    for (let half: usize = 0; half < 2; half++) {
      if (runs) {
        let sum: f64 = 0;
        if (back && half == 0) sum = total<Plain, T>(a + at, b + at, bytes, c, ones(), 0);
        else if (back) sum = total<Along, T>(a + at, b + at, bytes, c, ones(), 0);
        else sum = half == 0 ? total<Plain, T>(a + at, b + at, bytes, c, c, 0) : total<Square, T>(a + at, b + at, bytes, c, c, 0);
        store<f64>(sums(), sum);
      } else if (half == 0) columns<Plain, T>(sums(), a + at, b + at, n, row, bytes, c, 16, c);
      else if (back) columns<Along, T>(sums(), a + at, b + at, n, row, bytes, c, 16, ones());
      else columns<Square, T>(sums(), a + at, b + at, n, row, bytes, c, 16, c);
      for (let j: usize = 0; j < <usize>count; j++) {
        let x = load<f64>(sums() + (j << 3));
        if (half == 0 && !back) {
          const mean = <T>(x / <f64>n);
          store<T>(c + j * sizeof<T>(), mean);
          x = <f64>mean;
        }
        store<f64>(to + (j << 4) + (half << 3), x);
      }
      if (runs && half == 0 && !back) v128.store(c, v128.load_splat<T>(c));
    }
  }
}

function run<T>(s: usize, phase: i32, tile: i32, back: bool): void {
  if (int(s, f.form) == LINES) {
    if (!back) forwardLines<T>(s, tile);
    else if (phase == 0) backwardLines<T>(s, tile);
    else joinLines<T>(s, tile);
  } else if (phase == 1) combine<T>(s, tile, back);
  else if (phase == 2 || back || !int(s, f.fixed)) pieces<T>(s, tile, phase == 2, back);
}

export function normalization(s: usize, phase: i32, tile: i32): void {
  if (dtype(s, 3) == F32) run<f32>(s, phase, tile, false);
  else run<f64>(s, phase, tile, false);
}
export function normalizationBackward(s: usize, phase: i32, tile: i32): void {
  if (dtype(s, 3) == F32) run<f32>(s, phase, tile, true);
  else run<f64>(s, phase, tile, true);
}
