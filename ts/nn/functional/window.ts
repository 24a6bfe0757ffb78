import { ShapeError, ValueError } from '../../base/errors.ts';
import { show } from '../../base/shape.ts';
import { pad, range, type Tensor, zeros } from '../../tensor/index.ts';
import { avgPool1d, avgPool2d } from './pool.ts';
import type { Extent } from './spatial.ts';

/** How windows move over an image. */
export interface WindowOptions {
  readonly dilation?: Extent;
  readonly padding?: Extent;
  readonly stride?: Extent;
}
const pair = (name: string, value: Extent): [number, number] => {
  const list = [value].flat() as number[];
  if (list.length > 2 || list.length === 0) throw new ValueError(`${name}: ${show(list)} must be a number or 2 numbers`);
  return [list[0], list[list.length - 1]];
};
interface Windows {
  readonly kernel: [number, number];
  readonly stride: [number, number];
  readonly padding: [number, number];
  readonly dilation: [number, number];
}
function windows(name: string, kernelSize: Extent, options: WindowOptions): Windows {
  return {
    kernel: pair(name, kernelSize),
    stride: pair(name, options.stride ?? 1),
    padding: pair(name, options.padding ?? 0),
    dilation: pair(name, options.dilation ?? 1),
  };
}
function counts(name: string, size: readonly number[], w: Windows): [number, number] {
  const n = size.map((s, i) => Math.floor((s + 2 * w.padding[i] - w.dilation[i] * (w.kernel[i] - 1) - 1) / w.stride[i]) + 1);
  if (n.some((c) => c < 1)) throw new ShapeError(`${name}: windows of ${show(w.kernel)} do not fit an image of ${show(size)}; add padding`);
  return [n[0], n[1]];
}
/** The elements that one place of the kernel meets, over all windows. */
function met(image: Tensor, w: Windows, i: number, j: number, n: readonly number[]): Tensor {
  const rows = range(image, image.ndim - 2, i * w.dilation[0], w.stride[0], n[0]);
  return range(rows, image.ndim - 1, j * w.dilation[1], w.stride[1], n[1]);
}

/** The windows of an image [N, C, H, W] as columns [N, C * kh * kw, L]; N may be missing. @throws ShapeError @example F.unfold(ones([1, 2, 3, 3]), 2).shape // [1, 8, 4] */
export function unfold(x: Tensor, kernelSize: Extent, options: WindowOptions = {}): Tensor {
  if (x.ndim !== 3 && x.ndim !== 4) throw new ShapeError(`unfold: input ${show(x.shape)} must be [N, C, H, W] with N optional`);
  const w = windows('unfold', kernelSize, options);
  const n = counts('unfold', x.shape.slice(-2), w);
  const [ph, pw] = w.padding;
  const image = pad(x, [pw, pw, ph, ph]);
  const lead = x.shape.slice(0, -2);
  const columns = zeros([...lead, w.kernel[0] * w.kernel[1], ...n], { dtype: x.dtype }).to({ device: x.device });
  for (let i = 0; i < w.kernel[0]; i++)
    for (let j = 0; j < w.kernel[1]; j++) columns.select(lead.length, i * w.kernel[1] + j).copy_(met(image, w, i, j, n));
  return columns.reshape([...lead.slice(0, -1), lead[lead.length - 1] * w.kernel[0] * w.kernel[1], n[0] * n[1]]);
}
/** Columns [N, C * kh * kw, L] added up as an image [N, C, H, W]: the transpose of unfold. @throws ShapeError */
export function fold(x: Tensor, outputSize: Extent, kernelSize: Extent, options: WindowOptions = {}): Tensor {
  const w = windows('fold', kernelSize, options);
  const size = pair('fold', outputSize);
  const n = counts('fold', size, w);
  const places = w.kernel[0] * w.kernel[1];
  if ((x.ndim !== 2 && x.ndim !== 3) || x.shape[x.ndim - 2] % places !== 0 || x.shape[x.ndim - 1] !== n[0] * n[1])
    throw new ShapeError(`fold: columns ${show(x.shape)} must be [N, C * ${places}, ${n[0] * n[1]}] with N optional`);
  const lead = [...x.shape.slice(0, -2), x.shape[x.ndim - 2] / places];
  const columns = x.reshape([...lead, places, ...n]);
  const [ph, pw] = w.padding;
  const image = zeros([...lead, size[0] + 2 * ph, size[1] + 2 * pw], { dtype: x.dtype }).to({ device: x.device });
  for (let i = 0; i < w.kernel[0]; i++)
    for (let j = 0; j < w.kernel[1]; j++) met(image, w, i, j, n).add_(columns.select(lead.length, i * w.kernel[1] + j));
  return pad(image, [-pw, -pw, -ph, -ph]);
}

/** Channels in groups of r * r become r x r pixels: [..., C r r, H, W] to [..., C, H r, W r]. @throws ShapeError */
export function pixelShuffle(x: Tensor, r: number): Tensor {
  const [c, h, w] = x.shape.slice(-3);
  if (x.ndim < 3 || !(r > 0) || c % (r * r) !== 0)
    throw new ShapeError(`pixelShuffle: the channels of ${show(x.shape)} do not divide into ${r} x ${r} pixels`);
  const lead = x.shape.slice(0, -3);
  const k = lead.length;
  const order = [...lead.keys(), k, k + 3, k + 1, k + 4, k + 2];
  return x
    .reshape([...lead, c / (r * r), r, r, h, w])
    .permute(order)
    .reshape([...lead, c / (r * r), h * r, w * r]);
}
/** The reverse of pixelShuffle: [..., C, H r, W r] to [..., C r r, H, W]. @throws ShapeError */
export function pixelUnshuffle(x: Tensor, r: number): Tensor {
  const [c, h, w] = x.shape.slice(-3);
  if (x.ndim < 3 || !(r > 0) || h % r !== 0 || w % r !== 0)
    throw new ShapeError(`pixelUnshuffle: the image of ${show(x.shape)} does not divide into ${r} x ${r} pixels`);
  const lead = x.shape.slice(0, -3);
  const k = lead.length;
  const order = [...lead.keys(), k, k + 2, k + 4, k + 1, k + 3];
  return x
    .reshape([...lead, c, h / r, r, w / r, r])
    .permute(order)
    .reshape([...lead, c * r * r, h / r, w / r]);
}

/** Channels dealt out among groups in turn: [N, C, ...]. @throws ShapeError */
export function channelShuffle(x: Tensor, groups: number): Tensor {
  const [n, c, ...rest] = x.shape;
  if (x.ndim < 3 || !(groups > 0) || c % groups !== 0)
    throw new ShapeError(`channelShuffle: the channels of ${show(x.shape)} do not divide into ${groups} groups`);
  return x
    .reshape([n, groups, c / groups, ...rest])
    .transpose(1, 2)
    .reshape(x.shape);
}
/** The p-norm of windows of x [N, C, L]: (sum of x^p)^(1/p). */
export function lpPool1d(x: Tensor, p: number, kernelSize: Extent, options: LpPoolOptions = {}): Tensor {
  return root(avgPool1d(x.pow(p), kernelSize, options), p, [kernelSize].flat()[0] as number);
}
/** The p-norm of windows of x [N, C, H, W]: (sum of x^p)^(1/p). */
export function lpPool2d(x: Tensor, p: number, kernelSize: Extent, options: LpPoolOptions = {}): Tensor {
  const [h, w] = pair('lpPool2d', kernelSize);
  return root(avgPool2d(x.pow(p), kernelSize, options), p, h * w);
}
/** Options of lpPool1d and lpPool2d. */
export interface LpPoolOptions {
  readonly stride?: Extent;
  readonly ceilMode?: boolean;
}
function root(mean: Tensor, p: number, count: number): Tensor {
  return mean
    .sign()
    .mul(mean.abs().relu())
    .mul(count)
    .pow(1 / p);
}
