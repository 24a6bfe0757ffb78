// A chain cut into runs: ops that one loop computes, or a kernel alone; and where values lie that one run makes and another reads.
import type { Storage } from '../backend.ts';
import type { Node, Store, Value } from './chain.ts';
import type { Bytes } from './code.ts';
import type { Operand } from './operand.ts';

export interface Run {
  readonly index: number;
  readonly kernel: number | null;
  readonly nodes: Node[];
  /** Loads that a kernel behind it reads, and takes from tiles. */
  readonly kept: Set<number>;
}
/** Where a chain works: a step's address by its place in the chain, the first element, how many, and places that lie in scratch instead. */
export interface Setting {
  readonly step: (bytes: number) => Bytes;
  readonly start: number;
  readonly count: number;
  readonly blocks: ReadonlyMap<Storage, number>;
  /** Whether whole vectors may be written behind the last element. */
  readonly last: boolean;
}
/** A tile of the thread's own and the local that holds its address, or the store that puts a value where others find it. */
export type Home = { readonly slot: number; readonly local: number } | Store;
/** Where values lie, by their numbers. */
export interface Homes {
  /** Of values that runs hand on. */
  readonly homes: ReadonlyMap<number, Home>;
  /** Tiles of numbers that kernels read. */
  readonly pinned: ReadonlyMap<number, number>;
  /** The run that makes a value. */
  readonly from: ReadonlyMap<number, number>;
  readonly tiles: number;
}

export const isStore = (node: Node): node is Store => typeof node !== 'number';
export const isNumber = ({ how }: Operand): boolean => how === 'scalar' || how === 'number';
/** Whether an operand is as kernels read it. */
const isBare = ({ how, dtype }: Operand, type: number): boolean => how === 'line' && dtype === type;

/** The runs of a chain, in order. */
export function runsOf(nodes: readonly Node[], values: readonly Value[]): Run[] {
  const runs: Run[] = [];
  const kept = new Set<number>();
  const next = (kernel: number | null): Run => {
    const run = { index: runs.length, kernel, nodes: [], kept: new Set<number>() };
    runs.push(run);
    return run;
  };
  const open = (): Run => {
    const last = runs.at(-1);
    return last !== undefined && last.kernel === null ? last : next(null);
  };
  for (const node of nodes) {
    const value = isStore(node) ? null : values[node];
    if (value?.kind !== 'op' || value.body !== null) {
      open().nodes.push(node);
      continue;
    }
    for (const v of value.inputs) {
      const input = values[v];
      if (kept.has(v) || input.kind !== 'load') continue;
      const { operand } = input.place;
      if (isBare(operand, operand.type) || isNumber(operand)) continue;
      open().kept.add(v);
      kept.add(v);
    }
    next(node as number).nodes.push(node);
  }
  return runs;
}

/** The values that a node reads. */
export function usesOf(node: Node, values: readonly Value[]): readonly number[] {
  if (isStore(node)) return [node.value];
  const value = values[node];
  return value.kind === 'op' ? value.inputs : value.kind === 'cast' ? [value.of] : [];
}

/** Which values need a place of their own, and where; `local` makes a local for an address. */
export function homesOf(runs: readonly Run[], values: readonly Value[], { blocks, last: ends }: Setting, local: () => number): Homes {
  const [homes, pinned, from] = [new Map<number, Home>(), new Map<number, number>(), new Map<number, number>()];
  const last = new Map<number, number>();
  runs.forEach((run, i) => {
    for (const node of run.nodes) {
      if (!isStore(node)) from.set(node, i);
      for (const v of usesOf(node, values)) last.set(v, i);
    }
    for (const v of run.kept) from.set(v, i);
  });
  /** The store behind which others find a value, where one leaves it as it is. */
  const storeOf = (v: number, called: boolean, i: number): Store | null => {
    for (const { nodes } of called ? runs.slice(i + 1) : [runs[i]])
      for (const node of nodes) {
        if (!isStore(node) || node.value !== v || !isBare(node.place.operand, values[v].type)) continue;
        const { storage, ends: whole } = node.place.operand;
        if (!called || (storage !== null && blocks.has(storage)) || (ends && whole)) return node;
      }
    return null;
  };
  const called = new Set(runs.flatMap(({ kernel }) => (kernel === null ? [] : [kernel, ...usesOf(kernel, values)])));
  const free: number[] = [];
  let tiles = 0;
  const ending = new Map<number, number[]>();
  runs.forEach((run, i) => {
    const made = [...run.kept, ...run.nodes.filter((node) => !isStore(node))] as number[];
    for (const v of made) {
      if (!called.has(v) && (last.get(v) ?? i) === i) continue;
      const store = storeOf(v, run.kernel !== null, i);
      if (store !== null) {
        homes.set(v, store);
        continue;
      }
      const slot = free.pop() ?? tiles++;
      homes.set(v, { slot, local: local() });
      const end = last.get(v) ?? i;
      ending.set(end, [...(ending.get(end) ?? []), slot]);
    }
    free.push(...(ending.get(i) ?? []));
  });
  for (const v of called) {
    const value = values[v];
    if (value.kind === 'load' && isNumber(value.place.operand)) pinned.set(v, tiles++);
  }
  return { homes, pinned, from, tiles };
}
