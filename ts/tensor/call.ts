// The one way into an op: dtype and shape rules, the output's memory, the backend, the tape.
import { CATEGORY, DTYPES, type DType, SIZE } from '../base/dtype.ts';
import { DTypeError, ShapeError, StateError } from '../base/errors.ts';
import { broadcast, isDense, type Shape, sameShape, show, sizeOf } from '../base/shape.ts';
import { Memo } from '../ops/memo.ts';
import type { Arg, Attrs, KernelOp, MapOp, Meta, Op, Result, Scalar, ViewOp } from '../ops/op.ts';
import { alias, allocate, backend, type Tensor, TensorCore } from './core.ts';
import { isGradEnabled } from './node.ts';
import { mapDtype } from './promotion.ts';
import { noteWrite, record, rootOf, tracked } from './tape.ts';

type In = TensorCore | Scalar | null;

const MAP_ATTRS = Object.fromEntries(DTYPES.map((dtype) => [dtype, { dtype }])) as unknown as Record<DType, Attrs>;
function mapAttrs(dtype: DType): Attrs {
  return MAP_ATTRS[dtype];
}

function checkAlive(op: Op, inputs: readonly In[]): boolean {
  let grad = false;
  for (let i = 0; i < inputs.length; i++) {
    const x = inputs[i];
    if (typeof x !== 'object' || x === null) continue;
    if (x.disposed || x.storage.refs <= 0)
      throw new StateError(
        `${op.name}: a tensor of shape ${show(x.shape)} was disposed; keep it out of scope() or clone it before dispose()`,
      );
    if (tracked(x)) grad = true;
  }
  return grad && isGradEnabled();
}

/** Strides of an elementwise result: the memory format of the first operand of full shape if it is dense, else row-major. */
function formatOf(inputs: readonly In[], shape: Shape): Shape | undefined {
  for (const x of inputs) {
    if (!(x instanceof TensorCore) || !sameShape(x.shape, shape)) continue;
    return x.rowMajor || !isDense(x) ? undefined : x.strides;
  }
  return undefined;
}

/** Dtypes in which the common case computes: their operands need no conversion. */
const isDirect = (dtype: DType): boolean => dtype === 'float32' || dtype === 'float64';

/** Whether x, a tensor, is as the common case needs it. */
function isPlain(x: TensorCore, first: TensorCore): boolean {
  return x.rowMajor && x.dtype === first.dtype && sameShape(x.shape, first.shape) && !x.disposed && x.storage.refs > 0;
}
const isTracked = (x: In): boolean => typeof x === 'object' && x !== null && (x.requiresGrad || (x.origin !== null && tracked(x)));

/** The common case: row-major operands of one shape and dtype that the op computes in; null where a rule has to decide. */
function callDense(op: MapOp, a: In, b: In, c: In): Tensor | null {
  if (!op.dense || typeof a !== 'object' || a === null || !isDirect(a.dtype) || !isPlain(a, a)) return null;
  if (typeof b === 'object' && b !== null && b !== a && !isPlain(b, a)) return null;
  if (typeof c === 'object' && c !== null && !isPlain(c, a)) return null;
  const { shape, dtype, strides } = a;
  const device = backend();
  if (device.routes) return null;
  const n = sizeOf(shape);
  const out = new TensorCore(device.alloc(n * SIZE[dtype]), 0, shape, strides, dtype, true) as Tensor;
  try {
    device.runDense(op, a, b, c, dtype, out, n);
  } catch (error) {
    out.dispose();
    throw error;
  }
  if (op.vjp !== null && isGradEnabled() && (isTracked(a) || isTracked(b) || isTracked(c)))
    record(op, operandsOf(op, a, b, c), MAP_ATTRS[dtype], [out]);
  return out;
}
function operandsOf(op: MapOp, a: In, b: In, c: In): readonly In[] {
  const n = op.inputs.length;
  return n === 1 ? [a] : n === 2 ? [a, b] : [a, b, c];
}

/** Bits that a number beside a narrow integer tensor is cut to. */
const NARROW: Partial<Record<DType, number>> = { int8: 24, uint8: 24, int16: 16 };

/**
 * Operands as the dtype of the computation holds them, as PyTorch does: numbers and zero-dimensional tensors of a wider dtype of the
 * same category are converted first, so that -1 beside uint8 is 255.
 */
function fitted(op: MapOp, inputs: readonly In[], dtype: DType): readonly In[] {
  const bits = NARROW[dtype];
  if (SIZE[dtype] > 4 || dtype === 'bool') return inputs;
  let result: In[] | null = null;
  for (let i = 0; i < inputs.length; i++) {
    const x = inputs[i];
    if (x === null || typeof x === 'boolean' || op.masks.includes(i)) continue;
    let y: In = x;
    if (x instanceof TensorCore) {
      if (x.shape.length === 0 && x.dtype !== dtype && CATEGORY[x.dtype] === CATEGORY[dtype]) y = castTo(x, dtype);
    } else if (bits !== undefined) {
      const low = typeof x === 'bigint' ? Number(BigInt.asIntN(32, x)) : x;
      y = dtype === 'uint8' ? (low << bits) >>> bits : (low << bits) >> bits;
    }
    if (y === x) continue;
    if (result === null) result = [...inputs];
    result[i] = y;
  }
  return result ?? inputs;
}

/** Runs an elementwise op on a list of operands. */
export function callMap(op: MapOp, operands: readonly In[]): Tensor {
  return callDense(op, operands[0], operands[1] ?? null, operands[2] ?? null) ?? callAny(op, operands);
}
/** Runs an elementwise op on as many operands as its row names. */
export function applyMap(op: MapOp, a: In, b: In = null, c: In = null): Tensor {
  return callDense(op, a, b, c) ?? callAny(op, operandsOf(op, a, b, c));
}
function callAny(op: MapOp, operands: readonly In[]): Tensor {
  const grad = checkAlive(op, operands);
  const dtype = mapDtype(op, operands);
  const inputs = fitted(op, operands, dtype);
  let shape: Shape | null = null;
  for (const x of inputs) {
    if (!(x instanceof TensorCore)) continue;
    shape = shape === null || shape === x.shape ? x.shape : broadcast(op.name, shape, x.shape);
  }
  const full = shape as Shape;
  const out = allocate(full, op.out === 'bool' ? 'bool' : dtype, formatOf(inputs, full), op, inputs);
  const attrs = mapAttrs(dtype);
  runInto(op, inputs as never, attrs, [out]);
  if (grad && op.vjp !== null && CATEGORY[out.dtype] === 2) record(op, inputs, attrs, [out]);
  return out;
}

/** Runs an elementwise op and writes its result into `out` (which may be one of the inputs), in out's dtype. */
export function callMapInto(op: MapOp, operands: readonly In[], out: Tensor, name: string = `${op.name}_`): Tensor {
  const grad = checkAlive(op, [...operands, out]);
  const dtype = operands.some((x) => x instanceof TensorCore) ? mapDtype(op, operands) : out.dtype;
  const inputs = fitted(op, operands, dtype);
  let shape: Shape = out.shape;
  for (const x of inputs) if (x instanceof TensorCore) shape = broadcast(name, shape, x.shape);
  if (!sameShape(shape, out.shape))
    throw new ShapeError(
      `${name}: the result has shape ${show(shape)}, the tensor to change in place ${show(out.shape)}; use ${op.name} instead`,
    );
  const result = op.out === 'bool' ? 'bool' : dtype;
  if (CATEGORY[result] > CATEGORY[out.dtype])
    throw new DTypeError(`${name}: the result is ${result} and does not fit a ${out.dtype} tensor in place; use ${op.name} instead`);
  checkWritable(name, out, grad);
  const attrs = mapAttrs(dtype);
  const recorded = grad && op.vjp !== null && CATEGORY[result] === 2;
  noteWrite(op, inputs, attrs, out, recorded, () => backend().run(op, inputs as never, attrs, [out]));
  return out;
}

/** In-place changes that the graph forbids. @throws StateError */
export function checkWritable(name: string, out: TensorCore, grad: boolean): void {
  if (out.storage.refs <= 0 || out.disposed) throw new StateError(`${name}: the tensor was disposed`);
  if (grad && out.requiresGrad && out.isLeaf && out.origin === null)
    throw new StateError(
      `${name}: a leaf that requires grad cannot be changed in place while recording; use noGrad(() => ...) or detach()`,
    );
  if (grad && out.origin !== null && isLeafBase(out))
    throw new StateError(`${name}: a view of a leaf that requires grad cannot be changed in place while recording; use noGrad(() => ...)`);
  for (let d = 0; d < out.shape.length; d++)
    if (out.strides[d] === 0 && out.shape[d] > 1)
      throw new StateError(`${name}: the tensor's elements share memory (it was expanded); clone() it first`);
}

function isLeafBase(x: TensorCore): boolean {
  const base = rootOf(x);
  return base.requiresGrad && base.isLeaf;
}

/** Makes a view; null where the strides forbid it. */
export function tryView(op: ViewOp, x: TensorCore, attrs: Attrs): Tensor | null {
  const grad = checkAlive(op, [x]);
  const v = op.view(x, attrs);
  if (v === null) return null;
  const out = alias(x, v.shape, v.strides, x.offset + v.offset);
  out.origin = { parent: x, op, attrs };
  out.rebases = rootOf(x).rebases;
  if (grad && op.vjp !== null && CATEGORY[out.dtype] === 2) record(op, [x], attrs, [out]);
  return out;
}

/** Runs an op into fresh outputs, which are freed at once if it fails. */
function runInto(op: Op, inputs: readonly In[], attrs: Attrs, outs: readonly Tensor[]): void {
  try {
    backend().run(op, inputs as never, attrs, outs);
  } catch (error) {
    for (const y of outs) y.dispose();
    throw error;
  }
}
/** Outputs of a kernel: all of them or, where memory runs out, none. */
function allocateAll(results: readonly Result[], op: Op, inputs: readonly In[], attrs: Attrs): Tensor[] {
  const outs: Tensor[] = [];
  try {
    for (const r of results) outs.push(allocate(r.shape, r.dtype, r.strides, op, inputs, attrs));
  } catch (error) {
    for (const y of outs) y.dispose();
    throw error;
  }
  return outs;
}

const inferred = new Memo<readonly Result[]>();
const NONE: readonly Meta[] = [];

/** Runs an op with a kernel of its own. */
export function callKernel(op: KernelOp, inputs: readonly (TensorCore | null)[], attrs: Attrs): Tensor[] {
  const grad = checkAlive(op, inputs);
  let results = inferred.find(op, inputs, NONE, attrs);
  if (results === null) {
    results = op.infer(inputs as never, attrs);
    if (inferred.takes(op, attrs)) inferred.note(op, inputs, NONE, attrs, results);
  }
  const outs = allocateAll(results, op, inputs, attrs);
  if (outs.length === 0 || outs.some((o) => sizeOf(o.shape) > 0) || op.mutates !== undefined) runInto(op, inputs as never, attrs, outs);
  if (op.mutates !== undefined) for (const name of op.mutates) bump(inputs[op.inputs.findIndex((i) => i.replace('?', '') === name)]);
  if (grad && op.vjp !== null) {
    const first = outs.find((o) => CATEGORY[o.dtype] === 2);
    if (first) record(op, inputs, attrs, outs);
  }
  return outs;
}
function bump(x: TensorCore | null): void {
  if (x) x.storage.version++;
}

/** The signature under which a row's derivative calls any op: operands, then the attrs object. */
export function invoke(op: Op, args: readonly unknown[]): Tensor | Tensor[] {
  if (op.kind === 'map') return callMap(op, args as In[]);
  if (op.kind === 'view') {
    const [x, attrs] = args as [TensorCore, Attrs];
    const v = tryView(op, x, attrs);
    if (v !== null) return v;
    return tryView(op, contiguousCopy(x), attrs) as Tensor;
  }
  const n = op.inputs.length;
  const outs = callKernel(op, args.slice(0, n) as (TensorCore | null)[], (args[n] ?? {}) as Attrs);
  return op.outputs.length === 1 ? outs[0] : outs;
}

let copyOp: MapOp | null = null;
/** Names the identity op, which copies and casts. */
export function setCopyOp(op: MapOp): void {
  copyOp = op;
}
/** A row-major copy, recorded. */
export function contiguousCopy(x: TensorCore): Tensor {
  const op = copyOp as MapOp;
  const grad = checkAlive(op, [x]);
  const out = allocate(x.shape, x.dtype, undefined, op, [x]);
  const attrs = mapAttrs(x.dtype);
  runInto(op, [x], attrs, [out]);
  if (grad && CATEGORY[out.dtype] === 2) record(op, [x], attrs, [out]);
  return out;
}
/** A copy in another dtype, recorded between floating-point dtypes. */
export function castTo(x: TensorCore, dtype: DType): Tensor {
  const op = copyOp as MapOp;
  const grad = checkAlive(op, [x]);
  const out = allocate(x.shape, dtype, x.rowMajor || !isDense(x) ? undefined : x.strides, op, [x]);
  const attrs = mapAttrs(x.dtype);
  runInto(op, [x], attrs, [out]);
  if (grad && CATEGORY[out.dtype] === 2) record(op, [x], attrs, [out]);
  return out;
}

export type { Arg };
