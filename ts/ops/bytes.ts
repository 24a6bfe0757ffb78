import type { DType } from '../base/dtype.ts';
import { DTypeError, ShapeError, ValueError } from '../base/errors.ts';
import { sameShape, show, sizeOf } from '../base/shape.ts';
import { kernel, type Meta, type Op } from './op.ts';

/** Rows of a product that one tile computes, and units that one packs (GROUP in assembly/kernels/gemm/bytes.ts). */
const BLOCK = 32;
const GROUP = 16;
/** Multiplications worth a tile of their own. */
const GRAIN = 4_000_000;

const LOW: Partial<Record<DType, number>> = { int8: -128, uint8: 0 };

/**
 * Product of stacks of matrices of bytes, a [..., m, k] and b [..., k, n] (or one matrix b for all), each less its zero point, as int32:
 * exact while it fits, else modulo 2^32.
 */
export const intMm: Op = kernel({
  doc: 'Matrix product of int8 or uint8 matrices, less their zero points, exact in int32.',
  onnx: 'MatMulInteger',
  inputs: ['a', 'b'],
  outputs: ['y'],
  attrs: { 'aZero?': 'number', 'bZero?': 'number' },
  infer: ([a, b], { aZero = 0, bZero = 0 }: { aZero?: number; bZero?: number }) => {
    for (const [x, zero, name] of [
      [a, aZero, 'a'],
      [b, bZero, 'b'],
    ] as const) {
      const low = LOW[x.dtype];
      if (low === undefined) throw new DTypeError(`intMm: ${name} has dtype ${x.dtype}; it needs int8 or uint8, use matmul for others`);
      if (!Number.isInteger(zero) || zero < low || zero > low + 255)
        throw new ValueError(`intMm: the zero point of ${name}, ${zero}, is no ${x.dtype}; use ${low} to ${low + 255}`);
    }
    const [batchA, batchB] = [a.shape.slice(0, -2), b.shape.slice(0, -2)];
    if (a.shape.length < 2 || b.shape.length < 2 || a.shape.at(-1) !== b.shape.at(-2) || (batchB.length > 0 && !sameShape(batchA, batchB)))
      throw new ShapeError(
        `intMm: ${show(a.shape)} x ${show(b.shape)} do not fit: they need [..., m, k] and [k, n], or [..., k, n] of the same batch`,
      );
    return [{ shape: [...a.shape.slice(0, -1), b.shape.at(-1) as number], dtype: 'int32' }];
  },
  loads: () => ['same', 'same'],
  writes: () => ['int32'],
  ints: ['m', 'n', 'k', 'batch', 'stacks', 'aZero', 'bZero', 'block'],
  lower: ([x, y], [out], { aZero = 0, bZero = 0 }: { aZero?: number; bZero?: number }) => {
    const [a, b] = [x as Meta, y as Meta];
    const one = b.shape.length === 2;
    const k = a.shape.at(-1) as number;
    const n = b.shape.at(-1) as number;
    // One matrix b for all: a's rows are one matrix too.
    const m = one ? sizeOf(a.shape.slice(0, -1)) : (a.shape.at(-2) as number);
    const batch = one ? 1 : sizeOf(a.shape.slice(0, -2));
    const [pairs, panels, rows] = [Math.max(1, Math.ceil(k / 2)), Math.ceil(n / 8), 4 * Math.ceil(m / 4)];
    const block = Math.max(BLOCK, 4 * Math.ceil(GRAIN / (4 * Math.max(1, n * k))));
    const units = batch * (rows + panels);
    const tiles = sizeOf(out.shape) === 0 ? [] : [Math.ceil(units / GROUP), batch * Math.ceil(m / block)];
    return {
      ints: [m, n, k, batch, batch, aZero, bZero, block],
      tiles,
      workspace: Math.max(64, batch * (rows * pairs * 4 + panels * pairs * 32)),
    };
  },
  kernel: { file: 'gemm/bytes', name: 'intMm' },
  vjp: null,
});
