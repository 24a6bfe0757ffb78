// What a kernel row's rules said for a call that came before: shapes, strides, dtypes and attributes decide everything but the data.
import { sameShape } from '../base/shape.ts';
import type { Attrs, KernelOp, Meta } from './op.ts';

/** Calls of one row that are remembered, and attributes that an object may have to be compared. */
const ENTRIES = 32;
const MAX_ATTRS = 12;

interface Entry<T> {
  readonly metas: readonly (Meta | null)[];
  readonly attrs: Attrs;
  readonly count: number;
  readonly value: T;
}

function sameMeta(a: Meta | null, b: Meta | null): boolean {
  if (a === null || b === null) return a === b;
  return a.dtype === b.dtype && sameShape(a.shape, b.shape) && sameShape(a.strides, b.strides);
}

function sameValue(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (!Array.isArray(a) || !Array.isArray(b) || a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (!Object.is(a[i], b[i])) return false;
  return true;
}

function sizeOfAttrs(attrs: Attrs): number {
  let n = 0;
  for (const _ in attrs) n++;
  return n;
}

function sameAttrs(entry: Entry<unknown>, attrs: Attrs): boolean {
  let n = 0;
  for (const key in attrs) {
    n++;
    if (!(key in entry.attrs) || !sameValue(attrs[key], entry.attrs[key])) return false;
  }
  return n === entry.count;
}

/** A value per row and kind of call, of the most recent kinds. */
export class Memo<T> {
  private readonly rows: Entry<T>[][] = [];

  /** What was noted for a call whose metadata (inputs, then outputs) and attributes are these. */
  find(op: KernelOp, inputs: readonly (Meta | null)[], outputs: readonly Meta[], attrs: Attrs): T | null {
    const entries = this.rows[op.opcode];
    if (entries === undefined) return null;
    search: for (let e = 0; e < entries.length; e++) {
      const entry = entries[e];
      const { metas } = entry;
      if (metas.length !== inputs.length + outputs.length || !sameAttrs(entry, attrs)) continue;
      for (let i = 0; i < inputs.length; i++) if (!sameMeta(inputs[i], metas[i])) continue search;
      for (let i = 0; i < outputs.length; i++) if (!sameMeta(outputs[i], metas[inputs.length + i])) continue search;
      return entry.value;
    }
    return null;
  }

  /** Whether a call can be remembered: random rows differ in every call. */
  takes(op: KernelOp, attrs: Attrs): boolean {
    return !op.random && sizeOfAttrs(attrs) <= MAX_ATTRS;
  }

  /** Notes a value; returns the one that gave way, which was noted longest ago. */
  note(op: KernelOp, inputs: readonly (Meta | null)[], outputs: readonly Meta[], attrs: Attrs, value: T): T | null {
    const meta = (x: Meta | null): Meta | null => x && { shape: x.shape, strides: x.strides, dtype: x.dtype };
    this.rows[op.opcode] ??= [];
    const entries = this.rows[op.opcode];
    // Arrays among the attributes are the caller's, who may change them.
    const own = Object.fromEntries(Object.entries(attrs).map(([key, v]) => [key, Array.isArray(v) ? [...v] : v]));
    entries.unshift({ metas: [...inputs.map(meta), ...outputs.map(meta)], attrs: own, count: sizeOfAttrs(attrs), value });
    return entries.length > ENTRIES ? (entries.pop() as Entry<T>).value : null;
  }
}
