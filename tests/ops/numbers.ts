// What a number becomes in a dtype, and how far apart two numbers are in it: the oracle's half of the table test.
import { CATEGORY, type DType } from '../../ts/base/dtype.ts';

const BITS: Partial<Record<DType, readonly [mantissa: number, lowest: number]>> = {
  float64: [52, -1022],
  float32: [23, -126],
  float16: [10, -14],
  bfloat16: [7, -126],
};
const INTEGER: Partial<Record<DType, readonly [bits: number, signed: boolean]>> = {
  int64: [64, true],
  int32: [32, true],
  int16: [16, true],
  int8: [8, true],
  uint8: [8, false],
};
const LARGEST: Partial<Record<DType, number>> = {
  float64: Number.MAX_VALUE,
  float32: 3.4028234663852886e38,
  float16: 65504,
  bfloat16: 3.3895313892515355e38,
};

/** The distance of neighbouring values of a floating-point dtype around x. */
export function spacing(x: number, dtype: DType): number {
  const [mantissa, lowest] = BITS[dtype] as readonly [number, number];
  const size = Math.abs(x);
  let e = size === 0 ? lowest : Math.max(lowest, Math.floor(Math.log2(size)));
  if (e > lowest && 2 ** e > size) e--;
  return 2 ** e * 2 ** -mantissa;
}

/** x as the dtype holds it: floating point rounded to nearest even, integers wrapped, bools by truth. */
export function held(x: number, dtype: DType): number {
  if (dtype === 'bool') return x ? 1 : 0;
  if (CATEGORY[dtype] === 1) return Number(wrapped(x, dtype));
  if (!Number.isFinite(x) || x === 0 || dtype === 'float64') return x;
  const unit = spacing(x, dtype);
  const scaled = x / unit;
  const low = Math.floor(scaled);
  const rest = scaled - low;
  const whole = rest > 0.5 || (rest === 0.5 && low % 2 !== 0) ? low + 1 : low;
  const y = whole * unit;
  if (Math.abs(y) > (LARGEST[dtype] as number)) return y > 0 ? Infinity : -Infinity;
  return y === 0 && x < 0 ? -0 : y;
}

/** An integer as the dtype holds it. */
export function wrapped(x: number | bigint, dtype: DType): bigint {
  const [bits, signed] = INTEGER[dtype] as readonly [number, boolean];
  const whole = typeof x === 'bigint' ? x : BigInt(Number.isFinite(x) ? Math.trunc(x) : 0);
  return signed ? BigInt.asIntN(bits, whole) : BigInt.asUintN(bits, whole);
}

/** Distance of a result from the rounded exact value, in units of the last place of that value (or of `least`, where that is larger). */
export function excess(actual: number, exact: number, dtype: DType, least = 0): number {
  const rounded = held(exact, dtype);
  if (Object.is(actual, rounded) || (Number.isNaN(actual) && Number.isNaN(rounded)) || actual === rounded) return 0;
  if (Number.isNaN(actual) || Number.isNaN(rounded)) return Infinity;
  if (!Number.isFinite(actual) || !Number.isFinite(rounded)) {
    // At the very end of the range, infinity counts as the next value.
    const largest = LARGEST[dtype] as number;
    const cap = (v: number): number => (Number.isFinite(v) ? v : v > 0 ? largest : -largest);
    return 1 + Math.abs(cap(actual) - cap(rounded)) / spacing(largest, dtype);
  }
  return Math.abs(actual - rounded) / spacing(Math.max(Math.abs(rounded), least), dtype);
}
