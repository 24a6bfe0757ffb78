// Agreement of items with golden ones.
import type { ElemType } from '../../../ts/onnx/types.ts';
import { type Item, None, Sequence, Value } from '../../../ts/onnx/value.ts';

/** How far results may be off. */
export interface Tolerance {
  readonly rtol: number;
  readonly atol: number;
  /** Only types and shapes count. */
  readonly random: boolean;
}
const HALF: readonly ElemType[] = ['float16', 'bfloat16'];

function elements(got: Value, want: Value, { rtol, atol }: Tolerance): string | null {
  if (want.type === 'string') {
    const [a, b] = [got.strings(), want.strings()];
    const i = b.findIndex((s, k) => s !== a[k]);
    return i < 0 ? null : `text ${i} is '${a[i]}', not '${b[i]}'`;
  }
  const [a, b] = [got.data() as ArrayLike<number | bigint>, want.data() as ArrayLike<number | bigint>];
  const r = Math.max(rtol, HALF.includes(want.type) ? 1e-2 : 1e-3);
  const t = Math.max(atol, 1e-5);
  for (let i = 0; i < b.length; i++) {
    const [x, y] = [a[i], b[i]];
    if (x === y || (x !== x && y !== y)) continue;
    if (typeof x === 'bigint' || typeof y === 'bigint') return `element ${i} is ${x}, not ${y}`;
    if (!(Math.abs(x - y) <= t + r * Math.abs(y))) return `element ${i} is ${x}, not ${y}`;
  }
  return null;
}

/** What is wrong with an item, or null. */
export function difference(got: Item, want: Item, tolerance: Tolerance): string | null {
  if (want instanceof Sequence) {
    if (!(got instanceof Sequence)) return 'it is no sequence';
    if (got.items.length !== want.items.length) return `the sequence has ${got.items.length} items, not ${want.items.length}`;
    for (const [i, item] of want.items.entries()) {
      const wrong = difference(got.items[i], item, tolerance);
      if (wrong !== null) return `item ${i}: ${wrong}`;
    }
    return null;
  }
  if (want === None) return got === None ? null : 'it is not empty';
  if (!(got instanceof Value) || !(want instanceof Value)) return 'it is no tensor';
  if (got.type !== want.type) return `its type is ${got.type}, not ${want.type}`;
  if (got.shape.join() !== want.shape.join()) return `its shape is [${got.shape}], not [${want.shape}]`;
  return tolerance.random ? null : elements(got, want, tolerance);
}
