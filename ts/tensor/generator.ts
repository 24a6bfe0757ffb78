import { ValueError } from '../base/errors.ts';
import { AGAIN } from '../ops/op.ts';
import { blocksOf, type Draw } from '../ops/random.ts';
import { capturing, onlyOutside } from '../plan/capture.ts';

/** The state of a generator: a 64-bit seed and the counter block that is next. */
export interface GeneratorState {
  readonly seed: bigint;
  readonly offset: bigint;
}

/** A source of random numbers: Philox by counter. The numbers depend on the seed and on what was drawn before, not on threads. */
export class Generator {
  private seed: bigint;
  private offset = 0n;

  /** @param seed an integer, default: unpredictable */
  constructor(seed?: number | bigint) {
    this.seed = seed === undefined ? crypto.getRandomValues(new BigUint64Array(1))[0] : checked(seed);
  }
  /** Starts anew from a seed. @throws ValueError for what is no integer */
  manualSeed(seed: number | bigint): this {
    onlyOutside('manualSeed');
    this.seed = checked(seed);
    this.offset = 0n;
    return this;
  }
  /** The seed in use, unsigned. */
  initialSeed(): bigint {
    return this.seed;
  }
  getState(): GeneratorState {
    return { seed: this.seed, offset: this.offset };
  }
  setState(state: GeneratorState): this {
    this.seed = checked(state.seed);
    this.offset = BigInt.asUintN(64, state.offset);
    return this;
  }
  /** Hands out the counter blocks of a random op of n elements. */
  draw(n: number): Draw {
    const low = (x: bigint): number => Number(x & 0xffffffffn);
    const at = this.offset;
    this.offset = BigInt.asUintN(64, at + BigInt(blocksOf(n)));
    const draw = { seedLo: low(this.seed), seedHi: low(this.seed >> 32n), offsetLo: low(at), offsetHi: low(at >> 32n) };
    return capturing() === null ? draw : ({ ...draw, [AGAIN]: () => this.draw(n) } as Draw);
  }
}

function checked(seed: number | bigint): bigint {
  if (typeof seed === 'number' && !Number.isSafeInteger(seed))
    throw new ValueError(`manualSeed: ${seed} is no safe integer; give one, or a bigint`);
  return BigInt.asUintN(64, BigInt(seed));
}

let shared: Generator | null = null;
/** The generator of every random function that is given none. */
export function defaultGenerator(): Generator {
  shared ??= new Generator();
  return shared;
}
/** Seeds the default generator: the same program then draws the same numbers everywhere. @example manualSeed(42) */
export function manualSeed(seed: number | bigint): Generator {
  return defaultGenerator().manualSeed(seed);
}
