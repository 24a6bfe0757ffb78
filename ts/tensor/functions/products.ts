import { ShapeError, ValueError } from '../../base/errors.ts';
import { broadcast, show, sizeOf, wrapDim } from '../../base/shape.ts';
import type { Tensor } from '../core.ts';
import { eye } from './create.ts';
import { cat } from './joining.ts';
import { dot, matmul, mm, outer } from './linalg.ts';
import { expand, permute, range, reshape } from './views.ts';

/** Cross product of vectors of three elements along a dimension (default: the last); the others broadcast. @throws ShapeError @example tensor([1, 0, 0]).cross(tensor([0, 1, 0])) // [0, 0, 1] */
export function cross(a: Tensor, b: Tensor, dim: number = -1): Tensor {
  if (a.ndim !== b.ndim) throw new ShapeError(`cross: ${show(a.shape)} and ${show(b.shape)} must have as many dimensions`);
  const d = wrapDim('cross', dim, a.ndim);
  if (a.shape[d] !== 3 || b.shape[d] !== 3)
    throw new ShapeError(`cross: dimension ${d} of ${show(a.shape)} and ${show(b.shape)} must have 3 elements`);
  const shape = broadcast('cross', a.shape, b.shape);
  const part = (x: Tensor, i: number): Tensor => range(expand(x, shape), d, i % 3, 1, 1);
  return cat(
    [0, 1, 2].map((i) =>
      part(a, i + 1)
        .mul(part(b, i + 2))
        .sub(part(a, i + 2).mul(part(b, i + 1))),
    ),
    d,
  );
}

/** Sums of products over dimensions of both: so many of a's last with b's first, or two lists that pair them. @throws ShapeError @example tensordot(ones([2, 3]), ones([3, 4]), 1).shape // [2, 4] */
export function tensordot(a: Tensor, b: Tensor, dims: number | readonly (number | readonly number[])[] = 2): Tensor {
  const [left, right] =
    typeof dims === 'number'
      ? [Array.from({ length: dims }, (_, i) => a.ndim - dims + i), Array.from({ length: dims }, (_, i) => i)]
      : dims.map((list, k) => [list].flat().map((d) => wrapDim('tensordot', d as number, [a, b][k].ndim)));
  // A size of 1 stands for every index of the other operand: that one is summed first.
  if (
    left.length === right.length &&
    left.some((d, i) => a.shape[d] !== b.shape[right[i]] && (a.shape[d] === 1 || b.shape[right[i]] === 1))
  ) {
    const lone = (x: Tensor, own: readonly number[], other: Tensor, theirs: readonly number[]): number[] =>
      own.filter((d, i) => x.shape[d] !== 1 && other.shape[theirs[i]] === 1);
    const less = (x: Tensor, list: readonly number[]): Tensor => (list.length === 0 ? x : x.sum(list, { keepdim: true }));
    return tensordot(less(a, lone(a, left, b, right)), less(b, lone(b, right, a, left)), [left, right]);
  }
  if (left.length !== right.length || left.some((d, i) => a.shape[d] !== b.shape[right[i]]))
    throw new ShapeError(`tensordot: dimensions [${left}] of ${show(a.shape)} and [${right}] of ${show(b.shape)} must have equal sizes`);
  const keepA = a.shape.flatMap((_, d) => (left.includes(d) ? [] : [d]));
  const keepB = b.shape.flatMap((_, d) => (right.includes(d) ? [] : [d]));
  const sizes = (x: Tensor, list: readonly number[]): number[] => list.map((d) => x.shape[d]);
  const inner = sizeOf(sizes(a, left));
  const x = reshape(permute(a, [...keepA, ...left]), [sizeOf(sizes(a, keepA)), inner]);
  const y = reshape(permute(b, [...right, ...keepB]), [inner, sizeOf(sizes(b, keepB))]);
  return reshape(mm(x, y), [...sizes(a, keepA), ...sizes(b, keepB)]);
}
/** Kronecker product: b, scaled by every element of a. @example ones([2]).kron(tensor([1, 2])) // [1, 2, 1, 2] */
export function kron(a: Tensor, b: Tensor): Tensor {
  const rank = Math.max(a.ndim, b.ndim);
  const pad = (x: Tensor): number[] => [...new Array<number>(rank - x.ndim).fill(1), ...x.shape];
  const [p, q] = [pad(a), pad(b)];
  const left = reshape(
    a,
    p.flatMap((n) => [n, 1]),
  );
  const right = reshape(
    b,
    q.flatMap((n) => [1, n]),
  );
  return reshape(
    left.mul(right),
    p.map((n, i) => n * q[i]),
  );
}
/** Sums of products over the last dimension of both. @example tensor([1, 2]).inner(tensor([3, 4])) // 11 */
export function inner(a: Tensor, b: Tensor): Tensor {
  return a.ndim === 0 || b.ndim === 0 ? a.mul(b) : tensordot(a, b, [[-1], [-1]]);
}
/** Inner product of two vectors; the same as dot for real numbers. */
export function vdot(a: Tensor, b: Tensor): Tensor {
  return dot(a, b);
}
/** beta * x + alpha * outer(a, b). @example zeros([1, 2]).addr(tensor([2]), tensor([3, 4])) // [[6, 8]] */
export function addr(x: Tensor, a: Tensor, b: Tensor, options: { readonly beta?: number; readonly alpha?: number } = {}): Tensor {
  return blend(x, outer(a, b), options);
}
/** beta * x + alpha * the sum of the products of two batches of matrices. */
export function addbmm(x: Tensor, a: Tensor, b: Tensor, options: { readonly beta?: number; readonly alpha?: number } = {}): Tensor {
  return blend(x, a.bmm(b).sum(0), options);
}
function blend(x: Tensor, y: Tensor, { beta = 1, alpha = 1 }: { readonly beta?: number; readonly alpha?: number }): Tensor {
  const scaled = alpha === 1 ? y : y.mul(alpha);
  return beta === 0 ? scaled : (beta === 1 ? x : x.mul(beta)).add(scaled);
}
/** A square matrix (or a batch of them) times itself, n factors in all. @throws ShapeError, ValueError for n < 0 */
export function matrixPower(x: Tensor, n: number): Tensor {
  if (x.ndim < 2 || x.shape[x.ndim - 1] !== x.shape[x.ndim - 2])
    throw new ShapeError(`matrixPower: ${show(x.shape)} holds no square matrices`);
  if (!Number.isInteger(n) || n < 0) throw new ValueError(`matrixPower: ${n} factors; it takes a whole number of at least 0`);
  if (n === 0) return expand(eye(x.shape[x.ndim - 1], undefined, { dtype: x.dtype }), x.shape).clone();
  let result: Tensor | null = null;
  let square = x;
  for (let k = n; k > 0; k = Math.floor(k / 2)) {
    if (k % 2 === 1) result = result === null ? square : matmul(result, square);
    if (k > 1) square = matmul(square, square);
  }
  return result as Tensor;
}
/** Distances of every pair of rows: x1 [..., P, M] and x2 [..., R, M] give [..., P, R]; p-norm, default 2. @example cdist(zeros([1, 2]), ones([3, 2])).shape // [1, 3] */
export function cdist(x1: Tensor, x2: Tensor, p: number = 2): Tensor {
  if (x1.ndim < 2 || x2.ndim < 2 || x1.shape[x1.ndim - 1] !== x2.shape[x2.ndim - 1])
    throw new ShapeError(`cdist: rows of ${show(x1.shape)} and ${show(x2.shape)} must have one length, in at least 2 dimensions`);
  if (!(p >= 0)) throw new ValueError(`cdist: p ${p} must not be negative`);
  return x1.unsqueeze(-2).sub(x2.unsqueeze(-3)).norm(p, -1);
}
/** x with the parts along dim whose p-norm is above maxnorm scaled down to it. */
export function renorm(x: Tensor, p: number, dim: number, maxnorm: number): Tensor {
  if (x.ndim < 2) throw new ShapeError(`renorm: ${show(x.shape)} needs at least 2 dimensions`);
  const d = wrapDim('renorm', dim, x.ndim);
  const others = x.shape.flatMap((_, k) => (k === d ? [] : [k]));
  const size = x.norm(p, others, { keepdim: true });
  const scale = size.add(1e-7).reciprocal().mul(maxnorm);
  return x.mul(scale.maskedFill(size.le(maxnorm), 1));
}
/** Options of matrixNorm. */
export interface MatrixNormOptions {
  /** Rows and columns; default: the last two dimensions. */
  readonly dim?: readonly number[];
  readonly keepdim?: boolean;
}
/** Norms of matrices: 'fro' (Frobenius), 1 and -1 (largest and smallest column sum), Infinity and -Infinity (row sums). @throws ShapeError, ValueError @example eye(2).matrixNorm(1) // 1 */
export function matrixNorm(x: Tensor, ord: number | 'fro' = 'fro', options: MatrixNormOptions = {}): Tensor {
  const { dim = [-2, -1], keepdim = false } = options;
  if (x.ndim < 2 || dim.length !== 2)
    throw new ShapeError(`matrixNorm: ${show(x.shape)} and dims ${show(dim)}; it needs two dimensions of matrices`);
  const [rows, cols] = dim.map((d) => wrapDim('matrixNorm', d, x.ndim));
  if (rows === cols) throw new ShapeError(`matrixNorm: dims ${show(dim)} name one dimension twice`);
  if (ord === 'fro') return x.norm(2, [rows, cols], { keepdim });
  if (![1, -1, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY].includes(ord))
    throw new ValueError(`matrixNorm: order ${ord} is not supported; use 'fro', 1, -1, Infinity or -Infinity`);
  const [inner, outer] = ord === 1 || ord === -1 ? [rows, cols] : [cols, rows];
  const sums = x.abs().sum(inner, { keepdim: true });
  const y = ord > 0 ? sums.amax(outer, { keepdim: true }) : sums.amin(outer, { keepdim: true });
  return keepdim ? y : y.squeeze([rows, cols]);
}
/** Sums of products along a dimension of both (default: the last). @example ones([2, 3]).vecdot(ones([3])) // [3, 3] */
export function vecdot(a: Tensor, b: Tensor, dim: number = -1): Tensor {
  return a.mul(b).sum(dim);
}
