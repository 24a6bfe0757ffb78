// Elementwise operators: arithmetic, comparison, logic, bits.
import { isFloat } from '../base/dtype.ts';
import { full, maximum, minimum, type Tensor, tensor, where } from '../tensor/index.ts';
import type { Call, Row } from './call.ts';
import { Value } from './value.ts';

/** The lowest int64: the bit that orders uint64 values as signed ones. */
export const SIGN_BIT: bigint = -(1n << 63n);

const unary = (f: (x: Tensor) => Tensor): Row => ({ run: (c) => c.same(f(c.x(0))) });
const binary = (f: (a: Tensor, b: Tensor, c: Call) => Tensor): Row => ({ run: (c) => c.same(f(c.x(0), second(c), c)) });

/** The second operand; before version 7 its dimensions stood from an axis on. */
function second(c: Call): Tensor {
  const b = c.x(1);
  if (c.version >= 7 || c.int('broadcast', 0) === 0 || c.attr('axis') === undefined) return b;
  const a = c.v(0).shape.length;
  return b.reshape([...b.shape, ...new Array<number>(a - c.axis(c.int('axis'), a) - b.ndim).fill(1)]);
}

/** Operands in an order that signed comparison respects: uint64 has its sign bit flipped. */
function ordered(c: Call, i: number): Tensor {
  const x = i === 1 ? second(c) : c.x(i);
  return c.type(i) === 'uint64' ? x.bitwiseXor(SIGN_BIT) : x;
}
const compare = (f: (a: Tensor, b: Tensor) => Tensor): Row => ({ run: (c) => f(ordered(c, 0), ordered(c, 1)) });

function divide(a: Tensor, b: Tensor): Tensor {
  return isFloat(a.dtype) ? a.div(b) : a.truncDivide(b);
}
function power(a: Tensor, b: Tensor): Tensor {
  if (isFloat(a.dtype)) return a.pow(b.to(a.dtype));
  return isFloat(b.dtype) ? a.to('float64').pow(b.to('float64')).to(a.dtype) : a.to('int64').pow(b.to('int64')).to(a.dtype);
}
function modulo(a: Tensor, b: Tensor, c: Call): Tensor {
  if (c.int('fmod', 0) === 1) return a.fmod(b);
  return a.remainder(b);
}
function shift(a: Tensor, b: Tensor, c: Call): Tensor {
  if (c.str('direction') === 'LEFT') return a.bitwiseLeftShift(b);
  if (c.type(0) !== 'uint64') return a.bitwiseRightShift(b);
  // Zeros, not the sign bit, come in from the left.
  const mask = full([], SIGN_BIT, { dtype: 'int64' }).bitwiseRightShift(b).bitwiseLeftShift(1).bitwiseNot();
  return where(b.eq(0), a, a.bitwiseRightShift(b).bitwiseAnd(mask));
}

const several = (f: (a: Tensor, b: Tensor) => Tensor, end: (x: Tensor, n: number) => Tensor = (x) => x): Row => ({
  run(c) {
    if (c.inputs.length === 0) c.fail('it has no inputs');
    let y = c.x(0);
    for (let i = 1; i < c.inputs.length; i++) y = f(y, c.x(i));
    return c.same(end(y, c.inputs.length));
  },
});
const unsigned = (f: (a: Tensor, b: Tensor) => Tensor): Row => ({
  run(c) {
    let y = ordered(c, 0);
    for (let i = 1; i < c.inputs.length; i++) y = f(y, ordered(c, i));
    return c.same(c.type(0) === 'uint64' ? y.bitwiseXor(SIGN_BIT) : y);
  },
});

/** Half to even, as in IEEE 754. */
const round = (x: Tensor): Tensor => x.round();

function clip(c: Call): Value {
  const x = c.x(0);
  let y = x;
  if (c.version < 11) {
    const low = c.attr('min') ? c.float('min') : null;
    const high = c.attr('max') ? c.float('max') : null;
    return c.same(low === null && high === null ? x : x.clamp(low, high));
  }
  if (c.has(1)) y = maximum(y, c.x(1).to(x.dtype));
  if (c.has(2)) y = minimum(y, c.x(2).to(x.dtype));
  return c.same(y);
}

function isInfinite(c: Call): Tensor {
  const x = c.x(0);
  const up = c.int('detect_positive', 1) !== 0;
  const down = c.int('detect_negative', 1) !== 0;
  if (up && down) return x.isinf();
  return up ? x.isposinf() : down ? x.isneginf() : x.isposinf().logicalAnd(false);
}

/** Erf and the like in the precision of float32 at least. */
const wide =
  (f: (x: Tensor) => Tensor) =>
  (x: Tensor): Tensor =>
    isFloat(x.dtype) ? f(x) : f(x.to('float32')).to(x.dtype);

/** Elementwise operators. */
export const MATH: Readonly<Record<string, Row>> = {
  Add: binary((a, b) => a.add(b)),
  Sub: binary((a, b) => a.sub(b)),
  Mul: binary((a, b) => a.mul(b)),
  Div: binary(divide),
  Pow: binary(power),
  Mod: binary(modulo),
  Neg: unary((x) => x.neg()),
  Abs: unary((x) => x.abs()),
  Sign: unary((x) => x.sign()),
  Floor: unary((x) => x.floor()),
  Ceil: unary((x) => x.ceil()),
  Round: unary(round),
  Sqrt: unary((x) => x.sqrt()),
  Reciprocal: unary((x) => x.reciprocal()),
  Exp: unary((x) => x.exp()),
  Log: unary((x) => x.log()),
  Sin: unary((x) => x.sin()),
  Cos: unary((x) => x.cos()),
  Tan: unary((x) => x.tan()),
  Asin: unary((x) => x.asin()),
  Acos: unary((x) => x.acos()),
  Atan: unary((x) => x.atan()),
  Sinh: unary((x) => x.sinh()),
  Cosh: unary((x) => x.cosh()),
  Tanh: unary((x) => x.tanh()),
  Asinh: unary((x) => x.asinh()),
  Acosh: unary((x) => x.acosh()),
  Atanh: unary((x) => x.atanh()),
  Erf: unary(wide((x) => x.erf())),
  IsNaN: { run: (c) => c.x(0).isnan() },
  IsInf: { run: isInfinite },
  Clip: { run: clip },
  Min: unsigned((a, b) => minimum(a, b)),
  Max: unsigned((a, b) => maximum(a, b)),
  Sum: several((a, b) => a.add(b)),
  Mean: several(
    (a, b) => a.add(b),
    (x, n) => x.div(n),
  ),
  Equal: {
    run(c) {
      if (c.type(0) !== 'string') return c.x(0).eq(c.x(1));
      return stringsEqual(c);
    },
  },
  Less: compare((a, b) => a.lt(b)),
  LessOrEqual: compare((a, b) => a.le(b)),
  Greater: compare((a, b) => a.gt(b)),
  GreaterOrEqual: compare((a, b) => a.ge(b)),
  And: { run: (c) => c.x(0).logicalAnd(c.x(1)) },
  Or: { run: (c) => c.x(0).logicalOr(c.x(1)) },
  Xor: { run: (c) => c.x(0).logicalXor(c.x(1)) },
  Not: { run: (c) => c.x(0).logicalNot() },
  BitwiseAnd: binary((a, b) => a.bitwiseAnd(b)),
  BitwiseOr: binary((a, b) => a.bitwiseOr(b)),
  BitwiseXor: binary((a, b) => a.bitwiseXor(b)),
  BitwiseNot: unary((x) => x.bitwiseNot()),
  BitShift: binary(shift),
  Where: {
    run(c) {
      if (c.type(1) === 'string') return stringsWhere(c);
      return c.same(where(c.x(0), c.x(1), c.x(2)), 1);
    },
  },
};

/** Numbers of the elements of text, for the tensor functions to move. */
export function places(v: Value): Tensor {
  const list = Array.from({ length: v.size }, (_, i) => i);
  return tensor(list, { shape: v.shape, dtype: 'int64' });
}
/** Text at the places that a tensor names. */
export function textAt(list: readonly string[], at: Tensor): Value {
  return Value.known(
    'string',
    at.shape,
    Array.from(Value.of(at, 'int64').numbers(), (i) => list[i]),
  );
}
function stringsEqual(c: Call): Value {
  const [a, b] = [c.v(0), c.v(1)];
  const both = [...a.strings(), ...b.strings()];
  const number = new Map([...new Set(both)].map((s, i) => [s, i]));
  const coded = (v: Value): Tensor =>
    tensor(
      v.strings().map((s) => number.get(s) as number),
      { shape: v.shape, dtype: 'int64' },
    );
  return Value.of(coded(a).eq(coded(b)), 'bool');
}
function stringsWhere(c: Call): Value {
  const [a, b] = [c.v(1), c.v(2)];
  return textAt([...a.strings(), ...b.strings()], where(c.x(0), places(a), places(b).add(a.size)));
}
