// Rows of convolutions between quantised bytes.
import type { DType } from '../base/dtype.ts';
import { DTypeError, ShapeError } from '../base/errors.ts';
import { show, sizeOf } from '../base/shape.ts';
import { kernel, type Meta, type Op } from './op.ts';
import { limitsOf } from './quantised.ts';

type Two = readonly [number, number];
/** A convolution of images [n, h, w, c]: how the kernel moves, zero points, and the result. */
export interface Convolution {
  readonly dtype: DType;
  readonly stride: Two;
  readonly dilation: Two;
  /** Zeros before the image. */
  readonly padding: Two;
  readonly out: Two;
  readonly xZero?: number;
  readonly wZero?: number;
  readonly zero?: number;
  readonly low?: number;
  readonly high?: number;
}
const ATTRS = {
  ...{ dtype: 'DType', stride: 'Shape', dilation: 'Shape', padding: 'Shape', out: 'Shape' },
  ...{ 'xZero?': 'number', 'wZero?': 'number', 'zero?': 'number', 'low?': 'number', 'high?': 'number' },
} as const;
const BYTES: readonly DType[] = ['int8', 'uint8'];
/** Multiplications worth a tile of their own. */
const GRAIN = 1_000_000;
/** Outputs that one unit packs (GROUP in assembly/kernels/quant/conv.ts, times eight). */
const PACKED = 128;
/** Bytes of one patch that a thread's scratch holds four of. */
export const LONGEST = 49_000;

/** Scales as rows of a tensor: fixed-point multipliers and shifts, or real numbers. */
export const scaleRows = (scales: Meta): number => (scales.dtype === 'float64' || scales.dtype === 'float32' ? 1 : 2);
const scaleDtype = (scales: Meta): DType => (scaleRows(scales) === 1 ? scales.dtype : 'int32');
function check(op: string, inputs: readonly (Meta | null)[], outs: number, dtype: DType): void {
  const [x, w, bias, scales] = inputs as readonly Meta[];
  for (const t of [x.dtype, w.dtype, dtype]) if (!BYTES.includes(t)) throw new DTypeError(`${op}: takes int8 and uint8, not ${t}`);
  if (x.shape.length !== 4 || w.shape.length !== 4) throw new ShapeError(`${op}: an image ${show(x.shape)} and a weight ${show(w.shape)}`);
  const rows = scaleRows(scales);
  if (scales.shape.length !== 2 || scales.shape[0] !== rows || (scales.shape[1] !== 1 && scales.shape[1] !== outs))
    throw new ShapeError(`${op}: scales ${show(scales.shape)} for ${outs} outputs`);
  if (bias && sizeOf(bias.shape) !== outs) throw new ShapeError(`${op}: bias ${show(bias.shape)} for ${outs} outputs`);
}
const loads = ([, , , scales]: readonly Meta[]): ('same' | DType)[] => ['same', 'same', 'int32', scaleDtype(scales)];
function numbers(inputs: readonly (Meta | null)[], y: Meta, attrs: Convolution): number[] {
  const [x, , bias, scales] = inputs as readonly Meta[];
  const [least, most] = limitsOf(y.dtype);
  return [
    ...[...x.shape.slice(1), y.shape[3], ...attrs.out, ...attrs.stride, ...attrs.dilation, ...attrs.padding],
    ...[attrs.xZero ?? 0, attrs.wZero ?? 0, attrs.zero ?? 0, Math.max(least, attrs.low ?? least), Math.min(most, attrs.high ?? most)],
    ...[bias ? 1 : 0, scales.shape[1]],
  ];
}
const FIELDS = [
  ...['h', 'w', 'c', 'outs', 'oh', 'ow', 'sh', 'sw', 'dh', 'dw', 'top', 'left', 'xZero', 'wZero', 'zero', 'low', 'high', 'bias', 'scales'],
  ...['kh', 'kw', 'per'],
] as const;

/**
 * Image [n, h, w, c] with weight [out, kh, kw, c]; bias int32, scales as `requantize` takes them, or [1, c] of float32: then sums are scaled
 * in float32 and rounded half to even, as ONNX has it. A result of int32 is the sums themselves.
 */
export const integerConvolution: Op = kernel({
  doc: 'Convolution of a quantised image, exact in int32, scaled to bytes again.',
  inputs: ['x', 'w', 'bias?', 'scales'],
  outputs: ['y'],
  attrs: ATTRS,
  infer: (inputs, { out, dtype }: Convolution) => {
    const [x, w] = inputs;
    check('integerConvolution', inputs, w.shape[0], dtype === 'int32' ? 'int8' : dtype);
    if (w.shape[3] !== x.shape[3] || sizeOf(w.shape.slice(1)) > LONGEST)
      throw new ShapeError(`integerConvolution: a weight ${show(w.shape)} for an image ${show(x.shape)}`);
    return [{ shape: [x.shape[0], ...out, w.shape[0]], dtype }];
  },
  loads,
  writes: (_, { dtype }) => [dtype as DType],
  ints: [...FIELDS, 'pixels'],
  lower: (inputs, [y], attrs: Convolution) => {
    const w = inputs[1] as Meta;
    const pixels = sizeOf(y.shape.slice(0, 3));
    const k = sizeOf(w.shape.slice(1));
    const per = 4 * Math.max(1, Math.ceil(GRAIN / (4 * Math.max(1, k * w.shape[0]))));
    const packs = { input: 1, key: `conv ${attrs.wZero ?? 0} ${w.shape}` };
    return {
      ints: [...numbers(inputs, y, attrs), w.shape[1], w.shape[2], per, pixels],
      tiles: sizeOf(y.shape) === 0 ? [] : [Math.ceil(w.shape[0] / PACKED), Math.ceil(pixels / per)],
      workspace: Math.max(64, Math.ceil(w.shape[0] / 8) * Math.max(1, Math.ceil(k / 2)) * 32),
      packs,
    };
  },
  kernel: { file: 'quant/conv', name: 'integerConvolution' },
  vjp: null,
});

/** Image [n, h, w, c] with weight [1, kh, kw, c * times]: each channel by itself. */
export const integerDepthwise: Op = kernel({
  doc: 'Depthwise convolution of a quantised image, exact in int32, scaled to bytes again.',
  inputs: ['x', 'w', 'bias?', 'scales'],
  outputs: ['y'],
  attrs: ATTRS,
  infer: (inputs, { out, dtype }: Convolution) => {
    const [x, w] = inputs;
    check('integerDepthwise', inputs, w.shape[3], dtype);
    if (w.shape[0] !== 1 || w.shape[3] % Math.max(1, x.shape[3]) !== 0 || w.shape[3] < x.shape[3])
      throw new ShapeError(`integerDepthwise: a weight ${show(w.shape)} for an image ${show(x.shape)}`);
    return [{ shape: [x.shape[0], ...out, w.shape[3]], dtype }];
  },
  loads,
  writes: (_, { dtype }) => [dtype as DType],
  ints: [...FIELDS, 'lines'],
  lower: (inputs, [y], attrs: Convolution) => {
    const w = inputs[1] as Meta;
    const lines = y.shape[0] * attrs.out[0];
    const per = Math.max(1, Math.ceil(GRAIN / 8 / Math.max(1, attrs.out[1] * sizeOf(w.shape))));
    return {
      ints: [...numbers(inputs, y, attrs), w.shape[1], w.shape[2], per, lines],
      tiles: sizeOf(y.shape) === 0 ? [] : [Math.ceil(lines / per)],
    };
  },
  kernel: { file: 'quant/conv', name: 'integerDepthwise' },
  vjp: null,
});
