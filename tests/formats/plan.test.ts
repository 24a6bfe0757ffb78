import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { load, save, toDot, toMermaid, toTrace } from '../../ts/formats/plan.ts';
import { crc32 } from '../../ts/formats/zip.ts';
import * as wick from '../../ts/index.ts';
import * as nn from '../../ts/nn/index.ts';
import * as optim from '../../ts/optim/index.ts';

const test = suite('plan files');
type Tensor = wick.Tensor;

const values = (x: Tensor): number[] => Array.from(x.contiguous().dataSync() as Float32Array);

async function rejects(fn: () => Promise<unknown>, kind: new (text: string) => Error, text: RegExp): Promise<void> {
  const error = await fn().then(
    () => null,
    (reason: unknown) => reason,
  );
  assert.instance(error, kind);
  assert.match((error as Error).message, text);
}

/** The only plan of a function after two calls. */
function planOf(fn: (...args: never[]) => unknown, ...args: unknown[]): wick.Plan {
  const compiled = wick.compile(fn as (...xs: unknown[]) => unknown);
  for (let i = 0; i < 2; i++) wick.scope(() => void compiled(...args));
  assert.is(compiled.plans.length, 1, JSON.stringify(wick.explain(compiled as never)));
  return compiled.plans[0];
}

const models: Record<string, () => [nn.Module, Tensor]> = {
  cnn: () => [
    new nn.Sequential(
      new nn.Conv2d(1, 4, 3, { padding: 1 }),
      new nn.BatchNorm2d(4),
      new nn.ReLU(),
      new nn.MaxPool2d(2),
      new nn.Flatten(),
      new nn.Linear(64, 3),
      new nn.LogSoftmax(1),
    ),
    wick.randn([2, 1, 8, 8]),
  ],
  transformer: () => [new nn.TransformerEncoderLayer(8, 2, { dimFeedforward: 16, batchFirst: true }), wick.randn([2, 5, 8])],
  half: () => [new nn.Sequential(new nn.Linear(6, 5), new nn.Sigmoid()).to('float16'), wick.randn([3, 6]).to('float16')],
};

test('a network comes back with the same bits, without its source and with weights of its own', () => {
  wick.scope(() => {
    for (const [name, make] of Object.entries(models)) {
      const [model, x] = make();
      model.eval();
      const plan = planOf((y: Tensor) => wick.noGrad(() => model.forward(y)) as never, x);
      const file = save(plan);
      const expected = wick.noGrad(() => values((model.forward(x) as Tensor).to('float32')));
      wick.noGrad(() => {
        for (const p of model.parameters()) p.zero_();
      });
      const run = load(file);
      for (let i = 0; i < 3; i++) assert.equal(values((run(x) as Tensor).to('float32')), expected, name);
      assert.is(run.plan.print(), plan.print());
      assert.throws(() => run(wick.zeros([1])), /called with .*float32\[1\].* made for/);
      run.dispose();
    }
  });
});

test('wick.load gives a model with named inputs and outputs, from bytes, a File, a path or a URL', async () => {
  const model = new nn.Linear(3, 2);
  const [x, z] = [wick.randn([4, 3]), wick.randn([4, 2])];
  const plan = planOf((a: Tensor, b: { z: Tensor }) => wick.noGrad(() => ({ sum: model.forward(a).add(b.z), z: b.z })) as never, x, { z });
  const file = plan.save();
  const folder = mkdtempSync(join(tmpdir(), 'wick-'));
  const path = join(folder, 'model.wick');
  writeFileSync(path, file);
  const sources = [file, file.slice().buffer, new Blob([file.slice()]), path, pathToFileURL(path)];
  const expected = wick.noGrad(() => values(model.forward(x).add(z)));
  for (const source of sources) {
    const loaded = await wick.load(source);
    assert.equal(
      [loaded.format, loaded.inputs.map((p) => p.name), loaded.outputs.map((p) => p.name)],
      ['wick', ['x0', 'x1.z'], ['sum', 'z']],
    );
    assert.equal(values(loaded.run({ x0: x, 'x1.z': z }).sum), expected);
    assert.equal(values((loaded.forward(x, z) as Tensor[])[0]), expected);
    assert.throws(() => loaded.run({ x0: x }), /'x1.z' is missing; the inputs are x0, x1.z/);
    assert.throws(() => loaded.run({ x0: x, 'x1.z': z, w: z }), /no input 'w'/);
    loaded.dispose();
  }
  rmSync(folder, { recursive: true });
  await rejects(() => wick.load(path), wick.DeviceError, /cannot read .*model.wick/);
  await rejects(() => wick.load(new Uint8Array(0)), wick.ValueError, /import 'wick\/onnx' first/);
  await rejects(() => wick.load(file.subarray(0, 100)), wick.FormatError, /cut off/);
  for (const t of [x, z]) t.dispose();
});

test('containers, numbers and state that changes', () => {
  wick.scope(() => {
    const total = wick.tensor([10, 20]);
    const fn = ({ x, by }: { x: Tensor; by: number }) => {
      total.add_(x);
      return { sum: total, parts: [x.mul(by), wick.tensor([1, Number.POSITIVE_INFINITY]).add(x), x] };
    };
    const plan = planOf(fn as never, { x: wick.tensor([1, 2]), by: -0 });
    const run = load(save(plan)) as unknown as typeof fn;
    const before = values(total);
    for (let i = 1; i < 4; i++) {
      const { sum, parts } = run({ x: wick.tensor([1, 2]), by: -0 });
      assert.equal(values(sum), [before[0] + i, before[1] + 2 * i]);
      assert.ok(Object.is(values(parts[0])[0], -0));
      assert.equal(values(parts[1]), [2, Number.POSITIVE_INFINITY]);
      assert.equal(values(parts[2]), [1, 2]);
    }
    assert.equal(values(total), before, 'the program has its own');
  });
});

test('what a file cannot hold is told', () => {
  wick.scope(() => {
    const x = wick.ones([4]);
    assert.throws(
      () => save(planOf((y: Tensor) => nn.functional.dropout(y, 0.5) as never, x)),
      /dropout takes numbers that the program gives anew/,
    );
    const w = wick.ones([4], { requiresGrad: true });
    const optimizer = new optim.SGD([w], { lr: 0.1 });
    const step = (y: Tensor): void => {
      optimizer.zeroGrad();
      w.mul(y).sum().backward();
      optimizer.step();
    };
    assert.throws(() => save(planOf(step as never, x)), /sgdStep/);
    assert.throws(
      () => save(planOf(((y: Tensor, f: (z: Tensor) => Tensor) => f(y)) as never, x, (z: Tensor) => z.add(1))),
      /function, which a file cannot hold/,
    );
  });
});

test('drawings: every call and what it reads, and a trace of its steps', () => {
  wick.scope(() => {
    const w = wick.randn([4, 3]);
    const x = wick.randn([2, 3]);
    const plan = planOf(((y: Tensor) => nn.functional.linear(y, w).relu().add(y.sum())) as never, x);
    assert.is(
      toMermaid(plan),
      [
        'flowchart TD',
        '  in0(["input 0"])',
        '  state0(["state 0"])',
        '  n0["linear"]',
        '  n1["sum"]',
        '  n2["add"]',
        '  out0(["output 0"])',
        '  in0 -->|"float32[2, 3]"| n0',
        '  state0 -->|"float32[4, 3]"| n0',
        '  in0 -->|"float32[2, 3]"| n1',
        '  n0 -->|"float32[2, 4]"| n2',
        '  n1 -->|"float32[]"| n2',
        '  n2 --> out0',
      ].join('\n'),
    );
    assert.match(
      toDot(plan),
      /^digraph plan \{[\s\S]*n0 \[label="linear", shape=box\];[\s\S]*n0 -> n2 \[label="float32\[2, 4\]"\];[\s\S]*\}$/,
    );
    const { traceEvents } = JSON.parse(toTrace(plan.profile(x)));
    assert.equal(
      traceEvents.map((e: { name: string; ph: string }) => `${e.name} ${e.ph}`),
      ['linear X', 'sum X', 'add X'],
    );
  });
});

/** A file with other header text, its checksum made right again. */
function altered(file: Uint8Array, change: (header: string) => string): Uint8Array {
  const length = new DataView(file.buffer).getUint32(12, true);
  const data = file.slice(Math.ceil((20 + length) / 64) * 64);
  const header = new TextEncoder().encode(change(new TextDecoder().decode(file.slice(20, 20 + length))));
  const start = Math.ceil((20 + header.length) / 64) * 64;
  const out = new Uint8Array(start + data.length);
  out.set(file.slice(0, 20));
  out.set(header, 20);
  out.set(data, start);
  const fields = new DataView(out.buffer);
  fields.setUint32(12, header.length, true);
  fields.setUint32(16, crc32(out.subarray(20)), true);
  return out;
}

test('damaged and hostile files are FormatErrors, and the engine goes on', () => {
  wick.scope(() => {
    const w = wick.randn([6, 4]);
    const fn = (x: Tensor): Tensor => nn.functional.linear(x, w).relu().sum(1);
    const x = wick.randn([3, 4]);
    const file = save(planOf(fn as never, x));
    const live = wick.memory().live;
    const refused = (bytes: Uint8Array, what: string): void => {
      let error: unknown = null;
      try {
        load(bytes).dispose();
      } catch (e) {
        error = e;
      }
      assert.ok(error instanceof wick.FormatError, `${what}: ${error}`);
    };
    for (let n = 0; n < file.length; n += 7) refused(file.slice(0, n), `${n} bytes`);
    for (let i = 0; i < file.length; i += 5) {
      const bad = file.slice();
      bad[i] ^= 1 << (i % 8);
      refused(bad, `byte ${i}`);
    }
    const tricks: [string, string][] = [
      ['"linear"', '"linera"'],
      ['"linear"', '"__proto__"'],
      ['"float32"', '"float99"'],
      ['0,[3,4]', '0,[3,400]'],
      ['0,[6,4]', '0,[60,4]'],
      ['0,[3,6]', '0,[3,7]'],
      ['"fresh":0', '"fresh":5'],
      ['"dims":[1]', '"dims":[9]'],
      ['"dims":[1]', '"dims":"x"'],
      ['"counts":[1,1]', '"counts":[9,9]'],
      ['"calls":[[', '"calls":[[7,'],
      ['"index":0', '"index":3'],
      ['"args":', '"arks":'],
    ];
    for (const [from, to] of tricks) {
      let changed = false;
      const bad = altered(file, (header) => {
        const text = header.replace(from, to);
        changed = text !== header;
        return text;
      });
      assert.ok(changed, from);
      refused(bad, `${from} to ${to}`);
    }
    assert.is(wick.memory().live, live);
    assert.equal(values(load(altered(file, (h) => h))(x) as Tensor), values(fn(x)));
  });
});

test.run();
