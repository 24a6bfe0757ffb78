import { DTypeError, IndexError, ShapeError, ValueError } from '../../base/errors.ts';
import { broadcast, type Shape, show, sizeOf, wrapDim, wrapDims } from '../../base/shape.ts';
import type { KernelOp, Scalar } from '../../ops/op.ts';
import { TABLE } from '../../ops/table.ts';
import { callKernel } from '../call.ts';
import type { Tensor } from '../core.ts';
import { where } from './arithmetic.ts';
import { arange, full } from './create.ts';
import { expand, permute, range, reshape } from './views.ts';
import { copy_ } from './write.ts';

const rows = TABLE as Readonly<Record<string, KernelOp>>;
const call = (name: string, inputs: readonly Tensor[], attrs: Record<string, unknown>): Tensor => callKernel(rows[name], inputs, attrs)[0];

/** y[i][j] = x[index[i][j]][j] for dim 0; y has the shape of index (int64 or int32). @throws ShapeError, IndexError @example eye(2).gather(1, tensor([[1], [0]])) */
export function gather(x: Tensor, dim: number, index: Tensor): Tensor {
  // An empty index may be of any dtype, as in PyTorch.
  return call('gather', [x, index.numel === 0 ? index.to('int64') : index], { dim });
}
/** gather with x and index broadcast to each other but for dim. @example tensor([[1, 2]]).takeAlongDim(tensor([[1], [0]]), 1) */
export function takeAlongDim(x: Tensor, index: Tensor, dim?: number): Tensor {
  if (dim === undefined) return gather(reshape(x, [-1]), 0, reshape(index, [-1]));
  const d = wrapDim('takeAlongDim', dim, x.ndim);
  const shape = broadcast(
    'takeAlongDim',
    x.shape.map((n, k) => (k === d ? 1 : n)),
    index.shape.map((n, k) => (k === d ? 1 : n)),
  );
  const to = (t: Tensor): Tensor =>
    expand(
      t,
      shape.map((n, k) => (k === d ? t.shape[d] : n)),
    );
  return gather(to(x), d, to(index));
}

/** A source of scatter: a tensor, or one number for all places. */
function source(x: Tensor, index: Tensor, src: Tensor | Scalar): Tensor {
  return typeof src === 'object' ? src : full(index.shape, src, { dtype: x.dtype });
}
/** A copy of x with x[index[i][j]][j] = src[i][j] for dim 0; the last of duplicates wins. @throws ShapeError, IndexError @example zeros([3]).scatter(0, tensor([2]), 1) */
export function scatter(x: Tensor, dim: number, index: Tensor, src: Tensor | Scalar): Tensor {
  return call('scatter', [x, index, source(x, index, src)], { dim });
}
/** scatter, in place. */
export function scatter_(x: Tensor, dim: number, index: Tensor, src: Tensor | Scalar): Tensor {
  return copy_(x, scatter(x, dim, index, src));
}
/** A copy of x with src[i][j] added at x[index[i][j]][j] for dim 0. @example zeros([2]).scatterAdd(0, tensor([1, 1]), ones([2])) // [0, 2] */
export function scatterAdd(x: Tensor, dim: number, index: Tensor, src: Tensor): Tensor {
  return call('scatterAdd', [x, index, src], { dim });
}
/** scatterAdd, in place. */
export function scatterAdd_(x: Tensor, dim: number, index: Tensor, src: Tensor): Tensor {
  return copy_(x, scatterAdd(x, dim, index, src));
}
/** Options of scatterReduce. */
export interface ScatterReduceOptions {
  /** Whether x's own elements take part; default true. */
  readonly includeSelf?: boolean;
}
/** Reduces src into the places that index gives along dim. @example ones([2]).scatterReduce(0, tensor([0, 0]), tensor([2, 3]).float(), 'prod') // [6, 1] */
export function scatterReduce(
  x: Tensor,
  dim: number,
  index: Tensor,
  src: Tensor,
  reduce: 'sum' | 'prod' | 'mean' | 'amax' | 'amin',
  options: ScatterReduceOptions = {},
): Tensor {
  return call('scatterReduce', [x, index, src], { dim, reduce, includeSelf: options.includeSelf ?? true });
}
/** scatterReduce, in place. */
export function scatterReduce_(
  x: Tensor,
  dim: number,
  index: Tensor,
  src: Tensor,
  reduce: 'sum' | 'prod' | 'mean' | 'amax' | 'amin',
  options: ScatterReduceOptions = {},
): Tensor {
  return copy_(x, scatterReduce(x, dim, index, src, reduce, options));
}

/** The slices of dim that a one-dimensional index names. @throws ShapeError, IndexError @example eye(3).indexSelect(0, tensor([2, 0])) */
export function indexSelect(x: Tensor, dim: number, index: Tensor): Tensor {
  return call('indexSelect', [x, index], { dim });
}
/** Options of indexAdd. */
export interface IndexAddOptions {
  /** Factor of the source; default 1. */
  readonly alpha?: number;
}
/** A copy of x with alpha * src added to the slices that index names; duplicates add up. @example zeros([2]).indexAdd(0, tensor([1, 1]), ones([2])) // [0, 2] */
export function indexAdd(x: Tensor, dim: number, index: Tensor, src: Tensor, options: IndexAddOptions = {}): Tensor {
  return call('indexAdd', [x, index, src], { dim, alpha: options.alpha ?? 1 });
}
/** indexAdd, in place. */
export function indexAdd_(x: Tensor, dim: number, index: Tensor, src: Tensor, options: IndexAddOptions = {}): Tensor {
  return copy_(x, indexAdd(x, dim, index, src, options));
}
/** A copy of x with the slices that index names replaced by those of src. @example zeros([2]).indexCopy(0, tensor([1]), ones([1])) // [0, 1] */
export function indexCopy(x: Tensor, dim: number, index: Tensor, src: Tensor): Tensor {
  return call('indexCopy', [x, index, src], { dim });
}
/** indexCopy, in place. */
export function indexCopy_(x: Tensor, dim: number, index: Tensor, src: Tensor): Tensor {
  return copy_(x, indexCopy(x, dim, index, src));
}
/** A copy of x with the slices that index names set to a value. @example zeros([2]).indexFill(0, tensor([1]), 5) // [0, 5] */
export function indexFill(x: Tensor, dim: number, index: Tensor, value: Scalar | Tensor): Tensor {
  const d = wrapDim('indexFill', dim, x.ndim);
  const shape = x.shape.map((n, k) => (k === d ? index.numel : n));
  if (typeof value !== 'object') return indexCopy(x, dim, index, full(shape, value, { dtype: x.dtype }));
  if (value.ndim > 0)
    throw new ShapeError(`indexFill: a value of shape ${show(value.shape)}; it must be a number or a tensor of no dimensions`);
  // One element of the index is enough: duplicates would share the value's gradient.
  const named = indexCopy(full(x.shape, false, { dtype: 'bool' }), dim, index, full(shape, true, { dtype: 'bool' }));
  return where(named, value.to(x.dtype), x);
}
/** indexFill, in place. */
export function indexFill_(x: Tensor, dim: number, index: Tensor, value: Scalar | Tensor): Tensor {
  return copy_(x, indexFill(x, dim, index, value));
}

/** Coordinates [n, rank] (int64) of the elements that are not zero, in order. @example tensor([0, 3, 4]).nonzero() // [[1], [2]] */
export function nonzero(x: Tensor): Tensor {
  const total = call('nonzeroCount', [x], {});
  const count = Number((total as Tensor & { itemSync(): number }).itemSync());
  total.dispose();
  return call('nonzeroFill', [x], { count });
}
/** x with the elements where the mask is true replaced by those of source, in order. @throws DTypeError, IndexError where source has too few @example zeros([3]).maskedScatter(tensor([true, false, true]), tensor([1, 2])) // [1, 0, 2] */
export function maskedScatter(x: Tensor, mask: Tensor, source: Tensor): Tensor {
  if (mask.dtype !== 'bool') throw new DTypeError(`maskedScatter: the mask is ${mask.dtype}; it must be bool, e.g. mask.ne(0)`);
  if (source.dtype !== x.dtype) throw new DTypeError(`maskedScatter: a source of dtype ${source.dtype} for ${x.dtype}; convert it first`);
  const shape = broadcast('maskedScatter', x.shape, mask.shape);
  const flat = reshape(expand(mask, shape), [-1]);
  const places = reshape(nonzero(flat), [-1]);
  if (places.numel > source.numel)
    throw new IndexError(`maskedScatter: the mask names ${places.numel} elements, the source has ${source.numel}`);
  const taken = range(reshape(source, [-1]), 0, 0, 1, places.numel);
  return reshape(indexCopy(reshape(expand(x, shape), [-1]), 0, places, taken), shape);
}
/** The elements where the mask is true, in one dimension; mask and x broadcast. @example tensor([1, 2]).maskedSelect(tensor([false, true])) // [2] */
export function maskedSelect(x: Tensor, mask: Tensor): Tensor {
  const shape = broadcast('maskedSelect', x.shape, mask.shape);
  const places = nonzero(reshape(expand(mask, shape), [-1]));
  return indexSelect(reshape(expand(x, shape), [-1]), 0, reshape(places, [-1]));
}
/** A copy of x with values put (or added) at flat places in row-major order, which may be negative. @example zeros([2, 2]).put(tensor([0, -1]), tensor([1, 2])) // [[1, 0], [0, 2]] */
export function put(x: Tensor, index: Tensor, source: Tensor, options: IndexPutOptions = {}): Tensor {
  if (index.numel !== source.numel) throw new ShapeError(`put: ${index.numel} places for ${source.numel} values; give one for each`);
  return reshape(indexPut(reshape(x, [-1]), [reshape(index, [-1])], reshape(source, [-1]), options), x.shape);
}
/** A copy of x with the slices that index names reduced with those of src. @example ones([2]).indexReduce(0, tensor([0, 0]), tensor([2, 3]), 'prod') // [6, 1] */
export function indexReduce(
  x: Tensor,
  dim: number,
  index: Tensor,
  src: Tensor,
  reduce: 'prod' | 'mean' | 'amax' | 'amin',
  options: ScatterReduceOptions = {},
): Tensor {
  const d = wrapDim('indexReduce', dim, x.ndim);
  if (index.ndim > 1) throw new ShapeError(`indexReduce: an index of shape ${show(index.shape)}; it must have one dimension`);
  const wide = expand(
    reshape(
      index,
      src.shape.map((_, k) => (k === d ? index.numel : 1)),
    ),
    src.shape,
  );
  return scatterReduce(x, dim, wide, src, reduce, options);
}
/** Elements of x in row-major order at flat places, which may be negative; the shape is that of index. @example eye(2).take(tensor([0, -1])) // [1, 1] */
export function take(x: Tensor, index: Tensor): Tensor {
  const places = offsets('take', index, x.numel, 1);
  return reshape(indexSelect(reshape(x, [-1]), 0, places), index.shape);
}

/** Flat int64 index * stride for an index of 0 to n - 1 or, from the end, -n to -1: a table look-up, which also checks it. */
function offsets(name: string, index: Tensor, n: number, stride: number): Tensor {
  if (index.dtype !== 'int64' && index.dtype !== 'int32')
    throw new IndexError(`${name}: an index of dtype ${index.dtype}; use int64, int32 or a bool mask`);
  const flat = reshape(index, [-1]);
  return indexSelect(arange(0, n * stride, stride), 0, where(flat.lt(0), flat.add(n), flat));
}

/** An advanced index: one entry per dimension; null takes all of it, a bool mask stands for as many dimensions as it has. */
export type IndexList = readonly (Tensor | null)[];

/** What an advanced index means: x permuted and collapsed to [outer, indexed, inner], and the flat places. */
interface Plan {
  readonly order: number[];
  readonly collapsed: Shape;
  readonly places: Tensor;
  /** Shape of the result. */
  readonly shape: Shape;
}
function plan(name: string, x: Tensor, list: IndexList): Plan {
  const indices: (Tensor | null)[] = [];
  for (const entry of list) {
    if (entry === null || entry.dtype !== 'bool') {
      indices.push(entry);
      continue;
    }
    entry.shape.forEach((n, k) => {
      if (n !== x.shape[indices.length + k])
        throw new IndexError(
          `${name}: a mask of shape ${show(entry.shape)} at dimension ${indices.length} of ${show(x.shape)}; the sizes must agree`,
        );
    });
    const coordinates = nonzero(entry);
    for (let k = 0; k < entry.ndim; k++) indices.push(reshape(range(coordinates, 1, k, 1, 1), [-1]));
  }
  if (indices.length > x.ndim) throw new IndexError(`${name}: ${indices.length} indices for ${show(x.shape)}; give at most ${x.ndim}`);
  const dims = indices.flatMap((t, d) => (t === null ? [] : [d]));
  if (dims.length === 0) throw new ValueError(`${name}: no index; give at least one tensor`);
  const shape = dims.map((d) => (indices[d] as Tensor).shape).reduce((a, b) => broadcast(name, a, b));
  let stride = 1;
  let places: Tensor | null = null;
  for (const d of [...dims].reverse()) {
    const index = indices[d] as Tensor;
    const part = expand(reshape(offsets(name, index, x.shape[d], stride), index.shape), shape);
    places = places === null ? part : places.add(part);
    stride *= x.shape[d];
  }
  // Indices side by side stay in their place; with a gap between them their dimensions come first.
  const joined = dims[dims.length - 1] - dims[0] === dims.length - 1;
  const rest = [...x.shape.keys()].filter((d) => !dims.includes(d));
  const before = joined ? rest.filter((d) => d < dims[0]) : [];
  const after = rest.filter((d) => !before.includes(d));
  const sizes = (list: readonly number[]): number[] => list.map((d) => x.shape[d]);
  return {
    order: [...before, ...dims, ...after],
    collapsed: [sizeOf(sizes(before)), stride, sizeOf(sizes(after))],
    places: reshape(places as Tensor, [-1]),
    shape: [...sizes(before), ...shape, ...sizes(after)],
  };
}
/** Elements at the places that index tensors give together; null takes all of a dimension. @internal */
export function indexList(x: Tensor, indices: IndexList): Tensor {
  const p = plan('index', x, indices);
  return reshape(indexSelect(reshape(permute(x, p.order), p.collapsed), 1, p.places), p.shape);
}
/** Options of indexPut. */
export interface IndexPutOptions {
  /** Adds to what is there, duplicates as often as they occur; default: the last write wins. */
  readonly accumulate?: boolean;
}
/** A copy of x with values (broadcast) at the places that index tensors give together. @example zeros([3]).indexPut([tensor([1])], tensor(5)) // [0, 5, 0] */
export function indexPut(x: Tensor, indices: IndexList, values: Tensor | Scalar, options: IndexPutOptions = {}): Tensor {
  const p = plan('indexPut', x, indices);
  const given = typeof values === 'object' ? values : full([], values, { dtype: x.dtype });
  if (given.dtype !== x.dtype) throw new DTypeError(`indexPut: values of dtype ${given.dtype} for ${x.dtype}; convert them first`);
  const src = reshape(expand(given, p.shape), [p.collapsed[0], p.places.numel, p.collapsed[2]]);
  const flat = reshape(permute(x, p.order), p.collapsed);
  const changed = options.accumulate ? indexAdd(flat, 1, p.places, src) : indexCopy(flat, 1, p.places, src);
  const back = new Array<number>(p.order.length);
  p.order.forEach((d, k) => {
    back[d] = k;
  });
  return permute(
    reshape(
      changed,
      p.order.map((d) => x.shape[d]),
    ),
    back,
  );
}
/** indexPut, in place. */
export function indexPut_(x: Tensor, indices: IndexList, values: Tensor | Scalar, options: IndexPutOptions = {}): Tensor {
  return copy_(x, indexPut(x, indices, values, options));
}

/** x in reverse order along dimensions. @example tensor([1, 2]).flip(0) // [2, 1] */
export function flip(x: Tensor, dims: number | readonly number[], ...more: number[]): Tensor {
  return call('flip', [x], { dims: typeof dims === 'number' ? [dims, ...more] : dims });
}
/** x reversed along dimension 1. */
export function fliplr(x: Tensor): Tensor {
  return flip(x, 1);
}
/** x reversed along dimension 0. */
export function flipud(x: Tensor): Tensor {
  return flip(x, 0);
}
/** Elements moved round by shifts along dims; without dims, in row-major order. @example tensor([1, 2, 3]).roll(1) // [3, 1, 2] */
export function roll(x: Tensor, shifts: number | readonly number[], dims?: number | readonly number[]): Tensor {
  const by = typeof shifts === 'number' ? [shifts] : shifts;
  if (dims === undefined) {
    if (by.length !== 1) throw new ShapeError(`roll: ${by.length} shifts without dims; name the dimensions`);
    return reshape(roll(reshape(x, [-1]), by, [0]), x.shape);
  }
  const along = typeof dims === 'number' ? [dims] : dims;
  if (along.length !== by.length) throw new ShapeError(`roll: ${by.length} shifts for ${along.length} dims; give one for each`);
  if (x.ndim === 0 && along.length > 0) throw new IndexError(`roll: dim ${along[0]} of a scalar, which has none`);
  let y = x;
  along.forEach((dim, k) => {
    const [d] = wrapDims('roll', dim, x.ndim);
    const n = d === undefined ? 0 : x.shape[d];
    const shift = n === 0 ? 0 : ((by[k] % n) + n) % n;
    if (shift === 0) return;
    const places = arange(n).add(n - shift);
    y = indexSelect(y, d, where(places.lt(n), places, places.sub(n)));
  });
  return y;
}
/** Options of searchsorted. */
export interface SearchOptions {
  /** Behind equal values instead of before them. */
  readonly right?: boolean;
  /** The same in words. */
  readonly side?: 'left' | 'right';
  /** The indices that sort x, where x is not sorted. */
  readonly sorter?: Tensor | null;
  /** int32 places instead of int64. */
  readonly outInt32?: boolean;
}
/** Where values would go in the sorted last dimension: before equal ones, or after with right. @example tensor([1, 3]).searchsorted(tensor([2, 3])) // [1, 1] */
export function searchsorted(x: Tensor, values: Tensor | Scalar, options: SearchOptions = {}): Tensor {
  if (options.side === 'left' && options.right)
    throw new ValueError("searchsorted: side 'left' and right: true contradict each other; give one of them");
  const given = typeof values === 'object' ? values : full([], values, { dtype: x.dtype });
  const y = call('searchsorted', [options.sorter ? gather(x, -1, options.sorter) : x, given], {
    right: options.right || options.side === 'right',
  });
  return options.outInt32 ? y.to('int32') : y;
}
/** The bucket of each element among sorted boundaries. @example tensor([2]).bucketize(tensor([1, 3])) // [1] */
export function bucketize(x: Tensor, boundaries: Tensor, options: SearchOptions = {}): Tensor {
  return searchsorted(boundaries, x, options);
}
