import type { DType } from '../base/dtype.ts';
import type { Shape } from '../base/shape.ts';
import type { Ops } from './gen/ops.ts';
import type { Value } from './op.ts';

/** x moved by one place along dim, away from the start; the first place is 0. */
export function shifted(ops: Ops, x: Value, dim: number): Value {
  const { shape } = x;
  const one = (v: number): number[] => shape.map((_, i) => (i === dim ? v : 0));
  const steps = shape.map(() => 1);
  const body = ops.slice(x, { starts: one(0), steps, sizes: shape.map((n, i) => (i === dim ? n - 1 : n)) });
  return ops.sliceBackward(body, { shape, starts: one(1), steps });
}
/** Ones at place `at` along dim, zeros elsewhere. */
function ones(ops: Ops, shape: Shape, dtype: DType, dim: number, at: number): Value {
  const place = ops.full({ shape: shape.map((n, i) => (i === dim ? 1 : n)), dtype, value: 1 });
  return ops.sliceBackward(place, { shape, starts: shape.map((_, i) => (i === dim ? at : 0)), steps: shape.map(() => 1) });
}

/** Products of the elements before each along dim: 1 at the first. */
export function productsBefore(ops: Ops, x: Value, dim: number): Value {
  return ops.recurrence(shifted(ops, x, dim), ones(ops, x.shape, x.dtype, dim, 0), { dim });
}
/** Products of the elements behind each along dim: 1 at the last. */
export function productsBehind(ops: Ops, x: Value, dim: number): Value {
  return ops.recurrence(x, ones(ops, x.shape, x.dtype, dim, x.shape[dim] - 1), { dim, reverse: true });
}
