import { ShapeError } from '../../base/errors.ts';
import { show } from '../../base/shape.ts';
import type { KernelOp } from '../../ops/op.ts';
import { TABLE } from '../../ops/table.ts';
import { callKernel, type Tensor } from '../../tensor/index.ts';
import { batched, type Size, sizes } from '../size.ts';

/** Options of the maximum pools. */
export interface MaxPoolOptions {
  /** Default: the kernel's size. */
  readonly stride?: Size | null;
  readonly padding?: Size;
  readonly dilation?: Size;
  /** Also a window that hangs over the end. */
  readonly ceilMode?: boolean;
}
/** Options of the average pools. */
export interface AvgPoolOptions {
  readonly stride?: Size | null;
  readonly padding?: Size;
  readonly ceilMode?: boolean;
  /** Padding counts in the divisor. */
  readonly countIncludePad?: boolean;
  readonly divisorOverride?: number | null;
}

/** Runs a pool over (N, C, H, W); lines (N, C, L) are images of height 1. Gives all of the row's outputs. */
function pool(row: 'maxPool2d' | 'avgPool2d', n: 1 | 2, x: Tensor, kernelSize: Size, options: MaxPoolOptions & AvgPoolOptions): Tensor[] {
  const name = row.replace('2', String(n));
  if (x.ndim !== n + 1 && x.ndim !== n + 2) throw new ShapeError(`${name}: input ${show(x.shape)} should have ${n + 2} dimensions, or ${n + 1} without a batch`);
  const pair = (v: Size, fill: number): number[] => [...(n === 1 ? [fill] : []), ...sizes(name, v, n)];
  const { stride, padding = 0, dilation = 1, ceilMode = false, countIncludePad = true, divisorOverride } = options;
  const window = { kernelSize: pair(kernelSize, 1), stride: pair(stride ?? kernelSize, 1), padding: pair(padding, 0), ceilMode };
  const attrs = row === 'maxPool2d' ? { ...window, dilation: pair(dilation, 1) } : { ...window, countIncludePad, divisorOverride: divisorOverride ?? undefined };
  const single = x.ndim === n + 1;
  const batch = single ? x.unsqueeze(0) : x;
  const outs = callKernel(TABLE[row] as KernelOp, [n === 1 ? batch.unsqueeze(2) : batch], attrs);
  return outs.map((y) => {
    const flat = n === 1 ? y.squeeze(2) : y;
    return single ? flat.squeeze(0) : flat;
  });
}

/** A maximum pool's result with `returnIndices`: the values and where each lies in its plane (int64). */
export type PoolIndices = [values: Tensor, indices: Tensor];

/** Largest elements of windows over (N, C, L) or (C, L). @throws ShapeError */
export function maxPool1d(x: Tensor, kernelSize: Size, options: MaxPoolOptions = {}): Tensor {
  return pool('maxPool2d', 1, x, kernelSize, options)[0];
}
/** Largest elements of windows over (N, C, H, W) or (C, H, W). @throws ShapeError @example F.maxPool2d(zeros([1, 1, 4, 4]), 2) */
export function maxPool2d(x: Tensor, kernelSize: Size, options: MaxPoolOptions = {}): Tensor {
  return pool('maxPool2d', 2, x, kernelSize, options)[0];
}
/** As maxPool1d, with the positions of the maxima. */
export function maxPool1dWithIndices(x: Tensor, kernelSize: Size, options: MaxPoolOptions = {}): PoolIndices {
  return pool('maxPool2d', 1, x, kernelSize, options) as PoolIndices;
}
/** As maxPool2d, with the positions of the maxima. */
export function maxPool2dWithIndices(x: Tensor, kernelSize: Size, options: MaxPoolOptions = {}): PoolIndices {
  return pool('maxPool2d', 2, x, kernelSize, options) as PoolIndices;
}
/** Means of windows over (N, C, L) or (C, L). @throws ShapeError */
export function avgPool1d(x: Tensor, kernelSize: Size, options: AvgPoolOptions = {}): Tensor {
  return pool('avgPool2d', 1, x, kernelSize, options)[0];
}
/** Means of windows over (N, C, H, W) or (C, H, W). @throws ShapeError */
export function avgPool2d(x: Tensor, kernelSize: Size, options: AvgPoolOptions = {}): Tensor {
  return pool('avgPool2d', 2, x, kernelSize, options)[0];
}

/** An output size of adaptive pools; null keeps the input's. */
export type AdaptiveSize = number | null | readonly (number | null)[];

function targets(name: string, x: Tensor, size: AdaptiveSize, rank: number): number[] {
  const list = Array.isArray(size) ? (size as readonly (number | null)[]) : new Array<number | null>(rank).fill(size as number | null);
  if (list.length !== rank || x.ndim < rank + 1 || x.ndim > rank + 2)
    throw new ShapeError(`${name}: input ${show(x.shape)} and output size [${list.join(', ')}]; needs ${rank} sizes and ${rank + 1} or ${rank + 2} dimensions`);
  return list.map((n, i) => n ?? x.shape[x.ndim - rank + i]);
}

/** Runs an adaptive row over the last two dimensions; lines are images of height 1. */
function adaptive(row: 'adaptiveAvgPool2d' | 'adaptiveMaxPool2d', rank: 1 | 2, x: Tensor, size: AdaptiveSize): Tensor {
  const out = targets(row.replace('2', String(rank)), x, size, rank);
  return batched(x, rank + 2, (b) => {
    const outputSize = rank === 1 ? [1, ...out] : out;
    const y = callKernel(TABLE[row] as KernelOp, [rank === 1 ? b.unsqueeze(2) : b], { outputSize })[0];
    return rank === 1 ? y.squeeze(2) : y;
  });
}

/** Means of as many windows as asked for, over (N, C, L) or (C, L). @throws ShapeError */
export function adaptiveAvgPool1d(x: Tensor, size: AdaptiveSize): Tensor {
  return adaptive('adaptiveAvgPool2d', 1, x, size);
}
/** Means of as many windows as asked for, over (N, C, H, W) or (C, H, W). @throws ShapeError */
export function adaptiveAvgPool2d(x: Tensor, size: AdaptiveSize): Tensor {
  return adaptive('adaptiveAvgPool2d', 2, x, size);
}
/** Largest elements of as many windows as asked for, over (N, C, L) or (C, L). @throws ShapeError */
export function adaptiveMaxPool1d(x: Tensor, size: AdaptiveSize): Tensor {
  return adaptive('adaptiveMaxPool2d', 1, x, size);
}
/** Largest elements of as many windows as asked for, over (N, C, H, W) or (C, H, W). @throws ShapeError */
export function adaptiveMaxPool2d(x: Tensor, size: AdaptiveSize): Tensor {
  return adaptive('adaptiveMaxPool2d', 2, x, size);
}
