// What kernels get: operands where they lie, results to fill, and a way to run shaders over them.
import type { View } from '../ts/backend.ts';
import type { DType } from '../ts/base/dtype.ts';
import { contiguousStrides, type Shape, sizeOf } from '../ts/base/shape.ts';
import type { Attrs, KernelOp, Meta } from '../ts/ops/op.ts';
import type { GpuStorage } from './memory.ts';
import { type Binding, bitsOf, GROUP, type Queue, WORDS } from './queue.ts';
import { type Declared, shader } from './shader.ts';
import { arrayOf, perWord } from './types.ts';

/** A tensor of a kernel by the name that its shader uses. */
export interface Operand {
  readonly name: string;
  readonly view: View;
  readonly writes?: boolean;
}

/** A shader's numbers: whole ones, then floats. */
export interface Numbers {
  readonly ints: readonly number[];
  readonly floats?: readonly number[];
}

/** One call of an op with a kernel. Inputs are row-major unless the kernel takes them as they lie; outputs are row-major, in dtypes of whole words. */
export interface KernelCall {
  readonly op: KernelOp;
  readonly inputs: readonly (View | null)[];
  readonly outputs: readonly View[];
  // biome-ignore lint/suspicious/noExplicitAny: attrs are typed where an op is called
  readonly attrs: any;
  /** Memory that lives within the call. */
  temporary(shape: Shape, dtype: DType): View;
  /** The view, or a row-major copy of it. */
  rowMajor(x: View): View;
  /** Fills a tensor with zeros. */
  zero(x: View): void;
  copy(from: View, to: View): void;
  /** Runs `threads` threads of a shader over operands. Its name and the dtypes of the operands tell it from others. */
  run(name: string, operands: readonly Operand[], numbers: Numbers, threads: number, body: string, options?: RunOptions): void;
  /** A shader that checks an index calls `fault(index)`. */
  readonly faults: GPUBuffer;
}
export interface RunOptions {
  /** Text outside the entry point. */
  readonly more?: string;
  /** Workgroup size as WGSL has it, and then `threads` counts workgroups. */
  readonly size?: string;
  /** Whether it may call fault(index: i32). */
  readonly checks?: boolean;
}

/** A kernel: what it does, and where it takes operands as they lie or refuses a call. */
export interface GpuKernel {
  readonly run: (call: KernelCall) => void;
  /** Operands that may have any strides, by number; default: none. */
  readonly strided?: readonly number[];
  /** Why a call is not for this device; null: it is. */
  readonly refuses?: (inputs: readonly (Meta | null)[], attrs: Attrs) => string | null;
}

export function dispatch(
  queue: Queue,
  op: KernelOp,
  faults: GPUBuffer,
  name: string,
  operands: readonly Operand[],
  { ints, floats = [] }: Numbers,
  threads: number,
  body: string,
  { more = '', size, checks = false }: RunOptions = {},
): void {
  if (threads === 0) return;
  const numbers = new Int32Array(WORDS);
  numbers.set(ints);
  floats.forEach((x, i) => {
    numbers[ints.length + i] = bitsOf(x);
  });
  numbers[WORDS - 1] = op.opcode + 1;
  const bindings: Binding[] = operands.map(({ view, writes = false }) => ({ buffer: (view.storage as GpuStorage).buffer, writes }));
  const arrays: Declared[] = operands.map(({ name, view, writes = false }) => ({ name, type: arrayOf(view.dtype), writes }));
  let text = more;
  if (checks) {
    bindings.push({ buffer: faults, writes: true });
    arrays.push({ name: 'faults', type: 'atomic<u32>', writes: true });
    text += `\nfn fault(i: i32) {\n  if (atomicMax(&faults[0], u32(N[${(WORDS - 1) >> 2}][3])) == 0u) { atomicStore(&faults[1], bitcast<u32>(i)); }\n}`;
  }
  const key = `${name}:${operands.map((o) => o.view.dtype)}`;
  queue.dispatch(key, () => shader(arrays, body, text, size), bindings, numbers, size === undefined ? Math.ceil(threads / GROUP) : threads);
}

/** A row-major view of a storage. */
export function wholeView(storage: GpuStorage, shape: Shape, dtype: DType, offset = 0): View {
  return { storage, shape, dtype, offset, strides: contiguousStrides(shape), rowMajor: true };
}
/** Bytes for n elements, in whole words. */
export function bytesFor(shape: Shape, dtype: DType): number {
  const per = perWord(dtype);
  return dtype === 'int64' || dtype === 'float64' ? sizeOf(shape) * 8 : Math.ceil(sizeOf(shape) / per) * 4;
}
