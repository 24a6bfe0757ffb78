import { test } from 'uvu';
import * as assert from 'uvu/assert';
import * as wick from '../../ts/index.ts';
import * as nn from '../../ts/nn/index.ts';
import * as optim from '../../ts/optim/index.ts';
import { Digest } from '../identity/digest.ts';

/** A few steps of a network with convolutions, dropout, batch norm and reductions long enough to be cut among threads. */
async function train(threads: number): Promise<string> {
  wick.setThreads(threads);
  wick.manualSeed(3);
  const model = new nn.Sequential(
    new nn.Conv2d(3, 16, 3, { padding: 1 }),
    new nn.BatchNorm2d(16),
    new nn.ReLU(),
    new nn.MaxPool2d(2),
    new nn.Dropout(0.3),
    new nn.Flatten(),
    new nn.Linear(16 * 16 * 16, 128),
    new nn.GELU(),
    new nn.LayerNorm(128),
    new nn.Linear(128, 10),
  );
  const adam = new optim.AdamW(model.parameters(), { lr: 2e-3 });
  const x = wick.randn([32, 3, 32, 32]);
  const y = wick.randint(0, 10, [32]);
  for (let i = 0; i < 4; i++) {
    wick.scope(() => {
      adam.zeroGrad();
      nn.functional.crossEntropy(model.forward(x) as wick.Tensor, y).backward();
      adam.step();
    });
    // Workers report ready between steps: some steps run with them, some without.
    await new Promise((r) => setTimeout(r, i === 0 ? 60 : 0));
  }
  return new Digest().add(...(Object.values(model.stateDict()) as wick.Tensor[])).hex();
}

test('the weights are the same bits with 1, 2 and 4 threads and in two runs', async () => {
  const one = await train(1);
  const four = await train(4);
  assert.ok(wick.info().threads.ready > 1, `workers took part: ${wick.info().threads.reason}`);
  assert.is(four, one);
  assert.is(await train(2), one);
  assert.is(await train(1), one);
});

test.run();
