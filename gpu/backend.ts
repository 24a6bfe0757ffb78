// The WebGPU device: ops become commands in the order of their calls. What no shader does runs on the host once its operands were read
// back; calls behind it wait in line, so the program never does.
import { type Backend, type Input, isView, type Storage, type View } from '../ts/backend.ts';
import { type DType, SIZE } from '../ts/base/dtype.ts';
import { DeviceError, IndexError, MemoryError, WickError } from '../ts/base/errors.ts';
import { isContiguous, type Shape, sameShape, show, sizeOf } from '../ts/base/shape.ts';
import type { Attrs, KernelOp, MapOp, Op } from '../ts/ops/op.ts';
import { TABLE } from '../ts/ops/table.ts';
import { bytesFor, dispatch, type KernelCall, wholeView } from './kernel.ts';
import { KERNELS } from './kernels/index.ts';
import { encodeMap, mapObstacle } from './map.ts';
import { type GpuStorage, Pool } from './memory.ts';
import { type Counts, Queue } from './queue.ts';
import { perWord } from './types.ts';

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
  private readonly device: GPUDevice;
  private readonly faults: GPUBuffer;
  private checks = false;
  private failure: WickError | null = null;
  /** Calls that wait for a readback; null: none is under way. */
  private waiting: (() => void | Promise<void>)[] | null = null;
  private readonly twins = new WeakMap<Storage, Twin>();

  constructor(device: GPUDevice, host: Backend) {
    this.device = device;
    this.host = host;
    this.pool = new Pool(device);
    this.queue = new Queue(device);
    this.faults = device.createBuffer({ size: 16, usage: 0x80 | 0x8 | 0x4 });
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
      this.kernelObstacle(op, inputs, attrs) === null &&
      inputs.every((x) => !isView(x) || this.pool.fits(x.storage.bytes))
    );
  }

  alloc(bytes: number): GpuStorage {
    return this.pool.alloc(Math.ceil(bytes / 4) * 4);
  }

  /** Runs an op of whose tensors at least one is here; those on the host are brought. */
  run(op: Op, inputs: readonly Input[], attrs: Attrs, outputs: readonly View[]): void {
    this.pool.check();
    const written = [...outputs, ...inputs.filter((x, i): x is View => isView(x) && mutates(op, i))];
    for (const y of written)
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
  private inLine(views: readonly View[], task: () => void | Promise<void>): void {
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
    const why =
      op.kind === 'map' ? mapObstacle(op, inputs, attrs.dtype as DType, outputs[0]) : this.kernelObstacle(op as KernelOp, inputs, attrs);
    if (why !== null) {
      if (!this.elsewhere.has(op.name)) this.elsewhere.set(op.name, why);
      return this.onHost(op, inputs, attrs, outputs);
    }
    if (op.kind === 'map') this.map(op, inputs, attrs.dtype as DType, outputs[0]);
    else this.kernel(op as KernelOp, inputs as readonly (View | null)[], attrs, outputs);
  }

  private map(op: MapOp, inputs: readonly Input[], dtype: DType, out: View): void {
    const temps: GpuStorage[] = [];
    const safe = inputs.map((x) => {
      if (!isView(x) || x.storage !== out.storage) return x;
      const same =
        x.offset === out.offset &&
        x.dtype === out.dtype &&
        sameShape(x.shape, out.shape) &&
        x.shape.every((n, d) => n <= 1 || x.strides[d] === out.strides[d]);
      return same && perWord(x.dtype) === 1 ? x : this.cloned(x, temps);
    });
    encodeMap(this.queue, op, safe, dtype, out);
    for (const t of temps) t.release();
  }
  /** The same view of a copy of its storage. */
  private cloned(x: View, temps: GpuStorage[]): View {
    const storage = this.alloc(x.storage.bytes);
    temps.push(storage);
    this.queue.copy((x.storage as GpuStorage).buffer, storage.buffer, x.storage.bytes);
    return { ...x, storage };
  }

  private kernelObstacle(op: KernelOp, inputs: readonly Input[], attrs: Attrs): string | null {
    const kernel = KERNELS[op.name];
    if (kernel === undefined) return 'no shader';
    const views = inputs.map((x) => (isView(x) ? x : null));
    if (views.some((x) => x?.dtype === 'float64') || attrs.dtype === 'float64') return 'float64';
    return kernel.refuses?.(views, attrs) ?? null;
  }

  private kernel(op: KernelOp, inputs: readonly (View | null)[], attrs: Attrs, outputs: readonly View[]): void {
    const { run, strided, anyResult = false } = KERNELS[op.name];
    const temps: GpuStorage[] = [];
    const fresh = (shape: Shape, dtype: DType): View => {
      const storage = this.alloc(bytesFor(shape, dtype));
      temps.push(storage);
      return wholeView(storage, shape, dtype);
    };
    const rowMajor = (x: View): View => {
      if (x.rowMajor) return x;
      const t = fresh(x.shape, x.dtype);
      this.map(copy, [x], x.dtype, t);
      return t;
    };
    const shared = (x: View): boolean => outputs.some((y) => y.storage === x.storage);
    const ready = inputs.map((x, i) => {
      if (x === null || x === undefined) return null;
      const own = shared(x) ? this.cloned(x, temps) : x;
      return strided?.includes(i) || mutates(op, i) ? own : rowMajor(own);
    });
    const wants = op.writes?.(inputs as readonly View[], attrs);
    const results = outputs.map((y, i) => {
      const whole = perWord(y.dtype) === 1;
      return whole && (y.rowMajor || anyResult)
        ? y
        : fresh(
            y.shape,
            whole
              ? y.dtype
              : (wants?.[i] ?? 'float32') === 'int64'
                ? 'int64'
                : y.dtype === 'float16' || y.dtype === 'bfloat16'
                  ? 'float32'
                  : 'int32',
          );
    });
    // Mutated inputs are written where they lie, or in a copy that goes back.
    const back: [View, View][] = [];
    ready.forEach((x, i) => {
      if (x === null || !mutates(op, i) || isContiguous(x.shape, x.strides)) return;
      const t = fresh(x.shape, x.dtype);
      this.map(copy, [x], x.dtype, t);
      back.push([t, x]);
      ready[i] = t;
    });
    const call: KernelCall = {
      op,
      inputs: ready,
      outputs: results,
      attrs,
      faults: this.faults,
      temporary: fresh,
      rowMajor,
      zero: (x) => this.queue.clear((x.storage as GpuStorage).buffer),
      copy: (from, to) => this.map(copy, [from], from.dtype, to),
      run: (name, operands, numbers, threads, body, options) => {
        if (options?.checks) this.checks = true;
        dispatch(this.queue, op, this.faults, `${op.name}:${name}`, operands, numbers, threads, body, options);
      },
    };
    if (results.length === 0 || results.some((y) => sizeOf(y.shape) > 0) || op.mutates) run(call);
    results.forEach((r, i) => {
      if (r !== outputs[i]) this.map(copy, [r], r.dtype, outputs[i]);
    });
    for (const [from, to] of back) this.map(copy, [from], from.dtype, to);
    for (const t of temps) t.release();
  }

  /** Runs an op on the host over copies, and brings back what it wrote. */
  private async onHost(op: Op, inputs: readonly Input[], attrs: Attrs, outputs: readonly View[]): Promise<void> {
    const views = [...inputs.filter(isView), ...outputs];
    const storages = [...new Set(views.map((v) => v.storage as GpuStorage))];
    const bytes = await this.queue.read(storages.map((s) => ({ buffer: s.buffer, at: 0, bytes: s.bytes })));
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
      const written = new Set(
        [...outputs, ...inputs.filter((x, i): x is View => isView(x) && mutates(op, i))].map((v) => v.storage as GpuStorage),
      );
      for (const s of written)
        this.queue.write(s.buffer, 0, this.host.readSync(bytesView(there.get(s) as Storage, s.bytes)) as Uint8Array<ArrayBuffer>);
    } finally {
      for (const s of there.values()) s.release();
    }
  }

  /** A copy of a host storage; one that comes again unchanged is kept. */
  private bring(from: Storage): GpuStorage {
    let twin = this.twins.get(from);
    if (twin === undefined || twin.version !== from.version || twin.storage?.pool.lost) {
      twin?.storage?.release();
      twin = { version: from.version, uses: 0, storage: null };
      this.twins.set(from, twin);
    }
    if (twin.storage === null) {
      const storage = this.alloc(from.bytes);
      const bytes = this.host.readSync(bytesView(from, from.bytes));
      this.inLine([wholeView(storage, [storage.bytes], 'uint8')], () =>
        this.queue.write(storage.buffer, 0, bytes as Uint8Array<ArrayBuffer>),
      );
      if (++twin.uses < 2) return storage;
      twin.storage = storage;
    }
    twin.storage.retain();
    return twin.storage;
  }

  write(view: View, bytes: Uint8Array): void {
    const own = bytes.slice();
    const at = view.offset * SIZE[view.dtype];
    const { buffer } = view.storage as GpuStorage;
    if (at % 4 === 0 && (own.length % 4 === 0 || at + own.length >= view.storage.bytes - 3)) {
      this.inLine([view], () => this.queue.write(buffer, at, own));
      return;
    }
    const storage = this.alloc(own.length);
    this.inLine([snapshot(view), wholeView(storage, view.shape, view.dtype)], () => {
      this.queue.write(storage.buffer, 0, own);
      this.map(copy, [wholeView(storage, view.shape, view.dtype)], view.dtype, view);
    });
    storage.release();
  }

  /** The bytes of a contiguous view once all calls before are done. @throws the first error that those calls met */
  read(view: View): Promise<Uint8Array> {
    const own = snapshot(view);
    return new Promise((resolve, reject) => {
      this.inLine([own], () => {
        const checks = this.checks;
        this.checks = false;
        const part = {
          buffer: (own.storage as GpuStorage).buffer,
          at: own.offset * SIZE[own.dtype],
          bytes: sizeOf(own.shape) * SIZE[own.dtype],
        };
        const trip = this.queue.read(checks ? [part, { buffer: this.faults, at: 0, bytes: 8 }] : [part]);
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

function mutates(op: Op, i: number): boolean {
  return op.kind === 'kernel' && op.mutates !== undefined && op.mutates.includes(op.inputs[i]?.replace('?', ''));
}
const bytesView = (storage: Storage, n: number): View => ({ storage, offset: 0, shape: [n], strides: [1], dtype: 'uint8', rowMajor: true });

function faultOf(bytes: Uint8Array): WickError | null {
  const [opcode, index] = new Int32Array(bytes.buffer, bytes.byteOffset, 2);
  if (opcode === 0) return null;
  const name = Object.values(TABLE).find((op) => op.opcode === opcode - 1)?.name ?? 'webgpu';
  return new IndexError(`${name}: index ${index} is out of range`);
}
