import { ALL, type DType, INT } from '../base/dtype.ts';
import { binary, type Op, unary } from './op.ts';
import { shiftLeft, shiftRight } from './reference.ts';

const LOGICAL: readonly DType[] = [...INT, 'bool'];

// NaN counts as true.
const truth = (x: number): boolean => Number(x) !== 0;

export const eq: Op = binary({
  doc: 'Whether a equals b.',
  dtypes: ALL,
  out: 'bool',
  reference: (a, b) => Number(a === b),
  wgsl: (a, b) => `eq_T(${a}, ${b})`,
  vjp: null,
  onnx: 'Equal',
});

export const ne: Op = binary({
  doc: 'Whether a differs from b; true for NaN.',
  dtypes: ALL,
  out: 'bool',
  reference: (a, b) => Number(a !== b),
  wgsl: (a, b) => `!eq_T(${a}, ${b})`,
  vjp: null,
});

export const lt: Op = binary({
  doc: 'Whether a is less than b.',
  dtypes: ALL,
  out: 'bool',
  reference: (a, b) => Number(a < b),
  wgsl: (a, b) => `lt_T(${a}, ${b})`,
  vjp: null,
  onnx: 'Less',
});

export const le: Op = binary({
  doc: 'Whether a is at most b.',
  dtypes: ALL,
  out: 'bool',
  reference: (a, b) => Number(a <= b),
  wgsl: (a, b) => `le_T(${a}, ${b})`,
  vjp: null,
  onnx: 'LessOrEqual',
});

export const gt: Op = binary({
  doc: 'Whether a is greater than b.',
  dtypes: ALL,
  out: 'bool',
  reference: (a, b) => Number(a > b),
  wgsl: (a, b) => `lt_T(${b}, ${a})`,
  vjp: null,
  onnx: 'Greater',
});

export const ge: Op = binary({
  doc: 'Whether a is at least b.',
  dtypes: ALL,
  out: 'bool',
  reference: (a, b) => Number(a >= b),
  wgsl: (a, b) => `le_T(${b}, ${a})`,
  vjp: null,
  onnx: 'GreaterOrEqual',
});

export const logicalAnd: Op = binary({
  doc: 'Whether both a and b are not zero.',
  dtypes: ALL,
  out: 'bool',
  reference: (a, b) => Number(truth(a) && truth(b)),
  wgsl: (a, b) => `true_T(${a}) && true_T(${b})`,
  vjp: null,
  onnx: 'And',
});

export const logicalOr: Op = binary({
  doc: 'Whether a or b is not zero.',
  dtypes: ALL,
  out: 'bool',
  reference: (a, b) => Number(truth(a) || truth(b)),
  wgsl: (a, b) => `true_T(${a}) || true_T(${b})`,
  vjp: null,
  onnx: 'Or',
});

export const logicalXor: Op = binary({
  doc: 'Whether just one of a and b is not zero.',
  dtypes: ALL,
  out: 'bool',
  reference: (a, b) => Number(truth(a) !== truth(b)),
  wgsl: (a, b) => `true_T(${a}) != true_T(${b})`,
  vjp: null,
  onnx: 'Xor',
});

export const logicalNot: Op = unary({
  doc: 'Whether each element is zero.',
  dtypes: ALL,
  out: 'bool',
  reference: (x) => Number(!truth(x)),
  wgsl: (x) => `!true_T(${x})`,
  vjp: null,
  onnx: 'Not',
});

export const signbit: Op = unary({
  doc: 'Whether the sign bit of each element is set; true for -0.',
  dtypes: ALL,
  out: 'bool',
  reference: (x) => Number(x < 0 || Object.is(x, -0)),
  wgsl: (x) => `signbit_T(${x})`,
  vjp: null,
});

export const isnan: Op = unary({
  doc: 'Whether each element is NaN.',
  dtypes: ALL,
  out: 'bool',
  reference: (x) => Number(Number.isNaN(x)),
  wgsl: (x) => `isnan_T(${x})`,
  vjp: null,
  onnx: 'IsNaN',
});

export const isinf: Op = unary({
  doc: 'Whether each element is infinite.',
  dtypes: ALL,
  out: 'bool',
  reference: (x) => Number(x === Infinity || x === -Infinity),
  wgsl: (x) => `isinf_T(${x})`,
  vjp: null,
  onnx: 'IsInf',
});

export const isposinf: Op = unary({
  doc: 'Whether each element is positive infinity.',
  dtypes: ALL,
  out: 'bool',
  reference: (x) => Number(x === Infinity),
  wgsl: (x) => `isposinf_T(${x})`,
  vjp: null,
});

export const isneginf: Op = unary({
  doc: 'Whether each element is negative infinity.',
  dtypes: ALL,
  out: 'bool',
  reference: (x) => Number(x === -Infinity),
  wgsl: (x) => `isneginf_T(${x})`,
  vjp: null,
});

export const isfinite: Op = unary({
  doc: 'Whether each element is neither infinite nor NaN.',
  dtypes: ALL,
  out: 'bool',
  reference: (x) => Number(x - x === x - x),
  wgsl: (x) => `isfinite_T(${x})`,
  vjp: null,
});

export const bitwiseNot: Op = unary({
  doc: 'All bits of each integer flipped.',
  dtypes: INT,
  reference: (x) => ~x,
  wgsl: (x) => `~(${x})`,
  vjp: null,
  onnx: 'BitwiseNot',
});

export const bitwiseAnd: Op = binary({
  doc: 'The bits set in both a and b.',
  dtypes: LOGICAL,
  reference: (a, b) => a & b,
  wgsl: (a, b) => `(${a}) & (${b})`,
  vjp: null,
  onnx: 'BitwiseAnd',
});

export const bitwiseOr: Op = binary({
  doc: 'The bits set in a or b.',
  dtypes: LOGICAL,
  reference: (a, b) => a | b,
  wgsl: (a, b) => `(${a}) | (${b})`,
  vjp: null,
  onnx: 'BitwiseOr',
});

export const bitwiseXor: Op = binary({
  doc: 'The bits set in just one of a and b.',
  dtypes: LOGICAL,
  reference: (a, b) => a ^ b,
  wgsl: (a, b) => `(${a}) ^ (${b})`,
  vjp: null,
  onnx: 'BitwiseXor',
});

export const bitwiseLeftShift: Op = binary({
  doc: 'a shifted left by b bits; 0 where b is negative or at least the width of the dtype.',
  dtypes: INT,
  reference: shiftLeft,
  wgsl: (a, b) => `left_T(${a}, ${b})`,
  vjp: null,
});

export const bitwiseRightShift: Op = binary({
  doc: 'a shifted right by b bits, keeping the sign; only the sign is left where b is negative or at least the width of the dtype.',
  dtypes: INT,
  reference: shiftRight,
  wgsl: (a, b) => `right_T(${a}, ${b})`,
  vjp: null,
});
