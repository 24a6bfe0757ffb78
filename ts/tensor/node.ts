import type { Storage } from '../backend.ts';
import { StateError } from '../base/errors.ts';
import type { Attrs, Meta, Op, Scalar } from '../ops/op.ts';
import { alias, type Tensor, type TensorCore } from './core.ts';

/** A value that a derivative will read: its storage is held, its version remembered. */
export interface Saved {
  readonly tensor: TensorCore;
  readonly storage: Storage;
  readonly version: number;
  /** Where the value comes from when its storage was given up (checkpoint); undefined: it is held. */
  again?: Again;
}

/** A value that is computed anew when a derivative asks for it. */
export interface Again {
  value(): TensorCore;
  release(): void;
}

/** Where a gradient goes next: an output of another node. */
export interface Edge {
  readonly node: Node;
  readonly nr: number;
}

/** Computes the gradients of a node's inputs from those of its outputs; null entries are "none". */
export type BackwardFn = (dys: readonly (Tensor | null)[], node: Node) => readonly (Tensor | null)[];

const listed = <T>(x: Meta | readonly T[]): x is readonly T[] => Array.isArray(x);

let sequence = 0;
let recorded: Node[] | null = null;

/** Runs fn and collects the nodes that it records. */
export function collectingNodes<T>(list: Node[], fn: () => T): T {
  const outer = recorded;
  recorded = list;
  try {
    return fn();
  } finally {
    recorded = outer;
    if (outer !== null) for (const node of list) outer.push(node);
  }
}

/** One recorded step of the graph. */
export class Node {
  readonly name: string;
  readonly edges: readonly (Edge | null)[];
  private readonly ins: Meta | readonly (Meta | Scalar | null)[];
  private readonly outs: Meta | readonly Meta[];
  readonly backward: BackwardFn;
  readonly order: number = sequence++;
  private first: Edge | null = null;
  op: Op | null = null;
  attrs: Attrs | null = null;
  saved: Saved[] | null = null;
  /** Operands that were plain numbers, where the derivative reads them. */
  constants: Record<string, unknown> | null = null;
  released = false;
  /** The leaf whose gradient this node accumulates; null for all others. */
  leaf: TensorCore | null = null;
  /** Tensors whose hooks see the gradient of an output; by output number. */
  watchers: (TensorCore | undefined)[] | null = null;

  /** `inputs`, `outputs`: their metadata; one for all where they are alike and there is one output. */
  constructor(
    name: string,
    edges: readonly (Edge | null)[],
    inputs: Meta | readonly (Meta | Scalar | null)[],
    outputs: Meta | readonly Meta[],
    backward: BackwardFn,
  ) {
    this.name = name;
    this.edges = edges;
    this.ins = inputs;
    this.outs = outputs;
    this.backward = backward;
    recorded?.push(this);
  }

  /** Metadata of the inputs, by which gradients are brought to their shape and dtype. */
  get inputs(): readonly (Meta | Scalar | null)[] {
    return listed(this.ins) ? this.ins : this.edges.map(() => this.ins as Meta);
  }
  get outputs(): readonly Meta[] {
    return listed(this.outs) ? this.outs : [this.outs];
  }
  /** Metadata of the first output. */
  get output(): Meta {
    return listed(this.outs) ? this.outs[0] : this.outs;
  }

  /** Where gradients of the first output go. */
  edge(): Edge {
    this.first ??= { node: this, nr: 0 };
    return this.first;
  }

  /** Keeps what is no tensor: a plain number, or null for what no wanted gradient reads. */
  remember(name: string, value: unknown): void {
    this.constants ??= {};
    this.constants[name] = value;
  }

  save(tensor: TensorCore): void {
    tensor.storage.retain();
    const saved = { tensor, storage: tensor.storage, version: tensor.storage.version };
    if (this.saved === null) this.saved = [saved];
    else this.saved.push(saved);
  }

  /** The i-th saved value. @throws StateError after its release or when it was overwritten since */
  value(i: number): TensorCore {
    if (this.saved === null || this.released)
      throw new StateError(
        `${this.name}: its saved values were freed by an earlier backward(); pass { retainGraph: true } to the first one to go back twice`,
      );
    const s = this.saved[i];
    if (s.again !== undefined) return s.again.value();
    if (s.storage.version !== s.version)
      throw new StateError(
        `${this.name}: the backward pass needs a value of shape [${s.tensor.shape.join(', ')}] that was changed in place (version ${s.storage.version}, saved at ${s.version}); clone() it before the change`,
      );
    return s.tensor.disposed ? twin(s.tensor, s.tensor) : s.tensor;
  }

  /** Lets go of the saved values. */
  release(): void {
    if (this.released) return;
    this.released = true;
    if (this.saved === null) return;
    for (const s of this.saved) (s.again ?? s.storage).release();
    this.saved = null;
  }
}

/** The data of one tensor at the place of another, which was disposed, in the graph. */
export function twin(data: TensorCore, place: TensorCore): Tensor {
  const x = alias(data, place.shape, data.strides, data.offset);
  x.node = place.node;
  x.outputNr = place.outputNr;
  x.accumulator = place.accumulator;
  x.requiresGrad = place.requiresGrad;
  return x;
}

let enabled = true;

/** Whether operations are recorded at this moment. */
export function isGradEnabled(): boolean {
  return enabled;
}
/** Turns recording on or off; returns what it was. */
export function setRecording(on: boolean): boolean {
  const before = enabled;
  enabled = on;
  return before;
}
/** Runs fn with recording on or off; async functions keep the mode until they settle only for their synchronous part. */
export function withGrad<T>(on: boolean, fn: () => T): T {
  const before = enabled;
  enabled = on;
  try {
    return fn();
  } finally {
    enabled = before;
  }
}
