// Convolutions of bytes, exact in int32, brought to bytes again in the last pass. Images are [n, h, w, c], weights [out, h, w, c], those of
// depthwise convolutions [h, w, out]. Patches of pixels are widened to 16 bits less the zero point, in pairs, and multiplied by tile().
import { integerConvolution as f, integerDepthwise as d } from '../../gen/fields';
import { F32, F64, I32, I8, dtype, int, operand } from '../../step';
import { scratch } from '../../threads';
import { tile } from '../gemm/bytes';
import { bytes, prepareLane, scaledLanes, widen, words } from './lanes';

/** Bytes of what brings four sums to the result: bias, then multipliers (see `prepare`). */
const FOUR: usize = 96;
/** Where a thread's scratch holds the sums of a tile, the numbers of eight outputs, and patches. */
const NUMBERS: usize = 128;
const PATCHES: usize = 512;
/** Bytes of patches at once, or four of them: they stay in the first-level cache for all outputs. */
const ROOM: usize = 16384;
const EIGHT: usize = 2 * FOUR;
/** Bytes that a depthwise convolution may lay out in the scratch. */
const LAID: i32 = 450000;
/** Where the scratch notes whether a multiplier shifts left. */
const LEFTS: usize = 464;
/** How sums are scaled: by fixed-point multipliers, by float64 with ties away from zero, by float32 with ties to even. */
const FIXED: i32 = 0;
const REAL: i32 = 1;
const SINGLE: i32 = 2;
@inline function scaling(s: usize): i32 { return dtype(s, 4) == F64 ? REAL : dtype(s, 4) == F32 ? SINGLE : FIXED; }
/** Outputs that one unit packs. */
export const GROUP: i32 = 16;

@inline function byte(p: usize, signed: bool): i32 { return signed ? <i32>load<i8>(p) : <i32>load<u8>(p); }
/** n bytes less z as 16-bit integers. */
function widenRun(n: i32, p: usize, signed: bool, zero: i32, to: usize): void {
  const z = i16x8.splat(<i16>zero);
  if (n < 8) {
    for (; n > 0; n--, p++, to += 2) store<i16>(to, <i16>(byte(p, signed) - zero));
    return;
  }
  for (; n >= 16; n -= 16, p += 16, to += 32) {
    v128.store(to, widen(p, signed, z));
    v128.store(to, widen(p + 8, signed, z), 16);
  }
  if (n >= 8) {
    v128.store(to, widen(p, signed, z));
    n -= 8;
    p += 8;
    to += 16;
  }
  // The last eight once more, as far as they overlap.
  if (n > 0) v128.store(to - (<usize>(8 - n) << 1), widen(p - (8 - n), signed, z));
}

/** The numbers of outputs o to o + 4 at `at`: the bias; then fixed-point multipliers (lanes.ts), two pairs of float64, or four float32. */
function prepare(at: usize, o: i32, outs: i32, bias: usize, scales: usize, count: i32, kind: i32): void {
  let lefts = load<i32>(scratch, LEFTS);
  for (let k = 0; k < 4; k++) {
    const lane = <usize>k << 2, c = min(o + k, outs - 1), s: usize = count == 1 ? 0 : c;
    store<i32>(at + lane, bias ? load<i32>(bias + (<usize>c << 2)) : 0);
    if (kind == SINGLE) {
      store<f32>(at + 16 + lane, load<f32>(scales + (s << 2)));
      continue;
    }
    if (kind == REAL) {
      store<f64>(at + 16 + (<usize>k << 3), load<f64>(scales + (s << 3)));
      continue;
    }
    const shift = load<i32>(scales + ((<usize>count + s) << 2));
    if (shift > 0) lefts = 1;
    prepareLane(at + 16 + lane, load<i32>(scales + (s << 2)), shift);
  }
  store<i32>(scratch, lefts, LEFTS);
}
/** The numbers of eight outputs. */
function prepareEight(numbers: usize, o: i32, outs: i32, bias: usize, scales: usize, count: i32, kind: i32): void {
  store<i32>(scratch, 0, LEFTS);
  prepare(numbers, o, outs, bias, scales, count, kind);
  prepare(numbers + FOUR, o + 4, outs, bias, scales, count, kind);
}
/** Real numbers to the nearest integers, ties away from zero. */
@inline function nearest(v: v128): v128 {
  const half = v128.or(v128.and(v, f64x2.splat(-0.0)), f64x2.splat(0.49999999999999994));
  return i32x4.trunc_sat_f64x2_s_zero(f64x2.trunc(f64x2.add(v, half)));
}
/** Four sums at the scale of the result. */
@inline function finish(sum: v128, at: usize, kind: i32, lefts: bool): v128 {
  const v = i32x4.add(sum, v128.load(at));
  if (kind == SINGLE) return i32x4.trunc_sat_f32x4_s(f32x4.nearest(f32x4.mul(f32x4.convert_i32x4_s(v), v128.load(at, 16))));
  if (kind == REAL) {
    const a = nearest(f64x2.mul(f64x2.convert_low_i32x4_s(v), v128.load(at, 16)));
    const b = nearest(f64x2.mul(f64x2.convert_low_i32x4_s(v128.shuffle<i64>(v, v, 1, 1)), v128.load(at, 32)));
    return v128.shuffle<i64>(a, b, 0, 2);
  }
  return scaledLanes(v, at + 16, lefts);
}
/** Outputs o to o + 8 of the weight to a panel: for each pair of elements eight pairs; zero outside. */
function packOutputs(w: usize, o: i32, outs: i32, k: i32, pairs: i32, signed: bool, zero: i32, to: usize): void {
  for (let c = 0; c < 8; c++) {
    const row = w + <usize>(o + c) * k;
    let p = to + (<usize>c << 2);
    for (let i = 0; i < pairs; i++, p += 32) {
      const e = i << 1;
      const a = o + c < outs ? byte(row + e, signed) - zero : 0, b = o + c < outs && e + 1 < k ? byte(row + e + 1, signed) - zero : 0;
      store<i32>(p, (a & 0xffff) | (b << 16));
    }
  }
}

/** Patches under `count` pixels of the result from `first` on, widened; zero outside the image. */
function gather(s: usize, first: i32, count: i32, patches: usize, row: usize): void {
  const h = int(s, f.h), w = int(s, f.w), c = int(s, f.c), kh = int(s, f.kh), kw = int(s, f.kw), x = operand(s, 1);
  const oh = int(s, f.oh), ow = int(s, f.ow), sh = int(s, f.sh), sw = int(s, f.sw), dh = int(s, f.dh), dw = int(s, f.dw);
  const top = int(s, f.top), left = int(s, f.left), zero = int(s, f.xZero), from = dtype(s, 1) == I8;
  const k = kh * kw * c, run = kw * c, length = <usize>run << 1;
  let image = first / (oh * ow), py = (first - image * oh * ow) / ow, px = first % ow;
  for (let i = 0; i < count; i++, patches += row) {
    const x0 = px * sw - left, inside = dw == 1 && x0 >= 0 && x0 + kw <= w;
    let p = patches;
    if (k & 1) store<i16>(p + (<usize>k << 1), 0);
    for (let ky = 0, iy = py * sh - top; ky < kh; ky++, iy += dh) {
      const line = x + <usize>((image * h + iy) * w) * c;
      if (iy < 0 || iy >= h) {
        memory.fill(p, 0, length);
        p += length;
      } else if (inside) {
        widenRun(run, line + <usize>(x0 * c), from, zero, p);
        p += length;
      } else for (let kx = 0; kx < kw; kx++, p += <usize>c << 1) {
        const ix = x0 + kx * dw;
        if (ix < 0 || ix >= w) memory.fill(p, 0, <usize>c << 1);
        else widenRun(c, line + <usize>(ix * c), from, zero, p);
      }
    }
    if (++px == ow) {
      px = 0;
      if (++py == oh) {
        py = 0;
        image++;
      }
    }
  }
}

/** Phase 0 packs the weight; phase 1 computes blocks of pixels. */
export function integerConvolution(s: usize, phase: i32, index: i32): void {
  const h = int(s, f.h), w = int(s, f.w), c = int(s, f.c), outs = int(s, f.outs), kh = int(s, f.kh), kw = int(s, f.kw);
  const k = kh * kw * c, pairs = (k + 1) >> 1, panels = (outs + 7) >> 3, panel = <usize>pairs << 5, packed = operand(s, 5);
  if (phase == 0) {
    const signed = dtype(s, 2) == I8, end = min(index * GROUP + GROUP, panels);
    for (let i = index * GROUP; i < end; i++)
      packOutputs(operand(s, 2), i << 3, outs, k, pairs, signed, int(s, f.wZero), packed + <usize>i * panel);
    return;
  }
  const per = int(s, f.per), pixels = int(s, f.pixels), xZero = int(s, f.xZero);
  const x = operand(s, 1), y = operand(s, 0), bias = int(s, f.bias) ? operand(s, 3) : 0, scales = operand(s, 4);
  const from = dtype(s, 1) == I8, to = dtype(s, 0) == I8, whole = dtype(s, 0) == I32, kind = scaling(s), row = <usize>pairs << 2;
  const zero = words(s, f.zero), low = words(s, f.low), high = words(s, f.high);
  // Patches that are the pixels themselves.
  const flat = kh * kw == 1 && !(c & 1) && int(s, f.sh) == 1 && int(s, f.sw) == 1 && int(s, f.top) == 0 && int(s, f.left) == 0
    && int(s, f.oh) == h && int(s, f.ow) == w;
  const most = max(4, <i32>(ROOM / row) & -4), patches = scratch + PATCHES, numbers = scratch + NUMBERS;
  for (let first = index * per, end = min(pixels, first + per); first < end; first += most) {
    const count = min(most, end - first);
    if (flat) widenRun(count * k, x + <usize>first * k, from, xZero, patches);
    else gather(s, first, count, patches, row);
    for (let j = 0; j < panels; j++) {
      const o = j << 3, wide = min(outs - o, 8);
      prepareEight(numbers, o, outs, bias, scales, int(s, f.scales), kind);
      const lefts = load<i32>(scratch, LEFTS) != 0;
      for (let i = 0; i < count; i += 4) {
        tile(pairs, patches + <usize>i * row, row, packed + <usize>j * panel, scratch, 32);
        const rows = min(count - i, 4);
        if (whole) {
          for (let r = 0; r < rows; r++) {
            const sums = scratch + (<usize>r << 5), out = y + (<usize>((first + i + r) * outs + o) << 2);
            v128.store(sums, i32x4.add(v128.load(sums), v128.load(numbers)));
            v128.store(sums, i32x4.add(v128.load(sums, 16), v128.load(numbers + FOUR)), 16);
            memory.copy(out, sums, <usize>wide << 2);
          }
          continue;
        }
        for (let r = 0; r < rows; r++) {
          const sums = scratch + (<usize>r << 5), out = y + <usize>(first + i + r) * outs + o;
          const a = finish(v128.load(sums), numbers, kind, lefts), b = finish(v128.load(sums, 16), numbers + FOUR, kind, lefts);
          const v = bytes(a, b, zero, low, high, to);
          if (wide == 8) v128.store64_lane(out, v, 0);
          else {
            v128.store(sums, v);
            for (let e: usize = 0; e < <usize>wide; e++) store<u8>(out + e, load<u8>(sums + e));
          }
        }
      }
    }
  }
}

/** Eight outputs of one pixel from the sums. */
@inline function put8(
  out: usize, a: v128, b: v128, numbers: usize, kind: i32, lefts: bool, zero: v128, low: v128, high: v128, signed: bool,
): void {
  v128.store64_lane(out, bytes(finish(a, numbers, kind, lefts), finish(b, numbers + FOUR, kind, lefts), zero, low, high, signed), 0);
}
@inline function bytes8(p: usize, signed: bool): v128 {
  const x = v128.load64_zero(p);
  return signed ? i16x8.extend_low_i8x16_s(x) : i16x8.extend_low_i8x16_u(x);
}
@inline function firsts(a: v128, b: v128): v128 { return v128.shuffle<i16>(a, b, 0, 8, 1, 9, 2, 10, 3, 11); }
@inline function lasts(a: v128, b: v128): v128 { return v128.shuffle<i16>(a, b, 4, 12, 5, 13, 6, 14, 7, 15); }

/**
 * Channels up to `all`, whole eights, of lines start to end, where each channel has one output. The taps' pixels, raw, are multiplied in
 * pairs: what their zero point adds is taken off the bias, and taps outside the image read it. Work lies behind PATCHES: numbers and
 * weights of all eights, where the taps lie inside and at a border, and what lies outside.
 */
function ownChannels(s: usize, all: i32, start: i32, end: i32): void {
  const h = int(s, d.h), w = int(s, d.w), c = int(s, d.c), kh = int(s, d.kh), kw = int(s, d.kw), taps = kh * kw, even = (taps + 1) & -2;
  const oh = int(s, d.oh), ow = int(s, d.ow), sh = int(s, d.sh), sw = int(s, d.sw), dh = int(s, d.dh), dw = int(s, d.dw);
  const top = int(s, d.top), left = int(s, d.left), x = operand(s, 1), bias = int(s, d.bias) ? operand(s, 3) : 0, xZero = int(s, d.xZero);
  const from = dtype(s, 1) == I8, held = dtype(s, 2) == I8, to = dtype(s, 0) == I8, kind = scaling(s);
  const zero = words(s, d.zero), low = words(s, d.low), high = words(s, d.high);
  const wz = words(s, d.wZero), ones = i16x8.splat(1), offset = i32x4.splat(xZero);
  const weights = scratch + PATCHES + <usize>(all >> 3) * EIGHT, each = <usize>even << 4, inner = weights + <usize>(all >> 3) * each;
  const length = <usize>even << 2, border = inner + length, outside = border + length;
  memory.fill(outside, <u8>xZero, all);
  store<i32>(scratch, 0, LEFTS);
  for (let o = 0, numbers = scratch + PATCHES, at = weights; o < all; o += 8, numbers += EIGHT) {
    prepare(numbers, o, c, bias, operand(s, 4), int(s, d.scales), kind);
    prepare(numbers + FOUR, o + 4, c, bias, operand(s, 4), int(s, d.scales), kind);
    let a = i32x4.splat(0), b = a;
    for (let t = 0, weight = operand(s, 2) + o; t < even; t += 2, weight += <usize>c << 1, at += 32) {
      const u = widen(weight, held, wz);
      let v = i16x8.splat(0);
      if (t + 1 < taps) v = widen(weight + c, held, wz);
      const p = firsts(u, v), q = lasts(u, v);
      v128.store(at, p);
      v128.store(at, q, 16);
      a = i32x4.add(a, i32x4.dot_i16x8_s(p, ones));
      b = i32x4.add(b, i32x4.dot_i16x8_s(q, ones));
    }
    v128.store(numbers, i32x4.sub(v128.load(numbers), i32x4.mul(a, offset)));
    v128.store(numbers + FOUR, i32x4.sub(v128.load(numbers + FOUR), i32x4.mul(b, offset)));
  }
  const lefts = load<i32>(scratch, LEFTS) != 0, reach = (kw - 1) * dw, step = <usize>(sw * c);
  // The tap that fills the last pair has no weight.
  for (let t = 0; t < even; t++) {
    const tap = min(t, taps - 1), ky = tap / kw;
    store<i32>(inner + (<usize>t << 2), (ky * dh * w + (tap - ky * kw) * dw) * c);
  }
  for (let line = start; line < end; line++) {
    const image = line / oh, y0 = (line - image * oh) * sh - top, rows = y0 >= 0 && y0 + (kh - 1) * dh < h;
    let out = operand(s, 0) + <usize>(line * ow) * <usize>c;
    for (let px = 0; px < ow; ) {
      const x0 = px * sw - left, inside = rows && x0 >= 0;
      let p = x + <usize>(((image * h + y0) * w + x0) * c);
      if (inside && x0 + sw + reach < w && px + 1 < ow) {
        // Two pixels by the same weights.
        let k = weights, y = out;
        for (let numbers = scratch + PATCHES; numbers < weights; numbers += EIGHT, p += 8, y += 8) {
          let e = i32x4.splat(0), f = e, g = e, i = e;
          for (let t = inner; t < border; t += 8, k += 32) {
            const one = p + load<i32>(t), two = p + load<i32>(t, 4), u = v128.load(k), v = v128.load(k, 16);
            const q = bytes8(one, from), r = bytes8(two, from), m = bytes8(one + step, from), n = bytes8(two + step, from);
            e = i32x4.add(e, i32x4.dot_i16x8_s(firsts(q, r), u));
            f = i32x4.add(f, i32x4.dot_i16x8_s(lasts(q, r), v));
            g = i32x4.add(g, i32x4.dot_i16x8_s(firsts(m, n), u));
            i = i32x4.add(i, i32x4.dot_i16x8_s(lasts(m, n), v));
          }
          put8(y, e, f, numbers, kind, lefts, zero, low, high, to);
          put8(y + c, g, i, numbers, kind, lefts, zero, low, high, to);
        }
        px += 2;
        out += <usize>c << 1;
        continue;
      }
      let table = inner;
      if (!inside || x0 + reach >= w) {
        table = border;
        let t = border;
        for (let ky = 0, iy = y0; ky < kh; ky++, iy += dh) for (let kx = 0, ix = x0; kx < kw; kx++, ix += dw, t += 4) {
          const lies = iy >= 0 && iy < h && ix >= 0 && ix < w;
          store<i32>(t, lies ? load<i32>(t - length) : <i32>(outside - p));
        }
        if (even > taps) store<i32>(t, <i32>(outside - p));
      }
      let k = weights, y = out;
      for (let numbers = scratch + PATCHES; numbers < weights; numbers += EIGHT, p += 8, y += 8) {
        let e = i32x4.splat(0), f = e;
        for (let t = table, last = table + length; t < last; t += 8, k += 32) {
          const q = bytes8(p + load<i32>(t), from), r = bytes8(p + load<i32>(t, 4), from);
          e = i32x4.add(e, i32x4.dot_i16x8_s(firsts(q, r), v128.load(k)));
          f = i32x4.add(f, i32x4.dot_i16x8_s(lasts(q, r), v128.load(k, 16)));
        }
        put8(y, e, f, numbers, kind, lefts, zero, low, high, to);
      }
      px++;
      out += c;
    }
  }
}

/** Eight channels under each tap; `times` outputs for each channel of the image. */
export function integerDepthwise(s: usize, phase: i32, index: i32): void {
  const h = int(s, d.h), w = int(s, d.w), c = int(s, d.c), outs = int(s, d.outs), kh = int(s, d.kh), kw = int(s, d.kw);
  const oh = int(s, d.oh), ow = int(s, d.ow), sh = int(s, d.sh), sw = int(s, d.sw), dh = int(s, d.dh), dw = int(s, d.dw);
  const top = int(s, d.top), left = int(s, d.left), per = int(s, d.per), lines = int(s, d.lines), times = outs / c;
  const xZero = int(s, d.xZero), wZero = int(s, d.wZero);
  const x = operand(s, 1), weight = operand(s, 2), bias = int(s, d.bias) ? operand(s, 3) : 0, scales = operand(s, 4);
  const from = dtype(s, 1) == I8, held = dtype(s, 2) == I8, to = dtype(s, 0) == I8, kind = scaling(s);
  const zero = words(s, d.zero), low = words(s, d.low), high = words(s, d.high);
  const numbers = scratch + NUMBERS, spare = scratch;
  const start = index * per, end = min(lines, start + per);
  const step = <usize>dw * c, all = outs & -8, even = <i64>((kh * kw + 1) & -2);
  const quick = times == 1 && (<i64>all >> 3) * (<i64>EIGHT + 8 + (even << 4)) + (even << 3) <= <i64>LAID;
  if (quick && all > 0) ownChannels(s, all, start, end);
  for (let o = quick ? all : 0; o < outs; o += 8) {
    const wide = min(outs - o, 8);
    prepareEight(numbers, o, outs, bias, scales, int(s, d.scales), kind);
    const lefts = load<i32>(scratch, LEFTS) != 0;
    for (let line = start; line < end; line++) {
      const image = line / oh, y0 = (line - image * oh) * sh - top;
      for (let px = 0; px < ow; px++) {
        const x0 = px * sw - left;
        let a = i32x4.splat(0), b = a;
        for (let ky = 0; ky < kh; ky++) {
          const iy = y0 + ky * dh;
          if (iy < 0 || iy >= h) continue;
          // Taps from `first` to `last` lie inside the line.
          const first = x0 < 0 ? (dw - 1 - x0) / dw : 0, last = min(kw, x0 >= w ? 0 : (w - 1 - x0) / dw + 1);
          let p = x + <usize>((image * h + iy) * w + x0 + first * dw) * c;
          for (let kx = first; kx < last; kx++, p += step) {
            const q = weight + <usize>(ky * kw + kx) * outs + o;
            for (let e = 0; e < wide; e++) {
              const at = spare + (<usize>e << 1);
              store<i16>(at, <i16>(byte(p + (o + e) / times, from) - xZero));
              store<i16>(at, <i16>(byte(q + e, held) - wZero), 16);
            }
            const u = v128.load(spare), v = v128.load(spare, 16);
            a = i32x4.add(a, i32x4.extmul_low_i16x8_s(u, v));
            b = i32x4.add(b, i32x4.extmul_high_i16x8_s(u, v));
          }
        }
        const r = bytes(finish(a, numbers, kind, lefts), finish(b, numbers + FOUR, kind, lefts), zero, low, high, to);
        const out = operand(s, 0) + <usize>(line * ow + px) * outs + o;
        if (wide == 8) v128.store64_lane(out, r, 0);
        else {
          v128.store(spare, r);
          for (let e: usize = 0; e < <usize>wide; e++) store<u8>(out + e, load<u8>(spare + e));
        }
      }
    }
  }
}
