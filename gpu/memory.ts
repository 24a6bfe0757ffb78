// Buffers of the device: handed out with storages, taken back when the last reference lets go, kept by size for the next.
import type { Storage } from '../ts/backend.ts';
import { NUDGE, nudge } from '../ts/base/collector.ts';
import { DeviceError, MemoryError } from '../ts/base/errors.ts';
import type { Buffered } from './queue.ts';

const STORAGE = 0x80;
const COPY_SRC = 0x4;
const COPY_DST = 0x8;
/** Bytes of buffers that wait for the next storage; what is beyond is destroyed. */
const SPARE = 256 << 20;

/** Bytes of a buffer in use: what a dropped storage leaves behind for its finalizer. */
interface Loan {
  buffer: GPUBuffer;
  /** Where they begin, and how many they are. */
  at: number;
  bytes: number;
  /** The buffer that they share with other storages; null: it is theirs alone. */
  pack: Pack | null;
  returned: boolean;
}

/** A buffer that several storages share, such as the parameters of a model: shaders that change them all see one operand. */
export class Pack implements Buffered {
  readonly buffer: GPUBuffer;
  readonly at = 0;
  readonly bytes: number;
  /** Storages in it. */
  users: number;

  constructor(buffer: GPUBuffer, bytes: number, users: number) {
    this.buffer = buffer;
    this.bytes = bytes;
    this.users = users;
  }
  get home(): object {
    return this;
  }
}
/** Where a storage of a pack may begin: every device's shaders take operands from there. */
const ALIGNMENT = 256;
const aligned = (bytes: number): number => Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;
/** Bytes of the largest storage that shares a buffer, and of such a buffer. */
const SMALL = 16 << 20;
const PACK = 64 << 20;

/** Bytes of the buffer that serves a request: four sizes an octave. */
export function classOf(bytes: number): number {
  if (bytes <= 256) return 256;
  const step = 1 << (31 - Math.clz32(bytes - 1) - 2);
  return step > 0 ? Math.ceil(bytes / step) * step : bytes;
}

/** Memory of the device. */
export class GpuStorage implements Storage, Buffered {
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
  get at(): number {
    return this.loan.at;
  }
  get home(): object {
    return this.loan.pack ?? this.loan;
  }
  get pack(): Pack | null {
    return this.loan.pack;
  }
  /** Moves to a part of a buffer, whose bytes are the same already. */
  settle(pack: Pack, at: number): void {
    this.pool.settled(this.loan, pack, at);
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
  /** How often storages have moved since the start. */
  moves = 0;
  /** Buffers that go when the commands gathered so far were handed over. */
  private doomed: GPUBuffer[] = [];
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
    const loan: Loan = { buffer: this.take(size), at: 0, bytes: size, pack: null, returned: false };
    this.buffers++;
    this.bytes += size;
    const storage = new GpuStorage(this, loan, bytes);
    this.registry.register(storage, loan);
    this.sinceNudge += size;
    if (this.sinceNudge > NUDGE) {
      this.sinceNudge = 0;
      nudge();
    }
    return storage;
  }
  private take(size: number): GPUBuffer {
    const known = this.free.get(size)?.pop();
    if (known) this.spare -= size;
    return known ?? this.device.createBuffer({ size, usage: STORAGE | COPY_SRC | COPY_DST });
  }

  /**
   * Brings storages that have buffers of their own together in as few as hold them, each unit in one; what is large, or shared already, stays
   * where it is. `copy` moves their bytes.
   */
  gather(units: readonly (readonly GpuStorage[])[], copy: (from: Buffered, to: Buffered, bytes: number) => void): void {
    const most = Math.min(PACK, this.limit);
    let part: GpuStorage[] = [];
    let total = 0;
    const close = (): void => {
      if (part.length > 1) this.pack(part, total, copy);
      part = [];
      total = 0;
    };
    for (const unit of units) {
      if (unit.some((s) => s.pack !== null || s.bytes === 0 || s.bytes > SMALL)) continue;
      const size = unit.reduce((sum, s) => sum + aligned(s.bytes), 0);
      if (total + size > most) close();
      part.push(...unit);
      total += size;
    }
    close();
  }
  private pack(storages: readonly GpuStorage[], total: number, copy: (from: Buffered, to: Buffered, bytes: number) => void): void {
    const size = Math.min(classOf(total), this.limit - (this.limit % 4));
    const pack = new Pack(this.take(size), size, storages.length);
    let at = 0;
    for (const s of storages) {
      copy(s, { buffer: pack.buffer, at, bytes: s.bytes, home: pack }, s.bytes);
      s.settle(pack, at);
      at += aligned(s.bytes);
    }
    this.moves++;
    this.buffers++;
    this.bytes += size;
  }
  settled(loan: Loan, pack: Pack, at: number): void {
    this.put({ ...loan });
    Object.assign(loan, { buffer: pack.buffer, at, bytes: pack.bytes, pack });
  }
  put(loan: Loan): void {
    if (loan.returned) return;
    loan.returned = true;
    if (loan.pack !== null && --loan.pack.users > 0) return;
    this.buffers--;
    this.bytes -= loan.bytes;
    if (this.lost !== null) return;
    if (this.spare + loan.bytes > SPARE) {
      this.doomed.push(loan.buffer);
      return;
    }
    const list = this.free.get(loan.bytes);
    if (list) list.push(loan.buffer);
    else this.free.set(loan.bytes, [loan.buffer]);
    this.spare += loan.bytes;
  }
  /** Destroys what nobody can need any more: the device has got every command that was gathered. */
  sweep(): void {
    for (const buffer of this.doomed) buffer.destroy();
    this.doomed = [];
  }
}
