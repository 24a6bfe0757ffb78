// Activations that a product or a convolution applies to its result while it is at hand.
import type { MapOp } from '../../ops/op.ts';
import { TABLE } from '../../ops/table.ts';
import { callMap, callMapInto } from '../call.ts';
import type { Tensor } from '../core.ts';
import { isGradEnabled } from '../node.ts';
import { tracked } from '../tape.ts';

/** An elementwise function applied to a result while it is at hand. */
export type Activation = 'relu' | 'relu6' | 'gelu' | 'hardswish' | 'sigmoid' | 'silu' | 'tanh';

/** Whether the kernel itself applies it: a clamp, where no gradient is recorded. */
export function fuses(activation: Activation | undefined, inputs: readonly (Tensor | null)[]): activation is 'relu' | 'relu6' {
  if (activation !== 'relu' && activation !== 'relu6') return false;
  return !isGradEnabled() || !inputs.some((x) => x !== null && tracked(x));
}

/** Applies it to a fresh result, in place where its derivative reads no more than the outcome. */
export function activated(y: Tensor, activation: Activation): Tensor {
  const op = TABLE[activation === 'relu6' ? 'clamp' : activation] as MapOp;
  const operands = activation === 'relu6' ? [y, 0, 6] : [y];
  return op.saves.every((name) => name === 'y') ? callMapInto(op, operands, y) : callMap(op, operands);
}
