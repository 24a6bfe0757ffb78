import { FLOAT, NUMBER } from '../base/dtype.ts';
import { expBelowZero } from './gradients.ts';
import { binary, type Op, ternary, unary } from './op.ts';
import { erf, geluTanh as geluTanhOf, sigmoid as sigmoidOf, softplus as softplusOf } from './reference.ts';

const SELU_ALPHA = 1.6732632423543772;
const SELU_SCALE = 1.0507009873554805;
const SQRT1_2 = 0.7071067811865476;
/** 1 / sqrt(2 pi). */
const DENSITY = 0.3989422804014327;
/** sqrt(2 / pi) and the cubic term of the tanh approximation of gelu. */
const GELU_K = 0.7978845608028654;
const GELU_C = 0.044715;
const ramp = (x: number): number => Math.min(Math.max(x + 3, 0), 6) / 6;

export const relu: Op = unary({
  doc: 'Each element, or 0 where it is negative; the derivative at 0 is 0.',
  dtypes: NUMBER,
  reference: (x) => (x < 0 ? 0 : x),
  wgsl: (x) => `pick_T(${x}, 0, lt_T(${x}, 0))`,
  saves: ['y'],
  vjp: ({ reluBackward }, { dy, y }) => [reluBackward(dy, y)],
  onnx: 'Relu',
});

export const leakyRelu: Op = binary({
  doc: 'a where it is positive, b times a elsewhere: b is the slope.',
  dtypes: FLOAT,
  reference: (a, b) => (a > 0 ? a : a * b),
  wgsl: (a, b) => `select((${a}) * (${b}), ${a}, (${a}) > 0.0)`,
  saves: ['a', 'b'],
  vjp: ({ gt, mul, where }, { dy, a, b, needs }) => [
    needs[0] ? where(gt(a, 0), dy, mul(dy, b)) : null,
    needs[1] ? where(gt(a, 0), 0, mul(dy, a)) : null,
  ],
});

export const elu: Op = binary({
  doc: 'a where it is positive, b (exp(a) - 1) elsewhere: b is the constant alpha.',
  dtypes: FLOAT,
  reference: (a, b) => (a > 0 ? a : b * Math.expm1(a)),
  wgsl: (a, b) => `select((${b}) * expm1_f32(${a}), ${a}, (${a}) > 0.0)`,
  saves: ['a', 'b'],
  vjp: (ops, { dy, a, b }) => [ops.where(ops.gt(a, 0), dy, ops.mul(dy, ops.mul(expBelowZero(ops, a), b))), null],
});

export const celu: Op = binary({
  doc: 'a where it is positive, b (exp(a / b) - 1) elsewhere: b is the constant alpha.',
  dtypes: FLOAT,
  reference: (a, b) => (a > 0 ? a : b * Math.expm1(a / b)),
  wgsl: (a, b) => `select((${b}) * expm1_f32((${a}) / (${b})), ${a}, (${a}) > 0.0)`,
  saves: ['a', 'b'],
  vjp: (ops, { dy, a, b }) => [ops.where(ops.gt(a, 0), dy, ops.mul(dy, expBelowZero(ops, ops.div(a, b)))), null],
});

export const selu: Op = unary({
  doc: 'The self-normalising elu: 1.0507 times x or 1.6733 (exp(x) - 1).',
  dtypes: FLOAT,
  reference: (x) => SELU_SCALE * (x > 0 ? x : SELU_ALPHA * Math.expm1(x)),
  wgsl: (x) => `1.050701 * select(1.6732632 * expm1_f32(${x}), ${x}, (${x}) > 0.0)`,
  saves: ['x'],
  vjp: (ops, { dy, x }) => {
    const { gt, mul, where } = ops;
    return [where(gt(x, 0), mul(dy, SELU_SCALE), mul(dy, mul(expBelowZero(ops, x), SELU_SCALE * SELU_ALPHA)))];
  },
  onnx: 'Selu',
});

export const gelu: Op = unary({
  doc: 'x times the normal distribution function of x.',
  dtypes: FLOAT,
  reference: (x) => 0.5 * x * (1 + erf(x * SQRT1_2)),
  wgsl: (x) => `gelu_f32(${x})`,
  saves: ['x'],
  vjp: ({ geluBackward }, { dy, x }) => [geluBackward(dy, x)],
});

export const geluTanh: Op = unary({
  doc: 'gelu by its tanh approximation.',
  dtypes: FLOAT,
  reference: (x) => 0.5 * x * (1 + geluTanhOf(x)),
  wgsl: (x) => `0.5 * (${x}) * (1.0 + geluTanh_f32(${x}))`,
  saves: ['x'],
  vjp: ({ geluTanhBackward }, { dy, x }) => [geluTanhBackward(dy, x)],
});

export const silu: Op = unary({
  doc: 'x times sigmoid(x), also called swish.',
  dtypes: FLOAT,
  reference: (x) => x * sigmoidOf(x),
  wgsl: (x) => `silu_f32(${x})`,
  saves: ['x'],
  vjp: ({ siluBackward }, { dy, x }) => [siluBackward(dy, x)],
});

export const mish: Op = unary({
  doc: 'x times tanh(log(1 + exp(x))).',
  dtypes: FLOAT,
  reference: (x) => x * Math.tanh(softplusOf(x)),
  wgsl: (x) => `(${x}) * tanh_f32(softplus_f32(${x}))`,
  saves: ['x'],
  vjp: ({ add, mul, sigmoid, softplus, square, sub, tanh }, { dy, x }) => {
    const t = tanh(softplus(x, 1, 20));
    return [mul(dy, add(t, mul(mul(x, sigmoid(x)), sub(1, square(t)))))];
  },
  onnx: 'Mish',
});

export const softplus: Op = ternary({
  doc: 'log(1 + exp(a b)) / b, and a where a b is above c: b and c are the constants beta and threshold.',
  dtypes: FLOAT,
  reference: (a, b, c) => (a * b > c ? a : Math.log1p(Math.exp(a * b)) / b),
  wgsl: (a, b, c) => `softplusOf_f32(${a}, ${b}, ${c})`,
  saves: ['a', 'b', 'c'],
  vjp: ({ gt, mul, sigmoid, where }, { dy, a, b, c }) => {
    const z = mul(a, b);
    return [where(gt(z, c), dy, mul(dy, sigmoid(z))), null, null];
  },
});

export const logSigmoid: Op = unary({
  doc: 'The logarithm of sigmoid(x), accurate at both ends.',
  dtypes: FLOAT,
  reference: (x) => -softplusOf(-x),
  wgsl: (x) => `-softplus_f32(-(${x}))`,
  saves: ['x'],
  vjp: ({ mul, neg, sigmoid }, { dy, x }) => [mul(dy, sigmoid(neg(x)))],
});

export const hardsigmoid: Op = unary({
  doc: '(x + 3) / 6 limited to [0, 1].',
  dtypes: FLOAT,
  reference: ramp,
  wgsl: (x) => `ramp_f32(${x})`,
  saves: ['x'],
  vjp: ({ abs, lt, mul, where }, { dy, x }) => [where(lt(abs(x), 3), mul(dy, 1 / 6), 0)],
});

export const hardswish: Op = unary({
  doc: 'x times hardsigmoid(x).',
  dtypes: FLOAT,
  reference: (x) => x * ramp(x),
  wgsl: (x) => `(${x}) * ramp_f32(${x})`,
  saves: ['x'],
  vjp: ({ add, div, le, lt, mul, where }, { dy, x }) => [where(le(x, -3), 0, where(lt(x, 3), mul(dy, add(div(x, 3), 0.5)), dy))],
  onnx: 'HardSwish',
});

export const softshrink: Op = binary({
  doc: 'a moved towards 0 by b, and 0 within b of it: b is the constant lambda.',
  dtypes: FLOAT,
  reference: (a, b) => (a > b ? a - b : a < -b ? a + b : a * 0),
  wgsl: (a, b) => `softshrink_f32(${a}, ${b})`,
  saves: ['a', 'b'],
  vjp: ({ abs, le, where }, { dy, a, b }) => [where(le(abs(a), b), 0, dy), null],
});

export const hardshrink: Op = binary({
  doc: 'a, or 0 where it is within b of 0: b is the constant lambda.',
  dtypes: FLOAT,
  reference: (a, b) => (a >= -b && a <= b ? 0 : a),
  wgsl: (a, b) => `select(${a}, 0.0, (${a}) >= -(${b}) && (${a}) <= (${b}))`,
  saves: ['a', 'b'],
  vjp: ({ abs, le, where }, { dy, a, b }) => [where(le(abs(a), b), 0, dy), null],
});

export const threshold: Op = ternary({
  doc: 'a where it is above b, c elsewhere: b and c are constants.',
  dtypes: NUMBER,
  reference: (a, b, c) => (a <= b ? c : a),
  wgsl: (a, b, c) => `pick_T(${a}, ${c}, le_T(${a}, ${b}))`,
  saves: ['a', 'b'],
  vjp: ({ le, where }, { dy, a, b }) => [where(le(a, b), 0, dy), null, null],
});

export const reluBackward: Op = binary({
  doc: 'The derivative of relu: the gradient a where the output b is positive.',
  dtypes: FLOAT,
  reference: (a, b) => (b <= 0 ? 0 : a),
  wgsl: (a, b) => `select(${a}, 0.0, le_f32(${b}, 0.0))`,
  saves: ['b'],
  vjp: ({ reluBackward }, { dy, b }) => [reluBackward(dy, b), null],
});

export const sigmoidBackward: Op = binary({
  doc: 'The derivative of sigmoid: the gradient a times (1 - b) b at the output b.',
  dtypes: FLOAT,
  reference: (a, b) => a * (1 - b) * b,
  wgsl: (a, b) => `(${a}) * (1 - (${b})) * (${b})`,
  saves: ['a', 'b'],
  vjp: ({ mul, sigmoidBackward, sub }, { dy, a, b, needs }) => [
    needs[0] ? sigmoidBackward(dy, b) : null,
    needs[1] ? mul(mul(dy, a), sub(1, mul(2, b))) : null,
  ],
});

export const tanhBackward: Op = binary({
  doc: 'The derivative of tanh: the gradient a times 1 - b^2 at the output b.',
  dtypes: FLOAT,
  reference: (a, b) => a * (1 - b * b),
  wgsl: (a, b) => `(${a}) * (1 - (${b}) * (${b}))`,
  saves: ['a', 'b'],
  vjp: ({ mul, tanhBackward }, { dy, a, b, needs }) => [
    needs[0] ? tanhBackward(dy, b) : null,
    needs[1] ? mul(mul(dy, a), mul(b, -2)) : null,
  ],
});

export const geluBackward: Op = binary({
  doc: 'The derivative of gelu: the gradient a times its slope at b.',
  dtypes: FLOAT,
  reference: (a, b) => a * (0.5 * (1 + erf(b * SQRT1_2)) + b * DENSITY * Math.exp(-0.5 * b * b)),
  wgsl: (a, b) => `(${a}) * geluSlope_f32(${b})`,
  saves: ['a', 'b'],
  vjp: ({ exp, geluBackward, mul, square, sub }, { dy, a, b, needs }) => {
    const bend = () => {
      const z = square(b);
      return mul(mul(dy, a), mul(mul(exp(mul(z, -0.5)), DENSITY), sub(2, z)));
    };
    return [needs[0] ? geluBackward(dy, b) : null, needs[1] ? bend() : null];
  },
});

export const geluTanhBackward: Op = binary({
  doc: 'The derivative of geluTanh: the gradient a times its slope at b.',
  dtypes: FLOAT,
  reference: (a, b) => {
    const t = geluTanhOf(b);
    return a * 0.5 * (1 + t + b * (1 - t * t) * GELU_K * (1 + 3 * GELU_C * b * b));
  },
  wgsl: (a, b) => `(${a}) * geluTanhSlope_f32(${b})`,
  saves: ['a', 'b'],
  // With u inside the tanh t: (1 - t^2) (u' + b (u'' / 2 - t u'^2)).
  vjp: ({ add, geluTanhBackward, mul, square, sub, tanh }, { dy, a, b, needs }) => {
    const bend = () => {
      const z = square(b);
      const t = tanh(mul(mul(b, GELU_K), add(mul(z, GELU_C), 1)));
      const u1 = mul(add(mul(z, 3 * GELU_C), 1), GELU_K);
      const inner = sub(mul(b, 3 * GELU_K * GELU_C), mul(t, square(u1)));
      return mul(mul(dy, a), mul(sub(1, square(t)), add(u1, mul(b, inner))));
    };
    return [needs[0] ? geluTanhBackward(dy, b) : null, needs[1] ? bend() : null];
  },
});

export const siluBackward: Op = binary({
  doc: 'The derivative of silu: the gradient a times its slope at b.',
  dtypes: FLOAT,
  reference: (a, b) => a * sigmoidOf(b) * (1 + b * (1 - sigmoidOf(b))),
  wgsl: (a, b) => `(${a}) * siluSlope_f32(${b})`,
  saves: ['a', 'b'],
  vjp: ({ add, mul, siluBackward, sigmoid, sub }, { dy, a, b, needs }) => {
    const bend = () => {
      const s = sigmoid(b);
      return mul(mul(dy, a), mul(mul(s, sub(1, s)), add(mul(b, sub(1, mul(2, s))), 2)));
    };
    return [needs[0] ? siluBackward(dy, b) : null, needs[1] ? bend() : null];
  },
});
