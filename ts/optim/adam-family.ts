// Relatives of Adam, composed from tensor ops; numbers that differ from step to step come through `moving`.
import { pow } from '../base/math.ts';
import { guard } from '../plan/capture.ts';
import type { Tensor } from '../tensor/index.ts';
import { Optimizer, type ParamGroup, type Params, type State } from './optimizer.ts';
import { checkBetas, count, direction, moving, nonNegative, slot } from './state.ts';

/** Options of Adamax. */
export interface AdamaxOptions {
  lr: number;
  betas: readonly [number, number];
  eps: number;
  weightDecay: number;
  maximize: boolean;
}

/** Moves a running mean towards x: m = beta m + (1 - beta) x. */
function track(m: Tensor, x: Tensor, beta: number): Tensor {
  return m.mul_(beta).add_(x.mul(1 - beta));
}

/** Adam with the infinity norm (Kingma and Ba 2015, section 7). Defaults: lr 2e-3. @throws ValueError */
export class Adamax extends Optimizer<AdamaxOptions> {
  constructor(params: Params<AdamaxOptions>, options: Partial<AdamaxOptions> = {}) {
    super(params, { lr: 2e-3, betas: [0.9, 0.999], eps: 1e-8, weightDecay: 0, maximize: false, ...options });
  }
  protected override readonly planned: boolean = true;
  protected override check({ lr, eps, weightDecay, betas }: ParamGroup<AdamaxOptions>): void {
    nonNegative('Adamax', { lr, eps, weightDecay });
    checkBetas('Adamax', betas);
  }
  protected override update(p: Tensor, grad: Tensor, state: State, group: ParamGroup<AdamaxOptions>): void {
    const { betas, eps } = group;
    const g = direction(p, grad, group);
    const [factor] = moving(p, () => [group.lr / (1 - pow(betas[0], count(state)))]);
    const mean = track(slot(state, 'exp_avg', p), g, betas[0]);
    const largest = slot(state, 'exp_inf', p);
    largest.copy_(largest.mul(betas[1]).maximum(g.abs().add(eps)));
    p.sub_(mean.div(largest).mul(factor));
  }
}

/** Options of NAdam. */
export interface NAdamOptions extends AdamaxOptions {
  momentumDecay: number;
  decoupledWeightDecay: boolean;
}
/** Adam with Nesterov momentum (Dozat 2016). Defaults: lr 2e-3, momentumDecay 4e-3. @throws ValueError */
export class NAdam extends Optimizer<NAdamOptions> {
  constructor(params: Params<NAdamOptions>, options: Partial<NAdamOptions> = {}) {
    super(params, {
      lr: 2e-3,
      betas: [0.9, 0.999],
      eps: 1e-8,
      weightDecay: 0,
      momentumDecay: 4e-3,
      decoupledWeightDecay: false,
      maximize: false,
      ...options,
    });
  }
  protected override readonly planned: boolean = true;
  protected override check({ lr, eps, weightDecay, momentumDecay, betas }: ParamGroup<NAdamOptions>): void {
    nonNegative('NAdam', { lr, eps, weightDecay, momentumDecay });
    checkBetas('NAdam', betas);
  }
  protected override update(p: Tensor, grad: Tensor, state: State, group: ParamGroup<NAdamOptions>): void {
    const { betas, eps, momentumDecay, decoupledWeightDecay, weightDecay } = group;
    const [beta1, beta2] = betas;
    const [correction, fresh, past, decay] = moving(p, () => {
      const { lr } = group;
      const step = count(state);
      const mu = beta1 * (1 - 0.5 * pow(0.96, step * momentumDecay));
      const next = beta1 * (1 - 0.5 * pow(0.96, (step + 1) * momentumDecay));
      const product = ((state.mu_product as number | undefined) ?? 1) * mu;
      state.mu_product = product;
      return [1 - pow(beta2, step), (lr * (1 - mu)) / (1 - product), (lr * next) / (1 - product * next), 1 - lr * weightDecay];
    });
    if (decoupledWeightDecay) p.mul_(decay);
    const g = direction(p, grad, decoupledWeightDecay ? { ...group, weightDecay: 0 } : group);
    const mean = track(slot(state, 'exp_avg', p), g, beta1);
    const squares = track(slot(state, 'exp_avg_sq', p), g.square(), beta2);
    const divisor = squares.div(correction).sqrt().add(eps);
    p.sub_(g.div(divisor).mul(fresh));
    p.sub_(mean.div(divisor).mul(past));
  }
}

/** Options of RAdam. */
export interface RAdamOptions extends AdamaxOptions {
  decoupledWeightDecay: boolean;
}
/** Rectified Adam (Liu et al. 2020). Defaults: lr 1e-3. @throws ValueError */
export class RAdam extends Optimizer<RAdamOptions> {
  constructor(params: Params<RAdamOptions>, options: Partial<RAdamOptions> = {}) {
    super(params, { lr: 1e-3, betas: [0.9, 0.999], eps: 1e-8, weightDecay: 0, decoupledWeightDecay: false, maximize: false, ...options });
  }
  protected override readonly planned: boolean = true;
  protected override check({ lr, eps, weightDecay, betas }: ParamGroup<RAdamOptions>): void {
    nonNegative('RAdam', { lr, eps, weightDecay });
    checkBetas('RAdam', betas);
  }
  protected override update(p: Tensor, grad: Tensor, state: State, group: ParamGroup<RAdamOptions>): void {
    const { betas, eps, decoupledWeightDecay, weightDecay } = group;
    const [beta1, beta2] = betas;
    const longest = 2 / (1 - beta2) - 1;
    const lengthAt = (step: number): number => longest - (2 * step * pow(beta2, step)) / (1 - pow(beta2, step));
    const rectified = (): boolean => lengthAt(((state.step as number | undefined) ?? 0) + 1) > 5;
    const adaptive = rectified();
    guard('the phase of RAdam', () => rectified() === adaptive);
    const [correction, lr, rate, decay] = moving(p, () => {
      const step = count(state);
      const length = lengthAt(step);
      const rect = Math.sqrt(((length - 4) * (length - 2) * longest) / ((longest - 4) * (longest - 2) * length));
      return [1 - pow(beta1, step), group.lr, Math.sqrt(1 - pow(beta2, step)) * rect, 1 - group.lr * weightDecay];
    });
    if (decoupledWeightDecay) p.mul_(decay);
    const g = direction(p, grad, decoupledWeightDecay ? { ...group, weightDecay: 0 } : group);
    const mean = track(slot(state, 'exp_avg', p), g, beta1);
    const squares = track(slot(state, 'exp_avg_sq', p), g.square(), beta2);
    const move = mean.div(correction).mul(lr);
    p.sub_(adaptive ? move.mul(rate).div(squares.sqrt().add(eps)) : move);
  }
}
