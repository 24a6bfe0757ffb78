import { isFloat } from '../../base/dtype.ts';
import { ShapeError, ValueError } from '../../base/errors.ts';
import { sameShape, show } from '../../base/shape.ts';
import { MAX_WIDTH } from '../../ops/attention.ts';
import { TABLE } from '../../ops/networks.ts';
import type { KernelOp } from '../../ops/op.ts';
import { callKernel, full, ones, type Tensor, where, zeros } from '../../tensor/index.ts';
import { dropout } from './dropout.ts';

/** A mask to add to scores: a boolean one (true: keep out) becomes 0 and -Infinity. */
export function additiveMask(mask: Tensor, like: Tensor): Tensor {
  return mask.dtype === 'bool'
    ? where(mask, full([], Number.NEGATIVE_INFINITY, { dtype: like.dtype }), zeros([], { dtype: like.dtype }))
    : mask;
}

/** A (rows, cols) boolean mask, true above the diagonal: what a position may not see. */
export function futureMask(rows: number, cols: number = rows): Tensor {
  return ones([rows, cols]).triu(1).ne(0);
}

/** Options of scaledDotProductAttention. */
export interface AttentionOptions {
  /** Broadcasts to (..., L, S): added to the scores, or boolean with true: attend (as in PyTorch). */
  readonly attnMask?: Tensor | null;
  readonly dropoutP?: number;
  /** Position i sees positions up to i only. */
  readonly isCausal?: boolean;
  /** 1 / sqrt(E) unless given. */
  readonly scale?: number;
  /** Fewer heads of key and value (dimension -3) than of query: each serves several. */
  readonly enableGqa?: boolean;
}

/** Attention in blocks that never hold all scores; null where the shapes or dtypes do not fit it. */
function tiled(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | null, scale: number, causal: boolean): Tensor | null {
  const batch = query.shape.slice(0, -2);
  const [rows, width] = query.shape.slice(-2);
  const [keys, depth] = value.shape.slice(-2);
  const like = (x: Tensor): boolean => x.dtype === query.dtype && sameShape(x.shape.slice(0, -2), batch);
  if (!like(key) || !like(value) || !isFloat(query.dtype) || Math.max(width, depth) > MAX_WIDTH || key.numel * value.numel === 0)
    return null;
  const heads = batch.length > 0 ? batch[batch.length - 1] : 1;
  const stacked = (x: Tensor): Tensor => (x.ndim === 4 ? x : x.reshape([-1, heads, ...x.shape.slice(-2)]));
  const lower = mask?.dtype === 'bool' ? additiveMask(mask.logicalNot(), query) : mask;
  const full = lower && stacked(lower.to(query.dtype).expand([...batch, rows, keys]));
  const inputs = [stacked(query), stacked(key), stacked(value), full];
  const [y] = callKernel(TABLE.attention as KernelOp, inputs, { scale, causal });
  return query.ndim === 4 ? y : y.reshape([...batch, rows, depth]);
}

/**
 * softmax(q k^T scale + mask) v. query (..., L, E), key (..., S, E), value (..., S, V); result (..., L, V).
 * @throws ShapeError, ValueError
 */
export function scaledDotProductAttention(query: Tensor, key: Tensor, value: Tensor, options: AttentionOptions = {}): Tensor {
  const { attnMask, dropoutP = 0, isCausal = false, enableGqa = false } = options;
  const width = query.shape.at(-1) as number;
  if (query.ndim < 2 || key.ndim < 2 || key.shape.at(-1) !== width || key.shape.at(-2) !== value.shape.at(-2))
    throw new ShapeError(
      `scaledDotProductAttention: query ${show(query.shape)}, key ${show(key.shape)}, value ${show(value.shape)}; give (..., L, E), (..., S, E), (..., S, V)`,
    );
  if (isCausal && attnMask)
    throw new ValueError('scaledDotProductAttention: isCausal and attnMask exclude each other; put the causal mask into attnMask');
  const scale = options.scale ?? 1 / Math.sqrt(width);
  const repeat = (x: Tensor): Tensor => {
    const times = (query.shape.at(-3) as number) / (x.shape.at(-3) as number);
    return enableGqa && times !== 1 ? x.repeatInterleave(times, -3) : x;
  };
  if (dropoutP === 0 && !attnMask?.requiresGrad) {
    const y = tiled(query, repeat(key), repeat(value), attnMask ?? null, scale, isCausal);
    if (y !== null) return y;
  }
  let scores = query.mul(scale).matmul(repeat(key).mT);
  if (isCausal) scores = scores.add(additiveMask(futureMask(query.shape.at(-2) as number, key.shape.at(-2) as number), scores));
  if (attnMask) scores = scores.add(attnMask.dtype === 'bool' ? additiveMask(attnMask.logicalNot(), scores) : attnMask);
  return dropout(scores.softmax(-1), dropoutP).matmul(repeat(value));
}
