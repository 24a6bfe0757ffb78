import { CATEGORY, type DType, promote } from '../base/dtype.ts';
import { DTypeError, ValueError } from '../base/errors.ts';
import type { MapOp, Scalar } from '../ops/op.ts';
import { TensorCore } from './core.ts';

let defaultFloat: DType = 'float32';

/** The dtype of new floating-point tensors and of integer operands that an op turns into floating point. */
export function getDefaultDtype(): DType {
  return defaultFloat;
}
/** Changes the default floating-point dtype. @throws DTypeError for others than floating point */
export function setDefaultDtype(dtype: DType): void {
  if (CATEGORY[dtype] !== 2) throw new DTypeError(`setDefaultDtype: ${dtype} is not a floating-point dtype`);
  defaultFloat = dtype;
}

function scalarDtype(x: Scalar): DType {
  if (typeof x === 'boolean') return 'bool';
  return typeof x === 'bigint' || Number.isInteger(x) ? 'int64' : defaultFloat;
}

/** PyTorch's result_type: tensors with dimensions decide, zero-dimensional ones and then numbers only raise the category. */
export function resultType(inputs: readonly (TensorCore | Scalar | null)[]): DType {
  let dims: DType | null = null;
  let zero: DType | null = null;
  let wrapped: DType | null = null;
  for (const x of inputs) {
    if (x === null) continue;
    if (x instanceof TensorCore) {
      if (x.shape.length > 0) dims = dims === null ? x.dtype : promote(dims, x.dtype);
      else zero = zero === null ? x.dtype : promote(zero, x.dtype);
    } else {
      const d = scalarDtype(x);
      wrapped = wrapped === null ? d : promote(wrapped, d);
    }
  }
  let result = dims;
  for (const next of [zero, wrapped]) {
    if (next === null) continue;
    if (result === null) result = next;
    else if (CATEGORY[next] > CATEGORY[result]) result = next;
  }
  return result ?? defaultFloat;
}

/** The dtype that a map op computes in. @throws DTypeError naming what the op takes */
export function mapDtype(op: MapOp, inputs: readonly (TensorCore | Scalar | null)[]): DType {
  const values = op.masks.length === 0 ? inputs : inputs.filter((_, i) => !op.masks.includes(i));
  let dtype: DType | null = null;
  // Tensors of one dtype (numbers of no higher category) need no table.
  for (const x of values) {
    if (x instanceof TensorCore) {
      if (dtype === null) dtype = x.dtype;
      else if (dtype !== x.dtype) {
        dtype = null;
        break;
      }
    } else if (dtype === null || CATEGORY[dtype] !== 2) {
      dtype = null;
      break;
    }
  }
  let result = dtype ?? resultType(values);
  if (op.promote === 'float' && CATEGORY[result] !== 2) result = defaultFloat;
  if (op.dtypes[0] !== result && !op.dtypes.includes(result))
    throw new DTypeError(`${op.name}: ${result} is not supported; it takes ${op.dtypes.join(', ')}${remedy(op, result)}`);
  if (CATEGORY[result] === 1) for (const x of values) if (typeof x === 'number' && !Number.isSafeInteger(x)) check(op, x);
  return result;
}

function check(op: MapOp, x: number): void {
  if (Number.isInteger(x)) throw new ValueError(`${op.name}: ${x} is beyond 2^53; pass a bigint`);
}

function remedy(op: MapOp, dtype: DType): string {
  if (CATEGORY[dtype] === 2) return "; did you mean x.to('int64')?";
  return op.dtypes.includes('float32') && dtype !== 'bool'
    ? "; did you mean x.to('float32')?"
    : dtype === 'bool'
      ? "; did you mean x.logicalNot(), x.logicalXor() or x.to('int32')?"
      : '';
}
