// Activations and what normalises rows.
import { CATEGORY } from '../base/dtype.ts';
import { FormatError } from '../base/errors.ts';
import { exp, expm1, tanh } from '../base/math.ts';
import { combine, integerRows, limitsOf } from '../ops/quantised.ts';
import { call } from '../quant/index.ts';
import { type Tensor, tensor } from '../tensor/index.ts';
import { type Affine, type Call, operators } from './call.ts';
import {
  byteTable,
  fround,
  multiplierOf,
  quantisedClamp,
  rounded,
  samples,
  scaled,
  sigmoidWord,
  tableOf,
  tanhWord,
  wordTable,
} from './fixed.ts';
import { activated } from './ops-elementwise.ts';
import { looked, paired, powerOf } from './quantised.ts';

/** A clamp between two scales, by the table of its values; `code`: the fused activation that does the same. */
const clamped =
  (code: number) =>
  (c: Call): Tensor => {
    if (!c.quantised()) return activated(c.x(0), code);
    const [x, y] = [c.q(0), c.outQ()];
    const dtype = c.outType();
    const { low, high } = quantisedClamp(code, dtype, y);
    const by = multiplierOf(fround(x.scale / y.scale));
    return looked(c, () => tableOf(c.x(0).dtype, (v) => Math.min(Math.max(y.zero + scaled(v - x.zero, by), low), high)), dtype);
  };

function leakyRelu(c: Call): Tensor {
  const alpha = c.options.f32(0);
  if (!c.quantised()) return c.x(0).leakyRelu(alpha);
  const [x, y] = [c.q(0), c.outQ()];
  const dtype = c.outType();
  const [low, high] = limitsOf(dtype);
  const same = multiplierOf(fround(x.scale / y.scale));
  const less = multiplierOf(fround(fround(x.scale * alpha) / y.scale));
  const value = (v: number): number => Math.min(Math.max(y.zero + scaled(v - x.zero, v >= x.zero ? same : less), low), high);
  return looked(c, () => tableOf(c.x(0).dtype, value), dtype);
}

/** A smooth function: of floats, of bytes by their table, of int16 by another. */
const smooth =
  (float: (x: Tensor) => Tensor, fn: (x: number) => number, word: ((c: Call) => (x: number) => number) | null = null) =>
  (c: Call): Tensor => {
    const x = c.x(0);
    if (!c.quantised()) return float(x);
    if (x.dtype !== 'int16') return looked(c, () => byteTable(x.dtype, c.q(0), c.outType(), c.outQ(), fn), c.outType());
    return looked(c, () => (word === null ? wordTable(c.q(0), c.outQ(), fn) : tableOf('int16', word(c))), 'int16');
  };

/** What brings int16 to 3 integer bits times 3/4: a shift for scales that are powers of two, else a multiplier of 15 bits. */
function toThreeBits({ scale, zero }: Affine, shifts: readonly number[]): { readonly multiplier: number; readonly shift: number } {
  if (zero !== 0) throw new FormatError('int16 needs a zero point of 0');
  const power = powerOf(scale);
  if (power !== null && shifts.includes(12 + power)) return { multiplier: 3 << (12 + power), shift: 0 };
  let multiplier = scale * 4096 * 3;
  let shift = 0;
  for (; multiplier <= 32767 / 2 && shift <= 30; shift++) multiplier *= 2;
  return { multiplier: Math.trunc(multiplier), shift };
}
const word = (fn: (x: number, multiplier: number, shift: number) => number, shifts: readonly number[]) => (c: Call) => {
  const { multiplier, shift } = toThreeBits(c.q(0), shifts);
  return (v: number): number => fn(v, multiplier, shift);
};

/** Multiplication without rounding of 16-bit fractions, towards zero, and with, to nearest. */
const highWord = (a: number, b: number): number => (a === -32768 && b === -32768 ? 32767 : Math.trunc((a * b) / 32768));
const roundedWord = (a: number, b: number): number => {
  if (a === -32768 && b === -32768) return 32767;
  const ab = a * b;
  return Math.trunc((ab + (ab >= 0 ? 16384 : 1 - 16384)) / 32768);
};
const word16 = (x: number): number => Math.min(Math.max(x, -32768), 32767);
const shiftRight = (x: number, e: number): number => {
  const mask = (1 << e) - 1;
  return (x >> e) + ((x & mask) > (mask >> 1) + (x < 0 ? 1 : 0) ? 1 : 0);
};
const short = (multiplier: number): number => (multiplier >= 2147483647 - 32768 ? 32767 : (multiplier + 32768) >> 16);

function hardSwish(c: Call): Tensor {
  const x = c.x(0);
  if (!c.quantised()) return x.hardswish();
  const [qx, qy] = [c.q(0), c.outQ()];
  const [low, high] = limitsOf(c.outType());
  const fine = fround(fround(1 / 128) * qx.scale);
  const out = multiplierOf(fround(fine / qy.scale));
  const relu = multiplierOf(fround(fine / fround(3 / 32768)));
  if (x.dtype === 'int16' || out.shift > 0) throw new FormatError('quantised HARD_SWISH of these scales is not implemented');
  const value = (v: number): number => {
    const input = (v - qx.zero) * 128;
    const scaledInput = roundedWord(input, short(out.multiplier));
    let r = input;
    if (relu.shift > 0) r = word16(r * (1 << (relu.shift - 1)));
    r = roundedWord(r, short(relu.multiplier));
    if (relu.shift > 0) r = word16(r * 2);
    if (relu.shift < 0) r = shiftRight(r, -relu.shift);
    r = (r + 32768) >> 1;
    return Math.min(Math.max(shiftRight(highWord(r, scaledInput), -out.shift) + qy.zero, low), high);
  };
  return looked(c, () => tableOf(x.dtype, value), c.outType());
}

function parametric(c: Call): Tensor {
  const [x, alpha] = [c.x(0), c.x(1)];
  c.broadcast(x, alpha);
  if (!c.quantised()) return x.maximum(0).add(x.minimum(0).mul(alpha));
  const [a, b] = paired(c);
  const [qx, qa, qy] = [c.q(0), c.q(1), c.outQ()];
  const own = multiplierOf(fround(qx.scale / qy.scale));
  const y = multiplierOf(fround(fround(qx.scale * qa.scale) / qy.scale));
  return call(combine, [a, b], { dtype: c.outType(), mode: 'prelu', zero: qy.zero, aZero: qx.zero, bZero: qa.zero, a: own, y });
}

/** How far below the largest number counts, with 5 integer bits. */
const radius = (shift: number): number => Math.floor((31 * (1 << 26)) / (shift > 30 ? 2147483648 : 1 << shift));
/** The scale of a difference as 5 integer bits. */
const toFiveBits = (beta: number, scale: number): ReturnType<typeof multiplierOf> =>
  multiplierOf(Math.min(beta * scale * (1 << 26), 2147483647));

function softmax(c: Call): Tensor {
  const x = c.x(0);
  const beta = c.options.f32(0);
  if (x.ndim === 0) throw new FormatError('softmax of a number');
  if (CATEGORY[x.dtype] === 2) return (beta === 1 ? x : x.mul(beta)).softmax(-1);
  const { scale } = c.q(0);
  const dtype = c.outType();
  if (x.dtype === 'int16') {
    const step = 10 / 65535;
    const exps = samples({ scale: step, zero: 32767 }, { scale: 2 / 65535, zero: 0 }, exp);
    const inverses = samples({ scale: 1 / 65535, zero: -32768 }, { scale: 2 / 65535, zero: 0 }, (v) => fround(1 / fround(1 + v)));
    const tables = tensor([...exps, ...inverses], { dtype: 'int16' });
    return call(integerRows, [x, tables], { mode: 'softmaxWide', dtype, by: multiplierOf(fround(scale * beta) / step) });
  }
  const by = toFiveBits(beta, scale);
  if (by.shift < 0) throw new FormatError(`softmax of the scale ${scale} and beta ${beta} is not implemented`);
  return call(integerRows, [x, null], { mode: 'softmax', dtype, by, least: -radius(by.shift) });
}

function logSoftmax(c: Call): Tensor {
  const x = c.x(0);
  if (!c.quantised()) return x.logSoftmax(-1);
  if (x.dtype !== 'int8') throw new FormatError(`LOG_SOFTMAX of ${x.dtype} is not implemented`);
  const by = toFiveBits(1, c.q(0).scale);
  if (by.shift < 0) throw new FormatError(`LOG_SOFTMAX of the scale ${c.q(0).scale} is not implemented`);
  const reverse = multiplierOf((1 << (31 - by.shift)) / by.multiplier);
  return call(integerRows, [x, null], {
    ...{ mode: 'logSoftmax', dtype: 'int8', by, least: -radius(by.shift) },
    reverse: { multiplier: reverse.multiplier, shift: -reverse.shift },
  });
}

operators({
  RELU: clamped(1),
  RELU_N1_TO_1: clamped(2),
  RELU6: clamped(3),
  RELU_0_TO_1: (c) => {
    if (!c.quantised()) return c.x(0).clamp(0, 1);
    const [x, y] = [c.q(0), c.outQ()];
    const [least, most] = limitsOf(c.outType());
    const by = multiplierOf(fround(x.scale / y.scale));
    const [low, high] = [Math.max(least, y.zero), Math.min(most, y.zero + rounded(fround(1 / y.scale)))];
    return looked(c, () => tableOf(c.x(0).dtype, (v) => Math.min(Math.max(y.zero + scaled(v - x.zero, by), low), high)), c.outType());
  },
  LEAKY_RELU: leakyRelu,
  PRELU: parametric,
  ELU: smooth(
    (x) => x.elu(),
    (v) => (v < 0 ? expm1(v) : v),
  ),
  TANH: smooth((x) => x.tanh(), tanh, word(tanhWord, [0, 1])),
  LOGISTIC: smooth(
    (x) => x.sigmoid(),
    (v) => fround(1 / fround(1 + fround(exp(-v)))),
    word(sigmoidWord, [0]),
  ),
  HARD_SWISH: hardSwish,
  SOFTMAX: softmax,
  LOG_SOFTMAX: logSoftmax,
  L2_NORMALIZATION: (c) => {
    const x = c.x(0);
    if (c.quantised()) return call(integerRows, [x, null], { mode: 'unit', dtype: c.outType(), least: c.q(0).zero });
    const norm = x.mul(x).sum(-1, { keepdim: true }).sqrt().maximum(1e-6);
    return activated(x.div(norm), c.options.i8(0));
  },
});
