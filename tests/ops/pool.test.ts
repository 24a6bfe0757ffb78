import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ones, type Tensor, tensor } from '../../ts/index.ts';
import {
  adaptiveAvgPool1d,
  adaptiveAvgPool2d,
  adaptiveMaxPool2d,
  avgPool1d,
  avgPool2d,
  maxPool1d,
  maxPool2d,
  maxPool2dWithIndices,
} from '../../ts/nn/functional/index.ts';
import { checkTwice, close, flat, sample } from './differences.ts';

interface Window {
  kernel: number[];
  stride: number[];
  padding: number[];
  dilation: number[];
  ceilMode: boolean;
}
const plain = { padding: [0, 0], dilation: [1, 1], ceilMode: false };
const WINDOWS: Window[] = [
  { ...plain, kernel: [2, 2], stride: [2, 2] },
  { ...plain, kernel: [3, 3], stride: [2, 2], padding: [1, 1] },
  { ...plain, kernel: [3, 2], stride: [2, 3], padding: [1, 1], ceilMode: true },
  { ...plain, kernel: [2, 3], stride: [1, 2], padding: [1, 1], dilation: [2, 1] },
];
const SHAPES = [
  [2, 3, 7, 9],
  [1, 17, 8, 8],
  [1, 33, 6, 4],
];
const options = ({ stride, padding, dilation, ceilMode }: Window) => ({ stride, padding, dilation, ceilMode });

/** The input positions of window o, and the size of the window with its padding. */
function windowOf(w: Window, i: number, o: number, size: number): { at: number[]; padded: number } {
  const start = o * w.stride[i] - w.padding[i];
  const at = Array.from({ length: w.kernel[i] }, (_, k) => start + k * w.dilation[i]).filter((p) => p >= 0 && p < size);
  return { at, padded: Math.min(start + w.kernel[i], size + w.padding[i]) - start };
}
function eachWindow(
  x: Tensor,
  y: Tensor,
  positions: (i: number, o: number) => number[],
  f: (values: number[], places: number[], oy: number, ox: number) => number,
): number[] {
  const [n, c, h, w] = x.shape;
  const data = flat(x);
  const out: number[] = [];
  for (let plane = 0; plane < n * c; plane++)
    for (let oy = 0; oy < y.shape[2]; oy++)
      for (let ox = 0; ox < y.shape[3]; ox++) {
        const places = positions(0, oy).flatMap((r) => positions(1, ox).map((s) => r * w + s));
        out.push(
          f(
            places.map((p) => data[plane * h * w + p]),
            places,
            oy,
            ox,
          ),
        );
      }
  return out;
}
const largest = (v: number[]): number => v.reduce((best, x, i) => (x > v[best] || Number.isNaN(x) ? i : best), 0);

test('maxima: the first of equals, NaN wins, indices in the plane', () => {
  for (const dtype of ['float32', 'float64'] as const)
    for (const shape of SHAPES)
      for (const w of WINDOWS) {
        const values = flat(sample(shape, 3).mul(6).round());
        values[5] = Number.NaN;
        const x = tensor(values, { dtype }).reshape([...shape]);
        const [y, indices] = maxPool2dWithIndices(x, w.kernel, options(w));
        const positions = (i: number, o: number): number[] => windowOf(w, i, o, shape[2 + i]).at;
        close(
          flat(y),
          eachWindow(x, y, positions, (v) => v[largest(v)]),
          0,
          `values ${dtype} ${shape} ${w.kernel}`,
        );
        close(
          flat(indices),
          eachWindow(x, y, positions, (v, at) => at[largest(v)]),
          0,
          `indices ${dtype} ${shape} ${w.kernel}`,
        );
        assert.is(indices.dtype, 'int64');
      }
});

test("averages, with and without the padding, or by a divisor of one's own", () => {
  for (const shape of SHAPES)
    for (const w of WINDOWS.slice(0, 3))
      for (const more of [{}, { countIncludePad: false }, { divisorOverride: 3 }] as {
        countIncludePad?: boolean;
        divisorOverride?: number;
      }[]) {
        const x = sample(shape, 1);
        const y = avgPool2d(x, w.kernel, { stride: w.stride, padding: w.padding, ceilMode: w.ceilMode, ...more });
        const at = (i: number, o: number) => windowOf(w, i, o, shape[2 + i]);
        const e = eachWindow(
          x,
          y,
          (i, o) => at(i, o).at,
          (v, _, oy, ox) => {
            const by = more.divisorOverride ?? (more.countIncludePad === false ? v.length : at(0, oy).padded * at(1, ox).padded);
            return v.reduce((p, q) => p + q, 0) / by;
          },
        );
        close(flat(y), e, 1e-12, `${shape} ${w.kernel} ${JSON.stringify(more)}`);
      }
});

test('adaptive windows', () => {
  for (const [shape, size] of [
    [
      [2, 3, 7, 9],
      [3, 4],
    ],
    [
      [1, 17, 4, 5],
      [7, 5],
    ],
    [
      [1, 5, 8, 8],
      [1, 1],
    ],
  ]) {
    const x = sample(shape, 1);
    const y = adaptiveAvgPool2d(x, size);
    const positions = (i: number, o: number): number[] => {
      const start = Math.floor((o * shape[2 + i]) / size[i]);
      return Array.from({ length: Math.ceil(((o + 1) * shape[2 + i]) / size[i]) - start }, (_, k) => start + k);
    };
    close(
      flat(y),
      eachWindow(x, y, positions, (v) => v.reduce((p, q) => p + q, 0) / v.length),
      1e-12,
      `mean ${shape}`,
    );
    close(
      flat(adaptiveMaxPool2d(x, size)),
      eachWindow(x, y, positions, (v) => Math.max(...v)),
      0,
      `max ${shape}`,
    );
  }
});

test('derivatives, once and twice', () => {
  for (const w of WINDOWS) {
    checkTwice((x) => maxPool2d(x, w.kernel, options(w)).square(), [sample([1, 3, 5, 6], 1)], `max ${w.kernel}`);
    if (w.dilation[0] === 1)
      checkTwice(
        (x) => avgPool2d(x, w.kernel, { stride: w.stride, padding: w.padding, ceilMode: w.ceilMode, countIncludePad: false }).square(),
        [sample([1, 3, 5, 6], 1)],
        `avg ${w.kernel}`,
      );
  }
  checkTwice((x) => adaptiveAvgPool2d(x, [3, 4]).square(), [sample([1, 2, 5, 6], 1)], 'adaptive avg');
  checkTwice((x) => adaptiveMaxPool2d(x, [3, 4]).square(), [sample([1, 2, 5, 6], 1)], 'adaptive max');
});

test('one dimension', () => {
  const x = tensor([[[1, 3, 2, 4]]]);
  assert.equal(maxPool1d(x, 2).arraySync(), [[[3, 4]]]);
  assert.equal(avgPool1d(x, 2).arraySync(), [[[2, 3]]]);
  assert.equal(adaptiveAvgPool1d(x, 2).arraySync(), [[[2, 3]]]);
});

test('errors teach', () => {
  assert.throws(() => maxPool2d(ones([1, 1, 4, 4]), 2, { padding: 2 }), /padding 2 is more than half of the kernel \(2\)/);
  assert.throws(() => maxPool2d(ones([1, 1, 4, 4]), 9), /kernel \[9, 9\] is larger than input \[1, 1, 4, 4\]/);
});

test.run();
