import { ShapeError, ValueError } from '../../base/errors.ts';
import { show } from '../../base/shape.ts';
import { TABLE } from '../../ops/networks.ts';
import type { Attrs, KernelOp } from '../../ops/op.ts';
import { foldNorms } from '../../plan/fold.ts';
import { addRewrite } from '../../plan/rewrite.ts';
import { callKernel, full, noGrad, type Tensor } from '../../tensor/index.ts';
import { pad } from './pad.ts';

addRewrite(foldNorms);

/** The one row of all norms. Statistics that are given are constants. */
function normalize4(
  x: Tensor,
  attrs: Attrs,
  { weight = null, bias = null }: NormOptions = {},
  mean: Tensor | null = null,
  variance: Tensor | null = null,
): Tensor[] {
  if (x.numel === 0 && attrs.dims === undefined) return nothing(x, attrs, weight, bias);
  return callKernel(TABLE.normalization as KernelOp, [x, weight, bias, mean, variance], attrs);
}
/** What is left of normalising no elements by channels: no elements, and statistics that are NaN, as means of nothing are. */
function nothing(x: Tensor, { groups, batch }: Attrs, weight: Tensor | null, bias: Tensor | null): Tensor[] {
  const shape = x.shape.map((n, d) => (d === 1 ? n : 1));
  const scaled = weight === null ? x.mul(1) : x.mul(weight.reshape(shape));
  const count = (groups as number | undefined) ?? 1;
  const statistics = full(batch ? [count] : [x.shape[0], count], Number.NaN, { dtype: x.dtype });
  return [bias === null ? scaled : scaled.add(bias.reshape(shape)), statistics, statistics];
}
/** Moves running values towards the means over samples of new ones; n values make a group. */
function track(running: Tensor | null | undefined, value: Tensor, momentum: number, factor = 1): void {
  if (!running) return;
  const fresh = value.ndim === 2 ? value.mean(0) : value;
  running.mul_(1 - momentum).add_(fresh.mul(momentum * factor));
}

/** Options of batchNorm. */
export interface BatchNormOptions {
  readonly weight?: Tensor | null;
  readonly bias?: Tensor | null;
  /** Normalise by the batch and update the running values; otherwise by the running values. */
  readonly training?: boolean;
  readonly momentum?: number;
  readonly eps?: number;
}

/**
 * Batch normalisation of (N, C, ...) by channel. Training moves the running mean and (unbiased) variance in place by `momentum`.
 * @throws ValueError for one value per channel in training
 */
export function batchNorm(x: Tensor, runningMean: Tensor | null, runningVar: Tensor | null, options: BatchNormOptions = {}): Tensor {
  const { weight, bias, training = false, momentum = 0.1, eps = 1e-5 } = options;
  if (!training) {
    if (runningMean === null || runningVar === null)
      throw new ValueError('batchNorm: evaluation needs a running mean and variance; pass { training: true } to use the batch');
    return normalize4(x, { groups: x.shape[1], batch: true, eps }, { weight, bias }, runningMean.detach(), runningVar.detach())[0];
  }
  const n = x.numel / x.shape[1];
  if (n === 1)
    throw new ValueError(
      `batchNorm: training needs more than one value per channel, got input ${show(x.shape)}; use a larger batch or eval()`,
    );
  const [y, mean, variance] = normalize4(x, { groups: x.shape[1], batch: true, eps }, { weight, bias });
  noGrad(() => {
    track(runningMean, mean, momentum);
    track(runningVar, variance, momentum, n / (n - 1));
  });
  return y;
}

/** Options of the norms over groups, instances and layers. */
export interface NormOptions {
  readonly weight?: Tensor | null;
  readonly bias?: Tensor | null;
  readonly eps?: number;
}

/** Normalises each sample's channels in `groups` groups. x (N, C, ...). @throws ShapeError */
export function groupNorm(x: Tensor, groups: number, { weight, bias, eps = 1e-5 }: NormOptions = {}): Tensor {
  if (x.ndim < 2 || x.shape[1] % groups !== 0)
    throw new ShapeError(
      `groupNorm: input ${show(x.shape)} has no channels that divide into ${groups} groups; dimension 1 must be a multiple of it`,
    );
  return normalize4(x, { groups, eps }, { weight, bias })[0];
}

/** Options of instanceNorm. */
export interface InstanceNormOptions extends NormOptions {
  /** Normalise by each sample rather than by the running values. */
  readonly useInputStats?: boolean;
  readonly momentum?: number;
}

/** Normalises each channel of each sample. x (N, C, ...). Moves running values, where given, by the mean over samples. */
export function instanceNorm(x: Tensor, runningMean: Tensor | null, runningVar: Tensor | null, options: InstanceNormOptions = {}): Tensor {
  const { weight, bias, useInputStats = true, momentum = 0.1, eps = 1e-5 } = options;
  if (!useInputStats) return batchNorm(x, runningMean, runningVar, { weight, bias, eps });
  const n = x.shape.slice(2).reduce((a, b) => a * b, 1);
  if (n === 1) throw new ValueError(`instanceNorm: input ${show(x.shape)} has one value per channel; nothing to normalise over`);
  const [y, mean, variance] = normalize4(x, { groups: x.shape[1], eps }, { weight, bias });
  noGrad(() => {
    track(runningMean, mean, momentum);
    track(runningVar, variance, momentum, n / (n - 1));
  });
  return y;
}

/** How many dimensions a normalised shape names. */
function lastDims(name: string, x: Tensor, shape: readonly number[]): number {
  const from = x.ndim - shape.length;
  if (shape.length === 0) throw new ShapeError(`${name}: the normalised shape [] names no dimension of input ${show(x.shape)}`);
  if (from < 0 || shape.some((n, i) => x.shape[from + i] !== n))
    throw new ShapeError(`${name}: input ${show(x.shape)} does not end in the normalised shape ${show(shape)}`);
  return shape.length;
}

/** Normalises over the last dimensions, whose shape is given. @throws ShapeError */
export function layerNorm(x: Tensor, shape: readonly number[], { weight, bias, eps = 1e-5 }: NormOptions = {}): Tensor {
  return normalize4(x, { dims: lastDims('layerNorm', x, shape), eps }, { weight, bias })[0];
}

/** Divides by the root of the mean square over the last dimensions; eps defaults to the dtype's epsilon. @throws ShapeError */
export function rmsNorm(
  x: Tensor,
  shape: readonly number[],
  { weight, eps }: { weight?: Tensor | null; eps?: number | null } = {},
): Tensor {
  const epsilon = eps ?? EPSILON[x.dtype] ?? EPSILON.float32;
  return normalize4(x, { dims: lastDims('rmsNorm', x, shape), rms: true, eps: epsilon }, { weight })[0];
}
const EPSILON: Readonly<Record<string, number>> = {
  float64: 2.220446049250313e-16,
  float32: 1.1920928955078125e-7,
  float16: 0.0009765625,
  bfloat16: 0.0078125,
};

/** Divides by the p-norm along dim (at least eps). */
export function normalize(x: Tensor, { p = 2, dim = 1, eps = 1e-12 }: { p?: number; dim?: number; eps?: number } = {}): Tensor {
  return x.div(x.norm(p, dim, { keepdim: true }).clamp({ min: eps }));
}

/** Divides by (k + alpha mean of squares over `size` neighbouring channels)^beta. x (N, C, ...). */
export function localResponseNorm(
  x: Tensor,
  size: number,
  { alpha = 1e-4, beta = 0.75, k = 1 }: { alpha?: number; beta?: number; k?: number } = {},
): Tensor {
  if (x.numel === 0) return x;
  const channels = x.shape[1];
  const before = Math.floor(size / 2);
  const square = x.square();
  let sum: Tensor | null = null;
  for (let s = -before; s < size - before; s++) {
    const from = Math.max(0, s);
    const count = channels - Math.abs(s);
    if (count <= 0) continue;
    const padding = x.shape
      .map((_, d) => (d === 1 ? [Math.max(0, -s), Math.max(0, s)] : [0, 0]))
      .reverse()
      .flat();
    const part = pad(square.narrow(1, from, count), padding);
    sum = sum === null ? part : sum.add(part);
  }
  return x.div(
    (sum as Tensor)
      .mul(alpha / size)
      .add(k)
      .pow(beta),
  );
}
