// Kernels that join the core's function table: here in this thread's instance, and in each worker's (ts/wasm/workers.ts) before its next
// tile, from the bytes left in memory. A step names them by opcodes of their own, so the core asks nothing.
import type { Joinable } from '../backend.ts';

/** Where workers look (JOINED of assembly/step.ts): the last module's record, [the record before, address, bytes]. */
export const JOINED: number = 4544 >> 2;
const SCRATCH = 1 << 19;
const scratches = new WeakMap<Joinable, number>();

/** Opcodes of a module's functions, now at the end of the table; null where the runtime does not compile it. */
export function joinKernels(device: Joinable, code: Uint8Array<ArrayBuffer>): Record<string, number> | null {
  const { loaded, memory } = device;
  const { table } = loaded.exports;
  let module: WebAssembly.Module;
  try {
    module = new WebAssembly.Module(code);
  } catch {
    return null;
  }
  const kernels = new WebAssembly.Instance(module, { env: { memory: loaded.memory, table } }).exports as Record<string, CallableFunction>;
  let scratch = scratches.get(device);
  if (scratch === undefined) {
    scratch = memory.allocRaw(SCRATCH);
    scratches.set(device, scratch);
  }
  kernels.setScratch(scratch);
  const address = memory.allocRaw(code.length);
  const record = memory.allocRaw(16);
  memory.u8.set(code, address);
  memory.u32.set([memory.u32[JOINED], address, code.length], record >> 2);
  memory.u32[JOINED] = record;
  // An opcode is a place in the table, from 1 on.
  return Object.fromEntries(
    Object.entries(kernels).map(([name, kernel]) => {
      const place = table.grow(1);
      table.set(place, kernel);
      return [name, place - 1];
    }),
  );
}
