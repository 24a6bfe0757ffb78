// Memory of dropped results: eager results of 4 kB to 4 MB each, made and dropped in three ways; reserved memory must stay bounded.
import * as wick from '../../ts/index.ts';

const MB = 2 ** 20;
/** Sizes from 4 kB to 4 MB whose mean is small enough for a million of them: log-uniform by a fixed sequence, mostly small. */
const sizes = Array.from({ length: 4096 }, (_, i) => {
  const u = ((i * 2654435761) >>> 0) / 2 ** 32;
  return Math.round(1024 * 1024 ** (u * u * u));
});
/** Of the results, in kB. */
export const mean: number = sizes.reduce((a, b) => a + b, 0) / sizes.length / 256;

/** What one way of dropping them left: MB, microseconds for each result. */
export interface Loop {
  readonly name: string;
  readonly limit: number;
  readonly reserved: number;
  readonly live: number;
  readonly each: number;
  /** Why it did not end; empty where it did. */
  readonly error: string;
}

/** Makes `count` results in each of the three ways, in this order, in one memory, and tells of each as it ends. */
export async function main(count: number, tell: (loop: Loop) => void = () => {}): Promise<Loop[]> {
  const sources = new Map<number, wick.Tensor>();
  // Views of one tensor: the operands themselves take 4 MB.
  const all = wick.ones([1024 * 1024]);
  for (const n of new Set(sizes)) sources.set(n, wick.keep(all.narrow(0, 0, n)));
  const make = (i: number): wick.Tensor => (sources.get(sizes[i % sizes.length]) as wick.Tensor).add(1);

  const loops: Loop[] = [];
  async function measure(name: string, limit: number, body: () => Promise<void> | void): Promise<void> {
    await new Promise((r) => setTimeout(r, 20));
    wick.reclaim();
    const start = performance.now();
    let error = '';
    try {
      await body();
    } catch (e) {
      error = `${e}`;
    }
    const each = ((performance.now() - start) * 1000) / count;
    const { reserved, live } = wick.memory();
    loops.push({ name, limit, reserved: reserved / MB, live: live / MB, each, error });
    tell(loops[loops.length - 1]);
  }
  await measure('scope() around each hundred', 64, () => {
    for (let i = 0; i < count; i += 100)
      wick.scope(() => {
        for (let j = i; j < i + 100 && j < count; j++) make(j);
      });
  });
  await measure('dropped, yielding every thousand', 512, async () => {
    for (let i = 0; i < count; i++) {
      make(i);
      if (i % 1000 === 0) await new Promise((r) => setTimeout(r, 0));
    }
  });
  await measure('dropped, never yielding', 512, () => {
    for (let i = 0; i < count; i++) make(i);
  });
  return loops;
}
