import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import * as wick from '../../ts/index.ts';
import * as nn from '../../ts/nn/functional/index.ts';
import { backend } from '../../ts/tensor/index.ts';
import type { Engine } from '../../ts/wasm/engine.ts';
import { SPREAD, TileChoice } from '../../ts/wasm/tiles.ts';

const test = suite('tiles of products');

test('either tile gives the same bits', () => {
  const { memory } = backend() as Engine;
  const before = memory.u32[SPREAD];
  wick.scope(() => {
    for (const [m, k, n] of [
      [4, 1, 64],
      [37, 300, 65],
      [64, 256, 128],
      [130, 17, 71],
    ]) {
      const [a, b] = [wick.randn([m, k]), wick.randn([k, n])];
      const [image, kernel] = [wick.randn([2, 12, 9, 9]), wick.randn([72, 12, 3, 3])];
      const products = (): Float32Array[] =>
        [
          a.matmul(b),
          a.t().contiguous().t().matmul(b),
          a.matmul(b.t().contiguous().t()),
          nn.conv2d(image, kernel, null, { padding: 1 }),
        ].map((x) => x.contiguous().dataSync() as Float32Array);
      memory.u32[SPREAD] = 0;
      const plain = products();
      memory.u32[SPREAD] = 1;
      assert.equal(products(), plain, `${m} x ${k} x ${n}`);
    }
  });
  memory.u32[SPREAD] = before;
});

/** What a choice settles on where steps take so long by tile. */
function settled(ms: (spread: number) => number, calls: number): { spread: number; open: boolean } {
  const words = new Uint32Array(SPREAD + 1);
  let time = 0;
  const choice = new TileChoice(
    () => words,
    () => time,
  );
  for (let i = 0; i < calls && choice.open; i++) {
    choice.run(64, () => {
      time += 0.01;
    });
    choice.run(128, () => {
      time += ms(words[SPREAD]);
    });
  }
  return { spread: words[SPREAD], open: choice.open };
}

test('real calls correct the habit, if they are long enough and the gain is clear', () => {
  const before = settled(() => 0.1, 20_000);
  assert.is(before.open, false, 'it gives up on short calls');
  const habit = before.spread;
  assert.equal(
    settled((spread) => (spread === habit ? 3 : 2), 100),
    { spread: 1 - habit, open: false },
  );
  assert.equal(
    settled((spread) => (spread === habit ? 2.1 : 2), 100),
    { spread: habit, open: false },
  );
  assert.equal(
    settled((spread) => (spread === habit ? 2 : 3), 100),
    { spread: habit, open: false },
  );
  assert.equal(
    settled((spread) => (spread === habit ? 3 : 2), 20),
    { spread: habit, open: true },
  );
});

test.run();
