// Losses and the steps of optimizers.
import { functional as F } from '../nn/index.ts';
import { ones, type Tensor, where } from '../tensor/index.ts';
import type { Call, Row } from './call.ts';

/** An index that no class has. */
const NONE = -2147483648;
/** The negated log-probabilities of the targets, [N, C, ...] and [N, ...]. */
function nll(c: Call, logits: Tensor): Tensor {
  const target = c.x(1).to('int64');
  const ignored = c.attr('ignore_index') ? target.eq(c.int('ignore_index')) : null;
  const safe = ignored === null ? target : where(ignored, 0, target);
  const picked = logits.gather(1, safe.unsqueeze(1)).squeeze(1).neg();
  let weight: Tensor | null = c.has(2)
    ? c
        .x(2)
        .indexSelect(0, safe.reshape([-1]))
        .reshape(safe.shape)
    : null;
  if (ignored !== null) weight = (weight ?? ones(safe.shape, { dtype: logits.dtype })).mul(ignored.logicalNot().to(logits.dtype));
  const loss = weight === null ? picked : picked.mul(weight);
  const reduction = c.str('reduction', 'mean');
  if (reduction === 'none') return loss;
  if (reduction === 'sum') return loss.sum();
  return weight === null ? loss.mean() : loss.sum().div(weight.sum());
}

/** Each tensor of an optimizer's step: R and T first, then a group for each role. */
function groups(c: Call, roles: number): Tensor[][] {
  const n = (c.inputs.length - 2) / roles;
  if (!Number.isInteger(n) || n < 1) c.fail(`${c.inputs.length} inputs do not make groups of ${roles}`);
  return Array.from({ length: n }, (_, i) => Array.from({ length: roles }, (_, r) => c.x(2 + r * n + i)));
}
const turned = (lists: Tensor[][]): Tensor[] => lists[0].flatMap((_, r) => lists.map((l) => l[r]));

function adagrad(c: Call): Tensor[] {
  const rate = c.x(0).div(c.x(1).to(c.x(0).dtype).mul(c.float('decay_factor', 0)).add(1));
  return turned(
    groups(c, 3).map(([x, g, h]) => {
      const gradient = x.mul(c.float('norm_coefficient', 0)).add(g);
      const sum = h.add(gradient.mul(gradient));
      return [x.sub(rate.mul(gradient).div(sum.sqrt().add(c.float('epsilon', 1e-6)))), sum];
    }),
  );
}
function momentum(c: Call): Tensor[] {
  const [alpha, beta] = [c.float('alpha'), c.float('beta')];
  const first = c.x(1).to(c.x(0).dtype).eq(0);
  const nesterov = c.str('mode') === 'nesterov';
  return turned(
    groups(c, 3).map(([x, g, v]) => {
      const gradient = x.mul(c.float('norm_coefficient')).add(g);
      const factor = where(first, 1, c.x(0).mul(0).add(beta));
      const speed = v.mul(alpha).add(gradient.mul(factor));
      const step = nesterov ? gradient.add(speed.mul(alpha)) : speed;
      return [x.sub(c.x(0).mul(step)), speed];
    }),
  );
}
function adam(c: Call): Tensor[] {
  const [alpha, beta, eps] = [c.float('alpha', 0.9), c.float('beta', 0.999), c.float('epsilon', 1e-6)];
  const t = c.x(1).to(c.x(0).dtype);
  const base = c.x(0).mul(0);
  const rate = c.x(0).mul(base.add(beta).pow(t).neg().add(1).sqrt()).div(base.add(alpha).pow(t).neg().add(1));
  const used = where(t.gt(0), rate, c.x(0));
  return turned(
    groups(c, 4).map(([x, g, v, h]) => {
      const gradient = x.mul(c.float('norm_coefficient', 0)).add(g);
      const first = v.mul(alpha).add(gradient.mul(1 - alpha));
      const second = h.mul(beta).add(gradient.mul(gradient).mul(1 - beta));
      const next = x.sub(used.mul(first).div(second.sqrt().add(eps)));
      return [next.mul(1 - c.float('norm_coefficient_post', 0)), first, second];
    }),
  );
}

/** Losses and optimizers. */
export const TRAINING: Readonly<Record<string, Row>> = {
  NegativeLogLikelihoodLoss: { fixed: [2], run: (c) => nll(c, c.x(0)) },
  SoftmaxCrossEntropyLoss: {
    fixed: [2],
    run: (c) => {
      const reduction = c.str('reduction', 'mean');
      // One kernel computes the loss alone.
      if (!c.wants(1) && (reduction === 'mean' || reduction === 'sum' || reduction === 'none')) {
        const ignoreIndex = c.attr('ignore_index') ? c.int('ignore_index') : NONE;
        return F.crossEntropy(c.x(0), c.x(1).to('int64'), { weight: c.opt(2), ignoreIndex, reduction });
      }
      const logits = c.x(0).logSoftmax(1);
      return [nll(c, logits), logits];
    },
  },
  'ai.onnx.preview.training:Adagrad': { run: adagrad },
  'ai.onnx.preview.training:Momentum': { run: momentum },
  'ai.onnx.preview.training:Adam': { run: adam },
};
