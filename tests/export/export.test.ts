import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { makeModel } from '../../examples/digits/model.ts';
import { describe, exportWasm } from '../../ts/export/index.ts';
import { load, save } from '../../ts/formats/plan.ts';
import * as wick from '../../ts/index.ts';
import { type Case, cases } from '../standalone/cases.ts';

const test = suite('export');

interface Alone {
  readonly memory: WebAssembly.Memory;
  run(): number;
  inputs(): number;
  outputs(): number;
  input_address(i: number): number;
  input_bytes(i: number): number;
  output_address(i: number): number;
  output_bytes(i: number): number;
  error_detail(): number;
}
const started = (module: Uint8Array<ArrayBuffer>): Alone =>
  new WebAssembly.Instance(new WebAssembly.Module(module)).exports as unknown as Alone;

function check({ name, inputs, outputs }: Case, module: Uint8Array<ArrayBuffer>): void {
  const x = started(module);
  const about = describe(module);
  assert.is(x.inputs(), inputs.length, name);
  assert.is(x.outputs(), outputs[0].length, name);
  for (const expected of outputs) {
    inputs.forEach((bytes, i) => {
      assert.is(x.input_bytes(i), bytes.length, name);
      assert.is(about.inputs[i].address, x.input_address(i));
      new Uint8Array(x.memory.buffer).set(bytes, x.input_address(i));
    });
    assert.is(x.run(), 0, name);
    expected.forEach((bytes, i) => {
      assert.is(about.outputs[i].bytes, x.output_bytes(i));
      const given = new Uint8Array(x.memory.buffer, x.output_address(i), x.output_bytes(i));
      assert.equal([...given], [...bytes], `${name}: output ${i}`);
    });
  }
}

for (const one of cases(['transformer', 'half', 'chain', 'integers', 'strided', 'views', 'sorted', 'state', 'quantised']))
  test(`${one.name}: the module gives the bits of wick, run after run`, async () => {
    check(one, await exportWasm(one.file));
  });

test('the digit network is at most 60 kB beside its weights, and its module has no import', async () => {
  const [one] = cases(['digits']);
  const module = await exportWasm(one.file);
  check(one, module);
  const weights = makeModel()
    .parameters()
    .reduce((sum, p) => sum + p.numel * 4, 0);
  assert.ok(module.length - weights <= 60_000, `${module.length - weights} bytes beside the weights`);
  const about = new WebAssembly.Module(module);
  assert.equal(WebAssembly.Module.imports(about), []);
  assert.equal(WebAssembly.Module.customSections(about, 'wick').length, 1);
  assert.not(WebAssembly.Module.exports(about).some(({ name }) => name === '_start'));
});

test('--wasi reads and writes raw tensors until there is no more', async () => {
  const [one] = cases(['integers']);
  const module = new WebAssembly.Module(await exportWasm(one.file, { wasi: true }));
  assert.equal(new Set(WebAssembly.Module.imports(module).map((i) => i.module)), new Set(['wasi_snapshot_preview1']));
  const row = Buffer.concat(one.inputs);
  const run = (input: Uint8Array): { written: Buffer; code: number } => {
    let at = 0;
    const written: Uint8Array[] = [];
    let memory = new DataView(new ArrayBuffer(0));
    const part = (parts: number): Uint8Array => {
      memory = new DataView((instance.exports as unknown as Alone).memory.buffer);
      return new Uint8Array(memory.buffer, memory.getUint32(parts, true), memory.getUint32(parts + 4, true));
    };
    const wasi = {
      // Seven bytes at a time, as a pipe may give them.
      fd_read(_: number, parts: number, __: number, done: number): number {
        const to = part(parts);
        const some = input.subarray(at, at + Math.min(7, to.length));
        to.set(some);
        at += some.length;
        memory.setUint32(done, some.length, true);
        return 0;
      },
      fd_write(_: number, parts: number, __: number, done: number): number {
        const from = part(parts).slice(0, 5);
        written.push(from);
        memory.setUint32(done, from.length, true);
        return 0;
      },
      proc_exit(code: number): void {
        throw code;
      },
    };
    const instance = new WebAssembly.Instance(module, { wasi_snapshot_preview1: wasi });
    let code = 0;
    try {
      (instance.exports as unknown as { _start(): void })._start();
    } catch (error) {
      code = error as number;
    }
    return { written: Buffer.concat(written), code };
  };
  const once = Buffer.concat(one.outputs[0]);
  assert.equal(run(Buffer.concat([row, row])), { written: Buffer.concat([once, once]), code: 0 });
  assert.equal(run(row.subarray(0, 11)), { written: Buffer.alloc(0), code: 65 });
});

test('an index out of range is a code, and the module goes on', async () => {
  const table = wick.arange(5).to('float32');
  const compiled = wick.compile((i: wick.Tensor) => wick.indexSelect(table, 0, i));
  compiled(wick.tensor([1n, 2n]));
  const x = started(await exportWasm(compiled.plans[0]));
  const indices = (): BigInt64Array => new BigInt64Array(x.memory.buffer, x.input_address(0), 2);
  indices().set([3n, 9n]);
  assert.is(x.run(), 1);
  assert.is(x.error_detail(), 9);
  indices().set([3n, 4n]);
  assert.is(x.run(), 0);
  assert.equal([...new Float32Array(x.memory.buffer, x.output_address(0), 2)], [3, 4]);
  assert.is(x.input_address(1) + x.input_bytes(-1) + x.output_address(1), 0);
});

test('bytes that are no plan or no module are told', async () => {
  for (const bytes of [new Uint8Array(0), new Uint8Array(40)]) {
    let error: unknown;
    await exportWasm(bytes).catch((e: unknown) => {
      error = e;
    });
    assert.instance(error, wick.FormatError);
    assert.throws(() => describe(bytes), /no WebAssembly module/);
  }
  const empty = Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0);
  assert.throws(() => describe(empty), /not from exportWasm/);
});

test('exporting leaves nothing behind', async () => {
  const [one] = cases(['half']);
  const before = wick.memory().live;
  await exportWasm(one.file);
  assert.is(wick.memory().live, before);
  load(save(load(one.file).plan)).dispose();
});

test.run();
