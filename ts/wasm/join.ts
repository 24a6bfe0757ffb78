// Kernels of a module beside the core: they join the core's function table, here in this thread's instance, and in each worker's
// (ts/wasm/workers.ts) before its next tile, from the bytes left in memory. A step names them by opcodes of their own.
import { extension } from '../backend.ts';
import { DeviceError } from '../base/errors.ts';
import { type Loaded, unpacked } from './load.ts';
import type { Memory } from './memory.ts';

/** Where workers find the module: JOINED of assembly/step.ts. */
export const JOINED = 4544;

/** Opcodes by the names of ops; null where this runtime does not compile the module. @throws DeviceError where there is none */
export function join({ exports, memory: wasm }: Loaded, memory: Memory, scratch: number): Record<string, number> | null {
  if (extension === null) throw new DeviceError("config: math 'fast' needs its kernels; import 'wick/fast' first");
  const bytes = unpacked(extension.text, extension.size);
  let module: WebAssembly.Module;
  try {
    module = new WebAssembly.Module(bytes);
  } catch {
    return null;
  }
  const address = memory.allocRaw(bytes.length);
  memory.u8.set(bytes, address);
  memory.u32.set([address, bytes.length, extension.tall ? 1 : 0], JOINED >> 2);
  const { setScratch, ...kernels } = new WebAssembly.Instance(module, { env: { memory: wasm } }).exports as Record<
    string,
    CallableFunction
  >;
  setScratch(scratch);
  // An opcode is a place in the table, from 1 on.
  return Object.fromEntries(
    Object.keys(kernels)
      .sort()
      .map((name) => [name, exports.table.grow(1, kernels[name]) - 1]),
  );
}
