// Scales as fixed-point numbers, and the tables of functions of 8 and 16 bits: what TensorFlow Lite prepares before it runs an operator.
import type { DType } from '../base/dtype.ts';
import { FormatError } from '../base/errors.ts';
import { limitsOf, type Multiplier } from '../ops/quantised.ts';
import type { Affine } from './call.ts';

/** To the nearest float32. */
export const fround: (x: number) => number = Math.fround;
/** Rounded to nearest, ties away from zero, as std::round. */
export const rounded = (x: number): number => Math.sign(x) * Math.floor(Math.abs(x) + 0.5);

const bits = new DataView(new ArrayBuffer(8));
/** x as a fraction of [0.5, 1) times a power of two. */
function parts(x: number): readonly [fraction: number, exponent: number] {
  bits.setFloat64(0, x);
  const high = bits.getUint32(0);
  const exponent = ((high >>> 20) & 0x7ff) - 1022;
  bits.setUint32(0, (high & 0x800fffff) | (1022 << 20));
  return [bits.getFloat64(0), exponent];
}

/** A real number as multiplier * 2^(shift - 31), the multiplier of 31 bits. @throws FormatError for what is no finite number */
export function multiplierOf(x: number): Multiplier {
  if (!Number.isFinite(x)) throw new FormatError(`its scales give the multiplier ${x}`);
  if (Math.abs(x) < 2.2250738585072014e-308) return { multiplier: 0, shift: 0 };
  const [fraction, exponent] = parts(x);
  let multiplier = rounded(fraction * 2147483648);
  let shift = exponent;
  if (Math.abs(multiplier) === 2147483648) {
    multiplier /= 2;
    shift++;
  }
  if (shift < -31) return { multiplier: 0, shift: 0 };
  if (shift > 30) throw new FormatError(`its scales give the multiplier ${x}, which is beyond 2^30`);
  return { multiplier, shift };
}

/** x * by by two roundings, of 32 bits. */
export function scaled(x: number, { multiplier, shift }: Multiplier): number {
  const left = (x * (1 << Math.max(shift, 0))) | 0;
  // The product of 63 bits in two halves of the multiplier, each exact in float64.
  const low = Math.floor((left * (multiplier & 0xffff) + 0x40000000) / 65536);
  const high = Math.floor((left * (multiplier >> 16) + low) / 32768) | 0;
  const right = Math.max(-shift, 0);
  const mask = right === 31 ? 0x7fffffff : (1 << right) - 1;
  return (high >> right) + ((high & mask) > (mask >> 1) + (high < 0 ? 1 : 0) ? 1 : 0);
}

/** A function of every number of an 8-bit or 16-bit dtype. */
export function tableOf(from: DType, value: (x: number) => number): number[] {
  const [low, high] = limitsOf(from);
  return Array.from({ length: high - low + 1 }, (_, i) => value(low + i));
}

const clamped = (x: number, [low, high]: readonly [number, number]): number => Math.min(Math.max(Number.isNaN(x) ? low : x, low), high);

/** The table of a real function between quantised bytes, in float32 as TensorFlow Lite computes it. */
export function byteTable(from: DType, x: Affine, to: DType, y: Affine, fn: (x: number) => number): number[] {
  const inverse = fround(1 / fround(y.scale));
  return tableOf(from, (v) => clamped(rounded(fround(fround(fn(fround(x.scale * (v - x.zero)))) * inverse)) + y.zero, limitsOf(to)));
}

/** 513 samples over all 16-bit numbers, moved so that straight lines between them err least. */
export function samples(x: Affine, y: Affine, fn: (x: number) => number): number[] {
  const at = (v: number): number => fround(fround(x.scale) * (v - x.zero));
  const low = at(-32768);
  const high = at(32767);
  const inverse = fround(65536 / fround(fround(fround(y.scale) * (32767 - y.zero)) - fround(fround(y.scale) * (-32768 - y.zero))));
  const step = fround(fround(high - low) / 512);
  const half = fround(step / 2);
  const value = (v: number): number => fround(fround(fn(fround(v))) * inverse);
  const list = Array.from({ length: 512 }, (_, i) => {
    const start = fround(low + fround(i * step));
    const sample = rounded(value(start));
    const middle = rounded(fround(fround(value(fround(low + fround((i + 1) * step))) + sample) / 2));
    const error = fround(middle - rounded(value(fround(start + half))));
    return clamped(sample - rounded(error / 2), [-32768, 32767]);
  });
  return [...list, clamped(rounded(value(high)), [-32768, 32767])];
}
/** What lies between two samples. */
export function between(list: readonly number[], x: number): number {
  const i = 256 + (x >> 7);
  return list[i] + (((list[i + 1] - list[i]) * (x & 127) + 64) >> 7);
}
/** The table of a real function between quantised numbers of 16 bits, by straight lines. */
export function wordTable(x: Affine, y: Affine, fn: (x: number) => number): number[] {
  const list = samples(x, y, fn);
  return tableOf('int16', (v) => between(list, v));
}

/** The fused activations by their codes: none, relu, relu -1 to 1, relu6, tanh, sign. */
const RANGES: readonly (readonly [low: number, high: number] | null)[] = [null, [0, Number.POSITIVE_INFINITY], [-1, 1], [0, 6]];
/** The clamp of a fused activation; null: none. @throws FormatError for one that is no clamp */
export function clampOf(activation: number): readonly [low: number, high: number] | null {
  const range = RANGES[activation];
  if (range === undefined) throw new FormatError(`the fused activation ${activation} is not implemented`);
  return range;
}
/** The same as quantised numbers. */
export function quantisedClamp(activation: number, dtype: DType, { scale, zero }: Affine): { readonly low: number; readonly high: number } {
  const [least, most] = limitsOf(dtype);
  const range = clampOf(activation) ?? [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
  const at = (v: number, none: number): number => (Number.isFinite(v) ? zero + rounded(fround(v / fround(scale))) : none);
  return { low: Math.max(least, at(range[0], least)), high: Math.min(most, at(range[1], most)) };
}

/** sigmoid(i / 24) of 16 bits as TensorFlow Lite tabulates it for int16 LOGISTIC and TANH. */
const SIGMOID =
  '32768 33451 34133 34813 35493 36169 36843 37513 38180 38841 39498 40149 40794 41432 42064 42688 43304 43912 44511 45102 45683 46255 ' +
  '46817 47369 47911 48443 48964 49475 49975 50464 50942 51409 51865 52311 52745 53169 53581 53983 54374 54755 55125 55485 55834 56174 ' +
  '56503 56823 57133 57433 57724 58007 58280 58544 58800 59048 59288 59519 59743 59959 60168 60370 60565 60753 60935 61110 61279 61441 ' +
  '61599 61750 61896 62036 62172 62302 62428 62549 62666 62778 62886 62990 63090 63186 63279 63368 63454 63536 63615 63691 63765 63835 ' +
  '63903 63968 64030 64090 64148 64204 64257 64308 64357 64405 64450 64494 64536 64576 64614 64652 64687 64721 64754 64786 64816 64845 ' +
  '64873 64900 64926 64950 64974 64997 65019 65039 65060 65079 65097 65115 65132 65149 65164 65179 65194 65208 65221 65234 65246 65258 ' +
  '65269 65280 65291 65301 65310 65319 65328 65337 65345 65352 65360 65367 65374 65381 65387 65393 65399 65404 65410 65415 65420 65425 ' +
  '65429 65433 65438 65442 65445 65449 65453 65456 65459 65462 65465 65468 65471 65474 65476 65479 65481 65483 65485 65488 65489 65491 ' +
  '65493 65495 65497 65498 65500 65501 65503 65504 65505 65507 65508 65509 65510 65511 65512 65513 65514 65515 65516 65517 65517 65518 ' +
  '65519 65520 65520 65521 65522 65522 65523 65523 65524 65524 65525 65525 65526 65526 65526 65527 65527 65528 65528 65528 65529 65529 ' +
  '65529 65529 65530 65530 65530 65530 65531 65531 65531 65531 65531 65532 65532 65532 65532 65532 65532 65533 65533 65533 65533 65533 ' +
  '65533 65533 65533 65534 65534 65534 65534 65534 65534 65534 65534 65534 65534 65535';
const sigmoid = SIGMOID.split(' ').map(Number);

/** int16 LOGISTIC: `multiplier` * 2^-`shift` brings the input to 3 integer bits times 3/4. */
export function sigmoidWord(x: number, multiplier: number, shift: number): number {
  const v = (x * multiplier + (shift > 0 ? 1 << (shift - 1) : 0)) >> shift;
  const size = Math.abs(v);
  const i = size >> 9;
  const mean = i >= 255 ? 0x7fff << 10 : sigmoid[i] * 512 + (size & 511) * (sigmoid[i + 1] - sigmoid[i]);
  return (v >= 0 ? mean + 512 : 33554432 - mean + 511) >> 10;
}
/** int16 TANH, of the same table. */
export function tanhWord(x: number, multiplier: number, shift: number): number {
  const v = (x * multiplier + (shift > 0 ? 1 << (shift - 1) : 0)) >> shift;
  const size = Math.abs(v);
  const i = size >> 8;
  const mean = i >= 255 ? 0xffff << 8 : sigmoid[i] * 256 + (size & 255) * (sigmoid[i + 1] - sigmoid[i]);
  return (v >= 0 ? mean - 8388608 + 128 : -mean + 8388608 + 127) >> 8;
}
