// TensorFlow.js on its Wasm backend (XNNPACK, SIMD) as a peer, with its fused ops where it has them. One thread in Node.
import { createRequire } from 'node:module';
import path from 'node:path';
import { setThreadsCount, setWasmPaths } from '@tensorflow/tfjs-backend-wasm';
import { fill, networks, positive, weightsOf, whole } from './cases.mjs';

const require = createRequire(import.meta.url);
const { warn } = console;
console.warn = () => {}; // its advice to install another package
const tf = require('@tensorflow/tfjs');
console.warn = warn;

export async function init(threads) {
  setWasmPaths(`${path.dirname(require.resolve('@tensorflow/tfjs-backend-wasm'))}/`);
  setThreadsCount(threads);
  await tf.setBackend('wasm');
  await tf.ready();
  tf.enableProdMode();
  return { backend: tf.getBackend(), simd: await tf.env().getAsync('WASM_HAS_SIMD_SUPPORT'), threads: 1 };
}

function once(op, inputs) {
  return {
    run: () => op().dispose(),
    out: () => tf.tidy(() => Array.from(op().dataSync().slice(0, 8))),
    free: () => inputs.forEach((x) => x.dispose()),
  };
}
// PyTorch's OIHW as HWIO, or as HWC1 for a depthwise filter.
const filter = (w, shape, groups) => tf.tidy(() => tf.transpose(tf.tensor4d(w, shape), groups > 1 ? [2, 3, 0, 1] : [2, 3, 1, 0]));
const image = (x, channels, size) => tf.tidy(() => tf.transpose(tf.tensor4d(x, [1, channels, size, size]), [0, 2, 3, 1]));

function network(net) {
  const { input, layers } = networks[net];
  const parameters = weightsOf({ layers }).map((p, i) => {
    if (p === null) return null;
    const w = layers[i].op === 'dense' ? tf.tidy(() => tf.transpose(tf.tensor2d(p.w, p.shape))) : filter(p.w, p.shape, layers[i].groups);
    return { w, b: tf.tensor1d(p.b) };
  });
  const numbers = fill(
    input.reduce((a, b) => a * b),
    50,
  );
  const x = input.length === 1 ? tf.tensor2d(numbers, [1, input[0]]) : image(numbers, input[0], input[1]);
  const forward = () => {
    const at = { x };
    layers.forEach((layer, i) => {
      const p = parameters[i];
      const activation = layer.relu ? 'relu' : undefined;
      if (layer.op === 'conv') {
        const o = {
          x: at[layer.from],
          filter: p.w,
          strides: layer.stride,
          pad: layer.padding,
          dimRoundingMode: 'floor',
          bias: p.b,
          activation,
        };
        at[layer.to] = layer.groups > 1 ? tf.fused.depthwiseConv2d(o) : tf.fused.conv2d(o);
      } else if (layer.op === 'dense') at[layer.to] = tf.fused.matMul({ a: at[layer.from], b: p.w, bias: p.b, activation });
      else if (layer.op === 'add') at[layer.to] = tf.relu(tf.add(at[layer.a], at[layer.b]));
      else at[layer.to] = tf.mean(at[layer.from], [1, 2]);
    });
    return at.y;
  };
  return once(() => tf.tidy(forward), [x]);
}

function training(variables, loss, optimizer, inputs) {
  const first = tf.tidy(() => loss().dataSync()[0]);
  return {
    run: () => optimizer.minimize(loss, false, variables),
    out: () => [first],
    free: () => {
      tf.disposeVariables();
      for (const x of inputs) x.dispose();
    },
  };
}
const oneHot = (n) =>
  tf.tidy(() =>
    tf.cast(
      tf.oneHot(
        tf.tensor1d(
          Array.from({ length: n }, (_, i) => i % 10),
          'int32',
        ),
        10,
      ),
      'float32',
    ),
  );

const kinds = {
  mm: (c) => {
    const [a, b] = [tf.tensor2d(fill(c.m * c.k, 1), [c.m, c.k]), tf.tensor2d(fill(c.k * c.n, 2), [c.k, c.n])];
    return once(() => tf.matMul(a, b), [a, b]);
  },
  bmm: (c) => {
    const [a, b] = [tf.tensor3d(fill(c.b * c.m * c.k, 1), [c.b, c.m, c.k]), tf.tensor3d(fill(c.b * c.k * c.n, 2), [c.b, c.k, c.n])];
    return once(() => tf.matMul(a, b), [a, b]);
  },
  conv: (c) => {
    const x = image(fill(c.ci * c.h * c.h, 1), c.ci, c.h);
    const w = filter(fill((c.co * c.ci * c.k * c.k) / c.g, 2, 0.1), [c.co, c.ci / c.g, c.k, c.k], c.g);
    const bias = tf.tensor1d(fill(c.co, 3));
    const options = { x, filter: w, strides: 1, pad: 'same', bias, activation: 'relu' };
    return once(() => (c.g > 1 ? tf.fused.depthwiseConv2d(options) : tf.fused.conv2d(options)), [x, w, bias]);
  },
  unary: (c) => {
    const x = tf.tensor1d(positive(c.n, 1));
    return once(() => tf[c.f](x), [x]);
  },
  add: (c) => {
    const [a, b] = [tf.tensor1d(fill(c.n, 1)), tf.tensor1d(fill(c.n, 2))];
    return once(() => tf.add(a, b), [a, b]);
  },
  softmax: (c) => {
    const x = tf.tensor2d(fill(c.m * c.n, 1), [c.m, c.n]);
    return once(() => tf.softmax(x), [x]);
  },
  sum: (c) => {
    const x = tf.tensor1d(fill(c.n, 1));
    return once(() => tf.sum(x), [x]);
  },
  layernorm: (c) => {
    const [x, w, b] = [tf.tensor2d(fill(c.m * c.n, 1), [c.m, c.n]), tf.tensor1d(fill(c.n, 2)), tf.tensor1d(fill(c.n, 3))];
    const norm = () => {
      const { mean, variance } = tf.moments(x, -1, true);
      return tf.add(tf.mul(tf.mul(tf.sub(x, mean), tf.rsqrt(tf.add(variance, 1e-5))), w), b);
    };
    return once(() => tf.tidy(norm), [x, w, b]);
  },
  sort: (c) => {
    const x = tf.tensor1d(fill(c.n, 1));
    return once(() => tf.tidy(() => tf.reverse(tf.topk(x, c.n).values)), [x]);
  },
  embedding: (c) => {
    const [w, i] = [tf.tensor2d(fill(c.rows * c.width, 1), [c.rows, c.width]), tf.tensor1d(whole(c.n, 2, c.rows), 'int32')];
    return once(() => tf.gather(w, i), [w, i]);
  },
  attention: (c) => {
    const [q, k, v] = [1, 2, 3].map((seed) => tf.tensor3d(fill(c.b * c.t * c.d, seed), [c.b, c.t, c.d]));
    const mix = () => tf.matMul(tf.softmax(tf.mul(tf.matMul(q, k, false, true), 1 / Math.sqrt(c.d))), v);
    return once(() => tf.tidy(mix), [q, k, v]);
  },
  net: (c) => network(c.net),
  trainmlp: (c) => {
    const [x, y] = [tf.tensor2d(fill(c.batch * 784, 50), [c.batch, 784]), oneHot(c.batch)];
    const v = weightsOf(networks.mlp).flatMap(({ w, shape, b }) => [
      tf.variable(tf.tidy(() => tf.transpose(tf.tensor2d(w, shape)))),
      tf.variable(tf.tensor1d(b)),
    ]);
    const hidden = () => tf.relu(tf.add(tf.matMul(x, v[0]), v[1]));
    const loss = () => tf.losses.softmaxCrossEntropy(y, tf.add(tf.matMul(hidden(), v[2]), v[3]));
    return training(v, loss, c.opt === 'adam' ? tf.train.adam(c.lr) : tf.train.sgd(c.lr), [x, y]);
  },
};
kinds.mmc = kinds.mm;

export async function make(_name, c) {
  return kinds[c.kind]?.(c) ?? null;
}
