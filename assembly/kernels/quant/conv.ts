// Convolutions of bytes, exact in int32, brought to bytes again in the last pass. Images are [n, h, w, c], weights [out, h, w, c], those of
// depthwise convolutions [h, w, out]. Patches of pixels are widened to 16 bits less the zero point, in pairs, and multiplied by tile().
import { integerConvolution as f, integerDepthwise as d } from '../../gen/fields';
import { F64, I8, dtype, int, operand } from '../../step';
import { scratch } from '../../threads';
import { tile } from '../gemm/bytes';
import { bytes, prepareLane, scaledLanes, widen } from './lanes';

/** Bytes of what brings four sums to the result: bias, then multipliers (see `prepare`). */
const FOUR: usize = 96;
/** Where a thread's scratch holds the sums of a tile, the numbers of eight outputs, and patches. */
const NUMBERS: usize = 128;
const PATCHES: usize = 512;
/** Bytes of patches at once. */
const ROOM: usize = 400000;
/** Outputs that one unit packs. */
export const GROUP: i32 = 16;

@inline function byte(p: usize, signed: bool): i32 { return signed ? <i32>load<i8>(p) : <i32>load<u8>(p); }
/** n bytes less z as 16-bit integers. */
function widenRun(n: i32, p: usize, signed: bool, zero: i32, to: usize): void {
  const z = i16x8.splat(<i16>zero);
  for (; n >= 8; n -= 8, p += 8, to += 16) v128.store(to, widen(p, signed, z));
  for (; n > 0; n--, p++, to += 2) store<i16>(to, <i16>(byte(p, signed) - zero));
}

/** The numbers of outputs o to o + 4 at `at`: the bias; then fixed-point multipliers as lanes.ts has them, or two pairs of float64. */
function prepare(at: usize, o: i32, outs: i32, bias: usize, scales: usize, count: i32, real: bool): void {
  for (let k = 0; k < 4; k++) {
    const lane = <usize>k << 2, c = min(o + k, outs - 1), s: usize = count == 1 ? 0 : c;
    store<i32>(at + lane, bias ? load<i32>(bias + (<usize>c << 2)) : 0);
    if (real) {
      store<f64>(at + 16 + (<usize>k << 3), load<f64>(scales + (s << 3)));
      continue;
    }
    prepareLane(at + 16 + lane, load<i32>(scales + (s << 2)), load<i32>(scales + ((<usize>count + s) << 2)));
  }
}
/** Real numbers to the nearest integers, ties away from zero. */
@inline function nearest(v: v128): v128 {
  const half = v128.or(v128.and(v, f64x2.splat(-0.0)), f64x2.splat(0.49999999999999994));
  return i32x4.trunc_sat_f64x2_s_zero(f64x2.trunc(f64x2.add(v, half)));
}
/** Four sums at the scale of the result. */
@inline function finish(sum: v128, at: usize, real: bool): v128 {
  let v = i32x4.add(sum, v128.load(at));
  if (real) {
    const a = nearest(f64x2.mul(f64x2.convert_low_i32x4_s(v), v128.load(at, 16)));
    const b = nearest(f64x2.mul(f64x2.convert_low_i32x4_s(v128.shuffle<i64>(v, v, 1, 1)), v128.load(at, 32)));
    return v128.shuffle<i64>(a, b, 0, 2);
  }
  return scaledLanes(v, at + 16);
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
  const oh = int(s, f.oh), ow = int(s, f.ow), sh = int(s, f.sh), sw = int(s, f.sw), dh = int(s, f.dh), dw = int(s, f.dw);
  const top = int(s, f.top), left = int(s, f.left), per = int(s, f.per), pixels = int(s, f.pixels), xZero = int(s, f.xZero);
  const x = operand(s, 1), y = operand(s, 0), bias = int(s, f.bias) ? operand(s, 3) : 0, scales = operand(s, 4);
  const from = dtype(s, 1) == I8, to = dtype(s, 0) == I8, real = dtype(s, 4) == F64, row = <usize>pairs << 2;
  const zero = i32x4.splat(int(s, f.zero)), low = i32x4.splat(int(s, f.low)), high = i32x4.splat(int(s, f.high));
  const most = max(4, <i32>(ROOM / row) & -4), patches = scratch + PATCHES, numbers = scratch + NUMBERS;
  for (let first = index * per, end = min(pixels, first + per); first < end; first += most) {
    const count = min(most, end - first);
    for (let i = 0; i < count; i++) {
      const pixel = first + i, image = pixel / (oh * ow), rest = pixel - image * oh * ow, py = rest / ow, px = rest - py * ow;
      const x0 = px * sw - left;
      let p = patches + <usize>i * row;
      if (k & 1) store<i16>(p + (<usize>k << 1), 0);
      for (let ky = 0; ky < kh; ky++) {
        const iy = py * sh - top + ky * dh, line = x + <usize>((image * h + iy) * w) * c;
        if (iy < 0 || iy >= h) {
          memory.fill(p, 0, <usize>(kw * c) << 1);
          p += <usize>(kw * c) << 1;
        } else if (dw == 1 && x0 >= 0 && x0 + kw <= w) {
          widenRun(kw * c, line + <usize>(x0 * c), from, xZero, p);
          p += <usize>(kw * c) << 1;
        } else for (let kx = 0; kx < kw; kx++, p += <usize>c << 1) {
          const ix = x0 + kx * dw;
          if (ix < 0 || ix >= w) memory.fill(p, 0, <usize>c << 1);
          else widenRun(c, line + <usize>(ix * c), from, xZero, p);
        }
      }
    }
    for (let j = 0; j < panels; j++) {
      const o = j << 3, wide = min(outs - o, 8);
      prepare(numbers, o, outs, bias, scales, int(s, f.scales), real);
      prepare(numbers + FOUR, o + 4, outs, bias, scales, int(s, f.scales), real);
      for (let i = 0; i < count; i += 4) {
        tile(pairs, patches + <usize>i * row, row, packed + <usize>j * panel, scratch, 32);
        const rows = min(count - i, 4);
        for (let r = 0; r < rows; r++) {
          const sums = scratch + (<usize>r << 5), out = y + <usize>(first + i + r) * outs + o;
          const v = bytes(finish(v128.load(sums), numbers, real), finish(v128.load(sums, 16), numbers + FOUR, real), zero, low, high, to);
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

/** Eight channels under each tap; `times` outputs for each channel of the image. */
export function integerDepthwise(s: usize, phase: i32, index: i32): void {
  const h = int(s, d.h), w = int(s, d.w), c = int(s, d.c), outs = int(s, d.outs), kh = int(s, d.kh), kw = int(s, d.kw);
  const oh = int(s, d.oh), ow = int(s, d.ow), sh = int(s, d.sh), sw = int(s, d.sw), dh = int(s, d.dh), dw = int(s, d.dw);
  const top = int(s, d.top), left = int(s, d.left), per = int(s, d.per), lines = int(s, d.lines), times = outs / c;
  const xZero = int(s, d.xZero), wZero = int(s, d.wZero), xz = i16x8.splat(<i16>xZero), wz = i16x8.splat(<i16>wZero);
  const x = operand(s, 1), weight = operand(s, 2), bias = int(s, d.bias) ? operand(s, 3) : 0, scales = operand(s, 4);
  const from = dtype(s, 1) == I8, held = dtype(s, 2) == I8, to = dtype(s, 0) == I8, real = dtype(s, 4) == F64;
  const zero = i32x4.splat(int(s, d.zero)), low = i32x4.splat(int(s, d.low)), high = i32x4.splat(int(s, d.high));
  const numbers = scratch + NUMBERS, spare = scratch;
  const start = index * per, end = min(lines, start + per);
  const taps = scratch + PATCHES, step = <usize>dw * c, fits = kh * kw <= 4096;
  for (let o = 0; o < outs; o += 8) {
    const wide = min(outs - o, 8), quick = wide == 8 && times == 1 && fits;
    prepare(numbers, o, outs, bias, scales, int(s, d.scales), real);
    prepare(numbers + FOUR, o + 4, outs, bias, scales, int(s, d.scales), real);
    if (quick) for (let t = 0; t < kh * kw; t++) v128.store(taps + (<usize>t << 4), widen(weight + <usize>t * outs + o, held, wz));
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
          if (quick) {
            p += o;
            const stop = taps + (<usize>(ky * kw + last) << 4);
            for (let t = taps + (<usize>(ky * kw + first) << 4); t < stop; t += 16, p += step) {
              const u = widen(p, from, xz), v = v128.load(t);
              a = i32x4.add(a, i32x4.extmul_low_i16x8_s(u, v));
              b = i32x4.add(b, i32x4.extmul_high_i16x8_s(u, v));
            }
          } else for (let kx = first; kx < last; kx++, p += step) {
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
        const r = bytes(finish(a, numbers, real), finish(b, numbers + FOUR, real), zero, low, high, to);
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
