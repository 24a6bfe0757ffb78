import type { DType } from '../../base/dtype.ts';
import { IndexError, ShapeError, ValueError } from '../../base/errors.ts';
import { sameShape, show, wrapDim } from '../../base/shape.ts';
import type { Tensor } from '../core.ts';
import { tensor, zeros } from './create.ts';
import { slice } from './slicing.ts';
import { diagonal, movedim, select } from './views.ts';

/** A square matrix with a vector on a diagonal, or the diagonal of a matrix. @throws ShapeError @example tensor([1, 2]).diag() // [[1, 0], [0, 2]] */
export function diag(x: Tensor, offset: number = 0): Tensor {
  if (x.ndim === 1) return diagEmbed(x, offset);
  if (x.ndim === 2) return diagonal(x, offset).clone();
  throw new ShapeError(
    `diag: ${show(x.shape)} has ${x.ndim} dimensions; it takes a vector or a matrix, use diagEmbed or diagonal for batches`,
  );
}
/** A square matrix with all elements of x on a diagonal. @example ones([2, 1]).diagflat() // [[1, 0], [0, 1]] */
export function diagflat(x: Tensor, offset: number = 0): Tensor {
  return diagEmbed(x.reshape([-1]), offset);
}
/** Square matrices with the last dimension of x on a diagonal; the matrices lie in dimensions dim1 and dim2. @example ones([3, 2]).diagEmbed().shape // [3, 2, 2] */
export function diagEmbed(x: Tensor, offset: number = 0, dim1: number = -2, dim2: number = -1): Tensor {
  const rank = x.ndim + 1;
  const [a, b] = [wrapDim('diagEmbed', dim1, rank), wrapDim('diagEmbed', dim2, rank)];
  if (a === b || x.ndim === 0)
    throw new IndexError(`diagEmbed: dim1 ${dim1} and dim2 ${dim2} of ${rank} dimensions must be two different ones`);
  const n = x.shape[x.ndim - 1] + (offset < 0 ? -offset : offset);
  const y = zeros([...x.shape.slice(0, -1), n, n], { dtype: x.dtype }).to({ device: x.device });
  diagonal(y, offset, -2, -1).copy_(x);
  return movedim(y, [-2, -1], [a, b]);
}
/** Sum of the main diagonal of a matrix. @example eye(3).trace() // 3 */
export function trace(x: Tensor): Tensor {
  if (x.ndim !== 2) throw new ShapeError(`trace: ${show(x.shape)} is no matrix; use diagonal().sum(-1) for batches`);
  return diagonal(x).sum();
}

function place(name: string, part: Tensor, source: Tensor): void {
  if (!sameShape(part.shape, source.shape))
    throw new ShapeError(`${name}: source ${show(source.shape)} for a part of shape ${show(part.shape)}; they must agree`);
  part.copy_(source);
}
/** A copy of x with a diagonal replaced. @throws ShapeError */
export function diagonalScatter(x: Tensor, source: Tensor, offset: number = 0, dim1: number = 0, dim2: number = 1): Tensor {
  const y = x.clone();
  place('diagonalScatter', diagonal(y, offset, dim1, dim2), source);
  return y;
}
/** A copy of x with one index of a dimension replaced. @throws ShapeError */
export function selectScatter(x: Tensor, source: Tensor, dim: number, index: number): Tensor {
  const y = x.clone();
  place('selectScatter', select(y, dim, index), source);
  return y;
}
/** A copy of x with a range of a dimension replaced. @throws ShapeError */
export function sliceScatter(
  x: Tensor,
  source: Tensor,
  dim: number = 0,
  start?: number | null,
  stop?: number | null,
  step: number = 1,
): Tensor {
  const y = x.clone();
  place('sliceScatter', slice(y, dim, start, stop, step), source);
  return y;
}

function triangle(
  name: string,
  rows: number,
  cols: number,
  options: { readonly dtype?: DType },
  inside: (row: number, col: number) => boolean,
): Tensor {
  if (!(rows >= 0 && cols >= 0)) throw new ValueError(`${name}: ${rows} rows and ${cols} columns; sizes must not be negative`);
  const places: number[][] = [[], []];
  for (let r = 0; r < rows; r++)
    for (let c = 0; c < cols; c++)
      if (inside(r, c)) {
        places[0].push(r);
        places[1].push(c);
      }
  return tensor(places.flat(), { shape: [2, places[0].length], dtype: options.dtype ?? 'int64' });
}
/** Rows and columns [2, n] of the lower triangle of a matrix, up to a diagonal. @example trilIndices(2, 2).arraySync() // [[0, 1, 1], [0, 0, 1]] */
export function trilIndices(rows: number, cols: number, offset: number = 0, options: { readonly dtype?: DType } = {}): Tensor {
  return triangle('trilIndices', rows, cols, options, (r, c) => c - r <= offset);
}
/** Rows and columns [2, n] of the upper triangle of a matrix, from a diagonal. @example triuIndices(2, 2).arraySync() // [[0, 0, 1], [0, 1, 1]] */
export function triuIndices(rows: number, cols: number, offset: number = 0, options: { readonly dtype?: DType } = {}): Tensor {
  return triangle('triuIndices', rows, cols, options, (r, c) => c - r >= offset);
}
