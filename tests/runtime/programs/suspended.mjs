// The whole process, or browser, is stopped in the middle of an operation and goes on a second later, as when a laptop sleeps.
import * as wick from 'wick';
import { equal, pause } from './run.mjs';

/** Milliseconds that an operation takes longer when it was stopped. */
const STOPPED = 700;

export const tests = {
  'an operation that was suspended ends with the same bits, and the threads work on': async () => {
    wick.manualSeed(4);
    const a = wick.randn([256, 256]);
    wick.setThreads(1);
    const alone = (await a.matmul(a).data()).join();
    wick.setThreads(2);
    a.matmul(a);
    for (let i = 0; i < 400 && wick.info().threads.ready < 2 && !wick.info().threads.reason; i++) await pause();
    let longest = 0;
    for (const end = performance.now() + 20_000; longest < STOPPED && performance.now() < end; ) {
      const start = performance.now();
      const y = a.matmul(a);
      const time = performance.now() - start;
      if (time > longest) {
        longest = time;
        equal((await y.data()).join() === alone, true, 'the same bits');
      }
      y.dispose();
    }
    if (longest < STOPPED) throw new Error(`nothing was suspended: the longest operation took ${longest.toFixed(0)} ms`);
    for (let i = 0; i < 20; i++) equal((await a.matmul(a).data()).join() === alone, true, 'the same bits afterwards');
    const { ready, reason } = wick.info().threads;
    equal(ready, reason ? 1 : 2, 'threads');
  },
};
