import { TABLE } from '../ops/networks.ts';
import { type KernelOp, renewed } from '../ops/op.ts';
import { callKernel, fullLike, type Tensor } from '../tensor/index.ts';
import { Optimizer, type ParamGroup, type Params, type State } from './optimizer.ts';
import { count, direction, moving, nonNegative, slot } from './state.ts';

/** Options of RMSprop. */
export interface RMSpropOptions {
  lr: number;
  alpha: number;
  eps: number;
  weightDecay: number;
  momentum: number;
  /** Divide by an estimate of the variance rather than of the second moment. */
  centered: boolean;
  maximize: boolean;
}
/** RMSprop (Hinton's lecture; Graves 2013 for `centered`). Defaults: lr 0.01, alpha 0.99, eps 1e-8. @throws ValueError */
export class RMSprop extends Optimizer<RMSpropOptions> {
  constructor(params: Params<RMSpropOptions>, options: Partial<RMSpropOptions> = {}) {
    super(params, { lr: 0.01, alpha: 0.99, eps: 1e-8, weightDecay: 0, momentum: 0, centered: false, maximize: false, ...options });
  }
  protected override readonly planned: boolean = true;
  protected override check({ lr, eps, momentum, weightDecay, alpha }: ParamGroup<RMSpropOptions>): void {
    nonNegative('RMSprop', { lr, eps, momentum, weightDecay, alpha });
  }
  protected override update(p: Tensor, grad: Tensor, state: State, group: ParamGroup<RMSpropOptions>): void {
    state.step ??= 0;
    const v = slot(state, 'square_avg', p);
    const mean = group.centered ? slot(state, 'grad_avg', p) : null;
    const buffer = group.momentum > 0 ? slot(state, 'momentum_buffer', p) : null;
    const attrs = renewed(() => {
      const { lr, alpha, eps, weightDecay, momentum, maximize } = group;
      count(state);
      return { lr, alpha, eps, weightDecay, momentum, maximize };
    });
    callKernel(TABLE.rmspropStep as KernelOp, [p, grad, v, mean, buffer], attrs);
  }
}

/** Options of Adagrad. */
export interface AdagradOptions {
  lr: number;
  lrDecay: number;
  weightDecay: number;
  initialAccumulatorValue: number;
  eps: number;
  maximize: boolean;
}
/** Adagrad (Duchi et al. 2011). Defaults: lr 0.01, eps 1e-10. @throws ValueError */
export class Adagrad extends Optimizer<AdagradOptions> {
  constructor(params: Params<AdagradOptions>, options: Partial<AdagradOptions> = {}) {
    super(params, { lr: 0.01, lrDecay: 0, weightDecay: 0, initialAccumulatorValue: 0, eps: 1e-10, maximize: false, ...options });
  }
  protected override readonly planned: boolean = true;
  protected override check({ lr, lrDecay, weightDecay, initialAccumulatorValue, eps }: ParamGroup<AdagradOptions>): void {
    nonNegative('Adagrad', { lr, lrDecay, weightDecay, initialAccumulatorValue, eps });
  }
  protected override update(p: Tensor, grad: Tensor, state: State, group: ParamGroup<AdagradOptions>): void {
    state.step ??= 0;
    const sum = slot(state, 'sum', p, (x) => fullLike(x, group.initialAccumulatorValue));
    const attrs = renewed(() => {
      const { lr, lrDecay, weightDecay, eps, maximize } = group;
      return { lr: lr / (1 + (count(state) - 1) * lrDecay), eps, weightDecay, maximize };
    });
    callKernel(TABLE.adagradStep as KernelOp, [p, grad, sum], attrs);
  }
}

/** Options of Adadelta. */
export interface AdadeltaOptions {
  lr: number;
  rho: number;
  eps: number;
  weightDecay: number;
  maximize: boolean;
}
/** Adadelta (Zeiler 2012). Defaults: lr 1, rho 0.9, eps 1e-6. @throws ValueError */
export class Adadelta extends Optimizer<AdadeltaOptions> {
  constructor(params: Params<AdadeltaOptions>, options: Partial<AdadeltaOptions> = {}) {
    super(params, { lr: 1, rho: 0.9, eps: 1e-6, weightDecay: 0, maximize: false, ...options });
  }
  protected override readonly planned: boolean = true;
  protected override check({ lr, rho, eps, weightDecay }: ParamGroup<AdadeltaOptions>): void {
    nonNegative('Adadelta', { lr, rho, eps, weightDecay });
  }
  protected override update(p: Tensor, grad: Tensor, state: State, group: ParamGroup<AdadeltaOptions>): void {
    const { rho, eps } = group;
    const g = direction(p, grad, group);
    const [lr] = moving(p, () => {
      count(state);
      return [group.lr];
    });
    const squares = slot(state, 'square_avg', p);
    const deltas = slot(state, 'acc_delta', p);
    squares.mul_(rho).add_(g.square().mul(1 - rho));
    const delta = deltas.add(eps).sqrt().div(squares.add(eps).sqrt()).mul(g);
    deltas.mul_(rho).add_(delta.square().mul(1 - rho));
    p.sub_(delta.mul(lr));
  }
}
