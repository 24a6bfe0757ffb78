// Where everything of a stand-alone module lies in its memory, and what stands there at first.
import type { Storage } from '../backend.ts';
import { CODE, type DType } from '../base/dtype.ts';
import { ValueError } from '../base/errors.ts';
import type { RawCalls, RawPort } from '../formats/ports.ts';
import { laidOut, type PlanStep } from '../wasm/program.ts';
import { heapBase, places as kernels } from './gen/solo.ts';

/** PLAN of assembly/solo.ts. */
const PLAN = 64;
/** SCRATCH of assembly/threads.ts. */
const SCRATCH = 1 << 19;
const ALIGN = 64;
const MAX_PAGES = 65535;
const aligned = (n: number): number => Math.ceil(n / ALIGN) * ALIGN;

/** A tensor of the module as its custom section describes it: raw elements, row-major, little-endian. */
export interface Tensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly dtype: DType;
  readonly address: number;
  readonly bytes: number;
}
export interface Image {
  readonly pages: number;
  readonly segments: readonly { readonly at: number; readonly bytes: Uint8Array }[];
  readonly inputs: readonly Tensor[];
  readonly outputs: readonly Tensor[];
  readonly steps: readonly PlanStep[];
  /** Kernels that get places in the function table behind the others, in their order. */
  readonly joined: readonly string[];
  /** Bytes of the state that the plan reads: weights and constants. */
  readonly weights: number;
}

/** The memory of a module that runs these steps; `read` gives the bytes of a state. @throws ValueError where 4 GB are too little */
export function imageOf({ inputs, outputs }: RawCalls, lowered: readonly PlanStep[], read: (s: Storage) => Uint8Array): Image {
  const ports = [...inputs, ...outputs];
  const { steps, forms, places, bytes } = laidOut(
    lowered,
    ports.map((p) => p.storage),
  );
  const addresses = new Map<Storage, number>();

  // What the file holds: tables, steps, state.
  const table = aligned(heapBase);
  const formsAt = table + ports.length * 12;
  const code = aligned(formsAt + forms.length * 4);
  let end = aligned(code + steps.reduce((sum, s) => sum + s.words.length * 4, 0));
  const states = new Map<Storage, Uint8Array>();
  for (const { refs } of steps)
    for (const { storage } of refs) {
      if (storage.device === 'plan' || states.has(storage)) continue;
      states.set(storage, read(storage));
      addresses.set(storage, end);
      end = aligned(end + storage.bytes);
    }
  const held = end - table;

  // What is empty at first.
  const reserve = (size: number): number => {
    const at = end;
    end = aligned(end + size);
    return at;
  };
  for (const s of forms) addresses.set(s, reserve(s.bytes));
  for (const { storage, bytes } of ports) addresses.set(storage, reserve(bytes));
  const arena = reserve(bytes);
  for (const [s, at] of places) addresses.set(s, arena + at);
  const scratch = reserve(SCRATCH);
  // Vectors may be read past the last element.
  const pages = Math.ceil((end + ALIGN) / 65536);
  if (pages > MAX_PAGES) throw new ValueError(`exportWasm: the module would need ${end} bytes of memory; at most ${MAX_PAGES * 65536}`);

  const file = new Uint8Array(held);
  const words = new Uint32Array(file.buffer);
  const tensor = ({ name, shape, dtype, bytes, storage }: RawPort): Tensor => {
    const address = addresses.get(storage) as number;
    return { name, shape: [...shape], dtype, address, bytes };
  };
  const described = ports.map(tensor);
  described.forEach((t, i) => words.set([t.address, t.bytes, CODE[t.dtype]], i * 3));
  const joined = [...new Set(steps.filter(({ op }) => op.opcode >= kernels).map(({ op }) => op.name))].sort();
  const phases: number[] = [];
  let at = code;
  for (const { words: own, refs, packs, op } of steps) {
    // A plan made in fast mode would name that mode's kernels.
    if (op.kind === 'kernel') own[0] = op.opcode < kernels ? op.opcode : kernels + joined.indexOf(op.name);
    for (const { slot, at: word, storage, offset } of refs) {
      own[slot] = 0;
      own[word] = (addresses.get(storage) as number) + offset;
    }
    if (packs && forms.includes(packs.into)) phases.push(at + 12);
    words.set(own, (at - table) >> 2);
    at += own.length * 4;
  }
  words.set(phases, (formsAt - table) >> 2);
  for (const [s, data] of states) file.set(data, (addresses.get(s) as number) - table);
  const plan = new Uint32Array([code, steps.length, formsAt, phases.length, scratch, table, inputs.length, outputs.length]);
  return {
    pages,
    segments: [
      { at: PLAN, bytes: new Uint8Array(plan.buffer) },
      { at: table, bytes: file },
    ],
    inputs: described.slice(0, inputs.length),
    outputs: described.slice(inputs.length),
    steps,
    joined,
    weights: [...states.values()].reduce((sum, b) => sum + b.length, 0),
  };
}
