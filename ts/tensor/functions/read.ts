import type { Data } from '../../backend.ts';
import { DeviceError, ShapeError, StateError, ValueError } from '../../base/errors.ts';
import { show } from '../../base/shape.ts';
import { decode } from '../bytes.ts';
import { contiguousCopy } from '../call.ts';
import { backend, collecting, type Tensor, type TensorCore } from '../core.ts';
import { withGrad } from '../node.ts';

/** Nested arrays of a tensor's numbers. */
export type NestedArray = number | boolean | bigint | NestedArray[];
/** Options of reads into JavaScript numbers. */
export interface ReadOptions {
  /** int64 as bigint instead of number. */
  readonly bigint?: boolean;
}

function bytesSync(x: Tensor, name: string): Uint8Array {
  if (x.disposed || x.storage.refs <= 0) throw new StateError(`${name}: the tensor of shape ${show(x.shape)} was disposed`);
  if (x.device !== 'wasm') throw new DeviceError(`${name}: the data is on ${x.device}; use the form without Sync or await x.to('wasm')`);
  if (x.rowMajor) return backend().readSync(x);
  const temps: TensorCore[] = [];
  const dense = collecting(temps, () => withGrad(false, () => contiguousCopy(x)));
  const bytes = backend().readSync(dense);
  for (const t of temps) t.dispose();
  return bytes;
}

function plain(data: Data, x: Tensor, i: number, options: ReadOptions): number | boolean | bigint {
  const v = data[i];
  if (typeof v === 'bigint') {
    if (options.bigint) return v;
    const n = Number(v);
    if (!Number.isSafeInteger(n)) throw new ValueError(`item: ${v} is beyond 2^53; pass { bigint: true }`);
    return n;
  }
  return x.dtype === 'bool' ? v !== 0 : v;
}

function nest(data: Data, x: Tensor, options: ReadOptions): NestedArray {
  let at = 0;
  const build = (d: number): NestedArray => {
    if (d === x.shape.length) return plain(data, x, at++, options);
    return Array.from({ length: x.shape[d] }, () => build(d + 1));
  };
  return build(0);
}

/** The bytes in row-major order, little-endian, copied; NaN bits as they are. */
export function bytesOf(x: Tensor): Uint8Array {
  return bytesSync(x, 'bytesOf');
}

/**
 * The elements in row-major order as a typed array of the dtype, copied (float16 and bfloat16 as Float32Array, bool as Uint8Array).
 * @example await tensor([1, 2]).data() // Float32Array [1, 2]
 */
export async function data(x: Tensor): Promise<Data> {
  if (x.disposed || x.storage.refs <= 0) return dataSync(x);
  if (!x.rowMajor) {
    const temps: TensorCore[] = [];
    const dense = collecting(temps, () => withGrad(false, () => contiguousCopy(x)));
    const bytes = await backend().read(dense);
    for (const t of temps) t.dispose();
    return decode(bytes, x.dtype);
  }
  return decode(await backend().read(x), x.dtype);
}
/** Like data(), at once; only for tensors on Wasm. @throws DeviceError */
export function dataSync(x: Tensor): Data {
  return decode(bytesSync(x, 'dataSync'), x.dtype);
}
/** The elements as nested arrays. int64 gives numbers; beyond 2^53 a ValueError unless `{ bigint: true }`. @example await eye(2).array() */
export async function array(x: Tensor, options: ReadOptions = {}): Promise<NestedArray> {
  return nest(await data(x), x, options);
}
/** Like array(), at once; only for tensors on Wasm. @throws DeviceError */
export function arraySync(x: Tensor, options: ReadOptions = {}): NestedArray {
  return nest(dataSync(x), x, options);
}
function one(x: Tensor): void {
  if (x.numel !== 1)
    throw new ShapeError(`item: the tensor of shape ${show(x.shape)} has ${x.numel} elements, not 1; use array() or data()`);
}
/** The only element as a number (or boolean, or bigint). @throws ShapeError for more than one element */
export async function item(x: Tensor, options: ReadOptions = {}): Promise<number> {
  one(x);
  return plain(await data(x), x, 0, options) as number;
}
/** Like item(), at once; only for tensors on Wasm. @throws DeviceError */
export function itemSync(x: Tensor, options: ReadOptions = {}): number {
  one(x);
  return plain(dataSync(x), x, 0, options) as number;
}
