// Random programs of elementwise ops, and what compares results bit for bit.
import * as assert from 'uvu/assert';
import type * as wick from '../../ts/index.ts';

type Tensor = wick.Tensor;

const values = (x: Tensor): Float32Array => x.contiguous().dataSync() as Float32Array;
/** Same bits, NaN and the sign of zero included. */
export const equal = (a: Tensor, b: Tensor, what: string): void => {
  const bytes = (x: Tensor): Uint8Array => new Uint8Array(values(x).slice().buffer);
  assert.equal(bytes(a), bytes(b), what);
};

export const OPS: readonly ((x: Tensor, y: Tensor, s: Tensor) => Tensor)[] = [
  (x, y) => x.add(y),
  (x, y) => y.sub(x),
  (x, y) => x.mul(y).add(0.125),
  (x) => x.relu(),
  (x) => x.sigmoid(),
  (x) => x.tanh().mul(-1.5),
  (x, y) => x.maximum(y),
  (x) => x.clamp(-0.75, 0.5),
  (x, _, s) => x.mul(s),
  (x, y) => x.lerp(y, 0.25),
  (x) => x.square().neg().exp(),
  (x, y) => x.add_(y),
  (x) => x.mul_(0.5),
  (x, y) => x.div(y.abs().add(1)),
];

/** A random program of elementwise ops over a few values, some of them changed in place, some of them results. */
export function program(seed: number, ops: typeof OPS = OPS): (xs: Tensor[], s: Tensor) => Tensor[] {
  let state = seed * 2654435761;
  const next = (n: number): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state >>> 8) % n;
  };
  const length = 3 + next(30);
  const choices = Array.from({ length }, () => [next(ops.length), next(1000), next(1000), next(4)]);
  return (xs, s) => {
    const at = xs.map((x) => x.add(0));
    const out: Tensor[] = [];
    for (const [op, i, j, keep] of choices) {
      const y = ops[op](at[i % at.length], at[j % at.length], s);
      at.push(y);
      if (keep === 0) out.push(y.add(1));
    }
    return [...out, at[at.length - 1]];
  };
}
