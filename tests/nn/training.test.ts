import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { manualSeed, memory, randint, randn, scope } from '../../ts/index.ts';
import * as nn from '../../ts/nn/index.ts';
import * as optim from '../../ts/optim/index.ts';

const F = nn.functional;

function make(): { net: nn.Sequential; step: () => number } {
  manualSeed(11);
  const net = new nn.Sequential(
    new nn.Conv2d(1, 4, 3),
    new nn.BatchNorm2d(4),
    new nn.ReLU(),
    new nn.MaxPool2d(2),
    new nn.Dropout(0.2),
    new nn.Flatten(),
    new nn.Linear(36, 10),
  );
  const optimizer = new optim.AdamW(net.parameters(), { lr: 1e-2 });
  const schedule = new optim.lrScheduler.OneCycleLR(optimizer, { maxLr: 3e-2, totalSteps: 110 });
  const x = randn([16, 1, 8, 8]);
  const y = randint(0, 10, [16]);
  const step = (): number =>
    scope(() => {
      optimizer.zeroGrad();
      const loss = F.crossEntropy(net.forward(x), y);
      loss.backward();
      nn.clipGradNorm_(net.parameters(), 1);
      optimizer.step();
      schedule.step();
      return loss.itemSync();
    });
  return { net, step };
}

test('training keeps live bytes flat to the byte', () => {
  const { step } = make();
  for (let t = 0; t < 5; t++) step();
  const live = memory().live;
  for (let t = 0; t < 100; t++) step();
  assert.is(memory().live, live);
});

test('training learns, and one seed gives the same bits', () => {
  const train = (): { losses: number[]; weights: unknown } => {
    const { net, step } = make();
    const losses = Array.from({ length: 60 }, step);
    return { losses, weights: net.stateDict()['6.weight'].arraySync() };
  };
  const a = train();
  assert.ok(a.losses[59] < a.losses[0] / 2, `the loss went from ${a.losses[0]} to ${a.losses[59]}`);
  assert.equal(train(), a);
});

test.run();
