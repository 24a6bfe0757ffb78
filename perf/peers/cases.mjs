// What every peer is timed on: the same numbers, the same networks, the same shapes. torch.py reads it as JSON.
import { tinyCases } from './tiny.mjs';

/** n numbers that every peer can make for itself: sin(12.9898 i + 78.233 seed) times scale. */
export function fill(n, seed, scale = 1) {
  return Float32Array.from({ length: n }, (_, i) => Math.sin(i * 12.9898 + seed * 78.233) * scale);
}
/** Values above zero, for functions such as log. */
export const positive = (n, seed) => fill(n, seed).map((v) => Math.abs(v) * 5 + 0.01);
/** Whole numbers below `below`. */
export const whole = (n, seed, below) => Int32Array.from(fill(n, seed), (v) => Math.floor(Math.abs(v) * below) % below);

const conv = (from, to, inputs, outputs, kernel, stride, relu = true, groups = 1) => ({
  op: 'conv',
  from,
  to,
  inputs,
  outputs,
  kernel,
  stride,
  padding: kernel === 3 ? 1 : 0,
  groups,
  relu,
});

/** MLPerf Tiny's image classification network: three residual blocks of 16, 32 and 64 channels on 3 x 32 x 32. */
function resnet8() {
  const layers = [conv('x', 'a0', 3, 16, 3, 1)];
  let inputs = 16;
  [16, 32, 64].forEach((outputs, i) => {
    const stride = i === 0 ? 1 : 2;
    layers.push(conv(`a${i}`, `b${i}`, inputs, outputs, 3, stride), conv(`b${i}`, `c${i}`, outputs, outputs, 3, 1, false));
    if (i > 0) layers.push(conv(`a${i}`, `s${i}`, inputs, outputs, 1, stride, false));
    layers.push({ op: 'add', a: `c${i}`, b: i > 0 ? `s${i}` : `a${i}`, to: `a${i + 1}` });
    inputs = outputs;
  });
  layers.push({ op: 'mean', from: 'a3', to: 'p' }, { op: 'dense', from: 'p', to: 'y', inputs: 64, outputs: 10 });
  return { input: [3, 32, 32], layers };
}

/** MLPerf Tiny's person detection network: MobileNetV1 of width 0.25 on 3 x 96 x 96. */
function mobilenet() {
  const layers = [conv('x', 'p0', 3, 8, 3, 2)];
  const widths = [16, 32, 32, 64, 64, 128, 128, 128, 128, 128, 128, 256, 256];
  const strides = [1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1];
  let inputs = 8;
  widths.forEach((outputs, i) => {
    layers.push(conv(`p${i}`, `d${i}`, inputs, inputs, 3, strides[i], true, inputs));
    layers.push(conv(`d${i}`, `p${i + 1}`, inputs, outputs, 1, 1));
    inputs = outputs;
  });
  layers.push({ op: 'mean', from: 'p13', to: 'p' }, { op: 'dense', from: 'p', to: 'y', inputs: 256, outputs: 2 });
  return { input: [3, 96, 96], layers };
}

const mlp = {
  input: [784],
  layers: [
    { op: 'dense', from: 'x', to: 'h', inputs: 784, outputs: 256, relu: true },
    { op: 'dense', from: 'h', to: 'y', inputs: 256, outputs: 10 },
  ],
};

export const networks = { mlp, resnet8: resnet8(), mobilenet: mobilenet() };

/** Per layer { w, shape, b } in PyTorch's layouts, scaled by fan-in; null where there is nothing to learn. */
export function weightsOf(network) {
  return network.layers.map((layer, i) => {
    if (layer.op !== 'conv' && layer.op !== 'dense') return null;
    const inner = layer.op === 'conv' ? [layer.inputs / layer.groups, layer.kernel, layer.kernel] : [layer.inputs];
    const fan = inner.reduce((a, b) => a * b);
    return {
      w: fill(layer.outputs * fan, i + 1, Math.sqrt(3 / fan)),
      shape: [layer.outputs, ...inner],
      b: fill(layer.outputs, i + 101, 0.1),
    };
  });
}

/** Parameters of one pre-norm transformer block: [name, shape, scale]. */
export function blockParameters({ width, hidden }) {
  const scale = (fan) => Math.sqrt(3 / fan);
  return [
    ['norm1', [width], 0],
    ['shift1', [width], 0.1],
    ['qkv', [3 * width, width], scale(width)],
    ['qkvBias', [3 * width], 0.1],
    ['out', [width, width], scale(width)],
    ['outBias', [width], 0.1],
    ['norm2', [width], 0],
    ['shift2', [width], 0.1],
    ['up', [hidden, width], scale(width)],
    ['upBias', [hidden], 0.1],
    ['down', [width, hidden], scale(hidden)],
    ['downBias', [width], 0.1],
  ].map(([name, shape, s], i) => {
    const n = shape.reduce((a, b) => a * b);
    return { name, shape, data: s === 0 ? new Float32Array(n).fill(1) : fill(n, i + 1, s) };
  });
}

/** Parameters of one LSTM layer in PyTorch's layout and order of gates (i, f, g, o). */
export function lstmParameters({ inputs, hidden }) {
  const s = 1 / Math.sqrt(hidden);
  return [
    { shape: [4 * hidden, inputs], data: fill(4 * hidden * inputs, 1, s) },
    { shape: [4 * hidden, hidden], data: fill(4 * hidden * hidden, 2, s) },
    { shape: [4 * hidden], data: fill(4 * hidden, 3, s) },
    { shape: [4 * hidden], data: fill(4 * hidden, 4, s) },
  ];
}

export const cases = {};
const flops = (m, k, n) => 2 * m * k * n;
for (const [m, k, n] of [
  [32, 32, 32],
  [64, 64, 64],
  [128, 128, 128],
  [256, 256, 256],
  [512, 512, 512],
  [1024, 1024, 1024],
  [1, 1024, 1024],
  [8, 512, 512],
  [64, 784, 256],
])
  cases[`mm_${m}_${k}_${n}`] = { kind: 'mm', m, k, n, flop: flops(m, k, n) };
for (const [m, k, n] of [
  [1, 1024, 1024],
  [8, 512, 512],
  [64, 784, 256],
  [256, 256, 256],
])
  cases[`mmc_${m}_${k}_${n}`] = { kind: 'mmc', m, k, n, flop: flops(m, k, n) };
cases.bmm_12_64 = { kind: 'bmm', b: 12, m: 64, k: 64, n: 64, flop: 12 * flops(64, 64, 64) };
for (const [m, k, n] of [
  [64, 64, 64],
  [256, 256, 256],
  [64, 784, 256],
])
  cases[`i8mm_${m}_${k}_${n}`] = { kind: 'i8mm', m, k, n, flop: flops(m, k, n) };
for (const [h, ci, co] of [
  [56, 64, 64],
  [32, 16, 16],
  [8, 64, 64],
])
  cases[`conv3_${h}_${ci}_${co}`] = { kind: 'conv', h, ci, co, k: 3, g: 1, flop: 2 * 9 * h * h * ci * co };
for (const [h, c] of [
  [56, 64],
  [112, 32],
  [24, 32],
  [12, 64],
])
  cases[`dw3_${h}_${c}`] = { kind: 'conv', h, ci: c, co: c, k: 3, g: c, flop: 2 * 9 * h * h * c };
for (const f of ['exp', 'tanh', 'log', 'erf', 'sigmoid', 'relu']) cases[`un_${f}_16k`] = { kind: 'unary', f, n: 16384, elems: 16384 };
cases.add_4 = { kind: 'add', n: 4 };
cases.add_1m = { kind: 'add', n: 1 << 20, elems: 1 << 20 };
cases.sum_1m = { kind: 'sum', n: 1 << 20, elems: 1 << 20 };
cases.softmax_64_1000 = { kind: 'softmax', m: 64, n: 1000, elems: 64000 };
cases.layernorm_512_768 = { kind: 'layernorm', m: 512, n: 768, elems: 512 * 768 };
cases.sort_64k = { kind: 'sort', n: 65536, elems: 65536 };
cases.embedding_4096_256 = { kind: 'embedding', rows: 32000, width: 256, n: 4096, elems: 4096 * 256 };
for (const [b, t, d] of [
  [8, 128, 64],
  [4, 512, 64],
])
  cases[`attention_${b}_${t}_${d}`] = { kind: 'attention', b, t, d, flop: 4 * b * t * t * d };
cases.lstm_16_32_128 = { kind: 'lstm', batch: 16, steps: 32, inputs: 64, hidden: 128, flop: 2 * 16 * 32 * 4 * 128 * (64 + 128) };
for (const network of Object.keys(networks)) cases[`infer_${network}_b1`] = { kind: 'net', net: network };
for (const opt of ['sgd', 'adam']) cases[`train_mlp_${opt}_b64`] = { kind: 'trainmlp', opt, lr: 1e-3, batch: 64 };
cases.train_cnn_sgd_b32 = { kind: 'traincnn', opt: 'sgd', lr: 1e-2, batch: 32 };
cases.train_block_adam = { kind: 'trainblock', batch: 4, steps: 64, width: 128, heads: 4, hidden: 512, lr: 1e-3 };
cases.train_lstm_sgd = { kind: 'trainlstm', batch: 16, steps: 32, inputs: 64, hidden: 128, classes: 10, lr: 1e-2 };
const tiny = tinyCases();
Object.assign(cases, tiny.cases);
/** Files of cases that are left out. */
export const missing = tiny.missing;

/** The input of a loaded model: floats, or bytes over their whole range. */
export function inputOf({ shape, dtype }) {
  const values = fill(
    shape.reduce((a, b) => a * b),
    50,
  );
  return dtype === 'int8' ? Int8Array.from(values, (v) => Math.floor(v * 128)) : values;
}
