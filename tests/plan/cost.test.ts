// What plans count: flops and bytes against numbers worked out by hand.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import * as wick from '../../ts/index.ts';
import * as nn from '../../ts/nn/index.ts';

const test = suite('cost');
type Tensor = wick.Tensor;
type Counts = readonly [macs: number, flops: number, bytes: number];

/** Plan's counts of a function over ones. */
function counts(fn: (...xs: Tensor[]) => unknown, ...shapes: readonly (readonly number[])[]): Counts {
  const compiled = wick.compile(fn);
  const xs = shapes.map((s) => wick.ones(s));
  for (let i = 0; i < 2; i++) wick.noGrad(() => compiled(...xs));
  const { macs, flops, bytesMoved } = compiled.plans[0].stats();
  compiled.dispose();
  return [macs, flops, bytesMoved];
}
const { conv2d, embedding, linear, relu, scaledDotProductAttention } = nn.functional;

test('linear: 3 rows of 5 to 7; bias and relu are one each for every result, joined or not', () => {
  const data = 3 * 5 + 7 * 5 + 3 * 7;
  assert.equal(
    counts((x, w) => linear(x, w), [3, 5], [7, 5]),
    [105, 210, 4 * data],
  );
  assert.equal(
    counts((x, w, b) => linear(x, w, b).relu(), [3, 5], [7, 5], [7]),
    [105, 210 + 21 + 21, 4 * (data + 7)],
  );
});

test('conv2d: 2 images of 3 x 8 x 8, 4 kernels of 3 x 3 padded; in groups; with steps', () => {
  const out = 2 * 4 * 8 * 8;
  assert.equal(counts((x, w) => conv2d(x.contiguous(), w, null, { padding: 1 }), [2, 3, 8, 8], [4, 3, 3, 3]).slice(0, 2), [
    out * 27,
    out * 54,
  ]);
  const [macs, flops] = counts((x, w, b) => relu(conv2d(x, w, b, { stride: 2 })), [2, 4, 9, 9], [6, 4, 3, 3], [6]);
  assert.equal([macs, flops], [2 * 6 * 16 * 36, 2 * 6 * 16 * (72 + 2)]);
});

test('depthwise: each of 8 channels by its own 3 x 3', () => {
  assert.equal(counts((x, w) => conv2d(x, w, null, { padding: 1, groups: 8 }), [1, 8, 6, 6], [8, 1, 3, 3]).slice(0, 2), [
    8 * 36 * 9,
    8 * 36 * 18,
  ]);
});

test('matmul: batches broadcast', () => {
  assert.equal(
    counts((a, b) => a.matmul(b), [4, 1, 3, 5], [2, 5, 6]),
    [4 * 2 * 18 * 5, 8 * 18 * 10, 4 * (60 + 60 + 144)],
  );
});

test('attention: 2 x 3 heads, 4 rows, 5 keys of width 8; causal rows see the keys before them', () => {
  const pairs = 2 * 3 * 4 * 5;
  const shapes = [
    [2, 3, 4, 8],
    [2, 3, 5, 8],
    [2, 3, 5, 8],
  ];
  const [macs, flops] = counts((q, k, v) => scaledDotProductAttention(q, k, v), ...shapes);
  assert.equal([macs, flops], [pairs * 16, pairs * (32 + 1)]);
  const seen = 2 * 3 * (1 + 2 + 3 + 4);
  assert.equal(counts((q, k, v) => scaledDotProductAttention(q, k, v, { isCausal: true }), ...shapes).slice(0, 2), [seen * 16, seen * 33]);
});

test('elementwise chains move what they read and write; broadcast rows count once, views and copies compute nothing', () => {
  assert.equal(
    counts((x) => x.mul(2).add(1).exp(), [6, 10]),
    [0, 180, 4 * 120],
  );
  assert.equal(
    counts((x, y) => x.add(y), [6, 10], [10]),
    [0, 60, 4 * (60 + 10 + 60)],
  );
  assert.equal(
    counts((x) => x.t().contiguous(), [6, 10]),
    [0, 0, 4 * 120],
  );
  assert.equal(
    counts((x) => x.sum(), [6, 10]),
    [0, 60, 4 * 61],
  );
  // Two rows of 4 in and out, and two int64 numbers.
  const two = wick.tensor([1, 2], { dtype: 'int64' });
  assert.equal(
    counts((x) => embedding(two, x), [100, 4]),
    [0, 0, 32 + 32 + 16],
  );
});

test('what is written where it was read moves twice', () => {
  const w = wick.ones([50]);
  assert.equal(
    counts((x) => void w.mul_(2).add_(x), [50]),
    [0, 100, 4 * 150],
  );
});

test.run();
