// Which steps of a program become one function: a chain, or a chain and the kernel behind it.
import type { ProgramStep, Storage } from '../backend.ts';
import { ARENA, GRAIN_SHIFT, HEAD } from '../base/layout.ts';
import { mutates } from '../ops/op.ts';
import { Chain, collide, type Node } from './chain.ts';
import { ADD, type Bytes, either, get, number, RETURN, SUB, set, shifted, smaller, word } from './code.ts';
import { Printed } from './function.ts';
import { shiftOf } from './lanes.ts';
import { BLOCK, CHAINS, ChainCode, SCRATCH } from './print.ts';
import { kernelOperand, type Tiles, tilesOf } from './tiles.ts';

const STEP = 0;
const PHASE = 1;
const UNIT = 2;
/** Bytes that a block has room for; behind it a kernel's step, which says that its operand is there. */
const MOST = 256 << 10;
const COPY = 464 << 10;

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

/** Addresses of a chain's steps by their distance from its first, where the function's own step is `own` bytes behind that. */
const stepsFrom =
  (own: number) =>
  (bytes: number): Bytes =>
    bytes === own ? get(STEP) : [...get(STEP), ...number(own - bytes), SUB];
const lengthOf = (steps: readonly ProgramStep[]): number => steps.reduce((sum, { words }) => sum + words[1], 0);

/** The function of a chain by itself, whose last step calls it. */
function alone(chain: Chain, nodes: readonly Node[]): Uint8Array | null {
  const f = new Printed();
  const [start, count] = [f.number(), f.number()];
  f.emit(get(UNIT), shifted(GRAIN_SHIFT), set(start));
  f.emit(smaller([...get(STEP), ...word(16), ...get(start), SUB], number(1 << GRAIN_SHIFT)), set(count));
  const step = stepsFrom(lengthOf(chain.steps.slice(0, -1)));
  const code = new ChainCode(f, chain, nodes, { step, start, count, blocks: new Map(), last: true });
  if (!code.fits) return null;
  code.write();
  return f.bytes();
}

/** How a kernel takes what a chain makes: the operand that has it, and whether it is in a block of the thread's own. */
interface Taken {
  readonly tiles: Tiles;
  readonly operand: number;
  readonly storage: Storage;
  readonly dtype: number;
  readonly hidden: boolean;
}
/** How a step takes what a chain before it makes, tile by tile; null where it does not, or threads would be in each other's way. */
function takenBy(step: ProgramStep, chain: Chain, nodes: readonly Node[], outside: (storage: Storage) => boolean): Taken | null {
  const tiles = tilesOf(step);
  const { op, words } = step;
  if (tiles === null || op.kind !== 'kernel' || tiles.size !== chain.elements) return null;
  const stores = nodes.flatMap((node) => (typeof node === 'number' ? [] : [node.place.operand]));
  const count = ((words[7] & 0xffff) / 4 - HEAD) / 3;
  const all = Array.from({ length: count }, (_, i) => kernelOperand(step, i, tiles.rows.includes(i) ? tiles.size : null));
  const given = all.flatMap((x, i) => {
    const from = x !== null && tiles.rows.includes(i) && i >= op.outputs.length && !mutates(op, i - op.outputs.length);
    const made = from && stores.some((y) => y.how === 'line' && y.slot === x.slot && y.from === x.from && y.dtype === x.dtype);
    return made ? [{ operand: i, x }] : [];
  });
  const hides = ({ x }: (typeof given)[0]): boolean =>
    x.slot === ARENA && !outside(x.storage as Storage) && all.filter((y) => y?.storage === x.storage).length === 1;
  const taken = given.find(hides) ?? given[0];
  if (taken === undefined || tiles.most << shiftOf(taken.x.dtype) > MOST) return null;
  const hidden = hides(taken);
  const written = stores.filter((y) => !hidden || y.storage !== taken.x.storage);
  for (const [i, x] of all.entries()) {
    if (x === null || (hidden && i === taken.operand)) continue;
    const writes = i < op.outputs.length || i === count - 1 || mutates(op, i - op.outputs.length);
    if (written.some((y) => collide(x, y)) || (writes && chain.reads.some((y) => collide(x, y)))) return null;
  }
  return { tiles, operand: taken.operand, storage: taken.x.storage as Storage, dtype: taken.x.dtype, hidden };
}

/** The function of a chain and the kernel behind it, whose step calls it. */
function before(
  chain: Chain,
  nodes: readonly Node[],
  kernel: ProgramStep,
  { tiles, operand, storage, dtype, hidden }: Taken,
): Uint8Array | null {
  const f = new Printed();
  const [start, count] = [f.number(), f.number()];
  const { words } = kernel;
  const call = (step: Bytes): Bytes => [...step, ...get(PHASE), ...get(UNIT), ...number(words[0] + 1), 0x11, CHAINS, 0];
  const step = stepsFrom(lengthOf(chain.steps));
  // Later phases are the kernel's alone.
  if (words[2] > 1) f.emit(get(PHASE), either([...call(get(STEP)), RETURN]));
  f.emit(tiles.range(get(STEP), get(UNIT), [...step(0), ...word(16)], start, count));
  const blocks = new Map(hidden ? [[storage, BLOCK]] : []);
  const code = new ChainCode(f, chain, nodes, { step, start, count, blocks, last: false });
  if (!code.fits) return null;
  code.write();
  if (!hidden) f.emit(call(get(STEP)));
  else {
    const copy = [...SCRATCH, ...number(COPY), ADD];
    const put = (offset: number, value: Bytes): Bytes => [...copy, ...value, 0x36, 2, offset];
    const from = [...SCRATCH, ...number(BLOCK), ADD, ...get(start), ...shifted(shiftOf(dtype)), SUB];
    const at = 4 * (HEAD + 3 * operand);
    f.emit(copy, get(STEP), number(words[1]), [0xfc, 10, 0, 0]);
    f.emit(put(at, number(0)), put(at + 4, from), call(copy));
  }
  return f.bytes();
}

/** The functions that are worth printing of a program's steps. */
export function printedOf(steps: readonly ProgramStep[]): Part[] {
  const users = new Map<Storage, number[]>();
  steps.forEach(({ refs }, i) => {
    for (const { storage } of refs) users.set(storage, [...(users.get(storage) ?? []), i]);
  });
  const outside =
    (first: number, end: number) =>
    (storage: Storage): boolean =>
      users.get(storage)?.some((user) => user < first || user >= end) === true;
  const parts: Part[] = [];
  for (let i = 0; i < steps.length; ) {
    const chain = new Chain();
    let k = i;
    while (k < steps.length && chain.add(steps[k])) k++;
    if (k === i) {
      i++;
      continue;
    }
    const nodes = chain.work(outside(i, k));
    const taken = k < steps.length ? takenBy(steps[k], chain, nodes, outside(i, k + 1)) : null;
    let code = taken && before(chain, nodes, steps[k], taken);
    const own = code === null ? k - 1 : k;
    code ??= isWorthIt(chain, nodes) ? alone(chain, nodes) : null;
    const first = i;
    if (code !== null) parts.push({ code, own, steps: Array.from({ length: own + 1 - first }, (_, n) => first + n) });
    i = own + 1;
  }
  return parts;
}
