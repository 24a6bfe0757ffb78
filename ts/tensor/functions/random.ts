import { type DType, isFloat } from '../../base/dtype.ts';
import { DTypeError, ShapeError, ValueError } from '../../base/errors.ts';
import { broadcast, type Shape, show, sizeOf } from '../../base/shape.ts';
import type { KernelOp } from '../../ops/op.ts';
import { TABLE } from '../../ops/table.ts';
import { callKernel } from '../call.ts';
import type { Tensor } from '../core.ts';
import { defaultGenerator, type Generator } from '../generator.ts';
import { getDefaultDtype } from '../promotion.ts';
import { type CreateOptions, checkShape } from './create.ts';
import { copy_, requiresGrad_ } from './write.ts';

const rows = TABLE as Readonly<Record<string, KernelOp>>;

/** Where random numbers come from. */
export interface GeneratorOptions {
  /** Default: the one that manualSeed seeds. */
  readonly generator?: Generator;
}
/** Options of random creation functions. */
export interface RandomOptions extends CreateOptions, GeneratorOptions {}

const sizes = (shape: Shape | number): Shape => (typeof shape === 'number' ? [shape] : shape);

function source(
  name: string,
  row: string,
  shape: Shape | number,
  attrs: Record<string, unknown>,
  options: RandomOptions,
  dtype: DType,
): Tensor {
  const size = checkShape(name, sizes(shape));
  const draw = (options.generator ?? defaultGenerator()).draw(sizeOf(size));
  const [x] = callKernel(rows[row], [], { shape: size, dtype: options.dtype ?? dtype, ...attrs, ...draw });
  return options.requiresGrad ? requiresGrad_(x) : x;
}

/** Uniform numbers in [0, 1). @example rand([2, 3]) */
export function rand(shape: Shape | number, options: RandomOptions = {}): Tensor {
  return source('rand', 'uniform', shape, { from: 0, to: 1 }, options, getDefaultDtype());
}
/** Standard normal numbers. @example randn([2, 3]) */
export function randn(shape: Shape | number, options: RandomOptions = {}): Tensor {
  return source('randn', 'normal', shape, { mean: 0, std: 1 }, options, getDefaultDtype());
}
/** Integers from low to high - 1 (int64). @example randint(0, 10, [3]) */
export function randint(low: number, high: number, shape: Shape | number, options: RandomOptions = {}): Tensor {
  return source('randint', 'randint', shape, { low, high }, options, 'int64');
}
/** Normal numbers of a mean and a standard deviation; of tensors, one for each of their elements. @function @throws ValueError for std < 0 @example normal(0, 0.02, [4, 4]) */
export function normal(mean: number | Tensor, std: number | Tensor, shape?: Shape | number, options: RandomOptions = {}): Tensor {
  if (typeof std === 'number' && !(std >= 0)) throw new ValueError(`normal: std ${std} must not be negative`);
  if (typeof mean !== 'number' || typeof std !== 'number') {
    if (shape !== undefined) throw new ValueError('normal: tensors bring their own shape; leave the third argument out');
    const size = broadcast('normal', typeof mean === 'number' ? [] : mean.shape, typeof std === 'number' ? [] : std.shape);
    const like = typeof mean === 'number' ? (std as Tensor) : mean;
    return randn(size, { dtype: like.dtype, ...options })
      .mul(std)
      .add(mean);
  }
  return source('normal', 'normal', shape ?? [], { mean, std }, options, getDefaultDtype());
}
/** The integers 0 to n - 1 in random order (int64). @example randperm(5) */
export function randperm(n: number, options: RandomOptions = {}): Tensor {
  checkShape('randperm', [n]);
  const draw = (options.generator ?? defaultGenerator()).draw(n);
  return callKernel(rows.randperm, [], { n, dtype: options.dtype ?? 'int64', ...draw })[0];
}
/** Uniform numbers in [0, 1) of the shape and dtype of x. */
export function randLike(x: Tensor, options: RandomOptions = {}): Tensor {
  return rand(x.shape, { dtype: x.dtype, ...options });
}
/** Standard normal numbers of the shape and dtype of x. */
export function randnLike(x: Tensor, options: RandomOptions = {}): Tensor {
  return randn(x.shape, { dtype: x.dtype, ...options });
}
/** Integers from low to high - 1 of the shape and dtype of x. */
export function randintLike(x: Tensor, low: number, high: number, options: RandomOptions = {}): Tensor {
  return randint(low, high, x.shape, { dtype: x.dtype, ...options });
}

/** 1 with the probability that each element gives, else 0. @example tensor([0, 0.5, 1]).bernoulli() */
export function bernoulli(x: Tensor, options: GeneratorOptions = {}): Tensor {
  return callKernel(rows.bernoulli, [x], { ...(options.generator ?? defaultGenerator()).draw(x.numel) })[0];
}
function refill(x: Tensor, name: string, row: string, attrs: Record<string, unknown>, options: GeneratorOptions): Tensor {
  return copy_(x, source(name, row, x.shape, attrs, { ...options, dtype: x.dtype }, x.dtype));
}
/** Uniform numbers in [from, to), in place. @example zeros([3]).uniform_(-1, 1) */
export function uniform_(x: Tensor, from: number = 0, to: number = 1, options: GeneratorOptions = {}): Tensor {
  return refill(x, 'uniform_', 'uniform', { from, to }, options);
}
/** Normal numbers, in place. @example zeros([3]).normal_(0, 0.02) */
export function normal_(x: Tensor, mean: number = 0, std: number = 1, options: GeneratorOptions = {}): Tensor {
  if (!(std >= 0)) throw new ValueError(`normal_: std ${std} must not be negative`);
  return refill(x, 'normal_', 'normal', { mean, std }, options);
}
/** Exponential numbers of a rate, in place. */
export function exponential_(x: Tensor, rate: number = 1, options: GeneratorOptions = {}): Tensor {
  return refill(x, 'exponential_', 'exponential', { rate }, options);
}
/** Integers from low to high - 1, in place. */
export function random_(x: Tensor, low: number, high: number, options: GeneratorOptions = {}): Tensor {
  return refill(x, 'random_', 'randint', { low, high }, options);
}
/** 1 with probability p, else 0, in place. */
export function bernoulli_(x: Tensor, p: number = 0.5, options: GeneratorOptions = {}): Tensor {
  const dtype = isFloat(x.dtype) ? x.dtype : 'float32';
  const u = rand(x.shape, { ...options, dtype: dtype === 'float64' ? 'float64' : 'float32' });
  return copy_(x, u.lt(p));
}
/** Indices (int64) drawn from the rows of x, which hold weights: n of each row, without or with replacement. @throws ShapeError, DTypeError, ValueError @example tensor([0, 1]).multinomial(1) // [1] */
export function multinomial(x: Tensor, n: number, replacement: boolean = false, options: GeneratorOptions = {}): Tensor {
  if (x.ndim !== 1 && x.ndim !== 2) throw new ShapeError(`multinomial: ${show(x.shape)} must have 1 or 2 dimensions`);
  if (!isFloat(x.dtype)) throw new DTypeError(`multinomial: weights of dtype ${x.dtype}; did you mean x.to('float32')?`);
  const columns = x.shape[x.ndim - 1];
  if (!(n > 0) || (!replacement && n > columns))
    throw new ValueError(`multinomial: ${n} draws from ${columns}; without replacement at most ${columns}, at least 1`);
  if (!replacement) {
    // The smallest of exponential waiting times whose rates are the weights comes first.
    const wait = exponential_(rand(x.shape, { ...options, dtype: x.dtype }), 1, options);
    return x.div(wait).topk(n, -1).indices;
  }
  const sums = x.cumsum(-1);
  const total = sums.narrow(-1, columns - 1, 1);
  const places = sums.searchsorted(rand([...x.shape.slice(0, -1), n], { ...options, dtype: x.dtype }).mul(total), { right: true });
  return places.clamp({ max: columns - 1 });
}
/** Options of dropout. */
export interface DropoutOptions extends GeneratorOptions {
  /** Probability of a zero; default 0.5. */
  readonly p?: number;
  /** false: x unchanged; default true. */
  readonly training?: boolean;
}
/** Zeroes elements with probability p and scales the rest by 1 / (1 - p). @throws ValueError, DTypeError @example ones([4]).dropout({ p: 0.5 }) */
export function dropout(x: Tensor, options: DropoutOptions = {}): Tensor {
  if (options.training === false) return x;
  return callKernel(rows.dropout, [x], { p: options.p ?? 0.5, ...(options.generator ?? defaultGenerator()).draw(x.numel) })[0];
}
