import { COMPUTE, type DType, FLOAT } from '../base/dtype.ts';
import { DTypeError, ShapeError, ValueError } from '../base/errors.ts';
import { channelsLastStrides, type Shape, sameShape, show, sizeOf } from '../base/shape.ts';
import { kernel, type Lowered, type Meta, type Op, type Result } from './op.ts';

/** Height and width. */
type Pair = readonly [number, number];

interface MaxWindow {
  readonly kernelSize: Pair;
  readonly stride?: Pair;
  readonly padding?: Pair;
  readonly dilation?: Pair;
  readonly ceilMode?: boolean;
}
interface AvgWindow {
  readonly kernelSize: Pair;
  readonly stride?: Pair;
  readonly padding?: Pair;
  readonly ceilMode?: boolean;
  readonly countIncludePad?: boolean;
  readonly divisorOverride?: number;
}

const PAIR = 'readonly [number, number]';
const MAX = { kernelSize: PAIR, 'stride?': PAIR, 'padding?': PAIR, 'dilation?': PAIR, 'ceilMode?': 'boolean' };
const AVG = {
  kernelSize: PAIR,
  'stride?': PAIR,
  'padding?': PAIR,
  'ceilMode?': 'boolean',
  'countIncludePad?': 'boolean',
  'divisorOverride?': 'number',
};
/** One list for all rows: the kernels share it. */
const INTS: readonly string[] = [
  ...['channels', 'height', 'width', 'outHeight', 'outWidth', 'kernelH', 'kernelW', 'strideH', 'strideW', 'paddingH', 'paddingW'],
  ...['dilationH', 'dilationW', 'adaptive', 'countPadding', 'divisor', 'units', 'per'],
];
/** Elements read by one tile. */
const GRAIN = 65536;

interface Fields {
  readonly kernelSize?: Pair;
  readonly stride?: Pair;
  readonly padding?: Pair;
  readonly dilation?: Pair;
  readonly adaptive?: boolean;
  readonly countIncludePad?: boolean;
  readonly divisorOverride?: number;
}

/** Steps over `units` of `cost` elements each; x is the shape before, y the shape after pooling. */
function lower(x: Shape, y: Shape, a: Fields, units: number, cost: number, elements: number): Lowered {
  const kernelSize = a.kernelSize ?? [1, 1];
  const per = Math.max(1, Math.floor(GRAIN / Math.max(cost, 1)));
  return {
    ints: [
      ...[x[1], x[2], x[3], y[2], y[3], ...kernelSize, ...(a.stride ?? kernelSize), ...(a.padding ?? [0, 0]), ...(a.dilation ?? [1, 1])],
      ...[a.adaptive ? 1 : 0, a.countIncludePad === false ? 0 : 1, a.divisorOverride ?? 0, units, per],
    ],
    tiles: elements === 0 ? [] : [Math.ceil(units / per)],
  };
}
/** Tiles of output lines. */
function lowerForward(x: Shape, y: Shape, a: Fields): Lowered {
  const area = a.kernelSize ? a.kernelSize[0] * a.kernelSize[1] : Math.ceil(x[2] / y[2]) * Math.ceil(x[3] / y[3]);
  return lower(x, y, a, y[0] * y[2], y[3] * y[1] * area, sizeOf(y));
}
/** Tiles of input lines. */
function lowerSpread(x: Shape, y: Shape, a: Fields): Lowered {
  return lower(x, y, a, x[0] * x[2], x[3] * x[1] * 2, sizeOf(x));
}

function checkImage(op: string, x: Meta, what = 'input'): DType {
  if (!FLOAT.includes(x.dtype))
    throw new DTypeError(`${op}: ${x.dtype} is not supported, only floating point; convert with .to('float32')`);
  if (x.shape.length !== 4)
    throw new ShapeError(`${op}: ${what} must have 4 dimensions [N, C, H, W], not ${show(x.shape)}; add the missing ones with unsqueeze`);
  return x.dtype;
}

/** Output size of a pool, by PyTorch's rule: with ceilMode the last window must still begin inside the image or its left padding. */
function pooledSize(op: string, x: Shape, a: MaxWindow): Shape {
  const { kernelSize, stride = kernelSize, padding = [0, 0], dilation = [1, 1], ceilMode = false } = a;
  const whole = (p: Pair, least: number): boolean => p.length === 2 && p.every((v) => Number.isInteger(v) && v >= least);
  if (!whole(kernelSize, 1) || !whole(stride, 1) || !whole(dilation, 1) || !whole(padding, 0))
    throw new ValueError(
      `${op}: kernelSize ${show(kernelSize)}, stride ${show(stride)} and dilation ${show(dilation)} must be pairs of integers of at least 1, padding ${show(padding)} of at least 0`,
    );
  const size = [0, 1].map((i) => {
    const extent = dilation[i] * (kernelSize[i] - 1) + 1;
    if (padding[i] > extent / 2)
      throw new ValueError(
        `${op}: padding ${padding[i]} is more than half of the kernel (${extent}); use at most ${Math.floor(extent / 2)}, or pad the input first`,
      );
    const room = x[2 + i] + 2 * padding[i] - extent;
    let n = Math.floor((room + (ceilMode ? stride[i] - 1 : 0)) / stride[i]) + 1;
    if (ceilMode && (n - 1) * stride[i] >= x[2 + i] + padding[i]) n--;
    if (n < 1)
      throw new ShapeError(
        `${op}: kernel ${show(kernelSize)} is larger than input ${show(x)} with padding ${show(padding)}; pad more or use a smaller kernel`,
      );
    return n;
  });
  return [x[0], x[1], ...size];
}

function adaptiveSize(op: string, x: Shape, outputSize: Pair): Shape {
  if (outputSize.length !== 2 || !outputSize.every((v) => Number.isInteger(v) && v >= 0))
    throw new ValueError(`${op}: outputSize ${show(outputSize)} must be a pair of integers of at least 0`);
  if (x[2] < 1 || x[3] < 1) throw new ShapeError(`${op}: input ${show(x)} has no pixels to pool; its height and width must be at least 1`);
  return [x[0], x[1], ...outputSize];
}

const channelsLast = (shape: Shape, dtype: DType): Result => ({ shape, dtype, strides: channelsLastStrides(shape) });
const imageOf = (y: Shape, [h, w]: Pair): Shape => [y[0], y[1], h, w];
const planeOf = (x: Shape): Pair => [x[2], x[3]];

function checkGradient(op: string, grad: Shape, y: Shape): void {
  if (!sameShape(grad, y)) throw new ShapeError(`${op}: gradient ${show(grad)} does not fit: the pool gives ${show(y)}`);
}
function checkIndices(op: string, indices: Meta, y: Shape): void {
  if (indices.dtype !== 'int64')
    throw new DTypeError(`${op}: indices must be int64, not ${indices.dtype}; pass those that the pool returned`);
  if (!sameShape(indices.shape, y))
    throw new ShapeError(`${op}: indices ${show(indices.shape)} must have the shape of the pooled values ${show(y)}`);
}

/** Maxima of windows of x [N, C, H, W] and their indices in the H * W plane (int64): the first of equal maxima; NaN wins. */
export const maxPool2d: Op = kernel({
  doc: 'Maximum over each window, and the index of each maximum in its plane.',
  onnx: 'MaxPool',
  inputs: ['x'],
  outputs: ['y', 'indices'],
  attrs: MAX,
  infer: ([x], a: MaxWindow) => {
    const dtype = checkImage('maxPool2d', x);
    const shape = pooledSize('maxPool2d', x.shape, a);
    return [channelsLast(shape, dtype), channelsLast(shape, 'int64')];
  },
  loads: ([x]) => COMPUTE[x.dtype],
  writes: ([x]) => [COMPUTE[x.dtype], 'int64'],
  layout: 'channelsLast',
  ints: INTS,
  lower: ([x], [y], a: MaxWindow) => lowerForward((x as Meta).shape, y.shape, a),
  kernel: { file: 'pool', name: 'maxPool2d' },
  saves: ['indices'],
  vjp: (ops, { dy, indices, inputs }) => [ops.maxPool2dBackward(dy, indices, { inputSize: planeOf((inputs[0] as Meta).shape) })],
});

/** Maxima of windows that cut x [N, C, H, W] into outputSize, and their indices in the plane (int64). */
export const adaptiveMaxPool2d: Op = kernel({
  doc: 'Maximum over windows that divide the image into outputSize, and the index of each maximum in its plane.',
  inputs: ['x'],
  outputs: ['y', 'indices'],
  attrs: { outputSize: PAIR },
  infer: ([x], { outputSize }: { outputSize: Pair }) => {
    const dtype = checkImage('adaptiveMaxPool2d', x);
    const shape = adaptiveSize('adaptiveMaxPool2d', x.shape, outputSize);
    return [channelsLast(shape, dtype), channelsLast(shape, 'int64')];
  },
  loads: ([x]) => COMPUTE[x.dtype],
  writes: ([x]) => [COMPUTE[x.dtype], 'int64'],
  layout: 'channelsLast',
  ints: INTS,
  lower: ([x], [y]) => lowerForward((x as Meta).shape, y.shape, { adaptive: true }),
  kernel: { file: 'pool', name: 'maxPool2d' },
  saves: ['indices'],
  vjp: (ops, { dy, indices, inputs }) => [ops.maxPool2dBackward(dy, indices, { inputSize: planeOf((inputs[0] as Meta).shape) })],
});

/** Gradient of a maximum pool: adds grad [N, C, OH, OW] to zeros [N, C, ...inputSize] at the indices, in the order of the pixels. */
export const maxPool2dBackward: Op = kernel({
  doc: 'Gradient of a maximum pool: sums values at their indices in a plane of inputSize.',
  inputs: ['grad', 'indices'],
  outputs: ['dx'],
  attrs: { inputSize: PAIR },
  infer: ([grad, indices], { inputSize }: { inputSize: Pair }) => {
    const dtype = checkImage('maxPool2dBackward', grad, 'gradient');
    checkIndices('maxPool2dBackward', indices, grad.shape);
    return [channelsLast(imageOf(grad.shape, inputSize), dtype)];
  },
  loads: ([grad]) => [COMPUTE[grad.dtype], 'int64'],
  layout: 'channelsLast',
  ints: INTS,
  lower: ([grad], [dx]) => {
    const y = (grad as Meta).shape;
    return lower(dx.shape, y, {}, y[0] * Math.ceil(y[1] / 16), 16 * (y[2] * y[3] + dx.shape[2] * dx.shape[3]), sizeOf(dx.shape));
  },
  kernel: { file: 'pool', name: 'maxPool2dBackward' },
  saves: ['indices'],
  vjp: (ops, { dy, indices, needs }) => [needs[0] ? ops.maxPool2dGather(dy, indices) : null, null],
});

/** Reads x [N, C, H, W] at indices [N, C, OH, OW] of its plane: the derivative of maxPool2dBackward. */
export const maxPool2dGather: Op = kernel({
  doc: 'Values of x at indices in its plane, as a maximum pool returned them.',
  inputs: ['x', 'indices'],
  outputs: ['y'],
  attrs: {},
  infer: ([x, indices]) => {
    const dtype = checkImage('maxPool2dGather', x);
    checkIndices('maxPool2dGather', indices, [x.shape[0], x.shape[1], indices.shape[2] ?? 0, indices.shape[3] ?? 0]);
    return [channelsLast(indices.shape, dtype)];
  },
  loads: ([x]) => [COMPUTE[x.dtype], 'int64'],
  layout: 'channelsLast',
  ints: INTS,
  lower: ([x], [y]) => lower((x as Meta).shape, y.shape, {}, y.shape[0] * y.shape[2], y.shape[3] * y.shape[1], sizeOf(y.shape)),
  kernel: { file: 'pool', name: 'maxPool2dGather' },
  saves: ['indices'],
  vjp: (ops, { dy, indices, inputs, needs }) => [
    needs[0] ? ops.maxPool2dBackward(dy, indices, { inputSize: planeOf((inputs[0] as Meta).shape) }) : null,
    null,
  ],
});

function checkDivisor(op: string, { divisorOverride }: AvgWindow): void {
  if (divisorOverride !== undefined && (!Number.isInteger(divisorOverride) || divisorOverride === 0))
    throw new ValueError(`${op}: divisorOverride (${divisorOverride}) must be an integer other than 0`);
}

/** Means of windows of x [N, C, H, W]; padding counts as zeros unless countIncludePad is false. */
export const avgPool2d: Op = kernel({
  doc: 'Average over each window.',
  onnx: 'AveragePool',
  inputs: ['x'],
  outputs: ['y'],
  attrs: AVG,
  infer: ([x], a: AvgWindow) => {
    const dtype = checkImage('avgPool2d', x);
    checkDivisor('avgPool2d', a);
    return [channelsLast(pooledSize('avgPool2d', x.shape, a), dtype)];
  },
  loads: ([x]) => COMPUTE[x.dtype],
  layout: 'channelsLast',
  ints: INTS,
  lower: ([x], [y], a: AvgWindow) => lowerForward((x as Meta).shape, y.shape, a),
  kernel: { file: 'pool', name: 'avgPool2d' },
  vjp: (ops, { dy, attrs, inputs }) => [ops.avgPool2dBackward(dy, { ...attrs, inputSize: planeOf((inputs[0] as Meta).shape) })],
});

/** Gradient of avgPool2d: grad [N, C, OH, OW] spread over [N, C, ...inputSize]. */
export const avgPool2dBackward: Op = kernel({
  doc: 'Gradient of an average pool.',
  inputs: ['grad'],
  outputs: ['dx'],
  attrs: { ...AVG, inputSize: PAIR },
  infer: ([grad], a: AvgWindow & { inputSize: Pair }) => {
    const dtype = checkImage('avgPool2dBackward', grad, 'gradient');
    checkDivisor('avgPool2dBackward', a);
    const x = imageOf(grad.shape, a.inputSize);
    checkGradient('avgPool2dBackward', grad.shape, pooledSize('avgPool2dBackward', x, a));
    return [channelsLast(x, dtype)];
  },
  loads: ([grad]) => COMPUTE[grad.dtype],
  layout: 'channelsLast',
  ints: INTS,
  lower: ([grad], [dx], a: AvgWindow) => lowerSpread(dx.shape, (grad as Meta).shape, a),
  kernel: { file: 'pool', name: 'avgPool2dBackward' },
  vjp: (ops, { dy, attrs: { inputSize: _, ...window } }) => [ops.avgPool2d(dy, window)],
});

/** Means of windows that cut x [N, C, H, W] into outputSize: from floor(i * H / OH) to ceil((i + 1) * H / OH). */
export const adaptiveAvgPool2d: Op = kernel({
  doc: 'Average over windows that divide the image into outputSize.',
  inputs: ['x'],
  outputs: ['y'],
  attrs: { outputSize: PAIR },
  infer: ([x], { outputSize }: { outputSize: Pair }) => {
    const dtype = checkImage('adaptiveAvgPool2d', x);
    return [channelsLast(adaptiveSize('adaptiveAvgPool2d', x.shape, outputSize), dtype)];
  },
  loads: ([x]) => COMPUTE[x.dtype],
  layout: 'channelsLast',
  ints: INTS,
  lower: ([x], [y]) => lowerForward((x as Meta).shape, y.shape, { adaptive: true }),
  kernel: { file: 'pool', name: 'avgPool2d' },
  vjp: (ops, { dy, inputs }) => [ops.adaptiveAvgPool2dBackward(dy, { inputSize: planeOf((inputs[0] as Meta).shape) })],
});

/** Gradient of adaptiveAvgPool2d: grad [N, C, OH, OW] spread over [N, C, ...inputSize]. */
export const adaptiveAvgPool2dBackward: Op = kernel({
  doc: 'Gradient of an adaptive average pool.',
  inputs: ['grad'],
  outputs: ['dx'],
  attrs: { inputSize: PAIR },
  infer: ([grad], { inputSize }: { inputSize: Pair }) => [
    channelsLast(imageOf(grad.shape, inputSize), checkImage('adaptiveAvgPool2dBackward', grad, 'gradient')),
  ],
  loads: ([grad]) => COMPUTE[grad.dtype],
  layout: 'channelsLast',
  ints: INTS,
  lower: ([grad], [dx]) => lowerSpread(dx.shape, (grad as Meta).shape, { adaptive: true }),
  kernel: { file: 'pool', name: 'avgPool2dBackward' },
  vjp: (ops, { dy, inputs }) => [ops.adaptiveAvgPool2d(dy, { outputSize: planeOf((inputs[0] as Meta).shape) })],
});
