// Operations with a derivative of the user's own: torch.autograd.Function.
import { CATEGORY } from '../base/dtype.ts';
import { ShapeError, StateError } from '../base/errors.ts';
import { sameShape, show } from '../base/shape.ts';
import type { Meta } from '../ops/op.ts';
import { alias, type Tensor, TensorCore } from './core.ts';
import { derivativeOps } from './derivatives.ts';
import { isGradEnabled, Node, withGrad } from './node.ts';
import { attach, edgeOf, metaOf } from './tape.ts';

/** What forward may be given: tensors, and constants of any kind. */
// biome-ignore lint/suspicious/noExplicitAny: constants are the user's
export type FunctionInput = any;
type Gradients = Tensor | null | undefined | readonly (Tensor | null | undefined)[];

/** What passes from forward to backward: tensors through saveForBackward, anything else as properties. */
export class FunctionContext {
  /** Which inputs of forward want a gradient, one entry for each. */
  needsInputGrad: readonly boolean[] = [];
  // biome-ignore lint/suspicious/noExplicitAny: properties are the user's
  [name: string]: any;
  /** The tensors of saveForBackward. @throws StateError after their release, or when one was changed in place since */
  get savedTensors(): (Tensor | null)[] {
    const { saved, node } = hidden(this);
    let i = 0;
    return saved.map((x) => (x === null ? null : node === null ? x : (node.value(i++) as Tensor)));
  }
  /** Keeps inputs, outputs or intermediate results for backward. @example ctx.saveForBackward(x, y) */
  saveForBackward(...tensors: (Tensor | null)[]): void {
    hidden(this).saved = tensors;
  }
  /** Says that outputs have no gradient. @example ctx.markNonDifferentiable(indices) */
  markNonDifferentiable(...tensors: Tensor[]): void {
    for (const x of tensors) hidden(this).constant.add(x);
  }
}

interface Hidden {
  saved: readonly (Tensor | null)[];
  readonly constant: Set<Tensor>;
  node: Node | null;
}
const parts = new WeakMap<FunctionContext, Hidden>();
function hidden(ctx: FunctionContext): Hidden {
  return parts.get(ctx) as Hidden;
}

interface Forward<A extends readonly FunctionInput[], R> {
  readonly name: string;
  forward(ctx: FunctionContext, ...inputs: A): R;
  backward(ctx: FunctionContext, ...grads: Tensor[]): Gradients;
}

/**
 * An operation with a derivative of your own. forward runs unrecorded; backward gets one gradient per output (zeros where none came)
 * and returns one per input of forward, null for constants. Written in differentiable operations, backward can be differentiated again.
 * @example
 * class Cube extends Function {
 *   static forward(ctx, x) { ctx.saveForBackward(x); return x.mul(x).mul(x); }
 *   static backward(ctx, dy) { const [x] = ctx.savedTensors; return dy.mul(x.mul(x).mul(3)); }
 * }
 * Cube.apply(tensor([2], { requiresGrad: true })) // [8]; its gradient is 12
 */
// biome-ignore lint/suspicious/noShadowRestrictedNames: PyTorch's name
export class Function {
  /** Computes the result: a tensor or an array of tensors. @throws StateError unless overridden */
  static forward(_ctx: FunctionContext, ..._inputs: FunctionInput[]): Tensor | Tensor[] {
    throw new StateError('Function: forward is not defined; give the class a static forward(ctx, ...inputs)');
  }
  /** Computes the gradients of forward's inputs. @throws StateError unless overridden */
  static backward(_ctx: FunctionContext, ..._grads: Tensor[]): Gradients {
    throw new StateError('Function: backward is not defined; give the class a static backward(ctx, ...grads)');
  }
  /** Runs forward and records it with backward as its derivative. @throws ShapeError in backward() where a gradient does not fit its input */
  static apply<A extends readonly FunctionInput[], R extends Tensor | readonly Tensor[]>(this: Forward<A, R>, ...inputs: A): R {
    const ctx = new FunctionContext();
    const own: Hidden = { saved: [], constant: new Set(), node: null };
    parts.set(ctx, own);
    const edges = inputs.map((x) => (isGradEnabled() ? edgeOf(x) : null));
    ctx.needsInputGrad = edges.map((e) => e !== null);
    const result = withGrad(false, () => this.forward(ctx, ...inputs));
    const list: readonly Tensor[] = result instanceof TensorCore ? [result as Tensor] : (result as readonly Tensor[]);
    if (!edges.some((e) => e !== null)) return result;
    // An input that comes back as it was gets a node of its own on a second tensor.
    const outs = list.map((y) => (inputs.includes(y) ? alias(y, y.shape, y.strides, y.offset) : y));
    const metas = inputs.map((x) => (x instanceof TensorCore ? metaOf(x) : null));
    const node: Node = new Node(
      this.name,
      edges,
      metas,
      outs.map((y) => metaOf(y) as Meta),
      (dys) => {
        const full = outs.map((_, i) => dys[i] ?? (derivativeOps().zerosOf(node.outputs[i]) as Tensor));
        return checked(this.name, this.backward(ctx, ...full), metas as readonly (Meta | null)[]);
      },
    );
    own.node = node;
    attach(
      node,
      outs.filter((_, i) => !own.constant.has(list[i])),
      outs.flatMap((_, i) => (own.constant.has(list[i]) ? [] : [i])),
    );
    own.saved = own.saved.map((x) => (x === null ? null : (outs[list.indexOf(x)] ?? x)));
    for (const x of own.saved) if (x !== null) node.save(x);
    return (result instanceof TensorCore ? outs[0] : outs) as R;
  }
}

function checked(name: string, given: Gradients, inputs: readonly (Meta | null)[]): (Tensor | null)[] {
  const list = given instanceof TensorCore || given === null || given === undefined ? [given as Tensor | null | undefined] : given;
  if ((list as readonly unknown[]).length !== inputs.length)
    throw new StateError(
      `${name}: backward returned ${(list as readonly unknown[]).length} gradients for ${inputs.length} inputs of forward; return one for each, null for constants`,
    );
  return (list as readonly (Tensor | null | undefined)[]).map((g, i) => {
    const x = inputs[i];
    if (!g || x === null) return null;
    if (CATEGORY[x.dtype] !== 2) return null;
    if (!sameShape(g.shape, x.shape))
      throw new ShapeError(
        `${name}: backward returned a gradient of shape ${show(g.shape)} for input ${i} of shape ${show(x.shape)}; they must be equal`,
      );
    return g;
  });
}
