// What an operator sees of its call, and the registry of operators: one row each, in the files ops-*.ts.
import type { DType } from '../base/dtype.ts';
import { FormatError } from '../base/errors.ts';
import { broadcast } from '../base/shape.ts';
import type { Tensor } from '../tensor/index.ts';
import type { Table } from './flatbuffer.ts';
import type { Frame } from './frame.ts';
import type { Operator, TensorInfo } from './schema.ts';

/** Scale and zero point of a tensor that has one of each. */
export interface Affine {
  readonly scale: number;
  readonly zero: number;
}

/** Defaults of an operator whose options are absent. */
const NONE: Pick<Table, 'has' | 'i8' | 'bool' | 'i32' | 'u32' | 'f32' | 'i32s' | 'f32s' | 'string'> = {
  has: () => false,
  i8: (_, absent = 0) => absent,
  bool: (_, absent = false) => absent,
  i32: (_, absent = 0) => absent,
  u32: (_, absent = 0) => absent,
  f32: (_, absent = 0) => absent,
  i32s: () => [],
  f32s: () => [],
  string: () => '',
};

/** One call of an operator. */
export class Call {
  readonly op: Operator;
  readonly options: typeof NONE;
  readonly frame: Frame;
  private readonly values: readonly (Tensor | null)[];

  constructor(frame: Frame, op: Operator, values: readonly (Tensor | null)[]) {
    this.frame = frame;
    this.op = op;
    this.options = op.options ?? NONE;
    this.values = values;
  }
  /** Number of inputs, absent ones included. */
  get count(): number {
    return this.op.inputs.length;
  }
  /** Input i, or null where it is absent. */
  maybe(i: number): Tensor | null {
    const at = this.op.inputs[i] ?? -1;
    return at < 0 ? null : this.values[at];
  }
  /** Input i. @throws FormatError where it is absent */
  x(i: number): Tensor {
    const x = this.maybe(i);
    if (x === null) throw new FormatError(`input ${i} is missing`);
    return x;
  }
  /** All inputs. */
  all(): Tensor[] {
    return this.op.inputs.map((_, i) => this.x(i));
  }
  info(i: number): TensorInfo {
    const at = this.op.inputs[i] ?? -1;
    if (at < 0) throw new FormatError(`input ${i} is missing`);
    return this.frame.graph.tensors[at];
  }
  out(i = 0): TensorInfo {
    const at = this.op.outputs[i] ?? -1;
    if (at < 0) throw new FormatError(`output ${i} is missing`);
    return this.frame.graph.tensors[at];
  }
  /** The dtype of output i. @throws FormatError where wick has none */
  outType(i = 0): DType {
    const { dtype, type } = this.out(i);
    if (dtype === null) throw new FormatError(`its result has the type ${type}, which wick lacks`);
    return dtype;
  }
  /** The numbers of input i: sizes, axes, indices. They are constants, or the model cannot run as one plan. */
  numbers(i: number): readonly number[] {
    this.x(i);
    return this.frame.numbersOf(this.op.inputs[i], this.x(i));
  }
  /** The single number of input i. */
  number(i: number): number {
    const [n] = this.numbers(i);
    if (n === undefined) throw new FormatError(`input ${i} is empty; it holds one number`);
    return n;
  }
  /** Whether input i depends on constants and shapes alone. */
  known(i: number): boolean {
    return this.frame.isKnown(this.op.inputs[i]);
  }
  /** The numbers of input i as dimensions of a tensor of `rank`. @throws FormatError */
  dims(i: number, rank: number): number[] {
    return [...new Set(this.numbers(i).map((d) => this.dim(d, rank)))];
  }
  dim(d: number, rank: number): number {
    const own = d < 0 ? d + rank : d;
    if (!(own >= 0 && own < Math.max(rank, 1))) throw new FormatError(`dimension ${d} of a tensor that has ${rank}`);
    return own;
  }
  /** What follows from input i, a constant: made once for the model. Made anew where it is none, or where weights may change. */
  derived(i: number, what: string, make: () => Tensor): Tensor {
    const { instance } = this.frame;
    const info = this.info(i);
    return info.data === null || instance.trains ? make() : instance.derived(info, what, make);
  }
  /** What follows from this operator's options and scales alone: made once for the model. */
  once(what: string, make: () => Tensor): Tensor {
    return this.frame.instance.form(`${what} of operator ${this.op.index} in ${this.frame.graph.index}`, make);
  }
  /** How input i is quantised. @throws FormatError where it is not, or by channel */
  q(i: number): Affine {
    return affine(this.info(i), `input ${i}`);
  }
  outQ(i = 0): Affine {
    return affine(this.out(i), `output ${i}`);
  }
  /** Whether input i holds quantised integers. */
  quantised(i = 0): boolean {
    const { quantization, type } = this.info(i);
    return quantization !== null && (type === 'int8' || type === 'uint8' || type === 'int16');
  }
  /** Checks a shape that the file asks for. @throws ShapeError */
  room(shape: readonly number[]): readonly number[] {
    return this.frame.instance.allowance.room(shape);
  }
  /** Checks the length of a list of numbers that the file asks for. @throws ShapeError */
  list(n: number): number {
    return this.frame.instance.allowance.list(n);
  }
  /** Counts turns of a loop that the file asks for. @throws FormatError */
  turns(n: number): number {
    return this.frame.instance.allowance.turns(n);
  }
  /** The shape to which inputs broadcast. */
  broadcast(...inputs: readonly Tensor[]): readonly number[] {
    return this.room(inputs.map(({ shape }) => shape).reduce((a, b) => broadcast(this.op.name, a, b)));
  }
}

function affine({ quantization, name, type }: TensorInfo, what: string): Affine {
  if (quantization === null) throw new FormatError(`${what} '${name}' ${type} has no scale`);
  if (quantization.scale.length !== 1)
    throw new FormatError(`${what} '${name}' has ${quantization.scale.length} scales where one is needed`);
  if (!(quantization.scale[0] > 0)) throw new FormatError(`${what} '${name}' has the scale 0`);
  return { scale: quantization.scale[0], zero: quantization.zero[0] };
}

/** Runs one operator. Errors need not say which: their message gets its number and name in front. */
export type Evaluate = (call: Call) => Tensor | readonly (Tensor | null)[];

/** How an operator is run, and whether its result follows from its inputs alone. */
export interface Row {
  readonly run: Evaluate;
  readonly pure: boolean;
}

const ROWS = new Map<string, Row>();

/** Adds operators by the names of the schema; `pure`: equal inputs give equal results, and nothing else happens. */
export function operators(rows: Readonly<Record<string, Evaluate>>, { pure = true }: { readonly pure?: boolean } = {}): void {
  for (const [name, run] of Object.entries(rows)) ROWS.set(name, { run, pure });
}
/** The row of an operator. @throws FormatError naming one that is not implemented */
export function rowOf({ name, custom }: Operator): Row {
  const row = ROWS.get(name === 'CUSTOM' ? `custom:${custom}` : name);
  if (row !== undefined) return row;
  throw new FormatError(
    name === 'CUSTOM' ? `the custom operator '${custom}' is not known; add it with registerCustom` : 'is not implemented',
  );
}
/** Names of the operators that are implemented, in order. */
export function implemented(): string[] {
  return [...ROWS.keys()].filter((name) => !name.startsWith('custom:')).sort();
}
