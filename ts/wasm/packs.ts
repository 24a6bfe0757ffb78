// Packed forms of operands. A kernel whose phase 0 brings an input into the order in which its inner loop reads it says so (`Lowered.packs`).
// Where the same data comes a second time the result is kept with the input's storage, and from the third time on phase 0 is skipped.
import type { View } from '../backend.ts';
import { sameShape } from '../base/shape.ts';
import type { Meta } from '../ops/op.ts';
import type { Memory, WasmStorage } from './memory.ts';

/** Forms of one storage that are remembered. */
const ENTRIES = 4;

/** That a kernel wanted a view of a storage in a form of its own, and the form, from the second time on. */
export interface Pack extends Meta {
  readonly offset: number;
  readonly key: string;
  /** Of the data. */
  readonly version: number;
  storage: WasmStorage | null;
  /** Whether phase 0 has run. */
  filled: boolean;
}

export type KeptPack = Pack & { readonly storage: WasmStorage };

/** The form of x that is kept, perhaps still to be filled; null where its data comes for the first time. */
export function packOf(memory: Memory, x: View, key: string, bytes: number): KeptPack | null {
  const owner = x.storage as WasmStorage;
  const { version } = owner;
  if (owner.lent > 0) return null;
  const { offset, shape, strides, dtype } = x;
  const packs = owner.packs ?? [];
  for (let i = packs.length - 1; i >= 0; i--) {
    const p = packs[i];
    if (p.version !== version) drop(packs.splice(i, 1));
    else if (p.key === key && p.offset === offset && p.dtype === dtype && sameShape(p.shape, shape) && sameShape(p.strides, strides)) {
      p.storage ??= memory.alloc(bytes);
      return p as KeptPack;
    }
  }
  if (packs.length === ENTRIES) drop(packs.splice(0, 1));
  packs.push({ offset, shape, strides, dtype, key, version, storage: null, filled: false });
  owner.packs = packs;
  return null;
}

/** Frees forms that are no longer wanted. */
export function drop(packs: readonly Pack[]): void {
  for (const p of packs) p.storage?.release();
}
