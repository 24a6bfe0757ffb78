// The backward pass: nodes in the reverse order of their recording, gradients summed where paths meet.
import { ShapeError, StateError, ValueError } from '../base/errors.ts';
import { sameShape, show } from '../base/shape.ts';
import type { Meta } from '../ops/op.ts';
import { noteGradient } from '../plan/capture.ts';
import { castTo } from './call.ts';
import { adopt, collecting, keep, type Tensor, TensorCore } from './core.ts';
import { derivativeOps } from './derivatives.ts';
import { type Edge, type Node, withGrad } from './node.ts';
import { edgeOf } from './tape.ts';

/** A gradient on its way: `owned` ones were made by the pass itself and nobody else holds them. */
interface Flow {
  grad: Tensor;
  owned: boolean;
}

export interface BackwardOptions {
  /** Keeps the saved values for another pass; default: as createGraph. */
  readonly retainGraph?: boolean;
  /** Records the pass itself, so that gradients can be differentiated. */
  readonly createGraph?: boolean;
}

/** Sums a gradient over the dimensions that its input was broadcast along and converts it to the input's dtype. */
function fit(grad: Tensor, meta: Meta): Tensor {
  let g = grad;
  if (!sameShape(g.shape, meta.shape)) {
    const lead = g.shape.length - meta.shape.length;
    const dims: number[] = [];
    for (let d = 0; d < g.shape.length; d++) if (d < lead || (meta.shape[d - lead] === 1 && g.shape[d] !== 1)) dims.push(d);
    if (dims.length > 0) g = derivativeOps().sum(g, { dims, keepdim: true }) as Tensor;
    if (!sameShape(g.shape, meta.shape)) g = derivativeOps().reshape(g, { shape: meta.shape }) as Tensor;
  }
  return g.dtype === meta.dtype ? g : castTo(g, meta.dtype);
}

function order(roots: readonly Node[]): Node[] {
  const seen = new Set<Node>(roots);
  const stack = [...seen];
  for (let node = stack.pop(); node !== undefined; node = stack.pop())
    for (const e of node.edges)
      if (e !== null && !seen.has(e.node)) {
        seen.add(e.node);
        stack.push(e.node);
      }
  // A leaf's node may be older than nodes that feed it only through others: it always comes last.
  return [...seen].sort((a, b) => (a.leaf === null ? 0 : 1) - (b.leaf === null ? 0 : 1) || b.order - a.order);
}

/** Nodes from which one of the wanted ones can be reached. */
function useful(nodes: readonly Node[], wanted: ReadonlySet<Node>): Set<Node> {
  const keepers = new Set<Node>();
  for (let i = nodes.length - 1; i >= 0; i--) {
    const node = nodes[i];
    if (wanted.has(node) || node.edges.some((e) => e !== null && keepers.has(e.node))) keepers.add(node);
  }
  return keepers;
}

function accumulate(flows: Map<Node, (Flow | null)[]>, edge: Edge, flow: Flow, createGraph: boolean): void {
  let list = flows.get(edge.node);
  if (list === undefined) {
    list = new Array<Flow | null>(edge.node.outputs.length).fill(null);
    flows.set(edge.node, list);
  }
  const there = list[edge.nr];
  if (there === null) {
    list[edge.nr] = flow;
    return;
  }
  const sum = derivativeOps().add(there.grad, flow.grad) as Tensor;
  if (!createGraph) {
    if (there.owned && there.grad !== flow.grad) there.grad.dispose();
    if (flow.owned) flow.grad.dispose();
  }
  list[edge.nr] = { grad: sum, owned: true };
}

function runHooks(tensor: TensorCore, flow: Flow, createGraph: boolean): Flow {
  let result = flow;
  for (const hook of tensor.hooks ?? []) {
    const changed = hook(result.grad);
    if (changed !== undefined) {
      if (!sameShape(changed.shape, tensor.shape))
        throw new ShapeError(`hook: it returned a gradient of shape ${show(changed.shape)} for a tensor of shape ${show(tensor.shape)}`);
      result = { grad: changed, owned: false };
    } else result = { grad: result.grad, owned: false };
  }
  if (tensor.retainsGrad) {
    store(tensor, { grad: result.grad, owned: false }, createGraph);
    result = { grad: result.grad, owned: false };
  }
  return result;
}

/** Adds a gradient to a tensor's .grad. */
function store(tensor: TensorCore, flow: Flow, createGraph: boolean): void {
  const old = tensor.grad;
  noteGradient(tensor, old);
  let next: Tensor;
  if (old === null) {
    const steal = flow.owned && flow.grad.storage.refs === 1 && flow.grad.rowMajor;
    next = steal || createGraph ? flow.grad : (derivativeOps().copy(flow.grad) as Tensor);
    if (!steal && flow.owned && !createGraph) flow.grad.dispose();
  } else if (createGraph) next = derivativeOps().add(old, flow.grad) as Tensor;
  else {
    old.add_(flow.grad);
    if (flow.owned) flow.grad.dispose();
    return;
  }
  if (!createGraph && next.requiresGrad) next = next.detach();
  tensor.grad = keep(next);
  adopt(next);
}

/** Runs the graph from `roots`; `wanted` null: accumulate into leaves, else return these edges' gradients. */
function run(
  roots: readonly { edge: Edge; grad: Tensor; owned: boolean }[],
  wanted: readonly (Edge | null)[] | null,
  retainGraph: boolean,
  createGraph: boolean,
): (Tensor | null)[] {
  const flows = new Map<Node, (Flow | null)[]>();
  const nodes = order(roots.map((r) => r.edge.node));
  const targets = wanted === null ? null : new Set(wanted.filter((e) => e !== null).map((e) => (e as Edge).node));
  const live = targets === null ? null : useful(nodes, targets);
  const found: (Tensor | null)[] = wanted === null ? [] : wanted.map(() => null);
  for (const r of roots) accumulate(flows, r.edge, { grad: r.grad, owned: r.owned }, createGraph);
  for (const node of nodes) {
    const list = flows.get(node);
    flows.delete(node);
    if (list === undefined) continue;
    for (let nr = 0; nr < list.length; nr++) {
      const flow = list[nr];
      const tensor = node.leaf ?? node.watchers?.[nr];
      if (flow !== null && tensor !== undefined && tensor !== null && (tensor.hooks !== null || tensor.retainsGrad))
        list[nr] = runHooks(tensor, flow, createGraph);
    }
    wanted?.forEach((e, i) => {
      const flow = e !== null && e.node === node ? list[e.nr] : null;
      if (flow === null) return;
      flow.owned = false;
      found[i] = flow.grad;
    });
    if (node.leaf !== null) {
      const flow = list[0];
      if (wanted === null && flow !== null) store(node.leaf, flow, createGraph);
      continue;
    }
    if (live !== null && !node.edges.some((e) => e !== null && live.has(e.node))) {
      if (!retainGraph) node.release();
      continue;
    }
    step(node, list, flows, live, createGraph);
    if (!retainGraph) node.release();
  }
  return found;
}

/** One node: its derivative, what it made along the way freed, the results passed on. */
function step(node: Node, list: (Flow | null)[], flows: Map<Node, (Flow | null)[]>, live: Set<Node> | null, createGraph: boolean): void {
  const dys = list.map((f) => f?.grad ?? null);
  if (createGraph) {
    const grads = node.backward(dys, node);
    node.edges.forEach((e, i) => {
      const g = grads[i];
      if (e === null || !g || (live !== null && !live.has(e.node))) return;
      accumulate(flows, e, { grad: fit(g, node.inputs[i] as Meta), owned: false }, true);
    });
    return;
  }
  const made: TensorCore[] = [];
  const passed = new Set<TensorCore>();
  const out: { edge: Edge; grad: Tensor }[] = [];
  collecting(made, () => {
    const grads = node.backward(dys, node);
    node.edges.forEach((e, i) => {
      const g = grads[i];
      if (e === null || !g || (live !== null && !live.has(e.node))) return;
      out.push({ edge: e, grad: fit(g, node.inputs[i] as Meta) });
    });
  });
  const mine = new Set(made);
  const uses = new Map<TensorCore, number>();
  for (const o of out) uses.set(o.grad, (uses.get(o.grad) ?? 0) + 1);
  for (const o of out) {
    passed.add(o.grad);
    // A gradient handed on as it came is owned only if it came owned and goes one way.
    const came = list.find((f) => f !== null && f.grad === o.grad);
    const single = uses.get(o.grad) === 1;
    accumulate(flows, o.edge, { grad: o.grad, owned: single && (mine.has(o.grad) || (came?.owned ?? false)) }, false);
  }
  for (const t of made) if (!passed.has(t)) t.dispose();
  for (const f of list) if (f?.owned && !passed.has(f.grad)) f.grad.dispose();
}

function seed(y: Tensor, given: Tensor | null | undefined): Tensor {
  if (given) {
    if (!sameShape(given.shape, y.shape))
      throw new ShapeError(`backward: the gradient has shape ${show(given.shape)}, the tensor ${show(y.shape)}`);
    return given.dtype === y.dtype ? given : castTo(given, y.dtype);
  }
  if (y.numel !== 1)
    throw new ValueError(
      `backward: the tensor has shape ${show(y.shape)}; pass a gradient of that shape or reduce it to one element, e.g. y.sum()`,
    );
  return derivativeOps().onesOf(y) as Tensor;
}

function check(y: TensorCore, name: string): Edge {
  const edge = edgeOf(y);
  if (edge === null)
    throw new StateError(
      `${name}: the tensor of shape ${show(y.shape)} does not require grad and was not made from one that does; set requiresGrad on a leaf before the operations`,
    );
  return edge;
}

/** Adds d(y)/d(leaf) to every leaf's .grad. */
export function backward(y: Tensor, gradient?: Tensor | null, options: BackwardOptions = {}): void {
  const createGraph = options.createGraph ?? false;
  const edge = check(y, 'backward');
  withGrad(createGraph, () => {
    const grad = seed(y, gradient);
    run([{ edge, grad, owned: grad !== gradient }], null, options.retainGraph ?? createGraph, createGraph);
  });
}

/**
 * Gradients of outputs with respect to inputs, without touching any .grad (torch.autograd.grad).
 * @throws StateError where an input was not used, unless `allowUnused`
 * @example const [dx] = grad(y.sum(), x)
 */
export function grad(
  outputs: Tensor | readonly Tensor[],
  inputs: Tensor | readonly Tensor[],
  options: BackwardOptions & { readonly gradOutputs?: Tensor | readonly (Tensor | null)[] | null; readonly allowUnused?: boolean } = {},
): (Tensor | null)[] {
  const ys = outputs instanceof TensorCore ? [outputs as Tensor] : (outputs as readonly Tensor[]);
  const xs = inputs instanceof TensorCore ? [inputs as Tensor] : (inputs as readonly Tensor[]);
  const given =
    options.gradOutputs instanceof TensorCore
      ? [options.gradOutputs as Tensor]
      : (options.gradOutputs as readonly (Tensor | null)[] | null | undefined);
  const createGraph = options.createGraph ?? false;
  const wanted = xs.map((x) => check(x, 'grad'));
  const edges = ys.map((y) => check(y, 'grad'));
  return withGrad(createGraph, () => {
    const roots = ys.map((y, i) => {
      const g = seed(y, given?.[i]);
      return { edge: edges[i], grad: g, owned: g !== given?.[i] };
    });
    const found = run(roots, wanted, options.retainGraph ?? createGraph, createGraph);
    found.forEach((g, i) => {
      if (g === null && !options.allowUnused)
        throw new StateError(
          `grad: input ${i} of shape ${show(xs[i].shape)} was not used to compute the outputs; pass { allowUnused: true } to get null`,
        );
    });
    return found;
  });
}
