// Operators between DequantizeLinear and QuantizeLinear, as quantisers write them, become the operators on bytes that they stand for.
import type { Attribute, Graph, Node } from './graph.ts';
import { Value } from './value.ts';

/** Attributes of an operator on bytes: the real numbers between which its result is clipped before it is rounded. */
export const LOW = 'wick_low';
export const HIGH = 'wick_high';

const MICROSOFT = 'com.microsoft';
/** Operators that move bytes, or choose among them, so that scale and zero point stay. */
const MOVES = new Set(['Reshape', 'Transpose', 'Flatten', 'Squeeze', 'Unsqueeze', 'MaxPool', 'Identity', 'Slice', 'Gather']);
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

  /** Scale and zero point of a node, where they are constants: the scale one number, or one for each place of an axis. */
  private constants(node: Node, axis: number | null): Names | null {
    const [, scale, zero = ''] = node.inputs;
    const s = this.graph.initializers.get(scale);
    const z = zero === '' ? null : this.graph.initializers.get(zero);
    if (s === undefined || z === undefined || s.type !== 'float' || node.attrs.has('block_size')) return null;
    const given = node.attrs.get('axis')?.proto.i ?? 1;
    if (s.size !== 1 && (axis === null || s.shape.length !== 1 || given !== axis)) return null;
    return [scale, zero];
  }
  /** The bytes behind a dequantised name with their scale and zero point; null where it is none. */
  private behind(name: string, axis: number | null = null): Names | null {
    const node = this.makers.get(name);
    if (node === undefined || !is(node, 'DequantizeLinear')) return null;
    const constants = this.constants(node, axis);
    const type = this.graph.initializers.get(node.inputs[2] ?? '')?.type ?? this.graph.initializers.get(node.inputs[0])?.type;
    return constants === null || (type !== 'int8' && type !== 'uint8') ? null : [node.inputs[0], ...constants];
  }
  /** A bias of whole numbers, whose scale is that of the products; '' where there is none, null where it is of another kind. */
  private bias(name: string | undefined): string | null {
    if (name === undefined || name === '') return '';
    const node = this.makers.get(name);
    if (node === undefined || !is(node, 'DequantizeLinear')) return null;
    return this.graph.initializers.get(node.inputs[0])?.type === 'int32' ? node.inputs[0] : null;
  }
  private number(name: string | undefined): number | null {
    const v = name === undefined ? undefined : this.graph.initializers.get(name);
    return v instanceof Value && v.size === 1 && v.type === 'float' ? v.numbers()[0] : null;
  }
  /** The limits of a Relu or of a Clip between constants; null: it is neither. */
  private limits(node: Node): readonly [low: number | null, high: number | null] | null {
    if (is(node, 'Relu')) return [0, null];
    if (!is(node, 'Clip') || node.version < 11) return null;
    const [, low = '', high = ''] = node.inputs;
    const ends = [low, high].map((name) => (name === '' ? null : this.number(name)));
    return [low, high].every((name, i) => name === '' || ends[i] !== null) ? [ends[0], ends[1]] : null;
  }

  private fuse(end: Node): { readonly made: Node; readonly gone: Node[] } | null {
    const to = this.constants(end, null);
    if (to === null || to[1] === '' || !['int8', 'uint8'].includes(this.graph.initializers.get(to[1])?.type ?? '')) return null;
    const gone: Node[] = [];
    let low: number | null = null;
    let high: number | null = null;
    let node = this.makers.get(end.inputs[0]);
    for (;;) {
      if (node === undefined || node.outputs.length !== 1 || this.uses.get(node.outputs[0]) !== 1 || node.domain !== '') return null;
      const range = this.limits(node);
      if (range === null) break;
      if (range[0] !== null) low = Math.max(low ?? range[0], range[0]);
      if (range[1] !== null) high = Math.min(high ?? range[1], range[1]);
      gone.push(node);
      node = this.makers.get(node.inputs[0]);
    }
    if (node === undefined) return null;
    const form = this.form(node, to, gone.length > 0);
    if (form === null) return null;
    const attrs = new Map<string, Attribute>(node.attrs);
    const number = (name: string, f: number | null): unknown =>
      f !== null &&
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
    const one = (name: string): boolean => node.attrs.get(name)?.proto.f === undefined || node.attrs.get(name)?.proto.f === 1;
    switch (node.op) {
      case 'Conv':
        return made('', 'QLinearConv', x, this.behind(b, 0), to, this.bias(bias));
      case 'MatMul':
        return made('', 'QLinearMatMul', zeroed(x), zeroed(this.behind(b, 1)), to);
      case 'Gemm': {
        const w = this.behind(b, (node.attrs.get('transB')?.proto.i ?? 0) !== 0 ? 0 : 1);
        return one('alpha') && one('beta') ? made(MICROSOFT, 'QGemm', x, w, this.bias(bias), to) : null;
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
const is = (node: Node, op: string): boolean => node.op === op && (node.domain === '' || node.domain === MICROSOFT) && node.body === null;

/**
 * The graph with its quantised operators fused: Conv, MatMul, Gemm, Add, Mul and means between DequantizeLinear and QuantizeLinear, a Relu or
 * Clip behind them included, and what only moves bytes of one scale. They round once, as onnxruntime's do.
 */
export function fused(graph: Graph): Graph {
  return new Fuser(graph).run();
}
