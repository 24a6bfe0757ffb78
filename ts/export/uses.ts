// What the steps of a plan use of the interpreter, and on what they all agree.
import { CHAIN, HEAD, modeOf, REGISTER } from '../base/layout.ts';
import type { PlanStep } from '../wasm/program.ts';

export interface Uses {
  /** Kernels by opcode. */
  readonly opcodes: ReadonlySet<number>;
  /** Whether there are elementwise steps, and chains of them. */
  readonly maps: boolean;
  readonly chains: boolean;
  /** The values that the functions of assembly/step.ts imported from 'sole' will be asked for. */
  readonly values: Readonly<Record<Sole, ReadonlySet<number>>>;
  /** The dtypes of kernels' operands, by the operands' numbers. */
  readonly operands: readonly ReadonlySet<number>[];
}
export type Sole = 'kernel_type' | 'span_type' | 'entry_dtype' | 'entry_type';

export function usesOf(steps: readonly PlanStep[]): Uses {
  const opcodes = new Set<number>();
  const values = {
    kernel_type: new Set<number>(),
    span_type: new Set<number>(),
    entry_dtype: new Set<number>(),
    entry_type: new Set<number>(),
  };
  const operands: Set<number>[] = [];
  let maps = false;
  let chains = false;
  for (const { op, words } of steps) {
    if (op.kind === 'kernel') {
      opcodes.add(words[0]);
      values.kernel_type.add(words[6]);
      // Operands of three words up to the integer fields; the last one, the workspace, has no dtype.
      const count = ((words[7] & 0xffff) / 4 - HEAD) / 3 - 1;
      for (let i = 0; i < count; i++) {
        operands[i] ??= new Set();
        operands[i].add(words[HEAD + 3 * i + 2]);
      }
      continue;
    }
    const chain = words[0] === CHAIN;
    chains ||= chain;
    maps ||= !chain;
    values.span_type.add(words[6]);
    const entries = words[chain ? 5 : 7];
    for (let k = 0; k < entries; k++) {
      const kind = words[HEAD + 4 * k + 1];
      if (modeOf(kind) === REGISTER) continue;
      values.entry_dtype.add(kind & 0xff);
      values.entry_type.add((kind >>> 8) & 0xff);
    }
    // Behind the operands of a chain: five words an op, the opcode first.
    if (chain) for (let i = 0; i < words[7]; i++) opcodes.add(words[HEAD + 4 * entries + 5 * i]);
    else opcodes.add(words[0]);
  }
  return { opcodes, maps, chains, values, operands };
}
