// Buffers of the device: handed out with storages, taken back when the last reference lets go, kept by size for the next.
import type { Storage } from '../ts/backend.ts';
import { DeviceError, MemoryError } from '../ts/base/errors.ts';

const STORAGE = 0x80;
const COPY_SRC = 0x4;
const COPY_DST = 0x8;
/** Bytes of buffers that wait for the next storage; what is beyond is destroyed. */
const SPARE = 256 << 20;
/** The collector cannot see device memory: every so many bytes it is shown an untouched buffer of this size. */
const NUDGE = 36 << 20;

/** A buffer in use: what a dropped storage leaves behind for its finalizer. */
interface Loan {
  readonly buffer: GPUBuffer;
  readonly bytes: number;
  returned: boolean;
}

/** Bytes of the buffer that serves a request: four sizes an octave. */
export function classOf(bytes: number): number {
  if (bytes <= 256) return 256;
  const step = 1 << (31 - Math.clz32(bytes - 1) - 2);
  return step > 0 ? Math.ceil(bytes / step) * step : bytes;
}

/** Memory of the device. */
export class GpuStorage implements Storage {
  readonly device = 'webgpu';
  readonly bytes: number;
  version = 0;
  refs = 1;
  readonly pool: Pool;
  private readonly loan: Loan;

  constructor(pool: Pool, loan: Loan, bytes: number) {
    this.pool = pool;
    this.loan = loan;
    this.bytes = bytes;
  }
  /** @throws DeviceError where the device was lost, and the data with it */
  get buffer(): GPUBuffer {
    this.pool.check();
    return this.loan.buffer;
  }
  retain(): void {
    this.refs++;
  }
  release(): void {
    if (--this.refs === 0) this.pool.put(this.loan);
  }
}

/** Hands out buffers and counts them. */
export class Pool {
  /** Why the device is gone; null: it is there. */
  lost: string | null = null;
  buffers = 0;
  bytes = 0;
  spare = 0;
  private readonly device: GPUDevice;
  private readonly limit: number;
  private readonly free = new Map<number, GPUBuffer[]>();
  private readonly registry = new FinalizationRegistry<Loan>((loan) => this.put(loan));
  private sinceNudge = 0;

  constructor(device: GPUDevice) {
    this.device = device;
    this.limit = Math.min(device.limits.maxBufferSize, device.limits.maxStorageBufferBindingSize);
  }
  check(): void {
    if (this.lost !== null)
      throw new DeviceError(
        `webgpu: the device was lost (${this.lost}), and with it the data of this tensor; await gpu() starts again, then make the tensor anew`,
      );
  }
  /** Whether one buffer can hold so many bytes. */
  fits(bytes: number): boolean {
    return bytes <= this.limit;
  }
  /** A storage of `bytes` bytes, not cleared. @throws MemoryError beyond what one buffer holds, DeviceError */
  alloc(bytes: number): GpuStorage {
    this.check();
    if (!this.fits(bytes))
      throw new MemoryError(
        `webgpu: ${bytes} bytes in one tensor; this device's buffers hold ${this.limit}. Compute it on wasm, or in parts`,
      );
    const size = Math.min(classOf(bytes), this.limit - (this.limit % 4));
    const known = this.free.get(size)?.pop();
    if (known) this.spare -= size;
    const buffer = known ?? this.device.createBuffer({ size, usage: STORAGE | COPY_SRC | COPY_DST });
    const loan: Loan = { buffer, bytes: size, returned: false };
    this.buffers++;
    this.bytes += size;
    const storage = new GpuStorage(this, loan, bytes);
    this.registry.register(storage, loan);
    this.sinceNudge += size;
    if (this.sinceNudge > NUDGE) {
      this.sinceNudge = 0;
      new ArrayBuffer(NUDGE);
    }
    return storage;
  }
  put(loan: Loan): void {
    if (loan.returned) return;
    loan.returned = true;
    this.buffers--;
    this.bytes -= loan.bytes;
    if (this.lost !== null) return;
    if (this.spare + loan.bytes > SPARE) {
      loan.buffer.destroy();
      return;
    }
    const list = this.free.get(loan.bytes);
    if (list) list.push(loan.buffer);
    else this.free.set(loan.bytes, [loan.buffer]);
    this.spare += loan.bytes;
  }
}
