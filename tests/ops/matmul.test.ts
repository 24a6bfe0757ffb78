import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { linear, matmul, ones, type Tensor } from '../../ts/index.ts';
import { checkTwice, close, flat, sample } from './differences.ts';

/** One product of row-major lists. */
function product(a: readonly number[], b: readonly number[], m: number, k: number, n: number): number[] {
  const y = new Array<number>(m * n).fill(0);
  for (let i = 0; i < m; i++) for (let j = 0; j < n; j++) for (let q = 0; q < k; q++) y[i * n + j] += a[i * k + q] * b[q * n + j];
  return y;
}
const swap = (x: Tensor): Tensor => x.transpose(-1, -2);

test('every shape class, stored by rows and by columns, in every compute type', () => {
  const shapes = [
    [1, 1, 1],
    [1, 300, 70],
    [1, 70, 300],
    [2, 3, 4],
    [4, 300, 9],
    [5, 7, 9],
    [8, 24, 300],
    [13, 19, 33],
    [37, 530, 61],
    [67, 300, 257],
    [30, 50, 1],
    [9, 1, 9],
    [3, 0, 4],
  ];
  for (const dtype of ['float32', 'float64', 'int32', 'int64'] as const)
    for (const [m, k, n] of shapes)
      for (const byColumns of [0, 1, 2, 3]) {
        const make = (r: number, c: number, columns: boolean, seed: number): Tensor => {
          const scaled = sample(columns ? [c, r] : [r, c], seed)
            .mul(40)
            .to(dtype);
          return columns ? swap(scaled) : scaled;
        };
        const a = make(m, k, (byColumns & 1) > 0, 1);
        const b = make(k, n, (byColumns & 2) > 0, 2);
        const y = matmul(a, b);
        const scale = dtype === 'float32' ? 2e-3 : dtype === 'float64' ? 1e-9 : 0;
        assert.equal([...y.shape], [m, n]);
        close(flat(y), product(flat(a), flat(b), m, k, n), scale * Math.sqrt(k + 1), `${dtype} ${m}x${k}x${n} ${byColumns}`);
      }
});

test('batches broadcast, and permuted batches are read in place', () => {
  const a = sample([2, 1, 5, 6], 1);
  const b = sample([3, 6, 4], 2);
  const y = flat(matmul(a, b));
  for (let i = 0; i < 2; i++)
    for (let j = 0; j < 3; j++) {
      const e = product(flat(a).slice(i * 30, i * 30 + 30), flat(b).slice(j * 24, j * 24 + 24), 5, 6, 4);
      close(y.slice((i * 3 + j) * 20, (i * 3 + j) * 20 + 20), e, 1e-12, `batch ${i} ${j}`);
    }
  const heads = sample([2, 7, 3, 8], 3).permute([0, 2, 1, 3]);
  close(flat(matmul(heads, swap(heads))), flat(matmul(heads.clone(), swap(heads).clone())), 1e-12, 'heads');
});

test('a row of a large product has the bits of the same row of a product of that row', () => {
  const a = sample([64, 700], 1).to('float32');
  const b = sample([700, 48], 2).to('float32');
  const all = flat(matmul(a, b));
  for (const rows of [1, 3, 8, 40]) assert.equal(flat(matmul(a.narrow(0, 0, rows), b)), all.slice(0, rows * 48), `${rows} rows`);
});

test('linear is x @ w.T + bias', () => {
  for (const [shape, out] of [
    [[5, 7], 9],
    [[7], 9],
    [[2, 3, 7], 1],
    [[1, 300], 1],
    [[40, 300], 33],
    [[3, 0], 4],
  ] as const) {
    const k = shape[shape.length - 1];
    const [x, w, bias] = [sample(shape, 1), sample([out, k], 2), sample([out], 3)];
    const e = product(
      flat(x),
      flat(swap(w)),
      shape.slice(0, -1).reduce((p: number, v) => p * v, 1),
      k,
      out,
    ).map((v, i) => v + flat(bias)[i % out]);
    close(flat(linear(x, w, bias)), e, 1e-11, `linear ${shape}`);
  }
});

test('derivatives, once and twice', () => {
  checkTwice((a, b) => matmul(a, b), [sample([3, 4], 1), sample([4, 5], 2)], 'matmul');
  checkTwice((a, b) => matmul(a, b), [sample([2, 1, 3, 4], 1), sample([3, 4, 2], 2)], 'broadcast matmul');
  checkTwice((a, b) => matmul(a, b), [sample([2, 2, 3, 4], 1), sample([4, 2], 2)], 'many by one');
  checkTwice((x, w, b) => linear(x, w, b), [sample([2, 3, 4], 1), sample([5, 4], 2), sample([5], 3)], 'linear');
});

test('errors name the shapes', () => {
  assert.throws(() => matmul(ones([2, 3]), ones([2, 3])), /\[2, 3\]/);
  assert.throws(() => linear(ones([2, 3]), ones([4, 5])), /linear: input \[2, 3\] and weight \[4, 5\]/);
  assert.throws(() => linear(ones([2, 3]), ones([4, 3]), ones([3])), /bias \[3\]/);
});

test.run();
