// Tensors made from numbers alone.
import { COMPUTE, type DType, isFloat } from '../base/dtype.ts';
import { ValueError } from '../base/errors.ts';
import { type Shape, sizeOf } from '../base/shape.ts';
import { type KernelOp, kernel } from './op.ts';
import { tilesOf } from './strided.ts';

/** The type that a range of a dtype is computed in. */
const rangeType = (dtype: DType): DType => (isFloat(dtype) ? COMPUTE[dtype] : 'int64');
const tiles = (n: number): number[] => (n === 0 ? [] : [tilesOf(n)]);

/** Every element `value`: zeros, ones, full. A bigint keeps all 64 bits. */
export const full: KernelOp = kernel({
  doc: 'A tensor of one value.',
  inputs: [],
  outputs: ['y'],
  attrs: { shape: 'Shape', value: 'number | bigint | boolean', dtype: 'DType' },
  infer: (_, { shape, dtype }: { shape: Shape; dtype: DType }) => {
    if (shape.some((n) => !(Number.isInteger(n) && n >= 0)))
      throw new ValueError(`full: shape [${shape.join(', ')}] has a size that is not a count; give integers >= 0`);
    return [{ shape, dtype }];
  },
  loads: () => [],
  writes: (_, { dtype }) => [dtype as DType],
  ints: ['n', 'lo', 'hi'],
  floats: ['value'],
  lower: (_, [y], { value }: { value: number | bigint | boolean }) => {
    const n = sizeOf(y.shape);
    const whole = y.dtype === 'int64';
    const big = whole ? (typeof value === 'number' ? BigInt(Number.isFinite(value) ? Math.trunc(value) : 0) : BigInt(value)) : 0n;
    return {
      ints: [n, Number(BigInt.asIntN(32, big)), Number(BigInt.asIntN(32, big >> 32n))],
      floats: [Number(value)],
      tiles: tiles(n),
    };
  },
  kernel: { file: 'create', name: 'full' },
  vjp: null,
});

/** start + i * step for i = 0 to n - 1, computed in float64 and rounded once. */
export const arange: KernelOp = kernel({
  doc: 'Numbers from start in equal steps.',
  onnx: 'Range',
  inputs: [],
  outputs: ['y'],
  attrs: { start: 'number', step: 'number', n: 'number', dtype: 'DType' },
  infer: (_, { n, step, dtype }: { n: number; step: number; dtype: DType }) => {
    if (!(Number.isInteger(n) && n >= 0))
      throw new ValueError(`arange: ${n} numbers with step ${step}; start must reach end in the direction of a step that is not 0`);
    return [{ shape: [n], dtype }];
  },
  loads: () => [],
  writes: (_, { dtype }) => [rangeType(dtype as DType)],
  ints: ['n'],
  floats: ['start', 'step'],
  lower: (_, __, { start, step, n }: { start: number; step: number; n: number }) => ({ ints: [n], floats: [start, step], tiles: tiles(n) }),
  kernel: { file: 'create', name: 'arange' },
  vjp: null,
});

/** n numbers from start to end inclusive, from both ends to the middle as torch.linspace. */
export const linspace: KernelOp = kernel({
  doc: 'Equally spaced numbers from start to end inclusive.',
  inputs: [],
  outputs: ['y'],
  attrs: { start: 'number', end: 'number', n: 'number', dtype: 'DType' },
  infer: (_, { n, dtype }: { n: number; dtype: DType }) => {
    if (!(Number.isInteger(n) && n >= 0)) throw new ValueError(`linspace: ${n} is not a count of numbers; give an integer >= 0`);
    return [{ shape: [n], dtype }];
  },
  loads: () => [],
  writes: (_, { dtype }) => [rangeType(dtype as DType)],
  ints: ['n'],
  floats: ['start', 'end'],
  lower: (_, __, { start, end, n }: { start: number; end: number; n: number }) => ({ ints: [n], floats: [start, end], tiles: tiles(n) }),
  kernel: { file: 'create', name: 'linspace' },
  vjp: null,
});
