import type { KernelOp } from '../../ops/op.ts';
import { TABLE } from '../../ops/table.ts';
import { callKernel, einsum, ones, type Tensor, zeros } from '../../tensor/index.ts';

export { linear } from '../../tensor/index.ts';

/** Rows of weight (rows, width) that the index (..., int64 or int32) names: (..., width). The row paddingIdx takes no gradient. @throws IndexError */
export function embedding(index: Tensor, weight: Tensor, { paddingIdx }: { paddingIdx?: number | null } = {}): Tensor {
  return callKernel(TABLE.embedding as KernelOp, [weight, index], paddingIdx == null ? {} : { paddingIdx })[0];
}

/** x1^T W_k x2 + b_k for each output k. x1 (..., A), x2 (..., B), weight (K, A, B), bias (K). */
export function bilinear(x1: Tensor, x2: Tensor, weight: Tensor, bias?: Tensor | null): Tensor {
  const [k, a, b] = weight.shape;
  const lead = x1.shape.slice(0, -1);
  const y = einsum('na,kab,nb->nk', x1.reshape([-1, a]), weight, x2.reshape([-1, b])).reshape([...lead, k]);
  return bias ? y.add(bias) : y;
}

/** One row of zeros with a 1 per index: int64 (..., numClasses). Negative numClasses: one more than the largest index. @throws IndexError */
export function oneHot(index: Tensor, numClasses: number = -1): Tensor {
  const classes = numClasses < 0 ? (index.numel === 0 ? 0 : index.amax().itemSync() + 1) : numClasses;
  const one = ones([...index.shape, 1], { dtype: 'int64' });
  return zeros([...index.shape, classes], { dtype: 'int64' }).scatter(-1, index.unsqueeze(-1), one);
}
