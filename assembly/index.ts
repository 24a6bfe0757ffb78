// The module's exports: the interpreter, the pool and the little that the host needs to know about the memory.
import { serve } from './threads';
import { executor } from './run';

export { run, start } from './run';
export { abandon, setScratch, setThreads, statusDetail, workers } from './threads';
/** First byte after the static data, where the host's heap begins. */
export function heapBase(): usize { return __heap_base; }
/** A worker's main function. */
export function work(id: i32): void { serve(id, executor()); }
