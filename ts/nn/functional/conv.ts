import { CATEGORY } from '../../base/dtype.ts';
import { ShapeError, ValueError } from '../../base/errors.ts';
import { show } from '../../base/shape.ts';
import { TABLE } from '../../ops/networks.ts';
import type { Attrs, KernelOp } from '../../ops/op.ts';
import { type Activation, activated, callKernel, fuses, type Tensor } from '../../tensor/index.ts';
import { batched, type Extent, extentOf, throughFloat } from './spatial.ts';

const row = (name: string): KernelOp => TABLE[name] as KernelOp;

/** How a convolution's kernel moves; PyTorch's defaults. */
export interface ConvOptions {
  readonly stride?: Extent;
  /** Zeros around the image; 'same' keeps its size (stride 1), 'valid' is 0. */
  readonly padding?: Extent | 'same' | 'valid';
  readonly dilation?: Extent;
  readonly groups?: number;
  /** Applied to the result: the values of a separate call, in one pass where no gradient is recorded. */
  readonly activation?: Activation;
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

/** Zeros before and after the image that keep its size; an odd one comes after, as in PyTorch. */
function samePadding(name: string, weight: Tensor, { stride = 1, dilation = 1 }: ConvOptions, dims: number): Attrs {
  if ([stride].flat().some((s) => s !== 1)) throw new ValueError(`${name}: padding 'same' needs stride 1; give the padding as numbers`);
  const total = extentOf(name, 'dilation', dilation, dims).map((d, i) => d * (weight.shape[2 + i] - 1));
  return { padding: total.map((t) => Math.floor(t / 2)), paddingEnd: total.map((t) => Math.ceil(t / 2)) };
}

function checkKernel(name: string, weight: Tensor, dims: number, what: string): void {
  if (weight.ndim !== dims + 2)
    throw new ShapeError(`${name}: weight ${show(weight.shape)} must have ${dims + 2} dimensions, [${what}, ...kernel]`);
}

function convolve(name: string, x: Tensor, weight: Tensor, bias: Tensor | null, options: ConvOptions, dims: number): Tensor {
  if (CATEGORY[x.dtype] === 1) {
    const whole = throughFloat(x, [weight, bias], ([a, b, c]) => convolve(name, a, b, c ?? null, options, dims));
    if (whole !== null) return whole;
  }
  const { stride, padding, dilation, groups, activation } = options;
  checkKernel(name, weight, dims, 'out, in / groups');
  const fused = fuses(activation, [x, weight, bias]);
  const attrs: Record<string, unknown> = padding === 'same' ? samePadding(name, weight, options, dims) : {};
  if (typeof padding !== 'string' && padding !== undefined) attrs.padding = extentOf(name, 'padding', padding, dims);
  if (stride !== undefined) attrs.stride = extentOf(name, 'stride', stride, dims);
  if (dilation !== undefined) attrs.dilation = extentOf(name, 'dilation', dilation, dims);
  if (groups !== undefined) attrs.groups = groups;
  if (fused) attrs.activation = activation;
  const y = batched(name, x, dims, (image) => callKernel(row('convolution'), [image, weight, bias], attrs)[0]);
  return activation === undefined || fused ? y : activated(y, activation);
}

/**
 * Convolution (cross-correlation) of x [N, C, L] with weight [O, C / groups, k], plus bias [O].
 * @throws ShapeError where shapes do not fit
 * @function
 * @example conv1d(ones([1, 1, 5]), ones([1, 1, 3])).arraySync() // [[[3, 3, 3]]]
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
/**
 * Convolution (cross-correlation) of x [N, C, D, H, W] with weight [O, C / groups, kd, kh, kw], plus bias [O].
 * @throws ShapeError where shapes do not fit
 * @function
 * @example conv3d(ones([1, 1, 4, 4, 4]), ones([2, 1, 3, 3, 3])).shape // [1, 2, 2, 2, 2]
 */
export function conv3d(x: Tensor, weight: Tensor, bias: Tensor | null = null, options: ConvOptions = {}): Tensor {
  return convolve('conv3d', x, weight, bias, options, 3);
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
  checkKernel(name, weight, dims, 'in, out / groups');
  const stride = extentOf(name, 'stride', options.stride ?? 1, dims);
  const padding = extentOf(name, 'padding', options.padding ?? 0, dims);
  const dilation = extentOf(name, 'dilation', options.dilation ?? 1, dims);
  const extra = extentOf(name, 'outputPadding', options.outputPadding ?? 0, dims);
  const y = batched(name, x, dims, (image) => {
    const inputSize = extra.map((e, i) => {
      if (e > 0 && e >= Math.max(stride[i], dilation[i]))
        throw new ValueError(`${name}: outputPadding ${e} must be smaller than stride (${stride[i]}) or dilation (${dilation[i]})`);
      return (image.shape[2 + i] - 1) * stride[i] + dilation[i] * (weight.shape[2 + i] - 1) + 1 - 2 * padding[i] + e;
    });
    const paddingEnd = padding.map((p, i) => p - extra[i]);
    return callKernel(row('convolutionInput'), [image, weight], {
      ...{ inputSize, stride, padding, paddingEnd, dilation, groups: options.groups ?? 1 },
    })[0];
  });
  return bias === null ? y : y.add_(bias.reshape([-1, ...new Array<number>(dims).fill(1)]));
}

/**
 * Transposed convolution of x [N, C, L] with weight [C, O / groups, k], plus bias [O]: the gradient of conv1d with respect to its input.
 * @function
 * @example convTranspose1d(ones([1, 1, 2]), ones([1, 1, 2]), null, { stride: 2 }).arraySync() // [[[1, 1, 1, 1]]]
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
 * Transposed convolution of x [N, C, D, H, W] with weight [C, O / groups, kd, kh, kw], plus bias [O].
 * @function
 * @example convTranspose3d(ones([1, 4, 2, 2, 2]), ones([4, 3, 2, 2, 2]), null, { stride: 2 }).shape // [1, 3, 4, 4, 4]
 */
export function convTranspose3d(x: Tensor, weight: Tensor, bias: Tensor | null = null, options: ConvTransposeOptions = {}): Tensor {
  return convolveTransposed('convTranspose3d', x, weight, bias, options, 3);
}
