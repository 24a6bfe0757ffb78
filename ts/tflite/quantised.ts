// Quantised operands brought to what the kernels take: one shape, scales as multipliers.
import type { DType } from '../base/dtype.ts';
import { FormatError } from '../base/errors.ts';
import { sameShape } from '../base/shape.ts';
import { type Combination, combine, limitsOf, lookup, type Multiplier, quantize, requantize } from '../ops/quantised.ts';
import { call } from '../quant/index.ts';
import { expand, type Tensor, tensor } from '../tensor/index.ts';
import type { Affine, Call } from './call.ts';
import { multiplierOf, quantisedClamp, tableOf } from './fixed.ts';

/** The entry of a table (numbers of dtype `to`), which follows from the scales, for each element of input i. */
export function looked(c: Call, table: () => readonly number[], to: DType, i = 0): Tensor {
  return call(lookup, [c.x(i), c.once(`table ${i}`, () => tensor([...table()], { dtype: to }))], {});
}
/** A function of single elements, by the table of its values. */
export function mapped(c: Call, value: (x: number) => number, i = 0): Tensor {
  return looked(c, () => tableOf(c.x(i).dtype, value), c.outType(), i);
}

/** Floats as quantised integers. */
export function quantised(x: Tensor, dtype: DType, { scale, zero }: Affine): Tensor {
  return call(quantize, [x], { dtype, zero, scale });
}
/** Quantised integers as floats: scale * (x - zero), by channel where there are many. */
export function dequantised(c: Call, i = 0): Tensor {
  const { quantization } = c.info(i);
  const x = c.x(i);
  if (quantization === null) return x.to('float32');
  const { scale, zero, axis } = quantization;
  const shape = x.shape.map((_, d) => (d === axis ? scale.length : 1));
  const by = (list: readonly number[]): Tensor | number =>
    list.length === 1 ? list[0] : tensor([...list], { dtype: 'float32' }).reshape(shape);
  const wide = x.to('float32');
  const moved = zero.every((z) => z === 0) ? wide : wide.sub(by(zero));
  return moved.mul(by(scale));
}

/** Multipliers and shifts as the kernels read them, [2, n]. */
function scalesOf(list: readonly Multiplier[]): Tensor {
  return tensor([list.map(({ multiplier }) => multiplier), list.map(({ shift }) => shift)], { dtype: 'int32' });
}
export interface Rescaling {
  readonly zero: number;
  readonly xZero?: number;
  readonly low?: number;
  readonly high?: number;
  readonly wide?: boolean;
  readonly bias?: Tensor | null;
}
/** Integers times scales: by fixed-point multipliers, or as real numbers in float64. */
export function requantised(
  x: Tensor,
  dtype: DType,
  scales: readonly Multiplier[] | readonly number[],
  { bias = null, ...attrs }: Rescaling,
): Tensor {
  return call(requantize, [x, scaleTensor(scales), bias], { dtype, ...attrs });
}
/** Scales as the kernels take them: [2, n] of int32, or [1, n] of float64. */
export function scaleTensor(scales: readonly Multiplier[] | readonly number[]): Tensor {
  return typeof scales[0] === 'number' ? tensor([scales as number[]], { dtype: 'float64' }) : scalesOf(scales as readonly Multiplier[]);
}

/** Two operands expanded to one shape. */
export function paired(c: Call): readonly [Tensor, Tensor] {
  const [a, b] = [c.x(0), c.x(1)];
  const shape = c.broadcast(a, b);
  return [sameShape(a.shape, shape) ? a : expand(a, shape), sameShape(b.shape, shape) ? b : expand(b, shape)];
}

/** A sum or difference, through a scale twice the larger one: 20 spare bits, or 15 for int16. */
export function summed(c: Call, mode: 'add' | 'sub', activation: number): Tensor {
  const [a, b] = paired(c);
  const [qa, qb, qy] = [c.q(0), c.q(1), c.outQ()];
  const dtype = c.outType();
  const clamp = quantisedClamp(activation, dtype, qy);
  const left = dtype === 'int16' ? 15 : 20;
  const twice = 2 * Math.max(qa.scale, qb.scale);
  const attrs = { dtype, zero: qy.zero, aZero: qa.zero, bZero: qb.zero, ...clamp };
  // Powers of two of int16 add by shifts, unless the file says that it was made for general scales.
  if (dtype === 'int16' && c.options.bool(1, true)) {
    const [pa, pb, py] = [qa, qb, qy].map(({ scale, zero }) => (zero === 0 ? powerOf(scale) : null));
    if (pa !== null && pb !== null && py !== null && mode === 'add') {
      const [sa, sb] = [pa - py, pb - py];
      if ((sa === 0 || sb === 0) && sa <= 0 && sb <= 0)
        return call(combine, [a, b], { ...attrs, mode: 'addShifted', a: { multiplier: 0, shift: sa }, b: { multiplier: 0, shift: sb } });
    }
  }
  return call(combine, [a, b], {
    ...{ ...attrs, mode, left },
    a: multiplierOf(qa.scale / twice),
    b: multiplierOf(qb.scale / twice),
    y: multiplierOf(twice / ((1 << left) * qy.scale)),
  });
}
/** The exponent of a scale that is a power of two to a thousandth; null for others. */
export function powerOf(scale: number): number | null {
  for (let e = -32, power = 1 / 4294967296; e <= 8; e++, power *= 2) if (Math.abs(scale / power - 1) < 0.0007) return e;
  return null;
}

/** A product. */
export function multiplied(c: Call, activation: number): Tensor {
  const [a, b] = paired(c);
  const [qa, qb, qy] = [c.q(0), c.q(1), c.outQ()];
  const dtype = c.outType();
  const y = multiplierOf((qa.scale * qb.scale) / qy.scale);
  return call(combine, [a, b], {
    dtype,
    mode: 'mul',
    zero: qy.zero,
    aZero: qa.zero,
    bZero: qb.zero,
    y,
    ...quantisedClamp(activation, dtype, qy),
  });
}

/** The square of a difference. */
export function squared(c: Call): Tensor {
  const [a, b] = paired(c);
  const [qa, qb, qy] = [c.q(0), c.q(1), c.outQ()];
  const dtype = c.outType();
  const left = dtype === 'int16' ? 0 : 7;
  const twice = 2 * Math.max(qa.scale, qb.scale);
  return call(combine, [a, b], {
    ...{ dtype, mode: 'squaredDifference', zero: qy.zero, aZero: qa.zero, bZero: qb.zero, left },
    a: multiplierOf(qa.scale / twice),
    b: multiplierOf(qb.scale / twice),
    y: multiplierOf((twice * twice) / ((1 << (left * 2)) * qy.scale)),
  });
}

/** A comparison, in a common scale with eight spare bits. */
export function compared(c: Call, mode: Combination): Tensor {
  const [a, b] = paired(c);
  const [qa, qb] = [c.q(0), c.q(1)];
  if (a.dtype === 'int16') {
    const real = (x: Tensor, { scale, zero }: Affine): Tensor => x.to('float64').sub(zero).mul(scale);
    return {
      eq: () => real(a, qa).eq(real(b, qb)),
      ne: () => real(a, qa).ne(real(b, qb)),
      lt: () => real(a, qa).lt(real(b, qb)),
      le: () => real(a, qa).le(real(b, qb)),
      gt: () => real(a, qa).gt(real(b, qb)),
      ge: () => real(a, qa).ge(real(b, qb)),
    }[mode as 'eq']();
  }
  const [ma, mb] = [multiplierOf(qa.scale), multiplierOf(qb.scale)];
  return call(combine, [a, b], { dtype: 'bool', mode, aZero: qa.zero, bZero: qb.zero, left: 8, a: ma, b: mb });
}

/** Integers of another scale: the same dtype kind, or another. */
export function rescaled(x: Tensor, from: Affine, dtype: DType, to: Affine): Tensor {
  if (from.scale === to.scale && from.zero === to.zero && x.dtype === dtype) return x;
  return requantised(x, dtype, [multiplierOf(from.scale / to.scale)], { zero: to.zero, xZero: from.zero });
}
/** The dtype's range, for messages and clamps. */
export function checkedRange(dtype: DType, what: string): readonly [number, number] {
  if (dtype !== 'int8' && dtype !== 'uint8' && dtype !== 'int16')
    throw new FormatError(`${what} is ${dtype}; int8, uint8 or int16 is expected`);
  return limitsOf(dtype);
}
