import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { grad, ones, type Tensor } from '../../ts/index.ts';
import { conv1d, conv2d, convTranspose1d, convTranspose2d } from '../../ts/nn/functional/index.ts';
import { checkTwice, close, flat, sample } from './differences.ts';

interface Case {
  x: number[];
  out: number;
  kernel: number[];
  stride: number[];
  padding: number[];
  dilation: number[];
  groups: number;
}
const one = { stride: [1, 1], padding: [0, 0], dilation: [1, 1], groups: 1 };
const CASES: Case[] = [
  { ...one, x: [1, 3, 8, 8], out: 5, kernel: [3, 3], padding: [1, 1] },
  { ...one, x: [2, 4, 7, 9], out: 6, kernel: [3, 2], stride: [2, 2], padding: [1, 1] },
  { ...one, x: [2, 6, 11, 9], out: 9, kernel: [3, 3], stride: [2, 3], padding: [2, 1], dilation: [2, 1], groups: 3 },
  { ...one, x: [1, 4, 10, 12], out: 8, kernel: [5, 3], stride: [3, 2], padding: [2, 0], dilation: [2, 3], groups: 2 },
  { ...one, x: [2, 5, 6, 7], out: 9, kernel: [1, 1] },
  { ...one, x: [2, 5, 6, 7], out: 9, kernel: [1, 1], stride: [3, 2], padding: [1, 1] },
  { ...one, x: [1, 2, 9, 9], out: 3, kernel: [2, 2], stride: [4, 4], dilation: [2, 2] },
  { ...one, x: [2, 21, 9, 8], out: 21, kernel: [3, 3], padding: [1, 1], groups: 21 },
  { ...one, x: [1, 19, 9, 12], out: 19, kernel: [3, 2], stride: [1, 2], padding: [2, 1], dilation: [2, 3], groups: 19 },
  { ...one, x: [1, 3, 9, 8], out: 6, kernel: [3, 3], padding: [1, 1], groups: 3 },
  { ...one, x: [1, 40, 6, 6], out: 300, kernel: [3, 3], padding: [1, 1] },
  { ...one, x: [1, 300, 5, 5], out: 10, kernel: [3, 3], padding: [1, 1] },
];
const options = ({ stride, padding, dilation, groups }: Case) => ({ stride, padding, dilation, groups });

/** Convolution and its gradients for dy, by the definition. */
function reference(c: Case, x: number[], w: number[], dy: number[] | null): { y: number[]; dx: number[]; dw: number[] } {
  const [n, channels, h, wd] = c.x;
  const [kh, kw] = c.kernel;
  const ig = channels / c.groups;
  const size = (i: number): number => Math.floor((c.x[2 + i] + 2 * c.padding[i] - c.dilation[i] * (c.kernel[i] - 1) - 1) / c.stride[i]) + 1;
  const [oh, ow] = [size(0), size(1)];
  const y = new Array<number>(n * c.out * oh * ow).fill(0);
  const dx = new Array<number>(x.length).fill(0);
  const dw = new Array<number>(w.length).fill(0);
  for (let b = 0; b < n; b++)
    for (let o = 0; o < c.out; o++)
      for (let i = 0; i < ig; i++)
        for (let r = 0; r < kh; r++)
          for (let s = 0; s < kw; s++)
            for (let oy = 0; oy < oh; oy++)
              for (let ox = 0; ox < ow; ox++) {
                const iy = oy * c.stride[0] - c.padding[0] + r * c.dilation[0];
                const ix = ox * c.stride[1] - c.padding[1] + s * c.dilation[1];
                if (iy < 0 || iy >= h || ix < 0 || ix >= wd) continue;
                const channel = Math.floor(o / (c.out / c.groups)) * ig + i;
                const xi = ((b * channels + channel) * h + iy) * wd + ix;
                const wi = ((o * ig + i) * kh + r) * kw + s;
                const yi = ((b * c.out + o) * oh + oy) * ow + ox;
                y[yi] += x[xi] * w[wi];
                if (dy) {
                  dx[xi] += dy[yi] * w[wi];
                  dw[wi] += dy[yi] * x[xi];
                }
              }
  return { y, dx, dw };
}

test('values and gradients follow the definition', () => {
  for (const dtype of ['float32', 'float64'] as const)
    for (const c of CASES) {
      const x = sample(c.x, 1).to(dtype).requiresGrad_();
      const w = sample([c.out, c.x[1] / c.groups, ...c.kernel], 2)
        .to(dtype)
        .requiresGrad_();
      const bias = sample([c.out], 3).to(dtype).requiresGrad_();
      const y = conv2d(x, w, bias, options(c));
      const dy = sample(y.shape, 4).to(dtype);
      const [dx, dw, db] = grad(y, [x, w, bias], { gradOutputs: dy }) as Tensor[];
      const e = reference(c, flat(x), flat(w), flat(dy));
      const plane = y.shape[2] * y.shape[3];
      const tolerance = dtype === 'float32' ? 1e-3 : 1e-11;
      const what = `${dtype} ${JSON.stringify(c)}`;
      close(
        flat(y),
        e.y.map((v, i) => v + flat(bias)[Math.floor(i / plane) % c.out]),
        tolerance,
        `y ${what}`,
      );
      close(flat(dx), e.dx, tolerance, `dx ${what}`);
      close(flat(dw), e.dw, tolerance, `dw ${what}`);
      close(flat(db), flat(dy.sum([0, 2, 3])), tolerance, `db ${what}`);
    }
});

test('derivatives of derivatives', () => {
  for (const c of CASES.slice(0, 7))
    checkTwice(
      (x, w) => conv2d(x, w, null, options(c)),
      [sample(c.x, 1), sample([c.out, c.x[1] / c.groups, ...c.kernel], 2)],
      JSON.stringify(c),
    );
  checkTwice(
    (x, w, b) => convTranspose2d(x, w, b, { stride: 2, padding: 1, outputPadding: 1 }),
    [sample([1, 3, 3, 4], 1), sample([3, 2, 3, 3], 2), sample([2], 3)],
    'transposed',
  );
});

test('a transposed convolution is the gradient of a convolution', () => {
  const w = sample([4, 3, 3, 3], 1);
  const x = sample([2, 3, 8, 7], 2).requiresGrad_();
  const y = conv2d(x, w, null, { stride: [2, 2], padding: 1 });
  const dy = sample(y.shape, 3);
  const [dx] = grad(y, x, { gradOutputs: dy }) as Tensor[];
  close(flat(convTranspose2d(dy, w, null, { stride: 2, padding: 1, outputPadding: [1, 0] })), flat(dx), 1e-12, 'transposed');
  assert.equal(convTranspose1d(ones([1, 1, 2]), ones([1, 1, 2]), ones([1]), { stride: 2 }).arraySync(), [[[2, 2, 2, 2]]]);
});

test('one dimension, no batch, same padding', () => {
  assert.equal(conv1d(ones([1, 5]), ones([1, 1, 3]), null, { padding: 'same' }).arraySync(), [[2, 3, 3, 3, 2]]);
  assert.equal([...conv2d(ones([3, 6, 6]), ones([2, 3, 3, 3]), null, { stride: 2 }).shape], [2, 2, 2]);
});

test('errors name the shapes', () => {
  assert.throws(() => conv2d(ones([1, 3, 8, 8]), ones([4, 2, 3, 3])), /input \[1, 3, 8, 8\] and weight \[4, 2, 3, 3\]/);
  assert.throws(() => conv2d(ones([1, 3, 2, 2]), ones([4, 3, 3, 3])), /larger than input/);
  assert.throws(() => conv2d(ones([1, 3, 8, 8]), ones([4, 3, 3, 3]), ones([3])), /bias \[3\]/);
  assert.equal(conv2d(ones([1, 1, 2, 2], { dtype: 'int32' }), ones([1, 1, 2, 2], { dtype: 'int32' })).arraySync(), [[[[4]]]]);
});

test.run();
