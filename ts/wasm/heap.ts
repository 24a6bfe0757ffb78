// The allocator: policy lives beside the collector that feeds it, in JavaScript, so a stand-alone module (whose memory is an
// arena) carries none of it. Small requests come from slabs by size class; larger ones are spans of 4 kB blocks that coalesce.

const BLOCK = 12;
const SLAB_BLOCKS = 16;
/** Largest small request in bytes. */
export const SMALL = 8192;
const BINS = 80;

/** Rounds up to the size that a request occupies: four classes an octave, multiples of 64. */
export function classSize(bytes: number): number {
  if (bytes <= 64) return 64;
  if (bytes <= SMALL) {
    const step = Math.max(64, 1 << (29 - Math.clz32(bytes - 1)));
    return Math.ceil(bytes / step) * step;
  }
  return Math.ceil(bytes / 4096) * 4096;
}

/** Bin of a span of n blocks: four an octave. */
function binOf(n: number): number {
  const log = 31 - Math.clz32(n);
  return log < 2 ? n - 1 : (log << 2) + ((n >>> (log - 2)) & 3) - 5;
}

/** A heap over [base, end): `grow` asks for the memory to reach at least `end` and returns the new end, or 0. */
export class Heap {
  private readonly grow: (end: number) => number;
  /** Free pieces by the number of 64 bytes asked for: requests of one class share a list. */
  private readonly small: number[][] = [];
  private readonly slabs = new Map<number, number>();
  private span: Int32Array = new Int32Array(1024);
  private next: Int32Array = new Int32Array(1024);
  private prev: Int32Array = new Int32Array(1024);
  private readonly head: Int32Array = new Int32Array(BINS).fill(-1);
  private readonly first: number;
  private last: number;

  constructor(base: number, end: number, grow: (end: number) => number) {
    this.grow = grow;
    this.first = Math.ceil(base / 4096);
    this.last = this.first;
    for (let i = 0; i <= SMALL >> 6; i++) {
      const own = classSize(i << 6) >> 6;
      this.small[own] ??= [];
      this.small[i] = this.small[own];
    }
    this.extend(Math.floor(end / 4096));
  }

  /** Address of `bytes` bytes, 64-byte aligned, padded to the class size; 0 when only growing the memory would help. */
  tryAlloc(bytes: number): number {
    if (bytes <= SMALL) {
      const free = this.small[(bytes + 63) >> 6];
      return free.length > 0 || this.refill(classSize(bytes), free) ? (free.pop() as number) : 0;
    }
    // Large blocks all start at a page: with equal page offsets a kernel's loads come before the stores that they would alias.
    if (bytes > 0xffff0000) return 0;
    const p = this.take(Math.ceil(bytes / 4096));
    return p < 0 ? 0 : p * 4096;
  }

  /** Makes room for a request that tryAlloc refused. */
  growFor(bytes: number): boolean {
    const need = (Math.ceil(bytes / 4096) + SLAB_BLOCKS) * 4096;
    const have = this.last * 4096;
    const wish = have + Math.max(need, Math.min(have >> 3, 1 << 26), 1 << 22);
    let end = wish <= 0xffff0000 ? this.grow(wish) : 0;
    if (end === 0) end = this.grow(have + need);
    if (end === 0) return false;
    this.extend(Math.floor(end / 4096));
    return true;
  }

  free(p: number, bytes: number): void {
    if (bytes <= SMALL) this.small[(bytes + 63) >> 6].push(p);
    else this.give(Math.floor(p / 4096));
  }

  /** Returns slabs without a used piece to the spans; true if there was one. */
  trim(): boolean {
    let any = false;
    for (let c = 1; c < this.small.length; c++) {
      const free = this.small[c];
      if (free.length === 0 || free === this.small[c + 1]) continue;
      const perSlab = Math.floor((SLAB_BLOCKS * 4096) / (c << 6));
      const counts = new Map<number, number>();
      for (const p of free) {
        const slab = this.slabs.get(p >>> BLOCK) as number;
        counts.set(slab, (counts.get(slab) ?? 0) + 1);
      }
      const empty = new Set([...counts].filter(([, n]) => n === perSlab).map(([slab]) => slab));
      if (empty.size === 0) continue;
      any = true;
      const left = free.filter((p) => !empty.has(this.slabs.get(p >>> BLOCK) as number));
      for (let i = 0; i < left.length; i++) free[i] = left[i];
      free.length = left.length;
      for (const slab of empty) {
        for (let b = 0; b < SLAB_BLOCKS; b++) this.slabs.delete(slab + b);
        this.give(slab);
      }
    }
    return any;
  }

  private refill(size: number, free: number[]): boolean {
    const slab = this.take(SLAB_BLOCKS);
    if (slab < 0) return false;
    for (let b = 0; b < SLAB_BLOCKS; b++) this.slabs.set(slab + b, slab);
    const n = Math.floor((SLAB_BLOCKS * 4096) / size);
    for (let i = n - 1; i >= 0; i--) free.push(slab * 4096 + i * size);
    return true;
  }

  private extend(last: number): void {
    if (last <= this.last) return;
    if (last + 1 > this.span.length) {
      const capacity = Math.max(last + 1, this.span.length * 2);
      const copy = (a: Int32Array): Int32Array => {
        const b = new Int32Array(capacity);
        b.set(a);
        return b;
      };
      this.span = copy(this.span);
      this.next = copy(this.next);
      this.prev = copy(this.prev);
    }
    const from = this.last;
    this.last = last;
    this.span[from] = last - from;
    this.give(from);
  }

  private link(p: number, n: number): void {
    const bin = binOf(n);
    const h = this.head[bin];
    this.span[p] = -n;
    this.span[p + n - 1] = -n;
    this.next[p] = h;
    this.prev[p] = -1;
    if (h >= 0) this.prev[h] = p;
    this.head[bin] = p;
  }

  private unlink(p: number): void {
    const n = -this.span[p];
    const a = this.prev[p];
    const b = this.next[p];
    if (a >= 0) this.next[a] = b;
    else this.head[binOf(n)] = b;
    if (b >= 0) this.prev[b] = a;
  }

  private take(n: number): number {
    let bin = binOf(n);
    let p = this.head[bin];
    // Spans of the request's own bin may be too short: look at a few.
    for (let tries = 0; p >= 0 && -this.span[p] < n; tries++) p = tries < 16 ? this.next[p] : -1;
    if (p < 0) {
      for (bin++; bin < BINS && this.head[bin] < 0; bin++);
      if (bin >= BINS) return -1;
      p = this.head[bin];
    }
    const have = -this.span[p];
    this.unlink(p);
    this.span[p] = n;
    this.span[p + n - 1] = n;
    if (have > n) this.link(p + n, have - n);
    return p;
  }

  private give(p: number): void {
    let from = p;
    let n = this.span[p];
    const after = p + n;
    if (after < this.last && this.span[after] < 0) {
      this.unlink(after);
      n -= this.span[after];
    }
    if (from > this.first && this.span[from - 1] < 0) {
      const before = from + this.span[from - 1];
      this.unlink(before);
      n += from - before;
      from = before;
    }
    this.link(from, n);
  }
}
