// Every row of the op table on WebGPU, forward and derivative, against Wasm; then whole programs. The same in every runtime.
import type { GpuInfo } from '../../ts/gpu/index.ts';
import * as wick from '../../ts/index.ts';
import { TABLE } from '../../ts/ops/networks.ts';
import type { KernelOp } from '../../ts/ops/op.ts';
import { type Case, kernelCases, mapCases } from './cases.ts';

export type Programs = Readonly<Record<string, () => Promise<void>>>;
/** What to run of it. */
export interface Choice {
  /** Parts of names; none: all. */
  readonly words?: readonly string[];
  /** One case of each row only. */
  readonly smoke?: boolean;
  /** The i-th of n parts, where several processes share the work. */
  readonly part?: readonly [number, number];
}
/** How it went; `lines` say what failed, was not covered or skipped. */
export interface Outcome {
  passed: number;
  failed: number;
  covered: number;
  rows: number;
  readonly skipped: string[];
  readonly lines: string[];
}
/** Thrown by a program that this device cannot run, with the reason. */
export class Skipped extends Error {
  override readonly name = 'Skipped';
}

/** One case of each kind: float32 where there are several dtypes, and the derivative. */
const few = (cases: readonly Case[]): Case[] => {
  const first = cases.find((c) => c.name.includes('float32')) ?? cases[0];
  return cases.filter((c) => c === first || c.name.endsWith('derivative'));
};

/** Runs the cases of rows, and then the programs. */
export async function suite(programs: Programs, { words = [], smoke = false, part: [i, n] = [0, 1] }: Choice = {}): Promise<Outcome> {
  const runs = (name: string): boolean => words.length === 0 || words.some((w) => name.includes(w));
  const mine = <T>(list: readonly T[]): T[] => list.filter((_, k) => k % n === i);
  const outcome: Outcome = { passed: 0, failed: 0, covered: 0, rows: 0, skipped: [], lines: [] };
  async function check(name: string, run: () => Promise<void>): Promise<void> {
    try {
      await run();
      outcome.passed++;
    } catch (error) {
      if (error instanceof Skipped) {
        outcome.skipped.push(`${name}: ${error.message}`);
        return;
      }
      outcome.failed++;
      outcome.lines.push(`FAIL ${name}: ${(error as Error).message.split('\n')[0]}`);
    }
  }
  const info = (): GpuInfo => wick.info().gpu as GpuInfo;
  const reasons = new Map<string, string>();
  const rows = mine(Object.values(TABLE).filter((op) => op.kind !== 'view' && runs(op.name)));
  for (const op of rows) {
    const cases = op.kind === 'map' ? mapCases(op) : kernelCases(op as KernelOp);
    const before = outcome.failed;
    for (const { name, run, counts } of smoke ? few(cases) : cases) {
      await check(name, run);
      const why = info().onWasm[op.name];
      if (counts && why) reasons.set(op.name, why);
    }
    if (outcome.failed > before) reasons.set(op.name, 'differs');
  }
  const { counts } = info();
  const sums = `rows: ${counts.dispatches} dispatches, ${counts.pipelines} pipelines, ${counts.submits} submits, ${counts.read} bytes read, ${counts.written} written`;
  for (const [name, run] of mine(Object.entries(programs))) if (runs(name)) await check(name, run);
  for (const [name, reason] of [...reasons].sort()) outcome.lines.push(`not covered: ${name} (${reason})`);
  if (rows.length > 0) outcome.lines.push(sums);
  outcome.rows = rows.length;
  outcome.covered = rows.length - reasons.size;
  return outcome;
}
