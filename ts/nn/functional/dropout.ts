import { ValueError } from '../../base/errors.ts';
import { bernoulli, dropout as dropElements, full, type Tensor } from '../../tensor/index.ts';

interface DropoutOptions {
  /** Nothing is dropped when false. */
  readonly training?: boolean;
}

function drop(name: string, x: Tensor, p: number, training: boolean, maskShape: readonly number[]): Tensor {
  if (!(p >= 0 && p <= 1)) throw new ValueError(`${name}: p ${p} is not a probability; give 0 to 1`);
  if (!training || p === 0) return x;
  if (p === 1) return x.mul(0);
  return x.mul(bernoulli(full(maskShape, 1 - p, { dtype: x.dtype })).mul(1 / (1 - p)));
}

/** Zeroes each element with probability p and scales the rest by 1 / (1 - p). @throws ValueError */
export function dropout(x: Tensor, p: number = 0.5, { training = true }: DropoutOptions = {}): Tensor {
  if (!(p >= 0 && p <= 1)) throw new ValueError(`dropout: p ${p} is not a probability; give 0 to 1`);
  return p === 0 ? x : dropElements(x, { p, training });
}

function dropChannels(name: string, x: Tensor, p: number, training: boolean, unbatched: number): Tensor {
  const channel = x.ndim === unbatched ? 0 : 1;
  return drop(
    name,
    x,
    p,
    training,
    x.shape.map((n, d) => (d <= channel ? n : 1)),
  );
}
/** Drops whole channels of (N, C, L) or (C, L). */
export function dropout1d(x: Tensor, p: number = 0.5, { training = true }: DropoutOptions = {}): Tensor {
  return dropChannels('dropout1d', x, p, training, 2);
}
/** Drops whole channels of (N, C, H, W) or (C, H, W). */
export function dropout2d(x: Tensor, p: number = 0.5, { training = true }: DropoutOptions = {}): Tensor {
  return dropChannels('dropout2d', x, p, training, 3);
}

/** Drops whole channels of (N, C, D, H, W) or (C, D, H, W). */
export function dropout3d(x: Tensor, p: number = 0.5, { training = true }: DropoutOptions = {}): Tensor {
  return dropChannels('dropout3d', x, p, training, 4);
}

function alphaDrop(name: string, x: Tensor, p: number, training: boolean, shape: readonly number[]): Tensor {
  if (!(p >= 0 && p <= 1)) throw new ValueError(`${name}: p ${p} is not a probability; give 0 to 1`);
  if (!training || p === 0) return x;
  if (p === 1) return x.mul(0);
  const alpha = -1.7580993408473766;
  const q = 1 - p;
  const a = 1 / Math.sqrt(q + alpha * alpha * q * p);
  const keep = bernoulli(full(shape, q, { dtype: x.dtype }));
  return x
    .mul(keep)
    .add(keep.mul(-1).add(1).mul(alpha))
    .mul(a)
    .add(-a * alpha * p);
}
/** Dropout that keeps mean and variance of SELU networks: dropped elements become -1.7581 before an affine correction. */
export function alphaDropout(x: Tensor, p: number = 0.5, { training = true }: DropoutOptions = {}): Tensor {
  return alphaDrop('alphaDropout', x, p, training, x.shape);
}
/** alphaDropout of whole channels of (N, C, ...). */
export function featureAlphaDropout(x: Tensor, p: number = 0.5, { training = true }: DropoutOptions = {}): Tensor {
  const shape = x.shape.map((n, d) => (d < 2 ? n : 1));
  return alphaDrop('featureAlphaDropout', x, p, training, shape);
}
