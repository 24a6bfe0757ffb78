// The WebGPU device: ops become commands in the order of their calls. What no shader does runs on the host once its operands were read
// back; calls behind it wait in line, so the program never does.
import { type Backend, type Input, isView, type Storage, type View, writtenBy } from '../ts/backend.ts';
import { SIZE } from '../ts/base/dtype.ts';
import { DeviceError, IndexError, MemoryError, WickError } from '../ts/base/errors.ts';
import { show, sizeOf } from '../ts/base/shape.ts';
import type { Attrs, MapOp, Op } from '../ts/ops/op.ts';
import { TABLE } from '../ts/ops/table.ts';
import { Encoding, obstacle } from './encode.ts';
import { wholeView } from './kernel.ts';
import { type GpuStorage, Pool } from './memory.ts';
import { type Buffered, type Counts, Queue } from './queue.ts';
import { isUpdate, type Update, Updates } from './updates.ts';

const copy = TABLE.copy as MapOp;
const snapshot = ({ storage, offset, shape, strides, dtype, rowMajor }: View): View => ({
  storage,
  offset,
  shape,
  strides,
  dtype,
  rowMajor,
});

/** A copy of a host storage that was used twice, of one version. */
interface Twin {
  version: number;
  uses: number;
  storage: GpuStorage | null;
}

/** The second executing backend. */
export class GpuBackend {
  readonly pool: Pool;
  readonly queue: Queue;
  /** Ops that ran on the host instead, with the reason, each once. */
  readonly elsewhere: Map<string, string> = new Map();
  private readonly host: Backend;
  readonly device: GPUDevice;
  readonly faults: Buffered;
  readonly encoding: Encoding;
  readonly updates: Updates;
  /** When the times of the last timed run are known. */
  timed: Promise<void> = Promise.resolve();
  /** Updates that wait for those behind them. */
  private held: Update[] = [];
  private failure: WickError | null = null;
  /** Calls that wait for a readback; null: none is under way. */
  private waiting: (() => void | Promise<void>)[] | null = null;
  private readonly twins = new WeakMap<Storage, Twin>();

  constructor(device: GPUDevice, host: Backend) {
    this.device = device;
    this.host = host;
    this.pool = new Pool(device);
    this.queue = new Queue(device, () => this.pool.sweep());
    this.faults = { buffer: device.createBuffer({ size: 16, usage: 0x80 | 0x8 | 0x4 }), at: 0, bytes: 16, home: this };
    this.updates = new Updates(this.pool, device, (bytes) => {
      this.queue.counts.written += bytes;
    });
    this.encoding = new Encoding(this.queue, (bytes) => this.alloc(bytes), this.faults);
    const onuncapturederror = ({ error }: { readonly error: { readonly message: string } }): void => {
      const text = error.message.split('\n').slice(0, 3).join(' ');
      this.failure ??= /memory/i.test(text) ? new MemoryError(`webgpu: ${text}`) : new DeviceError(`webgpu: ${text}`);
    };
    // Not every runtime's types have the handler.
    Object.assign(device, { onuncapturederror });
    void device.lost.then(({ reason, message }) => {
      this.pool.lost = `${reason}${message ? `: ${message.split('\n')[0]}` : ''}`;
    });
  }
  get lost(): boolean {
    return this.pool.lost !== null;
  }
  get counts(): Counts {
    return this.queue.counts;
  }
  /** Whether the device could run an op of these inputs with a shader. */
  takes(op: Op, inputs: readonly Input[], attrs: Attrs): boolean {
    return (
      op.kind === 'kernel' &&
      obstacle(op, inputs, attrs, undefined) === null &&
      inputs.every((x) => !isView(x) || this.pool.fits(x.storage.bytes))
    );
  }

  alloc(bytes: number): GpuStorage {
    return this.pool.alloc(bytes);
  }

  /** Runs an op of whose tensors at least one is here; those on the host are brought. */
  run(op: Op, inputs: readonly Input[], attrs: Attrs, outputs: readonly View[]): void {
    this.pool.check();
    for (const y of writtenBy({ op, inputs, outputs }))
      if (y.storage.device !== 'webgpu')
        throw new DeviceError(
          `${op.name}: it would write a tensor of shape ${show(y.shape)} on wasm from data on webgpu; move the tensor with x.to('webgpu') first, or the data with await x.to('wasm')`,
        );
    const brought: GpuStorage[] = [];
    const given = inputs.map((x) => {
      if (!isView(x)) return x;
      if (x.storage.device === 'webgpu') return snapshot(x);
      const storage = this.bring(x.storage);
      brought.push(storage);
      return { ...snapshot(x), storage };
    });
    const results = outputs.map(snapshot);
    this.inLine([...given.filter(isView), ...results], () => this.execute(op, given, attrs, results));
    for (const s of brought) s.release();
  }

  /** Does it now, or when the calls before are done; the storages stay until then. */
  inLine(views: readonly View[], task: () => void | Promise<void>): void {
    if (this.waiting === null) {
      const left = task();
      if (left instanceof Promise) this.stall(left, views);
      return;
    }
    for (const { storage } of views) storage.retain();
    this.waiting.push(() => {
      const done = (): void => {
        for (const { storage } of views) storage.release();
      };
      const left = task();
      if (left instanceof Promise) return left.finally(done);
      done();
    });
  }
  /** Lets calls wait until a readback has come and what it was for is done, and then runs them. */
  private stall(first: Promise<void>, views: readonly View[]): void {
    const line: (() => void | Promise<void>)[] = [];
    this.waiting = line;
    for (const { storage } of views) storage.retain();
    const drain = async (): Promise<void> => {
      try {
        await first;
      } catch (error) {
        this.fail(error);
      }
      for (const { storage } of views) storage.release();
      for (let next = line.shift(); next !== undefined; next = line.shift()) {
        try {
          await next();
        } catch (error) {
          this.fail(error);
        }
      }
      this.waiting = null;
    };
    void drain();
  }
  private fail(error: unknown): void {
    this.failure ??= error instanceof WickError ? error : new WickError(`webgpu: ${(error as Error).message}`);
  }

  private execute(op: Op, inputs: readonly Input[], attrs: Attrs, outputs: readonly View[]): void | Promise<void> {
    const why = obstacle(op, inputs, attrs, outputs[0]);
    if (why !== null) {
      if (!this.elsewhere.has(op.name)) this.elsewhere.set(op.name, why);
      return this.onHost(op, inputs, attrs, outputs);
    }
    if (isUpdate(op)) this.later({ op, inputs, attrs });
    else this.encoding.call(op, inputs, attrs, outputs);
  }
  /** Gathers an optimizer's updates until another command comes: those of several parameters are few dispatches. */
  private later(update: Update): void {
    const storages = update.inputs.filter(isView).map((x) => x.storage as GpuStorage);
    // What was lost with a device says so now, not when another call comes.
    for (const s of storages) s.pool.check();
    for (const s of storages) s.retain();
    const own = this.held;
    if (own.push(update) > 1) return;
    this.queue.hold(() => {
      this.held = [];
      try {
        this.updates.gather(own, this.queue, false);
        this.updates.encode(this.queue, own, (u) => this.encoding.call(u.op, u.inputs, u.attrs, []));
      } finally {
        for (const x of own.flatMap(({ inputs }) => inputs)) if (isView(x)) x.storage.release();
      }
    });
  }

  /** Runs an op on the host over copies, and brings back what it wrote. */
  private async onHost(op: Op, inputs: readonly Input[], attrs: Attrs, outputs: readonly View[]): Promise<void> {
    const views = [...inputs.filter(isView), ...outputs];
    const storages = [...new Set(views.map((v) => v.storage as GpuStorage))];
    const bytes = await this.queue.read(storages);
    const there = new Map<Storage, Storage>();
    try {
      storages.forEach((s, i) => {
        const own = this.host.alloc(s.bytes);
        there.set(s, own);
        this.host.write(bytesView(own, s.bytes), bytes[i]);
      });
      const moved = (x: View): View => ({ ...x, storage: there.get(x.storage) as Storage });
      this.host.run(
        op,
        inputs.map((x) => (isView(x) ? moved(x) : x)),
        attrs,
        outputs.map(moved),
      );
      const written = new Set(writtenBy({ op, inputs, outputs }).map((v) => v.storage as GpuStorage));
      for (const s of written)
        this.queue.write(s, 0, this.host.readSync(bytesView(there.get(s) as Storage, s.bytes)) as Uint8Array<ArrayBuffer>);
    } finally {
      for (const s of there.values()) s.release();
    }
  }

  /** A copy of a host storage; one that comes again unchanged is kept. */
  bring(from: Storage): GpuStorage {
    let twin = this.twins.get(from);
    if (twin === undefined || twin.version !== from.version || twin.storage?.pool.lost) {
      twin?.storage?.release();
      twin = { version: from.version, uses: 0, storage: null };
      this.twins.set(from, twin);
    }
    if (twin.storage === null) {
      const storage = this.alloc(from.bytes);
      const bytes = this.host.readSync(bytesView(from, from.bytes));
      this.inLine([wholeView(storage, [storage.bytes], 'uint8')], () => this.queue.write(storage, 0, bytes as Uint8Array<ArrayBuffer>));
      if (++twin.uses < 2) return storage;
      twin.storage = storage;
    }
    twin.storage.retain();
    return twin.storage;
  }

  write(view: View, bytes: Uint8Array): void {
    const own = bytes.slice();
    const at = view.offset * SIZE[view.dtype];
    if (at % 4 === 0 && (own.length % 4 === 0 || at + own.length >= view.storage.bytes - 3)) {
      this.inLine([view], () => this.queue.write(view.storage as GpuStorage, at, own));
      return;
    }
    const storage = this.alloc(own.length);
    this.inLine([snapshot(view), wholeView(storage, view.shape, view.dtype)], () => {
      this.queue.write(storage, 0, own);
      this.encoding.map(copy, [wholeView(storage, view.shape, view.dtype)], view.dtype, view);
    });
    storage.release();
  }

  /** The bytes of a contiguous view once all calls before are done. @throws the first error that those calls met */
  read(view: View): Promise<Uint8Array> {
    const own = snapshot(view);
    return new Promise((resolve, reject) => {
      this.inLine([own], () => {
        const { checks } = this.encoding;
        this.encoding.checks = false;
        const { buffer, at } = own.storage as GpuStorage;
        const part = { buffer, at: at + own.offset * SIZE[own.dtype], bytes: sizeOf(own.shape) * SIZE[own.dtype] };
        const trip = this.queue.read(checks ? [part, { buffer: this.faults.buffer, at: 0, bytes: 8 }] : [part]);
        if (checks) this.queue.clear(this.faults);
        trip.then(
          ([bytes, fault]) => {
            const failed = this.failure ?? (fault ? faultOf(fault) : null);
            this.failure = null;
            if (failed !== null) reject(failed);
            else resolve(bytes);
          },
          (error) => reject(this.pool.lost === null ? new DeviceError(`webgpu: ${(error as Error).message}`) : this.lostError()),
        );
      });
    });
  }
  private lostError(): WickError {
    try {
      this.pool.check();
    } catch (error) {
      return error as WickError;
    }
    return new DeviceError('webgpu: the readback failed');
  }
  destroy(): void {
    this.pool.lost ??= 'destroyed';
    this.device.destroy();
  }
}

const bytesView = (storage: Storage, n: number): View => ({ storage, offset: 0, shape: [n], strides: [1], dtype: 'uint8', rowMajor: true });

function faultOf(bytes: Uint8Array): WickError | null {
  const [opcode, index] = new Int32Array(bytes.buffer, bytes.byteOffset, 2);
  if (opcode === 0) return null;
  const name = Object.values(TABLE).find((op) => op.opcode === opcode - 1)?.name ?? 'webgpu';
  return new IndexError(`${name}: index ${index} is out of range`);
}
