import { ValueError } from '../base/errors.ts';
import { onlyOutside } from '../plan/capture.ts';
import type { AnyOptimizer, SchedulerState } from './scheduler.ts';

/** Options of ReduceLROnPlateau. */
export interface PlateauOptions {
  readonly mode?: 'min' | 'max';
  readonly factor?: number;
  /** Epochs without an improvement that are let pass. */
  readonly patience?: number;
  readonly threshold?: number;
  readonly thresholdMode?: 'rel' | 'abs';
  /** Epochs of rest after a reduction. */
  readonly cooldown?: number;
  readonly minLr?: number | readonly number[];
  /** Smaller changes are not made. */
  readonly eps?: number;
}

/** Multiplies the rates by `factor` when a metric has stopped improving; call step(metric) after each epoch. */
export class ReduceLROnPlateau {
  readonly optimizer: AnyOptimizer;
  best: number;
  numBadEpochs: number = 0;
  cooldownCounter: number = 0;
  lastEpoch: number = 0;
  readonly #o: Required<PlateauOptions>;

  constructor(optimizer: AnyOptimizer, options: PlateauOptions = {}) {
    this.optimizer = optimizer;
    this.#o = {
      mode: 'min',
      factor: 0.1,
      patience: 10,
      threshold: 1e-4,
      thresholdMode: 'rel',
      cooldown: 0,
      minLr: 0,
      eps: 1e-8,
      ...options,
    };
    if (!(this.#o.factor < 1)) throw new ValueError(`ReduceLROnPlateau: factor ${this.#o.factor} must be below 1`);
    this.best = this.#o.mode === 'min' ? Number.POSITIVE_INFINITY : Number.NEGATIVE_INFINITY;
  }
  #improves(value: number): boolean {
    const { mode, threshold, thresholdMode } = this.#o;
    const sign = mode === 'min' ? -1 : 1;
    const bar = thresholdMode === 'rel' ? this.best * (1 + sign * threshold) : this.best + sign * threshold;
    return sign * value > sign * bar;
  }
  /** Takes note of a metric and reduces the rates if it is time. */
  step(metric: number): void {
    onlyOutside('scheduler.step()');
    this.lastEpoch++;
    if (this.#improves(metric)) {
      this.best = metric;
      this.numBadEpochs = 0;
    } else this.numBadEpochs++;
    if (this.cooldownCounter > 0) {
      this.cooldownCounter--;
      this.numBadEpochs = 0;
    }
    if (this.numBadEpochs <= this.#o.patience) return;
    const { factor, minLr, eps } = this.#o;
    this.optimizer.paramGroups.forEach((g, i) => {
      const lowest = typeof minLr === 'number' ? minLr : minLr[i];
      const lr = Math.max(g.lr * factor, lowest);
      if (g.lr - lr > eps) g.lr = lr;
    });
    this.cooldownCounter = this.#o.cooldown;
    this.numBadEpochs = 0;
  }
  /** The groups' rates. */
  getLastLr(): number[] {
    return this.optimizer.paramGroups.map((g) => g.lr);
  }
  /** What it remembers, to go on from later. */
  stateDict(): SchedulerState {
    const { best, numBadEpochs, cooldownCounter, lastEpoch } = this;
    return { best, numBadEpochs, cooldownCounter, lastEpoch };
  }
  loadStateDict(state: SchedulerState): void {
    Object.assign(this, state);
  }
}
