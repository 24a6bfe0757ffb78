// onnxruntime as a peer: ?web is MLAS in Wasm SIMD, ?node is native MLAS. Inference only; times include its copies in and out.
import { fill, inputOf, lstmParameters, networks, positive, weightsOf, whole } from './cases.mjs';
import { Graph } from './onnx.mjs';
import { onnxOf } from './tiny.mjs';

const native = new URL(import.meta.url).search === '?node';
let ort;
let options;

export async function init(threads) {
  if (native) {
    const module = await import('onnxruntime-node');
    ort = module.default ?? module;
    options = { executionProviders: ['cpu'], intraOpNumThreads: threads, interOpNumThreads: 1, logSeverityLevel: 3 };
  } else {
    ort = await import('onnxruntime-web');
    ort.env.wasm.numThreads = threads;
    ort.env.logLevel = 'error';
    options = { executionProviders: ['wasm'], logSeverityLevel: 3 };
  }
  return { version: ort.env?.versions?.common, threads };
}

function network(g, net) {
  const { input, layers } = networks[net];
  const parameters = weightsOf({ layers });
  const at = { x: g.input('x', [1, ...input]) };
  layers.forEach((layer, i) => {
    const p = parameters[i];
    let y;
    if (layer.op === 'conv') {
      const { padding, stride, groups, kernel } = layer;
      const inputs = [at[layer.from], g.constant(p.w, p.shape), g.constant(p.b, [p.b.length])];
      const shape = { kernel_shape: [kernel, kernel], pads: Array(4).fill(padding), strides: [stride, stride], group: groups };
      y = g.node('Conv', inputs, shape);
    } else if (layer.op === 'dense') {
      y = g.node('Gemm', [at[layer.from], g.constant(p.w, p.shape), g.constant(p.b, [p.b.length])], { transB: 1 });
    } else if (layer.op === 'add') y = g.node('Add', [at[layer.a], at[layer.b]]);
    else y = g.node('Flatten', [g.node('GlobalAveragePool', [at[layer.from]])]);
    at[layer.to] = layer.relu || layer.op === 'add' ? g.node('Relu', [y]) : y;
  });
  return at.y;
}

const scaled = (g, q, k, v, d) => {
  const scores = g.node('MatMul', [q, g.node('Transpose', [k], { perm: [0, 2, 1] })]);
  const scale = g.constant(Float32Array.of(1 / Math.sqrt(d)), []);
  return g.node('MatMul', [g.node('Softmax', [g.node('Mul', [scores, scale])], { axis: -1 }), v]);
};
const UNARY = { exp: 'Exp', tanh: 'Tanh', log: 'Log', erf: 'Erf', sigmoid: 'Sigmoid', relu: 'Relu' };

// Each builds a graph and returns [output, feeds, output type].
const kinds = {
  mm: (g, c) => [
    g.node('MatMul', [g.input('a', [c.m, c.k]), g.input('b', [c.k, c.n])]),
    { a: [fill(c.m * c.k, 1), [c.m, c.k]], b: [fill(c.k * c.n, 2), [c.k, c.n]] },
  ],
  mmc: (g, c) => [
    g.node('MatMul', [g.input('a', [c.m, c.k]), g.constant(fill(c.k * c.n, 2), [c.k, c.n])]),
    { a: [fill(c.m * c.k, 1), [c.m, c.k]] },
  ],
  bmm: (g, c) => [
    g.node('MatMul', [g.input('a', [c.b, c.m, c.k]), g.input('b', [c.b, c.k, c.n])]),
    { a: [fill(c.b * c.m * c.k, 1), [c.b, c.m, c.k]], b: [fill(c.b * c.k * c.n, 2), [c.b, c.k, c.n]] },
  ],
  i8mm: (g, c) => {
    const weights = g.constant(
      Int8Array.from(fill(c.k * c.n, 2), (v) => v * 127),
      [c.k, c.n],
    );
    const bytes = Uint8Array.from(fill(c.m * c.k, 1), (v) => v * 127 + 128);
    return [g.node('MatMulInteger', [g.input('a', [c.m, c.k], 'uint8'), weights]), { a: [bytes, [c.m, c.k]] }, 'int32'];
  },
  conv: (g, c) => {
    const w = g.constant(fill((c.co * c.ci * c.k * c.k) / c.g, 2, 0.1), [c.co, c.ci / c.g, c.k, c.k]);
    const shape = [1, c.ci, c.h, c.h];
    const x = g.input('x', shape);
    const y = g.node('Conv', [x, w, g.constant(fill(c.co, 3), [c.co])], { kernel_shape: [c.k, c.k], pads: [1, 1, 1, 1], group: c.g });
    return [g.node('Relu', [y]), { x: [fill(c.ci * c.h * c.h, 1), shape] }];
  },
  unary: (g, c) => [g.node(UNARY[c.f], [g.input('x', [c.n])]), { x: [positive(c.n, 1), [c.n]] }],
  add: (g, c) => [g.node('Add', [g.input('a', [c.n]), g.input('b', [c.n])]), { a: [fill(c.n, 1), [c.n]], b: [fill(c.n, 2), [c.n]] }],
  softmax: (g, c) => [g.node('Softmax', [g.input('x', [c.m, c.n])], { axis: -1 }), { x: [fill(c.m * c.n, 1), [c.m, c.n]] }],
  sum: (g, c) => [g.node('ReduceSum', [g.input('x', [c.n])], { keepdims: 0 }), { x: [fill(c.n, 1), [c.n]] }],
  layernorm: (g, c) => {
    const inputs = [g.input('x', [c.m, c.n]), g.constant(fill(c.n, 2), [c.n]), g.constant(fill(c.n, 3), [c.n])];
    return [g.node('LayerNormalization', inputs, { axis: -1, epsilon: 1e-5 }), { x: [fill(c.m * c.n, 1), [c.m, c.n]] }];
  },
  sort: (g, c) => [
    g.node('TopK', [g.input('x', [c.n]), g.constant(BigInt64Array.of(BigInt(c.n)), [1])], { axis: 0, largest: 0, sorted: 1 }, 2),
    { x: [fill(c.n, 1), [c.n]] },
  ],
  embedding: (g, c) => [
    g.node('Gather', [g.constant(fill(c.rows * c.width, 1), [c.rows, c.width]), g.input('i', [c.n], 'int32')]),
    { i: [whole(c.n, 2, c.rows), [c.n]] },
  ],
  attention: (g, c) => {
    const shape = [c.b, c.t, c.d];
    const [q, k, v] = ['q', 'k', 'v'].map((name) => g.input(name, shape));
    const feeds = Object.fromEntries(['q', 'k', 'v'].map((name, i) => [name, [fill(c.b * c.t * c.d, i + 1), shape]]));
    return [scaled(g, q, k, v, c.d), feeds];
  },
  lstm: (g, c) => {
    // ONNX orders the gates i, o, f, g and puts time first.
    const order = [0, 3, 1, 2];
    const [w, r, b1, b2] = lstmParameters(c).map(({ data }) => {
      const n = data.length / 4;
      return Float32Array.from({ length: data.length }, (_, i) => data[order[Math.floor(i / n)] * n + (i % n)]);
    });
    const x = g.node('Transpose', [g.input('x', [c.batch, c.steps, c.inputs])], { perm: [1, 0, 2] });
    const bias = Float32Array.of(...b1, ...b2);
    const inputs = [x, g.constant(w, [1, 4 * c.hidden, c.inputs]), g.constant(r, [1, 4 * c.hidden, c.hidden])];
    const y = g.node('LSTM', [...inputs, g.constant(bias, [1, 8 * c.hidden])], { hidden_size: c.hidden });
    const flat = g.node('Transpose', [g.node('Squeeze', [y, g.constant(BigInt64Array.of(1n), [1])])], { perm: [1, 0, 2] });
    return [flat, { x: [fill(c.batch * c.steps * c.inputs, 50), [c.batch, c.steps, c.inputs]] }];
  },
  net: (g, c) => {
    const { input } = networks[c.net];
    return [
      network(g, c.net),
      {
        x: [
          fill(
            input.reduce((a, b) => a * b),
            50,
          ),
          [1, ...input],
        ],
      },
    ];
  },
};

const CODES = { Float32Array: 'float32', Uint8Array: 'uint8', Int8Array: 'int8' };
const typeOf = (data) => CODES[data.constructor.name] ?? 'int32';

/** What a case runs: a model's bytes and what it is fed. */
function modelOf(c) {
  if (c.kind === 'tflite') return { model: onnxOf(c.path).model, given: { x: [inputOf(c), c.shape] } };
  const build = kinds[c.kind];
  if (!build) return null;
  const g = new Graph();
  const [output, given, type] = build(g, c);
  return { model: g.model(output, type), given };
}

export async function make(_name, c) {
  const built = modelOf(c);
  if (built === null) return null;
  const session = await ort.InferenceSession.create(built.model, options);
  const feeds = Object.fromEntries(
    Object.entries(built.given).map(([name, [data, shape]]) => [name, new ort.Tensor(typeOf(data), data, shape)]),
  );
  const result = async () => Array.from(Object.values(await session.run(feeds))[0].data.slice(0, 8));
  return { run: () => session.run(feeds), out: c.kind === 'conv' ? undefined : result, free: () => session.release?.() };
}
