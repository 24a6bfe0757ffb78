// A graph that is being written: nodes, constants, names.

import type { Backend } from '../backend.ts';
import type { DType } from '../base/dtype.ts';
import { ValueError } from '../base/errors.ts';
import type { Shape } from '../base/shape.ts';
import { backend, bytesOf, setBackend, type Tensor, tensor } from '../tensor/index.ts';
import type { AttributeProto, NodeProto, TensorProto } from './messages.ts';
import { tensorProto } from './tensors.ts';
import { codeOf, typeOf } from './types.ts';

/** Attributes of a node, each with its kind. */
export type Attrs = Readonly<
  Record<string, { readonly i: number } | { readonly f: number } | { readonly s: string } | { readonly ints: readonly number[] }>
>;
/** The largest int64: an end that reaches behind every dimension. */
const END = 9223372036854775807n;

/** Nodes and initializers in the order in which they came to be. */
export class Sketch {
  readonly nodes: Partial<NodeProto>[] = [];
  readonly initializers: Partial<TensorProto>[] = [];
  /** The batch that the function was traced with: sizes that it divides follow the batch of each run. 0: none do. */
  readonly batch: number;
  /** The input whose first dimension is the batch. */
  source = '';
  private count = 0;
  private readonly constants = new Map<string, string>();
  private readonly taken = new Set<string>();

  private readonly device: Backend;

  constructor(batch: number, device: Backend) {
    this.batch = batch;
    this.device = device;
  }
  /** Runs fn on the real device, unseen. */
  aside<T>(fn: () => T): T {
    const outer = backend();
    setBackend(this.device);
    try {
      return fn();
    } finally {
      setBackend(outer);
    }
  }
  /** A name that nothing has yet. */
  fresh(stem: string): string {
    let name = stem;
    while (name === '' || this.taken.has(name)) name = `${stem === '' ? 't' : stem}_${this.count++}`;
    this.taken.add(name);
    return name;
  }
  /** Adds a node and names its outputs. */
  many(op: string, inputs: readonly string[], attrs: Attrs, outputs: number): string[] {
    const output = Array.from({ length: outputs }, () => this.fresh(`${op.toLowerCase()}_${this.nodes.length}`));
    const input = [...inputs];
    while (input.length > 0 && input[input.length - 1] === '') input.pop();
    const attribute = Object.entries(attrs).map(([name, value]) => attributeProto(name, value));
    this.nodes.push({ input, output, name: `${op}_${this.nodes.length}`, opType: op, attribute });
    return output;
  }
  node(op: string, inputs: readonly string[], attrs: Attrs = {}): string {
    return this.many(op, inputs, attrs, 1)[0];
  }
  initializer(stem: string, x: Tensor): string {
    const name = this.fresh(stem);
    const bytes = this.aside(() => bytesOf(x.detach().contiguous()));
    this.initializers.push(tensorProto(name, typeOf(x.dtype), x.shape, bytes));
    return name;
  }
  private constant(key: string, stem: string, make: () => Tensor): string {
    let name = this.constants.get(key);
    if (name === undefined) {
      name = this.initializer(stem, this.aside(make));
      this.constants.set(key, name);
    }
    return name;
  }
  ints(list: readonly (number | bigint)[]): string {
    return this.constant(`ints ${list.join()}`, 'ints', () => tensor(list.map(BigInt), { dtype: 'int64', shape: [list.length] }));
  }
  scalar(value: number | bigint | boolean, dtype: DType): string {
    const text = Object.is(value, -0) ? '-0' : String(value);
    return this.constant(`scalar ${dtype} ${text}`, 'scalar', () => tensor(value, { dtype, shape: [] }));
  }
  cast(x: string, from: DType, to: DType): string {
    return from === to ? x : this.node('Cast', [x], { to: { i: codeOf(typeOf(to)) } });
  }

  /** Whether a size follows the batch. */
  varies(n: number): boolean {
    return this.batch > 0 && n > 0 && n % this.batch === 0;
  }
  /** A size as a vector of one. */
  private size(n: number): string {
    if (!this.varies(n)) return this.ints([n]);
    const own = this.node('Shape', [this.source], { start: { i: 0 }, end: { i: 1 } });
    return n === this.batch ? own : this.node('Mul', [own, this.ints([n / this.batch])]);
  }
  /** A shape as a vector, sizes that follow the batch worked out when the model runs. */
  shape(list: Shape): string {
    if (!list.some((n) => this.varies(n))) return this.ints(list);
    return list.length === 1
      ? this.size(list[0])
      : this.node(
          'Concat',
          list.map((n) => this.size(n)),
          { axis: { i: 0 } },
        );
  }
  reshape(x: string, from: Shape, to: Shape): string {
    if (from.join() === to.join()) return x;
    const open = to.filter((n) => this.varies(n)).length;
    return this.node('Reshape', [x, open === 1 ? this.ints(to.map((n) => (this.varies(n) ? -1 : n))) : this.shape(to)]);
  }
  expand(x: string, from: Shape, to: Shape): string {
    const lead = to.length - from.length;
    return this.node('Expand', [x, this.shape(to.map((n, i) => (i >= lead && from[i - lead] === n ? 1 : n)))]);
  }
  slice(x: string, shape: Shape, starts: readonly number[], steps: readonly number[], counts: readonly number[]): string {
    const axes = shape.map((_, d) => d).filter((d) => starts[d] !== 0 || steps[d] !== 1 || counts[d] !== shape[d]);
    if (axes.length === 0) return x;
    const ends = axes.map((d) => (starts[d] + counts[d] * steps[d] >= shape[d] ? END : BigInt(starts[d] + counts[d] * steps[d])));
    for (const d of axes)
      if (this.varies(shape[d]) && ends[axes.indexOf(d)] !== END)
        throw new ValueError(`exportONNX: a part of the batch is cut out; export it without dynamicBatch`);
    return this.node('Slice', [
      x,
      this.ints(axes.map((d) => starts[d])),
      this.ints(ends),
      this.ints(axes),
      this.ints(axes.map((d) => steps[d])),
    ]);
  }
}

function attributeProto(name: string, value: Attrs[string]): AttributeProto {
  const none = { floats: [], ints: [], strings: [], tensors: [], graphs: [] };
  if ('i' in value) return { ...none, name, i: value.i, type: 2 };
  if ('f' in value) return { ...none, name, f: value.f, type: 1 };
  if ('s' in value) return { ...none, name, s: new TextEncoder().encode(value.s), type: 3 };
  return { ...none, name, ints: [...value.ints], type: 7 };
}
