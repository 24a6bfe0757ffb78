import { IndexError, ShapeError, ValueError } from '../../base/errors.ts';
import { show, wrapDim } from '../../base/shape.ts';
import type { Tensor } from '../core.ts';
import { full, zeros } from './create.ts';
import type { ValuesIndices } from './reductions.ts';
import { type KeepdimOptions, sort } from './sorting.ts';

/** How many elements lie in each of `bins` equal parts of [min, max] (default: the range of x); the last part holds max. @throws ValueError @example tensor([1, 2, 1]).histc(2, 1, 2) // [2, 1] */
export function histc(x: Tensor, bins: number = 100, min: number = 0, max: number = 0): Tensor {
  if (!Number.isInteger(bins) || bins < 1) throw new ValueError(`histc: ${bins} bins; it takes a whole number of at least 1`);
  if (min > max) throw new ValueError(`histc: min ${min} is above max ${max}`);
  const flat = x.reshape([-1]);
  let [low, high] = [min, max];
  if (low === high && flat.numel > 0) [low, high] = [flat.amin().itemSync(), flat.amax().itemSync()];
  if (low === high) [low, high] = [low - 1, high + 1];
  const inside = flat.index(flat.ge(low).logicalAnd(flat.le(high)));
  const place = inside
    .sub(low)
    .mul(bins / (high - low))
    .floor()
    .clamp({ max: bins - 1 })
    .to('int64');
  return zeros([bins], { dtype: x.dtype }).scatterAdd(0, place, inside.onesLike());
}

/** The most frequent element along a dimension, the smallest of equals, and where it is last. @throws IndexError @example tensor([1, 3, 3]).mode().values // 3 */
export function mode(x: Tensor, dim: number = -1, options: KeepdimOptions = {}): ValuesIndices {
  const d = wrapDim('mode', dim, x.ndim);
  if (x.ndim === 0) return { values: x.clone(), indices: full([], 0, { dtype: 'int64' }) };
  if (x.shape[d] === 0) throw new IndexError(`mode: dimension ${d} of ${show(x.shape)} has no elements; choose another`);
  const { values, indices } = sort(x, d);
  const count = values
    .unsqueeze(d)
    .eq(values.unsqueeze(d + 1))
    .sum(d + 1);
  const first = count.argmax(d, { keepdim: true });
  // The last of a run of equals stands `count - 1` places behind its first.
  const last = first.add(count.gather(d, first)).sub(1);
  const pick = (t: Tensor): Tensor => (options.keepdim ? t.gather(d, last) : t.gather(d, last).squeeze(d));
  return { values: pick(values), indices: pick(indices) };
}

/** x summed to a shape that broadcasts to its own. @throws ShapeError @example ones([2, 3]).sumToSize([1, 3]) // [[2, 2, 2]] */
export function sumToSize(x: Tensor, shape: readonly number[]): Tensor {
  const lead = x.ndim - shape.length;
  if (lead < 0 || shape.some((n, i) => n !== 1 && n !== x.shape[lead + i]))
    throw new ShapeError(`sumToSize: ${show(shape)} does not broadcast to ${show(x.shape)}`);
  const dims = x.shape.flatMap((n, d) => (d < lead || (shape[d - lead] === 1 && n !== 1) ? [d] : []));
  return (dims.length === 0 ? x : x.sum(dims, { keepdim: true })).reshape(shape);
}
