// Quantised images [n, h, w, c]: pooling and bilinear resizing.
import { integerPool as f, integerResize as r } from '../../gen/fields';
import { I16, I8, U8, dtype, int, operand } from '../../step';
import { scratch } from '../../threads';
import { clamp, narrow, put } from './fixed';
import { widen } from './lanes';

/** v / n, rounded to nearest, ties away from zero. */
@inline function rounded(v: i32, n: i32): i32 { return (v > 0 ? v + n / 2 : v - n / 2) / n; }

/** Mean (rounded, ties away from zero) or maximum of windows; one tile is `per` lines of the result. */
export function integerPool(s: usize, phase: i32, tile: i32): void {
  const h = int(s, f.h), w = int(s, f.w), c = int(s, f.c), oh = int(s, f.oh), ow = int(s, f.ow), kh = int(s, f.kh), kw = int(s, f.kw);
  const sh = int(s, f.sh), sw = int(s, f.sw), top = int(s, f.top), left = int(s, f.left), low = int(s, f.low), high = int(s, f.high);
  const y = operand(s, 0), x = operand(s, 1), type = dtype(s, 1), mean = int(s, f.mean) != 0, lines = int(s, f.lines), per = int(s, f.per);
  for (let line = tile * per, end = min(lines, line + per); line < end; line++) {
    const image = line / oh, i = line % oh;
    const y0 = max(0, i * sh - top), y1 = min(h, i * sh - top + kh);
    for (let j = 0; j < ow; j++) {
      const x0 = max(0, j * sw - left), x1 = min(w, j * sw - left + kw), count = (y1 - y0) * (x1 - x0);
      let k = 0;
      if (mean && (type == I8 || type == U8)) for (const z = i16x8.splat(0); k + 8 <= c; k += 8) {
        // Eight sums of bytes at once.
        let a = i32x4.splat(0), b = a;
        for (let p = y0; p < y1; p++) for (let q = x0; q < x1; q++) {
          const e = widen(x + <usize>(((image * h + p) * w + q) * c + k), type == I8, z);
          a = i32x4.add(a, i32x4.extend_low_i16x8_s(e));
          b = i32x4.add(b, i32x4.extend_high_i16x8_s(e));
        }
        v128.store(scratch, a);
        v128.store(scratch, b, 16);
        for (let e = 0; e < 8; e++) {
          const v = load<i32>(scratch + (<usize>e << 2));
          put(y, type, <usize>((line * ow + j) * c + k + e), clamp(rounded(v, count), low, high));
        }
      }
      for (; k < c; k++) {
        let v = mean ? 0 : i32.MIN_VALUE;
        for (let p = y0; p < y1; p++) for (let q = x0; q < x1; q++) {
          const e = narrow(x, type, <usize>(((image * h + p) * w + q) * c + k));
          v = mean ? v + e : max(v, e);
        }
        if (mean) v = rounded(v, count);
        put(y, type, <usize>((line * ow + j) * c + k), clamp(v, low, high));
      }
    }
  }
}

/** The place in the source, in 1/1024, and the pixels on both its sides. */
let place: i32 = 0;
let lower: i32 = 0;
let upper: i32 = 0;
@inline function locate(i: i32, scale: i32, centers: bool, size: i32): void {
  place = centers ? i * scale + scale / 2 - (1 << 9) : i * scale;
  lower = max(place / 1024, 0);
  upper = min((place + 1023) / 1024, size - 1);
  lower = min(lower, size - 1);
}

/** Bilinear resizing in 1/1024 of a pixel. */
export function integerResize(s: usize, phase: i32, tile: i32): void {
  const h = int(s, r.h), w = int(s, r.w), c = int(s, r.c), oh = int(s, r.oh), ow = int(s, r.ow);
  const lines = int(s, r.lines), per = int(s, r.per);
  const y = operand(s, 0), x = operand(s, 1), type = dtype(s, 1), centers = int(s, r.centers) != 0;
  for (let line = tile * per, end = min(lines, line + per); line < end; line++) {
    const image = line / oh;
    locate(line % oh, int(s, r.scaleY), centers, h);
    const y0 = lower, y1 = upper, fy = <i64>(place - 1024 * y0);
    for (let j = 0; j < ow; j++) {
      locate(j, int(s, r.scaleX), centers, w);
      const x0 = lower, x1 = upper, fx = <i64>(place - 1024 * x0);
      const a = ((image * h + y0) * w + x0) * c, b = ((image * h + y1) * w + x0) * c;
      const d = ((image * h + y0) * w + x1) * c, e = ((image * h + y1) * w + x1) * c;
      if (type != I16) {
        // Bytes times 2^20 fit 32 bits.
        const gy = <i32>fy, gx = <i32>fx, wa = (1024 - gy) * (1024 - gx), wb = gy * (1024 - gx), wd = (1024 - gy) * gx, we = gy * gx;
        const to = (line * ow + j) * c, signed = type == I8;
        for (let k = 0; k < c; k++) {
          const sum = signed
            ? <i32>load<i8>(x + a + k) * wa + <i32>load<i8>(x + b + k) * wb + <i32>load<i8>(x + d + k) * wd + <i32>load<i8>(x + e + k) * we
            : <i32>load<u8>(x + a + k) * wa + <i32>load<u8>(x + b + k) * wb + <i32>load<u8>(x + d + k) * wd + <i32>load<u8>(x + e + k) * we;
          store<u8>(y + to + k, <u8>((sum + (sum > 0 ? 1 << 19 : -(1 << 19))) / (1 << 20)));
        }
      } else for (let k = 0; k < c; k++) {
        const sum = <i64>narrow(x, type, a + k) * (1024 - fy) * (1024 - fx) + <i64>narrow(x, type, b + k) * fy * (1024 - fx)
          + <i64>narrow(x, type, d + k) * (1024 - fy) * fx + <i64>narrow(x, type, e + k) * fy * fx;
        put(y, type, <usize>((line * ow + j) * c + k), <i32>((sum + (sum > 0 ? 1 << 19 : -(1 << 19))) / (1 << 20)));
      }
    }
  }
}
