import { IndexError } from '../../base/errors.ts';
import { show } from '../../base/shape.ts';
import { type Tensor, TensorCore } from '../core.ts';
import { tensor } from './create.ts';
import { flip, type IndexList, indexList, nonzero } from './indexing.ts';
import { range, reshape, select, unsqueeze } from './views.ts';

/** A range of one dimension as Python's start:stop:step; ends count from the end where negative and may be left out. */
export interface SliceRange {
  readonly start?: number | null;
  readonly stop?: number | null;
  readonly step?: number | null;
}
/**
 * One entry of `index`: a number takes one element and drops the dimension; a range, or the same as text (':', '1:', '::-1'), keeps it;
 * null adds one of size 1; '...' stands for all dimensions not named; a tensor or array of whole numbers takes those elements, one of
 * booleans those that are true.
 */
export type IndexItem = number | null | string | SliceRange | Tensor | boolean | readonly number[] | readonly boolean[];

function parse(text: string): SliceRange {
  const parts = text.split(':').map((p) => p.trim());
  if (parts.length < 2 || parts.length > 3 || parts.some((p) => !/^(-?\d+)?$/.test(p)))
    throw new IndexError(`index: '${text}' is no range; write ':', 'start:stop', 'start:stop:step' or '...'`);
  const [start, stop, step] = parts.map((p) => (p === '' ? null : Number(p)));
  return { start, stop, step: step ?? null };
}

/** A range of a dimension, cut to its size as Python does; a negative step goes backwards (a copy). @example arange(5).slice(0, 1, 4).arraySync() // [1, 2, 3] */
export function slice(x: Tensor, dim: number, start?: number | null, stop?: number | null, step?: number | null): Tensor {
  const by = step ?? 1;
  if (x.ndim === 0) throw new IndexError('slice: a scalar has no dimension to slice');
  if (!Number.isInteger(dim) || dim < -x.ndim || dim >= x.ndim)
    throw new IndexError(`slice: dimension ${dim} is not one of ${show(x.shape)}`);
  if (!Number.isInteger(by) || by === 0) throw new IndexError(`slice: step ${by} must be a whole number other than 0`);
  const d = dim < 0 ? dim + x.ndim : dim;
  const n = x.shape[d];
  if (by < 0) {
    // Position p counted from the other end is n - 1 - p.
    const turn = (p: number | null | undefined): number | null =>
      p === null || p === undefined ? null : p < 0 ? Math.max(-1 - p, 0) : Math.max(n - 1 - p, 0);
    return slice(flip(x, d), d, turn(start), turn(stop), -by);
  }
  const clip = (p: number | null | undefined, otherwise: number): number => {
    if (p === null || p === undefined) return otherwise;
    if (!Number.isInteger(p)) throw new IndexError(`slice: ${p} is no whole number`);
    return Math.min(Math.max(p < 0 ? p + n : p, 0), n);
  };
  const from = clip(start, 0);
  const to = clip(stop, n);
  const size = Math.max(0, Math.ceil((to - from) / by));
  return range(x, d, size === 0 ? 0 : from, by, size);
}

function isList(item: unknown): item is readonly (Tensor | null)[] {
  return Array.isArray(item) && item.some((t) => t instanceof TensorCore) && item.every((t) => t === null || t instanceof TensorCore);
}

/**
 * Indexing as in Python, one entry per dimension: a view for numbers and ranges, a copy where tensors or arrays pick elements. A single
 * array of tensors and nulls lists one index per dimension, null taking all of it.
 * @throws IndexError for places outside x or more entries than dimensions
 * @example arange(12).reshape(3, 4).index(1, '::2').arraySync() // [4, 6]
 */
export function index(x: Tensor, ...items: (IndexItem | IndexList)[]): Tensor {
  if (items.length === 1 && isList(items[0])) return indexList(x, items[0]);
  const entries = (items as IndexItem[]).map((item) =>
    Array.isArray(item) ? asIndex(item as readonly number[]) : (item as Exclude<IndexItem, readonly unknown[]>),
  );
  const named = entries.reduce<number>((n, e) => n + width(e), 0);
  if (named > x.ndim) throw new IndexError(`index: ${named} indices for ${show(x.shape)}; give at most ${x.ndim}`);
  if (entries.filter((e) => e === '...').length > 1) throw new IndexError("index: more than one '...'; only one can stand for the rest");
  let y = x;
  let dim = 0;
  const picked: (Tensor | null)[] = [];
  const take = (t: Tensor | null, dims: number): void => {
    picked.push(t);
    dim += dims;
  };
  for (const e of entries) {
    if (e === '...') for (let k = x.ndim - named; k > 0; k--) take(null, 1);
    else if (e === null) {
      y = unsqueeze(y, dim);
      take(null, 1);
    } else if (typeof e === 'number') y = select(y, dim, e);
    else if (e instanceof TensorCore && width(e) > 0) take(e as Tensor, width(e));
    else if (typeof e === 'boolean' || e instanceof TensorCore) {
      y = unsqueeze(y, dim);
      take(reshape(nonzero(reshape(typeof e === 'boolean' ? tensor([e]) : (e as Tensor), [1])), [-1]), 1);
    } else {
      const s = typeof e === 'string' ? parse(e) : (e as SliceRange);
      y = slice(y, dim, s.start, s.stop, s.step);
      take(null, 1);
    }
  }
  return picked.some((t) => t !== null) ? indexList(y, picked) : y;
}

/** Dimensions of x that an entry stands for. */
function width(e: IndexItem): number {
  if (e === null || e === '...' || typeof e === 'boolean') return 0;
  return e instanceof TensorCore && e.dtype === 'bool' ? e.ndim : 1;
}
function asIndex(list: readonly (number | boolean)[]): Tensor {
  return tensor(list as number[], { dtype: typeof list[0] === 'boolean' ? 'bool' : 'int64' });
}
