// Trains a small convolutional network on 1,797 scans of handwritten digits, saves it, loads it and reads three of them.

import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import * as data from '../../ts/data/index.ts';
import '../../ts/formats/plan.ts';
import { load, save } from '../../ts/formats/safetensors.ts';
import * as wick from '../../ts/index.ts';
import * as nn from '../../ts/nn/index.ts';
import { exportONNX } from '../../ts/onnx/index.ts';
import * as optim from '../../ts/optim/index.ts';
import { loadDigits } from './data.ts';
import { makeModel } from './model.ts';
import { confusionMatrix, drawDigit, sideBySide } from './terminal.ts';

const SEED = 1;
const EPOCHS = 20;
const BATCH = 64;

/** Rows of a dataset as pictures [n, 1, 8, 8] and labels [n]. */
function rowsOf(digits: ReturnType<typeof loadDigits>, rows: ArrayLike<number>): { x: wick.Tensor; y: wick.Tensor } {
  const index = wick.tensor(Array.from(rows, BigInt));
  return wick.scope(() => ({
    x: wick.tensor(digits.images, { shape: [digits.count, 1, 8, 8] }).indexSelect(0, index),
    y: wick.tensor(digits.labels, { dtype: 'int64' }).indexSelect(0, index),
  }));
}

async function predict(model: nn.Module, x: wick.Tensor): Promise<number[]> {
  const best = wick.scope(() => wick.withGrad(false, () => (model.forward(x) as wick.Tensor).argmax(1)));
  return (await best.array()) as number[];
}

export async function main(out: data.ProgressOut = process.stdout): Promise<number> {
  const print = (text: string): unknown => out.write(`${text}\n`);
  wick.manualSeed(SEED);
  const digits = loadDigits();
  const order = (await wick.randperm(digits.count).array()) as number[];
  const held = Math.round(digits.count / 5);
  const test = rowsOf(digits, order.slice(0, held));
  const train = rowsOf(digits, order.slice(held));
  const loader = new data.DataLoader(new data.TensorDataset(train.x, train.y), { batchSize: BATCH, shuffle: true, seed: SEED });
  const model = makeModel();
  const optimizer = new optim.AdamW(model.parameters(), { lr: 1e-3, weightDecay: 0.01 });
  const scheduler = new optim.lrScheduler.OneCycleLR(optimizer, { maxLr: 4e-3, totalSteps: EPOCHS * loader.length });
  const { threads } = wick.info();
  print(`wick on ${wick.info().runtime}, ${threads.wanted} threads. ${order.length - held} digits to learn from, ${held} held out.`);

  const bar = data.progressBar({ total: EPOCHS * loader.length, out });
  for (let epoch = 1; epoch <= EPOCHS; epoch++) {
    let step = 0;
    let images = 0;
    const start = performance.now();
    for await (const batch of loader) {
      const [x, y] = batch as [wick.Tensor, wick.Tensor];
      const loss = wick.scope(() => {
        optimizer.zeroGrad();
        const value = nn.functional.crossEntropy(model.forward(x) as wick.Tensor, y);
        value.backward();
        optimizer.step();
        scheduler.step();
        return value.detach();
      });
      images += x.shape[0];
      const seconds = (performance.now() - start) / 1000;
      bar.tick({ epoch, epochs: EPOCHS, step: ++step, loss: await loss.item(), imagesPerSecond: images / seconds });
      for (const t of [x, y, loss]) t.dispose();
    }
  }
  bar.done();

  model.eval();
  const truth = (await test.y.array()) as number[];
  const found = await predict(model, test.x);
  const right = found.filter((d, i) => d === truth[i]).length;
  const accuracy = (100 * right) / truth.length;
  print(`\ntest accuracy ${accuracy.toFixed(2)} %\n`);
  const counts = Array.from({ length: 10 }, () => new Array<number>(10).fill(0));
  for (let i = 0; i < truth.length; i++) counts[truth[i]][found[i]]++;
  print(confusionMatrix(counts));

  mkdirSync('out', { recursive: true });
  const bytes = save(model.stateDict());
  writeFileSync('out/digits.safetensors', bytes);
  const hash = createHash('sha256').update(bytes).digest('hex');
  model.eval();
  // As a plan and as ONNX, for one picture: \`wick run out/digits.wick picture.png\`.
  const picture = test.x.narrow(0, 0, 1).contiguous();
  const reader = wick.compile((x: wick.Tensor) => wick.noGrad(() => model.forward(x) as wick.Tensor));
  for (let i = 0; i < 2; i++) reader(picture).dispose();
  writeFileSync('out/digits.wick', reader.plans[0].save());
  writeFileSync('out/digits.onnx', exportONNX(model, [picture]));
  reader.dispose();
  print(`\nsaved out/digits.safetensors (${bytes.length} bytes, sha256 ${hash.slice(0, 16)}); loaded into a fresh model it reads:\n`);
  const fresh = makeModel();
  fresh.loadStateDict(load(readFileSync('out/digits.safetensors')));
  fresh.eval();
  const three = [0, 1, 2];
  const again = await predict(fresh, test.x.narrow(0, 0, 3));
  const pixels = (await test.x.data()) as Float32Array;
  const color = out.isTTY === true;
  print(
    sideBySide(three.map((i) => `${drawDigit(pixels.subarray(i * 64, (i + 1) * 64), { color })}\nread as ${again[i]}, is ${truth[i]}`)),
  );
  print('\nout/digits.wick and out/digits.onnx hold it as a plan and as ONNX. A picture from a file, in one command:');
  print('  npm run wick -- run out/digits.wick examples/digits/seven.png --top 3');
  print('Next: change makeModel() in examples/digits/model.ts and start again; README.md shows the API; npm test runs the tests.');
  return accuracy;
}

if (process.argv[1] && import.meta.url.endsWith(process.argv[1].replaceAll('\\', '/').split('/').slice(-3).join('/'))) await main();
