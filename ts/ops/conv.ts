import { COMPUTE, type DType, FLOAT, SIZE } from '../base/dtype.ts';
import { DTypeError, ShapeError, ValueError } from '../base/errors.ts';
import { channelsLastStrides, type Shape, sameShape, show, sizeOf } from '../base/shape.ts';
import { kernel, type Lowered, type Meta, type Op } from './op.ts';

/** Height and width. */
type Pair = readonly [number, number];

/** How the kernel moves over the image; defaults as in PyTorch. */
interface Movement {
  readonly stride?: Pair;
  readonly padding?: Pair;
  readonly dilation?: Pair;
  readonly groups?: number;
}

/** A convolution of x [images, channels, height, width] to y [images, outputs, outHeight, outWidth]. */
interface Geometry {
  readonly x: Shape;
  readonly w: Shape;
  readonly y: Shape;
  readonly stride: Pair;
  readonly padding: Pair;
  readonly dilation: Pair;
  readonly groups: number;
}

const PAIR = 'readonly [number, number]';
const MOVEMENT = { 'stride?': PAIR, 'padding?': PAIR, 'dilation?': PAIR, 'groups?': 'number' };
const INTS: readonly string[] = [
  ...['images', 'channels', 'height', 'width', 'outputs', 'outHeight', 'outWidth', 'kernelH', 'kernelW', 'strideH', 'strideW'],
  ...['paddingH', 'paddingW', 'dilationH', 'dilationW', 'groups', 'depthwise'],
  ...['pixels', 'pixelUnits', 'units', 'per', 'packUnits', 'packPer', 'chunks'],
];
/** Multiplications and additions worth a tile of their own. */
const GRAIN = 2_000_000;
/** Most chunks of pixels whose sums are added up for the gradient of a weight. */
const MAX_CHUNKS = 16;

function outputSize(size: number, kernelSize: number, stride: number, padding: number, dilation: number): number {
  return Math.floor((size + 2 * padding - dilation * (kernelSize - 1) - 1) / stride) + 1;
}

function geometry(op: string, x: Shape, w: Shape, attrs: Movement): Geometry {
  const { stride = [1, 1], padding = [0, 0], dilation = [1, 1], groups = 1 } = attrs;
  if (x.length !== 4 || w.length !== 4)
    throw new ShapeError(`${op}: input ${show(x)} and weight ${show(w)} must have 4 dimensions: [N, C, H, W] and [O, C / groups, kh, kw]`);
  const whole = (p: Pair, least: number): boolean => p.length === 2 && p.every((v) => Number.isInteger(v) && v >= least);
  if (!whole(stride, 1) || !whole(dilation, 1) || !whole(padding, 0) || !Number.isInteger(groups) || groups < 1)
    throw new ValueError(
      `${op}: stride ${show(stride)} and dilation ${show(dilation)} must be pairs of integers of at least 1, padding ${show(padding)} of at least 0, groups (${groups}) at least 1`,
    );
  if (x[1] !== w[1] * groups || w[0] % groups !== 0)
    throw new ShapeError(
      `${op}: input ${show(x)} and weight ${show(w)} do not fit with groups ${groups}: the input needs ${w[1] * groups} channels and the outputs (${w[0]}) must be a multiple of groups`,
    );
  const y = [
    x[0],
    w[0],
    outputSize(x[2], w[2], stride[0], padding[0], dilation[0]),
    outputSize(x[3], w[3], stride[1], padding[1], dilation[1]),
  ];
  if (y[2] < 1 || y[3] < 1 || w[2] < 1 || w[3] < 1)
    throw new ShapeError(
      `${op}: the kernel of weight ${show(w)} (dilation ${show(dilation)}) is larger than input ${show(x)} with padding ${show(padding)}; pad more or use a smaller kernel`,
    );
  return { x, w, y, stride, padding, dilation, groups };
}

/** The geometry of a gradient: dy must have the shape that the convolution gives. */
function backwardGeometry(op: string, dy: Shape, x: Shape, w: Shape, attrs: Movement): Geometry {
  const g = geometry(op, x, w, attrs);
  if (!sameShape(dy, g.y))
    throw new ShapeError(`${op}: dy ${show(dy)} does not fit: a convolution of ${show(x)} with weight ${show(w)} gives ${show(g.y)}`);
  return g;
}

function checkTypes(op: string, inputs: readonly (Meta | null | undefined)[]): DType {
  const dtype = (inputs[0] as Meta).dtype;
  if (!FLOAT.includes(dtype)) throw new DTypeError(`${op}: ${dtype} is not supported, only floating point; convert with .to('float32')`);
  for (const x of inputs)
    if (x && x.dtype !== dtype)
      throw new DTypeError(`${op}: operands must have one dtype, not ${dtype} and ${x.dtype}; convert one with .to('${dtype}')`);
  return dtype;
}

const isDepthwise = (g: Geometry): boolean => g.groups > 1 && g.w[1] === 1 && g.w[0] === g.groups;
/** Taps of a kernel line that meet each residue of the stride. */
function tapsByClass(k: number, dilation: number, stride: number): number[] {
  const taps = new Array<number>(stride).fill(0);
  for (let r = 0; r < k; r++) taps[(r * dilation) % stride]++;
  return taps;
}

interface Cut {
  pixels: number;
  pixelUnits: number;
  units: number;
  per: number;
  packUnits: number;
  packPer: number;
  chunks: number;
}
function encode(g: Geometry, cut: Partial<Cut>): number[] {
  const { pixels = 0, pixelUnits = 0, units = 0, per = 1, packUnits = 0, packPer = 1, chunks = 0 } = cut;
  return [
    ...[g.x[0], g.x[1], g.x[2], g.x[3], g.w[0], g.y[2], g.y[3], g.w[2], g.w[3], ...g.stride],
    ...[...g.padding, ...g.dilation, g.groups, isDepthwise(g) ? 1 : 0],
    ...[pixels, pixelUnits, units, per, packUnits, packPer, chunks],
  ];
}

/** Units of about GRAIN operations: how many things of `flops` each make a tile. */
const perTile = (flops: number): number => Math.max(1, Math.floor(GRAIN / Math.max(flops, 1)));

function lowerProduct(g: Geometry, dtype: DType, backward: boolean): Lowered {
  const size = SIZE[dtype];
  const area = g.w[2] * g.w[3];
  const target = backward ? g.x : g.y;
  if (sizeOf(target) === 0) return { ints: encode(g, {}), tiles: [] };
  if (isDepthwise(g)) {
    const units = target[0] * target[2];
    const per = perTile(8 * target[3] * g.groups * area);
    return {
      ints: encode(g, { units, per }),
      tiles: [1, Math.ceil(units / per)],
      workspace: area * (Math.ceil((g.groups * size) / 16) * 16 + 16),
    };
  }
  const [ig, og] = [g.w[1], g.w[0] / g.groups];
  const [columns, run] = backward ? [ig, og] : [og, ig];
  const panels = Math.ceil(columns / (32 / size));
  const nBlock = 1024 / size;
  // A strided convolution's gradient falls into classes of pixels; the sizes of their kernels multiply and add up to the whole.
  const rows = backward ? tapsByClass(g.w[2], g.dilation[0], g.stride[0]) : [g.w[2]];
  const cols = backward ? tapsByClass(g.w[3], g.dilation[1], g.stride[1]) : [g.w[3]];
  const classes = rows.length * cols.length;
  const grid = target[0] * Math.ceil(target[2] / rows.length) * Math.ceil(target[3] / cols.length);
  const flops = 2 * Math.max(...rows) * Math.max(...cols) * run * Math.min(columns, nBlock);
  const pixels = 64 * Math.max(1, Math.floor(perTile(flops) / 64));
  const pixelUnits = Math.ceil(grid / pixels);
  const units = classes * g.groups * Math.ceil(columns / nBlock) * pixelUnits;
  const per = perTile(flops * Math.min(pixels, grid));
  const packUnits = classes * g.groups * panels;
  const packPer = Math.max(1, Math.floor(65536 / Math.max(1, area * run * 8)));
  let workspace = 0;
  for (const r of rows) for (const c of cols) if (r * c > 0) workspace += g.groups * panels * (r * c * run * 32 + 64);
  return {
    ints: encode(g, { pixels, pixelUnits, units, per, packUnits, packPer }),
    tiles: [Math.ceil(packUnits / packPer), Math.ceil(units / per)],
    workspace,
  };
}

function lowerWeight(g: Geometry, dtype: DType): Lowered {
  const size = SIZE[dtype];
  const k = g.w[1] * g.w[2] * g.w[3];
  if (sizeOf(g.w) === 0) return { ints: encode(g, {}), tiles: [] };
  if (isDepthwise(g)) {
    const lines = g.y[0] * g.y[2];
    const pixels = Math.max(perTile(8 * g.y[3] * sizeOf(g.w)), Math.ceil(lines / MAX_CHUNKS));
    const chunks = Math.ceil(lines / pixels);
    const workspace = chunks * g.w[2] * g.w[3] * Math.ceil((g.groups * size) / 16) * 16;
    return { ints: encode(g, { pixels, chunks }), tiles: [chunks, 1], workspace };
  }
  const nBlocks = Math.ceil(k / (1024 / size));
  const og = g.w[0] / g.groups;
  const all = g.y[0] * g.y[2] * g.y[3];
  // Chunks of pixels: enough for a team of threads, no smaller than a tile's worth of work, no more than 64 MB of sums.
  const wanted = Math.ceil(MAX_CHUNKS / (g.groups * nBlocks));
  const most = Math.max(1, Math.floor((1 << 26) / (g.w[0] * k * size)));
  const flops = 2 * og * Math.min(k, 1024 / size);
  const least = Math.max(perTile(flops), Math.ceil(all / Math.min(wanted, most)));
  const pixels = 128 * Math.ceil(least / 128);
  const chunks = Math.ceil(all / pixels);
  const units = chunks * g.groups * nBlocks;
  const per = perTile(flops * Math.min(pixels, Math.max(all, 1)));
  const packPer = Math.max(1, Math.floor(65536 / (k * Math.max(chunks, 1))));
  return {
    ints: encode(g, { pixels, units, per, packUnits: g.w[0], packPer, chunks }),
    tiles: [Math.ceil(units / per), Math.ceil(g.w[0] / packPer)],
    workspace: chunks * g.w[0] * k * size,
  };
}

const channelsLast = (shape: Shape, dtype: DType): { shape: Shape; dtype: DType; strides: Shape } => ({
  shape,
  dtype,
  strides: channelsLastStrides(shape),
});
const movement = ({ stride, padding, dilation, groups }: Movement): Movement => ({ stride, padding, dilation, groups });
const withInput = (attrs: Movement, x: Shape): Movement & { inputSize: Pair } => ({ ...movement(attrs), inputSize: [x[2], x[3]] });
const withKernel = (attrs: Movement, w: Shape): Movement & { kernelSize: Pair } => ({ ...movement(attrs), kernelSize: [w[2], w[3]] });
const imageOf = (dy: Shape, w: Shape, attrs: Movement & { inputSize: Pair }): Shape => [
  dy[0],
  (w[1] ?? 0) * (attrs.groups ?? 1),
  ...attrs.inputSize,
];
const weightOf = (dy: Shape, x: Shape, attrs: Movement & { kernelSize: Pair }): Shape => [
  dy[1],
  Math.floor(x[1] / (attrs.groups ?? 1)),
  ...attrs.kernelSize,
];

/** Cross-correlation of x [N, C, H, W] with w [O, C / groups, kh, kw], plus bias [O]; channels-last inside and out. */
export const convolution: Op = kernel({
  doc: 'Two-dimensional convolution (cross-correlation, as in PyTorch) with zero padding.',
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
  lower: ([x, w], [y], attrs: Movement) =>
    lowerProduct(geometry('convolution', (x as Meta).shape, (w as Meta).shape, attrs), y.dtype, false),
  kernel: { file: 'conv/conv', name: 'convolution' },
  saves: ['x', 'w'],
  uses: { x: [1], w: [0] },
  vjp: (ops, { dy, x, w, attrs, inputs, needs }) => [
    needs[0] ? ops.convolutionInput(dy, w, withInput(attrs, (inputs[0] as Meta).shape)) : null,
    needs[1] ? ops.convolutionWeight(dy, x, withKernel(attrs, (inputs[1] as Meta).shape)) : null,
    inputs[2] && needs[2] ? ops.sum(dy, { dims: [0, 2, 3], keepdim: false }) : null,
  ],
});

/** The gradient of a convolution with respect to x, and the transposed convolution: dy [N, O, OH, OW], w [O, C / groups, kh, kw] to [N, C, ...inputSize]. */
export const convolutionInput: Op = kernel({
  doc: 'Gradient of a convolution with respect to its input; also the transposed convolution.',
  inputs: ['grad', 'w'],
  outputs: ['dx'],
  attrs: { ...MOVEMENT, inputSize: PAIR },
  infer: ([dy, w], attrs: Movement & { inputSize: Pair }) => {
    const dtype = checkTypes('convolutionInput', [dy, w]);
    const x = imageOf(dy.shape, w.shape, attrs);
    backwardGeometry('convolutionInput', dy.shape, x, w.shape, attrs);
    return [channelsLast(x, dtype)];
  },
  loads: ([dy]) => COMPUTE[dy.dtype],
  layout: ['channelsLast', 'contiguous'],
  ints: INTS,
  lower: ([, w], [dx], attrs: Movement) => lowerProduct(geometry('convolutionInput', dx.shape, (w as Meta).shape, attrs), dx.dtype, true),
  kernel: { file: 'conv/conv', name: 'convolutionInput' },
  saves: ['grad', 'w'],
  vjp: (ops, { dy, grad, w, attrs, inputs, needs }) => [
    needs[0] ? ops.convolution(dy, w, null, movement(attrs)) : null,
    needs[1] ? ops.convolutionWeight(grad, dy, withKernel(attrs, (inputs[1] as Meta).shape)) : null,
  ],
});

/** The gradient of a convolution with respect to its weight: dy [N, O, OH, OW], x [N, C, H, W] to [O, C / groups, ...kernelSize]. */
export const convolutionWeight: Op = kernel({
  doc: 'Gradient of a convolution with respect to its weight.',
  inputs: ['grad', 'x'],
  outputs: ['dw'],
  attrs: { ...MOVEMENT, kernelSize: PAIR },
  infer: ([dy, x], attrs: Movement & { kernelSize: Pair }) => {
    const dtype = checkTypes('convolutionWeight', [dy, x]);
    const w = weightOf(dy.shape, x.shape, attrs);
    backwardGeometry('convolutionWeight', dy.shape, x.shape, w, attrs);
    return [{ shape: w, dtype }];
  },
  loads: ([dy]) => COMPUTE[dy.dtype],
  layout: 'channelsLast',
  ints: INTS,
  lower: ([, x], [dw], attrs: Movement) => lowerWeight(geometry('convolutionWeight', (x as Meta).shape, dw.shape, attrs), dw.dtype),
  kernel: { file: 'conv/conv', name: 'convolutionWeight' },
  saves: ['grad', 'x'],
  vjp: (ops, { dy, grad, x, attrs, inputs, needs }) => [
    needs[0] ? ops.convolution(x, dy, null, movement(attrs)) : null,
    needs[1] ? ops.convolutionInput(grad, dy, withInput(attrs, (inputs[1] as Meta).shape)) : null,
  ],
});
