import { isFloat } from '../../base/dtype.ts';
import { ShapeError, ValueError } from '../../base/errors.ts';
import { sameShape, show } from '../../base/shape.ts';
import { TABLE } from '../../ops/networks.ts';
import type { KernelOp } from '../../ops/op.ts';
import { callKernel, noGrad, type Tensor, where, zerosLike } from '../../tensor/index.ts';

/** What becomes of the elements' losses: their mean, their sum, or themselves. */
export type Reduction = 'mean' | 'sum' | 'none';
/** The option that every loss takes. */
export interface LossOptions {
  readonly reduction?: Reduction;
}

/** Applies a reduction. @throws ValueError for an unknown one */
export function reduceLoss(loss: Tensor, reduction: Reduction = 'mean'): Tensor {
  if (reduction === 'mean') return loss.mean();
  if (reduction === 'sum') return loss.sum();
  if (reduction === 'none') return loss;
  throw new ValueError(`loss: reduction '${String(reduction)}' is unknown; use 'mean', 'sum' or 'none'`);
}

/** Mean of (input - target)^2. Shapes broadcast. @example F.mseLoss(tensor([1, 2]), tensor([1, 4])).itemSync() // 2 */
export function mseLoss(input: Tensor, target: Tensor, { weight, reduction }: LossOptions & { weight?: Tensor } = {}): Tensor {
  const loss = input.sub(target).square();
  if (weight === undefined) return reduceLoss(loss, reduction);
  const weighted = loss.mul(weight);
  return reduction === undefined || reduction === 'mean'
    ? weighted.sum().div(weight.expand(loss.shape).sum())
    : reduceLoss(weighted, reduction);
}

/** Mean of |input - target|. Shapes broadcast. */
export function l1Loss(input: Tensor, target: Tensor, { reduction }: LossOptions = {}): Tensor {
  return reduceLoss(input.sub(target).abs(), reduction);
}

/** Squared below `beta`, absolute above: 0.5 d^2 / beta or |d| - 0.5 beta. */
export function smoothL1Loss(input: Tensor, target: Tensor, { beta = 1, reduction }: LossOptions & { beta?: number } = {}): Tensor {
  if (beta < 0) throw new ValueError(`smoothL1Loss: beta ${beta} is negative; give 0 or more`);
  if (beta === 0) return l1Loss(input, target, { reduction });
  const d = input.sub(target).abs();
  return reduceLoss(where(d.lt(beta), d.square().mul(0.5 / beta), d.sub(0.5 * beta)), reduction);
}

/** Squared below `delta`, linear above: 0.5 d^2 or delta (|d| - 0.5 delta). */
export function huberLoss(input: Tensor, target: Tensor, { delta = 1, reduction }: LossOptions & { delta?: number } = {}): Tensor {
  if (!(delta > 0)) throw new ValueError(`huberLoss: delta ${delta} must be positive`);
  const d = input.sub(target).abs();
  return reduceLoss(where(d.le(delta), d.square().mul(0.5), d.sub(0.5 * delta).mul(delta)), reduction);
}

/** Options of losses over classes. */
export interface ClassLossOptions extends LossOptions {
  /** A weight for each class. */
  readonly weight?: Tensor | null;
  /** Targets of this value count nothing. */
  readonly ignoreIndex?: number;
}

/** Where the classes of an input lie: dimension 1, or 0 of a single sample. */
const classDim = (input: Tensor): number => (input.ndim === 1 ? 0 : 1);

function checkClasses(name: string, input: Tensor, target: Tensor): void {
  const expected = input.shape.filter((_, d) => d !== classDim(input));
  if (input.ndim === 0 || !sameShape(target.shape, expected))
    throw new ShapeError(
      `${name}: target ${show(target.shape)} does not fit input ${show(input.shape)}; class indices need shape ${show(expected)} (the input's without its class dimension)`,
    );
}

/** The weight of each target (0 where ignored), or null where all count one. */
function targetWeights(
  logp: Tensor,
  target: Tensor,
  { weight, ignoreIndex = -100 }: ClassLossOptions,
): { safe: Tensor; scale: Tensor; ignored: Tensor } {
  const ignored = target.eq(ignoreIndex);
  const safe = where(ignored, 0, target).to('int64');
  const one = weight ? weight.indexSelect(0, safe.reshape([-1])).reshape(target.shape) : zerosLike(target, { dtype: logp.dtype }).add(1);
  return { safe, scale: where(ignored, 0, one), ignored };
}

/**
 * Negative log likelihood of the target classes. `input` (N, C, ...) or (C) holds log probabilities, `target` (N, ...) or () class indices;
 * the mean is over the weights of the targets that count. @throws ShapeError
 */
export function nllLoss(input: Tensor, target: Tensor, options: ClassLossOptions = {}): Tensor {
  checkClasses('nllLoss', input, target);
  const dim = classDim(input);
  const { safe, scale, ignored } = targetWeights(input, target, options);
  const picked = input.gather(dim, safe.unsqueeze(dim)).squeeze(dim);
  const loss = where(ignored, 0, picked.mul(scale).neg());
  if (options.reduction === undefined || options.reduction === 'mean') return loss.sum().div(scale.sum());
  return reduceLoss(loss, options.reduction);
}

/** Options of crossEntropy. */
export interface CrossEntropyOptions extends ClassLossOptions {
  /** How much of each target is spread over all classes, 0 to 1. */
  readonly labelSmoothing?: number;
}

/**
 * Cross entropy of logits. `input` (N, C, ...) or (C); `target` class indices (N, ...) or (), or class probabilities of the input's shape.
 * @throws ShapeError, ValueError
 * @example F.crossEntropy(randn([3, 5]), tensor([1, 0, 4], { dtype: 'int64' }))
 */
export function crossEntropy(input: Tensor, target: Tensor, options: CrossEntropyOptions = {}): Tensor {
  const { weight, reduction = 'mean', labelSmoothing = 0 } = options;
  if (!(labelSmoothing >= 0 && labelSmoothing <= 1)) throw new ValueError(`crossEntropy: labelSmoothing ${labelSmoothing}; give 0 to 1`);
  const dim = classDim(input);
  const classes = input.shape[dim];
  const perClass = weight ? weight.reshape(input.shape.map((_, d) => (d === dim ? classes : 1))) : null;
  if (isFloat(target.dtype)) return probabilityLoss(input, target, perClass, reduction, labelSmoothing);
  checkClasses('crossEntropy', input, target);
  if (!weight?.requiresGrad) return fusedCrossEntropy(input, target, dim, options);
  const logp = input.logSoftmax(dim);
  const nll = nllLoss(logp, target, options);
  if (labelSmoothing === 0) return nll;
  const { scale, ignored } = targetWeights(logp, target, options);
  const spread = where(ignored, 0, (perClass ? logp.mul(perClass) : logp).sum(dim).neg());
  const smooth = reduction === 'mean' ? spread.sum().div(scale.sum()) : reduceLoss(spread, reduction);
  return nll.mul(1 - labelSmoothing).add(smooth.mul(labelSmoothing / classes));
}

/** Cross entropy in one pass each way over lines of logits; the classes move to the last dimension. */
function fusedCrossEntropy(input: Tensor, target: Tensor, dim: number, options: CrossEntropyOptions): Tensor {
  const { weight = null, reduction = 'mean', labelSmoothing: smoothing = 0, ignoreIndex = -100 } = options;
  const lines = (dim === input.ndim - 1 ? input : input.movedim(dim, -1)).reshape([target.numel, input.shape[dim]]);
  if (reduction !== 'mean' && reduction !== 'sum' && reduction !== 'none') return reduceLoss(input, reduction);
  const [loss] = callKernel(TABLE.crossEntropy as KernelOp, [lines, target.reshape([-1]), weight], { ignoreIndex, smoothing, reduction });
  return reduction === 'none' ? loss.reshape(target.shape) : loss;
}

function probabilityLoss(input: Tensor, target: Tensor, perClass: Tensor | null, reduction: Reduction, smoothing: number): Tensor {
  if (!sameShape(input.shape, target.shape))
    throw new ShapeError(
      `crossEntropy: probabilities ${show(target.shape)} must have the input's shape ${show(input.shape)}; give integers for class indices`,
    );
  const dim = classDim(input);
  const classes = input.shape[dim];
  const t = smoothing === 0 ? target : target.mul(1 - smoothing).add(smoothing / classes);
  const logp = input.logSoftmax(dim);
  const loss = logp
    .mul(perClass ? t.mul(perClass) : t)
    .sum(dim)
    .neg();
  return reduction === 'mean' ? loss.sum().div(loss.numel) : reduceLoss(loss, reduction);
}

/** A logarithm that stops at -100, with no gradient where x is 0, so that certainty costs a finite loss. */
function cappedLog(x: Tensor): Tensor {
  const none = x.eq(0);
  return where(none, -100, where(none, 1, x).log().clamp({ min: -100 }));
}

/** Binary cross entropy of probabilities in [0, 1]; logarithms stop at -100. @throws ShapeError */
export function binaryCrossEntropy(
  input: Tensor,
  target: Tensor,
  { weight, reduction }: LossOptions & { weight?: Tensor | null } = {},
): Tensor {
  if (!sameShape(input.shape, target.shape))
    throw new ShapeError(
      `binaryCrossEntropy: target ${show(target.shape)} and input ${show(input.shape)} differ; they must have one shape`,
    );
  const rest = input.mul(-1).add(1);
  const loss = target
    .mul(cappedLog(input))
    .add(target.mul(-1).add(1).mul(cappedLog(rest)))
    .neg();
  return reduceLoss(weight ? loss.mul(weight) : loss, reduction);
}

/** Binary cross entropy of logits; `posWeight` multiplies the loss of positive targets. @throws ShapeError */
export function binaryCrossEntropyWithLogits(
  input: Tensor,
  target: Tensor,
  { weight, posWeight, reduction }: LossOptions & { weight?: Tensor | null; posWeight?: Tensor | null } = {},
): Tensor {
  if (!sameShape(input.shape, target.shape))
    throw new ShapeError(
      `binaryCrossEntropyWithLogits: target ${show(target.shape)} and input ${show(input.shape)} differ; they must have one shape`,
    );
  const logSig = input.logSigmoid();
  const positive = posWeight ? logSig.mul(posWeight.sub(1).mul(target).add(1)) : logSig;
  const loss = target.mul(-1).add(1).mul(input).sub(positive);
  return reduceLoss(weight ? loss.mul(weight) : loss, reduction);
}

/** Kullback-Leibler divergence of log probabilities `input` from `target` (log probabilities too with `logTarget`). 'batchmean' divides the sum by the batch. */
export function klDiv(
  input: Tensor,
  target: Tensor,
  { logTarget = false, reduction = 'mean' }: { logTarget?: boolean; reduction?: Reduction | 'batchmean' } = {},
): Tensor {
  const loss = logTarget ? target.exp().mul(target.sub(input)) : target.xlogy(target).sub(target.mul(input));
  return reduction === 'batchmean' ? loss.sum().div(input.shape[0]) : reduceLoss(loss, reduction);
}

/** Gaussian negative log likelihood with a variance per element (at least eps); `full` adds the constant term. */
export function gaussianNllLoss(
  input: Tensor,
  target: Tensor,
  variance: Tensor,
  { full = false, eps = 1e-6, reduction }: LossOptions & { full?: boolean; eps?: number } = {},
): Tensor {
  let v = variance;
  if (v.ndim === input.ndim - 1 && sameShape(v.shape, input.shape.slice(0, -1))) v = v.unsqueeze(-1);
  // The clamp changes the value and not the gradient, as in PyTorch.
  const missing = noGrad(() => v.clamp({ min: eps }).sub(v));
  const safe = v.add(missing);
  const loss = safe.log().add(input.sub(target).square().div(safe)).mul(0.5);
  return reduceLoss(full ? loss.add(0.9189385332046727) : loss, reduction);
}

/** Poisson negative log likelihood; `input` is the logarithm of the rate unless `logInput` is false. */
export function poissonNllLoss(
  input: Tensor,
  target: Tensor,
  { logInput = true, full = false, eps = 1e-8, reduction }: LossOptions & { logInput?: boolean; full?: boolean; eps?: number } = {},
): Tensor {
  let loss = logInput ? input.exp().sub(target.mul(input)) : input.sub(target.mul(input.add(eps).log()));
  if (full) {
    const safe = where(target.gt(1), target, 1);
    const stirling = safe.mul(safe.log()).sub(safe).add(safe.mul(6.283185307179586).log().mul(0.5));
    loss = loss.add(where(target.gt(1), stirling, 0));
  }
  return reduceLoss(loss, reduction);
}
