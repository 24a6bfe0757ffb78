// Eager overhead: nanoseconds per small operation through the public API, means over a million calls with collection included.
//   npm run perf:overhead
import * as wick from '../../ts/index.ts';

const a = wick.tensor([1, 2, 3, 4]);
const b = wick.tensor([5, 6, 7, 8]);
const leaf = wick.tensor([1, 2, 3, 4], { requiresGrad: true });
const N = 1_000_000;

async function time(name: string, body: () => void): Promise<void> {
  for (let i = 0; i < 50_000; i++) body();
  await new Promise((r) => setTimeout(r, 10));
  let yielded = 0;
  const start = performance.now();
  for (let i = 0; i < N; i++) {
    body();
    // A macrotask now and then, as a real program has them; its time counts.
    if (i % 100_000 === 0) {
      const t = performance.now();
      await new Promise((r) => setTimeout(r, 0));
      yielded += performance.now() - t;
    }
  }
  const ns = ((performance.now() - start) * 1e6) / N;
  console.log(`${name.padEnd(34)} ${ns.toFixed(0).padStart(6)} ns per call (of it ${((yielded * 1e6) / N).toFixed(0)} ns in yields)`);
}

await time('add of 4 elements', () => {
  a.add(b);
});
await time('add of 4 elements, recording', () => {
  leaf.add(b);
});
await time('add of 4 elements and a number', () => {
  a.add(1);
});
await time('relu of 4 elements', () => {
  a.relu();
});
await time('add of 4 elements, dispose()', () => {
  a.add(b).dispose();
});
console.log(wick.memory());
