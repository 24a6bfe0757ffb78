import * as wick from 'wick';

/** Milliseconds that a fixed amount of work takes on n threads. */
export function work(n) {
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
