// Contiguous runs convert by vectors, strided ones element by element: both must give the same bytes.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type DType, SIZE } from '../../ts/base/dtype.ts';
import { empty, scope, type Tensor, tensor, zeros } from '../../ts/index.ts';

const bytesOf = (x: Tensor): Uint8Array => new Uint8Array(x.dataSync().buffer);

/** Bit patterns of a dtype: all of 16 bits, or a spread over 32 with every exponent. */
function patterns(dtype: DType): Tensor {
  if (SIZE[dtype] === 2) {
    const all = Uint16Array.from({ length: 65536 }, (_, i) => i);
    const floats = Float32Array.from(all, (h) => {
      if (dtype === 'bfloat16') return new Float32Array(Uint32Array.of(h << 16).buffer)[0];
      const e = (h >> 10) & 31;
      const m = (h & 1023) / 1024;
      const size = e === 31 ? (m ? Number.NaN : Number.POSITIVE_INFINITY) : e === 0 ? m * 2 ** -14 : (1 + m) * 2 ** (e - 15);
      return h & 0x8000 ? -size : size;
    });
    return tensor(floats, { dtype });
  }
  const bits = Uint32Array.from({ length: 65536 }, (_, i) => Math.imul(i, 0x00012345) ^ (i << 15));
  return tensor(new Float32Array(bits.buffer));
}

/** The same numbers with a gap behind each. */
function spread(x: Tensor): Tensor {
  const wide = zeros([x.numel, 2], { dtype: x.dtype });
  wide.select(1, 0).copy_(x);
  return wide.select(1, 0);
}

const PAIRS: readonly (readonly [DType, DType])[] = [
  ['float16', 'float32'],
  ['bfloat16', 'float32'],
  ['float32', 'float16'],
  ['float32', 'bfloat16'],
  ['float32', 'float64'],
  ['int32', 'int8'],
  ['int32', 'uint8'],
  ['int32', 'int16'],
  ['int32', 'bool'],
  ['uint8', 'float32'],
  ['int8', 'float32'],
  ['int16', 'int32'],
  ['int8', 'int32'],
  ['bool', 'float32'],
];

for (const [from, to] of PAIRS) {
  test(`${from} to ${to}: runs and single elements agree`, () => {
    scope(() => {
      let x: Tensor;
      if (from.startsWith('float') || from === 'bfloat16') x = patterns(from);
      else x = tensor(Int32Array.from({ length: 65536 }, (_, i) => Math.imul(i, 0x9e3779b1) >> (i & 31))).to(from);
      const whole = x.to(to);
      const single = empty([x.numel, 2], { dtype: to }).select(1, 0);
      single.copy_(spread(x));
      assert.equal(bytesOf(whole), bytesOf(single.contiguous()));
      // Lengths around a vector's, and starts inside one.
      for (const n of [1, 7, 8, 9, 15, 16, 17, 33])
        assert.equal(bytesOf(x.slice(0, 3, 3 + n).to(to)), bytesOf(whole.slice(0, 3, 3 + n).contiguous()));
    });
  });
}

test('float64 to float32: runs round as single elements do', () => {
  const x = tensor(
    Float64Array.from({ length: 1001 }, (_, i) => (i - 500) * 1.1 ** (i - 500)),
    { dtype: 'float64' },
  );
  const expected = Float32Array.from(x.dataSync() as Float64Array);
  assert.equal(bytesOf(x.to('float32')), new Uint8Array(expected.buffer));
});

test.run();
