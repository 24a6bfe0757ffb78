// Less memory for more time: values that a derivative needs are freed after the forward pass and computed again.
import { StateError } from '../base/errors.ts';
import { show } from '../base/shape.ts';
import { alias, collecting, scope, TensorCore } from './core.ts';
import { defaultGenerator } from './generator.ts';
import { type Again, collectingNodes, isGradEnabled, type Node, type Saved, twin, withGrad } from './node.ts';

type Argument = unknown;

/** One checkpointed call: what it takes to run it again, and what that gave. */
class Frame {
  private readonly fn: (...inputs: never[]) => unknown;
  private readonly inputs: readonly Argument[];
  private readonly versions: readonly number[];
  private readonly random = defaultGenerator().getState();
  /** Saved values of the first run by node; what is left of the second run under the same numbers. */
  private count = 0;
  private waiting = 0;
  private found: (readonly Saved[])[] | null = null;

  constructor(fn: (...inputs: never[]) => unknown, inputs: readonly Argument[]) {
    this.fn = fn;
    // The call holds its inputs, whoever disposes them.
    this.inputs = inputs.map((x) => (x instanceof TensorCore ? held(x) : x));
    this.versions = inputs.map((x) => (x instanceof TensorCore ? x.storage.version : 0));
  }

  /** Frees every saved value that only this call made. */
  give(nodes: readonly Node[]): void {
    const saving = nodes.filter((n) => n.saved !== null);
    this.count = saving.length;
    saving.forEach((node, i) => {
      node.saved?.forEach((s, k) => {
        if (!s.tensor.disposed || s.again !== undefined) return;
        this.waiting++;
        s.storage.release();
        s.again = this.again(s.tensor, i, k);
      });
    });
    if (this.waiting === 0) this.close();
  }

  private again(tensor: TensorCore, i: number, k: number): Again {
    return {
      value: () => {
        if (this.found === null) this.run();
        const s = (this.found as (readonly Saved[])[])[i][k];
        return twin(s.again === undefined ? s.tensor : s.again.value(), tensor);
      },
      release: () => {
        if (--this.waiting === 0) this.close();
      },
    };
  }

  private run(): void {
    this.inputs.forEach((x, i) => {
      if (x instanceof TensorCore && x.storage.version !== this.versions[i])
        throw new StateError(
          `checkpoint: input ${i} of shape ${show(x.shape)} was changed in place since the forward pass; clone() it before the change`,
        );
    });
    const nodes: Node[] = [];
    const made: TensorCore[] = [];
    const generator = defaultGenerator();
    const now = generator.getState();
    generator.setState(this.random);
    try {
      collecting(made, () => collectingNodes(nodes, () => withGrad(true, () => this.fn(...(this.inputs.map(leaf) as never[])))));
    } finally {
      generator.setState(now);
    }
    const saving = nodes.filter((n) => n.saved !== null);
    if (saving.length !== this.count)
      throw new StateError(
        `checkpoint: the function recorded ${saving.length} operations that save values when it ran again, ${this.count} the first time; it must do the same both times`,
      );
    this.found = saving.map((n) => n.saved as readonly Saved[]);
    for (const x of made) x.dispose();
  }

  private close(): void {
    for (const list of this.found ?? []) for (const s of list) (s.again ?? s.storage).release();
    this.found = null;
    for (const x of this.inputs) if (x instanceof TensorCore) x.dispose();
  }
}

function held(x: TensorCore): TensorCore {
  const copy = alias(x, x.shape, x.strides, x.offset);
  copy.requiresGrad = x.requiresGrad;
  return copy;
}
/** An input of the second run: the same data at the start of a graph of its own. */
function leaf(x: Argument): Argument {
  return x instanceof TensorCore ? held(x) : x;
}

/**
 * Runs fn without keeping the values in between for the backward pass, which computes them again: the same result and the same gradients
 * (those of tensors that fn closes over, too) for less memory and one more forward pass. The default generator draws the same numbers both
 * times. What fn makes and does not return is freed, as in scope().
 * @throws StateError in backward() if an input was changed in place or fn did something else the second time
 * @example const y = checkpoint((x) => layer2(layer1(x).relu()), x)
 */
export function checkpoint<A extends readonly Argument[], R>(fn: (...inputs: A) => R, ...inputs: A): R {
  if (!isGradEnabled()) return fn(...inputs);
  const frame = collecting([], () => new Frame(fn as never, inputs));
  const nodes: Node[] = [];
  const result = collectingNodes(nodes, () => scope(() => fn(...inputs)));
  frame.give(nodes);
  return result;
}
