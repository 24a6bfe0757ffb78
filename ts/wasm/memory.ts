import type { Storage } from '../backend.ts';
import { NUDGE, nudge } from '../base/collector.ts';
import { MemoryError } from '../base/errors.ts';
import { Heap, SMALL } from './heap.ts';
import { Ledger, PAGE } from './ledger.ts';
import { drop, type Pack } from './packs.ts';
import { type Graveyard, graveyard } from './reclaim.ts';

/** Storages that share one finalizer entry: a token that each of them holds. When the token dies they are all unreachable. */
interface Group {
  readonly owner: Memory;
  readonly id: number;
  /** Its places in the ledger. */
  readonly start: number;
  readonly size: number;
  used: number;
  live: number;
}
/** Tokens kept for large storages to come. */
const SPARES = 256;
/** Below this the memory grows freely; above it grows only after a survey of what is unreachable freed too little. */
const SOFT_LIMIT = 192 * 1048576;

/** What `wick.memory()` reports; bytes. */
export interface MemoryStats {
  /** Bytes of storages in use (as requested). */
  readonly live: number;
  /** Highest `live` since the start or `resetPeak()`. */
  readonly peak: number;
  /** Bytes of the Wasm memory. */
  readonly reserved: number;
  /** Storages in use. */
  readonly storages: number;
  /** Storages made since the start. */
  readonly allocations: number;
}

/** Held by every storage of a group: when it dies they are all unreachable. */
interface Token {
  readonly group: Group;
}

export class WasmStorage implements Storage {
  readonly bytes: number;
  /** Byte address. */
  readonly pointer: number;
  version = 0;
  refs = 1;
  /** Shares with other threads, which may write. */
  lent = 0;
  readonly token: Token;
  readonly slot: number;
  /** Forms of its data that kernels asked for: reachable from here alone, so they are freed with it. */
  packs: Pack[] | null = null;

  constructor(pointer: number, bytes: number, token: Token, slot: number) {
    this.pointer = pointer;
    this.bytes = bytes;
    this.token = token;
    this.slot = slot;
  }
  get device(): 'wasm' {
    return 'wasm';
  }
  retain(): void {
    this.refs++;
  }
  release(): void {
    if (--this.refs !== 0) return;
    this.token.group.owner.release(this);
    if (this.packs === null) return;
    drop(this.packs);
    this.packs = null;
  }
}

/** The linear memory: allocation, accounting, views for the host, and what brings dropped tensors back. */
export class Memory {
  readonly wasm: WebAssembly.Memory;
  private readonly heap: Heap;
  private readonly registry: FinalizationRegistry<Group>;
  private readonly ledger = new Ledger();
  private readonly groups = new Map<number, Group>();
  private readonly yard: Graveyard | null = graveyard();
  private readonly spares: Token[] = [];
  private token: Token;
  private nextId = 1;
  private live = 0;
  private peak = 0;
  private made = 0;
  private freed = 0;
  /** Lowest `live` since the collector was last reminded. */
  private low = 0;
  private sinceYield = 0;
  private softLimit = SOFT_LIMIT;
  private limit: number;
  private growing = false;
  /** Views over the whole memory, re-made after growth. */
  u8!: Uint8Array;
  u32!: Uint32Array;
  i32!: Int32Array;
  f64!: Float64Array;

  constructor(wasm: WebAssembly.Memory, base: number, limit: number) {
    this.wasm = wasm;
    this.limit = limit;
    this.views();
    this.heap = new Heap(base, wasm.buffer.byteLength, (end) => this.growTo(end));
    this.registry = new FinalizationRegistry((group) => this.reap(group));
    this.token = this.enter(this.ledger.page(), PAGE);
  }

  /** A storage of `bytes` bytes, padded to 64. @throws MemoryError after which the engine works on */
  alloc(bytes: number): WasmStorage {
    const pointer = this.allocRaw(bytes);
    this.made++;
    const live = this.live + bytes;
    this.live = live;
    if (live > this.peak) this.peak = live;
    if (live - this.low > NUDGE) this.remind();
    let { token } = this;
    let { group } = token;
    if (bytes > SMALL) {
      // A token whose storage was freed by hand serves again: registering one costs more than a small op.
      token = this.spares.pop() ?? this.enter(this.ledger.single(), 1);
      group = token.group;
      group.used = 0;
    } else if (group.used === PAGE) {
      if (group.live === 0) group.used = 0;
      else {
        token = this.enter(this.ledger.page(), PAGE);
        this.token = token;
        group = token.group;
      }
    }
    const slot = group.start + group.used++;
    group.live++;
    this.ledger.pointers[slot] = pointer;
    this.ledger.bytes[slot] = bytes;
    return new WasmStorage(pointer, bytes, token, slot);
  }

  /** Frees a storage by hand. */
  release(storage: WasmStorage): void {
    const { token } = storage;
    this.free(token.group, storage.slot);
    if (token.group.size === 1 && this.spares.length < SPARES) this.spares.push(token);
  }

  private free(group: Group, slot: number): void {
    const { pointers, bytes: sizes } = this.ledger;
    const pointer = pointers[slot];
    if (pointer === 0) return;
    const bytes = sizes[slot];
    pointers[slot] = 0;
    this.freed++;
    this.live -= bytes;
    if (this.live < this.low) this.low = this.live;
    this.heap.free(pointer, bytes);
    group.live--;
  }

  /** Memory without accounting or finalizer, for what lives within one call; free it with freeRaw. */
  allocRaw(bytes: number): number {
    let p = this.heap.tryAlloc(bytes);
    if (p !== 0) return p;
    if (this.wasm.buffer.byteLength + bytes > this.softLimit && this.groups.size > 0) {
      this.reclaim(false);
      p = this.retry(bytes);
      if (p === 0 || this.live > this.softLimit / 2) {
        this.reclaim(true);
        if (p === 0) p = this.retry(bytes);
      }
      this.softLimit = Math.max(SOFT_LIMIT, this.live * 2 + bytes);
      if (p !== 0) return p;
    }
    if (this.heap.growFor(bytes)) p = this.heap.tryAlloc(bytes);
    if (p !== 0) return p;
    this.reclaim(true);
    p = this.retry(bytes);
    if (p !== 0) return p;
    throw new MemoryError(
      `out of memory: ${bytes} bytes asked for, ${this.live} live of ${this.wasm.buffer.byteLength} reserved (limit ${this.limit}); free tensors with scope() or dispose(), or await a macrotask so that dropped ones come back`,
    );
  }
  /** As allocRaw, but 0 where the memory would have to grow. */
  tryRaw(bytes: number): number {
    return this.heap.tryAlloc(bytes);
  }
  freeRaw(pointer: number, bytes: number): void {
    this.heap.free(pointer, bytes);
  }

  stats(): MemoryStats {
    return {
      live: this.live,
      peak: this.peak,
      reserved: this.wasm.buffer.byteLength,
      storages: this.made - this.freed,
      allocations: this.made,
    };
  }
  resetPeak(): void {
    this.peak = this.live;
  }
  /** Caps the memory in bytes; allocations past it throw MemoryError. */
  setLimit(bytes: number): void {
    this.limit = bytes;
  }

  /** True once enough was allocated since the last macrotask that finalizers should get a turn. */
  wantsYield(): boolean {
    if (this.sinceYield < 2 * NUDGE) return false;
    this.sinceYield = 0;
    return true;
  }

  /** Frees what nothing reaches any more, where the runtime can tell without yielding; true if something came back. */
  reclaim(major: boolean): boolean {
    if (!this.yard || this.growing) return false;
    this.growing = true;
    try {
      const before = this.live;
      const dead = new Set(this.groups.keys());
      if (!this.yard.survey(major, (id) => dead.delete(id))) return false;
      for (const id of dead) {
        const group = this.groups.get(id);
        if (group && group !== this.token.group) this.reap(group);
      }
      return this.live < before;
    } finally {
      this.growing = false;
    }
  }

  private retry(bytes: number): number {
    const p = this.heap.tryAlloc(bytes);
    if (p !== 0) return p;
    return this.heap.trim() ? this.heap.tryAlloc(bytes) : 0;
  }

  private reap(group: Group): void {
    // A survey may have found it before its finalizer ran.
    if (!this.groups.delete(group.id)) return;
    for (let i = 0; i < group.size; i++) this.free(group, group.start + i);
    this.ledger.giveBack(group.start, group.size);
  }

  private enter(start: number, size: number): Token {
    const group: Group = { owner: this, id: this.nextId++, start, size, used: 0, live: 0 };
    const token: Token = { group };
    this.groups.set(group.id, group);
    this.registry.register(token, group);
    this.yard?.add(token, group.id);
    return token;
  }

  private remind(): void {
    this.sinceYield += this.live - this.low;
    this.low = this.live;
    nudge();
  }

  private growTo(end: number): number {
    const have = this.wasm.buffer.byteLength;
    const wish = Math.ceil(end / 65536) * 65536;
    if (wish > this.limit) return 0;
    try {
      this.wasm.grow((wish - have) / 65536);
    } catch {
      return 0;
    }
    this.views();
    return this.wasm.buffer.byteLength;
  }

  private views(): void {
    const buffer = this.wasm.buffer;
    this.u8 = new Uint8Array(buffer);
    this.u32 = new Uint32Array(buffer);
    this.i32 = new Int32Array(buffer);
    this.f64 = new Float64Array(buffer);
  }
}
