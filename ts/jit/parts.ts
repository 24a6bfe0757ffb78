// Which steps of a program become one function.
import type { ProgramStep, Storage } from '../backend.ts';
import { Chain, type Node } from './chain.ts';
import { type Bytes, get, number, SHL, SUB, set, smaller, word } from './code.ts';
import { Printed } from './function.ts';
import { ChainCode } from './print.ts';

/** GRAIN of assembly/step.ts as a shift. */
const GRAIN_SHIFT = 15;
const STEP = 0;
const UNIT = 2;

/** A function for some steps, of which one calls it. */
export interface Part {
  readonly code: Uint8Array;
  readonly own: number;
  readonly steps: readonly number[];
}

/** Whether a function of its own does it faster than the interpreter: ops that follow one another, or walked operands. */
function isWorthIt({ values }: Chain, nodes: readonly Node[]): boolean {
  let row = 0;
  for (const node of nodes) {
    if (typeof node !== 'number') continue;
    const value = values[node];
    row = value.kind === 'op' && value.body === null ? 0 : row + 1;
    if (row > 1) return true;
  }
  return values.some((value) => value.kind === 'load' && value.place.operand.how === 'walk');
}

/** The function of a chain by itself, whose last step calls it. */
function alone(chain: Chain, nodes: readonly Node[]): Uint8Array | null {
  const f = new Printed();
  const [start, count] = [f.number(), f.number()];
  const last = chain.steps.slice(0, -1).reduce((sum, { words }) => sum + words[1], 0);
  const step = (bytes: number): Bytes => (bytes === last ? get(STEP) : [...get(STEP), ...number(last - bytes), SUB]);
  f.emit(get(UNIT), number(GRAIN_SHIFT), [SHL], set(start));
  f.emit(smaller([...get(STEP), ...word(16), ...get(start), SUB], number(1 << GRAIN_SHIFT)), set(count));
  const code = new ChainCode(f, chain, nodes, { step, start, count, blocks: new Map(), last: true });
  if (!code.fits) return null;
  code.write();
  return f.bytes();
}

/** The functions that are worth printing of a program's steps. */
export function printedOf(steps: readonly ProgramStep[]): Part[] {
  const users = new Map<Storage, number[]>();
  steps.forEach(({ refs }, i) => {
    for (const { storage } of refs) users.set(storage, [...(users.get(storage) ?? []), i]);
  });
  const parts: Part[] = [];
  for (let i = 0; i < steps.length; ) {
    const chain = new Chain();
    let k = i;
    while (k < steps.length && chain.add(steps[k])) k++;
    if (k === i) {
      i++;
      continue;
    }
    const others = (storage: Storage): boolean => users.get(storage)?.some((user) => user < i || user >= k) === true;
    const nodes = chain.work(others);
    const code = isWorthIt(chain, nodes) ? alone(chain, nodes) : null;
    if (code !== null) parts.push({ code, own: k - 1, steps: Array.from({ length: k - i }, (_, n) => i + n) });
    i = k;
  }
  return parts;
}
