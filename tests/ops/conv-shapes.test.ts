// Convolutions of random shapes beside the definition in float64, in one to three dimensions; the same bits for any number of threads.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { grad, setThreads, type Tensor, tensor } from '../../ts/index.ts';
import {
  type Activation,
  adaptiveAvgPool3d,
  adaptiveMaxPool3dWithIndices,
  avgPool3d,
  conv1d,
  conv2d,
  conv3d,
  convTranspose3d,
  maxPool3d,
} from '../../ts/nn/functional/index.ts';
import { checkTwice, close, flat, noise, sample } from './differences.ts';

interface Case {
  x: number[];
  w: number[];
  stride: number[];
  padding: number[];
  dilation: number[];
  groups: number;
}
const convs = [conv1d, conv2d, conv3d];
const run = (c: Case, x: Tensor, w: Tensor, b: Tensor | null, activation?: Activation): Tensor => {
  const { stride, padding, dilation, groups } = c;
  return convs[c.x.length - 3](x, w, b, { stride, padding, dilation, groups, ...(activation ? { activation } : {}) });
};
const spatial = (shape: readonly number[], fill: number): number[] => [
  ...new Array<number>(5 - shape.length).fill(fill),
  ...shape.slice(2),
];
const spread = (list: readonly number[], fill: number): number[] => [...new Array<number>(3 - list.length).fill(fill), ...list];

/** y without bias, and for dy the gradients of x and w, by the definition. */
function reference(c: Case, y: readonly number[], x: number[], w: number[], dy: number[]): [number[], number[], number[]] {
  const [size, kernel, out] = [spatial(c.x, 1), spatial(c.w, 1), spatial(y, 1)];
  const [stride, padding, dilation] = [spread(c.stride, 1), spread(c.padding, 0), spread(c.dilation, 1)];
  const [ig, og] = [c.w[1], c.w[0] / c.groups];
  const result = new Array<number>(dy.length).fill(0);
  const dx = new Array<number>(x.length).fill(0);
  const dw = new Array<number>(w.length).fill(0);
  const count = (s: number[]): number => s[0] * s[1] * s[2];
  const at = (s: number[], i: number): number[] => [Math.floor(i / s[2] / s[1]), Math.floor(i / s[2]) % s[1], i % s[2]];
  for (let n = 0; n < c.x[0]; n++)
    for (let p = 0; p < count(out); p++)
      for (let t = 0; t < count(kernel); t++) {
        const [o, k] = [at(out, p), at(kernel, t)];
        const from = o.map((v, d) => v * stride[d] - padding[d] + k[d] * dilation[d]);
        if (from.some((v, d) => v < 0 || v >= size[d])) continue;
        const pixel = (from[0] * size[1] + from[1]) * size[2] + from[2];
        for (let f = 0; f < c.w[0]; f++)
          for (let i = 0; i < ig; i++) {
            const xi = (n * c.x[1] + Math.floor(f / og) * ig + i) * count(size) + pixel;
            const wi = (f * ig + i) * count(kernel) + t;
            const yi = (n * c.w[0] + f) * count(out) + p;
            result[yi] += x[xi] * w[wi];
            dx[xi] += dy[yi] * w[wi];
            dw[wi] += dy[yi] * x[xi];
          }
      }
  return [result, dx, dw];
}

function randomCases(n: number): Case[] {
  const draws = noise(n * 40, 5);
  let at = 0;
  const pick = (low: number, high: number): number => low + Math.floor(((draws[at++] + 1) / 2) * (high - low + 0.999));
  return Array.from({ length: n }, (_, i) => {
    const dims = (i % 3) + 1;
    const list = (low: number, high: number): number[] => Array.from({ length: dims }, () => pick(low, high));
    const groups = [1, 1, 1, 2, 3][pick(0, 4)];
    const depthwise = pick(0, 3) === 0;
    const channels = depthwise ? pick(2, 37) : groups * pick(1, 11);
    const kernel = list(1, 4);
    const [dilation, padding] = [list(1, 2), list(0, 2)];
    const size = kernel.map((k, d) => Math.max(1, dilation[d] * (k - 1) + 1 - 2 * padding[d]) + pick(0, dims === 3 ? 3 : 9));
    return {
      x: [pick(1, 3), channels, ...size],
      w: [depthwise ? channels : groups * pick(1, 13), depthwise ? 1 : channels / groups, ...kernel],
      ...{ stride: list(1, 3), padding, dilation, groups: depthwise ? channels : groups },
    };
  });
}
const plain = { stride: [1, 1], padding: [0, 0], dilation: [1, 1], groups: 1 };
/** Kernels whose taps lie so far apart that their pixels do not fit a thread's scratch, and ones of many taps. */
const FAR: Case[] = [
  { ...plain, x: [1, 640, 5, 6], w: [9, 640, 3, 3], padding: [12, 12], dilation: [12, 12] },
  { ...plain, x: [1, 1030, 7, 7], w: [1030, 1, 3, 3], padding: [9, 9], dilation: [9, 9], groups: 1030 },
  { ...plain, x: [1, 2100, 3, 5], w: [6, 700, 3, 3], padding: [8, 8], dilation: [8, 8], groups: 3 },
  { x: [1, 2, 9000], w: [3, 2, 8700], stride: [3], padding: [20], dilation: [1], groups: 1 },
];

test('values and gradients of random shapes follow the definition', () => {
  for (const c of [...randomCases(90), ...FAR]) {
    const all = c.x.reduce((a, b) => a * b, 1) > 5000 ? (['float32'] as const) : (['float32', 'float64'] as const);
    for (const dtype of all) {
      const x = sample(c.x, 1).to(dtype).requiresGrad_();
      const w = sample(c.w, 2).to(dtype).requiresGrad_();
      const b = sample([c.w[0]], 3).to(dtype);
      const y = run(c, x, w, b);
      const dy = sample(y.shape, 4).to(dtype);
      const [dx, dw] = grad(y, [x, w], { gradOutputs: dy }) as Tensor[];
      const [ey, ex, ew] = reference(c, y.shape, flat(x), flat(w), flat(dy));
      const plane = y.shape.slice(2).reduce((p, v) => p * v, 1);
      const bias = flat(b);
      const tolerance = dtype === 'float32' ? 2e-4 : 1e-11;
      const what = `${dtype} ${JSON.stringify(c)}`;
      const biased = ey.map((v, i) => v + bias[Math.floor(i / plane) % c.w[0]]);
      close(flat(y), biased, tolerance, `y ${what}`);
      close(flat(dx), ex, tolerance, `dx ${what}`);
      close(flat(dw), ew, tolerance, `dw ${what}`);
      if (dtype === 'float64') continue;
      for (const activation of ['relu', 'relu6'] as const) {
        const fused = run(c, x.detach(), w.detach(), b, activation);
        const apart = activation === 'relu' ? y.detach().relu() : y.detach().clamp(0, 6);
        close(flat(fused), flat(apart), 0, `${activation} ${what}`);
      }
    }
  }
});

test('the same bits with one, two and four threads', () => {
  const cases: Case[] = [
    { ...plain, x: [3, 24, 40, 40], w: [40, 24, 3, 3], padding: [1, 1] },
    { ...plain, x: [2, 16, 61, 47], w: [24, 16, 3, 3], stride: [2, 2], padding: [1, 1] },
    { ...plain, x: [2, 160, 48, 50], w: [160, 1, 5, 5], padding: [2, 2], groups: 160 },
    { ...plain, x: [1, 256, 7, 7], w: [512, 256, 3, 3], padding: [1, 1] },
    ...FAR.slice(0, 1),
  ];
  for (const c of cases) {
    const [x, w, b] = [sample(c.x, 1), sample(c.w, 2), sample([c.w[0]], 3)].map((t) => t.to('float32').requiresGrad_());
    const all = [1, 2, 4].map((threads) => {
      setThreads(threads);
      const y = run(c, x, w, b);
      const gradients = grad(y, [x, w, b], { gradOutputs: sample(y.shape, 4).to('float32') }) as Tensor[];
      return [y, ...gradients].map(flat);
    });
    setThreads(1);
    for (const other of all.slice(1))
      other.forEach((list, i) =>
        assert.ok(
          list.every((v, k) => Object.is(v, all[0][i][k])),
          `${i} ${c.x}`,
        ),
      );
  }
});

test('activations have their derivatives; padding "same" puts the odd zero after the image', () => {
  const [x, w] = [sample([2, 3, 6, 5], 1), sample([4, 3, 3, 3], 2)];
  for (const activation of ['relu', 'relu6', 'silu', 'tanh'] as const)
    checkTwice((a, b) => conv2d(a, b, null, { padding: 1, activation }).mul(2), [x, w], activation);
  const even = sample([4, 3, 2, 4], 3);
  const wide = conv2d(x, even, null, { padding: 'same' });
  assert.equal([...wide.shape], [2, 4, 6, 5]);
  assert.equal(conv1d(tensor([[[1, 2, 3]]]), tensor([[[1, 10]]]), null, { padding: 'same' }).arraySync(), [[[21, 32, 3]]]);
});

test('three dimensions: transposed convolutions and pools', () => {
  const [x, w] = [sample([1, 2, 3, 4, 3], 1), sample([2, 3, 2, 3, 2], 2)];
  checkTwice(
    (a, b) => convTranspose3d(a, b, null, { stride: [2, 1, 2], padding: [0, 1, 0], outputPadding: [1, 0, 1] }),
    [x, w],
    'transposed',
  );
  checkTwice((a) => maxPool3d(a, 2, { stride: 1, padding: 1 }).square(), [x], 'max');
  checkTwice((a) => avgPool3d(a, [2, 3, 2], { stride: [1, 2, 1], padding: [1, 1, 0], ceilMode: true }).square(), [x], 'avg');
  checkTwice((a) => adaptiveAvgPool3d(a, [2, 3, 2]).square(), [x], 'adaptive avg');
  const [values, indices] = adaptiveMaxPool3dWithIndices(x, [1, 2, 2]);
  close(flat(x.flatten(2).gather(2, indices.flatten(2))), flat(values), 0, 'indices');
  assert.throws(() => conv3d(sample([1, 2, 3, 3]), w), /convolution: input/);
});

test.run();
