// Which of two tiles products use: what suits the engine by habit, corrected by the time of real calls. Both sum in the same order.

/** Where kernels look: SPREAD of assembly/step.ts. */
export const SPREAD: number = 4556 >> 2;
/** Calls of a step before it is timed: an engine's first compiler is slow with either tile. */
const WARM = 16;
const ROUNDS = 8;
/** Calls too short for clocks that tell tenths of a millisecond do not count. */
const SHORTEST_MS = 1;
const MARGIN = 1.15;
/** Calls after which the habit stands. */
const PATIENCE = 10_000;

/** JavaScriptCore is slow to load one number into all lanes of a vector. */
export function habit(): number {
  const { Bun, navigator } = globalThis as { Bun?: unknown; navigator?: { userAgent?: string } };
  return Bun !== undefined || /AppleWebKit(?!.*Chrom)/.test(navigator?.userAgent ?? '') ? 1 : 0;
}

/** Tells kernels which tile to use. */
export function choose(words: Uint32Array, spread: number): void {
  words[SPREAD] = spread;
}

/** Times one step, the first that takes long enough, with either tile in turn. */
export class TileChoice {
  /** Whether calls are still to be timed. */
  open = true;
  private readonly flag: (spread: number) => void;
  private readonly now: () => number;
  private readonly first: number = habit();
  private readonly best: [number, number] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  private step = 0;
  private calls = 0;
  private seen = 0;

  constructor(words: () => Uint32Array, now: () => number = () => performance.now()) {
    this.now = now;
    this.flag = (spread) => choose(words(), spread);
    this.flag(this.first);
  }

  /** Runs a step of products, at this address, and learns from it. */
  run(step: number, execute: () => void): void {
    if (++this.seen > PATIENCE) this.settle(this.first);
    if (this.step !== 0 && this.step !== step) {
      execute();
      return;
    }
    const round = this.calls - WARM;
    const spread = round < 0 ? this.first : round & 1;
    this.flag(spread);
    const start = this.now();
    execute();
    const ms = this.now() - start;
    if (ms >= SHORTEST_MS) this.step = step;
    if (this.step !== step) return;
    this.calls++;
    if (round >= 0) this.best[spread] = Math.min(this.best[spread], ms);
    const other = 1 - this.first;
    if (round === 2 * ROUNDS - 1) this.settle(this.best[other] * MARGIN < this.best[this.first] ? other : this.first);
    else this.flag(this.first);
  }

  private settle(spread: number): void {
    this.open = false;
    this.flag(spread);
  }
}
