import { type DType, isFloat } from '../../base/dtype.ts';
import { DTypeError } from '../../base/errors.ts';
import { wrapDim, wrapDims } from '../../base/shape.ts';
import type { KernelOp } from '../../ops/op.ts';
import { TABLE } from '../../ops/table.ts';
import { callKernel, castTo } from '../call.ts';
import { type Tensor, TensorCore } from '../core.ts';

const rows = TABLE as Readonly<Record<string, KernelOp>>;

/** Options of reductions; `dim` may also be the first argument. */
export interface ReduceOptions {
  readonly dim?: number | readonly number[] | null;
  /** Keeps reduced dimensions with size 1. */
  readonly keepdim?: boolean;
  /** Converts before the reduction. */
  readonly dtype?: DType;
}
/** Options of var and std. */
export interface VarOptions extends ReduceOptions {
  /** Taken from the count in the divisor; default 1 (Bessel's correction). */
  readonly correction?: number;
}
/** Dimensions, or the options that hold them. */
export type Dims = number | readonly number[] | null | ReduceOptions;
/** Values and where they lie. */
export interface ValuesIndices {
  readonly values: Tensor;
  readonly indices: Tensor;
}

function isOptions(dim: unknown): dim is ReduceOptions {
  return dim !== null && typeof dim === 'object' && !Array.isArray(dim);
}
/** Merges the two ways to name dimensions. @internal */
export function reduceArgs(
  name: string,
  x: Tensor,
  dim: Dims | undefined,
  options: ReduceOptions,
): { dims: number[]; keepdim: boolean; options: VarOptions } {
  const all: ReduceOptions = isOptions(dim) ? dim : { ...options, dim: dim ?? options.dim };
  return { dims: wrapDims(name, all.dim, x.ndim), keepdim: all.keepdim ?? false, options: all };
}
function run(name: string, x: Tensor, dim: Dims | undefined, options: ReduceOptions): Tensor {
  const args = reduceArgs(name, x, dim, options);
  const source = args.options.dtype && args.options.dtype !== x.dtype ? castTo(x, args.options.dtype) : x;
  return callKernel(rows[name], [source], { dims: args.dims, keepdim: args.keepdim })[0];
}
/** Sum over dimensions (default: all). Integers and bools sum in int64. @example tensor([[1, 2], [3, 4]]).sum(0) // [4, 6] */
export function sum(x: Tensor, dim?: Dims, options: ReduceOptions = {}): Tensor {
  const args = reduceArgs('sum', x, dim, options);
  const source = args.options.dtype && args.options.dtype !== x.dtype ? castTo(x, args.options.dtype) : x;
  const y = callKernel(rows.sum, [source], { dims: args.dims, keepdim: args.keepdim })[0];
  return args.options.dtype && y.dtype !== args.options.dtype ? castTo(y, args.options.dtype) : y;
}
/** Mean over dimensions (default: all). @throws DTypeError for integers @example tensor([1, 2, 3]).mean() // 2 */
export function mean(x: Tensor, dim?: Dims, options: ReduceOptions = {}): Tensor {
  const { options: all } = reduceArgs('mean', x, dim, options);
  if (!isFloat(all.dtype ?? x.dtype))
    throw new DTypeError(`mean: ${x.dtype} has no mean; did you mean x.to('float32').mean() or { dtype: 'float32' }?`);
  return run('mean', x, dim, options);
}
/** Product over dimensions (default: all). @example tensor([2, 3]).prod() // 6 */
export function prod(x: Tensor, dim?: Dims, options: ReduceOptions = {}): Tensor {
  const y = run('prod', x, dim, options);
  const dtype = reduceArgs('prod', x, dim, options).options.dtype;
  return dtype && y.dtype !== dtype ? castTo(y, dtype) : y;
}
/** Largest elements over dimensions; gradients are shared among equals. @example eye(2).amax(0) */
export function amax(x: Tensor, dim?: Dims, options: ReduceOptions = {}): Tensor {
  return run('amax', x, dim, options);
}
/** Smallest elements over dimensions; gradients are shared among equals. */
export function amin(x: Tensor, dim?: Dims, options: ReduceOptions = {}): Tensor {
  return run('amin', x, dim, options);
}
/** Smallest and largest elements over dimensions. */
export function aminmax(x: Tensor, dim?: Dims, options: ReduceOptions = {}): { readonly min: Tensor; readonly max: Tensor } {
  return { min: amin(x, dim, options), max: amax(x, dim, options) };
}
/** Whether all elements are true (not zero). @example tensor([1, 0]).all() // false */
export function all(x: Tensor, dim?: Dims, options: ReduceOptions = {}): Tensor {
  return run('all', x, dim, options);
}
/** Whether any element is true (not zero). @example tensor([1, 0]).any() // true */
export function any(x: Tensor, dim?: Dims, options: ReduceOptions = {}): Tensor {
  return run('any', x, dim, options);
}

function arg(name: string, x: Tensor, dim: number | ReduceOptions | null | undefined, options: ReduceOptions): Tensor {
  const all = isOptions(dim) ? dim : { ...options, dim: dim ?? options.dim };
  const d = all.dim === undefined || all.dim === null ? null : wrapDim(name, all.dim as number, x.ndim);
  return callKernel(rows[name], [x], { dim: d, keepdim: all.keepdim ?? false })[0];
}
/** Index (int64) of the largest element, of all or along a dimension; the first of equals. @example tensor([1, 3, 2]).argmax() // 1 */
export function argmax(x: Tensor, dim?: number | ReduceOptions | null, options: ReduceOptions = {}): Tensor {
  return arg('argmax', x, dim, options);
}
/** Index (int64) of the smallest element, of all or along a dimension; the first of equals. */
export function argmin(x: Tensor, dim?: number | ReduceOptions | null, options: ReduceOptions = {}): Tensor {
  return arg('argmin', x, dim, options);
}

function pick(name: 'max' | 'min', x: Tensor, dim: number | ReduceOptions, options: ReduceOptions): ValuesIndices {
  const all = isOptions(dim) ? dim : { ...options, dim };
  const [values, indices] = callKernel(rows[`${name}Dim`], [x], {
    dim: wrapDim(name, all.dim as number, x.ndim),
    keepdim: all.keepdim ?? false,
  });
  return { values, indices };
}
/** The largest element. */
export function max(x: Tensor): Tensor;
/** The larger of two tensors, elementwise. */
export function max(x: Tensor, other: Tensor): Tensor;
/** The largest elements along a dimension and their indices. */
export function max(x: Tensor, dim: number | ReduceOptions, options?: ReduceOptions): ValuesIndices;
/** The largest element; of two tensors, the larger elements; along a dimension, values and indices. */
export function max(x: Tensor, dim?: number | ReduceOptions | Tensor, options: ReduceOptions = {}): Tensor | ValuesIndices {
  if (dim === undefined) return amax(x);
  return dim instanceof TensorCore ? x.maximum(dim as Tensor) : pick('max', x, dim as number | ReduceOptions, options);
}
/** The smallest element. */
export function min(x: Tensor): Tensor;
/** The smaller of two tensors, elementwise. */
export function min(x: Tensor, other: Tensor): Tensor;
/** The smallest elements along a dimension and their indices. */
export function min(x: Tensor, dim: number | ReduceOptions, options?: ReduceOptions): ValuesIndices;
/** The smallest element; of two tensors, the smaller elements; along a dimension, values and indices. */
export function min(x: Tensor, dim?: number | ReduceOptions | Tensor, options: ReduceOptions = {}): Tensor | ValuesIndices {
  if (dim === undefined) return amin(x);
  return dim instanceof TensorCore ? x.minimum(dim as Tensor) : pick('min', x, dim as number | ReduceOptions, options);
}

/** Variance over dimensions, with Bessel's correction unless said otherwise. @method var @example tensor([1, 2, 3]).var() // 1 */
export function variance(x: Tensor, dim?: Dims | VarOptions, options: VarOptions = {}): Tensor {
  if (!isFloat(x.dtype)) throw new DTypeError(`var: ${x.dtype} has no variance; did you mean x.to('float32').var()?`);
  const { dims, keepdim, options: rest } = reduceArgs('var', x, dim as Dims, options);
  return callKernel(rows.variance, [x], { dims, keepdim, correction: rest.correction ?? 1 })[0];
}
/** Standard deviation over dimensions, with Bessel's correction unless said otherwise. @example tensor([1, 2, 3]).std() // 1 */
export function std(x: Tensor, dim?: Dims | VarOptions, options: VarOptions = {}): Tensor {
  return variance(x, dim, options).sqrt();
}
/** Variance and mean over dimensions. */
export function varMean(x: Tensor, dim?: Dims | VarOptions, options: VarOptions = {}): { readonly var: Tensor; readonly mean: Tensor } {
  return { var: variance(x, dim, options), mean: mean(x, dim as Dims, options) };
}
/** Standard deviation and mean over dimensions. */
export function stdMean(x: Tensor, dim?: Dims | VarOptions, options: VarOptions = {}): { readonly std: Tensor; readonly mean: Tensor } {
  return { std: std(x, dim, options), mean: mean(x, dim as Dims, options) };
}
/** log of the sum of exponentials over dimensions, without overflow. @example tensor([1000, 1000]).logsumexp(0) */
export function logsumexp(x: Tensor, dim: Dims, options: ReduceOptions = {}): Tensor {
  return run('logsumexp', isFloat(x.dtype) ? x : x.to('float32'), dim, options);
}
/** Vector p-norm over dimensions (default: all, p = 2). @example tensor([3, 4]).norm() // 5 */
export function norm(x: Tensor, p: number | 'fro' = 2, dim?: Dims, options: ReduceOptions = {}): Tensor {
  if (!isFloat(options.dtype ?? x.dtype)) throw new DTypeError(`norm: ${x.dtype} has no norm; did you mean x.to('float32').norm()?`);
  const { dims, keepdim, options: rest } = reduceArgs('norm', x, dim, options);
  const v = rest.dtype && rest.dtype !== x.dtype ? castTo(x, rest.dtype) : x;
  if (p === Infinity) return amax(v.abs(), dims, { keepdim });
  if (p === -Infinity) return amin(v.abs(), dims, { keepdim });
  if (p === 0) return sum(v.ne(0).to(v.dtype), dims, { keepdim });
  if (p === 1) return sum(v.abs(), dims, { keepdim });
  if (p === 2 || p === 'fro') return norm2(v, dims, keepdim);
  return sum(v.abs().pow(p), dims, { keepdim }).pow(1 / p);
}
/** The Euclidean norm; its gradient at 0 is 0. */
function norm2(v: Tensor, dims: readonly number[], keepdim: boolean): Tensor {
  const squares = sum(v.square(), dims, { keepdim });
  if (!v.requiresGrad) return squares.sqrt();
  const zero = squares.eq(0);
  return squares.maskedFill(zero, 1).sqrt().mul(zero.logicalNot().to(v.dtype));
}
/** Number of elements that are not zero. */
export function countNonzero(x: Tensor, dim?: Dims): Tensor {
  return sum(x.ne(0), dim);
}
/** Mean over dimensions of the elements that are not NaN. */
export function nanmean(x: Tensor, dim?: Dims, options: ReduceOptions = {}): Tensor {
  const bad = x.isnan();
  return sum(x.maskedFill(bad, 0), dim, options).div(sum(bad.logicalNot(), dim, options));
}
/** Sum over dimensions of the elements that are not NaN. */
export function nansum(x: Tensor, dim?: Dims, options: ReduceOptions = {}): Tensor {
  return sum(isFloat(x.dtype) ? x.maskedFill(x.isnan(), 0) : x, dim, options);
}

function along(name: string, x: Tensor, dim: number, options: { readonly dtype?: DType }): Tensor {
  const source = options.dtype && options.dtype !== x.dtype ? castTo(x, options.dtype) : x;
  const y = callKernel(rows[name], [source], { dim: wrapDim(name, dim, x.ndim) })[0];
  return options.dtype && y.dtype !== options.dtype ? castTo(y, options.dtype) : y;
}
/** Running sums along a dimension. @example tensor([1, 2, 3]).cumsum(0) // [1, 3, 6] */
export function cumsum(x: Tensor, dim: number, options: { readonly dtype?: DType } = {}): Tensor {
  return along('cumsum', x, dim, options);
}
/** Running products along a dimension. @example tensor([1, 2, 3]).cumprod(0) // [1, 2, 6] */
export function cumprod(x: Tensor, dim: number, options: { readonly dtype?: DType } = {}): Tensor {
  return along('cumprod', x, dim, options);
}
/** Running maxima along a dimension and where they lie. */
export function cummax(x: Tensor, dim: number): ValuesIndices {
  const [values, indices] = callKernel(rows.cummax, [x], { dim: wrapDim('cummax', dim, x.ndim) });
  return { values, indices };
}
/** Running minima along a dimension and where they lie. */
export function cummin(x: Tensor, dim: number): ValuesIndices {
  const [values, indices] = callKernel(rows.cummin, [x], { dim: wrapDim('cummin', dim, x.ndim) });
  return { values, indices };
}
/** Exponentials divided by their sum along a dimension. @example tensor([0, 0]).softmax(0) // [0.5, 0.5] */
export function softmax(x: Tensor, dim: number, options: { readonly dtype?: DType } = {}): Tensor {
  return along('softmax', isFloat(options.dtype ?? x.dtype) ? x : floats(x, 'softmax'), dim, options);
}
/** log(softmax(x)) along a dimension, without its overflow. */
export function logSoftmax(x: Tensor, dim: number, options: { readonly dtype?: DType } = {}): Tensor {
  return along('logSoftmax', isFloat(options.dtype ?? x.dtype) ? x : floats(x, 'logSoftmax'), dim, options);
}
function floats(x: Tensor, name: string): Tensor {
  throw new DTypeError(`${name}: ${x.dtype} is not supported; did you mean { dtype: 'float32' }?`);
}
