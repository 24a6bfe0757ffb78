import { SIZE } from '../../base/dtype.ts';
import { IndexError, ShapeError } from '../../base/errors.ts';
import { type Shape, show, sizeOf, wrapDim, wrapDims } from '../../base/shape.ts';
import type { ViewOp } from '../../ops/op.ts';
import { TABLE } from '../../ops/table.ts';
import { span } from '../../ops/view.ts';
import { invoke, tryView } from '../call.ts';
import type { Tensor } from '../core.ts';

const rows = TABLE as Readonly<Record<string, ViewOp>>;
function make(op: ViewOp, x: Tensor, attrs: Record<string, unknown>): Tensor {
  return invoke(op, [x, attrs]) as Tensor;
}

/** Resolves a -1 in a shape. @throws ShapeError */
function inferShape(name: string, x: Tensor, shape: Shape): Shape {
  const n = sizeOf(x.shape);
  if (!shape.every(Number.isInteger))
    throw new ShapeError(`${name}: ${show(shape)} for ${show(x.shape)} has a size that is no whole number`);
  const unknown = shape.indexOf(-1);
  if (unknown < 0) {
    if (sizeOf(shape) !== n || shape.some((s) => s < 0))
      throw new ShapeError(
        `${name}: ${show(x.shape)} has ${n} elements, ${show(shape)} needs ${sizeOf(shape)}; one size may be -1 to follow from the others`,
      );
    return shape;
  }
  const rest = shape.reduce((a, s, i) => (i === unknown ? a : a * s), 1);
  if (shape.some((s, i) => s < 0 && i !== unknown) || rest === 0 || n % rest !== 0)
    throw new ShapeError(`${name}: ${n} elements of ${show(x.shape)} do not divide into ${show(shape)}`);
  return shape.map((s, i) => (i === unknown ? n / rest : s));
}
function sizes(first: number | Shape, rest: readonly number[]): Shape {
  return typeof first === 'number' ? [first, ...rest] : first;
}

/** The same elements under another shape: a view where strides allow, else a copy. One size may be -1. @example arange(6).reshape(2, -1) */
export function reshape(x: Tensor, shape: number | Shape, ...more: number[]): Tensor {
  return make(rows.reshape, x, { shape: inferShape('reshape', x, sizes(shape, more)) });
}
/** The same elements under another shape, never copied. @throws ShapeError where the strides forbid a view */
export function view(x: Tensor, shape: number | Shape, ...more: number[]): Tensor {
  const wanted = inferShape('view', x, sizes(shape, more));
  const v = tryView(rows.reshape, x, { shape: wanted });
  if (v === null)
    throw new ShapeError(`view: strides ${show(x.strides)} of ${show(x.shape)} do not allow ${show(wanted)} without a copy; use reshape`);
  return v;
}
/** The shape of another tensor. @example arange(4).reshapeAs(eye(2)) */
export function reshapeAs(x: Tensor, other: Tensor): Tensor {
  return reshape(x, other.shape);
}
/** As view, with the shape of another tensor. */
export function viewAs(x: Tensor, other: Tensor): Tensor {
  return view(x, other.shape);
}
/** The dimensions in another order. @example zeros([2, 3, 4]).permute(2, 0, 1).shape // [4, 2, 3] */
export function permute(x: Tensor, dims: number | readonly number[], ...more: number[]): Tensor {
  const order = sizes(dims, more).map((d) => wrapDim('permute', d, x.ndim));
  if (order.length !== x.ndim || new Set(order).size !== x.ndim)
    throw new ShapeError(`permute: ${show(order)} does not name each of the ${x.ndim} dimensions of ${show(x.shape)} once`);
  return make(rows.permute, x, { dims: order });
}
/** Swaps two dimensions. @example zeros([2, 3]).transpose(0, 1) */
export function transpose(x: Tensor, dim0: number = -2, dim1: number = -1): Tensor {
  const a = wrapDim('transpose', dim0, x.ndim);
  const b = wrapDim('transpose', dim1, x.ndim);
  if (x.ndim === 0) return make(rows.permute, x, { dims: [] });
  const dims = x.shape.map((_, d) => (d === a ? b : d === b ? a : d));
  return make(rows.permute, x, { dims });
}
/** The transpose of a matrix; vectors and scalars stay. @throws ShapeError above two dimensions */
export function t(x: Tensor): Tensor {
  if (x.ndim > 2) throw new ShapeError(`t: ${show(x.shape)} has more than 2 dimensions; use transpose(dim0, dim1) or mT`);
  return x.ndim < 2 ? permute(x, [...x.shape.keys()]) : transpose(x, 0, 1);
}
/** All dimensions reversed. @method T @getter */
export function reversed(x: Tensor): Tensor {
  return permute(x, [...x.shape.keys()].reverse());
}
/** The last two dimensions swapped. @method mT @getter */
export function matrixTransposed(x: Tensor): Tensor {
  if (x.ndim < 2) throw new ShapeError(`mT: ${show(x.shape)} is no matrix; it needs at least 2 dimensions`);
  return transpose(x, -2, -1);
}
/** Moves dimensions to new places. @example zeros([2, 3, 4]).movedim(0, -1).shape // [3, 4, 2] */
export function movedim(x: Tensor, source: number | readonly number[], destination: number | readonly number[]): Tensor {
  const from = sizes(source, []).map((d) => wrapDim('movedim', d, x.ndim));
  const to = sizes(destination, []).map((d) => wrapDim('movedim', d, x.ndim));
  if (from.length !== to.length || new Set(from).size !== from.length || new Set(to).size !== to.length)
    throw new ShapeError(`movedim: ${show(from)} to ${show(to)} must name as many dimensions, each once`);
  const order = new Array<number>(x.ndim).fill(-1);
  from.forEach((d, i) => {
    order[to[i]] = d;
  });
  const rest = [...x.shape.keys()].filter((d) => !from.includes(d));
  return permute(
    x,
    order.map((d) => (d >= 0 ? d : (rest.shift() as number))),
  );
}
/** Repeats dimensions of size 1 without memory; -1 keeps a size. @example ones([3, 1]).expand(3, 4) */
export function expand(x: Tensor, shape: number | Shape, ...more: number[]): Tensor {
  return make(rows.expand, x, { shape: sizes(shape, more) });
}
/** Expands to the shape of another tensor. */
export function expandAs(x: Tensor, other: Tensor): Tensor {
  return expand(x, other.shape);
}
/** Broadcasts to a shape, as expand. @example ones([3]).broadcastTo([2, 3]) */
export function broadcastTo(x: Tensor, shape: Shape): Tensor {
  return expand(x, shape);
}
/** Drops dimensions of size 1: all, or those named. @example zeros([1, 3, 1]).squeeze().shape // [3] */
export function squeeze(x: Tensor, dim?: number | readonly number[]): Tensor {
  const dims = new Set(
    dim === undefined ? x.shape.keys() : wrapDims('squeeze', typeof dim === 'number' ? dim : dim.length === 0 ? undefined : dim, x.ndim),
  );
  if (Array.isArray(dim) && dim.length === 0) dims.clear();
  return make(rows.reshape, x, { shape: x.shape.filter((n, d) => !(n === 1 && dims.has(d))) });
}
/** Adds a dimension of size 1. @example zeros([3]).unsqueeze(0).shape // [1, 3] */
export function unsqueeze(x: Tensor, dim: number): Tensor {
  const d = wrapDim('unsqueeze', dim, x.ndim + 1);
  return make(rows.reshape, x, { shape: [...x.shape.slice(0, d), 1, ...x.shape.slice(d)] });
}
/** Joins dimensions start to end into one. @example zeros([2, 3, 4]).flatten(1).shape // [2, 12] */
export function flatten(x: Tensor, start: number = 0, end: number = -1): Tensor {
  if (x.ndim === 0) return reshape(x, [1]);
  const a = wrapDim('flatten', start, x.ndim);
  const b = wrapDim('flatten', end, x.ndim);
  if (b < a) throw new IndexError(`flatten: start ${start} lies behind end ${end} for ${show(x.shape)}`);
  return make(rows.reshape, x, { shape: [...x.shape.slice(0, a), sizeOf(x.shape.slice(a, b + 1)), ...x.shape.slice(b + 1)] });
}
/** All elements in one dimension. */
export function ravel(x: Tensor): Tensor {
  return reshape(x, [-1]);
}
/** Cuts one dimension into several; one size may be -1. @example zeros([6]).unflatten(0, [2, -1]).shape // [2, 3] */
export function unflatten(x: Tensor, dim: number, shape: Shape): Tensor {
  const d = wrapDim('unflatten', dim, x.ndim);
  const unknown = shape.indexOf(-1);
  const rest = shape.reduce((a, s, i) => (i === unknown ? a : a * s), 1);
  const parts = shape.map((s, i) => (i === unknown ? x.shape[d] / rest : s));
  if (sizeOf(parts) !== x.shape[d])
    throw new ShapeError(`unflatten: dimension ${d} of ${show(x.shape)} does not divide into ${show(shape)}`);
  return make(rows.reshape, x, { shape: [...x.shape.slice(0, d), ...parts, ...x.shape.slice(d + 1)] });
}
/** A regular part of one dimension: `length` elements from `start`. @example arange(5).narrow(0, 1, 3) */
export function narrow(x: Tensor, dim: number, start: number, length: number): Tensor {
  if (x.ndim === 0) throw new ShapeError('narrow: a scalar has no dimension to narrow');
  const d = wrapDim('narrow', dim, x.ndim);
  const s = start < 0 ? start + x.shape[d] : start;
  if (!(Number.isInteger(start) && Number.isInteger(length)) || s < 0 || length < 0 || s + length > x.shape[d])
    throw new IndexError(`narrow: ${length} elements from ${start} leave dimension ${d} of ${show(x.shape)}`);
  return range(x, d, s, 1, length);
}
/** One index of a dimension, which is dropped. @example eye(3).select(0, -1) */
export function select(x: Tensor, dim: number, index: number): Tensor {
  const d = wrapDim('select', dim, x.ndim);
  const n = x.shape[d];
  if (x.ndim === 0 || !Number.isInteger(index) || index < -n || index >= n)
    throw new IndexError(`select: index ${index} is out of range for dimension ${d} of ${show(x.shape)}`);
  const part = range(x, d, index < 0 ? index + n : index, 1, 1);
  return make(rows.reshape, part, { shape: x.shape.filter((_, i) => i !== d) });
}
/** Elements of one dimension from a start in steps. @internal */
export function range(x: Tensor, dim: number, start: number, step: number, size: number): Tensor {
  const full = x.shape.map(() => 0);
  return make(rows.slice, x, {
    starts: full.map((_, d) => (d === dim ? start : 0)),
    steps: full.map((_, d) => (d === dim ? step : 1)),
    sizes: x.shape.map((n, d) => (d === dim ? size : n)),
  });
}
/** A diagonal of two dimensions, as a new last dimension; a view. @example eye(3).diagonal().arraySync() // [1, 1, 1] */
export function diagonal(x: Tensor, offset: number = 0, dim1: number = 0, dim2: number = 1): Tensor {
  return make(rows.diagonal, x, { offset, dim1: wrapDim('diagonal', dim1, x.ndim), dim2: wrapDim('diagonal', dim2, x.ndim) });
}
/** Windows of `size` elements every `step` along a dimension, as a new last dimension; a view. @example arange(5).unfold(0, 3, 1) */
export function unfold(x: Tensor, dim: number, size: number, step: number): Tensor {
  return make(rows.unfold, x, { dim: wrapDim('unfold', dim, x.ndim), size, step });
}
/** A view by explicit strides and offset in elements of x's storage. @throws ShapeError where it leaves the storage */
export function asStrided(x: Tensor, shape: Shape, strides: Shape, offset: number = x.offset): Tensor {
  if (
    ![offset, ...shape, ...strides].every(Number.isInteger) ||
    offset < 0 ||
    (offset + span(shape, strides)) * SIZE[x.dtype] > x.storage.bytes
  )
    throw new ShapeError(
      `asStrided: ${show(shape)} by strides ${show(strides)} from ${offset} leaves ${x.storage.bytes / SIZE[x.dtype]} elements`,
    );
  return make(rows.asStrided, x, { shape, strides, offset: offset - x.offset });
}
/** Pieces along a dimension: of one size (the last may be smaller) or of the sizes given; views. @example arange(5).split(2) */
export function split(x: Tensor, size: number | readonly number[], dim: number = 0): Tensor[] {
  const d = wrapDim('split', dim, x.ndim);
  if (x.ndim === 0) throw new ShapeError('split: a scalar has no dimension to split');
  const n = x.shape[d];
  let list: readonly number[];
  if (typeof size === 'number') {
    if (!Number.isInteger(size) || size < 0 || (size === 0 && n !== 0)) throw new ShapeError(`split: size ${size} must be positive`);
    const count = size === 0 ? 1 : Math.max(1, Math.ceil(n / size));
    list = Array.from({ length: count }, (_, i) => (size === 0 ? 0 : Math.min(size, n - i * size)));
  } else {
    list = size;
    if (list.some((s) => !Number.isInteger(s) || s < 0) || list.reduce((a, b) => a + b, 0) !== n)
      throw new ShapeError(`split: sizes ${show(list)} do not add up to ${n}, dimension ${d} of ${show(x.shape)}`);
  }
  let start = 0;
  return list.map((length) => {
    const part = range(x, d, start, 1, length);
    start += length;
    return part;
  });
}
/** At most n pieces of equal size along a dimension; views. @example arange(6).chunk(3) */
export function chunk(x: Tensor, n: number, dim: number = 0): Tensor[] {
  if (!(Number.isInteger(n) && n > 0)) throw new ShapeError(`chunk: ${n} pieces; it needs at least 1`);
  const d = wrapDim('chunk', dim, x.ndim);
  if (x.ndim === 0) throw new ShapeError('chunk: a scalar has no dimension to cut');
  if (x.shape[d] === 0) return Array.from({ length: n }, () => range(x, d, 0, 1, 0));
  return split(x, Math.ceil(x.shape[d] / n), dim);
}
/** Every index of a dimension, which is dropped; views. @example eye(2).unbind() */
export function unbind(x: Tensor, dim: number = 0): Tensor[] {
  const d = wrapDim('unbind', dim, x.ndim);
  if (x.ndim === 0) throw new ShapeError('unbind: a scalar has no dimension to unbind');
  return Array.from({ length: x.shape[d] }, (_, i) => select(x, d, i));
}
/** Size of one dimension, or the shape. @example zeros([2, 3]).size(1) // 3 */
export function size(x: Tensor, dim: number): number {
  return x.shape[wrapDim('size', dim, x.ndim)];
}
