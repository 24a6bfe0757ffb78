// Memory for models: what they take at load they keep until they are disposed, so a list of free ranges does.
import { MemoryError } from '../base/errors.ts';
import { SMALL } from '../wasm/heap.ts';
import type { Place, Space } from '../wasm/space.ts';

/** Blocks that are not small start at a page: with equal page offsets a kernel's loads come before the stores that they would alias. */
const PAGE = 4096;
const up = (n: number, to: number): number => Math.ceil(n / to) * to;
const sizeOf = (bytes: number): number => Math.max(64, up(bytes, bytes > SMALL ? PAGE : 64));

class Block implements Place {
  readonly device = 'wasm';
  readonly pointer: number;
  readonly bytes: number;
  version = 0;
  refs = 1;
  private readonly owner: Blocks;

  constructor(owner: Blocks, bytes: number) {
    this.owner = owner;
    this.bytes = bytes;
    this.pointer = owner.allocRaw(bytes);
  }
  retain(): void {
    this.refs++;
  }
  release(): void {
    if (--this.refs === 0) this.owner.freeRaw(this.pointer, this.bytes);
  }
}

/** The linear memory from `base` on, up to `limit`. */
export class Blocks implements Space {
  private readonly wasm: WebAssembly.Memory;
  private readonly limit: number;
  /** Starts and ends of free ranges in turn, ascending, no two of which touch. */
  private readonly free: number[];
  u8!: Uint8Array;
  u32!: Uint32Array;
  f64!: Float64Array;

  constructor(wasm: WebAssembly.Memory, base: number, limit: number) {
    this.wasm = wasm;
    this.limit = limit;
    this.free = [up(base, 64), wasm.buffer.byteLength];
    this.views();
  }
  alloc(bytes: number): Place {
    return new Block(this, bytes);
  }
  allocRaw(bytes: number): number {
    const { free } = this;
    const size = sizeOf(bytes);
    for (let grown = false; ; grown = true) {
      for (let i = 0; i < free.length; i += 2) {
        const start = up(free[i], size > SMALL ? PAGE : 64);
        const end = free[i + 1];
        if (start + size > end) continue;
        free.splice(i, 2, ...(free[i] < start ? [free[i], start] : []), ...(start + size < end ? [start + size, end] : []));
        return start;
      }
      if (grown || !this.grow(size + PAGE)) throw new MemoryError(`out of memory: ${bytes} bytes asked for; dispose() models`);
    }
  }
  freeRaw(pointer: number, bytes: number): void {
    const { free } = this;
    const at = free.findIndex((p) => p > pointer);
    const i = at < 0 ? free.length : at;
    const end = pointer + sizeOf(bytes);
    const before = free[i - 1] === pointer ? 1 : 0;
    const after = free[i] === end ? 1 : 0;
    free.splice(i - before, before + after, ...(before ? [] : [pointer]), ...(after ? [] : [end]));
  }
  private grow(bytes: number): boolean {
    const have = this.wasm.buffer.byteLength;
    const pages = Math.ceil(bytes / 65536);
    if (have + pages * 65536 > this.limit) return false;
    try {
      this.wasm.grow(pages);
    } catch {
      return false;
    }
    this.views();
    this.freeRaw(have, pages * 65536);
    return true;
  }
  private views(): void {
    const { buffer } = this.wasm;
    this.u8 = new Uint8Array(buffer);
    this.u32 = new Uint32Array(buffer);
    this.f64 = new Float64Array(buffer);
  }
}
