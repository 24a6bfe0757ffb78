// Memory of dropped results: 1,000,000 eager results of 4 kB to 4 MB each, in three ways; reserved memory must stay bounded.
//   node build/perf/memory/main.js [count]
import * as wick from '../../ts/index.ts';

const count = Number(process.argv[2] ?? 1_000_000);
const MB = 2 ** 20;
/** Sizes from 4 kB to 4 MB whose mean is small enough for a million of them: log-uniform by a fixed sequence, mostly small. */
const sizes = Array.from({ length: 4096 }, (_, i) => {
  const u = ((i * 2654435761) >>> 0) / 2 ** 32;
  return Math.round(1024 * 1024 ** (u * u * u));
});
const sources = new Map<number, wick.Tensor>();
// Views of one tensor: the operands themselves take 4 MB.
const all = wick.ones([1024 * 1024]);
for (const n of new Set(sizes)) sources.set(n, wick.keep(all.narrow(0, 0, n)));

function make(i: number): wick.Tensor {
  return (sources.get(sizes[i % sizes.length]) as wick.Tensor).add(1);
}

async function measure(name: string, limit: number, body: () => Promise<void> | void): Promise<void> {
  await new Promise((r) => setTimeout(r, 20));
  wick.reclaim();
  const before = wick.memory();
  const start = performance.now();
  await body();
  const after = wick.memory();
  const us = ((performance.now() - start) * 1000) / count;
  const verdict = after.reserved < limit * MB ? 'ok' : 'TOO MUCH';
  console.log(
    `${name.padEnd(38)} reserved ${(after.reserved / MB).toFixed(0).padStart(5)} MB (limit ${limit}), live before ${(before.live / MB).toFixed(1)} after ${(after.live / MB).toFixed(1)} MB, ${us.toFixed(2)} us each: ${verdict}`,
  );
}

console.log(`${count} results, mean ${(sizes.reduce((a, b) => a + b, 0) / sizes.length / 256).toFixed(0)} kB`);
await measure('scope() around each hundred', 64, () => {
  for (let i = 0; i < count; i += 100)
    wick.scope(() => {
      for (let j = i; j < i + 100 && j < count; j++) make(j);
    });
});
await measure('dropped, yielding every thousand', 512, async () => {
  for (let i = 0; i < count; i++) {
    make(i);
    if (i % 1000 === 0) await new Promise((r) => setTimeout(r, 0));
  }
});
await measure('dropped, never yielding', 512, () => {
  for (let i = 0; i < count; i++) make(i);
});
