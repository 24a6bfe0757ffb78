import { ShapeError, ValueError } from '../../base/errors.ts';
import { show } from '../../base/shape.ts';
import { cat, full, noGrad, stack, type Tensor, tensor, where } from '../../tensor/index.ts';
import { type LossOptions, reduceLoss } from './loss.ts';

/** Options of ctcLoss. */
export interface CtcOptions extends LossOptions {
  readonly blank?: number;
  /** Infinite losses, of targets too long for their input, count 0. */
  readonly zeroInfinity?: boolean;
}

/** Stands for a logarithm of 0: small enough never to matter, and differences of two stay numbers. */
const NEVER = -1e30;

const lengths = (x: Tensor | readonly number[]): number[] =>
  Array.isArray(x) ? [...x] : ((x as Tensor).reshape([-1]).arraySync() as number[]);

/** Targets with a blank before, between and after, one row per sample, filled up with blanks. */
function extended(targets: Tensor, counts: readonly number[], blank: number): number[][] {
  const flat = targets.reshape([-1]).arraySync() as number[];
  const width = 2 * Math.max(0, ...counts) + 1;
  let at = 0;
  return counts.map((count, n) => {
    const from = targets.ndim === 2 ? n * targets.shape[1] : at;
    at += count;
    return Array.from({ length: width }, (_, s) => (s % 2 === 1 && s < 2 * count ? flat[from + (s - 1) / 2] : blank));
  });
}

/**
 * Connectionist temporal classification (Graves et al. 2006): minus the log probability of a label sequence under all its alignments.
 * logProbs (T, N, C) or (T, C); targets (N, S), or all in one row; lengths per sample. 'mean' divides by the target lengths first.
 * @throws ShapeError, ValueError
 */
export function ctcLoss(
  logProbs: Tensor,
  targets: Tensor,
  inputLengths: Tensor | readonly number[],
  targetLengths: Tensor | readonly number[],
  { blank = 0, reduction = 'mean', zeroInfinity = false }: CtcOptions = {},
): Tensor {
  if (logProbs.ndim !== 2 && logProbs.ndim !== 3)
    throw new ShapeError(`ctcLoss: logProbs ${show(logProbs.shape)} should be (T, N, C) or (T, C)`);
  const single = logProbs.ndim === 2;
  const x = single ? logProbs.unsqueeze(1) : logProbs;
  const [steps, batch] = x.shape;
  const times = lengths(inputLengths);
  const counts = lengths(targetLengths);
  if (times.length !== batch || counts.length !== batch || times.some((t) => t > steps))
    throw new ValueError(`ctcLoss: lengths [${times}] and [${counts}] do not fit ${batch} samples of ${steps} steps`);
  const labels = extended(targets, counts, blank);
  const index = tensor(labels, { dtype: 'int64' });
  const wide = labels[0].length;
  const mayskip = tensor(labels.map((row) => row.map((l, s) => s > 1 && s % 2 === 1 && l !== row[s - 2])));
  const never = (n: number): Tensor => full([batch, n], NEVER, { dtype: x.dtype });
  const starts = tensor(labels.map((_, n) => Array.from({ length: wide }, (_, s) => s === 0 || (s === 1 && counts[n] > 0))));
  let alpha = where(starts, x.select(0, 0).gather(1, index), NEVER);
  for (let t = 1; t < Math.max(0, ...times); t++) {
    const shifted = (k: number): Tensor => joinColumns(never(Math.min(k, wide)), alpha, wide);
    const paths = stack([alpha, shifted(1), where(mayskip, shifted(2), NEVER)], 0).logsumexp(0);
    const next = paths.add(x.select(0, t).gather(1, index));
    alpha = times.every((n) => t < n) ? next : where(tensor(times.map((n) => [t < n])), next, alpha);
  }
  const end = tensor(
    counts.map((c) => [2 * c, Math.max(0, 2 * c - 1)]),
    { dtype: 'int64' },
  );
  const last = where(tensor(counts.map((c) => [true, c > 0])), alpha.gather(1, end), NEVER);
  let loss = last.logsumexp(1).neg();
  // PyTorch's gradient is that of logits: it holds the softmax too, which is a term of no value here.
  const active = tensor(Array.from({ length: steps }, (_, t) => times.map((n) => [t < n])));
  const mass = where(active, x.exp(), 0).sum([0, 2]);
  loss = loss.add(mass.sub(noGrad(() => mass.detach())));
  loss = where(loss.gt(-NEVER / 2), zeroInfinity ? 0 : Number.POSITIVE_INFINITY, loss);
  if (reduction === 'mean')
    return loss
      .div(
        tensor(
          counts.map((c) => Math.max(1, c)),
          { dtype: x.dtype },
        ),
      )
      .mean();
  return reduceLoss(single ? loss.squeeze(0) : loss, reduction);
}

/** Columns in front of a matrix that is cut to `wide` columns in all. */
function joinColumns(front: Tensor, x: Tensor, wide: number): Tensor {
  const rest = wide - front.shape[1];
  return rest === 0 ? front : cat([front, x.narrow(1, 0, rest)], 1);
}
