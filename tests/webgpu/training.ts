// Training on the GPU, in Node: the data set is a file, and the collector can be asked.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadDigits } from '../../examples/digits/data.ts';
import { type StepCounts, stepCounts, trainingStep } from '../../perf/webgpu/steps.ts';
import * as wick from '../../ts/index.ts';
import * as nn from '../../ts/nn/index.ts';
import * as optim from '../../ts/optim/index.ts';
import { repositoryRoot } from '../conformance/folder.ts';
import { equal } from './compare.ts';
import { keepsNoBuffer } from './leaks.ts';
import type { Programs } from './suite.ts';

export const TRAINING: Programs = {
  'steps keep no buffer': async () => {
    for (const planned of [false, true]) await keepsNoBuffer(planned, 200);
  },
  'a step sends no more than it did': async () => {
    const held = JSON.parse(readFileSync(join(repositoryRoot(), 'tests/webgpu/counts.json'), 'utf8')) as Record<string, StepCounts>;
    const found = await stepCounts();
    equal(Object.keys(found), Object.keys(held));
    for (const [name, counts] of Object.entries(found))
      for (const key of ['dispatches', 'submits', 'written', 'read', 'touched'] as const)
        if (counts[key] > held[name][key]) throw new Error(`${name}: ${counts[key]} ${key}, and it was ${held[name][key]}`);
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
      const step = trainingStep(model, new optim.AdamW(model.parameters(), { lr: 5e-3 }));
      const losses: number[] = [];
      for (let i = 0; i < 60; i++) {
        const from = (i * 32) % 1400;
        const loss = wick.scope(() => {
          const x = images.slice(0, from, from + 32);
          return step(gpu ? x.to('webgpu') : x, labels.slice(0, from, from + 32));
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
