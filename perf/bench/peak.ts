// What this machine can do at all, through Wasm on one thread: the denominators of the table.
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';

interface Kernels {
  readonly memory: WebAssembly.Memory;
  chains(n: number, x: number, y: number): number;
  copy(q: number, p: number, bytes: number): void;
  read(p: number, bytes: number): number;
}

/** Measured ceilings of one thread. */
export interface Peak {
  /** Multiplications and additions of float32 a second, in registers, without relaxed SIMD. */
  readonly flops: () => number;
  /** Bytes a second, read and written ones added, of a copy whose source has so many bytes. */
  readonly copied: (bytes: number) => number;
  /** Bytes a second read. */
  readonly read: (bytes: number) => number;
}

const BASE = 65536;
const FLOPS_PER_ROUND = 12 * 4 * 2;

/** The shortest of several runs of `body`, in seconds. */
export function best(body: () => void, seconds: number): number {
  let shortest = Number.POSITIVE_INFINITY;
  const end = performance.now() + seconds * 1000;
  do {
    const start = performance.now();
    body();
    shortest = Math.min(shortest, performance.now() - start);
  } while (performance.now() < end);
  return shortest / 1000;
}

/** Compiles and instantiates assembly/perf/peak.ts. */
export function peak(): Peak {
  const out = 'build/wasm/peak.wasm';
  mkdirSync('build/wasm', { recursive: true });
  const asc = ['node_modules/assemblyscript/bin/asc.js', '--config', 'perf/bench/asconfig.json', '-o', out];
  execFileSync(process.execPath, asc, { stdio: 'inherit' });
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(readFileSync(out)), { env: { abort() {} } });
  const k = exports as unknown as Kernels;
  const reserve = (bytes: number): void => {
    const missing = BASE + 2 * bytes + 4096 - k.memory.buffer.byteLength;
    if (missing <= 0) return;
    k.memory.grow(Math.ceil(missing / 65536));
    // Untouched pages are all one page of zeros, and reading them costs nothing.
    new Uint8Array(k.memory.buffer).fill(1, BASE);
  };
  const rounds = 20000;
  for (let i = 0; i < 200; i++) k.chains(1000, 0.5, 0.25);
  return {
    flops: () => (FLOPS_PER_ROUND * rounds) / best(() => k.chains(rounds, 0.5, 0.25), 0.02),
    copied: (bytes) => {
      reserve(bytes);
      return (2 * bytes) / best(() => k.copy(BASE + bytes + 4096, BASE, bytes), 0.02);
    },
    read: (bytes) => {
      reserve(bytes);
      return bytes / best(() => k.read(BASE, bytes), 0.02);
    },
  };
}
