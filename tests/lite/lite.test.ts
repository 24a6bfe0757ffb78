import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { save } from '../../ts/formats/plan.ts';
import * as wick from '../../ts/index.ts';
import * as lite from '../../ts/lite/index.ts';
import * as nn from '../../ts/nn/index.ts';
import { cases } from '../standalone/cases.ts';

const test = suite('lite');
const floats = (bytes: Uint8Array): Float32Array => new Float32Array(bytes.slice().buffer);

const ARRAYS: Readonly<Record<string, (bytes: ArrayBuffer) => lite.Data>> = {
  float32: (b) => new Float32Array(b),
  float64: (b) => new Float64Array(b),
  int32: (b) => new Int32Array(b),
  int64: (b) => new BigInt64Array(b),
  bool: (b) => new Uint8Array(b),
};

for (const one of cases().filter(({ name }) => name !== 'half' && name !== 'quantised'))
  for (const threads of [1, 3])
    test(`${one.name}: the bits of wick, ${threads} threads`, () => {
      lite.setThreads(threads);
      const model = lite.load(one.file);
      const inputs = Object.fromEntries(model.inputs.map((p, i) => [p.name, ARRAYS[p.dtype](one.inputs[i].slice().buffer)]));
      for (const expected of one.outputs) {
        const results = model.run(inputs as Record<string, lite.Values>);
        model.outputs.forEach((port, i) => {
          const { data } = results[port.name];
          assert.equal(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), Uint8Array.from(expected[i]), port.name);
        });
      }
      model.dispose();
    });

type Tensor = wick.Tensor;
const { avgPool2d, convTranspose2d, conv1d, crossEntropy, embedding, groupNorm, layerNorm, maxPool2d, scaledDotProductAttention } =
  nn.functional;
const whole = (x: Tensor): Tensor => x.abs().mul(3).floor().to('int64').clamp({ max: 2 });
/** Functions of a tensor [4, 3, 6], whose calls come from every family of the table. */
const FAMILIES: Readonly<Record<string, (x: Tensor) => Tensor>> = {
  unary: (x) => x.abs().log1p().erf().round(),
  trig: (x) => x.sin().add(x.atan()),
  binary: (x) => x.pow(2).sub(x.hypot(x.neg()).maximum(0.5)).remainder(0.7),
  compare: (x) => x.gt(0).logicalXor(x.lt(1)).to('int32').bitwiseNot(),
  ternary: (x) => wick.where(x.gt(0), x, x.clamp({ min: -1, max: 0.5 })),
  activation: (x) => x.gelu().add(x.softplus()).add(x.elu()),
  create: (x) => x.add(wick.linspace(0, 1, 6)).add(wick.full([3, 1], 2)),
  reduce: (x) =>
    x
      .amax([0])
      .add(x.var(0))
      .add(x.logsumexp([0])),
  best: (x) => x.argmax(1).add(x.argmin(1)),
  scan: (x) => x.cumsum(1).add(x.cumprod(2)),
  softmax: (x) => x.logSoftmax(1).add(x.softmax(2)),
  matmul: (x) => x.matmul(x.transpose(1, 2)).matmul(x.select(0, 1)),
  rows: (x) => x.indexSelect(1, whole(x).reshape([-1]).narrow(0, 0, 5)),
  scatter: (x) => x.scatterAdd(1, whole(x), x).add(x.gather(1, whole(x))),
  search: (x) => wick.searchsorted(x.reshape([-1]).sort(0).values, x),
  strided: (x) => x.flip([1]).add(x.tril()).add(x.triu(1)),
  sort: (x) => x.sort(2).values.add(x.topk(6, { dim: 2 }).indices),
  conv: (x) => conv1d(x, x.narrow(2, 0, 3), null, { padding: 1 }),
  transposed: (x) => convTranspose2d(x.unsqueeze(0), x.reshape([4, 2, 3, 3]), null, { stride: 2 }),
  pool: (x) => maxPool2d(x, 2).add(avgPool2d(x, 2)),
  norm: (x) => groupNorm(x, 3).add(layerNorm(x, [6])),
  loss: (x) => crossEntropy(x, whole(x).select(1, 0)),
  embedding: (x) => embedding(whole(x), x.select(0, 0)),
  attention: (x) => scaledDotProductAttention(x.unsqueeze(0), x.unsqueeze(0), x.unsqueeze(0), { isCausal: true }),
};
for (const [name, fn] of Object.entries(FAMILIES))
  test(`${name}: the bits of wick`, () => {
    const x = wick.randn([4, 3, 6], { generator: new wick.Generator(7) });
    const compiled = wick.compile((y: Tensor) => wick.noGrad(() => fn(y)));
    for (let i = 0; i < 2; i++) compiled(x);
    const model = lite.load(save(compiled.plans[0]));
    assert.equal(model.run({ x0: wick.dataSync(x) as Float32Array }).y.data, wick.dataSync(compiled(x)));
    model.dispose();
    compiled.dispose();
  });

test('float16 goes in and out as float32', () => {
  const [one] = cases(['half']);
  const model = lite.load(one.file);
  const x = wick.fromBytes(one.inputs[0], model.inputs[0].shape, 'float16');
  const expected = wick.fromBytes(one.outputs[0][0], model.outputs[0].shape, 'float16');
  assert.equal(model.run({ x0: wick.dataSync(x) as Float32Array }).y.data, wick.dataSync(expected));
  assert.equal(model.run({ x0: Array.from(wick.dataSync(x) as Float32Array) }).y.data, wick.dataSync(expected));
  model.dispose();
});

test('what does not fit is told', () => {
  const [one] = cases(['digits']);
  const model = lite.load(one.file);
  const x = floats(one.inputs[0]);
  assert.throws(() => model.run({}), /'x0' is missing; the inputs are x0/);
  assert.throws(() => model.run({ x0: x, z: x }), /no input 'z'/);
  assert.throws(() => model.run({ x0: x.subarray(1) }), /float32\[1, 1, 8, 8\]: 64 elements, not 63/);
  model.dispose();
  model.dispose();
  assert.throws(() => model.run({ x0: x }), /was disposed/);
  for (const [bytes, message] of [
    [cases(['quantised'])[0].file, /lacks its kernel|has no op/],
    [new Uint8Array(), /not a \.wick file/],
    [one.file.subarray(0, 4000), /damaged|cut off/],
    [one.file.map((b, i) => (i === 70_000 ? b ^ 1 : b)), /damaged/],
  ] as const)
    try {
      lite.load(bytes);
      assert.unreachable('a bad file was accepted');
    } catch (error) {
      assert.instance(error, lite.FormatError);
      assert.match((error as Error).message, message);
    }
});

test.run();
