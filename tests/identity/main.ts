// The program that must give the same hashes on every runtime, processor and number of threads: tests/runtime runs it, from the packed
// package, on each. A change of a hash is a change of bits: CHANGELOG.md says so.
import * as wick from '../../ts/index.ts';
import { NETWORKS } from './networks.ts';
import { PARTS } from './table.ts';

/** What a run reports: SHA-256 by part, and how many threads took part. */
export interface Identity {
  readonly runtime: string;
  readonly threads: number;
  readonly reason: string;
  readonly milliseconds: number;
  readonly hashes: Readonly<Record<string, string>>;
}

/** Runs everything with n threads. It waits for them, at most five seconds: where there are fewer, it goes on with those. */
export async function main(threads: number): Promise<Identity> {
  const start = performance.now();
  wick.setThreads(threads);
  const parts = { ...NETWORKS, ...PARTS };
  wick.scope(() => wick.randn([1 << 17]).exp());
  while (wick.info().threads.ready < threads && wick.info().threads.reason === '' && performance.now() < start + 5000)
    await new Promise((resolve) => setTimeout(resolve, 5));
  const hashes: Record<string, string> = {};
  for (const [name, run] of Object.entries(parts)) {
    hashes[name] = run();
    // A page lives on, and finalizers get a turn.
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
  const { runtime, threads: pool } = wick.info();
  return { runtime, threads: pool.ready, reason: pool.reason, milliseconds: Math.round(performance.now() - start), hashes };
}
