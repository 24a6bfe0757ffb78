// Quantised operators, with the rounding that ONNX specifies: half to even, then saturation.
import { show } from '../base/shape.ts';
import { cat, maximum, minimum, scalar, type Tensor } from '../tensor/index.ts';
import { byteConvolution, byteJoin, byteProduct, single, type Target } from './bytes.ts';
import type { Call, Row } from './call.ts';
import { HIGH, LOW } from './fuse.ts';
import { convolution } from './ops-conv.ts';
import { quantised } from './ops-types.ts';
import { carrier, type ElemType, elemType, RANGES } from './types.ts';
import { Value } from './value.ts';
import { type Window, windowOf } from './windows.ts';

/** A scale or zero point in a shape that broadcasts with x: one number, one for each place of an axis, or one for each block of it. */
function spread(s: Tensor, x: Tensor, axis: number, block: number, c: Call): Tensor {
  if (s.numel === 1 && block === 0) return s.reshape([]);
  if (block > 0) {
    c.room(s.shape.map((n, d) => (d === axis ? n * block : n)));
    const n = x.shape[axis];
    const wide = s.repeatInterleave(block, axis);
    return wide.shape[axis] === n ? wide : wide.narrow(axis, 0, n);
  }
  if (s.ndim !== 1 || s.shape[0] !== x.shape[axis]) c.fail(`scale ${show(s.shape)} does not fit axis ${axis} of ${show(x.shape)}`);
  return s.reshape(x.shape.map((n, i) => (i === axis ? n : 1)));
}
const axisOf = (c: Call, x: Tensor): number =>
  x.ndim === 0 ? 0 : c.axis(Math.max(c.int('axis', 1), -x.ndim) % Math.max(x.ndim, 1), x.ndim);

function quantizeLinear(c: Call): Value {
  const x = c.x(0);
  const axis = axisOf(c, x);
  const block = c.int('block_size', 0);
  const type: ElemType = c.has(2) ? c.type(2) : c.int('output_dtype', 0) !== 0 ? elemType(c.int('output_dtype'), 'output_dtype') : 'uint8';
  const precision = c.int('precision', 0);
  const scale = spread(c.x(1), x, axis, block, c);
  const zero = c.has(2) ? spread(c.x(2), x, axis, block, c) : null;
  const floating = x.dtype === 'int32' ? scale.dtype : precision !== 0 ? carrier(elemType(precision, 'precision')) : x.dtype;
  const wide = floating === 'float16' || floating === 'bfloat16' ? 'float32' : floating;
  const ratio = x.to(wide).div(scale.to(wide));
  // A half's quotient is a half.
  return quantised(wide === floating ? ratio : ratio.to(floating).to(wide), zero, type);
}
function dequantizeLinear(c: Call): Value {
  const x = c.x(0);
  const axis = axisOf(c, x);
  const block = c.int('block_size', 0);
  const output = c.int('output_dtype', 0) !== 0 ? carrier(elemType(c.int('output_dtype'), 'output_dtype')) : c.x(1).dtype;
  const scale = spread(c.x(1), x, axis, block, c);
  const wide = x.dtype === 'float32' ? x : x.to('int32');
  const moved = c.has(2) ? wide.sub(spread(c.x(2), x, axis, block, c).to(wide.dtype)) : wide;
  const floating = scale.dtype === 'float16' || scale.dtype === 'bfloat16' ? 'float32' : scale.dtype;
  return Value.of(moved.to(floating).mul(scale.to(floating)).to(output));
}

/** x as uint8 with the scale and zero point that its own range asks for. */
function dynamic(x: Tensor): Value[] {
  const low = minimum(x.amin(), scalar(0));
  const high = maximum(x.amax(), scalar(0));
  const scale = high.sub(low).div(255);
  const zero = low.neg().div(scale).clamp(0, 255).round();
  const safe = zero.isnan().logicalAnd(scale.eq(0));
  const point = zero.maskedFill(safe, 0).to('uint8');
  return [quantised(x.div(scale).nanToNum({ nan: 0 }), point, 'uint8'), Value.of(scale, 'float'), Value.of(point, 'uint8')];
}

/** Whole numbers less their zero point, one for the tensor or one for each row (or column). */
function centred(x: Tensor, zero: Tensor | null, rows: boolean): Tensor {
  const wide = x.to('int32');
  if (zero === null) return wide;
  const z = zero.to('int32');
  if (z.numel === 1) return wide.sub(z.reshape([]));
  if (z.ndim > 1) return wide.sub(z);
  return wide.sub(rows ? z.reshape([-1, 1]) : z);
}
/** The exact product of whole matrices. Bytes are multiplied raw; what their zero points add is taken off the sums. */
export function wholeProduct(a: Tensor, za: Tensor | null, b: Tensor, zb: Tensor | null): Tensor {
  const k = a.shape[a.ndim - 1];
  const plain = (z: Tensor | null): boolean => z === null || z.numel === 1 || z.ndim === 1;
  let sum = plain(za) && plain(zb) ? byteProduct(a, b, [0, 0], null, null) : null;
  if (sum !== null) {
    const of = (z: Tensor, rows: boolean): Tensor => z.to('int32').reshape(z.numel === 1 ? [] : rows ? [-1, 1] : [-1]);
    if (za !== null) sum = sum.sub(of(za, true).mul(centred(b, zb, false).sum(0, { dtype: 'int32' })));
    return zb === null ? sum : sum.sub(of(zb, false).mul(a.to('int32').sum(-1, { keepdim: true, dtype: 'int32' })));
  }
  // Sums below 2^24 are exact in float32, all others in float64.
  const dtype = k * 255 * 255 < 16777216 ? 'float32' : 'float64';
  return centred(a, za, true)
    .to(dtype)
    .matmul(centred(b, zb, false).to(dtype))
    .to('int32');
}
/** int32 sums to the output's scale. */
function requantised(sum: Tensor, scale: Tensor, c: Call, at: number): Value {
  const y = c.x(at).to('float32').reshape([]);
  const ratio = scale.div(y);
  const type = c.has(at + 1) ? c.type(at + 1) : c.type(0);
  return clipped(c, quantised(sum.to('float32').mul(ratio), c.has(at + 1) ? c.x(at + 1).reshape([]) : null, type), at);
}
const factor = (a: Tensor, b: Tensor, shape: readonly number[] | null): Tensor => {
  const [x, y] = [a.to('float32'), b.to('float32')];
  const left = x.numel === 1 ? x.reshape([]) : x.ndim === 1 ? x.reshape([-1, 1]) : x;
  const right = y.numel === 1 ? y.reshape([]) : shape === null ? y : y.reshape(shape);
  return left.mul(right);
};

/** The limits that a clip before the rounding (LOW and HIGH of fuse.ts) gives the bytes of output scale `at`; rounding keeps order. */
function limits(c: Call, at: number): { readonly low?: number; readonly high?: number } {
  const [scale, zero] = [single(c, at), single(c, at + 1)];
  const [least, most] = RANGES[c.type(c.has(at + 1) ? at + 1 : 0)] ?? [-256, 256];
  const limit = (name: string): Record<string, number> | null => {
    if (c.attr(name) === undefined) return null;
    if (scale === null || zero === null) c.fail('its scale must be known where it clips');
    const v = Math.fround(Math.fround(c.float(name)) / scale);
    const down = Math.floor(v);
    const even = v - down > 0.5 || (v - down === 0.5 && down % 2 !== 0) ? down + 1 : down;
    return { [name === LOW ? 'low' : 'high']: Math.min(Math.max(even + zero, least), most) };
  };
  return { ...limit(LOW), ...limit(HIGH) };
}
function clipped(c: Call, y: Value, at: number): Value {
  const { low, high } = limits(c, at);
  return low === undefined && high === undefined ? y : Value.of(y.tensor().clamp(low ?? null, high ?? null), y.type);
}
/** Where sums at `scales` go: output scale `at` with its zero point behind it; null where it is not known. */
function target(c: Call, scales: Tensor, at: number): Target | null {
  const zero = single(c, at + 1);
  const type = c.has(at + 1) ? c.type(at + 1) : c.type(0);
  if (zero === null || (type !== 'int8' && type !== 'uint8')) return null;
  return { dtype: type, zero, ...limits(c, at), scales: scales.div(c.x(at).to('float32').reshape([])) };
}
/** A product at once: operands and zero points by their places, a bias of int32, scales for all or for each column. */
function byteResult(c: Call, a: Tensor, za: number, b: Tensor, zb: number, bias: Tensor | null, scale: Tensor, at: number): Value | null {
  const [x, y] = [single(c, za), single(c, zb)];
  if (x === null || y === null || (scale.numel > 1 && scale.ndim !== 1)) return null;
  const to = target(c, scale, at);
  const result = to === null ? null : byteProduct(a, b, [x, y], bias, to);
  return result === null ? null : Value.of(result);
}
function qlinearMatMul(c: Call): Value {
  const scale = factor(c.x(1), c.x(4), null);
  const whole = byteResult(c, c.x(0), 2, c.x(3), 5, null, scale, 6);
  return whole ?? requantised(wholeProduct(c.x(0), c.x(2), c.x(3), c.x(5)), scale, c, 6);
}

/** The exact convolution of whole images and weights. */
function wholeConvolution(c: Call, x: Tensor, zx: Tensor | null, w: Tensor, zw: Tensor | null): Tensor {
  const terms = w.shape.slice(1).reduce((a, b) => a * b, 1);
  const dtype = terms * 255 * 255 < 16777216 ? 'float32' : 'float64';
  const zero = zw === null || zw.numel === 1 ? zw?.reshape([]) : zw.reshape([-1, ...w.shape.slice(1).map(() => 1)]);
  const weights = zero === undefined ? w.to('int32') : w.to('int32').sub(zero.to('int32'));
  return convolution(c, centred(x, zx === null ? null : zx.reshape([]), true).to(dtype), weights.to(dtype), null).to('int32');
}
const windowed = (c: Call, x: Tensor, w: Tensor): Window => windowOf(c, x.shape.slice(2), c.intsOr('kernel_shape') ?? w.shape.slice(2));
function convInteger(c: Call): Tensor {
  const [x, w, zx, zw] = [c.x(0), c.x(1), single(c, 2), single(c, 3)];
  const sums =
    zx === null || zw === null || c.int('group', 1) !== 1 ? null : byteConvolution(x, w, windowed(c, x, w), 1, [zx, zw], null, null);
  return sums ?? wholeConvolution(c, x, c.opt(2), w, c.opt(3));
}
function qlinearConv(c: Call): Value {
  const [x, w, zx, zw] = [c.x(0), c.x(3), single(c, 2), single(c, 5)];
  const [own, scales] = [c.x(1), c.x(4)];
  if (own.numel !== 1 || (scales.numel !== 1 && scales.numel !== w.shape[0]))
    c.fail(`scales ${show(own.shape)} and ${show(scales.shape)}; x has one, w one or one for each of its ${w.shape[0]} outputs`);
  const bias = c.has(8) ? c.x(8).to('int32') : null;
  const to = zx === null || zw === null ? null : target(c, factor(c.x(1), c.x(4), null), 6);
  if (to !== null && zx !== null && zw !== null) {
    const y = byteConvolution(x, w, windowed(c, x, w), c.int('group', 1), [zx, zw], bias?.reshape([-1]) ?? null, to);
    if (y !== null) return Value.of(y);
  }
  let sum = wholeConvolution(c, x, c.opt(2), w, c.opt(5));
  const column = [-1, ...w.shape.slice(2).map(() => 1)];
  if (bias !== null) sum = sum.add(bias.reshape(column));
  return requantised(sum, factor(c.x(1), c.x(4), column), c, 6);
}

/** com.microsoft: a sum or product between dequantised values. */
const qlinearBinary = (times: boolean): Row => ({
  fixed: [1, 2, 4, 5, 6, 7],
  quantised: true,
  run(c) {
    const affine = (i: number): { scale: number; zero: number } | null => {
      const [scale, zero] = [single(c, i), single(c, i + 1)];
      return scale === null || zero === null ? null : { scale, zero };
    };
    const [a, b, y] = [affine(1), affine(4), affine(6)];
    const type = c.type(c.has(7) ? 7 : 0);
    if (a !== null && b !== null && y !== null && (type === 'int8' || type === 'uint8')) {
      const whole = byteJoin(c.x(0), c.x(3), times, a, b, { dtype: type, ...y, ...limits(c, 6) });
      if (whole !== null) return Value.of(whole);
    }
    const number = (i: number): Tensor => c.x(i).to('float32').reshape([]);
    const whole = (i: number): Tensor => centred(c.x(i), c.opt(i + 2)?.reshape([]) ?? null, true);
    const zero = c.opt(7)?.reshape([]) ?? null;
    if (times) {
      const ratio = number(1).mul(number(4)).div(number(6));
      return clipped(c, quantised(whole(0).mul(whole(3)).to('float32').mul(ratio), zero, type), 6);
    }
    // Each product and sum is one rounding of float32, and zero points are one term.
    const [ra, rb] = [number(1).div(number(6)), number(4).div(number(6))];
    const of = (i: number): Tensor => (c.has(i) ? number(i) : number(1).mul(0));
    const fixed = of(7).sub(ra.mul(of(2)).add(rb.mul(of(5))));
    const step = (i: number, by: Tensor, and: Tensor): Tensor =>
      c.x(i).to('float64').mul(by.to('float64')).add(and.to('float64')).to('float32');
    return clipped(c, quantised(step(0, ra, step(3, rb, fixed)), null, type), 6);
  },
});
const qlinearUnary = (f: (x: Tensor, c: Call) => Tensor): Row => ({
  fixed: [1, 2, 3, 4],
  run(c) {
    const x = centred(c.x(0), c.opt(2)?.reshape([]) ?? null, true)
      .to('float32')
      .mul(c.x(1).reshape([]));
    return clipped(c, quantised(f(x, c).div(c.x(3).reshape([])), c.opt(4)?.reshape([]) ?? null, c.type(c.has(4) ? 4 : 0)), 3);
  },
});
/** Means over images: exact sums, scaled once. */
function qlinearMean(c: Call): Value {
  const x = c.x(0);
  const places = x.shape.map((_, i) => i);
  const dims = c.int('channels_last', 0) ? places.slice(1, -1) : places.slice(2);
  const count = dims.reduce((n, d) => n * x.shape[d], 1);
  const sum = x.sum(dims, { keepdim: true, dtype: 'int32' });
  const moved = c.has(2) ? sum.sub(c.x(2).to('int32').reshape([]).mul(count)) : sum;
  const scale = c.x(1).reshape([]).div(c.x(3).reshape([]).mul(count));
  const type = c.type(c.has(4) ? 4 : 0);
  return clipped(c, quantised(moved.to('float32').mul(scale), c.opt(4)?.reshape([]) ?? null, type), 3);
}
function qgemm(c: Call): Value {
  const alpha = c.float('alpha', 1);
  const a = c.int('transA', 0) ? c.x(0).t() : c.x(0);
  const b = c.int('transB', 0) ? c.x(3).t() : c.x(3);
  const bias = c.has(6) ? c.x(6).to('int32') : null;
  const scale = factor(c.x(1), c.x(4), null);
  const scaled = alpha === 1 ? scale : scale.mul(alpha);
  const line = bias === null || (bias.numel === b.shape[1] && bias.shape.at(-1) === b.shape[1]);
  const whole = c.has(7) && line ? byteResult(c, a, 2, b, 5, bias?.reshape([-1]) ?? null, scaled, 7) : null;
  if (whole !== null) return whole;
  const exact = wholeProduct(a, c.opt(2), b, c.opt(5));
  const sum = bias === null ? exact : exact.add(bias);
  if (!c.has(7)) return Value.of(sum.to('float32').mul(scaled), 'float');
  return requantised(sum, scaled, c, 7);
}
function qconcat(c: Call): Value {
  const parts: Tensor[] = [];
  for (let i = 2; i < c.inputs.length; i += 3) {
    const zero = c.opt(i + 2)?.reshape([]) ?? null;
    parts.push(
      centred(c.x(i), zero, true)
        .to('float32')
        .mul(c.x(i + 1).reshape([])),
    );
  }
  return quantised(cat(parts, c.int('axis')).div(c.x(0).reshape([])), c.x(1).reshape([]), c.type(1));
}
/** x, quantised by its own range, times whole weights [in, out] with scale and zero point for all or for each column. */
export function dynamicProduct(x: Tensor, w: Tensor, scale: Tensor, zero: Tensor): Tensor {
  const [q, s, z] = dynamic(x);
  return wholeProduct(q.tensor(), z.tensor(), w, zero)
    .to('float32')
    .mul(factor(s.tensor(), scale, null));
}
function dynamicQuantizeMatMul(c: Call): Tensor {
  const [q, scale, zero] = dynamic(c.x(0));
  const sum = wholeProduct(q.tensor(), zero.tensor(), c.x(1), c.opt(3)).to('float32');
  const y = sum.mul(factor(scale.tensor(), c.x(2), null));
  return c.has(4) ? y.add(c.x(4)) : y;
}

/** Quantised operators. */
export const QUANTISED: Readonly<Record<string, Row>> = {
  QuantizeLinear: { fixed: [1, 2], run: quantizeLinear },
  DequantizeLinear: { fixed: [0, 1, 2], run: dequantizeLinear },
  DynamicQuantizeLinear: { run: (c) => dynamic(c.x(0)) },
  MatMulInteger: { quantised: true, run: (c) => wholeProduct(c.x(0), c.opt(2), c.x(1), c.opt(3)) },
  ConvInteger: { quantised: true, run: convInteger },
  QLinearMatMul: { quantised: true, fixed: [1, 2, 4, 5, 6, 7], run: qlinearMatMul },
  QLinearConv: { quantised: true, fixed: [1, 2, 4, 5, 6, 7], run: qlinearConv },
  'com.microsoft:QuantizeLinear': { fixed: [1, 2], run: quantizeLinear },
  'com.microsoft:DequantizeLinear': { fixed: [0, 1, 2], run: dequantizeLinear },
  'com.microsoft:QLinearAdd': qlinearBinary(false),
  'com.microsoft:QLinearMul': qlinearBinary(true),
  'com.microsoft:QLinearSigmoid': qlinearUnary((x) => x.sigmoid()),
  'com.microsoft:QLinearLeakyRelu': qlinearUnary((x, c) => x.leakyRelu(c.float('alpha', 0.01))),
  'com.microsoft:QLinearSoftmax': qlinearUnary((x, c) => x.softmax(c.int('axis', -1))),
  'com.microsoft:QLinearGlobalAveragePool': { fixed: [1, 2, 3, 4], run: qlinearMean },
  'com.microsoft:QLinearReduceMean': qlinearUnary((x, c) =>
    x.mean(c.intsOr('axes') ?? x.shape.map((_, i) => i), { keepdim: c.int('keepdims', 1) !== 0 }),
  ),
  'com.microsoft:QLinearConcat': { run: qconcat },
  'com.microsoft:QGemm': { quantised: true, fixed: [1, 2, 4, 5, 7, 8], run: qgemm },
  'com.microsoft:MatMulIntegerToFloat': {
    quantised: true,
    fixed: [2, 3, 4, 5],
    run: (c) => {
      const sum = wholeProduct(c.x(0), c.opt(4), c.x(1), c.opt(5)).to('float32');
      const y = sum.mul(factor(c.x(2), c.x(3), null));
      return c.has(6) ? y.add(c.x(6)) : y;
    },
  },
  'com.microsoft:DynamicQuantizeMatMul': { quantised: true, fixed: [2, 3], run: dynamicQuantizeMatMul },
};
