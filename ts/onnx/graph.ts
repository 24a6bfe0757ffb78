// A model as checked nodes in the order in which they run.
import { FormatError } from '../base/errors.ts';
import type { AttributeProto, FunctionProto, GraphProto, ModelProto, NodeProto, TensorProto, TypeProto } from './messages.ts';
import { type External, sparseValue, tensorValue } from './tensors.ts';
import { type ElemType, elemType } from './types.ts';
import type { Value } from './value.ts';

/** An attribute: its message, and the graph that it holds. */
export interface Attribute {
  readonly proto: AttributeProto;
  readonly graph: Graph | null;
}
/** One operation. */
export interface Node {
  /** Name and operator, for messages. */
  readonly label: string;
  readonly op: string;
  /** '' for ONNX's own operators. */
  readonly domain: string;
  /** Version of the domain's operator set. */
  readonly version: number;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attrs: ReadonlyMap<string, Attribute>;
  /** The body, where the operator is a function of the model. */
  readonly body: Graph | null;
}
/** What a model says of an input or output. */
export interface PortType {
  readonly name: string;
  readonly kind: 'tensor' | 'sequence' | 'optional' | 'map';
  readonly type: ElemType;
  /** Sizes, names of sizes, null for unknown ones; null: the rank is unknown. */
  readonly shape: readonly (number | string | null)[] | null;
}
/** Nodes in order, what they start from, what they give. */
export interface Graph {
  readonly name: string;
  readonly nodes: readonly Node[];
  readonly inputs: readonly PortType[];
  readonly outputs: readonly PortType[];
  readonly initializers: ReadonlyMap<string, Value>;
}

const MAX_NODES = 1_000_000;
const MAX_DEPTH = 64;

function portOf(name: string, t: TypeProto | undefined): PortType {
  const where = `onnx: '${name}'`;
  if (t?.sequence)
    return { name, kind: 'sequence', type: t.sequence.elemType?.tensor ? portOf(name, t.sequence.elemType).type : 'float', shape: null };
  if (t?.optional) return { name, kind: 'optional', type: portOf(name, t.optional.elemType).type, shape: null };
  if (t?.map) return { name, kind: 'map', type: 'float', shape: null };
  const shape = t?.tensor?.shape?.dim.map((d) => d.value ?? (d.param ? d.param : null)) ?? null;
  return { name, kind: 'tensor', type: t?.tensor?.elemType ? elemType(t.tensor.elemType, where) : 'float', shape };
}

/** Attributes given to a function by its caller. */
type Bound = ReadonlyMap<string, AttributeProto>;

class Builder {
  private readonly functions = new Map<string, FunctionProto>();
  private readonly external: External;
  private count = 0;

  constructor(model: ModelProto, external: External) {
    this.external = external;
    for (const f of model.functions) this.functions.set(`${f.domain ?? ''}:${f.name ?? ''}:${f.overload ?? ''}`, f);
  }

  graph(g: GraphProto, opsets: ReadonlyMap<string, number>, outer: ReadonlySet<string>, bound: Bound, depth: number): Graph {
    const initializers = new Map<string, Value>();
    const add = (name: string | undefined, value: () => Value): void => {
      if (!name) throw new FormatError('onnx: an initializer has no name');
      if (initializers.has(name)) throw new FormatError(`onnx: there are two initializers named '${name}'`);
      initializers.set(name, value());
    };
    for (const t of g.initializer) add(t.name, () => tensorValue(t, this.external));
    for (const s of g.sparseInitializer) add(s.values?.name, () => sparseValue(s, this.external));
    const ports = (list: GraphProto['input']): PortType[] =>
      list.map((v) => {
        if (!v.name) throw new FormatError(`onnx: an input or output of graph '${g.name ?? ''}' has no name`);
        return portOf(v.name, v.type);
      });
    const inputs = ports(g.input);
    const outputs = ports(g.output);
    const inner = new Set([...inputs.map((i) => i.name), ...initializers.keys()]);
    if (new Set(inputs.map((i) => i.name)).size < inputs.length)
      throw new FormatError(`onnx: two inputs of graph '${g.name ?? ''}' have the same name`);
    const nodes = this.nodes(g.node, opsets, inner, outer, bound, depth);
    for (const { name } of outputs)
      if (!inner.has(name) && !outer.has(name))
        throw new FormatError(`onnx: output '${name}' of graph '${g.name ?? ''}' is made by no node`);
    return { name: g.name ?? '', nodes, inputs: inputs.filter((i) => !initializers.has(i.name) || depth > 0), outputs, initializers };
  }

  /** Nodes in an order in which each finds its inputs; `inner` grows by their outputs. */
  private nodes(
    list: readonly NodeProto[],
    opsets: ReadonlyMap<string, number>,
    inner: Set<string>,
    outer: ReadonlySet<string>,
    bound: Bound,
    depth: number,
  ): Node[] {
    const label = (n: NodeProto, i: number): string =>
      `node '${n.name || n.output[0] || `#${i}`}' (${n.domain ? `${n.domain}:` : ''}${n.opType ?? '?'})`;
    const maker = new Map<string, number>();
    list.forEach((n, i) => {
      for (const o of n.output)
        if (o !== '') {
          if (maker.has(o) || inner.has(o)) throw new FormatError(`onnx: ${label(n, i)} makes '${o}', which something else makes as well`);
          maker.set(o, i);
        }
    });
    const needs = list.map((n) => {
      const names = new Set<string>();
      freeNames(n, names, 0);
      return [...names];
    });
    const order: number[] = [];
    const state = new Uint8Array(list.length);
    for (let root = 0; root < list.length; root++) {
      if (state[root] === 2) continue;
      const stack: [node: number, next: number][] = [[root, 0]];
      state[root] = 1;
      while (stack.length > 0) {
        const top = stack[stack.length - 1];
        const [i, next] = top;
        if (next === needs[i].length) {
          state[i] = 2;
          order.push(i);
          stack.pop();
          continue;
        }
        top[1]++;
        const name = needs[i][next];
        if (name === '' || inner.has(name)) continue;
        const from = maker.get(name);
        if (from === undefined) {
          if (!outer.has(name)) throw new FormatError(`onnx: ${label(list[i], i)} reads '${name}', which nothing makes`);
        } else if (state[from] === 1) throw new FormatError(`onnx: ${label(list[i], i)} is part of a cycle through '${name}'`);
        else if (state[from] === 0) {
          state[from] = 1;
          stack.push([from, 0]);
        }
      }
    }
    const visible = new Set([...outer, ...inner]);
    return order.map((i) => {
      const node = this.node(list[i], label(list[i], i), opsets, visible, bound, depth);
      for (const o of list[i].output)
        if (o !== '') {
          inner.add(o);
          visible.add(o);
        }
      return node;
    });
  }

  private node(
    n: NodeProto,
    label: string,
    opsets: ReadonlyMap<string, number>,
    visible: ReadonlySet<string>,
    bound: Bound,
    depth: number,
  ): Node {
    if (++this.count > MAX_NODES) throw new FormatError(`onnx: more than ${MAX_NODES} nodes, functions written out`);
    if (depth > MAX_DEPTH) throw new FormatError(`onnx: ${label} lies more than ${MAX_DEPTH} graphs or functions deep`);
    const domain = n.domain === 'ai.onnx' ? '' : (n.domain ?? '');
    const attrs = new Map<string, Attribute>();
    for (const a of n.attribute) {
      const name = a.name ?? '';
      let proto: AttributeProto | undefined = a;
      if (a.refAttrName) proto = bound.get(a.refAttrName);
      if (proto === undefined) continue;
      if (attrs.has(name)) throw new FormatError(`onnx: ${label} has two attributes named '${name}'`);
      attrs.set(name, { proto, graph: proto.g === undefined ? null : this.graph(proto.g, opsets, visible, bound, depth + 1) });
    }
    const own = { label: `onnx: ${label}`, op: n.opType ?? '', domain, inputs: n.input, outputs: n.output, attrs };
    const f = this.functions.get(`${n.domain ?? ''}:${n.opType ?? ''}:${n.overload ?? ''}`);
    if (f !== undefined) return { ...own, version: opsets.get(domain) ?? 1, body: this.body(f, attrs, label, depth) };
    const version = opsets.get(domain);
    if (version === undefined && domain === '') throw new FormatError(`onnx: ${label}: the model names no version of ONNX's operators`);
    return { ...own, version: version ?? 1, body: null };
  }

  private body(f: FunctionProto, given: ReadonlyMap<string, Attribute>, label: string, depth: number): Graph {
    const bound = new Map<string, AttributeProto>();
    for (const a of f.attributeProto) if (a.name) bound.set(a.name, a);
    for (const [name, { proto }] of given) bound.set(name, proto);
    const inner = new Set(f.input);
    const nodes = this.nodes(f.node, opsetsOf(f.opsetImport), inner, new Set(), bound, depth + 1);
    for (const o of f.output) if (!inner.has(o)) throw new FormatError(`onnx: ${label}: its function makes no '${o}'`);
    return {
      name: f.name ?? '',
      nodes,
      inputs: f.input.map((x) => portOf(x, undefined)),
      outputs: f.output.map((x) => portOf(x, undefined)),
      initializers: new Map(),
    };
  }
}

/** Names that a node reads from its scope, those of its subgraphs included. */
function freeNames(n: NodeProto, names: Set<string>, depth: number): void {
  if (depth > MAX_DEPTH) throw new FormatError(`onnx: graphs are nested more than ${MAX_DEPTH} deep`);
  for (const name of n.input) names.add(name);
  for (const { g } of n.attribute) {
    if (g === undefined) continue;
    const inside = new Set<string>();
    const own = new Set<string>();
    for (const v of g.input) own.add(v.name ?? '');
    for (const t of g.initializer) own.add(t.name ?? '');
    for (const m of g.node) {
      freeNames(m, inside, depth + 1);
      for (const o of m.output) own.add(o);
    }
    for (const v of g.output) inside.add(v.name ?? '');
    for (const name of inside) if (!own.has(name)) names.add(name);
  }
}

const opsetsOf = (list: ModelProto['opsetImport']): Map<string, number> =>
  new Map(list.map(({ domain = '', version = 1 }) => [domain === 'ai.onnx' ? '' : domain, version]));

/** The model's graph. @throws FormatError naming the node or tensor that is wrong */
export function buildGraph(model: ModelProto, external: External): Graph {
  if (model.graph === undefined) throw new FormatError('onnx: the file holds no graph; is it an ONNX model?');
  return new Builder(model, external).graph(model.graph, opsetsOf(model.opsetImport), new Set(), new Map(), 0);
}
export type { TensorProto };
