import { COMPUTE, isFloat } from '../base/dtype.ts';
import { DTypeError, ShapeError } from '../base/errors.ts';
import { isChannelsLast, isContiguous, needSame, type Shape, sameShape, show, sizeOf } from '../base/shape.ts';
import type { Ops } from './gen/ops.ts';
import { kernel, type Layout, type Lowered, type Meta, type Op, type Result, type Value } from './op.ts';

/** What is normalised together: the last `dims` dimensions, or `groups` groups of channels (dimension 1) of one sample or of all (`batch`). */
export interface Norm {
  readonly dims?: number;
  readonly groups?: number;
  readonly batch?: boolean;
  /** Divide by the root of the mean square, with no mean. */
  readonly rms?: boolean;
  readonly eps: number;
  /** Whether the derivatives in weight and bias are wanted. */
  readonly affine?: boolean;
  /** Whether mean and variance are given, and constants. */
  readonly fixed?: boolean;
}
const ATTRS = { 'dims?': 'number', 'groups?': 'number', 'batch?': 'boolean', 'rms?': 'boolean', eps: 'number' };
export const NORM_INTS: readonly string[] = [
  ...['form', 'samples', 'groups', 'per', 'pieces', 'length', 'span', 'group', 'joint'],
  ...['fixed', 'rms', 'affine'],
];
const FORM = { lines: 0, runs: 1, columns: 2 } as const;
/** Rows of a piece of columns, summed in the element's type; elements that one tile works on, about. */
const ROWS = 64;
const GRAIN = 16384;
/** Columns of a tile: COLUMNS of assembly/kernels/line.ts. */
const WIDTH = 1024;

const lastInMemory = (x: Meta): boolean => !isContiguous(x.shape, x.strides) && isChannelsLast(x.shape, x.strides);
/** All tensors of x's shape lie as x does. */
const layout =
  (x: number) =>
  (input: Meta, index: number, inputs: readonly (Meta | null)[]): Layout => {
    const own = inputs[x] as Meta;
    return index <= x && input.shape.length === own.shape.length && lastInMemory(own) ? 'channelsLast' : 'contiguous';
  };

/** x as [samples, groups, channels of a group, elements of a channel]. */
export function view4({ shape }: { shape: Shape }, { dims, groups = 1 }: Norm): [number, number, number, number] {
  if (dims !== undefined) return [sizeOf(shape.slice(0, shape.length - dims)), 1, sizeOf(shape.slice(shape.length - dims)), 1];
  return [shape[0], groups, shape[1] / groups, sizeOf(shape.slice(2))];
}

function lower(x: Meta, attrs: Norm, fixed: boolean, back: boolean): Lowered {
  const { batch = false, rms = false, affine = false, eps } = attrs;
  const [n, groups, per, inner] = view4(x, attrs);
  const channels = groups * per;
  const flags = [Number(fixed), Number(rms), Number(affine)];
  if (!batch && inner === 1) {
    const total = n * groups;
    const group = Math.max(back ? 8 : 1, Math.min(256, Math.floor(GRAIN / Math.max(per, 1))));
    const tiles = Math.ceil(total / group);
    return {
      ints: [FORM.lines, n, groups, per, 1, 1, 1, group, 1, ...flags],
      floats: [eps],
      tiles: total * per === 0 && !affine ? [] : affine ? [tiles, Math.ceil(channels / WIDTH)] : [tiles],
      workspace: affine ? tiles * channels * 16 : 0,
    };
  }
  const columns = inner === 1 || lastInMemory(x);
  const samples = batch ? 1 : n;
  const length = batch ? n * inner : inner;
  const span = columns ? ROWS : inner;
  const pieces = Math.ceil(length / span);
  const units = samples * pieces * (columns ? Math.ceil(channels / WIDTH) : channels);
  const group = Math.max(1, Math.floor(GRAIN / (span * (columns ? Math.min(channels, WIDTH) : 1))));
  const joint = Math.max(1, Math.floor(GRAIN / 4 / (pieces * per * (back ? samples : 1))));
  const tiles = Math.ceil(units / group);
  return {
    ints: [columns ? FORM.columns : FORM.runs, samples, groups, per, pieces, length, span, group, joint, ...flags],
    floats: [eps],
    tiles: [fixed && !back ? 1 : tiles, Math.ceil((back ? groups : samples * groups) / joint), tiles],
    workspace: 16 * (samples * groups + samples * pieces * channels),
  };
}

function check(op: string, x: Meta, { dims, groups = 1 }: Norm): { line: Shape; one: Shape } {
  const { shape } = x;
  if (!isFloat(x.dtype)) throw new DTypeError(`${op}: needs a floating-point dtype, not ${x.dtype}; convert x to float32 first`);
  if (dims !== undefined) {
    if (!(dims >= 1 && dims <= shape.length))
      throw new ShapeError(`${op}: cannot normalise the last ${dims} dimensions of ${show(shape)}; give 1 to ${shape.length}`);
    const line = shape.slice(shape.length - dims);
    return { line, one: [...shape.slice(0, shape.length - dims), ...line.map(() => 1)] };
  }
  if (shape.length < 2 || !(groups >= 1) || shape[1] % groups !== 0 || sizeOf(shape) === 0)
    throw new ShapeError(`${op}: the channels (dimension 1) of ${show(shape)} do not divide into ${groups} groups of something`);
  return { line: [shape[1]], one: [shape[0], groups] };
}
/** A result of x's shape and memory format. */
const likewise = (x: Meta, { groups }: Norm): Result => ({
  shape: x.shape,
  dtype: x.dtype,
  strides: groups !== undefined && lastInMemory(x) ? x.strides : undefined,
});
const statistics = (one: Shape, { batch }: Norm): Shape => (batch ? one.slice(1) : one);

export const normalization: Op = kernel({
  doc: 'Groups of elements less their mean, divided by sqrt(variance + eps), times weight, plus bias; mean and variance may be given.',
  inputs: ['x', 'weight?', 'bias?', 'givenMean?', 'givenVariance?'],
  outputs: ['y', 'mean', 'variance'],
  attrs: ATTRS,
  infer: ([x, weight, bias, ...given], attrs: Norm) => {
    const { line, one } = check('normalization', x, attrs);
    const stats = statistics(one, attrs);
    for (const p of [weight, bias])
      if (p && !sameShape(p.shape, line))
        throw new ShapeError(`normalization: weight and bias of x ${show(x.shape)} must have shape ${show(line)}, not ${show(p.shape)}`);
    for (const p of given) if (p) needSame('normalization', 'statistics', p.shape, 'groups', stats);
    const dtype = COMPUTE[x.dtype];
    return [likewise(x, attrs), { shape: stats, dtype }, { shape: stats, dtype }];
  },
  loads: ([x]) => COMPUTE[x.dtype],
  writes: ([x]) => [COMPUTE[x.dtype], COMPUTE[x.dtype], COMPUTE[x.dtype]],
  layout: (x, index, inputs) => (index === 0 ? layout(0)(x, index, inputs) : 'contiguous'),
  ints: NORM_INTS,
  floats: ['eps'],
  lower: ([x, , , mean], _, attrs: Norm) => lower(x as Meta, attrs, mean !== null && mean !== undefined, false),
  kernel: { file: 'norm', name: 'normalization' },
  channelwise: ([, weight, bias, mean, variance], { batch, eps, rms, groups }) =>
    batch === true && rms !== true && groups !== undefined && mean !== null && variance !== null
      ? { mean, variance, weight, bias, eps: eps as number }
      : null,
  saves: ['x', 'weight', 'mean', 'variance'],
  vjp: (ops, { dy, dys, x, weight, mean, variance, attrs, inputs, needs }) => {
    const fixed = inputs[3] !== null && inputs[3] !== undefined;
    const affine = needs[1] || needs[2];
    let [dx, dw, db]: (Value | null)[] = ops.normalizationBackward(dy, x, mean, variance, weight, { ...attrs, affine, fixed });
    // The statistics have gradients of their own when this derivative is differentiated.
    if (!fixed && (dys[1] || dys[2])) {
      const { full, stats, count } = folded(ops, x, attrs);
      const { rms } = attrs as Norm;
      let more = full(dx as Value);
      if (dys[1] && !rms) more = ops.add(more, ops.div(stats(dys[1]), count));
      if (dys[2]) more = ops.add(more, ops.mul(rms ? full(x) : ops.sub(full(x), stats(mean)), ops.mul(stats(dys[2]), 2 / count)));
      dx = ops.reshape(more, { shape: x.shape });
    }
    return [dx, needs[1] ? dw : null, needs[2] ? db : null, null, null];
  },
});

/** x in four dimensions, and how statistics and weights lie against them. */
function folded(ops: Ops, x: Meta, attrs: Norm) {
  const shape = view4(x, attrs);
  const [n, groups, per, inner] = shape;
  const over = attrs.batch ? [0, 2, 3] : [2, 3];
  return {
    shape,
    count: per * inner * (attrs.batch ? n : 1),
    full: (v: Value): Value => ops.reshape(v, { shape }),
    stats: (v: Value): Value => ops.reshape(v, { shape: [attrs.batch ? 1 : n, groups, 1, 1] }),
    weights: (v: Value): Value => ops.reshape(v, { shape: [1, groups, per, 1] }),
    sum: (v: Value): Value => ops.sum(v, { dims: over, keepdim: true }),
    channels: (v: Value): Value => ops.sum(v, { dims: [0, 3], keepdim: true }),
  };
}

export const normalizationBackward: Op = kernel({
  doc: 'Gradients of normalization in x, weight and bias for the gradient g of its result and its statistics.',
  inputs: ['g', 'x', 'mean', 'variance', 'weight?'],
  outputs: ['dx', 'dweight', 'dbias'],
  attrs: { ...ATTRS, 'affine?': 'boolean', 'fixed?': 'boolean' },
  infer: ([g, x, mean, variance, weight], attrs: Norm) => {
    const op = 'normalizationBackward';
    const { line, one } = check(op, x, attrs);
    const stats = statistics(one, attrs);
    needSame(op, 'gradient', g.shape, 'x', x.shape);
    needSame(op, 'mean', mean.shape, 'statistics of x', stats);
    needSame(op, 'variance', variance.shape, 'statistics of x', stats);
    if (weight) needSame(op, 'weight', weight.shape, 'normalised shape', line);
    const dtype = COMPUTE[x.dtype];
    const affine = { shape: attrs.affine ? line : [0], dtype };
    return [likewise(x, attrs), affine, affine];
  },
  loads: ([, x]) => COMPUTE[x.dtype],
  writes: ([, x]) => [COMPUTE[x.dtype], COMPUTE[x.dtype], COMPUTE[x.dtype]],
  layout: (x, index, inputs) => (index < 2 ? layout(1)(x, index, inputs) : 'contiguous'),
  ints: NORM_INTS,
  floats: ['eps'],
  lower: ([, x], _, attrs: Norm) => lower(x as Meta, attrs, attrs.fixed ?? false, true),
  kernel: { file: 'norm', name: 'normalizationBackward' },
  saves: ['g', 'x', 'mean', 'variance', 'weight', 'dx'],
  // dx = r (I - 11'/n - hh'/n) a with a = g weight, h = (x - mean) r, r = 1 / sqrt(variance + eps); dweight and dbias sum g h and g.
  vjp: (ops, { dy, dys, g, x, mean, variance, weight, dx, attrs, needs }) => {
    const { add, sub, mul, div, neg, reshape } = ops;
    const { rms = false, fixed = false, affine = false, eps } = attrs as Norm;
    const { count, full, stats, weights, sum, channels } = folded(ops, x, attrs);
    const r = ops.rsqrt(add(stats(variance), eps));
    const d = full(dy);
    const g4 = full(g);
    const h = mul(sub(full(x), stats(mean)), r);
    const w = weight ? weights(weight) : null;
    const a = w ? mul(g4, w) : g4;
    const average = (v: Value): Value => div(sum(v), count);
    let da = mul(d, r);
    let dh: Value = mul(h, 0);
    if (!fixed) {
      const along = average(mul(d, h));
      da = mul(r, sub(rms ? d : sub(d, average(d)), mul(h, along)));
      dh = neg(mul(r, add(mul(d, average(mul(a, h))), mul(a, along))));
    }
    let dg = w ? mul(da, w) : da;
    if (affine && dys[1]) {
      dg = add(dg, mul(weights(dys[1]), h));
      dh = add(dh, mul(weights(dys[1]), g4));
    }
    if (affine && dys[2]) dg = add(dg, weights(dys[2]));
    const toX = mul(dh, r);
    const toR = div(add(sum(mul(d, full(dx))), sum(mul(dh, h))), r);
    const toVariance = mul(mul(toR, mul(r, mul(r, r))), -0.5);
    const like = (v: Value, t: Value): Value => reshape(v, { shape: t.shape });
    return [
      like(dg, g),
      like(toX, x),
      like(neg(sum(toX)), mean),
      like(toVariance, variance),
      weight && needs[4] ? like(channels(mul(da, g4)), weight) : null,
    ];
  },
});
