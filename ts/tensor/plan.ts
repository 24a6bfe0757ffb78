// A plan as its user sees it: what it takes, what it does, what a run costs, and its way into files.
import type { Program, ProgramStats, StepTiming, Storage } from '../backend.ts';
import type { DType } from '../base/dtype.ts';
import { StateError, ValueError } from '../base/errors.ts';
import type { Shape } from '../base/shape.ts';
import { costOf } from '../ops/cost.ts';
import { type Graph, printed } from '../plan/graph.ts';
import type { Parted } from '../plan/steady.ts';
import { collecting, leave, type TensorCore } from './core.ts';
import { type Form, formOf, matches, shownForm } from './form.ts';

/** Where a result's tensor lies. */
export interface Result {
  readonly shape: Shape;
  readonly strides: Shape;
  readonly dtype: DType;
  readonly offset: number;
  /** A fresh storage by number, an argument's by number, state, or an argument itself. */
  readonly from: { readonly fresh: number } | { readonly argument: number } | { readonly state: Storage } | { readonly self: number };
}

/** Everything that a plan is made of: what a file keeps. */
export interface Recipe {
  readonly args: Form;
  readonly result: Form;
  readonly results: readonly Result[];
  readonly graph: Graph;
  /** What passes that change roundings did. */
  readonly changes: readonly string[];
}

/** What a run of a plan takes. */
export interface PlanStats extends ProgramStats {
  readonly calls: number;
  /** Multiply-adds of products, convolutions and attention. */
  readonly macs: number;
  /** Arithmetic: two for each multiply-add, and for every other call one for each element of its largest operand, but none for copies. */
  readonly flops: number;
}

/** What `wick/formats/plan` adds to plans. */
export interface PlanFiles {
  save(plan: Plan): Uint8Array;
  toDot(plan: Plan): string;
  toMermaid(plan: Plan): string;
}
let planFiles: PlanFiles | null = null;
export function setPlanFiles(files: PlanFiles): void {
  planFiles = files;
}
function filesFor(method: string): PlanFiles {
  if (planFiles === null) throw new StateError(`${method}: import 'wick/formats/plan' first`);
  return planFiles;
}

/** Why a plan of this kind of call was made, what it does and what it takes. */
export class Plan {
  /** The arguments that it is for. */
  readonly signature: string;
  /** Conditions besides the arguments: options of optimizers, training flags. */
  readonly guards: readonly string[];
  /** What `exact: false` changed, one line each: these may round otherwise than eager calls. */
  readonly changes: readonly string[];
  /** Calls as they were captured, one line each. */
  readonly captured: string;
  readonly recipe: Recipe;
  private readonly program: Program & Parted;
  /** Runs the plan over tensors, timed. */
  private readonly timed: (tensors: readonly TensorCore[], timings: StepTiming[]) => unknown;

  constructor(recipe: Recipe, guards: readonly string[], captured: string, program: Program & Parted, timed: Plan['timed']) {
    this.signature = shownForm(recipe.args);
    this.guards = guards;
    this.changes = recipe.changes;
    this.captured = captured;
    this.recipe = recipe;
    this.program = program;
    this.timed = timed;
  }
  /**
   * The calls that the plan runs, one line each: first those whose results stay until the state that they read changes; last the chains that
   * `wick/jit` printed.
   */
  print(): string {
    const { once, each, stats } = this.program;
    const lines = printed({ ...this.recipe.graph, calls: [...once, ...each] }).split('\n');
    if (once.length > 0) lines.splice(once.length, 0, '');
    return [...lines, ...stats.printed.map((ops) => `printed: ${ops}`)].join('\n');
  }
  /**
   * Runs the plan once, step by step, and tells what each took. Its results are freed; what it changes in place is changed.
   * @throws ValueError for arguments that it was not captured for @example compiled.plans[0].profile(x)
   */
  profile(...args: readonly unknown[]): StepTiming[] {
    const timings: StepTiming[] = [];
    const list: TensorCore[] = [];
    collecting(list, () => this.timed(argumentsOf(this.recipe, args), timings));
    leave(list, null);
    return timings;
  }
  /** The plan as a `.wick` file, after `import 'wick/formats/plan'`, whose `save` says more. @throws StateError without that import */
  save(): Uint8Array {
    return filesFor('save').save(this);
  }
  /** The plan's graph in Graphviz' language, after `import 'wick/formats/plan'`. @throws StateError without that import */
  toDot(): string {
    return filesFor('toDot').toDot(this);
  }
  /** The plan's graph in Mermaid's language, after `import 'wick/formats/plan'`. @throws StateError without that import */
  toMermaid(): string {
    return filesFor('toMermaid').toMermaid(this);
  }
  /** What a run takes. @example compiled.plans[0].stats().flops */
  stats(): PlanStats {
    const costs = this.program.each.map((c) => costOf(c.op, c.inputs, c.attrs, c.outputs));
    const sum = (of: 'macs' | 'flops'): number => costs.reduce((all, cost) => all + cost[of], 0);
    return { calls: costs.length, ...this.program.stats, macs: sum('macs'), flops: sum('flops') };
  }
}

/** The tensors of a call, by their numbers. @throws ValueError where it is of another kind */
export function argumentsOf(recipe: Recipe, args: readonly unknown[]): TensorCore[] {
  const tensors: TensorCore[] = [];
  if (!matches(recipe.args, args, tensors))
    throw new ValueError(`plan: called with ${shownForm(formOf(args, []))}, but it was made for ${shownForm(recipe.args)}`);
  return tensors;
}
