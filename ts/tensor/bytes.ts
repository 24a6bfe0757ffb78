// Between JavaScript numbers and the bytes of each dtype.

import type { Data } from '../backend.ts';
import { type DType, isFloat, SIZE } from '../base/dtype.ts';
import { ValueError } from '../base/errors.ts';

export type Plain = number | bigint | boolean;
/** Typed arrays and what they become. */
export type TypedArray = Float32Array | Float64Array | Int32Array | BigInt64Array | Int16Array | Int8Array | Uint8Array | Uint8ClampedArray;

/** Typed arrays by the dtype that they become. */
export const TYPED: readonly [type: { new (buffer: ArrayBuffer, byteOffset: number, n: number): TypedArray }, dtype: DType][] = [
  [Float32Array, 'float32'],
  [Float64Array, 'float64'],
  [Int32Array, 'int32'],
  [BigInt64Array, 'int64'],
  [Int16Array, 'int16'],
  [Int8Array, 'int8'],
  [Uint8Array, 'uint8'],
  [Uint8ClampedArray, 'uint8'],
];

const f32 = new Float32Array(1);
const u32 = new Uint32Array(f32.buffer);

function toHalf(x: number): number {
  f32[0] = x;
  const bits = u32[0];
  const sign = (bits >>> 16) & 0x8000;
  let a = bits & 0x7fffffff;
  if (a > 0x7f800000) return sign | 0x7e00;
  if (a >= 0x477ff000) return sign | 0x7c00;
  if (a < 0x38800000) {
    u32[0] = a;
    f32[0] = f32[0] + 0.5;
    return sign | (u32[0] - 0x3f000000);
  }
  a += 0xfff + ((a >>> 13) & 1);
  return sign | ((a - 0x38000000) >>> 13);
}
function toBrain(x: number): number {
  f32[0] = x;
  const bits = u32[0];
  if ((bits & 0x7fffffff) > 0x7f800000) return (bits >>> 16) | 0x40;
  return ((bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16) & 0xffff;
}
function fromHalf(h: number): number {
  const sign = h & 0x8000 ? -1 : 1;
  const e = (h >> 10) & 31;
  const m = h & 0x3ff;
  if (e === 31) return m ? Number.NaN : sign * Infinity;
  if (e === 0) return (sign * m) / 16777216;
  u32[0] = ((e + 112) << 23) | (m << 13);
  return sign * f32[0];
}
function fromBrain(h: number): number {
  u32[0] = h << 16;
  return f32[0];
}

function whole(v: Plain): number {
  const n = Number(v);
  if (!Number.isFinite(n)) throw new ValueError(`tensor: ${n} has no integer value; use a floating-point dtype`);
  return Math.trunc(n);
}
function bigWhole(v: Plain): bigint {
  if (typeof v === 'bigint') return v;
  const n = whole(v);
  return BigInt(n);
}

/** Values as little-endian elements of a dtype: rounded to nearest even, integers wrapped. @throws ValueError */
export function encode(values: ArrayLike<Plain>, dtype: DType): Uint8Array {
  const n = values.length;
  const bytes = new Uint8Array(n * SIZE[dtype]);
  const out = elements(bytes, dtype) as { [i: number]: number | bigint };
  let f: (v: Plain) => number | bigint = isFloat(dtype) ? Number : whole;
  if (dtype === 'float16') f = (v) => toHalf(Number(v));
  if (dtype === 'bfloat16') f = (v) => toBrain(Number(v));
  if (dtype === 'int64') f = bigWhole;
  if (dtype === 'bool') f = (v) => (v ? 1 : 0);
  for (let i = 0; i < n; i++) out[i] = f(values[i]);
  return bytes;
}

/** Bytes as the typed array of a dtype; float16 and bfloat16 as Float32Array of their values, bool as Uint8Array. NaNs are canonical. */
export function decode(bytes: Uint8Array, dtype: DType): Data {
  const x = elements(bytes, dtype);
  if (dtype === 'float16') return Float32Array.from(x as Uint16Array, fromHalf);
  if (dtype === 'bfloat16') return canonical(Float32Array.from(x as Uint16Array, fromBrain));
  return isFloat(dtype) ? canonical(x as Float32Array) : x;
}

/** The same memory as elements of a dtype: float16 and bfloat16 as their bits, bool as bytes. */
export function elements(bytes: Uint8Array, dtype: DType): Data {
  const type = TYPED.find(([, own]) => own === dtype)?.[0] ?? (SIZE[dtype] === 2 ? Uint16Array : Uint8Array);
  return new type(bytes.buffer as ArrayBuffer, bytes.byteOffset, bytes.length / SIZE[dtype]) as Data;
}

function canonical<T extends Float32Array | Float64Array>(x: T): T {
  for (let i = 0; i < x.length; i++) if (x[i] !== x[i]) x[i] = Number.NaN;
  return x;
}
