// Random numbers: Philox4x32-10 by counter. Element i of a call with (seed, offset) is always the same number.
// A call uses the blocks offset to offset + blocksOf(n) - 1; the generator hands out offsets accordingly.
import { COMPUTE, type DType, isFloat } from '../base/dtype.ts';
import { DTypeError, ValueError } from '../base/errors.ts';
import { type Shape, sizeOf } from '../base/shape.ts';
import { type KernelOp, kernel, type Lowered, type Meta } from './op.ts';
import { tilesOf } from './strided.ts';

/** Where a random op draws: a 64-bit seed and a 64-bit block offset as unsigned 32-bit halves. */
export interface Draw {
  readonly seedLo: number;
  readonly seedHi: number;
  readonly offsetLo: number;
  readonly offsetHi: number;
}
interface Sample extends Draw {
  readonly shape: Shape;
  readonly dtype: DType;
}

/** Counter blocks that a random op of n elements may use, whatever its dtype. */
export function blocksOf(n: number): number {
  return 4 * Math.ceil(n / 8);
}

const place = { seedLo: 'number', seedHi: 'number', offsetLo: 'number', offsetHi: 'number' } as const;
const head: string[] = ['seedLo', 'seedHi', 'offsetLo', 'offsetHi', 'n'];
const start = (d: Draw, n: number): number[] => [d.seedLo | 0, d.seedHi | 0, d.offsetLo | 0, d.offsetHi | 0, n];
const tiles = (n: number): number[] => (n === 0 ? [] : [tilesOf(n)]);

/** Bits of a uniform number, so that it stays below 1 in its dtype. */
const BITS: Partial<Record<DType, number>> = { float32: 24, float64: 53, float16: 11, bfloat16: 8 };

function source(
  name: string,
  doc: string,
  attrs: Record<string, string>,
  check: (attrs: Record<string, number>) => [number, number],
): KernelOp {
  return kernel({
    doc,
    inputs: [],
    outputs: ['y'],
    attrs: { shape: 'Shape', dtype: 'DType', ...attrs, ...place },
    infer: (_, a: Sample & Record<string, number>) => {
      if (!isFloat(a.dtype))
        throw new DTypeError(`${name}: dtype ${a.dtype} is not a floating-point one; use float32, or randint for integers`);
      check(a);
      return [{ shape: a.shape, dtype: a.dtype }];
    },
    loads: () => [],
    writes: (_, a) => [COMPUTE[a.dtype as DType]],
    ints: [...head, 'bits'],
    floats: ['a', 'b'],
    lower: (_, [y], a: Sample & Record<string, number>): Lowered => {
      const n = sizeOf(y.shape);
      return { ints: [...start(a, n), BITS[a.dtype] as number], floats: check(a), tiles: tiles(n) };
    },
    kernel: { file: 'random', name },
    random: true,
    vjp: null,
  });
}

/** Uniform numbers in [from, to). @throws ValueError if from > to, DTypeError */
export const uniform: KernelOp = source(
  'uniform',
  'Uniform random numbers, at least from and below to.',
  { 'from?': 'number', 'to?': 'number' },
  ({ from = 0, to = 1 }) => {
    if (!(from <= to)) throw new ValueError(`uniform: from ${from} is above to ${to}; give from <= to`);
    return [from, to];
  },
);
/** Normal numbers of a mean and a standard deviation >= 0, by Box and Muller. @throws ValueError, DTypeError */
export const normal: KernelOp = source(
  'normal',
  'Normally distributed random numbers.',
  { 'mean?': 'number', 'std?': 'number' },
  ({ mean = 0, std = 1 }) => {
    if (!(std >= 0)) throw new ValueError(`normal: std ${std} is negative; give a standard deviation >= 0`);
    return [mean, std];
  },
);
/** Exponential numbers of a rate > 0 (mean 1 / rate). @throws ValueError, DTypeError */
export const exponential: KernelOp = source(
  'exponential',
  'Exponentially distributed random numbers.',
  { 'rate?': 'number' },
  ({ rate = 1 }) => {
    if (!(rate > 0)) throw new ValueError(`exponential: rate ${rate} is not positive; give a rate > 0`);
    return [rate, 0];
  },
);

/** Low and high 32 bits of an integer of at most 53 bits. */
const halves = (x: number): [number, number] => [x | 0, Math.floor(x / 4294967296) | 0];

/** Integers from low to high - 1, int64 unless dtype says otherwise. The bias is below (high - low) / 2^64. @throws ValueError */
export const randint: KernelOp = kernel({
  doc: 'Random integers, at least low and below high.',
  inputs: [],
  outputs: ['y'],
  attrs: { shape: 'Shape', 'dtype?': 'DType', 'low?': 'number', high: 'number', ...place },
  infer: (_, { shape, dtype = 'int64', low = 0, high }: Sample & { low: number; high: number }) => {
    if (!(Number.isSafeInteger(low) && Number.isSafeInteger(high) && low < high && Number.isSafeInteger(high - low)))
      throw new ValueError(`randint: low ${low} and high ${high}; give safe integers with low < high`);
    return [{ shape, dtype }];
  },
  loads: () => [],
  writes: () => ['int64'],
  ints: [...head, 'lowLo', 'lowHi', 'rangeLo', 'rangeHi'],
  lower: (_, [y], a: Sample & { low?: number; high: number }) => {
    const n = sizeOf(y.shape);
    const { low = 0, high } = a;
    return { ints: [...start(a, n), ...halves(low), ...halves(high - low)], tiles: tiles(n) };
  },
  kernel: { file: 'random', name: 'randint' },
  random: true,
  vjp: null,
});

/** The integers 0 to n - 1 in random order, int64 unless dtype says otherwise. @throws ValueError */
export const randperm: KernelOp = kernel({
  doc: 'The integers from 0 to n - 1 in random order.',
  inputs: [],
  outputs: ['y'],
  attrs: { n: 'number', 'dtype?': 'DType', ...place },
  infer: (_, { n, dtype = 'int64' }: Draw & { n: number; dtype?: DType }) => {
    if (!(Number.isInteger(n) && n >= 0)) throw new ValueError(`randperm: n ${n} is not a count; give an integer >= 0`);
    return [{ shape: [n], dtype }];
  },
  loads: () => [],
  writes: () => ['int64'],
  ints: head,
  lower: (_, __, a: Draw & { n: number }) => ({ ints: start(a, a.n), tiles: a.n === 0 ? [] : [1] }),
  kernel: { file: 'random', name: 'randperm' },
  random: true,
  vjp: null,
});

/** 1 with the probability that each element of p gives, else 0, in p's dtype. @throws DTypeError */
export const bernoulli: KernelOp = kernel({
  doc: 'Ones with the probability that each element gives, else zeros.',
  inputs: ['p'],
  outputs: ['y'],
  attrs: { ...place },
  infer: ([p]) => {
    if (!isFloat(p.dtype)) throw new DTypeError(`bernoulli: probabilities of dtype ${p.dtype}; give a floating-point tensor`);
    return [{ shape: p.shape, dtype: p.dtype }];
  },
  loads: ([p]) => COMPUTE[p.dtype],
  ints: head,
  lower: ([p], _, a: Draw) => {
    const n = sizeOf((p as Meta).shape);
    return { ints: start(a, n), tiles: tiles(n) };
  },
  kernel: { file: 'random', name: 'bernoulli' },
  random: true,
  vjp: null,
});

/** 1 / (1 - p): what keeps the mean; 0 where nothing is kept. */
const keepScale = (p: number): number => (p === 1 ? 0 : 1 / (1 - p));

/** Zeroes each element with probability p and scales the rest by 1 / (1 - p); the second output says what was kept. @throws ValueError, DTypeError */
export const dropout: KernelOp = kernel({
  doc: 'Zeroes elements with a probability and scales the rest to keep the mean; also gives the mask of what was kept.',
  inputs: ['x'],
  outputs: ['y', 'mask'],
  attrs: { p: 'number', ...place },
  infer: ([x], { p }: { p: number }) => {
    if (!(p >= 0 && p <= 1)) throw new ValueError(`dropout: p ${p} is not a probability; give 0 to 1`);
    if (!isFloat(x.dtype)) throw new DTypeError(`dropout: dtype ${x.dtype} is not a floating-point one; convert it first`);
    return [
      { shape: x.shape, dtype: x.dtype },
      { shape: x.shape, dtype: 'bool' },
    ];
  },
  loads: ([x]) => COMPUTE[x.dtype],
  writes: ([x]) => [COMPUTE[x.dtype], 'bool'],
  ints: head,
  floats: ['p', 'scale'],
  lower: ([x], _, a: Draw & { p: number }) => {
    const n = sizeOf((x as Meta).shape);
    return { ints: start(a, n), floats: [a.p, keepScale(a.p)], tiles: tiles(n) };
  },
  kernel: { file: 'random', name: 'dropout' },
  random: true,
  saves: ['mask'],
  vjp: ({ where, mul }, { dy, mask, attrs }) => [where(mask, mul(dy, keepScale(attrs.p)), 0)],
});
