import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  compile,
  DTypeError,
  FormatError,
  load,
  memory,
  noGrad,
  ones,
  rand,
  reclaim,
  ShapeError,
  type Tensor,
  tensor,
  ValueError,
} from '../../ts/index.ts';
import { readOnnx } from '../../ts/onnx/index.ts';
import * as optim from '../../ts/optim/index.ts';
import { floats, graph, longs, modelOf, node, port } from './build.ts';

const linear = modelOf({
  nodes: [node('MatMul', ['x', 'w'], ['p']), node('Add', ['p', 'b'], ['y'])],
  inputs: [port('x', 'float', ['n', 2])],
  outputs: [port('y', 'float', ['n', 1])],
  initializers: [floats('w', [2, 1], [1, 2]), floats('b', [1], [0.5])],
});

test('what a file may ask for is bounded by its size and inputs, unless it is trusted', async () => {
  const wide = modelOf({
    nodes: [node('Expand', ['x', 'n'], ['y'])],
    inputs: [port('x', 'float', [1])],
    outputs: [port('y', 'float', [5_000_000])],
    initializers: [longs('n', [1], [5_000_000])],
  });
  const careful = await load(wide);
  assert.throws(() => careful.forward(ones([1])), /5000000.*trusted: true/);
  careful.dispose();
  const trusted = await load(wide, { trusted: true });
  assert.equal((trusted.forward(ones([1])) as Tensor).shape, [5_000_000]);
  trusted.dispose();
});

test('a model has ports, runs as a plan, takes any batch', async () => {
  const model = await load(linear);
  assert.is(model.format, 'onnx');
  assert.equal(model.inputs, [{ name: 'x', dtype: 'float32', shape: ['n', 2] }]);
  for (const n of [1, 3, 3]) assert.equal(model.run({ x: ones([n, 2]) }).y.arraySync(), new Array(n).fill([3.5]));
  assert.is((model as ReturnType<typeof readOnnx>).runs, 'plan');
  const eager = await load(linear, { compile: false });
  assert.equal((eager.forward(ones([1, 2])) as Tensor).arraySync(), [[3.5]]);
});

test('inputs of another kind are errors that name them', () => {
  const model = readOnnx(linear);
  assert.throws(
    () => model.run({}),
    (e: Error) => e instanceof ValueError && /'x' is missing/.test(e.message),
  );
  assert.throws(
    () => model.run({ x: ones([1, 2]), z: ones([1]) }),
    (e: Error) => e instanceof ValueError && /no input 'z'/.test(e.message),
  );
  assert.throws(
    () => model.run({ x: ones([1, 3]) }),
    (e: Error) => e instanceof ShapeError && /\[n, 2\]/.test(e.message),
  );
  assert.throws(
    () => model.run({ x: ones([1, 2], { dtype: 'int64' }) }),
    (e: Error) => e instanceof DTypeError,
  );
});

test('weights train, call by call and in a compiled step', () => {
  const model = readOnnx(linear);
  assert.equal(
    Array.from(model.namedParameters(), ([n]) => n),
    ['w', 'b'],
  );
  const optimizer = new optim.SGD(model.parameters(), { lr: 0.05 });
  const x = rand([16, 2]);
  const y = noGrad(() => x.matmul(tensor([[3], [-1]])).add(2));
  const step = compile((a: Tensor, b: Tensor) => {
    optimizer.zeroGrad();
    const loss = (model.forward(a) as Tensor).sub(b).square().mean();
    loss.backward();
    optimizer.step();
    return loss;
  });
  const first = step(x, y).itemSync();
  let last = first;
  for (let i = 0; i < 200; i++) last = step(x, y).itemSync();
  assert.ok(last < 0.2 * first, `${first} to ${last}`);
  const w = [...model.namedParameters()][0][1];
  assert.ok(w.dataSync()[0] !== 1);
});

test('shape arithmetic runs on the host, and reshapes follow the input', () => {
  const bytes = modelOf({
    nodes: [
      node('Shape', ['x'], ['s']),
      node('Gather', ['s', 'zero'], ['n']),
      node('Mul', ['n', 'two'], ['m']),
      node('Unsqueeze', ['m', 'axis'], ['m1']),
      node('Concat', ['m1', 'rest'], ['shape'], { axis: 0 }),
      node('Reshape', ['x', 'shape'], ['y']),
    ],
    inputs: [port('x', 'float', ['n', 6])],
    outputs: [port('y', 'float', ['m', 3])],
    initializers: [longs('zero', [], [0]), longs('two', [], [2]), longs('axis', [1], [0]), longs('rest', [1], [-1])],
  });
  const model = readOnnx(bytes);
  for (const n of [1, 4]) for (let i = 0; i < 2; i++) assert.equal(model.run({ x: ones([n, 6]) }).y.shape, [2 * n, 3]);
  assert.is(model.runs, 'plan');
});

test('an input that decides a shape is part of what a plan is for', () => {
  const bytes = modelOf({
    nodes: [node('Reshape', ['x', 'shape'], ['y'])],
    inputs: [port('x', 'float', [6]), port('shape', 'int64', [2])],
    outputs: [port('y', 'float', ['a', 'b'])],
  });
  const model = readOnnx(bytes);
  for (const shape of [
    [2, 3],
    [3, 2],
    [2, 3],
  ])
    assert.equal(model.run({ x: ones([6]), shape: tensor(shape, { dtype: 'int64' }) }).y.shape, shape);
  assert.is(model.runs, 'plan');
});

test('what depends on data stays eager and says so', () => {
  const bytes = modelOf({
    nodes: [node('NonZero', ['x'], ['y'])],
    inputs: [port('x', 'float', ['n'])],
    outputs: [port('y', 'int64', [1, 'k'])],
  });
  const model = readOnnx(bytes);
  assert.equal(model.run({ x: tensor([1, 0, 2]) }).y.arraySync(), [[0, 2]]);
  assert.equal(model.run({ x: tensor([0, 0, 2]) }).y.arraySync(), [[2]]);
  assert.match(model.runs, /^eagerly: .*NonZero/);
});

test('If and Loop, with names from outside', () => {
  const branch = (op: string): object => graph({ nodes: [node(op, ['x', 'x'], ['r'])], outputs: [port('r', 'float', ['n'])] });
  const body = graph({
    nodes: [node('Add', ['v', 'x'], ['v2']), node('Identity', ['c'], ['c2']), node('Identity', ['v2'], ['row'])],
    inputs: [port('i', 'int64', []), port('c', 'bool', []), port('v', 'float', [2])],
    outputs: [port('c2', 'bool', []), port('v2', 'float', [2]), port('row', 'float', [2])],
  });
  const bytes = modelOf({
    nodes: [
      node('If', ['flag'], ['a'], { then_branch: { graph: branch('Add') }, else_branch: { graph: branch('Mul') } }),
      node('Loop', ['count', '', 'a'], ['v', 'rows'], { body: { graph: body } }),
    ],
    inputs: [port('x', 'float', [2]), port('flag', 'bool', []), port('count', 'int64', [])],
    outputs: [port('v', 'float', [2]), port('rows', 'float', ['k', 2])],
  });
  const model = readOnnx(bytes);
  const run = (flag: boolean, count: number): Record<string, Tensor> =>
    model.run({ x: tensor([3, 4]), flag: tensor(flag, { dtype: 'bool' }), count: tensor(count, { dtype: 'int64' }) });
  for (let i = 0; i < 2; i++) {
    assert.equal(run(true, 2).v.arraySync(), [12, 16]);
    assert.equal(run(false, 1).rows.arraySync(), [[12, 20]]);
  }
  assert.is(model.runs, 'plan');
});

test('functions of the model', () => {
  const twice = {
    name: 'Twice',
    domain: 'my',
    input: ['a'],
    output: ['b'],
    node: [node('Add', ['a', 'a'], ['b'])],
    opsetImport: [{ domain: '', version: 21 }],
  };
  const bytes = modelOf({
    nodes: [node('Twice', ['x'], ['y'], {}, 'my'), node('Twice', ['y'], ['z'], {}, 'my')],
    inputs: [port('x', 'float', [1])],
    outputs: [port('z', 'float', [1])],
    functions: [twice],
  });
  assert.equal(
    readOnnx(bytes)
      .run({ x: tensor([1.5]) })
      .z.arraySync(),
    [6],
  );
});

test('external data is read beside the model, and nowhere else', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'wick-'));
  const external = (location: string, length = '8'): Uint8Array =>
    modelOf({
      nodes: [node('Add', ['x', 'w'], ['y'])],
      inputs: [port('x', 'float', [2])],
      outputs: [port('y', 'float', [2])],
      initializers: [
        {
          name: 'w',
          dims: [2],
          dataType: 1,
          dataLocation: 1,
          externalData: Object.entries({ location, offset: '4', length }).map(([key, value]) => ({ key, value })),
        },
      ],
    });
  try {
    writeFileSync(join(folder, 'w.bin'), new Uint8Array(Float32Array.of(9, 1, 2).buffer));
    writeFileSync(join(folder, 'a.onnx'), external('w.bin'));
    const model = await load(join(folder, 'a.onnx'));
    assert.equal(model.run({ x: ones([2]) }).y.arraySync(), [2, 3]);
    for (const bad of ['../w.bin', '/etc/passwd', 'C:\\w.bin', 'a/../../w.bin']) {
      writeFileSync(join(folder, 'b.onnx'), external(bad));
      await load(join(folder, 'b.onnx')).then(
        () => assert.unreachable(),
        (e) => assert.instance(e, FormatError),
      );
    }
    writeFileSync(join(folder, 'c.onnx'), external('w.bin', '800'));
    await load(join(folder, 'c.onnx')).then(
      () => assert.unreachable(),
      (e) => assert.match(e.message, /'w'/),
    );
    await load(external('w.bin')).then(
      () => assert.unreachable(),
      (e) => assert.instance(e, FormatError),
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('graphs that do not hang together name the node', () => {
  const bad = (what: RegExp, parts: Parameters<typeof modelOf>[0]): void => {
    assert.throws(
      () => readOnnx(modelOf(parts)),
      (e: Error) => e instanceof FormatError && what.test(e.message),
    );
  };
  const [inputs, outputs] = [[port('x', 'float', [1])], [port('y', 'float', [1])]];
  bad(/'y' \(Relu\) reads 'nothing'/, { nodes: [node('Relu', ['nothing'], ['y'])], inputs, outputs });
  bad(/cycle/, { nodes: [node('Add', ['x', 'b'], ['a']), node('Relu', ['a'], ['b']), node('Relu', ['b'], ['y'])], inputs, outputs });
  bad(/makes 'y', which something else makes/, { nodes: [node('Relu', ['x'], ['y']), node('Abs', ['x'], ['y'])], inputs, outputs });
  bad(/made by no node/, { nodes: [], inputs, outputs });
  bad(/operator Magic is not implemented/, { nodes: [node('Magic', ['x'], ['y'])], inputs, outputs });
  bad(/holds 4 bytes.*needs 8/, {
    nodes: [node('Add', ['x', 'w'], ['y'])],
    inputs,
    outputs,
    initializers: [{ name: 'w', dims: [2], dataType: 1, rawData: new Uint8Array(4) }],
  });
  bad(/size that is none/, {
    nodes: [node('Add', ['x', 'w'], ['y'])],
    inputs,
    outputs,
    initializers: [{ name: 'w', dims: [-2], dataType: 1, rawData: new Uint8Array(4) }],
  });
  bad(/more elements than can be counted/, {
    nodes: [node('Add', ['x', 'w'], ['y'])],
    inputs,
    outputs,
    initializers: [{ name: 'w', dims: [1e9, 1e9], dataType: 1, rawData: new Uint8Array(4) }],
  });
  assert.throws(
    () => readOnnx(linear.subarray(0, linear.length - 3)),
    (e: Error) => e instanceof FormatError,
  );
  assert.throws(
    () => readOnnx(new Uint8Array([1, 2, 3])),
    (e: Error) => e instanceof FormatError,
  );
});

test('nodes out of order are put in order; errors of operators name the node', () => {
  const bytes = modelOf({
    nodes: [node('Relu', ['h'], ['y']), node('MatMul', ['x', 'x'], ['h'])],
    inputs: [port('x', 'float', ['a', 'b'])],
    outputs: [port('y', 'float', ['a', 'b'])],
  });
  const model = readOnnx(bytes);
  assert.equal(model.run({ x: ones([1, 1]) }).y.arraySync(), [[1]]);
  assert.throws(
    () => model.run({ x: ones([2, 3]) }),
    (e: Error) => e instanceof ShapeError && /node 'h' \(MatMul\)/.test(e.message),
  );
});

test('axes of older and newer versions mean the same', () => {
  const older = modelOf({
    opset: 11,
    nodes: [node('ReduceMean', ['x'], ['y'], { axes: [1], keepdims: 0 })],
    inputs: [port('x', 'float', [2, 2])],
    outputs: [port('y', 'float', [2])],
  });
  const newer = modelOf({
    nodes: [node('ReduceMean', ['x', 'a'], ['y'], { keepdims: 0 })],
    inputs: [port('x', 'float', [2, 2])],
    outputs: [port('y', 'float', [2])],
    initializers: [longs('a', [1], [1])],
  });
  const x = tensor([
    [1, 3],
    [5, 9],
  ]);
  for (const bytes of [older, newer]) assert.equal(readOnnx(bytes).run({ x }).y.arraySync(), [2, 7]);
});

test('quantised products round half to even and saturate', () => {
  const bytes = modelOf({
    nodes: [node('QuantizeLinear', ['x', 's', 'z'], ['q']), node('DequantizeLinear', ['q', 's', 'z'], ['y'])],
    inputs: [port('x', 'float', ['n'])],
    outputs: [port('q', 'uint8', ['n']), port('y', 'float', ['n'])],
    initializers: [floats('s', [], [2]), { name: 'z', dims: [], dataType: 2, rawData: Uint8Array.of(10) }],
  });
  const model = readOnnx(bytes);
  const { q, y } = model.run({ x: tensor([1, 3, 5, -1, 1000, -1000]) });
  assert.equal(q.arraySync(), [10, 12, 12, 10, 255, 0]);
  assert.equal(y.arraySync(), [0, 4, 4, 0, 490, -20]);
  assert.equal(model.parameters(), []);
});

test('a model leaves nothing behind', () => {
  const once = (): void => {
    const model = readOnnx(linear);
    for (let i = 0; i < 3; i++) for (const y of Object.values(model.run({ x: ones([2, 2]) }))) y.dispose();
    model.dispose();
  };
  once();
  reclaim();
  const before = memory().live;
  for (let i = 0; i < 20; i++) once();
  reclaim();
  assert.ok(memory().live <= before + 4096, `${before} to ${memory().live}`);
});

test.run();
