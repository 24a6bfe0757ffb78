import { DTypeError, ShapeError } from '../base/errors.ts';
import { sameShape, show } from '../base/shape.ts';
import { stack, Tensor, tensor } from '../tensor/index.ts';

const isTyped = (x: unknown): x is Float32Array => ArrayBuffer.isView(x) && !(x instanceof DataView);

/**
 * Makes a batch of samples: tensors and typed arrays are stacked, numbers, bigints and booleans become one tensor (whole numbers int64,
 * others float32), arrays and plain objects are collated part by part, anything else stays a list.
 * @throws ShapeError for tensors of different shapes
 * @example defaultCollate([[tensor([1, 2]), 0], [tensor([3, 4]), 1]]) // [[2, 2] tensor, [2] tensor]
 */
export function defaultCollate(samples: readonly unknown[]): unknown {
  const [first] = samples;
  if (first instanceof Tensor) return stackAll(samples as Tensor[]);
  if (isTyped(first)) return stackAll(samples.map((s) => tensor(s as Float32Array)));
  if (typeof first === 'number') return tensor(samples as number[], { dtype: samples.every(Number.isInteger) ? 'int64' : 'float32' });
  if (typeof first === 'bigint') return tensor(samples as bigint[], { dtype: 'int64' });
  if (typeof first === 'boolean') return tensor(samples as boolean[], { dtype: 'bool' });
  if (Array.isArray(first)) {
    const rows = samples as unknown[][];
    if (rows.some((r) => r.length !== first.length))
      throw new ShapeError(`defaultCollate: samples have ${[...new Set(rows.map((r) => r.length))].join(' and ')} parts; pass a collate function of your own`);
    return first.map((_, k) => defaultCollate(rows.map((r) => r[k])));
  }
  if (first !== null && typeof first === 'object' && Object.getPrototypeOf(first) === Object.prototype) {
    const rows = samples as Record<string, unknown>[];
    return Object.fromEntries(Object.keys(first).map((k) => [k, defaultCollate(rows.map((r) => r[k]))]));
  }
  return [...samples];
}

function stackAll(tensors: readonly Tensor[]): Tensor {
  const odd = tensors.find((t) => !sameShape(t.shape, tensors[0].shape));
  if (odd) throw new ShapeError(`defaultCollate: tensors of shapes ${show(tensors[0].shape)} and ${show(odd.shape)} do not stack; pad them, or pass a collate function`);
  const other = tensors.find((t) => t.dtype !== tensors[0].dtype);
  if (other) throw new DTypeError(`defaultCollate: tensors of ${tensors[0].dtype} and ${other.dtype} in one batch; convert them first`);
  return stack(tensors as Tensor[], 0);
}
