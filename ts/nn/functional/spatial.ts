// What functions on images of one to three spatial dimensions share.
import { CATEGORY } from '../../base/dtype.ts';
import { ShapeError, ValueError } from '../../base/errors.ts';
import { show } from '../../base/shape.ts';
import type { Tensor } from '../../tensor/index.ts';

/** One number for all spatial dimensions, or one each. */
export type Extent = number | readonly number[];

/** One number per spatial dimension. */
export function extentOf(name: string, what: string, value: Extent, dims: number): readonly number[] {
  if (typeof value === 'number') return new Array<number>(dims).fill(value);
  if (value.length === 1) return new Array<number>(dims).fill(value[0]);
  if (value.length !== dims) throw new ValueError(`${name}: ${what} ${show(value)} must be a number or ${dims} numbers`);
  return value;
}

const IMAGE = ['C, L', 'C, H, W', 'C, D, H, W'];
/** Adds the batch dimension that x may lack, and takes it away from the result. */
export function batched<R extends Tensor | Tensor[]>(name: string, x: Tensor, dims: number, run: (image: Tensor) => R): R {
  if (x.ndim === dims + 2) return run(x);
  if (x.ndim !== dims + 1)
    throw new ShapeError(
      `${name}: input ${show(x.shape)} must have ${dims + 1} or ${dims + 2} dimensions, [N, ${IMAGE[dims - 1]}] with N optional`,
    );
  const y = run(x.unsqueeze(0));
  return (Array.isArray(y) ? y.map((t) => t.squeeze(0)) : y.squeeze(0)) as R;
}

/** Whole numbers are computed in float64, which holds them exactly up to 2^53. */
export function throughFloat(x: Tensor, others: readonly (Tensor | null)[], run: (tensors: Tensor[]) => Tensor): Tensor | null {
  if (CATEGORY[x.dtype] !== 1 || others.some((t) => t !== null && t.dtype !== x.dtype)) return null;
  return run([x, ...others.filter((t) => t !== null)].map((t) => t.to('float64'))).to(x.dtype);
}
