import { DTypeError } from './errors.ts';

/** Element types. Arithmetic happens in float32, float64, int32 or int64; the others convert when loaded and stored. */
export type DType = 'float32' | 'float64' | 'int32' | 'int64' | 'float16' | 'bfloat16' | 'int16' | 'int8' | 'uint8' | 'bool';

/** The four types that kernels compute in. */
export type ComputeType = 'float32' | 'float64' | 'int32' | 'int64';

/** All dtypes by their number in steps (assembly/step.ts); the first four are the compute types. */
export const DTYPES: readonly DType[] = ['float32', 'float64', 'int32', 'int64', 'float16', 'bfloat16', 'int16', 'int8', 'uint8', 'bool'];

type Table<T> = Readonly<Record<DType, T>>;
const table = <T>(values: readonly T[]): Table<T> => Object.fromEntries(DTYPES.map((d, i) => [d, values[i]])) as Table<T>;

/** Number of a dtype in steps. */
export const CODE: Table<number> = table([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
/** Bytes of one element. */
export const SIZE: Table<number> = table([4, 8, 4, 8, 2, 2, 2, 1, 1, 1]);
/** The type that arithmetic on a dtype happens in. */
export const COMPUTE: Table<ComputeType> = table<ComputeType>([
  'float32',
  'float64',
  'int32',
  'int64',
  'float32',
  'float32',
  'int32',
  'int32',
  'int32',
  'int32',
]);
/** 0 bool, 1 integer, 2 floating point. */
export const CATEGORY: Table<number> = table([2, 2, 1, 1, 2, 2, 1, 1, 1, 0]);

/** The four and more families that op rows name. */
export const FLOAT: readonly DType[] = ['float32', 'float64', 'float16', 'bfloat16'];
export const INT: readonly DType[] = ['int32', 'int64', 'int16', 'int8', 'uint8'];
export const NUMBER: readonly DType[] = [...FLOAT, ...INT];
export const ALL: readonly DType[] = DTYPES;

/** Bytes of one element of a dtype. */
export function byteSize(dtype: DType): number {
  return SIZE[dtype];
}
/** Whether a dtype is a floating-point one. */
export function isFloat(dtype: DType): boolean {
  return CATEGORY[dtype] === 2;
}
/** Checks a name that came from outside. @throws DTypeError */
export function asDType(name: string): DType {
  if (name in CODE) return name as DType;
  throw new DTypeError(`dtype: '${name}' is not one of ${DTYPES.join(', ')}`);
}

const INT_RANK: Partial<Record<DType, number>> = { int8: 1, int16: 2, int32: 3, int64: 4 };

/** The dtype that holds both, as torch.promote_types: float16 with bfloat16 is float32, uint8 with int8 is int16. */
export function promote(a: DType, b: DType): DType {
  if (a === b) return a;
  const ca = CATEGORY[a];
  const cb = CATEGORY[b];
  if (ca !== cb) return ca > cb ? a : b;
  if (ca === 2) {
    if (a === 'float64' || b === 'float64') return 'float64';
    return 'float32';
  }
  if (a === 'uint8' || b === 'uint8') {
    const other = a === 'uint8' ? b : a;
    return other === 'int8' ? 'int16' : other;
  }
  return (INT_RANK[a] as number) > (INT_RANK[b] as number) ? a : b;
}
