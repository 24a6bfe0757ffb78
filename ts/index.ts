// The composition root: the only file that names a device.
import { type AcceleratorStats, accelerator, type Rounding, rounder } from './backend.ts';
import { DeviceError, ValueError } from './base/errors.ts';
import { setBackend } from './tensor/core.ts';
import { Engine } from './wasm/engine.ts';
import type { MemoryStats } from './wasm/memory.ts';
import { unpacked } from './wasm/module.ts';

const engine = new Engine();
setBackend(engine);

export type { DType } from './base/dtype.ts';
export * from './base/errors.ts';
export { load, type ModelSource } from './formats/load.ts';
export type { LoadOptions, Model, Port } from './formats/model.ts';
export { type Compiled, type CompileOptions, compile, type Explanation, explain } from './tensor/compile.ts';
export * from './tensor/index.ts';
export type { MemoryStats } from './wasm/memory.ts';

/** Memory of the Wasm device in bytes; `gpu`, once it was on, that of WebGPU. @example memory().live */
export function memory(): MemoryStats & { readonly gpu?: AcceleratorStats } {
  return { ...engine.stats(), gpu: accelerator?.stats() };
}
/** What `gpu` takes. */
export interface GpuOptions {
  /** Operations of at least so many multiplications and additions go to the GPU wherever their operands lie; default: never by themselves. */
  readonly minFlops?: number;
  /** A GPU object where the runtime has none of its own: that of the npm package `webgpu`, in Node. Default: `navigator.gpu`. */
  readonly gpu?: unknown;
}
/**
 * Turns WebGPU on, after `import 'wick/gpu'`: tensors can be moved there, and what is computed from them stays there. Gives what `info().gpu`
 * gives. @throws DeviceError where 'wick/gpu' was not imported, or where the runtime has no adapter, with the reason
 * @example await gpu().catch(() => 'none'); // import 'wick/gpu' first
 */
export async function gpu(options: GpuOptions = {}): Promise<unknown> {
  if (accelerator === null) throw new DeviceError("gpu: WebGPU needs its backend; import 'wick/gpu' first");
  await accelerator.start(engine, options);
  return accelerator.info();
}
/** Starts `memory().peak` anew from what is live. */
export function resetPeakMemory(): void {
  engine.memory.resetPeak();
}
/** Caps the Wasm memory; allocations beyond it throw MemoryError, after which the engine works on. */
export function setMemoryLimit(bytes: number): void {
  engine.memory.setLimit(bytes);
}
/** Frees what the program dropped, at once, where the runtime can tell (Node, Deno, Bun); true if something came back. */
export function reclaim(): boolean {
  return engine.memory.reclaim(true);
}
/** Uses n threads in all, this one included, from the next operation on. The bits of results do not depend on it. */
export function setThreads(n: number): void {
  if (!Number.isInteger(n) || n < 1 || n > 64) throw new ValueError(`setThreads: ${n} is not a whole number from 1 to 64`);
  engine.pool.set(n);
}

/** What `config` sets. */
export interface Config {
  readonly math?: 'strict' | 'fast';
}
/**
 * Sets how wick computes, from the next operation on. `math: 'fast'`, after `import 'wick/fast'`: matrix products, convolutions and attention
 * round once instead of twice where they multiply and add, if the runtime has relaxed SIMD (`info().math` says so), so that their last bits
 * depend on the machine. `'strict'`, the default: the same bits everywhere. @throws DeviceError where 'wick/fast' was not imported
 * @example config({ math: 'strict' })
 */
export function config({ math }: Config): void {
  if (rounder !== null) rounder(engine, math, unpacked);
  else if (math === 'fast') throw new DeviceError("config: math 'fast' needs its kernels; import 'wick/fast' first");
}

/** What `info()` reports. */
export interface Info {
  /** Name and version; in browsers what the browser calls itself. */
  readonly runtime: string;
  readonly device: string;
  readonly simd: string;
  /** Asked for, working at this moment, processors, and why there are fewer than asked for. */
  readonly threads: { readonly wanted: number; readonly ready: number; readonly cores: number; readonly reason: string };
  readonly memory: MemoryStats;
  readonly math: Rounding;
  /** The adapter of WebGPU and what was explained about it, once it is on. */
  readonly gpu?: unknown;
}
/** The runtime, the device, its SIMD, its threads (and why not more), its memory, its rounding (and why not the one that was asked for). */
export function info(): Info {
  const host = globalThis as { process?: { versions?: Record<string, string> }; navigator?: { userAgent?: string } };
  const versions = host.process?.versions;
  const name = ['bun', 'deno', 'node'].find((name) => versions?.[name]);
  const runtime = name ? `${name} ${versions?.[name]}` : (host.navigator?.userAgent ?? 'unknown');
  return {
    runtime,
    device: 'wasm',
    simd: '128 bits',
    threads: engine.threads(),
    memory: engine.stats(),
    math: engine.math,
    gpu: accelerator?.info(),
  };
}
