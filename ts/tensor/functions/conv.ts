import { CATEGORY } from '../../base/dtype.ts';
import { ShapeError, ValueError } from '../../base/errors.ts';
import { show } from '../../base/shape.ts';
import type { KernelOp } from '../../ops/op.ts';
import { TABLE } from '../../ops/table.ts';
import { callKernel } from '../call.ts';
import type { Tensor } from '../core.ts';
import { pad } from './padding.ts';

const row = (name: string): KernelOp => TABLE[name] as KernelOp;

/** One number for all spatial dimensions, or one each. */
export type Extent = number | readonly number[];

/** How a convolution's kernel moves; PyTorch's defaults. */
export interface ConvOptions {
  readonly stride?: Extent;
  /** Zeros around the image; 'same' keeps its size (stride 1), 'valid' is 0. */
  readonly padding?: Extent | 'same' | 'valid';
  readonly dilation?: Extent;
  readonly groups?: number;
}
/** How a transposed convolution's kernel moves. */
export interface ConvTransposeOptions {
  readonly stride?: Extent;
  readonly padding?: Extent;
  /** Added to one side of the output's size: which of the possible input sizes of the convolution is meant. */
  readonly outputPadding?: Extent;
  readonly dilation?: Extent;
  readonly groups?: number;
}

/** One number per spatial dimension; with one dimension, a height of `rest` comes first. */
export function pairOf(name: string, what: string, value: Extent, dims: number, rest: number): [number, number] {
  if (typeof value === 'number') return dims === 1 ? [rest, value] : [value, value];
  const list = value.length === 1 ? new Array<number>(dims).fill(value[0]) : value;
  if (list.length !== dims) throw new ValueError(`${name}: ${what} ${show(list)} must be a number or ${dims} numbers`);
  return dims === 1 ? [rest, list[0]] : [list[0], list[1]];
}

/** x as [N, C, H, W]: adds the batch and the height that are missing; `restore` takes them away again. */
export function asImage(name: string, x: Tensor, dims: number): { image: Tensor; restore: (y: Tensor) => Tensor } {
  if (x.ndim !== dims + 1 && x.ndim !== dims + 2)
    throw new ShapeError(
      `${name}: input ${show(x.shape)} must have ${dims + 1} or ${dims + 2} dimensions, [${dims === 1 ? 'N, C, L' : 'N, C, H, W'}] with N optional`,
    );
  const single = x.ndim === dims + 1;
  const batch = single ? x.unsqueeze(0) : x;
  const restore = (y: Tensor): Tensor => {
    const flat = dims === 1 ? y.squeeze(2) : y;
    return single ? flat.squeeze(0) : flat;
  };
  return { image: dims === 1 ? batch.unsqueeze(2) : batch, restore };
}

function samePadding(name: string, weight: Tensor, stride: Extent, dilation: readonly number[]): [number, number] {
  if ([stride].flat().some((s) => s !== 1)) throw new ValueError(`${name}: padding 'same' needs stride 1; give the padding as numbers`);
  const sides = [weight.shape[2], weight.shape[3]].map((k, i) => {
    const total = dilation[i] * (k - 1);
    if (total % 2 !== 0)
      throw new ValueError(`${name}: padding 'same' needs an odd kernel, not ${k} with dilation ${dilation[i]}; pad the input first`);
    return total / 2;
  });
  return [sides[0], sides[1]];
}

/** Whole numbers are computed in float64, which holds them exactly up to 2^53. */
export function throughFloat(x: Tensor, others: readonly (Tensor | null)[], run: (tensors: Tensor[]) => Tensor): Tensor | null {
  if (CATEGORY[x.dtype] !== 1 || others.some((t) => t !== null && t.dtype !== x.dtype)) return null;
  return run([x, ...others.filter((t) => t !== null)].map((t) => t.to('float64'))).to(x.dtype);
}

function convolve(name: string, x: Tensor, weight: Tensor, bias: Tensor | null, options: ConvOptions, dims: number): Tensor {
  const whole = throughFloat(x, [weight, bias], ([a, b, c]) => convolve(name, a, b, c ?? null, options, dims));
  if (whole !== null) return whole;
  const { stride = 1, padding = 0, dilation = 1, groups = 1 } = options;
  if (weight.ndim !== dims + 2)
    throw new ShapeError(`${name}: weight ${show(weight.shape)} must have ${dims + 2} dimensions, [out, in / groups, ...kernel]`);
  const { image, restore } = asImage(name, x, dims);
  const w = dims === 1 ? weight.unsqueeze(2) : weight;
  const d = pairOf(name, 'dilation', dilation, dims, 1);
  const p = padding === 'same' ? samePadding(name, w, stride, d) : pairOf(name, 'padding', padding === 'valid' ? 0 : padding, dims, 0);
  return restore(
    callKernel(row('convolution'), [image, w, bias], {
      stride: pairOf(name, 'stride', stride, dims, 1),
      padding: p,
      dilation: d,
      groups,
    })[0],
  );
}

/**
 * Convolution (cross-correlation) of x [N, C, L] with weight [O, C / groups, k], plus bias [O].
 * @throws ShapeError where shapes do not fit
 * @function
 * @example conv1d(ones([1, 1, 5]), ones([1, 1, 3])).tolist() // [[[3, 3, 3]]]
 */
export function conv1d(x: Tensor, weight: Tensor, bias: Tensor | null = null, options: ConvOptions = {}): Tensor {
  return convolve('conv1d', x, weight, bias, options, 1);
}
/**
 * Convolution (cross-correlation) of x [N, C, H, W] with weight [O, C / groups, kh, kw], plus bias [O].
 * @throws ShapeError where shapes do not fit
 * @function
 * @example conv2d(ones([1, 3, 8, 8]), ones([4, 3, 3, 3]), null, { padding: 1 }).shape // [1, 4, 8, 8]
 */
export function conv2d(x: Tensor, weight: Tensor, bias: Tensor | null = null, options: ConvOptions = {}): Tensor {
  return convolve('conv2d', x, weight, bias, options, 2);
}

function convolveTransposed(
  name: string,
  x: Tensor,
  weight: Tensor,
  bias: Tensor | null,
  options: ConvTransposeOptions,
  dims: number,
): Tensor {
  const whole = throughFloat(x, [weight, bias], ([a, b, c]) => convolveTransposed(name, a, b, c ?? null, options, dims));
  if (whole !== null) return whole;
  const { groups = 1 } = options;
  if (weight.ndim !== dims + 2)
    throw new ShapeError(`${name}: weight ${show(weight.shape)} must have ${dims + 2} dimensions, [in, out / groups, ...kernel]`);
  const { image, restore } = asImage(name, x, dims);
  const w = dims === 1 ? weight.unsqueeze(2) : weight;
  const stride = pairOf(name, 'stride', options.stride ?? 1, dims, 1);
  const padding = pairOf(name, 'padding', options.padding ?? 0, dims, 0);
  const dilation = pairOf(name, 'dilation', options.dilation ?? 1, dims, 1);
  const extra = pairOf(name, 'outputPadding', options.outputPadding ?? 0, dims, 0);
  const size = [0, 1].map((i) => {
    if (extra[i] > 0 && extra[i] >= Math.max(stride[i], dilation[i]))
      throw new ValueError(`${name}: outputPadding ${extra[i]} must be smaller than stride (${stride[i]}) or dilation (${dilation[i]})`);
    return (image.shape[2 + i] - 1) * stride[i] + dilation[i] * (w.shape[2 + i] - 1) + 1;
  });
  // A convolution of the output's size gives x's size back only where the extra is smaller than the stride: else all of it is computed and cut.
  const fits = extra.every((e, i) => e < stride[i]);
  const inputSize = fits ? size.map((n, i) => n - 2 * padding[i] + extra[i]) : size;
  const full = callKernel(row('convolutionInput'), [image, w], {
    inputSize,
    stride,
    padding: fits ? padding : [0, 0],
    dilation,
    groups,
  })[0];
  const y = restore(
    fits
      ? full
      : pad(
          full,
          [1, 0].flatMap((i) => [-padding[i], extra[i] - padding[i]]),
        ),
  );
  return bias === null ? y : y.add(bias.reshape([-1, ...new Array<number>(dims).fill(1)]));
}

/**
 * Transposed convolution of x [N, C, L] with weight [C, O / groups, k], plus bias [O]: the gradient of conv1d with respect to its input.
 * @function
 * @example convTranspose1d(ones([1, 1, 2]), ones([1, 1, 2]), null, { stride: 2 }).tolist() // [[[1, 1, 1, 1]]]
 */
export function convTranspose1d(x: Tensor, weight: Tensor, bias: Tensor | null = null, options: ConvTransposeOptions = {}): Tensor {
  return convolveTransposed('convTranspose1d', x, weight, bias, options, 1);
}
/**
 * Transposed convolution of x [N, C, H, W] with weight [C, O / groups, kh, kw], plus bias [O].
 * @function
 * @example convTranspose2d(ones([1, 4, 8, 8]), ones([4, 3, 2, 2]), null, { stride: 2 }).shape // [1, 3, 16, 16]
 */
export function convTranspose2d(x: Tensor, weight: Tensor, bias: Tensor | null = null, options: ConvTransposeOptions = {}): Tensor {
  return convolveTransposed('convTranspose2d', x, weight, bias, options, 2);
}

/**
 * Affine map x @ weight.T + bias of the last dimension; weight is [out, in], bias [out].
 * @throws ShapeError where shapes do not fit
 * @function
 * @example linear(ones([2, 3]), ones([4, 3])).tolist() // twice [3, 3, 3, 3]
 */
export function linear(x: Tensor, weight: Tensor, bias: Tensor | null = null): Tensor {
  return callKernel(row('linear'), [x, weight, bias], {})[0];
}
