import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Heap } from '../../ts/wasm/heap.ts';

const PAGE = 4096;

/** A heap whose memory never grows. */
function fixed(pages: number): Heap {
  return new Heap(PAGE, (pages + 1) * PAGE, () => 0);
}

test('heap: a bin full of spans that are too short is passed over', () => {
  const heap = fixed(4096);
  // 16 and 19 pages share a bin: forty free spans of 16 pages, kept apart by used ones.
  const spans = Array.from({ length: 40 }, () => [heap.tryAlloc(16 * PAGE), heap.tryAlloc(3 * PAGE)]);
  for (const [span] of spans) heap.free(span, 16 * PAGE);
  const p = heap.tryAlloc(19 * PAGE);
  assert.ok(Number.isInteger(p) && p > 0, `address ${p}`);
});

test('heap: random requests never overlap, stay inside and are all found again', () => {
  const heap = fixed(2048);
  const used = new Map<number, number>();
  let seed = 1;
  const random = (n: number): number => {
    seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
    return (seed >>> 8) % n;
  };
  for (let i = 0; i < 20000; i++) {
    if (used.size > 0 && random(100) < 48) {
      const [p, bytes] = [...used][random(used.size)];
      used.delete(p);
      heap.free(p, bytes);
      continue;
    }
    const bytes = random(4) === 0 ? 1 + random(60) * PAGE : 1 + random(9000);
    const p = heap.tryAlloc(bytes);
    if (p === 0) continue;
    assert.ok(Number.isInteger(p) && p >= PAGE && p + bytes <= 2049 * PAGE && p % 64 === 0, `address ${p}`);
    for (const [q, n] of used) assert.ok(p + bytes <= q || q + n <= p, `${p} + ${bytes} overlaps ${q} + ${n}`);
    used.set(p, bytes);
  }
  for (const [p, bytes] of used) heap.free(p, bytes);
  heap.trim();
  assert.ok(heap.tryAlloc(2000 * PAGE) > 0, 'the freed memory is one span again');
});

test.run();
