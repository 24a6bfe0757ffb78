import { ValueError } from '../base/errors.ts';
import { TABLE } from '../ops/networks.ts';
import { type KernelOp, renewed } from '../ops/op.ts';
import { callKernel, type Tensor } from '../tensor/index.ts';
import { Optimizer, type ParamGroup, type Params, type State } from './optimizer.ts';
import { nonNegative, slot } from './state.ts';

/** Options of SGD. */
export interface SGDOptions {
  lr: number;
  momentum: number;
  dampening: number;
  weightDecay: number;
  nesterov: boolean;
  maximize: boolean;
}

/**
 * Stochastic gradient descent with momentum: one fused pass per parameter. Defaults: lr 1e-3, no momentum.
 * @throws ValueError for options out of range
 * @example new optim.SGD(model.parameters(), { lr: 0.1, momentum: 0.9 })
 */
export class SGD extends Optimizer<SGDOptions> {
  constructor(params: Params<SGDOptions>, options: Partial<SGDOptions> = {}) {
    super(params, { lr: 1e-3, momentum: 0, dampening: 0, weightDecay: 0, nesterov: false, maximize: false, ...options });
  }
  protected override readonly planned: boolean = true;
  protected override check(group: ParamGroup<SGDOptions>): void {
    const { lr, momentum, weightDecay, dampening, nesterov } = group;
    nonNegative('SGD', { lr, momentum, weightDecay });
    if (nesterov && (momentum <= 0 || dampening !== 0)) throw new ValueError('SGD: nesterov needs a momentum above 0 and no dampening');
  }
  protected override update(p: Tensor, grad: Tensor, state: State, group: ParamGroup<SGDOptions>): void {
    let first = group.momentum !== 0 && state.momentum_buffer === undefined;
    const buffer = group.momentum === 0 ? null : slot(state, 'momentum_buffer', p);
    const attrs = renewed(() => {
      const { lr, momentum, dampening, weightDecay, nesterov, maximize } = group;
      return { lr, momentum, dampening, weightDecay, nesterov, maximize, first };
    });
    first = false;
    callKernel(TABLE.sgdStep as KernelOp, [p, grad, buffer], attrs);
  }
}
