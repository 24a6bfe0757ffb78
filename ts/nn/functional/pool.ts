import { CATEGORY } from '../../base/dtype.ts';
import { ShapeError, ValueError } from '../../base/errors.ts';
import { show } from '../../base/shape.ts';
import { TABLE } from '../../ops/networks.ts';
import type { Attrs, KernelOp } from '../../ops/op.ts';
import { callKernel, type Tensor, zeros } from '../../tensor/index.ts';
import { batched, type Extent, extentOf, throughFloat } from './spatial.ts';

/** Windows of a maximum pool; stride defaults to the kernel's size. */
export interface MaxPoolOptions {
  readonly stride?: Extent;
  readonly padding?: Extent;
  readonly dilation?: Extent;
  /** Round the output size up instead of down. */
  readonly ceilMode?: boolean;
}
/** Windows of an average pool; stride defaults to the kernel's size. */
export interface AvgPoolOptions {
  readonly stride?: Extent;
  readonly padding?: Extent;
  readonly ceilMode?: boolean;
  /** Whether padding counts as zeros in the mean; default true. */
  readonly countIncludePad?: boolean;
  /** Divide by this instead of the size of the window. */
  readonly divisorOverride?: number;
}

function run(op: string, name: string, x: Tensor, attrs: Attrs, dims: number): Tensor[] {
  return batched(name, x, dims, (image) => callKernel(TABLE[op] as KernelOp, [image], attrs));
}

function windowOf(name: string, kernelSize: Extent, options: MaxPoolOptions, dims: number): Attrs {
  return {
    kernelSize: extentOf(name, 'kernelSize', kernelSize, dims),
    stride: extentOf(name, 'stride', options.stride ?? kernelSize, dims),
    padding: extentOf(name, 'padding', options.padding ?? 0, dims),
    ceilMode: options.ceilMode ?? false,
  };
}
function maxima(name: string, x: Tensor, kernelSize: Extent, options: MaxPoolOptions, dims: number): [Tensor, Tensor] {
  if (CATEGORY[x.dtype] === 1) {
    const [values, indices] = maxima(name, x.to('float64'), kernelSize, options, dims);
    return [values.to(x.dtype), indices];
  }
  const attrs = { ...windowOf(name, kernelSize, options, dims), dilation: extentOf(name, 'dilation', options.dilation ?? 1, dims) };
  const [values, indices] = run('maxPool', name, x, attrs, dims);
  return [values, indices];
}
function averages(name: string, x: Tensor, kernelSize: Extent, options: AvgPoolOptions, dims: number): Tensor {
  const whole = throughFloat(x, [], ([a]) => averages(name, a, kernelSize, options, dims));
  if (whole !== null) return whole;
  const { countIncludePad = true, divisorOverride } = options;
  const attrs = {
    ...windowOf(name, kernelSize, options, dims),
    countIncludePad,
    ...(divisorOverride === undefined ? {} : { divisorOverride }),
  };
  return run('avgPool', name, x, attrs, dims)[0];
}
/** An output size of an adaptive pool; null keeps the size of the input. */
export type AdaptiveSize = number | readonly (number | null)[];
function adaptive(op: string, name: string, x: Tensor, outputSize: AdaptiveSize, dims: number): Tensor[] {
  const list = typeof outputSize === 'number' ? new Array<number>(dims).fill(outputSize) : outputSize;
  if (list.length !== dims)
    throw new ValueError(`${name}: outputSize must be a number or ${dims} numbers; null keeps the size of the input`);
  return run(op, name, x, { outputSize: list.map((s, i) => s ?? x.shape[x.ndim - dims + i]) }, dims);
}

/** Maximum over windows of x [N, C, L]. @function @example maxPool1d(tensor([[[1, 3, 2, 4]]]), 2).arraySync() // [[[3, 4]]] */
export function maxPool1d(x: Tensor, kernelSize: Extent, options: MaxPoolOptions = {}): Tensor {
  return maxima('maxPool1d', x, kernelSize, options, 1)[0];
}
/** Maximum over windows of x [N, C, H, W]. @function @example maxPool2d(ones([1, 1, 4, 4]), 2).shape // [1, 1, 2, 2] */
export function maxPool2d(x: Tensor, kernelSize: Extent, options: MaxPoolOptions = {}): Tensor {
  return maxima('maxPool2d', x, kernelSize, options, 2)[0];
}
/** Maximum over windows of x [N, C, D, H, W]. @function @example maxPool3d(ones([1, 1, 4, 4, 4]), 2).shape // [1, 1, 2, 2, 2] */
export function maxPool3d(x: Tensor, kernelSize: Extent, options: MaxPoolOptions = {}): Tensor {
  return maxima('maxPool3d', x, kernelSize, options, 3)[0];
}
/** As maxPool1d, with the int64 index of each maximum in its line. @function */
export function maxPool1dWithIndices(x: Tensor, kernelSize: Extent, options: MaxPoolOptions = {}): [Tensor, Tensor] {
  return maxima('maxPool1dWithIndices', x, kernelSize, options, 1);
}
/** As maxPool2d, with the int64 index of each maximum in its H * W plane. @function */
export function maxPool2dWithIndices(x: Tensor, kernelSize: Extent, options: MaxPoolOptions = {}): [Tensor, Tensor] {
  return maxima('maxPool2dWithIndices', x, kernelSize, options, 2);
}
/** As maxPool3d, with the int64 index of each maximum in its D * H * W image. @function */
export function maxPool3dWithIndices(x: Tensor, kernelSize: Extent, options: MaxPoolOptions = {}): [Tensor, Tensor] {
  return maxima('maxPool3dWithIndices', x, kernelSize, options, 3);
}
/** Average over windows of x [N, C, L]. @function @example avgPool1d(tensor([[[1, 3, 2, 4]]]), 2).arraySync() // [[[2, 3]]] */
export function avgPool1d(x: Tensor, kernelSize: Extent, options: AvgPoolOptions = {}): Tensor {
  return averages('avgPool1d', x, kernelSize, options, 1);
}
/** Average over windows of x [N, C, H, W]. @function @example avgPool2d(ones([1, 1, 4, 4]), 2).shape // [1, 1, 2, 2] */
export function avgPool2d(x: Tensor, kernelSize: Extent, options: AvgPoolOptions = {}): Tensor {
  return averages('avgPool2d', x, kernelSize, options, 2);
}
/** Average over windows of x [N, C, D, H, W]. @function @example avgPool3d(ones([1, 1, 4, 4, 4]), 2).shape // [1, 1, 2, 2, 2] */
export function avgPool3d(x: Tensor, kernelSize: Extent, options: AvgPoolOptions = {}): Tensor {
  return averages('avgPool3d', x, kernelSize, options, 3);
}
/** Average over windows that divide x [N, C, L] into outputSize; null keeps a size. @function @example adaptiveAvgPool1d(ones([1, 2, 7]), 3).shape // [1, 2, 3] */
export function adaptiveAvgPool1d(x: Tensor, outputSize: AdaptiveSize): Tensor {
  return adaptive('adaptiveAvgPool', 'adaptiveAvgPool1d', x, outputSize, 1)[0];
}
/** Average over windows that divide x [N, C, H, W] into outputSize; null keeps a size. @function @example adaptiveAvgPool2d(ones([1, 2, 7, 7]), 1).shape // [1, 2, 1, 1] */
export function adaptiveAvgPool2d(x: Tensor, outputSize: AdaptiveSize): Tensor {
  return adaptive('adaptiveAvgPool', 'adaptiveAvgPool2d', x, outputSize, 2)[0];
}
/** Average over windows that divide x [N, C, D, H, W] into outputSize; null keeps a size. @function @example adaptiveAvgPool3d(ones([1, 2, 4, 7, 7]), 1).shape // [1, 2, 1, 1, 1] */
export function adaptiveAvgPool3d(x: Tensor, outputSize: AdaptiveSize): Tensor {
  return adaptive('adaptiveAvgPool', 'adaptiveAvgPool3d', x, outputSize, 3)[0];
}
/** Maximum over windows that divide x [N, C, L] into outputSize; null keeps a size. @function @example adaptiveMaxPool1d(ones([1, 2, 7]), 3).shape // [1, 2, 3] */
export function adaptiveMaxPool1d(x: Tensor, outputSize: AdaptiveSize): Tensor {
  return adaptive('adaptiveMaxPool', 'adaptiveMaxPool1d', x, outputSize, 1)[0];
}
/** Maximum over windows that divide x [N, C, H, W] into outputSize; null keeps a size. @function @example adaptiveMaxPool2d(ones([1, 2, 7, 7]), 1).shape // [1, 2, 1, 1] */
export function adaptiveMaxPool2d(x: Tensor, outputSize: AdaptiveSize): Tensor {
  return adaptive('adaptiveMaxPool', 'adaptiveMaxPool2d', x, outputSize, 2)[0];
}
/** Maximum over windows that divide x [N, C, D, H, W] into outputSize; null keeps a size. @function @example adaptiveMaxPool3d(ones([1, 2, 4, 7, 7]), 1).shape // [1, 2, 1, 1, 1] */
export function adaptiveMaxPool3d(x: Tensor, outputSize: AdaptiveSize): Tensor {
  return adaptive('adaptiveMaxPool', 'adaptiveMaxPool3d', x, outputSize, 3)[0];
}
/** As adaptiveMaxPool1d, with the int64 index of each maximum in its image. @function */
export function adaptiveMaxPool1dWithIndices(x: Tensor, outputSize: AdaptiveSize): [Tensor, Tensor] {
  return adaptive('adaptiveMaxPool', 'adaptiveMaxPool1dWithIndices', x, outputSize, 1) as [Tensor, Tensor];
}
/** As adaptiveMaxPool2d, with the int64 index of each maximum in its image. @function */
export function adaptiveMaxPool2dWithIndices(x: Tensor, outputSize: AdaptiveSize): [Tensor, Tensor] {
  return adaptive('adaptiveMaxPool', 'adaptiveMaxPool2dWithIndices', x, outputSize, 2) as [Tensor, Tensor];
}
/** As adaptiveMaxPool3d, with the int64 index of each maximum in its image. @function */
export function adaptiveMaxPool3dWithIndices(x: Tensor, outputSize: AdaptiveSize): [Tensor, Tensor] {
  return adaptive('adaptiveMaxPool', 'adaptiveMaxPool3dWithIndices', x, outputSize, 3) as [Tensor, Tensor];
}

/** Options of the inverse of a maximum pool. */
export interface MaxUnpoolOptions {
  readonly stride?: Extent;
  readonly padding?: Extent;
  /** The image's size, or the result's whole shape; default: the smallest that the pool can have come from. */
  readonly outputSize?: readonly number[] | null;
}
function unpool(name: string, x: Tensor, indices: Tensor, kernelSize: Extent, options: MaxUnpoolOptions, dims: number): Tensor {
  if (x.shape.join() !== indices.shape.join())
    throw new ShapeError(`${name}: indices ${show(indices.shape)} must have the shape of the input ${show(x.shape)}`);
  if (x.ndim !== dims + 1 && x.ndim !== dims + 2)
    throw new ShapeError(`${name}: input ${show(x.shape)} must have ${dims + 1} or ${dims + 2} dimensions`);
  const stride = extentOf(name, 'stride', options.stride ?? kernelSize, dims);
  const padding = extentOf(name, 'padding', options.padding ?? 0, dims);
  const size = options.outputSize
    ? options.outputSize.slice(-dims)
    : extentOf(name, 'kernelSize', kernelSize, dims).map((k, i) => (x.shape[x.ndim - dims + i] - 1) * stride[i] - 2 * padding[i] + k);
  const lead = x.shape.slice(0, -dims);
  return zeros([...lead, size.reduce((a, b) => a * b, 1)], { dtype: x.dtype })
    .scatter(-1, indices.flatten(-dims), x.flatten(-dims))
    .reshape([...lead, ...size]);
}
/** Puts maxima back where maxPool1dWithIndices found them, zeros elsewhere. @function @throws ShapeError */
export function maxUnpool1d(x: Tensor, indices: Tensor, kernelSize: Extent, options: MaxUnpoolOptions = {}): Tensor {
  return unpool('maxUnpool1d', x, indices, kernelSize, options, 1);
}
/** Puts maxima back where maxPool2dWithIndices found them, zeros elsewhere. @function @throws ShapeError */
export function maxUnpool2d(x: Tensor, indices: Tensor, kernelSize: Extent, options: MaxUnpoolOptions = {}): Tensor {
  return unpool('maxUnpool2d', x, indices, kernelSize, options, 2);
}
/** Puts maxima back where maxPool3dWithIndices found them, zeros elsewhere. @function @throws ShapeError */
export function maxUnpool3d(x: Tensor, indices: Tensor, kernelSize: Extent, options: MaxUnpoolOptions = {}): Tensor {
  return unpool('maxUnpool3d', x, indices, kernelSize, options, 3);
}
