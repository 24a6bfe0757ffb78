// com.microsoft's attention against the same arithmetic written out in wick's own functions.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { arange, cat, manualSeed, randn, type Tensor, tensor, where } from '../../ts/index.ts';
import { readOnnx } from '../../ts/onnx/index.ts';
import type { ElemType } from '../../ts/onnx/types.ts';
import { modelOf, node, port } from './build.ts';

type Named = Readonly<Record<string, Tensor>>;
const TYPES: Readonly<Record<string, ElemType>> = { float32: 'float', int32: 'int32', int64: 'int64' };

/** Runs one operator of com.microsoft on inputs in their order ('' where one is absent). */
function run(op: string, inputs: readonly (readonly [string, Tensor] | null)[], attrs: object, outputs: number, compile = true): Tensor[] {
  const given = inputs.flatMap((x) => (x === null ? [] : [x]));
  const names = Array.from({ length: outputs }, (_, i) => `y${i}`);
  const model = readOnnx(
    modelOf({
      nodes: [
        node(
          op,
          inputs.map((x) => x?.[0] ?? ''),
          names,
          attrs as never,
          'com.microsoft',
        ),
      ],
      inputs: given.map(([name, x]) => port(name, TYPES[x.dtype], x.shape)),
      outputs: names.map((name) => port(name, 'float', ['a', 'b', 'c', 'd'].slice(0, name === 'y0' ? 3 : 4))),
    }),
    { compile },
  );
  const feed: Named = Object.fromEntries(given);
  let last = model.run(feed);
  last = model.run(feed);
  model.dispose();
  return names.map((name) => last[name]);
}
function near(y: Tensor, wanted: Tensor, within = 1e-5): void {
  assert.equal(y.shape, wanted.shape);
  const most = y.sub(wanted).abs().amax().itemSync();
  assert.ok(Number(most) <= within, `differs by ${most}`);
}
const heads = (x: Tensor, n: number): Tensor => x.reshape([x.shape[0], x.shape[1], n, -1]).transpose(1, 2);
const flat = (x: Tensor): Tensor => x.transpose(1, 2).reshape([x.shape[0], x.shape[2], -1]);
/** softmax(q k^T / sqrt(size) + bias) v, where `open` is true. */
function plain(q: Tensor, k: Tensor, v: Tensor, bias: Tensor | null, open: Tensor | null): Tensor {
  let s = q.matmul(k.transpose(-1, -2)).div(Math.sqrt(q.shape[3]));
  if (bias !== null) s = s.add(bias);
  if (open !== null) s = where(open, s, -1e30);
  return s.softmax(-1).matmul(v);
}

test('MultiHeadAttention: bias of the products, mask of keys, past, present', () => {
  manualSeed(3);
  const [b, s, t, h, d] = [2, 3, 4, 2, 8];
  const [q, k, v, bias] = [randn([b, s, h * d]), randn([b, t, h * d]), randn([b, t, h * d]), randn([3 * h * d])];
  const [pk, pv] = [randn([b, h, 5, d]), randn([b, h, 5, d])];
  const mask = tensor([1, 1, 1, 1, 0, 1, 1, 1, 0, 1, 1, 1, 1, 1, 1, 1, 1, 0], { shape: [b, 9], dtype: 'int32' });
  const extra = randn([1, h, s, 9]);
  const attrs = { num_heads: h, mask_filter_value: { float: -10000 } };
  const inputs = [
    ...([['q', q] as const, ['k', k] as const, ['v', v] as const, ['bias', bias] as const, ['mask', mask] as const] as const),
    ...([['extra', extra] as const, ['pk', pk] as const, ['pv', pv] as const] as const),
  ];
  const [bq, bk, bv] = bias.chunk(3, 0);
  const keys = cat([pk, heads(k.add(bk), h)], 2);
  const values = cat([pv, heads(v.add(bv), h)], 2);
  const added = where(mask.ne(0), 0, -10000).to('float32').reshape([b, 1, 1, 9]).add(extra);
  const wanted = flat(plain(heads(q.add(bq), h), keys, values, added, null));
  for (const compile of [false, true]) {
    const [y, presentK, presentV] = run('MultiHeadAttention', inputs, attrs, 3, compile);
    near(y, wanted);
    near(presentK, keys, 0);
    near(presentV, values, 0);
  }
});

test('MultiHeadAttention: packed products, and causal', () => {
  manualSeed(4);
  const [b, s, h, d] = [2, 5, 3, 4];
  const all = randn([b, s, h, 3, d]);
  const [y] = run('MultiHeadAttention', [['x', all]], { num_heads: h, unidirectional: 1 }, 1);
  const [q, k, v] = [0, 1, 2].map((i) => all.select(3, i).transpose(1, 2));
  near(
    y,
    flat(
      plain(
        q,
        k,
        v,
        null,
        arange(s)
          .reshape([1, s])
          .le(arange(s).reshape([s, 1])),
      ),
    ),
  );
});

/** Pairs of elements half a head apart turned by the angles of their positions. */
function turned(x: Tensor, cos: Tensor, sin: Tensor, from: number): Tensor {
  const half = cos.shape[1];
  const [c, s] = [cos.narrow(0, from, x.shape[2]), sin.narrow(0, from, x.shape[2])];
  const [a, b] = [x.narrow(3, 0, half), x.narrow(3, half, half)];
  return cat([a.mul(c).sub(b.mul(s)), a.mul(s).add(b.mul(c))], 3);
}
test('GroupQueryAttention: a prompt, then a token, with rotary positions, a window and a shared cache', () => {
  manualSeed(5);
  const [b, t, h, g, d, room] = [1, 6, 4, 2, 8, 10];
  const [q, k, v] = [randn([b, t, h * d]), randn([b, t, g * d]), randn([b, t, g * d])];
  const angle = arange(room)
    .to('float32')
    .reshape([room, 1])
    .mul(tensor([1, 0.3, 0.1, 0.03]));
  const [cos, sin] = [angle.cos(), angle.sin()];
  for (const window of [-1, 3]) {
    const attrs = { num_heads: h, kv_num_heads: g, do_rotary: 1, local_window_size: window };
    const keys = turned(heads(k, g), cos, sin, 0);
    const [at, from] = [arange(t).reshape([1, t]), arange(t).reshape([t, 1])];
    const open = window < 0 ? at.le(from) : at.le(from).logicalAnd(at.gt(from.sub(window)));
    const spread = (x: Tensor): Tensor => x.repeatInterleave(h / g, 1);
    const wanted = flat(plain(turned(heads(q, h), cos, sin, 0), spread(keys), spread(heads(v, g)), null, open));
    const call = (from: number, n: number, past: readonly [Tensor, Tensor] | null): Tensor[] =>
      run(
        'GroupQueryAttention',
        [
          ...[['q', q.narrow(1, from, n).contiguous()], ['k', k.narrow(1, from, n).contiguous()], ['v', v.narrow(1, from, n).contiguous()]],
          ...(past === null ? [null, null] : [['pk', past[0]], ['pv', past[1]]]),
          ['last', tensor([from + n - 1], { dtype: 'int32' })],
          ['total', tensor(from + n, { dtype: 'int32' })],
          ['cos', cos],
          ['sin', sin],
        ] as (readonly [string, Tensor] | null)[],
        attrs,
        3,
      ); // biome-ignore format: a list of inputs
    const [whole, wholeKeys] = call(0, t, null);
    near(whole, wanted);
    near(wholeKeys, keys);
    // A growing cache, and one that has room for more than there is.
    for (const space of [t - 1, room]) {
      const [, pk, pv] = call(0, t - 1, null);
      const wide = (x: Tensor): Tensor => x.pad([0, 0, 0, space - (t - 1)]);
      const [y, presentK] = call(t - 1, 1, [wide(pk), wide(pv)]);
      near(y, wanted.narrow(1, t - 1, 1));
      near(presentK.narrow(2, 0, t), keys);
      assert.is(presentK.shape[2], Math.max(space, t));
    }
  }
});

test('RotaryEmbedding: woven pairs, positions given one by one and as a start', () => {
  manualSeed(6);
  const [b, t, h, d] = [2, 3, 2, 4];
  const x = randn([b, t, h * d]);
  const angle = arange(8)
    .to('float32')
    .reshape([8, 1])
    .mul(tensor([0.7, 0.2]));
  const tables = [
    ['cos', angle.cos()],
    ['sin', angle.sin()],
  ] as const;
  const wanted = x.reshape([b, t, h, 2, 2]);
  const c = angle.cos().narrow(0, 2, t).reshape([1, t, 1, 2]);
  const s = angle.sin().narrow(0, 2, t).reshape([1, t, 1, 2]);
  const [p, q] = [wanted.select(4, 0), wanted.select(4, 1)];
  const y = cat([p.mul(c).sub(q.mul(s)).unsqueeze(4), p.mul(s).add(q.mul(c)).unsqueeze(4)], 4).reshape([b, t, h * d]);
  for (const at of [tensor([2], { dtype: 'int64' }), tensor([2, 3, 4, 2, 3, 4], { shape: [b, t], dtype: 'int64' })])
    near(run('RotaryEmbedding', [['x', x], ['at', at], ...tables], { interleaved: 1, num_heads: h }, 1)[0], y);
});

test('Attention: packed weights, lengths of the keys, past and present', () => {
  manualSeed(7);
  const [b, s, h, d] = [2, 3, 2, 4];
  const [x, w, bias, past] = [randn([b, s, 5]), randn([5, 3 * h * d]), randn([3 * h * d]), randn([2, b, h, 2, d])];
  const lengths = tensor([5, 3], { dtype: 'int32' });
  const [q, k, v] = x
    .matmul(w)
    .add(bias)
    .chunk(3, 2)
    .map((p) => heads(p, h));
  const [keys, values] = [cat([past.select(0, 0), k], 2), cat([past.select(0, 1), v], 2)];
  const on = arange(5)
    .reshape([1, 5])
    .lt(lengths.to('int64').reshape([b, 1]))
    .reshape([b, 1, 1, 5]);
  const wanted = flat(plain(q, keys, values, where(on, 0, -10000).to('float32'), null));
  const [y] = run('Attention', [['x', x], ['w', w], ['b', bias], ['m', lengths], ['p', past]], { num_heads: h }, 1); // biome-ignore format: inputs
  near(y, wanted);
});

test.run();
