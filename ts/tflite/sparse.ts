// Sparse constants: the format of TACO, a tree of dense and compressed levels over the (possibly blocked) dimensions.
import { FormatError } from '../base/errors.ts';
import { sizeOf } from '../base/shape.ts';
import type { Table } from './flatbuffer.ts';

interface Level {
  readonly dense: boolean;
  readonly size: number;
  readonly segments: readonly number[];
  readonly indices: readonly number[];
}
export interface Sparsity {
  /** The dimension of each level, block dimensions behind the others. */
  readonly order: readonly number[];
  /** The dimension that each block dimension divides. */
  readonly blocks: readonly number[];
  readonly levels: readonly Level[];
}

/** Indices are stored in vectors of 32, 16 or 8 bits. */
function indexList(table: Table, type: number, field: number): readonly number[] {
  const vector = table.table(field);
  const width = table.i8(type);
  return vector === null ? [] : width === 1 ? vector.i32s(0) : width === 2 ? vector.u16s(0) : width === 3 ? vector.u8s(0) : [];
}

/** Reads the description of a sparse tensor. @throws FormatError */
export function sparsityOf(table: Table, where: string): Sparsity {
  const levels = table.tables(2).map((level): Level => {
    const dense = level.i8(0) === 0;
    return { dense, size: level.i32(1), segments: indexList(level, 2, 3), indices: indexList(level, 4, 5) };
  });
  const order = table.i32s(0);
  if (order.length !== levels.length || new Set(order).size !== order.length || order.some((d) => d < 0 || d >= levels.length))
    throw new FormatError(`tflite: ${where} is sparse in an order of dimensions that is none: ${order}`);
  return { order, blocks: table.i32s(1), levels };
}

/** The dense elements. @throws FormatError where the levels and the data do not fit the shape */
export function densified(data: Uint8Array, size: number, shape: readonly number[], sparsity: Sparsity, where: string): Uint8Array {
  const { order, blocks, levels } = sparsity;
  const fail = (): never => {
    throw new FormatError(`tflite: ${where}: its sparse levels do not fit the shape [${shape}] and ${data.length} bytes`);
  };
  const rank = shape.length;
  if (order.length !== rank + blocks.length || blocks.some((d) => d < 0 || d >= rank)) fail();
  // Sizes of blocks, by block dimension; the outer dimension counts blocks.
  const block = blocks.map((_, b) => levels[order.indexOf(rank + b)].size);
  if (block.some((n) => n < 1)) fail();
  const outer = shape.map((n, d) => n / blocks.reduce((p, at, b) => (at === d ? p * block[b] : p), 1));
  const count = data.length / size;
  // What is dense is written out: the file must hold a fair part of it.
  if (sizeOf(shape) * size > Math.max(1 << 20, data.length * 4096)) fail();
  const out = new Uint8Array(sizeOf(shape) * size);
  const at = new Array<number>(order.length).fill(0);
  let next = 0;
  const place = (): void => {
    const index = shape.map((_, d) => at[d]);
    blocks.forEach((d, b) => {
      index[d] = index[d] * block[b] + at[rank + b];
    });
    const flat = index.reduce((sum, i, d) => (i >= 0 && i < shape[d] ? sum * shape[d] + i : fail()), 0);
    if (next >= count) fail();
    for (let i = 0; i < size; i++) out[flat * size + i] = data[next * size + i];
    next++;
  };
  const walk = (level: number, position: number): void => {
    if (level === levels.length) {
      place();
      return;
    }
    const { dense, size: n, segments, indices } = levels[level];
    const d = order[level];
    if (dense) {
      if (n < 0 || (d < rank && n !== outer[d])) fail();
      for (let i = 0; i < n; i++) {
        at[d] = i;
        walk(level + 1, position * n + i);
      }
      return;
    }
    const [from, to] = [segments[position], segments[position + 1]];
    if (from === undefined || to === undefined || from < 0 || from > to || to > indices.length) fail();
    for (let i = from; i < to; i++) {
      at[d] = indices[i];
      walk(level + 1, i);
    }
  };
  walk(0, 0);
  return out;
}
