// The interpreter: runs steps laid end to end in linear memory. Eager work is one step, a plan is many.
import { chain } from './chain';
import { SPANS, indexOf, layout } from './gen/dispatch';
import { dense, map } from './map';
import { CHAIN, length, opcode, phases, tiles } from './step';
import { failed, fork, shares, takeStatus } from './threads';

/** Runs one tile of one phase of the step at s. */
export function execute(s: usize, phase: i32, tile: i32): void {
  const op = opcode(s);
  const fn = indexOf(op);
  if (op < SPANS) map(s, tile, fn);
  else if (op == CHAIN) chain(s, tile);
  else call_indirect<void>(fn, s, phase, tile);
}

let mayWait: bool = false;

/** Says whether this thread may sleep in a wait (a browser's main thread may not). */
export function start(canWait: i32): void {
  layout();
  mayWait = canWait != 0;
}

let left: i32 = 0;
/** Steps that the last run had not done when an error stopped it, the failed one included. */
export function stepsLeft(): i32 { return left; }

/** Runs `count` steps from address s up to the first that fails; 0, or its code. */
export function run(s: usize, count: i32): i32 {
  for (; count > 0 && !failed(); s += length(s), count--) {
    const n = phases(s);
    for (let p = 0; p < n; p++) {
      const t = tiles(s, p);
      if (SOLO) {
        for (let i = 0; i < t; i++) execute(s, p, i);
      } else if (t > 1 && shares()) fork(s, p, t, mayWait);
      else for (let i = 0; i < t; i++) execute(s, p, i);
    }
    left = count;
  }
  return takeStatus();
}

/** Runs an elementwise op without a step: see `dense`. */
export function span(op: i32, t: i32, y: usize, a: usize, b: usize, c: usize, bytes: usize, x: f64): void {
  dense(indexOf(op), t, y, a, b, c, bytes, x);
}
