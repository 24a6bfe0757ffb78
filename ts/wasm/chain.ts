// Fusion: elementwise steps that follow one another over the same elements become one, whose intermediate results stay in tiles of 2 kB.
// Every element goes through the same kernels in the same order, so no bit changes.
import type { Storage } from '../backend.ts';
import { CHAIN, GATHER, HEAD, modeOf, REGISTER, SCALAR } from '../base/layout.ts';
import type { MapOp } from '../ops/op.ts';
import type { Life } from './arena.ts';
import type { PlanStep, Ref } from './program.ts';

const BOOL = 9;
/** Operands that assembly/chain.ts has room for, and tiles that stay in the first-level cache beside what comes from memory. */
const MAX_OPERANDS = 64;
const MAX_TILES = 10;
const MAX_OPS = 48;

/** Whether a map step's operands are spans or numbers of the compute type, or conditions without gaps, and its result ends its storage. */
export function isFlat(words: Uint32Array, op: MapOp): boolean {
  if (words[5] === 0xffffffff) return true;
  if (words[5] > 1) return false;
  const [type, count] = words.subarray(6, HEAD);
  for (let k = 0; k < count; k++) {
    const kind = words[HEAD + 4 * k + 1];
    const mode = modeOf(kind);
    if (k === 0 ? op.out === 'bool' : op.masks.includes(k - 1)) {
      if (mode === GATHER && ((kind & 0xff) !== BOOL || words[HEAD + 4 * count + 1 + k] !== 1)) return false;
      continue;
    }
    if (mode === GATHER) return false;
    if (mode !== SCALAR && ((kind & 0xff) !== type || ((kind >>> 8) & 0xff) !== type)) return false;
    if (k === 0 && (mode !== 0 || kind >>> 24 === 0)) return false;
  }
  return true;
}
/** Whether an operand is a condition in memory: lanes have it in another form, so a chain only has it inside. */
const isMask = (kind: number): boolean => modeOf(kind) === GATHER;

/** One step's operands: what stands in its words, and the storage behind it if it has one. */
interface Operand {
  readonly words: readonly number[];
  readonly ref: Ref | null;
}
function operandsOf({ words, refs }: PlanStep): Operand[] {
  return Array.from({ length: words[7] }, (_, k) => {
    const at = HEAD + 4 * k;
    return { words: [...words.subarray(at, at + 4)], ref: refs.find((r) => r.slot === at) ?? null };
  });
}

/** The operands and ops of a chain that grows. */
class Chain {
  readonly steps: PlanStep[] = [];
  readonly entries: Operand[] = [];
  readonly refs: Ref[] = [];
  readonly ops: number[] = [];
  private readonly known = new Map<string, number>();
  private readonly registers = new Map<Storage, number>();
  private readonly free: number[] = [];
  private readonly offsets = new Map<Storage, number>();
  private readonly written = new Set<Storage>();
  private readonly scalars = new Set<Storage>();
  private tiles = 0;

  /** Adds step i, where it fits; `inside` tells whether a storage lives from this step to one that the chain will hold. */
  add(step: PlanStep, i: number, lives: ReadonlyMap<Storage, Life>, inside: (life: Life) => boolean): boolean {
    const operands = operandsOf(step);
    const [out] = operands;
    const target = out.ref as Ref;
    const life = lives.get(target.storage);
    const own = life !== undefined && life.from === i && inside(life);
    // A number that other tiles still read.
    if (this.scalars.has(target.storage)) return false;
    if (this.steps.length === MAX_OPS || this.entries.length + operands.length > MAX_OPERANDS || this.tiles + 2 > MAX_TILES) return false;
    for (const { ref, words } of operands) {
      if (ref === null) continue;
      if (isMask(words[1]) && !(ref === target ? own : this.registers.has(ref.storage))) return false;
      // The same memory at another place: tiles would run ahead of each other.
      const scalar = modeOf(words[1]) === SCALAR;
      if (scalar && this.written.has(ref.storage)) return false;
      if (!scalar && (this.offsets.get(ref.storage) ?? ref.offset) !== ref.offset) return false;
      if (!scalar && ref !== target && ref.storage === target.storage && ref.offset !== target.offset) return false;
    }
    const numbers = operands.slice(1).map((x) => this.entry(x));
    for (const { ref } of operands.slice(1)) if (ref !== null) this.endOf(ref.storage, i, lives);
    const number = own ? this.register(target.storage) : this.stored(out, target);
    this.offsets.set(target.storage, target.offset);
    this.written.add(target.storage);
    const [a, b = 0, c = 0] = numbers;
    this.ops.push(step.op.opcode, number, a, b, c);
    this.steps.push(step);
    return true;
  }
  private entry(x: Operand): number {
    const { ref, words } = x;
    if (ref !== null) {
      const own = this.registers.get(ref.storage);
      if (own !== undefined) return own;
      if (modeOf(words[1]) === SCALAR) this.scalars.add(ref.storage);
      else this.offsets.set(ref.storage, ref.offset);
    }
    const mode = modeOf(words[1]);
    const key = ref === null ? `number ${words}` : `${mode} ${this.numberOf(ref.storage)} ${ref.offset}`;
    let k = this.known.get(key);
    if (k === undefined) {
      k = this.push(x);
      this.known.set(key, k);
      if (mode !== 0) this.tiles++;
    }
    return k;
  }
  /** The entry that a step writes to memory: twice moved if one before has read it. */
  private stored(x: Operand, { storage }: Ref): number {
    const before = this.entries.length;
    const k = this.entry(x);
    const i = this.refs.findIndex((r) => r.slot === HEAD + 4 * k);
    if (i >= 0 && k < before && !this.written.has(storage)) this.refs[i] = { ...this.refs[i], moved: 2 * this.refs[i].moved };
    return k;
  }
  private readonly numbers = new Map<Storage, number>();
  private numberOf(storage: Storage): number {
    if (!this.numbers.has(storage)) this.numbers.set(storage, this.numbers.size);
    return this.numbers.get(storage) as number;
  }
  private push(x: Operand): number {
    const k = this.entries.length;
    this.entries.push(x);
    if (x.ref !== null) this.refs.push({ ...x.ref, slot: HEAD + 4 * k, at: HEAD + 4 * k + 2 });
    return k;
  }
  private register(storage: Storage): number {
    let k = this.free.pop();
    if (k === undefined) {
      k = this.entries.length;
      this.entries.push({ words: [0, REGISTER << 16, k, 0], ref: null });
      this.tiles++;
    }
    this.registers.set(storage, k);
    return k;
  }
  private endOf(storage: Storage, i: number, lives: ReadonlyMap<Storage, Life>): void {
    const k = this.registers.get(storage);
    if (k === undefined || lives.get(storage)?.to !== i) return;
    this.registers.delete(storage);
    this.free.push(k);
  }
  step(): PlanStep {
    const [first] = this.steps;
    if (this.steps.length === 1) return first;
    const length = HEAD + this.entries.length * 4 + this.ops.length;
    const words = new Uint32Array(length + (length & 1));
    words.set([CHAIN, words.length * 4, 1, first.tiles, first.words[4], this.entries.length, first.words[6], this.steps.length]);
    this.entries.forEach((x, k) => words.set(x.words, HEAD + 4 * k));
    words.set(this.ops, HEAD + this.entries.length * 4);
    return { ...first, name: this.steps.map((s) => s.name).join(' '), words, refs: this.refs, flat: false };
  }
}

/** Steps with elementwise runs fused. `livesOf` tells when stand-ins are first and last touched. */
export function fused(steps: readonly PlanStep[], livesOf: (steps: readonly PlanStep[]) => ReadonlyMap<Storage, Life>): PlanStep[] {
  const lives = livesOf(steps);
  const result: PlanStep[] = [];
  const alike = (a: PlanStep, b: PlanStep): boolean => b.flat && a.words[4] === b.words[4] && a.words[6] === b.words[6];
  for (let i = 0; i < steps.length; ) {
    if (!steps[i].flat) {
      result.push(steps[i++]);
      continue;
    }
    let end = i + 1;
    while (end < steps.length && alike(steps[i], steps[end])) end++;
    // What does not fit ends the chain earlier, and then fewer storages live inside: again until it settles.
    for (;;) {
      const chain = new Chain();
      let k = i;
      while (k < end && chain.add(steps[k], k, lives, (life) => life.to < end)) k++;
      if (k === end || k === i) {
        result.push(k === i ? steps[i] : chain.step());
        i = Math.max(k, i + 1);
        break;
      }
      end = k;
    }
  }
  return result;
}
