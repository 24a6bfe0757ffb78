/**
 * Kernels with fused multiply-adds for matrix products, convolutions and attention: `import 'wick/fast'`, then
 * `wick.config({ math: 'fast' })`. They need relaxed SIMD; `info().math` says whether the runtime has it.
 */
import { extend } from '../backend.ts';
import { fast, size } from './gen/fast.ts';

/** Whether the engine keeps the order of the instructions, so that a tile of six rows stays in its registers: V8 from 13.6 on. */
function tall(): boolean {
  // biome-ignore lint/suspicious/noExplicitAny: globals of runtimes whose types are not all present
  const { Deno, process, navigator } = globalThis as any;
  const v8 = Deno?.version?.v8 ?? process?.versions?.v8;
  if (process?.versions?.bun) return false;
  if (v8 !== undefined) return Number.parseFloat(v8) >= 13.6;
  return Number(/Chrome\/(\d+)/.exec(navigator?.userAgent ?? '')?.[1]) >= 136;
}

extend({ text: fast, size, tall: tall() });

/** Bytes of the module with the fast kernels. */
export const bytes: number = size;
