import { ValueError } from '../base/errors.ts';
import { fullLike, type Tensor, where } from '../tensor/index.ts';
import { Optimizer, type ParamGroup, type Params, type State } from './optimizer.ts';
import { count, direction, moving, slot } from './state.ts';

/** Options of Rprop. */
export interface RpropOptions {
  lr: number;
  /** Factors of the step size where the gradient's sign changed and where it stayed. */
  etas: readonly [number, number];
  /** The smallest and the largest step size. */
  stepSizes: readonly [number, number];
  maximize: boolean;
}
/** Resilient backpropagation (Riedmiller and Braun 1993), for whole-batch gradients. Defaults: lr 0.01, etas [0.5, 1.2]. @throws ValueError */
export class Rprop extends Optimizer<RpropOptions> {
  constructor(params: Params<RpropOptions>, options: Partial<RpropOptions> = {}) {
    super(params, { lr: 0.01, etas: [0.5, 1.2], stepSizes: [1e-6, 50], maximize: false, ...options });
  }
  protected override readonly planned: boolean = true;
  protected override check(group: ParamGroup<RpropOptions>): void {
    super.check(group);
    const [minus, plus] = group.etas;
    if (!(minus > 0 && minus < 1 && plus > 1)) throw new ValueError(`Rprop: etas [${minus}, ${plus}] must be one below and one above 1`);
  }
  protected override update(p: Tensor, grad: Tensor, state: State, group: ParamGroup<RpropOptions>): void {
    const { lr, etas, stepSizes, maximize } = group;
    const g = direction(p, grad, { maximize, weightDecay: 0 });
    const [none] = moving(p, () => {
      count(state);
      return [0];
    });
    const previous = slot(state, 'prev', p);
    const size = slot(state, 'step_size', p, (x) => fullLike(x, lr));
    const agreement = g.mul(previous);
    const turned = agreement.lt(0);
    const grown = where(agreement.gt(0), size.mul(etas[1]), where(turned, size.mul(etas[0]), size));
    size.copy_(grown.clamp({ min: stepSizes[0], max: stepSizes[1] }));
    const counted = where(turned, none, g);
    p.sub_(counted.sign().mul(size));
    previous.copy_(counted);
  }
}
