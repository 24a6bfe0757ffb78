/** The element types of a tensor, by PyTorch's names. */
export type DType = 'float32' | 'float64' | 'int32' | 'int64' | 'float16' | 'bfloat16' | 'int16' | 'int8' | 'uint8' | 'bool';

const SIZES: Record<DType, number> = {
  float32: 4,
  float64: 8,
  int32: 4,
  int64: 8,
  float16: 2,
  bfloat16: 2,
  int16: 2,
  int8: 1,
  uint8: 1,
  bool: 1,
};

/** Bytes per element of a dtype: `byteSize('float16') // 2`. */
export function byteSize(d: DType): number {
  return SIZES[d];
}
