// The module of quantised kernels, which wick/tflite and wick/onnx join to the core's function table over the same memory.
export { combine, inverseSquareRoot, joined, lookup, quantize, requantize } from './kernels/quant/elementwise';
export { integerConvolution, integerDepthwise } from './kernels/quant/conv';
export { integerPool, integerResize } from './kernels/quant/image';
export { integerRows } from './kernels/quant/rows';
export { setScratch } from './threads';
/** First byte behind the static data, which must not reach the other modules'. */
export function heapBase(): usize { return __heap_base; }
