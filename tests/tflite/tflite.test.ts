import { test } from 'uvu';
import * as assert from 'uvu/assert';
import '../../ts/fast/index.ts';
import * as wick from '../../ts/index.ts';
import { registerCustom, TFLiteModel } from '../../ts/tflite/index.ts';
import { type GraphSpec, modelOf } from './writer.ts';

/** A chain of one operator on the inputs. */
const one = (op: string, tensors: GraphSpec['tensors'], inputs: number[], ins: number[], out: number, options = {}): Uint8Array =>
  modelOf({ tensors, inputs, outputs: [out], operators: [{ op, inputs: ins, outputs: [out], options }] });
const ints = (...list: number[]): Int32Array => new Int32Array(list);
const numbers = (x: wick.Tensor | wick.Tensor[]): number[] => Array.from((x as wick.Tensor).dataSync(), Number);

test('load: a dense layer with its fused activation, eager and as a plan; names, shapes, metadata', async () => {
  const bytes = one(
    'FULLY_CONNECTED',
    [
      { name: 'x', shape: [1, 2], signature: [-1, 2] },
      { shape: [3, 2], data: new Float32Array([1, 2, 3, 4, 5, 6]) },
      { shape: [3], data: new Float32Array([0, -20, 1]) },
      { name: 'y', shape: [1, 3] },
    ],
    [0],
    [0, 1, 2],
    3,
    { 0: { i8: 1 } },
  );
  for (const compile of [false, true]) {
    const model = await wick.load(bytes, { compile });
    assert.is(model.format, 'tflite');
    assert.equal(model.inputs[0].shape, [null, 2]);
    assert.equal(
      model.outputs.map((p) => p.name),
      ['y'],
    );
    assert.is(model.metadata.description, 'written by a test');
    for (let i = 0; i < 3; i++) assert.equal(model.run({ x: wick.tensor([[1, 2]]) }).y.arraySync(), [[5, 0, 18]]);
    assert.equal(
      model.run({
        x: wick.tensor([
          [1, 2],
          [0, 1],
        ]),
      }).y.shape,
      [2, 3],
    );
    assert.throws(() => model.run({}), /input 'x' is missing/);
    assert.throws(() => model.run({ z: wick.ones([1, 2]) }), /no input 'z'/);
    assert.throws(
      () => model.run({ x: wick.ones([1, 3]) }),
      (e: unknown) => e instanceof wick.ShapeError,
    );
    assert.throws(
      () => model.run({ x: wick.ones([1, 2], { dtype: 'int32' }) }),
      (e: unknown) => e instanceof wick.DTypeError,
    );
    model.dispose();
  }
});

test('weights are trained where they are', async () => {
  const model = await wick.load(
    one(
      'MUL',
      [
        { name: 'x', shape: [2] },
        { name: 'w', shape: [2], data: new Float32Array([2, 3]) },
        { name: 'y', shape: [2] },
      ],
      [0],
      [0, 1],
      2,
    ),
  );
  const [[name, w]] = [...model.namedParameters()];
  assert.is(name, 'w');
  w.requiresGrad = true;
  (model.forward(wick.tensor([5, 7])) as wick.Tensor).sum().backward();
  assert.equal(w.grad?.arraySync(), [5, 7]);
  wick.noGrad(() => w.sub_(1));
  assert.equal(numbers(model.forward(wick.tensor([1, 1]))), [1, 2]);
});

/** The reference's fixed-point arithmetic, in whole numbers without limits. */
function scaled(x: bigint, multiplier: bigint, shift: bigint): bigint {
  const left = shift > 0n ? shift : 0n;
  const high = ((x << left) * multiplier + (1n << 30n)) >> 31n;
  const right = left - shift;
  const mask = (1n << right) - 1n;
  return (high >> right) + ((high & mask) > (mask >> 1n) + (high < 0n ? 1n : 0n) ? 1n : 0n);
}
function multiplier(x: number): [bigint, bigint] {
  let shift = 0;
  let m = x;
  for (; m >= 1; m /= 2) shift++;
  for (; m < 0.5; m *= 2) shift--;
  return [BigInt(Math.round(m * 2147483648)), BigInt(shift)];
}

test('int8 convolution: SAME padding, strides, a scale for each channel, against whole numbers', () => {
  const generator = new wick.Generator(5);
  const random = (shape: number[], dtype: 'int8' | 'int32', low: number, high: number): number[] =>
    numbers(wick.randint(low, high, shape, { dtype, generator }));
  for (const [c, outs, kernel, stride, depthwise] of [
    [3, 5, 3, 2, false],
    [8, 16, 1, 1, false],
    [16, 16, 3, 1, true],
    [5, 10, 3, 2, true],
  ] as const) {
    const [h, w] = [7, 6];
    const x = random([h * w * c], 'int8', -128, 128);
    const shape = depthwise ? [1, kernel, kernel, outs] : [outs, kernel, kernel, c];
    const weight = random([shape.reduce((a, b) => a * b)], 'int8', -127, 128);
    const bias = random([outs], 'int32', -3000, 3000);
    const scales = Array.from({ length: outs }, (_, i) => Math.fround(0.01 + 0.003 * i));
    const [sx, sy] = [Math.fround(0.05), Math.fround(0.9)];
    const [oh, ow] = [Math.ceil(h / stride), Math.ceil(w / stride)];
    const padding = (n: number, out: number): number => Math.floor(Math.max(0, (out - 1) * stride + kernel - n) / 2);
    const bytes = one(
      depthwise ? 'DEPTHWISE_CONV_2D' : 'CONV_2D',
      [
        { type: 'int8', shape: [1, h, w, c], scale: [sx], zero: [-7] },
        { type: 'int8', shape, data: new Int8Array(weight), scale: scales, axis: depthwise ? 3 : 0 },
        { type: 'int32', shape: [outs], data: ints(...bias), scale: scales.map((s) => s * sx) },
        { type: 'int8', shape: [1, oh, ow, outs], scale: [sy], zero: [9] },
      ],
      [0],
      [0, 1, 2],
      3,
      depthwise
        ? { 0: { i8: 0 }, 1: { i32: stride }, 2: { i32: stride }, 3: { i32: outs / c } }
        : { 0: { i8: 0 }, 1: { i32: stride }, 2: { i32: stride } },
    );
    const want: number[] = [];
    for (let i = 0; i < oh; i++)
      for (let j = 0; j < ow; j++)
        for (let o = 0; o < outs; o++) {
          let sum = bias[o];
          for (let ky = 0; ky < kernel; ky++)
            for (let kx = 0; kx < kernel; kx++) {
              const [y, u] = [i * stride - padding(h, oh) + ky, j * stride - padding(w, ow) + kx];
              if (y < 0 || y >= h || u < 0 || u >= w) continue;
              const channels = depthwise ? [Math.floor(o / (outs / c))] : Array.from({ length: c }, (_, k) => k);
              for (const k of channels) {
                const at = depthwise ? (ky * kernel + kx) * outs + o : ((o * kernel + ky) * kernel + kx) * c + k;
                sum += (x[(y * w + u) * c + k] + 7) * weight[at];
              }
            }
          const v = Number(scaled(BigInt(sum), ...multiplier((sx * scales[o]) / sy))) + 9;
          want.push(Math.min(Math.max(v, -128), 127));
        }
    const model = new TFLiteModel(bytes);
    for (let i = 0; i < 3; i++) assert.equal(numbers(model.forward(wick.tensor(x, { dtype: 'int8', shape: [1, h, w, c] }))), want);
  }
});

test('threads and the plan change no bit of a quantised network', () => {
  const generator = new wick.Generator(11);
  const data = (n: number): Int8Array => new Int8Array(numbers(wick.randint(-127, 128, [n], { dtype: 'int8', generator })));
  const bytes = one(
    'CONV_2D',
    [
      { type: 'int8', shape: [1, 40, 40, 32], scale: [0.1], zero: [3] },
      { type: 'int8', shape: [64, 3, 3, 32], data: data(64 * 288), scale: [0.01] },
      { type: 'int8', shape: [1, 40, 40, 64], scale: [2], zero: [0] },
    ],
    [0],
    [0, 1],
    2,
    { 0: { i8: 0 }, 1: { i32: 1 }, 2: { i32: 1 } },
  );
  const x = wick.tensor([...data(40 * 40 * 32)], { dtype: 'int8', shape: [1, 40, 40, 32] });
  const runs = [1, 2, 4].map((threads) => {
    wick.setThreads(threads);
    const model = new TFLiteModel(bytes);
    return [0, 1, 2].map(() => wick.bytesOf(model.forward(x) as wick.Tensor).join());
  });
  // Another module joins behind: workers that have one bring the other.
  wick.config({ math: 'fast' });
  const a = wick.randn([300, 300], { generator });
  const products = [0, 1, 2].map(() => wick.bytesOf(a.matmul(a)).join());
  const model = new TFLiteModel(bytes);
  runs.push([0, 1, 2].map(() => wick.bytesOf(model.forward(x) as wick.Tensor).join()));
  wick.config({ math: 'strict' });
  wick.setThreads(2);
  assert.is(new Set(runs.flat()).size, 1);
  assert.is(new Set(products).size, 1);
});

test('variables: assigned at the end of a run, each instance its own; CALL_ONCE runs once', () => {
  const handle = { 0: { text: '' }, 1: { text: 'sum' } } as const;
  const bytes = modelOf(
    {
      tensors: [{ name: 'x', shape: [2] }, { type: 'int32', shape: [] }, { shape: [2] }, { name: 'y', shape: [2] }],
      inputs: [0],
      outputs: [3],
      operators: [
        { op: 'CALL_ONCE', inputs: [], outputs: [], options: { 0: { i32: 1 } } },
        { op: 'VAR_HANDLE', inputs: [], outputs: [1], options: handle },
        { op: 'READ_VARIABLE', inputs: [1], outputs: [2] },
        { op: 'ADD', inputs: [0, 2], outputs: [3] },
        { op: 'ASSIGN_VARIABLE', inputs: [1, 3], outputs: [] },
      ],
    },
    {
      tensors: [
        { type: 'int32', shape: [] },
        { shape: [2], data: new Float32Array([10, 20]) },
      ],
      inputs: [],
      outputs: [],
      operators: [
        { op: 'VAR_HANDLE', inputs: [], outputs: [0], options: handle },
        { op: 'ASSIGN_VARIABLE', inputs: [0, 1], outputs: [] },
      ],
    },
  );
  for (const compile of [false, true]) {
    const [a, b] = [new TFLiteModel(bytes, { compile }), new TFLiteModel(bytes, { compile })];
    for (let i = 1; i <= 5; i++) assert.equal(numbers(a.forward(wick.tensor([1, 2]))), [10 + i, 20 + 2 * i]);
    assert.equal(numbers(b.forward(wick.tensor([1, 2]))), [11, 22]);
  }
});

test('loops: counted ones become a plan, others stay eager; what never ends is an error', () => {
  const loop = (first: GraphSpec['tensors'][0], isInput: boolean): Uint8Array =>
    modelOf(
      {
        tensors: [
          { name: 'x', shape: [1] },
          { type: 'int32', ...first },
          { type: 'int32', shape: [] },
          { name: 'y', shape: [1] },
        ],
        inputs: isInput ? [0, 1] : [0],
        outputs: [3],
        operators: [{ op: 'WHILE', inputs: [1, 0], outputs: [2, 3], options: { 0: { i32: 1 }, 1: { i32: 2 } } }],
      },
      {
        tensors: [{ type: 'int32', shape: [] }, { shape: [1] }, { type: 'int32', shape: [], data: ints(5) }, { type: 'bool', shape: [] }],
        inputs: [0, 1],
        outputs: [3],
        operators: [{ op: 'LESS', inputs: [0, 2], outputs: [3] }],
      },
      {
        tensors: [
          { type: 'int32', shape: [] },
          { shape: [1] },
          { type: 'int32', shape: [], data: ints(1) },
          { type: 'int32', shape: [] },
          { shape: [1] },
        ],
        inputs: [0, 1],
        outputs: [3, 4],
        operators: [
          { op: 'ADD', inputs: [0, 2], outputs: [3] },
          { op: 'ADD', inputs: [1, 1], outputs: [4] },
        ],
      },
    );
  const counted = new TFLiteModel(loop({ shape: [], data: ints(2) }, false));
  for (let i = 0; i < 4; i++) assert.equal(numbers(counted.forward(wick.tensor([3]))), [24]);
  const given = new TFLiteModel(loop({ shape: [] }, true));
  for (const n of [0, 4, 9])
    assert.equal(numbers(given.forward(wick.tensor([1]), wick.tensor(n, { dtype: 'int32' }))), [2 ** Math.max(0, 5 - n)]);
});

test('sparse weights are written out once; custom operators are added by name', () => {
  // Rows in CSR: row 0 holds 7 in column 1, row 2 holds 5 and 6 in columns 0 and 2.
  const sparsity = {
    0: { i32s: [0, 1] },
    2: {
      tables: [
        { 0: { i8: 0 }, 1: { i32: 3 } },
        { 0: { i8: 1 }, 2: { i8: 1 }, 3: { table: { 0: { i32s: [0, 1, 1, 3] } } }, 4: { i8: 1 }, 5: { table: { 0: { i32s: [1, 0, 2] } } } },
      ],
    },
  } as const;
  const dense = new TFLiteModel(
    one(
      'FULLY_CONNECTED',
      [{ shape: [1, 3] }, { shape: [3, 3], data: new Float32Array([7, 5, 6]), sparsity }, { shape: [1, 3] }],
      [0],
      [0, 1],
      2,
    ),
  );
  assert.equal(numbers(dense.forward(wick.tensor([[1, 10, 100]]))), [70, 0, 605]);

  const bytes = modelOf({
    tensors: [{ shape: [2] }, { shape: [2] }],
    inputs: [0],
    outputs: [1],
    operators: [{ op: 'CUSTOM', custom: 'Twice', inputs: [0], outputs: [1], customOptions: new Uint8Array([3]) }],
  });
  assert.throws(() => new TFLiteModel(bytes).forward(wick.ones([2])), /operator 0 Twice.*'Twice' is not known; add it with registerCustom/);
  registerCustom('Twice', ({ inputs: [x], options }) => (x as wick.Tensor).mul(2 * options[0]));
  assert.equal(numbers(new TFLiteModel(bytes).forward(wick.ones([2]))), [6, 6]);
});

test('errors name the operator; damaged files are FormatErrors', () => {
  const model = new TFLiteModel(
    one('RESHAPE', [{ shape: [4] }, { type: 'int32', shape: [2], data: ints(3, 2) }, { name: 'out', shape: [3, 2] }], [0], [0, 1], 2),
  );
  assert.throws(() => model.forward(wick.ones([4])), /operator 0 RESHAPE \('out'\): \[4\] does not reshape to \[3,2\]/);
  const bytes = one('ABS', [{ shape: [4] }, { shape: [4] }], [0], [0], 1);
  for (let n = 0; n < bytes.length; n++) {
    try {
      new TFLiteModel(bytes.slice(0, n));
    } catch (error) {
      assert.instance(error, wick.WickError, `cut to ${n} bytes: ${error}`);
    }
  }
  assert.throws(() => new TFLiteModel(new Uint8Array(64)), /lacks the mark TFL3/);
});

test('dispose gives the memory back', () => {
  const bytes = one('ADD', [{ shape: [1000] }, { shape: [1000], data: new Float32Array(1000) }, { shape: [1000] }], [0], [0, 1], 2);
  const x = wick.ones([1000]);
  const before = wick.memory().live;
  const model = new TFLiteModel(bytes);
  wick.scope(() => {
    for (let i = 0; i < 5; i++) model.forward(x);
  });
  model.dispose();
  assert.is(wick.memory().live, before);
});

test.run();
