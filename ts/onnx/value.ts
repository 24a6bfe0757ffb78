// What flows along a graph's edges.
import type { Data } from '../backend.ts';
import { type DType, SIZE } from '../base/dtype.ts';
import { FormatError, StateError } from '../base/errors.ts';
import { type Shape, show, sizeOf } from '../base/shape.ts';
import { captureWith, capturing } from '../plan/capture.ts';
import type { Recorder } from '../plan/recorder.ts';
import { collecting } from '../tensor/core.ts';
import { backend, fromBytes, keep, noGrad, setBackend, type Tensor, tensor } from '../tensor/index.ts';
import { carrier, type ElemType, isNative, typeOf } from './types.ts';

/** Runs fn outside a capture in progress: what it computes is constant for the plan, what it reads may be read. */
export function outside<T>(fn: () => T): T {
  if (capturing() === null) return fn();
  const device = backend();
  const { inner } = device as Partial<Recorder>;
  if (inner === undefined) return fn();
  setBackend(inner);
  try {
    // A list of its own: the capture must not free what its plan will read.
    return collecting([], () => captureWith({ guards: [], cleared: new Set(), graded: new Map(), refused: null }, fn));
  } finally {
    setBackend(device);
  }
}

/** What a value's elements are on the host: numbers in the array of the carrier, or texts. */
export type Elements = Data | readonly string[];

/** A tensor of an element type. A known value is the same in every run of a kind: constants, shapes, and what follows from them. */
export class Value {
  readonly type: ElemType;
  readonly shape: Shape;
  readonly known: boolean;
  private elements: Elements | null;
  private bytes: Uint8Array | null;
  private made: Tensor | null;

  private constructor(
    type: ElemType,
    shape: Shape,
    known: boolean,
    elements: Elements | null,
    bytes: Uint8Array | null,
    made: Tensor | null,
  ) {
    this.type = type;
    this.shape = shape;
    this.known = known;
    this.elements = elements;
    this.bytes = bytes;
    this.made = made;
  }
  /** A tensor that runs may change. */
  static of(x: Tensor, type: ElemType = typeOf(x.dtype), known: boolean = false): Value {
    return new Value(type, x.shape, known, null, null, x);
  }
  /** Elements that are known. */
  static known(type: ElemType, shape: Shape, elements: Elements): Value {
    if (elements.length !== sizeOf(shape)) throw new FormatError(`onnx: ${elements.length} elements do not fill ${show(shape)}`);
    return new Value(type, shape, true, elements, null, null);
  }
  /** Known whole numbers. */
  static ints(list: readonly (number | bigint)[], shape: Shape = [list.length], type: 'int64' | 'int32' = 'int64'): Value {
    return Value.known(type, shape, type === 'int64' ? BigInt64Array.from(list, BigInt) : Int32Array.from(list, Number));
  }
  /** Known elements as the bytes of their carrier. */
  static raw(type: ElemType, shape: Shape, bytes: Uint8Array): Value {
    return new Value(type, shape, true, null, bytes, null);
  }

  get dtype(): DType {
    return carrier(this.type);
  }
  get size(): number {
    return sizeOf(this.shape);
  }
  /** The tensor; made where there is none yet. */
  tensor(): Tensor {
    if (this.made !== null && !this.made.disposed) return this.made;
    const { shape, dtype } = this;
    const make = (): Tensor =>
      this.bytes !== null ? fromBytes(this.bytes, shape, dtype) : tensor(this.elements as never, { shape, dtype });
    // What a capture makes is freed with it.
    if (capturing() !== null) return make();
    this.made = keep(noGrad(make));
    return this.made;
  }
  /** The elements. @throws StateError where they change from run to run and a plan is being captured */
  data(): Elements {
    if (this.elements !== null) return this.elements;
    if (!this.known && capturing() !== null && !outsideNow())
      throw new StateError('onnx: what runs next depends on the data of this run, which no plan can follow');
    this.elements = outside(() => {
      const x = this.tensor();
      return (x.rowMajor ? x : x.detach().contiguous()).dataSync();
    });
    return this.elements;
  }
  /** The elements as numbers. @throws FormatError for text and for whole numbers beyond 2^53 */
  numbers(): number[] {
    const data = this.data();
    if (this.type === 'string') throw new FormatError('onnx: text where numbers are needed');
    return Array.from(data as ArrayLike<number | bigint>, Number);
  }
  /** The texts. @throws FormatError for numbers */
  strings(): readonly string[] {
    if (this.type !== 'string') throw new FormatError(`onnx: ${this.type} where text is needed`);
    return this.data() as readonly string[];
  }
  /** The same tensor as a value of another run: what is known stays known. */
  as(type: ElemType): Value {
    return new Value(type, this.shape, this.known, this.elements, this.bytes, this.made);
  }
  /** Whether wick has the type itself. */
  get native(): boolean {
    return isNative(this.type);
  }
  /** Frees the tensor, if one was made. */
  dispose(): void {
    this.made?.dispose();
    this.made = null;
  }
  /** Bytes on the device. */
  get nbytes(): number {
    return this.type === 'string' ? 0 : this.size * SIZE[this.dtype];
  }
}
function outsideNow(): boolean {
  return !('inner' in (backend() as object));
}

/** A list of items. */
export class Sequence {
  readonly items: readonly Item[];
  /** The element type of its tensors. */
  readonly type: ElemType;
  constructor(items: readonly Item[], type: ElemType) {
    this.items = items;
    this.type = type;
  }
}
/** An optional that holds nothing. */
export const None: { readonly none: true } = { none: true };
/** What an edge carries. */
export type Item = Value | Sequence | typeof None;
