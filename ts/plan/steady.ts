// What a program computes from state alone stays from run to run: constants, converted and folded weights.
import type { Backend, Call, Program, Storage } from '../backend.ts';
import { type Graph, isPure, readsOf, relocated, writesIn, writesOf } from './graph.ts';

/** Calls whose results stay until the state behind them changes, and those of every run. */
export interface Parted {
  readonly once: readonly Call[];
  readonly each: readonly Call[];
}

/** Parts the calls of a graph. What stays is written once, drawn from no random numbers, and no result of the program's own. */
export function parted({ calls, inputs, outputs }: Graph): Parted {
  const writes = writesIn(calls);
  const barred = new Set([...inputs, ...outputs]);
  const kept = new Set<Storage>();
  const steady = (s: Storage): boolean => kept.has(s) || (s.device !== 'plan' && !writes.has(s));
  const once: Call[] = [];
  const each: Call[] = [];
  for (const call of calls) {
    const { outputs: results } = call;
    const reads = readsOf(call);
    const own = results.every(({ storage: s }) => s.device === 'plan' && !barred.has(s) && writes.get(s) === 1);
    // A call that reads nothing, such as a fill, is as cheap as what it would leave lying around.
    if (isPure(call) && own && reads.length > 0 && reads.every(steady)) {
      for (const y of results) kept.add(y.storage);
      once.push(call);
    } else each.push(call);
  }
  return { once, each };
}

/** The parts of a graph, and memory on the device through which the first hands its results to the second. */
export interface Split extends Parted {
  readonly first: readonly Call[];
  readonly rest: readonly Call[];
  readonly kept: readonly Storage[];
}
/** A device as plans need it. */
export type Planner = Required<Pick<Backend, 'alloc' | 'program'>>;
/** Parts the calls of a graph; `kept` is the caller's to release. */
export function split(device: Pick<Backend, 'alloc'>, graph: Graph): Split {
  const { once, each } = parted(graph);
  const made = new Set(once.flatMap(writesOf));
  const kept = new Map<Storage, { storage: Storage; back: number }>();
  for (const s of each.flatMap(readsOf))
    if (made.has(s) && !kept.has(s)) kept.set(s, { storage: device.alloc(s.bytes, undefined, [{ storage: s }]), back: 0 });
  const [first, rest] = [once, each].map((calls) => relocated(calls, new Set(), kept));
  return { once, each, first, rest, kept: [...kept.values()].map((place) => place.storage) };
}

/** A program that runs its steady part only where the state behind it has changed. */
export function steadied(device: Planner, graph: Graph): Program & Parted {
  const { once, each, first, rest, kept } = split(device, graph);
  if (once.length === 0) return Object.assign(device.program(each, graph.inputs, graph.outputs), { once, each });
  const program = device.program(rest, graph.inputs, graph.outputs);
  const before = device.program(first, [], []);
  for (const s of kept) s.release();
  const sources = [...new Set(first.flatMap(readsOf))].filter((s) => s.device !== 'plan');
  let versions: number[] = [];
  return {
    once,
    each,
    stats: program.stats,
    run(inputs, outputs, timings) {
      if (sources.some((s, i) => s.version !== versions[i])) {
        versions = [];
        before.run([], []);
        versions = sources.map((s) => s.version);
        for (const s of kept) s.version++;
      }
      program.run(inputs, outputs, timings);
    },
    dispose() {
      program.dispose();
      before.dispose();
    },
  };
}
