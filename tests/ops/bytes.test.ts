import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { DTypeError, intMm, ShapeError, scope, setThreads, type Tensor, tensor, ValueError } from '../../ts/index.ts';

const test = suite('products of bytes');

let state = 1;
const random = (n: number): number => {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return (state >>> 8) % n;
};
function bytes(shape: number[], signed: boolean): Tensor {
  const n = shape.reduce((a, b) => a * b, 1);
  const values = Array.from({ length: n }, () => random(256));
  return signed
    ? tensor(
        Int8Array.from(values, (v) => v - 128),
        { shape },
      )
    : tensor(Uint8Array.from(values), { shape });
}
function expected(a: Tensor, b: Tensor, aZero: number, bZero: number): Int32Array {
  const [k, n] = b.shape.slice(-2);
  const rows = a.numel / (k || 1);
  const m = b.ndim === 2 ? (k ? rows : a.shape.slice(0, -1).reduce((p, v) => p * v, 1)) : a.shape[a.ndim - 2];
  const batch = b.ndim === 2 ? 1 : a.shape.slice(0, -2).reduce((p, v) => p * v, 1);
  const [x, y] = [a.dataSync() as Int8Array, b.dataSync() as Int8Array];
  const out = new Int32Array(batch * m * n);
  for (let g = 0; g < batch; g++)
    for (let i = 0; i < m; i++)
      for (let j = 0; j < n; j++) {
        let sum = 0;
        for (let l = 0; l < k; l++) sum += (x[(g * m + i) * k + l] - aZero) * (y[(g * k + l) * n + j] - bZero);
        out[(g * m + i) * n + j] = sum;
      }
  return out;
}

test('all signs, zero points and sizes around a tile, one thread or two', () => {
  for (const threads of [1, 2]) {
    setThreads(threads);
    for (const [m, k, n] of [
      [1, 1, 1],
      [3, 2, 7],
      [4, 8, 8],
      [5, 9, 9],
      [17, 33, 25],
      [64, 100, 40],
      [2, 0, 3],
      [0, 3, 3],
      [70, 513, 130],
    ])
      for (const signs of [0, 1, 2, 3])
        scope(() => {
          const [a, b] = [bytes([m, k], (signs & 1) > 0), bytes([k, n], (signs & 2) > 0)];
          const [aZero, bZero] = [signs & 1 ? -7 : 200, signs & 2 ? 127 : 0];
          const y = intMm(a, b, { aZero, bZero });
          assert.is(y.dtype, 'int32');
          assert.equal(y.shape, [m, n]);
          assert.equal(y.dataSync(), expected(a, b, aZero, bZero), `${m} ${k} ${n} signs ${signs}`);
        });
  }
  setThreads(2);
});

test('batches, one matrix for all, transposed operands', () => {
  const a = bytes([3, 5, 6], false);
  const b = bytes([3, 6, 10], true);
  assert.equal(intMm(a, b).dataSync(), expected(a, b, 0, 0));
  const one = bytes([6, 10], true);
  assert.equal(intMm(a, one).shape, [3, 5, 10]);
  assert.equal(intMm(a, one).dataSync(), expected(a, one, 0, 0));
  const t = bytes([10, 6], true);
  assert.equal(intMm(a, t.t()).dataSync(), expected(a, t.t().contiguous(), 0, 0));
});

test('sums past int32 wrap', () => {
  const k = 40000;
  const a = tensor(new Uint8Array(k).fill(255), { shape: [1, k] });
  const b = tensor(new Uint8Array(k).fill(255), { shape: [k, 1] });
  assert.is(intMm(a, b).itemSync(), (k * 65025) | 0);
});

test('wrong operands are typed errors', () => {
  const [a, b] = [bytes([2, 3], true), bytes([4, 2], true)];
  assert.throws(
    () => intMm(a, b),
    (e: Error) => e instanceof ShapeError && /\[2, 3\] x \[4, 2\]/.test(e.message),
  );
  assert.throws(
    () => intMm(a, b.to('float32')),
    (e: Error) => e instanceof DTypeError,
  );
  assert.throws(
    () => intMm(a, bytes([3, 2], false), { bZero: -1 }),
    (e: Error) => e instanceof ValueError,
  );
});

test.run();
