// Shapes, dims and dtypes that do not fit: the error names the op, what it got and what to do.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Tensor } from '../../ts/index.ts';
import * as wick from '../../ts/index.ts';
import * as F from '../../ts/nn/functional/index.ts';
import { refuses } from './expect.ts';

const test = suite('bad shapes and dtypes');
const { DTypeError, IndexError, ShapeError, ValueError, ones, tensor, zeros } = wick;
const int = (data: unknown): Tensor => tensor(data as number[], { dtype: 'int64' });

test('strided views that leave the storage', () => {
  for (const [shape, strides, offset] of [
    [[3, 3], [2, 1], 0],
    [[5], [1], 0],
    [[2], [1], 3],
    [[2], [1], -1],
    [[1.5], [1], 0],
    [[2], [Number.NaN], 0],
  ] as const)
    refuses(() => ones([4]).asStrided(shape, strides, offset), ShapeError, 'asStrided', '4 elements');
});

test('ragged arrays and what is no number', () => {
  refuses(() => tensor([[1, 2], [3]]), ShapeError, 'tensor', 'ragged', '2 and 1', 'same length');
  refuses(() => tensor([[1, 2], 3] as never), ShapeError, 'tensor', 'ragged');
  refuses(() => tensor([1, [2]] as never), ShapeError, 'tensor', 'ragged');
  refuses(() => tensor([[[1], [2]], [[3]]]), ShapeError, 'ragged', 'depth 1');
  refuses(() => tensor(['1'] as never), ValueError, 'tensor', 'string');
  refuses(() => tensor([null] as never), ValueError, 'tensor');
  refuses(() => tensor(undefined as never), ValueError, 'tensor', 'undefined');
  refuses(() => tensor([1, 2, 3], { shape: [2, 2] }), ShapeError, 'tensor', '3 values', '[2, 2]', '4');
  refuses(() => tensor(new Uint16Array(2) as never), DTypeError, 'tensor', 'Uint16Array');
  refuses(() => tensor([1.5, Number.NaN], { dtype: 'int32' }), ValueError, 'tensor', 'NaN', 'floating');
  refuses(() => tensor([1], { dtype: 'float8' as never }), DTypeError, 'float8', 'float32');
});

test('sizes that are no counts', () => {
  for (const [name, make] of Object.entries({ full: zeros, empty: wick.empty, rand: wick.rand, randn: wick.randn })) {
    refuses(() => make([2, -1]), ShapeError, name, '-1', '[2, -1]');
    refuses(() => make([1.5]), ShapeError, '1.5');
    refuses(() => make([Number.NaN]), ShapeError, 'NaN');
  }
  refuses(() => ones([2, -1]), ShapeError, '[2, -1]');
  refuses(() => wick.eye(-2), ShapeError, '-2');
  refuses(() => wick.linspace(0, 1, -1), ShapeError, 'linspace', '-1');
  refuses(() => wick.randperm(-1), ShapeError, 'randperm', '-1');
  refuses(() => wick.arange(0, 5, 0), ValueError, 'arange', '0');
  refuses(() => wick.arange(0, 5, -1), ValueError, 'arange', '-1', '5');
  refuses(() => wick.randint(5, 5, [2]), ValueError, 'randint', 'low 5', 'high 5');
  refuses(() => zeros([2 ** 40, 2 ** 40]), ShapeError, '1099511627776');
  refuses(() => zeros([2], { dtype: 'int7' as never }), DTypeError, 'int7', 'int32');
});

test('operands that do not broadcast or fit', () => {
  const a = ones([2, 3]);
  const b = ones([4]);
  for (const name of ['add', 'sub', 'mul', 'div', 'pow', 'maximum', 'eq', 'lt', 'atan2'] as const)
    refuses(() => (a[name] as (x: Tensor) => Tensor)(b), ShapeError, name, '[2, 3]', '[4]', 'equal or 1');
  refuses(() => wick.where(a.gt(0), a, b), ShapeError, 'where', '[2, 3]', '[4]');
  refuses(() => b.add_(ones([2, 4])), ShapeError, 'add_', '[2, 4]', '[4]', 'add');
  refuses(() => a.copy_(b), ShapeError, 'copy_', '[4]');
  refuses(() => a.matmul(b), ShapeError, 'matmul', '[2, 3]', '[4]');
  refuses(() => a.matmul(a), ShapeError, 'matmul', '[2, 3]', 'transpose');
  refuses(() => a.mm(ones([3])), ShapeError, 'mm');
  refuses(() => a.matmul(tensor(2)), ShapeError, 'matmul', '[]');
  refuses(() => wick.einsum('ij,jk->ik', a, a), ShapeError, 'einsum', "'j'", '3', '2');
  refuses(() => wick.cat([a, b]), ShapeError, 'cat', '[2, 3]', '[4]');
  refuses(() => wick.cat([tensor(1)]), ShapeError, 'cat', 'stack');
  refuses(() => wick.cat([]), ValueError, 'cat', 'at least one');
  refuses(() => wick.stack([a, ones([3, 2])]), ShapeError, 'stack', '[2, 3]', '[3, 2]');
  refuses(() => F.conv2d(ones([1, 3, 8, 8]), ones([4, 2, 3, 3])), ShapeError, /conv/, '[1, 3, 8, 8]', '[4, 2, 3, 3]');
  refuses(() => F.conv2d(ones([1, 2, 2, 2]), ones([4, 2, 3, 3])), ShapeError, /conv/, 'larger', 'pad');
  refuses(() => F.maxPool2d(ones([1, 1, 2, 2]), 3), ShapeError, 'maxPool2d', '[1, 1, 2, 2]');
  refuses(() => F.maxPool2d(ones([1, 1, 4, 4]), 2, { stride: 0 }), ValueError, 'maxPool2d', 'stride');
});

test('shapes that hold another number of elements', () => {
  const x = ones([2, 3]);
  refuses(() => x.reshape(4), ShapeError, 'reshape', '[2, 3]', '6', '[4]');
  refuses(() => x.reshape(-1, 4), ShapeError, 'reshape', '[2, 3]', '[-1, 4]');
  refuses(() => x.reshape(-1, -1), ShapeError, 'reshape', '[-1, -1]');
  refuses(() => x.reshape(-2, -3), ShapeError, 'reshape', '[-2, -3]');
  refuses(() => zeros([0, 3]).reshape(-1, 0), ShapeError, 'reshape', '[-1, 0]');
  refuses(() => x.reshape(1.5, 4), ShapeError, 'reshape', '1.5');
  refuses(() => x.t().view(6), ShapeError, 'view', '[3, 2]', 'reshape');
  refuses(() => x.expand(2, 4), ShapeError, 'expand', '[2, 3]', '[2, 4]');
  refuses(() => ones([1]).expand(1.5), ShapeError, 'expand', '1.5');
  refuses(() => x.split(1.5, 1), ShapeError, 'split', '1.5');
  refuses(() => x.repeat([1, 1.5]), ShapeError, 'repeat', '1.5');
  refuses(() => x.expand(3), ShapeError, 'expand', '[2, 3]', '[3]');
  refuses(() => x.permute(0, 0), ShapeError, 'permute', '[0, 0]', '[2, 3]');
  refuses(() => x.unflatten(1, [2, 2]), ShapeError, 'unflatten', '[2, 3]', '[2, 2]');
  refuses(() => x.split([1, 1], 1), ShapeError, 'split', '[1, 1]', '3');
  refuses(() => x.split(0, 1), ShapeError, 'split', '0');
  refuses(() => x.chunk(0), ShapeError, 'chunk', '0');
  refuses(() => x.repeat([2]), ShapeError, 'repeat', '[2]', '[2, 3]');
  refuses(() => ones([2, 2, 2]).t(), ShapeError, 't:', '[2, 2, 2]', 'transpose');
  refuses(() => x.unfold(1, 4, 1), ShapeError, 'unfold', '4', '[2, 3]');
  refuses(() => x.unfold(1, 2, 0), ShapeError, 'unfold', 'step');
  refuses(() => x.itemSync(), ShapeError, 'item', '[2, 3]', '6');
  refuses(() => tensor([1, 2]).tril(), ShapeError, 'tril', '[2]');
});

test('dims out of range', () => {
  const x = ones([2, 3]);
  const calls: Record<string, (d: number) => unknown> = {
    sum: (d) => x.sum(d),
    mean: (d) => x.mean(d),
    amax: (d) => x.amax(d),
    argmax: (d) => x.argmax(d),
    max: (d) => x.max(d),
    var: (d) => x.var(d),
    prod: (d) => x.prod(d),
    any: (d) => x.any(d),
    logsumexp: (d) => x.logsumexp(d),
    cumsum: (d) => x.cumsum(d),
    softmax: (d) => x.softmax(d),
    logSoftmax: (d) => x.logSoftmax(d),
    sort: (d) => x.sort(d),
    topk: (d) => x.topk(1, d),
    transpose: (d) => x.transpose(0, d),
    select: (d) => x.select(d, 0),
    narrow: (d) => x.narrow(d, 0, 1),
    squeeze: (d) => x.squeeze(d),
    flip: (d) => x.flip(d),
    roll: (d) => x.roll(1, d),
    movedim: (d) => x.movedim(0, d),
    split: (d) => x.split(1, d),
    unbind: (d) => x.unbind(d),
    indexSelect: (d) => x.indexSelect(d, int([0])),
    gather: (d) => x.gather(d, int([[0]])),
    cat: (d) => wick.cat([x, x], d),
    flatten: (d) => x.flatten(d),
    unfold: (d) => x.unfold(d, 1, 1),
  };
  for (const call of Object.values(calls))
    for (const d of [2, -3, 0.5, Number.NaN]) refuses(() => call(d), IndexError, /^\w+: /, `dim ${d}`, /use -2 to 1/);
  refuses(() => x.unsqueeze(3), IndexError, 'unsqueeze', 'dim 3', '-3 to 2');
  refuses(() => wick.stack([x, x], 4), IndexError, 'stack', 'dim 4');
  refuses(() => x.sum([0, 0]), IndexError, 'sum', 'twice');
  refuses(() => x.diagonal(0, 1, 1), IndexError, 'diagonal', '[2, 3]');
  assert.is(tensor(5).sum(0).itemSync(), 5);
  refuses(() => tensor(5).sum(1), IndexError, 'sum', 'dim 1');
});

test('dtypes that an op does not take', () => {
  const i = int([1, 2]);
  const b = tensor([true, false]);
  refuses(() => b.neg(), DTypeError, 'neg', 'bool', 'float32');
  refuses(() => b.sub(b), DTypeError, 'sub', 'bool', 'logicalXor');
  refuses(() => ones([2]).bitwiseAnd(i), DTypeError, 'bitwiseAnd', 'float32', 'int64');
  refuses(() => i.mean(), DTypeError, 'mean', 'int64', 'float32');
  refuses(() => i.softmax(0), DTypeError, 'softmax', 'int64');
  refuses(() => i.div_(2), DTypeError, 'div_', 'int64', 'div');
  refuses(() => i.add_(1.5), DTypeError, 'add_', 'float32', 'int64');
  refuses(() => ones([2, 2]).gather(1, ones([2, 2])), DTypeError, 'gather', 'float32', 'int64');
  refuses(() => ones([2]).indexSelect(0, b), DTypeError, 'indexSelect', 'bool', 'int64');
  refuses(() => ones([2, 2]).matmul(ones([2, 2], { dtype: 'float64' })), DTypeError, 'matmul', 'float32', 'float64', '.to(');
  refuses(() => F.conv2d(ones([1, 1, 2, 2]), int([[[[1]]]])), DTypeError, /conv/, 'int64', 'float32');
  refuses(() => wick.rand([2], { dtype: 'int32' }), DTypeError, 'int32', 'randint');
  refuses(() => i.bernoulli(), DTypeError, 'bernoulli', 'int64');
  refuses(() => i.dropout(), DTypeError, 'dropout', 'int64');
  refuses(() => i.to('real' as never), DTypeError, "'real'", 'float32');
  refuses(() => wick.setDefaultDtype('int32'), DTypeError, 'int32');
  refuses(() => i.add(2 ** 60), ValueError, 'add', '2^53', 'bigint');
  refuses(() => int([2 ** 60]).itemSync(), ValueError, 'item', 'bigint');
  refuses(() => ones([2]).dropout({ p: 2 }), ValueError, 'dropout', '2');
});

test('nothing to reduce', () => {
  const x = zeros([0, 3]);
  for (const name of ['amax', 'amin', 'argmax', 'argmin'] as const) {
    refuses(() => x[name](0), ShapeError, name, '[0, 3]');
    refuses(() => x[name](), ShapeError, name, '[0, 3]');
  }
  refuses(() => x.max(0), ShapeError, /max/, '[0, 3]');
  assert.equal(x.sum(0).arraySync(), [0, 0, 0]);
  assert.equal(x.prod(0).arraySync(), [1, 1, 1]);
  assert.equal(x.amax(1).arraySync(), []);
  assert.ok(Number.isNaN(x.mean().itemSync()));
  assert.equal(x.any(0).arraySync(), [false, false, false]);
  assert.equal(x.all(0).arraySync(), [true, true, true]);
  assert.equal(
    zeros([2, 0])
      .matmul(zeros([0, 3]))
      .arraySync(),
    [
      [0, 0, 0],
      [0, 0, 0],
    ],
  );
  assert.equal(x.matmul(ones([3, 2])).shape, [0, 2]);
  assert.equal(x.softmax(1).shape, [0, 3]);
  assert.equal(x.cumsum(0).shape, [0, 3]);
  assert.equal(wick.cat([x, ones([1, 3])]).arraySync(), [[1, 1, 1]]);
  assert.equal(x.t().reshape(0, 7).shape, [0, 7]);
  assert.equal(tensor([]).shape, [0]);
  assert.equal(tensor([[], []]).shape, [2, 0]);
});

test.run();
