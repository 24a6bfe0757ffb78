import { ShapeError, ValueError } from '../../base/errors.ts';
import { show } from '../../base/shape.ts';
import type { KernelOp } from '../../ops/op.ts';
import { TABLE } from '../../ops/table.ts';
import { callKernel, noGrad, onesLike, type Tensor, tensor, where } from '../../tensor/index.ts';

/** How borders are filled. */
export type PadMode = 'constant' | 'reflect' | 'replicate' | 'circular';
/** Options of pad. */
export interface PadOptions {
  readonly mode?: PadMode;
  /** What constant borders hold; default 0. */
  readonly value?: number;
}

/** Zeros around x: the transpose of slicing. */
function surround(x: Tensor, before: readonly number[], shape: readonly number[]): Tensor {
  return callKernel(TABLE.sliceBackward as KernelOp, [x], { shape, starts: before, steps: before.map(() => 1) })[0];
}

/** Which of n elements position j of a padded line shows. */
function source(mode: PadMode, j: number, n: number): number {
  if (mode === 'replicate') return Math.min(Math.max(j, 0), n - 1);
  if (mode === 'circular') return ((j % n) + n) % n;
  return j < 0 ? -j : j >= n ? 2 * n - 2 - j : j;
}

function padLine(x: Tensor, dim: number, before: number, after: number, mode: PadMode): Tensor {
  if (before === 0 && after === 0) return x;
  const n = x.shape[dim];
  const most = mode === 'reflect' ? n - 1 : mode === 'circular' ? n : Number.POSITIVE_INFINITY;
  if (before > most || after > most || n === 0)
    throw new ShapeError(
      `pad: ${before} and ${after} are too much for dimension ${dim} of ${show(x.shape)} in mode '${mode}'; at most ${Math.max(0, most)}`,
    );
  const index = Array.from({ length: n + before + after }, (_, j) => source(mode, j - before, n));
  return x.indexSelect(dim, tensor(index, { dtype: 'int64' }));
}

/**
 * x with borders. `padding` holds (before, after) for each dimension, from the last one backwards; negative sizes crop.
 * @throws ValueError, ShapeError
 * @example F.pad(ones([1, 2]), [1, 1]) // [[0, 1, 1, 0]]
 */
export function pad(x: Tensor, padding: readonly number[], { mode = 'constant', value = 0 }: PadOptions = {}): Tensor {
  if (padding.length % 2 !== 0 || padding.length > 2 * x.ndim || !padding.every(Number.isInteger))
    throw new ValueError(
      `pad: padding [${padding.join(', ')}] for input ${show(x.shape)}; give whole numbers (before, after) for at most ${x.ndim} dimensions`,
    );
  const sides = x.shape.map((_, d) => {
    const k = 2 * (x.ndim - 1 - d);
    return [padding[k] ?? 0, padding[k + 1] ?? 0];
  });
  let y = x;
  sides.forEach(([before, after], d) => {
    const from = Math.max(0, -before);
    const size = x.shape[d] - from - Math.max(0, -after);
    if (size < 0) throw new ShapeError(`pad: [${before}, ${after}] crops more than dimension ${d} of ${show(x.shape)} holds`);
    if (size !== x.shape[d]) y = y.narrow(d, from, size);
  });
  const grow = sides.map(([before, after]) => [Math.max(0, before), Math.max(0, after)]);
  if (mode === 'constant') {
    const before = grow.map(([b]) => b);
    const shape = y.shape.map((n, d) => n + grow[d][0] + grow[d][1]);
    if (shape.every((n, d) => n === y.shape[d])) return y === x ? x.clone() : y;
    const zeros = surround(y, before, shape);
    if (value === 0) return zeros;
    const inside = noGrad(() => surround(onesLike(y), before, shape).ne(0));
    return where(inside, zeros, value).to(x.dtype);
  }
  if (!['reflect', 'replicate', 'circular'].includes(mode))
    throw new ValueError(`pad: mode '${mode}' is unknown; use constant, reflect, replicate or circular`);
  return grow.reduce((t, [before, after], d) => padLine(t, d, before, after, mode), y);
}
