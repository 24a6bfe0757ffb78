import { FLOAT } from '../base/dtype.ts';
import { type Op, unary } from './op.ts';

export const sin: Op = unary({
  doc: 'Sine of each element, in radians.',
  dtypes: FLOAT,
  promote: 'float',
  reference: Math.sin,
  wgsl: (x) => `sin_f32(${x})`,
  saves: ['x'],
  vjp: ({ cos, mul }, { dy, x }) => [mul(dy, cos(x))],
  onnx: 'Sin',
});

export const cos: Op = unary({
  doc: 'Cosine of each element, in radians.',
  dtypes: FLOAT,
  promote: 'float',
  reference: Math.cos,
  wgsl: (x) => `cos_f32(${x})`,
  saves: ['x'],
  vjp: ({ mul, neg, sin }, { dy, x }) => [neg(mul(dy, sin(x)))],
  onnx: 'Cos',
});

export const tan: Op = unary({
  doc: 'Tangent of each element, in radians.',
  dtypes: FLOAT,
  promote: 'float',
  reference: Math.tan,
  wgsl: (x) => `tan_f32(${x})`,
  saves: ['y'],
  vjp: ({ add, mul, square }, { dy, y }) => [mul(dy, add(square(y), 1))],
  onnx: 'Tan',
});

export const asin: Op = unary({
  doc: 'Arc sine of each element; NaN outside [-1, 1].',
  dtypes: FLOAT,
  promote: 'float',
  reference: Math.asin,
  wgsl: (x) => `asin_f32(${x})`,
  saves: ['x'],
  vjp: ({ mul, rsqrt, square, sub }, { dy, x }) => [mul(dy, rsqrt(sub(1, square(x))))],
  onnx: 'Asin',
});

export const acos: Op = unary({
  doc: 'Arc cosine of each element; NaN outside [-1, 1].',
  dtypes: FLOAT,
  promote: 'float',
  reference: Math.acos,
  wgsl: (x) => `acos_f32(${x})`,
  saves: ['x'],
  vjp: ({ mul, neg, rsqrt, square, sub }, { dy, x }) => [neg(mul(dy, rsqrt(sub(1, square(x)))))],
  onnx: 'Acos',
});

export const atan: Op = unary({
  doc: 'Arc tangent of each element.',
  dtypes: FLOAT,
  promote: 'float',
  reference: Math.atan,
  wgsl: (x) => `atan_f32(${x})`,
  saves: ['x'],
  vjp: ({ add, div, square }, { dy, x }) => [div(dy, add(square(x), 1))],
  onnx: 'Atan',
});

export const sinh: Op = unary({
  doc: 'Hyperbolic sine of each element.',
  dtypes: FLOAT,
  promote: 'float',
  reference: Math.sinh,
  wgsl: (x) => `sinh_f32(${x})`,
  saves: ['x'],
  vjp: ({ cosh, mul }, { dy, x }) => [mul(dy, cosh(x))],
  onnx: 'Sinh',
});

export const cosh: Op = unary({
  doc: 'Hyperbolic cosine of each element.',
  dtypes: FLOAT,
  promote: 'float',
  reference: Math.cosh,
  wgsl: (x) => `cosh_f32(${x})`,
  saves: ['x'],
  vjp: ({ mul, sinh }, { dy, x }) => [mul(dy, sinh(x))],
  onnx: 'Cosh',
});

export const tanh: Op = unary({
  doc: 'Hyperbolic tangent of each element.',
  dtypes: FLOAT,
  promote: 'float',
  reference: Math.tanh,
  wgsl: (x) => `tanh_f32(${x})`,
  saves: ['y'],
  vjp: ({ tanhBackward }, { dy, y }) => [tanhBackward(dy, y)],
  onnx: 'Tanh',
});

export const asinh: Op = unary({
  doc: 'Inverse hyperbolic sine of each element.',
  dtypes: FLOAT,
  promote: 'float',
  reference: Math.asinh,
  wgsl: (x) => `asinh_f32(${x})`,
  saves: ['x'],
  vjp: ({ add, mul, rsqrt, square }, { dy, x }) => [mul(dy, rsqrt(add(square(x), 1)))],
  onnx: 'Asinh',
});

export const acosh: Op = unary({
  doc: 'Inverse hyperbolic cosine of each element; NaN below 1.',
  dtypes: FLOAT,
  promote: 'float',
  reference: Math.acosh,
  wgsl: (x) => `acosh_f32(${x})`,
  saves: ['x'],
  vjp: ({ mul, rsqrt, square, sub }, { dy, x }) => [mul(dy, rsqrt(sub(square(x), 1)))],
  onnx: 'Acosh',
});

export const atanh: Op = unary({
  doc: 'Inverse hyperbolic tangent of each element; NaN outside [-1, 1].',
  dtypes: FLOAT,
  promote: 'float',
  reference: Math.atanh,
  wgsl: (x) => `atanh_f32(${x})`,
  saves: ['x'],
  vjp: ({ div, square, sub }, { dy, x }) => [div(dy, sub(1, square(x)))],
  onnx: 'Atanh',
});
