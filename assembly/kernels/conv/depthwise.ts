// Convolution with one input and one output per group, vectorised over channels: forward, gradient of the input, gradient of the weight.
import { convolution as f } from '../../gen/fields';
import { int, operand } from '../../step';
import { scratch } from '../../threads';

const TAPS: usize = 64; // in the thread's scratch, after one vector

/** Bytes of a row of channels, rounded up to whole vectors. */
@inline function padded<T>(channels: i32): usize { return (<usize>channels * sizeof<T>() + 15) & ~15; }

/** Stores the first n bytes of a vector. */
@inline function storePart(p: usize, v: v128, n: usize): void {
  if (n >= 16) v128.store(p, v);
  else {
    v128.store(scratch, v);
    memory.copy(p, scratch, n);
  }
}

/** The position that tap r of target i reads, or -1: forward i * stride - padding + r * dilation, backward its inverse. */
@inline function meet(i: i32, r: i32, stride: i32, padding: i32, dilation: i32, size: i32, backward: bool): i32 {
  let t = backward ? i + padding - r * dilation : i * stride - padding + r * dilation;
  if (backward && stride > 1) t = t < 0 || t % stride ? -1 : t / stride;
  return <u32>t < <u32>size ? t : -1;
}

/** Phase 0 turns the weight to [tap, channel]; phase 1 computes lines of the result. Taps are summed in the order of the kernel. */
export function depthwise<T>(s: usize, phase: i32, tile: i32, bias: usize, workspace: usize, backward: bool): void {
  const channels = int(s, f.channels), kh = int(s, f.kernelH), kw = int(s, f.kernelW), area = kh * kw, line = padded<T>(channels);
  if (phase == 0) {
    const w = operand(s, 2);
    for (let t = 0; t < area; t++)
      for (let c = 0; c < channels; c++)
        store<T>(workspace + <usize>t * line + <usize>c * sizeof<T>(), load<T>(w + <usize>(c * area + t) * sizeof<T>()));
    return;
  }
  const sh = int(s, f.strideH), sw = int(s, f.strideW), ph = int(s, f.paddingH);
  const pw = int(s, f.paddingW), dh = int(s, f.dilationH), dw = int(s, f.dilationW);
  const sourceH = int(s, backward ? f.outHeight : f.height), sourceW = int(s, backward ? f.outWidth : f.width);
  const targetH = int(s, backward ? f.height : f.outHeight), targetW = int(s, backward ? f.width : f.outWidth);
  const pixel = <usize>channels * sizeof<T>(), per = int(s, f.per), end = min((tile + 1) * per, int(s, f.units));
  for (let l = tile * per; l < end; l++) {
    const n = l / targetH, ty = l % targetH;
    let y = operand(s, 0) + <usize>(l * targetW) * pixel;
    const image = operand(s, 1) + <usize>(n * sourceH * sourceW) * pixel;
    for (let tx = 0; tx < targetW; tx++, y += pixel) {
      // The taps that meet the image: address of the pixel, address of the weights.
      let taps = scratch + TAPS;
      for (let r = 0; r < kh; r++) {
        const iy = meet(ty, r, sh, ph, dh, sourceH, backward);
        if (iy < 0) continue;
        for (let t = 0; t < kw; t++) {
          const ix = meet(tx, t, sw, pw, dw, sourceW, backward);
          if (ix < 0) continue;
          store<usize>(taps, image + <usize>(iy * sourceW + ix) * pixel);
          store<usize>(taps, workspace + <usize>(r * kw + t) * line, 4);
          taps += 8;
        }
      }
      let c: usize = 0;
      for (; c + 64 <= pixel; c += 64) channels64<T>(taps, c, y, bias);
      for (; c < pixel; c += 16) channels16<T>(taps, c, y, bias, pixel - c);
    }
  }
}

/** 64 bytes of channels of one pixel. */
@inline function channels64<T>(taps: usize, c: usize, y: usize, bias: usize): void {
  let c0 = i32x4.splat(0), c1 = c0, c2 = c0, c3 = c0;
  for (let t = scratch + TAPS; t < taps; t += 8) {
    const p = load<usize>(t) + c, w = load<usize>(t, 4) + c;
    c0 = v128.add<T>(c0, v128.mul<T>(v128.load(p), v128.load(w)));
    c1 = v128.add<T>(c1, v128.mul<T>(v128.load(p, 16), v128.load(w, 16)));
    c2 = v128.add<T>(c2, v128.mul<T>(v128.load(p, 32), v128.load(w, 32)));
    c3 = v128.add<T>(c3, v128.mul<T>(v128.load(p, 48), v128.load(w, 48)));
  }
  if (bias) {
    c0 = v128.add<T>(c0, v128.load(bias + c));
    c1 = v128.add<T>(c1, v128.load(bias + c, 16));
    c2 = v128.add<T>(c2, v128.load(bias + c, 32));
    c3 = v128.add<T>(c3, v128.load(bias + c, 48));
  }
  v128.store(y + c, c0);
  v128.store(y + c, c1, 16);
  v128.store(y + c, c2, 32);
  v128.store(y + c, c3, 48);
}

/** The same for 16 bytes, of which `left` are there. */
@inline function channels16<T>(taps: usize, c: usize, y: usize, bias: usize, left: usize): void {
  let sum = i32x4.splat(0);
  for (let t = scratch + TAPS; t < taps; t += 8)
    sum = v128.add<T>(sum, v128.mul<T>(v128.load(load<usize>(t) + c), v128.load(load<usize>(t, 4) + c)));
  if (bias) sum = v128.add<T>(sum, v128.load(bias + c));
  storePart(y + c, sum, left);
}

/** Phase 0: sums over a chunk of output lines, [chunk, tap, channel] in the workspace; phase 1 adds the chunks in order. */
export function depthwiseWeight<T>(s: usize, phase: i32, tile: i32, workspace: usize): void {
  const channels = int(s, f.channels), kh = int(s, f.kernelH), kw = int(s, f.kernelW), area = kh * kw, line = padded<T>(channels);
  const chunks = int(s, f.chunks), part = <usize>area * line;
  if (phase) {
    const w = operand(s, 0);
    for (let c = 0; c < channels; c++)
      for (let t = 0; t < area; t++) {
        let p = workspace + <usize>t * line + <usize>c * sizeof<T>(), sum: T = <T>0;
        for (let i = 0; i < chunks; i++, p += part) sum = <T>(sum + load<T>(p));
        store<T>(w + <usize>(c * area + t) * sizeof<T>(), sum);
      }
    return;
  }
  const sh = int(s, f.strideH), sw = int(s, f.strideW), ph = int(s, f.paddingH);
  const pw = int(s, f.paddingW), dh = int(s, f.dilationH), dw = int(s, f.dilationW);
  const height = int(s, f.height), width = int(s, f.width), outH = int(s, f.outHeight), outW = int(s, f.outWidth);
  const pixel = <usize>channels * sizeof<T>(), per = int(s, f.pixels), end = min((tile + 1) * per, int(s, f.images) * outH);
  const sums = workspace + <usize>tile * part;
  memory.fill(sums, 0, part);
  for (let l = tile * per; l < end; l++) {
    const n = l / outH, oy = l % outH, dy = operand(s, 1) + <usize>(l * outW) * pixel;
    for (let r = 0; r < kh; r++) {
      const iy = oy * sh - ph + r * dh;
      if (<u32>iy >= <u32>height) continue;
      const row = operand(s, 2) + <usize>((n * height + iy) * width) * pixel;
      for (let t = 0; t < kw; t++) {
        // Output columns whose tap t lies inside the image.
        const shift = t * dw - pw, first = shift < 0 ? (-shift + sw - 1) / sw : 0, last = min(outW, (width - shift + sw - 1) / sw);
        const sum = sums + <usize>(r * kw + t) * line;
        for (let c: usize = 0; c < pixel; c += 16) {
          let v = v128.load(sum + c), p = dy + <usize>first * pixel + c, q = row + <usize>(first * sw + shift) * pixel + c;
          for (let ox = first; ox < last; ox++, p += pixel, q += <usize>sw * pixel)
            v = v128.add<T>(v, v128.mul<T>(v128.load(p), v128.load(q)));
          v128.store(sum + c, v);
        }
      }
    }
  }
}
