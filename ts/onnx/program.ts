// Runs a graph, node by node.

import { isFloat } from '../base/dtype.ts';
import { FormatError, WickError } from '../base/errors.ts';
import { show } from '../base/shape.ts';
import { Allowance } from '../formats/allowance.ts';
import { parameter } from '../nn/index.ts';
import { joinQuantised } from '../quant/index.ts';
import { keep, noGrad, Tensor } from '../tensor/index.ts';
import { Call, type Out } from './call.ts';
import type { Graph, Node } from './graph.ts';
import { findRow } from './registry.ts';
import { carrier, typeOf } from './types.ts';
import { type Item, None, outside, Sequence, Value } from './value.ts';

class Scope {
  private readonly items = new Map<string, Item>();
  private readonly outer: Scope | null;
  constructor(outer: Scope | null) {
    this.outer = outer;
  }
  get(name: string): Item | undefined {
    return this.items.get(name) ?? this.outer?.get(name);
  }
  set(name: string, item: Item): void {
    if (name !== '') this.items.set(name, item);
  }
}

const isKnown = (x: Item | null): boolean =>
  x === null || (x instanceof Value ? x.known : x instanceof Sequence ? x.items.every(isKnown) : true);

/** A graph with its weights. */
export class Program {
  readonly graph: Graph;
  /** Weights that train, by their names. */
  readonly parameters: ReadonlyMap<string, Tensor>;
  /** Names of inputs whose values decide shapes or branches. */
  readonly hostInputs: ReadonlySet<string>;
  /** Names of inputs that something reads, for more than their type: only their shapes matter. */
  readonly readInputs: ReadonlySet<string>;
  /** Nodes whose results are the same in every run, and those results. */
  private readonly constant: ReadonlySet<Node>;
  private readonly kept = new Map<Node, Item[]>();
  private readonly top: ReadonlyMap<string, Item>;

  /** What the run in progress may ask for. */
  private allowance: Allowance;
  private readonly size: number;

  /** `size`: bytes of the model, its external data included. */
  constructor(graph: Graph, size: number) {
    this.graph = graph;
    this.size = size;
    this.allowance = new Allowance(size);
    for (const name of missingOperators(graph))
      throw new FormatError(`onnx: the operator ${name} is not implemented; docs/models.md lists those that are`);
    if (usesKernels(graph)) joinQuantised();
    const { host, trained } = uses(graph);
    this.hostInputs = new Set(graph.inputs.map((i) => i.name).filter((n) => host.has(n)));
    this.readInputs = readNames(graph);
    const parameters = new Map<string, Tensor>();
    const top = new Map<string, Item>();
    for (const [name, value] of graph.initializers) {
      const floating = value.type !== 'string' && isFloat(carrier(value.type)) && value.native;
      if (floating && value.shape.length > 0 && trained.has(name) && !host.has(name)) {
        const weight = parameter(value.tensor());
        parameters.set(name, weight);
        top.set(name, Value.of(weight, value.type));
      } else top.set(name, value);
    }
    this.parameters = parameters;
    this.top = top;
    const constants = new Set([...graph.initializers.keys()].filter((n) => !parameters.has(n)));
    const constant = new Set<Node>();
    for (const node of graph.nodes) {
      if (node.body !== null || findRow(node)?.folds === false || !node.inputs.every((n) => n === '' || constants.has(n))) continue;
      constant.add(node);
      for (const o of node.outputs) constants.add(o);
    }
    this.constant = constant;
  }

  /** The outputs for these inputs. @throws FormatError for a missing input; any error of an operator, naming the node */
  run(inputs: ReadonlyMap<string, Item>): Map<string, Item> {
    const scope = new Scope(null);
    this.allowance = new Allowance([...inputs.values()].reduce((sum, x) => sum + sizeOf(x), this.size));
    for (const [name, item] of this.top) scope.set(name, item);
    for (const { name, kind } of this.graph.inputs) {
      const item = inputs.get(name) ?? (kind === 'optional' ? None : undefined);
      if (item === undefined) throw new FormatError(`onnx: input '${name}' is missing`);
      scope.set(name, item);
    }
    this.nodes(this.graph, scope);
    return new Map(this.graph.outputs.map(({ name }) => [name, this.found(name, scope)]));
  }
  /** Frees weights and constants. */
  dispose(): void {
    for (const x of this.parameters.values()) x.dispose();
    for (const items of [...this.kept.values(), [...this.top.values()]]) for (const x of items) if (x instanceof Value) x.dispose();
    this.kept.clear();
  }
  private found(name: string, scope: Scope): Item {
    const item = scope.get(name);
    if (item === undefined) throw new FormatError(`onnx: '${name}' was not made`);
    return item;
  }
  private nodes(graph: Graph, scope: Scope): void {
    for (const node of graph.nodes) {
      const results = this.kept.get(node) ?? this.node(node, scope);
      node.outputs.forEach((name, i) => {
        if (name === '') return;
        if (results[i] === undefined) throw new FormatError(`${node.label}: gives no output ${i}`);
        scope.set(name, results[i]);
      });
    }
  }
  private node(node: Node, scope: Scope): Item[] {
    const inputs = node.inputs.map((name) => (name === '' ? null : this.found(name, scope)));
    try {
      if (node.body !== null) return this.call(node.body, inputs);
      const row = findRow(node);
      if (row === null) throw new FormatError('the operator is not implemented');
      const enter = (graph: Graph, items: readonly Item[]): Item[] => this.enter(graph, items, scope);
      this.allowance.turns(1);
      const call = new Call(node, inputs, enter, this.allowance);
      const known = row.folds !== false && inputs.every(isKnown);
      const out = known ? outside(() => noGrad(() => row.run(call))) : row.run(call);
      const results = listed(out).map((x) => finished(x, known, call));
      if (this.constant.has(node)) {
        for (const x of results) if (x instanceof Value && x.type !== 'string') outside(() => keep(x.tensor()));
        this.kept.set(node, results);
      }
      return results;
    } catch (error) {
      throw located(error, node, inputs);
    }
  }
  private call(body: Graph, inputs: readonly (Item | null)[]): Item[] {
    const scope = new Scope(null);
    body.inputs.forEach(({ name }, i) => {
      const item = inputs[i] ?? null;
      if (item !== null) scope.set(name, item);
    });
    this.bodyNodes(body, scope);
    return body.outputs.map(({ name }) => this.found(name, scope));
  }
  private bodyNodes(body: Graph, scope: Scope): void {
    for (const node of body.nodes) {
      // An optional input that the caller left out stays out.
      const inputs = node.inputs.map((name) => (name !== '' && scope.get(name) === undefined ? '' : name));
      const results = this.node({ ...node, inputs }, scope);
      node.outputs.forEach((name, i) => {
        if (name !== '' && results[i] !== undefined) scope.set(name, results[i]);
      });
    }
  }
  private enter(graph: Graph, items: readonly Item[], outer: Scope): Item[] {
    const scope = new Scope(outer);
    for (const [name, value] of graph.initializers) scope.set(name, value);
    graph.inputs.forEach(({ name }, i) => {
      if (items[i] !== undefined) scope.set(name, items[i]);
    });
    this.nodes(graph, scope);
    return graph.outputs.map(({ name }) => this.found(name, scope));
  }
}

/** Elements that an item holds. */
const sizeOf = (x: Item): number =>
  x instanceof Value ? x.size : x instanceof Sequence ? x.items.reduce((sum, y) => sum + sizeOf(y), 0) : 0;
const listed = (out: Out): readonly (Tensor | Item | null)[] => (Array.isArray(out) ? out : [out as Tensor | Item]);

function finished(x: Tensor | Item | null, known: boolean, call: Call): Item {
  if (x === null) return None;
  if (!(x instanceof Tensor)) return x instanceof Value && known && !x.known ? Value.of(x.tensor(), x.type, true) : x;
  const first = call.inputs.find((i) => i instanceof Value);
  const type =
    first instanceof Value && !first.native && first.type !== 'string' && carrier(first.type) === x.dtype ? first.type : typeOf(x.dtype);
  return Value.of(x, type, known);
}

const shown = (x: Item | null): string =>
  x === null
    ? 'none'
    : x instanceof Value
      ? `${x.type}${show(x.shape)}`
      : x instanceof Sequence
        ? `a sequence of ${x.items.length}`
        : 'an empty optional';

const named = new WeakSet<object>();
/** The error with its node's name, operator and inputs; a mistake that no check caught becomes a FormatError. */
function located(error: unknown, node: Node, inputs: readonly (Item | null)[]): unknown {
  if (!(error instanceof Error) || named.has(error)) return error;
  const message = `${node.label}: ${error.message.replace(/^onnx: /, '')} (inputs: ${inputs.map(shown).join(', ')})`;
  const type = error instanceof WickError ? (error.constructor as { new (message: string): WickError }) : FormatError;
  const result = new type(message);
  result.cause = error;
  named.add(result);
  return result;
}

function everyNode(graph: Graph, visit: (node: Node) => void): void {
  for (const node of graph.nodes) {
    visit(node);
    if (node.body !== null) everyNode(node.body, visit);
    for (const { graph: g } of node.attrs.values()) if (g !== null) everyNode(g, visit);
  }
}
/** The operators of a graph that have no row. */
export function missingOperators(graph: Graph): string[] {
  const missing = new Set<string>();
  everyNode(graph, (node) => {
    if (node.body === null && findRow(node) === null) missing.add(`${node.domain === '' ? '' : `${node.domain}:`}${node.op}`);
  });
  return [...missing].sort();
}

function usesKernels(graph: Graph): boolean {
  let found = false;
  everyNode(graph, (node) => {
    found ||= findRow(node)?.quantised === true;
  });
  return found;
}

/** What nodes read for more than its type, and what is given out. */
function readNames(graph: Graph): Set<string> {
  const names = new Set(graph.outputs.map((o) => o.name));
  everyNode(graph, (node) => {
    const types = node.body === null ? (findRow(node)?.types ?? []) : [];
    node.inputs.forEach((name, i) => types.includes(i) || names.add(name));
    for (const { graph: inner } of node.attrs.values()) for (const o of inner?.outputs ?? []) names.add(o.name);
  });
  return names;
}

/** What is read on the host, and what stands where weights stand. */
function uses(graph: Graph): { host: Set<string>; trained: Set<string> } {
  const host = new Set<string>();
  const trained = new Set<string>();
  const visit = (g: Graph): void => {
    for (const node of [...g.nodes].reverse()) {
      for (const { graph: inner } of node.attrs.values()) if (inner !== null) visit(inner);
      if (node.body !== null) visit(node.body);
      const row = findRow(node);
      const wanted = node.outputs.some((o) => host.has(o)) && row?.shapeOnly !== true;
      node.inputs.forEach((name, i) => {
        if (wanted || row?.host?.includes(i)) host.add(name);
        if (row?.fixed?.includes(i) !== true && row?.shapeOnly !== true) trained.add(name);
      });
      // A function's inputs stand for its caller's.
      node.body?.inputs.forEach(({ name }, i) => {
        if (host.has(name) && node.inputs[i]) host.add(node.inputs[i]);
      });
    }
  };
  visit(graph);
  return { host, trained };
}
