import { isFloat } from '../../base/dtype.ts';
import { ShapeError } from '../../base/errors.ts';
import { broadcast, sameShape, show } from '../../base/shape.ts';
import { type Tensor, triuIndices, where, zerosLike } from '../../tensor/index.ts';
import { type LossOptions, reduceLoss } from './loss.ts';

const positive = (x: Tensor): Tensor => x.clamp({ min: 0 });

/** x where the target is 1, max(0, margin - x) where it is -1. */
export function hingeEmbeddingLoss(
  input: Tensor,
  target: Tensor,
  { margin = 1, reduction }: LossOptions & { margin?: number } = {},
): Tensor {
  const far = where(target.ne(1), positive(input.mul(-1).add(margin)), 0);
  return reduceLoss(far.add(where(target.ne(-1), input, 0)), reduction);
}

/** max(0, -target (a - b) + margin): target 1 wants a above b, -1 b above a. */
export function marginRankingLoss(
  a: Tensor,
  b: Tensor,
  target: Tensor,
  { margin = 0, reduction }: LossOptions & { margin?: number } = {},
): Tensor {
  if (a.ndim !== b.ndim || a.ndim !== target.ndim)
    throw new ShapeError(
      `marginRankingLoss: inputs ${show(a.shape)}, ${show(b.shape)} and target ${show(target.shape)} must have as many dimensions`,
    );
  const distance = target.neg().mul(a.sub(b));
  return reduceLoss(positive((isFloat(distance.dtype) ? distance : distance.to('float32')).add(margin)), reduction);
}

/** 1 - cos(a, b) where the target is 1, max(0, cos - margin) where it is -1; the vectors lie along the last dimension. */
export function cosineEmbeddingLoss(
  a: Tensor,
  b: Tensor,
  target: Tensor,
  { margin = 0, reduction }: LossOptions & { margin?: number } = {},
): Tensor {
  const dim = target.ndim;
  const squares = a.square().sum(dim).add(1e-12).mul(b.square().sum(dim).add(1e-12));
  const cosine = a.mul(b).sum(dim).div(squares.sqrt());
  const near = where(target.eq(1), cosine.mul(-1).add(1), 0);
  return reduceLoss(near.add(where(target.eq(-1), positive(cosine.sub(margin)), 0)), reduction);
}

/** log(1 + exp(-target x)) for targets 1 and -1. */
export function softMarginLoss(input: Tensor, target: Tensor, { reduction }: LossOptions = {}): Tensor {
  return reduceLoss(target.neg().mul(input).exp().log1p(), reduction);
}

/** Hinge loss of several labels: a row of `target` lists class indices up to its first -1. (N, C) or (C). @throws ShapeError */
export function multilabelMarginLoss(input: Tensor, target: Tensor, { reduction }: LossOptions = {}): Tensor {
  if (!sameShape(input.shape, target.shape) || input.ndim < 1 || input.ndim > 2)
    throw new ShapeError(`multilabelMarginLoss: input ${show(input.shape)} and target ${show(target.shape)}; give both as (N, C) or (C)`);
  const x = input.ndim === 1 ? input.unsqueeze(0) : input;
  const y = input.ndim === 1 ? target.unsqueeze(0) : target;
  const listed = y.lt(0).to('int64').cumsum(1).eq(0);
  const safe = where(listed, y, 0);
  const hits = zerosLike(x, { dtype: 'int64' }).scatterAdd(1, safe, listed.to('int64'));
  const pairs = positive(x.unsqueeze(1).sub(x.gather(1, safe).unsqueeze(2)).add(1));
  const counted = listed.unsqueeze(2).logicalAnd(hits.eq(0).unsqueeze(1));
  const loss = where(counted, pairs, 0).sum([1, 2]).div(x.shape[1]);
  return reduceLoss(input.ndim === 1 ? loss.squeeze(0) : loss, reduction);
}

/** Hinge loss of one label: mean over classes of max(0, margin - x[y] + x[i])^p for i other than y; p is 1 or 2. */
export function multiMarginLoss(
  input: Tensor,
  target: Tensor,
  { p = 1, margin = 1, weight, reduction }: LossOptions & { p?: number; margin?: number; weight?: Tensor | null } = {},
): Tensor {
  const x = input.ndim === 1 ? input.unsqueeze(0) : input;
  const y = target.reshape([-1, 1]).to('int64');
  let gaps = positive(x.sub(x.gather(1, y)).add(margin));
  if (p === 2) gaps = gaps.square();
  if (weight) gaps = gaps.mul(weight.indexSelect(0, y.reshape([-1])).unsqueeze(1));
  const own = zerosLike(x)
    .scatter(1, y, zerosLike(y, { dtype: x.dtype }).add(1))
    .ne(0);
  const loss = where(own, 0, gaps).sum(1).div(x.shape[1]);
  return reduceLoss(input.ndim === 1 ? loss.squeeze(0) : loss, reduction);
}

/** Binary cross entropy of logits, averaged over the classes (last dimension). */
export function multilabelSoftMarginLoss(
  input: Tensor,
  target: Tensor,
  { weight, reduction }: LossOptions & { weight?: Tensor | null } = {},
): Tensor {
  const each = target.mul(input.logSigmoid()).add(target.mul(-1).add(1).mul(input.neg().logSigmoid())).neg();
  return reduceLoss((weight ? each.mul(weight) : each).mean(-1), reduction);
}

/** The p-norm of x1 - x2 + eps along the last dimension. */
export function pairwiseDistance(
  x1: Tensor,
  x2: Tensor,
  { p = 2, eps = 1e-6, keepdim = false }: { p?: number; eps?: number; keepdim?: boolean } = {},
): Tensor {
  return x1.sub(x2).add(eps).norm(p, -1, { keepdim });
}

/** Options of tripletMarginLoss. */
export interface TripletOptions extends LossOptions {
  readonly margin?: number;
  readonly p?: number;
  readonly eps?: number;
  /** Takes the smaller of the negative's distances to anchor and positive. */
  readonly swap?: boolean;
}
/** max(0, d(anchor, positive) - d(anchor, negative) + margin). */
export function tripletMarginLoss(anchor: Tensor, near: Tensor, far: Tensor, options: TripletOptions = {}): Tensor {
  const { margin = 1, p = 2, eps = 1e-6, swap = false, reduction } = options;
  const plus = pairwiseDistance(anchor, near, { p, eps });
  let minus = pairwiseDistance(anchor, far, { p, eps });
  if (swap) minus = minus.minimum(pairwiseDistance(near, far, { p, eps }));
  return reduceLoss(positive(plus.sub(minus).add(margin)), reduction);
}

/** The cosine of the angle between x1 and x2 along dim. */
export function cosineSimilarity(x1: Tensor, x2: Tensor, { dim = 1, eps = 1e-8 }: { dim?: number; eps?: number } = {}): Tensor {
  const shape = broadcast('cosineSimilarity', x1.shape, x2.shape);
  const [a, b] = [x1.expand(shape), x2.expand(shape)];
  const norm = (x: Tensor): Tensor => x.square().sum(dim, { keepdim: true }).sqrt().clamp({ min: eps });
  return a
    .div(norm(a))
    .mul(b.div(norm(b)))
    .sum(dim);
}

/** p-norm distances of every pair of rows of x (N, M), in the order (0, 1), (0, 2), ..., (N - 2, N - 1). @throws ShapeError */
export function pdist(x: Tensor, p: number = 2): Tensor {
  if (x.ndim !== 2) throw new ShapeError(`pdist: ${show(x.shape)} must have 2 dimensions`);
  const [rows, cols] = triuIndices(x.shape[0], x.shape[0], 1).unbind();
  return x.indexSelect(0, rows).sub(x.indexSelect(0, cols)).norm(p, -1);
}
