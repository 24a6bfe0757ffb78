// THE TABLE: every op by name. Elementwise rows come first: their opcodes number the span functions of the map driver.
import * as activation from './activation.ts';
import * as binary from './binary.ts';
import * as bytes from './bytes.ts';
import * as compare from './compare.ts';
import * as create from './create.ts';
import * as matmul from './matmul.ts';
import type { Op } from './op.ts';
import * as random from './random.ts';
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
import * as view from './view.ts';

type Families = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

/** The families of the core; the name is that of the row file and, for elementwise rows, of the kernel file. */
const CORE: Families = {
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
  matmul,
  bytes,
  rows,
  scatter,
  search,
  strided,
  sort,
  random,
  view,
};

function isRow(x: unknown): x is Op {
  return typeof x === 'object' && x !== null && 'kind' in x;
}

const table: Record<string, Op> = {};
const families: Record<string, Readonly<Record<string, unknown>>> = {};
let opcodes = 0;
let listener: ((op: Op) => void) | null = null;

/** Every row that was added, by name. */
export const TABLE: Readonly<Record<string, Op>> = table;
export const FAMILIES: Families = families;

/** Calls back for every row, also for those that are added later. */
export function eachRow(fn: (op: Op) => void): void {
  Object.values(table).forEach(fn);
  listener = fn;
}

/** Adds families behind those that are there: elementwise rows first, views last. */
export function addFamilies(more: Families): void {
  Object.assign(families, more);
  const rank = { map: 0, kernel: 1, view: 2 } as const;
  const all = Object.values(more).flatMap((family) => Object.entries(family).filter((e): e is [string, Op] => isRow(e[1])));
  all.sort((a, b) => rank[a[1].kind] - rank[b[1].kind]);
  for (const [name, op] of all) {
    op.name = name;
    op.opcode = op.kind === 'view' ? -1 : opcodes++;
    table[name] = op;
    listener?.(op);
  }
}
addFamilies(CORE);
