// Eager work beside plans, in turn in one process, one thread: training steps, chains of elementwise calls, an MLP; and their memory.
//   npm run perf:plans
import { makeModel as digits } from '../../examples/digits/model.ts';
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
  console.log(`${name.padEnd(58)} eager ${us(eager)}   plan ${us(plan)}   ${(eager / plan).toFixed(2)}x`);
}

/** A step of Adam on a network, over data of its own. */
function trainer(make: () => nn.Module, shape: readonly number[], classes: number, compiled: boolean) {
  wick.manualSeed(1);
  const model = make();
  const optimizer = new optim.Adam(model.parameters(), { lr: 1e-2 });
  const [x, y] = [wick.rand(shape), wick.randint(0, classes, [shape[0]])];
  const step = (input: Tensor, target: Tensor): Tensor => {
    optimizer.zeroGrad();
    const loss = nn.functional.crossEntropy(model.forward(input) as Tensor, target);
    loss.backward();
    optimizer.step();
    return loss;
  };
  const plan = wick.compile(step);
  const run = compiled ? plan : step;
  return { run: () => void run(x, y), plan };
}
const mlp = (): nn.Module => new nn.Sequential(new nn.Linear(16, 32), new nn.ReLU(), new nn.Linear(32, 4));
/** Depthwise and pointwise convolutions in turn, as in a MobileNet of a quarter of the width. */
function separable(): nn.Module {
  const parts: nn.Module[] = [new nn.Conv2d(3, 8, 3, { stride: 2, padding: 1 }), new nn.ReLU6()];
  for (const [from, to, stride] of [
    [8, 16, 1],
    [16, 32, 2],
    [32, 32, 1],
    [32, 64, 2],
    [64, 64, 1],
    [64, 128, 2],
  ] as const)
    parts.push(
      ...[new nn.Conv2d(from, from, 3, { stride, padding: 1, groups: from }), new nn.BatchNorm2d(from), new nn.ReLU6()],
      ...[new nn.Conv2d(from, to, 1), new nn.BatchNorm2d(to), new nn.ReLU6()],
    );
  return new nn.Sequential(...parts, new nn.AdaptiveAvgPool2d(1), new nn.Flatten(), new nn.Linear(128, 10)).eval();
}

/** Most bytes that live at once in three steps, what was there before them included. */
function peak(step: () => void): number {
  for (let i = 0; i < 4; i++) wick.scope(step);
  wick.reclaim();
  wick.resetPeakMemory();
  for (let i = 0; i < 3; i++) wick.scope(step);
  return wick.memory().peak;
}
const kB = (bytes: number): string => `${(bytes / 1024).toFixed(0)} kB`;
function arena(name: string, plan: wick.Plan): void {
  const { arena, live, intermediates } = plan.stats();
  console.log(`${name}: arena ${kB(arena)}, ${(arena / live).toFixed(3)}x the largest live set, of ${kB(intermediates)} in all`);
}

wick.setThreads(1);
// Before anything else lives.
const before = wick.memory().live;
const peaks = [false, true].map((compiled) => wick.scope(() => peak(trainer(digits, [64, 1, 8, 8], 10, compiled).run)) - before);
console.log(
  `training step, digit CNN, batch 64: at most ${kB(peaks[0])} eagerly, ${kB(peaks[1])} as a plan: ${(peaks[1] / peaks[0]).toFixed(2)}x`,
);

for (const [name, make, shape, classes, runs] of [
  ['training step, MLP 16-32-4, batch 8, Adam', mlp, [8, 16], 4, 200],
  ['training step, digit CNN, batch 64, Adam', digits, [64, 1, 8, 8], 10, 1],
] as const) {
  const [eager, plan] = [false, true].map((compiled) => trainer(make, shape, classes, compiled));
  show(name, race(eager.run, plan.run, runs));
  arena('  its plan', plan.plan.plans[0]);
}
/** Chains of calls as plans, against eager calls and against a copy of as many floats. */
function chains(how: string): void {
  for (const [name, chain] of [
    ['eight elementwise calls', (t: Tensor) => t.mul(2).add(1).sub(0.5).mul(t).relu().add(t).mul(0.25).sub(1)],
    ['a mean of squares', (t: Tensor) => t.sub(0.5).square().mean()],
    ['nine, of which tanh', (t: Tensor) => t.mul(2).add(1).mul(t).tanh().mul(t).relu().add(t).mul(0.25).sub(1)],
  ] as const)
    for (const n of [1 << 20, 1 << 22]) {
      const x = wick.rand([n]);
      const plan = wick.compile(chain);
      const run = (): void => void plan(x);
      show(
        `${name} on ${n} floats, ${how}`,
        race(() => void chain(x), run, 2),
      );
      const [copy, chained] = race(() => void x.clone(), run, 2);
      console.log(`  ${((100 * copy) / chained).toFixed(0)} % of the speed of a copy`);
    }
}
chains('interpreted');
for (const [name, model, shape, runs] of [
  ['MLP 784-256-10, batch 1', new nn.Sequential(new nn.Linear(784, 256), new nn.ReLU(), new nn.Linear(256, 10)), [1, 784], 100],
  ['separable convolutions, 96 x 96, batch 1', separable(), [1, 3, 96, 96], 2],
] as const) {
  const x = wick.rand(shape);
  const infer = (t: Tensor): Tensor => wick.noGrad(() => model.forward(t) as Tensor);
  const [plan, folded] = [true, false].map((exact) => wick.compile(infer, { exact }));
  const [eager, exact] = race(
    () => void infer(x),
    () => void plan(x),
    runs,
  );
  show(name, [eager, exact]);
  arena('  its plan', plan.plans[0]);
  const inexact = race(
    () => void plan(x),
    () => void folded(x),
    runs,
  );
  const { changes } = folded.plans[0];
  if (changes.length > 0)
    console.log(`  with { exact: false }: ${changes.length} norms folded, ${(inexact[0] / inexact[1]).toFixed(2)}x the exact plan`);
}

// From here on, plans are printed.
await import('../../ts/jit/index.ts');
chains('printed');
