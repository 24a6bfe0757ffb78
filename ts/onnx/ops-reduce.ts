// Reductions, sums along a dimension, order.
import { isFloat } from '../base/dtype.ts';
import { full, type Tensor } from '../tensor/index.ts';
import type { Call, Row } from './call.ts';
import { SIGN_BIT } from './ops-math.ts';
import { Value } from './value.ts';

/** The dimensions to reduce: an attribute or an input; none is all, or nothing. Null: nothing to do. */
function axesOf(c: Call): number[] | null {
  const rank = c.x(0).ndim;
  const axes = c.either('axes', 1);
  if (axes !== null && axes.length > 0) return [...new Set(axes.map((a) => c.axis(a, rank)))];
  if (c.int('noop_with_empty_axes', 0) !== 0) return null;
  return Array.from({ length: rank }, (_, i) => i);
}
function reduce(
  f: (x: Tensor, dim: number[], keepdim: boolean) => Tensor,
  before: (x: Tensor) => Tensor = (x) => x,
  after: (x: Tensor) => Tensor = (x) => x,
): Row {
  return {
    host: [1],
    run(c) {
      const x = c.x(0);
      const axes = axesOf(c);
      if (axes === null) return c.same(after(before(x)));
      const y = before(x);
      return c.same(after(axes.length === 0 ? f(y.reshape([1]), [0], false) : f(y, axes, c.int('keepdims', 1) !== 0)));
    },
  };
}
const floating = (x: Tensor): Tensor => (isFloat(x.dtype) ? x : x.to('float64'));
const sum = (x: Tensor, dim: number[], keepdim: boolean): Tensor => x.sum(dim, { keepdim });

/** Largest or smallest; of nothing, the type's own lowest or highest. */
function extreme(largest: boolean): Row {
  return reduce((x, dim, keepdim) => {
    if (x.numel === 0) {
      const shape = keepdim ? x.shape.map((n, i) => (dim.includes(i) ? 1 : n)) : x.shape.filter((_, i) => !dim.includes(i));
      return full(shape, lowest(x, largest), { dtype: x.dtype });
    }
    const y = x.dtype === 'bool' ? x.to('uint8') : x;
    return (largest ? y.amax(dim, { keepdim }) : y.amin(dim, { keepdim })).to(x.dtype);
  });
}
function lowest(x: Tensor, largest: boolean): number | bigint {
  if (isFloat(x.dtype)) return largest ? -Infinity : Infinity;
  const bits = { int64: 63n, int32: 31n, int16: 15n, int8: 7n, uint8: 8n }[x.dtype as string] ?? 1n;
  const low = x.dtype === 'uint8' || x.dtype === 'bool' ? 0n : -(1n << bits);
  return largest ? low : (1n << bits) - 1n;
}
function product(x: Tensor, dim: number[], keepdim: boolean): Tensor {
  let y = x;
  for (const d of [...dim].sort((a, b) => b - a)) y = y.prod(d, { keepdim });
  return y;
}
function logSumExp(x: Tensor, dim: number[], keepdim: boolean): Tensor {
  return x.numel === 0 ? sum(x.exp(), dim, keepdim).log() : x.logsumexp(dim, { keepdim });
}

/** Where the largest or smallest element stands. */
const place = (largest: boolean): Row => ({
  run(c) {
    const x = c.x(0);
    const dim = c.axis(c.int('axis', 0), x.ndim);
    const keepdim = c.int('keepdims', 1) !== 0;
    const find = (y: Tensor): Tensor => (largest ? y.argmax(dim, { keepdim }) : y.argmin(dim, { keepdim }));
    if (c.int('select_last_index', 0) === 0) return Value.of(find(x), 'int64');
    return Value.of(
      find(x.flip([dim]))
        .neg()
        .add(x.shape[dim] - 1),
      'int64',
    );
  },
});

function cumulative(f: (x: Tensor, dim: number) => Tensor, start: number): Row {
  return {
    host: [1],
    run(c) {
      const x = c.x(0);
      const dim = c.axis(c.number(1), x.ndim);
      const reverse = c.int('reverse', 0) !== 0;
      let y = reverse ? x.flip([dim]) : x;
      if (c.int('exclusive', 0) !== 0) {
        const n = x.shape[dim];
        const padding = new Array<number>(2 * (x.ndim - dim)).fill(0);
        padding[padding.length - 2] = 1;
        y = y.narrow(dim, 0, Math.max(n - 1, 0)).pad(padding, { value: start });
        if (n === 0) y = x;
      }
      y = f(y, dim).to(x.dtype);
      return c.same(reverse ? y.flip([dim]) : y);
    },
  };
}

function topK(c: Call): (Tensor | Value)[] {
  const x = c.x(0);
  const k = c.has(1) ? c.number(1) : c.int('k');
  const dim = c.axis(c.int('axis', -1), x.ndim);
  if (!(k >= 0 && k <= x.shape[dim])) c.fail(`k is ${k}, but dimension ${dim} has ${x.shape[dim]} elements`);
  const largest = c.int('largest', 1) !== 0;
  // Equal elements keep their order, so the first of them come first.
  const flipped = c.type(0) === 'uint64' ? x.bitwiseXor(SIGN_BIT) : x;
  const { indices } = flipped.sort(dim, { descending: largest, stable: true });
  const first = indices.narrow(dim, 0, k);
  return [c.same(x.gather(dim, first)), Value.of(first, 'int64')];
}

function nonZero(c: Call): Value {
  const x = c.x(0);
  if (x.ndim === 0) return Value.of(x.reshape([1]).nonzero().transpose(0, 1).narrow(0, 0, 0), 'int64');
  return Value.of(x.nonzero().transpose(0, 1), 'int64');
}

/** Reductions and what orders elements. */
export const REDUCTIONS: Readonly<Record<string, Row>> = {
  ReduceSum: reduce(sum),
  ReduceMean: reduce((x, dim, keepdim) => (isFloat(x.dtype) ? x.mean(dim, { keepdim }) : x.to('float64').mean(dim, { keepdim }).floor())),
  ReduceProd: reduce(product),
  ReduceMax: extreme(true),
  ReduceMin: extreme(false),
  ReduceL1: reduce(sum, (x) => x.abs()),
  ReduceL2: reduce(
    sum,
    (x) => floating(x).mul(floating(x)),
    (x) => x.sqrt(),
  ),
  ReduceSumSquare: reduce(sum, (x) => x.mul(x)),
  ReduceLogSum: reduce(sum, floating, (x) => x.log()),
  ReduceLogSumExp: reduce(logSumExp, floating),
  ArgMax: place(true),
  ArgMin: place(false),
  CumSum: cumulative((x, dim) => x.cumsum(dim), 0),
  CumProd: cumulative((x, dim) => x.cumprod(dim), 1),
  TopK: { host: [1], run: topK },
  NonZero: { run: nonZero },
};
