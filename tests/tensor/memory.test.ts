import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import * as wick from '../../ts/index.ts';
import * as nn from '../../ts/nn/index.ts';
import * as optim from '../../ts/optim/index.ts';
import { Heap } from '../../ts/wasm/heap.ts';

const MB = 2 ** 20;
const turn = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 0));
setFlagsFromString('--expose-gc');
const gc = runInNewContext('gc') as () => void;
/** Collects what earlier tests dropped, so that nothing but the test itself changes the number of live bytes. */
async function settle(): Promise<void> {
  await turn();
  gc();
  await turn();
  wick.reclaim();
}

test('a dropped synchronous loop stays bounded', () => {
  const x = wick.ones([1 << 20]);
  for (let i = 0; i < 600; i++) x.add(1);
  assert.ok(wick.memory().reserved < 512 * MB, `reserved ${wick.memory().reserved / MB} MB`);
});

test('dropped small results come back', async () => {
  await turn();
  wick.reclaim();
  const x = wick.ones([1024]);
  const before = wick.memory().reserved;
  for (let i = 0; i < 200_000; i++) {
    x.add(1);
    if (i % 5000 === 0) await turn();
  }
  assert.ok(wick.memory().reserved < Math.max(before, 512 * MB));
});

test('a scope frees what it does not return', async () => {
  await settle();
  const x = wick.ones([1000]);
  const before = wick.memory().live;
  const y = wick.scope(() => {
    const a = x.add(1);
    const b = a.mul(2);
    return b.sub(1);
  });
  assert.is(wick.memory().live, before + 4000);
  assert.is(y.itemSync === undefined, false);
  y.dispose();
  assert.is(wick.memory().live, before);
});

test('views share memory, which lives as long as the last of them', () => {
  const before = wick.memory().live;
  const x = wick.ones([10, 10]);
  const row = x.select(0, 3);
  x.dispose();
  assert.is(wick.memory().live, before + 400);
  assert.equal(row.sum().itemSync(), 10);
  row.dispose();
  wick.reclaim();
  assert.throws(
    () => row.add(1),
    (e: Error) => e instanceof wick.StateError && /disposed/.test(e.message),
  );
});

test('using frees at the end of the block', () => {
  const before = wick.memory().live;
  const x = wick.ones([64]);
  (x as unknown as Record<symbol, () => void>)[Symbol.dispose ?? Symbol.for('Symbol.dispose')]();
  assert.is(wick.memory().live, before);
});

test('training steps keep live bytes flat to the byte', () => {
  wick.manualSeed(1);
  const model = new nn.Sequential(new nn.Linear(8, 16), new nn.ReLU(), new nn.Dropout(0.2), new nn.Linear(16, 3));
  const adam = new optim.Adam(model.parameters(), { lr: 1e-3 });
  const x = wick.randn([4, 8]);
  const y = wick.randint(0, 3, [4]);
  const step = (): void =>
    wick.scope(() => {
      adam.zeroGrad();
      nn.functional.crossEntropy(model.forward(x) as wick.Tensor, y).backward();
      adam.step();
    });
  for (let i = 0; i < 3; i++) step();
  wick.reclaim();
  const live = wick.memory().live;
  for (let i = 0; i < 300; i++) {
    step();
    if (wick.memory().live !== live) assert.is(wick.memory().live, live, `after step ${i}`);
  }
  assert.is(wick.memory().live, live);
});

test('running out of memory is a typed error after which the engine works on', () => {
  wick.setMemoryLimit(wick.memory().reserved + 32 * MB);
  const kept: wick.Tensor[] = [];
  assert.throws(
    () => {
      for (let i = 0; i < 200; i++) kept.push(wick.ones([4 * MB]));
    },
    (e: Error) => e instanceof wick.MemoryError && /out of memory/.test(e.message),
  );
  for (const t of kept) t.dispose();
  assert.equal(wick.tensor([1, 2]).add(1).arraySync(), [2, 3]);
  wick.setMemoryLimit(65535 * 65536);
  assert.is(
    wick
      .ones([4 * MB])
      .sum()
      .itemSync(),
    4 * MB,
  );
});

test('the heap neither loses nor doubles a byte over random requests', () => {
  let end = 1 << 20;
  const heap = new Heap(65536, end, (wish) => {
    if (wish > 64 * MB) return 0;
    end = Math.ceil(wish / 65536) * 65536;
    return end;
  });
  let seed = 7;
  const random = (n: number): number => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    return seed % n;
  };
  const live: { p: number; n: number }[] = [];
  for (let i = 0; i < 20_000; i++) {
    if (live.length > 0 && random(2) === 0) {
      const [block] = live.splice(random(live.length), 1);
      heap.free(block.p, block.n);
      continue;
    }
    const n = 1 + random(random(4) === 0 ? 2 * MB : 9000);
    let p = heap.tryAlloc(n);
    if (p === 0 && heap.growFor(n)) p = heap.tryAlloc(n);
    if (p === 0) {
      for (const block of live.splice(0, live.length >> 1)) heap.free(block.p, block.n);
      heap.trim();
      continue;
    }
    assert.is(p % 64, 0);
    assert.ok(p >= 65536 && p + n <= end);
    live.push({ p, n });
    if (i % 500 === 0) {
      const sorted = [...live].sort((a, b) => a.p - b.p);
      for (let k = 1; k < sorted.length; k++) assert.ok(sorted[k - 1].p + sorted[k - 1].n <= sorted[k].p, 'blocks overlap');
    }
  }
  for (const block of live) heap.free(block.p, block.n);
  heap.trim();
  assert.ok(heap.tryAlloc(end - 65536 - 2 * MB) > 0, 'after all is freed one span covers the heap');
});

test('a write to the end of a storage from any element leaves what lies behind it alone', () => {
  for (const dtype of ['float32', 'float64', 'int32', 'int64', 'uint8', 'float16'] as const)
    for (const length of [1, 3, 7, 8, 13, 15, 16, 27, 31, 33])
      for (let count = 1; count <= Math.min(length, 9); count++) {
        // Storages that lie side by side, each full.
        const list = Array.from({ length: 6 }, () => wick.full([length], 7, { dtype }));
        list[2].narrow(0, length - count, count).copy_(wick.full([count], 3, { dtype }));
        list[2].narrow(0, length - count, count).add_(1);
        const wanted = list.map((_, k) => Array.from({ length }, (_, i) => (k === 2 && i >= length - count ? 4 : 7)).join());
        assert.equal(
          list.map((x) => (x.to('float64').arraySync() as number[]).join()),
          wanted,
        );
        for (const x of list) x.dispose();
      }
});

test.run();
