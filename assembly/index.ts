// The module's exports: the interpreter, the pool and the little that the host needs to know about the memory.
export { run, span, start, stepsLeft } from './run';
/** `work` is a worker's main function. */
export { abandon, setScratch, serve as work, setThreads, statusDetail, workers } from './threads';
/** First byte after the static data, where the host's heap begins. */
export function heapBase(): usize { return __heap_base; }
