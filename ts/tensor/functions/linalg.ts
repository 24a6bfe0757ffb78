import { CATEGORY, promote } from '../../base/dtype.ts';
import { DTypeError, ShapeError, ValueError } from '../../base/errors.ts';
import { show } from '../../base/shape.ts';
import type { KernelOp, Scalar } from '../../ops/op.ts';
import { TABLE } from '../../ops/table.ts';
import { callKernel } from '../call.ts';
import type { Tensor } from '../core.ts';
import { type Activation, activated, fuses } from './fused.ts';

const row = TABLE.matmul as KernelOp;
const affine = TABLE.linear as KernelOp;

function sameType(name: string, a: Tensor, b: Tensor): void {
  if (a.dtype !== b.dtype)
    throw new DTypeError(`${name}: dtypes differ, ${a.dtype} and ${b.dtype}; did you mean b.to('${promote(a.dtype, b.dtype)}')?`);
}

/** The size that is summed over. @throws DTypeError, ShapeError */
function checkInner(name: string, a: Tensor, b: Tensor): number {
  sameType(name, a, b);
  const inner = b.shape[b.ndim === 1 ? 0 : b.ndim - 2];
  if (a.shape[a.ndim - 1] === inner) return inner;
  const fits = b.ndim > 1 && a.shape[a.ndim - 1] === b.shape[b.ndim - 1];
  throw new ShapeError(`${name}: inner sizes differ, ${show(a.shape)} x ${show(b.shape)}${fits ? '; did you mean b.transpose()?' : ''}`);
}

/**
 * Matrix product with PyTorch's rules: vectors are rows or columns as needed, leading dimensions are batches that broadcast.
 * @throws ShapeError where inner sizes differ
 * @example tensor([[1, 2]]).matmul(tensor([[3], [4]])) // [[11]]
 */
export function matmul(a: Tensor, b: Tensor): Tensor {
  if (a.ndim === 0 || b.ndim === 0)
    throw new ShapeError(`matmul: ${show(a.shape)} x ${show(b.shape)}: a scalar is no matrix; did you mean mul?`);
  const inner = checkInner('matmul', a, b);
  const left = a.ndim === 1 ? a.unsqueeze(0) : a;
  const right = b.ndim === 1 ? b.unsqueeze(1) : b;
  // Batches of rows against one matrix are one product.
  if (left.ndim > 2 && right.ndim === 2 && left.rowMajor) {
    const y = callKernel(row, [left.reshape([-1, inner]), right], {})[0].reshape([...left.shape.slice(0, -1), right.shape[1]]);
    return b.ndim === 1 ? y.squeeze(-1) : y;
  }
  const y = callKernel(row, [left, right], {})[0];
  if (a.ndim === 1 && b.ndim === 1) return y.reshape([]);
  if (a.ndim === 1) return y.squeeze(-2);
  return b.ndim === 1 ? y.squeeze(-1) : y;
}

/** What linear adds to its product and applies to the sum. */
export interface AffineOptions {
  /** A tensor of the result's shape, added after the bias. */
  readonly residual?: Tensor | null;
  /** Applied to the result: the values of a separate call, in one pass where no gradient is recorded. */
  readonly activation?: Activation;
}
/**
 * Affine map x @ weight.T + bias of the last dimension; weight is [out, in], bias [out].
 * @throws ShapeError where shapes do not fit
 * @function
 * @example linear(ones([2, 3]), ones([4, 3])).dataSync() // twice [3, 3, 3, 3]
 */
export function linear(x: Tensor, weight: Tensor, bias: Tensor | null = null, options: AffineOptions = {}): Tensor {
  const { residual = null, activation } = options;
  if (CATEGORY[x.dtype] !== 2) {
    const y = callKernel(affine, [x, weight, bias, null], {})[0];
    const sum = residual === null ? y : y.add(residual);
    return activation === undefined ? sum : activated(sum, activation);
  }
  const fused = fuses(activation, [x, weight, bias, residual]);
  const y = callKernel(affine, [x, weight, bias, residual], fused ? { activation } : {})[0];
  return activation === undefined || fused ? y : activated(y, activation);
}

function need(name: string, x: Tensor, rank: number): void {
  if (x.ndim !== rank) throw new ShapeError(`${name}: ${show(x.shape)} has ${x.ndim} dimensions, it needs ${rank}; did you mean matmul?`);
}
/** Product of two matrices. @example eye(2).mm(ones([2, 3])) */
export function mm(a: Tensor, b: Tensor): Tensor {
  need('mm', a, 2);
  need('mm', b, 2);
  return matmul(a, b);
}
/** Zero points of the operands of intMm; default 0. */
export interface ZeroPoints {
  readonly aZero?: number;
  readonly bZero?: number;
}
/**
 * Product of int8 or uint8 matrices a [..., M, K] and b [K, N] (or [..., K, N] of the same batch), each less its zero point, as int32:
 * exact while it fits, else modulo 2^32.
 * @throws DTypeError, ShapeError, ValueError for a zero point that its dtype does not hold
 * @example intMm(ones([2, 3], { dtype: 'int8' }), ones([3, 2], { dtype: 'int8' })).arraySync() // [[3, 3], [3, 3]]
 */
export function intMm(a: Tensor, b: Tensor, options: ZeroPoints = {}): Tensor {
  return callKernel(TABLE.intMm as KernelOp, [a, b], { aZero: options.aZero ?? 0, bZero: options.bZero ?? 0 })[0];
}
/** Products of two batches of matrices [B, M, K] x [B, K, N]. */
export function bmm(a: Tensor, b: Tensor): Tensor {
  need('bmm', a, 3);
  need('bmm', b, 3);
  if (a.shape[0] !== b.shape[0]) throw new ShapeError(`bmm: batch sizes differ, ${show(a.shape)} x ${show(b.shape)}`);
  return matmul(a, b);
}
/** Product of a matrix and a vector. */
export function mv(a: Tensor, b: Tensor): Tensor {
  need('mv', a, 2);
  need('mv', b, 1);
  return matmul(a, b);
}
/** Inner product of two vectors. @example tensor([1, 2]).dot(tensor([3, 4])) // 11 */
export function dot(a: Tensor, b: Tensor): Tensor {
  need('dot', a, 1);
  need('dot', b, 1);
  return matmul(a, b);
}
/** Outer product of two vectors. @example tensor([1, 2]).outer(tensor([3, 4])) // [[3, 4], [6, 8]] */
export function outer(a: Tensor, b: Tensor): Tensor {
  need('outer', a, 1);
  need('outer', b, 1);
  return a.unsqueeze(1).mul(b.unsqueeze(0));
}
/** Factors of addmm and its kin. */
export interface BetaAlpha {
  readonly beta?: number;
  readonly alpha?: number;
}
function combine(name: string, x: Tensor, product: Tensor, { beta = 1, alpha = 1 }: BetaAlpha): Tensor {
  sameType(name, x, product);
  const scaled = alpha === 1 ? product : product.mul(alpha as Scalar);
  if (beta === 0) return scaled;
  return (beta === 1 ? x : x.mul(beta as Scalar)).add(scaled);
}
/** beta * x + alpha * (a @ b). */
export function addmm(x: Tensor, a: Tensor, b: Tensor, options: BetaAlpha = {}): Tensor {
  const { beta = 1, alpha = 1 } = options;
  const whole = x.ndim === 2 && x.shape[0] === a.shape[0] && x.shape[1] === b.shape[1];
  const row = x.ndim === 1 && x.shape[0] === b.shape[1] && beta === 1;
  if (!(whole || row) || beta === 0 || CATEGORY[x.dtype] !== 2 || x.dtype !== a.dtype) return combine('addmm', x, mm(a, b), options);
  need('addmm', a, 2);
  need('addmm', b, 2);
  checkInner('addmm', a, b);
  return callKernel(affine, [a, b.t(), whole ? null : x, whole ? x : null], { alpha, beta })[0];
}
/** beta * x + alpha * (a @ v). */
export function addmv(x: Tensor, a: Tensor, v: Tensor, options: BetaAlpha = {}): Tensor {
  return combine('addmv', x, mv(a, v), options);
}
/** beta * x + alpha * bmm(a, b). */
export function baddbmm(x: Tensor, a: Tensor, b: Tensor, options: BetaAlpha = {}): Tensor {
  return combine('baddbmm', x, bmm(a, b), options);
}
/** The lower triangle of matrices, up to a diagonal; the rest is zero. @example ones([2, 2]).tril() */
export function tril(x: Tensor, diagonal: number = 0): Tensor {
  return callKernel(TABLE.tril as KernelOp, [x], { diagonal })[0];
}
/** The upper triangle of matrices, from a diagonal; the rest is zero. @example ones([2, 2]).triu(1) */
export function triu(x: Tensor, diagonal: number = 0): Tensor {
  return callKernel(TABLE.triu as KernelOp, [x], { diagonal })[0];
}

/**
 * Einstein summation: sums of products over named dimensions; `...` stands for dimensions that broadcast.
 * @function
 * @example einsum('ij,jk->ik', a, b)
 */
export function einsum(equation: string, ...operands: Tensor[]): Tensor {
  const [left, right] = equation.replace(/\s/g, '').split('->');
  const terms = left.split(',');
  if (terms.length !== operands.length)
    throw new ValueError(`einsum: '${equation}' names ${terms.length} operands, ${operands.length} were given`);
  let wide = 0;
  const named = terms.map((term, i) => {
    const letters = term.replace('...', '');
    if (!/^[A-Za-z]*$/.test(letters)) throw new ValueError(`einsum: '${term}' in '${equation}' has characters other than letters and ...`);
    const extra = operands[i].ndim - letters.length;
    if (extra < 0 || (extra > 0 && !term.includes('...')))
      throw new ShapeError(`einsum: '${term}' does not fit an operand of shape ${show(operands[i].shape)}`);
    if (term.includes('...')) wide = Math.max(wide, extra);
    return { term, extra };
  });
  const dots = Array.from({ length: wide }, (_, i) => `.${i}`);
  const axes = named.map(({ term, extra }) => {
    const [before, after = ''] = term.split('...');
    return term.includes('...') ? [...before, ...dots.slice(wide - extra), ...after] : [...before];
  });
  const counts = new Map<string, number>();
  for (const list of axes) for (const a of new Set(list)) counts.set(a, (counts.get(a) ?? 0) + 1);
  const single = [...left.replace(/[,.]/g, '')];
  const result =
    right === undefined
      ? [...dots, ...[...new Set(single)].filter((a) => single.filter((b) => b === a).length === 1).sort()]
      : right.includes('...')
        ? [...right.split('...')[0], ...dots, ...right.split('...')[1]]
        : [...right];
  for (const a of result)
    if (!axes.some((list) => list.includes(a))) throw new ValueError(`einsum: '${a}' of the result is in no operand of '${equation}'`);
  let acc: { x: Tensor; axes: string[] } | null = null;
  operands.forEach((operand, i) => {
    const next = diagonals(operand, axes[i]);
    const later = axes.slice(i + 1).flat();
    acc =
      acc === null
        ? dropUnused(next, [...result, ...later])
        : contract(acc, dropUnused(next, [...result, ...later, ...acc.axes]), [...result, ...later]);
  });
  const final = acc as unknown as { x: Tensor; axes: string[] };
  return final.x.permute(result.map((a) => final.axes.indexOf(a)));
}
interface Term {
  x: Tensor;
  axes: string[];
}
function diagonals(x: Tensor, axes: readonly string[]): Term {
  const list = [...axes];
  let y = x;
  for (let i = 0; i < list.length; i++) {
    const j = list.indexOf(list[i], i + 1);
    if (j < 0) continue;
    const a = list[i];
    y = y.diagonal(0, i, j);
    list.splice(j, 1);
    list.splice(i, 1);
    list.push(a);
    i--;
  }
  return { x: y, axes: list };
}
function dropUnused(t: Term, needed: readonly string[]): Term {
  const dims = t.axes.map((a, d) => (needed.includes(a) ? -1 : d)).filter((d) => d >= 0);
  return dims.length === 0 ? t : { x: t.x.sum(dims), axes: t.axes.filter((a) => needed.includes(a)) };
}
/** Product of two terms, summed over what nobody needs any more: a batched matrix product. */
function contract(a: Term, b: Term, needed: readonly string[]): Term {
  const shared = a.axes.filter((x) => b.axes.includes(x));
  const sumOver = shared.filter((x) => !needed.includes(x));
  const batch = shared.filter((x) => needed.includes(x));
  const sizeIn = (t: Term, x: string): number => t.x.shape[t.axes.indexOf(x)];
  for (const x of shared)
    if (sizeIn(a, x) !== sizeIn(b, x) && sizeIn(a, x) !== 1 && sizeIn(b, x) !== 1)
      throw new ShapeError(`einsum: dimension '${x}' has sizes ${sizeIn(a, x)} and ${sizeIn(b, x)}`);
  const onlyA = a.axes.filter((x) => !shared.includes(x));
  const onlyB = b.axes.filter((x) => !shared.includes(x));
  const widen = (t: Term): Tensor =>
    t.x.expand(t.axes.map((x) => (shared.includes(x) ? Math.max(sizeIn(a, x), sizeIn(b, x)) : sizeIn(t, x))));
  const size = (t: Term, list: readonly string[]): number =>
    list.reduce((n, x) => n * (shared.includes(x) ? Math.max(sizeIn(a, x), sizeIn(b, x)) : sizeIn(t, x)), 1);
  const shapeOf = (t: Term, list: readonly string[]): number[] =>
    list.map((x) => (shared.includes(x) ? Math.max(sizeIn(a, x), sizeIn(b, x)) : sizeIn(t, x)));
  const left = widen(a)
    .permute([...batch, ...onlyA, ...sumOver].map((x) => a.axes.indexOf(x)))
    .reshape([size(a, batch), size(a, onlyA), size(a, sumOver)]);
  const right = widen(b)
    .permute([...batch, ...sumOver, ...onlyB].map((x) => b.axes.indexOf(x)))
    .reshape([size(b, batch), size(b, sumOver), size(b, onlyB)]);
  const axes = [...batch, ...onlyA, ...onlyB];
  return { x: matmul(left, right).reshape([...shapeOf(a, batch), ...shapeOf(a, onlyA), ...shapeOf(b, onlyB)]), axes };
}
