// ONNX's element types, and the dtype that carries each.
import { type DType, SIZE } from '../base/dtype.ts';
import { FormatError } from '../base/errors.ts';

/** ONNX's names of element types. */
export type ElemType =
  | 'float' | 'uint8' | 'int8' | 'uint16' | 'int16' | 'int32' | 'int64' | 'string' | 'bool' | 'float16' | 'double' | 'uint32' | 'uint64'
  | 'bfloat16' | 'float8e4m3fn' | 'float8e4m3fnuz' | 'float8e5m2' | 'float8e5m2fnuz' | 'uint4' | 'int4' | 'float4e2m1' | 'float8e8m0'
  | 'uint2' | 'int2'; // biome-ignore format: a list of names

// biome-ignore format: a list of names, by TensorProto.DataType
const NAMES: readonly (ElemType | '')[] = [
  '', 'float', 'uint8', 'int8', 'uint16', 'int16', 'int32', 'int64', 'string', 'bool', 'float16', 'double', 'uint32', 'uint64', '', '',
  'bfloat16', 'float8e4m3fn', 'float8e4m3fnuz', 'float8e5m2', 'float8e5m2fnuz', 'uint4', 'int4', 'float4e2m1', 'float8e8m0', 'uint2', 'int2',
];

/** The element type of a code of TensorProto.DataType. @throws FormatError */
export function elemType(code: number | undefined, where: string): ElemType {
  const name = NAMES[code ?? 0];
  if (!name) throw new FormatError(`${where}: element type ${code ?? 0} is not supported (complex numbers and unknown codes are not)`);
  return name;
}
/** The code of an element type. */
export function codeOf(type: ElemType): number {
  return NAMES.indexOf(type);
}

const CARRIER: Readonly<Record<Exclude<ElemType, 'string'>, DType>> = {
  float: 'float32',
  uint8: 'uint8',
  int8: 'int8',
  uint16: 'int32',
  int16: 'int16',
  int32: 'int32',
  int64: 'int64',
  bool: 'bool',
  float16: 'float16',
  double: 'float64',
  uint32: 'int64',
  uint64: 'int64',
  bfloat16: 'bfloat16',
  float8e4m3fn: 'float32',
  float8e4m3fnuz: 'float32',
  float8e5m2: 'float32',
  float8e5m2fnuz: 'float32',
  uint4: 'uint8',
  int4: 'int8',
  float4e2m1: 'float32',
  float8e8m0: 'float32',
  uint2: 'uint8',
  int2: 'int8',
};
/** The dtype in which values of a type are held: the type itself where wick has it, else a wider one. @throws FormatError for strings */
export function carrier(type: ElemType): DType {
  if (type === 'string') throw new FormatError('onnx: text where numbers are needed');
  return CARRIER[type];
}
const NATIVE = new Map(Object.entries(CARRIER).map(([type, dtype]) => [dtype, type as ElemType]));
for (const type of ['float', 'uint8', 'int8', 'int16', 'int32', 'int64', 'bool', 'float16', 'double', 'bfloat16'] as const)
  NATIVE.set(CARRIER[type], type);
/** The element type of a dtype. */
export function typeOf(dtype: DType): ElemType {
  return NATIVE.get(dtype) as ElemType;
}
/** Whether wick has the type itself. */
export function isNative(type: ElemType): boolean {
  return type !== 'string' && NATIVE.get(CARRIER[type]) === type;
}

/** Whole-number types that are narrower than what carries them, with the range of their values. */
export const RANGES: Readonly<Partial<Record<ElemType, readonly [low: number, high: number]>>> = {
  uint8: [0, 255],
  int8: [-128, 127],
  uint16: [0, 65535],
  int16: [-32768, 32767],
  uint4: [0, 15],
  int4: [-8, 7],
  uint2: [0, 3],
  int2: [-2, 1],
  int32: [-2147483648, 2147483647],
  uint32: [0, 4294967295],
};

/** Small floating-point formats: exponent and mantissa bits, bias, and what the largest codes mean. */
export interface SmallFloat {
  readonly exponent: number;
  readonly mantissa: number;
  readonly bias: number;
  /** `inf`: as in IEEE 754; `fn`: no infinity, the largest code is NaN; `uz`: the code of -0 is NaN; `none`: neither. */
  readonly special: 'inf' | 'fn' | 'uz' | 'none';
}
/** The formats of https://onnx.ai/onnx/technical/float8.html and float4.html. */
export const SMALL: Readonly<Partial<Record<ElemType, SmallFloat>>> = {
  float8e4m3fn: { exponent: 4, mantissa: 3, bias: 7, special: 'fn' },
  float8e4m3fnuz: { exponent: 4, mantissa: 3, bias: 8, special: 'uz' },
  float8e5m2: { exponent: 5, mantissa: 2, bias: 15, special: 'inf' },
  float8e5m2fnuz: { exponent: 5, mantissa: 2, bias: 16, special: 'uz' },
  float4e2m1: { exponent: 2, mantissa: 1, bias: 1, special: 'none' },
};

const power = (n: number): number => {
  let p = 1;
  for (let i = 0; i < Math.abs(n); i++) p *= 2;
  return n < 0 ? 1 / p : p;
};
function smallValue(code: number, { exponent, mantissa, bias, special }: SmallFloat): number {
  const top = 1 << (exponent + mantissa);
  const sign = code & top ? -1 : 1;
  const rest = code & (top - 1);
  if (special === 'uz' && code === top) return Number.NaN;
  if (special === 'fn' && rest === top - 1) return Number.NaN;
  const e = rest >> mantissa;
  const m = rest & ((1 << mantissa) - 1);
  if (special === 'inf' && e === (1 << exponent) - 1) return m === 0 ? sign * Infinity : Number.NaN;
  const part = m / (1 << mantissa);
  return sign * (e === 0 ? part * power(1 - bias) : (1 + part) * power(e - bias));
}
const tables = new Map<ElemType, readonly number[]>();
/** The values of a small floating-point type by their codes. */
export function valuesOf(type: ElemType): readonly number[] {
  let list = tables.get(type);
  if (list === undefined) {
    const small = SMALL[type];
    list =
      small === undefined
        ? Array.from({ length: 256 }, (_, e) => (e === 255 ? Number.NaN : power(e - 127)))
        : Array.from({ length: 1 << (1 + small.exponent + small.mantissa) }, (_, code) => smallValue(code, small));
    tables.set(type, list);
  }
  return list;
}

/** Bytes that n elements of a type take in raw data. */
export function rawSize(type: ElemType, n: number): number {
  if (type === 'uint4' || type === 'int4' || type === 'float4e2m1') return Math.ceil(n / 2);
  if (type === 'uint2' || type === 'int2') return Math.ceil(n / 4);
  if (SMALL[type] || type === 'float8e8m0') return n;
  if (type === 'uint16') return 2 * n;
  if (type === 'uint32') return 4 * n;
  return SIZE[carrier(type)] * n;
}
