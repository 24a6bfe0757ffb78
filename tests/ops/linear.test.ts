import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { addmm, linear, noGrad, scope, type Tensor, tensor } from '../../ts/index.ts';
import { sample } from './differences.ts';

const test = suite('linear and its last pass');

const make = (shape: number[], seed: number, dtype: 'float32' | 'float64'): Tensor => sample(shape, seed).to(dtype);

// One row, one column, edges of tiles, several blocks of k, packed and in place.
const SIZES = [
  [1, 1, 1],
  [1, 7, 3],
  [5, 1, 9],
  [2, 33, 17],
  [7, 13, 5],
  [64, 40, 300],
  [130, 66, 515],
];

for (const dtype of ['float32', 'float64'] as const)
  test(`bias, residual and activation have the bits of separate ops, ${dtype}`, () => {
    scope(() => {
      for (const [m, n, k] of SIZES) {
        const x = make([m, k], 1, dtype);
        const w = make([n, k], 2, dtype);
        const bias = make([n], 3, dtype);
        const residual = make([m, n], 4, dtype);
        const product = linear(x, w);
        const at = `${m}, ${n}, ${k}`;
        assert.equal(linear(x, w, bias).dataSync(), product.add(bias).dataSync(), at);
        assert.equal(linear(x, w, null, { residual }).dataSync(), product.add(residual).dataSync(), at);
        const sum = product.add(bias).add(residual);
        assert.equal(linear(x, w, bias, { residual, activation: 'relu' }).dataSync(), sum.relu().dataSync(), at);
        assert.equal(linear(x, w, bias, { residual, activation: 'relu6' }).dataSync(), sum.clamp(0, 6).dataSync(), at);
        assert.equal(linear(x, w, bias, { residual, activation: 'gelu' }).dataSync(), sum.gelu().dataSync(), at);
        const scaled = product.mul(0.5).add(residual.mul(-3));
        assert.equal(addmm(residual, x, w.t(), { alpha: 0.5, beta: -3 }).dataSync(), scaled.dataSync(), at);
      }
    });
  });

test('an activation that is recorded has the gradients of separate ops', () => {
  scope(() => {
    const grads = (fuse: boolean): unknown[] => {
      const leaves = [make([6, 5], 1, 'float64'), make([4, 5], 2, 'float64'), make([4], 3, 'float64'), make([6, 4], 4, 'float64')];
      for (const leaf of leaves) leaf.requiresGrad = true;
      const [x, w, bias, residual] = leaves;
      const y = fuse ? linear(x, w, bias, { residual, activation: 'relu' }) : linear(x, w, bias).add(residual).relu();
      y.square().sum().backward();
      return leaves.map((leaf) => leaf.grad?.dataSync());
    };
    assert.equal(grads(true), grads(false));
  });
});

test('NaN and infinities pass through the clamp as through relu', () => {
  scope(() => {
    const x = tensor([[Number.NaN], [Number.POSITIVE_INFINITY], [Number.NEGATIVE_INFINITY], [-0]]);
    const w = tensor([[1]]);
    noGrad(() => {
      const [a, b] = [linear(x, w, null, { activation: 'relu' }), linear(x, w).relu()].map((y) => Array.from(y.dataSync() as Float32Array));
      assert.ok(
        a.every((v, i) => Object.is(v, b[i])),
        `${a} for ${b}`,
      );
    });
  });
});

test('beta 0 leaves NaN of the added matrix out', () => {
  scope(() => {
    const y = addmm(tensor([[Number.NaN]]), tensor([[2]]), tensor([[3]]), { beta: 0 });
    assert.equal(y.dataSync(), new Float32Array([6]));
  });
});

test('shapes that do not fit are told', () => {
  assert.throws(() => linear(sample([2, 3], 1), sample([4, 3], 2), null, { residual: sample([4], 3) }), /residual \[4\].*\[2, 4\].*expand/);
  assert.throws(() => addmm(sample([2, 2], 1), sample([2, 3], 2), sample([4, 2], 3)), /addmm: inner sizes differ/);
});

test.run();
