// One step of each recurrent cell; `gates` are the input's products with weight_ih, plus bias_ih, which a sequence computes at once.

import { TABLE } from '../../ops/networks.ts';
import type { KernelOp } from '../../ops/op.ts';
import { callKernel, type Tensor } from '../../tensor/index.ts';
import { linear } from './linear.ts';

/** h' = tanh or relu of (gates + W_hh h + b_hh). */
export function rnnStep(gates: Tensor, h: Tensor, weightHh: Tensor, biasHh: Tensor | null, nonlinearity: 'tanh' | 'relu'): Tensor {
  const sum = linear(h, weightHh, biasHh, { residual: gates });
  return nonlinearity === 'tanh' ? sum.tanh() : sum.relu();
}

const lines = (x: Tensor): Tensor => (x.ndim === 2 ? x : x.reshape([-1, x.shape.at(-1) as number]));

/** The new hidden and cell state; gates in PyTorch's order: input, forget, cell, output. */
export function lstmStep(
  gates: Tensor,
  h: Tensor,
  c: Tensor,
  weightHh: Tensor,
  biasHh: Tensor | null,
  weightHr: Tensor | null,
): [h: Tensor, c: Tensor] {
  const states = callKernel(TABLE.lstmCell as KernelOp, [lines(gates), lines(linear(h, weightHh, biasHh)), lines(c)], {});
  const [hidden, cell] = states.slice(0, 2).map((x) => (c.ndim === 2 ? x : x.reshape(c.shape)));
  return [weightHr === null ? hidden : linear(hidden, weightHr, null), cell];
}

/** The new hidden state; gates in PyTorch's order: reset, update, new. */
export function gruStep(gates: Tensor, h: Tensor, weightHh: Tensor, biasHh: Tensor | null): Tensor {
  const [y] = callKernel(TABLE.gruCell as KernelOp, [lines(gates), lines(linear(h, weightHh, biasHh)), lines(h)], {});
  return h.ndim === 2 ? y : y.reshape(h.shape);
}
