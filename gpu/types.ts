// How elements of each dtype lie in buffers, and the WGSL that reads and writes them.
import { type DType, isFloat } from '../ts/base/dtype.ts';
import { isHalf } from './features.ts';

/** What shaders compute in; i64 is a pair of words, the low one first. */
export type Kind = 'f32' | 'i32' | 'i64';
export const WGSL: Readonly<Record<Kind, string>> = { f32: 'f32', i32: 'i32', i64: 'vec2u' };

/** The kind that a dtype's values have. */
export function kindOf(dtype: DType): Kind {
  return isFloat(dtype) ? 'f32' : dtype === 'int64' ? 'i64' : 'i32';
}
/** Elements in a word of the buffer; 1: each is written by itself. */
export function perWord(dtype: DType): number {
  if (isHalf(dtype)) return 1;
  return dtype === 'bool' || dtype === 'int8' || dtype === 'uint8'
    ? 4
    : dtype === 'int16' || dtype === 'float16' || dtype === 'bfloat16'
      ? 2
      : 1;
}
/** The type of the buffer's array. */
export function arrayOf(dtype: DType): string {
  if (isHalf(dtype)) return 'f16';
  return dtype === 'float32' ? 'f32' : dtype === 'int32' ? 'i32' : dtype === 'int64' ? 'vec2u' : 'u32';
}

const word = (x: string, i: string, per: number): string =>
  per === 4 ? `${x}[(${i}) >> 2u] >> (((${i}) & 3u) * 8u)` : `${x}[(${i}) >> 1u] >> (((${i}) & 1u) * 16u)`;

/** The value of element i of array x, in the dtype's own kind. */
function raw(x: string, i: string, dtype: DType): string {
  if (isHalf(dtype)) return `f32(${x}[${i}])`;
  return perWord(dtype) === 1 ? `${x}[${i}]` : unpacked(word(x, i, perWord(dtype)), dtype);
}
/** The value, in the dtype's own kind, of bits that `stored` made or that a narrow dtype has in the low end of a word. */
export function unpacked(bits: string, dtype: DType): string {
  switch (dtype) {
    case 'float16':
      return isHalf(dtype) ? `f32(${bits})` : `half_f32((${bits}) & 0xffffu)`;
    case 'bfloat16':
      return `bitcast<f32>((${bits}) << 16u)`;
    case 'int16':
      return `(bitcast<i32>((${bits}) << 16u) >> 16u)`;
    case 'int8':
      return `(bitcast<i32>((${bits}) << 24u) >> 24u)`;
    case 'uint8':
    case 'bool':
      return `i32((${bits}) & 0xffu)`;
    default:
      return bits;
  }
}
/** A value of one kind in another. */
export function converted(v: string, from: Kind, to: Kind): string {
  if (from === to) return v;
  if (from === 'f32') return to === 'i32' ? `int_f32(${v})` : `wide_f32(${v})`;
  if (from === 'i32') return to === 'f32' ? `f32(${v})` : `wide_i32(${v})`;
  return to === 'i32' ? `bitcast<i32>((${v}).x)` : `float_i64(${v})`;
}
/** WGSL: element i of array x in a kind. */
export function load(x: string, i: string, dtype: DType, kind: Kind): string {
  return converted(raw(x, i, dtype), kindOf(dtype), kind);
}
/** WGSL: element i of array x as a condition. */
export function truth(x: string, i: string, dtype: DType): string {
  return nonzero(raw(x, i, dtype), kindOf(dtype));
}
export function nonzero(v: string, kind: Kind): string {
  return kind === 'i64' ? `any(${v} != vec2u(0u))` : `(${v} != ${kind === 'f32' ? '0.0' : '0'})`;
}
/** WGSL: a value of a kind as the buffer holds it: the array's element, or the bits of a narrow one. */
export function stored(v: string, kind: Kind, dtype: DType): string {
  switch (dtype) {
    case 'bool':
      return kind === 'i64' ? `u32(any(${v} != vec2u(0u)))` : `u32(${v} != ${kind === 'f32' ? '0.0' : '0'})`;
    case 'float16':
      return `${isHalf(dtype) ? 'half_f16' : 'half_bits'}(${converted(v, kind, 'f32')})`;
    case 'bfloat16':
      return `brain_bits(${converted(v, kind, 'f32')})`;
    case 'int16':
      return `(bitcast<u32>(${converted(v, kind, 'i32')}) & 0xffffu)`;
    case 'int8':
    case 'uint8':
      return `(bitcast<u32>(${converted(v, kind, 'i32')}) & 0xffu)`;
    default:
      return converted(v, kind, kindOf(dtype));
  }
}
