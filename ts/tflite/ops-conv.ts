// Convolutions, products, pools and resizing: images are [n, h, w, c], weights [out, h, w, in], as wick's channels-last tensors.
import { CATEGORY } from '../base/dtype.ts';
import { FormatError } from '../base/errors.ts';
import { sizeOf } from '../base/shape.ts';
import { conv3d } from '../nn/functional/conv.ts';
import type { KernelOp } from '../ops/op.ts';
import { integerPool, integerResize, type Multiplier } from '../ops/quantised.ts';
import { type Convolution, integerConvolution, integerDepthwise, LONGEST } from '../ops/quantised-conv.ts';
import { TABLE } from '../ops/table.ts';
import { call } from '../quant/index.ts';
import { callKernel } from '../tensor/call.ts';
import { linear, matmul, pad, type Tensor, tensor } from '../tensor/index.ts';
import { type Call, operators } from './call.ts';
import { fround, multiplierOf, quantisedClamp } from './fixed.ts';
import { activated } from './ops-elementwise.ts';
import { dequantised, type Rescaling, requantised, scaleTensor } from './quantised.ts';

/** Where windows lie along one dimension. */
interface Line {
  readonly out: number;
  readonly before: number;
  readonly after: number;
}
/** The windows of SAME (0) or VALID (1) padding. */
export function windows(padding: number, size: number, kernel: number, stride: number, dilation = 1): Line {
  if (stride < 1 || dilation < 1 || kernel < 1)
    throw new FormatError(`a kernel of ${kernel} with stride ${stride} and dilation ${dilation}`);
  const extent = (kernel - 1) * dilation + 1;
  if (padding === 1) return { out: Math.max(0, Math.ceil((size - extent + 1) / stride)), before: 0, after: 0 };
  const out = Math.ceil(size / stride);
  const total = Math.max(0, (out - 1) * stride + extent - size);
  return { out, before: Math.floor(total / 2), after: Math.ceil(total / 2) };
}

const image = (x: Tensor): Tensor => x.permute([0, 3, 1, 2]);
const back = (y: Tensor): Tensor => y.permute([0, 2, 3, 1]);
function need(x: Tensor, rank: number, what: string): void {
  if (x.ndim !== rank) throw new FormatError(`its ${what} has the shape [${x.shape}]; ${rank} dimensions are needed`);
}

/** Weights as floats: dequantised where the file stores them as integers. */
function floats(c: Call, i: number): Tensor {
  const w = c.x(i);
  return CATEGORY[w.dtype] === 2
    ? w.dtype === 'float32'
      ? w
      : c.derived(i, 'float32', () => w.to('float32'))
    : c.derived(i, 'dequantised', () => dequantised(c, i));
}
const biasOf = (c: Call, i: number): Tensor | null => (c.maybe(i) === null ? null : floats(c, i).reshape([-1]));

/** From sums of products to the result: one number for each scale of the weights. */
function productScales(c: Call, x: number, w: number): number[] {
  const { quantization } = c.info(w);
  if (quantization === null) throw new FormatError('its weights have no scale');
  const [qx, qy] = [c.q(x), c.outQ()];
  return quantization.scale.map((s) => (qx.scale * s) / qy.scale);
}
/** The same as fixed-point multipliers; where there is one scale for all, uint8 multiplies both in float32. */
function productMultipliers(c: Call, x: number, w: number): Multiplier[] {
  const { quantization } = c.info(w);
  if (c.x(x).dtype === 'uint8' && quantization?.scale.length === 1)
    return [multiplierOf(fround(c.q(x).scale * quantization.scale[0]) / c.outQ().scale)];
  return productScales(c, x, w).map(multiplierOf);
}
/** Exact sums (whole numbers in float64, or integers) with the bias, at the scale of the result. */
function finished(
  c: Call,
  sum: Tensor,
  scales: readonly Multiplier[] | readonly number[],
  bias: Tensor | null,
  activation: number,
): Tensor {
  const dtype = c.outType();
  const q = c.outQ();
  const wide =
    dtype === 'int16' && (bias === null ? c.op.name === 'DEPTHWISE_CONV_2D' || c.op.name === 'TRANSPOSE_CONV' : bias.dtype === 'int64');
  const how: Rescaling = { zero: q.zero, bias: bias?.reshape([-1]) ?? null, wide, ...quantisedClamp(activation, dtype, q) };
  return requantised(sum, dtype, scales, how);
}
/** Integers less their zero point, as whole numbers in float64: their sums of products are exact. */
const exact = (x: Tensor, zero: number): Tensor => (zero === 0 ? x.to('float64') : x.to('float64').sub(zero));
const zeroOf = (c: Call, i: number): number => c.info(i).quantization?.zero[0] ?? 0;

interface Movement {
  readonly stride: readonly [number, number];
  readonly dilation: readonly [number, number];
  readonly lines: readonly [Line, Line];
}
function convolve(x: Tensor, w: Tensor, bias: Tensor | null, { stride, dilation, lines }: Movement, groups: number, act = 0): Tensor {
  const attrs = { stride, dilation, groups, padding: lines.map((l) => l.before), paddingEnd: lines.map((l) => l.after) };
  // Right behind the convolution, an activation joins its last pass.
  return back(activated(callKernel(TABLE.convolution as KernelOp, [image(x), w, bias], attrs)[0], act));
}
/** The weight as convolutions take it, [out, in / groups, h, w]. */
const kernelOf = (w: Tensor, depthwise: boolean): Tensor => (depthwise ? w.permute([3, 0, 1, 2]) : w.permute([0, 3, 1, 2]));

const isByte = (x: Tensor): boolean => x.dtype === 'int8' || x.dtype === 'uint8';
/** Bytes to bytes by the kernels made for them. */
function byteConvolution(
  c: Call,
  x: Tensor,
  w: Tensor,
  scales: readonly Multiplier[] | readonly number[],
  how: Pick<Convolution, 'stride' | 'dilation' | 'padding' | 'out'>,
  act: number,
): Tensor {
  const dtype = c.outType();
  const q = c.outQ();
  const attrs: Convolution = { dtype, ...how, xZero: c.q(0).zero, wZero: zeroOf(c, 1), zero: q.zero, ...quantisedClamp(act, dtype, q) };
  const row = c.op.name === 'DEPTHWISE_CONV_2D' ? integerDepthwise : integerConvolution;
  return call(
    row,
    [x, w, c.maybe(2), c.derived(1, `scales of operator ${c.op.index} in ${c.frame.graph.index}`, () => scaleTensor(scales))],
    { ...attrs },
  );
}

function convolution(c: Call, depthwise: boolean): Tensor {
  const [x, w] = [c.x(0), c.x(1)];
  need(x, 4, 'image');
  need(w, 4, 'weight');
  const o = c.options;
  const [sw, sh, act] = depthwise ? [o.i32(1), o.i32(2), o.i8(4)] : [o.i32(1), o.i32(2), o.i8(3)];
  const [dw, dh] = depthwise ? [o.i32(5, 1), o.i32(6, 1)] : [o.i32(4, 1), o.i32(5, 1)];
  const [, kh, kw, depth] = w.shape;
  const channels = x.shape[3];
  const groups = depthwise ? channels : channels / depth;
  const outs = depthwise ? depth : w.shape[0];
  if (!Number.isInteger(groups) || groups < 1 || outs % groups !== 0)
    throw new FormatError(`a weight [${w.shape}] for an image of ${channels} channels`);
  const lines = [windows(o.i8(0), x.shape[1], kh, sh, dh), windows(o.i8(0), x.shape[2], kw, sw, dw)] as const;
  const move: Movement = { stride: [sh, sw], dilation: [dh, dw], lines };
  c.room([x.shape[0], lines[0].out, lines[1].out, outs]);
  if (CATEGORY[x.dtype] === 2) {
    const kernel = c.derived(1, depthwise ? 'depthwise kernel' : 'kernel', () => kernelOf(floats(c, 1), depthwise).contiguous());
    return convolve(x, kernel, biasOf(c, 2), move, groups, act);
  }
  const scales = productMultipliers(c, 0, 1);
  if (isByte(x) && isByte(w) && (depthwise || groups === 1) && sizeOf(w.shape.slice(1)) <= LONGEST)
    return byteConvolution(
      c,
      x,
      w,
      scales,
      { stride: [sh, sw], dilation: [dh, dw], padding: [lines[0].before, lines[1].before], out: [lines[0].out, lines[1].out] },
      act,
    );
  const weight = c.derived(1, 'exact', () => exact(w, zeroOf(c, 1)));
  return finished(c, convolve(exact(x, c.q(0).zero), kernelOf(weight, depthwise), null, move, groups), scales, c.maybe(2), act);
}

function fullyConnected(c: Call): Tensor {
  const [given, w] = [c.x(0), c.x(1)];
  need(w, 2, 'weight');
  if (c.options.i8(1) !== 0) throw new FormatError('shuffled weights are not implemented');
  const [units, depth] = w.shape;
  const act = c.options.i8(0);
  const keeps = c.options.bool(2);
  const shape = keeps ? [...given.shape.slice(0, -1), units] : [sizeOf(given.shape) / Math.max(1, depth), units];
  if (depth === 0 || sizeOf(given.shape) % depth !== 0 || (keeps && given.shape.at(-1) !== depth))
    throw new FormatError(`a weight [${w.shape}] for an input [${given.shape}]`);
  const x = given.reshape([-1, depth]);
  if (CATEGORY[x.dtype] === 2) return activated(linear(x, floats(c, 1), biasOf(c, 2)), act).reshape(shape);
  if (isByte(x) && isByte(w) && depth <= LONGEST) {
    const how = { stride: [1, 1], dilation: [1, 1], padding: [0, 0], out: [1, x.shape[0]] } as const;
    const images = [x.reshape([1, 1, -1, depth]), w.reshape([units, 1, 1, depth])] as const;
    return byteConvolution(c, ...images, productScales(c, 0, 1), how, act).reshape(shape);
  }
  const weight = c.derived(1, 'exact', () => exact(w, zeroOf(c, 1)));
  const sum = matmul(exact(x, c.q(0).zero), weight.transpose(0, 1));
  // The reference kernel of this operator rounds once, in float64.
  return finished(c, sum, productScales(c, 0, 1), c.maybe(2), act).reshape(shape);
}

function batchMatmul(c: Call): Tensor {
  const [a, b] = [c.x(0), c.x(1)];
  const turned = (x: Tensor, on: boolean): Tensor => (on ? x.transpose(-2, -1) : x);
  const [adjX, adjY] = [c.options.bool(0), c.options.bool(1)];
  if (a.ndim < 2 || b.ndim < 2) throw new FormatError(`[${a.shape}] x [${b.shape}]`);
  if (CATEGORY[a.dtype] === 2) return matmul(turned(a, adjX), turned(floats(c, 1), adjY));
  const sum = matmul(turned(exact(a, c.q(0).zero), adjX), turned(exact(b, c.q(1).zero), adjY));
  const dtype = c.outType();
  if (!c.quantised()) return sum.to(dtype);
  const by = multiplierOf(fround(c.q(0).scale * c.q(1).scale) / c.outQ().scale);
  return requantised(sum, dtype, [by], { zero: c.outQ().zero, wide: dtype === 'int16' });
}

/** The gradient of a convolution with respect to its image: inputs are the size, the weight, the image. */
function transposed(c: Call): Tensor {
  const size = c.numbers(0);
  const [w, x] = [c.x(1), c.x(2)];
  need(x, 4, 'image');
  need(w, 4, 'weight');
  const [outs, kh, kw, depth] = w.shape;
  const [sw, sh, act] = [c.options.i32(1), c.options.i32(2), c.options.i8(3)];
  if (size.length !== 4 || depth !== x.shape[3] || size[3] !== outs || size[0] !== x.shape[0])
    throw new FormatError(`a weight [${w.shape}] from [${x.shape}] to [${size}]`);
  c.room(size);
  const lines = [windows(c.options.i8(0), size[1], kh, sh), windows(c.options.i8(0), size[2], kw, sw)];
  lines.forEach(({ out }, d) => {
    if (out !== x.shape[1 + d]) throw new FormatError(`an image [${x.shape}] does not come from [${size}]`);
  });
  const run = (image: Tensor, weight: Tensor): Tensor => {
    const attrs = {
      inputSize: size.slice(1, 3),
      stride: [sh, sw],
      dilation: [1, 1],
      groups: 1,
      padding: lines.map((l) => l.before),
      paddingEnd: lines.map((l, d) => Math.max(l.after, (l.out - 1) * [sh, sw][d] + w.shape[1 + d] - size[1 + d] - l.before)),
    };
    return back(callKernel(TABLE.convolutionInput as KernelOp, [image.permute([0, 3, 1, 2]), weight.permute([3, 0, 1, 2])], attrs)[0]);
  };
  if (CATEGORY[x.dtype] === 2) {
    const y = run(x, floats(c, 1));
    const bias = biasOf(c, 3);
    return activated(bias === null ? y : y.add(bias), act);
  }
  const weight = c.derived(1, 'exact', () => exact(w, zeroOf(c, 1)));
  return finished(c, run(exact(x, c.q(2).zero), weight), productMultipliers(c, 2, 1), c.maybe(3), act);
}

function convolution3d(c: Call): Tensor {
  const [x, w] = [c.x(0), c.x(1)];
  need(x, 5, 'image');
  need(w, 5, 'weight');
  const o = c.options;
  const stride = [o.i32(1), o.i32(3), o.i32(2)];
  const dilation = [o.i32(5, 1), o.i32(7, 1), o.i32(6, 1)];
  const lines = stride.map((s, d) => windows(o.i8(0), x.shape[1 + d], w.shape[d], s, dilation[d]));
  c.room([x.shape[0], ...lines.map(({ out }) => out), w.shape[4]]);
  c.room([x.shape[0], ...lines.map(({ before, after }, d) => x.shape[1 + d] + before + after), x.shape[4]]);
  const borders = [0, 0, ...[...lines].reverse().flatMap((l) => [l.before, l.after])];
  const y = conv3d(pad(x, borders).permute([0, 4, 1, 2, 3]), floats(c, 1).permute([4, 3, 0, 1, 2]), biasOf(c, 2), {
    ...{ stride: stride as [number, number, number], dilation: dilation as [number, number, number] },
    groups: x.shape[4] / w.shape[3],
  });
  return activated(y.permute([0, 2, 3, 4, 1]), o.i8(4));
}

type Pool = (
  x: Tensor,
  window: { readonly size: [number, number]; readonly stride: [number, number]; readonly lines: readonly [Line, Line] },
) => Tensor;
const pooled =
  (fn: Pool, mean: boolean) =>
  (c: Call): Tensor => {
    const x = c.x(0);
    need(x, 4, 'image');
    const o = c.options;
    const size: [number, number] = [o.i32(4), o.i32(3)];
    const stride: [number, number] = [o.i32(2), o.i32(1)];
    const lines = [windows(o.i8(0), x.shape[1], size[0], stride[0]), windows(o.i8(0), x.shape[2], size[1], stride[1])] as const;
    const out: [number, number] = [lines[0].out, lines[1].out];
    c.room([x.shape[0], ...out, x.shape[3]]);
    c.list(out[0] * out[1]);
    c.room([x.shape[0], ...lines.map(({ before, after }, d) => x.shape[1 + d] + before + after), x.shape[3]]);
    const activation = o.i8(5);
    if (CATEGORY[x.dtype] === 2) return activated(fn(x, { size, stride, lines }), activation);
    const padding = lines.map((l) => l.before);
    return call(integerPool, [x], { mean, size, stride, padding, out, ...quantisedClamp(activation, x.dtype, c.outQ()) });
  };
/** The image with borders of a value, as [n, c, h, w]. */
const bordered = (x: Tensor, [a, b]: readonly [Line, Line], value: number): Tensor =>
  image(a.before + a.after + b.before + b.after === 0 ? x : pad(x, [0, 0, b.before, b.after, a.before, a.after], { value }));
const windowSum: Pool = (x, { size, stride, lines }) => {
  const attrs = { kernelSize: size, stride, divisorOverride: 1 };
  return back(callKernel(TABLE.avgPool as KernelOp, [bordered(x, lines, 0)], attrs)[0]);
};
/** How many pixels each window sees. */
function counts(x: Tensor, { size, stride, lines }: Parameters<Pool>[1]): Tensor {
  const line = ({ out, before }: Line, d: number): number[] =>
    Array.from({ length: out }, (_, i) => Math.min(x.shape[1 + d], i * stride[d] - before + size[d]) - Math.max(0, i * stride[d] - before));
  const [h, w] = lines.map(line);
  return tensor(
    h.map((a) => w.map((b) => [a * b])),
    { dtype: x.dtype },
  );
}
const averaged: Pool = (x, window) => windowSum(x, window).div(counts(x, window));
const largest: Pool = (x, { size, stride, lines }) =>
  back(callKernel(TABLE.maxPool as KernelOp, [bordered(x, lines, Number.NEGATIVE_INFINITY)], { kernelSize: size, stride })[0]);

/** Places in the source of a bilinear resize, in float32 as TensorFlow Lite computes them. */
function places(
  n: number,
  out: number,
  align: boolean,
  centers: boolean,
): { readonly low: number[]; readonly high: number[]; readonly part: number[] } {
  const scale = align && out > 1 ? fround((n - 1) / (out - 1)) : fround(n / out);
  const at = Array.from({ length: out }, (_, i) => (centers ? fround(fround(fround(i + 0.5) * scale) - 0.5) : fround(i * scale)));
  const low = at.map((v) => Math.min(Math.max(Math.floor(v), 0), n - 1));
  return { low, high: at.map((v) => Math.max(0, Math.min(Math.ceil(v), n - 1))), part: at.map((v, i) => fround(v - low[i])) };
}
function resizeBilinear(c: Call): Tensor {
  const x = c.x(0);
  need(x, 4, 'image');
  const [oh, ow] = c.numbers(1);
  const [align, centers] = [c.options.bool(2), c.options.bool(3)];
  const [n, h, w, k] = x.shape;
  c.room([n, oh, ow, k]);
  c.list(oh + ow);
  if (h === 0 || w === 0) throw new FormatError(`resizes [${x.shape}]`);
  if (CATEGORY[x.dtype] !== 2) {
    const step = (from: number, to: number): number => {
      const [a, b] = align && to > 1 ? [from - 1, to - 1] : [from, to];
      return Math.trunc((1024 * a + Math.trunc(b / 2)) / b);
    };
    return call(integerResize, [x], { out: [oh, ow], scale: [step(h, oh), step(w, ow)], centers });
  }
  const [rows, columns] = [places(h, oh, align, centers), places(w, ow, align, centers)];
  const pick = (y: Tensor, d: number, at: readonly number[]): Tensor => y.indexSelect(d, tensor([...at], { dtype: 'int32' }));
  const part = (list: readonly number[], shape: number[]): Tensor => tensor([...list], { dtype: 'float32' }).reshape(shape);
  const fy = part(rows.part, [oh, 1, 1]);
  const fx = part(columns.part, [ow, 1]);
  const top = pick(x, 1, rows.low);
  const tall = top.add(pick(x, 1, rows.high).sub(top).mul(fy));
  const left = pick(tall, 2, columns.low);
  return left.add(pick(tall, 2, columns.high).sub(left).mul(fx));
}
function resizeNearest(c: Call): Tensor {
  const x = c.x(0);
  need(x, 4, 'image');
  const out = c.numbers(1);
  const [align, centers] = [c.options.bool(0), c.options.bool(1)];
  c.room([x.shape[0], out[0], out[1], x.shape[3]]);
  c.list(out[0] + out[1]);
  return [0, 1].reduce((y, d) => {
    const [n, m] = [x.shape[1 + d], out[d]];
    const scale = align && m > 1 ? fround((n - 1) / (m - 1)) : fround(n / m);
    const at = Array.from({ length: m }, (_, i) => {
      const v = fround((i + (centers ? 0.5 : 0)) * scale);
      // Ties away from zero, as std::round.
      return Math.max(0, Math.min(align ? Math.floor(v + 0.5) : Math.floor(v), n - 1));
    });
    return y.indexSelect(1 + d, tensor(at, { dtype: 'int32' }));
  }, x);
}

operators({
  CONV_2D: (c) => convolution(c, false),
  DEPTHWISE_CONV_2D: (c) => convolution(c, true),
  CONV_3D: convolution3d,
  TRANSPOSE_CONV: transposed,
  FULLY_CONNECTED: fullyConnected,
  BATCH_MATMUL: batchMatmul,
  AVERAGE_POOL_2D: pooled(averaged, true),
  MAX_POOL_2D: pooled(largest, false),
  L2_POOL_2D: (c) => pooled((x, window) => averaged(x.mul(x), window).sqrt(), true)(c),
  RESIZE_BILINEAR: resizeBilinear,
  RESIZE_NEAREST_NEIGHBOR: resizeNearest,
  LOCAL_RESPONSE_NORMALIZATION: (c) => {
    const x = c.x(0);
    const [radius, bias, alpha, beta] = [c.options.i32(0), c.options.f32(1), c.options.f32(2), c.options.f32(3)];
    const k = x.shape.at(-1) as number;
    if (radius < 0) throw new FormatError(`a radius of ${radius}`);
    const wide = pad(x.mul(x), [Math.min(radius, k), Math.min(radius, k)]);
    const reach = Math.min(radius, k);
    c.turns(2 * reach + 1);
    const sum = Array.from({ length: 2 * reach + 1 }, (_, i) => wide.narrow(-1, i, k)).reduce((a, b) => a.add(b));
    return x.mul(sum.mul(alpha).add(bias).pow(-beta));
  },
});
