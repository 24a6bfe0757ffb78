// A chain of elementwise ops as the interpreter reads it (assembly/chain.ts), cut into runs that are printed and calls of kernels.
import type { ProgramStep } from '../backend.ts';
import { CHAIN, GATHER, HEAD, IMMEDIATE, modeOf, SCALAR } from '../base/layout.ts';
import { TABLE } from '../ops/table.ts';
import { BODIES, INSTRUCTIONS } from './bodies.ts';
import type { Fold } from './fold.ts';

const INT64 = 3;

/** What an op of the table is to a chain: how many operands it has, and its body. */
interface Known {
  readonly arity: number;
  readonly body: readonly string[] | null;
}
const KNOWN: ReadonlyMap<number, Known> = new Map(
  Object.values(TABLE).flatMap((op) =>
    op.kind === 'map' ? [[op.opcode, { arity: op.inputs.length, body: BODIES[op.name]?.split(' ') ?? null }]] : [],
  ),
);

/** One op of a chain: operands and the result by the numbers of the chain's entries. */
export interface Link {
  readonly opcode: number;
  readonly result: number;
  readonly operands: readonly number[];
  /** Null: its kernel is called. */
  readonly body: readonly string[] | null;
}
export interface Chain {
  /** The reduction that takes the result where it is made. */
  readonly fold: Fold | null;
  /** Lanes: 0 float32, 1 float64, 2 int32. */
  readonly type: number;
  /** How each entry is reached. */
  readonly modes: readonly number[];
  /** Neighbours that one loop computes, or a kernel alone. */
  readonly runs: readonly (readonly Link[])[];
  /** Equal for chains whose code is the same: numbers, sizes and addresses are read from the step. */
  readonly key: string;
}

const isInstruction = (word: string): boolean => word in INSTRUCTIONS;

/** The chain that a step is: several elementwise ops, or one; null where it cannot be printed. */
export function chainOf({ words, flat }: ProgramStep): Chain | null {
  const fused = words[0] === CHAIN;
  if (!fused && !flat) return null;
  const type = words[6];
  const entries = words[fused ? 5 : 7];
  const kinds = Array.from({ length: entries }, (_, k) => words[HEAD + 4 * k + 1]);
  const modes = kinds.map(modeOf);
  if (type === INT64 || modes.includes(GATHER)) return null;
  if (kinds.some((kind, k) => (modes[k] === SCALAR || modes[k] === IMMEDIATE) && (kind & 0xff) !== type)) return null;
  const runs: Link[][] = [];
  const first = HEAD + 4 * entries;
  const program = fused ? words.subarray(first, first + 5 * words[7]) : Uint32Array.of(words[0], 0, 1, 2, 3);
  for (let i = 0; i < program.length; i += 5) {
    const known = KNOWN.get(program[i]);
    if (known === undefined) return null;
    const { arity } = known;
    const body = known.body?.every((word) => !isInstruction(word) || INSTRUCTIONS[word][type] !== null) ? known.body : null;
    const link = { opcode: program[i], result: program[i + 1], operands: [...program.subarray(i + 2, i + 2 + arity)], body };
    const last = runs.at(-1);
    if (body !== null && last !== undefined && last[0].body !== null) last.push(link);
    else runs.push([link]);
  }
  return { type, modes, runs, key: `${type} ${modes} ${program}`, fold: null };
}

/** Whether a function of its own is shorter than what the interpreter does. */
export function isWorthIt({ runs, fold }: Chain): boolean {
  return fold !== null || runs.some((run) => run.length > 1);
}
