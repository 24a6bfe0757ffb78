// One way through a subgraph: runs its operators in order, and keeps what depends on constants and shapes alone.
import { FormatError, MemoryError, WickError } from '../base/errors.ts';
import { scope, type Tensor } from '../tensor/index.ts';
import { Call, rowOf } from './call.ts';
import type { Instance } from './instance.ts';
import type { Operator, Subgraph } from './schema.ts';

/** Subgraphs within subgraphs. */
const DEEPEST = 32;

/**
 * A subgraph as it is run for inputs of one kind: in the first run everything is evaluated and what is known (constants, shapes, what follows
 * from them) is kept; later runs take that as it is. A loop has a frame for each turn whose count is known.
 */
export class Frame {
  readonly graph: Subgraph;
  readonly instance: Instance;
  /** Whether what is known is kept for later runs. */
  readonly keeps: boolean;
  private readonly depth: number;
  /** Known results by tensor. */
  private readonly kept = new Map<number, Tensor>();
  private readonly numbers = new Map<number, readonly number[]>();
  private readonly truths = new Map<string, boolean>();
  private known: boolean[] = [];
  private readonly inner = new Map<string, Frame>();

  constructor(
    instance: Instance,
    graph: Subgraph,
    { keeps = true, depth = 0 }: { readonly keeps?: boolean; readonly depth?: number } = {},
  ) {
    this.instance = instance;
    this.graph = graph;
    this.keeps = keeps;
    this.depth = depth;
    if (depth > DEEPEST) throw new FormatError(`subgraphs are nested more than ${DEEPEST} deep`);
  }

  /** The frame of another subgraph, called from here: the same for the same key, unless nothing of it is to be kept. */
  enter(index: number, key: string, keeps: boolean = this.keeps): Frame {
    const graph = this.instance.file.subgraphs[index];
    if (graph === undefined) throw new FormatError(`there is no subgraph ${index}`);
    const known = this.inner.get(key);
    if (known !== undefined) return known;
    const frame = new Frame(this.instance, graph, { keeps, depth: this.depth + 1 });
    if (keeps) this.inner.set(key, frame);
    return frame;
  }
  isKnown(tensor: number): boolean {
    return tensor < 0 || this.known[tensor];
  }
  /** The elements of an integer or float tensor as numbers; noted where they may change from run to run. */
  numbersOf(tensor: number, x: Tensor): readonly number[] {
    const before = this.numbers.get(tensor);
    if (before !== undefined) return before;
    const isKnown = this.known[tensor];
    if (!isKnown) this.instance.dynamic = true;
    const list = Array.from(x.dataSync(), Number);
    if (isKnown && this.keeps) this.numbers.set(tensor, list);
    return list;
  }

  /** Whether a number is not 0; what is known is asked for once. */
  truth(key: string, x: Tensor, isKnown: boolean): boolean {
    const before = this.truths.get(key);
    if (before !== undefined) return before;
    if (!isKnown) this.instance.dynamic = true;
    const on = Number(x.dataSync()[0]) !== 0;
    if (isKnown && this.keeps) this.truths.set(key, on);
    return on;
  }

  /** Runs the subgraph; `known`: which inputs depend on constants and shapes alone. */
  run(inputs: readonly Tensor[], known: readonly boolean[] = []): { readonly values: Tensor[]; readonly known: boolean[] } {
    const { graph, instance } = this;
    if (inputs.length !== graph.inputs.length)
      throw new FormatError(`subgraph ${graph.index} takes ${graph.inputs.length} inputs, not ${inputs.length}`);
    const values = new Array<Tensor | null>(graph.tensors.length).fill(null);
    this.known = new Array<boolean>(graph.tensors.length).fill(false);
    graph.tensors.forEach(({ data, dtype }, i) => {
      this.known[i] = data !== null && dtype !== null;
    });
    graph.inputs.forEach((at, i) => {
      values[at] = inputs[i];
      this.known[at] = known[i] ?? false;
    });
    for (const op of graph.operators) {
      try {
        this.step(op, values);
      } catch (error) {
        throw named(error, graph, op);
      }
    }
    const results = graph.outputs.map((at) => values[at] ?? this.constant(at));
    if (results.some((x) => x === null)) throw new FormatError(`subgraph ${graph.index} does not compute its outputs`);
    instance.observe?.(graph, values);
    return { values: results as Tensor[], known: graph.outputs.map((at) => this.known[at]) };
  }

  private constant(at: number): Tensor | null {
    return this.graph.tensors[at].data === null ? null : this.instance.constant(this.graph.tensors[at]);
  }

  private step(op: Operator, values: (Tensor | null)[]): void {
    const { run, pure } = rowOf(op);
    if (op.outputs.length > 0 && op.outputs.every((at) => this.kept.has(at))) {
      for (const at of op.outputs) {
        values[at] = this.kept.get(at) as Tensor;
        this.known[at] = true;
      }
      return;
    }
    for (const at of op.inputs) {
      if (at < 0 || values[at] !== null) continue;
      values[at] = this.constant(at) ?? this.instance.stateOf(this.graph.tensors[at]);
    }
    this.instance.allowance.turns(1);
    const call = new Call(this, op, values);
    // What an operator makes on its way is freed at once; a known result is made outside the scope of the run.
    const { results } = scope(() => {
      const made = run(call);
      const list = Array.isArray(made) ? (made as (Tensor | null)[]) : [made as Tensor];
      return { results: list, assigned: this.instance.assigned() };
    });
    if (results.length < op.outputs.length) throw new FormatError(`gives ${results.length} results where ${op.outputs.length} are named`);
    const shaped = op.name === 'SHAPE' || op.name === 'RANK';
    const isKnown = shaped || (pure && op.inputs.every((at) => this.isKnown(at)));
    op.outputs.forEach((at, i) => {
      if (at < 0) return;
      values[at] = results[i];
      if (results[i] === null) return;
      this.known[at] = isKnown;
      if (isKnown && this.keeps && this.instance.mayKeep(results[i] as Tensor)) this.kept.set(at, this.instance.own(results[i] as Tensor));
    });
  }
}

/** An error with the operator's number, name and result in front. */
function named(error: unknown, graph: Subgraph, op: Operator): Error {
  const result = graph.tensors[op.outputs[0] ?? -1]?.name;
  const where = `tflite: ${graph.index > 0 ? `subgraph ${graph.index}, ` : ''}operator ${op.index} ${op.custom || op.name}${result ? ` ('${result}')` : ''}`;
  if (error instanceof WickError && error.message.startsWith('tflite: ')) return error;
  const message = `${where}: ${error instanceof Error ? error.message : String(error)}`;
  if (error instanceof MemoryError) return new MemoryError(message, { cause: error });
  return new FormatError(message, { cause: error });
}
