// Places that are found: of elements that are not zero, of values in sorted rows.
import { COMPUTE, isFloat, promote } from '../base/dtype.ts';
import { ShapeError } from '../base/errors.ts';
import { show, sizeOf } from '../base/shape.ts';
import { type KernelOp, kernel, type Meta } from './op.ts';
import { list, tilesOf } from './strided.ts';

/** How many elements are not zero, as an int64 scalar: the first half of nonzero. */
export const nonzeroCount: KernelOp = kernel({
  doc: 'The number of elements that are not zero.',
  inputs: ['x'],
  outputs: ['y'],
  attrs: {},
  infer: () => [{ shape: [], dtype: 'int64' }],
  loads: () => 'bool',
  writes: () => ['int64'],
  ints: ['n'],
  lower: ([x]) => ({ ints: [sizeOf((x as Meta).shape)], tiles: [1] }),
  kernel: { file: 'indexing', name: 'nonzeroCount' },
  vjp: null,
});

/** Coordinates (count, rank) of the elements that are not zero, in order; count is nonzeroCount's. */
export const nonzeroFill: KernelOp = kernel({
  doc: 'The coordinates of the elements that are not zero, in order.',
  inputs: ['x'],
  outputs: ['y'],
  attrs: { count: 'number' },
  infer: ([x], { count }: { count: number }) => [{ shape: [count, x.shape.length], dtype: 'int64' }],
  loads: () => 'bool',
  writes: () => ['int64'],
  ints: ['n', 'count', 'rank', ...list('size')],
  lower: ([x], [y], { count }: { count: number }) => {
    const { shape } = x as Meta;
    if (shape.length > 8) throw new ShapeError(`nonzero: ${show(shape)} has more than 8 dimensions; flatten some of them first`);
    return {
      ints: [sizeOf(shape), count, shape.length, ...Array.from({ length: 8 }, (_, i) => shape[i] ?? 1)],
      tiles: sizeOf(y.shape) === 0 ? [] : [1],
    };
  },
  kernel: { file: 'indexing', name: 'nonzeroFill' },
  vjp: null,
});

/** int64 places where values would go in the sorted last dimension; right: after equal ones. @throws ShapeError */
export const searchsorted: KernelOp = kernel({
  doc: 'The places in the sorted last dimension where values would go.',
  inputs: ['sorted', 'values'],
  outputs: ['y'],
  attrs: { 'right?': 'boolean' },
  infer: ([sorted, values]) => {
    const lead = sorted.shape.slice(0, -1);
    if (sorted.shape.length === 0 || (lead.length > 0 && show(lead) !== show(values.shape.slice(0, -1))))
      throw new ShapeError(
        `searchsorted: values ${show(values.shape)} for ${show(sorted.shape)}; all but the last dimension must agree, or the sorted tensor have one dimension`,
      );
    return [{ shape: values.shape, dtype: 'int64' }];
  },
  loads: ([sorted, values]) => COMPUTE[isFloat(sorted.dtype) || isFloat(values.dtype) ? promote(sorted.dtype, values.dtype) : 'int64'],
  writes: () => ['int64'],
  ints: ['count', 'n', 'm', 'right'],
  lower: ([sorted, values], _, { right = false }: { right?: boolean }) => {
    const count = sizeOf((values as Meta).shape);
    const { shape } = sorted as Meta;
    const m = shape.length === 1 ? count : (values as Meta).shape[shape.length - 1];
    return { ints: [count, shape[shape.length - 1], m, right ? 1 : 0], tiles: count === 0 ? [] : [tilesOf(count)] };
  },
  kernel: { file: 'indexing', name: 'searchsorted' },
  vjp: null,
});
