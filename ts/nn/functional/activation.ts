import type { Tensor } from '../../tensor/index.ts';
import * as w from '../../tensor/index.ts';

export { celu, elu, hardshrink, hardsigmoid, hardswish, logSigmoid, logSoftmax, mish, relu, selu, sigmoid, silu, softmax, softshrink, tanh, threshold } from '../../tensor/index.ts';

/** x where positive, slope times x elsewhere. */
export function leakyRelu(x: Tensor, negativeSlope: number = 0.01): Tensor {
  return w.leakyRelu(x, negativeSlope);
}
/** log(1 + exp(beta x)) / beta, and x where beta x is above threshold. */
export function softplus(x: Tensor, { beta = 1, threshold = 20 }: { beta?: number; threshold?: number } = {}): Tensor {
  return w.softplus(x, beta, threshold);
}
/** x times the normal distribution function of x, exactly or by its 'tanh' approximation. */
export function gelu(x: Tensor, { approximate = 'none' }: { approximate?: 'none' | 'tanh' } = {}): Tensor {
  return approximate === 'tanh' ? w.geluTanh(x) : w.gelu(x);
}
/** min(max(x, 0), 6). */
export function relu6(x: Tensor): Tensor {
  return x.clamp({ min: 0, max: 6 });
}
/** x limited to [min, max]. */
export function hardtanh(x: Tensor, { minVal = -1, maxVal = 1 }: { minVal?: number; maxVal?: number } = {}): Tensor {
  return x.clamp({ min: minVal, max: maxVal });
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
export function softmin(x: Tensor, dim: number): Tensor {
  return x.neg().softmax(dim);
}
/** x where positive, weight times x elsewhere: one weight, or one for each channel (dimension 1). */
export function prelu(x: Tensor, weight: Tensor): Tensor {
  const perChannel = weight.numel === 1 ? weight.reshape([]) : weight.reshape(x.shape.map((n, d) => (d === Math.min(1, x.ndim - 1) ? n : 1)));
  return w.where(x.gt(0), x, x.mul(perChannel));
}
/** The first half along dim times the sigmoid of the second. */
export function glu(x: Tensor, dim: number = -1): Tensor {
  const [a, b] = x.chunk(2, dim);
  return a.mul(b.sigmoid());
}
