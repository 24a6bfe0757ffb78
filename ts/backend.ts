import type { DType } from './base/dtype.ts';
import { sameShape } from './base/shape.ts';
import { type Attrs, type MapOp, type Meta, mutates, type Op, type Scalar } from './ops/op.ts';

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

/** Memory that a plan will have: a stand-in until the device knows its place. */
export class Planned implements Storage {
  readonly device = 'plan';
  readonly bytes: number;
  /** Where it will be; none: where its device puts it. */
  readonly home: Device | undefined;
  /** Addresses are relative to where the memory will be. */
  readonly pointer = 0;
  version = 0;
  refs = 1;

  constructor(bytes: number, home?: Device) {
    this.bytes = bytes;
    this.home = home;
  }
  retain(): void {
    this.refs++;
  }
  release(): void {
    this.refs--;
  }
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

/** Whether an operand is a view rather than a number, or none. */
export const isView = (x: unknown): x is View => typeof x === 'object' && x !== null;
/** Whether two views are of the same elements, each at the same place. */
export function sameView(a: View, b: View): boolean {
  return (
    a.storage === b.storage &&
    a.offset === b.offset &&
    a.dtype === b.dtype &&
    sameShape(a.shape, b.shape) &&
    a.shape.every((n, d) => n <= 1 || a.strides[d] === b.strides[d])
  );
}

export type Data = Float32Array | Float64Array | Int32Array | BigInt64Array | Uint16Array | Int16Array | Int8Array | Uint8Array;

/** One run of an op: what a recorder notes and a device lowers. */
export interface Call {
  readonly op: Op;
  readonly inputs: readonly Input[];
  readonly attrs: Attrs;
  readonly outputs: readonly View[];
}

/** What a call writes: its outputs and the inputs that its row changes. */
export function writtenBy({ op, inputs, outputs }: Pick<Call, 'op' | 'inputs' | 'outputs'>): View[] {
  return [...outputs, ...inputs.filter((x, i) => isView(x) && mutates(op, i))] as View[];
}
/** Storages that a call writes. */
export const writesOf = (call: Call): Storage[] => writtenBy(call).map((y) => y.storage);
/** Storages that a call reads. */
export const readsOf = ({ inputs }: Call): Storage[] => inputs.filter(isView).map((x) => x.storage);

/** What a program takes and does, in numbers. */
export interface ProgramStats {
  readonly steps: number;
  /** Steps that fusion spared. */
  readonly fused: number;
  /** Bytes of the memory that its intermediate results share, of the largest set of them that live at once, and of all of them. */
  readonly arena: number;
  readonly live: number;
  readonly intermediates: number;
  /** Bytes that the steps read and write, each operand of each step once; what stays in a fused step's tiles is none of them. */
  readonly bytesMoved: number;
  /** Chains of fused steps that run as machine code of their own: the names of their ops. */
  readonly printed: readonly string[];
}

/** One step of a timed run. */
export interface StepTiming {
  /** The op, or the ops of a fused step. */
  readonly name: string;
  /** Milliseconds from the start of the run, and of the step. */
  readonly start: number;
  readonly duration: number;
}

/** A list of calls that a device made ready: one call runs them all and allocates nothing. */
export interface Program {
  readonly stats: ProgramStats;
  /**
   * Runs over these inputs (storage and first byte) and outputs, in the order in which `program` was given their stand-ins; where `timings`
   * is given, step by step, and appends what each took.
   */
  run(
    inputs: readonly { readonly storage: Storage; readonly byteOffset: number }[],
    outputs: readonly Storage[],
    timings?: StepTiming[],
  ): void;
  dispose(): void;
}

/** How products round, and why not as was asked for. Of each mode there is one. */
export interface Rounding {
  readonly mode: 'strict' | 'fast';
  readonly reason: string;
}
/** What kernels of other modules need of a device to join its own. */
export interface Joinable {
  readonly loaded: { readonly memory: WebAssembly.Memory; readonly exports: { readonly table: WebAssembly.Table } };
  readonly memory: { readonly u8: Uint8Array; readonly u32: Uint32Array; allocRaw(bytes: number): number };
}
/** What kernels of another rounding need of a device besides. */
export interface Roundable extends Joinable {
  math: Rounding;
  /** Opcodes of the kernels that stand in for those of rows, by names. */
  opcodes: Readonly<Record<string, number>>;
  /** Steps kept for calls that come again: they hold opcodes. */
  steps: unknown;
}
/** Sets the rounding of a device; `unpacked` makes a module's bytes of its text. */
export type Rounder = (
  device: Roundable,
  math: string | undefined,
  unpacked: (text: string, bytes: number) => Uint8Array<ArrayBuffer>,
) => void;
export let rounder: Rounder | null = null;
/** Brings kernels of another rounding, which `config` puts to use. */
export function setRounder(r: Rounder): void {
  rounder = r;
}

/** A step of a program as a printer sees it: its words are those in memory. */
export interface ProgramStep {
  readonly op: Op;
  readonly words: Uint32Array;
  /** An elementwise op over elements side by side. */
  readonly flat: boolean;
  /** Operands in memory, by the word that holds their slot. */
  readonly refs: readonly { readonly slot: number; readonly at: number; readonly storage: Storage; readonly offset: number }[];
}
/** Puts code of their own in the place of chains, of a program that lies at an address: which steps share it. */
export type Printer = (device: Joinable, address: number, steps: readonly ProgramStep[]) => readonly (readonly number[])[];
export let printer: Printer | null = null;
/** Brings the printer of plans that run often. */
export function setPrinter(p: Printer): void {
  printer = p;
}

/** What a device beside Wasm reports. */
export interface AcceleratorStats {
  /** Buffers in use, their bytes, and the bytes of those kept for reuse. */
  readonly buffers: number;
  readonly bytes: number;
  readonly spare: number;
}
/** A device that can be turned on beside Wasm: 'wick/gpu' brings it. */
export interface Accelerator {
  start(host: Backend, options: object): Promise<unknown>;
  stats(): AcceleratorStats;
  info(): unknown;
}
export let accelerator: Accelerator | null = null;
/** Brings a device that `gpu()` turns on. */
export function setAccelerator(a: Accelerator): void {
  accelerator = a;
}

/** The seam. Wasm executes at once, WebGPU encodes commands, the recorder of plans writes a graph. */
export interface Backend {
  readonly device: Device;
  /** Plans are made for one rounding. */
  readonly math?: Rounding;
  /** Whether storages lie on several devices: memory is then asked for with the op that will fill it and its inputs. */
  readonly routes?: boolean;
  /** Memory for `bytes` bytes, not cleared. @throws MemoryError */
  alloc(bytes: number, op?: Op, inputs?: readonly unknown[], attrs?: Attrs): Storage;
  /** The tensor on another device, at once or when its data has come, by calls of `through`, a recorder; a device may lack it. */
  // biome-ignore lint/suspicious/noExplicitAny: tensors are defined above the seam
  move?(x: any, device: string, through?: Backend): any;
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
  /**
   * Makes calls ready to run at once. Storages of device 'plan' are stand-ins: for inputs, for outputs, and for intermediate results, which
   * get memory of the program's own. All others are the program's state, at the place where they are. A device may lack it.
   */
  program?(calls: readonly Call[], inputs: readonly Storage[], outputs: readonly Storage[]): Program;
  /** The bytes of a contiguous view, copied. */
  readSync(view: View): Uint8Array;
  read(view: View): Promise<Uint8Array>;
  /** Overwrites a contiguous view. */
  write(view: View, bytes: Uint8Array): void;
  /**
   * A storage's bytes where they lie, if threads may share them (else a copy), for one more reader or one less: while there are any, what
   * it holds may change unseen. A device may lack it.
   */
  lend?(storage: Storage, readers: 1 | -1): Uint8Array;
}
