// An ONNX file as a model: named inputs and outputs, weights, plans.
import type { DType } from '../base/dtype.ts';
import { DTypeError, FormatError, ShapeError, StateError, ValueError, WickError } from '../base/errors.ts';
import { show } from '../base/shape.ts';
import type { LoadOptions, Model, Port } from '../formats/model.ts';
import { type Compiled, compile } from '../tensor/compile.ts';
import { isGradEnabled, noGrad, scope, type Tensor } from '../tensor/index.ts';
import type { PortType } from './graph.ts';
import type { Program } from './program.ts';
import { carrier, type ElemType } from './types.ts';
import { type Item, Value } from './value.ts';

/** Inputs of more elements than this are never part of what a plan is for. */
const MOST_HOST = 4096;
/** Calls that capture anew because a value differs, before the model stays eager. */
const MOST_KINDS = 64;

/** What a plan takes: tensors, and by value the numbers that decide shapes. */
type Feed = Record<
  string,
  Tensor | { readonly type: string; readonly shape: readonly number[]; readonly data: readonly (number | bigint)[] }
>;

const dtypeOf = (type: ElemType): string => (type === 'string' ? 'string' : carrier(type));
const portOf = ({ name, kind, type, shape }: PortType): Port => ({ name, dtype: kind === 'tensor' ? dtypeOf(type) : kind, shape });

/** A model that came from an ONNX file. */
export class OnnxModel implements Model {
  readonly format = 'onnx';
  readonly inputs: readonly Port[];
  readonly outputs: readonly Port[];
  readonly metadata: Readonly<Record<string, string>>;
  /** The graph and its weights. */
  readonly program: Program;
  private readonly compiled: Compiled<[Feed], Record<string, Tensor>> | null;
  private why: string | null;
  private readonly kinds = new Set<string>();

  constructor(program: Program, metadata: Readonly<Record<string, string>>, options: LoadOptions) {
    this.program = program;
    this.metadata = metadata;
    this.inputs = program.graph.inputs.map(portOf);
    this.outputs = program.graph.outputs.map(portOf);
    this.why = options.compile === false ? 'compile: false was asked for' : null;
    const special = program.graph.inputs.find((i) => i.kind !== 'tensor' || i.type === 'string');
    if (special) this.why ??= `input '${special.name}' is no tensor of numbers`;
    this.compiled = this.why === null ? compile((feed: Feed) => this.tensors(this.items(feed))) : null;
  }

  /** 'plan', or why runs are eager: data that decides shapes, inputs that are no tensors, or `{ compile: false }`. */
  get runs(): string {
    return this.why === null ? 'plan' : `eagerly: ${this.why}`;
  }
  *namedParameters(): Generator<[string, Tensor]> {
    yield* this.program.parameters;
  }
  /** The weights, for an optimizer. */
  parameters(): Tensor[] {
    return [...this.program.parameters.values()];
  }
  /**
   * Outputs by name for inputs by name, without gradients. Throws ValueError for a missing or unknown input, ShapeError or DTypeError for
   * one of another kind.
   *
   * `model.run({ x }).y`
   */
  run(inputs: Readonly<Record<string, Tensor>>): Record<string, Tensor> {
    this.check(inputs);
    return noGrad(() => this.planned(inputs));
  }
  /**
   * Takes inputs in their order; gives the output, or a list of them where there are several. Gradients flow to inputs and parameters, call
   * by call; a training step around it can be compiled.
   */
  forward(...inputs: Tensor[]): Tensor | Tensor[] {
    if (inputs.length > this.inputs.length) throw new ValueError(`forward: ${inputs.length} tensors for ${this.inputs.length} inputs`);
    const named = Object.fromEntries(inputs.map((x, i) => [this.inputs[i].name, x]));
    this.check(named);
    const results = Object.values(isGradEnabled() ? this.eagerly(named) : this.planned(named));
    return results.length === 1 ? results[0] : results;
  }
  /** Runs values of any kind, sequences, optionals and text included, call by call. */
  runItems(inputs: ReadonlyMap<string, Item>): Map<string, Item> {
    return noGrad(() => this.program.run(inputs));
  }
  dispose(): void {
    this.compiled?.dispose();
    this.program.dispose();
  }

  private check(inputs: Readonly<Record<string, Tensor>>): void {
    const ports = this.program.graph.inputs;
    for (const name of Object.keys(inputs))
      if (!ports.some((p) => p.name === name))
        throw new ValueError(`run: the model has no input '${name}'; it takes ${ports.map((p) => `'${p.name}'`).join(', ') || 'none'}`);
    const sizes = new Map<string, number>();
    for (const { name, kind, type, shape } of ports) {
      const x = inputs[name];
      if (x === undefined) {
        if (kind === 'optional') continue;
        throw new ValueError(`run: input '${name}' is missing`);
      }
      if (kind !== 'tensor') continue;
      const dtype = dtypeOf(type) as DType;
      if (x.dtype !== dtype)
        throw new DTypeError(`run: input '${name}' is ${x.dtype}, but the model takes ${dtype}; convert it with to('${dtype}')`);
      if (shape === null || !this.program.readInputs.has(name)) continue;
      const wrong = shape.length !== x.ndim || shape.some((n, i) => typeof n === 'number' && n !== x.shape[i]);
      if (wrong)
        throw new ShapeError(`run: input '${name}' is ${show(x.shape)}, but the model takes [${shape.map((n) => n ?? '?').join(', ')}]`);
      shape.forEach((n, i) => {
        if (typeof n !== 'string') return;
        const before = sizes.get(n);
        if (before !== undefined && before !== x.shape[i])
          throw new ShapeError(`run: input '${name}' has ${x.shape[i]} for '${n}', which another input has as ${before}`);
        sizes.set(n, x.shape[i]);
      });
    }
  }
  private planned(inputs: Readonly<Record<string, Tensor>>): Record<string, Tensor> {
    const { compiled } = this;
    if (compiled === null || this.why !== null) return this.eagerly(inputs);
    const feed: Feed = {};
    const values: unknown[] = [];
    for (const [name, x] of Object.entries(inputs)) {
      if (!this.program.hostInputs.has(name) || x.numel > MOST_HOST) {
        feed[name] = x;
        continue;
      }
      const data = Array.from(x.dataSync() as ArrayLike<number | bigint>);
      feed[name] = { type: x.dtype, shape: x.shape, data };
      values.push(name, ...x.shape, ...data);
    }
    if (values.length > 0) this.kinds.add(values.join());
    if (this.kinds.size > MOST_KINDS) {
      this.why = `inputs that decide shapes take new values in most runs`;
      return this.eagerly(inputs);
    }
    try {
      return compiled(feed);
    } catch (error) {
      if (!dependsOnData(error)) throw error;
      this.why = (error as Error).message;
      compiled.dispose();
      return this.eagerly(inputs);
    }
  }
  private eagerly(inputs: Readonly<Record<string, Tensor>>): Record<string, Tensor> {
    return scope(() => this.tensors(new Map(Object.entries(inputs).map(([name, x]) => [name, this.item(name, x)]))));
  }
  private item(name: string, x: Tensor): Value {
    return Value.of(x, this.program.graph.inputs.find((p) => p.name === name)?.type);
  }
  private items(feed: Feed): Map<string, Item> {
    return new Map(
      Object.entries(feed).map(([name, x]) => {
        if (!('data' in x) || !Array.isArray(x.data)) return [name, this.item(name, x as Tensor)];
        const { type } = this.program.graph.inputs.find((p) => p.name === name) as PortType;
        const { shape, data } = x as { shape: readonly number[]; data: readonly (number | bigint)[] };
        return [name, Value.known(type, shape, ofType(type, data))];
      }),
    );
  }
  private tensors(items: ReadonlyMap<string, Item>): Record<string, Tensor> {
    const results: Record<string, Tensor> = {};
    for (const [name, item] of this.program.run(items)) {
      if (!(item instanceof Value) || item.type === 'string')
        throw new FormatError(`run: output '${name}' is no tensor of numbers; use runItems() of wick/onnx`);
      results[name] = item.tensor();
    }
    return results;
  }
}
/** Numbers in the array of the carrier. */
function ofType(type: ElemType, data: readonly (number | bigint)[]): Float32Array | Float64Array | BigInt64Array | Int32Array {
  const dtype = carrier(type);
  if (dtype === 'int64') return BigInt64Array.from(data, BigInt);
  if (dtype === 'float64') return Float64Array.from(data, Number);
  return dtype === 'float32' || dtype === 'float16' || dtype === 'bfloat16'
    ? Float32Array.from(data, Number)
    : Int32Array.from(data, Number);
}
/** Whether a plan could not be captured because the graph's course depends on data. */
function dependsOnData(error: unknown): boolean {
  for (let e: unknown = error; e instanceof WickError; e = e.cause) if (e instanceof StateError) return true;
  return false;
}
