// Products in blocks through shared memory: of matrices, and of what convolutions see as matrices.
import type { KernelCall, Numbers, Operand } from '../kernel.ts';
import { uint } from '../shader.ts';
import { type Kind, WGSL } from '../types.ts';

/** Rows and columns of a block, and the depth of its slices; 16 by 16 threads make 4 by 4 numbers each. */
const TILE = 64;
const DEPTH = 16;

/** A product as its shader sees it: numbers that hold sizes, and WGSL for elements. */
export interface Tiles {
  readonly kind: Kind;
  /** Numbers with rows, columns and depth, and the first of the three that `tiling` gave. */
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly sizes: number;
  /** Statements that make what the elements need of batch z. */
  readonly start: (z: string) => string;
  /** Element (row, depth) of the left operand, and (depth, column) of the right one, in the kind. */
  readonly a: (row: string, k: string) => string;
  readonly b: (k: string, column: string) => string;
  /** Whether neighbours along the depth of the left, and the columns of the right operand lie side by side. */
  readonly along: string;
  readonly across: string;
  readonly store: (v: string, row: string, column: string) => string;
  /** Text outside the entry point. */
  readonly more?: string;
}

/** Blocks across, blocks down, and all blocks of `count` products. */
export function tiling(m: number, n: number, count: number): readonly [number, number, number] {
  const [blocks, rows] = [Math.ceil(n / TILE), Math.ceil(m / TILE)];
  return [blocks, rows, blocks * rows * count];
}

/** Runs a product; the last of its sizes says how many blocks there are. */
export function runTiles(call: KernelCall, name: string, operands: readonly Operand[], numbers: Numbers, t: Tiles): void {
  const type = WGSL[t.kind];
  const [blocks, rows, total] = [uint(t.sizes), uint(t.sizes + 1), t.sizes + 2];
  const each = (f: (i: number, j: number) => string): string =>
    [0, 1, 2, 3].map((i) => [0, 1, 2, 3].map((j) => f(i, j)).join('\n')).join('\n');
  const body = `  if (block >= ${uint(total)}) { return; }
  let column = (block % ${blocks}) * ${TILE}u;
  let row = ((block / ${blocks}) % ${rows}) * ${TILE}u;
  let z = block / (${blocks} * ${rows});
${t.start('z')}
  let x_ = member % 16u;
  let w_ = member / 16u;
${each((i, j) => `  var s${i}${j} = ${type}(0);`)}
  for (var k = 0u; k < ${uint(t.k)}; k = k + ${DEPTH}u) {
    for (var e = member; e < ${TILE * DEPTH}u; e = e + 256u) {
      // Neighbouring threads read along whichever dimension is contiguous.
      let along = ${t.along};
      let i = select(e % ${TILE}u, e / ${DEPTH}u, along);
      let j = select(e / ${TILE}u, e % ${DEPTH}u, along);
      var v = ${type}(0);
      if (row + i < ${uint(t.m)} && k + j < ${uint(t.k)}) { v = ${t.a('(row + i)', '(k + j)')}; }
      left_[j * ${TILE}u + i] = v;
      let across = ${t.across};
      let q = select(e / ${DEPTH}u, e % ${TILE}u, across);
      let p = select(e % ${DEPTH}u, e / ${TILE}u, across);
      v = ${type}(0);
      if (column + q < ${uint(t.n)} && k + p < ${uint(t.k)}) { v = ${t.b('(k + p)', '(column + q)')}; }
      right_[p * ${TILE}u + q] = v;
    }
    workgroupBarrier();
    for (var d = 0u; d < ${DEPTH}u; d++) {
${[0, 1, 2, 3].map((i) => `      let a${i} = left_[d * ${TILE}u + w_ * 4u + ${i}u]; let b${i} = right_[d * ${TILE}u + x_ * 4u + ${i}u];`).join('\n')}
${each((i, j) => `      s${i}${j} = s${i}${j} + a${i} * b${j};`)}
    }
    workgroupBarrier();
  }
  let top = row + w_ * 4u;
  let side = column + x_ * 4u;
${each((i, j) => `  if (top + ${i}u < ${uint(t.m)} && side + ${j}u < ${uint(t.n)}) { ${t.store(`s${i}${j}`, `(top + ${i}u)`, `(side + ${j}u)`)} }`)}`;
  const more = `${t.more ?? ''}\nvar<workgroup> left_: array<${type}, ${TILE * DEPTH}>;\nvar<workgroup> right_: array<${type}, ${TILE * DEPTH}>;`;
  const blocksInAll = numbers.ints[total];
  call.run(name, operands, numbers, blocksInAll, body, { more, size: '256' });
}
