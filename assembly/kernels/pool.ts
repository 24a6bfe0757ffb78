// Pooling over channels-last images, vectorised over channels, float32 and float64. All pooling rows have the fields of maxPool.
import { maxPool as f } from '../gen/fields';
import { F64, int, operand, type } from '../step';
import { fail, scratch } from '../threads';

function putPart(p: usize, a: v128, b: v128, c: v128, d: v128, n: usize): void {
  v128.store(scratch, a);
  v128.store(scratch, b, 16);
  v128.store(scratch, c, 32);
  v128.store(scratch, d, 48);
  memory.copy(p, scratch, n);
}
/** Stores the first n of 64 bytes: a pixel's channels are taken in blocks of 64 bytes, the last one with what follows it. */
@inline function put(p: usize, a: v128, b: v128, c: v128, d: v128, n: usize): void {
  if (n < 64) putPart(p, a, b, c, d, n);
  else {
    v128.store(p, a);
    v128.store(p, b, 16);
    v128.store(p, c, 32);
    v128.store(p, d, 48);
  }
}

/** Stores the first n of 32 bytes. */
@inline function putPair(p: usize, a: v128, b: v128, n: usize): void {
  if (n < 32) putPart(p, a, b, a, b, n);
  else {
    v128.store(p, a);
    v128.store(p, b, 16);
  }
}
/** An index in every lane. */
@inline function places<T>(i: i32): v128 { return sizeof<T>() == 4 ? i32x4.splat(i) : i64x2.splat(<i64>i); }

/** First and one past the last of `size` positions in part o of an adaptive cut into `parts`. */
@inline function cutStart(o: i32, size: i32, parts: i32): i32 { return <i32>(<i64>o * size / parts); }
@inline function cutEnd(o: i32, size: i32, parts: i32): i32 { return <i32>((<i64>(o + 1) * size + parts - 1) / parts); }
/** First and one past the last position under window o of dimension d, without the padding's bounds. */
function windowStart(s: usize, d: i32, o: i32): i32 {
  if (int(s, f.adaptive)) return cutStart(o, int(s, f.sizeD + d), int(s, f.outD + d));
  return o * int(s, f.strideD + d) - int(s, f.paddingD + d);
}
function windowEnd(s: usize, d: i32, o: i32): i32 {
  if (int(s, f.adaptive)) return cutEnd(o, int(s, f.sizeD + d), int(s, f.outD + d));
  return windowStart(s, d, o) + (int(s, f.kernelD + d) - 1) * int(s, f.dilationD + d) + 1;
}
/** The first position of a window that lies inside the image. */
function inside(from: i32, dilation: i32): i32 { return from < 0 ? from + (dilation - 1 - from) / dilation * dilation : from; }

/** Maxima and their indices in the image; the first of equals, the last of NaNs, as in PyTorch. */
function maxima<T>(s: usize, tile: i32): void {
  const channels = int(s, f.channels), depth = int(s, f.sizeD), height = int(s, f.sizeH), width = int(s, f.sizeW);
  const outD = int(s, f.outD), outH = int(s, f.outH), outW = int(s, f.outW);
  const dd = int(s, f.dilationD), dh = int(s, f.dilationH), dw = int(s, f.dilationW);
  const pixel = <usize>channels * sizeof<T>(), per = int(s, f.per), end = min((tile + 1) * per, int(s, f.units));
  for (let l = tile * per; l < end; l++) {
    const oy = l % outH, oz = l / outH % outD;
    let y = operand(s, 0) + <usize>(l * outW) * pixel, index = operand(s, 1) + (<usize>(l * outW * channels) << 3);
    const image = operand(s, 2) + <usize>(l / outH / outD * (depth * height * width)) * pixel;
    const z0 = inside(windowStart(s, 0, oz), dd), z1 = min(windowEnd(s, 0, oz), depth);
    const y0 = inside(windowStart(s, 1, oy), dh), y1 = min(windowEnd(s, 1, oy), height);
    for (let ox = 0; ox < outW; ox++, y += pixel, index += <usize>channels << 3) {
      const x0 = inside(windowStart(s, 2, ox), dw), x1 = min(windowEnd(s, 2, ox), width);
      const first = (min(z0, depth - 1) * height + min(y0, height - 1)) * width + min(x0, width - 1);
      const none = v128.splat<T>(<T>-Infinity), start = places<T>(first);
      for (let c: usize = 0; c < pixel; c += 32) {
        let a = none, b = none, atA = start, atB = start;
        for (let iz = z0; iz < z1; iz += dd)
          for (let iy = y0; iy < y1; iy += dh) {
            let i = (iz * height + iy) * width + x0, p = image + <usize>i * pixel + c;
            for (let ix = x0; ix < x1; ix += dw, i += dw, p += <usize>dw * pixel) {
              const at = places<T>(i), v = v128.load(p), w = v128.load(p, 16);
              const moreA = v128.or(v128.gt<T>(v, a), v128.ne<T>(v, v)), moreB = v128.or(v128.gt<T>(w, b), v128.ne<T>(w, w));
              a = v128.bitselect(v, a, moreA);
              b = v128.bitselect(w, b, moreB);
              atA = v128.bitselect(at, atA, moreA);
              atB = v128.bitselect(at, atB, moreB);
            }
          }
        const left = min<usize>(pixel - c, 32);
        putPair(y + c, a, b, left);
        if (sizeof<T>() == 4)
          put(
            index + 2 * c, i64x2.extend_low_i32x4_s(atA), i64x2.extend_high_i32x4_s(atA), i64x2.extend_low_i32x4_s(atB),
            i64x2.extend_high_i32x4_s(atB), left << 1,
          );
        else putPair(index + c, atA, atB, left);
      }
    }
  }
}

@inline function plane(s: usize, d: i32): i32 { return int(s, d) * int(s, d + 1) * int(s, d + 2); }

/** Adds each gradient to the element that it came from: a unit is one image and a block of channels, in the order of the pixels. */
function scatter<T>(s: usize, tile: i32): void {
  const channels = int(s, f.channels), volume = plane(s, f.sizeD), pixels = plane(s, f.outD);
  const blocks = (channels + 15) >> 4, pixel = <usize>channels * sizeof<T>();
  const per = int(s, f.per), end = min((tile + 1) * per, int(s, f.units));
  for (let u = tile * per; u < end; u++) {
    const n = u / blocks, c0 = (u % blocks) << 4, c1 = min(c0 + 16, channels);
    const from = <usize>c0 * sizeof<T>(), bytes = <usize>(c1 - c0) * sizeof<T>();
    const x = operand(s, 0) + <usize>(n * volume) * pixel;
    if (blocks == 1) memory.fill(x, 0, <usize>volume * pixel);
    else for (let i = 0, p = x + from; i < volume; i++, p += pixel) memory.fill(p, 0, bytes);
    let dy = operand(s, 1) + <usize>(n * pixels) * pixel, index = operand(s, 2) + (<usize>(n * pixels * channels) << 3);
    for (let i = 0; i < pixels; i++, dy += pixel, index += <usize>channels << 3)
      for (let c = c0; c < c1; c++) {
        const at = load<i64>(index + (<usize>c << 3));
        if (<u64>at >= <u64>volume) {
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
  const channels = int(s, f.channels), volume = plane(s, f.sizeD), lines = int(s, f.outD) * int(s, f.outH), outW = int(s, f.outW);
  const pixel = <usize>channels * sizeof<T>(), per = int(s, f.per), end = min((tile + 1) * per, int(s, f.units));
  for (let l = tile * per; l < end; l++) {
    const x = operand(s, 1) + <usize>(l / lines * volume) * pixel;
    let y = operand(s, 0) + <usize>(l * outW) * pixel, index = operand(s, 2) + (<usize>(l * outW * channels) << 3);
    for (let i = 0; i < outW; i++)
      for (let c = 0; c < channels; c++, y += sizeof<T>(), index += 8) {
        const at = load<i64>(index);
        if (<u64>at >= <u64>volume) fail(1, <i32>at);
        store<T>(y, <u64>at < <u64>volume ? load<T>(x + <usize>at * pixel + <usize>c * sizeof<T>()) : <T>0);
      }
  }
}

/** Positions of window o of dimension d that count. */
function counted(s: usize, d: i32, o: i32): i32 {
  const size = int(s, f.sizeD + d), from = windowStart(s, d, o), to = windowEnd(s, d, o);
  return int(s, f.countPadding) ? min(to, size + int(s, f.paddingD + d)) - from : min(to, size) - max(from, 0);
}
/** What a window divides by, of which `lines` count in depth and height. */
@inline function divisor(s: usize, lines: i32, ox: i32): i32 {
  return int(s, f.divisor) ? int(s, f.divisor) : lines * counted(s, 2, ox);
}

/** Sums over windows, divided. A unit is one output line. */
function averages<T>(s: usize, tile: i32): void {
  const channels = int(s, f.channels), depth = int(s, f.sizeD), height = int(s, f.sizeH), width = int(s, f.sizeW);
  const outD = int(s, f.outD), outH = int(s, f.outH), outW = int(s, f.outW);
  const pixel = <usize>channels * sizeof<T>(), per = int(s, f.per), end = min((tile + 1) * per, int(s, f.units));
  for (let l = tile * per; l < end; l++) {
    const oy = l % outH, oz = l / outH % outD, image = operand(s, 1) + <usize>(l / outH / outD * (depth * height * width)) * pixel;
    let y = operand(s, 0) + <usize>(l * outW) * pixel;
    const lines = counted(s, 0, oz) * counted(s, 1, oy);
    const z0 = max(windowStart(s, 0, oz), 0), z1 = min(windowEnd(s, 0, oz), depth);
    const y0 = max(windowStart(s, 1, oy), 0), y1 = min(windowEnd(s, 1, oy), height);
    for (let ox = 0; ox < outW; ox++, y += pixel) {
      const x0 = max(windowStart(s, 2, ox), 0), x1 = min(windowEnd(s, 2, ox), width), by = v128.splat<T>(<T>divisor(s, lines, ox));
      for (let c: usize = 0; c < pixel; c += 64) {
        let s0 = i32x4.splat(0), s1 = s0, s2 = s0, s3 = s0;
        for (let iz = z0; iz < z1; iz++)
          for (let iy = y0; iy < y1; iy++) {
            let p = image + <usize>((iz * height + iy) * width + x0) * pixel + c;
            for (let ix = x0; ix < x1; ix++, p += pixel) {
              s0 = v128.add<T>(s0, v128.load(p));
              s1 = v128.add<T>(s1, v128.load(p, 16));
              s2 = v128.add<T>(s2, v128.load(p, 32));
              s3 = v128.add<T>(s3, v128.load(p, 48));
            }
          }
        put(y + c, v128.div<T>(s0, by), v128.div<T>(s1, by), v128.div<T>(s2, by), v128.div<T>(s3, by), min<usize>(pixel - c, 64));
      }
    }
  }
}

/** First and one past the last window of dimension d that holds position i. */
function firstHolder(s: usize, d: i32, i: i32): i32 {
  const k = int(s, f.kernelD + d), p = i + int(s, f.paddingD + d);
  if (int(s, f.adaptive)) return cutStart(i, int(s, f.outD + d), int(s, f.sizeD + d));
  return p < k ? 0 : (p - k) / int(s, f.strideD + d) + 1;
}
function lastHolder(s: usize, d: i32, i: i32): i32 {
  const out = int(s, f.outD + d);
  if (int(s, f.adaptive)) return cutEnd(i, out, int(s, f.sizeD + d));
  return min(out, (i + int(s, f.paddingD + d)) / int(s, f.strideD + d) + 1);
}

/** Each input pixel sums the divided gradients of the windows that hold it. A unit is one input line. */
function spread<T>(s: usize, tile: i32): void {
  const channels = int(s, f.channels), depth = int(s, f.sizeD), height = int(s, f.sizeH), width = int(s, f.sizeW);
  const outD = int(s, f.outD), outH = int(s, f.outH), outW = int(s, f.outW);
  const pixel = <usize>channels * sizeof<T>(), per = int(s, f.per), end = min((tile + 1) * per, int(s, f.units));
  for (let l = tile * per; l < end; l++) {
    const iy = l % height, iz = l / height % depth, dy = operand(s, 1) + <usize>(l / height / depth * (outD * outH * outW)) * pixel;
    let x = operand(s, 0) + <usize>(l * width) * pixel;
    const z0 = firstHolder(s, 0, iz), z1 = lastHolder(s, 0, iz), y0 = firstHolder(s, 1, iy), y1 = lastHolder(s, 1, iy);
    let known = -1, by = i32x4.splat(0);
    for (let ix = 0; ix < width; ix++, x += pixel) {
      const x0 = firstHolder(s, 2, ix), x1 = lastHolder(s, 2, ix);
      for (let c: usize = 0; c < pixel; c += 64) {
        let s0 = i32x4.splat(0), s1 = s0, s2 = s0, s3 = s0;
        for (let oz = z0; oz < z1; oz++)
          for (let oy = y0; oy < y1; oy++)
            for (let ox = x0; ox < x1; ox++) {
              const o = (oz * outH + oy) * outW + ox, p = dy + <usize>o * pixel + c;
              if (o != known) {
                by = v128.splat<T>(<T>divisor(s, counted(s, 0, oz) * counted(s, 1, oy), ox));
                known = o;
              }
              s0 = v128.add<T>(s0, v128.div<T>(v128.load(p), by));
              s1 = v128.add<T>(s1, v128.div<T>(v128.load(p, 16), by));
              s2 = v128.add<T>(s2, v128.div<T>(v128.load(p, 32), by));
              s3 = v128.add<T>(s3, v128.div<T>(v128.load(p, 48), by));
            }
        put(x + c, s0, s1, s2, s3, min<usize>(pixel - c, 64));
      }
    }
  }
}

export function maxPool(s: usize, phase: i32, tile: i32): void {
  if (type(s) == F64) maxima<f64>(s, tile);
  else maxima<f32>(s, tile);
}
export function maxPoolBackward(s: usize, phase: i32, tile: i32): void {
  if (type(s) == F64) scatter<f64>(s, tile);
  else scatter<f32>(s, tile);
}
export function maxPoolGather(s: usize, phase: i32, tile: i32): void {
  if (type(s) == F64) collect<f64>(s, tile);
  else collect<f32>(s, tile);
}
export function avgPool(s: usize, phase: i32, tile: i32): void {
  if (type(s) == F64) averages<f64>(s, tile);
  else averages<f32>(s, tile);
}
export function avgPoolBackward(s: usize, phase: i32, tile: i32): void {
  if (type(s) == F64) spread<f64>(s, tile);
  else spread<f32>(s, tile);
}
