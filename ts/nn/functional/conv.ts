import { ShapeError, ValueError } from '../../base/errors.ts';
import { show } from '../../base/shape.ts';
import type { KernelOp } from '../../ops/op.ts';
import { TABLE } from '../../ops/table.ts';
import { callKernel, type Tensor } from '../../tensor/index.ts';
import { batched, type Size, sizes } from '../size.ts';
import { pad } from './pad.ts';

/** Options of the convolutions; each size is one number or one per spatial dimension. */
export interface ConvOptions {
  readonly stride?: Size;
  /** Zeros on both sides; 'valid' is none, 'same' keeps the size (stride 1). */
  readonly padding?: Size | 'valid' | 'same';
  readonly dilation?: Size;
  readonly groups?: number;
}

/** Padding in numbers: what goes on both sides, and what 'same' needs on the far side of an even kernel. */
function resolvePadding(name: string, kernel: readonly number[], options: ConvOptions): { padding: number[]; extra: number[] } {
  const n = kernel.length;
  const none = new Array<number>(n).fill(0);
  const { padding = 0, dilation = 1, stride = 1 } = options;
  if (padding === 'valid') return { padding: none, extra: none };
  if (padding !== 'same') return { padding: sizes(`${name}: padding`, padding, n), extra: none };
  if (sizes(name, stride, n).some((s) => s !== 1)) throw new ValueError(`${name}: padding 'same' needs stride 1; give the padding in numbers`);
  const total = sizes(name, dilation, n).map((d, i) => d * (kernel[i] - 1));
  return { padding: total.map((t) => Math.floor(t / 2)), extra: total.map((t) => t % 2) };
}

/** One-dimensional data is an image of height 1. */
function onImage(n: 1 | 2, x: Tensor, weight: Tensor, fn: (x: Tensor, weight: Tensor) => Tensor): Tensor {
  return n === 2 ? fn(x, weight) : fn(x.unsqueeze(2), weight.unsqueeze(2)).squeeze(2);
}
function pair(name: string, value: Size, n: 1 | 2, fill: number): number[] {
  const list = sizes(name, value, n);
  return n === 2 ? list : [fill, ...list];
}

function convolve(name: string, n: 1 | 2, x: Tensor, weight: Tensor, bias: Tensor | null, options: ConvOptions): Tensor {
  if (x.ndim !== n + 1 && x.ndim !== n + 2) throw new ShapeError(`${name}: input ${show(x.shape)} should have ${n + 2} dimensions, or ${n + 1} without a batch`);
  const { padding, extra } = resolvePadding(name, weight.shape.slice(2), options);
  const padded = extra.some((e) => e > 0) ? pad(x, extra.flatMap((e) => [e, 0]).reverse()) : x;
  const { stride = 1, dilation = 1, groups = 1 } = options;
  const attrs = { stride: pair(name, stride, n, 1), padding: pair(name, padding, n, 0), dilation: pair(name, dilation, n, 1), groups };
  return batched(padded, n + 2, (b) => onImage(n, b, weight, (i, w) => callKernel(TABLE.convolution as KernelOp, [i, w, bias], attrs)[0]));
}

/** Convolution of (N, C, L) or (C, L) with weight (out, C / groups, K). */
export function conv1d(x: Tensor, weight: Tensor, bias: Tensor | null = null, options: ConvOptions = {}): Tensor {
  return convolve('conv1d', 1, x, weight, bias, options);
}
/** Convolution of (N, C, H, W) or (C, H, W) with weight (out, C / groups, KH, KW). */
export function conv2d(x: Tensor, weight: Tensor, bias: Tensor | null = null, options: ConvOptions = {}): Tensor {
  return convolve('conv2d', 2, x, weight, bias, options);
}

/** Options of the transposed convolutions. */
export interface ConvTransposeOptions {
  readonly stride?: Size;
  readonly padding?: Size;
  /** Added to the far side of the output's size: a stride leaves several sizes that give one input's. */
  readonly outputPadding?: Size;
  readonly dilation?: Size;
  readonly groups?: number;
}

function transposed(name: string, n: 1 | 2, x: Tensor, weight: Tensor, bias: Tensor | null, options: ConvTransposeOptions): Tensor {
  const { stride = 1, padding = 0, outputPadding = 0, dilation = 1, groups = 1 } = options;
  if (x.ndim !== n + 1 && x.ndim !== n + 2) throw new ShapeError(`${name}: input ${show(x.shape)} should have ${n + 2} dimensions, or ${n + 1} without a batch`);
  const attrs = { stride: pair(name, stride, n, 1), padding: pair(name, padding, n, 0), dilation: pair(name, dilation, n, 1), groups };
  const extra = pair(name, outputPadding, n, 0);
  if (extra.some((e, i) => e >= Math.max(attrs.stride[i], attrs.dilation[i])))
    throw new ValueError(`${name}: outputPadding [${extra.join(', ')}] must be smaller than stride or dilation`);
  return batched(x, n + 2, (b) =>
    onImage(n, b, weight, (i, w) => {
      const size = (k: number): number => (i.shape[2 + k] - 1) * attrs.stride[k] - 2 * attrs.padding[k] + attrs.dilation[k] * (w.shape[2 + k] - 1) + extra[k] + 1;
      const y = callKernel(TABLE.convolutionInput as KernelOp, [i, w], { ...attrs, inputSize: [size(0), size(1)] })[0];
      return bias === null ? y : y.add(bias.reshape([-1, 1, 1]));
    }),
  );
}

/** Transposed convolution of (N, C, L) or (C, L) with weight (C, out / groups, K). @throws ShapeError, ValueError */
export function convTranspose1d(x: Tensor, weight: Tensor, bias: Tensor | null = null, options: ConvTransposeOptions = {}): Tensor {
  return transposed('convTranspose1d', 1, x, weight, bias, options);
}
/** Transposed convolution of (N, C, H, W) or (C, H, W) with weight (C, out / groups, KH, KW). @throws ShapeError, ValueError */
export function convTranspose2d(x: Tensor, weight: Tensor, bias: Tensor | null = null, options: ConvTransposeOptions = {}): Tensor {
  return transposed('convTranspose2d', 2, x, weight, bias, options);
}
