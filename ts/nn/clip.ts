import { StateError } from '../base/errors.ts';
import { noGrad, stack, type Tensor, tensor } from '../tensor/index.ts';

const gradients = (parameters: Tensor | Iterable<Tensor>): Tensor[] =>
  (Symbol.iterator in parameters ? [...(parameters as Iterable<Tensor>)] : [parameters as Tensor]).flatMap((p) =>
    p.grad === null ? [] : [p.grad.detach()],
  );

/**
 * Scales all gradients together so that their norm is at most maxNorm; returns the norm before. @throws StateError with errorIfNonfinite
 * @example nn.clipGradNorm_(model.parameters(), 1)
 */
export function clipGradNorm_(
  parameters: Tensor | Iterable<Tensor>,
  maxNorm: number,
  { normType = 2, errorIfNonfinite = false }: { normType?: number; errorIfNonfinite?: boolean } = {},
): Tensor {
  const grads = gradients(parameters);
  if (grads.length === 0) return tensor(0, { dtype: 'float32' });
  return noGrad(() => {
    const total = stack(
      grads.map((g) => g.norm(normType)),
      0,
    ).norm(normType);
    if (errorIfNonfinite && !Number.isFinite(total.itemSync()))
      throw new StateError(
        `clipGradNorm_: the gradients' norm is ${total.itemSync()}; look for NaN or infinities, or pass { errorIfNonfinite: false }`,
      );
    const scale = total.add(1e-6).reciprocal().mul(maxNorm).clamp({ max: 1 });
    for (const g of grads) g.mul_(scale);
    return total;
  });
}

/** Limits every gradient element to [-clipValue, clipValue]. */
export function clipGradValue_(parameters: Tensor | Iterable<Tensor>, clipValue: number): void {
  noGrad(() => {
    for (const g of gradients(parameters)) g.copy_(g.clamp({ min: -clipValue, max: clipValue }));
  });
}
