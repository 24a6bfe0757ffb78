// Modules of printed functions, over an engine's memory and table.
import { joined, leb, section } from '../base/sections.ts';
import { type Bytes, END, get, number } from './code.ts';

/** Function types: printed chains, setScratch, kernels of spans. */
const CHAINS = 0;
const TYPES: Bytes = [3, 0x60, 3, 0x7f, 0x7f, 0x7f, 0, 0x60, 1, 0x7f, 0, 0x60, 6, 0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 0];

const text = (s: string): Bytes => [...leb(s.length), ...new TextEncoder().encode(s)];

/** A module that exports each body as a function, chain0 and so on, and `setScratch`. */
export function moduleOf(bodies: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const memory = [...text('env'), ...text('memory'), 2, 3, 0, ...leb(65536)];
  const table = [...text('env'), ...text('table'), 1, 0x70, 0, 0];
  const n = bodies.length;
  const setScratch = [6, 0, ...get(0), 0x24, 0, END];
  return joined([
    [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    section(1, TYPES),
    section(2, [2], memory, table),
    section(3, leb(n + 1), [1], new Array<number>(n).fill(CHAINS)),
    section(6, [1, 0x7f, 1, ...number(0), END]),
    section(7, leb(n + 1), text('setScratch'), [0, 0], ...bodies.map((_, i) => [...text(`chain${i}`), 0, ...leb(i + 1)])),
    section(10, leb(n + 1), setScratch, ...bodies),
  ]);
}
