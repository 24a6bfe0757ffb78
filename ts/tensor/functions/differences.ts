import { ShapeError, ValueError } from '../../base/errors.ts';
import { show, wrapDim } from '../../base/shape.ts';
import type { Tensor } from '../core.ts';
import { cat } from './joining.ts';
import { range } from './views.ts';

/** Options of diff. */
export interface DiffOptions {
  /** How often; default 1. */
  readonly n?: number;
  /** Default: the last. */
  readonly dim?: number;
  /** Put before and behind x along dim first. */
  readonly prepend?: Tensor | null;
  readonly append?: Tensor | null;
}
/** Differences of neighbours along a dimension, n times. @throws ValueError, ShapeError @example tensor([1, 4, 9]).diff() // [3, 5] */
export function diff(x: Tensor, options: DiffOptions = {}): Tensor {
  const { n = 1, dim = -1, prepend, append } = options;
  if (x.ndim === 0) throw new ShapeError('diff: a scalar has no neighbours; it needs at least one dimension');
  if (!(n >= 0)) throw new ValueError(`diff: order ${n} must not be negative`);
  const d = wrapDim('diff', dim, x.ndim);
  if (n === 0) return x;
  const parts = [prepend, x, append].filter((t) => t !== null && t !== undefined);
  let y = parts.length > 1 ? cat(parts, d) : x;
  for (let i = 0; i < n && y.shape[d] > 0; i++) {
    const [before, after] = neighbours(y, d);
    y = y.dtype === 'bool' ? after.logicalXor(before) : after.sub(before);
  }
  return y;
}
function neighbours(x: Tensor, d: number): [Tensor, Tensor] {
  const n = Math.max(0, x.shape[d] - 1);
  return [range(x, d, 0, 1, n), range(x, d, x.shape[d] === 0 ? 0 : 1, 1, n)];
}

/** Where the samples of trapezoid lie. */
export interface TrapezoidOptions {
  /** Distance of samples; default 1. */
  readonly dx?: number;
  /** Default: the last. */
  readonly dim?: number;
}
function areas(name: string, y: Tensor, x: Tensor | null | undefined, options: TrapezoidOptions): { parts: Tensor; d: number } {
  if (y.ndim === 0) throw new ShapeError(`${name}: a scalar has no samples; it needs at least one dimension`);
  const d = wrapDim(name, options.dim ?? -1, y.ndim);
  const [before, after] = neighbours(y, d);
  const total = before.add(after);
  if (!x) return { parts: total.mul((options.dx ?? 1) / 2), d };
  const along = x.ndim === 1 ? x.reshape(y.shape.map((_, i) => (i === d ? -1 : 1))) : x;
  const axis = d - y.ndim;
  if (along.shape[along.ndim + axis] !== y.shape[d])
    throw new ShapeError(`${name}: x ${show(x.shape)} does not have the ${y.shape[d]} samples of dimension ${d} of ${show(y.shape)}`);
  return { parts: total.mul(diff(along, { dim: axis })).div(2), d };
}
/** Integral of samples y along a dimension by the trapezoid rule; x holds their places, else they are dx apart. @example tensor([1, 2, 3]).trapezoid() // 4 */
export function trapezoid(y: Tensor, x?: Tensor | null, options: TrapezoidOptions = {}): Tensor {
  const { parts, d } = areas('trapezoid', y, x, options);
  return parts.sum(d < parts.ndim ? d - y.ndim : -1);
}
/** Running integral of samples y along a dimension by the trapezoid rule. @example tensor([1, 2, 3]).cumulativeTrapezoid() // [1.5, 4] */
export function cumulativeTrapezoid(y: Tensor, x?: Tensor | null, options: TrapezoidOptions = {}): Tensor {
  const { parts, d } = areas('cumulativeTrapezoid', y, x, options);
  return parts.cumsum(d - y.ndim);
}
