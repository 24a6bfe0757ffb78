// Reductions of tensors in any order of their dimensions in memory: the numbers of the contiguous copy, and the same bits on any number of threads.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import * as wick from '../../ts/index.ts';

const SHAPE = [3, 5, 2, 7];
const size = SHAPE.reduce((a, b) => a * b);
const flat = (t: wick.Tensor): number[] => Array.from(t.to('float64').dataSync() as Float64Array);

function permutations(n: number): number[][] {
  if (n === 0) return [[]];
  return permutations(n - 1).flatMap((p) => Array.from({ length: n }, (_, i) => [...p.slice(0, i), n - 1, ...p.slice(i)]));
}
const SUBSETS = Array.from({ length: 15 }, (_, m) => [0, 1, 2, 3].filter((d) => ((m + 1) >> d) & 1));

// Small whole numbers: sums and products of ones and twos are exact in any order.
const DATA = Array.from({ length: size }, (_, i) => ((i * 7919) % 31) - 15);

for (const dtype of ['float32', 'float64', 'int64', 'float16'] as const)
  test(`${dtype} permuted: sums, extremes, truth`, () => {
    const base = wick.tensor(DATA, { dtype }).reshape(SHAPE);
    for (const p of permutations(4)) {
      const x = base.permute(p);
      const y = x.contiguous();
      for (const dims of SUBSETS) {
        const at = `${p} over ${dims}`;
        assert.equal(flat(x.sum(dims)), flat(y.sum(dims)), `sum ${at}`);
        assert.equal(flat(x.amax(dims)), flat(y.amax(dims)), `amax ${at}`);
        assert.equal(flat(x.amin(dims, { keepdim: true })), flat(y.amin(dims, { keepdim: true })), `amin ${at}`);
        assert.equal(flat(x.gt(-15).all(dims)), flat(y.gt(-15).all(dims)), `all ${at}`);
        assert.equal(flat(x.eq(15).any(dims)), flat(y.eq(15).any(dims)), `any ${at}`);
      }
    }
  });

test('permuted: variance and logsumexp', () => {
  const base = wick.tensor(DATA, { dtype: 'float32' }).reshape(SHAPE).mul(0.1);
  for (const p of permutations(4)) {
    const x = base.permute(p);
    const y = x.contiguous();
    for (const dims of SUBSETS) {
      assert.ok(wick.allclose(x.var(dims), y.var(dims), { rtol: 1e-6, equalNan: true }), `var ${p} over ${dims}`);
      assert.ok(wick.allclose(x.logsumexp(dims), y.logsumexp(dims), { rtol: 1e-6 }), `logsumexp ${p} over ${dims}`);
    }
  }
});

test('gradients of a permuted sum', () => {
  const x = wick.tensor(DATA, { dtype: 'float32' }).reshape(SHAPE).permute(0, 2, 3, 1).detach();
  x.requiresGrad = true;
  const w = wick.arange(5).to('float32');
  x.sum([0, 1, 2]).mul(w).sum().backward();
  const want = wick.zeros([3, 2, 7, 5]).add(w);
  assert.equal(flat(x.grad as wick.Tensor), flat(want));
});

test('long reductions give the same bits on 1, 2 and 4 threads', () => {
  const before = wick.info().threads.wanted;
  const x = wick.rand([64, 60, 90]).sub(0.5);
  const last = x.permute(0, 2, 1).contiguous().permute(0, 2, 1);
  const bits = (): string =>
    [x, last]
      .flatMap((t) => [t.sum(), t.sum([0, 2]), t.mean(0), t.var(), t.amax(), t.logsumexp([0, 1]), t.argmax()])
      .map((t) => t.dataSync().join())
      .join(';');
  try {
    const all = [1, 2, 4].map((n) => {
      wick.setThreads(n);
      return bits();
    });
    assert.is(all[1], all[0]);
    assert.is(all[2], all[0]);
  } finally {
    wick.setThreads(before);
  }
});

test.run();
