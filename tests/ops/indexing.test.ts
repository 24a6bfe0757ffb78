// Indexing, sorting and random ops through the public functions; derivatives against central differences.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import * as wick from '../../ts/index.ts';
import { TABLE } from '../../ts/ops/networks.ts';
import type { Tensor } from '../../ts/tensor/core.ts';

const { tensor, arange, zeros, ones } = wick;
const values = (x: Tensor): unknown => x.arraySync();
const int = (data: number[] | number[][]): Tensor => tensor(data, { dtype: 'int64' });

/** Compares the gradient of sum(f(x) * w), and that gradient's own gradient, with central differences in float64. */
function check(name: string, f: (x: Tensor) => Tensor, shape: number[], spread = 1): void {
  const n = shape.reduce((a, b) => a * b, 1);
  // Distinct values, so that orders and ties do not change under the difference.
  const data = Array.from({ length: n }, (_, i) => (((i * 7 + 3) % 31) - 15.3) * 0.1 * spread + i * 0.001);
  const at = (d: number[]): Tensor => tensor(d, { dtype: 'float64' }).reshape(shape);
  const weigh = (y: Tensor): Tensor => {
    const w = arange(1, y.numel + 1, 1, { dtype: 'float64' })
      .mul(0.37)
      .reshape(y.shape);
    return y.mul(y).mul(w).sum();
  };
  const gradient = (d: number[]): number[] => {
    const x = at(d).requiresGrad_();
    const [g] = wick.grad(weigh(f(x)), [x]);
    return (g as Tensor).reshape(-1).arraySync() as number[];
  };
  const second = (d: number[]): number[] => {
    const x = at(d).requiresGrad_();
    const [g] = wick.grad(weigh(f(x)), [x], { createGraph: true });
    const w = arange(1, n + 1, 1, { dtype: 'float64' }).reshape(shape);
    const [h] = wick.grad((g as Tensor).mul(w).sum(), [x]);
    return (h as Tensor).reshape(-1).arraySync() as number[];
  };
  const eps = 1e-5;
  const shifted = (i: number, by: number): number[] => data.map((v, k) => (k === i ? v + by : v));
  const value = (d: number[]): number => weigh(f(at(d))).itemSync() as number;
  const first = gradient(data);
  const curvature = second(data);
  for (let i = 0; i < n; i++) {
    const want = (value(shifted(i, eps)) - value(shifted(i, -eps))) / (2 * eps);
    assert.ok(Math.abs(first[i] - want) <= 1e-5 * (1 + Math.abs(want)), `${name}: gradient ${i} is ${first[i]}, differences give ${want}`);
    const up = gradient(shifted(i, eps));
    const down = gradient(shifted(i, -eps));
    const bent = up.reduce((sum, g, k) => sum + ((g - down[k]) / (2 * eps)) * (k + 1), 0);
    assert.ok(
      Math.abs(curvature[i] - bent) <= 1e-4 * (1 + Math.abs(bent)),
      `${name}: second derivative ${i} is ${curvature[i]}, differences give ${bent}`,
    );
  }
}

const index = int([
  [0, 2, 1, 0],
  [1, 1, 0, 2],
]);
const small = int([
  [2, 0],
  [1, 1],
]);
const other = (shape: number[]): Tensor =>
  arange(
    0,
    shape.reduce((a, b) => a * b, 1),
    1,
    { dtype: 'float64' },
  )
    .mul(0.3)
    .add(0.7)
    .reshape(shape);

test('derivatives of gathers and scatters', () => {
  check('gather', (x) => x.gather(0, index), [3, 4]);
  check('gather, smaller index', (x) => x.gather(1, small), [3, 4]);
  check('scatter x', (x) => x.scatter(0, small, other([2, 2])), [3, 4]);
  check(
    'scatter src',
    (x) =>
      other([3, 4]).scatter(
        1,
        int([
          [2, 0, 3],
          [1, 3, 0],
        ]),
        x,
      ),
    [2, 3],
  );
  check('scatterAdd x', (x) => x.scatterAdd(0, index, other([2, 4])), [3, 4]);
  check('scatterAdd src', (x) => other([3, 4]).scatterAdd(0, small, x), [3, 3]);
  for (const reduce of ['sum', 'prod', 'mean', 'amax', 'amin'] as const)
    for (const includeSelf of [true, false]) {
      check(`scatterReduce ${reduce} ${includeSelf} x`, (x) => x.scatterReduce(0, index, other([2, 4]), reduce, { includeSelf }), [3, 4]);
      check(`scatterReduce ${reduce} ${includeSelf} src`, (x) => other([3, 4]).scatterReduce(0, index, x, reduce, { includeSelf }), [2, 4]);
    }
});

test('derivatives of whole-row indexing', () => {
  check('indexSelect', (x) => x.indexSelect(1, int([2, 0, 2])), [2, 3]);
  check('indexAdd x', (x) => x.indexAdd(0, int([1, 1]), other([2, 2]), { alpha: 2 }), [3, 2]);
  check('indexAdd src', (x) => other([3, 2]).indexAdd(0, int([1, 1]), x, { alpha: 2 }), [2, 2]);
  check('indexCopy x', (x) => x.indexCopy(0, int([2, 0]), other([2, 2])), [3, 2]);
  check('indexCopy src', (x) => other([3, 2]).indexCopy(0, int([2, 0]), x), [2, 2]);
  check('index', (x) => x.index([int([0, -1]), null, int([[1], [2]])]), [2, 2, 3]);
  check('indexPut', (x) => x.indexPut([null, int([2, 0, 2])], other([2, 3]), { accumulate: true }), [2, 3]);
  check('take', (x) => x.take(int([0, -1, 2, 2])), [2, 3]);
  check('maskedSelect', (x) => x.maskedSelect(tensor([[true, false, true]])), [2, 3]);
});

test('derivatives of views, triangles, sorts', () => {
  check('flip', (x) => x.flip([0, 1]), [2, 3]);
  check('roll', (x) => x.roll(2, 1), [2, 3]);
  check('tril', (x) => x.tril(-1), [3, 3]);
  check('triu', (x) => x.triu(1), [2, 3, 3]);
  check('diagonal', (x) => x.diagonal(1), [3, 4]);
  check('unfold', (x) => x.unfold(1, 3, 1), [2, 5]);
  check('slice', (x) => x.narrow(1, 1, 2), [3, 4]);
  check('permute', (x) => x.permute([2, 0, 1]), [2, 3, 2]);
  check('expand', (x) => x.expand([2, 3, 2]), [3, 1]);
  check('asStrided', (x) => x.asStrided([3, 2], [1, 2], 1), [3, 3]);
  check('asStrided of a transpose', (x) => x.t().asStrided([2, 3], [1, 2], 0), [2, 4]);
  check('sort', (x) => x.sort(0, { descending: true }).values, [4, 3]);
  check('topk', (x) => x.topk(2, 1, { largest: false }).values, [3, 4]);
  check('kthvalue', (x) => x.kthvalue(2, 0).values, [4, 3]);
});

test('advanced indexing follows PyTorch', () => {
  const x = arange(24).reshape([2, 3, 4]);
  assert.equal(values(x.index([int([1, 0]), int([2, -1])])), [
    [20, 21, 22, 23],
    [8, 9, 10, 11],
  ]);
  assert.equal(x.index([int([0, 1]), null, int([0, 3])]).shape, [2, 3]);
  assert.equal(values(x.index([null, int([0]), int([[1], [2]])])), [
    [[1], [2]],
    [[13], [14]],
  ]);
  assert.equal(values(tensor([1, 2, 3]).index([tensor([true, false, true])])), [1, 3]);
  assert.equal(values(zeros([3]).indexPut([int([1, 1])], ones([2]), { accumulate: true })), [0, 2, 0]);
  assert.throws(
    () => x.index([int([2])]),
    (e: Error) => e instanceof wick.IndexError,
  );
  assert.equal(
    values(
      tensor([
        [0, 5],
        [6, 0],
      ]).nonzero(),
    ),
    [
      [0, 1],
      [1, 0],
    ],
  );
  assert.equal(zeros([0, 3]).nonzero().shape, [0, 2]);
});

test('an index out of range changes nothing', () => {
  const x = arange(6).reshape([2, 3]);
  assert.throws(
    () => x.scatter_(1, int([[0, 3]]), 9),
    (e: Error) => e instanceof wick.IndexError && /scatter: index 3/.test(e.message),
  );
  assert.throws(
    () => x.indexAdd_(0, int([-1]), ones([1, 3], { dtype: 'int64' })),
    (e: Error) => e instanceof wick.IndexError,
  );
  assert.equal(values(x), [
    [0, 1, 2],
    [3, 4, 5],
  ]);
});

test('sort is stable, puts NaN last and takes every dtype and dimension', () => {
  const { values: v, indices: i } = tensor([2, Number.NaN, 1, 2, -0, 0]).sort();
  assert.equal(values(i), [4, 5, 2, 0, 3, 1]);
  assert.ok(Number.isNaN((values(v) as number[])[5]));
  assert.equal(values(tensor([1, 1, 0]).sort({ descending: true }).indices), [0, 1, 2]);
  for (const dtype of ['int8', 'uint8', 'int16', 'int32', 'int64', 'float16', 'bfloat16', 'float64'] as const) {
    const x = tensor(
      [
        [3, 1, 2],
        [0, 5, 4],
      ],
      { dtype },
    );
    assert.equal(
      values(x.sort(1).values),
      [
        [1, 2, 3],
        [0, 4, 5],
      ],
      dtype,
    );
    assert.equal(
      values(x.t().sort(0).values.t()),
      [
        [1, 2, 3],
        [0, 4, 5],
      ],
      dtype,
    );
  }
  assert.equal(values(tensor(5).sort().values), 5);
  assert.equal(zeros([2, 0]).sort().values.shape, [2, 0]);
  assert.equal(values(tensor([1, 4, 2, 3]).median()), 2);
});

test('random numbers depend on the seed alone', () => {
  const draw = (): unknown => [wick.rand(5), wick.randn(5), wick.randint(-3, 4, 5), wick.randperm(5)].map(values);
  wick.manualSeed(7);
  const a = draw();
  const b = draw();
  wick.manualSeed(7);
  assert.equal(draw(), a);
  assert.not.equal(b, a);
  wick.manualSeed(0);
  const n = 100000;
  const x = wick.randn(n);
  assert.ok(Math.abs(x.mean().itemSync() as number) < 0.02);
  assert.ok(Math.abs((x.std().itemSync() as number) - 1) < 0.02);
  const u = wick.rand(n, { dtype: 'float16' });
  assert.ok((u.amax().itemSync() as number) < 1);
  assert.equal(
    (values(wick.randperm(50)) as number[]).sort((p, q) => p - q),
    values(arange(50)),
  );
});

test('dropout scales what it keeps, and its gradient too', () => {
  wick.manualSeed(1);
  const x = ones([1000]).requiresGrad_();
  const y = x.dropout({ p: 0.25 });
  y.sum().backward();
  assert.equal(values(x.grad as Tensor), values(y));
  const kept = (values(y) as number[]).filter((v) => v !== 0);
  assert.ok(kept.length > 680 && kept.length < 820);
  assert.ok(kept.every((v) => Math.abs(v - 4 / 3) < 1e-6));
});

test('a fused optimiser step changes the parameter in place', () => {
  const row = wick.callKernel;
  const p = tensor([1, 2], { dtype: 'float32' });
  const m = zeros([2]);
  const v = zeros([2]);
  const g = tensor([0.5, -1]);
  const table = { lr: 0.1, biasCorrection1: 1 - 0.9, biasCorrection2: 1 - 0.999 };
  row(TABLE.adamStep as never, [p, g, m, v, null], table);
  const moved = values(p) as number[];
  assert.ok(Math.abs(moved[0] - 0.9) < 1e-6 && Math.abs(moved[1] - 2.1) < 1e-6);
});

test.run();
