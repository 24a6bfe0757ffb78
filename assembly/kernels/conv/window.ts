// What the convolutions share: where the kernel's taps meet a channels-last image. The work is cut into units: rectangles of target pixels
// in one plane. Opening a unit lists its pixels, as pairs of source and target address; the source is the image itself where all taps lie
// inside, else a padded copy of the pixels under the unit, so that every tap is one offset for all pixels. Where such a copy would not
// fit, the pixels' own patches are gathered. The gradient of a strided convolution with respect to its image falls apart into classes of
// image pixels; each sees its own taps and is a convolution of dy with stride 1. Pitches, offsets and runs are bytes.
import { convolution as f } from '../../gen/fields';
import { int } from '../../step';
import { scratch } from '../../threads';

// The thread's scratch: one tile, zeros and limits, the axes, the lists of pixels (1024) and pieces (512), the copy.
export const ZEROS: usize = 64;
export const LIMITS: usize = 96;
const AXES: usize = 128;
export const PIXELS: usize = 512;
export const PIECES: usize = PIXELS + 1024 * 8 + 64;
export const PATCH: usize = PIECES + 512 * 8 + 64;
/** Most elements of one block of taps and channels. */
export const BLOCK: i32 = 512;

/** One dimension of a class: depth, height, width. */
@unmanaged class Axis {
  source: i32; // pixels of the source, of the target
  target: i32;
  first: i32; // first target pixel of the class and the distance of two
  spread: i32;
  grid: i32; // target pixels of the class
  step: i32; // source pixels between two of them
  origin: i32; // source pixel under the first tap of the first
  taps: i32;
  dilation: i32; // source pixels between two taps
  tap: i32; // the kernel's index of the first tap, and the distance to the next
  next: i32;
  start: i32; // pixels of the open unit
  count: i32;
  from: i32; // and the source pixels under it
  extent: i32;
  pitch: usize; // between two pixels of the open source
  /** The kernel's index of tap t of the class. */
  @inline at(t: i32): i32 { return this.tap + t * this.next; }
}
@inline export function axis(d: i32): Axis { return changetype<Axis>(scratch + AXES + (<usize>d << 6)); }

let image: usize = 0; // the source image of the open unit
let pixel: usize = 0; // bytes of its pixels
let gathered: usize = 0; // bytes of a gathered row; 0: taps are offsets

/** Sets the axes for class q (forward: 0). Returns the number of its taps. */
export function setClass(s: usize, q: i32, backward: bool): i32 {
  let taps = 1;
  for (let d = 2; d >= 0; d--) {
    const a = axis(d), k = int(s, f.kernelD + d), stride = int(s, f.strideD + d), dilation = int(s, f.dilationD + d);
    const padding = int(s, f.paddingD + d), size = int(s, f.sizeD + d), out = int(s, f.outD + d);
    a.source = size; a.target = out; a.first = 0; a.spread = 1; a.grid = out; a.step = stride; a.origin = -padding;
    a.taps = k; a.dilation = dilation; a.tap = 0; a.next = 1;
    if (backward) {
      const r = q % stride;
      q /= stride;
      a.taps = 0;
      // The last tap first: its source pixel is the lowest.
      for (let t = 0; t < k; t++) {
        if ((t * dilation) % stride != r) continue;
        a.taps++;
        a.next = a.tap - t;
        a.tap = t;
      }
      a.source = out; a.target = size; a.spread = stride; a.step = 1;
      a.first = ((r - padding) % stride + stride) % stride;
      a.grid = (size - a.first + stride - 1) / stride;
      a.origin = (a.first + padding - a.tap * dilation) / stride;
      a.dilation = -a.next * dilation / stride;
    }
    taps *= a.taps;
  }
  return taps;
}

/** The kernel's index of tap t of the class. */
export function tapIndex(s: usize, t: i32): i32 {
  let index = 0, scale = 1;
  for (let d = 2; d >= 0; d--) {
    const a = axis(d);
    index += a.at(t % a.taps) * scale;
    t /= a.taps;
    scale *= int(s, f.kernelD + d);
  }
  return index;
}

/** Copies n bytes; writes up to 15 more where n is small, so runs must be laid down in ascending order. */
@inline function copyRun(dst: usize, src: usize, n: usize): void {
  if (n >= 512) memory.copy(dst, src, n);
  else for (const end = dst + n; dst < end; dst += 16, src += 16) v128.store(dst, v128.load(src));
}
@inline function clearRun(dst: usize, n: usize): void {
  for (const end = dst + n; dst < end; dst += 16) v128.store(dst, i32x4.splat(0));
}

/** The pixels under the open unit with zeros around the image. */
function pad(): usize {
  const az = axis(0), ay = axis(1), ax = axis(2), line = <usize>ax.extent * pixel;
  const left = <usize>min(max(-ax.from, 0), ax.extent) * pixel, right = <usize>min(max(ax.source - ax.from, 0), ax.extent) * pixel;
  let dst = scratch + PATCH;
  for (let z = az.from, z1 = z + az.extent; z < z1; z++)
    for (let y = ay.from, y1 = y + ay.extent; y < y1; y++, dst += line) {
      if (<u32>z >= <u32>az.source || <u32>y >= <u32>ay.source || right <= left) {
        clearRun(dst, line);
        continue;
      }
      clearRun(dst, left);
      copyRun(dst + left, image + ((<usize>z * ay.source + y) * ax.source + ax.from) * pixel + left, right - left);
      clearRun(dst + right, line - right);
    }
  return scratch + PATCH;
}

/**
 * Opens unit u of the class: source images at x, targets at y. `row`: bytes of a row of a gathered patch.
 * Returns the end of the list of pixels, filled up to a multiple of four with its last one.
 */
export function open(s: usize, u: i32, x: usize, bytes: usize, y: usize, targetBytes: usize, row: usize): usize {
  const az = axis(0), ay = axis(1), ax = axis(2);
  let volume: usize = bytes, inside = true;
  for (let d = 2; d >= 0; d--) {
    const a = axis(d), most = d == 0 ? 1 : int(s, d == 1 ? f.rows : f.cols);
    const blocks = ((a.target + a.spread - 1) / a.spread + most - 1) / most;
    a.start = u % blocks * most;
    u /= blocks;
    a.count = min(most, a.grid - a.start);
    if (a.count <= 0) return scratch + PIXELS;
    a.from = a.start * a.step + a.origin;
    a.extent = (a.count - 1) * a.step + (a.taps - 1) * a.dilation + 1;
    inside = inside && a.from >= 0 && a.from + a.extent <= a.source;
    a.pitch = volume;
    volume *= a.source;
  }
  image = x + <usize>u * volume;
  pixel = bytes;
  gathered = 0;
  let base = image + <usize>az.from * az.pitch + <usize>ay.from * ay.pitch + <usize>ax.from * bytes;
  if (!inside && ax.taps * ay.taps * az.taps > 0) {
    if (int(s, f.gather)) gathered = row;
    else {
      base = pad();
      ay.pitch = <usize>ax.extent * bytes;
      az.pitch = <usize>ay.extent * ay.pitch;
    }
  }
  let p = scratch + PIXELS, next = scratch + PATCH;
  const stepX = <usize>ax.step * bytes, stepY = <usize>ay.step * ay.pitch, spread = <usize>ax.spread * targetBytes;
  for (let i = 0; i < ay.count; i++, base += stepY) {
    const z = u * az.target + az.first + az.start * az.spread;
    const line = (<usize>z * ay.target + ay.first + (ay.start + i) * ay.spread) * ax.target;
    let to = y + (line + ax.first + ax.start * ax.spread) * targetBytes;
    let from = base;
    for (let j = ax.count; j > 0; j--, p += 8, from += stepX, to += spread, next += row) {
      store<usize>(p, gathered ? next : from);
      store<usize>(p, to, 4);
    }
  }
  for (; (p - scratch - PIXELS) & 31; p += 8) store<u64>(p, load<u64>(p - 8));
  return p;
}

/**
 * Lists the positions k0 to k1 of a patch, in the order (tap, channel), as pieces: pairs of source offset and length. A tap has `run`
 * channels of T from byte `shift` of its pixel; `merged`: taps of a line are neighbours in memory. Returns the end of the list.
 */
export function pieces<T>(k0: i32, k1: i32, run: i32, shift: usize, merged: bool): usize {
  const az = axis(0), ay = axis(1), ax = axis(2), across = merged ? 1 : ax.taps, length = merged ? ax.taps * run : run, start = k0;
  let p = scratch + PIECES;
  while (k0 < k1) {
    let t = k0 / length;
    const within = k0 - t * length, n = min(length - within, k1 - k0), at = shift + <usize>within * sizeof<T>();
    const tx = t % across * ax.dilation;
    t /= across;
    const ty = t % ay.taps * ay.dilation, tz = t / ay.taps * az.dilation;
    if (gathered) gather(tz, ty, tx, at, <usize>n * sizeof<T>(), <usize>(k0 - start) * sizeof<T>());
    else {
      store<usize>(p, <usize>tz * az.pitch + <usize>ty * ay.pitch + <usize>tx * pixel + at);
      store<i32>(p, n, 4);
      p += 8;
    }
    k0 += n;
  }
  if (gathered && k1 > start) {
    store<usize>(p, 0);
    store<i32>(p, k1 - start, 4);
    p += 8;
  }
  return p;
}

/** One piece of all patches of the unit. */
function gather(tz: i32, ty: i32, tx: i32, at: usize, n: usize, column: usize): void {
  const az = axis(0), ay = axis(1), ax = axis(2), z = az.from + tz;
  let dst = scratch + PATCH + column;
  for (let i = 0; i < ay.count; i++) {
    const y = ay.from + i * ay.step + ty;
    for (let j = 0; j < ax.count; j++, dst += gathered) {
      const x = ax.from + j * ax.step + tx;
      if (<u32>z < <u32>az.source && <u32>y < <u32>ay.source && <u32>x < <u32>ax.source)
        copyRun(dst, image + ((<usize>z * ay.source + y) * ax.source + x) * pixel + at, n);
      else clearRun(dst, n);
    }
  }
}
