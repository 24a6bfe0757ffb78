import { ShapeError } from '../../base/errors.ts';
import { show } from '../../base/shape.ts';
import * as w from '../../tensor/index.ts';
import type { Tensor } from '../../tensor/index.ts';
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

const flat = (name: string, value: Size, fill: number): number[] => [fill, ...sizes(name, value, 1)];

/** Largest elements of windows over (N, C, H, W) or (C, H, W). */
export function maxPool2d(x: Tensor, kernelSize: Size, { stride, padding = 0, dilation = 1, ceilMode = false }: MaxPoolOptions = {}): Tensor {
  const pair = (v: Size): number[] => sizes('maxPool2d', v, 2);
  return batched(x, 4, (b) => w.maxPool2d(b, pair(kernelSize), { stride: pair(stride ?? kernelSize), padding: pair(padding), dilation: pair(dilation), ceilMode }));
}
/** Largest elements of windows over (N, C, L) or (C, L). */
export function maxPool1d(x: Tensor, kernelSize: Size, { stride, padding = 0, dilation = 1, ceilMode = false }: MaxPoolOptions = {}): Tensor {
  const one = (v: Size, fill: number): number[] => flat('maxPool1d', v, fill);
  const options = { stride: one(stride ?? kernelSize, 1), padding: one(padding, 0), dilation: one(dilation, 1), ceilMode };
  return batched(x, 3, (b) => w.maxPool2d(b.unsqueeze(2), one(kernelSize, 1), options).squeeze(2));
}
/** Means of windows over (N, C, H, W) or (C, H, W). */
export function avgPool2d(x: Tensor, kernelSize: Size, options: AvgPoolOptions = {}): Tensor {
  const { stride, padding = 0, ceilMode = false, countIncludePad = true, divisorOverride } = options;
  const pair = (v: Size): number[] => sizes('avgPool2d', v, 2);
  const all = { stride: pair(stride ?? kernelSize), padding: pair(padding), ceilMode, countIncludePad, divisorOverride: divisorOverride ?? undefined };
  return batched(x, 4, (b) => w.avgPool2d(b, pair(kernelSize), all));
}
/** Means of windows over (N, C, L) or (C, L). */
export function avgPool1d(x: Tensor, kernelSize: Size, options: AvgPoolOptions = {}): Tensor {
  const { stride, padding = 0, ceilMode = false, countIncludePad = true } = options;
  const one = (v: Size, fill: number): number[] => flat('avgPool1d', v, fill);
  const all = { stride: one(stride ?? kernelSize, 1), padding: one(padding, 0), ceilMode, countIncludePad };
  return batched(x, 3, (b) => w.avgPool2d(b.unsqueeze(2), one(kernelSize, 1), all).squeeze(2));
}

/** An output size of adaptive pools; null keeps the input's. */
export type AdaptiveSize = number | null | readonly (number | null)[];

function targets(name: string, x: Tensor, size: AdaptiveSize, rank: number): number[] {
  const list = Array.isArray(size) ? (size as readonly (number | null)[]) : new Array<number | null>(rank).fill(size as number | null);
  if (list.length !== rank || x.ndim < rank + 1 || x.ndim > rank + 2)
    throw new ShapeError(`${name}: input ${show(x.shape)} and output size [${list.join(', ')}]; needs ${rank} sizes and ${rank + 1} or ${rank + 2} dimensions`);
  return list.map((n, i) => n ?? x.shape[x.ndim - rank + i]);
}

/**
 * The windows of an adaptive pool along dim: the positions that each output sees (from floor(i n / out) to ceil((i + 1) n / out)), made
 * one length by repeating the last, and how many of them count.
 */
function windows(n: number, out: number): { index: number[]; width: number; counts: number[] } {
  const from = Array.from({ length: out }, (_, i) => Math.floor((i * n) / out));
  const to = Array.from({ length: out }, (_, i) => Math.ceil(((i + 1) * n) / out));
  const counts = to.map((t, i) => t - from[i]);
  const width = Math.max(1, ...counts);
  return { index: from.flatMap((f, i) => Array.from({ length: width }, (_, k) => Math.min(f + k, to[i] - 1))), width, counts };
}

/** Shape with one size along dim + 1 and dim kept, to broadcast a value per (output, position). */
function along(x: Tensor, dim: number, shape: readonly number[]): number[] {
  return x.shape.map((_, d) => (d === dim ? shape[0] : d === dim + 1 ? shape[1] : 1));
}

function gatherWindows(x: Tensor, dim: number, out: number): { parts: Tensor; width: number; counts: number[] } {
  const { index, width, counts } = windows(x.shape[dim], out);
  const picked = x.indexSelect(dim, w.tensor(index, { dtype: 'int64' }));
  return { parts: picked.unflatten(dim, [out, width]), width, counts };
}

function adaptiveMean(x: Tensor, dim: number, out: number): Tensor {
  if (out === x.shape[dim]) return x;
  if (x.shape[dim] % out === 0) return x.unflatten(dim, [out, -1]).mean(dim + 1);
  const { parts, width, counts } = gatherWindows(x, dim, out);
  const shares = counts.flatMap((c) => Array.from({ length: width }, (_, k) => (k < c ? 1 / c : 0)));
  return parts.mul(w.tensor(shares, { dtype: x.dtype }).reshape(along(parts, dim, [out, width]))).sum(dim + 1);
}
function adaptiveLargest(x: Tensor, dim: number, out: number): Tensor {
  if (out === x.shape[dim]) return x;
  return gatherWindows(x, dim, out).parts.max(dim + 1).values;
}
function adaptive(name: string, x: Tensor, size: AdaptiveSize, rank: number, pool: (x: Tensor, dim: number, out: number) => Tensor): Tensor {
  return targets(name, x, size, rank).reduceRight((y, out, i) => pool(y, x.ndim - rank + i, out), x);
}

/** Means of as many windows as asked for, over (N, C, L) or (C, L). @throws ShapeError */
export function adaptiveAvgPool1d(x: Tensor, size: AdaptiveSize): Tensor {
  return adaptive('adaptiveAvgPool1d', x, size, 1, adaptiveMean);
}
/** Means of as many windows as asked for, over (N, C, H, W) or (C, H, W). @throws ShapeError */
export function adaptiveAvgPool2d(x: Tensor, size: AdaptiveSize): Tensor {
  return adaptive('adaptiveAvgPool2d', x, size, 2, adaptiveMean);
}
/** Means of as many windows as asked for, over (N, C, D, H, W) or (C, D, H, W). @throws ShapeError */
export function adaptiveAvgPool3d(x: Tensor, size: AdaptiveSize): Tensor {
  return adaptive('adaptiveAvgPool3d', x, size, 3, adaptiveMean);
}
/** Largest elements of as many windows as asked for, over (N, C, L) or (C, L). @throws ShapeError */
export function adaptiveMaxPool1d(x: Tensor, size: AdaptiveSize): Tensor {
  return adaptive('adaptiveMaxPool1d', x, size, 1, adaptiveLargest);
}
/** Largest elements of as many windows as asked for, over (N, C, H, W) or (C, H, W). @throws ShapeError */
export function adaptiveMaxPool2d(x: Tensor, size: AdaptiveSize): Tensor {
  return adaptive('adaptiveMaxPool2d', x, size, 2, adaptiveLargest);
}
/** Largest elements of as many windows as asked for, over (N, C, D, H, W) or (C, D, H, W). @throws ShapeError */
export function adaptiveMaxPool3d(x: Tensor, size: AdaptiveSize): Tensor {
  return adaptive('adaptiveMaxPool3d', x, size, 3, adaptiveLargest);
}
