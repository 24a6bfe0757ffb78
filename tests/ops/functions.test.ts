// Indexing as in Python and the functions composed of others.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import * as wick from '../../ts/index.ts';
import * as F from '../../ts/nn/functional/index.ts';

const { arange, eye, grad, ones, tensor, zeros } = wick;
const values = (t: wick.Tensor): unknown => t.arraySync();
const x = arange(24).reshape(2, 3, 4);

test('index takes numbers, ranges, new dimensions and ellipses as views', () => {
  assert.equal(values(x.index(1, -1)), [20, 21, 22, 23]);
  assert.equal(values(x.index('...', 0)), [
    [0, 4, 8],
    [12, 16, 20],
  ]);
  assert.equal(x.index(null, ':', null).shape, [1, 2, 1, 3, 4]);
  assert.equal(values(x.index(0, '1:', '::2')), [
    [4, 6],
    [8, 10],
  ]);
  assert.equal(values(x.index(0, 0, { start: -3, stop: -1 })), [1, 2]);
  assert.equal(values(arange(5).index('::-1')), [4, 3, 2, 1, 0]);
  assert.equal(values(arange(5).index('3:0:-2')), [3, 1]);
  assert.equal(arange(5).index('4:2').shape, [0]);
  const y = zeros([3]);
  y.index('1:').fill_(5);
  assert.equal(values(y), [0, 5, 5]);
});

test('index picks by tensors, lists and masks', () => {
  assert.equal(values(x.index([1, 0], [2, 0])), [
    [20, 21, 22, 23],
    [0, 1, 2, 3],
  ]);
  assert.equal(x.index([1, 0], ':', [2, 0]).shape, [2, 3]);
  assert.equal(values(arange(4).index(arange(4).gt(1))), [2, 3]);
  assert.equal(x.index(x.gt(20)).shape, [3]);
  const v = tensor([1, 2, 3], { requiresGrad: true });
  const [g] = grad(v.index([0, 0, 2]).sum(), v);
  assert.equal(values(g as wick.Tensor), [2, 0, 1]);
});

test('index refuses what x has not', () => {
  for (const bad of [() => x.index(2), () => x.index(0, 0, 0, 0), () => x.index('a:b'), () => x.index('...', '...'), () => x.index([3])])
    assert.throws(bad, (e: Error) => e instanceof wick.IndexError);
});

test('pad', () => {
  assert.equal(values(tensor([1, 2, 3]).pad([2, -1])), [0, 0, 1, 2]);
  assert.equal(values(tensor([1, 2, 3]).pad([2, 1], { mode: 'reflect' })), [3, 2, 1, 2, 3, 2]);
  assert.equal(values(tensor([1, 2, 3]).pad([1, 2], { mode: 'circular' })), [3, 1, 2, 3, 1, 2]);
  assert.throws(
    () => tensor([1, 2, 3]).pad([3, 0], { mode: 'reflect' }),
    (e: Error) => e instanceof wick.ShapeError,
  );
});

test('numbers beside narrow integers are cut to their bits', () => {
  const u = tensor([2, 17], { dtype: 'uint8' });
  assert.equal(values(u.ge(-1)), [false, false]);
  assert.equal(values(u.add(255)), [1, 16]);
  assert.is(u.add(255).dtype, 'uint8');
});

test('unique', () => {
  const { values: v, inverse, counts } = wick.unique(tensor([3, 1, 3, 2]));
  assert.equal(
    [values(v), values(inverse), values(counts)],
    [
      [1, 2, 3],
      [2, 0, 2, 1],
      [1, 1, 2],
    ],
  );
  const rows = wick.unique(
    tensor([
      [1, 2],
      [0, 9],
      [1, 2],
    ]),
    { dim: 0 },
  );
  assert.equal(values(rows.values), [
    [0, 9],
    [1, 2],
  ]);
});

test('compositions', () => {
  assert.equal(values(tensor([1, 4, 9]).diff()), [3, 5]);
  assert.equal(values(tensor([1, 2]).diag()), [
    [1, 0],
    [0, 2],
  ]);
  assert.equal(values(tensor([1, 0, 0]).cross(tensor([0, 1, 0]))), [0, 0, 1]);
  assert.equal(values(eye(2).kron(ones([1, 2]))), [
    [1, 1, 0, 0],
    [0, 0, 1, 1],
  ]);
  assert.is(tensor([4, 1, 3, 2]).quantile(0.5).itemSync(), 2.5);
  assert.equal(wick.allclose(ones([2]), ones([2]).add(1e-9)), true);
  assert.equal(wick.equal(ones([2]), ones([1, 2])), false);
  assert.equal(values(tensor([0, 0]).logcumsumexp(0).exp().round()), [1, 2]);
});

test('fold undoes unfold where windows do not overlap', () => {
  const image = wick.arange(32).to('float32').reshape(1, 2, 4, 4);
  const columns = F.unfold(image, 2, { stride: 2 });
  assert.equal(columns.shape, [1, 8, 4]);
  assert.ok(wick.equal(F.fold(columns, [4, 4], 2, { stride: 2 }), image));
});

test.run();
