import { ShapeError, ValueError } from '../../base/errors.ts';
import { show, wrapDim } from '../../base/shape.ts';
import type { Tensor } from '../core.ts';
import { arange, full, zeros } from './create.ts';
import { indexCopy, indexSelect, nonzero } from './indexing.ts';
import { cat } from './joining.ts';
import { argsort } from './sorting.ts';
import { movedim, range, reshape } from './views.ts';

/** Different elements, where each element of x is among them, and how often each occurs. */
export interface Unique {
  readonly values: Tensor;
  readonly inverse: Tensor;
  readonly counts: Tensor;
}
/** Options of unique. */
export interface UniqueOptions {
  /** Compares whole slices of this dimension; default: single elements. */
  readonly dim?: number | null;
}

/** Groups of equal neighbours among the rows [n, m] of a sorted matrix. */
function groups(rows: Tensor): { starts: Tensor; group: Tensor; counts: Tensor } {
  const n = rows.shape[0];
  const changes = range(rows, 0, 1, 1, n - 1)
    .ne(range(rows, 0, 0, 1, n - 1))
    .any(1);
  const first = cat([full([1], true, { dtype: 'bool' }), changes]);
  const starts = reshape(nonzero(first), [-1]);
  const ends = cat([range(starts, 0, 1, 1, starts.numel - 1), full([1], n, { dtype: 'int64' })]);
  return { starts, group: first.cumsum(0).sub(1), counts: ends.sub(starts) };
}
function rowsOf(name: string, x: Tensor, dim: number | null | undefined): { rows: Tensor; back: (y: Tensor) => Tensor } {
  if (dim === null || dim === undefined) return { rows: reshape(x, [x.numel, 1]), back: (y) => reshape(y, [-1]) };
  const d = wrapDim(name, dim, x.ndim);
  if (x.ndim === 0) return { rows: reshape(x, [1, 1]), back: (y) => reshape(y, [-1]) };
  const moved = movedim(x, d, 0);
  const width = moved.shape.slice(1).reduce((a, b) => a * b, 1);
  if (width === 0 && moved.shape[0] > 0)
    throw new ShapeError(`${name}: slices of dimension ${d} of ${show(x.shape)} hold nothing to compare`);
  return { rows: reshape(moved, [moved.shape[0], width]), back: (y) => movedim(reshape(y, [y.shape[0], ...moved.shape.slice(1)]), 0, d) };
}
function inverseShape(x: Tensor, dim: number | null | undefined, flat: Tensor): Tensor {
  return dim === null || dim === undefined ? reshape(flat, x.shape) : flat;
}
function nothing(x: Tensor, dim: number | null | undefined): Unique {
  const none = zeros([0], { dtype: 'int64' });
  return { values: dim === null || dim === undefined ? reshape(x, [0]) : x, inverse: inverseShape(x, dim, none), counts: none };
}

/** The different elements of x (or slices of a dimension) in order, NaNs each on their own. @example unique(tensor([2, 1, 2])).values // [1, 2] */
export function unique(x: Tensor, options: UniqueOptions = {}): Unique {
  const { rows, back } = rowsOf('unique', x, options.dim);
  const n = rows.shape[0];
  if (n === 0) return nothing(x, options.dim);
  // Stable sorts from the last column to the first order the rows.
  let order = arange(n);
  for (let c = rows.shape[1] - 1; c >= 0; c--)
    order = indexSelect(order, 0, argsort(reshape(indexSelect(range(rows, 1, c, 1, 1), 0, order), [-1]), 0));
  const sorted = indexSelect(rows, 0, order);
  const { starts, group, counts } = groups(sorted);
  const inverse = indexCopy(zeros([n], { dtype: 'int64' }), 0, order, group);
  return { values: back(indexSelect(sorted, 0, starts)), inverse: inverseShape(x, options.dim, inverse), counts };
}
/** As unique, but only neighbours that are equal become one. @example uniqueConsecutive(tensor([1, 1, 2, 1])).values // [1, 2, 1] */
export function uniqueConsecutive(x: Tensor, options: UniqueOptions = {}): Unique {
  const { rows, back } = rowsOf('uniqueConsecutive', x, options.dim);
  if (rows.shape[0] === 0) return nothing(x, options.dim);
  const { starts, group, counts } = groups(rows);
  return { values: back(indexSelect(rows, 0, starts)), inverse: inverseShape(x, options.dim, group), counts };
}
/** How often each whole number from 0 occurs (or the sum of its weights), at least minlength of them. @throws ValueError @example tensor([0n, 2n, 2n]).bincount() // [1, 0, 2] */
export function bincount(x: Tensor, weights?: Tensor | null, minlength: number = 0): Tensor {
  if (x.ndim !== 1) throw new ShapeError(`bincount: ${show(x.shape)} must have one dimension`);
  if (x.numel === 0) return zeros([minlength], { dtype: 'int64' });
  if (x.amin().itemSync() < 0) throw new ValueError('bincount: negative numbers have no bin');
  const n = Math.max(minlength, x.amax().itemSync() + 1);
  const source = weights ? (weights.dtype === 'float32' ? weights : weights.to('float64')) : full(x.shape, 1, { dtype: 'int64' });
  return zeros([n], { dtype: source.dtype }).scatterAdd(0, x.to('int64'), source);
}
