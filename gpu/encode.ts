// Ops as commands: an elementwise op by its printed shader, a kernel over operands brought into the layouts that it takes.
import { type Input, isView, sameView, type View } from '../ts/backend.ts';
import type { DType } from '../ts/base/dtype.ts';
import { isContiguous, type Shape, sizeOf } from '../ts/base/shape.ts';
import { type Attrs, type KernelOp, type MapOp, mutates, type Op } from '../ts/ops/op.ts';
import { TABLE } from '../ts/ops/table.ts';
import { isHalf } from './features.ts';
import { bytesFor, dispatch, type KernelCall, wholeView } from './kernel.ts';
import { KERNELS } from './kernels/index.ts';
import { encodeMap, mapObstacle } from './map.ts';
import type { GpuStorage } from './memory.ts';
import type { Buffered, Sink } from './queue.ts';
import { perWord } from './types.ts';

const copy = TABLE.copy as MapOp;

/** Writes calls whose tensors are all on the device as commands into a sink. */
export class Encoding {
  /** Whether a shader may have met an index out of range since this was set to false. */
  checks = false;
  private readonly sink: Sink;
  private readonly alloc: (bytes: number) => GpuStorage;
  private readonly faults: Buffered;

  constructor(sink: Sink, alloc: (bytes: number) => GpuStorage, faults: Buffered) {
    this.sink = sink;
    this.alloc = alloc;
    this.faults = faults;
  }
  /** Encodes a call that nothing hinders. */
  call(op: Op, inputs: readonly Input[], attrs: Attrs, outputs: readonly View[]): void {
    if (op.kind === 'map') this.map(op, inputs, attrs.dtype as DType, outputs[0]);
    else this.kernel(op as KernelOp, inputs as readonly (View | null)[], attrs, outputs);
  }

  map(op: MapOp, inputs: readonly Input[], dtype: DType, out: View): void {
    const temps: GpuStorage[] = [];
    const safe = inputs.map((x) => {
      if (!isView(x) || x.storage !== out.storage) return x;
      return sameView(x, out) && perWord(x.dtype) === 1 ? x : this.cloned(x, temps);
    });
    encodeMap(this.sink, op, safe, dtype, out);
    for (const t of temps) t.release();
  }
  /** The same view of a copy of its storage. */
  private cloned(x: View, temps: GpuStorage[]): View {
    const storage = this.alloc(x.storage.bytes);
    temps.push(storage);
    this.sink.copy(x.storage as GpuStorage, storage, x.storage.bytes);
    return { ...x, storage };
  }

  private kernel(op: KernelOp, inputs: readonly (View | null)[], attrs: Attrs, outputs: readonly View[]): void {
    const { run, strided, anyResult = false, halves = false } = KERNELS[op.name];
    const temps: GpuStorage[] = [];
    const fresh = (shape: Shape, dtype: DType): View => {
      const storage = this.alloc(bytesFor(shape, dtype));
      temps.push(storage);
      return wholeView(storage, shape, dtype);
    };
    const rowMajor = (x: View): View => {
      if (x.rowMajor) return x;
      const t = fresh(x.shape, x.dtype);
      this.map(copy, [x], x.dtype, t);
      return t;
    };
    const shared = (x: View): boolean => outputs.some((y) => y.storage === x.storage);
    const ready = inputs.map((x, i) => {
      if (x === null || x === undefined) return null;
      const own = shared(x) ? this.cloned(x, temps) : x;
      return strided?.includes(i) || mutates(op, i) ? own : rowMajor(own);
    });
    const wants = op.writes?.(inputs as readonly View[], attrs);
    const results = outputs.map((y, i) => {
      const whole = perWord(y.dtype) === 1 && (halves || !isHalf(y.dtype));
      return whole && (y.rowMajor || anyResult)
        ? y
        : fresh(
            y.shape,
            whole
              ? y.dtype
              : (wants?.[i] ?? 'float32') === 'int64'
                ? 'int64'
                : y.dtype === 'float16' || y.dtype === 'bfloat16'
                  ? 'float32'
                  : 'int32',
          );
    });
    // Mutated inputs are written where they lie, or in a copy that goes back.
    const back: [View, View][] = [];
    ready.forEach((x, i) => {
      if (x === null || !mutates(op, i) || isContiguous(x.shape, x.strides)) return;
      const t = fresh(x.shape, x.dtype);
      this.map(copy, [x], x.dtype, t);
      back.push([t, x]);
      ready[i] = t;
    });
    const call: KernelCall = {
      op,
      inputs: ready,
      outputs: results,
      attrs,
      faults: this.faults,
      temporary: fresh,
      rowMajor,
      zero: (x) => this.sink.clear(x.storage as GpuStorage),
      copy: (from, to) => this.map(copy, [from], from.dtype, to),
      run: (name, operands, numbers, threads, body, options) => {
        if (options?.checks) this.checks = true;
        dispatch(this.sink, op, this.faults, `${op.name}:${name}`, operands, numbers, threads, body, options);
      },
    };
    if (results.length === 0 || results.some((y) => sizeOf(y.shape) > 0) || op.mutates) run(call);
    results.forEach((r, i) => {
      if (r !== outputs[i]) this.map(copy, [r], r.dtype, outputs[i]);
    });
    for (const [from, to] of back) this.map(copy, [from], from.dtype, to);
    for (const t of temps) t.release();
  }
}

/** Why no shader runs a call; null: one does. */
export function obstacle(op: Op, inputs: readonly Input[], attrs: Attrs, out: View | undefined): string | null {
  if (op.kind === 'map') return mapObstacle(op, inputs, attrs.dtype as DType, out as View);
  const kernel = KERNELS[op.name];
  if (kernel === undefined) return 'no shader';
  const views = inputs.map((x) => (isView(x) ? x : null));
  if (views.some((x) => x?.dtype === 'float64') || attrs.dtype === 'float64') return 'float64';
  return kernel.refuses?.(views, attrs) ?? null;
}
