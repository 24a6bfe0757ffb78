import { ShapeError, ValueError } from '../../base/errors.ts';
import { show } from '../../base/shape.ts';
import type { Tensor } from '../core.ts';
import { full, tensor } from './create.ts';
import { indexSelect } from './indexing.ts';
import { range } from './views.ts';
import { copy_ } from './write.ts';

/** How borders are filled: with a constant, the mirrored inside, the edge, or the other end. */
export type PadMode = 'constant' | 'reflect' | 'replicate' | 'circular';
/** Options of pad. */
export interface PadOptions {
  /** Default 'constant'. */
  readonly mode?: PadMode;
  /** The constant; default 0. */
  readonly value?: number;
}

/** Which element of a dimension of n stands at each place from -before to n + after. */
function places(mode: string, n: number, before: number, after: number): Tensor {
  const list = Array.from({ length: n + before + after }, (_, i) => {
    const at = i - before;
    if (mode === 'replicate') return Math.min(Math.max(at, 0), n - 1);
    if (mode === 'circular') return ((at % n) + n) % n;
    return at < 0 ? -at : at >= n ? 2 * (n - 1) - at : at;
  });
  return tensor(list, { dtype: 'int64' });
}

/**
 * x with elements added (or, for negative amounts, taken away) at both ends of its last dimensions: `padding` is
 * [before last, after last, before the one before, ...].
 * @throws ShapeError where the amounts do not fit x, ValueError for an unknown mode
 * @example tensor([1, 2]).pad([1, 0]).arraySync() // [0, 1, 2]
 */
export function pad(x: Tensor, padding: readonly number[], options: PadOptions = {}): Tensor {
  const { mode = 'constant', value = 0 } = options;
  const pairs = padding.length / 2;
  if (!Number.isInteger(pairs) || pairs > x.ndim)
    throw new ShapeError(
      `pad: ${show(padding)} must hold two amounts for each of at most ${x.ndim} dimensions of ${show(x.shape)}, the last dimension first`,
    );
  if (!['constant', 'reflect', 'replicate', 'circular'].includes(mode))
    throw new ValueError(`pad: mode '${String(mode)}' is unknown; use 'constant', 'reflect', 'replicate' or 'circular'`);
  const amounts = Array.from({ length: pairs }, (_, i) => ({ dim: x.ndim - 1 - i, before: padding[2 * i], after: padding[2 * i + 1] }));
  for (const { dim, before, after } of amounts)
    if (x.shape[dim] + before + after < 0 || -before > x.shape[dim] || -after > x.shape[dim])
      throw new ShapeError(`pad: ${before} and ${after} take more from dimension ${dim} of ${show(x.shape)} than it has`);
  return mode === 'constant' ? padConstant(x, amounts, value) : padEdges(x, amounts, mode);
}

interface Amount {
  readonly dim: number;
  readonly before: number;
  readonly after: number;
}

function padConstant(x: Tensor, amounts: readonly Amount[], value: number): Tensor {
  let part = x;
  const shape = [...x.shape];
  for (const { dim, before, after } of amounts) {
    shape[dim] += before + after;
    const cut = Math.max(0, -before);
    part = range(part, dim, cut, 1, x.shape[dim] - cut - Math.max(0, -after));
  }
  const out = full(shape, x.dtype === 'bool' ? value !== 0 : value, { dtype: x.dtype }).to({ device: x.device });
  let place = out;
  for (const { dim, before } of amounts) place = range(place, dim, Math.max(0, before), 1, part.shape[dim]);
  copy_(place, part);
  return out;
}

function padEdges(x: Tensor, amounts: readonly Amount[], mode: string): Tensor {
  let y = x;
  for (const { dim, before, after } of amounts) {
    const n = x.shape[dim];
    const most = mode === 'reflect' ? n - 1 : mode === 'circular' ? n : Number.POSITIVE_INFINITY;
    if (before > most || after > most || (n === 0 && (before > 0 || after > 0)))
      throw new ShapeError(
        `pad: mode '${mode}' can add at most ${n === 0 ? 0 : most} elements to dimension ${dim} of ${show(x.shape)}, not ${before} and ${after}`,
      );
    if (before !== 0 || after !== 0) y = indexSelect(y, dim, places(mode, n, before, after));
  }
  return y;
}
