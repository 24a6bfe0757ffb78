// Addresses and sizes of the storages in use, outside the collector's heap: it would copy and scan them with every small operation.

/** Places of a page: storages that come and go together share one. */
export const PAGE = 64;

/** Numbered places, each with an address (0: free) and a size in bytes; handed out as pages or one by one. */
export class Ledger {
  pointers: Float64Array = new Float64Array(PAGE * 64);
  bytes: Float64Array = new Float64Array(PAGE * 64);
  private end = 0;
  private readonly pages: number[] = [];
  private readonly singles: number[] = [];

  /** First place of a page whose places are free. */
  page(): number {
    const known = this.pages.pop();
    if (known !== undefined) return known;
    const start = this.end;
    this.end += PAGE;
    if (this.end > this.pointers.length) {
      this.pointers = doubled(this.pointers);
      this.bytes = doubled(this.bytes);
    }
    return start;
  }
  /** One free place. */
  single(): number {
    if (this.singles.length === 0) for (let start = this.page(), i = PAGE - 1; i >= 0; i--) this.singles.push(start + i);
    return this.singles.pop() as number;
  }
  /** Takes back `count` free places from `start`: a page or one. */
  giveBack(start: number, count: number): void {
    (count === 1 ? this.singles : this.pages).push(start);
  }
}

function doubled(a: Float64Array): Float64Array {
  const b = new Float64Array(a.length * 2);
  b.set(a);
  return b;
}
