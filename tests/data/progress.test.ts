import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { progressBar } from '../../ts/data/progress.ts';

/** Runs 2 epochs of 3 steps, one a second, and gives what was written. */
function run(terminal: { isTTY?: boolean; columns?: number }): string[] {
  const written: string[] = [];
  let time = 0;
  const bar = progressBar({ total: 3, out: { ...terminal, write: (text: string) => written.push(text) }, width: 6, now: () => time });
  for (let epoch = 1; epoch <= 2; epoch++) {
    for (let step = 1; step <= 3; step++) {
      time += 1000;
      bar.tick({ epoch, epochs: 2, step, loss: 1 / step, imagesPerSecond: 1234.5 });
    }
  }
  bar.done();
  return written;
}

test('a terminal gets one line in place, with the time left, and one line break at the end', () => {
  const written = run({ isTTY: true, columns: 120 });
  assert.is(written[0], '\r██░░░░  epoch 1/2  step 1/3  loss 1.0000  1,235 images/s  ETA 0:05\x1b[K');
  assert.is(written[5], '\r██████  epoch 2/2  step 3/3  loss 0.3333  1,235 images/s  took 0:06\x1b[K');
  assert.equal(written.slice(6), ['\n']);
});

test('no line is as wide as the terminal', () => {
  for (const columns of [10, 40, 60, 66, 70]) {
    for (const text of run({ isTTY: true, columns }))
      assert.ok(text.replace('\r', '').replace('\x1b[K', '').replace('\n', '').length < columns);
  }
});

test('elsewhere there is one line per epoch', () => {
  assert.equal(run({}), [
    'epoch 1/2  step 3/3  loss 0.3333  1,235 images/s  0:03 so far\n',
    'epoch 2/2  step 3/3  loss 0.3333  1,235 images/s  0:06 so far\n',
  ]);
});

test('many quick steps are not all drawn, and a run that stops early ends its line', () => {
  const written: string[] = [];
  let time = 0;
  const bar = progressBar({ total: 1000, out: { isTTY: true, write: (text: string) => written.push(text) }, now: () => time++ });
  for (let step = 1; step <= 500; step++) bar.tick({ epoch: 1, epochs: 1, step, loss: Number.NaN, imagesPerSecond: Infinity });
  assert.ok(written.length < 15);
  bar.done();
  bar.done();
  assert.is(written.filter((text) => text === '\n').length, 1);
});

test.run();
