import type { Backend, Call, Input, Program, Roundable, Rounding, Storage, View } from '../backend.ts';
import { CODE, type DType, SIZE } from '../base/dtype.ts';
import { sizeOf } from '../base/shape.ts';
import { Memo } from '../ops/memo.ts';
import type { Attrs, KernelOp, Lowered, MapOp, Op, Scalar } from '../ops/op.ts';
import { address, encodeDense, type KernelStep, keepKernel, pointKernel, STEP } from './encode.ts';
import { type Exports, type Loaded, load } from './load.ts';
import { lower } from './lower.ts';
import { Memory, type MemoryStats, type WasmStorage } from './memory.ts';
import { type KeptPack, packOf } from './packs.ts';
import { type PlanStep, type Runner, WasmProgram } from './program.ts';
import { failure, type KernelCall, Steps } from './steps.ts';
import { TileChoice } from './tiles.ts';
import { cores, obstacle, Pool } from './workers.ts';

/** Bytes up to which an elementwise op runs without a step: those of a tile, which numbers fill. */
const SPAN = 4096;

const at = (view: View | null, size: number): number => (view === null ? 0 : (view.storage as WasmStorage).pointer + view.offset * size);

/** The Wasm device: one linear memory, one interpreter, a pool of threads. */
export class Engine extends Steps implements Backend, Runner, Roundable {
  readonly device = 'wasm';
  private readonly exports: Exports;
  readonly memory: Memory;
  readonly pool: Pool;
  private readonly tiles: TileChoice;
  steps: Memo<KernelStep> = new Memo<KernelStep>();
  opcodes: Readonly<Record<string, number>> = {};
  math: Rounding = { mode: 'strict', reason: '' };
  readonly loaded: Loaded;

  constructor(loaded: Loaded = load()) {
    super();
    this.loaded = loaded;
    this.exports = loaded.exports;
    const base = Math.ceil(this.exports.heapBase() / 64) * 64;
    this.memory = new Memory(loaded.memory, base, loaded.maxPages * 65536);
    this.pool = new Pool(loaded, this.memory);
    this.tiles = new TileChoice(() => this.memory.u32);
  }

  alloc(bytes: number): WasmStorage {
    return this.memory.alloc(bytes);
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

  protected mapped(op: MapOp, tiles: number): void {
    this.execute(op, tiles);
  }

  protected override runKernel(op: KernelOp, inputs: readonly Input[], attrs: Attrs, outputs: readonly View[]): void {
    const known = this.steps.find(op, inputs as readonly (View | null)[], outputs, attrs);
    if (known !== null) this.repeat(op, known, inputs as readonly (View | null)[], outputs);
    else super.runKernel(op, inputs, attrs, outputs);
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

  /** Runs a kernel's step, and keeps it where it reads and writes the very operands. */
  protected kernel(call: KernelCall): void {
    const { op, inputs, wanted, attrs, outputs, results, lowered } = call;
    const pack = this.packFor(lowered, inputs);
    const ready = call.ready(pack?.filled ? (lowered.packs?.input ?? -1) : -1);
    const passing = pack === null ? this.passing(lowered) : 0;
    try {
      this.encode(call, ready, pack === null ? passing : pack.storage.pointer);
      if (inputs.every((x, i) => x === wanted[i]) && results.every((y, i) => y === outputs[i]))
        this.keep(op, inputs, outputs, attrs, lowered);
      if (pack?.filled) this.memory.u32[(STEP >> 2) + 3] = 0;
      this.execute(op, Math.max(...lowered.tiles));
      if (pack !== null) pack.filled = true;
    } finally {
      if (passing !== 0) this.memory.freeRaw(passing, lowered.workspace as number);
    }
  }
  protected temporary(bytes: number): WasmStorage {
    return this.memory.alloc(bytes);
  }

  private packFor(step: Pick<Lowered, 'packs' | 'workspace'>, inputs: readonly (View | null)[]): KeptPack | null {
    const { packs } = step;
    return packs === undefined ? null : packOf(this.memory, inputs[packs.input] as View, packs.key, step.workspace as number);
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
    return lower(this.memory, calls, this.opcodes);
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
