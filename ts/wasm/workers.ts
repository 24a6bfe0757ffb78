import type { Exports, Loaded } from './load.ts';
import type { Space } from './space.ts';

// biome-ignore lint/suspicious/noExplicitAny: globals of runtimes whose types are not all present
const host = globalThis as any;
const SCRATCH = 1 << 19;

/** Runs in a worker_threads worker and in a Web Worker alike: instantiate over the shared memory, then serve. `join`: see ts/tensor/joined.ts. */
const SOURCE = `
const threads = globalThis.process?.getBuiltinModule?.('node:worker_threads');
const go = ({ module, memory, scratch, id }) => {
  const abort = () => { throw new Error('abort'); };
  let last = 0;
  const join = () => {
    const words = new Uint32Array(memory.buffer), fresh = [], top = words[1136];
    for (let r = top; r !== last; r = words[r >> 2]) fresh.unshift(r >> 2);
    last = top;
    for (const r of fresh) {
      const more = new WebAssembly.Module(new Uint8Array(memory.buffer).slice(words[r + 1], words[r + 1] + words[r + 2]));
      const kernels = new WebAssembly.Instance(more, { env: { memory, table: x.table } }).exports;
      kernels.setScratch(scratch);
      for (const kernel of Object.values(kernels)) x.table.grow(1, kernel);
    }
  };
  const x = new WebAssembly.Instance(module, { env: { memory, abort, now: abort, join } }).exports;
  x.setScratch(scratch);
  x.start(1);
  for (;;) {
    try { x.work(id); } catch (e) { x.abandon(2); }
  }
};
if (threads?.workerData?.scratch) go(threads.workerData);
else globalThis.onmessage = (e) => go(e.data);
`;
let url = '';

/** Starts a worker, which does not keep the process alive; calls back if it dies. @throws where none can start */
function start(data: object, dead: (why: string) => void): void {
  const threads = host.process?.getBuiltinModule?.('node:worker_threads');
  if (threads) {
    const worker = new threads.Worker(SOURCE, { eval: true, workerData: data, stdin: false });
    worker.on('error', (error: unknown) => dead(`${error}`));
    worker.on('exit', () => dead('it ended'));
    worker.unref();
  } else {
    url ||= URL.createObjectURL(new Blob([SOURCE]));
    const worker = new host.Worker(url);
    worker.onerror = (event: ErrorEvent) => {
      event.preventDefault();
      dead(event.message ?? "the page's policy forbids workers from blob: addresses");
    };
    worker.postMessage(data);
  }
}

/** Why this runtime cannot have workers that share memory; empty where nothing speaks against them. */
export function obstacle(): string {
  if (host.process?.getBuiltinModule) return '';
  if (!host.Worker) return 'this runtime has no workers';
  return host.crossOriginIsolated ? '' : 'the page is not cross-origin isolated (docs/runtimes.md names the headers)';
}

/** Number of threads that the machine says it has. */
export function cores(): number {
  return host.process?.getBuiltinModule?.('node:os')?.availableParallelism?.() ?? host.navigator?.hardwareConcurrency ?? 1;
}

/** The workers beside this thread. They start at the first work above the grain and count from when they report ready. */
export class Pool {
  private readonly loaded: Loaded;
  private readonly memory: Space;
  private readonly exports: Exports;
  private started = 1;
  private wanted: number;
  /** Why there are fewer threads than asked for; empty when there are not. */
  reason = '';

  constructor(loaded: Loaded, memory: Space) {
    this.loaded = loaded;
    this.memory = memory;
    this.exports = loaded.exports;
    this.exports.setScratch(memory.allocRaw(SCRATCH));
    this.exports.start(host.document === undefined ? 1 : 0);
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
    this.reason = obstacle();
    while (this.started < this.wanted && this.reason === '') this.add(this.started++);
  }

  private add(id: number): void {
    const { module, memory } = this.loaded;
    let scratch = 0;
    let over = false;
    const dead = (why: string): void => {
      if (over) return;
      over = true;
      this.started--;
      // Between operations no tile is lost with it: if it took part, it no longer does.
      if (this.ready >= this.started) this.exports.abandon(0);
      if (scratch !== 0) this.memory.freeRaw(scratch, SCRATCH);
      if (this.reason !== '') return;
      this.reason = `worker ${id} is gone: ${why}`;
      host.console?.warn(`wick: ${this.reason}; work goes on with the threads left`);
    };
    try {
      scratch = this.memory.allocRaw(SCRATCH);
      start({ module, memory, scratch, id }, dead);
    } catch (error) {
      dead(`${error}`);
    }
  }

  /** Uses n threads in all from the next operation on: surplus workers sleep, missing ones start when there is work. */
  set(n: number): void {
    this.wanted = n;
    this.reason = '';
    this.exports.setThreads(n);
  }
}
