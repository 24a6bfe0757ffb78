// The fast kernels join the core's function table: here in this thread's instance, and in each worker's (ts/wasm/workers.ts) before its next
// tile, from the bytes left in memory. A step names them by opcodes of their own, so the core asks nothing.
import { type Roundable, type Rounder, type Rounding, setRounder } from '../backend.ts';
import { ValueError } from '../base/errors.ts';
import { Memo } from '../ops/memo.ts';
import { fast, size } from './gen/fast.ts';

/** Bytes of the module with the fast kernels. */
export const bytes: number = size;

/** Where workers and kernels look: JOINED of assembly/step.ts. */
const JOINED = 4544 >> 2;
const SCRATCH = 1 << 19;

/** What a device has in a mode. */
type Mode = Pick<Roundable, 'math' | 'opcodes' | 'steps'>;
const MISSING: Rounding = { mode: 'strict', reason: 'this runtime compiles no relaxed SIMD' };
const modes = new WeakMap<Roundable, Record<string, Mode>>();

/** Whether the engine keeps the order of the instructions, so that a tile of six rows stays in its registers: V8 from 13.6 on. */
function tall(): boolean {
  // biome-ignore lint/suspicious/noExplicitAny: globals of runtimes whose types are not all present
  const { Bun, Deno, process, navigator } = globalThis as any;
  if (Bun) return false;
  const v8 = Deno?.version?.v8 ?? process?.versions?.v8;
  if (v8 !== undefined) return Number.parseFloat(v8) >= 13.6;
  return Number(/Chrome\/(\d+)/.exec(navigator?.userAgent ?? '')?.[1]) >= 136;
}

/** Opcodes of the module's functions, now at the end of the table; null where the runtime does not compile it. */
function join({ loaded, memory }: Roundable, code: Uint8Array<ArrayBuffer>): Record<string, number> | null {
  let module: WebAssembly.Module;
  try {
    module = new WebAssembly.Module(code);
  } catch {
    return null;
  }
  const kernels = new WebAssembly.Instance(module, { env: { memory: loaded.memory } }).exports as Record<string, CallableFunction>;
  kernels.setScratch(memory.allocRaw(SCRATCH));
  const address = memory.allocRaw(code.length);
  memory.u8.set(code, address);
  memory.u32.set([address, code.length, tall() ? 1 : 0], JOINED);
  // An opcode is a place in the table, from 1 on.
  const { table } = loaded.exports;
  return Object.fromEntries(
    Object.entries(kernels).map(([name, kernel]) => {
      const place = table.grow(1);
      table.set(place, kernel);
      return [name, place - 1];
    }),
  );
}

const setMath: Rounder = (device, math, unpacked) => {
  if (math === undefined) return;
  if (math !== 'strict' && math !== 'fast') throw new ValueError(`config: math '${math}'; use 'strict' or 'fast'`);
  let known = modes.get(device);
  if (known === undefined) {
    const { steps, opcodes } = device;
    known = { strict: { math: device.math, opcodes, steps } };
    modes.set(device, known);
  }
  if (known.fast === undefined && math === 'fast') {
    const opcodes = join(device, unpacked(fast, size));
    known.fast = opcodes ? { math: { mode: 'fast', reason: '' }, opcodes, steps: new Memo() } : { ...known.strict, math: MISSING };
  }
  Object.assign(device, known[math]);
};
setRounder(setMath);
