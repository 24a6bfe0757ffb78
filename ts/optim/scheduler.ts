import { ValueError } from '../base/errors.ts';
import { onlyOutside } from '../plan/capture.ts';
import type { Optimizer } from './optimizer.ts';

// biome-ignore lint/suspicious/noExplicitAny: schedules work on optimizers of any options
export type AnyOptimizer = Optimizer<any>;

/** Numbers, lists and strings that describe a schedule's position. */
export type SchedulerState = Record<string, unknown>;

/** The base of learning-rate schedules: step() after each optimizer.step() (or epoch) sets the rates of all groups. */
export abstract class LRScheduler {
  readonly optimizer: AnyOptimizer;
  /** The groups' rates before the schedule. */
  baseLrs: number[];
  lastEpoch: number = -1;
  protected lastLr: number[] = [];

  constructor(optimizer: AnyOptimizer) {
    this.optimizer = optimizer;
    for (const g of optimizer.paramGroups) g.initialLr ??= g.lr;
    this.baseLrs = optimizer.paramGroups.map((g) => g.initialLr as number);
  }
  /** Sets the first rates; constructors call it last. */
  protected begin(): void {
    this.step();
  }
  /** The rate of a group at lastEpoch, from the one it has: so that schedules combine. */
  protected abstract next(lr: number, base: number, group: number): number;
  /** The rate at an epoch, whatever came before. */
  protected at(_epoch: number, base: number, group: number): number {
    return this.next(this.optimizer.paramGroups[group].lr, base, group);
  }

  /** Moves on by one, or to the given epoch. */
  step(epoch?: number): void {
    onlyOutside('scheduler.step()');
    this.lastEpoch = epoch ?? this.lastEpoch + 1;
    this.set((g, i) => (epoch === undefined ? this.next(g.lr, this.baseLrs[i], i) : this.at(epoch, this.baseLrs[i], i)));
  }
  /** Sets every group's rate. */
  protected set(rate: (group: { lr: number }, i: number) => number): void {
    this.optimizer.paramGroups.forEach((g, i) => {
      g.lr = rate(g, i);
    });
    this.noteRates();
  }
  protected noteRates(): void {
    this.lastLr = this.optimizer.paramGroups.map((g) => g.lr);
  }
  /** The rates that the last step set. */
  getLastLr(): number[] {
    return [...this.lastLr];
  }
  /** The schedule's position, to go on from later. */
  stateDict(): SchedulerState {
    return Object.fromEntries(Object.entries(this).filter(([k, v]) => k !== 'optimizer' && typeof v !== 'function'));
  }
  /** Takes over a position. */
  loadStateDict(state: SchedulerState): void {
    Object.assign(this, structuredClone(state));
  }
}

/** A schedule that multiplies the first rate by a factor of the epoch. */
export abstract class FactorLR extends LRScheduler {
  /** The factor at an epoch of at least 0. */
  protected abstract factor(epoch: number): number;

  protected override next(lr: number, base: number): number {
    const now = this.factor(this.lastEpoch);
    const before = this.lastEpoch === 0 ? 1 : this.factor(this.lastEpoch - 1);
    if (now === before) return lr;
    return before === 0 ? base * now : lr * (now / before);
  }
  protected override at(epoch: number, base: number): number {
    return base * this.factor(epoch);
  }
}

/** Checks a count. @throws ValueError */
export function positiveCount(name: string, value: number): number {
  if (!(Number.isInteger(value) && value > 0)) throw new ValueError(`${name} ${value} must be a whole number above 0`);
  return value;
}
