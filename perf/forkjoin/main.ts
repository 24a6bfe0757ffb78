// The round trip of an empty parallel region on two threads: from this thread into the pool, a tile on each, and back.

import { fromBase64 } from '../../ts/base/base64.ts';
import { joinKernels } from '../../ts/tensor/joined.ts';
import { Engine } from '../../ts/wasm/engine.ts';

/** Milliseconds of each of the two measurements, those at most while other programs have the cores, and regions of a batch. */
const TIME = 2000;
const LONGEST = 20_000;
const REGIONS = 20;
/** Turns that a tile waits for the other one: some 40 us, and some 600 us, as waking a thread takes longer. */
const AWAKE_TURNS = 20_000;
const ASLEEP_TURNS = 300_000;

/** Microseconds of a region: least and median of batches, with the worker still awake from the last one, and after it fell asleep. */
export interface Trips {
  readonly awake: readonly [least: number, median: number];
  readonly asleep: readonly [least: number, median: number];
}

/** Measures with a tile that waits for its neighbour (kernel.wat, compiled, in base64). @throws where no second thread takes part */
export async function main(kernel: string): Promise<Trips> {
  const engine = new Engine();
  const { exports } = engine.loaded;
  const { memory, pool } = engine;
  pool.set(2);
  pool.ensure();
  for (const end = performance.now() + 5000; pool.ready < 1; ) {
    if (performance.now() > end) throw new Error(`no second thread: ${pool.reason}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }

  const { meet, busy } = joinKernels(engine, fromBase64(kernel)) as { meet: number; busy: number };
  const step = memory.allocRaw(64);
  const at = step >> 2;
  memory.u32.set([meet, 44, 1, 2, 0, 0, 0, 0, 0, 0, AWAKE_TURNS], at);
  // Long tiles: an operating system that put both threads on one core has time to move one.
  const spread = (): void => {
    memory.u32[at] = busy;
    memory.u32[at + 8] = 1;
    exports.run(step, 1);
    memory.u32[at] = meet;
  };

  const region = (): void => {
    memory.u32[at + 8] = 0;
    exports.run(step, 1);
  };
  const batches = (measure: () => number): [number, number] => {
    const times: number[] = [];
    spread();
    const start = performance.now();
    for (let t = start; t < start + (times.length > 0 ? TIME : LONGEST); t = performance.now()) {
      const time = measure();
      // A region that one thread ran alone is none.
      if (memory.u32[at + 9] === 0) times.push(time);
      else spread();
      memory.u32[at + 9] = 0;
    }
    if (times.length === 0) throw new Error('the second thread never took part');
    times.sort((a, b) => a - b);
    return [times[0], times[times.length >> 1]];
  };
  const awake = batches(() => {
    for (let i = 0; i < 5; i++) region();
    memory.u32[at + 9] = 0;
    const start = performance.now();
    for (let i = 0; i < REGIONS; i++) region();
    return ((performance.now() - start) * 1000) / REGIONS;
  });
  memory.u32[at + 10] = ASLEEP_TURNS;
  const asleep = batches(() => {
    let sum = 0;
    for (let i = 0; i < 20; i++) {
      for (const end = performance.now() + 0.3; performance.now() < end; );
      const start = performance.now();
      region();
      sum += performance.now() - start;
    }
    return (sum * 1000) / 20;
  });
  return { awake, asleep };
}
