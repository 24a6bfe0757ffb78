// What a second thread brings, with the machine idle and with other programs on its cores: throughput against one thread's, interleaved.
//   npm run perf:threads
import { Worker } from 'node:worker_threads';
import * as wick from '../../ts/index.ts';

const SLICE = 200;
const ROUNDS = 6;
const a = wick.rand([256, 256]);
const x = wick.rand([1 << 20]);
const CASES: Readonly<Record<string, () => wick.Tensor>> = {
  'matmul 256': () => a.matmul(a),
  'exp 1M': () => x.exp(),
  'add 1M': () => x.add(x),
};

/** Calls a second over one slice of time. */
function throughput(body: () => wick.Tensor, threads: number, ms: number): number {
  wick.setThreads(threads);
  let n = 0;
  const start = performance.now();
  while (performance.now() - start < ms) {
    body().dispose();
    n++;
  }
  return (n * 1000) / (performance.now() - start);
}

async function table(title: string): Promise<void> {
  console.log(`\n${title}`);
  for (const [name, body] of Object.entries(CASES)) {
    throughput(body, 2, SLICE);
    const ratios: number[] = [];
    for (let i = 0; i < ROUNDS; i++) {
      const one = throughput(body, 1, SLICE);
      throughput(body, 2, 100); // the pool has this long to see how it is
      ratios.push(throughput(body, 2, SLICE) / one);
      await new Promise((r) => setTimeout(r, 0));
    }
    ratios.sort((p, q) => p - q);
    const at = (i: number): string => `${ratios[i].toFixed(2)}x`;
    console.log(`${name.padEnd(12)} two threads against one: median ${at(ROUNDS >> 1)}, worst ${at(0)}, best ${at(ROUNDS - 1)}`);
  }
}

await table('nothing else running');
for (const busy of [1, 2]) {
  const loops = Array.from({ length: busy }, () => new Worker('for (;;);', { eval: true }));
  await new Promise((r) => setTimeout(r, 300));
  await table(`${busy} busy ${busy === 1 ? 'thread' : 'threads'} of other work`);
  await Promise.all(loops.map((w) => w.terminate()));
}
