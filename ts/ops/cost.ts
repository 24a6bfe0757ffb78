// What an op costs, counted from shapes.
import { SIZE } from '../base/dtype.ts';
import { sizeOf } from '../base/shape.ts';
import type { Attrs, Meta, Op } from './op.ts';

/** Multiply-adds, and what else is computed, in elements. */
type Count = readonly [macs: number, others: number];
type Counted = (inputs: readonly Meta[], y: Meta, attrs: Attrs) => Count;

const isMeta = (x: unknown): x is Meta => typeof x === 'object' && x !== null;
/** Products of `macs` multiply-adds; a bias, a residual, an activation and scales are one more each for every element of the result. */
const product =
  (macs: (inputs: readonly Meta[], y: Meta) => number): Counted =>
  (inputs, y, { activation }) => [macs(inputs, y), sizeOf(y.shape) * (inputs.slice(2).filter(isMeta).length + (activation ? 1 : 0))];
const matrix: Counted = product(([a], y) => sizeOf(y.shape) * (a.shape.at(-1) as number));
/** Multiply-adds for each element of a convolution's result: the weight's elements behind dimension 0. */
const taps = ({ shape }: Meta): number => sizeOf(shape.slice(1));
/** Queries times the keys that each of them sees. */
function scores([n, heads, rows]: readonly number[], keys: number, { causal }: Attrs): number {
  const early = causal ? Math.min(rows, keys) : 0;
  return n * heads * ((early * (early + 1)) / 2 + (rows - early) * keys);
}

const PRODUCTS: Readonly<Record<string, Counted>> = {
  linear: matrix,
  matmul: matrix,
  intMm: matrix,
  convolution: product(([, w], y) => sizeOf(y.shape) * taps(w)),
  convolutionInput: product(([grad, w]) => sizeOf(grad.shape) * taps(w)),
  convolutionWeight: product(([grad], dw) => sizeOf(grad.shape) * taps(dw)),
  integerConvolution: product(([, w], y) => sizeOf(y.shape) * taps(w)),
  integerDepthwise: product(([, w], y) => sizeOf(y.shape) * sizeOf(w.shape.slice(1, 3))),
  attention([q, k, v, mask], _, attrs) {
    const pairs = scores(q.shape, k.shape[2], attrs);
    return [pairs * (q.shape[3] + v.shape[3]), pairs * (mask ? 2 : 1)];
  },
  attentionBackward([, q, k, v], _, attrs) {
    const pairs = scores(q.shape, k.shape[2], attrs);
    return [pairs * (3 * q.shape[3] + 2 * v.shape[3]), 2 * pairs];
  },
};
/** Ops that compute nothing: what they do is in the bytes that they move. */
const MOVES = /^(copy|full|arange|embedding|gather|indexSelect|indexCopy|scatter|flip|tri[lu]|slice.*|asStrided.*|maxPoolGather)$/;

/**
 * Arithmetic of a call: multiply-adds, and flops, which count each of those as two, and for anything else one for every element of the
 * largest operand, whatever is done to it. Zeros around an image count as its pixels do; masked keys of causal attention do not count.
 */
export function costOf(
  op: Op,
  inputs: readonly unknown[],
  attrs: Attrs,
  outputs: readonly Meta[],
): { readonly macs: number; readonly flops: number } {
  const all = [...inputs.filter(isMeta), ...outputs];
  const largest = MOVES.test(op.name) ? 0 : Math.max(0, ...all.map((x) => sizeOf(x.shape)));
  const [macs, others] = PRODUCTS[op.name]?.(inputs as readonly Meta[], outputs[0], attrs) ?? [0, largest];
  return { macs, flops: 2 * macs + others };
}

/** Bytes of an operand in memory, without what broadcasting repeats. */
export function bytesOf({ shape, strides, dtype }: Meta): number {
  return sizeOf(shape.filter((n, d) => n === 0 || strides[d] !== 0)) * SIZE[dtype];
}
/** Ops that read no more of their first operand than they write. */
export const PICKS: RegExp = /^(embedding|gather|indexSelect|maxPoolGather)$/;
