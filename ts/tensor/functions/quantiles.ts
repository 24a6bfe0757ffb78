import { isFloat } from '../../base/dtype.ts';
import { DTypeError, IndexError, ValueError } from '../../base/errors.ts';
import { show, wrapDim } from '../../base/shape.ts';
import type { Tensor } from '../core.ts';
import { where } from './arithmetic.ts';
import { full } from './create.ts';
import { gather } from './indexing.ts';
import { stack } from './joining.ts';
import type { ValuesIndices } from './reductions.ts';
import { type KeepdimOptions, sort } from './sorting.ts';
import { range, reshape, squeeze } from './views.ts';

/** Options of quantile. */
export interface QuantileOptions {
  /** Default: over all elements. */
  readonly dim?: number | null;
  readonly keepdim?: boolean;
  /** What lies between two elements; default 'linear'. */
  readonly interpolation?: 'linear' | 'lower' | 'higher' | 'midpoint' | 'nearest';
}
/** The element below which a share q of a dimension lies; several q (a vector) give a new first dimension. NaN where there is one. @throws ValueError @example tensor([1, 2, 3]).quantile(0.5) // 2 */
export function quantile(x: Tensor, q: number | Tensor, options: QuantileOptions = {}): Tensor {
  if (!isFloat(x.dtype)) throw new DTypeError(`quantile: ${x.dtype} is not supported; did you mean x.to('float32')?`);
  if (x.numel === 0) throw new IndexError(`quantile: ${show(x.shape)} has no elements`);
  const whole = options.dim === null || options.dim === undefined;
  const v = whole || x.ndim === 0 ? reshape(x, [-1]) : x;
  const d = whole ? 0 : wrapDim('quantile', options.dim as number, v.ndim);
  const n = v.shape[d];
  const sorted = sort(v, d).values;
  const at = (i: number): Tensor => range(sorted, d, i, 1, 1);
  const bad = at(n - 1).isnan();
  const finish = (y: Tensor): Tensor => {
    if (!options.keepdim) return squeeze(y, d);
    return whole
      ? reshape(
          y,
          x.shape.map(() => 1),
        )
      : y;
  };
  const one = (share: number): Tensor => {
    if (!(share >= 0 && share <= 1)) throw new ValueError(`quantile: q ${share} must be between 0 and 1`);
    return finish(where(bad, Number.NaN, between(at, share * (n - 1), options.interpolation ?? 'linear')));
  };
  if (typeof q === 'number') return one(q);
  const shares = q.reshape([-1]).arraySync() as number[];
  return q.ndim === 0 ? one(shares[0]) : stack(shares.map(one));
}
function between(at: (i: number) => Tensor, place: number, how: string): Tensor {
  const low = Math.floor(place);
  const high = Math.ceil(place);
  const rest = place - low;
  if (how === 'lower' || low === high) return at(low);
  if (how === 'higher') return at(high);
  if (how === 'nearest') return at(rest < 0.5 || (rest === 0.5 && low % 2 === 0) ? low : high);
  if (how !== 'linear' && how !== 'midpoint')
    throw new ValueError(`quantile: interpolation '${how}' is unknown; use 'linear', 'lower', 'higher', 'midpoint' or 'nearest'`);
  return at(low).lerp(at(high), how === 'linear' ? rest : 0.5);
}

/** The lower median of the elements that are not NaN. */
export function nanmedian(x: Tensor): Tensor;
/** The lower medians along a dimension of the elements that are not NaN, and where they are. */
export function nanmedian(x: Tensor, dim: number, options?: KeepdimOptions): ValuesIndices;
/** The lower median of the elements that are not NaN, of all or along a dimension. @example tensor([NaN, 1, 2]).nanmedian() // 1 */
export function nanmedian(x: Tensor, dim?: number, options: KeepdimOptions = {}): Tensor | ValuesIndices {
  if (dim === undefined) return x.numel === 0 ? full([], Number.NaN, { dtype: x.dtype }) : nanmedian(reshape(x, [-1]), 0).values;
  const d = wrapDim('nanmedian', dim, x.ndim);
  if (x.ndim === 0) return { values: x.clone(), indices: full([], 0, { dtype: 'int64' }) };
  if (x.shape[d] === 0) throw new IndexError(`nanmedian: dimension ${d} of ${show(x.shape)} has no elements; choose another`);
  const sorted = sort(x, d);
  const valid = x.eq(x).sum(d, { keepdim: true });
  const middle = valid.sub(1).clamp({ min: 0 }).floorDivide(2);
  const pick = (t: Tensor): Tensor => (options.keepdim ? gather(t, d, middle) : squeeze(gather(t, d, middle), d));
  return { values: pick(sorted.values), indices: pick(sorted.indices) };
}
