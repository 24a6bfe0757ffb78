import type { Backend, Call, Input, Program, Roundable, Rounding, Storage, View } from '../backend.ts';
import { CODE, COMPUTE, type DType, SIZE } from '../base/dtype.ts';
import { DeviceError, IndexError, MemoryError, WickError } from '../base/errors.ts';
import {
  channelsLastStrides,
  contiguousStrides,
  isChannelsLast,
  isContiguous,
  isDense,
  type Shape,
  sameShape,
  sizeOf,
} from '../base/shape.ts';
import { Memo } from '../ops/memo.ts';
import type { Attrs, KernelOp, Layout, Lowered, MapOp, Meta, Op, Scalar } from '../ops/op.ts';
import { TABLE } from '../ops/table.ts';
import { address, encodeDense, encodeKernel, encodeMap, type KernelStep, keepKernel, pointKernel, STEP } from './encode.ts';
import { type Exports, type Loaded, load } from './load.ts';
import { Memory, type MemoryStats, type WasmStorage } from './memory.ts';
import { type KeptPack, packOf } from './packs.ts';
import { Lowering, type PlanStep, type Runner, WasmProgram } from './program.ts';
import { TileChoice } from './tiles.ts';
import { cores, obstacle, Pool } from './workers.ts';

const SCRATCH = 1 << 19;
/** Bytes up to which an elementwise op runs without a step: those of a tile, which numbers fill. */
const SPAN = 4096;
const copy = TABLE.copy as MapOp;

const at = (view: View | null, size: number): number => (view === null ? 0 : (view.storage as WasmStorage).pointer + view.offset * size);

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

/** The Wasm device: one linear memory, one interpreter, a pool of threads. */
export class Engine implements Backend, Runner, Roundable {
  readonly device = 'wasm';
  /** Takes the steps that ops become instead of running them, while a program is made. */
  private lowering: Lowering | null = null;
  private readonly exports: Exports;
  readonly memory: Memory;
  readonly pool: Pool;
  private readonly tiles: TileChoice;
  steps: Memo<KernelStep> = new Memo<KernelStep>();
  opcodes: Readonly<Record<string, number>> = {};
  math: Rounding = { mode: 'strict', reason: '' };
  readonly loaded: Loaded;

  constructor(loaded: Loaded = load()) {
    this.loaded = loaded;
    this.exports = loaded.exports;
    const base = Math.ceil(this.exports.heapBase() / 64) * 64;
    this.memory = new Memory(loaded.memory, base, loaded.maxPages * 65536);
    this.exports.setScratch(this.memory.allocRaw(SCRATCH));
    this.exports.start(typeof (globalThis as { document?: unknown }).document === 'undefined' ? 1 : 0);
    this.pool = new Pool(loaded, this.memory);
    this.tiles = new TileChoice(() => this.memory.u32);
  }

  alloc(bytes: number): WasmStorage {
    return this.memory.alloc(bytes);
  }

  run(op: Op, inputs: readonly Input[], attrs: Attrs, outputs: readonly View[]): void {
    if (op.kind === 'map') this.runMap(op, inputs, (attrs as { dtype: DType }).dtype, outputs[0]);
    else if (op.kind === 'kernel') this.runKernel(op, inputs, attrs, outputs);
    else throw new DeviceError(`${op.name}: a view is no step`);
  }

  runDense(op: MapOp, a: View, b: Input, c: Input, dtype: DType, out: View, n: number): void {
    const size = SIZE[dtype];
    if (n * size <= SPAN && (typeof b === 'object' || typeof b === 'number') && typeof c === 'object') {
      const { exports } = this;
      if (typeof b === 'number') exports.span(op.opcode, CODE[dtype], at(out, size), at(a, size), -1, at(c, size), n * size, b);
      else exports.span(op.opcode, CODE[dtype], at(out, size), at(a, size), at(b, size), at(c, size), n * size, 0);
    } else {
      const inputs = [a, b, c].slice(0, op.inputs.length);
      if (n === 0 || n >= 0x7fffffff) this.runMap(op, inputs, dtype, out);
      else this.execute(op, encodeDense(this.memory, op, inputs as readonly (View | Scalar)[], dtype, out, n));
    }
  }

  private runMap(op: MapOp, inputs: readonly Input[], dtype: DType, out: View): void {
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
    const tiles = encodeMap(this.memory, op, inputs, dtype, out, n);
    if (this.lowering === null) this.execute(op, tiles);
    else this.lowering.map(op, tiles, [out, ...inputs]);
  }

  /** A write whose inputs share memory with it in another arrangement: they are copied first. */
  private runApart(op: MapOp, inputs: readonly Input[], dtype: DType, out: View, n: number): void {
    const temps: Temp[] = [];
    try {
      const safe = inputs.map((x) => (overlaps(x, out) ? this.temporary(x as View, temps) : x));
      this.runSteps(op, safe, dtype, out, n);
    } finally {
      for (const t of temps) t.storage.release();
    }
  }

  private runKernel(op: KernelOp, inputs: readonly Input[], attrs: Attrs, outputs: readonly View[]): void {
    const known = this.lowering !== null ? null : this.steps.find(op, inputs as readonly (View | null)[], outputs, attrs);
    if (known !== null) this.repeat(op, known, inputs as readonly (View | null)[], outputs);
    else this.runNewKernel(op, inputs, attrs, outputs);
  }

  /** A step that is kept, with other operands. */
  private repeat(op: KernelOp, step: KernelStep, inputs: readonly (View | null)[], outputs: readonly View[]): void {
    const pack = this.packFor(step, inputs);
    const passing = pack === null ? this.passing(step) : 0;
    pointKernel(this.memory, step, outputs, inputs, pack === null ? passing : pack.storage.pointer, pack?.filled === true);
    if (passing === 0) {
      this.executeKept(op, step);
      if (pack !== null) pack.filled = true;
    } else {
      try {
        this.executeKept(op, step);
      } finally {
        this.memory.freeRaw(passing, step.workspace);
      }
    }
  }

  private runNewKernel(op: KernelOp, inputs: readonly Input[], attrs: Attrs, outputs: readonly View[]): void {
    const metas = inputs as readonly Meta[];
    const loads = op.loads(metas, attrs);
    const temps: Temp[] = [];
    const back: [View, View][] = [];
    const views = inputs.map((x) => (x === null || typeof x !== 'object' ? null : x));
    try {
      const wanted = views.map((x, i) => {
        const wish = typeof loads === 'string' ? loads : loads[i];
        return x && asWanted(x, wish === 'same' ? x.dtype : wish, layoutOf(op.layout, x, i, metas, attrs));
      });
      const main = typeof loads === 'string' ? loads : loads[0] === 'same' ? metas[0].dtype : loads[0];
      const writes = op.writes?.(metas, attrs) ?? outputs.map(() => main);
      const results = outputs.map((y, i) => (y.dtype === writes[i] ? y : this.fresh(y.shape, y.strides, writes[i], temps)));
      const lowered = op.lower(wanted, results, attrs);
      if (lowered.tiles.length > 0) {
        const pack = this.packFor(lowered, views);
        const ready = views.map((x, i) => {
          // What is packed already is not read.
          if (x === null || (pack?.filled && i === lowered.packs?.input)) return x;
          const own = this.prepared(x, wanted[i] as Meta, temps);
          if (own !== x && op.mutates?.includes(op.inputs[i].replace('?', ''))) back.push([own, x]);
          return own;
        });
        const passing = pack === null && this.lowering === null ? this.passing(lowered) : 0;
        try {
          const operands = [...results, ...ready].map((v) => v && { address: address(v), dtype: v.dtype });
          operands.push({ address: pack === null ? passing : pack.storage.pointer, dtype: 'uint8' });
          encodeKernel(this.memory, this.opcodes[op.name] ?? op.opcode, operands, lowered);
          if (this.lowering !== null)
            this.lowering.kernel(op, [...results, ...ready], lowered, attrs, (given) => op.lower(wanted, results, given));
          else {
            if (temps.length === 0 && views.every((x, i) => x === wanted[i])) this.keep(op, views, outputs, attrs, lowered);
            if (pack?.filled) this.memory.u32[(STEP >> 2) + 3] = 0;
            this.execute(op, Math.max(...lowered.tiles));
            if (pack !== null) pack.filled = true;
          }
        } finally {
          if (passing !== 0) this.memory.freeRaw(passing, lowered.workspace as number);
        }
      }
      results.forEach((r, i) => {
        if (r !== outputs[i]) this.cast(r, outputs[i]);
      });
      for (const [from, to] of back) this.cast(from, to);
    } finally {
      for (const t of temps) t.storage.release();
    }
  }

  private packFor(step: Pick<Lowered, 'packs' | 'workspace'>, inputs: readonly (View | null)[]): KeptPack | null {
    const { packs } = step;
    return packs === undefined || this.lowering !== null
      ? null
      : packOf(this.memory, inputs[packs.input] as View, packs.key, step.workspace as number);
  }
  /** A workspace that lives within one call. */
  private passing({ workspace = 0 }: Pick<Lowered, 'workspace'>): number {
    return workspace > 0 ? this.memory.allocRaw(workspace) : 0;
  }
  /** Keeps the step just written, and frees the one that gives way. */
  private keep(op: KernelOp, inputs: readonly (View | null)[], outputs: readonly View[], attrs: Attrs, lowered: Lowered): void {
    const step = this.steps.takes(op, attrs) ? keepKernel(this.memory, lowered) : null;
    const old = step && this.steps.note(op, inputs, outputs, attrs, step);
    if (old !== null) this.memory.freeRaw(old.address, old.bytes);
  }

  program(calls: readonly Call[], inputs: readonly Storage[], outputs: readonly Storage[]): Program {
    return new WasmProgram(this, this.lower(calls), inputs, outputs);
  }
  /** The steps that calls become. */
  lower(calls: readonly Call[]): PlanStep[] {
    const lowering = new Lowering(this.memory);
    this.lowering = lowering;
    try {
      for (const { op, inputs: given, attrs, outputs: results } of calls) this.run(op, given, attrs, results);
    } finally {
      this.lowering = null;
    }
    return lowering.steps;
  }
  runProgram(address: number, count: number, threaded: boolean, opOf: (left: number) => Op): void {
    if (threaded) this.pool.ensure();
    const status = this.exports.run(address, count);
    if (status !== 0) throw failure(opOf(this.exports.stepsLeft()), status, this.exports.statusDetail());
  }

  private execute(op: Op, tiles: number, step: number = STEP): void {
    if (tiles > 1) this.pool.ensure();
    const status = this.exports.run(step, 1);
    if (status !== 0) throw failure(op, status, this.exports.statusDetail());
  }

  private executeKept(op: KernelOp, { tiles, address }: KernelStep): void {
    if (op.tiled && this.tiles.open) this.tiles.run(address, () => this.execute(op, tiles, address));
    else this.execute(op, tiles, address);
  }

  /** The view itself if it is as the kernel wants it, else a converted copy. */
  private prepared(x: View, wanted: Meta, temps: Temp[]): View {
    if (wanted === x) return x;
    const t = this.fresh(x.shape, wanted.strides, wanted.dtype, temps);
    this.cast(x, t);
    return t;
  }

  private temporary(x: View, temps: Temp[]): View {
    const t = this.fresh(x.shape, contiguousStrides(x.shape), x.dtype, temps);
    this.cast(x, t);
    return t;
  }

  private fresh(shape: Shape, strides: Shape, dtype: DType, temps: Temp[]): Temp {
    const bytes = sizeOf(shape) * SIZE[dtype];
    const t = new Temp(this.lowering === null ? this.memory.alloc(bytes) : this.lowering.temporary(bytes), shape, strides, dtype);
    temps.push(t);
    return t;
  }

  private cast(from: View, to: View): void {
    const n = sizeOf(to.shape);
    if (n > 0) this.runSteps(copy, [from], COMPUTE[from.dtype], to, n);
  }

  readSync(view: View): Uint8Array {
    const at = address(view);
    return this.memory.u8.slice(at, at + sizeOf(view.shape) * SIZE[view.dtype]);
  }

  async read(view: View): Promise<Uint8Array> {
    const bytes = this.readSync(view);
    if (this.memory.wantsYield()) await new Promise((resolve) => setTimeout(resolve, 0));
    return bytes;
  }

  write(view: View, bytes: Uint8Array): void {
    this.memory.u8.set(bytes, address(view));
  }

  lend(storage: WasmStorage, readers: 1 | -1): Uint8Array {
    storage.lent += readers;
    // Another thread may have written.
    if (readers < 0) storage.version++;
    const { pointer, bytes } = storage;
    return this.memory.u8[obstacle() === '' ? 'subarray' : 'slice'](pointer, pointer + bytes);
  }

  stats(): MemoryStats {
    return this.memory.stats();
  }

  /** Threads: asked for, working at this moment, processors, and why there are fewer than asked for. */
  threads(): { wanted: number; ready: number; cores: number; reason: string } {
    return { wanted: this.pool.threads, ready: this.pool.ready + 1, cores: cores(), reason: this.pool.reason };
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

function sameStrides(shape: Shape, a: Shape, b: Shape): boolean {
  for (let i = 0; i < shape.length; i++) if (shape[i] > 1 && a[i] !== b[i]) return false;
  return true;
}

/** Whether an input shares memory with an output that is not the very same view: it must be copied before it is overwritten. */
function overlaps(x: Input, out: View): boolean {
  if (x === null || typeof x !== 'object' || x.storage !== out.storage) return false;
  return !(
    x.offset === out.offset &&
    x.dtype === out.dtype &&
    sameShape(x.shape, out.shape) &&
    sameStrides(x.shape, x.strides, out.strides)
  );
}

function failure(op: Op, status: number, detail: number): WickError {
  if (status === 1) return new IndexError(`${op.name}: index ${detail} is out of range`);
  return new WickError(`${op.name}: a worker thread failed (code ${status}); the result is not valid, the engine goes on`);
}
