// How calls become steps: operands are brought into the dtypes and layouts that kernels ask for. What becomes of a step is its maker's.
import { type Input, isView, type Storage, sameView, type View } from '../backend.ts';
import { COMPUTE, type DType, SIZE } from '../base/dtype.ts';
import { DeviceError, IndexError, MemoryError, WickError } from '../base/errors.ts';
import { channelsLastStrides, contiguousStrides, isChannelsLast, isContiguous, isDense, type Shape, sizeOf } from '../base/shape.ts';
import { type Attrs, type KernelOp, type Layout, type Lowered, type MapOp, type Meta, mutates, type Op } from '../ops/op.ts';
import { TABLE } from '../ops/table.ts';
import { address, encodeKernel, encodeMap } from './encode.ts';
import type { Words } from './space.ts';

const copy = TABLE.copy as MapOp;

/** A temporary operand: a contiguous or channels-last copy in memory that lives within one call. */
class Temp implements View {
  readonly shape: Shape;
  readonly strides: Shape;
  readonly dtype: DType;
  readonly offset = 0;
  readonly rowMajor: boolean;
  readonly storage: Storage;
  constructor(storage: Storage, shape: Shape, strides: Shape, dtype: DType) {
    this.storage = storage;
    this.shape = shape;
    this.strides = strides;
    this.dtype = dtype;
    this.rowMajor = isContiguous(shape, strides);
  }
}

/** A call of a kernel: its operands as given and as the kernel wants them, and what its row makes of that. */
export interface KernelCall {
  readonly op: KernelOp;
  readonly inputs: readonly (View | null)[];
  readonly wanted: readonly (Meta | null)[];
  readonly attrs: Attrs;
  readonly outputs: readonly View[];
  /** What the kernel writes: the outputs, or temporaries in its own dtype. */
  readonly results: readonly View[];
  readonly lowered: Lowered;
  /** The inputs as the kernel wants them; number `packed` is not read and stays as it is. */
  ready(packed: number): (View | null)[];
}

/** Makes steps of calls, each at STEP. */
export abstract class Steps {
  abstract readonly memory: Words;
  /** Opcodes of kernels that stand in for those of rows, by names. */
  abstract readonly opcodes: Readonly<Record<string, number>>;
  /** Takes the map step that was just written. */
  protected abstract mapped(op: MapOp, tiles: number, operands: readonly Input[]): void;
  /** Writes the step of a kernel by `encode` and takes it. */
  protected abstract kernel(call: KernelCall): void;
  protected abstract temporary(bytes: number): Storage;

  run(op: Op, inputs: readonly Input[], attrs: Attrs, outputs: readonly View[]): void {
    if (op.kind === 'map') this.runMap(op, inputs, (attrs as { dtype: DType }).dtype, outputs[0]);
    else if (op.kind === 'kernel') this.runKernel(op, inputs, attrs, outputs);
    else throw new DeviceError(`${op.name}: a view is no step`);
  }

  protected runMap(op: MapOp, inputs: readonly Input[], dtype: DType, out: View): void {
    const n = sizeOf(out.shape);
    if (n === 0) return;
    if (n >= 0x7fffffff) throw new MemoryError(`${op.name}: ${n} elements in one operation; at most 2147483646`);
    for (let i = 0; i < inputs.length; i++)
      if (overlaps(inputs[i], out)) {
        this.runApart(op, inputs, dtype, out, n);
        return;
      }
    this.runSteps(op, inputs, dtype, out, n);
  }

  private runSteps(op: MapOp, inputs: readonly Input[], dtype: DType, out: View, n: number): void {
    this.mapped(op, encodeMap(this.memory, op, inputs, dtype, out, n), [out, ...inputs]);
  }

  /** A write whose inputs share memory with it in another arrangement: they are copied first. */
  private runApart(op: MapOp, inputs: readonly Input[], dtype: DType, out: View, n: number): void {
    const temps: Temp[] = [];
    try {
      const safe = inputs.map((x) => (overlaps(x, out) ? this.temporaryOf(x as View, temps) : x));
      this.runSteps(op, safe, dtype, out, n);
    } finally {
      for (const t of temps) t.storage.release();
    }
  }

  protected runKernel(op: KernelOp, given: readonly Input[], attrs: Attrs, outputs: readonly View[]): void {
    const metas = given as readonly Meta[];
    const loads = op.loads(metas, attrs);
    const temps: Temp[] = [];
    const back: [View, View][] = [];
    const inputs = given.map((x) => (isView(x) ? x : null));
    try {
      const wanted = inputs.map((x, i) => {
        const wish = typeof loads === 'string' ? loads : loads[i];
        return x && asWanted(x, wish === 'same' ? x.dtype : wish, layoutOf(op.layout, x, i, metas, attrs));
      });
      const main = typeof loads === 'string' ? loads : loads[0] === 'same' ? metas[0].dtype : loads[0];
      const writes = op.writes?.(metas, attrs) ?? outputs.map(() => main);
      const results = outputs.map((y, i) => (y.dtype === writes[i] ? y : this.fresh(y.shape, y.strides, writes[i], temps)));
      const lowered = op.lower(wanted, results, attrs);
      const ready = (packed: number): (View | null)[] =>
        inputs.map((x, i) => {
          if (x === null || i === packed) return x;
          const own = this.prepared(x, wanted[i] as Meta, temps);
          if (own !== x && mutates(op, i)) back.push([own, x]);
          return own;
        });
      if (lowered.tiles.length > 0) this.kernel({ op, inputs, wanted, attrs, outputs, results, lowered, ready });
      results.forEach((r, i) => {
        if (r !== outputs[i]) this.cast(r, outputs[i]);
      });
      for (const [from, to] of back) this.cast(from, to);
    } finally {
      for (const t of temps) t.storage.release();
    }
  }

  /** Writes the step of a kernel whose inputs are ready. */
  protected encode({ op, results, lowered }: KernelCall, ready: readonly (View | null)[], workspace: number): void {
    const operands = [...results, ...ready].map((v) => v && { address: address(v), dtype: v.dtype });
    operands.push({ address: workspace, dtype: 'uint8' });
    encodeKernel(this.memory, this.opcodes[op.name] ?? op.opcode, operands, lowered);
  }

  /** The view itself if it is as the kernel wants it, else a converted copy. */
  private prepared(x: View, wanted: Meta, temps: Temp[]): View {
    if (wanted === x) return x;
    const t = this.fresh(x.shape, wanted.strides, wanted.dtype, temps);
    this.cast(x, t);
    return t;
  }

  private temporaryOf(x: View, temps: Temp[]): View {
    const t = this.fresh(x.shape, contiguousStrides(x.shape), x.dtype, temps);
    this.cast(x, t);
    return t;
  }

  private fresh(shape: Shape, strides: Shape, dtype: DType, temps: Temp[]): Temp {
    const t = new Temp(this.temporary(sizeOf(shape) * SIZE[dtype]), shape, strides, dtype);
    temps.push(t);
    return t;
  }

  private cast(from: View, to: View): void {
    const n = sizeOf(to.shape);
    if (n > 0) this.runSteps(copy, [from], COMPUTE[from.dtype], to, n);
  }
}

function layoutOf(layout: KernelOp['layout'], x: Meta, i: number, inputs: readonly Meta[], attrs: Attrs): Layout {
  if (layout === undefined) return 'contiguous';
  if (typeof layout === 'string') return layout;
  return typeof layout === 'function' ? layout(x, i, inputs, attrs) : layout[i];
}

/** What a kernel that wants a dtype and a layout gets of x: x itself where it is so. */
function asWanted(x: View, dtype: DType, layout: Layout): Meta {
  const last = layout === 'channelsLast';
  const fits = layout === 'any' || (last ? isChannelsLast(x.shape, x.strides) : x.rowMajor);
  if (fits && x.dtype === dtype) return x;
  const { shape } = x;
  return {
    shape,
    dtype,
    strides: last ? channelsLastStrides(shape) : layout === 'any' && isDense(x) ? x.strides : contiguousStrides(shape),
  };
}

/** Whether an input shares memory with an output that is not the very same view: it must be copied before it is overwritten. */
function overlaps(x: Input, out: View): boolean {
  return isView(x) && x.storage === out.storage && !sameView(x, out);
}

/** What a run of steps that ended with this status throws. */
export function failure(op: Op, status: number, detail: number): WickError {
  if (status === 1) return new IndexError(`${op.name}: index ${detail} is out of range`);
  return new WickError(`${op.name}: a worker thread failed (code ${status}); the result is not valid, the engine goes on`);
}
