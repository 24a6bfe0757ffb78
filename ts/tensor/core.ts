import type { Backend, Storage, View } from '../backend.ts';
import { asDType, type DType, SIZE } from '../base/dtype.ts';
import { DeviceError } from '../base/errors.ts';
import { contiguousStrides, isContiguous, type Shape, sizeOf } from '../base/shape.ts';
import type { Attrs, Op, ViewOp } from '../ops/op.ts';
import { capturing } from '../plan/capture.ts';
import type { Methods } from './gen/methods.ts';
import type { Node } from './node.ts';

let current: Backend | null = null;

/** Names the device that new tensors live on; the composition root calls it once. */
export function setBackend(backend: Backend): void {
  current = backend;
}
/** The device in use. @throws DeviceError before one was named */
export function backend(): Backend {
  if (current === null) throw new DeviceError("wick: no device; import 'wick' before using its parts");
  return current;
}

/** How a view was made from its parent: what a change in place through it must rebase. */
export interface ViewOrigin {
  readonly parent: TensorCore;
  readonly op: ViewOp;
  readonly attrs: Readonly<Record<string, unknown>>;
}

let made: TensorCore[] | null = null;

/** The data of a tensor: where its elements lie and its place in the graph. Methods come from gen/methods.ts. */
export class TensorCore implements View {
  readonly storage: Storage;
  readonly offset: number;
  readonly shape: Shape;
  readonly strides: Shape;
  readonly dtype: DType;
  readonly rowMajor: boolean;
  requiresGrad = false;
  /** Accumulated gradient of a leaf (or of a tensor that retains its gradient). */
  grad: Tensor | null = null;
  /** The step of the graph that made this tensor; null: a leaf, or outside any graph. Read it with nodeOf. */
  node: Node | null = null;
  /** Which of the node's outputs this is. */
  outputNr = 0;
  origin: ViewOrigin | null = null;
  /** In-place changes of a base that moved its graph; a view whose number is older takes its node anew. */
  rebases = 0;
  /** Gradient hooks and retained gradients; null until there is one. */
  hooks: ((grad: Tensor) => Tensor | undefined)[] | null = null;
  retainsGrad = false;
  accumulator: Node | null = null;
  disposed = false;

  constructor(storage: Storage, offset: number, shape: Shape, strides: Shape, dtype: DType, rowMajor: boolean) {
    this.storage = storage;
    this.offset = offset;
    this.shape = shape;
    this.strides = strides;
    this.dtype = dtype;
    this.rowMajor = rowMajor;
    if (made !== null) made.push(this);
  }

  /** The device that holds the data. */
  get device(): string {
    return this.storage.device;
  }
  /** Number of dimensions. */
  get ndim(): number {
    return this.shape.length;
  }
  /** Number of elements. */
  get numel(): number {
    return sizeOf(this.shape);
  }
  /** Whether the tensor was not made by a recorded operation. */
  get isLeaf(): boolean {
    return this.node === null;
  }
  /** Bytes that the elements take (not those of the storage that they lie in). */
  get nbytes(): number {
    return sizeOf(this.shape) * SIZE[this.dtype];
  }

  /** Frees the memory now (or when its last view is disposed). Using the tensor afterwards is a StateError. */
  dispose(): void {
    if (this.disposed) return;
    this.disposed = true;
    this.storage.release();
  }
}

/** A multi-dimensional array with a gradient: PyTorch's Tensor. */
export interface Tensor extends TensorCore, Methods {
  [Symbol.dispose](): void;
}

/** The class behind `instanceof`; tensors are made by functions such as `tensor`, `zeros` and `rand`. */
export const Tensor: { readonly prototype: Tensor; [Symbol.hasInstance](x: unknown): x is Tensor } = TensorCore as never;

Object.defineProperty(TensorCore.prototype, Symbol.dispose ?? Symbol.for('Symbol.dispose'), {
  value(this: TensorCore) {
    this.dispose();
  },
});

/** A tensor over a fresh storage of the current device; strides default to row-major. */
export function allocate(shape: Shape, dtype: DType, strides?: Shape, op?: Op, inputs?: readonly unknown[], attrs?: Attrs): Tensor {
  if (!(dtype in SIZE)) asDType(dtype);
  const storage = backend().alloc(sizeOf(shape) * SIZE[dtype], op, inputs, attrs);
  if (strides === undefined) return new TensorCore(storage, 0, shape, contiguousStrides(shape), dtype, true) as Tensor;
  return new TensorCore(storage, 0, shape, strides, dtype, isContiguous(shape, strides)) as Tensor;
}

/** Another tensor on the same storage, outside any graph. */
export function alias(x: TensorCore, shape: Shape, strides: Shape, offset: number): Tensor {
  x.storage.retain();
  return new TensorCore(x.storage, offset, shape, strides, x.dtype, isContiguous(shape, strides)) as Tensor;
}

/** Runs fn and collects the tensors that it makes; for scopes and for the backward pass. */
export function collecting<T>(list: TensorCore[], fn: () => T): T {
  const outer = made;
  made = list;
  try {
    return fn();
  } finally {
    made = outer;
  }
}
/** Takes a tensor out of the collection in progress, so that no scope frees it. */
export function adopt(x: TensorCore): void {
  if (made === null) return;
  const i = made.lastIndexOf(x);
  if (i >= 0) made.splice(i, 1);
}
/** Adds a tensor to the collection in progress: it lives as long as the enclosing scope. */
export function enlist(x: TensorCore): void {
  if (made !== null) made.push(x);
}

const kept = new WeakSet<TensorCore>();

/** Exempts a tensor from every scope: it is freed by dispose() or when nothing reaches it. Returns it. */
export function keep<T extends TensorCore>(x: T): T {
  kept.add(x);
  return x;
}

/** Drops a tensor's gradient; no longer anyone's gradient, it is freed with the enclosing scope. @example clearGrad(w) */
export function clearGrad(x: TensorCore): void {
  capturing()?.cleared.add(x);
  const grad = x.grad as TensorCore | null;
  x.grad = null;
  if (grad !== null && kept.delete(grad)) enlist(grad);
}

function reachable(value: unknown, found: Set<TensorCore>, depth: number): void {
  if (value instanceof TensorCore) {
    found.add(value);
    if (value.grad) found.add(value.grad as unknown as TensorCore);
  } else if (depth > 0 && value !== null && typeof value === 'object') {
    const parts = value instanceof Map ? value.values() : Array.isArray(value) ? value : Object.values(value);
    for (const part of parts) reachable(part, found, depth - 1);
  }
}

/**
 * Runs fn and frees every tensor made in it, except those that it returns (directly or inside arrays, maps and plain objects),
 * gradients, optimiser state and what `keep` exempted. Scopes nest: what a scope returns belongs to the outer one.
 * @example scope(() => x.mul(2).add(1).sum())
 */
export function scope<T>(fn: () => T): T {
  const list: TensorCore[] = [];
  let result: T;
  try {
    result = collecting(list, fn);
  } catch (error) {
    for (const t of list) if (!kept.has(t)) t.dispose();
    throw error;
  }
  if (result instanceof Promise) {
    return result.then((value) => {
      leave(list, value);
      return value;
    }) as T;
  }
  leave(list, result);
  return result;
}
/** Ends a scope: frees what was made in it but for its result, which the outer scope takes over, and what is exempted, which it returns. */
export function leave(list: readonly TensorCore[], result: unknown): TensorCore[] {
  let found: Set<TensorCore> | null = null;
  if (result) reachable(result, (found = new Set()), 4);
  const exempt: TensorCore[] = [];
  for (const t of list) {
    if (t.disposed) continue;
    if (kept.has(t)) exempt.push(t);
    else if (found?.has(t)) enlist(t);
    else t.dispose();
  }
  return exempt;
}
