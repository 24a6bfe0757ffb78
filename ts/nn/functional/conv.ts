import { ValueError } from '../../base/errors.ts';
import * as w from '../../tensor/index.ts';
import type { Tensor } from '../../tensor/index.ts';
import { batched, type Size, sizes } from '../size.ts';

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

function convolve(name: 'conv1d' | 'conv2d', n: 1 | 2, x: Tensor, weight: Tensor, bias: Tensor | null, options: ConvOptions): Tensor {
  const { padding, extra } = resolvePadding(name, weight.shape.slice(2), options);
  const padded = extra.some((e) => e > 0) ? x.pad(extra.flatMap((e) => [e, 0]).reverse()) : x;
  const { stride = 1, dilation = 1, groups = 1 } = options;
  const all = { stride: sizes(name, stride, n), padding, dilation: sizes(name, dilation, n), groups };
  return batched(padded, n + 2, (b) => w[name](b, weight, bias, all));
}

/** Convolution of (N, C, L) or (C, L) with weight (out, C / groups, K). */
export function conv1d(x: Tensor, weight: Tensor, bias: Tensor | null = null, options: ConvOptions = {}): Tensor {
  return convolve('conv1d', 1, x, weight, bias, options);
}
/** Convolution of (N, C, H, W) or (C, H, W) with weight (out, C / groups, KH, KW). */
export function conv2d(x: Tensor, weight: Tensor, bias: Tensor | null = null, options: ConvOptions = {}): Tensor {
  return convolve('conv2d', 2, x, weight, bias, options);
}
