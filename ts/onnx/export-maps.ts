// Elementwise rows as ONNX operators.
import { type DType, isFloat } from '../base/dtype.ts';
import { ValueError } from '../base/errors.ts';
import type { Attrs, Sketch } from './sketch.ts';

/** Operands as names, in the dtype of the computation; numbers stay numbers. */
export interface MapCall {
  readonly s: Sketch;
  readonly x: readonly string[];
  /** An operand that is a number, or null. */
  readonly number: (i: number) => number | null;
  readonly dtype: DType;
}
type Writer = (c: MapCall) => string;

const plain =
  (op: string, attrs: Attrs = {}): Writer =>
  ({ s, x }) =>
    s.node(op, x, attrs);
/** With a number as an attribute. */
const numbered =
  (op: string, name: string, more: Attrs = {}): Writer =>
  (c) => {
    const value = c.number(1);
    if (value === null) throw new ValueError(`exportONNX: ${op} takes a number, not a tensor, as its ${name}`);
    return c.s.node(op, [c.x[0]], { [name]: { f: value }, ...more });
  };
const one = (c: MapCall, value: number): string => c.s.scalar(value, c.dtype);

function floored(c: MapCall): string {
  const { s, x } = c;
  if (isFloat(c.dtype)) return s.node('Floor', [s.node('Div', x)]);
  return s.node('Div', [s.node('Sub', [x[0], s.node('Mod', x)]), x[1]]);
}
const truncated = (s: Sketch, x: string): string => s.node('Mul', [s.node('Sign', [x]), s.node('Floor', [s.node('Abs', [x])])]);

/** Rows by name. */
export const MAPS: Readonly<Record<string, Writer>> = {
  ...Object.fromEntries(
    Object.entries({
      ...{
        abs: 'Abs',
        ceil: 'Ceil',
        erf: 'Erf',
        exp: 'Exp',
        floor: 'Floor',
        log: 'Log',
        neg: 'Neg',
        reciprocal: 'Reciprocal',
        round: 'Round',
      },
      ...{ sigmoid: 'Sigmoid', sign: 'Sign', sqrt: 'Sqrt', acos: 'Acos', acosh: 'Acosh', asin: 'Asin', asinh: 'Asinh', atan: 'Atan' },
      ...{
        atanh: 'Atanh',
        cos: 'Cos',
        cosh: 'Cosh',
        sin: 'Sin',
        sinh: 'Sinh',
        tan: 'Tan',
        tanh: 'Tanh',
        add: 'Add',
        div: 'Div',
        mul: 'Mul',
      },
      ...{
        sub: 'Sub',
        pow: 'Pow',
        maximum: 'Max',
        minimum: 'Min',
        fmax: 'Max',
        fmin: 'Min',
        bitwiseAnd: 'BitwiseAnd',
        bitwiseOr: 'BitwiseOr',
      },
      ...{
        bitwiseXor: 'BitwiseXor',
        bitwiseNot: 'BitwiseNot',
        eq: 'Equal',
        ge: 'GreaterOrEqual',
        gt: 'Greater',
        le: 'LessOrEqual',
        lt: 'Less',
      },
      ...{
        isinf: 'IsInf',
        isnan: 'IsNaN',
        where: 'Where',
        clamp: 'Clip',
        hardswish: 'HardSwish',
        mish: 'Mish',
        relu: 'Relu',
        selu: 'Selu',
      },
      ...{ silu: 'Swish' },
    }).map(([row, op]) => [row, plain(op)]),
  ),
  isposinf: plain('IsInf', { detect_negative: { i: 0 } }),
  isneginf: plain('IsInf', { detect_positive: { i: 0 } }),
  gelu: plain('Gelu'),
  geluTanh: plain('Gelu', { approximate: { s: 'tanh' } }),
  hardsigmoid: plain('HardSigmoid', { alpha: { f: 1 / 6 }, beta: { f: 0.5 } }),
  leakyRelu: numbered('LeakyRelu', 'alpha'),
  elu: numbered('Elu', 'alpha'),
  celu: numbered('Celu', 'alpha'),
  hardshrink: numbered('Shrink', 'lambd'),
  softshrink: (c) => c.s.node('Shrink', [c.x[0]], { lambd: { f: c.number(1) ?? 0.5 }, bias: { f: c.number(1) ?? 0.5 } }),
  threshold: ({ s, x }) => s.node('Where', [s.node('Greater', [x[0], x[1]]), x[0], x[2]]),
  softplus: (c) => {
    const { s, x } = c;
    const scaled = c.number(1) === 1 ? x[0] : s.node('Mul', [x[0], x[1]]);
    const soft = s.node('Softplus', [scaled]);
    const y = c.number(1) === 1 ? soft : s.node('Div', [soft, x[1]]);
    return c.number(2) === 20 ? y : s.node('Where', [s.node('Greater', [scaled, x[2]]), x[0], y]);
  },
  xlogy: (c) => {
    const { s, x } = c;
    const none = s.node('And', [s.node('Equal', [x[0], one(c, 0)]), s.node('Not', [s.node('IsNaN', [x[1]])])]);
    return s.node('Where', [none, one(c, 0), s.node('Mul', [x[0], s.node('Log', [x[1]])])]);
  },
  logSigmoid: ({ s, x }) => s.node('Neg', [s.node('Softplus', [s.node('Neg', [x[0]])])]),
  rsqrt: ({ s, x }) => s.node('Reciprocal', [s.node('Sqrt', x)]),
  square: ({ s, x }) => s.node('Mul', [x[0], x[0]]),
  erfc: (c) => c.s.node('Sub', [one(c, 1), c.s.node('Erf', c.x)]),
  expm1: (c) => c.s.node('Sub', [c.s.node('Exp', c.x), one(c, 1)]),
  log1p: (c) => c.s.node('Log', [c.s.node('Add', [c.x[0], one(c, 1)])]),
  log2: (c) => c.s.node('Div', [c.s.node('Log', c.x), one(c, Math.LN2)]),
  log10: (c) => c.s.node('Div', [c.s.node('Log', c.x), one(c, Math.LN10)]),
  exp2: (c) => c.s.node('Pow', [one(c, 2), c.x[0]]),
  trunc: ({ s, x }) => truncated(s, x[0]),
  frac: ({ s, x }) => s.node('Sub', [x[0], truncated(s, x[0])]),
  floorDivide: floored,
  truncDivide: ({ s, x, dtype }) => (isFloat(dtype) ? truncated(s, s.node('Div', x)) : s.node('Div', x)),
  fmod: plain('Mod', { fmod: { i: 1 } }),
  remainder: (c) => (isFloat(c.dtype) ? c.s.node('Sub', [c.x[0], c.s.node('Mul', [floored(c), c.x[1]])]) : c.s.node('Mod', c.x)),
  ne: ({ s, x }) => s.node('Not', [s.node('Equal', x)]),
  logicalAnd: plain('And'),
  logicalOr: plain('Or'),
  logicalXor: plain('Xor'),
  logicalNot: plain('Not'),
  isfinite: ({ s, x }) => s.node('Not', [s.node('Or', [s.node('IsInf', x), s.node('IsNaN', x)])]),
  signbit: (c) => c.s.node('Less', [c.x[0], one(c, 0)]),
  lerp: ({ s, x }) => s.node('Add', [x[0], s.node('Mul', [x[2], s.node('Sub', [x[1], x[0]])])]),
  logaddexp: (c) => {
    const { s, x } = c;
    const far = s.node('Neg', [s.node('Abs', [s.node('Sub', x)])]);
    return s.node('Add', [s.node('Max', x), s.node('Log', [s.node('Add', [s.node('Exp', [far]), one(c, 1)])])]);
  },
};
