// Schedules that cycle the momentum against the learning rate.

import { ValueError } from '../base/errors.ts';
import { cos, pow } from '../base/math.ts';
import { type AnyOptimizer, LRScheduler, positiveCount } from './scheduler.ts';

type Group = Record<string, unknown> & { lr: number };

const perGroup = (value: number | readonly number[], n: number): number[] =>
  typeof value === 'number' ? new Array<number>(n).fill(value) : [...value];

/** Sets what plays the momentum: `momentum`, or the first of `betas`. @throws ValueError where an optimizer has neither */
function setMomentum(group: Group, value: number): void {
  if (Array.isArray(group.betas)) group.betas = [value, ...group.betas.slice(1)];
  else if (typeof group.momentum === 'number') group.momentum = value;
  else throw new ValueError('cycleMomentum: the optimizer has neither momentum nor betas; pass { cycleMomentum: false }');
}

/** Options of OneCycleLR. */
export interface OneCycleOptions {
  readonly maxLr: number | readonly number[];
  /** How many steps in all; or give epochs and stepsPerEpoch. */
  readonly totalSteps?: number;
  readonly epochs?: number;
  readonly stepsPerEpoch?: number;
  /** Which part of the steps goes up. */
  readonly pctStart?: number;
  readonly annealStrategy?: 'cos' | 'linear';
  readonly cycleMomentum?: boolean;
  readonly baseMomentum?: number;
  readonly maxMomentum?: number;
  /** The first rate is maxLr / divFactor, the last that / finalDivFactor. */
  readonly divFactor?: number;
  readonly finalDivFactor?: number;
  /** Three phases: up, down to the first rate, down to the last. */
  readonly threePhase?: boolean;
}

/** One rise and fall of the rate, and of the momentum the other way round (Smith and Topin 2019); call step() after every batch. */
export class OneCycleLR extends LRScheduler {
  totalSteps: number;
  readonly #maxLr: number[];
  readonly #o: Required<
    Pick<
      OneCycleOptions,
      'pctStart' | 'annealStrategy' | 'cycleMomentum' | 'baseMomentum' | 'maxMomentum' | 'divFactor' | 'finalDivFactor' | 'threePhase'
    >
  >;

  constructor(optimizer: AnyOptimizer, options: OneCycleOptions) {
    super(optimizer);
    const { totalSteps, epochs, stepsPerEpoch } = options;
    this.totalSteps = positiveCount(
      'OneCycleLR: totalSteps (or epochs times stepsPerEpoch)',
      totalSteps ?? (epochs ?? Number.NaN) * (stepsPerEpoch ?? Number.NaN),
    );
    this.#o = {
      pctStart: options.pctStart ?? 0.3,
      annealStrategy: options.annealStrategy ?? 'cos',
      cycleMomentum: options.cycleMomentum ?? true,
      baseMomentum: options.baseMomentum ?? 0.85,
      maxMomentum: options.maxMomentum ?? 0.95,
      divFactor: options.divFactor ?? 25,
      finalDivFactor: options.finalDivFactor ?? 1e4,
      threePhase: options.threePhase ?? false,
    };
    if (!(this.#o.pctStart >= 0 && this.#o.pctStart <= 1))
      throw new ValueError(`OneCycleLR: pctStart ${this.#o.pctStart} must lie in [0, 1]`);
    this.#maxLr = perGroup(options.maxLr, optimizer.paramGroups.length);
    this.baseLrs = this.#maxLr.map((lr) => lr / this.#o.divFactor);
    optimizer.paramGroups.forEach((g, i) => {
      g.initialLr = this.baseLrs[i];
    });
    this.begin();
  }
  /** The end of each phase and what the rate and the momentum go to. */
  #phases(group: number): { end: number; lr: [number, number]; momentum: [number, number] }[] {
    const { pctStart, baseMomentum: low, maxMomentum: high, finalDivFactor, threePhase } = this.#o;
    const max = this.#maxLr[group];
    const first = this.baseLrs[group];
    const last = first / finalDivFactor;
    const up = { end: pctStart * this.totalSteps - 1, lr: [first, max] as [number, number], momentum: [high, low] as [number, number] };
    if (!threePhase) return [up, { end: this.totalSteps - 1, lr: [max, last], momentum: [low, high] }];
    return [
      up,
      { end: 2 * pctStart * this.totalSteps - 2, lr: [max, first], momentum: [low, high] },
      { end: this.totalSteps - 1, lr: [first, last], momentum: [high, high] },
    ];
  }
  #anneal([from, to]: [number, number], share: number): number {
    return this.#o.annealStrategy === 'cos' ? to + ((from - to) / 2) * (1 + cos(Math.PI * share)) : from + (to - from) * share;
  }
  protected override next(_lr: number, _base: number, group: number): number {
    const n = this.lastEpoch;
    if (n > this.totalSteps) throw new ValueError(`OneCycleLR: step ${n} of ${this.totalSteps}; give a larger totalSteps`);
    const phases = this.#phases(group);
    const i = phases.findIndex((p, k) => n <= p.end || k === phases.length - 1);
    const start = i === 0 ? 0 : phases[i - 1].end;
    const share = (n - start) / (phases[i].end - start);
    if (this.#o.cycleMomentum) setMomentum(this.optimizer.paramGroups[group] as Group, this.#anneal(phases[i].momentum, share));
    return this.#anneal(phases[i].lr, share);
  }
}

/** Options of CyclicLR. */
export interface CyclicOptions {
  readonly baseLr: number | readonly number[];
  readonly maxLr: number | readonly number[];
  readonly stepSizeUp?: number;
  readonly stepSizeDown?: number;
  readonly mode?: 'triangular' | 'triangular2' | 'exp_range';
  readonly gamma?: number;
  /** A scale of the height in place of the mode's: of the cycle's number, or of the step. */
  readonly scaleFn?: (x: number) => number;
  readonly scaleMode?: 'cycle' | 'iterations';
  readonly cycleMomentum?: boolean;
  readonly baseMomentum?: number;
  readonly maxMomentum?: number;
}

/** The rate goes up and down between two bounds (Smith 2017), the momentum the other way round; call step() after every batch. */
export class CyclicLR extends LRScheduler {
  readonly #maxLr: number[];
  readonly #o: CyclicOptions;

  constructor(optimizer: AnyOptimizer, options: CyclicOptions) {
    super(optimizer);
    this.#o = options;
    this.#maxLr = perGroup(options.maxLr, optimizer.paramGroups.length);
    this.baseLrs = perGroup(options.baseLr, optimizer.paramGroups.length);
    optimizer.paramGroups.forEach((g, i) => {
      g.lr = this.baseLrs[i];
      g.initialLr = this.baseLrs[i];
    });
    this.begin();
  }
  #scale(cycle: number): number {
    const { mode = 'triangular', gamma = 1, scaleFn, scaleMode = mode === 'exp_range' ? 'iterations' : 'cycle' } = this.#o;
    if (scaleFn) return scaleFn(scaleMode === 'cycle' ? cycle : this.lastEpoch);
    if (mode === 'triangular') return 1;
    return mode === 'triangular2' ? pow(0.5, cycle - 1) : pow(gamma, this.lastEpoch);
  }
  protected override next(_lr: number, base: number, group: number): number {
    const { stepSizeUp = 2000, stepSizeDown = stepSizeUp, cycleMomentum = true, baseMomentum = 0.8, maxMomentum = 0.9 } = this.#o;
    const total = stepSizeUp + stepSizeDown;
    const cycle = Math.floor(1 + this.lastEpoch / total);
    const x = 1 + this.lastEpoch / total - cycle;
    const ratio = stepSizeUp / total;
    const height = (x <= ratio ? x / ratio : (x - 1) / (ratio - 1)) * this.#scale(cycle);
    if (cycleMomentum) setMomentum(this.optimizer.paramGroups[group] as Group, maxMomentum - (maxMomentum - baseMomentum) * height);
    return base + (this.#maxLr[group] - base) * height;
  }
}
