// The fast module: kernels that gain from fused multiply-adds, compiled from the core's sources with FAST, to join the core's function
// table over the same memory (ts/wasm/engine.ts). Its own static data lie at the end of page 0.
export { attention, attentionBackward } from './kernels/attention';
export { convolution, convolutionInput, convolutionWeight } from './kernels/conv/conv';
export { linear, matmul } from './kernels/gemm/matmul';
export { setScratch } from './threads';
/** First byte behind the static data, which must not reach the core's. */
export function heapBase(): usize { return __heap_base; }
