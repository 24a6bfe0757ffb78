// Eager work beside plans, in turn in one process, one thread: a tiny training step, chains of elementwise calls, an MLP.
//   npm run perf:plans
import * as wick from '../../ts/index.ts';
import * as nn from '../../ts/nn/index.ts';
import * as optim from '../../ts/optim/index.ts';

type Tensor = wick.Tensor;
const ROUNDS = 12;

/** Best time of a run in ms, of each of two functions in turn. */
function race(eager: () => void, plan: () => void, runs: number): [number, number] {
  const best = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  for (let r = 0; r < ROUNDS + 2; r++)
    [eager, plan].forEach((fn, i) => {
      const start = performance.now();
      for (let k = 0; k < runs; k++) wick.scope(fn);
      // The first rounds capture, and meet code that is not optimised yet.
      if (r > 1) best[i] = Math.min(best[i], (performance.now() - start) / runs);
    });
  return best as [number, number];
}
function show(name: string, [eager, plan]: [number, number]): void {
  const us = (ms: number): string => `${(ms * 1e3).toFixed(1).padStart(9)} us`;
  console.log(`${name.padEnd(42)} eager ${us(eager)}   plan ${us(plan)}   ${(eager / plan).toFixed(2)}x`);
}

/** A step of Adam on an MLP, over data of its own. */
function trainer(compiled: boolean): () => void {
  wick.manualSeed(1);
  const model = new nn.Sequential(new nn.Linear(16, 32), new nn.ReLU(), new nn.Linear(32, 4));
  const optimizer = new optim.Adam(model.parameters(), { lr: 1e-2 });
  const [x, y] = [wick.rand([8, 16]), wick.randint(0, 4, [8])];
  const step = (input: Tensor, target: Tensor): Tensor => {
    optimizer.zeroGrad();
    const loss = nn.functional.crossEntropy(model.forward(input) as Tensor, target);
    loss.backward();
    optimizer.step();
    return loss;
  };
  const run = compiled ? wick.compile(step) : step;
  return () => void run(x, y);
}

wick.setThreads(1);
show('training step, MLP 16-32-4, batch 8, Adam', race(trainer(false), trainer(true), 200));
for (const n of [1 << 20, 1 << 22]) {
  const x = wick.rand([n]);
  const chain = (t: Tensor): Tensor => t.mul(2).add(1).sub(0.5).mul(t).relu().add(t).mul(0.25).sub(1);
  const plan = wick.compile(chain);
  show(
    `eight elementwise calls on ${n} floats`,
    race(
      () => void chain(x),
      () => void plan(x),
      2,
    ),
  );
}
const mlp = new nn.Sequential(new nn.Linear(784, 256), new nn.ReLU(), new nn.Linear(256, 10));
const x = wick.rand([1, 784]);
const infer = (t: Tensor): Tensor => wick.noGrad(() => mlp.forward(t) as Tensor);
const plan = wick.compile(infer);
show(
  'MLP 784-256-10, batch 1',
  race(
    () => void infer(x),
    () => void plan(x),
    100,
  ),
);
