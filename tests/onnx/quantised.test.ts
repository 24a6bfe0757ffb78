import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type DType, type Tensor, tensor } from '../../ts/index.ts';
import { readOnnx } from '../../ts/onnx/index.ts';
import type { NodeProto, TensorProto } from '../../ts/onnx/messages.ts';
import { codeOf } from '../../ts/onnx/types.ts';
import { floats, modelOf, node, port } from './build.ts';

/** Numbers that look random. */
function numbers(n: number, low: number, high: number, seed = 1): number[] {
  let state = seed;
  return Array.from({ length: n }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return low + Math.floor((state / 4294967296) * (high - low + 1));
  });
}
const bytes = (name: string, type: 'int8' | 'uint8' | 'int32', dims: readonly number[], list: readonly number[]): Partial<TensorProto> => ({
  ...{ name, dims: [...dims], dataType: codeOf(type) },
  rawData: new Uint8Array((type === 'int32' ? Int32Array : type === 'int8' ? Int8Array : Uint8Array).from(list).buffer),
});
const fround = Math.fround;
function even(v: number): number {
  const down = Math.floor(v);
  const rest = v - down;
  return rest > 0.5 || (rest === 0.5 && down % 2 !== 0) ? down + 1 : down;
}
const clamp = (v: number, low: number, high: number): number => Math.min(Math.max(v, low), high);

interface Case {
  readonly x: readonly [n: number, c: number, h: number, w: number];
  readonly w: readonly [outs: number, depth: number, kh: number, kw: number];
  readonly groups: number;
  readonly pads: readonly [number, number, number, number];
  readonly strides: readonly [number, number];
}
const CASES: Readonly<Record<string, Case>> = {
  plain: { x: [2, 3, 6, 7], w: [9, 3, 3, 3], groups: 1, pads: [1, 1, 1, 1], strides: [1, 1] },
  strided: { x: [1, 4, 9, 8], w: [5, 4, 3, 2], groups: 1, pads: [0, 1, 2, 0], strides: [2, 3] },
  pointwise: { x: [1, 16, 5, 5], w: [24, 16, 1, 1], groups: 1, pads: [0, 0, 0, 0], strides: [1, 1] },
  depthwise: { x: [1, 8, 7, 7], w: [8, 1, 3, 3], groups: 8, pads: [1, 1, 1, 1], strides: [2, 2] },
  multiplied: { x: [1, 3, 5, 6], w: [6, 1, 3, 3], groups: 3, pads: [1, 1, 1, 1], strides: [1, 1] },
  grouped: { x: [1, 4, 5, 5], w: [6, 2, 3, 3], groups: 2, pads: [1, 1, 1, 1], strides: [1, 1] },
};
const X = { scale: 0.05, zero: 131 };
const Y = { scale: 0.1, zero: -3 };

/** The convolution by its definition: exact sums, one multiplication in float32, half to even. */
function reference({ x, w, groups, pads, strides }: Case, xs: number[], ws: number[], scales: number[], bias: number[]): number[] {
  const [n, c, h, width] = x;
  const [outs, depth, kh, kw] = w;
  const oh = Math.floor((h + pads[0] + pads[2] - kh) / strides[0]) + 1;
  const ow = Math.floor((width + pads[1] + pads[3] - kw) / strides[1]) + 1;
  const y: number[] = [];
  for (let i = 0; i < n; i++)
    for (let o = 0; o < outs; o++)
      for (let p = 0; p < oh; p++)
        for (let q = 0; q < ow; q++) {
          let sum = bias[o];
          const first = Math.floor(o / (outs / groups)) * depth;
          for (let d = 0; d < depth; d++)
            for (let a = 0; a < kh; a++)
              for (let b = 0; b < kw; b++) {
                const [iy, ix] = [p * strides[0] - pads[0] + a, q * strides[1] - pads[1] + b];
                if (iy < 0 || iy >= h || ix < 0 || ix >= width) continue;
                sum += (xs[((i * c + first + d) * h + iy) * width + ix] - X.zero) * ws[((o * depth + d) * kh + a) * kw + b];
              }
          const ratio = fround(fround(fround(X.scale) * fround(scales[o])) / fround(Y.scale));
          y.push(clamp(even(fround(fround(sum) * ratio)) + Y.zero, -128, 127));
        }
  return y;
}
const size = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

for (const [name, test_] of Object.entries(CASES))
  test(`QLinearConv, ${name}: the numbers of its definition, call by call, as a plan and from QDQ with a Relu`, () => {
    const { x, w, groups, pads, strides } = test_;
    const xs = numbers(size(x), 0, 255, 7);
    const ws = numbers(size(w), -127, 127, 9);
    const bias = numbers(w[0], -3000, 3000, 11);
    const scales = numbers(w[0], 1, 40, 13).map((v) => v / 4000);
    const wanted = reference(test_, xs, ws, scales, bias);
    const initializers = [
      ...[floats('xs', [], [X.scale]), bytes('xz', 'uint8', [], [X.zero]), bytes('w', 'int8', w, ws), floats('ws', [w[0]], scales)],
      ...[bytes('wz', 'int8', [w[0]], new Array(w[0]).fill(0)), floats('ys', [], [Y.scale]), bytes('yz', 'int8', [], [Y.zero])],
      bytes('b', 'int32', [w[0]], bias),
      floats(
        'bs',
        [w[0]],
        scales.map((s) => fround(fround(X.scale) * fround(s))),
      ),
      bytes('bz', 'int32', [w[0]], new Array(w[0]).fill(0)),
    ];
    const attrs = { pads, strides, group: groups, kernel_shape: w.slice(2) };
    const ports = { inputs: [port('x', 'uint8', x)], outputs: [port('y', 'int8', ['n', 'c', 'h', 'w'])], initializers };
    const direct = modelOf({ ...ports, nodes: [node('QLinearConv', ['x', 'xs', 'xz', 'w', 'ws', 'wz', 'ys', 'yz', 'b'], ['y'], attrs)] });
    const pairs = (relu: boolean): Uint8Array =>
      modelOf({
        ...ports,
        nodes: [
          node('DequantizeLinear', ['x', 'xs', 'xz'], ['xf']),
          node('DequantizeLinear', ['w', 'ws', 'wz'], ['wf'], { axis: 0 }),
          node('DequantizeLinear', ['b', 'bs', 'bz'], ['bf'], { axis: 0 }),
          node('Conv', ['xf', 'wf', 'bf'], ['c'], attrs),
          ...(relu ? [node('Relu', ['c'], ['r'])] : []),
          node('QuantizeLinear', [relu ? 'r' : 'c', 'ys', 'yz'], ['y']),
        ],
      });
    const given = tensor(xs, { shape: x, dtype: 'uint8' });
    for (const [model, list] of [
      [direct, wanted],
      [pairs(false), wanted],
      [pairs(true), wanted.map((v) => Math.max(v, Y.zero))],
    ] as const)
      for (const compile of [false, true]) {
        const m = readOnnx(model, { compile });
        for (let run = 0; run < 3; run++) assert.equal(Array.from(m.run({ x: given }).y.contiguous().dataSync() as Int8Array), list);
        assert.is(m.runs === 'plan', compile);
        m.dispose();
      }
  });

test('MatMulInteger: zero points of inputs, rows and columns, in plans too', () => {
  const [m, k, n] = [5, 37, 6];
  const [a, b] = [numbers(m * k, 0, 255, 3), numbers(k * n, -128, 127, 5)];
  const run = (za: number[], zb: number[]): void => {
    const model = modelOf({
      nodes: [node('MatMulInteger', ['a', 'b', 'za', 'zb'], ['y'])],
      inputs: [port('a', 'uint8', [m, k]), port('za', 'uint8', za.length === 1 ? [] : [za.length])],
      outputs: [port('y', 'int32', [m, n])],
      initializers: [bytes('b', 'int8', [k, n], b), bytes('zb', 'int8', zb.length === 1 ? [] : [zb.length], zb)],
    });
    const at = (list: number[], i: number): number => list[list.length === 1 ? 0 : i];
    const wanted = Array.from({ length: m * n }, (_, i) => {
      const [r, c] = [Math.floor(i / n), i % n];
      return Array.from({ length: k }, (_, j) => (a[r * k + j] - at(za, r)) * (b[j * n + c] - at(zb, c))).reduce((p, q) => p + q, 0);
    });
    const loaded = readOnnx(model);
    const x = { a: tensor(a, { shape: [m, k], dtype: 'uint8' }), za: tensor(za, { shape: za.length === 1 ? [] : [m], dtype: 'uint8' }) };
    for (let i = 0; i < 3; i++) assert.equal(Array.from(loaded.run(x).y.dataSync() as Int32Array), wanted);
    assert.is(loaded.runs, 'plan');
    loaded.dispose();
  };
  run([0], [0]);
  run([117], [-4]);
  run([117], numbers(n, -9, 9));
  run(numbers(m, 0, 255), [3]);
});

/** Runs DequantizeLinear of two operands, an operator, QuantizeLinear. */
function joinedModel(op: string, a: number[], b: number[]): Int8Array {
  const model = modelOf({
    nodes: [
      node('DequantizeLinear', ['a', 'as', 'az'], ['af']),
      node('DequantizeLinear', ['b', 'bs', 'bz'], ['bf']),
      node(op, ['af', 'bf'], ['c']),
      node('QuantizeLinear', ['c', 'ys', 'yz'], ['y']),
    ],
    inputs: [port('a', 'int8', ['n']), port('b', 'uint8', ['n'])],
    outputs: [port('y', 'int8', ['n'])],
    initializers: [
      ...[floats('as', [], [0.07]), bytes('az', 'int8', [], [-11]), floats('bs', [], [0.02]), bytes('bz', 'uint8', [], [140])],
      ...[floats('ys', [], [0.09]), bytes('yz', 'int8', [], [5])],
    ],
  });
  const of = (list: number[], dtype: DType): Tensor => tensor(list, { dtype, shape: [list.length] });
  const m = readOnnx(model);
  const y = m.run({ a: of(a, 'int8'), b: of(b, 'uint8') }).y.dataSync() as Int8Array;
  m.dispose();
  return y;
}
test('sums and products between DequantizeLinear and QuantizeLinear round as onnxruntime does, half to even', () => {
  const [a, b] = [numbers(1003, -128, 127, 21), numbers(1003, 0, 255, 23)];
  for (const op of ['Add', 'Mul']) {
    const [ra, rb] = [0.07, 0.02].map((v) => fround(fround(v) / fround(0.09)));
    const times = fround(fround(fround(0.07) * fround(0.02)) / fround(0.09));
    const fixed = fround(5 - fround(fround(ra * -11) + fround(rb * 140)));
    const wanted = a.map((v, i) =>
      op === 'Add'
        ? clamp(even(fround(v * ra + fround(b[i] * rb + fixed))), -128, 127)
        : clamp(even(fround((v + 11) * (b[i] - 140) * times)) + 5, -128, 127),
    );
    assert.equal(Array.from(joinedModel(op, a, b)), wanted);
  }
});

test('what only moves bytes of one scale stays bytes; other users of a number keep it', () => {
  const nodes: NodeProto[] = [
    node('DequantizeLinear', ['x', 's', 'z'], ['f']),
    node('MaxPool', ['f'], ['p'], { kernel_shape: [2, 2], strides: [2, 2], pads: [1, 1, 0, 0] }),
    node('QuantizeLinear', ['p', 's', 'z'], ['y']),
    node('Neg', ['f'], ['g']),
  ];
  const xs = numbers(2 * 3 * 5 * 5, -128, 127, 31);
  const model = readOnnx(
    modelOf({
      nodes,
      inputs: [port('x', 'int8', [2, 3, 5, 5])],
      outputs: [port('y', 'int8', [2, 3, 3, 3]), port('g', 'float', [2, 3, 5, 5])],
      initializers: [floats('s', [], [0.5]), bytes('z', 'int8', [], [4])],
    }),
  );
  const x = tensor(xs, { shape: [2, 3, 5, 5], dtype: 'int8' });
  const { y, g } = model.run({ x });
  const at = (i: number, r: number, c: number): number => (r < 0 || c < 0 ? -Infinity : xs[(i * 5 + r) * 5 + c]);
  const pooled = Array.from({ length: 6 * 9 }, (_, k) => {
    const [i, r, c] = [Math.floor(k / 9), Math.floor((k % 9) / 3) * 2 - 1, (k % 3) * 2 - 1];
    return Math.max(at(i, r, c), at(i, r, c + 1), at(i, r + 1, c), at(i, r + 1, c + 1));
  });
  assert.equal(Array.from(y.contiguous().dataSync() as Int8Array), pooled);
  assert.equal(
    Array.from(g.dataSync() as Float32Array),
    xs.map((v) => -(v - 4) * 0.5),
  );
  model.dispose();
});

test.run();
