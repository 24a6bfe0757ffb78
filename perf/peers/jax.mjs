// jax-js on its Wasm backend as a peer: under jit, as its authors advise, but for the smallest operation. Its Adam has no bias correction.
import * as jax from '@jax-js/jax';
import { fill, networks, positive, weightsOf, whole } from './cases.mjs';

const { numpy: np, jit, lax, nn } = jax;

export async function init() {
  const devices = await jax.init('wasm');
  jax.defaultDevice('wasm');
  return { devices, workers: typeof Worker !== 'undefined' };
}

const array = (data, ...shape) => np.array(data).reshape(shape);
function once(f, inputs, { eager = false, show = true } = {}) {
  const op = eager ? f : jit(f);
  const call = () => op(...inputs.map((x) => x.ref));
  return {
    run: async () => {
      const y = call();
      await y.blockUntilReady();
      y.dispose();
    },
    out: show ? async () => Array.from((await call().data()).slice(0, 8)) : undefined,
  };
}
const convolve = (x, w, stride, padding, groups) =>
  lax.convGeneralDilated(x, w, [stride, stride], Array(2).fill([padding, padding]), groups > 1 ? { featureGroupCount: groups } : {});

function network(net) {
  const { input, layers } = networks[net];
  const arrays = [];
  const places = weightsOf({ layers }).map((p, i) => {
    if (p === null) return -1;
    const bias = layers[i].op === 'conv' ? array(p.b, 1, p.b.length, 1, 1) : np.array(p.b);
    return arrays.push(array(p.w, ...p.shape), bias) - 2;
  });
  const uses = {};
  for (const layer of layers)
    for (const key of [layer.from, layer.a, layer.b]) if (typeof key === 'string') uses[key] = (uses[key] ?? 0) + 1;
  const forward = (x, ...w) => {
    const at = { x };
    const left = { ...uses };
    const take = (name) => (--left[name] > 0 ? at[name].ref : at[name]);
    layers.forEach((layer, i) => {
      const k = places[i];
      let y;
      if (layer.op === 'conv') y = convolve(take(layer.from), w[k], layer.stride, layer.padding, layer.groups).add(w[k + 1]);
      else if (layer.op === 'dense') y = np.matmul(take(layer.from), np.transpose(w[k])).add(w[k + 1]);
      else if (layer.op === 'add') y = take(layer.a).add(take(layer.b));
      else y = np.mean(take(layer.from), [2, 3]);
      at[layer.to] = layer.relu || layer.op === 'add' ? nn.relu(y) : y;
    });
    return at.y;
  };
  return once(forward, [
    array(
      fill(
        input.reduce((a, b) => a * b),
        50,
      ),
      1,
      ...input,
    ),
    ...arrays,
  ]);
}

function training(c, start, forward, x) {
  let parameters = start;
  let state = c.opt === 'adam' ? parameters.map((p) => [np.zeros(p.shape), np.zeros(p.shape)]) : null;
  const hot = Float32Array.from({ length: c.batch * 10 }, (_, i) => (i % 10 === Math.floor(i / 10) % 10 ? 1 : 0));
  const y = array(hot, c.batch, 10);
  const loss = (p, inputs, target) => np.negative(np.mean(np.sum(nn.logSoftmax(forward(p, inputs)).mul(target), -1)));
  const both = jax.valueAndGrad(loss);
  const sgd = jit((p, inputs, target) => {
    const [value, g] = both(
      p.map((a) => a.ref),
      inputs,
      target,
    );
    return [value, p.map((a, i) => a.sub(g[i].mul(c.lr)))];
  });
  const adam = jit((p, s, inputs, target) => {
    const [value, g] = both(
      p.map((a) => a.ref),
      inputs,
      target,
    );
    const next = s.map(([m, v], i) => [m.mul(0.9).add(g[i].ref.mul(0.1)), v.mul(0.999).add(g[i].ref.mul(g[i]).mul(0.001))]);
    const moved = p.map((a, i) => a.sub(next[i][0].ref.mul(c.lr).div(np.sqrt(next[i][1].ref).add(1e-8))));
    return [value, moved, next];
  });
  let first;
  return {
    run: async () => {
      const r = state === null ? sgd(parameters, x.ref, y.ref) : adam(parameters, state, x.ref, y.ref);
      [, parameters] = r;
      if (state !== null) [, , state] = r;
      await jax.blockUntilReady(parameters);
      if (first === undefined) [first] = await r[0].data();
      else r[0].dispose();
    },
    out: async () => [first],
  };
}

const kinds = {
  mm: (c) => once((a, b) => np.matmul(a, b), [array(fill(c.m * c.k, 1), c.m, c.k), array(fill(c.k * c.n, 2), c.k, c.n)]),
  bmm: (c) =>
    once((a, b) => np.matmul(a, b), [array(fill(c.b * c.m * c.k, 1), c.b, c.m, c.k), array(fill(c.b * c.k * c.n, 2), c.b, c.k, c.n)]),
  conv: (c) => {
    const w = array(fill((c.co * c.ci * c.k * c.k) / c.g, 2, 0.1), c.co, c.ci / c.g, c.k, c.k);
    const inputs = [array(fill(c.ci * c.h * c.h, 1), 1, c.ci, c.h, c.h), w, array(fill(c.co, 3), 1, c.co, 1, 1)];
    return once((x, f, b) => nn.relu(convolve(x, f, 1, 1, c.g).add(b)), inputs, { show: false });
  },
  unary: (c) => {
    const f = { exp: np.exp, tanh: np.tanh, log: np.log, erf: lax.erf, sigmoid: nn.sigmoid, relu: nn.relu }[c.f];
    return once((x) => f(x), [np.array(positive(c.n, 1))]);
  },
  add: (c) => once((a, b) => a.add(b), [np.array(fill(c.n, 1)), np.array(fill(c.n, 2))], { eager: c.n === 4 }),
  softmax: (c) => once((x) => nn.softmax(x), [array(fill(c.m * c.n, 1), c.m, c.n)]),
  sum: (c) => once((x) => np.sum(x), [np.array(fill(c.n, 1))]),
  layernorm: (c) =>
    once(
      (x, w, b) => {
        const centred = x.ref.sub(np.mean(x, -1, { keepdims: true }));
        const variance = np.mean(centred.ref.mul(centred.ref), -1, { keepdims: true });
        return centred
          .div(np.sqrt(variance.add(1e-5)))
          .mul(w)
          .add(b);
      },
      [array(fill(c.m * c.n, 1), c.m, c.n), np.array(fill(c.n, 2)), np.array(fill(c.n, 3))],
    ),
  sort: (c) => once((x) => np.sort(x), [np.array(fill(c.n, 1))]),
  embedding: (c) => once((w, i) => np.take(w, i, 0), [array(fill(c.rows * c.width, 1), c.rows, c.width), np.array(whole(c.n, 2, c.rows))]),
  attention: (c) => {
    const mix = (q, k, v) => np.matmul(nn.softmax(np.matmul(q, np.transpose(k, [0, 2, 1])).mul(1 / Math.sqrt(c.d))), v);
    return once(
      mix,
      [1, 2, 3].map((seed) => array(fill(c.b * c.t * c.d, seed), c.b, c.t, c.d)),
    );
  },
  net: (c) => network(c.net),
  trainmlp: (c) => {
    const start = weightsOf(networks.mlp).flatMap(({ w, shape, b }) => [array(w, ...shape), np.array(b)]);
    const hidden = (p, x) => nn.relu(np.matmul(x, np.transpose(p[0])).add(p[1]));
    const forward = (p, x) => np.matmul(hidden(p, x), np.transpose(p[2])).add(p[3]);
    return training(c, start, forward, array(fill(c.batch * 784, 50), c.batch, 784));
  },
  traincnn: (c) => {
    const start = [
      array(fill(144, 1, 0.5), 16, 1, 3, 3),
      array(fill(16, 2, 0.1), 1, 16, 1, 1),
      array(fill(4608, 3, 0.15), 32, 16, 3, 3),
      array(fill(32, 4, 0.1), 1, 32, 1, 1),
      array(fill(15680, 5, 0.04), 10, 1568),
      np.array(fill(10, 6, 0.1)),
    ];
    const pool = (h, channels, size) => np.max(np.max(h.reshape([c.batch, channels, size / 2, 2, size / 2, 2]), 5), 3);
    const layer = (h, w, b) => nn.relu(convolve(h, w, 1, 1, 1).add(b));
    const forward = (p, x) => {
      const h = pool(layer(pool(layer(x, p[0], p[1]), 16, 28), p[2], p[3]), 32, 14);
      return np.matmul(h.reshape([c.batch, 1568]), np.transpose(p[4])).add(p[5]);
    };
    return training(c, start, forward, array(fill(c.batch * 784, 50), c.batch, 1, 28, 28));
  },
};
kinds.mmc = kinds.mm;

export async function make(_name, c) {
  return kinds[c.kind]?.(c) ?? null;
}
