// Operators between DequantizeLinear and QuantizeLinear, fused and as the graph has them: the same numbers up to one rounding where they fuse,
// the same bits where something forbids it.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Tensor, tensor } from '../../ts/index.ts';
import { fused } from '../../ts/onnx/fuse.ts';
import { buildGraph } from '../../ts/onnx/graph.ts';
import { readOnnx } from '../../ts/onnx/index.ts';
import { MODEL, type ModelProto, type NodeProto, type TensorProto } from '../../ts/onnx/messages.ts';
import { codeOf } from '../../ts/onnx/types.ts';
import { decodeMessage } from '../../ts/onnx/wire.ts';
import { floats, longs, modelOf, node, port } from './build.ts';

type Byte = 'int8' | 'uint8';
/** Whole numbers that look random. */
function numbers(n: number, low: number, high: number, seed: number): number[] {
  let state = seed;
  return Array.from({ length: n }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return low + Math.floor((state / 4294967296) * (high - low + 1));
  });
}
const size = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);
const ARRAYS = { int8: Int8Array, uint8: Uint8Array, int32: Int32Array } as const;
const whole = (name: string, type: Byte | 'int32', dims: readonly number[], list: readonly number[]): Partial<TensorProto> => ({
  ...{ name, dims: [...dims], dataType: codeOf(type) },
  rawData: new Uint8Array(ARRAYS[type].from(list).buffer),
});
const random = (type: Byte, dims: readonly number[], seed: number): number[] =>
  type === 'int8' ? numbers(size(dims), -128, 127, seed) : numbers(size(dims), 0, 255, seed);

/** A graph that is to be fused or left: the name that QuantizeLinear reads tells how to keep it apart. */
interface Case {
  readonly nodes: readonly NodeProto[];
  readonly inputs: Readonly<Record<string, readonly [type: Byte, shape: readonly number[]]>>;
  readonly constants: readonly Partial<TensorProto>[];
  /** Further outputs. */
  readonly also?: Readonly<Record<string, 'float'>>;
  readonly opset?: number;
}
const bytesOf = ({ nodes, inputs, constants, also = {}, opset }: Case, apart: boolean): Uint8Array => {
  const last = nodes[nodes.length - 1];
  // A second reader of what is quantised keeps the pattern from fusing.
  const extra = apart ? [node('Identity', [last.input[0]], ['kept_apart'])] : [];
  const outputs = [
    port('y', 'int8', []),
    ...Object.keys({ ...also, ...(apart ? { kept_apart: 1 } : {}) }).map((n) => port(n, 'float', [])),
  ];
  return modelOf({
    ...{ nodes: [...nodes, ...extra], initializers: constants, opset },
    outputs: outputs.map((o) => ({ ...o, type: undefined })),
    inputs: Object.entries(inputs).map(([name, [type, shape]]) => port(name, type, shape)),
  });
};
const operators = (bytes: Uint8Array): string[] =>
  fused(
    buildGraph(decodeMessage(bytes, MODEL) as unknown as ModelProto, () => {
      throw new Error('no external data');
    }),
  ).nodes.map((n) => n.op);

/** Runs a case both ways. `op`: what it fuses to; null: it must not. */
function check(c: Case, op: string | null): void {
  const [together, apart] = [bytesOf(c, false), bytesOf(c, true)];
  const found = operators(together);
  assert.not.ok(operators(apart).some((o) => o.startsWith('QLinear') || o === 'QGemm'));
  if (op === null) assert.ok(found.includes('QuantizeLinear') && !found.some((o) => /^Q(Linear|Gemm)/.test(o)), found.join());
  else assert.ok(found.includes(op), found.join());
  const x = Object.fromEntries(
    Object.entries(c.inputs).map(([name, [type, shape]], i) => [name, tensor(random(type, shape, 5 + i), { shape, dtype: type })]),
  );
  for (const compile of [false, true]) {
    const [a, b] = [together, apart].map((bytes) => readOnnx(bytes, { compile }));
    for (let run = 0; run < 2; run++) {
      const [got, want] = [a, b].map((m) => Array.from((m.run(x).y as Tensor).contiguous().dataSync() as Int8Array));
      assert.is(got.length, want.length);
      if (op === null) assert.equal(got, want);
      else {
        const off = got.map((v, i) => Math.abs(v - want[i]));
        assert.ok(
          off.every((d) => d <= 1),
          `off by ${Math.max(...off)}`,
        );
        // One rounding or two: seldom a tie between them.
        assert.ok(off.filter((d) => d > 0).length <= Math.max(1, got.length / 50), `${off.filter((d) => d > 0).length} of ${got.length}`);
      }
      assert.ok(new Set(want).size > 1 || want.length < 2, 'the case shows nothing');
    }
    a.dispose();
    b.dispose();
  }
}

interface ConvCase {
  readonly x?: readonly number[];
  readonly w?: readonly number[];
  readonly types?: readonly [x: Byte, w: Byte, y: Byte];
  readonly zeros?: readonly [x: number, w: number | readonly number[], y: number];
  readonly scales?: readonly number[];
  readonly attrs?: Readonly<Record<string, number | string | readonly number[]>>;
  /** The bias's scale is that of the products times this. */
  readonly biasBy?: number;
  readonly biasZero?: number;
  readonly bias?: number;
  readonly weightAxis?: number;
  readonly quantizer?: Readonly<Record<string, number>>;
  readonly clips?: readonly (readonly [low: number | null, high: number | null] | 'Relu')[];
  readonly yScale?: number;
}
const fround = Math.fround;
function conv(given: ConvCase): Case {
  const { x = [2, 3, 7, 6], w = [5, 3, 3, 3], types = ['uint8', 'int8', 'int8'], zeros = [131, 0, -3], biasBy = 1, biasZero = 0 } = given;
  const { attrs = { pads: [1, 1, 1, 1] }, bias = 3000, weightAxis = 0, clips = [], yScale = 0.4 } = given;
  const outs = w[0];
  const scales = given.scales ?? numbers(outs, 10, 40, 13).map((v) => v / 4000);
  const one = scales.length === 1 ? [] : [scales.length];
  const wz = typeof zeros[1] === 'number' ? scales.map(() => zeros[1] as number) : zeros[1];
  const constants = [
    ...[floats('xs', [], [0.05]), whole('xz', types[0], [], [zeros[0]]), whole('w', types[1], w, random(types[1], w, 9))],
    ...[floats('ws', one, scales), whole('wz', types[1], one, wz), floats('ys', [], [yScale]), whole('yz', types[2], [], [zeros[2]])],
    whole('b', 'int32', [outs], [bias, ...numbers(outs - 1, -bias, bias, 11)]),
    floats(
      'bs',
      one,
      scales.map((s) => fround(fround(0.05) * fround(s)) * biasBy),
    ),
    whole(
      'bz',
      'int32',
      one,
      scales.map(() => biasZero),
    ),
  ];
  const nodes = [
    node('DequantizeLinear', ['x', 'xs', 'xz'], ['xf']),
    node('DequantizeLinear', ['w', 'ws', 'wz'], ['wf'], { axis: weightAxis }),
    node('DequantizeLinear', ['b', 'bs', 'bz'], ['bf'], { axis: 0 }),
    node('Conv', ['xf', 'wf', 'bf'], ['t0'], { kernel_shape: w.slice(2), ...attrs }),
  ];
  clips.forEach((range, i) => {
    const name = `t${i + 1}`;
    if (range === 'Relu') nodes.push(node('Relu', [`t${i}`], [name]));
    else {
      const ends = range.map((v, k) => (v === null ? '' : `${name}_${k}`));
      range.forEach((v, k) => v !== null && constants.push(floats(ends[k], [], [v])));
      nodes.push(node('Clip', [`t${i}`, ...ends], [name]));
    }
  });
  nodes.push(node('QuantizeLinear', [`t${clips.length}`, 'ys', 'yz'], ['y'], given.quantizer));
  return { nodes, inputs: { x: [types[0], x] }, constants };
}

const FUSES: Readonly<Record<string, ConvCase>> = {
  'a bias at the scale of the products': {},
  'a bias whose scale was rounded otherwise': { biasBy: 1 + 2 ** -23 },
  'a weight with one scale': { scales: [0.004] },
  'a negative axis': { weightAxis: -4 },
  'uint8 weights with a zero point': { types: ['uint8', 'uint8', 'uint8'], zeros: [120, 117, 131], scales: [0.004] },
  'int8 throughout': { types: ['int8', 'int8', 'int8'], zeros: [-11, 0, 4] },
  'int8 to uint8': { types: ['int8', 'int8', 'uint8'], zeros: [-11, 5, 140], scales: [0.004] },
  'a zero point for each output': { types: ['uint8', 'uint8', 'uint8'], zeros: [120, [1, 100, 128, 200, 255], 131] },
  'a depthwise weight with zero points': {
    ...{ x: [1, 8, 6, 7], w: [8, 1, 3, 3], types: ['uint8', 'uint8', 'int8'], zeros: [9, 117, -5] },
    attrs: { pads: [1, 0, 2, 1], group: 8, strides: [2, 1] },
  },
  'automatic padding and dilation': { attrs: { auto_pad: 'SAME_LOWER', dilations: [1, 1], strides: [2, 2] } },
  'one dimension': { x: [2, 3, 11], w: [5, 3, 4], attrs: { pads: [1, 2], dilations: [2] } },
  'an empty batch': { x: [0, 3, 7, 6] },
  'a Relu': { clips: ['Relu'] },
  'limits in turn': { clips: [[-8, null], 'Relu', [2, 6]] },
  'limits that leave one number above': {
    clips: [
      [null, -4],
      [-20, null],
      [-30, 30],
    ],
  },
  'a limit beyond the bytes': { clips: [[-1000, 12]] },
};
for (const [name, c] of Object.entries(FUSES)) test(`Conv, ${name}, fuses`, () => check(conv(c), 'QLinearConv'));

const STAYS: Readonly<Record<string, ConvCase>> = {
  'a bias of another scale': { biasBy: 1.5 },
  'a bias of a scale near by': { biasBy: 1.0001 },
  'a bias with a zero point': { biasZero: 40 },
  'a bias that leaves 32 bits': { bias: 2147483000, yScale: 9e3 },
  'scales along another axis': { w: [3, 3, 3, 3], weightAxis: 1 },
  'a negative scale': { yScale: -0.4 },
};
for (const [name, c] of Object.entries(STAYS)) test(`Conv, ${name}, stays in floats`, () => check(conv(c), null));

test('limits that cross, and one that every byte lies beyond', () => {
  const only = (c: ConvCase): number[] => {
    const both = [false, true].map((apart) => {
      const m = readOnnx(bytesOf(conv(c), apart));
      const y = Array.from(
        m.run({ x: tensor(random('uint8', [2, 3, 7, 6], 5), { shape: [2, 3, 7, 6], dtype: 'uint8' }) }).y.dataSync() as Int8Array,
      );
      m.dispose();
      return y;
    });
    assert.equal(both[0], both[1]);
    return [...new Set(both[0])];
  };
  assert.equal(only({ clips: [[null, -4], 'Relu'] }), [-3]);
  assert.equal(only({ clips: [[5, 2]] }), [2]);
  assert.equal(only({ clips: [[200, null]] }), [127]);
  assert.equal(only({ clips: [[null, -200]] }), [-128]);
  assert.equal(only({ clips: [[200, null]], types: ['uint8', 'int8', 'uint8'], zeros: [131, 0, 3] }), [255]);
  assert.equal(only({ clips: [[null, -200]], types: ['uint8', 'int8', 'uint8'], zeros: [131, 0, 3] }), [0]);
});

/** A product of x with a constant weight. */
function product(
  op: 'MatMul' | 'Gemm',
  x: readonly number[],
  w: readonly number[],
  more: {
    readonly axis?: number;
    readonly attrs?: Readonly<Record<string, number | { readonly float: number }>>;
    readonly bias?: readonly number[];
    readonly scales?: number;
  } = {},
): Case {
  const { axis = w.length - 1, attrs = {}, bias, scales = w[axis] } = more;
  const list = numbers(scales, 10, 40, 13).map((v) => v / 4000);
  const one = scales === 1 ? [] : [scales];
  const own = scales === 1 || bias?.at(-1) !== scales ? 1 : scales;
  return {
    nodes: [
      node('DequantizeLinear', ['x', 'xs', 'xz'], ['xf']),
      node('DequantizeLinear', ['w', 'ws', 'wz'], ['wf'], { axis }),
      ...(bias ? [node('DequantizeLinear', ['b', 'bs', ''], ['bf'], { axis: -1 })] : []),
      node(op, ['xf', 'wf', ...(bias ? ['bf'] : [])], ['t'], attrs),
      node('QuantizeLinear', ['t', 'ys', 'yz'], ['y']),
    ],
    inputs: { x: ['uint8', x] },
    constants: [
      ...[floats('xs', [], [0.05]), whole('xz', 'uint8', [], [120]), whole('w', 'int8', w, random('int8', w, 9))],
      ...[
        floats('ws', one, list),
        whole('wz', 'int8', one, new Array(scales).fill(0)),
        floats('ys', [], [0.6]),
        whole('yz', 'int8', [], [7]),
      ],
      ...(bias
        ? [
            whole('b', 'int32', bias, numbers(size(bias), -9000, 9000, 17)),
            floats(
              'bs',
              own === 1 ? [] : [own],
              list.slice(0, own).map((s) => fround(fround(0.05) * fround(s))),
            ),
          ]
        : []),
    ],
  };
}
test('MatMul fuses with one scale or one for each column', () => {
  check(product('MatMul', [5, 9], [9, 6]), 'QLinearMatMul');
  check(product('MatMul', [2, 5, 9], [9, 6], { scales: 1 }), 'QLinearMatMul');
  check(product('MatMul', [2, 5, 9], [2, 9, 6]), 'QLinearMatMul');
  check(product('MatMul', [5, 6], [6, 6], { axis: -1, scales: 6 }), 'QLinearMatMul');
});
test('MatMul with a scale for each row of its weight stays in floats, square or not', () => {
  check(product('MatMul', [5, 6], [6, 6], { axis: 0 }), null);
  check(product('MatMul', [2, 5, 6], [2, 6, 6], { axis: 1 }), null);
  check(product('MatMul', [5, 6], [6], { axis: 0 }), null);
});
test('Gemm fuses with biases of any shape that fits', () => {
  check(product('Gemm', [5, 9], [9, 6]), 'QGemm');
  check(product('Gemm', [5, 9], [9, 6], { bias: [6] }), 'QGemm');
  check(product('Gemm', [6, 9], [9, 6], { bias: [6, 1], scales: 1 }), 'QGemm');
  check(product('Gemm', [5, 9], [9, 6], { bias: [1, 6] }), 'QGemm');
  check(product('Gemm', [5, 9], [9, 6], { bias: [5, 6], scales: 1 }), 'QGemm');
  check(product('Gemm', [5, 9], [9, 6], { bias: [], scales: 1 }), 'QGemm');
  check(product('Gemm', [9, 5], [6, 9], { axis: 0, attrs: { transA: 1, transB: 1 }, bias: [6] }), 'QGemm');
});
test('Gemm with other factors, or with scales that are not those of its outputs, stays in floats', () => {
  check(product('Gemm', [5, 9], [9, 6], { attrs: { alpha: { float: 2 } } }), null);
  check(product('Gemm', [5, 9], [9, 6], { bias: [6], attrs: { beta: { float: 0 } } }), null);
  check(product('Gemm', [6, 9], [9, 6], { bias: [6, 1] }), null);
  check(product('Gemm', [5, 6], [6, 6], { axis: 0 }), null);
  check(product('Gemm', [5, 6], [6, 6], { attrs: { transB: 1 } }), null);
});

const pair = (op: string, a: readonly number[], b: readonly number[]): Case => ({
  nodes: [
    node('DequantizeLinear', ['a', 'as', 'az'], ['af']),
    node('DequantizeLinear', ['b', 'bs', 'bz'], ['bf']),
    node(op, ['af', 'bf'], ['t']),
    node('QuantizeLinear', ['t', 'ys', 'yz'], ['y']),
  ],
  inputs: { a: ['int8', a], b: ['uint8', b] },
  constants: [
    ...[floats('as', [], [0.07]), whole('az', 'int8', [], [-11]), floats('bs', [], [0.02]), whole('bz', 'uint8', [], [140])],
    ...[floats('ys', [], [0.09]), whole('yz', 'int8', [], [5])],
  ],
});
test('Add and Mul fuse, whatever shapes they broadcast', () => {
  for (const op of ['Add', 'Mul'])
    for (const [a, b] of [
      [
        [4, 5],
        [4, 5],
      ],
      [
        [3, 1],
        [1, 4],
      ],
      [[4], [1, 4]],
      [
        [2, 3, 4, 5],
        [3, 1, 1],
      ],
      [[], [3, 2]],
      [[0, 3], [3]],
    ])
      check(pair(op, a, b), `QLinear${op}`);
});

/** What moves bytes, with the scale and zero point before and behind it. */
const move = (
  op: string,
  attrs: Readonly<Record<string, number | readonly number[]>>,
  to: { readonly scale?: number; readonly zero?: number; readonly type?: Byte } = {},
  more: readonly Partial<TensorProto>[] = [],
): Case => ({
  nodes: [
    node('DequantizeLinear', ['x', 'xs', 'xz'], ['xf']),
    node(op, ['xf', ...more.map((t) => t.name as string)], ['t'], attrs),
    node('QuantizeLinear', ['t', 'ys', 'yz'], ['y']),
  ],
  inputs: { x: ['int8', [2, 3, 6, 4]] },
  constants: [
    ...[floats('xs', [], [0.07]), whole('xz', 'int8', [], [4]), ...more],
    ...[floats('ys', [], [to.scale ?? 0.07]), whole('yz', to.type ?? 'int8', [], [to.zero ?? 4])],
  ],
});
test('what moves bytes fuses between equal scales and zero points alone', () => {
  const moves = (op: string, c: Case, yes: boolean): void => {
    assert.is(operators(bytesOf(c, false)).join(), yes ? op : `DequantizeLinear,${op},QuantizeLinear`);
    const x = tensor(random('int8', [2, 3, 6, 4], 3), { shape: [2, 3, 6, 4], dtype: 'int8' });
    const [got, want] = [false, true].map((apart) => {
      const m = readOnnx(bytesOf(c, apart));
      const y = m.run({ x }).y.contiguous();
      const list = [...y.shape, ...Array.from(y.dataSync() as Int8Array)];
      m.dispose();
      return list;
    });
    assert.equal(got, want);
  };
  const pool = { kernel_shape: [3, 2], strides: [2, 2], pads: [2, 1, 2, 1] };
  moves('MaxPool', move('MaxPool', pool), true);
  moves('MaxPool', move('MaxPool', { ...pool, dilations: [2, 3] }), true);
  moves('MaxPool', move('MaxPool', { ...pool, ceil_mode: 1 }), true);
  moves('Transpose', move('Transpose', { perm: [0, 2, 3, 1] }), true);
  moves('Reshape', move('Reshape', {}, {}, [longs('shape', [2], [6, -1])]), true);
  moves('Gather', move('Gather', { axis: 2 }, {}, [longs('at', [3], [5, -1, 0])]), true);
  moves('MaxPool', move('MaxPool', pool, { scale: 0.08 }), false);
  moves('MaxPool', move('MaxPool', pool, { zero: 5 }), false);
  moves('Transpose', move('Transpose', {}, { type: 'uint8' }), false);
});
test('means fuse', () => {
  check(move('GlobalAveragePool', {}, { scale: 0.01, zero: -7 }), 'QLinearGlobalAveragePool');
  check(move('AveragePool', { kernel_shape: [3, 2], pads: [1, 0, 1, 1] }, { scale: 0.03, zero: -7 }), 'QLinearAveragePool');
});

test('a product that something else reads as well stays in floats, and so does one behind scales of a block or of another dtype', () => {
  const base = conv({});
  const twice = { ...base, nodes: [...base.nodes.slice(0, -1), node('Abs', ['t0'], ['abs']), base.nodes[base.nodes.length - 1]] };
  check({ ...twice, also: { abs: 'float' } }, null);
  check(conv({ quantizer: { precision: 11 } }), null);
  const odd = move('Identity', {});
  check({ ...odd, nodes: [node('DequantizeLinear', ['x', 'xs', 'xz'], ['xf'], { output_dtype: 10 }), ...odd.nodes.slice(1)] }, null);
});

test('shared scales and dequantised numbers with other readers keep their values', () => {
  const base = conv({});
  const c: Case = { ...base, nodes: [...base.nodes.slice(0, -1), node('Neg', ['xf'], ['minus']), base.nodes[base.nodes.length - 1]] };
  const [a, b] = [false, true].map((apart) => readOnnx(bytesOf({ ...c, also: { minus: 'float' } }, apart)));
  const x = tensor(random('uint8', [2, 3, 7, 6], 5), { shape: [2, 3, 7, 6], dtype: 'uint8' });
  assert.equal(a.run({ x }).minus.arraySync(), b.run({ x }).minus.arraySync());
  for (const m of [a, b]) m.dispose();
});

test('QLinearConv with a scale that fits no output is an error that says so', () => {
  const constants = [
    ...[floats('xs', [2], [0.1, 0.2]), whole('xz', 'uint8', [], [0]), whole('w', 'int8', [4, 3, 1, 1], random('int8', [12], 3))],
    ...[floats('ws', [2], [0.1, 0.2]), whole('wz', 'int8', [], [0]), floats('ys', [], [1]), whole('yz', 'int8', [], [0])],
  ];
  const model = readOnnx(
    modelOf({
      nodes: [node('QLinearConv', ['x', 'xs', 'xz', 'w', 'ws', 'wz', 'ys', 'yz'], ['y'])],
      inputs: [port('x', 'uint8', [1, 3, 2, 2])],
      outputs: [port('y', 'int8', [1, 4, 2, 2])],
      initializers: constants,
    }),
  );
  assert.throws(() => model.run({ x: tensor(new Array(12).fill(1), { shape: [1, 3, 2, 2], dtype: 'uint8' }) }), /scales \[2\] and \[2\]/);
});

test.run();
