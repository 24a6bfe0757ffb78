// A small quantised TensorFlow Lite model that runs every quantised kernel, on numbers of its own.
import * as wick from '../../ts/index.ts';
import { TFLiteModel } from '../../ts/tflite/index.ts';
import { modelOf, type OperatorSpec, type TensorSpec } from '../tflite/writer.ts';

/** Takes a picture [1, 8, 6, 3] of float32 numbers, gives its int8 map [1, 16, 12, 4] and the logarithms of five chances [1, 5]. */
export function quantisedFile(): Uint8Array {
  const whole = (n: number, low: number, high: number): number[] => Array.from(wick.randint(low, high, [n]).dataSync(), Number);
  const tensors: TensorSpec[] = [];
  const operators: OperatorSpec[] = [];
  const tensor = (spec: TensorSpec): number => tensors.push(spec) - 1;
  const int8 = (shape: number[], scale: number, zero: number): number => tensor({ type: 'int8', shape, scale: [scale], zero: [zero] });
  const weight = (shape: number[], axis: number): number => {
    const data = new Int8Array(
      whole(
        shape.reduce((a, b) => a * b),
        -127,
        128,
      ),
    );
    return tensor({ type: 'int8', shape, data, scale: Array.from({ length: shape[axis] }, (_, i) => 0.004 + 0.001 * i), axis });
  };
  const ints = (...values: number[]): number => tensor({ type: 'int32', shape: [values.length], data: new Int32Array(values) });
  const bias = (n: number): number => ints(...whole(n, -900, 900));
  const apply = (op: string, inputs: number[], output: number, options: OperatorSpec['options'] = {}): number => {
    operators.push({ op, inputs, outputs: [output], options });
    return output;
  };
  const x = tensor({ name: 'picture', shape: [1, 8, 6, 3] });
  const bytes = apply('QUANTIZE', [x], int8([1, 8, 6, 3], 0.01, -3));
  const wide = apply('CONV_2D', [bytes, weight([4, 3, 3, 3], 0), bias(4)], int8([1, 8, 6, 4], 0.05, 5), { 1: { i32: 1 }, 2: { i32: 1 } });
  const deep = apply('DEPTHWISE_CONV_2D', [wide, weight([1, 3, 3, 4], 3), bias(4)], int8([1, 8, 6, 4], 0.04, -9), {
    ...{ 1: { i32: 1 }, 2: { i32: 1 }, 3: { i32: 1 } },
  });
  const sum = apply('ADD', [wide, deep], int8([1, 8, 6, 4], 0.07, 1));
  const smooth = apply('LOGISTIC', [sum], int8([1, 8, 6, 4], 1 / 256, -128));
  const large = apply('RESIZE_BILINEAR', [smooth, ints(16, 12)], int8([1, 16, 12, 4], 1 / 256, -128));
  const small = apply('AVERAGE_POOL_2D', [smooth], int8([1, 4, 3, 4], 1 / 256, -128), {
    ...{ 0: { i8: 1 }, 1: { i32: 2 }, 2: { i32: 2 }, 3: { i32: 2 }, 4: { i32: 2 } },
  });
  const root = apply('RSQRT', [small], int8([1, 4, 3, 4], 0.1, -128));
  const other = apply('QUANTIZE', [root], int8([1, 4, 3, 4], 0.03, -20));
  const flat = apply('RESHAPE', [other, ints(1, 48)], int8([1, 48], 0.03, -20));
  const dense = apply('FULLY_CONNECTED', [flat, weight([5, 48], 0), bias(5)], int8([1, 5], 0.2, 2));
  const chances = apply('LOG_SOFTMAX', [dense], int8([1, 5], 16 / 256, 127));
  const y = apply('DEQUANTIZE', [chances], tensor({ name: 'chances', shape: [1, 5] }));
  return modelOf({ tensors, inputs: [x], outputs: [large, y], operators });
}

/** The model and a picture. */
export function quantised(): [(x: wick.Tensor) => unknown, wick.Tensor] {
  const model = new TFLiteModel(quantisedFile(), { compile: false });
  const x = wick.randn([1, 8, 6, 3]);
  // A plan comes after a run that kept what follows from constants.
  model.forward(x);
  return [(given) => model.forward(given), x];
}
