// Activation functions whose constants have defaults; the others are generated from their rows.
import { ValueError } from '../../base/errors.ts';
import type { MapOp, Scalar } from '../../ops/op.ts';
import { TABLE } from '../../ops/table.ts';
import { applyMap } from '../call.ts';
import type { Tensor } from '../core.ts';

const rows = TABLE as Readonly<Record<string, MapOp>>;

/** Options of gelu. */
export interface GeluOptions {
  /** 'tanh' is the cheaper approximation; default 'none', exact. */
  readonly approximate?: 'none' | 'tanh';
}
/** Options of softplus. */
export interface SoftplusOptions {
  /** Sharpness; default 1. */
  readonly beta?: number;
  /** The result is x itself where beta x is above it; default 20. */
  readonly threshold?: number;
}

/** x where it is positive, slope (default 0.01) times x elsewhere. @example tensor([-1, 2]).leakyRelu() // [-0.01, 2] */
export function leakyRelu(x: Tensor, slope?: Tensor | Scalar): Tensor {
  return applyMap(rows.leakyRelu, x, slope ?? 0.01);
}
/** x where it is positive, alpha (default 1) times exp(x) - 1 elsewhere. @example tensor([-1, 2]).elu() // [-0.6321, 2] */
export function elu(x: Tensor, alpha?: number): Tensor {
  return applyMap(rows.elu, x, alpha ?? 1);
}
/** x where it is positive, alpha (default 1) times exp(x / alpha) - 1 elsewhere. @example tensor([-1, 2]).celu(2) // [-0.7869, 2] */
export function celu(x: Tensor, alpha?: number): Tensor {
  return applyMap(rows.celu, x, alpha ?? 1);
}
/** x times the normal distribution function of x. @example tensor([1]).gelu() // [0.8413] @throws ValueError for another approximation */
export function gelu(x: Tensor, options?: GeluOptions): Tensor {
  const approximate = options?.approximate ?? 'none';
  if (approximate !== 'none' && approximate !== 'tanh')
    throw new ValueError(`gelu: approximate is '${String(approximate)}'; use 'none' or 'tanh'`);
  return applyMap(approximate === 'tanh' ? rows.geluTanh : rows.gelu, x);
}
/** log(1 + exp(beta x)) / beta. @example tensor([0]).softplus() // [0.6931] */
export function softplus(x: Tensor, options?: SoftplusOptions): Tensor {
  return applyMap(rows.softplus, x, options?.beta ?? 1, options?.threshold ?? 20);
}
/** x moved towards 0 by lambda (default 0.5). @example tensor([2, 0.1]).softshrink() // [1.5, 0] @throws ValueError for lambda < 0 */
export function softshrink(x: Tensor, lambda?: number): Tensor {
  if (lambda !== undefined && !(lambda >= 0)) throw new ValueError(`softshrink: lambda is ${lambda}; it must be 0 or more`);
  return applyMap(rows.softshrink, x, lambda ?? 0.5);
}
/** x, or 0 within lambda (default 0.5) of it. @example tensor([2, 0.1]).hardshrink() // [2, 0] */
export function hardshrink(x: Tensor, lambda?: number): Tensor {
  return applyMap(rows.hardshrink, x, lambda ?? 0.5);
}
