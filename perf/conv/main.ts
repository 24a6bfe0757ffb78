// Convolutions and their two gradients beside a matrix product of as many operations, interleaved, best of many rounds:
// node build/perf/conv/main.js [part of a name]. One thread. Shares of the product's speed mean something on a shared machine; times do not.
import * as wick from '../../ts/index.ts';
import * as F from '../../ts/nn/functional/index.ts';

/** Images, channels, height and width, outputs, kernel, stride, groups. */
type Case = readonly [n: number, c: number, h: number, o: number, k: number, stride: number, groups: number];
const CASES: Readonly<Record<string, Case>> = {
  '3x3 56x56x64': [1, 64, 56, 64, 3, 1, 1],
  '3x3 32x32x16': [1, 16, 32, 16, 3, 1, 1],
  '3x3 8x8x64': [1, 64, 8, 64, 3, 1, 1],
  '3x3/2 32x32x16': [8, 16, 32, 32, 3, 2, 1],
  '1x1 24x24x32': [1, 32, 24, 64, 1, 1, 1],
  '3 channels 96x96': [1, 3, 96, 8, 3, 2, 1],
  '1 channel 28x28 b32': [32, 1, 28, 16, 3, 1, 1],
  'depthwise 112x112x32': [1, 32, 112, 32, 3, 1, 32],
  'depthwise 12x12x64': [1, 64, 12, 64, 3, 1, 64],
  'depthwise 5x5 28x28x64': [1, 64, 28, 64, 5, 1, 64],
};
const SLICE = 1;
const ROUNDS = 30;

/** Milliseconds a call over one slice. */
function time(body: () => wick.Tensor): number {
  const start = performance.now();
  let [n, now] = [0, start];
  for (; now - start < SLICE; now = performance.now()) {
    body().dispose();
    n++;
  }
  return (now - start) / n;
}

wick.setThreads(1);
const square = wick.rand([256, 256]);
console.log(`${'convolution'.padEnd(24)} GF/s and share of a 256^3 product: forward, gradient of the image, of the weight`);
for (const [name, [n, c, h, o, k, stride, groups]] of Object.entries(CASES)) {
  if (!name.includes(process.argv[2] ?? '')) continue;
  const x = wick.rand([n, c, h, h]).contiguous({ memoryFormat: 'channelsLast' });
  const w = wick.rand([o, c / groups, k, k]);
  const options = { stride, groups, padding: k >> 1 };
  const [xg, wg] = [x.clone().requiresGrad_(), w.clone().requiresGrad_()];
  const [yx, yw] = [F.conv2d(xg, w, null, options), F.conv2d(x, wg, null, options)];
  const gradOutputs = yx.detach().clone();
  const bodies = [
    () => square.matmul(square),
    () => F.conv2d(x, w, null, options),
    () => wick.grad(yx, [xg], { gradOutputs, retainGraph: true })[0] as wick.Tensor,
    () => wick.grad(yw, [wg], { gradOutputs, retainGraph: true })[0] as wick.Tensor,
  ];
  const best = bodies.map(() => Number.POSITIVE_INFINITY);
  for (let r = 0; r < ROUNDS; r++)
    bodies.forEach((body, i) => {
      best[i] = Math.min(best[i], time(body));
    });
  const speeds = best.map((ms, i) => (i === 0 ? 2 * 256 * 256 * 256 : (2 * yx.numel * c * k * k) / groups) / ms / 1e6);
  const cells = speeds.slice(1).map((v) => `${v.toFixed(1).padStart(6)} ${((100 * v) / speeds[0]).toFixed(0).padStart(3)} %`);
  console.log(`${name.padEnd(24)}${cells.join('   ')}`);
}
