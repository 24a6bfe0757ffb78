// Chains of plans as functions of their own: printed when a plan has run a few times, joined to the engine as other kernels are.
import { type Joinable, type Printer, setPrinter } from '../backend.ts';
import { joinKernels } from '../tensor/joined.ts';
import { type Chain, chainOf, isWorthIt } from './chain.ts';
import { foldOf } from './fold.ts';
import { moduleOf } from './print.ts';

/** Forms of chains that an engine prints: their code stays, as other chains of the same form use it. Further ones stay bytecode. */
export const capacity: number = 1024;

/** Opcodes of printed chains by their form; null: the runtime compiles nothing at run time. */
const joinedTo = new WeakMap<Joinable, Map<string, number> | null>();

/** Prints the chains that are new to the device. */
function print(device: Joinable, chains: readonly Chain[]): ReadonlyMap<string, number> | null {
  const known = joinedTo.get(device) ?? (joinedTo.has(device) ? null : new Map<string, number>());
  if (known === null) return null;
  const fresh = [...new Map(chains.map((chain) => [chain.key, chain])).values()].filter(({ key }) => !known.has(key));
  fresh.splice(Math.max(0, capacity - known.size));
  if (fresh.length === 0) return known;
  const opcodes = joinKernels(device, moduleOf(fresh));
  joinedTo.set(device, opcodes && known);
  if (opcodes === null) return null;
  fresh.forEach(({ key }, i) => {
    known.set(key, opcodes[`chain${i}`]);
  });
  return known;
}

const printChains: Printer = (device, address, steps) => {
  const found: { readonly step: number; readonly at: number; readonly chain: Chain }[] = [];
  steps.reduce((at, step, i) => {
    const chain = chainOf(step);
    const fold = chain && foldOf(steps, i, chain);
    if (chain !== null) {
      const whole = fold === null ? chain : { ...chain, fold, key: `${chain.key} ${Object.values(fold)}` };
      if (isWorthIt(whole)) found.push({ step: i, at, chain: whole });
    }
    return at + step.words.length;
  }, address >>> 2);
  const opcodes = print(
    device,
    found.map(({ chain }) => chain),
  );
  if (opcodes === null) return [];
  return found.flatMap(({ step, at, chain: { key, fold } }) => {
    const opcode = opcodes.get(key);
    if (opcode === undefined) return [];
    // Joining may have made the memory grow.
    const { u32 } = device.memory;
    if (fold === null) u32[at] = opcode;
    else {
      // A chain of no tiles, and a reduction that computes it.
      u32[at + 3] = 0;
      u32[at + (fold.back >> 2)] = opcode;
    }
    return fold === null ? [[step]] : [[step, step + 1]];
  });
};
setPrinter(printChains);
