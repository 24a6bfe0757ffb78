// Elementwise steps that follow one another over as many elements, as one computation: what is loaded, what each op makes of it, what is
// stored. Steps of any dtypes take part; an element that was written is taken from its register as it would come back from memory.
import type { ProgramStep, Storage } from '../backend.ts';
import { ARENA, CHAIN, HEAD } from '../base/layout.ts';
import { TABLE } from '../ops/table.ts';
import { BODIES, INSTRUCTIONS } from './bodies.ts';
import { BOOL, I32, I64, shiftOf } from './lanes.ts';
import { type Operand, operandsOf } from './operand.ts';

/** Ops and operands of one function. */
const MAX_OPS = 64;
const MAX_OPERANDS = 80;

/** What an op of the table is to a chain. */
interface Known {
  readonly arity: number;
  readonly body: readonly string[] | null;
  /** Whether it makes conditions, and which operands are some. */
  readonly choice: boolean;
  readonly masks: readonly number[];
}
const KNOWN: ReadonlyMap<number, Known> = new Map(
  Object.values(TABLE).flatMap((op) =>
    op.kind === 'map'
      ? [
          [
            op.opcode,
            { arity: op.inputs.length, body: BODIES[op.name]?.split(' ') ?? null, choice: op.out === 'bool', masks: op.masks },
          ] as const,
        ]
      : [],
  ),
);

/** An operand of the step that is so many bytes behind the chain's first. */
export interface Place {
  readonly operand: Operand;
  readonly step: number;
}
/** Four elements at a time: loaded, as an op makes them of others, or as others are once stored as a dtype and loaded again. */
export type Value = { readonly type: number } & (
  | { readonly kind: 'load'; readonly place: Place }
  | { readonly kind: 'op'; readonly opcode: number; readonly lanes: number; readonly inputs: readonly number[]; readonly body: Body }
  | { readonly kind: 'cast'; readonly of: number; readonly dtype: number }
);
/** Null: its kernel is called. */
type Body = readonly string[] | null;
export interface Store {
  readonly place: Place;
  readonly value: number;
}
/** A value that is computed, by its number, or a store of one. */
export type Node = number | Store;

const isLine = ({ how }: Operand): boolean => how === 'line';
const inMemory = ({ how }: Operand): boolean => how !== 'register' && how !== 'number';

/** Whether two accesses must keep their order, of which threads that each do some of the elements know nothing. */
export function collide(a: Operand, b: Operand): boolean {
  // What is empty overlaps nothing.
  if (a.slot !== b.slot || Math.max(a.from, b.from) >= Math.min(a.to, b.to)) return false;
  return !(isLine(a) && isLine(b) && a.from === b.from && shiftOf(a.dtype) === shiftOf(b.dtype));
}

/** A chain that grows step by step. */
export class Chain {
  readonly steps: ProgramStep[] = [];
  readonly values: Value[] = [];
  readonly writes: Operand[] = [];
  readonly reads: Operand[] = [];
  private readonly nodes: Node[] = [];
  private readonly loads = new Map<string, number>();
  /** What lies at a place that was written. */
  private readonly written = new Map<string, Store>();
  private bytes = 0;

  get elements(): number {
    return this.steps[0].words[4];
  }

  /** Adds a step, where it is an elementwise one over as many elements that can be printed with those before. */
  add(step: ProgramStep): boolean {
    const { words } = step;
    const fused = words[0] === CHAIN;
    if (step.op.kind !== 'map' || (this.steps.length > 0 && words[4] !== this.elements)) return false;
    const operands = operandsOf(step);
    if (operands === null) return false;
    const count = fused ? words[7] : 1;
    if (this.nodes.length + 2 * count > 2 * MAX_OPS || this.loads.size + operands.length > MAX_OPERANDS) return false;
    const first = HEAD + 4 * operands.length;
    const program = fused ? words.subarray(first, first + 5 * count) : Uint32Array.of(words[0], 0, 1, 2, 3);
    const ops = Array.from({ length: count }, (_, i) => program.subarray(5 * i, 5 * i + 5));
    const results = new Set(ops.map((op) => operands[op[1]]).filter(inMemory));
    if (ops.some(([opcode]) => !KNOWN.has(opcode)) || [...results].some(({ how, dtype }) => how === 'scalar' || dtype > BOOL)) return false;
    const given = operands.filter(inMemory);
    if (given.some((x) => this.writes.some((y) => collide(x, y)))) return false;
    if ([...results].some((y) => this.reads.some((x) => collide(x, y)))) return false;
    if (
      given.some(
        (x) => isLine(x) && (this.written.get(`${x.slot} ${x.from}`)?.place.operand.dtype ?? x.dtype) !== x.dtype && !results.has(x),
      )
    )
      return false;

    const registers = new Map<number, number>();
    for (const [opcode, result, ...entries] of ops) {
      const { arity, body, choice, masks } = KNOWN.get(opcode) as Known;
      const lanes = words[6];
      const inputs = entries.slice(0, arity).map((k, i) => registers.get(k) ?? this.read(operands[k], masks.includes(i)));
      const whole = body?.every((word) => !(word in INSTRUCTIONS) || INSTRUCTIONS[word][lanes] !== null) ? body : null;
      const type = choice ? (shiftOf(lanes) === 3 ? I64 : I32) : lanes;
      const value = this.compute({ kind: 'op', type, opcode, lanes, inputs, body: whole });
      const target = operands[result];
      if (target.how === 'register') registers.set(result, value);
      else {
        const store = { place: { operand: target, step: this.bytes }, value };
        this.nodes.push(store);
        this.written.set(`${target.slot} ${target.from}`, store);
      }
    }
    this.writes.push(...results);
    this.reads.push(...given.filter((x) => !results.has(x) || ops.some(([, , ...k]) => k.some((i) => operands[i] === x))));
    this.steps.push(step);
    this.bytes += words[1];
    return true;
  }

  private compute(value: Value): number {
    this.values.push(value);
    this.nodes.push(this.values.length - 1);
    return this.values.length - 1;
  }
  /** The value of an operand; of a condition, lanes of any kind that is zero where it does not hold. */
  private read(operand: Operand, mask: boolean): number {
    const { type, dtype } = operand;
    const before = isLine(operand) ? this.written.get(`${operand.slot} ${operand.from}`) : undefined;
    if (before === undefined) {
      const key = `${operand.id} ${type}`;
      const known = this.loads.get(key);
      if (known !== undefined) return known;
      this.values.push({ kind: 'load', type, place: { operand, step: this.bytes } });
      this.loads.set(key, this.values.length - 1);
      return this.values.length - 1;
    }
    const value = this.values[before.value];
    if (value.type === type && (dtype === type || (mask && dtype === BOOL && value.kind === 'op' && isChoice(value.opcode))))
      return before.value;
    return this.compute({ kind: 'cast', type, of: before.value, dtype });
  }

  /** What is computed and stored: of each place what is there at the end, if it is wanted (`others`: whether steps outside touch it). */
  work(others: (storage: Storage) => boolean): Node[] {
    const last = new Set(this.written.values());
    const stays = (store: Store): boolean => {
      const { operand } = store.place;
      const hidden = operand.slot === ARENA && operand.storage !== null && !others(operand.storage);
      return !hidden && (!isLine(operand) || last.has(store));
    };
    return this.nodes.filter((node) => typeof node === 'number' || stays(node));
  }
}
const isChoice = (opcode: number): boolean => KNOWN.get(opcode)?.choice === true;
