// Attention, its relatives with a recurrent state, and rotary positions.
import { show } from '../base/shape.ts';
import { functional as F } from '../nn/index.ts';
import { arange, cat, stack, type Tensor, where, zeros } from '../tensor/index.ts';
import type { Call, Row } from './call.ts';
import { carrier, elemType } from './types.ts';
import { Value } from './value.ts';

/** [batch, time, heads * size] as [batch, heads, time, size]. */
export const split = (x: Tensor, heads: number): Tensor => x.reshape([x.shape[0], x.shape[1], heads, -1]).transpose(1, 2);
export const merged = (x: Tensor): Tensor => x.transpose(1, 2).reshape([x.shape[0], x.shape[2], -1]);
/** Each head of keys or values for the queries that share it. */
export function shared(x: Tensor, heads: number, c: Call): Tensor {
  if (x.shape[1] === heads) return x;
  if (heads % x.shape[1] !== 0) c.fail(`${heads} heads cannot share ${x.shape[1]}`);
  return x.repeatInterleave(heads / x.shape[1], 1);
}
const root = (x: number): number => Math.sqrt(x);

/** What may be looked at, [.., queries, keys], true where it may; null: everything. */
function visible(c: Call, queries: number, keys: number, past: number, nonpad: Tensor | null): Tensor | null {
  const causal = c.int('is_causal', 0) !== 0;
  const left = c.int('left_window_size', -1);
  const right = c.int('right_window_size', -1);
  const column = arange(keys).reshape([1, keys]);
  let row: Tensor = arange(queries).reshape([queries, 1]).add(past);
  // With a cache from outside, the queries are the last of the keys that count.
  if (nonpad !== null)
    row = arange(queries)
      .reshape([queries, 1])
      .add(nonpad.reshape([-1, 1, 1, 1]).sub(queries));
  const rules: Tensor[] = [];
  if (nonpad !== null) rules.push(column.lt(nonpad.reshape([-1, 1, 1, 1])));
  if (causal) rules.push(column.le(row));
  if (left >= 0) rules.push(row.sub(column).le(left));
  if (right >= 0) rules.push(column.sub(row).le(right));
  return rules.length === 0 ? null : rules.reduce((a, b) => a.logicalAnd(b));
}

/** The case that one kernel does: heads of their own, no cache, a mask for every score. */
function direct(c: Call): Tensor | null {
  const q = c.x(0);
  // A mask is added to the scores, one for each key.
  const mask = c.opt(3);
  if (mask !== null && (mask.dtype !== q.dtype || mask.shape[mask.ndim - 1] !== c.x(1).shape[2])) return null;
  const special = [4, 5, 6].some((i) => c.has(i)) || [1, 2, 3].some((i) => c.wants(i));
  if (q.ndim !== 4 || q.dtype !== 'float32' || special || c.float('softcap', 0) !== 0 || c.int('left_window_size', -1) >= 0) return null;
  if (c.int('right_window_size', -1) >= 0 || c.x(1).shape[1] !== q.shape[1]) return null;
  const causal = c.int('is_causal', 0) !== 0;
  if (causal && (mask !== null || c.x(1).shape[2] !== q.shape[2])) return null;
  const scale = c.float('scale', 1 / root(q.shape[3]));
  const y = F.scaledDotProductAttention(q, c.x(1), c.x(2), { attnMask: mask, isCausal: causal, scale });
  // Where nothing may be looked at, the result is zero.
  return mask === null ? y : y.maskedFill(mask.eq(-Infinity).all(-1, { keepdim: true }), 0);
}
function attention(c: Call): (Tensor | null)[] {
  const whole = direct(c);
  if (whole !== null) return [whole];
  const given = c.x(0);
  const flat = given.ndim === 3;
  const [q, k0, v0] = flat
    ? [split(given, c.int('q_num_heads')), split(c.x(1), c.int('kv_num_heads')), split(c.x(2), c.int('kv_num_heads'))]
    : [given, c.x(1), c.x(2)];
  const k = c.has(4) ? cat([c.x(4), k0], 2) : k0;
  const v = c.has(5) ? cat([c.x(5), v0], 2) : v0;
  const past = c.has(4) ? c.x(4).shape[2] : 0;
  const [heads, queries, size] = q.shape.slice(1);
  const keys = k.shape[2];
  const scale = c.float('scale', 1 / root(size));
  const dtype = q.dtype;
  const half = dtype === 'float16' || dtype === 'bfloat16';
  const wide = half ? 'float32' : dtype;
  const r = root(Math.abs(scale));
  const raw = q
    .to(wide)
    .mul(scale < 0 ? -r : r)
    .matmul(shared(k, heads, c).to(wide).mul(r).transpose(-1, -2));
  const cap = c.float('softcap', 0);
  const capped = cap > 0 ? raw.div(cap).tanh().mul(cap) : raw;
  let scores = capped;
  let open = visible(c, queries, keys, past, c.has(6) ? c.x(6).to('int64') : null);
  if (c.has(3)) {
    const mask = c.x(3);
    const short = keys - mask.shape[mask.ndim - 1];
    if (mask.dtype === 'bool') {
      const whole = short > 0 ? mask.to('uint8').pad([0, short]).to('bool') : mask;
      open = open === null ? whole : open.logicalAnd(whole);
    } else {
      const bias = short > 0 ? mask.to(wide).pad([0, short], { value: -Infinity }) : mask.to(wide);
      scores = scores.add(bias);
      const on = bias.ne(-Infinity);
      open = open === null ? on : open.logicalAnd(on);
    }
  }
  // Minus infinity replaces the score, so that no NaN of a hidden place comes through.
  if (open !== null) scores = where(open.expand(scores.shape), scores, -Infinity);
  const precision = c.int('softmax_precision', 0) === 0 ? wide : carrier(elemType(c.int('softmax_precision'), 'softmax_precision'));
  let weights = scores
    .to(precision === 'float16' || precision === 'bfloat16' ? 'float32' : precision)
    .softmax(-1)
    .to(wide);
  // Where nothing may be looked at, the result is zero.
  if (open !== null) weights = weights.maskedFill(open.any(-1, { keepdim: true }).logicalNot(), 0);
  // A hidden value may be anything, NaN included.
  const y = weights.matmul(shared(v, heads, c).to(wide)).to(dtype);
  const mode = c.int('qk_matmul_output_mode', 0);
  const shown = [raw, capped, scores, weights][mode] ?? c.fail(`qk_matmul_output_mode ${mode} is unknown`);
  return [flat ? merged(y) : y, k, v, c.wants(3) ? shown.to(dtype) : null];
}

function flexAttention(c: Call): Value {
  const [q, k, v] = [c.x(0), c.x(1), c.x(2)];
  const heads = q.shape[1];
  const dtype = q.dtype;
  const wide =
    c.int('softmax_precision', 0) !== 0
      ? carrier(elemType(c.int('softmax_precision'), 'softmax_precision'))
      : dtype === 'float64'
        ? dtype
        : 'float32';
  const scale = c.float('scale', 1 / root(q.shape[3]));
  const changed = (x: Tensor, name: string): Tensor => {
    if (c.attr(name) === undefined) return x;
    const [y] = c.enter(c.graph(name), [Value.of(x.to(dtype))]);
    return y instanceof Value ? y.tensor().to(wide) : c.fail(`the graph ${name} gives no tensor`);
  };
  const scores = changed(
    q
      .to(wide)
      .matmul(shared(k, heads, c).to(wide).transpose(-1, -2))
      .mul(scale),
    'score_mod',
  );
  const weights = changed(scores.softmax(-1), 'prob_mod');
  return Value.of(weights.matmul(shared(v, heads, c).to(wide)).to(dtype));
}

/** Attention by a state that each step updates, [batch, heads, keys, values]. */
function linearAttention(c: Call): Tensor[] {
  const dtype = c.x(0).dtype;
  const wide = (x: Tensor): Tensor => (dtype === 'float64' ? x : x.to('float32'));
  const heads = c.int('kv_num_heads');
  const queryHeads = c.int('q_num_heads');
  const [q, k, v] = [split(wide(c.x(0)), queryHeads), split(wide(c.x(1)), heads), split(wide(c.x(2)), heads)];
  const [batch, , time, size] = k.shape;
  const rule = c.str('update_rule', 'gated_delta');
  const gated = rule === 'gated' || rule === 'gated_delta';
  const delta = rule === 'delta' || rule === 'gated_delta';
  if (!gated && !delta && rule !== 'linear') c.fail(`the update rule '${rule}' is unknown`);
  const given = c.float('scale', 0);
  const scale = given === 0 ? 1 / root(size) : given;
  const decay = gated ? split(wide(c.x(4)), heads).exp() : null;
  const beta = delta ? split(wide(c.x(5)), heads) : null;
  let state = c.has(3) ? wide(c.x(3)) : zeros([batch, heads, size, v.shape[3]], { dtype: k.dtype });
  const outputs: Tensor[] = [];
  c.turns(time);
  for (let t = 0; t < time; t++) {
    const key = k.select(2, t).unsqueeze(3);
    let value = v.select(2, t).unsqueeze(2);
    if (decay !== null) state = state.mul(decay.select(2, t).unsqueeze(3));
    if (beta !== null) value = value.sub(key.transpose(2, 3).matmul(state)).mul(beta.select(2, t).unsqueeze(3));
    state = state.add(key.mul(value));
    outputs.push(
      q
        .select(2, t)
        .unsqueeze(2)
        .matmul(shared(state, queryHeads, c))
        .mul(scale)
        .squeeze(2),
    );
  }
  return [merged(stack(outputs, 2)).to(dtype), state.to(c.has(3) ? c.x(3).dtype : dtype)];
}

function causalConv(c: Call): Tensor[] {
  const [x, w] = [c.x(0), c.x(1)];
  const k = w.shape[2];
  const past = c.opt(3) ?? zeros([x.shape[0], x.shape[1], k - 1], { dtype: x.dtype });
  const all = cat([past, x], 2);
  const y = F.conv1d(all, w, c.opt(2), { groups: x.shape[1] });
  const act = c.str('activation', 'none').toLowerCase();
  if (!['none', 'silu', 'swish'].includes(act)) c.fail(`the activation '${act}' is unknown`);
  return [act === 'none' ? y : y.mul(y.sigmoid()), all.narrow(2, all.shape[2] - (k - 1), k - 1)];
}

/** x [batch, heads, time, size], its first pairs of elements (side by side where woven, else half a head apart) turned by an angle each. */
export function rotated(x: Tensor, cos: Tensor, sin: Tensor, woven: boolean): Tensor {
  const size = x.shape[3];
  const half = cos.shape[cos.ndim - 1];
  const part = x.narrow(3, 0, 2 * half);
  const a = woven ? part.slice(3, 0, null, 2) : part.narrow(3, 0, half);
  const b = woven ? part.slice(3, 1, null, 2) : part.narrow(3, half, half);
  const re = a.mul(cos).sub(b.mul(sin));
  const im = a.mul(sin).add(b.mul(cos));
  const done = woven ? stack([re, im], 4).reshape(part.shape) : cat([re, im], 3);
  return 2 * half === size ? done : cat([done, x.narrow(3, 2 * half, size - 2 * half)], 3);
}

/** Pairs of elements turned by an angle for each position. */
function rotary(c: Call): Tensor {
  const given = c.x(0);
  const flat = given.ndim === 3;
  const heads = c.int('num_heads', 0);
  if (flat && heads === 0) c.fail('num_heads is needed for an input of three dimensions');
  const x = flat ? split(given, heads) : given;
  const size = x.shape[3];
  const turned = c.int('rotary_embedding_dim', 0) || size;
  const half = turned / 2;
  const at = c.opt(3);
  const table = (t: Tensor): Tensor => {
    const rows = at === null ? t : t.indexSelect(0, at.to('int64').reshape([-1])).reshape([...at.shape, -1]);
    if (rows.shape[rows.ndim - 1] !== half) c.fail(`a table ${show(t.shape)} for ${half} angles`);
    return rows.unsqueeze(1);
  };
  const y = rotated(x, table(c.x(1)), table(c.x(2)), c.int('interleaved', 0) !== 0);
  return flat ? merged(y) : y;
}

/** Attention and positions. */
export const ATTENTION: Readonly<Record<string, Row>> = {
  Attention: { fixed: [3], run: attention },
  'ai.onnx.preview:FlexAttention': { folds: false, run: flexAttention },
  LinearAttention: { run: linearAttention },
  CausalConvWithState: { run: causalConv },
  RotaryEmbedding: { run: rotary },
};
