// One peer in a process of its own: reads a request a line, answers a line that starts with a control character.
//   { prepare: case name } -> { ready, out } or { skip };  { ms } -> { best } in milliseconds a call
import { createInterface } from 'node:readline';
import { cases } from './cases.mjs';

const [, , module, threads] = process.argv;
const say = (answer) => process.stdout.write(`\u0001${JSON.stringify(answer)}\n`);
const message = (error) => String(error?.message ?? error).slice(0, 300);

let current = null;
const call = async () => {
  const r = current.run();
  if (r instanceof Promise) await r;
};

/** The best batch of `ms` milliseconds, batches of about 2 ms each. */
async function time(ms) {
  const isAsync = current.run() instanceof Promise;
  let best = Number.POSITIVE_INFINITY;
  let calls = 1;
  const end = performance.now() + ms;
  do {
    const start = performance.now();
    if (isAsync) for (let i = 0; i < calls; i++) await current.run();
    else for (let i = 0; i < calls; i++) current.run();
    best = Math.min(best, (performance.now() - start) / calls);
    calls = Math.max(1, Math.min(10000, Math.round(2 / Math.max(best, 1e-4))));
  } while (performance.now() < end);
  return best;
}

async function prepare(peer, name) {
  current?.free?.();
  current = await peer.make(name, cases[name]);
  if (current === null) return { skip: true };
  // Long enough for the optimising compilers to have finished.
  const start = performance.now();
  for (let n = 0; n < 3 || performance.now() - start < 300; n++) await call();
  return { ready: true, out: current.out ? await current.out() : null, memory: current.memory };
}

try {
  const peer = await import(new URL(module, import.meta.url));
  say({ info: await peer.init(Number(threads)) });
  for await (const line of createInterface({ input: process.stdin })) {
    const request = JSON.parse(line);
    try {
      say(request.prepare ? await prepare(peer, request.prepare) : { best: await time(request.ms) });
    } catch (error) {
      current = null;
      say({ error: message(error) });
    }
  }
} catch (error) {
  say({ error: message(error) });
}
