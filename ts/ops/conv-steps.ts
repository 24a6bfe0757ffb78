// Convolutions as steps: their geometry, and how the work is cut.
import { type DType, SIZE } from '../base/dtype.ts';
import { ShapeError, ValueError } from '../base/errors.ts';
import { type Shape, sameShape, show } from '../base/shape.ts';
import type { Lowered } from './op.ts';

/** One number for each spatial dimension. */
export type Sizes = readonly number[];

/** How the kernel moves over the image; defaults as in PyTorch. */
export interface Movement {
  readonly stride?: Sizes;
  readonly padding?: Sizes;
  /** Where it differs from the padding before the image. */
  readonly paddingEnd?: Sizes;
  readonly dilation?: Sizes;
  readonly groups?: number;
  readonly activation?: Activation;
}

/** Clamps that the last addition of a convolution can carry. */
export type Activation = 'relu' | 'relu6';
const LIMITS: Record<Activation, readonly number[]> = { relu: [0, Infinity], relu6: [0, 6] };

/** A convolution of x [images, channels, ...size] to y [images, outputs, ...out], all sizes of three dimensions. */
interface Geometry {
  readonly images: number;
  readonly channels: number;
  readonly outputs: number;
  readonly groups: number;
  /** size, out, kernel, stride, padding, dilation: by dimension (depth, height, width). */
  readonly size: Sizes;
  readonly out: Sizes;
  readonly kernel: Sizes;
  readonly stride: Sizes;
  readonly padding: Sizes;
  readonly dilation: Sizes;
  readonly y: Shape;
}

export const SIZES = 'readonly number[]';
export const MOVEMENT: Readonly<Record<string, string>> = {
  ...{ 'stride?': SIZES, 'padding?': SIZES, 'paddingEnd?': SIZES, 'dilation?': SIZES, 'groups?': 'number' },
  'activation?': "'relu' | 'relu6'",
};
const byDimension = (name: string): string[] => ['D', 'H', 'W'].map((d) => name + d);
export const INTS: readonly string[] = [
  ...['images', 'channels', 'outputs', 'groups', 'depthwise', 'gather', 'clamp'],
  ...['size', 'out', 'kernel', 'stride', 'padding', 'dilation'].flatMap(byDimension),
  ...['rows', 'cols', 'units', 'per', 'packUnits', 'packPer', 'panels', 'classBytes', 'chunks', 'merged', 'swapped'],
];
export const FLOATS: readonly string[] = ['low', 'high'];
/** Multiplications and additions worth a tile of their own. */
const GRAIN = 2_000_000;
/** Tiles that a step is cut into where it has too few images and lines. */
const TILES = 16;
/** Bytes of a thread's scratch for the padded pixels under a unit: those that stay in the second-level cache, and all there are. */
const PATCH = 160 << 10;
const MOST = 440 << 10;

const product = (p: Sizes): number => p[0] * p[1] * p[2];
const ONES = [1, 1, 1];
const NONE = [0, 0, 0];
const filled = (list: Sizes | undefined, value: number): Sizes =>
  list === undefined
    ? value
      ? ONES
      : NONE
    : list.length === 2
      ? [value, list[0], list[1]]
      : list.length === 3
        ? list
        : [value, value, list[0]];
const whole = (list: Sizes | undefined, dims: number, least: number): boolean =>
  list === undefined || (list.length === dims && list.every((v) => Number.isInteger(v) && v >= least));

/** The last call's: a row asks for it once to infer and once to lower. */
let last: { x: Shape; w: Shape; attrs: Movement; geometry: Geometry } | null = null;
export function geometry(op: string, x: Shape, w: Shape, attrs: Movement): Geometry {
  if (last === null || last.x !== x || last.w !== w || last.attrs !== attrs) last = { x, w, attrs, geometry: derive(op, x, w, attrs) };
  return last.geometry;
}
function derive(op: string, x: Shape, w: Shape, attrs: Movement): Geometry {
  const { groups = 1, paddingEnd = attrs.padding } = attrs;
  const dims = x.length - 2;
  if (x.length !== w.length || dims < 1 || dims > 3)
    throw new ShapeError(
      `${op}: input ${show(x)} and weight ${show(w)} must have 3, 4 or 5 dimensions: [N, C, ...image] and [O, C / groups, ...kernel]`,
    );
  if (
    !whole(attrs.stride, dims, 1) ||
    !whole(attrs.dilation, dims, 1) ||
    !whole(attrs.padding, dims, 0) ||
    !(groups >= 1 && groups % 1 === 0)
  )
    throw new ValueError(
      `${op}: stride ${attrs.stride} and dilation ${attrs.dilation} must be ${dims} integers of at least 1, padding ${attrs.padding} of at least 0, groups (${groups}) at least 1`,
    );
  if (x[1] !== w[1] * groups || w[0] % groups !== 0)
    throw new ShapeError(
      `${op}: input ${show(x)} and weight ${show(w)} do not fit with groups ${groups}: the input needs ${w[1] * groups} channels and the outputs (${w[0]}) must be a multiple of groups`,
    );
  const stride = filled(attrs.stride, 1);
  const dilation = filled(attrs.dilation, 1);
  const padding = filled(attrs.padding, 0);
  const ends = filled(paddingEnd, 0);
  const size = filled(x.slice(2), 1);
  const kernel = filled(w.slice(2), 1);
  const out = [0, 0, 0];
  for (let i = 0; i < 3; i++) {
    out[i] = Math.floor((size[i] + padding[i] + ends[i] - dilation[i] * (kernel[i] - 1) - 1) / stride[i]) + 1;
    if (out[i] < 1 || kernel[i] < 1)
      throw new ShapeError(
        `${op}: the kernel of weight ${show(w)} (dilation ${show(dilation.slice(3 - dims))}) is larger than input ${show(x)} with padding ${show(padding.slice(3 - dims))}; pad more or use a smaller kernel`,
      );
  }
  const y = [x[0], w[0]];
  for (let i = 3 - dims; i < 3; i++) y.push(out[i]);
  const g = { images: x[0], channels: x[1], outputs: w[0], groups, size, out, kernel, stride, padding, dilation, y };
  if (product(kernel) > 1 || product(stride) > 1 || sameShape(size, out) === false) return g;
  // A product with each pixel by itself: all of them are one line.
  const line = [1, 1, x[0] * product(size)];
  return { ...g, images: 1, size: line, out: line };
}

const isDepthwise = (g: Geometry): boolean => g.groups > 1 && g.channels === g.groups && g.outputs === g.groups;

/** What is cut: fields of a step that are not the geometry. */
interface Cut extends Pick<Lowered, 'tiles' | 'workspace'> {
  readonly gather: number;
  readonly rows: number;
  readonly cols: number;
  readonly units: number;
  readonly per: number;
  readonly packUnits: number;
  readonly packPer: number;
  readonly panels: number;
  readonly classBytes: number;
  readonly chunks: number;
  readonly merged: number;
  readonly swapped: number;
}
function encode(g: Geometry, activation: Activation | undefined, c: Cut): Lowered {
  const { size, out, kernel, stride, padding, dilation } = g;
  return {
    // biome-ignore format: one list, in the order of INTS
    ints: [
      g.images, g.channels, g.outputs, g.groups, isDepthwise(g) ? 1 : 0, c.gather, activation ? 1 : 0,
      size[0], size[1], size[2], out[0], out[1], out[2], kernel[0], kernel[1], kernel[2], stride[0], stride[1], stride[2],
      padding[0], padding[1], padding[2], dilation[0], dilation[1], dilation[2],
      c.rows, c.cols, c.units, c.per, c.packUnits, c.packPer, c.panels, c.classBytes, c.chunks, c.merged, c.swapped,
    ],
    floats: activation ? LIMITS[activation] : NONE,
    tiles: c.tiles,
    workspace: c.workspace,
  };
}

interface Rectangles {
  readonly rows: number;
  readonly cols: number;
  readonly gather: number;
  /** Of one class. */
  readonly units: number;
}
/**
 * Cuts the target pixels of one class into units: rectangles of rows by cols in one plane, whose padded source fits a thread's scratch.
 * Where even a short line does not fit, because the kernel's taps lie far apart, units are parts of lines whose patches are gathered.
 */
function rectangles(g: Geometry, backward: boolean, size: number, flops: number): Rectangles {
  const pixel = (backward ? g.outputs : g.channels) * size;
  const grid = [0, 0, 0];
  const step = backward ? ONES : g.stride;
  const reach = [0, 0, 0];
  for (let d = 0; d < 3; d++) {
    const classes = backward ? g.stride[d] : 1;
    grid[d] = Math.ceil((backward ? g.size[d] : g.out[d]) / classes);
    reach[d] = Math.ceil((g.dilation[d] * (g.kernel[d] - 1)) / classes) + 1;
  }
  const line = (cols: number): number => Math.max(1, pixel * reach[0] * ((cols - 1) * step[2] + reach[2]));
  const most = Math.min(1024, Math.max(64, Math.floor(GRAIN / flops)));
  let cols = Math.ceil(grid[2] / Math.ceil(grid[2] / most));
  while (cols > 4 && line(cols) * reach[1] > MOST) cols = Math.ceil(cols / 2);
  const gather = line(cols) * reach[1] > MOST ? 1 : 0;
  let rows = 1;
  // A gathered row of a depthwise convolution holds one tap of all channels.
  if (gather) cols = Math.max(1, Math.min(grid[2], 64, isDepthwise(g) ? Math.floor(MOST / (pixel + 16)) : 64));
  else rows = Math.max(1, Math.min(grid[1], Math.floor(most / cols), Math.floor((PATCH / line(cols) - reach[1]) / step[1]) + 1));
  const down = Math.ceil(grid[1] / rows);
  rows = Math.ceil(grid[1] / down);
  return { rows, cols, gather, units: g.images * grid[0] * down * Math.ceil(grid[2] / cols) };
}
/** How many things of `flops` each make a tile. */
const perTile = (flops: number): number => Math.max(1, Math.floor(GRAIN / flops));

/** Whether the taps of a line are neighbours in memory. */
const isMerged = (g: Geometry, gather: number): boolean => g.groups === 1 && g.dilation[2] === 1 && gather === 0;

/** Most taps of a kernel that meet one class of pixels of a strided convolution's gradient. */
function tapsOfClass(g: Geometry): number {
  let taps = 1;
  for (let d = 0; d < 3; d++) {
    const counts = new Array<number>(g.stride[d]).fill(0);
    for (let r = 0; r < g.kernel[d]; r++) counts[(r * g.dilation[d]) % g.stride[d]]++;
    taps *= Math.max(...counts);
  }
  return taps;
}

export function lowerProduct(g: Geometry, dtype: DType, backward: boolean, activation?: Activation): Lowered {
  const size = SIZE[dtype];
  const depthwise = isDepthwise(g);
  const classes = backward ? product(g.stride) : 1;
  const taps = backward ? tapsOfClass(g) : product(g.kernel);
  const columns = (backward ? g.channels : g.outputs) / g.groups;
  const run = (backward ? g.outputs : g.channels) / g.groups;
  const flops = Math.max(1, 2 * taps * run * columns * g.groups * (depthwise ? 4 : 1));
  const { rows, cols, gather, units } = rectangles(g, backward, size, flops);
  const work = flops * rows * cols;
  const wide = Math.ceil((columns * size) / 32);
  const all = depthwise ? 1 : g.groups * wide;
  const ranges = Math.max(1, Math.min(all, Math.floor(TILES / (units * classes)), Math.floor(work / GRAIN)));
  const panels = Math.ceil(all / ranges);
  const total = units * classes * Math.ceil(all / panels);
  const per = perTile((work * panels) / all);
  const classBytes = depthwise ? product(g.kernel) * Math.ceil((g.groups * size) / 32) * 32 : all * 32 * run * taps;
  const packUnits = depthwise ? 1 : all * classes;
  const packPer = perTile(taps * run * 64);
  const merged = isMerged(g, gather) ? 1 : 0;
  return encode(g, activation, {
    rows,
    cols,
    gather,
    units: total,
    per,
    packUnits,
    packPer,
    panels,
    classBytes,
    chunks: 0,
    merged,
    swapped: 0,
    tiles: [Math.ceil(packUnits / packPer), Math.ceil(total / per)],
    workspace: depthwise ? classBytes : classes * classBytes,
  });
}

export function lowerWeight(g: Geometry, dtype: DType): Lowered {
  const size = SIZE[dtype];
  const area = product(g.kernel);
  const depthwise = isDepthwise(g);
  const [ig, og] = [g.channels / g.groups, g.outputs / g.groups];
  const flops = Math.max(1, 2 * area * g.channels * og * (depthwise ? 4 : 1));
  const { rows, cols, gather, units } = rectangles(g, false, size, flops / 4);
  const work = flops * rows * cols;
  // The sums of a chunk: rows of outputs in fours, runs of channels in whole panels.
  const merged = !depthwise && isMerged(g, gather) ? 1 : 0;
  const run = merged ? g.kernel[2] * ig : ig;
  // Tiles hold four outputs by a panel of the run, or four of the run by a panel of outputs: whichever are fewer.
  const width = 32 / size;
  const swapped = Math.ceil(run / 4) * Math.ceil(og / width) < Math.ceil(run / width) * Math.ceil(og / 4);
  const all = depthwise ? 1 : g.groups * Math.ceil(og / (swapped ? width : 4));
  const room = (n: number, m: number): number => Math.ceil(n / m) * m;
  const classBytes = depthwise
    ? area * room(g.groups * size, 32)
    : ((g.groups * area * ig) / run) * size * (swapped ? room(run, 4) * room(og, width) : room(run, width) * room(og, 4));
  const most = Math.min(units, TILES, Math.floor((1 << 26) / classBytes), Math.floor((work * units) / GRAIN));
  const per = Math.max(1, Math.ceil(units / Math.max(1, most)));
  const chunks = Math.ceil(units / per);
  const ranges = Math.max(1, Math.min(all, Math.floor(TILES / Math.max(chunks, 1)), Math.floor((work * per) / GRAIN)));
  const panels = Math.ceil(all / ranges);
  const packUnits = depthwise ? 1 : g.outputs;
  const packPer = perTile(area * ig * (chunks + 4) * 16);
  return encode(g, undefined, {
    rows,
    cols,
    gather,
    units,
    per,
    packUnits,
    packPer,
    panels,
    classBytes,
    chunks,
    merged,
    swapped: swapped ? 1 : 0,
    tiles: [chunks * Math.ceil(all / panels), Math.ceil(packUnits / packPer)],
    workspace: chunks * classBytes,
  });
}
