import { IndexError, ShapeError, ValueError } from '../../base/errors.ts';
import { show, wrapDim } from '../../base/shape.ts';
import type { Tensor } from '../core.ts';
import { getDefaultDtype } from '../promotion.ts';
import { type CreateOptions, linspace, scalar } from './create.ts';
import { flip } from './indexing.ts';
import { reshape, transpose, unsqueeze } from './views.ts';

/** x turned k times by 90 degrees in the plane of two dimensions, from the first towards the second. @throws ShapeError, IndexError @example tensor([[1, 2]]).rot90() // [[2], [1]] */
export function rot90(x: Tensor, k: number = 1, dims: readonly number[] = [0, 1]): Tensor {
  if (dims.length !== 2) throw new ShapeError(`rot90: dims [${dims}] must name two dimensions`);
  if (x.ndim < 2) throw new ShapeError(`rot90: ${show(x.shape)} needs at least 2 dimensions`);
  const [a, b] = dims.map((d) => wrapDim('rot90', d, x.ndim));
  if (a === b) throw new IndexError(`rot90: dims [${dims}] name one dimension twice`);
  const turns = ((k % 4) + 4) % 4;
  if (turns === 1) return transpose(flip(x, b), a, b);
  if (turns === 2) return flip(x, [a, b]);
  return turns === 3 ? flip(transpose(x, a, b), b) : x.clone();
}
/** x with at least one dimension. */
export function atleast1d(x: Tensor): Tensor {
  return x.ndim === 0 ? reshape(x, [1]) : x;
}
/** x with at least two dimensions: vectors become rows. */
export function atleast2d(x: Tensor): Tensor {
  return x.ndim < 2 ? reshape(x, [1, x.numel]) : x;
}
/** x with at least three dimensions: [1, n, 1] of a vector, [n, m, 1] of a matrix. */
export function atleast3d(x: Tensor): Tensor {
  return x.ndim < 3 ? unsqueeze(x.ndim < 2 ? reshape(x, [1, x.numel]) : x, -1) : x;
}
/** n powers of a base, from base^start to base^end with evenly spaced exponents. @example logspace(0, 2, 3).arraySync() // [1, 10, 100] */
export function logspace(start: number, end: number, n: number, base: number = 10, options: CreateOptions = {}): Tensor {
  if (!(n >= 0)) throw new ValueError(`logspace: ${n} values; the number must not be negative`);
  const exponents = linspace(start, end, n, { dtype: 'float64' });
  const y = scalar(base, { dtype: 'float64' })
    .pow(exponents)
    .to(options.dtype ?? getDefaultDtype());
  return options.requiresGrad ? y.requiresGrad_() : y;
}
