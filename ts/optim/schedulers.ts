// Learning-rate schedules; names and formulas are those of torch.optim.lr_scheduler.

import { ValueError } from '../base/errors.ts';
import { cos, pow } from '../base/math.ts';
import { type AnyOptimizer, FactorLR, LRScheduler, positiveCount } from './scheduler.ts';

export { CyclicLR, type CyclicOptions, OneCycleLR, type OneCycleOptions } from './cycles.ts';
export { type PlateauOptions, ReduceLROnPlateau } from './plateau.ts';
export { type AnyOptimizer, LRScheduler, type SchedulerState } from './scheduler.ts';

const PI = Math.PI;

/** The first rate times a function of the epoch: one function for all groups, or one each. */
export class LambdaLR extends LRScheduler {
  readonly #lambdas: readonly ((epoch: number) => number)[];

  constructor(optimizer: AnyOptimizer, lrLambda: ((epoch: number) => number) | readonly ((epoch: number) => number)[]) {
    super(optimizer);
    const n = optimizer.paramGroups.length;
    this.#lambdas = typeof lrLambda === 'function' ? new Array(n).fill(lrLambda) : lrLambda;
    if (this.#lambdas.length !== n)
      throw new ValueError(`LambdaLR: ${this.#lambdas.length} functions for ${n} parameter groups; give one, or one each`);
    this.begin();
  }
  protected override next(_lr: number, base: number, group: number): number {
    return base * this.#lambdas[group](this.lastEpoch);
  }
}

/** The rate times a function of the epoch, at each step. */
export class MultiplicativeLR extends LRScheduler {
  readonly #lambda: (epoch: number) => number;

  constructor(optimizer: AnyOptimizer, lrLambda: (epoch: number) => number) {
    super(optimizer);
    this.#lambda = lrLambda;
    this.begin();
  }
  protected override next(lr: number): number {
    return this.lastEpoch > 0 ? lr * this.#lambda(this.lastEpoch) : lr;
  }
}

/** Times gamma every stepSize epochs. */
export class StepLR extends FactorLR {
  stepSize: number;
  gamma: number;

  constructor(optimizer: AnyOptimizer, { stepSize, gamma = 0.1 }: { stepSize: number; gamma?: number }) {
    super(optimizer);
    this.stepSize = positiveCount('StepLR: stepSize', stepSize);
    this.gamma = gamma;
    this.begin();
  }
  protected override factor(epoch: number): number {
    return pow(this.gamma, Math.floor(epoch / this.stepSize));
  }
}

/** Times gamma at each milestone. */
export class MultiStepLR extends FactorLR {
  milestones: number[];
  gamma: number;

  constructor(optimizer: AnyOptimizer, { milestones, gamma = 0.1 }: { milestones: readonly number[]; gamma?: number }) {
    super(optimizer);
    this.milestones = [...milestones];
    this.gamma = gamma;
    this.begin();
  }
  protected override factor(epoch: number): number {
    return pow(this.gamma, this.milestones.filter((m) => m <= epoch).length);
  }
}

/** Times `factor` for the first totalIters epochs. */
export class ConstantLR extends FactorLR {
  scale: number;
  totalIters: number;

  constructor(optimizer: AnyOptimizer, { factor = 1 / 3, totalIters = 5 }: { factor?: number; totalIters?: number } = {}) {
    super(optimizer);
    if (!(factor > 0 && factor <= 1)) throw new ValueError(`ConstantLR: factor ${factor} must be above 0 and at most 1`);
    this.scale = factor;
    this.totalIters = totalIters;
    this.begin();
  }
  protected override factor(epoch: number): number {
    return epoch < this.totalIters ? this.scale : 1;
  }
}

/** From startFactor to endFactor in a straight line over totalIters epochs. */
export class LinearLR extends FactorLR {
  startFactor: number;
  endFactor: number;
  totalIters: number;

  constructor(
    optimizer: AnyOptimizer,
    { startFactor = 1 / 3, endFactor = 1, totalIters = 5 }: { startFactor?: number; endFactor?: number; totalIters?: number } = {},
  ) {
    super(optimizer);
    if (!(startFactor > 0 && startFactor <= 1)) throw new ValueError(`LinearLR: startFactor ${startFactor} must be above 0 and at most 1`);
    this.startFactor = startFactor;
    this.endFactor = endFactor;
    this.totalIters = totalIters;
    this.begin();
  }
  protected override factor(epoch: number): number {
    return this.startFactor + ((this.endFactor - this.startFactor) * Math.min(epoch, this.totalIters)) / this.totalIters;
  }
}

/** Times gamma at each epoch. */
export class ExponentialLR extends FactorLR {
  gamma: number;

  constructor(optimizer: AnyOptimizer, { gamma }: { gamma: number }) {
    super(optimizer);
    this.gamma = gamma;
    this.begin();
  }
  protected override factor(epoch: number): number {
    return pow(this.gamma, epoch);
  }
}

/** (1 - epoch / totalIters)^power of the first rate. */
export class PolynomialLR extends FactorLR {
  totalIters: number;
  power: number;

  constructor(optimizer: AnyOptimizer, { totalIters = 5, power = 1 }: { totalIters?: number; power?: number } = {}) {
    super(optimizer);
    this.totalIters = totalIters;
    this.power = power;
    this.begin();
  }
  protected override factor(epoch: number): number {
    return pow(1 - Math.min(epoch, this.totalIters) / this.totalIters, this.power);
  }
}

/** From the first rate to etaMin along half a cosine over tMax epochs, and back (Loshchilov and Hutter 2017). */
export class CosineAnnealingLR extends LRScheduler {
  tMax: number;
  etaMin: number;

  constructor(optimizer: AnyOptimizer, { tMax, etaMin = 0 }: { tMax: number; etaMin?: number }) {
    super(optimizer);
    this.tMax = positiveCount('CosineAnnealingLR: tMax', tMax);
    this.etaMin = etaMin;
    this.begin();
  }
  #height(epoch: number): number {
    return 1 + cos((PI * epoch) / this.tMax);
  }
  protected override next(lr: number, base: number): number {
    const e = this.lastEpoch;
    if (e === 0) return lr;
    if ((e - 1 - this.tMax) % (2 * this.tMax) === 0) return lr + ((base - this.etaMin) * (1 - cos(PI / this.tMax))) / 2;
    return (this.#height(e) / this.#height(e - 1)) * (lr - this.etaMin) + this.etaMin;
  }
  protected override at(epoch: number, base: number): number {
    return this.etaMin + ((base - this.etaMin) * this.#height(epoch)) / 2;
  }
}

/** Cosine annealing that starts anew after t0 epochs, then t0 tMult, t0 tMult^2, ... (Loshchilov and Hutter 2017). */
export class CosineAnnealingWarmRestarts extends LRScheduler {
  t0: number;
  tMult: number;
  etaMin: number;

  constructor(optimizer: AnyOptimizer, { t0, tMult = 1, etaMin = 0 }: { t0: number; tMult?: number; etaMin?: number }) {
    super(optimizer);
    this.t0 = positiveCount('CosineAnnealingWarmRestarts: t0', t0);
    this.tMult = positiveCount('CosineAnnealingWarmRestarts: tMult', tMult);
    this.etaMin = etaMin;
    this.begin();
  }
  protected override next(_lr: number, base: number): number {
    let length = this.t0;
    let now = this.lastEpoch;
    while (now >= length) {
      now -= length;
      length *= this.tMult;
    }
    return this.etaMin + ((base - this.etaMin) * (1 + cos((PI * now) / length))) / 2;
  }
}

/** Schedules one after the other: the next takes over at each milestone, counting from 0. */
export class SequentialLR extends LRScheduler {
  readonly #schedulers: readonly LRScheduler[];
  milestones: number[];

  constructor(optimizer: AnyOptimizer, { schedulers, milestones }: { schedulers: readonly LRScheduler[]; milestones: readonly number[] }) {
    super(optimizer);
    if (schedulers.length !== milestones.length + 1)
      throw new ValueError(
        `SequentialLR: ${schedulers.length} schedules need ${schedulers.length - 1} milestones, got ${milestones.length}`,
      );
    this.#schedulers = schedulers;
    this.milestones = [...milestones];
    this.lastEpoch = 0;
    for (const g of optimizer.paramGroups) g.lr = g.initialLr as number;
    // Each schedule took its first step when it was made; only the first one's counts.
    for (const s of schedulers) s.lastEpoch--;
    schedulers[0].step();
    this.noteRates();
  }
  protected override next(lr: number): number {
    return lr;
  }
  override step(): void {
    this.lastEpoch++;
    const i = this.milestones.filter((m) => m <= this.lastEpoch).length;
    if (i > 0 && this.milestones[i - 1] === this.lastEpoch) this.#schedulers[i].step(0);
    else this.#schedulers[i].step();
    this.noteRates();
  }
  override stateDict(): Record<string, unknown> {
    return { ...super.stateDict(), schedulers: this.#schedulers.map((s) => s.stateDict()) };
  }
  override loadStateDict({ schedulers, ...rest }: Record<string, unknown>): void {
    super.loadStateDict(rest);
    this.#schedulers.forEach((s, i) => {
      s.loadStateDict((schedulers as Record<string, unknown>[])[i]);
    });
  }
}

/** Several schedules at once, each changing the rate that the one before it left. */
export class ChainedScheduler extends LRScheduler {
  readonly #schedulers: readonly LRScheduler[];

  constructor(schedulers: readonly LRScheduler[]) {
    if (schedulers.length === 0) throw new ValueError('ChainedScheduler: no schedules were given');
    super(schedulers[0].optimizer);
    this.#schedulers = schedulers;
    this.noteRates();
  }
  protected override next(lr: number): number {
    return lr;
  }
  override step(): void {
    for (const s of this.#schedulers) s.step();
    this.noteRates();
  }
  override stateDict(): Record<string, unknown> {
    return { ...super.stateDict(), schedulers: this.#schedulers.map((s) => s.stateDict()) };
  }
  override loadStateDict({ schedulers, ...rest }: Record<string, unknown>): void {
    super.loadStateDict(rest);
    this.#schedulers.forEach((s, i) => {
      s.loadStateDict((schedulers as Record<string, unknown>[])[i]);
    });
  }
}
