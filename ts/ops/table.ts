// THE TABLE: every op by name. Elementwise rows come first: their opcodes number the span functions of the map driver.
import * as activation from './activation.ts';
import * as attention from './attention.ts';
import * as binary from './binary.ts';
import * as bytes from './bytes.ts';
import * as compare from './compare.ts';
import * as conv from './conv.ts';
import * as create from './create.ts';
import * as loss from './loss.ts';
import * as matmul from './matmul.ts';
import * as norm from './norm.ts';
import type { Op } from './op.ts';
import * as pool from './pool.ts';
import * as random from './random.ts';
import * as recurrent from './recurrent.ts';
import * as reduce from './reduce.ts';
import * as rows from './rows.ts';
import * as scan from './scan.ts';
import * as scatter from './scatter.ts';
import * as search from './search.ts';
import * as softmax from './softmax.ts';
import * as sort from './sort.ts';
import * as strided from './strided.ts';
import * as ternary from './ternary.ts';
import * as trig from './trig.ts';
import * as unary from './unary.ts';
import * as update from './update.ts';
import * as view from './view.ts';

/** The families; the name is that of the row file and, for elementwise rows, of the kernel file. */
export const FAMILIES: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  unary,
  trig,
  binary,
  compare,
  ternary,
  activation,
  create,
  reduce,
  scan,
  softmax,
  norm,
  loss,
  attention,
  recurrent,
  matmul,
  bytes,
  conv,
  pool,
  rows,
  scatter,
  search,
  strided,
  sort,
  random,
  update,
  view,
};

function isRow(x: unknown): x is Op {
  return typeof x === 'object' && x !== null && 'kind' in x;
}

function build(): Record<string, Op> {
  const rank = { map: 0, kernel: 1, view: 2 } as const;
  const all = Object.values(FAMILIES).flatMap((family) => Object.entries(family).filter((e): e is [string, Op] => isRow(e[1])));
  all.sort((a, b) => rank[a[1].kind] - rank[b[1].kind]);
  const table: Record<string, Op> = {};
  all.forEach(([name, op], i) => {
    op.name = name;
    op.sources = op.saves.map((saved) => {
      const input = op.inputs.findIndex((n) => n === saved || n === `${saved}?`);
      return input >= 0 ? input : -1 - (op.kind === 'kernel' ? op.outputs.indexOf(saved) : 0);
    });
    op.opcode = op.kind === 'view' ? -1 : i;
    table[name] = op;
  });
  return table;
}

export const TABLE: Readonly<Record<string, Op>> = build();
