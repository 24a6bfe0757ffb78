import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { linear, matmul, memory, noGrad, scope, type Tensor } from '../../ts/index.ts';
import { sample } from '../ops/differences.ts';

const test = suite('packed operands');

const f32 = (shape: number[], seed: number): Tensor => sample(shape, seed).to('float32');
/** The bits that a product of never seen data has. */
const fresh = (x: Tensor, w: Tensor): Float32Array => scope(() => matmul(x.clone(), w.clone()).dataSync()) as Float32Array;

test('a matrix that comes again is kept packed, has the same bits for any rows, and is freed with its storage', () => {
  scope(() => {
    const w = f32([300, 70], 2);
    const x = f32([64, 300], 1);
    const before = memory().live;
    const first = scope(() => matmul(x, w).dataSync());
    assert.is(memory().live, before, 'data seen once is not kept');
    for (let i = 0; i < 3; i++) assert.equal(scope(() => matmul(x, w).dataSync()) as Float32Array, first);
    const kept = memory().live - before;
    assert.ok(kept >= 300 * 70 * 4 && kept < 2 * 300 * 70 * 4, `${kept} bytes are kept`);
    for (const rows of [9, 12, 33])
      assert.equal(scope(() => matmul(x.narrow(0, 0, rows), w).dataSync()) as Float32Array, fresh(x.narrow(0, 0, rows), w));
    assert.is(memory().live - before, kept, 'one form serves every number of rows');
    w.dispose();
    assert.is(memory().live, before - 300 * 70 * 4);
  });
});

test('a write drops it: through the matrix, a view of it, or a transposed view', () => {
  scope(() => {
    const w = f32([40, 48], 2);
    const x = f32([20, 40], 1);
    const z = f32([20, 48], 3);
    const agree = (message: string): void => {
      for (let i = 0; i < 3; i++)
        scope(() => {
          assert.equal(matmul(x, w).dataSync(), fresh(x, w), message);
          assert.equal(matmul(z, w.t()).dataSync(), fresh(z, w.t()), message);
        });
    };
    agree('unchanged');
    w.mul_(2);
    agree('scaled');
    w.narrow(1, 3, 5).zero_();
    agree('a view written');
    noGrad(() => w.t().copy_(f32([48, 40], 9)));
    agree('a transposed view written');
  });
});

test('views of one storage have forms of their own, of which few are kept', () => {
  scope(() => {
    const all = f32([12, 24, 24], 2);
    const x = f32([16, 24], 1);
    const before = memory().live;
    for (let round = 0; round < 3; round++)
      for (let i = 0; i < 12; i++) scope(() => assert.equal(matmul(x, all.select(0, i)).dataSync(), fresh(x, all.select(0, i)), `${i}`));
    assert.ok(memory().live - before < 5 * 24 * 32 * 4, 'at most four forms');
    for (let round = 0; round < 4; round++)
      scope(() => assert.equal(matmul(x, all.narrow(0, 0, 2)).dataSync(), fresh(x, all.narrow(0, 0, 2)), 'a batch'));
  });
});

test('narrow dtypes are kept widened', () => {
  for (const dtype of ['float16', 'bfloat16'] as const)
    scope(() => {
      const w = sample([33, 50], 2).to(dtype);
      const x = sample([17, 50], 1).to(dtype);
      const y = scope(() => linear(x.clone(), w.clone()).dataSync());
      for (let i = 0; i < 4; i++) assert.equal(scope(() => linear(x, w).dataSync()) as Uint16Array, y, `${dtype} ${i}`);
      w.mul_(0.5);
      const half = scope(() => linear(x.clone(), w.clone()).dataSync());
      for (let i = 0; i < 4; i++) assert.equal(scope(() => linear(x, w).dataSync()) as Uint16Array, half, `${dtype} changed ${i}`);
    });
});

test('recorded products follow the change of their weights', () => {
  scope(() => {
    const w = f32([30, 20], 1).requiresGrad_();
    const x = f32([10, 20], 2);
    for (let i = 0; i < 4; i++) {
      const y = linear(x, w);
      y.sum().backward();
      assert.equal(y.dataSync(), fresh(x, w.detach().t()));
      noGrad(() => w.sub_(w.grad as Tensor));
      w.grad = null;
    }
  });
});

test.run();
