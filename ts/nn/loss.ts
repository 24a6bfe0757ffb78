// Losses as modules. Each holds its options and calls the function of the same name.
import type { Tensor } from '../tensor/index.ts';
import { type CtcOptions, ctcLoss } from './functional/ctc.ts';
import * as F from './functional/loss.ts';
import * as M from './functional/margin-loss.ts';
import { Module } from './module.ts';

class Loss<O extends object> extends Module {
  protected readonly options: O;

  constructor(options: O = {} as O) {
    super();
    this.options = options;
  }
}

/** Mean of (input - target)^2. */
export class MSELoss extends Loss<F.LossOptions> {
  override forward(input: Tensor, target: Tensor): Tensor {
    return F.mseLoss(input, target, this.options);
  }
}

/** Mean of |input - target|. */
export class L1Loss extends Loss<F.LossOptions> {
  override forward(input: Tensor, target: Tensor): Tensor {
    return F.l1Loss(input, target, this.options);
  }
}

/** Squared below beta, absolute above. */
export class SmoothL1Loss extends Loss<F.LossOptions & { readonly beta?: number }> {
  override forward(input: Tensor, target: Tensor): Tensor {
    return F.smoothL1Loss(input, target, this.options);
  }
}

/** Squared below delta, linear above. */
export class HuberLoss extends Loss<F.LossOptions & { readonly delta?: number }> {
  override forward(input: Tensor, target: Tensor): Tensor {
    return F.huberLoss(input, target, this.options);
  }
}

/** Kullback-Leibler divergence of log probabilities from the target. */
export class KLDivLoss extends Loss<{ readonly logTarget?: boolean; readonly reduction?: F.Reduction | 'batchmean' }> {
  override forward(input: Tensor, target: Tensor): Tensor {
    return F.klDiv(input, target, this.options);
  }
}

/** Poisson negative log likelihood. */
export class PoissonNLLLoss extends Loss<F.LossOptions & { readonly logInput?: boolean; readonly full?: boolean; readonly eps?: number }> {
  override forward(input: Tensor, target: Tensor): Tensor {
    return F.poissonNllLoss(input, target, this.options);
  }
}

/** x where the target is 1, max(0, margin - x) where it is -1. */
export class HingeEmbeddingLoss extends Loss<F.LossOptions & { readonly margin?: number }> {
  override forward(input: Tensor, target: Tensor): Tensor {
    return M.hingeEmbeddingLoss(input, target, this.options);
  }
}

/** log(1 + exp(-target x)) for targets 1 and -1. */
export class SoftMarginLoss extends Loss<F.LossOptions> {
  override forward(input: Tensor, target: Tensor): Tensor {
    return M.softMarginLoss(input, target, this.options);
  }
}

/** Hinge loss of several labels; a target row ends at its first -1. */
export class MultiLabelMarginLoss extends Loss<F.LossOptions> {
  override forward(input: Tensor, target: Tensor): Tensor {
    return M.multilabelMarginLoss(input, target, this.options);
  }
}

/** Gaussian negative log likelihood with a variance per element. */
export class GaussianNLLLoss extends Loss<F.LossOptions & { readonly full?: boolean; readonly eps?: number }> {
  override forward(input: Tensor, target: Tensor, variance: Tensor): Tensor {
    return F.gaussianNllLoss(input, target, variance, this.options);
  }
}

/** max(0, -target (a - b) + margin). */
export class MarginRankingLoss extends Loss<F.LossOptions & { readonly margin?: number }> {
  override forward(a: Tensor, b: Tensor, target: Tensor): Tensor {
    return M.marginRankingLoss(a, b, target, this.options);
  }
}

/** 1 - cos where the target is 1, max(0, cos - margin) where it is -1. */
export class CosineEmbeddingLoss extends Loss<F.LossOptions & { readonly margin?: number }> {
  override forward(a: Tensor, b: Tensor, target: Tensor): Tensor {
    return M.cosineEmbeddingLoss(a, b, target, this.options);
  }
}

/** max(0, d(anchor, near) - d(anchor, far) + margin). */
export class TripletMarginLoss extends Loss<M.TripletOptions> {
  override forward(anchor: Tensor, near: Tensor, far: Tensor): Tensor {
    return M.tripletMarginLoss(anchor, near, far, this.options);
  }
}

/** A loss with a weight tensor, which is a buffer as in PyTorch. */
class WeightedLoss<O extends { readonly weight?: Tensor | null }> extends Loss<O> {
  declare weight: Tensor | null;

  constructor(options: O = {} as O) {
    super(options);
    this.registerBuffer('weight', options.weight ?? null);
  }
}

/** Negative log likelihood of log probabilities (N, C, ...) at class indices (N, ...). */
export class NLLLoss extends WeightedLoss<F.ClassLossOptions> {
  override forward(input: Tensor, target: Tensor): Tensor {
    return F.nllLoss(input, target, { ...this.options, weight: this.weight });
  }
}

/** Cross entropy of logits (N, C, ...) at class indices (N, ...) or class probabilities (N, C, ...). */
export class CrossEntropyLoss extends WeightedLoss<F.CrossEntropyOptions> {
  override forward(input: Tensor, target: Tensor): Tensor {
    return F.crossEntropy(input, target, { ...this.options, weight: this.weight });
  }
}

/** Binary cross entropy of probabilities. */
export class BCELoss extends WeightedLoss<F.LossOptions & { readonly weight?: Tensor | null }> {
  override forward(input: Tensor, target: Tensor): Tensor {
    return F.binaryCrossEntropy(input, target, { ...this.options, weight: this.weight });
  }
}

/** Hinge loss of one label. */
export class MultiMarginLoss extends WeightedLoss<
  F.LossOptions & { readonly p?: number; readonly margin?: number; readonly weight?: Tensor | null }
> {
  override forward(input: Tensor, target: Tensor): Tensor {
    return M.multiMarginLoss(input, target, { ...this.options, weight: this.weight });
  }
}

/** Binary cross entropy of logits, averaged over classes. */
export class MultiLabelSoftMarginLoss extends WeightedLoss<F.LossOptions & { readonly weight?: Tensor | null }> {
  override forward(input: Tensor, target: Tensor): Tensor {
    return M.multilabelSoftMarginLoss(input, target, { ...this.options, weight: this.weight });
  }
}

/** Options of BCEWithLogitsLoss. */
export interface BCEWithLogitsOptions extends F.LossOptions {
  readonly weight?: Tensor | null;
  /** Multiplies the loss of positive targets. */
  readonly posWeight?: Tensor | null;
}
/** Binary cross entropy of logits. */
export class BCEWithLogitsLoss extends WeightedLoss<BCEWithLogitsOptions> {
  declare posWeight: Tensor | null;

  constructor(options: BCEWithLogitsOptions = {}) {
    super(options);
    this.registerBuffer('pos_weight', options.posWeight ?? null);
  }
  override forward(input: Tensor, target: Tensor): Tensor {
    return F.binaryCrossEntropyWithLogits(input, target, { ...this.options, weight: this.weight, posWeight: this.posWeight });
  }
}

/** Connectionist temporal classification: label sequences without alignment. */
export class CTCLoss extends Loss<CtcOptions> {
  override forward(
    logProbs: Tensor,
    targets: Tensor,
    inputLengths: Tensor | readonly number[],
    targetLengths: Tensor | readonly number[],
  ): Tensor {
    return ctcLoss(logProbs, targets, inputLengths, targetLengths, this.options);
  }
}
