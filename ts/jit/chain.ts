// A chain of elementwise ops as the interpreter reads it (assembly/chain.ts), cut into runs that are printed and calls of kernels.
import { TABLE } from '../ops/table.ts';
import { BODIES, INSTRUCTIONS } from './bodies.ts';

/** CHAIN of assembly/step.ts. */
export const CHAIN = 0x7fff;
export const DIRECT = 0;
export const SCALAR = 1;
export const IMMEDIATE = 3;
export const REGISTER = 4;
const HEAD = 8;
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

/** The chain at a step's first word; null where printing gains nothing or cannot be. */
export function chainAt(words: Uint32Array, at: number): Chain | null {
  const [entries, type, count] = words.subarray(at + 5, at + 8);
  if (type === INT64) return null;
  const kinds = Array.from({ length: entries }, (_, k) => words[at + HEAD + 4 * k + 1]);
  const modes = kinds.map((kind) => (kind >>> 16) & 0xff);
  if (kinds.some((kind, k) => (modes[k] === SCALAR || modes[k] === IMMEDIATE) && (kind & 0xff) !== type)) return null;
  const runs: Link[][] = [];
  const first = at + HEAD + 4 * entries;
  const program = words.slice(first, first + 5 * count);
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
  return runs.length === count ? null : { type, modes, runs, key: `${type} ${modes} ${program}` };
}
