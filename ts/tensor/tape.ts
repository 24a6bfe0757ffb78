// Recording: what an op leaves behind for the backward pass, in place or not.
import { CATEGORY } from '../base/dtype.ts';
import { sameShape } from '../base/shape.ts';
import type { Attrs, Meta, Op, Scalar, Value, ViewOp } from '../ops/op.ts';
import { type Tensor, TensorCore } from './core.ts';
import { derivativeOps } from './derivatives.ts';
import { type BackwardFn, type Edge, Node } from './node.ts';

type In = TensorCore | Scalar | null;

/** The node whose gradient is accumulated into a leaf. */
export function accumulatorOf(leaf: TensorCore): Node {
  if (leaf.accumulator === null) {
    const node = new Node('accumulate', [], [], [leaf], () => []);
    node.leaf = leaf;
    leaf.accumulator = node;
  }
  return leaf.accumulator;
}

/** The current node of a tensor: a view whose base was changed in place since gets it anew from its base. */
export function nodeOf(x: TensorCore): Node | null {
  if (x.origin !== null && x.requiresGrad) refresh(x);
  else if (x.origin !== null && rootOf(x).requiresGrad && rootOf(x).rebases !== x.rebases) refresh(x);
  return x.node;
}

/** Whether a tensor takes part in the graph: also a view of what did not when the view was made. */
export function tracked(x: TensorCore): boolean {
  return x.requiresGrad || (x.origin !== null && nodeOf(x) !== null);
}

/** The tensor that a view looks at in the end; a tensor that is no view is its own. */
export function rootOf(x: TensorCore): TensorCore {
  let base = x;
  while (base.origin !== null) base = base.origin.parent;
  return base;
}

function refresh(x: TensorCore): void {
  const origin = x.origin;
  if (origin === null) return;
  const root = rootOf(x);
  if (x.rebases === root.rebases) return;
  refresh(origin.parent);
  x.rebases = root.rebases;
  if (origin.parent.requiresGrad) attach(viewNode(x), [x]);
}

function viewNode(x: TensorCore): Node {
  const origin = x.origin as NonNullable<TensorCore['origin']>;
  return makeNode(origin.op, [origin.parent], origin.attrs, [x]);
}

/** Where the gradient of an input goes. */
export function edgeOf(x: In): Edge | null {
  if (!(x instanceof TensorCore) || !tracked(x)) return null;
  const node = nodeOf(x) ?? accumulatorOf(x);
  const nr = x.node === null ? 0 : x.outputNr;
  return nr === 0 ? node.edge() : { node, nr };
}

/** What a node keeps of an operand. */
export function metaOf(x: In): Meta | Scalar | null {
  return x instanceof TensorCore ? { shape: x.shape, strides: x.strides, dtype: x.dtype } : x;
}

/** Makes floating-point tensors the outputs of a node: those of the numbers given, or all. */
export function attach(node: Node, outs: readonly TensorCore[], numbers?: readonly number[]): void {
  for (let k = 0; k < outs.length; k++) {
    const y = outs[k];
    if (CATEGORY[y.dtype] !== 2) continue;
    const nr = numbers === undefined ? k : numbers[k];
    if (y.retainsGrad || y.hooks !== null) watch(node, nr, y);
    y.node = node;
    y.outputNr = nr;
    y.requiresGrad = true;
  }
}

/** Lets a tensor's hooks and retained gradient see what reaches output nr of a node. */
export function watch(node: Node, nr: number, tensor: TensorCore): void {
  if (node.watchers === null) node.watchers = [];
  node.watchers[nr] = tensor;
}

const alike = (a: Meta, b: Meta): boolean => a.dtype === b.dtype && sameShape(a.shape, b.shape) && sameShape(a.strides, b.strides);

function makeNode(op: Op, inputs: readonly In[], attrs: Attrs, outs: readonly TensorCore[]): Node {
  const y = outs[0];
  const edges = new Array<Edge | null>(inputs.length);
  // Most elementwise steps: one metadata for all, which the step before may have.
  let shared: Meta | null = null;
  let same = outs.length === 1;
  for (let i = 0; i < inputs.length; i++) {
    const x = inputs[i];
    const edge = edgeOf(x);
    edges[i] = edge;
    if (!same) continue;
    same = x instanceof TensorCore && alike(x, y);
    if (shared === null && edge !== null && edge.nr === 0 && alike(edge.node.output, y)) shared = edge.node.output;
  }
  const meta = shared ?? (metaOf(y) as Meta);
  const node = same
    ? new Node(op.name, edges, meta, meta, rowBackward)
    : new Node(op.name, edges, inputs.map(metaOf), outs.length === 1 ? meta : outs.map((o) => metaOf(o) as Meta), rowBackward);
  node.op = op;
  node.attrs = attrs;
  return node;
}

/** Saves what the row's derivative reads; `except` one name. */
function saveFor(node: Node, op: Op, inputs: readonly In[], outs: readonly TensorCore[], except: string | null): void {
  for (let k = 0; k < op.saves.length; k++) {
    const name = op.saves[k];
    if (name === except) continue;
    const readers = op.uses?.[name];
    const source = op.sources[k];
    const x = readers !== undefined && !wanted(node, readers) ? null : source >= 0 ? inputs[source] : outs[-1 - source];
    if (x instanceof TensorCore) node.save(x);
    else node.remember(name, x);
  }
}
function wanted(node: Node, inputs: readonly number[]): boolean {
  for (let i = 0; i < inputs.length; i++) if (node.edges[inputs[i]] !== null) return true;
  return false;
}

/** Records one run of an op. */
export function record(op: Op, inputs: readonly In[], attrs: Attrs, outs: readonly TensorCore[]): void {
  const node = makeNode(op, inputs, attrs, outs);
  if (op.saves.length > 0) saveFor(node, op, inputs, outs, null);
  attach(node, outs);
}

/** Hands a row's derivative what it may read, by name. */
const rowBackward: BackwardFn = (dys, node) => {
  const op = node.op as Op;
  const v: Record<string, unknown> = {
    dys,
    attrs: node.attrs,
    inputs: node.inputs,
    needs: node.edges.map((e) => e !== null),
  };
  const first = node.outputs.findIndex((m) => CATEGORY[m.dtype] === 2);
  v.dy = dys[first] ?? zerosFor(node.outputs[first]);
  let i = 0;
  for (const name of op.saves) v[name] = node.constants !== null && name in node.constants ? node.constants[name] : node.value(i++);
  return op.vjp!(derivativeOps(), v as never) as readonly (Tensor | null)[];
};

function zerosFor(meta: Meta): Value {
  return derivativeOps().zerosOf(meta);
}

/** Runs a write in place and keeps versions and graph true: the tensor's own node, and its bases' when it is a view. */
export function noteWrite(op: Op, inputs: readonly In[], attrs: Attrs, out: Tensor, recorded: boolean, run: () => void): void {
  const target: TensorCore = out;
  if (!recorded) {
    run();
    target.storage.version++;
    return;
  }
  const node = makeNode(op, inputs, attrs, [target]);
  // Inputs are saved before the write: an overwritten one is then caught by its version.
  const after = op.saves.includes('y');
  saveFor(node, op, inputs, [target], 'y');
  run();
  target.storage.version++;
  if (after) {
    node.save(target);
    orderSaves(node, op);
  }
  replaceNode(target, node);
}

function orderSaves(node: Node, op: Op): void {
  // 'y' was saved last; the row reads its values in the order of its names.
  if (node.saved === null) return;
  const at = op.saves.filter((n) => n === 'y' || !(node.constants !== null && n in node.constants)).indexOf('y');
  const y = node.saved.pop();
  if (y) node.saved.splice(at, 0, y);
}

/** Puts a tensor on a new node after a write; for a view, rebases every tensor that it is a view of. */
function replaceNode(x: TensorCore, node: Node): void {
  if (x.origin === null) {
    attach(node, [x]);
    x.rebases++;
    return;
  }
  let child = x;
  let childNode = node;
  while (child.origin !== null) {
    const { parent, op, attrs } = child.origin as { parent: TensorCore; op: ViewOp; attrs: Attrs };
    const merged = new Node(
      `${op.name}InPlace`,
      [edgeOf(parent), { node: childNode, nr: 0 }],
      [metaOf(parent), metaOf(child)],
      [metaOf(parent) as Meta],
      ([dy]) => {
        const ops = derivativeOps();
        const part = (ops as unknown as Record<string, (x: unknown, attrs: Attrs) => Tensor>)[op.name](dy, attrs);
        const back = (op.vjp as NonNullable<ViewOp['vjp']>)(ops, {
          dy: part,
          dys: [part],
          attrs,
          inputs: [metaOf(parent) as Meta],
          needs: [true],
        } as never)[0];
        return [ops.sub(dy as Tensor, back as Tensor), part] as Tensor[];
      },
    );
    attach(merged, [parent]);
    child = parent;
    childNode = merged;
  }
  child.rebases++;
  // The written view and the views between it and the base take their nodes anew from the base.
  refresh(x);
}
