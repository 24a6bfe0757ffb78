import { ALL, FLOAT, NUMBER } from '../base/dtype.ts';
import { type Op, ternary } from './op.ts';
import { maximum, minimum } from './reference.ts';

export const where: Op = ternary({
  doc: 'b where the condition a holds (is not zero), c elsewhere.',
  dtypes: ALL,
  masks: [0],
  reference: (a, b, c) => (a ? b : c),
  wgsl: (a, b, c) => `pick_T(${c}, ${b}, ${a})`,
  saves: ['a'],
  vjp: ({ where }, { dy, a, needs }) => [null, needs[1] ? where(a, dy, 0) : null, needs[2] ? where(a, 0, dy) : null],
  onnx: 'Where',
});

export const clamp: Op = ternary({
  doc: 'a limited to b at the low and c at the high end; NaN stays, and c wins where b > c. The gradient passes at the bounds.',
  dtypes: NUMBER,
  reference: (a, b, c) => minimum(maximum(a, b), c),
  wgsl: (a, b, c) => `min_T(max_T(${a}, ${b}), ${c})`,
  activation: ([, b, c]) => (b === 0 && c === 6 ? 'relu6' : null),
  saves: ['a', 'b', 'c'],
  vjp: ({ ge, gt, le, logicalAnd, logicalOr, lt, where }, { dy, a, b, c, needs }) => [
    needs[0] ? where(logicalAnd(ge(a, b), le(a, c)), dy, 0) : null,
    needs[1] ? where(logicalAnd(lt(a, b), lt(b, c)), dy, 0) : null,
    needs[2] ? where(logicalOr(gt(a, c), gt(b, c)), dy, 0) : null,
  ],
  onnx: 'Clip',
});

export const lerp: Op = ternary({
  doc: 'a + c (b - a): from a to b by the weight c.',
  dtypes: FLOAT,
  reference: (a, b, c) => (Math.abs(c) < 0.5 ? a + c * (b - a) : b - (b - a) * (1 - c)),
  wgsl: (a, b, c) => `select((${b}) - ((${b}) - (${a})) * (1.0 - (${c})), (${a}) + (${c}) * ((${b}) - (${a})), abs(${c}) < 0.5)`,
  saves: ['a', 'b', 'c'],
  vjp: ({ mul, sub }, { dy, a, b, c, needs }) => [
    needs[0] ? sub(dy, mul(dy, c)) : null,
    needs[1] ? mul(dy, c) : null,
    needs[2] ? mul(dy, sub(b, a)) : null,
  ],
});
