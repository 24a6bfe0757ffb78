import { IndexError, ShapeError } from '../base/errors.ts';
import { isDense, type Shape, show, sizeOf } from '../base/shape.ts';
import type { Ops } from './gen/ops.ts';
import type { Layout, Lowered, Meta, Value } from './op.ts';

/** Names of the integer fields of a reduction step, as `lowerFold` fills them and assembly/kernels/axes.ts reads them. */
export const FOLD_INTS: readonly string[] = [
  'rows',
  'size',
  'n',
  'k0',
  'k1',
  'k2',
  'ks0',
  'ks1',
  'ks2',
  'r0',
  'r1',
  'r2',
  'rs0',
  'rs1',
  'rs2',
  'group',
  'pieces',
  'span',
];

/** Elements that one tile folds, about. */
const GRAIN = 32768;
/** Columns of one tile: COLUMNS of assembly/kernels/fold.ts. */
const COLUMNS = 1024;
/** A reduction with at least this many tiles without cutting its reduced axes is not cut. */
const ENOUGH = 16;

/** The shape with `dims` removed, or of size 1 with keepdim. */
export function reducedShape(shape: Shape, dims: readonly number[], keepdim: boolean): number[] {
  const out: number[] = [];
  for (let i = 0; i < shape.length; i++) {
    if (!dims.includes(i)) out.push(shape[i]);
    else if (keepdim) out.push(1);
  }
  return out;
}

/** Refuses dims that a shape does not have, which the functions above the table have already wrapped. @throws IndexError */
export function checkDims(op: string, shape: Shape, dims: readonly number[]): void {
  for (const d of dims)
    if (!(d >= 0 && d < shape.length))
      throw new IndexError(`${op}: dim ${d} of ${show(shape)} does not exist; use 0 to ${shape.length - 1}`);
}

/** Number of elements that are folded into one. */
export function reducedSize(shape: Shape, dims: readonly number[]): number {
  return dims.reduce((n, d) => n * shape[d], 1);
}

/** A reduced tensor with its dims back as size 1, so that it broadcasts against the input. */
export function keep(ops: Ops, y: Value, shape: Shape, dims: readonly number[], keepdim: boolean): Value {
  return keepdim ? y : ops.reshape(y, { shape: reducedShape(shape, dims, true) });
}

interface Group {
  size: number;
  stride: number;
  reduced: boolean;
}

/** Dimensions of more than one element in the order of memory, outermost first. */
function memoryOrder({ shape, strides }: Meta): number[] {
  return [...shape.keys()].filter((i) => shape[i] !== 1).sort((a, b) => strides[b] - strides[a] || a - b);
}

/** A fold reads a dense tensor as it lies if the dimensions that it keeps lie in their own order, so that its results do. */
export function foldLayout(x: Meta, dims: readonly number[]): Layout {
  if (!isDense(x)) return 'contiguous';
  const kept = memoryOrder(x).filter((i) => !dims.includes(i));
  return kept.every((d, i) => i === 0 || kept[i - 1] < d) ? 'any' : 'contiguous';
}

/** Adjacent axes of one kind merged, axes of size 1 dropped; innermost first. */
function collapse(x: Meta, dims: readonly number[]): Group[] {
  const groups: Group[] = [];
  let stride = 1;
  for (const i of memoryOrder(x).reverse()) {
    const size = x.shape[i];
    const reduced = dims.includes(i);
    const top = groups[groups.length - 1];
    if (top !== undefined && top.reduced === reduced) top.size *= size;
    else groups.push({ size, stride, reduced });
    stride *= size;
  }
  return groups;
}

/**
 * The step of a reduction of a dense tensor over `dims`: its collapsed axes and how it is cut into tiles, by its shape and the order of
 * its dimensions in memory alone.
 * `joins`: phases that fold the input (1, or 2 where a second pass needs the result of the first).
 * @throws ShapeError where kept and reduced dimensions alternate more than four times.
 */
export function lowerFold(op: string, x: Meta, dims: readonly number[], cut = true): Lowered {
  const { shape } = x;
  const total = sizeOf(shape);
  const folded = reducedSize(shape, dims);
  const outputs = sizeOf(reducedShape(shape, dims, false));
  const groups =
    total === 0
      ? [
          { size: outputs, stride: 0, reduced: false },
          { size: 0, stride: 1, reduced: true },
        ].reverse()
      : collapse(x, dims);
  if (groups.length === 0) groups.push({ size: 1, stride: 1, reduced: true });
  const [inner, ...rest] = groups;
  const axes = (reduced: boolean): { sizes: number[]; strides: number[] } => {
    const list = rest.filter((g) => g.reduced === reduced).reverse();
    if (list.length > 3)
      throw new ShapeError(`${op}: dims [${dims.join(', ')}] of ${show(shape)} alternate too often with kept ones; reduce in two calls`);
    while (list.length < 3) list.unshift({ size: 1, stride: 0, reduced });
    return { sizes: list.map((g) => g.size), strides: list.map((g) => g.stride) };
  };
  const kept = axes(false);
  const reduced = axes(true);
  const rows = inner.reduced;
  const keptCount = sizeOf(kept.sizes);
  const reducedCount = sizeOf(reduced.sizes);
  const blocks = rows ? 1 : Math.ceil(inner.size / COLUMNS);
  // What pieces are cut along: elements of the one run, whole runs, or rows of columns.
  const length = rows && reducedCount === 1 ? inner.size : reducedCount;
  const weight = length === 0 ? 0 : (folded * (rows ? 1 : Math.min(inner.size, COLUMNS))) / length;
  let group = Math.max(1, Math.floor(GRAIN / Math.max(1, length * weight)));
  let span = Math.max(length, 1);
  if (cut && Math.ceil(keptCount / group) * blocks < ENOUGH && length * weight >= 2 * GRAIN) {
    group = 1;
    span = Math.max(1, Math.ceil(GRAIN / weight));
    // A run's piece ends where a block of the float32 fold ends.
    if (rows && reducedCount === 1) span = GRAIN;
  }
  const pieces = Math.max(1, Math.ceil(length / span));
  const units = Math.ceil(keptCount / group) * blocks;
  const tiles = outputs === 0 ? [] : pieces === 1 ? [units] : [units * pieces, units];
  return {
    ints: [rows ? 1 : 0, total, inner.size, ...kept.sizes, ...kept.strides, ...reduced.sizes, ...reduced.strides, group, pieces, span],
    tiles,
    workspace: pieces === 1 ? 0 : units * pieces * 8 * (rows ? 1 : COLUMNS),
  };
}

/** Names of the integer fields of a step along one axis of [outer][n][inner], as `lowerAxis` fills them. */
export const AXIS_INTS: readonly string[] = ['outer', 'n', 'inner', 'group', 'width'];

/**
 * The step of an op along one dimension (null: along all elements as one): tiles of whole lines, or of blocks of `width` columns.
 * An op that reads its input `once` takes wide blocks, four of them at least; for another, a block fits in L2.
 */
export function lowerAxis(shape: Shape, dim: number | null, once = false): Lowered {
  const all = dim === null || shape.length === 0;
  const outer = all ? 1 : sizeOf(shape.slice(0, dim));
  const n = all ? sizeOf(shape) : shape[dim];
  const inner = all ? 1 : sizeOf(shape.slice(dim + 1));
  const wish = once ? (outer < 4 ? Math.ceil(inner / 64) * 16 : inner) : Math.floor(GRAIN / Math.max(n, 1) / 16) * 16;
  const width = inner === 1 ? 1 : Math.min(COLUMNS, Math.max(16, wish));
  const blocks = Math.ceil(inner / width);
  const group = Math.max(1, Math.floor(GRAIN / 2 / Math.max(1, n * Math.min(inner, width))));
  return { ints: [outer, n, inner, group, width], tiles: outer * inner === 0 ? [] : [Math.ceil(outer / group) * blocks] };
}
