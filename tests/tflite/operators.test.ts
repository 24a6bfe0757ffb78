// Operators on small inputs whose results can be worked out by hand.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import * as wick from '../../ts/index.ts';
import { TFLiteModel } from '../../ts/tflite/index.ts';
import { type Fields, modelOf, type TensorSpec } from './writer.ts';

type Operand = {
  readonly type?: string;
  readonly shape: readonly number[];
  readonly values: readonly number[];
  readonly spec?: Partial<TensorSpec>;
};
const f = (shape: readonly number[], ...values: number[]): Operand => ({ shape, values });
const i = (shape: readonly number[], ...values: number[]): Operand => ({ type: 'int32', shape, values });
const q = (scale: number, zero: number, shape: readonly number[], ...values: number[]): Operand => ({
  ...{ type: 'int8', shape, values },
  spec: { scale: [scale], zero: [zero] },
});
const bytesOf = ({ type = 'float32', values }: Operand): ArrayBufferView =>
  type === 'int32'
    ? new Int32Array(values)
    : type === 'int8'
      ? new Int8Array(values)
      : type === 'bool'
        ? new Uint8Array(values)
        : new Float32Array(values);

/** Runs an operator whose first operand is the input and whose others are constants. */
function run(op: string, operands: readonly Operand[], options: Fields = {}, out: Partial<TensorSpec>[] = [{}]): number[][] {
  const tensors: TensorSpec[] = operands.map((o, n) => ({
    type: o.type ?? 'float32',
    shape: o.shape,
    ...o.spec,
    ...(n > 0 ? { data: bytesOf(o) } : {}),
  }));
  const outputs = out.map((o) => tensors.push({ type: operands[0].type ?? 'float32', shape: [], ...o }) - 1);
  const inputs = operands.map((_, n) => n);
  const model = new TFLiteModel(modelOf({ tensors, inputs: [0], outputs, operators: [{ op, inputs, outputs, options }] }));
  const [first] = operands;
  const x = wick.tensor([...first.values], { dtype: (first.type ?? 'float32') as 'float32', shape: [...first.shape] });
  const results = [0, 1, 2].map(() => [model.forward(x)].flat().map((y) => Array.from(y.dataSync(), Number)));
  assert.equal(results[1], results[0], `${op}: captured`);
  assert.equal(results[2], results[0], `${op}: as a plan`);
  return results[0];
}
const near = (a: readonly number[], b: readonly number[], what: string): void => {
  assert.is(a.length, b.length, what);
  a.forEach((v, n) => {
    assert.ok(Math.abs(v - b[n]) <= 1e-5 * Math.max(1, Math.abs(b[n])), `${what}: [${a}] instead of [${b}]`);
  });
};

test('sums along a dimension, forwards and backwards, with and without the element itself', () => {
  const x = f([1, 4], 1, 2, 3, 4);
  assert.equal(run('CUMSUM', [x, i([], 1)]), [[1, 3, 6, 10]]);
  assert.equal(run('CUMSUM', [x, i([], 1)], { 0: { i8: 1 } }), [[0, 1, 3, 6]]);
  assert.equal(run('CUMSUM', [x, i([], -1)], { 0: { i8: 1 }, 1: { i8: 1 } }), [[9, 7, 4, 0]]);
});

test('pieces: reversed sequences, blocks to depth and back, updates, sparse and one-hot places', () => {
  assert.equal(run('REVERSE_SEQUENCE', [f([2, 3], 1, 2, 3, 4, 5, 6), i([2], 2, 3)], { 0: { i32: 1 } }), [[2, 1, 3, 6, 5, 4]]);
  assert.equal(run('DEPTH_TO_SPACE', [f([1, 1, 1, 4], 1, 2, 3, 4)], { 0: { i32: 2 } }), [[1, 2, 3, 4]]);
  assert.equal(run('SPACE_TO_DEPTH', [f([1, 2, 2, 1], 1, 2, 3, 4)], { 0: { i32: 2 } }), [[1, 2, 3, 4]]);
  assert.equal(run('DYNAMIC_UPDATE_SLICE', [f([4], 1, 2, 3, 4), f([2], 9, 8), i([1], 3)]), [[1, 2, 9, 8]]);
  assert.equal(run('ONE_HOT', [i([2], 1, 0), i([], 3), f([], 5), f([], -1)], { 0: { i32: 0 } }, [{ type: 'float32' }]), [
    [-1, 5, 5, -1, -1, -1],
  ]);
  assert.equal(run('SPARSE_TO_DENSE', [i([2, 2], 0, 1, 1, 0), i([2], 2, 2), f([2], 7, 8), f([], 1)], {}, [{ type: 'float32' }]), [
    [1, 7, 8, 1],
  ]);
  assert.equal(run('GATHER_ND', [f([2, 2], 1, 2, 3, 4), i([2, 1], 1, 0)]), [[3, 4, 1, 2]]);
  assert.equal(run('SCATTER_ND', [i([3, 1], 1, 1, 3), f([3], 1, 2, 3), i([1], 4)], {}, [{ type: 'float32' }]), [[0, 3, 0, 3]]);
  assert.equal(run('UNSORTED_SEGMENT_MAX', [f([4], 1, 5, 3, 2), i([4], 1, 0, 1, 1), i([], 2)]), [[5, 3]]);
  assert.equal(run('TOPK_V2', [f([4], 3, 1, 3, 2), i([], 3)], {}, [{}, { type: 'int32' }]), [
    [3, 3, 2],
    [0, 2, 3],
  ]);
  assert.equal(run('REVERSE_V2', [f([2, 2], 1, 2, 3, 4), i([1], 1)]), [[2, 1, 4, 3]]);
  assert.equal(run('BROADCAST_ARGS', [i([2], 2, 1), i([3], 3, 1, 4)]), [[3, 2, 4]]);
});

test('slices with strides, masks, new and dropped dimensions', () => {
  const x = f([2, 3], 1, 2, 3, 4, 5, 6);
  const slice = (b: number[], e: number[], s: number[], options: Fields = {}): number[] =>
    run('STRIDED_SLICE', [x, i([b.length], ...b), i([e.length], ...e), i([s.length], ...s)], options)[0];
  assert.equal(slice([0, 0], [2, 3], [1, 2]), [1, 3, 4, 6]);
  assert.equal(slice([0, -1], [2, -4], [1, -1]), [3, 2, 1, 6, 5, 4]);
  assert.equal(slice([1, 0], [2, 3], [1, 1], { 4: { i32: 1 } }), [4, 5, 6]);
  assert.equal(slice([0, 1], [0, 2], [1, 1], { 2: { i32: 1 } }), [2, 5]);
  assert.equal(slice([5, 5], [0, 0], [1, 1], { 0: { i32: 3 }, 1: { i32: 3 } }), [1, 2, 3, 4, 5, 6]);
});

test('integers divide towards zero or down', () => {
  assert.equal(run('DIV', [i([4], 7, -7, 7, -7), i([4], 2, 2, -2, -2)]), [[3, -3, -3, 3]]);
  assert.equal(run('FLOOR_DIV', [i([4], 7, -7, 7, -7), i([4], 2, 2, -2, -2)]), [[3, -4, -4, 3]]);
  assert.equal(run('FLOOR_MOD', [i([4], 7, -7, 7, -7), i([4], 3, 3, -3, -3)]), [[1, 2, -2, -1]]);
});

test('images: three dimensions, L2 pools, local response, nearest neighbours, borders', () => {
  const cube = f([1, 2, 2, 2, 1], 1, 2, 3, 4, 5, 6, 7, 8);
  const stride = { 0: { i8: 1 }, 1: { i32: 1 }, 2: { i32: 1 }, 3: { i32: 1 } } as const;
  assert.equal(run('CONV_3D', [cube, f([2, 2, 2, 1, 1], 1, 0, 0, 0, 0, 0, 0, 1)], stride), [[9]]);
  const pool = { 0: { i8: 1 }, 1: { i32: 2 }, 2: { i32: 2 }, 3: { i32: 2 }, 4: { i32: 2 } } as const;
  near(run('L2_POOL_2D', [f([1, 2, 2, 1], 3, 4, 0, 0)], pool)[0], [2.5], 'L2_POOL_2D');
  const response = { 0: { i32: 1 }, 1: { f32: 1 }, 2: { f32: 1 }, 3: { f32: 0.5 } } as const;
  near(
    run('LOCAL_RESPONSE_NORMALIZATION', [f([1, 1, 1, 3], 1, 2, 3)], response)[0],
    [1 / Math.sqrt(6), 2 / Math.sqrt(15), 3 / Math.sqrt(14)],
    'LRN',
  );
  assert.equal(run('RESIZE_NEAREST_NEIGHBOR', [f([1, 1, 2, 1], 1, 2), i([2], 1, 4)]), [[1, 1, 2, 2]]);
  assert.equal(run('MIRROR_PAD', [f([3], 1, 2, 3), i([1, 2], 2, 1)], { 0: { i8: 0 } }), [[3, 2, 1, 2, 3, 2]]);
  assert.equal(run('MIRROR_PAD', [f([3], 1, 2, 3), i([1, 2], 2, 1)], { 0: { i8: 1 } }), [[2, 1, 1, 2, 3, 3]]);
});

test('recurrent layers keep their state from run to run', () => {
  const model = new TFLiteModel(
    modelOf({
      tensors: [
        { shape: [1, 2] },
        { shape: [1, 2], data: new Float32Array([1, 2]) },
        { shape: [1, 3], data: new Float32Array([1, 10, 100]) },
        { shape: [1, 3], isVariable: true },
        { shape: [1, 1] },
      ],
      inputs: [0],
      outputs: [4],
      operators: [{ op: 'SVDF', inputs: [0, 1, 2, -1, 3], outputs: [4], options: { 0: { i32: 1 } } }],
    }),
  );
  const step = (a: number, b: number): number => (model.forward(wick.tensor([[a, b]])) as wick.Tensor).itemSync();
  assert.equal([step(1, 0), step(0, 1), step(1, 1), step(0, 0), step(0, 0)], [100, 210, 321, 32, 3]);
});

test('quantised functions of bytes follow their real ones within a step', () => {
  const [sx, zx] = [0.05, -3];
  const list = Array.from({ length: 256 }, (_, n) => n - 128);
  const real = list.map((v) => (v - zx) * sx);
  const cases: [string, (x: number) => number, number, number, Fields?][] = [
    ['LOGISTIC', (x) => 1 / (1 + Math.exp(-x)), 1 / 256, -128],
    ['TANH', Math.tanh, 1 / 128, 0],
    ['ELU', (x) => (x < 0 ? Math.expm1(x) : x), 0.05, -100],
    ['GELU', (x) => 0.5 * x * (1 + Math.tanh(0.7978845608 * (x + 0.044715 * x * x * x))), 0.05, -100, { 0: { i8: 1 } }],
    ['HARD_SWISH', (x) => (x * Math.min(6, Math.max(0, x + 3))) / 6, 0.05, -100],
    ['LEAKY_RELU', (x) => (x < 0 ? 0.25 * x : x), 0.05, -60, { 0: { f32: 0.25 } }],
    ['ABS', Math.abs, 0.06, -128],
    ['RELU6', (x) => Math.min(6, Math.max(0, x)), 0.05, -90],
  ];
  for (const [op, fn, scale, zero, options] of cases) {
    const [y] = run(op, [q(sx, zx, [256], ...list)], options ?? {}, [{ scale: [scale], zero: [zero] }]);
    y.forEach((v, n) => {
      const want = Math.min(127, Math.max(-128, Math.round(fn(real[n]) / scale) + zero));
      assert.ok(Math.abs(v - want) <= 1, `${op}(${real[n]}) is ${v} instead of ${want}`);
    });
  }
});

test('quantised sums, differences, products and comparisons of different scales', () => {
  const a = q(0.1, 5, [2, 12], ...Array.from({ length: 24 }, (_, n) => n * 10 - 120));
  const b = q(0.03, -20, [12], ...Array.from({ length: 12 }, (_, n) => n * 9 - 50));
  const real = (o: Operand, n: number): number => (o.values[n % o.values.length] - (o.spec?.zero?.[0] ?? 0)) * (o.spec?.scale?.[0] ?? 1);
  const out = { scale: [0.2], zero: [-1] };
  for (const [op, fn] of [
    ['ADD', (x: number, y: number) => x + y],
    ['SUB', (x: number, y: number) => x - y],
    ['MUL', (x: number, y: number) => x * y],
    ['SQUARED_DIFFERENCE', (x: number, y: number) => (x - y) * (x - y)],
  ] as const) {
    const [y] = run(op, [a, b], op === 'ADD' || op === 'SUB' || op === 'MUL' ? { 0: { i8: 0 } } : {}, [out]);
    y.forEach((v, n) => {
      const want = Math.min(127, Math.max(-128, Math.round(fn(real(a, n), real(b, n % 12)) / 0.2) - 1));
      assert.ok(Math.abs(v - want) <= 1, `${op}: ${v} instead of ${want}`);
    });
  }
  const [less] = run('LESS', [a, b], {}, [{ type: 'bool' }]);
  less.forEach((v, n) => {
    const [x, y] = [real(a, n), real(b, n % 12)];
    if (Math.abs(x - y) > 0.01) assert.is(v, x < y ? 1 : 0);
  });
});

test.run();
