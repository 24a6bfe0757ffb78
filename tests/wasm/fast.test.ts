// Fast mode. Where the runtime keeps relaxed SIMD behind a flag (Node 20), the suite runs in a child that has it, and here only what is
// said where it is missing.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import * as wick from '../../ts/index.ts';
import * as F from '../../ts/nn/functional/index.ts';
import { unpacked } from '../../ts/wasm/module.ts';
import { sample } from '../ops/differences.ts';

const FLAG = '--experimental-wasm-relaxed-simd';
// (module (func (param v128 v128 v128) (result v128) (f32x4.relaxed_madd (local.get 0) (local.get 1) (local.get 2))))
const MADD = new Uint8Array([
  ...[0, 97, 115, 109, 1, 0, 0, 0, 1, 8, 1, 96, 3, 123, 123, 123, 1, 123, 3, 2, 1, 0],
  ...[10, 13, 1, 11, 0, 32, 0, 32, 1, 32, 2, 253, 133, 2, 11],
]);
const relaxed = WebAssembly.validate(MADD);
const test = suite(relaxed ? 'fast math' : 'fast math, missing');

type Fn = (...xs: wick.Tensor[]) => wick.Tensor;
const EPSILON = { float32: 2 ** -24, float64: 2 ** -53 };

/** What a function of constants gives in a mode. */
function inMode(math: 'strict' | 'fast', f: () => wick.Tensor): ArrayLike<number> {
  wick.config({ math });
  try {
    return wick.scope(() => f().dataSync()) as ArrayLike<number>;
  } finally {
    wick.config({ math: 'strict' });
  }
}
const sameBits = (a: ArrayLike<number>, b: ArrayLike<number>): boolean =>
  a.length === b.length && Array.from(a).every((x, i) => Object.is(x, b[i]));

/**
 * Asserts fast results within 2 k u of the sum of the products' magnitudes, and strict ones untouched by it: u is half a unit in the last
 * place, k the products of a sum; either mode stays within k u of the exact sum (Higham 2002, 3.5). Returns how many elements differ.
 */
function compare(what: string, dtype: 'float32' | 'float64', k: number, f: Fn, shapes: readonly number[][]): number {
  const xs = shapes.map((shape, i) => sample(shape, 3 + i).to(dtype));
  const before = inMode('strict', () => f(...xs));
  const fast = inMode('fast', () => f(...xs));
  const again = inMode('fast', () => f(...xs));
  const bound = inMode('strict', () => f(...xs.map((x) => x.abs())));
  assert.ok(
    sameBits(
      before,
      inMode('strict', () => f(...xs)),
    ),
    `${what}: strict bits after fast ones`,
  );
  assert.ok(sameBits(fast, again), `${what}: fast bits of the same machine`);
  let different = 0;
  for (let i = 0; i < fast.length; i++) {
    const error = Math.abs(fast[i] - before[i]);
    assert.ok(error <= 2 * (k + 2) * EPSILON[dtype] * bound[i], `${what}: element ${i} is ${fast[i]}, not ${before[i]}`);
    if (error > 0) different++;
  }
  for (const x of xs) x.dispose();
  return different;
}

test('config: an unknown mode and fast without its import are errors that say what to do', () => {
  assert.is(wick.info().math.mode, 'strict');
  wick.config({ math: 'strict' });
  assert.throws(
    () => wick.config({ math: 'fast' }),
    (e: unknown) => e instanceof wick.DeviceError && e.message.includes("import 'wick/fast'"),
  );
  assert.is(wick.info().math.mode, 'strict');
});

test('the import changes nothing until config is called', async () => {
  const a = sample([40, 300], 1).to('float32');
  const run = (): ArrayLike<number> => wick.scope(() => wick.matmul(a, a.t()).dataSync()) as ArrayLike<number>;
  const before = run();
  const { bytes } = await import('../../ts/fast/index.ts');
  assert.ok(bytes > 1000);
  assert.is(wick.info().math.mode, 'strict');
  assert.ok(sameBits(run(), before));
  assert.throws(
    () => wick.config({ math: 'Fast' as 'fast' }),
    (e: unknown) => e instanceof wick.ValueError && e.message.includes("'strict' or 'fast'"),
  );
  wick.config({});
  assert.equal(wick.info().math, { mode: 'strict', reason: '' });
});

if (!relaxed) {
  test('without relaxed SIMD the mode stays strict and says why', () => {
    const a = sample([40, 300], 1).to('float32');
    const strict = inMode('strict', () => wick.matmul(a, a.t()));
    wick.config({ math: 'fast' });
    assert.equal(wick.info().math, { mode: 'strict', reason: 'this runtime compiles no relaxed SIMD' });
    assert.ok(sameBits(wick.matmul(a, a.t()).dataSync() as Float32Array, strict));
    wick.config({ math: 'strict' });
    assert.equal(wick.info().math, { mode: 'strict', reason: '' });
  });
  if (process.allowedNodeEnvironmentFlags.has('--experimental-wasm-modules'))
    test('the whole suite passes where a flag turns relaxed SIMD on', () => {
      const script = fileURLToPath(import.meta.url);
      const { status, stdout, stderr } = spawnSync(process.execPath, [FLAG, '--enable-source-maps', script], { encoding: 'utf8' });
      assert.is(status, 0, `${stdout}${stderr}`);
      assert.match(stdout, /fast math /, 'the child has relaxed SIMD');
    });
} else fast();

function fast(): void {
  test('the module keeps its data in page 0, below the core', async () => {
    const { fast, size } = await import('../../ts/fast/gen/fast.ts');
    const memory = new WebAssembly.Memory({ initial: 16, maximum: 65536, shared: true });
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(unpacked(fast, size)), { env: { memory } });
    const end = (exports as unknown as { heapBase(): number }).heapBase();
    assert.ok(end > 57344 && end <= 65536, `${end}`);
  });

  test('info says so, and strict goes back', () => {
    wick.config({ math: 'fast' });
    assert.equal(wick.info().math, { mode: 'fast', reason: '' });
    wick.config({ math: 'strict' });
    assert.equal(wick.info().math, { mode: 'strict', reason: '' });
  });

  test('matmul: every transpose, every edge of a tile, float32 and float64', () => {
    for (const dtype of ['float32', 'float64'] as const) {
      let different = 0;
      for (const m of [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 17, 30, 50])
        for (const [k, n] of [
          [1, 1],
          [7, 3],
          [8, 8],
          [33, 17],
          [300, 41],
        ]) {
          const what = `${dtype} ${m} x ${k} x ${n}`;
          const count = (name: string, f: Fn, a: number[], b: number[]): void => {
            different += compare(`${what} ${name}`, dtype, k, f, [a, b]);
          };
          count('nn', (a, b) => wick.matmul(a, b), [m, k], [k, n]);
          count('nt', (a, b) => wick.matmul(a, b.t()), [m, k], [n, k]);
          count('tn', (a, b) => wick.matmul(a.t(), b), [k, m], [k, n]);
          count('tt', (a, b) => wick.matmul(a.t(), b.t()), [k, m], [n, k]);
        }
      assert.ok(different > 1000, `${dtype}: ${different} elements differ, so the fast kernels ran`);
    }
  });

  test('batches, linear with all of its last pass, integers', () => {
    assert.ok(
      compare('bmm', 'float32', 40, (a, b) => wick.matmul(a, b), [
        [3, 2, 21, 40],
        [3, 2, 40, 30],
      ]) > 0,
    );
    const affine: Fn = (x, w, b, r) => wick.linear(x, w, b, { residual: r, activation: 'relu' });
    assert.ok(compare('linear', 'float32', 70, affine, [[13, 70], [29, 70], [29], [13, 29]]) > 0);
    const whole = wick.arange(0, 30).reshape([5, 6]).to('int32');
    assert.ok(
      sameBits(
        inMode('strict', () => wick.matmul(whole, whole.t())),
        inMode('fast', () => wick.matmul(whole, whole.t())),
      ),
    );
  });

  test('convolution both ways: dense, pointwise, first layers, groups, depthwise', () => {
    const cases: [string, number[], number[], F.ConvOptions][] = [
      ['3x3', [2, 8, 9, 11], [12, 8, 3, 3], { padding: 1 }],
      ['strided', [1, 5, 12, 9], [7, 5, 3, 2], { stride: 2 }],
      ['pointwise', [2, 16, 6, 5], [20, 16, 1, 1], {}],
      ['3 channels', [1, 3, 15, 15], [16, 3, 5, 5], { padding: 2, stride: 2 }],
      ['groups', [1, 8, 7, 7], [12, 4, 3, 3], { groups: 2, dilation: 2, padding: 2 }],
      ['depthwise', [2, 12, 9, 9], [12, 1, 3, 3], { groups: 12, padding: 1 }],
    ];
    for (const dtype of ['float32', 'float64'] as const)
      for (const [name, x, w, options] of cases) {
        const forward: Fn = (a, b) => F.conv2d(a, b, null, options);
        const k = w[1] * w[2] * w[3];
        assert.ok(compare(`${name} ${dtype}`, dtype, k, forward, [x, w]) > 0, `${name}: some bits differ`);
        for (const i of [0, 1]) {
          const back: Fn = (a, b) => {
            const leaves = [a, b].map((t) => t.clone().requiresGrad_());
            return wick.grad(forward(leaves[0], leaves[1]).square().sum(), leaves)[i] as wick.Tensor;
          };
          compare(`${name} ${dtype} derivative ${i}`, dtype, 2 * (k * w[0] + x[0] * x[2] * x[3]), back, [x, w]);
        }
      }
  });

  test('attention both ways', () => {
    const [q, k, v] = [1, 2, 3].map((seed) => sample([2, 3, 70, 32], seed).to('float32'));
    const results: Fn[] = [
      (a, b, c) => F.scaledDotProductAttention(a, b, c, { isCausal: true }),
      (a, b, c) => {
        const leaves = [a, b, c].map((t) => t.clone().requiresGrad_());
        const y = F.scaledDotProductAttention(leaves[0], leaves[1], leaves[2]);
        return wick.cat(wick.grad(y.square().sum(), leaves) as wick.Tensor[], 0);
      },
    ];
    for (const f of results) {
      const strict = inMode('strict', () => f(q, k, v));
      const got = inMode('fast', () => f(q, k, v));
      assert.ok(!sameBits(strict, got), 'some bits differ');
      for (let i = 0; i < got.length; i++) assert.ok(Math.abs(got[i] - strict[i]) <= 2e-6, `element ${i}: ${got[i]}, not ${strict[i]}`);
      assert.ok(
        sameBits(
          strict,
          inMode('strict', () => f(q, k, v)),
        ),
      );
    }
  });

  test('any number of threads gives the same bits, workers that started in strict mode included', async () => {
    const a = sample([260, 300], 1).to('float32');
    const b = sample([300, 500], 2).to('float32');
    wick.setThreads(2);
    const deadline = performance.now() + 20_000;
    const strict = inMode('strict', () => wick.matmul(a, b));
    while (wick.info().threads.ready < 2 && performance.now() < deadline) {
      wick.matmul(a, b).dispose();
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    wick.setThreads(1);
    const one = inMode('fast', () => wick.matmul(a, b));
    assert.ok(!sameBits(strict, one));
    for (const threads of [2, 4, 1]) {
      wick.setThreads(threads);
      for (let i = 0; i < 15; i++) {
        const math = i % 3 === 2 ? 'strict' : 'fast';
        assert.ok(
          sameBits(
            inMode(math, () => wick.matmul(a, b)),
            math === 'fast' ? one : strict,
          ),
          `${threads} threads, ${math}, call ${i}`,
        );
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
    }
    wick.setThreads(1);
  });

  test('a plan belongs to the mode that it was made in', () => {
    const w = sample([64, 48], 1).to('float32');
    const x = sample([20, 64], 2).to('float32');
    const plan = wick.compile((t: wick.Tensor) => wick.matmul(t, w).relu());
    for (let round = 0; round < 4; round++)
      for (const math of ['strict', 'fast'] as const) {
        const eager = inMode(math, () => wick.matmul(x, w).relu());
        assert.ok(
          sameBits(
            inMode(math, () => plan(x)),
            eager,
          ),
          `round ${round}, ${math}`,
        );
      }
  });
}

test.run();
