import { COMPUTE, type DType, FLOAT } from '../base/dtype.ts';
import { DTypeError, ShapeError, ValueError } from '../base/errors.ts';
import { channelsLastStrides, type Shape, sameShape, show, sizeOf } from '../base/shape.ts';
import { kernel, type Lowered, type Meta, type Op, type Result } from './op.ts';

/** One number for each spatial dimension. */
type Sizes = readonly number[];

interface MaxWindow {
  readonly kernelSize: Sizes;
  readonly stride?: Sizes;
  readonly padding?: Sizes;
  readonly dilation?: Sizes;
  readonly ceilMode?: boolean;
}
interface AvgWindow {
  readonly kernelSize: Sizes;
  readonly stride?: Sizes;
  readonly padding?: Sizes;
  readonly ceilMode?: boolean;
  readonly countIncludePad?: boolean;
  readonly divisorOverride?: number;
}

const SIZES = 'readonly number[]';
const MAX = { kernelSize: SIZES, 'stride?': SIZES, 'padding?': SIZES, 'dilation?': SIZES, 'ceilMode?': 'boolean' };
const AVG = {
  kernelSize: SIZES,
  'stride?': SIZES,
  'padding?': SIZES,
  'ceilMode?': 'boolean',
  'countIncludePad?': 'boolean',
  'divisorOverride?': 'number',
};
/** One list for all rows: the kernels share it. */
const INTS: readonly string[] = [
  'channels',
  ...['size', 'out', 'kernel', 'stride', 'padding', 'dilation'].flatMap((name) => ['D', 'H', 'W'].map((d) => name + d)),
  ...['adaptive', 'countPadding', 'divisor', 'units', 'per'],
];
/** Elements read by one tile. */
const GRAIN = 65536;

interface Fields {
  readonly kernelSize?: Sizes;
  readonly stride?: Sizes;
  readonly padding?: Sizes;
  readonly dilation?: Sizes;
  readonly adaptive?: boolean;
  readonly countIncludePad?: boolean;
  readonly divisorOverride?: number;
}

/** Three sizes: depth, height, width. */
const filled = (list: Sizes, value: number): Sizes => [...new Array<number>(3 - list.length).fill(value), ...list];
const volume = (shape: Shape): number => sizeOf(shape.slice(2));

/** Steps over `units` of `cost` elements each; x is the shape before, y the shape after pooling. */
function lower(x: Shape, y: Shape, a: Fields, units: number, cost: number, elements: number): Lowered {
  const kernelSize = filled(a.kernelSize ?? [1], 1);
  const per = Math.max(1, Math.floor(GRAIN / Math.max(cost, 1)));
  return {
    ints: [
      ...[x[1], ...filled(x.slice(2), 1), ...filled(y.slice(2), 1), ...kernelSize, ...filled(a.stride ?? kernelSize, 1)],
      ...[...filled(a.padding ?? [0], 0), ...filled(a.dilation ?? [1], 1)],
      ...[a.adaptive ? 1 : 0, a.countIncludePad === false || a.adaptive ? 0 : 1, a.divisorOverride ?? 0, units, per],
    ],
    tiles: elements === 0 ? [] : [Math.ceil(units / per)],
  };
}
/** Tiles of output lines. */
function lowerForward(x: Shape, y: Shape, a: Fields): Lowered {
  const area = a.kernelSize ? a.kernelSize.reduce((p, k) => p * k, 1) : Math.ceil(volume(x) / volume(y));
  const line = y[y.length - 1];
  return lower(x, y, a, (y[0] * volume(y)) / line, line * y[1] * area, sizeOf(y));
}
/** Tiles of input lines. */
function lowerSpread(x: Shape, y: Shape, a: Fields): Lowered {
  const line = x[x.length - 1];
  return lower(x, y, a, (x[0] * volume(x)) / line, line * x[1] * 2, sizeOf(x));
}

function checkImage(op: string, x: Meta, what = 'input'): DType {
  if (!FLOAT.includes(x.dtype))
    throw new DTypeError(`${op}: ${x.dtype} is not supported, only floating point; convert with .to('float32')`);
  if (x.shape.length < 3 || x.shape.length > 5)
    throw new ShapeError(
      `${op}: ${what} must have 3 to 5 dimensions [N, C, ...image], not ${show(x.shape)}; add the missing ones with unsqueeze`,
    );
  return x.dtype;
}

/** Output size of a pool, by PyTorch's rule: with ceilMode the last window must still begin inside the image or its left padding. */
function pooledSize(row: string, x: Shape, a: MaxWindow): Shape {
  const op = `${row}${x.length - 2}d`;
  const dims = x.length - 2;
  const { kernelSize, stride = kernelSize, padding = [0, 0, 0].slice(0, dims), dilation = [1, 1, 1].slice(0, dims), ceilMode = false } = a;
  const whole = (p: Sizes, least: number): boolean => p.length === dims && p.every((v) => Number.isInteger(v) && v >= least);
  if (!whole(kernelSize, 1) || !whole(stride, 1) || !whole(dilation, 1) || !whole(padding, 0))
    throw new ValueError(
      `${op}: kernelSize ${show(kernelSize)}, stride ${show(stride)} and dilation ${show(dilation)} must be ${dims} integers of at least 1, padding ${show(padding)} of at least 0`,
    );
  const size = kernelSize.map((_, i) => {
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

function adaptiveSize(row: string, x: Shape, outputSize: Sizes): Shape {
  const op = `${row}${x.length - 2}d`;
  if (outputSize.length !== x.length - 2 || !outputSize.every((v) => Number.isInteger(v) && v >= 0))
    throw new ValueError(`${op}: outputSize ${show(outputSize)} must be ${x.length - 2} integers of at least 0`);
  if (volume(x) < 1) throw new ShapeError(`${op}: input ${show(x)} has no pixels to pool; its sizes must be at least 1`);
  return [x[0], x[1], ...outputSize];
}

const channelsLast = (shape: Shape, dtype: DType): Result => ({ shape, dtype, strides: channelsLastStrides(shape) });
const imageOf = (y: Shape, size: Sizes): Shape => [y[0], y[1], ...size];
const planeOf = (x: Shape): Sizes => x.slice(2);

function checkGradient(op: string, grad: Shape, y: Shape): void {
  if (!sameShape(grad, y)) throw new ShapeError(`${op}: gradient ${show(grad)} does not fit: the pool gives ${show(y)}`);
}
function checkIndices(op: string, indices: Meta, y: Shape): void {
  if (indices.dtype !== 'int64')
    throw new DTypeError(`${op}: indices must be int64, not ${indices.dtype}; pass those that the pool returned`);
  if (!sameShape(indices.shape, y))
    throw new ShapeError(`${op}: indices ${show(indices.shape)} must have the shape of the pooled values ${show(y)}`);
}

/** Maxima of windows of x [N, C, ...image] and their indices in the plane (int64): the first of equal maxima; NaN wins. */
export const maxPool: Op = kernel({
  doc: 'Maximum over each window, and the index of each maximum in its plane.',
  onnx: 'MaxPool',
  inputs: ['x'],
  outputs: ['y', 'indices'],
  attrs: MAX,
  infer: ([x], a: MaxWindow) => {
    const dtype = checkImage('maxPool', x);
    const shape = pooledSize('maxPool', x.shape, a);
    return [channelsLast(shape, dtype), channelsLast(shape, 'int64')];
  },
  loads: ([x]) => COMPUTE[x.dtype],
  writes: ([x]) => [COMPUTE[x.dtype], 'int64'],
  layout: 'channelsLast',
  ints: INTS,
  lower: ([x], [y], a: MaxWindow) => lowerForward((x as Meta).shape, y.shape, a),
  kernel: { file: 'pool', name: 'maxPool' },
  saves: ['indices'],
  vjp: (ops, { dy, indices, inputs }) => [ops.maxPoolBackward(dy, indices, { inputSize: planeOf((inputs[0] as Meta).shape) })],
});

/** Maxima of windows that cut x [N, C, ...image] into outputSize, and their indices in the plane (int64). */
export const adaptiveMaxPool: Op = kernel({
  doc: 'Maximum over windows that divide the image into outputSize, and the index of each maximum in its plane.',
  inputs: ['x'],
  outputs: ['y', 'indices'],
  attrs: { outputSize: SIZES },
  infer: ([x], { outputSize }: { outputSize: Sizes }) => {
    const dtype = checkImage('adaptiveMaxPool', x);
    const shape = adaptiveSize('adaptiveMaxPool', x.shape, outputSize);
    return [channelsLast(shape, dtype), channelsLast(shape, 'int64')];
  },
  loads: ([x]) => COMPUTE[x.dtype],
  writes: ([x]) => [COMPUTE[x.dtype], 'int64'],
  layout: 'channelsLast',
  ints: INTS,
  lower: ([x], [y]) => lowerForward((x as Meta).shape, y.shape, { adaptive: true }),
  kernel: { file: 'pool', name: 'maxPool' },
  saves: ['indices'],
  vjp: (ops, { dy, indices, inputs }) => [ops.maxPoolBackward(dy, indices, { inputSize: planeOf((inputs[0] as Meta).shape) })],
});

/** Gradient of a maximum pool: adds grad [N, C, ...out] to zeros [N, C, ...inputSize] at the indices, in the order of the pixels. */
export const maxPoolBackward: Op = kernel({
  doc: 'Gradient of a maximum pool: sums values at their indices in a plane of inputSize.',
  inputs: ['grad', 'indices'],
  outputs: ['dx'],
  attrs: { inputSize: SIZES },
  infer: ([grad, indices], { inputSize }: { inputSize: Sizes }) => {
    const dtype = checkImage('maxPoolBackward', grad, 'gradient');
    checkIndices('maxPoolBackward', indices, grad.shape);
    return [channelsLast(imageOf(grad.shape, inputSize), dtype)];
  },
  loads: ([grad]) => [COMPUTE[grad.dtype], 'int64'],
  layout: 'channelsLast',
  ints: INTS,
  lower: ([grad], [dx]) => {
    const y = (grad as Meta).shape;
    return lower(dx.shape, y, {}, y[0] * Math.ceil(y[1] / 16), 16 * (volume(y) + volume(dx.shape)), sizeOf(dx.shape));
  },
  kernel: { file: 'pool', name: 'maxPoolBackward' },
  saves: ['indices'],
  vjp: (ops, { dy, indices, needs }) => [needs[0] ? ops.maxPoolGather(dy, indices) : null, null],
});

/** Reads x [N, C, ...image] at indices [N, C, ...out] of its plane: the derivative of maxPoolBackward. */
export const maxPoolGather: Op = kernel({
  doc: 'Values of x at indices in its plane, as a maximum pool returned them.',
  inputs: ['x', 'indices'],
  outputs: ['y'],
  attrs: {},
  infer: ([x, indices]) => {
    const dtype = checkImage('maxPoolGather', x);
    checkIndices('maxPoolGather', indices, [x.shape[0], x.shape[1], ...indices.shape.slice(2)]);
    return [channelsLast(indices.shape, dtype)];
  },
  loads: ([x]) => [COMPUTE[x.dtype], 'int64'],
  layout: 'channelsLast',
  ints: INTS,
  lower: ([x], [y]) => lowerForward((x as Meta).shape, y.shape, { kernelSize: [1] }),
  kernel: { file: 'pool', name: 'maxPoolGather' },
  saves: ['indices'],
  vjp: (ops, { dy, indices, inputs, needs }) => [
    needs[0] ? ops.maxPoolBackward(dy, indices, { inputSize: planeOf((inputs[0] as Meta).shape) }) : null,
    null,
  ],
});

function checkDivisor(op: string, { divisorOverride }: AvgWindow): void {
  if (divisorOverride !== undefined && (!Number.isInteger(divisorOverride) || divisorOverride === 0))
    throw new ValueError(`${op}: divisorOverride (${divisorOverride}) must be an integer other than 0`);
}

/** Means of windows of x [N, C, ...image]; padding counts as zeros unless countIncludePad is false. */
export const avgPool: Op = kernel({
  doc: 'Average over each window.',
  onnx: 'AveragePool',
  inputs: ['x'],
  outputs: ['y'],
  attrs: AVG,
  infer: ([x], a: AvgWindow) => {
    const dtype = checkImage('avgPool', x);
    checkDivisor('avgPool', a);
    return [channelsLast(pooledSize('avgPool', x.shape, a), dtype)];
  },
  loads: ([x]) => COMPUTE[x.dtype],
  layout: 'channelsLast',
  ints: INTS,
  lower: ([x], [y], a: AvgWindow) => lowerForward((x as Meta).shape, y.shape, a),
  kernel: { file: 'pool', name: 'avgPool' },
  vjp: (ops, { dy, attrs, inputs }) => [ops.avgPoolBackward(dy, { ...attrs, inputSize: planeOf((inputs[0] as Meta).shape) })],
});

/** Gradient of avgPool: grad [N, C, ...out] spread over [N, C, ...inputSize]. */
export const avgPoolBackward: Op = kernel({
  doc: 'Gradient of an average pool.',
  inputs: ['grad'],
  outputs: ['dx'],
  attrs: { ...AVG, inputSize: SIZES },
  infer: ([grad], a: AvgWindow & { inputSize: Sizes }) => {
    const dtype = checkImage('avgPoolBackward', grad, 'gradient');
    checkDivisor('avgPoolBackward', a);
    const x = imageOf(grad.shape, a.inputSize);
    checkGradient('avgPoolBackward', grad.shape, pooledSize('avgPoolBackward', x, a));
    return [channelsLast(x, dtype)];
  },
  loads: ([grad]) => COMPUTE[grad.dtype],
  layout: 'channelsLast',
  ints: INTS,
  lower: ([grad], [dx], a: AvgWindow) => lowerSpread(dx.shape, (grad as Meta).shape, a),
  kernel: { file: 'pool', name: 'avgPoolBackward' },
  vjp: (ops, { dy, attrs: { inputSize: _, ...window } }) => [ops.avgPool(dy, window)],
});

/** Means of windows that cut x [N, C, ...image] into outputSize: from floor(i * size / parts) to ceil((i + 1) * size / parts). */
export const adaptiveAvgPool: Op = kernel({
  doc: 'Average over windows that divide the image into outputSize.',
  inputs: ['x'],
  outputs: ['y'],
  attrs: { outputSize: SIZES },
  infer: ([x], { outputSize }: { outputSize: Sizes }) => {
    const dtype = checkImage('adaptiveAvgPool', x);
    return [channelsLast(adaptiveSize('adaptiveAvgPool', x.shape, outputSize), dtype)];
  },
  loads: ([x]) => COMPUTE[x.dtype],
  layout: 'channelsLast',
  ints: INTS,
  lower: ([x], [y]) => lowerForward((x as Meta).shape, y.shape, { adaptive: true }),
  kernel: { file: 'pool', name: 'avgPool' },
  vjp: (ops, { dy, inputs }) => [ops.adaptiveAvgPoolBackward(dy, { inputSize: planeOf((inputs[0] as Meta).shape) })],
});

/** Gradient of adaptiveAvgPool: grad [N, C, ...out] spread over [N, C, ...inputSize]. */
export const adaptiveAvgPoolBackward: Op = kernel({
  doc: 'Gradient of an adaptive average pool.',
  inputs: ['grad'],
  outputs: ['dx'],
  attrs: { inputSize: SIZES },
  infer: ([grad], { inputSize }: { inputSize: Sizes }) => [
    channelsLast(imageOf(grad.shape, inputSize), checkImage('adaptiveAvgPoolBackward', grad, 'gradient')),
  ],
  loads: ([grad]) => COMPUTE[grad.dtype],
  layout: 'channelsLast',
  ints: INTS,
  lower: ([grad], [dx]) => lowerSpread(dx.shape, (grad as Meta).shape, { adaptive: true }),
  kernel: { file: 'pool', name: 'avgPoolBackward' },
  vjp: (ops, { dy, inputs }) => [ops.adaptiveAvgPool(dy, { outputSize: planeOf((inputs[0] as Meta).shape) })],
});
