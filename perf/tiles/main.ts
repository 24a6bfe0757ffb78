// Products with either tile, interleaved, one thread, best of many rounds, in the runtime that runs this: `npm run perf:tiles` in Node, or
// another runtime on build/perf/tiles/main.js after it.
import * as wick from '../../ts/index.ts';
import { backend } from '../../ts/tensor/index.ts';
import { SPREAD } from '../../ts/wasm/tiles.ts';

const ROUNDS = 60;
const SHAPES = [
  [64, 64, 64],
  [128, 128, 128],
  [256, 256, 256],
  [512, 512, 512],
  [64, 784, 256],
] as const;

wick.setThreads(1);
const { memory } = backend() as unknown as { memory: { u32: Uint32Array } };
// Until the engine has made its own choice.
wick.scope(() => {
  const x = wick.rand([512, 512]);
  for (let i = 0; i < 40; i++) x.matmul(x).dispose();
});
console.log(`${wick.info().runtime}; GF/s with A as it lies, with A spread over vectors, and their ratio`);
for (const [m, k, n] of SHAPES) {
  const [a, b] = [wick.rand([m, k]), wick.rand([k, n])];
  const batch = Math.max(1, Math.round(4e6 / (2 * m * k * n)));
  const best = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  for (let round = 0; round < ROUNDS; round++) {
    const spread = round & 1;
    memory.u32[SPREAD] = spread;
    const start = performance.now();
    for (let i = 0; i < batch; i++) a.matmul(b).dispose();
    best[spread] = Math.min(best[spread], (performance.now() - start) / batch);
  }
  const [plain, spread] = best.map((ms) => (2 * m * k * n) / ms / 1e6);
  console.log(
    `${`${m} x ${k} x ${n}`.padEnd(16)} ${plain.toFixed(1).padStart(6)} ${spread.toFixed(1).padStart(6)} ${(spread / plain).toFixed(2)}x`,
  );
  a.dispose();
  b.dispose();
}
