// Workers that the program itself starts, each with a wick of its own.
import * as wick from 'wick';
import { equal } from './run.mjs';
import { work } from './work.mjs';

const threads = globalThis.process?.getBuiltinModule?.('node:worker_threads');
/** Whether memory can be shared with workers here. */
const shares = threads !== undefined || globalThis.crossOriginIsolated === true;

/** A worker with wick; `ask` posts a message and awaits the answer. */
async function withWorker(use) {
  const url = new URL('./share-worker.mjs', import.meta.url);
  const worker = threads ? new threads.Worker(url) : new Worker(url, { type: 'module' });
  const waiting = [];
  const take = (data) => waiting.shift()?.resolve(data);
  const fail = (error) => waiting.shift()?.reject(new Error(`${error?.message ?? error}`));
  if (threads) worker.on('message', take).on('error', fail);
  else Object.assign(worker, { onmessage: (event) => take(event.data), onerror: fail });
  const ask = (message) => {
    const answer = new Promise((resolve, reject) => waiting.push({ resolve, reject }));
    worker.postMessage(message);
    return answer;
  };
  try {
    await use(ask);
  } finally {
    await worker.terminate();
  }
}

export const tests = {
  'a shared tensor is in the worker what it is here; what it writes is seen where memory is shared': () =>
    withWorker(async (ask) => {
      for (const x of [
        wick.arange(6).to('float32').reshape(2, 3).t(),
        wick.tensor([1n, 2n ** 40n]),
        wick.tensor([0.5], { dtype: 'float16' }),
      ]) {
        const before = x.arraySync();
        const shared = wick.share(x);
        equal(shared.data.buffer instanceof ArrayBuffer, !shares, 'a copy');
        // A bigint cannot be 42.
        if (x.dtype === 'int64') {
          equal(wick.receive(structuredClone(shared)).arraySync().join(), before.join());
          equal(wick.unshare(shared), true);
          continue;
        }
        const there = await ask({ shared });
        equal([there.values, there.dtype, there.shape], [before, x.dtype, [...x.shape]]);
        equal(there.shared.data[0], 42);
        equal(shared.data[0] === 42, shares, 'the write is seen');
        equal(wick.unshare(there.shared), true, 'the message came back');
      }
    }),

  'several instances do not fight for cores': () =>
    withWorker(async (ask) => {
      const { cores } = wick.info().threads;
      // Both warm, threads started.
      for (let i = 0; i < 3; i++) {
        work(cores);
        await ask({ threads: cores });
      }
      const alone = work(1);
      const pending = ask({ threads: 2 * cores });
      const here = work(2 * cores);
      const { milliseconds } = await pending;
      const limit = 10 * alone + 500;
      if (Math.max(here, milliseconds) > limit)
        throw new Error(`${alone.toFixed(0)} ms alone on one thread; together ${here.toFixed(0)} and ${milliseconds.toFixed(0)} ms`);
    }),
};
