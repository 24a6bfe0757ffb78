// Tensors between threads: a message names memory instead of carrying it.
import type { Data } from '../backend.ts';
import { asDType, type DType, SIZE } from '../base/dtype.ts';
import { DeviceError, ValueError } from '../base/errors.ts';
import type { Shape } from '../base/shape.ts';
import { span } from '../ops/view.ts';
import { elements } from './bytes.ts';
import { backend, keep, scope, type Tensor } from './core.ts';
import { fromBytes } from './functions/create.ts';
import { asStrided } from './functions/views.ts';
import { detach } from './functions/write.ts';
import { noGrad } from './modes.ts';

/** A tensor as a plain object that `postMessage` takes. */
export interface Shared {
  /** Names this share; `unshare` wants it. */
  readonly id: string;
  /**
   * The elements where they lie, from the tensor's first to its last: a typed array over shared memory, or over a copy where the runtime
   * shares none. float16 and bfloat16 are their bits in a Uint16Array, bool is a Uint8Array.
   */
  readonly data: Data;
  readonly dtype: DType;
  readonly shape: Shape;
  /** In elements. */
  readonly strides: Shape;
}

const held = new Map<string, Tensor>();
let count = 0;

/**
 * A tensor for other threads: a plain object whose `data` are its elements where they lie, so `postMessage` copies none of them, and what one
 * side writes the other sees. The storage stays, whatever becomes of x, until `unshare`. Gradients and history do not travel. In pages that
 * may not share memory `data` is a copy (`data.buffer` is an ArrayBuffer then).
 * @throws StateError for a disposed tensor, DeviceError for a device without such memory, and while a function is captured by `compile`
 * @example worker.postMessage(share(weights)); // there: const weights = receive(event.data)
 */
export function share(x: Tensor): Shared {
  const device = backend();
  if (!device.lend) throw new DeviceError('share: this device shares no memory; share outside compile, from device wasm');
  const own = keep(detach(x));
  const { storage, offset, dtype, shape, strides } = own;
  const start = offset * SIZE[dtype];
  const data = elements(device.lend(storage, 1).subarray(start, start + span(shape, strides) * SIZE[dtype]), dtype);
  // Other threads share too: when it was tells their messages apart.
  const id = `${performance.timeOrigin + performance.now()}/${count++}`;
  held.set(id, own);
  return { id, data, dtype, shape, strides };
}

/**
 * The tensor of a message made by `share`, in any thread: a new tensor with its shape, strides and dtype, copied once from the memory of the
 * one into that of the other.
 * @throws DTypeError, ShapeError or ValueError where the message is no such object
 * @example receive(share(tensor([1, 2]))).arraySync() // [1, 2]
 */
export function receive(shared: Shared): Tensor {
  const { data, dtype, shape, strides } = shared ?? {};
  if (!ArrayBuffer.isView(data) || !Array.isArray(shape) || !Array.isArray(strides))
    throw new ValueError('receive: no message of share(tensor)');
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return scope(() => noGrad(() => asStrided(fromBytes(bytes, [data.length], asDType(dtype)), shape, strides, 0).detach()));
}

/**
 * Ends a share, in the thread that made it (the message may have come back): the storage is freed as any other from then on, so the others
 * must have read what they need. False where the share is not known here or has ended.
 * @example unshare(share(tensor([1]))) // true
 */
export function unshare(shared: Shared): boolean {
  const own = held.get(shared?.id);
  if (own === undefined) return false;
  held.delete(shared.id);
  backend().lend?.(own.storage, -1);
  own.dispose();
  return true;
}
