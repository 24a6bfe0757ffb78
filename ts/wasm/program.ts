// Programs: steps laid end to end in linear memory, run by one call. Intermediate results share an arena, packed by when they live.
import {
  type Input,
  isView,
  type Joinable,
  Planned,
  type Program,
  type ProgramStats,
  printer,
  type StepTiming,
  type Storage,
  type View,
} from '../backend.ts';
import { SIZE } from '../base/dtype.ts';
import { ValueError } from '../base/errors.ts';
import { ARENA, SLOTS } from '../base/layout.ts';
import { bytesOf, PICKS } from '../ops/cost.ts';
import { AGAIN, type Again, type Attrs, type KernelOp, type Lowered, type MapOp, mutates, type Op } from '../ops/op.ts';
import { type Arrangement, arrange, type Life } from './arena.ts';
import { fused, isFlat } from './chain.ts';
import { STEP } from './encode.ts';
import type { Place, Space, Words } from './space.ts';

/** What a program needs of the engine. */
export interface Runner extends Joinable {
  readonly memory: Space;
  /** Runs steps; `opOf` names the op of a failed one by the steps left. @throws IndexError and what ops throw while they run */
  runProgram(address: number, count: number, threaded: boolean, opOf: (left: number) => Op): void;
}

/** The slot table's word: base addresses, 0 for absolute ones. */
const TABLE = SLOTS >> 2;
const MAX_SLOTS = 768;
/** Runs after which a plan is worth code of its own. */
const HOT = 3;

/** An operand of a step: where its slot and its address stand, in words from the step's start. */
export interface Ref {
  readonly slot: number;
  readonly at: number;
  readonly storage: Storage;
  readonly offset: number;
  /** Bytes that the step reads and writes there; 0 for a workspace. */
  readonly moved: number;
}
export interface PlanStep {
  readonly op: Op;
  readonly name: string;
  readonly words: Uint32Array;
  readonly tiles: number;
  readonly refs: readonly Ref[];
  /** Whether the output may take the memory of an input that is not read again. */
  readonly flat: boolean;
  readonly renew: (() => Lowered) | null;
  /** The input whose packed form phase 0 makes, and that form's stand-in. */
  readonly packs: { readonly of: Storage; readonly into: Storage } | null;
}

/** Takes the steps that an engine writes instead of running them. */
export class Lowering {
  readonly steps: PlanStep[] = [];
  private readonly memory: Words;

  constructor(memory: Words) {
    this.memory = memory;
  }

  temporary(bytes: number): Storage {
    return new Planned(bytes);
  }
  map(op: MapOp, tiles: number, operands: readonly Input[]): void {
    if (tiles === 0) return;
    const words = this.words();
    const refs = operands.flatMap((x, k) => (isView(x) ? [ref(8 + 4 * k, 10 + 4 * k, x, bytesOf(x))] : []));
    this.steps.push({ op, name: op.name, words, tiles, refs, flat: isFlat(words, op), renew: null, packs: null });
  }
  kernel(op: KernelOp, operands: readonly (View | null)[], lowered: Lowered, attrs: Attrs, again: (attrs: Attrs) => Lowered): void {
    const words = this.words();
    const at = (i: number): [number, number] => [8 + 3 * i, 9 + 3 * i];
    const first = operands.length - op.inputs.length;
    const moved = (x: View, i: number): number =>
      i === first && PICKS.test(op.name)
        ? Math.min(bytesOf(x), bytesOf(operands[0] as View))
        : bytesOf(x) * (mutates(op, i - first) ? 2 : 1);
    const refs = operands.flatMap((x, i) => (x === null ? [] : [ref(...at(i), x, moved(x, i))]));
    const { workspace = 0, packs, tiles } = lowered;
    let form: PlanStep['packs'] = null;
    if (workspace > 0) {
      const storage = new Planned(workspace);
      const [slot, address] = at(operands.length);
      refs.push({ slot, at: address, storage, offset: 0, moved: 0 });
      const source = packs && operands[first + packs.input];
      if (source) form = { of: source.storage, into: storage };
    }
    const more = attrs[AGAIN as never] as Again | undefined;
    const renew = more === undefined ? null : () => again({ ...attrs, ...more() });
    this.steps.push({ op, name: op.name, words, tiles: Math.max(...tiles), refs, flat: false, renew, packs: form });
  }
  private words(): Uint32Array {
    const { u32 } = this.memory;
    // Whole 8 bytes, so that the floats of the steps behind it stay aligned.
    const length = ((u32[(STEP >> 2) + 1] + 7) >> 3) << 1;
    const words = u32.slice(STEP >> 2, (STEP >> 2) + length);
    words[1] = length << 2;
    return words;
  }
}
const ref = (slot: number, at: number, x: View, moved: number): Ref => ({
  slot,
  at,
  storage: x.storage,
  offset: x.offset * SIZE[x.dtype],
  moved,
});

/** A packed form of state: made again when the state's version has changed. */
interface Form {
  readonly of: Storage;
  /** Where the step says how many tiles phase 0 has. */
  readonly word: number;
  readonly tiles: number;
  version: number;
}

export class WasmProgram implements Program {
  readonly stats: ProgramStats;
  private readonly runner: Runner;
  private readonly steps: readonly PlanStep[];
  private readonly threaded: boolean;
  private readonly code: Place;
  private readonly arena: Place;
  private readonly renewals: { readonly word: number; readonly renew: () => Lowered }[] = [];
  private readonly forms: Form[] = [];
  private readonly held = new Set<Storage>();
  private readonly printed: string[] = [];
  private readonly opOf = (left: number): Op => this.steps[this.steps.length - left].op;
  private runs = 0;

  constructor(runner: Runner, lowered: readonly PlanStep[], inputs: readonly Storage[], outputs: readonly Storage[]) {
    const { memory } = runner;
    this.runner = runner;
    if (ARENA + 1 + inputs.length + outputs.length > MAX_SLOTS)
      throw new ValueError(`compile: ${inputs.length} inputs and ${outputs.length} outputs; at most ${MAX_SLOTS - 2} in all`);
    const slots = new Map<Storage, number>();
    for (const s of [...inputs, ...outputs]) slots.set(s, ARENA + 1 + slots.size);

    const { steps, forms, places, bytes, live, intermediates } = laidOut(lowered, [...slots.keys()]);
    const lasting = new Map<Storage, Place>();
    for (const s of forms) {
      const form = memory.alloc(s.bytes);
      lasting.set(s, form);
      this.held.add(form);
    }
    this.steps = steps;
    this.threaded = steps.some((s) => s.tiles > 1);
    this.arena = memory.alloc(bytes);
    const moved = steps.flatMap((s) => s.refs).reduce((sum, r) => sum + r.moved, 0);
    this.stats = {
      steps: steps.length,
      fused: lowered.length - steps.length,
      arena: bytes,
      live,
      intermediates,
      bytesMoved: moved,
      printed: this.printed,
    };
    const total = steps.reduce((sum, s) => sum + s.words.length, 0);
    this.code = memory.alloc(total * 4);
    let at = this.code.pointer >>> 2;
    for (const step of steps) {
      const words = step.words;
      for (const { slot, at: word, storage, offset } of step.refs) {
        const place = places.get(storage);
        const fixed = lasting.get(storage) ?? (storage.device === 'plan' ? null : (storage as Place));
        words[slot] = place !== undefined ? ARENA : (slots.get(storage) ?? 0);
        words[word] = place !== undefined ? place + offset : fixed !== null ? fixed.pointer + offset : offset;
        if (storage.device !== 'plan') this.hold(storage);
      }
      memory.u32.set(words, at);
      if (step.renew !== null) this.renewals.push({ word: at, renew: step.renew });
      if (step.packs !== null && lasting.has(step.packs.into))
        this.forms.push({ of: step.packs.of, word: at + 3, tiles: words[3], version: -1 });
      at += words.length;
    }
  }
  private hold(storage: Storage): void {
    if (this.held.has(storage)) return;
    storage.retain();
    this.held.add(storage);
  }

  run(
    inputs: readonly { readonly storage: Storage; readonly byteOffset: number }[],
    outputs: readonly Storage[],
    timings?: StepTiming[],
  ): void {
    const { memory } = this.runner;
    if (printer !== null && ++this.runs === HOT)
      for (const some of printer(this.runner, this.code.pointer, this.steps))
        this.printed.push(some.map((i) => this.steps[i].name).join(' '));
    const { u32 } = memory;
    u32[TABLE + ARENA] = this.arena.pointer;
    let slot = TABLE + ARENA + 1;
    for (let i = 0; i < inputs.length; i++) u32[slot++] = (inputs[i].storage as Place).pointer + inputs[i].byteOffset;
    for (let i = 0; i < outputs.length; i++) u32[slot++] = (outputs[i] as Place).pointer;
    for (let i = 0; i < this.renewals.length; i++) {
      const { word, renew } = this.renewals[i];
      const { ints, floats } = renew();
      const offsets = u32[word + 7];
      const first = word + ((offsets & 0xffff) >> 2);
      for (let k = 0; k < ints.length; k++) u32[first + k] = ints[k];
      if (floats === undefined) continue;
      const start = (word + (offsets >>> 18)) >> 1;
      for (let k = 0; k < floats.length; k++) memory.f64[start + k] = floats[k];
    }
    for (let i = 0; i < this.forms.length; i++) {
      const form = this.forms[i];
      u32[form.word] = form.version === form.of.version ? 0 : form.tiles;
      form.version = form.of.version;
    }
    if (timings === undefined) {
      this.runner.runProgram(this.code.pointer, this.steps.length, this.threaded, this.opOf);
      return;
    }
    const begin = performance.now();
    let at = this.code.pointer;
    for (const { op, name } of this.steps) {
      const start = performance.now();
      this.runner.runProgram(at, 1, this.threaded, () => op);
      timings.push({ name, start: start - begin, duration: performance.now() - start });
      at += memory.u32[(at >>> 2) + 1];
    }
  }

  dispose(): void {
    for (const s of this.held) s.release();
    this.held.clear();
    this.arena.release();
    this.code.release();
  }
}

/** Steps as they will run, and where what they hand to each other lies. */
export interface LaidOut extends Arrangement {
  readonly steps: readonly PlanStep[];
  /** Stand-ins of packed forms of state that the steps do not write: they stay from run to run. */
  readonly forms: readonly Storage[];
}
/** Fuses steps and packs their intermediate results into one block of memory; `outer`: stand-ins of inputs and outputs. */
export function laidOut(lowered: readonly PlanStep[], outer: readonly Storage[]): LaidOut {
  const written = new Set(lowered.flatMap((s) => writtenBy(s)));
  const forms = lowered.flatMap(({ packs }) => (packs && packs.of.device !== 'plan' && !written.has(packs.of) ? [packs.into] : []));
  const apart = new Set([...outer, ...forms]);
  const shared = (s: Storage): boolean => s.device === 'plan' && !apart.has(s);
  const steps = fused(lowered, (all) => livesOf(all, shared));
  return { steps, forms, ...arrange([...withOverlays(steps, livesOf(steps, shared)).values()]) };
}

const writtenBy = ({ op, refs }: PlanStep): Storage[] => {
  if (op.kind !== 'kernel') return refs.length > 0 ? [refs[0].storage] : [];
  // A kernel's operands: outputs, inputs (those present), workspace.
  return op.mutates === undefined ? refs.slice(0, op.outputs.length).map((r) => r.storage) : refs.map((r) => r.storage);
};

/** When each stand-in is first and last touched, by step. */
function livesOf(steps: readonly PlanStep[], shared: (s: Storage) => boolean): Map<Storage, Life> {
  const lives = new Map<Storage, Life>();
  steps.forEach(({ refs }, i) => {
    for (const { storage } of refs) {
      if (!shared(storage)) continue;
      const known = lives.get(storage);
      if (known === undefined) lives.set(storage, { storage, bytes: storage.bytes, from: i, to: i, over: null });
      else known.to = i;
    }
  });
  return lives;
}
/** The output of a flat step may lie where an input that dies there lay. */
function withOverlays(steps: readonly PlanStep[], lives: Map<Storage, Life>): Map<Storage, Life> {
  steps.forEach(({ flat, refs }, i) => {
    if (!flat || refs.length < 2) return;
    const out = lives.get(refs[0].storage);
    if (out === undefined || out.from !== i || refs[0].offset !== 0) return;
    const dying = refs.slice(1).find(({ storage, offset }) => {
      const life = lives.get(storage);
      return life !== undefined && life !== out && life.to === i && offset === 0 && life.bytes === out.bytes;
    });
    if (dying !== undefined) out.over = lives.get(dying.storage) as Life;
  });
  return lives;
}
