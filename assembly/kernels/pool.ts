// Pooling over channels-last images, vectorised over channels, float32 and float64. All pooling rows have the fields of maxPool2d.
import { maxPool2d as f } from '../gen/fields';
import { F64, int, operand, type } from '../step';
import { fail, scratch } from '../threads';

@inline function storePart(p: usize, v: v128, n: usize): void {
  if (n >= 16) v128.store(p, v);
  else {
    v128.store(scratch, v);
    memory.copy(p, scratch, n);
  }
}

/** First and one past the last input position of window o of an adaptive pool, and first and one past the last window of input i. */
@inline function adaptiveStart(o: i32, size: i32, outSize: i32): i32 { return <i32>(<i64>o * size / outSize); }
@inline function adaptiveEnd(o: i32, size: i32, outSize: i32): i32 { return <i32>((<i64>(o + 1) * size + outSize - 1) / outSize); }

/** Maxima and their indices in the plane; the first of equals, the last of NaNs, as in PyTorch. */
function maxima<T>(s: usize, tile: i32): void {
  const channels = int(s, f.channels), height = int(s, f.height), width = int(s, f.width);
  const outH = int(s, f.outHeight), outW = int(s, f.outWidth);
  const kh = int(s, f.kernelH), kw = int(s, f.kernelW), dh = int(s, f.dilationH), dw = int(s, f.dilationW), adaptive = int(s, f.adaptive);
  const pixel = <usize>channels * sizeof<T>(), per = int(s, f.per), end = min((tile + 1) * per, int(s, f.units));
  for (let l = tile * per; l < end; l++) {
    const n = l / outH, oy = l % outH;
    let y = operand(s, 0) + <usize>(l * outW) * pixel, index = operand(s, 1) + (<usize>(l * outW * channels) << 3);
    const image = operand(s, 2) + <usize>(n * height * width) * pixel;
    let y0 = adaptive ? adaptiveStart(oy, height, outH) : oy * int(s, f.strideH) - int(s, f.paddingH);
    const y1 = adaptive ? adaptiveEnd(oy, height, outH) : min(y0 + (kh - 1) * dh + 1, height);
    while (y0 < 0) y0 += dh;
    for (let ox = 0; ox < outW; ox++, y += pixel, index += <usize>channels << 3) {
      let x0 = adaptive ? adaptiveStart(ox, width, outW) : ox * int(s, f.strideW) - int(s, f.paddingW);
      const x1 = adaptive ? adaptiveEnd(ox, width, outW) : min(x0 + (kw - 1) * dw + 1, width);
      while (x0 < 0) x0 += dw;
      const first = min(y0, height - 1) * width + min(x0, width - 1);
      for (let c: usize = 0; c < pixel; c += 16) {
        let best = v128.splat<T>(<T>-Infinity), at = sizeof<T>() == 4 ? i32x4.splat(first) : i64x2.splat(<i64>first);
        for (let iy = y0; iy < y1; iy += dh)
          for (let ix = x0; ix < x1; ix += dw) {
            const i = iy * width + ix, v = v128.load(image + <usize>i * pixel + c);
            const better = v128.or(v128.gt<T>(v, best), v128.ne<T>(v, v));
            best = v128.bitselect(v, best, better);
            at = v128.bitselect(sizeof<T>() == 4 ? i32x4.splat(i) : i64x2.splat(<i64>i), at, better);
          }
        const left = min<usize>(pixel - c, 16);
        storePart(y + c, best, left);
        if (sizeof<T>() == 4) {
          storePart(index + 2 * c, i64x2.extend_low_i32x4_s(at), min<usize>(left << 1, 16));
          if (left > 8) storePart(index + 2 * c + 16, i64x2.extend_high_i32x4_s(at), (left << 1) - 16);
        } else storePart(index + c, at, left);
      }
    }
  }
}

/** Adds each gradient to the element that it came from: a unit is one image and a block of channels, in the order of the pixels. */
function scatter<T>(s: usize, tile: i32): void {
  const channels = int(s, f.channels), plane = int(s, f.height) * int(s, f.width), pixels = int(s, f.outHeight) * int(s, f.outWidth);
  const blocks = (channels + 15) >> 4, pixel = <usize>channels * sizeof<T>();
  const per = int(s, f.per), end = min((tile + 1) * per, int(s, f.units));
  for (let u = tile * per; u < end; u++) {
    const n = u / blocks, c0 = (u % blocks) << 4, c1 = min(c0 + 16, channels);
    const from = <usize>c0 * sizeof<T>(), bytes = <usize>(c1 - c0) * sizeof<T>();
    const x = operand(s, 0) + <usize>(n * plane) * pixel;
    for (let i = 0, p = x + from; i < plane; i++, p += pixel) memory.fill(p, 0, bytes);
    let dy = operand(s, 1) + <usize>(n * pixels) * pixel, index = operand(s, 2) + (<usize>(n * pixels * channels) << 3);
    for (let i = 0; i < pixels; i++, dy += pixel, index += <usize>channels << 3)
      for (let c = c0; c < c1; c++) {
        const at = load<i64>(index + (<usize>c << 3));
        if (<u64>at >= <u64>plane) {
          fail(1, <i32>at);
          continue;
        }
        const p = x + <usize>at * pixel + <usize>c * sizeof<T>();
        store<T>(p, <T>(load<T>(p) + load<T>(dy + <usize>c * sizeof<T>())));
      }
  }
}

/** The inverse: reads each element that an index names. A unit is one output line. */
function collect<T>(s: usize, tile: i32): void {
  const channels = int(s, f.channels), plane = int(s, f.height) * int(s, f.width), outH = int(s, f.outHeight), outW = int(s, f.outWidth);
  const pixel = <usize>channels * sizeof<T>(), per = int(s, f.per), end = min((tile + 1) * per, int(s, f.units));
  for (let l = tile * per; l < end; l++) {
    const x = operand(s, 1) + <usize>(l / outH * plane) * pixel;
    let y = operand(s, 0) + <usize>(l * outW) * pixel, index = operand(s, 2) + (<usize>(l * outW * channels) << 3);
    for (let i = 0; i < outW; i++)
      for (let c = 0; c < channels; c++, y += sizeof<T>(), index += 8) {
        const at = load<i64>(index);
        if (<u64>at >= <u64>plane) fail(1, <i32>at);
        store<T>(y, <u64>at < <u64>plane ? load<T>(x + <usize>at * pixel + <usize>c * sizeof<T>()) : <T>0);
      }
  }
}

/** What window (oy, ox) of an average pool divides by. */
@inline function divisor(s: usize, oy: i32, ox: i32): i32 {
  const height = int(s, f.height), width = int(s, f.width);
  if (int(s, f.adaptive)) {
    const outH = int(s, f.outHeight), outW = int(s, f.outWidth);
    const rows = adaptiveEnd(oy, height, outH) - adaptiveStart(oy, height, outH);
    return rows * (adaptiveEnd(ox, width, outW) - adaptiveStart(ox, width, outW));
  }
  if (int(s, f.divisor)) return int(s, f.divisor);
  const ph = int(s, f.paddingH), pw = int(s, f.paddingW);
  const y0 = oy * int(s, f.strideH) - ph, x0 = ox * int(s, f.strideW) - pw;
  const y1 = min(y0 + int(s, f.kernelH), height + ph), x1 = min(x0 + int(s, f.kernelW), width + pw);
  if (int(s, f.countPadding)) return (y1 - y0) * (x1 - x0);
  return (min(y1, height) - max(y0, 0)) * (min(x1, width) - max(x0, 0));
}

/** Sums over windows, divided. A unit is one output line. */
function averages<T>(s: usize, tile: i32): void {
  const channels = int(s, f.channels), height = int(s, f.height), width = int(s, f.width);
  const outH = int(s, f.outHeight), outW = int(s, f.outWidth);
  const kh = int(s, f.kernelH), kw = int(s, f.kernelW), adaptive = int(s, f.adaptive);
  const pixel = <usize>channels * sizeof<T>(), per = int(s, f.per), end = min((tile + 1) * per, int(s, f.units));
  for (let l = tile * per; l < end; l++) {
    const n = l / outH, oy = l % outH, image = operand(s, 1) + <usize>(n * height * width) * pixel;
    let y = operand(s, 0) + <usize>(l * outW) * pixel;
    const startY = oy * int(s, f.strideH) - int(s, f.paddingH);
    const y0 = adaptive ? adaptiveStart(oy, height, outH) : max(startY, 0);
    const y1 = adaptive ? adaptiveEnd(oy, height, outH) : min(startY + kh, height);
    for (let ox = 0; ox < outW; ox++, y += pixel) {
      const startX = ox * int(s, f.strideW) - int(s, f.paddingW);
      const x0 = adaptive ? adaptiveStart(ox, width, outW) : max(startX, 0);
      const x1 = adaptive ? adaptiveEnd(ox, width, outW) : min(startX + kw, width);
      const by = v128.splat<T>(<T>divisor(s, oy, ox));
      for (let c: usize = 0; c < pixel; c += 16) {
        let sum = i32x4.splat(0);
        for (let iy = y0; iy < y1; iy++) {
          let p = image + <usize>(iy * width + x0) * pixel + c;
          for (let ix = x0; ix < x1; ix++, p += pixel) sum = v128.add<T>(sum, v128.load(p));
        }
        storePart(y + c, v128.div<T>(sum, by), min<usize>(pixel - c, 16));
      }
    }
  }
}

/** Each input pixel sums the divided gradients of the windows that hold it. A unit is one input line. */
function spread<T>(s: usize, tile: i32): void {
  const channels = int(s, f.channels), height = int(s, f.height), width = int(s, f.width);
  const outH = int(s, f.outHeight), outW = int(s, f.outWidth);
  const kh = int(s, f.kernelH), kw = int(s, f.kernelW), sh = int(s, f.strideH), sw = int(s, f.strideW), adaptive = int(s, f.adaptive);
  const pixel = <usize>channels * sizeof<T>(), per = int(s, f.per), end = min((tile + 1) * per, int(s, f.units));
  for (let l = tile * per; l < end; l++) {
    const n = l / height, iy = l % height, dy = operand(s, 1) + <usize>(n * outH * outW) * pixel;
    let x = operand(s, 0) + <usize>(l * width) * pixel;
    const py = iy + int(s, f.paddingH);
    const y0 = adaptive ? adaptiveStart(iy, outH, height) : py < kh ? 0 : (py - kh) / sh + 1;
    const y1 = adaptive ? adaptiveEnd(iy, outH, height) : min(outH, py / sh + 1);
    for (let ix = 0; ix < width; ix++, x += pixel) {
      const px = ix + int(s, f.paddingW);
      const x0 = adaptive ? adaptiveStart(ix, outW, width) : px < kw ? 0 : (px - kw) / sw + 1;
      const x1 = adaptive ? adaptiveEnd(ix, outW, width) : min(outW, px / sw + 1);
      for (let c: usize = 0; c < pixel; c += 16) {
        let sum = i32x4.splat(0);
        for (let oy = y0; oy < y1; oy++)
          for (let ox = x0; ox < x1; ox++)
            sum = v128.add<T>(sum, v128.div<T>(v128.load(dy + <usize>(oy * outW + ox) * pixel + c), v128.splat<T>(<T>divisor(s, oy, ox))));
        storePart(x + c, sum, min<usize>(pixel - c, 16));
      }
    }
  }
}

export function maxPool2d(s: usize, phase: i32, tile: i32): void {
  if (type(s) == F64) maxima<f64>(s, tile);
  else maxima<f32>(s, tile);
}
export function maxPool2dBackward(s: usize, phase: i32, tile: i32): void {
  if (type(s) == F64) scatter<f64>(s, tile);
  else scatter<f32>(s, tile);
}
export function maxPool2dGather(s: usize, phase: i32, tile: i32): void {
  if (type(s) == F64) collect<f64>(s, tile);
  else collect<f32>(s, tile);
}
export function avgPool2d(s: usize, phase: i32, tile: i32): void {
  if (type(s) == F64) averages<f64>(s, tile);
  else averages<f32>(s, tile);
}
export function avgPool2dBackward(s: usize, phase: i32, tile: i32): void {
  if (type(s) == F64) spread<f64>(s, tile);
  else spread<f32>(s, tile);
}
