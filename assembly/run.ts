// The interpreter: runs steps laid end to end in linear memory. Eager work is one step, a plan is many.
import { KERNELS, SPANS, install } from './gen/dispatch';
import { map } from './map';
import { length, opcode, phases, tiles } from './step';
import { fork, workers } from './threads';

/** Runs one tile of one phase of the step at s. */
export function execute(s: usize, phase: i32, tile: i32): void {
  const op = opcode(s);
  const fn = load<i32>(KERNELS + (<usize>op << 2));
  if (op < SPANS) map(s, tile, fn);
  else call_indirect<void>(fn, s, phase, tile);
}

let executeIndex: i32 = 0;
let mayWait: bool = false;

/** Fills the dispatch table (every instance writes the same words) and remembers whether this thread may sleep. */
export function start(canWait: i32): void {
  install();
  executeIndex = execute.index;
  mayWait = canWait != 0;
}
export function executor(): i32 { return executeIndex; }

/** Runs `count` steps from address s. */
export function run(s: usize, count: i32): void {
  for (; count > 0; count--) {
    const n = phases(s);
    for (let p = 0; p < n; p++) {
      const t = tiles(s, p);
      if (t > 1 && workers() > 0) fork(s, p, t, executeIndex, mayWait);
      else for (let i = 0; i < t; i++) execute(s, p, i);
    }
    s += length(s);
  }
}
