// Special values of the elementwise rows: NaN, infinities, signed zeros, the ends of the integers, division by zero.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { View } from '../../ts/backend.ts';
import { type DType, SIZE } from '../../ts/base/dtype.ts';
import { TABLE } from '../../ts/ops/networks.ts';
import type { MapOp, Scalar } from '../../ts/ops/op.ts';
import { Engine } from '../../ts/wasm/engine.ts';

const test = suite('elementwise special values');
const engine = new Engine();
const { NaN: nan, POSITIVE_INFINITY: inf } = Number;
type Numbers = readonly (number | bigint)[];

const ARRAYS = {
  float32: Float32Array,
  float64: Float64Array,
  int32: Int32Array,
  int64: BigInt64Array,
  int8: Int8Array,
  uint8: Uint8Array,
  bool: Uint8Array,
};
type Tested = keyof typeof ARRAYS;

function view(dtype: DType, n: number): View {
  return { storage: engine.alloc(n * SIZE[dtype]), offset: 0, shape: [n], strides: [1], dtype, rowMajor: true };
}

/** Runs a row on vectors and numbers; the result as an array. */
function run(name: string, dtype: Tested, ...operands: readonly (Numbers | Scalar)[]): (number | bigint)[] {
  const op = TABLE[name] as MapOp;
  const n = Math.max(...operands.map((x) => (typeof x === 'object' ? x.length : 1)));
  const inputs = operands.map((x, k) => {
    if (typeof x !== 'object') return x;
    const type = op.masks.includes(k) ? 'bool' : dtype;
    const v = view(type, n);
    const data = (ARRAYS[type] as { from(x: Numbers): Float32Array }).from(x);
    engine.write(v, new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    return v;
  });
  const type: Tested = op.out === 'bool' ? 'bool' : dtype;
  const out = view(type, n);
  engine.run(op, inputs, { dtype }, [out]);
  return [...new ARRAYS[type](engine.readSync(out).buffer as ArrayBuffer)];
}

/** Equal as values: NaN equals NaN, and the sign of zero counts. */
function same(actual: Numbers, expected: Numbers): void {
  assert.is(actual.length, expected.length);
  actual.forEach((x, i) => assert.ok(Object.is(x, expected[i]), `element ${i}: ${show(x)}, expected ${show(expected[i])}`));
}
function show(x: number | bigint): string {
  return Object.is(x, -0) ? '-0' : String(x);
}

const FLOATS = ['float32', 'float64'] as const;
const LOW32 = -(2 ** 31);
const LOW64 = -(2n ** 63n);

test('signs of zero survive where they must', () => {
  for (const d of FLOATS) {
    for (const name of [
      'neg',
      'sqrt',
      'trunc',
      'floor',
      'ceil',
      'round',
      'sin',
      'tan',
      'asin',
      'atan',
      'sinh',
      'tanh',
      'asinh',
      'atanh',
      'expm1',
      'log1p',
      'erf',
      'copy',
    ])
      same(run(name, d, [0, -0]), name === 'neg' ? [-0, 0] : [0, -0]);
    same(run('abs', d, [-0, 0]), [0, 0]);
    same(run('reciprocal', d, [0, -0]), [inf, -inf]);
    same(run('signbit', d, [0, -0, -1, nan, inf, -inf]), [0, 1, 1, 0, 0, 1]);
    same(run('copysign', d, [0, 1, -2, inf], [-0, -0, 0, -1]), [-0, -1, 2, -inf]);
    same(run('fmod', d, [-4, 4], 2), [-0, 0]);
  }
});

test('NaN goes through arithmetic and extremes', () => {
  for (const d of FLOATS) {
    for (const name of ['maximum', 'minimum', 'add', 'mul', 'atan2', 'logaddexp'])
      same(run(name, d, [nan, 1, nan], [1, nan, nan]), [nan, nan, nan]);
    same(run('fmax', d, [nan, 1, nan, 2], [3, nan, nan, 1]), [3, 1, nan, 2]);
    same(run('fmin', d, [nan, 1, nan, 2], [3, nan, nan, 1]), [3, 1, nan, 1]);
    same(run('clamp', d, [nan, 5, -5, 0, 2], [-1, -1, -1, nan, 4], [1, 1, 1, 1, 3]), [nan, 1, -1, nan, 3]);
    same(run('sign', d, [nan, -inf, inf, -3]), [0, -1, 1, -1]);
    for (const name of ['relu', 'gelu', 'silu', 'mish', 'selu', 'hardswish', 'logSigmoid', 'sigmoid']) same(run(name, d, [nan]), [nan]);
    same(run('threshold', d, [nan, 1, 2], 1, 7), [nan, 7, 2]);
    same(run('softshrink', d, [nan, 2, -2, 0.25], 0.5), [nan, 1.5, -1.5, 0]);
    same(run('hardshrink', d, [nan, 2, -0.5, 0.5], 0.5), [nan, 2, 0, 0]);
    same(run('reluBackward', d, [5, 5, 5], [nan, 0, 1]), [5, 0, 5]);
  }
});

test('infinities', () => {
  for (const d of FLOATS) {
    same(run('exp', d, [inf, -inf, 1000, -1000]), [inf, 0, inf, 0]);
    same(run('log', d, [inf, 0, -0, -1, 1]), [inf, -inf, -inf, nan, 0]);
    same(run('log1p', d, [inf, -1, -2]), [inf, -inf, nan]);
    same(run('tanh', d, [inf, -inf]), [1, -1]);
    same(run('sigmoid', d, [inf, -inf]), [1, 0]);
    same(run('silu', d, [inf, -100000]), [inf, -0]);
    same(run('mish', d, [inf, 50]), [inf, 50]);
    same(run('rsqrt', d, [inf, 0, -1]), [0, inf, nan]);
    same(run('erfinv', d, [1, -1, 2]), [inf, -inf, nan]);
    same(run('hypot', d, [inf, nan, -inf, 0, 3], [nan, inf, 1, 0, 4]), [inf, inf, inf, 0, 5]);
    same(run('logaddexp', d, [inf, -inf, -inf, 1], [inf, -inf, 2, inf]), [inf, -inf, 2, inf]);
    same(run('logaddexp2', d, [inf, -inf, -inf, 1], [inf, -inf, 2, 1]), [inf, -inf, 2, 2]);
    same(run('xlogy', d, [0, 0, 0, 1, 0], [0, inf, nan, 0, -1]), [0, 0, nan, -inf, 0]);
    same(run('pow', d, [0, 0, -1, nan, 1, -8, 2, -0], [0, -1, inf, 0, nan, 1 / 3, -inf, -3]), [1, inf, 1, 1, 1, nan, 0, -inf]);
    same(run('atan2', d, [0, -0, 0, inf], [1, 1, -0, inf]).slice(0, 2), [0, -0]);
    same(run('softplus', d, [inf, 30, -1000], 1, 20), [inf, 30, 0]);
    same(run('logSigmoid', d, [inf, -inf, -1000]), [0, -inf, -1000]);
    same(run('elu', d, [inf, -inf, 0], 2), [inf, -2, 0]);
    same(run('celu', d, [inf, -inf, 0], 2), [inf, -2, 0]);
    same(run('frac', d, [2.5, -2.5]), [0.5, -0.5]);
    same(run('lerp', d, [1, 1, 1], [3, 3, 3], [0, 1, 0.5]), [1, 3, 2]);
    same(run('hypot', d, [d === 'float32' ? 3e38 : 1e308], 0), [d === 'float32' ? Math.fround(3e38) : 1e308]);
  }
  for (const [name, expected] of Object.entries({
    isnan: [1, 0, 0, 0],
    isinf: [0, 1, 1, 0],
    isfinite: [0, 0, 0, 1],
    isposinf: [0, 1, 0, 0],
    isneginf: [0, 0, 1, 0],
  })) {
    for (const d of FLOATS) same(run(name, d, [nan, inf, -inf, -1]), expected);
    for (const d of ['int32', 'bool'] as const) same(run(name, d, [1, 0]), name === 'isfinite' ? [1, 1] : [0, 0]);
    same(run(name, 'int64', [1n, LOW64]), name === 'isfinite' ? [1, 1] : [0, 0]);
  }
});

test('comparisons and logic', () => {
  for (const d of FLOATS) {
    const [a, b] = [
      [nan, 1, 0, -inf],
      [nan, 2, -0, inf],
    ];
    same(run('eq', d, a, b), [0, 0, 1, 0]);
    same(run('ne', d, a, b), [1, 1, 0, 1]);
    same(run('lt', d, a, b), [0, 1, 0, 1]);
    same(run('le', d, a, b), [0, 1, 1, 1]);
    same(run('gt', d, a, b), [0, 0, 0, 0]);
    same(run('ge', d, a, b), [0, 0, 1, 0]);
    same(run('logicalAnd', d, [nan, 0.5, 0, -0], [1, 1, 1, 1]), [1, 1, 0, 0]);
    same(run('logicalOr', d, [nan, 0.5, 0, -0], 0), [1, 1, 0, 0]);
    same(run('logicalXor', d, [nan, 0.5, 0, -0], 1), [0, 0, 1, 1]);
    same(run('logicalNot', d, [nan, 0.5, 0, -0]), [0, 0, 1, 1]);
    same(run('heaviside', d, [-1, 0, -0, 2, nan], 0.5), [0, 0.5, 0.5, 1, 0]);
    same(run('where', d, [1, 0, 1], [nan, 2, 3], [4, nan, 6]), [nan, nan, 3]);
    same(run('where', d, false, [inf, nan], 0), [0, 0]);
    for (const a of [0.5, -0.25, nan, 2 ** 32, -0, 0]) same(run('where', d, a, [1, 2], 3), a === 0 ? [3, 3] : [1, 2]);
  }
  same(run('lt', 'int64', [LOW64, 2n ** 53n, -1n], [0n, 2n ** 53n + 1n, -1n]), [1, 1, 0]);
  same(run('where', 'int64', [1, 0], [LOW64, 1n], [7n, 2n ** 53n + 1n]), [LOW64, 2n ** 53n + 1n]);
});

test('rounding goes half to even', () => {
  for (const d of FLOATS) {
    same(run('round', d, [0.5, 1.5, 2.5, -0.5, -1.5, inf]), [0, 2, 2, -0, -2, inf]);
    same(run('floor', d, [-0.5, 2 ** 40]), [-1, 2 ** 40]);
    same(run('ceil', d, [-0.5, 0.1]), [-0, 1]);
  }
  same(run('floor', 'int64', [2n ** 62n + 1n]), [2n ** 62n + 1n]);
});

test('division of floats by zero and by infinity', () => {
  for (const d of FLOATS) {
    same(run('div', d, [1, -1, 0], 0), [inf, -inf, nan]);
    same(run('floorDivide', d, [7, -7, 7, -7, 1, 0, -1, 1], [2, 2, -2, -2, 0, 0, inf, -inf]), [3, -4, -4, 3, inf, nan, -1, -1]);
    same(run('truncDivide', d, [7, -7, 1, 0], [2, 2, 0, 0]), [3, -3, inf, nan]);
    same(run('remainder', d, [7, -7, 7, -7, 1, inf, -1], [3, 3, -3, -3, 0, 2, inf]), [1, 2, -2, -1, nan, nan, inf]);
    same(run('fmod', d, [7, -7, 7, 1, inf, -1], [3, 3, -3, 0, 2, inf]), [1, -1, 1, nan, nan, -1]);
  }
});

test('integers neither trap nor lose bits', () => {
  for (const name of ['floorDivide', 'truncDivide', 'remainder', 'fmod']) {
    const wraps = name.endsWith('Divide');
    same(run(name, 'int32', [5, LOW32, 0, LOW32], [0, -1, 0, 1]), [0, wraps ? LOW32 : 0, 0, wraps ? LOW32 : 0]);
    same(run(name, 'int64', [5n, LOW64, LOW64], [0n, -1n, 1n]), [0n, wraps ? LOW64 : 0n, wraps ? LOW64 : 0n]);
    same(run(name, 'uint8', [5, 200], [0, 7]), [0, wraps ? 28 : 4]);
  }
  same(run('floorDivide', 'int32', [7, -7, 7, -7], [2, 2, -2, -2]), [3, -4, -4, 3]);
  same(run('remainder', 'int32', [7, -7, 7, -7], [3, 3, -3, -3]), [1, 2, -2, -1]);
  same(run('fmod', 'int32', [7, -7, 7, -7], [3, 3, -3, -3]), [1, -1, 1, -1]);
  same(run('floorDivide', 'int64', [2n ** 62n + 1n, -(2n ** 62n) - 1n], [1n, 3n]), [2n ** 62n + 1n, -1537228672809129302n]);
  same(run('abs', 'int32', [LOW32, -5]), [LOW32, 5]);
  same(run('neg', 'int64', [LOW64, 5n]), [LOW64, -5n]);
  same(run('neg', 'uint8', [1, 0]), [255, 0]);
  same(run('sign', 'int64', [LOW64, 0n, 9n]), [-1n, 0n, 1n]);
  same(run('mul', 'int64', [2n ** 32n + 1n], [2n ** 32n + 3n]), [BigInt.asIntN(64, (2n ** 32n + 1n) * (2n ** 32n + 3n))]);
  same(run('mul', 'int32', [123456789], [987654321]), [Math.imul(123456789, 987654321)]);
  same(run('square', 'int8', [16, -3]), [0, 9]);
  same(run('maximum', 'int64', [LOW64, 3n], [1n, 2n]), [1n, 3n]);
  same(run('fmin', 'int64', [LOW64, 3n], [1n, 2n]), [LOW64, 2n]);
  same(run('clamp', 'int64', [LOW64, 3n, 9n], -1n, 5n), [-1n, 3n, 5n]);
  same(run('relu', 'int64', [LOW64, 3n]), [0n, 3n]);
  same(run('threshold', 'int32', [1, 2, 3], 2, -1), [-1, -1, 3]);
  same(run('heaviside', 'int64', [-1n, 0n, 1n], 5n), [0n, 5n, 1n]);
});

test('integer powers wrap; negative exponents truncate', () => {
  same(run('pow', 'int32', [3, 2, -2, 0, 1, -1, -1, 2, 0], [4, 31, 3, 0, -5, -5, -4, -1, -1]), [81, LOW32, -8, 1, 1, -1, 1, 0, 0]);
  same(run('pow', 'int64', [3n, 2n, 7n], [40n, 64n, 23n]), [BigInt.asIntN(64, 3n ** 40n), 0n, BigInt.asIntN(64, 7n ** 23n)]);
  same(run('pow', 'uint8', [3, 2], [5, 8]), [243, 0]);
});

test('shifts by any count', () => {
  same(run('bitwiseLeftShift', 'int32', [1, 1, 1, -1], [31, 32, -1, 4]), [LOW32, 0, 0, -16]);
  same(run('bitwiseRightShift', 'int32', [LOW32, LOW32, 8, 8, -8], [31, 32, 32, -1, -1]), [-1, -1, 0, 0, -1]);
  same(run('bitwiseLeftShift', 'int64', [1n, 1n, 1n], [63n, 64n, -1n]), [LOW64, 0n, 0n]);
  same(run('bitwiseRightShift', 'int64', [LOW64, LOW64, 5n], [63n, 99n, 1n]), [-1n, -1n, 2n]);
  same(run('bitwiseLeftShift', 'int8', [1, 1], [7, 8]), [-128, 0]);
  same(run('bitwiseRightShift', 'uint8', [200, 200], [3, 8]), [25, 0]);
  same(run('bitwiseAnd', 'bool', [1, 1, 0], [1, 0, 0]), [1, 0, 0]);
  same(run('bitwiseXor', 'int64', [LOW64], [-1n]), [2n ** 63n - 1n]);
  same(run('bitwiseNot', 'uint8', [0, 255]), [255, 0]);
});

test('bool adds as or and multiplies as and', () => {
  same(run('add', 'bool', [1, 1, 0], [1, 0, 0]), [1, 1, 0]);
  same(run('mul', 'bool', [1, 1, 0], [1, 0, 0]), [1, 0, 0]);
  same(run('maximum', 'bool', [1, 0], [0, 0]), [1, 0]);
});

test('nextafter steps one representable value', () => {
  const tiny = 2 ** -149;
  same(run('nextafter', 'float32', [0, -0, 1, 1, inf, nan, 2, -1], [1, -1, 2, 0, 0, 1, 2, 0]), [
    tiny,
    -tiny,
    1 + 2 ** -23,
    1 - 2 ** -24,
    Math.fround(3.4028234663852886e38),
    nan,
    2,
    -1 + 2 ** -24,
  ]);
  same(run('nextafter', 'float64', [0, 1, 1, inf], [-1, 2, 0, 0]), [-Number.MIN_VALUE, 1 + 2 ** -52, 1 - 2 ** -53, Number.MAX_VALUE]);
});

test('copies keep every value', () => {
  same(run('copy', 'int64', [LOW64, 2n ** 63n - 1n]), [LOW64, 2n ** 63n - 1n]);
  same(run('copy', 'float32', [nan, -inf, -0]), [nan, -inf, -0]);
});

test.run();
