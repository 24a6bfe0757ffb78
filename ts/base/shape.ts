import { IndexError, ShapeError } from './errors.ts';

/** Sizes of the dimensions, outermost first; [] is a scalar. */
export type Shape = readonly number[];

/** Number of elements. */
export function sizeOf(shape: Shape): number {
  let n = 1;
  for (let i = 0; i < shape.length; i++) n *= shape[i];
  return n;
}

/** Row-major strides in elements. */
export function contiguousStrides(shape: Shape): number[] {
  const strides = new Array<number>(shape.length);
  let n = 1;
  for (let i = shape.length - 1; i >= 0; i--) {
    strides[i] = n;
    n *= shape[i] > 1 ? shape[i] : 1;
  }
  return strides;
}

/** Strides of a channels-last tensor: (N, C, L), (N, C, H, W) or (N, C, D, H, W) laid out as N, spatial, C. */
export function channelsLastStrides(shape: Shape): number[] {
  const strides = new Array<number>(shape.length);
  strides[1] = 1;
  let n = shape[1];
  for (let i = shape.length - 1; i > 1; i--) {
    strides[i] = n;
    n *= shape[i];
  }
  strides[0] = n;
  return strides;
}

/** Whether two shapes (or stride lists) are equal. */
export function sameShape(a: Shape, b: Shape): boolean {
  if (a === b) return true;
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** Whether the elements lie in row-major order without gaps; dimensions of size 1 do not matter. */
export function isContiguous(shape: Shape, strides: Shape): boolean {
  let n = 1;
  for (let i = shape.length - 1; i >= 0; i--) {
    if (shape[i] === 0) return true;
    if (shape[i] !== 1) {
      if (strides[i] !== n) return false;
      n *= shape[i];
    }
  }
  return true;
}

/** Whether strides are those of a channels-last tensor of rank 3 to 5 and not also row-major. */
export function isChannelsLast(shape: Shape, strides: Shape): boolean {
  if (shape.length < 3 || shape.length > 5) return false;
  let n = 1;
  for (let k = 0; k < shape.length; k++) {
    const i = k === 0 ? 1 : k === shape.length - 1 ? 0 : shape.length - k;
    if (shape[i] === 0) return false;
    if (shape[i] !== 1) {
      if (strides[i] !== n) return false;
      n *= shape[i];
    }
  }
  return true;
}

/** The common shape of two operands, aligned at the last dimension. @throws ShapeError naming the op. */
export function broadcast(op: string, a: Shape, b: Shape): Shape {
  if (sameShape(a, b)) return a;
  const rank = Math.max(a.length, b.length);
  const shape = new Array<number>(rank);
  for (let i = 1; i <= rank; i++) {
    const x = i <= a.length ? a[a.length - i] : 1;
    const y = i <= b.length ? b[b.length - i] : 1;
    if (x !== y && x !== 1 && y !== 1)
      throw new ShapeError(
        `${op}: shapes [${a.join(', ')}] and [${b.join(', ')}] do not broadcast: dimension -${i} is ${x} in one and ${y} in the other; sizes must be equal or 1`,
      );
    shape[rank - i] = x === 1 ? y : x;
  }
  return shape;
}

/** Refuses operands of an op whose shapes must be equal. @throws ShapeError naming the op and both. */
export function needSame(op: string, a: string, shapeA: Shape, b: string, shapeB: Shape): void {
  if (!sameShape(shapeA, shapeB))
    throw new ShapeError(`${op}: ${a} ${show(shapeA)} and ${b} ${show(shapeB)} differ; their shapes must be equal`);
}

/** A dimension as 0 <= dim < rank; negative ones count from the end. @throws IndexError naming the op. */
export function wrapDim(op: string, dim: number, rank: number): number {
  const r = rank === 0 ? 1 : rank;
  if (!Number.isInteger(dim) || dim < -r || dim >= r)
    throw new IndexError(`${op}: dim ${dim} is out of range for ${rank} dimensions; use ${-r} to ${r - 1}`);
  return dim < 0 ? dim + r : dim;
}

/** Dimensions wrapped, checked for repeats and sorted; undefined or [] mean all. @throws IndexError */
export function wrapDims(op: string, dims: number | readonly number[] | undefined | null, rank: number): number[] {
  if (dims === undefined || dims === null) return Array.from({ length: rank }, (_, i) => i);
  const list = typeof dims === 'number' ? [dims] : dims;
  if (list.length === 0) return Array.from({ length: rank }, (_, i) => i);
  const wrapped = list.map((d) => wrapDim(op, d, rank)).sort((a, b) => a - b);
  for (let i = 1; i < wrapped.length; i++)
    if (wrapped[i] === wrapped[i - 1]) throw new IndexError(`${op}: dim ${wrapped[i]} is named twice in [${list.join(', ')}]`);
  return rank === 0 ? [] : wrapped;
}

/** Shape as it is printed in messages. */
export function show(shape: Shape): string {
  return `[${shape.join(', ')}]`;
}

/** Whether a view covers its elements without gaps or overlaps, in some order of its dimensions. */
export function isDense(x: { readonly shape: Shape; readonly strides: Shape }): boolean {
  const dims: number[] = [];
  for (let d = 0; d < x.shape.length; d++) if (x.shape[d] !== 1) dims.push(d);
  dims.sort((a, b) => x.strides[a] - x.strides[b]);
  let n = 1;
  for (const d of dims) {
    if (x.strides[d] !== n) return false;
    n *= x.shape[d];
  }
  return true;
}
