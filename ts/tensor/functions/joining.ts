import { promote } from '../../base/dtype.ts';
import { IndexError, ShapeError, ValueError } from '../../base/errors.ts';
import { show, wrapDim } from '../../base/shape.ts';
import { allocate, type Tensor } from '../core.ts';
import { tensor } from './create.ts';
import { range } from './views.ts';

function rankOf(name: string, tensors: readonly Tensor[]): number {
  if (tensors.length === 0) throw new ValueError(`${name}: no tensors were given; it needs at least one`);
  return tensors[0].ndim;
}

/** Joins tensors along a dimension; the other sizes must be equal. Dtypes promote. @example cat([ones([1, 2]), zeros([2, 2])]).shape // [3, 2] */
export function cat(tensors: readonly Tensor[], dim: number = 0): Tensor {
  rankOf('cat', tensors);
  // An empty vector joins anything, as in PyTorch.
  const parts = tensors.filter((t) => !(t.ndim === 1 && t.shape[0] === 0));
  const dtype = tensors.reduce((d, t) => promote(d, t.dtype), tensors[0].dtype);
  if (parts.length === 0) return allocate([0], dtype);
  const first = parts[0];
  if (first.ndim === 0) throw new ShapeError('cat: scalars have no dimension to join along; did you mean stack?');
  const d = wrapDim('cat', dim, first.ndim);
  let total = 0;
  for (const t of parts) {
    if (t.ndim !== first.ndim || t.shape.some((n, i) => i !== d && n !== first.shape[i]))
      throw new ShapeError(`cat: shapes ${show(first.shape)} and ${show(t.shape)} differ outside dimension ${d}`);
    total += t.shape[d];
  }
  const out = allocate(
    first.shape.map((n, i) => (i === d ? total : n)),
    dtype,
    undefined,
    undefined,
    parts,
  );
  let start = 0;
  for (const t of parts) {
    if (t.numel > 0) range(out, d, start, 1, t.shape[d]).copy_(t);
    start += t.shape[d];
  }
  return out;
}
/** Joins tensors of one shape along a new dimension. @example stack([zeros([2]), ones([2])]).shape // [2, 2] */
export function stack(tensors: readonly Tensor[], dim: number = 0): Tensor {
  const rank = rankOf('stack', tensors);
  const d = wrapDim('stack', dim, rank + 1);
  for (const t of tensors)
    if (show(t.shape) !== show(tensors[0].shape))
      throw new ShapeError(`stack: shapes ${show(tensors[0].shape)} and ${show(t.shape)} differ; they must be equal`);
  return cat(
    tensors.map((t) => t.unsqueeze(d)),
    d,
  );
}
/** Stacks along the first dimension; vectors become rows. */
export function vstack(tensors: readonly Tensor[]): Tensor {
  return cat(tensors.map((t) => (t.ndim < 2 ? t.reshape([1, -1]) : t)));
}
/** Joins along the second dimension; vectors along the first. */
export function hstack(tensors: readonly Tensor[]): Tensor {
  const list = tensors.map((t) => (t.ndim === 0 ? t.reshape([1]) : t));
  return cat(list, rankOf('hstack', list) === 1 ? 0 : 1);
}
/** Repeats x along each dimension. @example tensor([1, 2]).repeat([2]).arraySync() // [1, 2, 1, 2] */
export function repeat(x: Tensor, counts: number | readonly number[], ...more: number[]): Tensor {
  const times = typeof counts === 'number' ? [counts, ...more] : counts;
  if (times.length < x.ndim)
    throw new ShapeError(`repeat: ${show(times)} has fewer entries than the ${x.ndim} dimensions of ${show(x.shape)}`);
  if (times.some((n) => !Number.isInteger(n) || n < 0))
    throw new ShapeError(`repeat: ${show(times)} holds what is no count; give integers of at least 0`);
  const lead = times.length - x.ndim;
  const shape = times.map((_, i) => (i < lead ? 1 : x.shape[i - lead]));
  const doubled = shape.flatMap((n) => [1, n]);
  return x
    .reshape(doubled)
    .expand(shape.flatMap((n, i) => [times[i], n]))
    .reshape(shape.map((n, i) => n * times[i]));
}
/** Repeats as numpy.tile: counts are aligned at the last dimension. */
export function tile(x: Tensor, counts: readonly number[]): Tensor {
  return repeat(x, [...new Array<number>(Math.max(0, x.ndim - counts.length)).fill(1), ...counts]);
}
/** Repeats each element n times along a dimension (default: of the flattened tensor). */
export function repeatInterleave(x: Tensor, n: number | Tensor, dim?: number): Tensor {
  const v = dim === undefined ? x.flatten() : x;
  const d = wrapDim('repeatInterleave', dim ?? 0, v.ndim);
  if (typeof n === 'object') return repeatEach(v, n, d);
  if (!Number.isInteger(n) || n < 0) throw new IndexError(`repeatInterleave: ${n} repeats; it takes a whole number of at least 0`);
  const shape = [...v.shape.slice(0, d + 1), n, ...v.shape.slice(d + 1)];
  return v
    .unsqueeze(d + 1)
    .expand(shape)
    .flatten(d, d + 1);
}
/** Each slice of dimension d as often as its count says. */
function repeatEach(x: Tensor, counts: Tensor, d: number): Tensor {
  const n = x.ndim === 0 ? 1 : x.shape[d];
  const list = counts.expand([n]).to('int64').arraySync() as number[];
  if (list.some((c) => c < 0)) throw new IndexError(`repeatInterleave: the counts [${list}] must not be negative`);
  const places = list.flatMap((c, i) => new Array<number>(c).fill(i));
  return x.indexSelect(d, tensor(places, { dtype: 'int64' }));
}
/** Tensors expanded to their common shape. @function */
export function broadcastTensors(...tensors: Tensor[]): Tensor[] {
  const shape = tensors.reduce<readonly number[]>((s, t) => common(s, t.shape), []);
  return tensors.map((t) => t.expand(shape));
}
function common(a: readonly number[], b: readonly number[]): readonly number[] {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, i) => {
    const x = a[i - rank + a.length] ?? 1;
    const y = b[i - rank + b.length] ?? 1;
    if (x !== y && x !== 1 && y !== 1) throw new ShapeError(`broadcastTensors: shapes ${show(a)} and ${show(b)} do not broadcast`);
    return x === 1 ? y : x;
  });
}
/** Grids of coordinates from vectors; indexing 'ij' (default) or 'xy'. @function */
export function meshgrid(tensors: readonly Tensor[], options: { readonly indexing?: 'ij' | 'xy' } = {}): Tensor[] {
  const swap = options.indexing === 'xy' && tensors.length > 1;
  const list = tensors.map((t) => t.reshape([-1]));
  const order = list.map((_, i) => (swap && i < 2 ? 1 - i : i));
  const shape = order.map((i) => list[i].shape[0]);
  return list.map((t, i) => t.reshape(order.map((o) => (o === i ? -1 : 1))).expand(shape));
}
