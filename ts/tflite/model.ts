// A TensorFlow Lite model as load() gives it.
import type { DType } from '../base/dtype.ts';
import { DTypeError, ShapeError, ValueError } from '../base/errors.ts';
import type { LoadOptions, Model, ModelFile, Port } from '../formats/model.ts';
import { joinQuantised } from '../quant/index.ts';
import { type Compiled, compile } from '../tensor/compile.ts';
import { scope, type Tensor } from '../tensor/index.ts';
import { implemented } from './call.ts';
import { Frame } from './frame.ts';
import { Instance } from './instance.ts';
import { readFile, type Subgraph, type TensorInfo } from './schema.ts';

/** How the model runs for inputs of one set of shapes. */
interface Kind {
  readonly frame: Frame;
  /** Null: not yet, or never, because its operators read data that change. */
  compiled: Compiled<[Tensor[]], Tensor[]> | null;
  runs: number;
}
/** Sets of shapes that a model remembers. */
const KINDS = 8;

/** An input or output, and how its integers stand for real numbers: scale * (stored - zero). */
export interface TFLitePort extends Port {
  readonly quantization: readonly [scale: number, zero: number] | null;
}

/** The value of a tensor, as `trace` sees it. */
export interface Traced {
  readonly operator: number;
  readonly name: string;
  readonly tensor: number;
  readonly value: Tensor;
}

/** A model from a .tflite file. */
export class TFLiteModel implements Model {
  readonly format = 'tflite';
  readonly inputs: readonly TFLitePort[];
  readonly outputs: readonly TFLitePort[];
  readonly metadata: Readonly<Record<string, string>>;
  private readonly graph: Subgraph;
  private readonly instance: Instance;
  private readonly compiles: boolean;
  private readonly kinds = new Map<string, Kind>();

  constructor(bytes: Uint8Array, { compile: compiles = true, trusted = false }: LoadOptions = {}) {
    joinQuantised();
    const file = readFile(bytes);
    this.graph = file.subgraphs[0];
    this.instance = new Instance(file, trusted ? Number.POSITIVE_INFINITY : bytes.length);
    this.compiles = compiles;
    this.metadata = file.metadata;
    this.inputs = this.graph.inputs.map((i) => portOf(this.graph.tensors[i]));
    this.outputs = this.graph.outputs.map((i) => portOf(this.graph.tensors[i]));
  }

  /** How many operators of each name it has, in all subgraphs; `missing` are those that are not implemented. */
  operators(): { readonly counts: Readonly<Record<string, number>>; readonly missing: readonly string[] } {
    const counts: Record<string, number> = {};
    for (const { operators } of this.instance.file.subgraphs)
      for (const { name, custom } of operators)
        counts[custom && name === 'CUSTOM' ? custom : name] = (counts[custom && name === 'CUSTOM' ? custom : name] ?? 0) + 1;
    const known = new Set(implemented());
    return { counts, missing: Object.keys(counts).filter((name) => !known.has(name)) };
  }

  run(inputs: Readonly<Record<string, Tensor>>): Record<string, Tensor> {
    const names = this.inputs.map(({ name }) => name);
    for (const name of Object.keys(inputs))
      if (!names.includes(name)) throw new ValueError(`tflite: there is no input '${name}'; the inputs are ${names.join(', ')}`);
    const list = names.map((name) => {
      if (inputs[name] === undefined) throw new ValueError(`tflite: input '${name}' is missing`);
      return inputs[name];
    });
    const results = this.call(list);
    return Object.fromEntries(this.outputs.map(({ name }, i) => [name, results[i]]));
  }
  forward(...inputs: Tensor[]): Tensor | Tensor[] {
    if (inputs.length !== this.inputs.length)
      throw new ValueError(`tflite: the model takes ${this.inputs.length} inputs, not ${inputs.length}`);
    const results = this.call(inputs);
    return results.length === 1 ? results[0] : results;
  }

  private call(inputs: Tensor[]): Tensor[] {
    inputs.forEach((x, i) => {
      checkInput(x, this.graph.tensors[this.graph.inputs[i]]);
    });
    const { instance } = this;
    const key = inputs.map(({ shape }) => shape.join()).join(';');
    let kind = this.kinds.get(key);
    if (kind === undefined) {
      for (const [old, { compiled }] of this.kinds) {
        if (this.kinds.size < KINDS) break;
        compiled?.dispose();
        this.kinds.delete(old);
      }
      kind = { frame: new Frame(instance, this.graph), compiled: null, runs: 0 };
      this.kinds.set(key, kind);
    }
    if (kind.compiled !== null) return kind.compiled(inputs);
    const { frame } = kind;
    // Results are the caller's: never an input, a constant or a variable itself.
    const evaluate = (list: Tensor[]): Tensor[] =>
      instance.session(list, () => frame.run(list).values.map((y) => (list.includes(y) || instance.owns(y) ? y.clone() : y)));
    instance.dynamic = false;
    const results = scope(() => evaluate(inputs));
    kind.runs++;
    // Plans come after a run that read nothing but constants: shapes are known then, and variables have theirs.
    if (this.compiles && !instance.dynamic) kind.compiled = compile(evaluate);
    return results;
  }

  /** Runs once, call by call, and shows every tensor that an operator of the main subgraph computed. */
  trace(inputs: Readonly<Record<string, Tensor>>, see: (traced: Traced) => void): void {
    const list = this.inputs.map(({ name }) => inputs[name]);
    this.instance.observe = (graph, values) => {
      if (graph !== this.graph) return;
      for (const op of graph.operators)
        for (const tensor of op.outputs) {
          const value = values[tensor] ?? null;
          if (value !== null) see({ operator: op.index, name: op.name, tensor, value });
        }
    };
    try {
      this.instance.session(list, () => new Frame(this.instance, this.graph).run(list));
    } finally {
      this.instance.observe = null;
    }
  }

  *namedParameters(): Iterable<[string, Tensor]> {
    if (!this.instance.trains) {
      this.instance.trains = true;
      for (const { compiled } of this.kinds.values()) compiled?.dispose();
      this.kinds.clear();
    }
    yield* this.instance.floats();
  }

  dispose(): void {
    for (const { compiled } of this.kinds.values()) compiled?.dispose();
    this.kinds.clear();
    this.instance.dispose();
  }
}

const portOf = ({ name, type, signature, quantization }: TensorInfo): TFLitePort => ({
  name,
  dtype: type,
  shape: signature.map((n) => (n < 0 ? null : n)),
  quantization: quantization?.scale.length === 1 ? [quantization.scale[0], quantization.zero[0]] : null,
});

function checkInput(x: Tensor, { name, dtype, type, signature }: TensorInfo): void {
  if (dtype === null) throw new DTypeError(`tflite: input '${name}' has the type ${type}, which wick lacks`);
  if (x.dtype !== (dtype as DType))
    throw new DTypeError(`tflite: input '${name}' takes ${dtype}, not ${x.dtype}; convert it with .to('${dtype}')`);
  const fits = x.shape.length === signature.length && x.shape.every((n, d) => signature[d] < 0 || signature[d] === n);
  if (!fits) throw new ShapeError(`tflite: input '${name}' takes shape [${signature}], not [${x.shape}]`);
}

/** Reads a file. @throws FormatError */
export function readModel({ bytes }: Pick<ModelFile, 'bytes'>, options: LoadOptions): TFLiteModel {
  return new TFLiteModel(bytes, options);
}
