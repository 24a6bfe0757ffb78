// wick as a peer: the public eager API of the built package as a user would call it. The networks of a case come in either of two spellings, that of
// cases.mjs or that of another yardstick ({ in, out, ci, co, k, s, p, g }, { op: 'gap' }); `spelled` brings them to one.
import * as wick from '../../dist/index.js';
import * as nn from '../../dist/nn/index.js';
import * as optim from '../../dist/optim/index.js';
import '../../dist/tflite/index.js';
import { blockParameters, fill, inputOf, lstmParameters, networks, positive, weightsOf, whole } from './cases.mjs';

const F = nn.functional;
/** As `wick.mjs?plan` networks and training steps run as plans. */
const planned = new URL(import.meta.url).search === '?plan' ? wick.compile : (fn) => fn;
const floats = (data, ...shape) => wick.tensor(data, { shape });
const channelsLast = (x) => x.contiguous({ memoryFormat: 'channelsLast' });

export async function init(threads = 1) {
  wick.setThreads(Number(threads));
  return wick.info();
}

/** One op on tensors that live on: its result is freed at once, as a loop of a program would. */
function once(op, inputs, show = (y) => y) {
  return {
    run: () => op().dispose(),
    out: () => wick.scope(() => Array.from(show(op()).flatten().dataSync().slice(0, 8))),
    free: () => inputs.forEach((x) => x.dispose()),
  };
}

const relu = (layer, y) => (layer.relu ? y.relu_() : y);

function network(name) {
  const { input, layers } = networks[name === 'vww' ? 'mobilenet' : name];
  const tensors = weightsOf({ layers }).map((p) => p && { w: floats(p.w, ...p.shape), b: floats(p.b, p.b.length) });
  let input0 = floats(
    fill(
      input.reduce((a, b) => a * b),
      50,
    ),
    1,
    ...input,
  );
  if (input.length === 3) input0 = channelsLast(input0);
  const net = planned((x) => {
    const at = { x };
    layers.forEach((layer, i) => {
      const p = tensors[i];
      if (layer.op === 'conv') {
        const { stride, padding, groups } = layer;
        at[layer.to] = F.conv2d(at[layer.from], p.w, p.b, { stride, padding, groups, activation: layer.relu ? 'relu' : undefined });
      } else if (layer.op === 'dense') at[layer.to] = relu(layer, F.linear(at[layer.from], p.w, p.b));
      else if (layer.op === 'add') at[layer.to] = at[layer.a].add(at[layer.b]).relu_();
      else at[layer.to] = at[layer.from].mean([2, 3]);
    });
    return at.y;
  });
  const forward = () => net(input0);
  return {
    run: () => wick.scope(() => void forward()),
    out: () => wick.scope(() => Array.from(forward().flatten().dataSync().slice(0, 8))),
  };
}

/** A training step: zero the gradients, forward, backward, update. */
function training(parameters, loss, optimizer) {
  const first = wick.scope(() => loss().itemSync());
  const step = planned(() => {
    optimizer.zeroGrad();
    loss().backward();
    optimizer.step();
  });
  return {
    run: () => wick.scope(step),
    out: () => [first],
    free: () => parameters.forEach((p) => p.dispose()),
  };
}
const learned = (data, shape) => wick.tensor(data, { shape, requiresGrad: true });
const labels = (n) => wick.tensor(BigInt64Array.from({ length: n }, (_, i) => BigInt(i % 10)));

const kinds = {
  mm: (c) => {
    const [a, b] = [floats(fill(c.m * c.k, 1), c.m, c.k), floats(fill(c.k * c.n, 2), c.k, c.n)];
    return once(() => a.matmul(b), [a, b]);
  },
  bmm: (c) => {
    const [a, b] = [floats(fill(c.b * c.m * c.k, 1), c.b, c.m, c.k), floats(fill(c.b * c.k * c.n, 2), c.b, c.k, c.n)];
    return once(() => a.matmul(b), [a, b]);
  },
  i8mm: (c) => {
    if (!wick.intMm) return null;
    const bytes = Uint8Array.from(fill(c.m * c.k, 1), (v) => v * 127 + 128);
    const a = wick.tensor(bytes, { shape: [c.m, c.k] });
    const b = wick.tensor(
      Int8Array.from(fill(c.k * c.n, 2), (v) => v * 127),
      { shape: [c.k, c.n] },
    );
    return once(() => wick.intMm(a, b), [a, b]);
  },
  conv: (c) => {
    const x = channelsLast(floats(fill(c.ci * c.h * c.h, 1), 1, c.ci, c.h, c.h));
    const w = floats(fill((c.co * c.ci * c.k * c.k) / c.g, 2, 0.1), c.co, c.ci / c.g, c.k, c.k);
    const b = floats(fill(c.co, 3), c.co);
    const options = { padding: 1, groups: c.g };
    return once(
      () => F.conv2d(x, w, b, options).relu_(),
      [x, w, b],
      (y) => y.permute([0, 2, 3, 1]),
    );
  },
  unary: (c) => {
    const x = floats(positive(c.n, 1), c.n);
    return once(() => x[c.f](), [x]);
  },
  add: (c) => {
    const [a, b] = [floats(fill(c.n, 1), c.n), floats(fill(c.n, 2), c.n)];
    return once(() => a.add(b), [a, b]);
  },
  softmax: (c) => {
    const x = floats(fill(c.m * c.n, 1), c.m, c.n);
    return once(() => x.softmax(-1), [x]);
  },
  sum: (c) => {
    const x = floats(fill(c.n, 1), c.n);
    return once(() => x.sum(), [x]);
  },
  layernorm: (c) => {
    const [x, w, b] = [floats(fill(c.m * c.n, 1), c.m, c.n), floats(fill(c.n, 2), c.n), floats(fill(c.n, 3), c.n)];
    return once(() => F.layerNorm(x, [c.n], { weight: w, bias: b }), [x, w, b]);
  },
  sort: (c) => {
    const x = floats(fill(c.n, 1), c.n);
    const run = () => wick.scope(() => void x.sort());
    return { run, out: () => wick.scope(() => Array.from(x.sort().values.dataSync().slice(0, 8))), free: () => x.dispose() };
  },
  embedding: (c) => {
    const w = floats(fill(c.rows * c.width, 1), c.rows, c.width);
    const rows = wick.tensor(whole(c.n, 2, c.rows));
    return once(() => F.embedding(rows, w), [w, rows]);
  },
  attention: (c) => {
    const [q, k, v] = [1, 2, 3].map((seed) => floats(fill(c.b * c.t * c.d, seed), 1, c.b, c.t, c.d));
    return once(() => F.scaledDotProductAttention(q, k, v), [q, k, v]);
  },
  lstm: (c) => {
    const { model, x } = recurrent(c);
    const forward = () => wick.noGrad(() => model.forward(x)[0]);
    return {
      run: () => wick.scope(() => void forward()),
      out: () => wick.scope(() => Array.from(forward().contiguous().flatten().dataSync().slice(0, 8))),
    };
  },
  net: (c) => network(c.net),
  trainmlp: (c) => {
    const x = floats(fill(c.batch * 784, 50), c.batch, 784);
    const y = labels(c.batch);
    const p = weightsOf(networks.mlp).flatMap(({ w, shape, b }) => [learned(w, shape), learned(b, [b.length])]);
    const logits = () => F.linear(F.linear(x, p[0], p[1]).relu(), p[2], p[3]);
    const optimizer = c.opt === 'sgd' ? new optim.SGD(p, { lr: c.lr }) : new optim.Adam(p, { lr: c.lr });
    return training(p, () => F.crossEntropy(logits(), y), optimizer);
  },
  traincnn: (c) => {
    const x = floats(fill(c.batch * 784, 50), c.batch, 1, 28, 28);
    const y = labels(c.batch);
    const p = [
      learned(fill(144, 1, 0.5), [16, 1, 3, 3]),
      learned(fill(16, 2, 0.1), [16]),
      learned(fill(4608, 3, 0.15), [32, 16, 3, 3]),
      learned(fill(32, 4, 0.1), [32]),
      learned(fill(15680, 5, 0.04), [10, 1568]),
      learned(fill(10, 6, 0.1), [10]),
    ];
    const layer = (h, i) => F.maxPool2d(F.conv2d(h, p[i], p[i + 1], { padding: 1 }).relu(), 2);
    const logits = () => F.linear(layer(layer(x, 0), 2).flatten(1), p[4], p[5]);
    return training(p, () => F.crossEntropy(logits(), y), new optim.SGD(p, { lr: c.lr }));
  },
  trainblock: (c) => {
    const x = floats(fill(c.batch * c.steps * c.width, 50), c.batch, c.steps, c.width);
    const list = blockParameters(c).map(({ shape, data }) => learned(data, shape));
    const [n1, s1, qkv, qkvB, out, outB, n2, s2, up, upB, down, downB] = list;
    const norm = (h, weight, bias) => F.layerNorm(h, [c.width], { weight, bias });
    const forward = () => {
      const split = F.linear(norm(x, n1, s1), qkv, qkvB).reshape([c.batch, c.steps, 3, c.heads, c.width / c.heads]);
      const [q, k, v] = split.permute([2, 0, 3, 1, 4]).unbind(0);
      const mixed = F.scaledDotProductAttention(q, k, v, { isCausal: true }).transpose(1, 2).reshape([c.batch, c.steps, c.width]);
      const h = x.add(F.linear(mixed, out, outB));
      return h.add(F.linear(F.gelu(F.linear(norm(h, n2, s2), up, upB)), down, downB));
    };
    return training(list, () => forward().square().mean(), new optim.Adam(list, { lr: c.lr }));
  },
  trainlstm: (c) => {
    const { model, x } = recurrent(c);
    const w = learned(fill(c.classes * c.hidden, 5, 0.1), [c.classes, c.hidden]);
    const y = labels(c.batch);
    const list = [...model.parameters(), w];
    const logits = () => F.linear(model.forward(x)[0].select(1, c.steps - 1), w);
    return training(list, () => F.crossEntropy(logits(), y), new optim.SGD(list, { lr: c.lr }));
  },
};
kinds.mmc = kinds.mm;

function recurrent(c) {
  const model = new nn.LSTM(c.inputs, c.hidden, { batchFirst: true });
  const values = lstmParameters(c).map(({ shape, data }) => floats(data, ...shape));
  wick.noGrad(() => [...model.parameters()].forEach((p, i) => p.copy_(values[i])));
  return { model, x: floats(fill(c.batch * c.steps * c.inputs, 50), c.batch, c.steps, c.inputs) };
}

/** A model from its file, compiled as `load` does. A run takes the arena and what is held: weights, their packed forms, tables. */
async function loaded(c) {
  const x = wick.tensor(inputOf(c), { shape: c.shape });
  const before = wick.memory().live;
  const model = await wick.load(c.path);
  const run = () => wick.scope(() => void model.forward(x));
  for (let i = 0; i < 4; i++) run();
  const held = wick.memory().live - before;
  const plan = wick.compile((y) => model.forward(y));
  for (let i = 0; i < 2; i++) wick.scope(() => void plan(x));
  const { arena } = plan.plans[0].stats();
  plan.dispose();
  return {
    run,
    out: () => wick.scope(() => Array.from(model.forward(x).flatten().dataSync().slice(0, 8))),
    memory: `arena ${(arena / 1024).toFixed(1)} kB, weights and the rest ${((held - arena) / 1024).toFixed(1)} kB`,
    free: () => {
      model.dispose();
      x.dispose();
    },
  };
}

export async function make(_name, c) {
  if (c.kind === 'tflite') return loaded(c);
  return kinds[c.kind]?.(c) ?? null;
}
