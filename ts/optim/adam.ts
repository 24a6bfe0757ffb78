import { pow } from '../base/math.ts';
import { TABLE } from '../ops/networks.ts';
import { type Attrs, type KernelOp, renewed } from '../ops/op.ts';
import { callKernel, type Tensor } from '../tensor/index.ts';
import { Optimizer, type ParamGroup, type Params, type State } from './optimizer.ts';
import { checkBetas, count, nonNegative, slot } from './state.ts';

/** Options of Adam and AdamW. */
export interface AdamOptions {
  lr: number;
  betas: readonly [number, number];
  eps: number;
  weightDecay: number;
  /** Divide by the largest second moment so far (Reddi et al. 2018). */
  amsgrad: boolean;
  maximize: boolean;
  /** Decay weights directly rather than through the gradient: what makes AdamW. */
  decoupledWeightDecay: boolean;
}

/**
 * Adam (Kingma and Ba 2015): one fused pass per parameter. Defaults: lr 1e-3, betas [0.9, 0.999], eps 1e-8, no weight decay.
 * @throws ValueError for options out of range
 * @example new optim.Adam(model.parameters(), { lr: 1e-3 })
 */
export class Adam extends Optimizer<AdamOptions> {
  constructor(params: Params<AdamOptions>, options: Partial<AdamOptions> = {}) {
    super(params, {
      lr: 1e-3,
      betas: [0.9, 0.999],
      eps: 1e-8,
      weightDecay: 0,
      amsgrad: false,
      maximize: false,
      decoupledWeightDecay: false,
      ...options,
    });
  }
  protected override readonly planned: boolean = true;
  protected override check({ lr, eps, weightDecay, betas }: ParamGroup<AdamOptions>): void {
    nonNegative(this.constructor.name, { lr, eps, weightDecay });
    checkBetas(this.constructor.name, betas);
  }
  protected override update(p: Tensor, grad: Tensor, state: State, group: ParamGroup<AdamOptions>): void {
    state.step ??= 0;
    const m = slot(state, 'exp_avg', p);
    const v = slot(state, 'exp_avg_sq', p);
    const vmax = group.amsgrad ? slot(state, 'max_exp_avg_sq', p) : null;
    const numbers = (): Attrs => {
      const { lr, betas, eps, weightDecay, maximize, decoupledWeightDecay: decoupled } = group;
      const [beta1, beta2] = betas;
      const step = count(state);
      const biasCorrection1 = 1 - pow(beta1, step);
      const biasCorrection2 = 1 - pow(beta2, step);
      return { lr, beta1, beta2, eps, weightDecay, decoupled, maximize, biasCorrection1, biasCorrection2 };
    };
    callKernel(TABLE.adamStep as KernelOp, [p, grad, m, v, vmax], renewed(numbers));
  }
}

/** Adam with decoupled weight decay (Loshchilov and Hutter 2019). As Adam, but weightDecay is 0.01. */
export class AdamW extends Adam {
  constructor(params: Params<AdamOptions>, options: Partial<AdamOptions> = {}) {
    super(params, { weightDecay: 0.01, ...options, decoupledWeightDecay: true });
  }
}
