// The recorder: a device that hands everything on to the real one and notes it.
import type { Backend, Call, Device, Input, Storage, View } from '../backend.ts';
import type { DType } from '../base/dtype.ts';
import { StateError } from '../base/errors.ts';
import type { Attrs, MapOp, Op } from '../ops/op.ts';

const NUMBERS = Object.fromEntries(['float32', 'float64'].map((dtype) => [dtype, { dtype }])) as unknown as Readonly<Record<DType, Attrs>>;

function noted<T extends Input>(x: T): T {
  if (typeof x !== 'object' || x === null) return x;
  const { storage, offset, shape, strides, dtype, rowMajor } = x;
  return { storage, offset, shape, strides, dtype, rowMajor } as T;
}

/** Runs and notes. */
export class Recorder implements Backend {
  readonly inner: Backend;
  readonly calls: Call[] = [];
  /** Storages allocated while recording. */
  readonly made: Set<Storage> = new Set();
  /** Bytes that the program wrote into storages it made: constants. */
  readonly written: Map<Storage, Uint8Array> = new Map();

  constructor(inner: Backend) {
    this.inner = inner;
  }
  get device(): Device {
    return this.inner.device;
  }
  get routes(): boolean | undefined {
    return this.inner.routes;
  }
  alloc(bytes: number, op?: Op, inputs?: readonly unknown[], attrs?: Attrs): Storage {
    const storage = this.inner.alloc(bytes, op, inputs, attrs);
    this.made.add(storage);
    return storage;
  }
  // biome-ignore lint/suspicious/noExplicitAny: tensors are defined above the seam
  move(x: any, device: string): any {
    return this.inner.move?.(x, device, this);
  }
  run(op: Op, inputs: readonly Input[], attrs: Attrs, outputs: readonly View[]): void {
    this.note(op, inputs, attrs, outputs);
    this.inner.run(op, inputs, attrs, outputs);
  }
  runDense(op: MapOp, a: View, b: Input, c: Input, dtype: DType, out: View, n: number): void {
    this.note(op, [a, b, c].slice(0, op.inputs.length), NUMBERS[dtype], [out]);
    this.inner.runDense(op, a, b, c, dtype, out, n);
  }
  private note(op: Op, inputs: readonly Input[], attrs: Attrs, outputs: readonly View[]): void {
    this.calls.push({ op, inputs: inputs.map(noted), attrs, outputs: outputs.map(noted) });
  }
  readSync(): Uint8Array {
    throw new StateError(
      "compile: a tensor's value is read while the function is captured, so its result cannot depend on the data of later calls; return the tensor and read it outside",
    );
  }
  async read(): Promise<Uint8Array> {
    return this.readSync();
  }
  write(view: View, bytes: Uint8Array): void {
    if (!this.made.has(view.storage) || view.offset !== 0)
      throw new StateError('compile: data from JavaScript is written into a tensor while the function is captured; pass it as an argument');
    this.written.set(view.storage, bytes.slice());
    this.inner.write(view, bytes);
  }
}
