// Transposed operands, which elementwise ops turn in blocks: every size around a block and a tile, as input, as output and in place.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import * as wick from '../../ts/index.ts';

const SIZES: readonly (readonly [number, number])[] = [
  [2, 2],
  [3, 17],
  [16, 16],
  [33, 48],
  [100, 1000],
  [1025, 33],
  [3, 40000],
  [40000, 3],
];
const DTYPES: readonly wick.DType[] = ['float32', 'float64', 'int32', 'int64', 'int8', 'float16', 'bool'];

function numbers(n: number, dtype: wick.DType, shift: number): number[] {
  return Array.from({ length: n }, (_, i) => (dtype === 'bool' ? (i + shift) % 2 : ((i + shift) * 7919) % 113));
}
/** The transpose of m rows of k numbers. */
function turned(x: readonly number[], m: number, k: number): number[] {
  return Array.from({ length: m * k }, (_, i) => x[(i % m) * k + Math.floor(i / m)]);
}
const flat = (t: wick.Tensor): number[] => Array.from(t.to('float64').dataSync() as Float64Array);

for (const dtype of DTYPES)
  test(`transposed ${dtype}: copied, added to, written to`, () => {
    for (const [m, k] of SIZES) {
      const a = numbers(m * k, dtype, 0);
      const b = numbers(m * k, dtype, 5);
      const x = wick.tensor(a, { dtype }).reshape(m, k);
      const y = wick.tensor(b, { dtype }).reshape(k, m);
      const at = turned(a, m, k);
      assert.equal(flat(x.t().contiguous()), at, `copy ${m} x ${k}`);
      assert.equal(
        flat(x.t().lt(y)),
        at.map((v, i) => Number(v < b[i])),
        `lt ${m} x ${k}`,
      );
      const into = wick.zeros([m, k], { dtype });
      into.t().copy_(y);
      assert.equal(flat(into), turned(b, k, m), `into ${m} x ${k}`);
      if (dtype === 'bool' || dtype === 'int8') continue;
      x.t().add_(y);
      assert.equal(
        flat(x.t().contiguous()),
        at.map((v, i) => v + b[i]),
        `in place ${m} x ${k}`,
      );
    }
  });

test('channels-last and back, with images larger than a tile', () => {
  for (const [n, c, h, w] of [
    [2, 3, 20, 20],
    [1, 64, 33, 17],
    [1, 3, 200, 201],
  ]) {
    const x = wick
      .arange(n * c * h * w)
      .to('float32')
      .reshape(n, c, h, w);
    const last = x.contiguous({ memoryFormat: 'channelsLast' });
    assert.equal(flat(last.contiguous()), flat(x));
    assert.equal(flat(last.add(x)), flat(x.mul(2)));
    const want = x.dataSync();
    const moved = x.permute(0, 2, 3, 1).contiguous().dataSync();
    for (let i = 0; i < moved.length; i++) {
      const p = Math.floor(i / c) % (h * w);
      assert.is(moved[i], want[(Math.floor(i / (c * h * w)) * c + (i % c)) * h * w + p]);
    }
  }
});

test.run();
