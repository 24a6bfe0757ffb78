// Ops that move data between a contiguous tensor and a strided region: flips, triangles, gradients of views.
import { COMPUTE } from '../base/dtype.ts';
import { ShapeError } from '../base/errors.ts';
import { contiguousStrides, type Shape, show, sizeOf, wrapDims } from '../base/shape.ts';
import { type KernelOp, kernel, type Meta } from './op.ts';
import { mayOverlap } from './view.ts';

/** Elements of one tile. */
export const GRAIN = 32768;
/** Most dimensions of a strided region in a step, after those that memory joins are merged. */
const DIMS = 8;

/** Field names of a list of DIMS integers: size0 to size7. */
export const list = (name: string): string[] => Array.from({ length: DIMS }, (_, i) => `${name}${i}`);

/** Tiles of n elements. */
export const tilesOf = (n: number, grain: number = GRAIN): number => Math.ceil(n / grain);

/**
 * Sizes and one or more stride lists with size-1 dimensions dropped and jointly contiguous neighbours merged, each padded to DIMS
 * integers: [dims, ...sizes, ...strides, ...]. @throws ShapeError for more than DIMS dimensions that do not merge.
 */
export function collapse(op: string, shape: Shape, ...strides: readonly Shape[]): number[] {
  const sizes: number[] = [];
  const lists: number[][] = strides.map(() => []);
  for (let d = 0; d < shape.length; d++) {
    if (shape[d] === 1) continue;
    const last = sizes.length - 1;
    if (last >= 0 && strides.every((s, k) => lists[k][last] === s[d] * shape[d])) {
      sizes[last] *= shape[d];
      strides.forEach((s, k) => {
        lists[k][last] = s[d];
      });
    } else {
      sizes.push(shape[d]);
      strides.forEach((s, k) => lists[k].push(s[d]));
    }
  }
  if (sizes.length === 0) {
    sizes.push(1);
    for (const l of lists) l.push(1);
  }
  if (sizes.length > DIMS)
    throw new ShapeError(`${op}: ${show(shape)} has more than ${DIMS} dimensions that memory does not join; flatten some of them first`);
  const pad = (l: number[]): number[] => [...l, ...new Array<number>(DIMS - l.length).fill(1)];
  return [sizes.length, ...pad(sizes), ...lists.flatMap(pad)];
}

/** Strides and offset that walk a row-major tensor with some dimensions in reverse; an empty list names none. */
export function reversed(shape: Shape, dims: number | Shape): { strides: number[]; offset: number } {
  const named = typeof dims !== 'number' && dims.length === 0 ? [] : wrapDims('flip', dims, shape.length);
  const strides = contiguousStrides(shape);
  let offset = 0;
  for (const d of named) {
    offset += (shape[d] - 1) * strides[d];
    strides[d] = -strides[d];
  }
  return { strides, offset };
}

/** x with the order of some dimensions reversed: flip(x, { dims }). */
export const flip: KernelOp = kernel({
  doc: 'The elements in reverse order along dimensions.',
  inputs: ['x'],
  outputs: ['y'],
  attrs: { dims: 'number | readonly number[]' },
  infer: ([x], { dims }: { dims: number | Shape }) => {
    if (typeof dims === 'number' || dims.length > 0) wrapDims('flip', dims, x.shape.length);
    return [{ shape: x.shape, dtype: x.dtype }];
  },
  loads: ([x]) => x.dtype,
  ints: ['n', 'offset', 'dims', ...list('size'), ...list('stride')],
  lower: ([x], _, { dims }: { dims: number | Shape }) => {
    const { shape } = x as Meta;
    const { strides, offset } = reversed(shape, dims);
    const n = sizeOf(shape);
    return { ints: [n, offset, ...collapse('flip', shape, strides)], tiles: n === 0 ? [] : [tilesOf(n)] };
  },
  kernel: { file: 'strided', name: 'flip' },
  vjp: ({ flip }, { dy, attrs }) => [flip(dy, attrs)],
});

/** Elements of any strides and offset over x as if it were contiguous, copied. The derivative of asStridedBackward. */
export const asStridedCopy: KernelOp = kernel({
  doc: 'Elements of any strides and offset over the row-major order of a tensor, copied.',
  inputs: ['x'],
  outputs: ['y'],
  attrs: { sizes: 'Shape', strides: 'Shape', offset: 'number' },
  infer: ([x], { sizes }: { sizes: Shape }) => [{ shape: sizes, dtype: x.dtype }],
  loads: ([x]) => x.dtype,
  ints: ['n', 'offset', 'dims', ...list('size'), ...list('stride')],
  lower: (_, [y], { strides, offset }: { strides: Shape; offset: number }) => {
    const n = sizeOf(y.shape);
    return { ints: [n, offset, ...collapse('asStridedCopy', y.shape, strides)], tiles: n === 0 ? [] : [tilesOf(n)] };
  },
  kernel: { file: 'strided', name: 'asStridedCopy' },
  vjp: ({ asStridedBackward }, { dy, attrs, inputs }) => [
    asStridedBackward(dy, { shape: (inputs[0] as Meta).shape, sizes: attrs.sizes, strides: attrs.strides, offset: attrs.offset }),
  ],
});

const backInts: string[] = ['total', 'n', 'grain', 'offset', 'dims', ...list('size'), ...list('stride')];

function lowerBack(op: string, dy: Meta, y: Meta, strides: Shape, offset: number): { ints: number[]; tiles: number[] } {
  const total = sizeOf(y.shape);
  const n = sizeOf(dy.shape);
  // What overlaps is added in order, by one thread.
  const grain = mayOverlap(dy.shape, strides) ? Math.max(1, n) : GRAIN;
  return {
    ints: [total, n, grain, offset, ...collapse(op, dy.shape, strides)],
    tiles: total === 0 ? [] : n === 0 ? [tilesOf(total)] : [tilesOf(total), tilesOf(n, grain)],
  };
}

/** Zeros of `shape` with dy at starts and steps: the derivative of slice. */
export const sliceBackward: KernelOp = kernel({
  doc: 'Zeros of a shape with a tensor in a regular part of it.',
  inputs: ['dy'],
  outputs: ['y'],
  attrs: { shape: 'Shape', starts: 'readonly number[]', steps: 'readonly number[]' },
  infer: ([dy], { shape }: { shape: Shape }) => [{ shape, dtype: dy.dtype }],
  loads: ([dy]) => COMPUTE[dy.dtype],
  ints: backInts,
  lower: ([dy], [y], { shape, starts, steps }: { shape: Shape; starts: Shape; steps: Shape }) => {
    const strides = contiguousStrides(shape);
    const offset = starts.reduce((sum, start, d) => sum + start * strides[d], 0);
    return lowerBack(
      'sliceBackward',
      dy as Meta,
      y,
      strides.map((s, d) => s * steps[d]),
      offset,
    );
  },
  kernel: { file: 'strided', name: 'sliceBackward' },
  vjp: ({ slice }, { dy, attrs, inputs }) => [slice(dy, { starts: attrs.starts, steps: attrs.steps, sizes: (inputs[0] as Meta).shape })],
});

/** Zeros of `shape` into whose row-major memory dy is added at (offset, strides); what overlaps adds up in the order of dy. */
export const asStridedBackward: KernelOp = kernel({
  doc: 'Zeros of a shape into which a tensor is added at any strides and offset.',
  inputs: ['dy'],
  outputs: ['y'],
  attrs: { shape: 'Shape', sizes: 'Shape', strides: 'Shape', offset: 'number' },
  infer: ([dy], { shape }: { shape: Shape }) => [{ shape, dtype: dy.dtype }],
  loads: ([dy]) => COMPUTE[dy.dtype],
  ints: backInts,
  lower: ([dy], [y], { strides, offset }: { strides: Shape; offset: number }) =>
    lowerBack('asStridedBackward', dy as Meta, y, strides, offset),
  kernel: { file: 'strided', name: 'asStridedBackward' },
  vjp: ({ asStridedCopy }, { dy, attrs }) => [asStridedCopy(dy, { sizes: attrs.sizes, strides: attrs.strides, offset: attrs.offset })],
});

function triangle(name: 'tril' | 'triu', doc: string): KernelOp {
  return kernel({
    doc,
    onnx: 'Trilu',
    inputs: ['x'],
    outputs: ['y'],
    attrs: { 'diagonal?': 'number' },
    infer: ([x]) => {
      if (x.shape.length < 2)
        throw new ShapeError(`${name}: ${show(x.shape)} has no last two dimensions; give a matrix or a batch of matrices`);
      return [{ shape: x.shape, dtype: x.dtype }];
    },
    loads: ([x]) => x.dtype,
    ints: ['count', 'rows', 'cols', 'per', 'diagonal'],
    lower: ([x], _, { diagonal = 0 }: { diagonal?: number }) => {
      const { shape } = x as Meta;
      const [rows, cols] = shape.slice(-2);
      const n = sizeOf(shape);
      const per = Math.max(1, Math.floor(GRAIN / Math.max(1, cols)));
      // Beyond the corners every diagonal is the same, and a corner fits in an integer field.
      const d = Math.max(-rows - 1, Math.min(cols + 1, diagonal));
      return n === 0
        ? { ints: [0, rows, cols, per, d], tiles: [] }
        : { ints: [n / cols, rows, cols, per, d], tiles: [tilesOf(n / cols, per)] };
    },
    kernel: { file: 'strided', name },
    vjp: (ops, { dy, attrs }) => [ops[name](dy, attrs)],
  });
}
/** The lower triangle of the last two dimensions: elements above the diagonal become zero. */
export const tril: KernelOp = triangle('tril', 'The lower triangle of matrices; the rest is zero.');
/** The upper triangle of the last two dimensions: elements below the diagonal become zero. */
export const triu: KernelOp = triangle('triu', 'The upper triangle of matrices; the rest is zero.');
