import { byteSize, type DType } from '../base/dtype.ts';
import { ValueError } from '../base/errors.ts';

/** A tensor as files hold it: little-endian elements in C order, `bytes.length === byteSize(dtype) * product(shape)`. */
export type RawTensor = { dtype: DType; shape: number[]; bytes: Uint8Array };

/**
 * Checks that the bytes fill the shape, before they are written; throws ValueError, which begins with `what`.
 *
 * `checkRaw('npy', { dtype: 'int8', shape: [3], bytes: new Uint8Array(3) })`
 */
export function checkRaw(what: string, { dtype, shape, bytes }: RawTensor): void {
  if (!shape.every((d) => Number.isSafeInteger(d) && d >= 0)) {
    throw new ValueError(`${what}: the impossible shape [${shape}]: dimensions are whole numbers from 0`);
  }
  const needed = shape.reduce((a, b) => a * b, byteSize(dtype));
  if (bytes.length !== needed) {
    throw new ValueError(`${what}: ${dtype} [${shape}] takes ${needed} bytes, but there are ${bytes.length}`);
  }
}
