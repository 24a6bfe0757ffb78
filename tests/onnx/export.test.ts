import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { cat, manualSeed, noGrad, ones, rand, randn, type Tensor } from '../../ts/index.ts';
import * as nn from '../../ts/nn/index.ts';
import { exportONNX, readOnnx } from '../../ts/onnx/index.ts';
import { MODULES, trips } from './modules.ts';

manualSeed(7);
const bits = (x: Tensor): string => Array.from(new Uint8Array(x.contiguous().dataSync().buffer as ArrayBuffer)).join();

const listed = (y: unknown): Tensor[] => (Array.isArray(y) ? (y as Tensor[]) : [y as Tensor]);

for (const { name, module, examples, batch, close, refused } of trips())
  test(`${name} ${refused === undefined ? 'comes back' : 'is refused by name'}`, () => {
    const write = (): Uint8Array => exportONNX(module, examples, { dynamicBatch: batch });
    if (refused !== undefined) {
      assert.throws(write, refused);
      return;
    }
    const model = readOnnx(write());
    const feeds = batch ? [examples, examples.map((x) => cat([x, x, x], 0))] : [examples];
    for (const inputs of feeds) {
      const want = noGrad(() => listed(module.forward(...inputs)));
      for (let run = 0; run < 2; run++) {
        const got = noGrad(() => listed(model.forward(...inputs)));
        assert.is(got.length, want.length);
        got.forEach((y, i) => {
          assert.equal(y.shape, want[i].shape);
          assert.is(y.dtype, want[i].dtype);
          if (close === undefined) assert.is(bits(y), bits(want[i]), `result ${i}`);
          else assert.ok(y.allclose(want[i], { rtol: 1e-5, atol: 1e-6 }), `${y.sub(want[i]).abs().amax().itemSync()}`);
        });
      }
    }
    assert.is(model.runs, 'plan');
    model.dispose();
  });

test('every class of wick/nn makes a round trip', () => {
  const classes = Object.entries(nn).filter(
    ([name, v]) => name !== 'Module' && typeof v === 'function' && v.prototype instanceof nn.Module,
  );
  assert.ok(classes.length > 100);
  assert.equal(Object.keys(MODULES).sort(), classes.map(([name]) => name).sort());
});

test('weights keep their names and stay trainable', () => {
  const model = readOnnx(exportONNX(new nn.Sequential(new nn.Linear(3, 2), new nn.ReLU()), [ones([1, 3])]));
  assert.equal([...model.namedParameters()].map(([n]) => n).sort(), ['0.bias', '0.weight']);
  const y = model.forward(ones([1, 3])) as Tensor;
  y.sum().backward();
  assert.ok(model.parameters().every((p) => p.grad !== null));
});

test('names, metadata and several outputs', () => {
  const two = (a: Tensor, b: Tensor): Tensor[] => [a.add(b), a.mul(b)];
  const bytes = exportONNX(two, [rand([2, 2]), rand([2, 2])], {
    inputNames: ['left', 'right'],
    outputNames: ['sum', 'product'],
    metadata: { author: 'me' },
  });
  const model = readOnnx(bytes);
  assert.equal(
    model.inputs.map((p) => p.name),
    ['left', 'right'],
  );
  assert.equal(
    model.outputs.map((p) => p.name),
    ['sum', 'product'],
  );
  assert.is(model.metadata.author, 'me');
  assert.equal(model.run({ left: ones([2, 2]), right: ones([2, 2]) }).sum.arraySync(), [
    [2, 2],
    [2, 2],
  ]);
});

test('what ONNX cannot say is an error that names the op and the line', () => {
  assert.throws(
    () => exportONNX((x: Tensor) => x.digamma(), [rand([2])]),
    /digamma has no ONNX operator \(at [^)]*export\.test\.m?[jt]s:\d+/,
  );
  assert.throws(() => exportONNX((x: Tensor) => x.mul(x.sum().itemSync()), [rand([2])]), /reads a tensor's value/);
  assert.throws(() => exportONNX(new nn.BatchNorm1d(3), [randn([4, 3])]), /call eval\(\)/);
});

test.run();
