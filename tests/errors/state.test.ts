// Disposed tensors and full memory: typed errors, after which the engine works on and nothing is lost.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Tensor } from '../../ts/index.ts';
import * as wick from '../../ts/index.ts';
import { refuses } from './expect.ts';

const test = suite('disposed tensors and full memory');
const { MemoryError, StateError, ones, tensor } = wick;

test('use after dispose', () => {
  const dead = (): Tensor => {
    const x = ones([2, 3]);
    x.dispose();
    x.dispose();
    return x;
  };
  const uses: Record<string, (x: Tensor) => unknown> = {
    exp: (x) => x.exp(),
    add: (x) => ones([3]).add(x),
    add_: (x) => x.add_(1),
    sum: (x) => x.sum(),
    matmul: (x) => x.matmul(ones([3, 1])),
    reshape: (x) => x.reshape(6),
    transpose: (x) => x.t(),
    clone: (x) => x.clone(),
    detach: (x) => x.detach(),
    to: (x) => x.to('float64'),
    dataSync: (x) => x.dataSync(),
    arraySync: (x) => x.arraySync(),
    itemSync: (x) => x.select(0, 0).select(0, 0).itemSync(),
    copy_: (x) => ones([2, 3]).copy_(x),
    cat: (x) => wick.cat([x, ones([2, 3])]),
    indexSelect: (x) => x.indexSelect(0, tensor([0], { dtype: 'int64' })),
    sort: (x) => x.sort(),
    requiresGrad: (x) => x.requiresGrad_().mul(2),
  };
  for (const use of Object.values(uses)) refuses(() => use(dead()), StateError, /^\w+: /, 'disposed');
  refuses(() => dead().exp(), StateError, 'exp', '[2, 3]', 'clone');
});

test('a read of a disposed tensor rejects', async () => {
  const x = ones([2]);
  x.dispose();
  for (const read of [() => x.data(), () => x.array()]) {
    let error: unknown = null;
    await read().catch((e: unknown) => {
      error = e;
    });
    assert.instance(error, StateError);
  }
});

test('views keep the memory of what they look at', () => {
  const x = tensor([1, 2, 3]);
  const v = x.narrow(0, 1, 2);
  x.dispose();
  assert.equal(v.arraySync(), [2, 3]);
  refuses(() => x.exp(), StateError, 'disposed');
  const y = wick.scope(() => ones([2]).mul(3).reshape(2, 1));
  assert.equal(y.arraySync(), [[3], [3]]);
});

test('what a scope frees cannot be used outside', () => {
  let leaked: Tensor | null = null;
  wick.scope(() => {
    leaked = ones([2]).add(1);
  });
  refuses(() => (leaked as unknown as Tensor).mul(2), StateError, 'disposed', 'scope()');
});

test('beyond the memory limit: MemoryError, nothing lost, no byte leaked', () => {
  const x = wick.rand([1000]);
  const before = x.arraySync();
  const w = tensor([2], { requiresGrad: true });
  const reserved = wick.memory().reserved;
  wick.setMemoryLimit(reserved);
  try {
    const live = wick.memory().live;
    const calls: Record<string, () => unknown> = {
      zeros: () => wick.zeros([reserved / 4 + 1]),
      expand: () =>
        x
          .reshape(1000, 1)
          .expand(1000, Math.ceil(reserved / 4000) + 1)
          .contiguous(),
      outer: () => x.reshape(1000, 1).mul(wick.ones([1]).expand(1, Math.ceil(reserved / 4000) + 1)),
      matmul: () =>
        wick
          .ones([1, 1])
          .expand(Math.ceil(reserved / 4) + 1, 1)
          .matmul(w.reshape(1, 1)),
      sort: () =>
        wick
          .ones([1])
          .expand(Math.ceil(reserved / 8) + 1)
          .sort(),
      cumsum: () =>
        wick
          .ones([1])
          .expand(Math.ceil(reserved / 4) + 1)
          .cumsum(0),
      indexSelect: () => x.indexSelect(0, wick.zeros([1], { dtype: 'int64' }).expand(Math.ceil(reserved / 8) + 1)),
    };
    for (const call of Object.values(calls)) {
      wick.scope(() => refuses(call, MemoryError, 'out of memory', 'bytes', /scope\(\)|dispose\(\)/));
      assert.ok(wick.memory().live <= live, `${wick.memory().live} bytes live, ${live} before`);
    }
    for (let k = 0; k < 50; k++) wick.scope(() => refuses(() => wick.zeros([reserved]), MemoryError, 'out of memory'));
    assert.equal(x.arraySync(), before);
    w.mul(3).sum().backward();
    assert.equal((w.grad as Tensor).arraySync(), [3]);
  } finally {
    wick.setMemoryLimit(2 ** 32);
  }
  assert.is(
    wick
      .zeros([reserved / 4 + 1])
      .sum()
      .itemSync(),
    0,
  );
  refuses(() => wick.zeros([2 ** 31]), MemoryError, 'bytes');
  refuses(() => wick.zeros([2 ** 45]), MemoryError, 'bytes');
});

test('a failed op leaves no memory behind', () => {
  const x = ones([500, 100]);
  const bad = tensor([0, 700], { dtype: 'int64' });
  const live = wick.memory().live;
  for (let k = 0; k < 20; k++) wick.scope(() => refuses(() => x.t().indexSelect(1, bad), wick.IndexError, 'indexSelect'));
  for (let k = 0; k < 20; k++) assert.throws(() => x.t().indexSelect(1, bad));
  assert.ok(wick.memory().live <= live, `${wick.memory().live} bytes live, ${live} before`);
});

test.run();
