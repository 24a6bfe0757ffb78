// What goes wrong on other people's machines.
import * as wick from 'wick';
import * as other from 'wick-again';
import { bits } from './bits.mjs';
import { equal, pause } from './run.mjs';

const threads = globalThis.process?.getBuiltinModule?.('node:worker_threads');
/** Where wick finds the class of workers, in this runtime. */
const home = threads ?? globalThis;
const { Worker } = home;

const until = async (holds) => {
  for (let i = 0; i < 1000 && !holds(); i++) await pause();
  if (!holds()) throw new Error('it did not come about within 5 s');
};
/** Runs with console.warn caught; the warnings. */
async function warnings(fn) {
  const { warn } = console;
  const list = [];
  console.warn = (...words) => list.push(words.join(' '));
  try {
    await fn();
  } finally {
    console.warn = warn;
  }
  return list;
}

const alone = (() => {
  wick.setThreads(1);
  return bits(wick);
})();

export const tests = {
  'workers that are refused: one warning, a reason, one thread, the same bits': async () => {
    home.Worker = class {
      constructor() {
        throw new Error('refused on purpose');
      }
    };
    try {
      wick.setThreads(3);
      const said = await warnings(() => equal(bits(wick) === alone, true, 'the same bits'));
      equal(said.length, 1, 'warnings');
      const { ready, reason } = wick.info().threads;
      equal([ready, reason.includes('refused on purpose')], [1, true], reason);
    } finally {
      home.Worker = Worker;
    }
  },

  'a worker that is killed: the others go on, the same bits, and setThreads brings it back': async () => {
    const born = [];
    home.Worker = class extends Worker {
      constructor(...given) {
        super(...given);
        born.push(this);
      }
    };
    try {
      wick.setThreads(3);
      equal(bits(wick) === alone, true, 'the same bits while they start');
      await until(() => wick.info().threads.ready === 3);
      equal(bits(wick) === alone, true, 'the same bits of three');
      const said = await warnings(async () => {
        born[0].terminate();
        // Web Workers die in silence.
        if (threads) await until(() => wick.info().threads.reason !== '');
        for (let i = 0; i < 3; i++) equal(bits(wick) === alone, true, 'the same bits afterwards');
      });
      if (!threads) return;
      equal([said.length, wick.info().threads.ready], [1, 2], 'warnings and threads');
      wick.setThreads(3);
      equal(bits(wick) === alone, true);
      await until(() => wick.info().threads.ready === 3);
      equal(bits(wick) === alone, true, 'the same bits of three again');
    } finally {
      home.Worker = Worker;
    }
  },

  'two copies of wick in one process compute the same with threads of their own': async () => {
    if (wick.tensor === other.tensor) throw new Error('they are one copy');
    wick.setThreads(2);
    other.setThreads(2);
    equal(bits(other) === alone, true);
    await until(() => other.info().threads.ready === 2);
    for (let i = 0; i < 3; i++) equal([bits(wick) === alone, bits(other) === alone], [true, true]);
  },

  'a worker of the program imports wick while the main thread computes': async () => {
    const url = new URL('./in-worker.mjs', import.meta.url);
    const worker = threads ? new threads.Worker(url) : new Worker(url, { type: 'module' });
    const answer = new Promise((resolve, reject) => {
      const take = (data) => resolve(data);
      if (threads) worker.on('message', take).on('error', reject);
      else Object.assign(worker, { onmessage: (event) => take(event.data), onerror: (event) => reject(event.message) });
    });
    for (const end = performance.now() + 300; performance.now() < end; ) equal(bits(wick) === alone, true);
    equal((await answer) === alone, true, 'the same bits in the worker');
    await worker.terminate();
  },

  'results that are dropped, 3 GB of them, come back while the program yields': async () => {
    wick.setThreads(1);
    const x = wick.ones([56_000]);
    for (let i = 0; i < 15_000; i++) {
      x.add(1);
      if (i % 500 === 0) await pause();
    }
    const reserved = wick.memory().reserved / 2 ** 20;
    equal(reserved < 1536, true, `reserved ${reserved.toFixed(0)} MB`);
  },
};
