// The steps of a plan's calls: written as eager work writes them, and kept instead of run.
import type { Call, Input, Storage } from '../backend.ts';
import type { MapOp } from '../ops/op.ts';
import { Lowering, type PlanStep } from './program.ts';
import type { Words } from './space.ts';
import { type KernelCall, Steps } from './steps.ts';

class Lower extends Steps {
  readonly memory: Words;
  readonly opcodes: Readonly<Record<string, number>>;
  readonly list: Lowering;

  constructor(memory: Words, opcodes: Readonly<Record<string, number>>) {
    super();
    this.memory = memory;
    this.opcodes = opcodes;
    this.list = new Lowering(memory);
  }
  protected mapped(op: MapOp, tiles: number, operands: readonly Input[]): void {
    this.list.map(op, tiles, operands);
  }
  protected kernel(call: KernelCall): void {
    const { op, results, wanted, attrs, lowered } = call;
    const ready = call.ready(-1);
    this.encode(call, ready, 0);
    this.list.kernel(op, [...results, ...ready], lowered, attrs, (given) => op.lower(wanted, results, given));
  }
  protected temporary(bytes: number): Storage {
    return this.list.temporary(bytes);
  }
}

/** The steps that calls become; `opcodes`: of kernels that stand in for those of rows. */
export function lower(memory: Words, calls: readonly Call[], opcodes: Readonly<Record<string, number>> = {}): PlanStep[] {
  const made = new Lower(memory, opcodes);
  for (const { op, inputs, attrs, outputs } of calls) made.run(op, inputs, attrs, outputs);
  return made.list.steps;
}
