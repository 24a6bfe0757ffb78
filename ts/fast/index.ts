// Fast mode: products of fused multiply-adds, by kernels that join the core's.
import { type Roundable, type Rounder, type Rounding, setRounder } from '../backend.ts';
import { ValueError } from '../base/errors.ts';
import { Memo } from '../ops/memo.ts';
import { JOINED, joinKernels } from '../tensor/joined.ts';
import { fast, size } from './gen/fast.ts';

/** Bytes of the module with the fast kernels. */
export const bytes: number = size;

/** Where kernels look whether tiles of six rows are worth it: TALL of assembly/step.ts. */
const TALL = JOINED + 2;

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

/** Opcodes of the fast kernels; null where the runtime does not compile them. */
function join(device: Roundable, code: Uint8Array<ArrayBuffer>): Record<string, number> | null {
  const opcodes = joinKernels(device, code);
  if (opcodes !== null) device.memory.u32[TALL] = tall() ? 1 : 0;
  return opcodes;
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
