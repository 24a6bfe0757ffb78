// Packing: where in one block of memory each of many results lies, so that those that live at once do not meet.
import type { Storage } from '../backend.ts';

/** From which step to which a result is in use; `over`: it takes the place of one that dies in its first step. */
export interface Life {
  readonly storage: Storage;
  readonly bytes: number;
  from: number;
  to: number;
  over: Life | null;
}

export interface Arrangement {
  readonly places: Map<Storage, number>;
  /** Of the block, of the largest set that lives at once, and of all results. */
  readonly bytes: number;
  readonly live: number;
  readonly intermediates: number;
}

const ALIGN = 64;
const padded = (bytes: number): number => Math.max(ALIGN, Math.ceil(bytes / ALIGN) * ALIGN);

/** Greedy by size (Pisarchyk and Lee 2020): large results first, each in the lowest gap among those placed that live at the same time. */
export function arrange(lives: readonly Life[]): Arrangement {
  // Results that take over each other's place are one, which lives as long as all of them.
  const blocks = new Map<Life, { bytes: number; from: number; to: number; parts: Life[]; at: number }>();
  const rootOf = (x: Life): Life => (x.over === null ? x : rootOf(x.over));
  for (const life of lives) {
    const root = rootOf(life);
    const block = blocks.get(root) ?? { bytes: padded(root.bytes), from: root.from, to: root.to, parts: [], at: 0 };
    block.parts.push(life);
    block.to = Math.max(block.to, life.to);
    blocks.set(root, block);
  }
  const sorted = [...blocks.values()].sort((a, b) => b.bytes - a.bytes || a.from - b.from);
  const placed: typeof sorted = [];
  let bytes = 0;
  for (const block of sorted) {
    const busy = placed.filter((p) => p.from <= block.to && block.from <= p.to).sort((a, b) => a.at - b.at);
    let at = 0;
    for (const p of busy) {
      if (p.at - at >= block.bytes) break;
      at = Math.max(at, p.at + p.bytes);
    }
    block.at = at;
    placed.push(block);
    bytes = Math.max(bytes, at + block.bytes);
  }
  const places = new Map<Storage, number>();
  for (const block of sorted) for (const part of block.parts) places.set(part.storage, block.at);
  const change = new Map<number, number>();
  for (const b of sorted) {
    change.set(b.from, (change.get(b.from) ?? 0) + b.bytes);
    change.set(b.to + 1, (change.get(b.to + 1) ?? 0) - b.bytes);
  }
  let now = 0;
  let live = 0;
  for (const step of [...change.keys()].sort((a, b) => a - b)) {
    now += change.get(step) as number;
    live = Math.max(live, now);
  }
  return { places, bytes, live, intermediates: lives.reduce((sum, l) => sum + padded(l.bytes), 0) };
}
