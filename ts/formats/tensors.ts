import { bytesOf, fromBytes, type Tensor } from '../tensor/index.ts';
import type { RawTensor } from './raw.ts';

/** A tensor as files hold it: its bytes in row-major order. */
export function toRaw(x: Tensor): RawTensor {
  return { dtype: x.dtype, shape: [...x.shape], bytes: bytesOf(x) };
}
/** The tensor that a file holds; the bytes are copied. */
export function fromRaw(raw: RawTensor): Tensor {
  return fromBytes(raw.bytes, raw.shape, raw.dtype);
}
