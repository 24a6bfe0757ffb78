// The command line as a process, as users call it.
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { deflateSync } from 'node:zlib';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { load as loadNpy, save as saveNpy } from '../../ts/formats/npy.ts';
import * as wick from '../../ts/index.ts';
import * as nn from '../../ts/nn/index.ts';
import { exportONNX } from '../../ts/onnx/index.ts';
import { cases } from '../standalone/cases.ts';
import { quantised, quantisedFile } from '../standalone/quantised.ts';

const test = suite('cli');
const program = fileURLToPath(new URL('../../ts/cli/main.js', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'wick-cli-'));
const path = (name: string): string => join(folder, name);
test.after(() => rmSync(folder, { recursive: true, force: true }));

interface Outcome {
  readonly code: number;
  readonly out: string;
  readonly error: string;
}
const call = (...args: string[]): Promise<Outcome> =>
  new Promise((resolve) => {
    execFile(process.execPath, [program, ...args], { cwd: folder }, (failure, out, error) => {
      resolve({ code: failure === null ? 0 : Number(failure.code), out, error });
    });
  });

const [digits, integers] = cases(['digits', 'integers']);
writeFileSync(path('digits.wick'), digits.file);
writeFileSync(path('integers.wick'), integers.file);
const x = wick.fromBytes(digits.inputs[0], [1, 1, 8, 8], 'float32');
const y = wick.fromBytes(digits.outputs[0][0], [1, 10], 'float32');
writeFileSync(path('x.npy'), saveNpy(x));
writeFileSync(path('double.npy'), saveNpy(x.to('float64')));

test('help teaches, and a wrong call is told from a failure', async () => {
  for (const args of [['--help'], ['help', 'run'], ['run', '--help'], ['export', '-h']]) {
    const { code, out } = await call(...args);
    assert.is(code, 0);
    assert.match(out, args.includes('--help') && args.length === 1 ? /Commands:/ : /MODEL \[INPUT \.\.\.\]/);
  }
  for (const [message, ...args] of [
    ['Commands:'],
    ["no command 'walk'", 'walk'],
    ['which model', 'run'],
    ['unknown option --fast', 'run', 'digits.wick', '--fast'],
    ['--top is a whole number', 'run', 'digits.wick', '--top', 'ten'],
    ['-o needs a value', 'run', 'digits.wick', '-o'],
    ["no input 'z'; the inputs are x0", 'run', 'digits.wick', 'z=random'],
    ['comes twice', 'run', 'digits.wick', 'x=ones', 'x0=ones'],
    ['no list of numbers', 'run', 'digits.wick', 'x=many'],
  ]) {
    const { code, out, error } = await call(...args);
    assert.is(code, 2, args.join(' '));
    assert.ok((error + out).includes(message), `${args.join(' ')}: ${error}`);
  }
  for (const [message, ...args] of [
    ['cannot read', 'info', 'none.wick'],
    ['FormatError|import|not a|no JSON|damaged|wick', 'info', 'x.npy'],
    ['64 elements, not 2', 'run', 'digits.wick', 'x=1,2'],
    ['has the shape', 'run', 'digits.wick', 'x=y.npy'],
  ]) {
    if (args[2] === 'x=y.npy') writeFileSync(path('y.npy'), saveNpy(y));
    const { code, error } = await call(...args);
    assert.is(code, 1, `${args.join(' ')}: ${error}`);
    assert.match(error, new RegExp(message));
  }
});

test('info tells names, shapes and dtypes', async () => {
  const { out } = await call('info', 'digits.wick');
  assert.match(out, /input +x0: float32\[1, 1, 8, 8\]\noutput +y: float32\[1, 10\]/);
  const { inputs, outputs, format } = JSON.parse((await call('info', 'integers.wick', '--json')).out);
  assert.equal([format, inputs.length, outputs.map((p: wick.Port) => p.name)], ['wick', 2, ['sum', 'more', 'best']]);
  const net = new nn.Sequential(new nn.Linear(6, 5), new nn.ReLU(), new nn.Linear(5, 2));
  writeFileSync(path('net.onnx'), await exportONNX(net, [wick.zeros([1, 6])]));
  const compiled = wick.compile(net);
  wick.noGrad(() => [1, 2].forEach(() => void compiled(wick.zeros([1, 6]))));
  writeFileSync(path('net.wick'), compiled.plans[0].save());
  for (const name of ['net.onnx', 'net.wick']) {
    const { macs, parameters, arena, flops } = JSON.parse((await call('info', name, '--json')).out);
    assert.equal([macs, parameters, flops], [40, 47, 80 + 10 + 2], name);
    assert.ok(arena >= 20, name);
    assert.match((await call('info', name)).out, /\nparameters +47\n(.*\n)*arena +\d+\n(.*\n)*macs +40\n/);
  }
});

test('run takes arrays, words and numbers, and writes arrays', async () => {
  for (const given of ['x=x.npy', 'x0=x.npy', 'x.npy', 'double.npy', `x=${Array.from(wick.dataSync(x) as Float32Array).join(',')}`]) {
    const { code, error } = await call('run', 'digits.wick', given, '-o', 'out.npy');
    assert.is(code, 0, error);
    assert.equal(wick.dataSync(loadNpy(readFileSync(path('out.npy')))), wick.dataSync(y), given);
  }
  const seeded = async (seed: string): Promise<string> => (await call('run', 'digits.wick', 'x=random', '--json', '--seed', seed)).out;
  assert.is(await seeded('3'), await seeded('3'));
  assert.is.not(await seeded('3'), await seeded('4'));
  const { out } = await call('run', 'integers.wick', 'x0=ones', 'x1=zeros', '-o', 'sum=sum.npy', '--threads', '2');
  assert.match(out, /sum: int64\[3, 4\] -> sum\.npy\nmore: bool\[3, 4\]\n/);
  assert.equal([...(wick.dataSync(loadNpy(readFileSync(path('sum.npy')))) as BigInt64Array)], new Array(12).fill(3n));
});

test('run ranks by --top and --labels', async () => {
  writeFileSync(path('labels.txt'), 'zero one two three four five six seven eight nine'.split(' ').join('\n'));
  const { out } = await call('run', 'digits.wick', 'x.npy', '--top', '2', '--labels', 'labels.txt');
  const best = wick.itemSync(y.argmax());
  assert.match(out, new RegExp(`float32\\[1, 10\\]\\n +[-.0-9]+  ${best} [a-z]+\\n +[-.0-9]+  \\d [a-z]+\\n$`));
});

/** A grey PNG of 8 bits with every filter in turn. */
function png(width: number, height: number, pixels: Uint8Array): Buffer {
  const chunk = (name: string, body: Uint8Array): Buffer => {
    const head = Buffer.alloc(8);
    head.writeUInt32BE(body.length);
    head.write(name, 4);
    return Buffer.concat([head, body, Buffer.alloc(4)]);
  };
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width);
  header.writeUInt32BE(height, 4);
  header.set([8, 0, 0, 0, 0], 8);
  const at = (r: number, c: number): number => (r < 0 || c < 0 ? 0 : pixels[r * width + c]);
  const lines = Buffer.alloc(height * (width + 1));
  for (let r = 0; r < height; r++) {
    const kind = r % 5;
    lines[r * (width + 1)] = kind;
    for (let c = 0; c < width; c++) {
      const [a, b, d] = [at(r, c - 1), at(r - 1, c), at(r - 1, c - 1)];
      const near = [a, b, d].map((v) => Math.abs(a + b - d - v));
      const paeth = near[0] <= near[1] && near[0] <= near[2] ? a : near[1] <= near[2] ? b : d;
      lines[r * (width + 1) + 1 + c] = at(r, c) - [0, a, b, (a + b) >> 1, paeth][kind];
    }
  }
  const mark = Buffer.from([137, 80, 78, 71, 13, 10, 26, 10]);
  return Buffer.concat([mark, chunk('IHDR', header), chunk('IDAT', deflateSync(lines)), chunk('IEND', Buffer.alloc(0))]);
}

test('a picture is an input', async () => {
  const pixels = Uint8Array.from({ length: 64 }, (_, i) => (i * 37) % 256);
  writeFileSync(path('picture.png'), png(8, 8, pixels));
  writeFileSync(path('same.npy'), saveNpy(wick.tensor(pixels).to('float32').div(255).sub(0.5).div(0.25).reshape([1, 1, 8, 8])));
  const results = [];
  for (const args of [['picture.png', '--mean', '0.5', '--std', '0.25'], ['same.npy']])
    results.push(JSON.parse((await call('run', 'digits.wick', ...args, '--json')).out).y.data);
  assert.equal(results[0], results[1]);
  writeFileSync(path('large.png'), png(16, 12, new Uint8Array(192).fill(128)));
  assert.is((await call('run', 'digits.wick', 'large.png')).code, 0);
  writeFileSync(path('cut.png'), png(8, 8, pixels).subarray(0, 50));
  assert.is((await call('run', 'digits.wick', 'cut.png')).code, 1);
});

test('compile, export and profile', async () => {
  assert.is((await call('compile', 'digits.wick', '-o', 'again.wick')).code, 0);
  assert.ok(readFileSync(path('again.wick')).equals(digits.file));
  const { code, error } = await call('export', 'digits.wick');
  assert.is(code, 0, error);
  const { exports: m } = new WebAssembly.Instance(new WebAssembly.Module(readFileSync(path('digits.wasm'))));
  assert.is((m as unknown as { run(): number }).run(), 0);
  assert.match((await call('info', 'digits.wasm')).out, /input +x0: float32\[1, 1, 8, 8\]/);
  const { out } = await call('profile', 'digits.wick', '--runs', '2', '--top', '1', '--trace', 'trace.json');
  assert.match(out, /^6 steps, [\d.]+ ms -> trace\.json\n.*ms.*%.* (convolution|linear|maxPool|copy)\n$/);
  assert.is(JSON.parse(readFileSync(path('trace.json'), 'utf8')).traceEvents.length, 6);
});

test('an ONNX model is compiled to a plan that keeps the names, and exported', async () => {
  const model = new nn.Sequential(new nn.Linear(3, 4), new nn.ReLU(), new nn.Linear(4, 2));
  writeFileSync(path('net.onnx'), exportONNX(model, [wick.ones([5, 3])], { dynamicBatch: true }));
  const { inputs, outputs } = JSON.parse((await call('info', 'net.onnx', '--json')).out);
  const [from, to] = [inputs[0].name, outputs[0].name];
  writeFileSync(path('net.npy'), saveNpy(wick.arange(6).to('float32').reshape([2, 3])));
  const compiled = await call('compile', 'net.onnx', `${from}=net.npy`);
  assert.is(compiled.code, 0, compiled.error);
  const about = JSON.parse((await call('info', 'net.wick', '--json')).out);
  assert.equal([about.inputs[0].name, about.inputs[0].shape, about.outputs[0].name], [from, [2, 3], to]);
  const [slow, fast] = await Promise.all(['net.onnx', 'net.wick'].map((name) => call('run', name, 'x=net.npy', '--json')));
  assert.is(slow.out, fast.out, slow.error + fast.error);
  const exported = await call('export', 'net.onnx', 'net.npy', '-o', 'net.wasm');
  assert.is(exported.code, 0, exported.error);
  const { exports: m } = new WebAssembly.Instance(new WebAssembly.Module(readFileSync(path('net.wasm'))));
  const x = m as unknown as {
    memory: WebAssembly.Memory;
    run(): number;
    input_address(i: number): number;
    output_address(i: number): number;
  };
  new Float32Array(x.memory.buffer, x.input_address(0), 6).set([0, 1, 2, 3, 4, 5]);
  assert.is(x.run(), 0);
  assert.equal([...new Float32Array(x.memory.buffer, x.output_address(0), 4)], JSON.parse(slow.out)[to].data);
});

test('convert chooses by the ending, bench times whole runs', async () => {
  const converted = await call('convert', 'digits.wick', 'again.wick');
  assert.is(converted.code, 0, converted.error);
  assert.equal(readFileSync(path('again.wick')).length > 0, true);
  const again = await call('run', 'again.wick', 'x=x.npy', '-o', 'y-again.npy');
  assert.is(again.code, 0, again.error);
  assert.equal(loadNpy(readFileSync(path('y-again.npy'))).dataSync(), y.dataSync());
  for (const target of ['model.tflite', 'model']) assert.is((await call('convert', 'digits.wick', target)).code, 2);
  assert.is((await call('convert', 'digits.wick')).code, 2);
  const { code, out, error } = await call('bench', 'digits.wick', '--runs', '4', '--threads', '1', '--json');
  assert.is(code, 0, error);
  const { best, median, first, runs, threads, peak } = JSON.parse(out);
  assert.ok(best > 0 && best <= median && first > 0 && peak > 0);
  assert.equal([runs, threads], [4, 1]);
});

test('a quantised model becomes a plan and a module, straight and by its plan, with the same results', async () => {
  writeFileSync(path('bytes.tflite'), quantisedFile());
  for (const words of [
    ['convert', 'bytes.tflite', 'bytes.wick'],
    ['convert', 'bytes.tflite', 'bytes.wasm'],
    ['export', 'bytes.wick', '-o', 'again.wasm'],
  ]) {
    const { code, error } = await call(...words);
    assert.is(code, 0, `${words.join(' ')}: ${error}`);
  }
  const module = readFileSync(path('bytes.wasm'));
  assert.ok(readFileSync(path('again.wasm')).equals(module));
  const [, picture] = quantised();
  writeFileSync(path('picture.npy'), saveNpy(picture));
  const [eager, plan] = await Promise.all(['bytes.tflite', 'bytes.wick'].map((m) => call('run', m, 'picture=picture.npy', '--json')));
  assert.is(plan.code, 0, plan.error);
  const want = JSON.parse(eager.out).chances.data as number[];
  assert.equal(JSON.parse(plan.out).chances.data, want);
  const m = new WebAssembly.Instance(new WebAssembly.Module(module)).exports as unknown as {
    memory: WebAssembly.Memory;
    run(): number;
    input_address(i: number): number;
    output_address(i: number): number;
  };
  new Float32Array(m.memory.buffer, m.input_address(0), 144).set(picture.dataSync() as Float32Array);
  assert.is(m.run(), 0);
  assert.equal([...new Float32Array(m.memory.buffer, m.output_address(1), 5)], want);
});

test.run();
