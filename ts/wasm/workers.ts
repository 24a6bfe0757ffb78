import type { Exports, Loaded } from './load.ts';
import type { Memory } from './memory.ts';

// biome-ignore lint/suspicious/noExplicitAny: globals of runtimes whose types are not all present
const host = globalThis as any;
const SCRATCH = 1 << 19;

/** Runs in a worker_threads worker and in a Web Worker alike: instantiate over the shared memory, then serve. `join`: see ts/fast/index.ts. */
const SOURCE = `
const go = ({ module, memory, scratch, id }) => {
  const abort = () => { throw new Error('abort'); };
  const join = () => {
    const [at, n] = new Uint32Array(memory.buffer, 4544);
    const more = new WebAssembly.Module(new Uint8Array(memory.buffer).slice(at, at + n));
    const kernels = new WebAssembly.Instance(more, { env: { memory } }).exports;
    kernels.setScratch(scratch);
    for (const kernel of Object.values(kernels)) x.table.grow(1, kernel);
  };
  const x = new WebAssembly.Instance(module, { env: { memory, abort, now: abort, join } }).exports;
  x.setScratch(scratch);
  x.start(1);
  for (;;) {
    try { x.work(id); } catch (e) { x.abandon(2); }
  }
};
const threads = globalThis.process?.getBuiltinModule?.('node:worker_threads');
if (threads?.workerData?.scratch) go(threads.workerData);
else globalThis.onmessage = (e) => go(e.data);
`;

/** A way to start a worker from a string with given data; null where the runtime has none. */
type Starter = (data: object) => void;

function starter(): Starter | null {
  const threads = host.process?.getBuiltinModule?.('node:worker_threads');
  if (threads)
    return (data) => {
      const worker = new threads.Worker(SOURCE, { eval: true, workerData: data, stdin: false });
      worker.unref();
      worker.on('error', () => {});
    };
  return null;
}

/** Number of threads that the machine says it has. */
export function cores(): number {
  return host.process?.getBuiltinModule?.('node:os')?.availableParallelism?.() ?? host.navigator?.hardwareConcurrency ?? 1;
}

/** The workers beside this thread. They start at the first work above the grain and count from when they report ready. */
export class Pool {
  private readonly loaded: Loaded;
  private readonly memory: Memory;
  private readonly exports: Exports;
  private started = 1;
  private wanted: number;
  /** Why there are fewer threads than asked for; empty when there are not. */
  reason = '';

  constructor(loaded: Loaded, memory: Memory) {
    this.loaded = loaded;
    this.memory = memory;
    this.exports = loaded.exports;
    this.wanted = Math.min(cores(), 16);
    this.exports.setThreads(this.wanted);
  }

  get threads(): number {
    return this.wanted;
  }
  /** Workers that take part at this moment. */
  get ready(): number {
    return this.exports.workers();
  }

  /** Starts the workers that are wanted and not there yet. Cheap to call. */
  ensure(): void {
    if (this.started >= this.wanted || this.reason !== '') return;
    const start = starter();
    if (!start) {
      this.reason = 'this runtime has no way to start a worker that shares memory';
      return;
    }
    const { module, memory } = this.loaded;
    try {
      for (; this.started < this.wanted; this.started++)
        start({ module, memory, scratch: this.memory.allocRaw(SCRATCH), id: this.started });
    } catch (error) {
      this.reason = `worker ${this.started} did not start: ${(error as Error).message}`;
    }
  }

  /** Uses n threads in all from the next operation on: surplus workers sleep, missing ones start when there is work. */
  set(n: number): void {
    this.wanted = n;
    this.reason = '';
    this.exports.setThreads(n);
  }
}
