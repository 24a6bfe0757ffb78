// Strict against fast kernels through the public API, one thread, interleaved, best of many rounds, with the share of the peak of fused
// multiply-adds in registers that the same run measures:
//   npm run perf:fast [part of a name]
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import '../../ts/fast/index.ts';
import * as wick from '../../ts/index.ts';
import { conv2d, scaledDotProductAttention } from '../../ts/nn/functional/index.ts';
import { best, peak } from '../bench/peak.ts';

type Tensor = wick.Tensor;
interface Case {
  readonly flops: number;
  /** Operations of one instruction against those of float32. */
  readonly share?: number;
  readonly run: () => Tensor;
}

const rand = (...shape: number[]): Tensor => wick.rand(shape);
/** A product whose operands come again, so that b is packed once, as a network's weights are. */
const product = (m: number, k: number, n: number): Case => {
  const [a, b] = [rand(m, k), rand(k, n)];
  return { flops: 2 * m * k * n, run: () => a.matmul(b) };
};
const double = (n: number): Case => {
  const [a, b] = [rand(n, n).to('float64'), rand(n, n).to('float64')];
  return { flops: 2 * n * n * n, share: 0.5, run: () => a.matmul(b) };
};
const turned = (n: number): Case => {
  const [a, b] = [rand(n, n).t(), rand(n, n).t()];
  return { flops: 2 * n * n * n, run: () => a.matmul(b) };
};
const convolution = (c: number, h: number, o: number, k: number, groups = 1): Case => {
  const x = rand(1, c, h, h).contiguous({ memoryFormat: 'channelsLast' });
  const w = rand(o, c / groups, k, k);
  return { flops: (2 * o * h * h * c * k * k) / groups, run: () => conv2d(x, w, null, { padding: k >> 1, groups }) };
};
const attention = (): Case => {
  const [q, k, v] = [rand(1, 8, 256, 64), rand(1, 8, 256, 64), rand(1, 8, 256, 64)];
  return { flops: 4 * 8 * 256 * 256 * 64, run: () => scaledDotProductAttention(q, k, v) };
};
const CASES: Readonly<Record<string, () => Case>> = {
  ...Object.fromEntries([32, 64, 128, 256, 512, 1024].map((n) => [`matmul ${n}`, () => product(n, n, n)])),
  'matmul 256 transposed': () => turned(256),
  'matmul 256 float64': () => double(256),
  'matmul 1x1024x1024': () => product(1, 1024, 1024),
  'matmul 8x512x512': () => product(8, 512, 512),
  'matmul 64x784x256': () => product(64, 784, 256),
  'conv 3x3 56x56x64': () => convolution(64, 56, 64, 3),
  'conv 3x3 8x8x64': () => convolution(64, 8, 64, 3),
  'conv 1x1 24x24x32': () => convolution(32, 24, 64, 1),
  'conv 3 channels 96x96': () => convolution(3, 96, 8, 3),
  'depthwise 112x112x32': () => convolution(32, 112, 32, 3, 32),
  'depthwise 12x12x64': () => convolution(64, 12, 64, 3, 64),
  'attention 8x256x64': attention,
};
const ROUNDS = 25;

/** Fused multiply-adds in registers, operations a second. */
function fusedPeak(): () => number {
  const out = 'build/wasm/fused.wasm';
  execFileSync(process.execPath, ['node_modules/assemblyscript/bin/asc.js', '--config', 'perf/fast/asconfig.json', '-o', out]);
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(readFileSync(out)), { env: { abort() {} } });
  const { chains } = exports as unknown as { chains(n: number, x: number, y: number): number };
  for (let i = 0; i < 200; i++) chains(1000, 0.5, 0.25);
  return () => (12 * 4 * 2 * 20000) / best(() => chains(20000, 0.5, 0.25), 0.004);
}

// Node 20 keeps relaxed SIMD behind a flag.
if (process.versions.v8.startsWith('11.')) setFlagsFromString('--experimental-wasm-relaxed-simd');
wick.setThreads(1);
wick.config({ math: 'fast' });
const { mode, reason } = wick.info().math;
if (mode !== 'fast') throw new Error(`no fast kernels: ${reason}`);
const [separate, fused] = [peak().flops, fusedPeak()];
let [top, plain] = [0, 0];
const rows: { name: string; share: number; speeds: number[] }[] = [];
for (const [name, make] of Object.entries(CASES)) {
  if (!name.includes(process.argv[2] ?? '')) continue;
  wick.scope(() => {
    const { flops, share = 1, run } = make();
    const times = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
    for (let r = 0; r < ROUNDS; r++) {
      top = Math.max(top, fused());
      (['strict', 'fast'] as const).forEach((math, i) => {
        wick.config({ math });
        times[i] = Math.min(
          times[i],
          best(() => run().dispose(), 0.008),
        );
      });
    }
    plain = Math.max(plain, separate());
    rows.push({ name, share, speeds: times.map((s) => flops / s) });
  });
}
console.log(`${'GF/s'.padEnd(24)} strict    fast   ratio   share of the fused peak`);
for (const { name, share, speeds } of rows) {
  const cells = speeds.map((s) => (s / 1e9).toFixed(1).padStart(7)).join(' ');
  console.log(
    `${name.padEnd(24)}${cells}  ${(speeds[1] / speeds[0]).toFixed(2).padStart(5)}x   ${((100 * speeds[1]) / top / share).toFixed(0).padStart(3)} %`,
  );
}
console.log(
  `\nregister peaks: ${(plain / 1e9).toFixed(1)} GF/s multiplying and adding, ${(top / 1e9).toFixed(1)} fused; ${wick.info().runtime}`,
);
