import { ALL, FLOAT, NUMBER } from '../base/dtype.ts';
import { flat } from './gradients.ts';
import { type Op, unary } from './op.ts';
import * as oracle from './reference.ts';

const LN2 = 0.6931471805599453;
const LN10 = 2.302585092994046;
/** 2 / sqrt(pi). */
const ERF_SLOPE = 1.1283791670955126;

export const copy: Op = unary({
  doc: 'The same values in memory of their own.',
  dtypes: ALL,
  reference: (x) => x,
  wgsl: (x) => x,
  vjp: (_, { dy }) => [dy],
  onnx: 'Identity',
});

export const abs: Op = unary({
  doc: 'Absolute value of each element; the derivative at 0 is 0.',
  dtypes: NUMBER,
  reference: (x) => (x < 0 ? -x : x === 0 ? 0 : x),
  wgsl: (x) => `abs_T(${x})`,
  saves: ['x'],
  vjp: ({ mul, sign }, { dy, x }) => [mul(dy, sign(x))],
  onnx: 'Abs',
});

export const neg: Op = unary({
  doc: 'Each element negated.',
  dtypes: NUMBER,
  reference: (x) => -x,
  wgsl: (x) => `neg_T(${x})`,
  vjp: ({ neg }, { dy }) => [neg(dy)],
  onnx: 'Neg',
});

export const sign: Op = unary({
  doc: 'The sign of each element: -1, 0 or 1; 0 for NaN.',
  dtypes: ALL,
  reference: (x) => (x > 0 ? 1 : x < 0 ? -1 : 0),
  wgsl: (x) => `sign_T(${x})`,
  vjp: flat,
  onnx: 'Sign',
});

export const square: Op = unary({
  doc: 'Each element times itself.',
  dtypes: NUMBER,
  reference: (x) => x * x,
  wgsl: (x) => `mul_T(${x}, ${x})`,
  saves: ['x'],
  vjp: ({ mul }, { dy, x }) => [mul(dy, mul(2, x))],
});

export const sqrt: Op = unary({
  doc: 'Square root of each element; NaN below 0.',
  dtypes: FLOAT,
  promote: 'float',
  reference: Math.sqrt,
  wgsl: (x) => `sqrt(${x})`,
  saves: ['y'],
  vjp: ({ div, mul }, { dy, y }) => [div(dy, mul(2, y))],
  onnx: 'Sqrt',
});

export const rsqrt: Op = unary({
  doc: 'One over the square root of each element.',
  dtypes: FLOAT,
  promote: 'float',
  reference: (x) => 1 / Math.sqrt(x),
  wgsl: (x) => `inverseSqrt(${x})`,
  saves: ['y'],
  vjp: ({ mul, square }, { dy, y }) => [mul(mul(dy, -0.5), mul(square(y), y))],
});

export const reciprocal: Op = unary({
  doc: 'One over each element.',
  dtypes: FLOAT,
  promote: 'float',
  reference: (x) => 1 / x,
  wgsl: (x) => `1.0 / (${x})`,
  saves: ['y'],
  vjp: ({ mul, neg, square }, { dy, y }) => [neg(mul(dy, square(y)))],
  onnx: 'Reciprocal',
});

export const exp: Op = unary({
  doc: 'e to the power of each element.',
  dtypes: FLOAT,
  promote: 'float',
  reference: Math.exp,
  wgsl: (x) => `exp_f32(${x})`,
  saves: ['y'],
  vjp: ({ mul }, { dy, y }) => [mul(dy, y)],
  onnx: 'Exp',
});

export const exp2: Op = unary({
  doc: '2 to the power of each element.',
  dtypes: FLOAT,
  promote: 'float',
  reference: (x) => 2 ** x,
  wgsl: (x) => `exp2_f32(${x})`,
  saves: ['y'],
  vjp: ({ mul }, { dy, y }) => [mul(dy, mul(y, LN2))],
});

export const expm1: Op = unary({
  doc: 'exp(x) - 1, accurate for small x.',
  dtypes: FLOAT,
  promote: 'float',
  reference: Math.expm1,
  wgsl: (x) => `expm1_f32(${x})`,
  saves: ['y'],
  vjp: ({ add, mul }, { dy, y }) => [mul(dy, add(y, 1))],
});

export const log: Op = unary({
  doc: 'Natural logarithm of each element; NaN below 0.',
  dtypes: FLOAT,
  promote: 'float',
  reference: Math.log,
  wgsl: (x) => `log_f32(${x})`,
  saves: ['x'],
  vjp: ({ div }, { dy, x }) => [div(dy, x)],
  onnx: 'Log',
});

export const log2: Op = unary({
  doc: 'Base-2 logarithm of each element.',
  dtypes: FLOAT,
  promote: 'float',
  reference: Math.log2,
  wgsl: (x) => `log_f32(${x}) * 1.442695`,
  saves: ['x'],
  vjp: ({ div, mul }, { dy, x }) => [div(dy, mul(x, LN2))],
});

export const log10: Op = unary({
  doc: 'Base-10 logarithm of each element.',
  dtypes: FLOAT,
  promote: 'float',
  reference: Math.log10,
  wgsl: (x) => `log_f32(${x}) * 0.4342945`,
  saves: ['x'],
  vjp: ({ div, mul }, { dy, x }) => [div(dy, mul(x, LN10))],
});

export const log1p: Op = unary({
  doc: 'log(1 + x), accurate for small x.',
  dtypes: FLOAT,
  promote: 'float',
  reference: Math.log1p,
  wgsl: (x) => `log1p_f32(${x})`,
  saves: ['x'],
  vjp: ({ add, div }, { dy, x }) => [div(dy, add(x, 1))],
});

export const erf: Op = unary({
  doc: 'The error function of each element.',
  dtypes: FLOAT,
  promote: 'float',
  reference: oracle.erf,
  wgsl: (x) => `erf_f32(${x})`,
  saves: ['x'],
  vjp: ({ exp, mul, neg, square }, { dy, x }) => [mul(dy, mul(exp(neg(square(x))), ERF_SLOPE))],
  onnx: 'Erf',
});

export const erfc: Op = unary({
  doc: '1 - erf(x), accurate for large x.',
  dtypes: FLOAT,
  promote: 'float',
  reference: oracle.erfc,
  wgsl: (x) => `erfc_f32(${x})`,
  saves: ['x'],
  vjp: ({ exp, mul, neg, square }, { dy, x }) => [mul(dy, mul(exp(neg(square(x))), -ERF_SLOPE))],
});

export const erfinv: Op = unary({
  doc: 'The inverse of the error function; infinite at -1 and 1, NaN beyond.',
  dtypes: FLOAT,
  promote: 'float',
  reference: oracle.erfinv,
  wgsl: (x) => `erfinv_f32(${x})`,
  saves: ['y'],
  vjp: ({ exp, mul, square }, { dy, y }) => [mul(dy, mul(exp(square(y)), 1 / ERF_SLOPE))],
});

export const lgamma: Op = unary({
  doc: 'Logarithm of the absolute value of the gamma function.',
  dtypes: FLOAT,
  promote: 'float',
  reference: oracle.lgamma,
  wgsl: (x) => `lgamma_f32(${x})`,
  saves: ['x'],
  vjp: ({ digamma, mul }, { dy, x }) => [mul(dy, digamma(x))],
});

export const digamma: Op = unary({
  doc: 'The derivative of lgamma.',
  dtypes: FLOAT,
  promote: 'float',
  reference: oracle.digamma,
  wgsl: (x) => `digamma_f32(${x})`,
  saves: ['x'],
  vjp: ({ mul, zeta }, { dy, x }) => [mul(dy, zeta(2, x))],
});

export const sigmoid: Op = unary({
  doc: '1 / (1 + exp(-x)) of each element.',
  dtypes: FLOAT,
  promote: 'float',
  reference: (x) => 1 / (1 + Math.exp(-x)),
  wgsl: (x) => `sigmoid_f32(${x})`,
  saves: ['y'],
  vjp: ({ sigmoidBackward }, { dy, y }) => [sigmoidBackward(dy, y)],
  onnx: 'Sigmoid',
});

export const floor: Op = unary({
  doc: 'The largest integer not above each element.',
  dtypes: NUMBER,
  reference: oracle.rounding(Math.floor),
  wgsl: (x) => `floor_T(${x})`,
  vjp: flat,
  onnx: 'Floor',
});

export const ceil: Op = unary({
  doc: 'The smallest integer not below each element.',
  dtypes: NUMBER,
  reference: oracle.rounding(Math.ceil),
  wgsl: (x) => `ceil_T(${x})`,
  vjp: flat,
  onnx: 'Ceil',
});

export const round: Op = unary({
  doc: 'The nearest integer to each element; halves go to the even one.',
  dtypes: NUMBER,
  reference: oracle.round,
  wgsl: (x) => `round_T(${x})`,
  vjp: flat,
  onnx: 'Round',
});

export const trunc: Op = unary({
  doc: 'Each element without its fraction.',
  dtypes: NUMBER,
  reference: oracle.rounding(Math.trunc),
  wgsl: (x) => `trunc_T(${x})`,
  vjp: flat,
});

export const frac: Op = unary({
  doc: 'The fraction of each element, with its sign.',
  dtypes: FLOAT,
  reference: (x) => x - Math.trunc(x),
  wgsl: (x) => `(${x}) - trunc(${x})`,
  vjp: (_, { dy }) => [dy],
});
