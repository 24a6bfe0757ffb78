import { COMPUTE } from '../base/dtype.ts';
import { ValueError } from '../base/errors.ts';
import { AGAIN, type KernelOp } from '../ops/op.ts';
import { TABLE } from '../ops/table.ts';
import { callKernel, keep, type Tensor, zerosLike } from '../tensor/index.ts';
import type { State } from './optimizer.ts';

/** A state tensor, made as zeros when first asked for. */
export function slot(state: State, name: string, p: Tensor, make: (p: Tensor) => Tensor = (x) => zerosLike(x)): Tensor {
  let t = state[name] as Tensor | undefined;
  if (t === undefined) {
    t = keep(make(p.detach()));
    state[name] = t;
  }
  return t;
}
/** Counts an update and gives its number, from 1. */
export function count(state: State): number {
  const step = ((state.step as number | undefined) ?? 0) + 1;
  state.step = step;
  return step;
}
/**
 * Numbers that differ from step to step, as tensors without dimensions for arithmetic on p. `next` is called once a step, by each run of a
 * plan too.
 */
export function moving(p: Tensor, next: () => readonly number[]): Tensor[] {
  let now = next();
  const again = (i: number) => () => {
    if (i === 0) now = next();
    return { value: now[i] };
  };
  const one = { shape: [], dtype: COMPUTE[p.dtype] };
  return now.map((value, i) => callKernel(TABLE.full as KernelOp, [], { ...one, value, [AGAIN]: again(i) })[0]);
}
/** The gradient with sign and weight decay (L2) applied. */
export function direction(p: Tensor, grad: Tensor, { maximize, weightDecay }: { maximize: boolean; weightDecay: number }): Tensor {
  const g = maximize ? grad.neg() : grad;
  return weightDecay === 0 ? g : g.add(p.detach().mul(weightDecay));
}
/** Checks that numbers are at least 0. @throws ValueError */
export function nonNegative(name: string, values: Readonly<Record<string, number>>): void {
  for (const [k, v] of Object.entries(values)) if (!(v >= 0)) throw new ValueError(`${name}: ${k} ${v} must be a number of at least 0`);
}
/** Checks that betas lie in [0, 1). @throws ValueError */
export function checkBetas(name: string, betas: readonly number[]): void {
  betas.forEach((b, i) => {
    if (!(b >= 0 && b < 1)) throw new ValueError(`${name}: betas[${i}] ${b} must be at least 0 and below 1`);
  });
}
