// A worker that the program started: says what it received, writes where it may, computes when asked, and sends the message back.
import * as wick from 'wick';
import { work } from './work.mjs';

const port = globalThis.process?.getBuiltinModule?.('node:worker_threads').parentPort ?? globalThis;

const answer = ({ shared, threads }) => {
  if (threads) return { milliseconds: work(threads) };
  const x = wick.receive(shared);
  const values = x.arraySync();
  shared.data[0] = 42;
  return { values, dtype: x.dtype, shape: x.shape, shared };
};
const take = (data) => port.postMessage(answer(data));
if (port.on) port.on('message', take);
else port.onmessage = (event) => take(event.data);
