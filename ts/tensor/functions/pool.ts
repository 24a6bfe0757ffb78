import { CATEGORY } from '../../base/dtype.ts';
import { ShapeError, ValueError } from '../../base/errors.ts';
import { show } from '../../base/shape.ts';
import type { Attrs, KernelOp } from '../../ops/op.ts';
import { TABLE } from '../../ops/table.ts';
import { callKernel } from '../call.ts';
import type { Tensor } from '../core.ts';
import { asImage, type Extent, pairOf, throughFloat } from './conv.ts';
import { zeros } from './create.ts';
import { stack } from './joining.ts';

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
  const { image, restore } = asImage(name, x, dims);
  return callKernel(TABLE[op] as KernelOp, [image], attrs).map(restore);
}

function windowOf(name: string, kernelSize: Extent, options: MaxPoolOptions, dims: number): Attrs {
  return {
    kernelSize: pairOf(name, 'kernelSize', kernelSize, dims, 1),
    stride: pairOf(name, 'stride', options.stride ?? kernelSize, dims, 1),
    padding: pairOf(name, 'padding', options.padding ?? 0, dims, 0),
    ceilMode: options.ceilMode ?? false,
  };
}
function maxima(name: string, x: Tensor, kernelSize: Extent, options: MaxPoolOptions, dims: number): [Tensor, Tensor] {
  if (CATEGORY[x.dtype] === 1) {
    const [values, indices] = maxima(name, x.to('float64'), kernelSize, options, dims);
    return [values.to(x.dtype), indices];
  }
  const attrs = { ...windowOf(name, kernelSize, options, dims), dilation: pairOf(name, 'dilation', options.dilation ?? 1, dims, 1) };
  const [values, indices] = run('maxPool2d', name, x, attrs, dims);
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
  return run('avgPool2d', name, x, attrs, dims)[0];
}
function sizesOf(name: string, outputSize: number | readonly (number | null)[], x: Tensor, dims: number): [number, number] {
  const list = typeof outputSize === 'number' ? new Array<number>(dims).fill(outputSize) : outputSize;
  if (list.length !== dims)
    throw new ValueError(`${name}: outputSize must be a number or ${dims} numbers; null keeps the size of the input`);
  const sizes = list.map((s, i) => s ?? x.shape[x.ndim - dims + i]);
  return dims === 1 ? [1, sizes[0]] : [sizes[0], sizes[1]];
}

/** Maximum over windows of x [N, C, L]. @function @example maxPool1d(tensor([[[1, 3, 2, 4]]]), 2).tolist() // [[[3, 4]]] */
export function maxPool1d(x: Tensor, kernelSize: Extent, options: MaxPoolOptions = {}): Tensor {
  return maxima('maxPool1d', x, kernelSize, options, 1)[0];
}
/** Maximum over windows of x [N, C, H, W]. @function @example maxPool2d(ones([1, 1, 4, 4]), 2).shape // [1, 1, 2, 2] */
export function maxPool2d(x: Tensor, kernelSize: Extent, options: MaxPoolOptions = {}): Tensor {
  return maxima('maxPool2d', x, kernelSize, options, 2)[0];
}
/** As maxPool1d, with the int64 index of each maximum in its line. @function */
export function maxPool1dWithIndices(x: Tensor, kernelSize: Extent, options: MaxPoolOptions = {}): [Tensor, Tensor] {
  return maxima('maxPool1dWithIndices', x, kernelSize, options, 1);
}
/** As maxPool2d, with the int64 index of each maximum in its H * W plane. @function */
export function maxPool2dWithIndices(x: Tensor, kernelSize: Extent, options: MaxPoolOptions = {}): [Tensor, Tensor] {
  return maxima('maxPool2dWithIndices', x, kernelSize, options, 2);
}
/** Average over windows of x [N, C, L]. @function @example avgPool1d(tensor([[[1, 3, 2, 4]]]), 2).tolist() // [[[2, 3]]] */
export function avgPool1d(x: Tensor, kernelSize: Extent, options: AvgPoolOptions = {}): Tensor {
  return averages('avgPool1d', x, kernelSize, options, 1);
}
/** Average over windows of x [N, C, H, W]. @function @example avgPool2d(ones([1, 1, 4, 4]), 2).shape // [1, 1, 2, 2] */
export function avgPool2d(x: Tensor, kernelSize: Extent, options: AvgPoolOptions = {}): Tensor {
  return averages('avgPool2d', x, kernelSize, options, 2);
}
/** Average over windows that divide x [N, C, L] into outputSize. @function @example adaptiveAvgPool1d(ones([1, 2, 7]), 3).shape // [1, 2, 3] */
export function adaptiveAvgPool1d(x: Tensor, outputSize: number | readonly (number | null)[]): Tensor {
  return run('adaptiveAvgPool2d', 'adaptiveAvgPool1d', x, { outputSize: sizesOf('adaptiveAvgPool1d', outputSize, x, 1) }, 1)[0];
}
/** Average over windows that divide x [N, C, H, W] into outputSize; null keeps a size. @function @example adaptiveAvgPool2d(ones([1, 2, 7, 7]), 1).shape // [1, 2, 1, 1] */
export function adaptiveAvgPool2d(x: Tensor, outputSize: number | readonly (number | null)[]): Tensor {
  return run('adaptiveAvgPool2d', 'adaptiveAvgPool2d', x, { outputSize: sizesOf('adaptiveAvgPool2d', outputSize, x, 2) }, 2)[0];
}
/** Maximum over windows that divide x [N, C, L] into outputSize. @function @example adaptiveMaxPool1d(ones([1, 2, 7]), 3).shape // [1, 2, 3] */
export function adaptiveMaxPool1d(x: Tensor, outputSize: number | readonly (number | null)[]): Tensor {
  return run('adaptiveMaxPool2d', 'adaptiveMaxPool1d', x, { outputSize: sizesOf('adaptiveMaxPool1d', outputSize, x, 1) }, 1)[0];
}
/** Maximum over windows that divide x [N, C, H, W] into outputSize; null keeps a size. @function @example adaptiveMaxPool2d(ones([1, 2, 7, 7]), 1).shape // [1, 2, 1, 1] */
export function adaptiveMaxPool2d(x: Tensor, outputSize: number | readonly (number | null)[]): Tensor {
  return run('adaptiveMaxPool2d', 'adaptiveMaxPool2d', x, { outputSize: sizesOf('adaptiveMaxPool2d', outputSize, x, 2) }, 2)[0];
}
/** As adaptiveMaxPool2d, with the int64 index of each maximum in its H * W plane. @function */
export function adaptiveMaxPool2dWithIndices(x: Tensor, outputSize: number | readonly (number | null)[]): [Tensor, Tensor] {
  asImage('adaptiveMaxPool2dWithIndices', x, 2);
  const [rows, cols] = sizesOf('adaptiveMaxPool2dWithIndices', outputSize, x, 2);
  const [h, w] = x.shape.slice(-2);
  const window = (i: number, n: number, size: number): [number, number] => [Math.floor((i * size) / n), Math.ceil(((i + 1) * size) / n)];
  const values: Tensor[] = [];
  const indices: Tensor[] = [];
  for (let r = 0; r < rows; r++)
    for (let c = 0; c < cols; c++) {
      const [[top, bottom], [left, right]] = [window(r, rows, h), window(c, cols, w)];
      const best = x
        .narrow(-2, top, bottom - top)
        .narrow(-1, left, right - left)
        .flatten(-2)
        .max(-1);
      values.push(best.values);
      const row = best.indices.floorDivide(right - left);
      indices.push(
        row
          .mul(w)
          .add(best.indices.sub(row.mul(right - left)))
          .add(top * w + left),
      );
    }
  const join = (list: Tensor[]): Tensor => stack(list, -1).reshape([...x.shape.slice(0, -2), rows, cols]);
  return [join(values), join(indices)];
}

/** Options of maxUnpool2d. */
export interface MaxUnpoolOptions {
  readonly stride?: Extent;
  readonly padding?: Extent;
  /** [H, W] of the result, or its whole shape; default: the smallest that the pool can have come from. */
  readonly outputSize?: readonly number[] | null;
}
/** Puts maxima back where maxPool2dWithIndices found them, zeros elsewhere. @function @throws ShapeError */
export function maxUnpool2d(x: Tensor, indices: Tensor, kernelSize: Extent, options: MaxUnpoolOptions = {}): Tensor {
  if (x.shape.join() !== indices.shape.join())
    throw new ShapeError(`maxUnpool2d: indices ${show(indices.shape)} must have the shape of the input ${show(x.shape)}`);
  asImage('maxUnpool2d', x, 2);
  const kernel = pairOf('maxUnpool2d', 'kernelSize', kernelSize, 2, 1);
  const stride = pairOf('maxUnpool2d', 'stride', options.stride ?? kernelSize, 2, 1);
  const padding = pairOf('maxUnpool2d', 'padding', options.padding ?? 0, 2, 0);
  const size = options.outputSize
    ? options.outputSize.slice(-2)
    : [0, 1].map((i) => (x.shape[x.ndim - 2 + i] - 1) * stride[i] - 2 * padding[i] + kernel[i]);
  const lead = x.shape.slice(0, -2);
  return zeros([...lead, size[0] * size[1]], { dtype: x.dtype })
    .scatter(-1, indices.flatten(-2), x.flatten(-2))
    .reshape([...lead, ...size]);
}
/** Puts maxima back where maxPool1dWithIndices found them, zeros elsewhere. @function @throws ShapeError */
export function maxUnpool1d(x: Tensor, indices: Tensor, kernelSize: Extent, options: MaxUnpoolOptions = {}): Tensor {
  const line = (v: Extent, rest: number): Extent => [rest, [v].flat()[0] as number];
  const size = options.outputSize ? { outputSize: [1, options.outputSize[options.outputSize.length - 1]] } : {};
  const flat = { stride: line(options.stride ?? kernelSize, 1), padding: line(options.padding ?? 0, 0), ...size };
  return maxUnpool2d(x.unsqueeze(-2), indices.unsqueeze(-2), line(kernelSize, 1), flat).squeeze(-2);
}
