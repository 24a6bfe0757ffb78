// What an operator sees when it runs.
import { DTypeError, FormatError, ValueError } from '../base/errors.ts';
import type { Allowance } from '../formats/allowance.ts';
import type { Tensor } from '../tensor/index.ts';
import type { Attribute, Graph, Node } from './graph.ts';
import { tensorValue } from './tensors.ts';
import { carrier, type ElemType, isNative, RANGES } from './types.ts';
import { type Item, Sequence, Value } from './value.ts';

/** Results of an operator: one, or a list in the order of its outputs. */
export type Out = Tensor | Item | readonly (Tensor | Item | null)[];
/** One operator. */
export interface Row {
  /** Inputs whose values decide shapes: they are read on the host. */
  readonly host?: readonly number[];
  /** Inputs that are never trained: statistics, scales. */
  readonly fixed?: readonly number[];
  /** Whether it may run once for inputs that never change; false for random numbers and control flow. */
  readonly folds?: boolean;
  /** Whether only its inputs' shapes and types matter. */
  readonly shapeOnly?: boolean;
  /** Inputs of which only the type matters. */
  readonly types?: readonly number[];
  /** Whether it runs on the quantised kernels. */
  readonly quantised?: boolean;
  run(c: Call): Out;
}
/** Runs a subgraph with these inputs. */
export type Enter = (graph: Graph, inputs: readonly Item[]) => Item[];

const text = new TextDecoder();

/** A node with its inputs. */
export class Call {
  readonly node: Node;
  readonly inputs: readonly (Item | null)[];
  readonly enter: Enter;
  /** What this run may ask for. */
  readonly allowance: Allowance;
  constructor(node: Node, inputs: readonly (Item | null)[], enter: Enter, allowance: Allowance) {
    this.node = node;
    this.inputs = inputs;
    this.enter = enter;
    this.allowance = allowance;
  }
  get version(): number {
    return this.node.version;
  }
  /** Whether output i is wanted. */
  wants(i: number): boolean {
    return (this.node.outputs[i] ?? '') !== '';
  }
  fail(what: string): never {
    throw new FormatError(what);
  }
  has(i: number): boolean {
    return (this.inputs[i] ?? null) !== null;
  }
  item(i: number): Item {
    return this.inputs[i] ?? this.fail(`input ${i} is missing`);
  }
  v(i: number): Value {
    const x = this.item(i);
    return x instanceof Value ? x : this.fail(`input ${i} is no tensor`);
  }
  sequence(i: number): Sequence {
    const x = this.item(i);
    return x instanceof Sequence ? x : this.fail(`input ${i} is no sequence`);
  }
  x(i: number): Tensor {
    return this.v(i).tensor();
  }
  opt(i: number): Tensor | null {
    return this.has(i) ? this.x(i) : null;
  }
  type(i: number): ElemType {
    return this.v(i).type;
  }
  numbers(i: number): number[] {
    return this.v(i).numbers();
  }
  number(i: number): number {
    const list = this.numbers(i);
    if (list.length !== 1) this.fail(`input ${i} holds ${list.length} numbers instead of one`);
    return list[0];
  }
  /** Numbers of an attribute of older versions or of an input of newer ones; null: neither is there. */
  either(name: string, i: number): number[] | null {
    return this.has(i) ? this.numbers(i) : this.intsOr(name);
  }

  attr(name: string): Attribute | undefined {
    return this.node.attrs.get(name);
  }
  int(name: string, otherwise?: number): number {
    const a = this.attr(name)?.proto;
    return a === undefined ? (otherwise ?? this.missing(name)) : (a.i ?? 0);
  }
  float(name: string, otherwise?: number): number {
    const a = this.attr(name)?.proto;
    return a === undefined ? (otherwise ?? this.missing(name)) : (a.f ?? 0);
  }
  str(name: string, otherwise?: string): string {
    const a = this.attr(name)?.proto;
    return a === undefined ? (otherwise ?? this.missing(name)) : text.decode(a.s ?? new Uint8Array());
  }
  intsOr(name: string): number[] | null {
    return this.attr(name)?.proto.ints ?? null;
  }
  floatsOr(name: string): number[] | null {
    return this.attr(name)?.proto.floats ?? null;
  }
  stringsOr(name: string): string[] | null {
    return this.attr(name)?.proto.strings.map((s) => text.decode(s)) ?? null;
  }
  tensorOr(name: string): Value | null {
    const t = this.attr(name)?.proto.t;
    return t === undefined ? null : tensorValue(t, () => null, name);
  }
  graph(name: string): Graph {
    return this.attr(name)?.graph ?? this.missing(name);
  }
  private missing(name: string): never {
    return this.fail(`the attribute '${name}' is missing`);
  }
  /** A dimension counted from the front. */
  axis(value: number, rank: number): number {
    if (!Number.isInteger(value) || value < -rank || value >= Math.max(rank, 1))
      this.fail(`axis ${value} is outside a tensor of ${rank} dimensions`);
    return value < 0 ? value + rank : value;
  }
  /** Checks a shape that attributes or numbers decide. @throws ShapeError */
  room(shape: readonly number[]): readonly number[] {
    return this.allowance.room(shape);
  }
  /** Checks the length of a list of numbers. @throws ShapeError */
  list(n: number): number {
    return this.allowance.list(n);
  }
  /** Counts turns of a loop. @throws FormatError */
  turns(n: number): number {
    return this.allowance.turns(n);
  }
  /** A result of the type of input i, whole numbers wrapped to it. */
  same(x: Tensor, i: number = 0): Value {
    return typed(x, this.type(i));
  }
}

/** A tensor as a value of a type: converted to its carrier, whole numbers wrapped to its range. */
export function typed(x: Tensor, type: ElemType): Value {
  const dtype = carrier(type);
  let y = x.dtype === dtype ? x : x.to(dtype);
  if (!isNative(type)) {
    const range = RANGES[type];
    if (range !== undefined) {
      const width = range[1] - range[0] + 1;
      y =
        range[0] === 0
          ? y.bitwiseAnd(width - 1)
          : y
              .add(width / 2)
              .bitwiseAnd(width - 1)
              .sub(width / 2);
    }
  }
  return Value.of(y, type);
}

/** The permutation that takes a dimension to the end. */
export const sizes = (x: Tensor): number[] => [...x.shape];
export { DTypeError, ValueError };
