import type { DType } from '../base/dtype.ts';
import { COMPUTE, isFloat } from '../base/dtype.ts';
import { DTypeError, ShapeError } from '../base/errors.ts';
import { needSame, show, sizeOf } from '../base/shape.ts';
import { kernel, type Lowered, type Meta, type Op, type Value } from './op.ts';

interface Loss {
  /** Lines with this target count nothing. */
  readonly ignoreIndex: number;
  /** How much of a target is spread over all classes. */
  readonly smoothing: number;
  readonly reduction: 'mean' | 'sum' | 'none';
}
const ATTRS = { ignoreIndex: 'number', smoothing: 'number', reduction: "'mean' | 'sum' | 'none'" };
const FIELDS = { ints: ['outer', 'n', 'group', 'reduction'], floats: ['ignoreIndex', 'smoothing'] };

function lines({ shape: [outer, n] }: Meta, { ignoreIndex, smoothing, reduction }: Loss, last: readonly number[]): Lowered {
  const group = Math.max(1, Math.floor(8192 / Math.max(n, 1)));
  return {
    ints: [outer, n, group, ['none', 'sum', 'mean'].indexOf(reduction)],
    floats: [ignoreIndex, smoothing],
    tiles: [Math.ceil(outer / group), ...last],
    workspace: 16 * outer,
  };
}
/** Dtypes in which (x, target, weight) and the statistics behind them reach the kernels. */
const loads = (x: Meta, before: readonly DType[] = []): DType[] => {
  const own = COMPUTE[x.dtype];
  return [...before, own, 'int64', own, own, own, own];
};

export const crossEntropy: Op = kernel({
  doc: 'Cross entropy of lines of logits x [n, classes] and class indices; also the largest logit and the sum of exponentials below it of each line, and the sum of the weights.',
  inputs: ['x', 'target', 'weight?'],
  outputs: ['y', 'level', 'sum', 'total'],
  attrs: ATTRS,
  infer: ([x, target, weight], { reduction }: Loss) => {
    if (!isFloat(x.dtype)) throw new DTypeError(`crossEntropy: needs floating-point logits, not ${x.dtype}; convert them to float32 first`);
    if (x.shape.length !== 2 || x.shape[1] === 0)
      throw new ShapeError(`crossEntropy: logits ${show(x.shape)} should be [n, classes] with at least one class`);
    needSame('crossEntropy', 'target', target.shape, 'lines of the logits', [x.shape[0]]);
    if (weight) needSame('crossEntropy', 'weight', weight.shape, 'classes', [x.shape[1]]);
    const dtype = COMPUTE[x.dtype];
    const line = { shape: [x.shape[0]], dtype };
    return [{ shape: reduction === 'none' ? [x.shape[0]] : [], dtype: x.dtype }, line, line, { shape: [], dtype }];
  },
  loads: ([x]) => loads(x),
  writes: ([x]) => [COMPUTE[x.dtype], COMPUTE[x.dtype], COMPUTE[x.dtype], COMPUTE[x.dtype]],
  ...FIELDS,
  lower: ([x], _, attrs: Loss) => lines(x as Meta, attrs, [1]),
  kernel: { file: 'loss', name: 'crossEntropy' },
  saves: ['x', 'target', 'weight', 'level', 'sum', 'total'],
  // weight has no derivative, as in PyTorch.
  vjp: (ops, { dy, dys, x, target, weight, level, sum, total, attrs }) => {
    let dx = ops.crossEntropyBackward(dy, x, target, level, sum, total, weight, attrs);
    const down = (v: Value): Value => ops.reshape(v, { shape: [x.shape[0], 1] });
    const [, toLevel, toSum] = dys;
    // The statistics have gradients of their own when this derivative is differentiated.
    if (toSum) dx = ops.add(dx, ops.mul(down(toSum), ops.exp(ops.sub(x, down(level)))));
    if (toLevel && toSum) dx = ops.add(dx, ops.where(ops.eq(x, down(level)), down(ops.sub(toLevel, ops.mul(toSum, sum))), 0));
    return [dx, null, null];
  },
});

export const crossEntropyBackward: Op = kernel({
  doc: 'Gradient of crossEntropy in x for the gradient g of its result.',
  inputs: ['g', 'x', 'target', 'level', 'sum', 'total', 'weight?'],
  outputs: ['dx'],
  attrs: ATTRS,
  infer: ([g, x, target, level, sum, total, weight], { reduction }: Loss) => {
    const op = 'crossEntropyBackward';
    if (x.shape.length !== 2) throw new ShapeError(`${op}: logits ${show(x.shape)} should be [n, classes]`);
    const [n, classes] = x.shape;
    needSame(op, 'gradient', g.shape, 'result', reduction === 'none' ? [n] : []);
    for (const line of [target, level, sum]) needSame(op, 'statistics', line.shape, 'lines of the logits', [n]);
    needSame(op, 'total', total.shape, 'sum of the weights', []);
    if (weight) needSame(op, 'weight', weight.shape, 'classes', [classes]);
    return [{ shape: x.shape, dtype: x.dtype }];
  },
  loads: ([, x]) => loads(x, [COMPUTE[x.dtype]]),
  ...FIELDS,
  lower: ([, x], _, attrs: Loss) =>
    sizeOf((x as Meta).shape) === 0 ? { ...lines(x as Meta, attrs, []), tiles: [] } : lines(x as Meta, attrs, []),
  kernel: { file: 'loss', name: 'crossEntropyBackward' },
  saves: ['g', 'x', 'target', 'level', 'sum', 'total', 'weight'],
  vjp: (ops, { dy, g, x, target, level, sum, total, weight, attrs }) => {
    const { ignoreIndex, smoothing, reduction } = attrs as Loss;
    const [n, classes] = x.shape;
    const { mul, div, where, eq, add, neg } = ops;
    const none = { dims: reduction === 'none' ? [1] : [0, 1], keepdim: false };
    const along = (v: Value): Value => ops.sum(v, { dims: [1], keepdim: false });
    const column = (v: Value): Value => (v.shape.length === 0 ? v : ops.reshape(v, { shape: [n, 1] }));
    const scale = reduction === 'mean' ? div(g, total) : g;
    const ignored = eq(target, ignoreIndex);
    const weights = weight ?? ops.full({ shape: [classes], dtype: x.dtype, value: 1 });
    const own = ops.indexSelect(weights, where(ignored, 0, target), { dim: 0 });
    const share = add(mul(own, 1 - smoothing), mul(ops.sum(weights, { dims: [0], keepdim: false }), smoothing / classes));
    const p = div(ops.exp(ops.sub(x, column(level))), column(sum));
    const k = mul(mul(mul(dy, p), column(where(ignored, 0, share))), column(scale));
    const one = ops.crossEntropyBackward(
      ops.full({ shape: g.shape, dtype: g.dtype, value: 1 }),
      x,
      target,
      level,
      sum,
      total,
      weight,
      attrs,
    );
    const dg = ops.sum(mul(dy, one), none);
    const below = neg(along(k));
    return [dg, k, null, below, div(below, sum), reduction === 'mean' ? neg(div(mul(dg, g), total)) : null, null];
  },
});
