// Activations, softmax and their kin.
import { maximum, type Tensor, where, zerosLike } from '../tensor/index.ts';
import type { Call, Row } from './call.ts';

const unary = (f: (x: Tensor, c: Call) => Tensor): Row => ({ run: (c) => f(c.x(0), c) });

/** Before version 13 the dimensions from axis on were one. */
function along(c: Call, f: (x: Tensor, dim: number) => Tensor): Tensor {
  const x = c.x(0);
  if (c.version >= 13) return f(x, c.axis(c.int('axis', -1), x.ndim));
  const axis = c.axis(c.int('axis', 1), x.ndim + 1);
  const rows = x.shape.slice(0, axis).reduce((a, b) => a * b, 1);
  const columns = x.shape.slice(axis).reduce((a, b) => a * b, 1);
  return f(x.reshape([rows, columns]), 1).reshape(x.shape);
}
function hardmax(x: Tensor, dim: number): Tensor {
  const first = x.argmax(dim, { keepdim: true });
  return zerosLike(x).scatter(dim, first, 1);
}
function prelu(x: Tensor, slope: Tensor): Tensor {
  return where(x.lt(0), x.mul(slope), x);
}
/** x * sigmoid(alpha * x). */
const swish = (x: Tensor, alpha: number): Tensor => (alpha === 1 ? x.silu() : x.mul(x.mul(alpha).sigmoid()));

/** An activation by its name and numbers, as recurrent operators and fused ones name them. */
export function activation(name: string, alpha: number | undefined, beta: number | undefined, c: Call): (x: Tensor) => Tensor {
  switch (name.toLowerCase()) {
    case 'relu':
      return (x) => x.relu();
    case 'tanh':
      return (x) => x.tanh();
    case 'sigmoid':
      return (x) => x.sigmoid();
    case 'affine':
      return (x) => x.mul(alpha ?? 1).add(beta ?? 0);
    case 'leakyrelu':
      return (x) => x.leakyRelu(alpha ?? 0.01);
    case 'thresholdedrelu':
      return (x) => x.threshold(alpha ?? 1, 0);
    case 'scaledtanh':
      return (x) =>
        x
          .mul(beta ?? 1)
          .tanh()
          .mul(alpha ?? 1);
    case 'hardsigmoid':
      return (x) => hardSigmoid(x, alpha ?? 0.2, beta ?? 0.5);
    case 'elu':
      return (x) => elu(x, alpha ?? 1);
    case 'softsign':
      return (x) => x.div(x.abs().add(1));
    case 'softplus':
      return (x) => softplus(x);
    default:
      return c.fail(`the activation '${name}' is unknown`);
  }
}
const SIXTH = Math.fround(1 / 6);
function hardSigmoid(x: Tensor, alpha: number, beta: number): Tensor {
  return Math.fround(alpha) === SIXTH && beta === 0.5 ? x.hardsigmoid() : x.mul(alpha).add(beta).clamp(0, 1);
}
const elu = (x: Tensor, alpha: number): Tensor => x.elu(alpha);
const softplus = (x: Tensor): Tensor => x.softplus();

function shrink(x: Tensor, c: Call): Tensor {
  const lambda = c.float('lambd', 0.5);
  const bias = c.float('bias', 0);
  if (bias === 0) return x.hardshrink(lambda);
  if (bias === lambda) return x.softshrink(lambda);
  const zero = zerosLike(x);
  return c.same(where(x.lt(-lambda), x.add(bias), where(x.gt(lambda), x.sub(bias), zero))).tensor();
}

/** Activations. */
export const ACTIVATIONS: Readonly<Record<string, Row>> = {
  Relu: { run: (c) => c.same(maximum(c.x(0), zerosLike(c.x(0)))) },
  Sigmoid: unary((x) => x.sigmoid()),
  LeakyRelu: unary((x, c) => x.leakyRelu(c.float('alpha', 0.01))),
  Elu: unary((x, c) => elu(x, c.float('alpha', 1))),
  Selu: unary((x, c) => {
    if (c.attr('alpha') === undefined && c.attr('gamma') === undefined) return x.selu();
    const alpha = c.float('alpha', 1.6732632423543772);
    return where(x.gt(0), x, x.exp().sub(1).mul(alpha)).mul(c.float('gamma', 1.0507009873554805));
  }),
  Celu: unary((x, c) => x.celu(c.float('alpha', 1))),
  Gelu: unary((x, c) => x.gelu({ approximate: c.str('approximate', 'none') === 'tanh' ? 'tanh' : 'none' })),
  HardSigmoid: unary((x, c) => hardSigmoid(x, c.float('alpha', 0.2), c.float('beta', 0.5))),
  HardSwish: unary((x) => x.hardswish()),
  Mish: unary((x) => x.mish()),
  Swish: unary((x, c) => swish(x, c.float('alpha', 1))),
  SwiGLU: { run: (c) => swish(c.x(0), c.float('alpha', 1)).mul(c.x(1)) },
  Softplus: unary(softplus),
  Softsign: unary((x) => x.div(x.abs().add(1))),
  ThresholdedRelu: unary((x, c) => x.threshold(c.float('alpha', 1), 0)),
  Shrink: unary(shrink),
  PRelu: {
    run: (c) => {
      const [x, slope] = [c.x(0), c.x(1)];
      // Before version 7 there was one slope for each channel.
      const old = c.version < 7 && slope.ndim === 1 && slope.numel > 1;
      return c.same(prelu(x, old ? slope.reshape([-1, ...x.shape.slice(2).map(() => 1)]) : slope));
    },
  },
  Softmax: { run: (c) => along(c, (x, dim) => x.softmax(dim)) },
  LogSoftmax: { run: (c) => along(c, (x, dim) => x.logSoftmax(dim)) },
  Hardmax: { run: (c) => along(c, hardmax) },
  'com.microsoft:Gelu': unary((x) => x.gelu()),
  'com.microsoft:QuickGelu': unary((x, c) => swish(x, c.float('alpha', 1.702))),
  'com.microsoft:FastGelu': {
    run: (c) => (c.has(1) ? c.x(0).add(c.x(1)) : c.x(0)).gelu({ approximate: 'tanh' }),
  },
  'com.microsoft:BiasGelu': { run: (c) => c.x(0).add(c.x(1)).gelu() },
};
