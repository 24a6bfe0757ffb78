import { COMPUTE, type DType, FLOAT, SIZE } from '../base/dtype.ts';
import { DTypeError, ShapeError, ValueError } from '../base/errors.ts';
import { channelsLastStrides, type Shape, sameShape, show } from '../base/shape.ts';
import { kernel, type Lowered, type Meta, type Op } from './op.ts';

/** One number for each spatial dimension. */
type Sizes = readonly number[];

/** How the kernel moves over the image; defaults as in PyTorch. */
interface Movement {
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

const SIZES = 'readonly number[]';
const MOVEMENT = {
  ...{ 'stride?': SIZES, 'padding?': SIZES, 'paddingEnd?': SIZES, 'dilation?': SIZES, 'groups?': 'number' },
  'activation?': "'relu' | 'relu6'",
};
const byDimension = (name: string): string[] => ['D', 'H', 'W'].map((d) => name + d);
const INTS: readonly string[] = [
  ...['images', 'channels', 'outputs', 'groups', 'depthwise', 'gather', 'clamp'],
  ...['size', 'out', 'kernel', 'stride', 'padding', 'dilation'].flatMap(byDimension),
  ...['rows', 'cols', 'units', 'per', 'packUnits', 'packPer', 'panels', 'classBytes', 'chunks', 'merged'],
];
const FLOATS = ['low', 'high'];
/** Multiplications and additions worth a tile of their own. */
const GRAIN = 2_000_000;
/** Tiles that a step is cut into where it has too few images and lines. */
const TILES = 16;
/** Bytes of a thread's scratch for the padded pixels under a unit: those that stay in the second-level cache, and all there are. */
const PATCH = 160 << 10;
const MOST = 440 << 10;

const filled = (list: Sizes | undefined, value: number): Sizes =>
  list === undefined ? [value, value, value] : [...new Array<number>(3 - list.length).fill(value), ...list];
const whole = (list: Sizes | undefined, dims: number, least: number): boolean =>
  list === undefined || (list.length === dims && list.every((v) => Number.isInteger(v) && v >= least));

function geometry(op: string, x: Shape, w: Shape, attrs: Movement): Geometry {
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
  const [stride, dilation, padding, ends] = [
    ...[filled(attrs.stride, 1), filled(attrs.dilation, 1), filled(attrs.padding, 0), filled(paddingEnd, 0)],
  ];
  const size = filled(x.slice(2), 1);
  const kernel = filled(w.slice(2), 1);
  const out = size.map((n, i) => Math.floor((n + padding[i] + ends[i] - dilation[i] * (kernel[i] - 1) - 1) / stride[i]) + 1);
  if (out.some((n) => n < 1) || kernel.some((n) => n < 1))
    throw new ShapeError(
      `${op}: the kernel of weight ${show(w)} (dilation ${show(dilation.slice(3 - dims))}) is larger than input ${show(x)} with padding ${show(padding.slice(3 - dims))}; pad more or use a smaller kernel`,
    );
  const y = [x[0], w[0], ...out.slice(3 - dims)];
  return { images: x[0], channels: x[1], outputs: w[0], groups, size, out, kernel, stride, padding, dilation, y };
}

/** The geometry of a gradient: dy must have the shape that the convolution gives. */
function backwardGeometry(op: string, dy: Shape, x: Shape, w: Shape, attrs: Movement): void {
  const { y } = geometry(op, x, w, attrs);
  if (!sameShape(dy, y))
    throw new ShapeError(`${op}: dy ${show(dy)} does not fit: a convolution of ${show(x)} with weight ${show(w)} gives ${show(y)}`);
}

function checkTypes(op: string, inputs: readonly (Meta | null | undefined)[]): DType {
  const dtype = (inputs[0] as Meta).dtype;
  if (!FLOAT.includes(dtype)) throw new DTypeError(`${op}: ${dtype} is not supported, only floating point; convert with .to('float32')`);
  for (const x of inputs)
    if (x && x.dtype !== dtype)
      throw new DTypeError(`${op}: operands must have one dtype, not ${dtype} and ${x.dtype}; convert one with .to('${dtype}')`);
  return dtype;
}

const product = (list: Sizes): number => list.reduce((a, b) => a * b, 1);
const isDepthwise = (g: Geometry): boolean => g.groups > 1 && g.channels === g.groups && g.outputs === g.groups;

/** What is cut: fields of a step that are not the geometry. */
interface Cut {
  readonly gather: number;
  readonly rows: number;
  readonly cols: number;
  readonly units: number;
  readonly per: number;
  readonly packUnits?: number;
  readonly packPer?: number;
  readonly panels?: number;
  readonly classBytes?: number;
  readonly chunks?: number;
  readonly merged?: number;
}
function encode(g: Geometry, activation: Activation | undefined, c: Cut): Pick<Lowered, 'ints' | 'floats'> {
  return {
    ints: [
      ...[g.images, g.channels, g.outputs, g.groups, isDepthwise(g) ? 1 : 0, c.gather, activation ? 1 : 0],
      ...[...g.size, ...g.out, ...g.kernel, ...g.stride, ...g.padding, ...g.dilation],
      ...[c.rows, c.cols, c.units, c.per, c.packUnits ?? 0, c.packPer ?? 1, c.panels ?? 1, c.classBytes ?? 0, c.chunks ?? 0, c.merged ?? 0],
    ],
    floats: activation ? LIMITS[activation] : [0, 0],
  };
}

/**
 * Cuts the target pixels of one class into units: rectangles of rows by cols in one plane, whose padded source fits a thread's scratch.
 * Where even a short line does not fit, or the kernel's pixels lie far apart, units are 64 pixels whose patches are gathered.
 */
function rectangles(
  g: Geometry,
  backward: boolean,
  size: number,
  flops: number,
): { rows: number; cols: number; gather: number; units: number } {
  const target = backward ? g.size : g.out;
  const grid = backward ? target.map((n, i) => Math.ceil(n / g.stride[i])) : target;
  const pixel = (backward ? g.outputs : g.channels) * size;
  const step = backward ? [1, 1, 1] : g.stride;
  const reach = g.kernel.map((k, i) => Math.ceil((g.dilation[i] * (k - 1)) / (backward ? g.stride[i] : 1)) + 1);
  const bytes = (rows: number, cols: number): number =>
    pixel * reach[0] * ((rows - 1) * step[1] + reach[1]) * ((cols - 1) * step[2] + reach[2]);
  const most = Math.min(1024, Math.max(64, Math.floor(GRAIN / flops)));
  let cols = Math.ceil(grid[2] / Math.ceil(grid[2] / most));
  while (cols > 4 && bytes(1, cols) > MOST) cols = Math.ceil(cols / 2);
  const gather = bytes(1, cols) > MOST ? 1 : 0;
  // Gathered depthwise rows hold one tap of all channels.
  if (gather) cols = Math.min(grid[2], isDepthwise(g) ? Math.max(1, Math.min(64, Math.floor(MOST / (pixel + 16)))) : 64);
  let rows = 1;
  while (!gather && rows < grid[1] && (rows + 1) * cols <= most && bytes(rows + 1, cols) <= PATCH) rows++;
  rows = Math.ceil(grid[1] / Math.ceil(grid[1] / rows));
  return { rows, cols, gather, units: g.images * grid[0] * Math.ceil(grid[1] / rows) * Math.ceil(grid[2] / cols) };
}
/** How many things of `flops` each make a tile. */
const perTile = (flops: number): number => Math.max(1, Math.floor(GRAIN / Math.max(flops, 1)));

/** Channels that lie together under one line of the kernel, where the taps are neighbours in memory. */
const isMerged = (g: Geometry, gather: number): boolean => g.groups === 1 && g.dilation[2] === 1 && !gather;

function lowerProduct(g: Geometry, dtype: DType, backward: boolean, activation?: Activation): Lowered {
  const size = SIZE[dtype];
  const area = product(g.kernel);
  const depthwise = isDepthwise(g);
  const classes = backward ? product(g.stride) : 1;
  // A strided convolution's gradient falls into classes of pixels, each with its share of the kernel.
  const taps = backward ? product(g.kernel.map((k, i) => Math.ceil(k / g.stride[i]))) : area;
  const columns = (backward ? g.channels : g.outputs) / g.groups;
  const run = (backward ? g.outputs : g.channels) / g.groups;
  const flops = 2 * taps * run * columns * g.groups * (depthwise ? 4 : 1);
  const cut = rectangles(g, backward, size, flops);
  const work = flops * cut.rows * cut.cols;
  if (depthwise) {
    const per = perTile(work);
    return {
      ...encode(g, activation, { ...cut, units: cut.units * classes, per }),
      tiles: [1, Math.ceil((cut.units * classes) / per)],
      workspace: area * (Math.ceil((g.groups * size) / 32) * 32),
    };
  }
  const all = g.groups * Math.ceil((columns * size) / 32);
  const blocks = Math.max(1, Math.min(all, Math.floor(TILES / (cut.units * classes)), Math.floor(work / GRAIN)));
  const panels = Math.ceil(all / blocks);
  const units = cut.units * classes * Math.ceil(all / panels);
  const per = perTile((work * panels) / all);
  const packPer = Math.max(1, Math.floor(65536 / (taps * run * 8)));
  // Taps of a kernel whose dilation shares a factor with the stride crowd into fewer classes.
  const classBytes = all * 32 * run * (backward ? product(g.kernel.map((k, i) => crowd(k, g.dilation[i], g.stride[i]))) : area);
  return {
    ...encode(g, activation, {
      ...cut,
      units,
      per,
      packUnits: all * classes,
      packPer,
      panels,
      classBytes,
      merged: isMerged(g, cut.gather) ? 1 : 0,
    }),
    tiles: [Math.ceil((all * classes) / packPer), Math.ceil(units / per)],
    workspace: classes * classBytes,
  };
}
/** Most taps of a kernel line that meet one residue of the stride. */
function crowd(k: number, dilation: number, stride: number): number {
  const counts = new Array<number>(stride).fill(0);
  for (let r = 0; r < k; r++) counts[(r * dilation) % stride]++;
  return Math.max(...counts);
}

function lowerWeight(g: Geometry, dtype: DType): Lowered {
  const size = SIZE[dtype];
  const area = product(g.kernel);
  const depthwise = isDepthwise(g);
  const [ig, og] = [g.channels / g.groups, g.outputs / g.groups];
  const flops = 2 * area * g.channels * og * (depthwise ? 4 : 1);
  const cut = rectangles(g, false, size, Math.ceil(flops / 4));
  const work = flops * cut.rows * cut.cols;
  // The sums of a chunk: rows of outputs in fours, runs of channels in whole panels.
  const merged = !depthwise && isMerged(g, cut.gather) ? 1 : 0;
  const run = merged ? g.kernel[2] * ig : ig;
  const width = 32 / size;
  const bytes = depthwise
    ? area * Math.ceil((g.groups * size) / 32) * 32
    : g.groups * Math.ceil(og / 4) * 4 * ((area * ig) / run) * Math.ceil(run / width) * 32;
  const chunks0 = Math.max(1, Math.min(cut.units, TILES, Math.floor((1 << 26) / bytes), Math.floor((work * cut.units) / GRAIN)));
  const per = Math.max(1, Math.ceil(cut.units / chunks0));
  const chunks = Math.ceil(cut.units / per);
  const all = depthwise ? 1 : g.groups * Math.ceil(og / 4);
  const blocks = Math.max(1, Math.min(all, Math.floor(TILES / Math.max(chunks, 1)), Math.floor((work * per) / GRAIN)));
  const panels = Math.ceil(all / blocks);
  const packUnits = depthwise ? 1 : g.outputs;
  const packPer = Math.max(1, Math.floor(65536 / (area * ig * chunks)));
  return {
    ...encode(g, undefined, { ...cut, per, packUnits, packPer, panels, chunks, classBytes: bytes, merged }),
    tiles: [chunks * Math.ceil(all / panels), Math.ceil(packUnits / packPer)],
    workspace: chunks * bytes,
  };
}

const channelsLast = (shape: Shape, dtype: DType): { shape: Shape; dtype: DType; strides: Shape } => ({
  shape,
  dtype,
  strides: channelsLastStrides(shape),
});
const movement = ({ stride, padding, paddingEnd, dilation, groups }: Movement): Movement => ({
  stride,
  padding,
  paddingEnd,
  dilation,
  groups,
});
const withInput = (attrs: Movement, x: Shape): Movement & { inputSize: Sizes } => ({ ...movement(attrs), inputSize: x.slice(2) });
const withKernel = (attrs: Movement, w: Shape): Movement & { kernelSize: Sizes } => ({ ...movement(attrs), kernelSize: w.slice(2) });
const imageOf = (dy: Shape, w: Shape, attrs: Movement & { inputSize: Sizes }): Shape => [
  dy[0],
  (w[1] ?? 0) * (attrs.groups ?? 1),
  ...attrs.inputSize,
];
const weightOf = (dy: Shape, x: Shape, attrs: Movement & { kernelSize: Sizes }): Shape => [
  dy[1],
  Math.floor(x[1] / (attrs.groups ?? 1)),
  ...attrs.kernelSize,
];

/** Cross-correlation of x [N, C, ...image] with w [O, C / groups, ...kernel], one to three dimensions, plus bias [O]; channels-last inside and out. */
export const convolution: Op = kernel({
  doc: 'Convolution (cross-correlation, as in PyTorch) in one to three dimensions with zero padding; an activation may be fused.',
  onnx: 'Conv',
  inputs: ['x', 'w', 'bias?'],
  outputs: ['y'],
  attrs: MOVEMENT,
  infer: ([x, w, bias], attrs: Movement) => {
    const dtype = checkTypes('convolution', [x, w, bias]);
    const g = geometry('convolution', x.shape, w.shape, attrs);
    if (bias && (bias.shape.length !== 1 || bias.shape[0] !== w.shape[0]))
      throw new ShapeError(`convolution: bias ${show(bias.shape)} does not fit weight ${show(w.shape)}: it needs shape [${w.shape[0]}]`);
    return [channelsLast(g.y, dtype)];
  },
  loads: ([x]) => COMPUTE[x.dtype],
  layout: ['channelsLast', 'contiguous', 'contiguous'],
  ints: INTS,
  floats: FLOATS,
  lower: ([x, w], [y], attrs: Movement) =>
    lowerProduct(geometry('convolution', (x as Meta).shape, (w as Meta).shape, attrs), y.dtype, false, attrs.activation),
  kernel: { file: 'conv/conv', name: 'convolution' },
  saves: ['x', 'w'],
  uses: { x: [1], w: [0] },
  vjp: (ops, { dy, x, w, attrs, inputs, needs }) => [
    needs[0] ? ops.convolutionInput(dy, w, withInput(attrs, (inputs[0] as Meta).shape)) : null,
    needs[1] ? ops.convolutionWeight(dy, x, withKernel(attrs, (inputs[1] as Meta).shape)) : null,
    inputs[2] && needs[2] ? ops.sum(dy, { dims: [0, ...dy.shape.keys()].filter((d, i) => i === 0 || d > 1), keepdim: false }) : null,
  ],
});

/** The gradient of a convolution with respect to x, and the transposed convolution: dy [N, O, ...out], w [O, C / groups, ...kernel] to [N, C, ...inputSize]. */
export const convolutionInput: Op = kernel({
  doc: 'Gradient of a convolution with respect to its input; also the transposed convolution.',
  inputs: ['grad', 'w'],
  outputs: ['dx'],
  attrs: { ...MOVEMENT, inputSize: SIZES },
  infer: ([dy, w], attrs: Movement & { inputSize: Sizes }) => {
    const dtype = checkTypes('convolutionInput', [dy, w]);
    const x = imageOf(dy.shape, w.shape, attrs);
    backwardGeometry('convolutionInput', dy.shape, x, w.shape, attrs);
    return [channelsLast(x, dtype)];
  },
  loads: ([dy]) => COMPUTE[dy.dtype],
  layout: ['channelsLast', 'contiguous'],
  ints: INTS,
  floats: FLOATS,
  lower: ([, w], [dx], attrs: Movement) => lowerProduct(geometry('convolutionInput', dx.shape, (w as Meta).shape, attrs), dx.dtype, true),
  kernel: { file: 'conv/conv', name: 'convolutionInput' },
  saves: ['grad', 'w'],
  vjp: (ops, { dy, grad, w, attrs, inputs, needs }) => [
    needs[0] ? ops.convolution(dy, w, null, movement(attrs)) : null,
    needs[1] ? ops.convolutionWeight(grad, dy, withKernel(attrs, (inputs[1] as Meta).shape)) : null,
  ],
});

/** The gradient of a convolution with respect to its weight: dy [N, O, ...out], x [N, C, ...image] to [O, C / groups, ...kernelSize]. */
export const convolutionWeight: Op = kernel({
  doc: 'Gradient of a convolution with respect to its weight.',
  inputs: ['grad', 'x'],
  outputs: ['dw'],
  attrs: { ...MOVEMENT, kernelSize: SIZES },
  infer: ([dy, x], attrs: Movement & { kernelSize: Sizes }) => {
    const dtype = checkTypes('convolutionWeight', [dy, x]);
    const w = weightOf(dy.shape, x.shape, attrs);
    backwardGeometry('convolutionWeight', dy.shape, x.shape, w, attrs);
    return [{ shape: w, dtype }];
  },
  loads: ([dy]) => COMPUTE[dy.dtype],
  layout: 'channelsLast',
  ints: INTS,
  floats: FLOATS,
  lower: ([, x], [dw], attrs: Movement) => lowerWeight(geometry('convolutionWeight', (x as Meta).shape, dw.shape, attrs), dw.dtype),
  kernel: { file: 'conv/conv', name: 'convolutionWeight' },
  saves: ['grad', 'x'],
  vjp: (ops, { dy, grad, x, attrs, inputs, needs }) => [
    needs[0] ? ops.convolution(x, dy, null, movement(attrs)) : null,
    needs[1] ? ops.convolutionInput(grad, dy, withInput(attrs, (inputs[1] as Meta).shape)) : null,
  ],
});
