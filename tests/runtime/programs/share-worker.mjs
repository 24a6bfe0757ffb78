// A worker that the program started: says what it received, writes where it may, computes when asked, and sends the message back.
import * as wick from 'wick';

const port = globalThis.process?.getBuiltinModule?.('node:worker_threads').parentPort ?? globalThis;

/** Milliseconds that a fixed amount of work takes on n threads. */
function work(n) {
  wick.setThreads(n);
  const start = performance.now();
  for (let i = 0; i < 60; i++)
    wick.scope(() =>
      wick
        .ones([1 << 18])
        .exp()
        .sum(),
    );
  return performance.now() - start;
}

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
