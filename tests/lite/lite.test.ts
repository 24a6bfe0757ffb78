import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import * as wick from '../../ts/index.ts';
import * as lite from '../../ts/lite/index.ts';
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

for (const one of cases().filter(({ name }) => name !== 'half'))
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
