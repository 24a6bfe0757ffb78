// Runs in a worker that the program started; tells it the bits.
import * as wick from 'wick';
import { bits } from './bits.mjs';

const port = globalThis.process?.getBuiltinModule?.('node:worker_threads').parentPort ?? globalThis;
port.postMessage(bits(wick));
