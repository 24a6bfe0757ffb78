// What the fuzzers share: how they are asked to run, and what a file may cost.
import { parseArgs } from 'node:util';

/** Milliseconds of this process's time that one file may take; a busy machine adds nothing to it. */
export const LONGEST = 2000;

/** What an attempt costs in milliseconds: of a second one where the first took too long, as collectors and compilers work in between. */
export function cost(attempt: () => void): number {
  const once = (): number => {
    const start = process.cpuUsage();
    attempt();
    const { user, system } = process.cpuUsage(start);
    return (user + system) / 1000;
  };
  const time = once();
  return time > LONGEST ? Math.min(time, once()) : time;
}

/** How long a fuzzer runs, from which seed and from which number of it on. */
export interface FuzzOptions {
  readonly seconds: number;
  readonly seed: number;
  readonly from: number;
  /** How many numbers to try at most. */
  readonly files: number;
}

/** Reads `--seconds 120 --seed 1 --from 0 --files 1000`, or `--number 7` for that one alone. Throws an Error for anything else. */
export function fuzzOptions(args: readonly string[] = process.argv.slice(2)): FuzzOptions {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({ args: [...args], options: { seconds: text, seed: text, from: text, files: text, number: text } });
  const number = (name: keyof typeof values, otherwise: number): number => {
    const given = values[name];
    if (given === undefined) return otherwise;
    const n = Number(given);
    if (!(n >= 0)) throw new Error(`--${name} ${given}: a number is needed`);
    return n;
  };
  const only = values.number !== undefined;
  return {
    seconds: number('seconds', 120),
    seed: number('seed', 1),
    from: number(only ? 'number' : 'from', 0),
    files: only ? 1 : number('files', Number.POSITIVE_INFINITY),
  };
}

/** The dice of one damaged file: the same for the same seed and number, on every machine. */
export function diceSeed(seed: number, number: number): number {
  return seed * 1_000_003 + number;
}
