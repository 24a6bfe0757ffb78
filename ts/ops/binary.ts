import { ALL, FLOAT, NUMBER } from '../base/dtype.ts';
import { flat, tensor, zeros } from './gradients.ts';
import { binary, type Op } from './op.ts';
import * as oracle from './reference.ts';

const LN2 = 0.6931471805599453;

export const add: Op = binary({
  doc: 'The sum of a and b.',
  dtypes: ALL,
  reference: (a, b) => a + b,
  wgsl: (a, b) => `add_T(${a}, ${b})`,
  vjp: (_, { dy }) => [dy, dy],
  onnx: 'Add',
});

export const sub: Op = binary({
  doc: 'a minus b.',
  dtypes: NUMBER,
  reference: (a, b) => a - b,
  wgsl: (a, b) => `sub_T(${a}, ${b})`,
  vjp: ({ neg }, { dy, needs }) => [dy, needs[1] ? neg(dy) : null],
  onnx: 'Sub',
});

export const mul: Op = binary({
  doc: 'The product of a and b.',
  dtypes: ALL,
  reference: (a, b) => a * b,
  wgsl: (a, b) => `mul_T(${a}, ${b})`,
  saves: ['a', 'b'],
  uses: { a: [1], b: [0] },
  vjp: ({ mul }, { dy, a, b, needs }) => [needs[0] ? mul(dy, b) : null, needs[1] ? mul(dy, a) : null],
  onnx: 'Mul',
});

export const div: Op = binary({
  doc: 'a divided by b, always in floating point.',
  dtypes: FLOAT,
  promote: 'float',
  reference: (a, b) => a / b,
  wgsl: (a, b) => `(${a}) / (${b})`,
  saves: ['b', 'y'],
  uses: { y: [1] },
  vjp: ({ div, mul, neg }, { dy, b, y, needs }) => [needs[0] ? div(dy, b) : null, needs[1] ? neg(mul(dy, div(y, b))) : null],
  onnx: 'Div',
});

export const floorDivide: Op = binary({
  doc: 'The quotient of a and b rounded toward negative infinity; integers divided by 0 give 0.',
  dtypes: NUMBER,
  reference: oracle.floorDivide,
  wgsl: (a, b) => `floorDivide_T(${a}, ${b})`,
  vjp: flat,
});

export const truncDivide: Op = binary({
  doc: 'The quotient of a and b rounded toward zero; integers divided by 0 give 0.',
  dtypes: NUMBER,
  reference: oracle.truncDivide,
  wgsl: (a, b) => `truncDivide_T(${a}, ${b})`,
  vjp: flat,
});

export const remainder: Op = binary({
  doc: 'What is left of a after floorDivide by b: it has the sign of b; 0 for integers divided by 0.',
  dtypes: NUMBER,
  reference: oracle.remainder,
  wgsl: (a, b) => `remainder_T(${a}, ${b})`,
  saves: ['a', 'b'],
  vjp: ({ floorDivide, mul, neg }, { dy, a, b, needs }) => [dy, needs[1] ? neg(mul(dy, floorDivide(a, b))) : null],
});

export const fmod: Op = binary({
  doc: 'What is left of a after truncDivide by b: it has the sign of a; 0 for integers divided by 0.',
  dtypes: NUMBER,
  reference: oracle.fmod,
  wgsl: (a, b) => `fmod_T(${a}, ${b})`,
  saves: ['a', 'b'],
  vjp: ({ mul, neg, truncDivide }, { dy, a, b, needs }) => [dy, needs[1] ? neg(mul(dy, truncDivide(a, b))) : null],
});

export const pow: Op = binary({
  doc: 'a to the power of b; integers wrap.',
  dtypes: NUMBER,
  reference: oracle.pow,
  wgsl: (a, b) => `pow_T(${a}, ${b})`,
  saves: ['a', 'b', 'y'],
  vjp: (ops, { dy, a, b, y, needs }) => {
    const { eq, ge, log, logicalAnd, mul, pow, sub, where } = ops;
    const base = () => {
      if (typeof b === 'number') return b === 0 ? zeros(ops, dy) : mul(dy, mul(b, b === 2 ? a : pow(a, b - 1)));
      // 0 to the power -1 would be infinite where the exponent is 0, and 0 times that NaN.
      const exponent = where(logicalAnd(eq(a, 0), eq(b, 0)), 1, b);
      return mul(dy, mul(b, pow(a, sub(exponent, 1))));
    };
    // 0 to the power of b >= 0 does not change with b.
    const exponent = () => {
      const x = tensor(ops, dy, a);
      return mul(dy, mul(y, log(where(logicalAnd(eq(x, 0), ge(b, 0)), 1, x))));
    };
    return [needs[0] ? base() : null, needs[1] ? exponent() : null];
  },
  onnx: 'Pow',
});

export const maximum: Op = binary({
  doc: 'The larger of a and b; NaN if either is; equal operands share the gradient.',
  dtypes: ALL,
  reference: oracle.maximum,
  wgsl: (a, b) => `max_T(${a}, ${b})`,
  saves: ['a', 'b'],
  vjp: ({ eq, lt, mul, where }, { dy, a, b, needs }) => {
    const even = where(eq(a, b), mul(dy, 0.5), dy);
    return [needs[0] ? where(lt(a, b), 0, even) : null, needs[1] ? where(lt(b, a), 0, even) : null];
  },
  onnx: 'Max',
});

export const minimum: Op = binary({
  doc: 'The smaller of a and b; NaN if either is; equal operands share the gradient.',
  dtypes: ALL,
  reference: oracle.minimum,
  wgsl: (a, b) => `min_T(${a}, ${b})`,
  saves: ['a', 'b'],
  vjp: ({ eq, gt, mul, where }, { dy, a, b, needs }) => {
    const even = where(eq(a, b), mul(dy, 0.5), dy);
    return [needs[0] ? where(gt(a, b), 0, even) : null, needs[1] ? where(gt(b, a), 0, even) : null];
  },
  onnx: 'Min',
});

export const fmax: Op = binary({
  doc: 'The larger of a and b, the other one where one is NaN; a takes the gradient of ties.',
  dtypes: ALL,
  reference: (a, b) => (Number.isNaN(a) ? b : Number.isNaN(b) ? a : oracle.maximum(a, b)),
  wgsl: (a, b) => `fmax_T(${a}, ${b})`,
  saves: ['a', 'y'],
  vjp: ({ ge, isnan, logicalOr, where }, { dy, a, y, needs }) => {
    const first = logicalOr(ge(a, y), isnan(y));
    return [needs[0] ? where(first, dy, 0) : null, needs[1] ? where(first, 0, dy) : null];
  },
});

export const fmin: Op = binary({
  doc: 'The smaller of a and b, the other one where one is NaN; a takes the gradient of ties.',
  dtypes: ALL,
  reference: (a, b) => (Number.isNaN(a) ? b : Number.isNaN(b) ? a : oracle.minimum(a, b)),
  wgsl: (a, b) => `fmin_T(${a}, ${b})`,
  saves: ['a', 'y'],
  vjp: ({ le, isnan, logicalOr, where }, { dy, a, y, needs }) => {
    const first = logicalOr(le(a, y), isnan(y));
    return [needs[0] ? where(first, dy, 0) : null, needs[1] ? where(first, 0, dy) : null];
  },
});

export const atan2: Op = binary({
  doc: 'The angle of the point (b, a) from the positive b axis, in (-pi, pi].',
  dtypes: FLOAT,
  promote: 'float',
  reference: Math.atan2,
  wgsl: (a, b) => `atan2_f32(${a}, ${b})`,
  saves: ['a', 'b'],
  vjp: (ops, { dy, a, b, needs }) => {
    const { add, div, mul, neg, square } = ops;
    const r = add(square(tensor(ops, dy, a)), square(tensor(ops, dy, b)));
    return [needs[0] ? mul(dy, div(b, r)) : null, needs[1] ? neg(mul(dy, div(a, r))) : null];
  },
});

export const hypot: Op = binary({
  doc: 'The length of the vector (a, b), without overflow in between.',
  dtypes: FLOAT,
  reference: Math.hypot,
  wgsl: (a, b) => `hypot_f32(${a}, ${b})`,
  saves: ['a', 'b', 'y'],
  vjp: ({ div, mul }, { dy, a, b, y, needs }) => [needs[0] ? mul(dy, div(a, y)) : null, needs[1] ? mul(dy, div(b, y)) : null],
});

export const copysign: Op = binary({
  doc: 'The magnitude of a with the sign of b.',
  dtypes: FLOAT,
  promote: 'float',
  reference: oracle.copysign,
  wgsl: (a, b) => `copysign_f32(${a}, ${b})`,
  saves: ['a', 'y'],
  vjp: (ops, { dy, a, y, needs }) => [needs[0] ? ops.mul(dy, ops.mul(ops.sign(a), ops.sign(y))) : null, needs[1] ? zeros(ops, dy) : null],
});

export const nextafter: Op = binary({
  doc: 'The next value after a toward b that the dtype holds.',
  dtypes: ['float32', 'float64'],
  reference: oracle.nextafter,
  wgsl: (a, b) => `nextafter_f32(${a}, ${b})`,
  vjp: (_, { dy, needs }) => [needs[0] ? dy : null, null],
});

export const logaddexp: Op = binary({
  doc: 'log(exp(a) + exp(b)) without overflow.',
  dtypes: FLOAT,
  reference: oracle.logaddexp,
  wgsl: (a, b) => `logaddexp_f32(${a}, ${b})`,
  saves: ['a', 'b'],
  vjp: ({ mul, sigmoid, sub }, { dy, a, b, needs }) => [
    needs[0] ? mul(dy, sigmoid(sub(a, b))) : null,
    needs[1] ? mul(dy, sigmoid(sub(b, a))) : null,
  ],
});

export const logaddexp2: Op = binary({
  doc: 'log2(2^a + 2^b) without overflow.',
  dtypes: FLOAT,
  reference: (a, b) => oracle.logaddexp(a * LN2, b * LN2) / LN2,
  wgsl: (a, b) => `logaddexp_f32((${a}) * 0.6931472, (${b}) * 0.6931472) * 1.442695`,
  saves: ['a', 'b'],
  vjp: ({ mul, sigmoid, sub }, { dy, a, b, needs }) => [
    needs[0] ? mul(dy, sigmoid(mul(sub(a, b), LN2))) : null,
    needs[1] ? mul(dy, sigmoid(mul(sub(b, a), LN2))) : null,
  ],
});

export const xlogy: Op = binary({
  doc: 'a log(b); 0 where a is 0, unless b is NaN.',
  dtypes: FLOAT,
  promote: 'float',
  reference: (a, b) => (a === 0 && !Number.isNaN(b) ? 0 : a * Math.log(b)),
  wgsl: (a, b) => `xlogy_f32(${a}, ${b})`,
  saves: ['a', 'b'],
  vjp: (ops, { dy, a, b, needs }) => {
    const { div, eq, le, logicalAnd, mul, where, xlogy } = ops;
    const inner = () => where(logicalAnd(eq(a, 0), le(tensor(ops, dy, b), 0)), 0, xlogy(dy, b));
    return [needs[0] ? inner() : null, needs[1] ? div(mul(dy, a), b) : null];
  },
});

export const heaviside: Op = binary({
  doc: '0 for a below 0, 1 above, b where a is 0.',
  dtypes: ALL,
  reference: (a, b) => (a > 0 ? 1 : a < 0 || Number.isNaN(a) ? 0 : b),
  wgsl: (a, b) => `heaviside_T(${a}, ${b})`,
  vjp: null,
});

export const zeta: Op = binary({
  doc: 'The Hurwitz zeta function: the sum of (b + k)^-a over k >= 0; differentiable in b.',
  dtypes: FLOAT,
  promote: 'float',
  reference: oracle.zeta,
  wgsl: (a, b) => `zeta_f32(${a}, ${b})`,
  saves: ['a', 'b'],
  vjp: (ops, { dy, a, b, needs }) => {
    const s = tensor(ops, dy, a);
    return [null, needs[1] ? ops.mul(dy, ops.neg(ops.mul(s, ops.zeta(ops.add(s, 1), b)))) : null];
  },
});
