// What ops with an index tensor share. Indices are int64 or int32, in 0 to size - 1; others are an IndexError.
import { type DType, SIZE } from '../base/dtype.ts';
import { DTypeError } from '../base/errors.ts';
import { sizeOf } from '../base/shape.ts';
import type { Meta } from './op.ts';
import { tilesOf } from './strided.ts';

/** Bytes that one tile of a copying phase moves; as in assembly/kernels/indexing.ts. */
const BYTES = 1 << 17;

/** @throws DTypeError where an index is not of int64 or int32 */
export function needIndex(op: string, index: Meta): void {
  if (index.dtype !== 'int64' && index.dtype !== 'int32')
    throw new DTypeError(`${op}: the index has dtype ${index.dtype}; use int64 or int32 (index.to('int64'))`);
}
/** @throws DTypeError where a source has another dtype than what it goes into */
export function needSame(op: string, x: Meta, src: Meta): void {
  if (x.dtype !== src.dtype)
    throw new DTypeError(`${op}: dtypes ${x.dtype} and ${src.dtype} differ; convert the source with src.to('${x.dtype}')`);
}
/** Tiles of the phase that checks n indices and copies the output. */
export const prepareTiles = (n: number, y: Meta, dtype: DType): number =>
  Math.max(1, tilesOf(n), Math.ceil((sizeOf(y.shape) * SIZE[dtype]) / BYTES));
/** Storage dtypes of the inputs, as `loads` wants them. */
export const as = (...dtypes: DType[]): readonly DType[] => dtypes;
