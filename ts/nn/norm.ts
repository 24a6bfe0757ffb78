import type { DType } from '../base/dtype.ts';
import { ShapeError } from '../base/errors.ts';
import { show } from '../base/shape.ts';
import { ones, type Tensor, tensor, zeros } from '../tensor/index.ts';
import { batchNorm, groupNorm, instanceNorm, layerNorm, localResponseNorm, rmsNorm } from './functional/norm.ts';
import { Module } from './module.ts';
import { parameter } from './parameter.ts';

/** Options of batch and instance norms. */
export interface RunningNormOptions {
  readonly eps?: number;
  /** How far running values move at each batch; null for the mean over all batches. */
  readonly momentum?: number | null;
  /** Learn a scale and a shift for each channel. */
  readonly affine?: boolean;
  readonly trackRunningStats?: boolean;
  /** false leaves out the shift. */
  readonly bias?: boolean;
  readonly dtype?: DType;
}

/** What batch and instance norms share: keys weight, bias, running_mean, running_var, num_batches_tracked. */
class RunningNorm extends Module {
  weight: Tensor | null;
  bias: Tensor | null;
  declare runningMean: Tensor | null;
  declare runningVar: Tensor | null;
  declare numBatchesTracked: Tensor | null;
  readonly numFeatures: number;
  readonly eps: number;
  readonly momentum: number | null;
  readonly #ranks: readonly number[];

  constructor(ranks: readonly number[], numFeatures: number, defaults: boolean, options: RunningNormOptions) {
    super();
    const { eps = 1e-5, momentum = 0.1, affine = defaults, trackRunningStats = defaults, bias = true, dtype = 'float32' } = options;
    this.#ranks = ranks;
    this.numFeatures = numFeatures;
    this.eps = eps;
    this.momentum = momentum;
    this.weight = affine ? parameter(ones([numFeatures], { dtype })) : null;
    this.bias = affine && bias ? parameter(zeros([numFeatures], { dtype })) : null;
    this.registerBuffer('running_mean', trackRunningStats ? zeros([numFeatures], { dtype }) : null);
    this.registerBuffer('running_var', trackRunningStats ? ones([numFeatures], { dtype }) : null);
    this.registerBuffer('num_batches_tracked', trackRunningStats ? tensor(0, { dtype: 'int64' }) : null);
  }
  protected check(x: Tensor): void {
    if (this.#ranks.includes(x.ndim)) return;
    throw new ShapeError(`${this.constructor.name}: input ${show(x.shape)} should have ${this.#ranks.join(' or ')} dimensions`);
  }
  override extraRepr(): string {
    const py = (b: boolean): string => (b ? 'True' : 'False');
    return `${this.numFeatures}, eps=${this.eps}, momentum=${this.momentum}, affine=${py(this.weight !== null)}, track_running_stats=${py(this.runningMean !== null)}`;
  }
}

class BatchNorm extends RunningNorm {
  constructor(ranks: readonly number[], numFeatures: number, options: RunningNormOptions) {
    super(ranks, numFeatures, true, options);
  }
  override forward(x: Tensor): Tensor {
    this.check(x);
    let momentum = this.momentum ?? 0;
    if (this.training && this.numBatchesTracked !== null) {
      this.numBatchesTracked.add_(1);
      if (this.momentum === null) momentum = 1 / this.numBatchesTracked.itemSync();
    }
    const training = this.training || this.runningMean === null;
    return batchNorm(x, this.runningMean, this.runningVar, { weight: this.weight, bias: this.bias, training, momentum, eps: this.eps });
  }
}

/** Batch normalisation of (N, C) or (N, C, L) by channel. */
export class BatchNorm1d extends BatchNorm {
  constructor(numFeatures: number, options: RunningNormOptions = {}) {
    super([2, 3], numFeatures, options);
  }
}
/** Batch normalisation of (N, C, H, W) by channel. */
export class BatchNorm2d extends BatchNorm {
  constructor(numFeatures: number, options: RunningNormOptions = {}) {
    super([4], numFeatures, options);
  }
}
/** Batch normalisation of (N, C, D, H, W) by channel. */
export class BatchNorm3d extends BatchNorm {
  constructor(numFeatures: number, options: RunningNormOptions = {}) {
    super([5], numFeatures, options);
  }
}

class InstanceNorm extends RunningNorm {
  readonly #rank: number;

  constructor(rank: number, numFeatures: number, options: RunningNormOptions) {
    super([rank - 1, rank], numFeatures, false, options);
    this.#rank = rank;
  }
  override forward(x: Tensor): Tensor {
    this.check(x);
    if (x.ndim < this.#rank) return this.#run(x.unsqueeze(0)).squeeze(0);
    return this.#run(x);
  }
  #run(x: Tensor): Tensor {
    return instanceNorm(x, this.runningMean, this.runningVar, {
      weight: this.weight,
      bias: this.bias,
      useInputStats: this.training || this.runningMean === null,
      momentum: this.momentum ?? 0,
      eps: this.eps,
    });
  }
}

/** Normalises each channel of each sample of (N, C, L) or (C, L). */
export class InstanceNorm1d extends InstanceNorm {
  constructor(numFeatures: number, options: RunningNormOptions = {}) {
    super(3, numFeatures, options);
  }
}
/** Normalises each channel of each sample of (N, C, H, W) or (C, H, W). */
export class InstanceNorm2d extends InstanceNorm {
  constructor(numFeatures: number, options: RunningNormOptions = {}) {
    super(4, numFeatures, options);
  }
}
/** Normalises each channel of each sample of (N, C, D, H, W) or (C, D, H, W). */
export class InstanceNorm3d extends InstanceNorm {
  constructor(numFeatures: number, options: RunningNormOptions = {}) {
    super(5, numFeatures, options);
  }
}

/** Options of LayerNorm. */
export interface LayerNormOptions {
  readonly eps?: number;
  readonly elementwiseAffine?: boolean;
  readonly bias?: boolean;
  readonly dtype?: DType;
}
/** Normalises over the last dimensions, whose shape is given. Keys weight, bias of that shape. */
export class LayerNorm extends Module {
  weight: Tensor | null;
  bias: Tensor | null;
  readonly normalizedShape: readonly number[];
  readonly eps: number;

  constructor(
    normalizedShape: number | readonly number[],
    { eps = 1e-5, elementwiseAffine = true, bias = true, dtype = 'float32' }: LayerNormOptions = {},
  ) {
    super();
    this.normalizedShape = typeof normalizedShape === 'number' ? [normalizedShape] : [...normalizedShape];
    this.eps = eps;
    this.weight = elementwiseAffine ? parameter(ones(this.normalizedShape, { dtype })) : null;
    this.bias = elementwiseAffine && bias ? parameter(zeros(this.normalizedShape, { dtype })) : null;
  }
  override forward(x: Tensor): Tensor {
    return layerNorm(x, this.normalizedShape, { weight: this.weight, bias: this.bias, eps: this.eps });
  }
  override extraRepr(): string {
    return `(${this.normalizedShape.join(', ')},), eps=${this.eps}, elementwise_affine=${this.weight === null ? 'False' : 'True'}`;
  }
}

/** Divides by the root mean square over the last dimensions. Key weight. */
export class RMSNorm extends Module {
  weight: Tensor | null;
  readonly normalizedShape: readonly number[];
  readonly eps: number | null;

  constructor(
    normalizedShape: number | readonly number[],
    { eps = null, elementwiseAffine = true, dtype = 'float32' }: { eps?: number | null; elementwiseAffine?: boolean; dtype?: DType } = {},
  ) {
    super();
    this.normalizedShape = typeof normalizedShape === 'number' ? [normalizedShape] : [...normalizedShape];
    this.eps = eps;
    this.weight = elementwiseAffine ? parameter(ones(this.normalizedShape, { dtype })) : null;
  }
  override forward(x: Tensor): Tensor {
    return rmsNorm(x, this.normalizedShape, { weight: this.weight, eps: this.eps });
  }
  override extraRepr(): string {
    return `(${this.normalizedShape.join(', ')},), eps=${this.eps === null ? 'None' : this.eps}, elementwise_affine=${this.weight === null ? 'False' : 'True'}`;
  }
}

/** Normalises each sample's channels in groups. Keys weight, bias (numChannels). */
export class GroupNorm extends Module {
  weight: Tensor | null;
  bias: Tensor | null;
  readonly numGroups: number;
  readonly numChannels: number;
  readonly eps: number;

  constructor(
    numGroups: number,
    numChannels: number,
    { eps = 1e-5, affine = true, bias = true, dtype = 'float32' }: { eps?: number; affine?: boolean; bias?: boolean; dtype?: DType } = {},
  ) {
    super();
    if (numChannels % numGroups !== 0) throw new ShapeError(`GroupNorm: ${numChannels} channels do not divide into ${numGroups} groups`);
    this.numGroups = numGroups;
    this.numChannels = numChannels;
    this.eps = eps;
    this.weight = affine ? parameter(ones([numChannels], { dtype })) : null;
    this.bias = affine && bias ? parameter(zeros([numChannels], { dtype })) : null;
  }
  override forward(x: Tensor): Tensor {
    return groupNorm(x, this.numGroups, { weight: this.weight, bias: this.bias, eps: this.eps });
  }
  override extraRepr(): string {
    return `${this.numGroups}, ${this.numChannels}, eps=${this.eps}, affine=${this.weight === null ? 'False' : 'True'}`;
  }
}

/** Divides by a power of the mean square over neighbouring channels. */
export class LocalResponseNorm extends Module {
  readonly size: number;
  readonly alpha: number;
  readonly beta: number;
  readonly k: number;

  constructor(size: number, { alpha = 1e-4, beta = 0.75, k = 1 }: { alpha?: number; beta?: number; k?: number } = {}) {
    super();
    this.size = size;
    this.alpha = alpha;
    this.beta = beta;
    this.k = k;
  }
  override forward(x: Tensor): Tensor {
    return localResponseNorm(x, this.size, { alpha: this.alpha, beta: this.beta, k: this.k });
  }
  override extraRepr(): string {
    return `${this.size}, alpha=${this.alpha}, beta=${this.beta}, k=${this.k}`;
  }
}
