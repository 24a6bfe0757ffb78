import { IndexError, ShapeError } from '../../base/errors.ts';
import { show, wrapDim } from '../../base/shape.ts';
import type { Tensor } from '../core.ts';
import { tensor, zeros } from './create.ts';
import { cat, meshgrid, stack } from './joining.ts';
import { atleast2d, atleast3d } from './shapes.ts';
import { slice } from './slicing.ts';
import { range } from './views.ts';

/** Pieces along a dimension: n of nearly equal size, or cut at the given places; views. @example arange(5).tensorSplit(2).map((t) => t.numel) // [3, 2] */
export function tensorSplit(x: Tensor, parts: number | readonly number[], dim: number = 0): Tensor[] {
  if (x.ndim === 0) throw new ShapeError('tensorSplit: a scalar has no dimension to split');
  const d = wrapDim('tensorSplit', dim, x.ndim);
  const n = x.shape[d];
  if (typeof parts !== 'number') return [...parts, n].map((end, i) => slice(x, d, i === 0 ? 0 : parts[i - 1], end));
  if (!(parts > 0)) throw new IndexError(`tensorSplit: ${parts} pieces; it needs at least 1`);
  const [small, rest] = [Math.floor(n / parts), n % parts];
  return Array.from({ length: parts }, (_, i) => range(x, d, i * small + Math.min(i, rest), 1, small + (i < rest ? 1 : 0)));
}
function evenly(name: string, x: Tensor, parts: number | readonly number[], dim: number): Tensor[] {
  if (x.ndim <= dim) throw new ShapeError(`${name}: ${show(x.shape)} needs at least ${dim + 1} dimensions`);
  if (typeof parts === 'number' && (parts <= 0 || x.shape[dim] % parts !== 0))
    throw new ShapeError(`${name}: dimension ${dim} of ${show(x.shape)} does not divide into ${parts} pieces; use tensorSplit`);
  return tensorSplit(x, parts, dim);
}
/** Pieces side by side: along dimension 1, of a vector along 0. */
export function hsplit(x: Tensor, parts: number | readonly number[]): Tensor[] {
  return evenly('hsplit', x, parts, x.ndim === 1 ? 0 : 1);
}
/** Pieces one below the other: along dimension 0 of at least two. */
export function vsplit(x: Tensor, parts: number | readonly number[]): Tensor[] {
  if (x.ndim < 2) throw new ShapeError(`vsplit: ${show(x.shape)} needs at least 2 dimensions`);
  return evenly('vsplit', x, parts, 0);
}
/** Pieces in depth: along dimension 2. */
export function dsplit(x: Tensor, parts: number | readonly number[]): Tensor[] {
  return evenly('dsplit', x, parts, 2);
}
/** Joins vectors as columns and matrices side by side. */
export function columnStack(tensors: readonly Tensor[]): Tensor {
  return cat(
    tensors.map((t) => (t.ndim < 2 ? t.reshape([t.numel, 1]) : t)),
    1,
  );
}
/** Joins in depth, along dimension 2. */
export function dstack(tensors: readonly Tensor[]): Tensor {
  return cat(tensors.map(atleast3d), 2);
}
/** A matrix with matrices along its diagonal. @function */
export function blockDiag(...tensors: Tensor[]): Tensor {
  const blocks = tensors.map(atleast2d);
  if (blocks.some((b) => b.ndim > 2))
    throw new ShapeError(`blockDiag: ${tensors.map((t) => show(t.shape)).join(', ')} must have at most 2 dimensions`);
  const width = blocks.reduce((n, b) => n + b.shape[1], 0);
  let left = 0;
  return cat(
    blocks.map((b) => {
      const before = zeros([b.shape[0], left], { dtype: b.dtype });
      left += b.shape[1];
      return cat([before, b, zeros([b.shape[0], width - left], { dtype: b.dtype })], 1);
    }),
  );
}
/** Every combination of elements of several vectors, one per row. @function @example cartesianProd(arange(2), arange(3)).shape // [6, 2] */
export function cartesianProd(...tensors: Tensor[]): Tensor {
  return tensors.length === 1
    ? tensors[0]
    : stack(
        meshgrid(tensors).map((g) => g.reshape([-1])),
        1,
      );
}
/** Every choice of r elements of a vector, one per row, in order. @example arange(3).combinations().shape // [3, 2] */
export function combinations(x: Tensor, r: number = 2, withReplacement: boolean = false): Tensor {
  if (x.ndim !== 1) throw new ShapeError(`combinations: ${show(x.shape)} must have one dimension`);
  if (!(r >= 0)) throw new IndexError(`combinations: ${r} elements; it takes a whole number of at least 0`);
  if (r === 0) return zeros([0], { dtype: x.dtype });
  const rows: number[] = [];
  const choose = (from: number, picked: readonly number[]): void => {
    if (picked.length === r) {
      rows.push(...picked);
      return;
    }
    for (let i = from; i < x.numel; i++) choose(withReplacement ? i : i + 1, [...picked, i]);
  };
  choose(0, []);
  return x.indexSelect(0, tensor(rows, { dtype: 'int64' })).reshape([rows.length / r, r]);
}
