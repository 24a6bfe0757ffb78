// Arithmetic, comparisons and functions of single elements.
import { CATEGORY, type DType } from '../base/dtype.ts';
import { FormatError } from '../base/errors.ts';
import { erf, exp, log, sqrt, tanh } from '../base/math.ts';
import { inverseSquareRoot, limitsOf } from '../ops/quantised.ts';
import { call } from '../quant/index.ts';
import { bytesOf } from '../tensor/functions/read.ts';
import { fromBytes, full, rand, randn, type Tensor, tensor, where, zerosLike } from '../tensor/index.ts';
import { type Call, operators } from './call.ts';
import { byteTable, clampOf, fround, multiplierOf, rounded, scaled, wordTable } from './fixed.ts';
import { compared, dequantised, looked, mapped, multiplied, quantised, rescaled, squared, summed } from './quantised.ts';

/** A fused activation on floats or plain integers. */
export function activated(x: Tensor, activation: number): Tensor {
  if (activation === 4) return x.tanh();
  const range = clampOf(activation);
  if (range === null) return x;
  return range[1] === Number.POSITIVE_INFINITY ? x.relu() : x.clamp(range[0], range[1]);
}

type Pair = (a: Tensor, b: Tensor) => Tensor;
/** Two operands of one dtype that broadcast. */
const plain = (c: Call, fn: Pair, activation = 0): Tensor => {
  const [a, b] = [c.x(0), c.x(1)];
  c.broadcast(a, b);
  if (a.dtype !== b.dtype) throw new FormatError(`its operands are ${a.dtype} and ${b.dtype}; they must have one dtype`);
  return activated(fn(a, b), activation);
};

operators({
  ADD: (c) => (c.quantised() ? summed(c, 'add', c.options.i8(0)) : plain(c, (a, b) => a.add(b), c.options.i8(0))),
  SUB: (c) => (c.quantised() ? summed(c, 'sub', c.options.i8(0)) : plain(c, (a, b) => a.sub(b), c.options.i8(0))),
  MUL: (c) => (c.quantised() ? multiplied(c, c.options.i8(0)) : plain(c, (a, b) => a.mul(b), c.options.i8(0))),
  DIV: (c) => {
    if (c.quantised()) return quantised(activated(dequantised(c, 0).div(dequantised(c, 1)), c.options.i8(0)), c.outType(), c.outQ());
    return plain(c, (a, b) => (CATEGORY[a.dtype] === 1 ? a.truncDivide(b) : a.div(b)), c.options.i8(0));
  },
  FLOOR_DIV: (c) => plain(c, (a, b) => a.floorDivide(b)),
  FLOOR_MOD: (c) => plain(c, (a, b) => a.remainder(b)),
  POW: (c) => plain(c, (a, b) => a.pow(b)),
  ATAN2: (c) => plain(c, (a, b) => a.atan2(b)),
  SQUARED_DIFFERENCE: (c) =>
    c.quantised()
      ? squared(c)
      : plain(c, (a, b) => {
          const d = a.sub(b);
          return d.mul(d);
        }),
  // Quantised operands have the scale of the result, so their integers compare as they are.
  MAXIMUM: (c) => plain(c, (a, b) => a.maximum(b)),
  MINIMUM: (c) => plain(c, (a, b) => a.minimum(b)),
  ADD_N: (c) => c.all().reduce((sum, x) => sum.add(x)),
  LOGICAL_AND: (c) => plain(c, (a, b) => a.logicalAnd(b)),
  LOGICAL_OR: (c) => plain(c, (a, b) => a.logicalOr(b)),
  LOGICAL_NOT: (c) => c.x(0).logicalNot(),
  BITWISE_XOR: (c) => plain(c, (a, b) => a.bitwiseXor(b)),
  RIGHT_SHIFT: (c) => plain(c, (a, b) => a.bitwiseRightShift(b)),
  EQUAL: (c) => (c.quantised() ? compared(c, 'eq') : plain(c, (a, b) => a.eq(b))),
  NOT_EQUAL: (c) => (c.quantised() ? compared(c, 'ne') : plain(c, (a, b) => a.ne(b))),
  LESS: (c) => (c.quantised() ? compared(c, 'lt') : plain(c, (a, b) => a.lt(b))),
  LESS_EQUAL: (c) => (c.quantised() ? compared(c, 'le') : plain(c, (a, b) => a.le(b))),
  GREATER: (c) => (c.quantised() ? compared(c, 'gt') : plain(c, (a, b) => a.gt(b))),
  GREATER_EQUAL: (c) => (c.quantised() ? compared(c, 'ge') : plain(c, (a, b) => a.ge(b))),
  SELECT: (c) => {
    const [on, a, b] = c.all();
    // A condition of one dimension chooses whole slices.
    const mask = on.ndim === 1 && a.ndim > 1 ? on.reshape([on.shape[0], ...new Array<number>(a.ndim - 1).fill(1)]) : on;
    return where(mask, a, b);
  },
  SELECT_V2: (c) => {
    const [on, a, b] = c.all();
    c.broadcast(on, a, b);
    return where(on, a, b);
  },
});

/** A function of floats; of quantised bytes by its table, of int16 by straight lines between 513 samples. */
const real =
  (float: (x: Tensor) => Tensor, fn: (x: number, c: Call) => number) =>
  (c: Call): Tensor => {
    const x = c.x(0);
    if (!c.quantised()) return float(x);
    const value = (v: number): number => fn(v, c);
    if (x.dtype === 'int16') return looked(c, () => wordTable(c.q(0), c.outQ(), value), 'int16');
    return looked(c, () => byteTable(x.dtype, c.q(0), c.outType(), c.outQ(), value), c.outType());
  };
/** The least number that the result can hold: what a logarithm of nothing is. */
const least = (c: Call): number => (limitsOf(c.outType())[0] - c.outQ().zero) * c.outQ().scale;
const clampQ = (v: number, c: Call): number => {
  const [low, high] = limitsOf(c.outType());
  return Math.min(Math.max(v, low), high);
};
const gelu = (x: number): number => 0.5 * x * (1 + erf(x * Math.SQRT1_2));
const geluTanh = (x: number): number => 0.5 * x * (1 + tanh(0.7978845608028654 * (x + 0.044715 * x * x * x)));

operators({
  ABS: (c) => {
    if (!c.quantised()) return c.x(0).abs();
    const [x, y] = [c.q(0), c.outQ()];
    const by = multiplierOf(fround(x.scale / y.scale));
    return mapped(c, (v) => {
      const size = Math.abs(v - x.zero);
      return clampQ((x.scale === y.scale ? size : scaled(size, by)) + y.zero, c);
    });
  },
  NEG: (c) => {
    if (!c.quantised()) return c.x(0).neg();
    const [x, y] = [c.q(0), c.outQ()];
    return mapped(c, (v) => clampQ(rounded((-(v - x.zero) * x.scale) / y.scale) + y.zero, c));
  },
  SIGN: (c) => c.x(0).sign(),
  CEIL: (c) => c.x(0).ceil(),
  FLOOR: (c) => c.x(0).floor(),
  ROUND: (c) => c.x(0).round(),
  SQUARE: (c) => c.x(0).mul(c.x(0)),
  SIN: (c) => c.x(0).sin(),
  COS: (c) => c.x(0).cos(),
  EXP: real((x) => x.exp(), exp),
  LOG: real(
    (x) => x.log(),
    (v, c) => (v <= 0 ? least(c) : log(v)),
  ),
  SQRT: (c) => {
    if (!c.quantised()) return c.x(0).sqrt();
    const [x, y] = [c.q(0), c.outQ()];
    return mapped(c, (v) =>
      clampQ(Math.trunc(fround(fround(sqrt(Math.max(0, fround(x.scale * (v - x.zero))))) / fround(y.scale))) + y.zero, c),
    );
  },
  RSQRT: (c) => {
    const x = c.x(0);
    if (!c.quantised()) return x.sqrt().reciprocal();
    const [qx, qy] = [c.q(0), c.outQ()];
    if (x.dtype === 'int16') return looked(c, () => wordTable(qx, qy, (v) => (v <= 0 ? 32767 * qy.scale : 1 / sqrt(v))), 'int16');
    const by = multiplierOf(1 / fround(fround(sqrt(fround(qx.scale))) * fround(qy.scale)));
    return call(inverseSquareRoot, [x], { xZero: qx.zero, zero: qy.zero, by });
  },
  GELU: (c) => {
    const approximate = c.options.bool(0);
    return real(
      (x) => (approximate ? x.geluTanh() : x.gelu()),
      (v) => (approximate ? geluTanh(v) : gelu(v)),
    )(c);
  },
  ZEROS_LIKE: (c) => zerosLike(c.x(0)),
  CAST: (c) => {
    const x = c.x(0);
    const dtype = c.outType();
    const { type } = c.out();
    if (type === 'bool') return x.ne(0);
    if (type.startsWith('complex') || c.info(0).type.startsWith('complex'))
      throw new FormatError('casts of complex numbers are not implemented');
    return x.to(dtype);
  },
  BITCAST: (c) => {
    const x = c.x(0);
    const shape = c.room(c.out().shape.length === x.ndim ? x.shape : c.out().shape);
    return fromBytesOf(c, x, shape, c.outType());
  },
  QUANTIZE: (c) => {
    const x = c.x(0);
    const dtype = c.outType();
    if (CATEGORY[x.dtype] === 2) return quantised(x, dtype, c.outQ());
    return rescaled(x, c.q(0), dtype, c.outQ());
  },
  DEQUANTIZE: (c) => (CATEGORY[c.x(0).dtype] === 2 ? c.x(0).to('float32') : dequantised(c)),
  FAKE_QUANT: (c) => {
    const levels = (1 << c.options.i32(2)) - 1;
    const from = c.options.bool(3) ? 1 : 0;
    const [low, high] = [c.options.f32(0), c.options.f32(1)];
    const scale = (high - low) / (levels - from);
    const start = from - low / scale;
    const zero = start < from ? from : start > levels ? levels : rounded(start);
    const [min, max] = [(from - zero) * scale, (levels - zero) * scale];
    return c.x(0).clamp(min, max).sub(min).div(scale).add(0.5).floor().mul(scale).add(min);
  },
});
/** The same bytes as elements of another dtype. */
function fromBytesOf(c: Call, x: Tensor, shape: readonly number[], dtype: DType): Tensor {
  c.frame.instance.dynamic ||= !c.known(0);
  return fromBytes(bytesOf(x), shape, dtype);
}

operators(
  {
    RANDOM_UNIFORM: (c) => rand(c.room(c.numbers(0))),
    RANDOM_STANDARD_NORMAL: (c) => randn(c.room(c.numbers(0))),
  },
  { pure: false },
);
operators({
  BUCKETIZE: (c) => {
    const edges = tensor(c.options.f32s(0), { dtype: 'float32' });
    return c.x(0).bucketize(edges, { right: true }).to('int32');
  },
  FILL: (c) => {
    const shape = c.room(c.numbers(0));
    return c.x(1).ndim === 0 ? c.x(1).expand(shape) : full(shape, c.number(1), { dtype: c.x(1).dtype });
  },
});
