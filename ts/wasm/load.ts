import { instantiateSync } from '@assemblyscript/loader';
import { DeviceError } from '../base/errors.ts';
import { compiled } from './module.ts';

/** The module's functions (assembly/index.ts). */
export interface Exports {
  /** 0, or the code of the first error. */
  run(step: number, count: number): number;
  /** An elementwise op on floats side by side, by addresses; -1: the number x, in at most 4096 bytes. */
  span(opcode: number, dtype: number, y: number, a: number, b: number, c: number, bytes: number, x: number): void;
  /** The kernels by opcode, from 1 on; others may join behind them. */
  readonly table: WebAssembly.Table;
  start(mayWait: number): void;
  work(id: number): void;
  heapBase(): number;
  setScratch(pointer: number): void;
  workers(): number;
  setThreads(n: number): void;
  abandon(code: number): void;
  statusDetail(): number;
  /** Steps that the last run had not done when an error stopped it, the failed one included. */
  stepsLeft(): number;
}

export interface Loaded {
  readonly module: WebAssembly.Module;
  readonly memory: WebAssembly.Memory;
  readonly exports: Exports;
  readonly maxPages: number;
}

/** A shared memory as large as the runtime lets it become: some browsers refuse large maxima. */
function makeMemory(): { memory: WebAssembly.Memory; maxPages: number } {
  for (let maximum = 65535; maximum >= 256; maximum >>= 1) {
    try {
      return { memory: new WebAssembly.Memory({ initial: 16, maximum, shared: true }), maxPages: maximum };
    } catch {
      // Try half.
    }
  }
  throw new DeviceError('wick: this runtime gives no shared WebAssembly memory, not even 16 MB; it needs WebAssembly threads');
}

/** Compiles and instantiates the inlined module. @throws DeviceError where WebAssembly SIMD or threads are missing */
export function load(): Loaded {
  const { memory, maxPages } = makeMemory();
  let module: WebAssembly.Module;
  try {
    module = compiled();
  } catch (cause) {
    throw new DeviceError('wick: this runtime does not compile WebAssembly with SIMD and threads', { cause });
  }
  const env: Record<string, unknown> = { memory, now: () => performance.now(), join() {} };
  // The instance's own functions: the loader's wrappers cost more than a small op.
  const { instance } = instantiateSync(module, { env });
  return { module, memory, exports: instance.exports as unknown as Exports, maxPages };
}
