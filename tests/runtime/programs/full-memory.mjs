// Memory that is full: by a limit, and to the last of its 32 bits. What is not touched takes no room in the machine.
import * as wick from 'wick';
import * as nn from 'wick/nn';
import { equal, pause, throws } from './run.mjs';

/** Results of kernels of several families, as text. */
function results() {
  wick.manualSeed(1);
  return wick.scope(() => {
    const [a, b] = [wick.randn([300, 200]), wick.randn([200, 150])];
    const image = nn.functional.conv2d(wick.randn([2, 3, 33, 33]), wick.randn([8, 3, 3, 3]), undefined, { padding: 1 });
    const list = [
      a.matmul(b),
      a.t().add(1),
      a.softmax(1),
      a.cumsum(0),
      a.to('float16').mul(2),
      wick.cat([a, a], 1),
      image,
      a.t().matmul(a),
    ];
    return list.map((x) => x.sum().itemSync()).join();
  });
}

/** Takes what is left, in ever smaller pieces. */
function fill(held) {
  for (let n = 2 ** 26; n >= 1024; n /= 4)
    try {
      for (;;) held.push(wick.empty([n]));
    } catch (error) {
      equal(error.name, 'MemoryError', error.message);
    }
}

// No worker starts before a test wants one.
wick.setThreads(1);
const wanted = results();

export const tests = {
  'a worker for whose memory there is no room: one warning, the threads there are, the same bits': async () => {
    const x = wick.full([1 << 18], 0.5);
    const held = [];
    wick.setMemoryLimit(wick.memory().reserved);
    fill(held);
    const { warn } = console;
    const said = [];
    console.warn = (...words) => said.push(words.join(' '));
    try {
      wick.setThreads(3);
      x.mul_(2);
      const { ready, reason } = wick.info().threads;
      equal(ready, 1, 'threads');
      if (!reason) throw new Error('no reason');
      // A page that may not share memory says so without a warning.
      if (/out of memory/.test(reason)) equal(said.length, 1, 'warnings');
    } finally {
      console.warn = warn;
      for (const tensor of held) tensor.dispose();
      wick.setMemoryLimit(2 ** 32);
    }
    equal(x.sum().itemSync(), 1 << 18);
    wick.setThreads(2);
    equal(results(), wanted);
  },

  'memory grows past 2 and 3 GB, to the last of 32 bits, under views and threads: typed errors, then normal work': async () => {
    const x = wick.arange(1000).to('float32');
    const shared = wick.share(x);
    wick.setThreads(2);
    equal(results(), wanted);
    await pause(200);
    const held = [];
    let capped = false;
    for (let i = 1; i < 16 && !capped; i++) {
      try {
        held.push(wick.empty([2 ** 26]));
      } catch (error) {
        equal(error.name, 'MemoryError', error.message);
        capped = true;
      }
      equal(results(), wanted, `beyond ${held.length * 256} MB`);
    }
    fill(held);
    throws(() => wick.zeros([2 ** 20]), 'MemoryError');
    throws(() => wick.zeros([2 ** 31]), 'MemoryError');
    throws(results, 'MemoryError');
    for (const tensor of held) tensor.dispose();
    equal(results(), wanted, 'afterwards');
    equal([x.max().itemSync(), shared.data[999]], [999, 999]);
    wick.unshare(shared);
    if (capped) return `this runtime gives ${(wick.memory().reserved / 2 ** 20).toFixed(0)} MB, not 4 GB`;
  },
};
