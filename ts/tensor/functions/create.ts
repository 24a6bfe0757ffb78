import { CATEGORY, CODE, type DType, isFloat, promote, SIZE } from '../../base/dtype.ts';
import { DTypeError, ShapeError, ValueError } from '../../base/errors.ts';
import { contiguousStrides, type Shape, show, sizeOf } from '../../base/shape.ts';
import type { KernelOp } from '../../ops/op.ts';
import { TABLE } from '../../ops/table.ts';
import { encode, type Plain, TYPED, type TypedArray } from '../bytes.ts';
import { callKernel } from '../call.ts';
import { allocate, backend, type Tensor, TensorCore } from '../core.ts';
import { filled } from '../ops.ts';
import { getDefaultDtype } from '../promotion.ts';

/** Options of every creation function. */
export interface CreateOptions {
  /** Default: the default floating-point dtype, or what the data call for. */
  readonly dtype?: DType;
  /** Whether gradients are accumulated into the new tensor; floating point only. */
  readonly requiresGrad?: boolean;
}

/** Nested arrays of numbers, bigints or booleans; or one of them. */
export type Nested = number | bigint | boolean | readonly Nested[];
export type { TypedArray };

function finish(x: Tensor, options: CreateOptions): Tensor {
  if (options.requiresGrad) {
    if (!isFloat(x.dtype)) throw new DTypeError(`requiresGrad: ${x.dtype} tensors have no gradient; use a floating-point dtype`);
    (x as TensorCore).requiresGrad = true;
  }
  return x;
}

/** Checks the sizes of a shape. @throws ShapeError naming the function */
export function checkShape(name: string, shape: Shape): Shape {
  for (const n of shape)
    if (!Number.isInteger(n) || n < 0)
      throw new ShapeError(`${name}: size ${n} in shape ${show(shape)} is not a whole number of at least 0`);
  if (sizeOf(shape) > Number.MAX_SAFE_INTEGER) throw new ShapeError(`${name}: shape ${show(shape)} has more elements than can be counted`);
  return shape;
}

function flatten(data: Nested, shape: number[], depth: number, out: Plain[]): void {
  if (!Array.isArray(data)) {
    if (depth !== shape.length)
      throw new ShapeError(`tensor: the nested array is ragged: a number where an array of ${shape[depth]} is expected at depth ${depth}`);
    if (typeof data !== 'number' && typeof data !== 'bigint' && typeof data !== 'boolean')
      throw new ValueError(`tensor: ${typeof data} is no number, bigint or boolean`);
    out.push(data);
    return;
  }
  if (depth >= shape.length)
    throw new ShapeError(`tensor: the nested array is ragged: an array where a number is expected at depth ${depth}`);
  if (data.length !== shape[depth])
    throw new ShapeError(
      `tensor: the nested array is ragged: lengths ${shape[depth]} and ${data.length} at depth ${depth}; every row needs the same length`,
    );
  for (const part of data) flatten(part, shape, depth + 1, out);
}

function inferDtype(values: readonly Plain[]): DType {
  let dtype: DType | null = null;
  for (const v of values) {
    const d: DType =
      typeof v === 'boolean'
        ? 'bool'
        : typeof v === 'bigint'
          ? 'int64'
          : Number.isInteger(v) && !Object.is(v, -0)
            ? 'int64'
            : getDefaultDtype();
    dtype = dtype === null ? d : promote(dtype, d);
    if (CATEGORY[dtype] === 2) break;
  }
  return dtype ?? getDefaultDtype();
}

/** Options of `tensor`. */
export interface TensorOptions extends CreateOptions {
  /** Shape of flat data; default: the array's own nesting. */
  readonly shape?: Shape;
}

/**
 * A tensor from numbers, nested arrays, a typed array (copied) or another tensor. Integers give int64 as in PyTorch only where every
 * number is a bigint or the dtype says so: plain JavaScript numbers give the default floating-point dtype, booleans give bool.
 * @throws ShapeError for ragged arrays or a shape that does not fit
 * @example tensor([[1, 2], [3, 4]]).matmul(tensor([[1], [1]])).arraySync() // [[3], [7]]
 */
export function tensor(data: Nested | TypedArray | Tensor, options: TensorOptions = {}): Tensor {
  if (data instanceof TensorCore) {
    const copy = (data as Tensor).detach().clone();
    return finish(options.dtype ? copy.to(options.dtype) : copy, options);
  }
  if (ArrayBuffer.isView(data)) {
    const found = TYPED.find(([type]) => data instanceof type);
    if (!found)
      throw new DTypeError(`tensor: ${data.constructor.name} has no dtype; pass a Float32Array, Int32Array, ... or a plain array`);
    return fromValues(data as TypedArray, options.shape ?? [data.length], found[1], options);
  }
  const shape: number[] = [];
  for (let d: Nested = data as Nested; Array.isArray(d); d = d[0]) {
    shape.push(d.length);
    if (d.length === 0) break;
  }
  const values: Plain[] = [];
  flatten(data as Nested, shape, 0, values);
  const inferred = inferDtype(values);
  const numbers = inferred === 'int64' && values.some((v) => typeof v === 'number');
  return fromValues(values, options.shape ?? shape, numbers ? getDefaultDtype() : inferred, options);
}

function fromValues(values: ArrayLike<Plain>, shape: Shape, own: DType, options: CreateOptions): Tensor {
  checkShape('tensor', shape);
  if (sizeOf(shape) !== values.length)
    throw new ShapeError(`tensor: ${values.length} values do not fill shape ${show(shape)}, which needs ${sizeOf(shape)}`);
  const dtype = options.dtype ?? own;
  const x = allocate(shape, dtype);
  if (values.length > 0) backend().write(x, encode(values, dtype));
  return finish(x, options);
}

/** A tensor over the bytes of a file or message: little-endian elements in row-major order. @throws ShapeError */
export function fromBytes(bytes: Uint8Array, shape: Shape, dtype: DType): Tensor {
  checkShape('fromBytes', shape);
  if (!(dtype in CODE)) throw new DTypeError(`fromBytes: ${dtype} is no dtype`);
  if (bytes.length !== sizeOf(shape) * SIZE[dtype])
    throw new ShapeError(
      `fromBytes: ${bytes.length} bytes do not fill ${show(shape)} of ${dtype}, which needs ${sizeOf(shape) * SIZE[dtype]}`,
    );
  const x = allocate(shape, dtype);
  if (bytes.length > 0) backend().write(x, dtype === 'bool' ? bytes.map((b) => (b === 0 ? 0 : 1)) : bytes);
  return x;
}

/** A tensor of one value. @example full([2, 2], 7) */
export function full(shape: Shape | number, value: number | bigint | boolean, options: CreateOptions = {}): Tensor {
  const dtype = options.dtype ?? (typeof value === 'boolean' ? 'bool' : typeof value === 'bigint' ? 'int64' : getDefaultDtype());
  return finish(filled({ shape: checkShape('full', typeof shape === 'number' ? [shape] : shape), dtype }, value), options);
}
/** A tensor of zeros. @example zeros([2, 3]) */
export function zeros(shape: Shape | number, options: CreateOptions = {}): Tensor {
  return full(shape, 0, { ...options, dtype: options.dtype ?? getDefaultDtype() });
}
/** A tensor of ones. @example ones([2, 3], { dtype: 'int64' }) */
export function ones(shape: Shape | number, options: CreateOptions = {}): Tensor {
  return full(shape, 1, { ...options, dtype: options.dtype ?? getDefaultDtype() });
}
/** A tensor whose values are whatever the memory held. @example empty([4]) */
export function empty(shape: Shape | number, options: CreateOptions = {}): Tensor {
  return finish(allocate(checkShape('empty', typeof shape === 'number' ? [shape] : shape), options.dtype ?? getDefaultDtype()), options);
}
/** Zeros with the shape, dtype and device of x. @example tensor([1, 2]).zerosLike() */
export function zerosLike(x: Tensor, options: CreateOptions = {}): Tensor {
  return fullLike(x, 0, options);
}
/** Ones with the shape, dtype and device of x. @example tensor([1, 2]).onesLike() */
export function onesLike(x: Tensor, options: CreateOptions = {}): Tensor {
  return fullLike(x, 1, options);
}
/** One value with the shape, dtype and device of x. @example tensor([1, 2]).fullLike(5) */
export function fullLike(x: Tensor, value: number | bigint | boolean, options: CreateOptions = {}): Tensor {
  return full(x.shape, value, { dtype: x.dtype, ...options }).to({ device: x.device });
}
/** Memory of the shape, dtype and device of x, not set. @example tensor([1, 2]).emptyLike() */
export function emptyLike(x: Tensor, options: CreateOptions = {}): Tensor {
  return empty(x.shape, { dtype: x.dtype, ...options }).to({ device: x.device });
}

/**
 * start, start + step, ... up to but not including end; one argument is the end. Whole numbers give int64, others the default float.
 * @throws ValueError for a step of 0 or of the wrong sign
 * @example arange(5).arraySync() // [0, 1, 2, 3, 4]
 */
export function arange(start: number, end?: number, step: number = 1, options: CreateOptions = {}): Tensor {
  const from = end === undefined ? 0 : start;
  const to = end === undefined ? start : end;
  const n = Math.ceil((to - from) / step);
  if (!Number.isFinite(n) || (to - from) / step < 0) throw new ValueError(`arange: step ${step} does not lead from ${from} to ${to}`);
  const dtype = options.dtype ?? ([from, to, step].every(Number.isInteger) ? 'int64' : getDefaultDtype());
  const [x] = callKernel(TABLE.arange as KernelOp, [], { start: from, step, n: Math.max(0, n), dtype });
  return finish(x, options);
}

/** n evenly spaced values from start to end, both included. @example linspace(0, 1, 3).arraySync() // [0, 0.5, 1] */
export function linspace(start: number, end: number, n: number, options: CreateOptions = {}): Tensor {
  checkShape('linspace', [n]);
  if (!Number.isFinite(start) || !Number.isFinite(end)) throw new ValueError(`linspace: ends ${start} and ${end} must be finite numbers`);
  const [x] = callKernel(TABLE.linspace as KernelOp, [], { start, end, n, dtype: options.dtype ?? getDefaultDtype() });
  return finish(x, options);
}

/** The n x m identity. @example eye(2).arraySync() // [[1, 0], [0, 1]] */
export function eye(n: number, m: number = n, options: CreateOptions = {}): Tensor {
  const x = zeros([n, m], { dtype: options.dtype });
  if (n > 0 && m > 0) x.diagonal().fill_(1);
  return finish(x, options);
}

/** A tensor of no dimensions. @example scalar(2.5) */
export function scalar(value: number | bigint | boolean, options: CreateOptions = {}): Tensor {
  return full([], value, options);
}

/** Row-major strides of a shape, in elements. */
export function stridesOf(shape: Shape): Shape {
  return contiguousStrides(shape);
}
