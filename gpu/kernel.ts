// What kernels get: operands where they lie, results to fill, and a way to run shaders over them.
import type { View } from '../ts/backend.ts';
import { type DType, SIZE } from '../ts/base/dtype.ts';
import { contiguousStrides, type Shape, sizeOf } from '../ts/base/shape.ts';
import type { Attrs, KernelOp, Meta } from '../ts/ops/op.ts';
import type { GpuStorage } from './memory.ts';
import { type Binding, type Buffered, bitsOf, bound, GROUP, type Sink, WORDS } from './queue.ts';
import { type Declared, shader, uint } from './shader.ts';
import { arrayOf, type Kind, kindOf, load, stored, WGSL } from './types.ts';

/** A tensor of a kernel by the name that its shader uses. */
export interface Operand {
  readonly name: string;
  readonly view: View;
  readonly writes?: boolean;
  /** The kind in which the shader has its values; default: that of its dtype. An int64 as i32 is cut to the range of int32. */
  readonly kind?: Kind;
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
  readonly faults: Buffered;
}
export interface RunOptions {
  /** Text outside the entry point. */
  readonly more?: string;
  /** Workgroup size as WGSL has it, and then `threads` counts workgroups. */
  readonly size?: string;
  /** Goes into number WORDS - 2: how many lines there are. */
  readonly lines?: number;
  /** Whether it may call fault(index: i32). */
  readonly checks?: boolean;
}

/** A kernel: what it does, and where it takes operands as they lie or refuses a call. */
export interface GpuKernel {
  readonly run: (call: KernelCall) => void;
  /** Operands that may have any strides, by number; default: none. */
  readonly strided?: readonly number[];
  /** Whether results may be 16-bit floats, which are stored once. */
  readonly halves?: boolean;
  /** Whether results may have any strides too. */
  readonly anyResult?: boolean;
  /** Why a call is not for this device; null: it is. */
  readonly refuses?: (inputs: readonly (Meta | null)[], attrs: Attrs) => string | null;
}

/** Numbers that hold the operands' offsets. */
const OFFSETS = 48;
/** ld_x(i) and st_x(i, v) for the operands that a text reads or writes so. */
function accessors(operands: readonly Operand[], text: string): string {
  const lines = operands.flatMap(({ name, view, kind = kindOf(view.dtype) }, k) => {
    const at = `${uint(OFFSETS + k)} + i_`;
    const value =
      view.dtype === 'int64' && kind === 'i32' ? `narrow_i64(${load(name, at, 'int64', 'i64')})` : load(name, at, view.dtype, kind);
    const found: string[] = [];
    if (text.includes(`ld_${name}(`)) found.push(`fn ld_${name}(i_: u32) -> ${WGSL[kind]} { return ${value}; }`);
    if (text.includes(`st_${name}(`))
      found.push(`fn st_${name}(i_: u32, v_: ${WGSL[kind]}) { ${name}[${at}] = ${stored('v_', kind, view.dtype)}; }`);
    return found;
  });
  return lines.map((line) => `${line}\n`).join('');
}

export function dispatch(
  sink: Sink,
  op: KernelOp,
  faults: Buffered,
  name: string,
  operands: readonly Operand[],
  { ints, floats = [] }: Numbers,
  threads: number,
  body: string,
  { more = '', size, checks = false, lines = 0 }: RunOptions = {},
): void {
  if (threads === 0) return;
  const numbers = new Int32Array(WORDS);
  numbers.set(ints);
  floats.forEach((x, i) => {
    numbers[ints.length + i] = bitsOf(x);
  });
  numbers[WORDS - 1] = op.opcode + 1;
  numbers[WORDS - 2] = lines;
  operands.forEach(({ view }, k) => {
    numbers[OFFSETS + k] = view.offset;
  });
  const bindings: Binding[] = operands.map(({ view, writes = false }) => ({ of: view.storage as GpuStorage, writes }));
  const arrays: Declared[] = operands.map(({ name, view }) => ({ name, type: arrayOf(view.dtype), writes: false }));
  let text = `${accessors(operands, more + body)}${more}`;
  if (checks) {
    bindings.push({ of: faults, writes: true });
    arrays.push({ name: 'faults', type: 'atomic<u32>', writes: false });
    text += `\nfn fault(i: i32) {\n  if (atomicMax(&faults[0], u32(N[${(WORDS - 1) >> 2}][3])) == 0u) { atomicStore(&faults[1], bitcast<u32>(i)); }\n}`;
  }
  const key = `${name}:${operands.map((o) => `${o.view.dtype}${o.kind ?? ''}`)}${size ?? ''}`;
  const own = bound(bindings);
  const declared = arrays.map((a, i) => ({ ...a, writes: own[i].writes }));
  sink.dispatch(key, () => shader(declared, body, text, size), own, numbers, size === undefined ? Math.ceil(threads / GROUP) : threads);
}

/** A row-major view of a storage. */
export function wholeView(storage: GpuStorage, shape: Shape, dtype: DType, offset = 0): View {
  return { storage, shape, dtype, offset, strides: contiguousStrides(shape), rowMajor: true };
}
/** Bytes for n elements, in whole words. */
export function bytesFor(shape: Shape, dtype: DType): number {
  return Math.ceil((sizeOf(shape) * SIZE[dtype]) / 4) * 4;
}
