// Passes that change roundings: they run only where a program asks for them, and say what they changed.
import type { Call } from '../backend.ts';
import type { Graph } from './graph.ts';

/** A pass: the calls that stand for those of the graph, and a line for each change. */
export type Rewrite = (graph: Graph) => { readonly calls: readonly Call[]; readonly changes: readonly string[] };

const rewrites: Rewrite[] = [];
/** Adds a pass to those of `compile(fn, { exact: false })`; the module with the ops that it is about does so. */
export function addRewrite(rewrite: Rewrite): void {
  rewrites.push(rewrite);
}
/** The calls after all passes. */
export function rewritten(graph: Graph): ReturnType<Rewrite> {
  let calls: readonly Call[] = graph.calls;
  const changes: string[] = [];
  for (const rewrite of rewrites) {
    const after = rewrite({ ...graph, calls: [...calls] });
    calls = after.calls;
    changes.push(...after.changes);
  }
  return { calls, changes };
}
