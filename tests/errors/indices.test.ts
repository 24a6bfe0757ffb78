// Indices out of range, in every op that takes some; nothing is written where one is.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Tensor } from '../../ts/index.ts';
import * as wick from '../../ts/index.ts';
import { TABLE } from '../../ts/ops/networks.ts';
import type { KernelOp } from '../../ts/ops/op.ts';
import { refuses } from './expect.ts';

const test = suite('bad indices');
const { IndexError, ShapeError, arange, ones, tensor, zeros } = wick;
const int = (data: unknown, dtype: 'int64' | 'int32' = 'int64'): Tensor => tensor(data as number[], { dtype });
const x = arange(6).reshape(2, 3).to('float32');

test('select, narrow, slices, diagonals', () => {
  refuses(() => x.select(0, 2), IndexError, 'select', 'index 2', '[2, 3]');
  refuses(() => x.select(1, -4), IndexError, 'select', 'index -4', '[2, 3]');
  refuses(() => x.select(0, 0.5), IndexError, 'select', '0.5');
  refuses(() => x.narrow(1, 1, 3), IndexError, 'narrow', '3 elements from 1', '[2, 3]');
  refuses(() => x.narrow(1, 0, -1), IndexError, 'narrow', '-1');
  refuses(() => x.narrow(1, -4, 1), IndexError, 'narrow', '-4');
  refuses(() => x.narrow(1, 0.5, 1), IndexError, 'narrow', '0.5');
  refuses(() => tensor(1).select(0, 0), IndexError, 'select', '[]');
  assert.equal(x.diagonal(7).arraySync(), []);
});

for (const dtype of ['int64', 'int32'] as const)
  for (const bad of [3, -1, 2 ** 31 - 1])
    test(`${dtype} index ${bad}`, () => {
      const one = int([0, bad], dtype);
      const each = int(
        [
          [0, 1, 2],
          [0, bad, 1],
        ],
        dtype,
      );
      refuses(() => x.indexSelect(1, one), IndexError, 'indexSelect', `index ${bad}`, 'out of range');
      refuses(() => x.gather(1, each), IndexError, 'gather', `index ${bad}`);
      refuses(() => x.scatter(1, each, ones([2, 3])), IndexError, 'scatter', `index ${bad}`);
      refuses(() => x.scatterAdd(1, each, ones([2, 3])), IndexError, 'scatterAdd', `index ${bad}`);
      refuses(() => x.scatterReduce(1, each, ones([2, 3]), 'amax'), IndexError, 'scatterReduce', `index ${bad}`);
      refuses(() => x.indexAdd(1, one, ones([2, 2])), IndexError, 'indexAdd', `index ${bad}`);
      refuses(() => x.indexCopy(1, one, ones([2, 2])), IndexError, 'indexCopy', `index ${bad}`);
      refuses(() => x.indexFill(1, one, 9), IndexError, /index(Copy|Fill)/, `index ${bad}`);
      const table = ones([3, 4]);
      const row = TABLE.embedding as KernelOp;
      refuses(() => wick.callKernel(row, [table, int([[0], [bad]], dtype)], {}), IndexError, 'embedding', `index ${bad}`);
      for (const name of ['scatter_', 'scatterAdd_'] as const) {
        const y = x.clone();
        refuses(() => y[name](1, each, ones([2, 3])), IndexError, `index ${bad}`);
        assert.equal(y.arraySync(), x.arraySync(), `${name} changed nothing`);
      }
    });

test('advanced indexing and take count from the end, within reason', () => {
  assert.equal(x.take(int([-1])).arraySync(), [5]);
  refuses(() => x.take(int([6])), IndexError, /index/);
  refuses(() => x.take(int([-7])), IndexError, /index/);
  refuses(() => x.index([int([2])]), IndexError, /index/);
  refuses(() => x.index([null, int([-4])]), IndexError, /index/);
  refuses(() => x.index([int([0]), int([0]), int([0])]), IndexError, 'index', '3 indices', '[2, 3]');
  refuses(() => x.index([tensor([true, false, true])]), IndexError, 'index', '[3]', '[2, 3]');
  refuses(() => x.index([ones([2])]), wick.WickError, 'index', 'float32', 'int64');
});

test('index shapes that do not fit', () => {
  refuses(() => x.indexSelect(0, int([[0]])), ShapeError, 'indexSelect', '[1, 1]', 'one-dimensional');
  refuses(() => x.gather(0, int([0])), ShapeError, 'gather', '[1]', '[2, 3]');
  refuses(() => x.gather(0, int([[0, 0, 0, 0]])), ShapeError, 'gather', '[1, 4]', '[2, 3]');
  refuses(() => x.scatter(0, int([[0, 0, 0]]), ones([1, 2])), ShapeError, 'scatter', '[1, 3]', '[1, 2]');
  refuses(() => x.indexAdd(0, int([0]), ones([2, 3])), ShapeError, 'indexAdd', '[2, 3]', '[1, 3]');
  refuses(() => x.topk(4), IndexError, 'topk', 'k 4', '0 to 3');
  refuses(() => x.kthvalue(0), wick.WickError, 'kthvalue', '0');
});

test('an index into nothing', () => {
  refuses(() => zeros([0]).indexSelect(0, int([0])), IndexError, 'indexSelect', 'index 0');
  refuses(() => zeros([0, 2]).gather(0, int([[0, 0]])), IndexError, 'gather', 'index 0');
  refuses(() => wick.callKernel(TABLE.embedding as KernelOp, [zeros([0, 2]), int([0])], {}), IndexError, 'embedding', 'index 0');
  assert.equal(zeros([0]).indexSelect(0, int([])).shape, [0]);
  assert.equal(x.indexSelect(0, int([])).shape, [0, 3]);
  assert.equal(x.gather(0, zeros([0, 3], { dtype: 'int64' })).shape, [0, 3]);
});

test.run();
