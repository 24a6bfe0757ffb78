import { inspect } from 'node:util';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import * as wick from '../../ts/index.ts';

test('small tensors read as in PyTorch, with shape and dtype', () => {
  assert.is(
    String(
      wick.tensor([
        [1, 2],
        [3, 4],
      ]),
    ),
    'tensor([[1., 2.],\n        [3., 4.]], shape=[2, 2], dtype=float32)',
  );
  assert.is(String(wick.tensor([1.5, -2.25])), 'tensor([ 1.5000, -2.2500], shape=[2], dtype=float32)');
  assert.is(String(wick.arange(3)), 'tensor([0, 1, 2], shape=[3], dtype=int64)');
  assert.is(String(wick.tensor([true, false])), 'tensor([ true, false], shape=[2], dtype=bool)');
  assert.is(String(wick.scalar(2.5)), 'tensor(2.5000, shape=[], dtype=float32)');
  assert.is(String(wick.zeros([0, 3])), 'tensor([], shape=[0, 3], dtype=float32)');
  assert.is(String(wick.tensor([1, 2], { requiresGrad: true })), 'tensor([1., 2.], shape=[2], dtype=float32, requiresGrad=true)');
});

test('wide ranges use exponents; special values are named', () => {
  assert.match(String(wick.tensor([1e-6, 1.5])), '1.0000e-06, 1.5000e+00');
  assert.match(String(wick.tensor([Number.NaN, Infinity, -Infinity, 1])), 'nan,  inf, -inf,   1.');
});

test('three dimensions are parted by an empty line, large tensors summarised', () => {
  assert.is(String(wick.zeros([2, 1, 2])), 'tensor([[[0., 0.]],\n\n        [[0., 0.]]], shape=[2, 1, 2], dtype=float32)');
  const text = inspect(wick.arange(4000).reshape([40, 100]));
  assert.match(text, '   0,    1,    2, ...,   97,   98,   99');
  assert.match(text, '...,\n');
  assert.match(text, 'shape=[40, 100], dtype=int64');
});

test('a disposed tensor still prints', () => {
  const x = wick.ones([2]);
  x.dispose();
  assert.match(String(x), 'disposed');
});

test.run();
