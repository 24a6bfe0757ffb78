// Random programs over operands of many shapes and dtypes: broadcasts, slices, casts, conditions, changes in place, and ops along rows.
import * as wick from '../../ts/index.ts';
import * as nn from '../../ts/nn/index.ts';

type Tensor = wick.Tensor;

export const DTYPES: readonly wick.DType[] = [
  ...(['float32', 'float32', 'float32', 'float64', 'int32', 'int64'] as const),
  ...(['float16', 'bfloat16', 'int16', 'int8', 'uint8', 'bool'] as const),
];
/** Numbers of a seed, below n. */
export function draws(seed: number): (n: number) => number {
  let state = (seed * 2654435761) >>> 0;
  return (n) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state >>> 8) % n;
  };
}

/** Shapes that broadcast to [a, b, c]: whole, rows, columns, middles, single elements, and slices of larger ones. */
const FORMS: readonly ((a: number, b: number, c: number) => number[])[] = [
  (a, b, c) => [a, b, c],
  (a, b, c) => [a, b, c],
  (a, b, c) => [a, b, c],
  (_a, _b, c) => [c],
  (a, b) => [a, b, 1],
  (_a, b) => [b, 1],
  (a, _b, c) => [a, 1, c],
  () => [],
];
export interface Mixture {
  /** Shapes and dtypes of the operands. */
  readonly inputs: readonly { readonly shape: readonly number[]; readonly dtype: wick.DType }[];
  run(xs: readonly Tensor[]): Tensor[];
}

type Step = (x: Tensor, y: Tensor, z: Tensor, k: number) => Tensor;
const STEPS: readonly Step[] = [
  (x, y) => x.add(y),
  (x, y) => x.add(y),
  (x, y) => x.sub(y),
  (x, y) => x.mul(y),
  (x, y) => x.mul(y).add(1),
  (x, y) => x.maximum(y),
  (x, y) => x.div(y),
  (x) => x.relu(),
  (x) => x.neg(),
  (x) => x.abs().mul(0.5),
  (x) => x.square(),
  (x) => x.tanh(),
  (x, y) => x.sub(y).exp(),
  (x, y) => x.gt(y),
  (x, y) => x.le(y).logicalOr(y.eq(0)),
  (x, y) => x.ne(y).logicalNot(),
  (x, y, z) => wick.where(x.gt(y), z, x),
  (x, y, z) => wick.where(z.to('bool'), x, y),
  (x, y, z) => wick.where(z.le(0), x, 0).add(y),
  (x, _y, _z, k) => x.to(DTYPES[k % DTYPES.length]),
  (x, y, _z, k) => x.to(DTYPES[k % DTYPES.length]).add(y),
  (x) => x.to('float32'),
  (x) => x.to('int64').mul(3).sub(1),
  (x, y) => x.add_(y),
  (x, y) => x.mul_(y),
  (x) => x.clamp(-2, 3),
  (x) => x.to('float32').softmax(-1),
  (x, y) => x.to('float32').mul(0.5).add(y).softmax(-1),
  (x, y) => x.add(y).sum({ dim: -1, keepdim: true }),
  (x) => x.to('float32').mean({ dim: -1, keepdim: true }),
  (x, y) => nn.functional.layerNorm(x.add(y).to('float32'), [x.shape[x.shape.length - 1] ?? 1]),
  (x) => x.transpose(0, 1).contiguous().transpose(0, 1),
];

/** A random program and the operands that it wants. */
export function mixture(seed: number, [a, b, c]: readonly [number, number, number]): Mixture {
  const next = draws(seed);
  const whole = [a, b, c];
  const inputs = Array.from({ length: 7 }, (_, i) => ({
    shape: i < 2 ? whole : FORMS[next(FORMS.length)](a, b, c),
    dtype: i === 0 ? 'float32' : DTYPES[next(DTYPES.length)],
  }));
  // The last is a slice of a larger one.
  inputs.push({ shape: [a, b, c + 3], dtype: DTYPES[next(DTYPES.length)] });
  const steps = Array.from({ length: 4 + next(24) }, () => [next(STEPS.length), next(1000), next(1000), next(1000), next(5)]);
  return {
    inputs,
    run(xs) {
      // Arguments stay as they are: what a program changes in place is its own.
      const at = xs.map((x, i) => (i === xs.length - 1 ? x.add(x).narrow(2, 1, c) : i < 2 ? x.add(x) : x));
      const given = xs.length - 1;
      const own = new Set<number>([0, 1, given]);
      const out: Tensor[] = [];
      for (const [step, i, j, k, keep] of steps) {
        const [x, y, z] = [i, j, k].map((n) => n % at.length);
        const inPlace = STEPS[step].toString().includes('_(');
        if (inPlace && !own.has(x)) continue;
        let result: Tensor;
        try {
          result = STEPS[step](at[x], at[y], at[z], k);
        } catch (error) {
          // Not every op takes every dtype and shape.
          if (!(error instanceof wick.DTypeError || error instanceof wick.ShapeError || error instanceof wick.IndexError)) throw error;
          continue;
        }
        own.add(at.length);
        at.push(result);
        if (keep === 0) out.push(result.add(1));
      }
      return [...out, at[at.length - 1].add(0)];
    },
  };
}
