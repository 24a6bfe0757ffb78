import { isFloat } from '../../base/dtype.ts';
import { IndexError } from '../../base/errors.ts';
import { show, wrapDim } from '../../base/shape.ts';
import type { KernelOp } from '../../ops/op.ts';
import { TABLE } from '../../ops/table.ts';
import { callKernel } from '../call.ts';
import type { Tensor } from '../core.ts';
import { where } from './arithmetic.ts';
import { full } from './create.ts';
import type { ValuesIndices } from './reductions.ts';
import { range, reshape, squeeze } from './views.ts';

const rows = TABLE as Readonly<Record<string, KernelOp>>;

/** Options of sort and argsort; the dimension may also be the first argument. */
export interface SortOptions {
  /** Default: the last. */
  readonly dim?: number;
  readonly descending?: boolean;
  /** Equal elements always keep their order. */
  readonly stable?: boolean;
}
/** Values in order along a dimension (default: the last) and where they were; stable, NaN last. @example tensor([3, 1]).sort().values // [1, 3] */
export function sort(x: Tensor, dim: number | SortOptions = -1, options: SortOptions = {}): ValuesIndices {
  const all = typeof dim === 'number' ? { dim, ...options } : dim;
  const [values, indices] = callKernel(rows.sort, [x], { dim: all.dim ?? -1, descending: all.descending ?? false });
  return { values, indices };
}
/** The indices (int64) that sort a dimension. @example tensor([3, 1]).argsort() // [1, 0] */
export function argsort(x: Tensor, dim: number | SortOptions = -1, options: SortOptions = {}): Tensor {
  return sort(x, dim, options).indices;
}
/** Values sorted along the first dimension. */
export function msort(x: Tensor): Tensor {
  return sort(x, 0).values;
}
/** Options of topk. */
export interface TopkOptions {
  /** Default: the last. */
  readonly dim?: number;
  /** Default true; false: the smallest. */
  readonly largest?: boolean;
  /** The results are always in order. */
  readonly sorted?: boolean;
}
/** The k largest (or smallest) elements along a dimension, in order, and where they are. @throws IndexError @example tensor([1, 3, 2]).topk(2).values // [3, 2] */
export function topk(x: Tensor, k: number, dim: number | TopkOptions = -1, options: TopkOptions = {}): ValuesIndices {
  const all = typeof dim === 'number' ? { dim, ...options } : dim;
  const [values, indices] = callKernel(rows.topk, [x], { k, dim: all.dim ?? -1, largest: all.largest ?? true });
  return { values, indices };
}
/** Options of kthvalue and median. */
export interface KeepdimOptions {
  readonly keepdim?: boolean;
}
/** Index k of a sorted pair along dimension d. */
function pick(sorted: ValuesIndices, d: number, k: number, keepdim: boolean): ValuesIndices {
  const at = (t: Tensor): Tensor => (t.ndim === 0 ? t : keepdim ? range(t, d, k, 1, 1) : squeeze(range(t, d, k, 1, 1), d));
  return { values: at(sorted.values), indices: at(sorted.indices) };
}
/** The k-th smallest element (from 1) along a dimension and where it is. @throws IndexError @example tensor([3, 1, 2]).kthvalue(2).values // 2 */
export function kthvalue(x: Tensor, k: number, dim: number = -1, options: KeepdimOptions = {}): ValuesIndices {
  const d = wrapDim('kthvalue', dim, x.ndim);
  const n = x.ndim === 0 ? 1 : x.shape[d];
  if (!(k >= 1 && k <= n)) throw new IndexError(`kthvalue: k ${k} on dimension ${d} of ${show(x.shape)}; use 1 to ${n}`);
  return pick(sort(x, d), d, k - 1, options.keepdim ?? false);
}
/** The lower median of all elements. */
export function median(x: Tensor): Tensor;
/** The lower medians along a dimension and where they are. */
export function median(x: Tensor, dim: number, options?: KeepdimOptions): ValuesIndices;
/** The lower median of all elements or along a dimension; NaN where there is one. @example tensor([1, 4, 2, 3]).median() // 2 */
export function median(x: Tensor, dim?: number, options: KeepdimOptions = {}): Tensor | ValuesIndices {
  if (dim === undefined) return x.numel === 0 ? full([], Number.NaN, { dtype: x.dtype }) : median(reshape(x, [-1]), 0).values;
  const d = wrapDim('median', dim, x.ndim);
  const n = x.ndim === 0 ? 1 : x.shape[d];
  if (n === 0) throw new IndexError(`median: dimension ${d} of ${show(x.shape)} has no elements; choose another`);
  const sorted = sort(x, d);
  const keepdim = options.keepdim ?? false;
  const middle = pick(sorted, d, (n - 1) >> 1, keepdim);
  if (!isFloat(x.dtype)) return middle;
  // Sorting puts NaN last: a NaN there stands for the whole row.
  const last = pick(sorted, d, n - 1, keepdim);
  const bad = last.values.isnan();
  return { values: where(bad, last.values, middle.values), indices: where(bad, last.indices, middle.indices) };
}
