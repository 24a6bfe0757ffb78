// Rows of the quantised kernels (assembly/quant.ts), which wick/tflite and wick/onnx add: integer arithmetic as TensorFlow Lite's reference kernels do it,
// and as ONNX specifies it.
import { type DType, SIZE } from '../base/dtype.ts';
import { DTypeError, ShapeError } from '../base/errors.ts';
import { sameShape, show, sizeOf } from '../base/shape.ts';
import { kernel, type Lowered, type Meta, type Op } from './op.ts';

/** Elements worth a tile of their own. */
const GRAIN = 16384;
const LIMITS: Partial<Record<DType, readonly [low: number, high: number]>> = {
  int8: [-128, 127],
  uint8: [0, 255],
  int16: [-32768, 32767],
  int32: [-2147483648, 2147483647],
  bool: [0, 1],
};

/** Least and greatest number of an integer dtype. @throws DTypeError for others */
export function limitsOf(dtype: DType): readonly [low: number, high: number] {
  const limits = LIMITS[dtype];
  if (limits === undefined) throw new DTypeError(`${dtype} is no quantised integer; use int8, uint8, int16 or int32`);
  return limits;
}

/** Numbers of a range that a result is kept in. */
interface Range {
  readonly dtype: DType;
  readonly zero?: number;
  readonly low?: number;
  readonly high?: number;
}
function rangeOf({ dtype, low, high }: Range): readonly [number, number] {
  const [least, most] = limitsOf(dtype);
  return [Math.max(least, low ?? least), Math.min(most, high ?? most)];
}
const tilesOf = (n: number, per: number): Pick<Lowered, 'tiles'> => ({ tiles: n === 0 ? [] : [Math.ceil(n / per)] });
const RANGE = { dtype: 'DType', 'zero?': 'number', 'low?': 'number', 'high?': 'number' } as const;
const integer = (op: string, x: Meta, ...also: DType[]): void => {
  if (LIMITS[x.dtype] === undefined && !also.includes(x.dtype)) throw new DTypeError(`${op}: ${x.dtype} is not an integer dtype it takes`);
};

interface Rescale extends Range {
  readonly xZero?: number;
  readonly wide?: boolean;
}
/**
 * Integers times a scale: one for all or one for each of the last dimension. [2, c] of int32 are fixed-point multipliers and their shifts,
 * [1, c] of float64 real numbers.
 */
export const requantize: Op = kernel({
  doc: 'Integers (with a bias) scaled by fixed-point multipliers, rounded, offset and clamped.',
  inputs: ['x', 'scales', 'bias?'],
  outputs: ['y'],
  attrs: { ...RANGE, 'xZero?': 'number', 'wide?': 'boolean' },
  infer: ([x, scales, bias], { dtype }: Rescale) => {
    integer('requantize', x, 'int64', 'float64');
    const c = x.shape.at(-1) ?? 1;
    const rows = scales.dtype === 'float64' ? 1 : 2;
    if (scales.shape.length !== 2 || scales.shape[0] !== rows || (scales.shape[1] !== 1 && scales.shape[1] !== c))
      throw new ShapeError(
        `requantize: scales ${show(scales.shape)} do not fit ${show(x.shape)}: they need [${rows}, 1] or [${rows}, ${c}]`,
      );
    if (bias && sizeOf(bias.shape) !== c) throw new ShapeError(`requantize: bias ${show(bias.shape)} does not fit ${show(x.shape)}`);
    return [{ shape: x.shape, dtype }];
  },
  loads: ([, scales, bias]) => ['same', scales.dtype === 'float64' ? 'float64' : 'int32', bias?.dtype === 'int64' ? 'int64' : 'int32'],
  writes: (_, { dtype }) => [dtype as DType],
  ints: ['n', 'channels', 'per', 'zero', 'low', 'high', 'bias', 'scales', 'wide', 'xZero'],
  lower: ([x, scales, bias], [y], attrs: Rescale) => {
    const n = sizeOf(y.shape);
    const { zero = 0, xZero = 0, wide = false } = attrs;
    const of = (scales as Meta).shape[1];
    return {
      ints: [n, (x as Meta).shape.at(-1) ?? 1, GRAIN, zero, ...rangeOf(attrs), bias ? 1 : 0, of, wide ? 1 : 0, xZero],
      ...tilesOf(n, GRAIN),
    };
  },
  kernel: { file: 'quant/elementwise', name: 'requantize' },
  vjp: null,
});

/** A function of 8 or 16 bits as the table of its values, from the least number on. */
export const lookup: Op = kernel({
  doc: 'The entry of a table for each int8, uint8 or int16 number.',
  inputs: ['x', 'table'],
  outputs: ['y'],
  attrs: {},
  infer: ([x, table]) => {
    const [low, high] = x.dtype === 'int32' ? [0, 0] : limitsOf(x.dtype);
    if (sizeOf(table.shape) !== high - low + 1 || SIZE[table.dtype] > 4)
      throw new ShapeError(`lookup: a table ${show(table.shape)} of ${table.dtype} for ${x.dtype}; it needs ${high - low + 1} entries`);
    return [{ shape: x.shape, dtype: table.dtype }];
  },
  loads: () => ['same', 'same'],
  writes: ([, table]) => [table.dtype],
  ints: ['n', 'per', 'low', 'shift'],
  lower: ([x], [y]) => {
    const n = sizeOf(y.shape);
    const shift = { 1: 0, 2: 1, 4: 2 }[SIZE[y.dtype]] as number;
    return { ints: [n, GRAIN, limitsOf((x as Meta).dtype)[0], shift], ...tilesOf(n, GRAIN) };
  },
  kernel: { file: 'quant/elementwise', name: 'lookup' },
  vjp: null,
});

/** round(x / scale) + zero, ties away from zero, clamped. */
export const quantize: Op = kernel({
  doc: 'Floats divided by a scale, rounded to nearest with ties away from zero, offset and clamped.',
  inputs: ['x'],
  outputs: ['y'],
  attrs: { ...RANGE, scale: 'number' },
  infer: ([x], { dtype }: Range) => [{ shape: x.shape, dtype }],
  loads: () => ['float32'],
  writes: (_, { dtype }) => [dtype as DType],
  ints: ['n', 'per', 'zero', 'low', 'high'],
  floats: ['scale'],
  lower: (_, [y], attrs: Range & { readonly scale: number }) => {
    const n = sizeOf(y.shape);
    return { ints: [n, GRAIN, attrs.zero ?? 0, ...rangeOf(attrs)], floats: [attrs.scale], ...tilesOf(n, GRAIN) };
  },
  kernel: { file: 'quant/elementwise', name: 'quantize' },
  vjp: null,
});

/** What `combine` does with two operands, by the number in assembly/kernels/quant/elementwise.ts. */
const MODES = ['add', 'sub', 'mul', 'prelu', 'addShifted', 'squaredDifference', 'eq', 'ne', 'lt', 'le', 'gt', 'ge'] as const;
export type Combination = (typeof MODES)[number];
/** A fixed-point multiplier: multiplier * 2^(shift - 31). */
export interface Multiplier {
  readonly multiplier: number;
  readonly shift: number;
}
interface Combine extends Range {
  readonly mode: Combination;
  readonly aZero?: number;
  readonly bZero?: number;
  readonly a?: Multiplier;
  readonly b?: Multiplier;
  readonly y?: Multiplier;
  readonly left?: number;
}
const ONE: Multiplier = { multiplier: 0, shift: 0 };
/** Two quantised operands of one shape. */
export const combine: Op = kernel({
  doc: 'Two quantised tensors of one shape added, subtracted, multiplied or compared by fixed-point arithmetic.',
  inputs: ['a', 'b'],
  outputs: ['y'],
  attrs: {
    ...RANGE,
    mode: 'string',
    'aZero?': 'number',
    'bZero?': 'number',
    'a?': 'object',
    'b?': 'object',
    'y?': 'object',
    'left?': 'number',
  },
  infer: ([a, b], { dtype }: Combine) => {
    integer('combine', a);
    integer('combine', b);
    if (!sameShape(a.shape, b.shape)) throw new ShapeError(`combine: ${show(a.shape)} and ${show(b.shape)} differ; expand them first`);
    return [{ shape: a.shape, dtype }];
  },
  loads: () => ['same', 'same'],
  writes: (_, { dtype }) => [dtype as DType],
  ints: ['n', 'per', 'mode', 'aZero', 'aMul', 'aShift', 'bZero', 'bMul', 'bShift', 'yZero', 'yMul', 'yShift', 'left', 'low', 'high'],
  lower: (_, [out], attrs: Combine) => {
    const n = sizeOf(out.shape);
    const { mode, zero = 0, aZero = 0, bZero = 0, a = ONE, b = ONE, y = ONE, left = 0 } = attrs;
    const scales = [aZero, a.multiplier, a.shift, bZero, b.multiplier, b.shift, zero, y.multiplier, y.shift];
    return { ints: [n, GRAIN, MODES.indexOf(mode), ...scales, left, ...rangeOf(attrs)], ...tilesOf(n, GRAIN) };
  },
  kernel: { file: 'quant/elementwise', name: 'combine' },
  vjp: null,
});

interface Joined extends Range {
  readonly times: boolean;
  readonly aScale: number;
  readonly bScale?: number;
  readonly fixed?: number;
  readonly aZero?: number;
  readonly bZero?: number;
}
/**
 * Two tensors of bytes of one shape: a * aScale + (b * bScale + fixed), each step one rounding of float32, or
 * (a - aZero) * (b - bZero) * aScale; rounded half to even, then moved by `zero`.
 */
export const joined: Op = kernel({
  doc: 'Two quantised tensors of one shape added or multiplied as float32, rounded half to even.',
  inputs: ['a', 'b'],
  outputs: ['y'],
  attrs: {
    ...{ ...RANGE, times: 'boolean', aScale: 'number', 'bScale?': 'number', 'fixed?': 'number' },
    ...{ 'aZero?': 'number', 'bZero?': 'number' },
  },
  infer: ([a, b], { dtype }: Joined) => {
    for (const t of [a.dtype, b.dtype, dtype])
      if (t !== 'int8' && t !== 'uint8') throw new DTypeError(`joined: takes int8 and uint8, not ${t}`);
    if (!sameShape(a.shape, b.shape)) throw new ShapeError(`joined: ${show(a.shape)} and ${show(b.shape)} differ; expand them first`);
    return [{ shape: a.shape, dtype }];
  },
  loads: () => ['same', 'same'],
  writes: (_, { dtype }) => [dtype as DType],
  ints: ['n', 'per', 'times', 'zero', 'low', 'high', 'aZero', 'bZero'],
  floats: ['aScale', 'bScale', 'fixed'],
  lower: (_, [y], attrs: Joined) => {
    const n = sizeOf(y.shape);
    const { times, zero = 0, aZero = 0, bZero = 0, aScale, bScale = 0, fixed = 0 } = attrs;
    const ints = [n, GRAIN, times ? 1 : 0, zero, ...rangeOf(attrs), aZero, bZero];
    return { ints, floats: [aScale, bScale, fixed], ...tilesOf(n, GRAIN) };
  },
  kernel: { file: 'quant/elementwise', name: 'joined' },
  vjp: null,
});

/** 1 / sqrt(x) of int8 numbers. */
export const inverseSquareRoot: Op = kernel({
  doc: 'Reciprocal square root of int8 numbers in fixed point.',
  inputs: ['x'],
  outputs: ['y'],
  attrs: { xZero: 'number', zero: 'number', by: 'object' },
  infer: ([x]) => {
    if (x.dtype !== 'int8') throw new DTypeError(`inverseSquareRoot: takes int8, not ${x.dtype}`);
    return [{ shape: x.shape, dtype: x.dtype }];
  },
  loads: () => 'int8',
  ints: ['n', 'xZero', 'zero', 'multiplier', 'shift'],
  lower: (_, [y], { xZero, zero, by }: { xZero: number; zero: number; by: Multiplier }) => ({
    ints: [sizeOf(y.shape), xZero, zero, by.multiplier, by.shift],
    tiles: sizeOf(y.shape) === 0 ? [] : [1],
  }),
  kernel: { file: 'quant/elementwise', name: 'inverseSquareRoot' },
  vjp: null,
});

const ROWS = ['softmax', 'softmaxWide', 'logSoftmax', 'unit'] as const;
interface Along {
  readonly mode: (typeof ROWS)[number];
  readonly dtype: DType;
  readonly by?: Multiplier;
  /** The least difference from the largest number that counts; of 'unit' the zero point. */
  readonly least?: number;
  readonly reverse?: Multiplier;
}
/** Softmax, log-softmax and unit length along the last dimension; `tables` are those of exp and 1 / (1 + x) for 16 bits. */
export const integerRows: Op = kernel({
  doc: 'Softmax, log-softmax or L2 normalisation of quantised rows.',
  inputs: ['x', 'tables?'],
  outputs: ['y'],
  attrs: { mode: 'string', dtype: 'DType', 'by?': 'object', 'least?': 'number', 'reverse?': 'object' },
  infer: ([x], { dtype }: Along) => {
    integer('integerRows', x);
    if (x.shape.length === 0) throw new ShapeError('integerRows: a number has no rows');
    return [{ shape: x.shape, dtype }];
  },
  loads: () => ['same', 'int16'],
  writes: (_, { dtype }) => [dtype as DType],
  ints: ['rows', 'depth', 'per', 'mode', 'multiplier', 'left', 'least', 'reverse', 'reverseShift'],
  lower: (_, [y], { mode, by = ONE, least = 0, reverse = ONE }: Along) => {
    const depth = y.shape.at(-1) as number;
    const rows = depth === 0 ? 0 : sizeOf(y.shape) / depth;
    const per = Math.max(1, Math.floor(2048 / Math.max(depth, 1)));
    const numbers = [by.multiplier, by.shift, least, reverse.multiplier, reverse.shift];
    return { ints: [rows, depth, per, ROWS.indexOf(mode), ...numbers], ...tilesOf(rows, per) };
  },
  kernel: { file: 'quant/rows', name: 'integerRows' },
  vjp: null,
});

/** Windows over an image [n, h, w, c]. */
interface Window {
  readonly mean: boolean;
  readonly size: readonly [number, number];
  readonly stride: readonly [number, number];
  readonly padding: readonly [number, number];
  readonly out: readonly [number, number];
  readonly low?: number;
  readonly high?: number;
}
export const integerPool: Op = kernel({
  doc: 'Mean or maximum of windows of a quantised image [n, h, w, c].',
  inputs: ['x'],
  outputs: ['y'],
  attrs: { mean: 'boolean', size: 'Shape', stride: 'Shape', padding: 'Shape', out: 'Shape', 'low?': 'number', 'high?': 'number' },
  infer: ([x], { out }: Window) => {
    integer('integerPool', x);
    if (x.shape.length !== 4) throw new ShapeError(`integerPool: takes [n, h, w, c], not ${show(x.shape)}`);
    return [{ shape: [x.shape[0], ...out, x.shape[3]], dtype: x.dtype }];
  },
  loads: () => ['same'],
  writes: ([x]) => [x.dtype],
  ints: ['h', 'w', 'c', 'oh', 'ow', 'kh', 'kw', 'sh', 'sw', 'top', 'left', 'low', 'high', 'mean', 'lines', 'per'],
  lower: ([x], [y], { mean, size, stride, padding, out, low, high }: Window) => {
    const lines = y.shape[0] * out[0];
    const per = Math.max(1, Math.floor(GRAIN / Math.max(1, out[1] * y.shape[3] * size[0] * size[1])));
    const range = rangeOf({ dtype: y.dtype, ...(low === undefined ? {} : { low }), ...(high === undefined ? {} : { high }) });
    const ints = [...(x as Meta).shape.slice(1), ...out, ...size, ...stride, ...padding, ...range, mean ? 1 : 0, lines, per];
    return { ints, ...tilesOf(sizeOf(y.shape) === 0 ? 0 : lines, per) };
  },
  kernel: { file: 'quant/image', name: 'integerPool' },
  vjp: null,
});

interface Resize {
  readonly out: readonly [number, number];
  /** Steps in the source, in 1/1024 of a pixel. */
  readonly scale: readonly [number, number];
  readonly centers: boolean;
}
export const integerResize: Op = kernel({
  doc: 'Bilinear resizing of a quantised image [n, h, w, c].',
  inputs: ['x'],
  outputs: ['y'],
  attrs: { out: 'Shape', scale: 'Shape', centers: 'boolean' },
  infer: ([x], { out }: Resize) => {
    integer('integerResize', x);
    if (x.shape.length !== 4) throw new ShapeError(`integerResize: takes [n, h, w, c], not ${show(x.shape)}`);
    return [{ shape: [x.shape[0], ...out, x.shape[3]], dtype: x.dtype }];
  },
  loads: () => ['same'],
  writes: ([x]) => [x.dtype],
  ints: ['h', 'w', 'c', 'oh', 'ow', 'scaleY', 'scaleX', 'centers', 'lines', 'per'],
  lower: ([x], [y], { out, scale, centers }: Resize) => {
    const lines = y.shape[0] * out[0];
    const per = Math.max(1, Math.floor(GRAIN / Math.max(1, 4 * out[1] * y.shape[3])));
    return {
      ints: [...(x as Meta).shape.slice(1), ...out, ...scale, centers ? 1 : 0, lines, per],
      ...tilesOf(sizeOf(y.shape) === 0 ? 0 : lines, per),
    };
  },
  kernel: { file: 'quant/image', name: 'integerResize' },
  vjp: null,
});
