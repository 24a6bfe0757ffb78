// THE TABLE: every op by name. Elementwise rows come first: their opcodes number the span functions of the map driver.
import * as unary from './unary.ts';
import * as binary from './binary.ts';
import type { Op } from './op.ts';

/** The families in the order of their opcodes; the name is that of the row file and of its kernel file. */
export const FAMILIES: Readonly<Record<string, Readonly<Record<string, Op>>>> = { unary, binary };

function build(): Record<string, Op> {
  const rows = Object.entries(FAMILIES).flatMap(([, family]) => Object.entries(family));
  const rank = { map: 0, kernel: 1, view: 2 } as const;
  rows.sort((a, b) => rank[a[1].kind] - rank[b[1].kind]);
  const table: Record<string, Op> = {};
  rows.forEach(([name, op], i) => {
    op.name = name;
    op.opcode = op.kind === 'view' ? -1 : i;
    table[name] = op;
  });
  return table;
}

export const TABLE: Readonly<Record<string, Op>> = build();
