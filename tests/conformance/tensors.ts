import type { RawTensor } from '../../ts/formats/raw.ts';
import { fromBytes, noGrad, stack, type Tensor } from '../../ts/tensor/index.ts';
import { type Answer, answer, compare } from './compare.ts';

/** A tensor of a file; `strided` makes one whose elements do not lie side by side. */
export function toTensor(
  raw: RawTensor,
  { requiresGrad = false, strided = false }: { requiresGrad?: boolean; strided?: boolean } = {},
): Tensor {
  let t = fromBytes(raw.bytes, raw.shape, raw.dtype);
  if (strided && t.numel > 0) t = noGrad(() => stack([t, t], t.ndim).select(t.ndim, 0)).detach();
  return requiresGrad ? t.requiresGrad_(true) : t;
}
/** A tensor's elements, to compare. */
export function toAnswer(t: Tensor): Answer {
  return { dtype: t.dtype, shape: t.shape, data: t.dataSync() as Answer['data'] };
}
/** Compares a tensor with one of a file; one line that says what differs, or null. */
export function differs(label: string, t: Tensor | null | undefined, raw: RawTensor, atol: number): string | null {
  if (t === null || t === undefined) {
    // The reference gives null where nothing flows; zeros are as good, and the other way round.
    const none = Array.from({ length: answer(raw).data.length }, (_, i) => Number(answer(raw).data[i])).every((v) => v === 0);
    return none ? null : `${label}: nothing instead of a tensor`;
  }
  const message = compare(toAnswer(t), answer(raw), atol);
  return message === null ? null : `${label}: ${message}`;
}
