// The four networks of MLPerf Tiny, int8 and float, from the folder of conformance data: wick loads the files themselves, onnxruntime their
// ONNX form, which `onnxOf` writes from the TensorFlow Lite graph: bytes as QDQ, the form that its quantiser emits and its optimiser fuses.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { contentsOf, readFile } from '../../build/ts/tflite/schema.js';
import { Graph } from './onnx.mjs';

const folder = join(process.env.WICK_CONFORMANCE || fileURLToPath(new URL('../../../shared/conformance', import.meta.url)), 'models');
/** Steps of a quantised output by which roundings of another arithmetic may differ. */
const STEPS = 3;
const NAMES = [
  ...['kws_int8', 'kws_float_io', 'vww_int8', 'vww_float'],
  ...['ic_resnet8_int8', 'ic_resnet8_float', 'ad01_int8', 'ad01_float'],
];

/** Cases `tiny_<model>`; `missing` are the models whose file is not there. */
export function tinyCases() {
  const cases = {};
  const missing = [];
  for (const name of NAMES) {
    const path = join(folder, name, 'model.tflite');
    if (!existsSync(path)) {
      missing.push(path);
      continue;
    }
    const { subgraphs } = readFile(readFileSync(path));
    const [graph] = subgraphs;
    const [input, output] = [graph.tensors[graph.inputs[0]], graph.tensors[graph.outputs[0]]];
    const tolerance = output.dtype === 'int8' ? STEPS : undefined;
    cases[`tiny_${name}`] = { kind: 'tflite', path, shape: input.shape, dtype: input.dtype, absolute: tolerance };
  }
  return { cases, missing };
}

const TYPED = { float32: Float32Array, int8: Int8Array, uint8: Uint8Array, int32: Int32Array };
const sizeOf = (shape) => shape.reduce((a, b) => a * b, 1);
const dataOf = (tensor) => {
  const bytes = Uint8Array.from(contentsOf(tensor));
  return new TYPED[tensor.dtype](bytes.buffer);
};
/** The elements of a dense array in the order of permuted dimensions. */
function permuted(data, shape, order) {
  const strides = shape.map((_, d) => sizeOf(shape.slice(d + 1)));
  const [to, by] = [order.map((d) => shape[d]), order.map((d) => strides[d])];
  const at = to.map(() => 0);
  const result = data.slice();
  for (let i = 0; i < result.length; i++) {
    result[i] = data[at.reduce((sum, n, d) => sum + n * by[d], 0)];
    for (let d = at.length - 1; d >= 0 && ++at[d] === to[d]; d--) at[d] = 0;
  }
  return { data: result, shape: to };
}
const TO_IMAGE = [0, 3, 1, 2];
const SAME = 0;
/** Zeros before and after a line of n under windows of k. */
function padding(mode, n, k, stride) {
  if (mode !== SAME) return [0, 0];
  const all = Math.max(0, (Math.ceil(n / stride) - 1) * stride + k - n);
  return [Math.floor(all / 2), all - Math.floor(all / 2)];
}

/** A TensorFlow Lite file as an ONNX model of the same numbers: { model, input, dtype, shape }. Images lie as [n, c, h, w] inside. */
export function onnxOf(path) {
  const [graph] = readFile(readFileSync(path)).subgraphs;
  const g = new Graph();
  const values = new Map();
  const images = new Set();
  const scalar = (data) => g.constant(data, []);
  const quantised = (info) => info.quantization !== null && info.dtype !== 'float32';
  const pair = (info, zeros = TYPED[info.dtype]) => {
    const { scale, zero } = info.quantization;
    const shape = scale.length === 1 ? [] : [scale.length];
    return [g.constant(Float32Array.from(scale), shape), g.constant(zeros.from(zero), shape)];
  };
  const floats = (info) => {
    const x = values.get(info.index);
    return quantised(info) ? g.node('DequantizeLinear', [x, ...pair(info)]) : x;
  };
  const weight = (info, order, axis) => {
    const { data, shape } = permuted(dataOf(info), info.shape, order ?? info.shape.map((_, d) => d));
    const w = g.constant(data, shape);
    if (!quantised(info)) return w;
    return g.node('DequantizeLinear', [w, ...pair(info)], info.quantization.scale.length > 1 ? { axis } : {});
  };
  const input = graph.tensors[graph.inputs[0]];
  const image = input.shape.length === 4;
  let first = g.input('x', input.shape, input.dtype);
  if (image) {
    first = g.node('Transpose', [first], { perm: TO_IMAGE });
    images.add(input.index);
  }
  values.set(input.index, first);

  for (const op of graph.operators) {
    const [x, w, b] = op.inputs.map((i) => graph.tensors[i]);
    const y = graph.tensors[op.outputs[0]];
    const o = op.options;
    const activated = (value, act) => {
      if (act === 0) return value;
      if (act === 1) return g.node('Relu', [value]);
      if (act === 3) return g.node('Clip', [value, scalar(Float32Array.of(0)), scalar(Float32Array.of(6))]);
      throw new Error(`${path}: activation ${act}`);
    };
    const bias = () => (b === undefined ? [] : [weight(b, null, 0)]);
    const made = (value) => values.set(y.index, quantised(y) ? g.node('QuantizeLinear', [value, ...pair(y)]) : value);
    const window = (mode, kernel, stride) => {
      const [v, h] = [padding(mode, x.shape[1], kernel[0], stride[0]), padding(mode, x.shape[2], kernel[1], stride[1])];
      return { kernel_shape: kernel, strides: stride, pads: [v[0], h[0], v[1], h[1]] };
    };
    if (op.name === 'CONV_2D' || op.name === 'DEPTHWISE_CONV_2D') {
      const deep = op.name !== 'CONV_2D';
      const attributes = window(o.i8(0), w.shape.slice(1, 3), [o.i32(2), o.i32(1)]);
      const inputs = [floats(x), weight(w, deep ? [3, 0, 1, 2] : TO_IMAGE, 0), ...bias()];
      made(activated(g.node('Conv', inputs, { ...attributes, group: deep ? x.shape[3] : 1 }), o.i8(deep ? 4 : 3)));
      images.add(y.index);
    } else if (op.name === 'FULLY_CONNECTED')
      made(activated(g.node('Gemm', [floats(x), weight(w, null, 0), ...bias()], { transB: 1 }), o.i8(0)));
    else if (op.name === 'ADD') {
      made(activated(g.node('Add', [floats(x), floats(w)]), o.i8(0)));
      if (images.has(x.index)) images.add(y.index);
    } else if (op.name === 'AVERAGE_POOL_2D') {
      made(g.node('AveragePool', [floats(x)], window(o.i8(0), [o.i32(4), o.i32(3)], [o.i32(2), o.i32(1)])));
      images.add(y.index);
    } else if (op.name === 'RESHAPE') {
      const given = images.has(x.index) ? g.node('Transpose', [values.get(x.index)], { perm: [0, 2, 3, 1] }) : values.get(x.index);
      values.set(y.index, g.node('Reshape', [given, g.constant(BigInt64Array.from(y.shape, BigInt), [y.shape.length])]));
    } else if (op.name === 'SOFTMAX') made(g.node('Softmax', [floats(x)], { axis: -1 }));
    else throw new Error(`${path}: no ONNX form of ${op.name}`);
  }
  const output = graph.tensors[graph.outputs[0]];
  return { model: g.model(values.get(output.index), output.dtype), shape: input.shape, dtype: input.dtype };
}
