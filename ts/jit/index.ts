// Chains of plans as functions of their own: printed when a plan has run a few times, joined to the engine as other kernels are.
import { type Joinable, type Printer, setPrinter } from '../backend.ts';
import { joinKernels } from '../tensor/joined.ts';
import { moduleOf } from './module.ts';
import { printedOf } from './parts.ts';

/** Forms of chains that an engine prints: their code stays, as other chains of the same form use it. Further ones stay bytecode. */
export const capacity: number = 1024;

/** Opcodes of printed chains by their code; null: the runtime compiles nothing at run time. */
const joinedTo = new WeakMap<Joinable, Map<string, number> | null>();
const keyOf = (code: Uint8Array): string => new TextDecoder('latin1').decode(code);

/** Joins the code that is new to the device; gives the opcodes of all. */
function join(device: Joinable, codes: readonly Uint8Array[]): ReadonlyMap<string, number> | null {
  const known = joinedTo.get(device) ?? (joinedTo.has(device) ? null : new Map<string, number>());
  if (known === null) return null;
  const fresh = [...new Map(codes.map((code) => [keyOf(code), code])).entries()].filter(([key]) => !known.has(key));
  fresh.splice(Math.max(0, capacity - known.size));
  if (fresh.length === 0) return known;
  const opcodes = joinKernels(device, moduleOf(fresh.map(([, code]) => code)));
  joinedTo.set(device, opcodes && known);
  if (opcodes === null) return null;
  fresh.forEach(([key], i) => {
    known.set(key, opcodes[`chain${i}`]);
  });
  return known;
}

const printChains: Printer = (device, address, steps) => {
  const places: number[] = [];
  steps.reduce((at, { words }) => {
    places.push(at);
    return at + words.length;
  }, address >>> 2);
  const parts = printedOf(steps);
  const opcodes = join(
    device,
    parts.map(({ code }) => code),
  );
  if (opcodes === null) return [];
  return parts.flatMap(({ code, own, steps: all }) => {
    const opcode = opcodes.get(keyOf(code));
    if (opcode === undefined) return [];
    // Joining may have made the memory grow.
    const { u32 } = device.memory;
    // One step runs the function, the others have no tiles.
    for (const i of all) u32[places[i] + 3] = i === own ? u32[places[i] + 3] : 0;
    u32[places[own]] = opcode;
    return [all];
  });
};
setPrinter(printChains);
