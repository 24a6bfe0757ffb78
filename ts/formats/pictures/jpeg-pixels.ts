// From coefficients to pixels in whole numbers, with the arithmetic of libjpeg (jidctint.c, jdsample.c, jdcolor.c), so that the samples are
// those of the programs built on it.
import type { Component } from './jpeg.ts';

/** A picture whose coefficients are all there. */
export interface Frame {
  readonly width: number;
  readonly height: number;
  readonly components: readonly Component[];
  /** Steps of the coefficients of each component. */
  readonly tables: readonly Uint16Array[];
  /** The finest sampling across and down. */
  readonly largest: readonly [h: number, v: number];
  /** Whether components are colours as they are, not brightness and two differences. */
  readonly plain: boolean;
}
const { imul } = Math;
const work = new Int32Array(64);

/** Eight values from `at` on, `step` apart, turned from frequencies; `shift` takes the fixed point off again. */
function turn(a: Int32Array, at: number, step: number, shift: number): void {
  const x = (k: number): number => a[at + k * step];
  const half = 1 << (shift - 1);
  let z1 = imul(x(2) + x(6), 4433);
  const e2 = z1 + imul(x(6), -15137);
  const e3 = z1 + imul(x(2), 6270);
  const [e0, e1] = [(x(0) + x(4)) << 13, (x(0) - x(4)) << 13];
  const even = [e0 + e3, e1 + e2, e1 - e2, e0 - e3];
  let [t0, t1, t2, t3] = [x(7), x(5), x(3), x(1)];
  const z5 = imul(t0 + t2 + t1 + t3, 9633);
  z1 = imul(t0 + t3, -7373);
  const z2 = imul(t1 + t2, -20995);
  const z3 = imul(t0 + t2, -16069) + z5;
  const z4 = imul(t1 + t3, -3196) + z5;
  t0 = imul(t0, 2446) + z1 + z3;
  t1 = imul(t1, 16819) + z2 + z4;
  t2 = imul(t2, 25172) + z2 + z3;
  t3 = imul(t3, 12299) + z1 + z4;
  const odd = [t3, t2, t1, t0];
  for (let k = 0; k < 4; k++) {
    a[at + k * step] = (even[k] + odd[k] + half) >> shift;
    a[at + (7 - k) * step] = (even[k] - odd[k] + half) >> shift;
  }
}
/** The samples of a component, in lines of `stride` blocks. */
function samplesOf(c: Component, table: Uint16Array): Uint8ClampedArray {
  const line = c.stride * 8;
  const out = new Uint8ClampedArray(c.blocks.length);
  for (let b = 0; b < c.blocks.length / 64; b++) {
    for (let k = 0; k < 64; k++) work[k] = imul(c.blocks[b * 64 + k], table[k]);
    for (let k = 0; k < 8; k++) turn(work, k, 8, 11);
    for (let k = 0; k < 8; k++) turn(work, k * 8, 1, 18);
    const to = Math.floor(b / c.stride) * 8 * line + (b % c.stride) * 8;
    for (let k = 0; k < 64; k++) out[to + (k >> 3) * line + (k & 7)] = work[k] + 128;
  }
  return out;
}

/** A line of `n` samples twice as wide: three parts of the nearer, one of the further one, rounded by turns. `weight`: what a sample counts. */
function widened(from: (i: number) => number, n: number, weight: number, out: Uint8ClampedArray, shift: number): void {
  const [less, more] = weight === 1 ? [1, 2] : [8, 7];
  for (let i = 0; i < n; i++) {
    const own = from(i) * 3;
    out[2 * i] = i === 0 ? (from(0) * 4 + (weight === 1 ? 0 : 8)) >> shift : (own + from(i - 1) + less) >> shift;
    out[2 * i + 1] = i === n - 1 ? (from(i) * 4 + (weight === 1 ? 0 : 7)) >> shift : (own + from(i + 1) + more) >> shift;
  }
}
/** A component at the picture's own size. */
function enlarged(c: Component, all: Uint8ClampedArray, { width, height, largest: [h, v] }: Frame): Uint8ClampedArray {
  const line = c.stride * 8;
  const [across, down] = [h / c.h, v / c.v];
  const [w, rows] = [Math.ceil((width * c.h) / h), Math.ceil((height * c.v) / v)];
  const out = new Uint8ClampedArray(width * height);
  const smooth = (across === 2 && down === 1 && w > 2) || (across === 2 && down === 2 && w > 2) || (across === 1 && down === 2);
  const wide = new Uint8ClampedArray(2 * w);
  for (let y = 0; y < height; y++) {
    const row = Math.floor(y / down) * line;
    const to = y * width;
    if (!smooth) {
      for (let x = 0; x < width; x++) out[to + x] = all[row + Math.floor(x / across)];
      continue;
    }
    // The line beyond the border is the one at it.
    const near = Math.floor(y / down);
    const far = Math.min(Math.max(near + (y % 2 === 0 ? -1 : 1), 0), rows - 1) * line;
    if (down === 1) widened((i) => all[row + i], w, 1, wide, 2);
    else if (across === 2) widened((i) => all[row + i] * 3 + all[far + i], w, 3, wide, 4);
    if (across === 2) out.set(wide.subarray(0, width), to);
    else for (let x = 0; x < width; x++) out[to + x] = (all[row + x] * 3 + all[far + x] + (y % 2 === 0 ? 1 : 2)) >> 2;
  }
  return out;
}

/** The picture's samples, channel last. */
export function pixels(frame: Frame): Uint8Array {
  const { components, tables, width, height, plain } = frame;
  const n = width * height;
  const count = components.length;
  // One component alone has no finer one beside it.
  const parts = components.map((c, i) => enlarged(c, samplesOf(c, tables[i]), count === 1 ? { ...frame, largest: [c.h, c.v] } : frame));
  if (count === 1) return new Uint8Array(parts[0]);
  const out = new Uint8ClampedArray(n * 3);
  const [first, second, third] = parts;
  for (let i = 0; i < n; i++) {
    const [y, b, r] = [first[i], second[i] - 128, third[i] - 128];
    out[3 * i] = plain ? y : y + ((91881 * r + 32768) >> 16);
    out[3 * i + 1] = plain ? second[i] : y + ((-22554 * b + 32768 - 46802 * r) >> 16);
    out[3 * i + 2] = plain ? third[i] : y + ((116130 * b + 32768) >> 16);
  }
  return new Uint8Array(out.buffer);
}
