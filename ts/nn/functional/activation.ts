import { type DType, isFloat } from '../../base/dtype.ts';
import { ValueError } from '../../base/errors.ts';
import { type Tensor, where } from '../../tensor/index.ts';

export {
  celu,
  elu,
  gelu,
  hardshrink,
  hardsigmoid,
  hardswish,
  leakyRelu,
  logSigmoid,
  logSoftmax,
  mish,
  relu,
  selu,
  sigmoid,
  silu,
  softmax,
  softplus,
  softshrink,
  tanh,
  threshold,
} from '../../tensor/index.ts';

/** min(max(x, 0), 6). */
export function relu6(x: Tensor): Tensor {
  return x.clamp({ min: 0, max: 6 });
}
/** x limited to [min, max]. */
export function hardtanh(x: Tensor, { minVal = -1, maxVal = 1 }: { minVal?: number; maxVal?: number } = {}): Tensor {
  if (minVal > maxVal) throw new ValueError(`hardtanh: minVal ${minVal} is above maxVal ${maxVal}`);
  const bound = isFloat(x.dtype) ? (v: number): number => v : Math.trunc;
  return x.clamp({ min: bound(minVal), max: bound(maxVal) });
}
/** x / (1 + |x|). */
export function softsign(x: Tensor): Tensor {
  return x.div(x.abs().add(1));
}
/** x - tanh(x). */
export function tanhshrink(x: Tensor): Tensor {
  return x.sub(x.tanh());
}
/** softmax(-x). */
export function softmin(x: Tensor, dim: number, options: { readonly dtype?: DType } = {}): Tensor {
  return x.neg().softmax(dim, options);
}
/** x where positive, weight times x elsewhere: one weight, or one for each channel (dimension 1). */
export function prelu(x: Tensor, weight: Tensor): Tensor {
  const perChannel =
    weight.numel === 1 ? weight.reshape([]) : weight.reshape(x.shape.map((n, d) => (d === Math.min(1, x.ndim - 1) ? n : 1)));
  return where(x.gt(0), x, x.mul(perChannel));
}
/** The first half along dim times the sigmoid of the second. */
export function glu(x: Tensor, dim: number = -1): Tensor {
  const [a, b] = x.chunk(2, dim);
  return a.mul(b.sigmoid());
}
