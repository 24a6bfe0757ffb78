import { type Tensor, einsum } from '../../tensor/index.ts';

export { embedding, linear } from '../../tensor/index.ts';

/** x1^T W_k x2 + b_k for each output k. x1 (..., A), x2 (..., B), weight (K, A, B), bias (K). */
export function bilinear(x1: Tensor, x2: Tensor, weight: Tensor, bias?: Tensor | null): Tensor {
  const [k, a, b] = weight.shape;
  const lead = x1.shape.slice(0, -1);
  const y = einsum('na,kab,nb->nk', x1.reshape([-1, a]), weight, x2.reshape([-1, b])).reshape([...lead, k]);
  return bias ? y.add(bias) : y;
}

/** One row per index with a 1 at the index; int64. Negative numClasses: one more than the largest index. */
export { oneHot } from '../../tensor/index.ts';
