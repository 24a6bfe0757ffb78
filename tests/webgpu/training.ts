// Training on the GPU, in Node: the data set is a file, and the collector can be asked.
import { loadDigits } from '../../examples/digits/data.ts';
import * as wick from '../../ts/index.ts';
import * as nn from '../../ts/nn/index.ts';
import * as optim from '../../ts/optim/index.ts';
import { equal } from './compare.ts';
import type { Programs } from './suite.ts';

/** Lets the collector take what earlier programs dropped, so that a count tells of this one alone. */
async function collected(): Promise<void> {
  for (let i = 0; i < 3; i++) {
    (globalThis as { gc?: () => void }).gc?.();
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

export const TRAINING: Programs = {
  'a thousand steps keep no buffer': async () => {
    const model = new nn.Sequential(new nn.Linear(8, 16), new nn.Tanh(), new nn.Linear(16, 3)).to('webgpu');
    const optimizer = new optim.Adam(model.parameters(), { lr: 1e-2 });
    const x = wick.randn([16, 8]).to('webgpu');
    const y = wick.randint(0, 3, [16]).to('webgpu');
    const counts: string[] = [];
    for (let step = 1; step <= 1000; step++) {
      const loss = wick.scope(() => {
        optimizer.zeroGrad();
        const loss = nn.functional.crossEntropy(model.forward(x), y);
        loss.backward();
        optimizer.step();
        return loss.detach();
      });
      if (step % 250 === 0) {
        await loss.item();
        await collected();
        const { buffers, bytes } = wick.memory().gpu as { buffers: number; bytes: number };
        counts.push(`${buffers} ${bytes}`);
      }
      loss.dispose();
    }
    equal(new Set(counts).size, 1);
  },
  'the digit CNN learns as on Wasm': async () => {
    const digits = loadDigits();
    const images = wick.tensor(digits.images, { shape: [digits.count, 1, 8, 8] });
    const labels = wick.tensor(digits.labels, { dtype: 'int64' });
    const train = async (gpu: boolean): Promise<number[]> => {
      wick.manualSeed(1);
      const model = new nn.Sequential(
        new nn.Conv2d(1, 8, 3, { padding: 1 }),
        new nn.BatchNorm2d(8),
        new nn.ReLU(),
        new nn.Conv2d(8, 16, 3, { padding: 1 }),
        new nn.ReLU(),
        new nn.MaxPool2d(2),
        new nn.Dropout(0.25),
        new nn.Flatten(),
        new nn.Linear(16 * 4 * 4, 10),
      );
      if (gpu) model.to('webgpu');
      const optimizer = new optim.AdamW(model.parameters(), { lr: 5e-3 });
      const losses: number[] = [];
      for (let step = 0; step < 60; step++) {
        const from = (step * 32) % 1400;
        const loss = wick.scope(() => {
          const x = images.slice(0, from, from + 32);
          optimizer.zeroGrad();
          const loss = nn.functional.crossEntropy(model.forward(gpu ? x.to('webgpu') : x), labels.slice(0, from, from + 32));
          loss.backward();
          optimizer.step();
          return loss.detach();
        });
        losses.push(await loss.item());
      }
      model.eval();
      const test = images.slice(0, 1500);
      const guess = wick.noGrad(() => model.forward(gpu ? test.to('webgpu') : test).argmax(1));
      losses.push(await guess.eq(labels.slice(0, 1500)).to('float32').mean().item());
      return losses;
    };
    const [there, here] = [await train(true), await train(false)];
    // A single step differs by roundings alone; sixty of them by a few in a hundred.
    if (!(Math.abs(there[0] - here[0]) < 1e-5)) throw new Error(`first loss ${there[0]} for ${here[0]}`);
    const last = (l: number[]): number => l.slice(50, 60).reduce((a, b) => a + b) / 10;
    if (!(Math.abs(last(there) - last(here)) < 0.05 * last(here) + 0.01)) throw new Error(`last losses ${last(there)} for ${last(here)}`);
    if (!(there[60] > 0.85 && Math.abs(there[60] - here[60]) < 0.03)) throw new Error(`accuracy ${there[60]} for ${here[60]}`);
  },
};
