import type { ConvOptions, Tensor } from '../../tensor/index.ts';
import * as w from '../../tensor/index.ts';
import { sizes } from '../size.ts';
import { pad } from './pad.ts';

export { type ConvOptions, type ConvTransposeOptions, convTranspose1d, convTranspose2d } from '../../tensor/index.ts';

/** An even kernel needs one more element on the far side to keep the size: x with it, or x itself. */
function evened(x: Tensor, weight: Tensor, { padding, dilation = 1 }: ConvOptions): { x: Tensor; rest: Partial<ConvOptions> } {
  if (padding !== 'same') return { x, rest: {} };
  const kernel = weight.shape.slice(2);
  const total = sizes('padding', dilation, kernel.length).map((d, i) => d * (kernel[i] - 1));
  if (total.every((t) => t % 2 === 0)) return { x, rest: {} };
  return { x: pad(x, total.flatMap((t) => [t % 2, 0]).reverse()), rest: { padding: total.map((t) => Math.floor(t / 2)) } };
}

/** Convolution of (N, C, L) or (C, L) with weight (out, C / groups, K). @throws ShapeError */
export function conv1d(x: Tensor, weight: Tensor, bias: Tensor | null = null, options: ConvOptions = {}): Tensor {
  const even = evened(x, weight, options);
  return w.conv1d(even.x, weight, bias, { ...options, ...even.rest });
}
/** Convolution of (N, C, H, W) or (C, H, W) with weight (out, C / groups, KH, KW). @throws ShapeError */
export function conv2d(x: Tensor, weight: Tensor, bias: Tensor | null = null, options: ConvOptions = {}): Tensor {
  const even = evened(x, weight, options);
  return w.conv2d(even.x, weight, bias, { ...options, ...even.rest });
}
