// A reduction of what the chain before it makes, and of nothing else: then each block is reduced where it was computed, in the thread's own
// memory, by the same kernel over the same elements in the same order.
import type { ProgramStep } from '../backend.ts';
import { DIRECT, HEAD } from '../base/layout.ts';
import { FOLD_INTS } from '../ops/axes.ts';
import type { Chain } from './chain.ts';

/** How a reduction takes what a chain makes. */
export interface Fold {
  readonly opcode: number;
  /** The chain's entry that it reads. */
  readonly result: number;
  /** Bytes from the chain's step to the reduction's, and of that one. */
  readonly back: number;
  readonly bytes: number;
  /** Where its integers stand, in bytes from its start. */
  readonly ints: number;
}

const NAMES: ReadonlySet<string> = new Set(['sum', 'mean', 'prod', 'amax', 'amin']);
/** Slot of a program's own memory: intermediate results. */
const ARENA = 1;
/** Bytes that a block of a thread's memory has room for. */
const MOST = 256 << 10;

/** Byte of integer field `name` from the first of them. */
export const intAt = (name: string): number => 4 * FOLD_INTS.indexOf(name);

/** Operand i of a kernel step: its slot, its offset, its dtype. */
const operandAt = (words: Uint32Array, i: number): Uint32Array => words.subarray(HEAD + 3 * i, HEAD + 3 * i + 3);

/** A step's operands as places in memory. */
function placesOf({ words, refs }: ProgramStep): { slot: number; word: number; from: number; to: number }[] {
  return refs.map(({ slot, at, storage }) => ({ slot: words[slot], word: slot, from: words[at], to: words[at] + storage.bytes }));
}

/** How step i + 1 reduces what the chain at step i makes; null where it does not, or others want that too. */
export function foldOf(steps: readonly ProgramStep[], i: number, chain: Chain): Fold | null {
  const [before, step] = steps.slice(i, i + 2);
  if (step === undefined || step.op.kind !== 'kernel' || !NAMES.has(step.op.name)) return null;
  const { words } = step;
  const results = new Set(chain.runs.flat().map((link) => link.result));
  const written = [...results].filter((k) => chain.modes[k] === DIRECT);
  const [result] = written;
  const [slot, offset, dtype] = operandAt(words, 1);
  const at = HEAD + 4 * result;
  if (written.length !== 1 || slot !== ARENA || before.words[at] !== slot || before.words[at + 2] !== offset || dtype !== chain.type)
    return null;

  const ints = words[7] & 0xffff;
  const int = (name: string): number => words[(ints + intAt(name)) >> 2];
  const [n, kept, size] = [int('n'), int('k0') * int('k1') * int('k2'), int('size')];
  const rows = int('rows') === 1 && int('r0') * int('r1') * int('r2') === 1 && n * kept === size && size === before.words[4];
  const apart = kept > 1 && (int('k0') * int('k1') !== 1 || int('ks2') !== n);
  const block = (int('pieces') === 1 ? n : int('span')) * int('group');
  if (!rows || apart || block * (chain.type === 1 ? 8 : 4) > MOST) return null;

  // Nobody else wants the chain's result, and what the reduction writes is not where the chain still reads.
  const made = before.refs.find((r) => r.slot === at);
  if (steps.some((other, k) => k !== i && k !== i + 1 && other.refs.some((r) => r.storage === made?.storage))) return null;
  const reads = placesOf(before).filter(({ word }) => word !== at);
  const writes = placesOf(step).filter(({ word }) => word !== HEAD + 3);
  if (writes.some((w) => w.slot === 0 || reads.some((r) => r.slot === w.slot && r.from < w.to && w.from < r.to))) return null;
  return { opcode: words[0], result, back: before.words[1], bytes: words[1], ints };
}
