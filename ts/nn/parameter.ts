import { isFloat } from '../base/dtype.ts';
import { keep, type Tensor } from '../tensor/index.ts';

const marked = new WeakSet<object>();

/**
 * A leaf tensor that modules list and optimizers train. It shares the memory of `data`, records gradients (only floating-point dtypes can)
 * and outlives every scope().
 * @example class Scale extends nn.Module { gain = nn.parameter(ones([1])); }
 */
export function parameter(data: Tensor, requiresGrad: boolean = isFloat(data.dtype)): Tensor {
  const p = keep(data.detach());
  p.requiresGrad_(requiresGrad);
  marked.add(p);
  return p;
}

/** Whether a value was made by `parameter`. */
export function isParameter(x: unknown): x is Tensor {
  return typeof x === 'object' && x !== null && marked.has(x);
}

// A plain function, for an arrow function cannot be called with new.
function construct(data: Tensor, requiresGrad?: boolean): Tensor {
  return parameter(data, requiresGrad);
}

/** PyTorch's spelling of `parameter`: `new nn.Parameter(data)` and `nn.Parameter(data)` both give the marked tensor. */
export const Parameter: {
  new (data: Tensor, requiresGrad?: boolean): Tensor;
  (data: Tensor, requiresGrad?: boolean): Tensor;
} = construct as never;

Object.defineProperty(Parameter, Symbol.hasInstance, { value: isParameter });
