// Attention of the domain com.microsoft: what onnxruntime's optimiser and its model builders write for transformers.
import { functional as F } from '../nn/index.ts';
import { arange, cat, stack, type Tensor, where, zeros } from '../tensor/index.ts';
import type { Call, Row } from './call.ts';
import { merged, rotated, shared, split } from './ops-attention.ts';
import { wholeProduct } from './ops-quant.ts';

/** Queries, keys and values, [batch, heads, time, size]. */
interface Heads {
  readonly q: Tensor;
  readonly k: Tensor;
  readonly v: Tensor;
}
interface Looks {
  /** True where a query may look at a key; null: everywhere. */
  readonly open: Tensor | null;
  /** Added to the scores. */
  readonly bias: Tensor | null;
  readonly scale: number;
  readonly softcap?: number;
  /** The score of a place that has no value, [heads or 1, 1, 1]; null: none. */
  readonly sink?: Tensor | null;
}

const LOWEST = -3.4028234663852886e38;
const root = (x: number): number => Math.sqrt(x);

function attend({ q, k, v }: Heads, { open, bias, scale, softcap = 0, sink = null }: Looks, c: Call): Tensor {
  const [keys, values] = [shared(k, q.shape[1], c), shared(v, q.shape[1], c)];
  if (open === null && bias === null && softcap === 0 && sink === null && q.dtype === 'float32')
    return F.scaledDotProductAttention(q, keys, values, { scale });
  const wide = q.dtype === 'float16' || q.dtype === 'bfloat16' ? 'float32' : q.dtype;
  let scores = q.to(wide).matmul(keys.to(wide).transpose(-1, -2)).mul(scale);
  if (softcap > 0) scores = scores.div(softcap).tanh().mul(softcap);
  if (bias !== null) scores = scores.add(bias.to(wide));
  if (open !== null) scores = where(open.expand(scores.shape), scores, LOWEST);
  let weights: Tensor;
  if (sink === null) weights = scores.softmax(-1);
  else {
    const n = scores.shape[3];
    const more = sink.to(wide).expand([...scores.shape.slice(0, 3), 1]);
    weights = cat([scores, more], 3).softmax(-1).narrow(3, 0, n);
  }
  return weights.matmul(values.to(wide)).to(q.dtype);
}

/** A mask over keys as numbers to add: lengths [b], ends and starts [2 b], [b, keys], [b, queries, keys] or [b, 1, queries, keys]. */
function maskBias(c: Call, i: number, batch: number, queries: number, keys: number): Tensor | null {
  if (!c.has(i)) return null;
  const mask = c.x(i).to('int32');
  const column = arange(keys).to('int32').reshape([1, keys]);
  let on: Tensor;
  if (mask.ndim === 1 && mask.numel === batch) on = column.lt(mask.reshape([batch, 1])).reshape([batch, 1, 1, keys]);
  else if (mask.ndim === 1 && mask.numel === 2 * batch) {
    const [end, start] = [mask.narrow(0, 0, batch).reshape([batch, 1]), mask.narrow(0, batch, batch).reshape([batch, 1])];
    on = column.lt(end).logicalAnd(column.ge(start)).reshape([batch, 1, 1, keys]);
  } else if (mask.ndim === 2) on = mask.ne(0).reshape([mask.shape[0], 1, 1, keys]);
  else if (mask.ndim === 3) on = mask.ne(0).unsqueeze(1);
  else if (mask.ndim === 4)
    on = mask
      .narrow(2, keys - queries, queries)
      .narrow(3, 0, keys)
      .ne(0);
  else return c.fail(`a mask [${mask.shape.join(', ')}] for ${batch} times ${keys} keys`);
  return where(on, 0, c.float('mask_filter_value', -10000)).to('float32');
}
/** True where a key is not later than its query, the queries being the last of the keys. */
const causal = (queries: number, keys: number): Tensor =>
  arange(keys)
    .reshape([1, keys])
    .le(
      arange(queries)
        .reshape([queries, 1])
        .add(keys - queries),
    );
const plus = (a: Tensor | null, b: Tensor | null): Tensor | null => (a === null ? b : b === null ? a : a.add(b));
const scaleOf = (c: Call, size: number): number => c.float('scale', 0) || 1 / root(size);

/** Heads of one input, their keys behind those of the past; gives the result, and present keys and values. */
function attended(c: Call, h: Heads, past: readonly [Tensor, Tensor] | null, mask: number, bias: number): [Tensor, Tensor, Tensor] {
  const [k, v] = past === null ? [h.k, h.v] : [cat([past[0], h.k], 2), cat([past[1], h.v], 2)];
  const [batch, , queries, size] = h.q.shape;
  const keys = k.shape[2];
  const added = plus(maskBias(c, mask, batch, queries, keys), c.opt(bias));
  const open = c.int('unidirectional', 0) !== 0 ? causal(queries, keys) : null;
  const y = attend({ q: h.q, k, v }, { open, bias: added, scale: scaleOf(c, size) }, c);
  return [merged(y), k, v];
}

function multiHeadAttention(c: Call): (Tensor | null)[] {
  const heads = c.int('num_heads');
  const given = c.x(0);
  let parts: Tensor[];
  if (given.ndim === 5) parts = [0, 1, 2].map((i) => given.select(3, i).transpose(1, 2));
  else {
    const key = c.has(1) ? c.x(1) : c.fail('the keys are missing');
    const biases = c.has(3) ? c.x(3).split([given.shape[2], given.shape[2], c.x(3).numel - 2 * given.shape[2]], 0) : null;
    const moved = (x: Tensor, i: number): Tensor => split(biases === null ? x : x.add(biases[i]), heads);
    if (key.ndim === 5) parts = [moved(given, 0), key.select(3, 0).transpose(1, 2), key.select(3, 1).transpose(1, 2)];
    else if (key.ndim === 4) parts = [moved(given, 0), key, c.x(2)];
    else parts = [moved(given, 0), moved(key, 1), moved(c.x(2), 2)];
  }
  const [q, k, v] = parts;
  const past = c.has(6) && c.has(7) ? ([c.x(6), c.x(7)] as const) : null;
  if (c.has(8)) c.fail('a past that shares its buffer with the present is not supported');
  const [y, keys, values] = attended(c, { q, k, v }, past, 4, 5);
  return [y, keys, values];
}

/** Attention of packed products [batch, time, q + k + v]; gives the result and the present, [2, batch, heads, time, size]. */
function packed(c: Call, all: Tensor, mask: number, pastAt: number, bias: number): (Tensor | null)[] {
  const heads = c.int('num_heads');
  const sizes = c.intsOr('qkv_hidden_sizes') ?? [0, 1, 2].map(() => all.shape[2] / 3);
  const [q, k, v] = all.split(sizes, 2).map((x) => split(x, heads));
  if (c.int('do_rotary', 0) !== 0) c.fail('rotary positions of this operator are not supported');
  const past = c.has(pastAt) ? ([c.x(pastAt).select(0, 0), c.x(pastAt).select(0, 1)] as const) : null;
  const [y, keys, values] = attended(c, { q, k, v }, past, mask, bias);
  return c.wants(1) ? [y, stack([keys, values], 0)] : [y];
}
function attention(c: Call): (Tensor | null)[] {
  if (c.has(6)) c.fail('a past that shares its buffer with the present is not supported');
  const all = c.x(0).matmul(c.x(1));
  return packed(c, c.has(2) ? all.add(c.x(2)) : all, 3, 4, 5);
}
/** The same of bytes: input and weights with their scales and zero points. */
function qAttention(c: Call): (Tensor | null)[] {
  const x = c.x(0);
  const sum = wholeProduct(x.reshape([-1, x.shape[2]]), c.opt(6), c.x(1), c.opt(7)).to('float32');
  const all = sum
    .mul(c.x(3).reshape([]).mul(c.x(4)))
    .add(c.x(2))
    .reshape([x.shape[0], x.shape[1], -1]);
  return packed(c, all, 5, 8, 9);
}

/** Rows of a table of angles at positions [batch, time]. */
const angles = (table: Tensor, at: Tensor): Tensor =>
  table
    .indexSelect(0, at.to('int64').reshape([-1]))
    .reshape([...at.shape, -1])
    .unsqueeze(1);

function groupQueryAttention(c: Call): Tensor[] {
  const [heads, groups] = [c.int('num_heads'), c.int('kv_num_heads')];
  const given = c.x(0);
  const [batch, time] = given.shape;
  const whole = !c.has(1) || !c.has(2);
  const size = given.shape[2] / (whole ? heads + 2 * groups : heads);
  const parts = whole ? given.split([heads * size, groups * size, groups * size], 2) : [given, c.x(1), c.x(2)];
  let [q, k, v] = parts.map((x, i) => split(x, i === 0 ? heads : groups));
  const total = c.number(6);
  const last = c.x(5).to('int64').reshape([batch, 1]);
  // How many keys of the past each sequence has; a first run has none, whatever its padding.
  const before = time === total ? zeros([batch, 1], { dtype: 'int64' }) : last.add(1 - time);
  const places = before.add(arange(time).reshape([1, time]));
  if (c.int('do_rotary', 0) !== 0) {
    const at = c.has(9) ? c.x(9).reshape([batch, time]) : places;
    const [cos, sin] = [angles(c.x(7), at), angles(c.x(8), at)];
    const woven = c.int('rotary_interleaved', 0) !== 0;
    [q, k] = [rotated(q, cos, sin, woven), rotated(k, cos, sin, woven)];
  }
  const room = c.has(3) ? Math.max(c.x(3).shape[2], total) : total;
  c.room([batch, groups, room, size]);
  if (room < time) c.fail(`${time} new positions of ${total} in all`);
  const index = places.reshape([batch, 1, time, 1]).expand(k.shape);
  const kept = (past: number, fresh: Tensor): Tensor => {
    if (!c.has(past)) return room === time ? fresh : zeros([batch, groups, room, size], { dtype: fresh.dtype }).scatter(2, index, fresh);
    const old = c.x(past);
    const wide = old.shape[2] === room ? old : old.pad([0, 0, 0, room - old.shape[2]]);
    return wide.scatter(2, index, fresh);
  };
  const [keys, values] = [kept(3, k), kept(4, v)];
  const [column, row] = [arange(room).reshape([1, 1, 1, room]), places.reshape([batch, 1, time, 1])];
  const window = c.int('local_window_size', -1);
  const open = column.le(row);
  const near = window > 0 ? open.logicalAnd(column.gt(row.sub(window))) : open;
  const sink = c.has(11) ? c.x(11).reshape([-1, 1, 1]) : c.int('smooth_softmax', 0) > 0 ? zeros([1, 1, 1], { dtype: q.dtype }) : null;
  const bias = c.has(10) ? wideBias(c.x(10), room) : null;
  const looks = { open: near, bias, scale: scaleOf(c, size), softcap: c.float('softcap', 0), sink };
  return [merged(attend({ q, k: keys, v: values }, looks, c)), keys, values];
}
/** A bias for all keys that there is room for. */
const wideBias = (x: Tensor, room: number): Tensor => {
  const n = x.shape[x.ndim - 1];
  return n === room ? x : n > room ? x.narrow(x.ndim - 1, 0, room) : x.pad([0, room - n]);
};

function rotaryEmbedding(c: Call): Tensor {
  const given = c.x(0);
  const flat = given.ndim === 3;
  const [cos, sin] = [c.x(2), c.x(3)];
  const turned = c.int('rotary_embedding_dim', 0);
  const heads = c.int('num_heads', 0);
  if (c.int('is_packed_batching', 0) !== 0) c.fail('packed batches are not supported');
  if (flat && turned > 0 && heads === 0) c.fail('num_heads is needed where a part of each head is turned');
  const size = heads > 0 ? given.shape[given.ndim - 1] / heads : 2 * cos.shape[1];
  const x = flat ? split(given, given.shape[2] / size) : given;
  const [batch, , time] = x.shape;
  const ids = c.x(1).to('int64');
  const at =
    ids.numel === 1 && ids.ndim === 1 ? ids.add(arange(time)).reshape([1, time]).expand([batch, time]) : ids.reshape([batch, time]);
  const y = rotated(x, angles(cos, at), angles(sin, at), c.int('interleaved', 0) !== 0);
  return flat ? merged(y) : y;
}

/** Rows of a table of bytes or nibbles in blocks, as real numbers. */
function gatherBlockQuantized(c: Call): Tensor {
  const data = c.x(0);
  const bits = c.int('bits', 4);
  const block = c.int('block_size', 128);
  if (c.int('gather_axis', 0) !== 0 || c.axis(c.int('quantize_axis', -1), data.ndim) !== data.ndim - 1 || data.ndim !== 2)
    c.fail('only rows of a table quantised along its columns are gathered');
  const at = c.x(1).to('int64');
  const index = where(at.lt(0), at.add(data.shape[0]), at).reshape([-1]);
  const two = c.type(0) === 'uint8' && bits === 4;
  const opened = (x: Tensor, n: number): Tensor => {
    if (!two) return x.to('int32');
    const wide = x.to('int32').unsqueeze(2);
    return cat([wide.bitwiseAnd(15), wide.bitwiseRightShift(4)], 2)
      .reshape([x.shape[0], -1])
      .narrow(1, 0, n);
  };
  const n = two ? 2 * data.shape[1] : data.shape[1];
  const scales = c.x(2).indexSelect(0, index);
  c.room([index.numel, n]);
  const wide = (x: Tensor): Tensor => x.repeatInterleave(block, 1).narrow(1, 0, n);
  const q = opened(data.indexSelect(0, index), n);
  const zero = c.has(3) ? wide(opened(c.x(3).indexSelect(0, index), scales.shape[1])) : c.type(0) === 'uint8' ? (bits === 4 ? 8 : 128) : 0;
  return q
    .sub(zero)
    .to(scales.dtype)
    .mul(wide(scales))
    .reshape([...at.shape, n]);
}

function groupNorm(c: Call): Tensor {
  const last = c.int('channels_last', 1) !== 0;
  const x = last ? c.x(0).movedim(-1, 1) : c.x(0);
  const wide = x.to('float32');
  const normal = F.groupNorm(wide, c.int('groups'), { weight: c.x(1), bias: c.x(2), eps: c.float('epsilon', 1e-5) });
  const y = (c.int('activation') === 1 ? normal.silu() : normal).to(x.dtype);
  return last ? y.movedim(1, -1) : y;
}

/** com.microsoft: transformers. */
export const TRANSFORMERS: Readonly<Record<string, Row>> = Object.fromEntries(
  Object.entries<Row>({
    Attention: { run: attention },
    QAttention: { quantised: true, fixed: [3, 4, 6, 7], run: qAttention },
    MultiHeadAttention: { run: multiHeadAttention },
    GroupQueryAttention: { host: [6], run: groupQueryAttention },
    RotaryEmbedding: { run: rotaryEmbedding },
    GatherBlockQuantized: { fixed: [2, 3], run: gatherBlockQuantized },
    GroupNorm: { run: groupNorm },
    BiasAdd: { run: (c) => c.x(0).add(c.x(1)).add(c.x(2)) },
    BiasSplitGelu: {
      run: (c) => {
        const [left, right] = c.x(0).add(c.x(1)).chunk(2, -1);
        return left.mul(right.gelu());
      },
    },
    BiasSoftmax: {
      run: (c) => {
        const x = c.x(0);
        const axis = c.axis(c.int('axis', 1), x.ndim);
        const rows = x.shape.slice(0, axis).reduce((a, b) => a * b, 1);
        return x.add(c.x(1)).reshape([rows, -1]).softmax(1).reshape(x.shape);
      },
    },
  }).map(([name, row]) => [`com.microsoft:${name}`, row]),
);
