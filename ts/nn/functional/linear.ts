import type { KernelOp } from '../../ops/op.ts';
import { TABLE } from '../../ops/table.ts';
import { callKernel, einsum, type Tensor } from '../../tensor/index.ts';

/** x W^T + b over the last dimension: x (..., in), weight (out, in), bias (out). @throws ShapeError @example F.linear(ones([1, 2]), ones([3, 2])) */
export function linear(x: Tensor, weight: Tensor, bias: Tensor | null = null): Tensor {
  return callKernel(TABLE.linear as KernelOp, [x, weight, bias], {})[0];
}

/** Rows of weight (rows, width) that the indices name: (..., width). The row paddingIdx takes no gradient. @throws IndexError */
export function embedding(weight: Tensor, index: Tensor, { paddingIdx }: { paddingIdx?: number | null } = {}): Tensor {
  return callKernel(TABLE.embedding as KernelOp, [weight, index], { paddingIdx: paddingIdx ?? undefined })[0];
}

/** x1^T W_k x2 + b_k for each output k. x1 (..., A), x2 (..., B), weight (K, A, B), bias (K). */
export function bilinear(x1: Tensor, x2: Tensor, weight: Tensor, bias?: Tensor | null): Tensor {
  const [k, a, b] = weight.shape;
  const lead = x1.shape.slice(0, -1);
  const y = einsum('na,kab,nb->nk', x1.reshape([-1, a]), weight, x2.reshape([-1, b])).reshape([...lead, k]);
  return bias ? y.add(bias) : y;
}
