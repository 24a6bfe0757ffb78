import type { DType } from './base/dtype.ts';
import type { Attrs, MapOp, Meta, Op, Scalar } from './ops/op.ts';

export type Device = 'wasm' | 'webgpu' | 'plan';

/** A piece of device memory. Views share it; it is freed when the last reference lets go or nothing reaches it any more. */
export interface Storage {
  readonly device: Device;
  /** Bytes asked for. */
  readonly bytes: number;
  /** Number of writes since it was made: a derivative compares it with what it saw. */
  version: number;
  /** References: tensors and saved values. 0: freed. */
  refs: number;
  retain(): void;
  release(): void;
}

/** Where a tensor's elements lie. */
export interface View extends Meta {
  readonly storage: Storage;
  /** In elements. */
  readonly offset: number;
  /** Row-major without gaps. */
  readonly rowMajor: boolean;
}

export type Input = View | Scalar | null;

export type Data = Float32Array | Float64Array | Int32Array | BigInt64Array | Uint16Array | Int16Array | Int8Array | Uint8Array;

/** The seam. Wasm executes at once, WebGPU encodes commands, the recorder of plans writes a graph. */
export interface Backend {
  readonly device: Device;
  /** Memory for `bytes` bytes, not cleared. @throws MemoryError */
  alloc(bytes: number): Storage;
  /**
   * Runs one op. Outputs are given: shapes, dtypes and strides follow the op's rule, or are those of an existing tensor for work in place.
   * A map op's attrs are `{ dtype }`: the promoted dtype that its operands convert to.
   */
  run(op: Op, inputs: readonly Input[], attrs: Attrs, outputs: readonly View[]): void;
  /**
   * A map op whose tensors are row-major, of one shape (n elements) and one dtype, float32 or float64, into a fresh output (operands that
   * the op does not have are null): what most calls
   * are, without the questions that `run` has to ask.
   */
  runDense(op: MapOp, a: View, b: Input, c: Input, dtype: DType, out: View, n: number): void;
  /** The bytes of a contiguous view, copied. */
  readSync(view: View): Uint8Array;
  read(view: View): Promise<Uint8Array>;
  /** Overwrites a contiguous view. */
  write(view: View, bytes: Uint8Array): void;
}
