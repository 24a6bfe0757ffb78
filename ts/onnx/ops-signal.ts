// Spectra and windows.
import { cos, log, pow, sin } from '../base/math.ts';
import { arange, cat, stack, type Tensor, tensor } from '../tensor/index.ts';
import type { Call, Row } from './call.ts';
import { carrier, elemType } from './types.ts';

/** Cosines and sines of 2 pi j k / n, [rows, columns]. */
function waves(n: number, rows: number, columns: number, dtype: 'float32' | 'float64'): { re: Tensor; im: Tensor } {
  const angle = Array.from({ length: n }, (_, k) => (2 * Math.PI * k) / n);
  const [c, s] = [angle.map(cos), angle.map(sin)];
  const re = new Float64Array(rows * columns);
  const im = new Float64Array(rows * columns);
  for (let j = 0; j < rows; j++)
    for (let k = 0; k < columns; k++) {
      const at = (j * k) % n;
      re[j * columns + k] = c[at];
      im[j * columns + k] = s[at];
    }
  return { re: tensor(re, { shape: [rows, columns], dtype }), im: tensor(im, { shape: [rows, columns], dtype }) };
}
/** The transform of the last dimension of re + i im; `sign` is that of the exponent. */
function transform(re: Tensor, im: Tensor | null, n: number, bins: number, sign: number): [Tensor, Tensor] {
  const w = waves(n, re.shape[re.ndim - 1], bins, re.dtype === 'float64' ? 'float64' : 'float32');
  const dtype = re.dtype;
  const [x, y] = [re.to(w.re.dtype), im?.to(w.re.dtype) ?? null];
  let a = x.matmul(w.re);
  let b = x.matmul(w.im).mul(sign);
  if (y !== null) {
    a = a.sub(y.matmul(w.im).mul(sign));
    b = b.add(y.matmul(w.re));
  }
  return [a.to(dtype), b.to(dtype)];
}
/** The last dimension cut or filled up with zeros to n. */
function fitted(x: Tensor, n: number): Tensor {
  const m = x.shape[x.ndim - 1];
  return m === n ? x : m > n ? x.narrow(x.ndim - 1, 0, n) : x.pad([0, n - m]);
}

function dft(c: Call): Tensor {
  const given = c.x(0);
  const rank = given.ndim;
  const axis = c.axis(c.version >= 20 ? (c.has(2) ? c.number(2) : -2) : c.int('axis', 1), rank);
  const complex = given.shape[rank - 1] === 2;
  const inverse = c.int('inverse', 0) !== 0;
  const onesided = c.int('onesided', 0) !== 0;
  const moved = given.movedim(axis, rank - 2);
  let re = moved.select(rank - 1, 0);
  let im = complex ? moved.select(rank - 1, 1) : null;
  const m = re.shape[rank - 2];
  const n = c.has(1) ? c.number(1) : inverse && onesided ? 2 * (m - 1) : m;
  if (!(n >= 1)) c.fail(`a transform of ${n} points`);
  c.list(n * n);
  if (inverse && onesided) {
    // The other half is the mirror image, conjugated.
    const half = Math.floor(n / 2) + 1;
    [re, im] = [fitted(re, half), fitted(im ?? re.mul(0), half)];
    const rest = arange(n - half)
      .neg()
      .add(n - half);
    re = joined(re, re.indexSelect(rank - 2, rest));
    im = joined(im, im.indexSelect(rank - 2, rest).neg());
  } else [re, im] = [fitted(re, n), im === null ? null : fitted(im, n)];
  const bins = onesided && !inverse ? Math.floor(n / 2) + 1 : n;
  let [a, b] = transform(re, im, n, bins, inverse ? 1 : -1);
  if (inverse) [a, b] = [a.div(n), b.div(n)];
  const y = inverse && onesided ? a.unsqueeze(rank - 1) : stack([a, b], rank - 1);
  return y.movedim(rank - 2, axis);
}

const joined = (a: Tensor, b: Tensor): Tensor => cat([a, b], a.ndim - 1);

function stft(c: Call): Tensor {
  const given = c.x(0);
  const step = c.number(1);
  const signal = given.ndim === 3 ? given : given.unsqueeze(2);
  const window = c.opt(2);
  const length = c.has(3) ? c.number(3) : (window?.shape[0] ?? c.fail('neither a window nor a length is given'));
  const onesided = c.int('onesided', 1) !== 0;
  if (!(step > 0 && length > 0 && length <= signal.shape[1]))
    c.fail(`frames of ${length} by ${step} do not fit ${signal.shape[1]} samples`);
  c.list(length * length);
  c.room([signal.shape[0], Math.floor((signal.shape[1] - length) / step) + 1, length]);
  const frames = (part: number): Tensor => {
    const f = signal.select(2, part).unfold(1, length, step);
    return window === null ? f : f.mul(window);
  };
  const complex = signal.shape[2] === 2;
  const bins = onesided && !complex ? Math.floor(length / 2) + 1 : length;
  return stack(transform(frames(0), complex ? frames(1) : null, length, bins, -1), 3);
}

/** A window by its cosine coefficients. */
const window = (coefficients: readonly number[]): Row => ({
  host: [0],
  run(c) {
    const size = c.number(0);
    const n = c.int('periodic', 1) !== 0 ? size : size - 1;
    const dtype = carrier(elemType(c.int('output_datatype', 1), 'output_datatype'));
    const list = Array.from({ length: c.list(size) }, (_, i) =>
      coefficients.reduce((sum, a, k) => sum + (k % 2 === 1 ? -a : a) * cos((2 * Math.PI * k * i) / Math.max(n, 1)), 0),
    );
    return tensor(list, { dtype, shape: [size] });
  },
});

function melWeights(c: Call): Tensor {
  const [bands, size, rate, low, high] = [0, 1, 2, 3, 4].map((i) => c.number(i));
  const bins = Math.floor(size / 2) + 1;
  if (!(bands >= 0 && bins >= 1 && c.list(bands * bins) >= 0)) c.fail(`${bands} bands over ${bins} bins`);
  const mel = (f: number): number => (2595 * log(1 + f / 700)) / log(10);
  const hertz = (m: number): number => 700 * (pow(10, m / 2595) - 1);
  const [from, to] = [mel(low), mel(high)];
  const step = (to - from) / (bands + 2);
  const edges = Array.from({ length: bands + 2 }, (_, i) => Math.floor(((size + 1) * hertz(i * step + from)) / rate));
  const out = new Float64Array(bins * bands);
  if (edges.some((e) => !(e >= 0 && e < bins))) c.fail(`bands from ${low} to ${high} Hz lie outside ${bins} bins`);
  for (let i = 0; i < bands; i++) {
    const [left, middle, right] = [edges[i], edges[i + 1], edges[i + 2]];
    if (middle === left) out[middle * bands + i] = 1;
    else for (let j = left; j <= middle; j++) out[j * bands + i] = (j - left) / (middle - left);
    if (right > middle) for (let j = middle; j < right; j++) out[j * bands + i] = (right - j) / (right - middle);
  }
  return tensor(out, { shape: [bins, bands], dtype: carrier(elemType(c.int('output_datatype', 1), 'output_datatype')) });
}

/** Spectra and windows. */
export const SIGNALS: Readonly<Record<string, Row>> = {
  DFT: { host: [1, 2], run: dft },
  STFT: { host: [1, 3], run: stft },
  HannWindow: window([0.5, 0.5]),
  HammingWindow: window([25 / 46, 1 - 25 / 46]),
  BlackmanWindow: window([0.42, 0.5, 0.08]),
  MelWeightMatrix: { host: [0, 1, 2, 3, 4], run: melWeights },
};
