// Operators between DequantizeLinear and QuantizeLinear, as quantisers write them, become the operators on bytes that they stand for.
import { sizeOf } from '../base/shape.ts';
import type { Attribute, Graph, Node } from './graph.ts';
import { Value } from './value.ts';

/** Attributes of an operator on bytes: the real numbers between which its result is clipped before it is rounded. */
export const LOW = 'wick_low';
export const HIGH = 'wick_high';

const MICROSOFT = 'com.microsoft';
/** Operators that move bytes, or choose among them, so that scale and zero point stay. */
const MOVES = new Set(['Reshape', 'Transpose', 'Flatten', 'Squeeze', 'Unsqueeze', 'MaxPool', 'Identity', 'Slice', 'Gather']);
/** ONNX's number for float32. */
const FLOAT = 1;
/** What sums of 32 bits stay below. */
const LARGEST = 2147483648;
/** How far a bias's scale may lie from the product of the other two: what three roundings of float32 leave. */
const CLOSE = 2 ** -22;
/** Scales whose quotients and products by bytes are ordinary numbers. */
const ordinary = (s: number): boolean => s > 1e-30 && s < 1e30;
/** Names of a node's inputs: bytes, scale, zero point. */
type Names = readonly string[];

class Fuser {
  private readonly graph: Graph;
  private readonly makers = new Map<string, Node>();
  private readonly uses = new Map<string, number>();

  constructor(graph: Graph) {
    this.graph = graph;
    for (const node of graph.nodes) for (const o of node.outputs) this.makers.set(o, node);
    const count = (name: string): void => {
      this.uses.set(name, (this.uses.get(name) ?? 0) + 1);
    };
    const visit = (nodes: readonly Node[]): void => {
      for (const node of nodes) {
        node.inputs.forEach(count);
        for (const { graph: inner } of node.attrs.values()) {
          if (inner === null) continue;
          visit(inner.nodes);
          for (const { name } of inner.outputs) count(name);
        }
      }
    };
    visit(graph.nodes);
    for (const { name } of graph.outputs) count(name);
  }

  run(): Graph {
    const replaced = new Map<Node, Node>();
    const gone = new Set<Node>();
    for (const node of this.graph.nodes) {
      if (!is(node, 'QuantizeLinear')) continue;
      const found = this.fuse(node);
      if (found === null) continue;
      replaced.set(node, found.made);
      for (const n of found.gone) gone.add(n);
    }
    if (replaced.size === 0) return this.graph;
    const left = this.graph.nodes.filter((n) => !gone.has(n)).map((n) => replaced.get(n) ?? n);
    // What only the replaced operators read is made no more.
    const used = new Set(new Fuser({ ...this.graph, nodes: left }).uses.keys());
    const nodes = left.filter((n) => !is(n, 'DequantizeLinear') || n.outputs.some((o) => used.has(o)));
    return { ...this.graph, nodes };
  }

  /** Scale and zero point of a node: constants, one number or one for each place of an axis of what it reads. */
  private constants(node: Node, axis: number | null): Names | null {
    const [data, scale, zero = ''] = node.inputs;
    const s = this.graph.initializers.get(scale);
    const z = zero === '' ? null : this.graph.initializers.get(zero);
    if (s === undefined || z === undefined || s.type !== 'float' || !s.numbers().every(ordinary)) return null;
    if (int(node, 'block_size', 0) !== 0 || int(node, 'precision', 0) > FLOAT) return null;
    if (is(node, 'DequantizeLinear') && int(node, 'output_dtype', 0) > FLOAT) return null;
    if (z !== null && z.size !== s.size) return null;
    if (s.size === 1) return [scale, zero];
    // What has a scale for each place must be a constant, as its shape tells which axis is meant.
    const shape = this.graph.initializers.get(data)?.shape;
    if (axis === null || s.shape.length !== 1 || shape === undefined) return null;
    const given = int(node, 'axis', 1);
    const place = (d: number): number => (d < 0 ? d + shape.length : d);
    return place(given) === place(axis) && shape[place(axis)] === s.size ? [scale, zero] : null;
  }
  /** The bytes behind a dequantised name with their scale and zero point; null where it is none. */
  private behind(name: string, axis: number | null = null): Names | null {
    const node = this.makers.get(name);
    if (node === undefined || !is(node, 'DequantizeLinear')) return null;
    const constants = this.constants(node, axis);
    const types = [node.inputs[2] ?? '', node.inputs[0]].map((n) => this.graph.initializers.get(n)?.type).filter((t) => t !== undefined);
    const bytes = types.length > 0 && types.every((t) => t === types[0] && (t === 'int8' || t === 'uint8'));
    return constants === null || !bytes ? null : [node.inputs[0], ...constants];
  }
  /**
   * What is multiplied by x and summed, one scale for all or for each place of `axis`, the outputs. null: it is none, or its sums with the
   * largest bytes and the bias leave 32 bits.
   */
  private weight(name: string, axis: number, bias: number): Names | null {
    const w = this.behind(name, axis);
    const shape = this.graph.initializers.get(w?.[0] ?? '')?.shape;
    if (w === null || shape === undefined) return w;
    const terms = sizeOf(shape) / Math.max(1, shape.at(axis) ?? 1);
    return (shape.length > 1 || this.number(w[1]) !== null) && terms * 255 * 255 + bias < LARGEST ? w : null;
  }
  /** The constant whole numbers of a bias. */
  private wholes(name: string | undefined): number[] {
    const whole = this.graph.initializers.get(this.makers.get(name ?? '')?.inputs[0] ?? '');
    return whole?.type === 'int32' ? whole.numbers() : [];
  }
  /** A bias that is added to the sums: '' where there is none; null where its scale is not that of the products, or its zero point not 0. */
  private bias(name: string | undefined, x: Names | null, w: Names | null): string | null {
    if (name === undefined || name === '') return '';
    const node = this.makers.get(name);
    const own = node !== undefined && is(node, 'DequantizeLinear') ? this.constants(node, -1) : null;
    if (node === undefined || own === null || x === null || w === null || this.wholes(name).length === 0) return null;
    const list = (of: string): number[] => this.graph.initializers.get(of)?.numbers() ?? [];
    const [given, scales, [scale]] = [list(own[0]), list(w[1]), list(x[1])];
    const at = (of: readonly number[], i: number): number => (of.length === 1 ? of[0] : of[i]);
    const near = Array.from({ length: Math.max(given.length, scales.length) }, (_, i) => at(given, i) / (scale * at(scales, i)) - 1);
    return near.every((d) => Math.abs(d) <= CLOSE) && list(own[1]).every((z) => z === 0) ? node.inputs[0] : null;
  }
  private number(name: string | undefined): number | null {
    const v = name === undefined ? undefined : this.graph.initializers.get(name);
    return v instanceof Value && v.size === 1 && v.type === 'float' ? v.numbers()[0] : null;
  }
  /** The limits of a Relu or of a Clip between constants; null: it is neither. Of crossed limits the upper one counts. */
  private limits(node: Node): readonly [low: number, high: number] | null {
    if (is(node, 'Relu')) return [0, Infinity];
    if (!is(node, 'Clip') || node.version < 11) return null;
    const [, low = '', high = ''] = node.inputs;
    const [least, most] = [low, high].map((name, i) => (name === '' ? [-Infinity, Infinity][i] : this.number(name)));
    if (least === null || most === null || Number.isNaN(least) || Number.isNaN(most)) return null;
    return [Math.min(least, most), most];
  }

  private fuse(end: Node): { readonly made: Node; readonly gone: Node[] } | null {
    const to = this.constants(end, null);
    if (to === null || to[1] === '' || !['int8', 'uint8'].includes(this.graph.initializers.get(to[1])?.type ?? '')) return null;
    const gone: Node[] = [];
    let [low, high] = [-Infinity, Infinity];
    let node = this.makers.get(end.inputs[0]);
    for (;;) {
      if (node === undefined || node.outputs.length !== 1 || this.uses.get(node.outputs[0]) !== 1 || node.domain !== '') return null;
      const range = this.limits(node);
      if (range === null) break;
      // What comes later in the graph limits the limits before it.
      const within = (v: number): number => Math.min(Math.max(v, low), high);
      [low, high] = [within(range[0]), within(range[1])];
      gone.push(node);
      node = this.makers.get(node.inputs[0]);
    }
    if (node === undefined) return null;
    const form = this.form(node, to, gone.length > 0);
    if (form === null) return null;
    const attrs = new Map<string, Attribute>(node.attrs);
    const number = (name: string, f: number): unknown =>
      Number.isFinite(f) &&
      attrs.set(name, { proto: { name, f, floats: [], ints: [], strings: [], tensors: [], graphs: [] } as never, graph: null });
    number(LOW, low);
    number(HIGH, high);
    return { made: { ...node, ...form, attrs, outputs: end.outputs }, gone: [...gone, node] };
  }

  /** The operator on bytes that a node stands for: its name and inputs. */
  private form(node: Node, to: Names, clips: boolean): Pick<Node, 'domain' | 'op' | 'inputs'> | null {
    const [a, b, bias] = node.inputs;
    const made = (domain: string, op: string, ...parts: readonly (Names | string | null)[]) =>
      parts.includes(null) ? null : { domain, op, inputs: (parts as (Names | string)[]).flat() };
    const x = this.behind(a);
    const largest = this.wholes(bias).reduce((most, v) => Math.max(most, Math.abs(v)), 0);
    const weight = (axis: number): Names | null => this.weight(b, axis, largest);
    switch (node.op) {
      case 'Conv': {
        const w = weight(0);
        return made('', 'QLinearConv', x, w, to, this.bias(bias, x, w));
      }
      case 'MatMul':
        return made('', 'QLinearMatMul', zeroed(x), zeroed(weight(-1)), to);
      case 'Gemm': {
        const w = weight(int(node, 'transB', 0) !== 0 ? 0 : -1);
        return float(node, 'alpha', 1) === 1 && float(node, 'beta', 1) === 1
          ? made(MICROSOFT, 'QGemm', x, w, this.bias(bias, x, w), to)
          : null;
      }
      case 'Add':
      case 'Mul':
        return made(MICROSOFT, `QLinear${node.op}`, x, this.behind(b), to);
      case 'AveragePool':
        return clips ? null : made(MICROSOFT, 'QLinearAveragePool', x, to);
      case 'GlobalAveragePool':
        return made(MICROSOFT, `QLinear${node.op}`, x, to);
      default:
        return MOVES.has(node.op) && !clips && x !== null && this.same(x, to) ? made('', node.op, x[0], node.inputs.slice(1)) : null;
    }
  }
  /** Whether bytes of one scale and zero point are those of the other. */
  private same(x: Names, to: Names): boolean {
    const equal = (a: string, b: string): boolean => {
      if (a === b) return true;
      const [p, q] = [this.graph.initializers.get(a), this.graph.initializers.get(b)];
      return p !== undefined && q !== undefined && p.type === q.type && p.numbers().join() === q.numbers().join();
    };
    return equal(x[1], to[0]) && equal(x[2], to[1]);
  }
}
/** Operands of an operator that needs zero points; null where one is absent. */
const zeroed = (x: Names | null): Names | null => (x === null || x[2] === '' ? null : x);
/** An attribute; one that is there without a number is 0, as files leave zeros out. */
const int = (node: Node, name: string, otherwise: number): number =>
  node.attrs.has(name) ? (node.attrs.get(name)?.proto.i ?? 0) : otherwise;
const float = (node: Node, name: string, otherwise: number): number =>
  node.attrs.has(name) ? (node.attrs.get(name)?.proto.f ?? 0) : otherwise;
const is = (node: Node, op: string): boolean => node.op === op && (node.domain === '' || node.domain === MICROSOFT) && node.body === null;

/**
 * The graph with its quantised operators fused: Conv, MatMul, Gemm, Add, Mul and means between DequantizeLinear and QuantizeLinear, a Relu or
 * Clip behind them included, and what only moves bytes of one scale. They round once, as onnxruntime's do.
 */
export function fused(graph: Graph): Graph {
  return new Fuser(graph).run();
}
