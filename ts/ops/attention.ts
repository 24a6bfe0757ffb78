import { COMPUTE, type DType, isFloat } from '../base/dtype.ts';
import { DTypeError, ShapeError } from '../base/errors.ts';
import { needSame, type Shape, show, sizeOf } from '../base/shape.ts';
import { kernel, type Layout, type Lowered, type Meta, type Op, type Value } from './op.ts';

interface Attention {
  readonly scale: number;
  /** Row i sees keys up to i only. */
  readonly causal: boolean;
}
/** Rows and keys of a block: BLOCK of assembly/kernels/attention.ts. */
const BLOCK = 64;
/** The widest rows that a thread's scratch has room for. */
export const MAX_WIDTH = 256;
const strides = (name: string): string[] => [0, 1, 2].map((i) => `${name}${i}`);
const INTS: readonly string[] = [
  ...['heads', 'rows', 'keys', 'width', 'depth', 'causal'],
  ...strides('q'),
  ...strides('k'),
  ...strides('v'),
  ...strides('m'),
  ...strides('g'),
];
const ATTRS = { scale: 'number', causal: 'boolean' };

/** Rows are read where they lie if their elements lie side by side. */
const rows = (x: Meta): Layout => (x.strides[3] === 1 || x.shape[3] === 1 ? 'any' : 'contiguous');

function check(op: string, q: Meta, k: Meta, v: Meta, mask: Meta | null | undefined): Shape {
  if (!isFloat(q.dtype)) throw new DTypeError(`${op}: needs floating-point dtypes, not ${q.dtype}; convert to float32 first`);
  const [n, heads, length, width] = q.shape;
  const [keys, depth] = [k.shape[2], v.shape[3]];
  if (q.shape.length !== 4 || !(width <= MAX_WIDTH && depth <= MAX_WIDTH) || sizeOf(k.shape) * sizeOf(v.shape) === 0)
    throw new ShapeError(
      `${op}: query ${show(q.shape)}, key ${show(k.shape)} and value ${show(v.shape)} should be [n, heads, rows, width] with keys and at most ${MAX_WIDTH} wide`,
    );
  needSame(op, 'key', k.shape, 'query with its keys', [n, heads, keys, width]);
  needSame(op, 'value', v.shape, 'key with its width', [n, heads, keys, depth]);
  if (mask) needSame(op, 'mask', mask.shape, 'scores', [n, heads, length, keys]);
  return [n, heads, length, depth];
}

function lower({ scale, causal }: Attention, q: Meta, k: Meta, v: Meta, mask: Meta | null, g: Meta, back: boolean): Lowered {
  const [n, heads, length, width] = q.shape;
  const keys = k.shape[2];
  const lie = (x: Meta | null): readonly number[] => (x ? x.strides.slice(0, 3) : [0, 0, 0]);
  const tiles = (count: number): number => n * heads * Math.ceil(count / BLOCK);
  return {
    ints: [heads, length, keys, width, v.shape[3], Number(causal), ...lie(q), ...lie(k), ...lie(v), ...lie(mask), ...lie(g)],
    floats: [scale],
    tiles: back ? [tiles(length), tiles(keys)] : [tiles(length)],
  };
}

export const attention: Op = kernel({
  doc: 'softmax(q k^T scale + mask) v of [n, heads, rows, width], with no matrix of scores in memory; also the logarithms of the sums.',
  inputs: ['q', 'k', 'v', 'mask?'],
  outputs: ['y', 'level'],
  attrs: ATTRS,
  infer: ([q, k, v, mask]) => {
    const shape = check('attention', q, k, v, mask);
    return [
      { shape, dtype: q.dtype },
      { shape: [...shape.slice(0, 3), 1], dtype: COMPUTE[q.dtype] },
    ];
  },
  loads: ([q]) => COMPUTE[q.dtype],
  writes: ([q]) => [COMPUTE[q.dtype], COMPUTE[q.dtype]],
  layout: rows,
  ints: INTS,
  floats: ['scale'],
  lower: ([q, k, v, mask], _, attrs: Attention) => lower(attrs, q as Meta, k as Meta, v as Meta, mask, q as Meta, false),
  kernel: { file: 'attention', name: 'attention' },
  saves: ['q', 'k', 'v', 'mask', 'y', 'level'],
  // mask has no derivative here: one that wants it takes the composed way.
  vjp: (ops, { dy, dys, q, k, v, mask, y, level, attrs }) => {
    let [dq, dk, dv]: Value[] = ops.attentionBackward(dy, q, k, v, y, level, mask, attrs);
    // The logarithms have gradients of their own when this derivative is differentiated.
    if (dys[1]) {
      const share = ops.mul(ops.mul(shares(ops, q, k, mask, level, attrs), dys[1]), attrs.scale);
      dq = ops.add(dq, ops.matmul(share, k));
      dk = ops.add(dk, ops.matmul(turned(ops, share), q));
    }
    return [dq, dk, dv, null];
  },
});

type Ops = Parameters<NonNullable<Op['vjp']>>[0];
const turned = (ops: Ops, x: Value): Value => ops.permute(x, { dims: [0, 1, 3, 2] });
/** exp(q k^T scale + mask - level) in single ops. */
function shares(ops: Ops, q: Value, k: Value, mask: Value | null, level: Value, { scale, causal }: Attention): Value {
  let x = ops.mul(ops.matmul(q, turned(ops, k)), scale);
  if (mask) x = ops.add(x, mask);
  const p = ops.exp(ops.sub(x, level));
  return causal ? ops.tril(p, {}) : p;
}

export const attentionBackward: Op = kernel({
  doc: 'Gradients of attention in q, k and v for the gradient g of its result y.',
  inputs: ['g', 'q', 'k', 'v', 'y', 'level', 'mask?'],
  outputs: ['dq', 'dk', 'dv'],
  attrs: ATTRS,
  infer: ([g, q, k, v, y, level, mask]) => {
    const op = 'attentionBackward';
    const shape = check(op, q, k, v, mask);
    needSame(op, 'gradient', g.shape, 'result', shape);
    needSame(op, 'result', y.shape, 'result', shape);
    needSame(op, 'level', level.shape, 'rows of the result', [...shape.slice(0, 3), 1]);
    return [q, k, v].map((x) => ({ shape: x.shape, dtype: q.dtype }));
  },
  loads: ([, q]) => COMPUTE[q.dtype],
  writes: ([, q]) => [q, q, q].map((x): DType => COMPUTE[x.dtype]),
  layout: (x, index) => (index === 4 || index === 5 ? 'contiguous' : rows(x)),
  ints: INTS,
  floats: ['scale'],
  lower: ([g, q, k, v, , , mask], _, attrs: Attention) => lower(attrs, q as Meta, k as Meta, v as Meta, mask, g as Meta, true),
  kernel: { file: 'attention', name: 'attentionBackward' },
  saves: ['g', 'q', 'k', 'v', 'y', 'level', 'mask'],
  vjp: (ops, { dys: [a, b, c], g, q, k, v, y, level, mask, attrs }) => {
    const { add, mul, sub, matmul, neg } = ops;
    const t = (x: Value): Value => turned(ops, x);
    const along = (x: Value): Value => ops.sum(x, { dims: [3], keepdim: true });
    const join = (x: Value | null, z: Value | null): Value | null => (x && z ? add(x, z) : (x ?? z));
    const zeros = (x: Value): Value => mul(x, 0);
    const p = shares(ops, q, k, mask, level, attrs);
    // With P the shares: S = P (g v' - sum(g y)); dq = S k scale, dk = S' q scale, dv = P' g. Behind come the gradients in these.
    const inner = sub(matmul(g, t(v)), along(mul(g, y)));
    const slope = mul(p, inner);
    const toSlope = mul(join(a && matmul(a, t(k)), b && matmul(q, t(b))) ?? zeros(p), attrs.scale);
    const toInner = mul(toSlope, p);
    const toSum = neg(along(toInner));
    let toShares = mul(toSlope, inner);
    let toG = add(matmul(toInner, v), mul(toSum, y));
    if (c) {
      toShares = add(toShares, matmul(g, t(c)));
      toG = add(toG, matmul(p, c));
    }
    const toScores = mul(toShares, p);
    const scaled = mul(toScores, attrs.scale);
    const steep = mul(slope, attrs.scale);
    const toQ = join(b && matmul(steep, b), matmul(scaled, k));
    const toK = join(a && matmul(t(steep), a), matmul(t(scaled), q));
    return [toG, toQ, toK, matmul(t(toInner), g), mul(toSum, g), neg(along(toScores)), null];
  },
});
