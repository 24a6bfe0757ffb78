import type { DType } from '../../ts/base/dtype.ts';
import type { RawTensor } from '../../ts/formats/raw.ts';

/** A tensor as plain numbers in C order; bool as 0 and 1 or false and true, int64 as bigints or safe integers. */
export type Answer = { dtype: string; shape: readonly number[]; data: ArrayLike<number | bigint | boolean> };

/** The relative tolerance by dtype; 0 means exact. */
export const RTOL: Readonly<Record<DType, number>> = {
  float64: 1e-7,
  float32: 1e-4,
  float16: 2e-3,
  bfloat16: 2e-2,
  int64: 0,
  int32: 0,
  int16: 0,
  int8: 0,
  uint8: 0,
  bool: 0,
};

/**
 * Compares a result with the reference's: shape and dtype exactly, integers and bools exactly, floats by |a - b| <= atol + rtol |b| with
 * NaN equal to NaN and infinities equal only to themselves. Gives null if they agree, else one line that names the first difference.
 *
 * `compare({ dtype: 'float32', shape: [1], data: [1] }, { dtype: 'float32', shape: [1], data: [1.5] }, 1e-6)`
 */
export function compare(actual: Answer, expected: Answer, atol: number): string | null {
  if (actual.dtype !== expected.dtype) return `dtype ${actual.dtype} instead of ${expected.dtype}`;
  if (actual.shape.length !== expected.shape.length || actual.shape.some((d, i) => d !== expected.shape[i])) {
    return `shape [${actual.shape}] instead of [${expected.shape}]`;
  }
  const n = expected.shape.reduce((a, b) => a * b, 1);
  if (expected.data.length !== n)
    throw new Error(`the reference's data has ${expected.data.length} elements, its shape [${expected.shape}] ${n}`);
  if (actual.data.length !== n) return `${actual.data.length} elements instead of ${n}`;
  const rtol = RTOL[expected.dtype as DType];
  if (rtol === undefined) throw new Error(`no tolerance is known for dtype ${expected.dtype}`);

  const agree = rtol === 0 ? exact : (a: Element, b: Element): boolean => near(Number(a), Number(b), atol, rtol);
  let wrong = 0;
  let first = -1;
  for (let i = 0; i < n; i++) {
    if (agree(actual.data[i]!, expected.data[i]!)) continue;
    if (wrong++ === 0) first = i;
  }
  if (wrong === 0) return null;
  const [a, b] = [actual.data[first]!, expected.data[first]!];
  const limit = rtol === 0 ? 'exact' : `atol ${atol}, rtol ${rtol}`;
  return `${wrong} of ${n} elements differ, first at [${unravel(first, expected.shape)}]: ${a} instead of ${b} (${limit})`;
}

/** Compares a single number, such as a loss: `near(0.5, 0.50001, 1e-5, 0)`. */
export function near(a: number, b: number, atol: number, rtol: number): boolean {
  if (a === b || (Number.isNaN(a) && Number.isNaN(b))) return true;
  return Number.isFinite(a) && Number.isFinite(b) && Math.abs(a - b) <= atol + rtol * Math.abs(b);
}

/** The elements of a tensor of a file as plain numbers (int64: bigints), to compare with: `answer(raw).data[0]`. */
export function answer({ dtype, shape, bytes }: RawTensor): Answer {
  return { dtype, shape, data: elements(dtype, bytes) };
}

type Element = number | bigint | boolean;

function elements(dtype: DType, bytes: Uint8Array): ArrayLike<number | bigint> {
  const { buffer } = bytes.slice(); // aligned
  switch (dtype) {
    case 'float64':
      return new Float64Array(buffer);
    case 'float32':
      return new Float32Array(buffer);
    case 'int64':
      return new BigInt64Array(buffer);
    case 'int32':
      return new Int32Array(buffer);
    case 'int16':
      return new Int16Array(buffer);
    case 'int8':
      return new Int8Array(buffer);
    case 'uint8':
    case 'bool':
      return new Uint8Array(buffer);
    case 'float16':
      return Float64Array.from(new Uint16Array(buffer), fromHalf);
    case 'bfloat16':
      return new Float32Array(Uint32Array.from(new Uint16Array(buffer), (bits) => bits << 16).buffer);
  }
}

function fromHalf(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1024 + fraction) * 2 ** (exponent - 25);
}

function exact(a: Element, b: Element): boolean {
  // biome-ignore lint/suspicious/noDoubleEquals: between a number and a bigint, == compares the values
  return plain(a) == plain(b);
}

function plain(a: Element): number | bigint {
  return typeof a === 'boolean' ? Number(a) : a;
}

function unravel(index: number, shape: readonly number[]): number[] {
  const at: number[] = [];
  let rest = index;
  for (let k = shape.length - 1; k >= 0; k--) {
    at.unshift(rest % shape[k]!);
    rest = Math.floor(rest / shape[k]!);
  }
  return at;
}
