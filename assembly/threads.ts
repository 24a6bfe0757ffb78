// The fork-join pool. One job at a time: a phase of a step, cut into tiles that threads claim from a shared ticket.
// The ticket is (job number << 32 | next tile). A job is opened in three writes: the ticket of the new job, closed; its fields; the
// ticket, open. A thread that claimed from an older job sees the number change and lets go, so no tile runs twice.
import { execute } from './run';
import { CONTROL, JOINED } from './step';

const TICKET: usize = CONTROL;
const JOB: usize = CONTROL + 64; // step, phase, tiles
const DONE: usize = CONTROL + 128; // finished tiles of this job
const MAIN: usize = CONTROL + 132; // 1 while the main thread sleeps on DONE
const READY: usize = CONTROL + 192; // workers that take part
const ASLEEP: usize = CONTROL + 256; // workers that sleep on the ticket
const LIMIT: usize = CONTROL + 320; // threads that may take part, this one included
const STATUS: usize = CONTROL + 384; // first error of a run, and one detail
const SPIN: i32 = 2000;
/** Milliseconds of forks that one judgement of the threads looks at, and the first pause of threads that did not pay. */
const WINDOW: f64 = 10;
const PAUSE: f64 = 100;
const LONGEST: f64 = 3200;
/** What threads must gain to stay: a fork also takes other programs' time. */
const GAIN: f64 = 1.05;
const CLOSED: i32 = 0x40000000;

/** This thread's fixed scratch; every instance has its own copy of this global. */
export let scratch: usize = 0;
export const SCRATCH: i32 = 1 << 19;
export function setScratch(p: usize): void { scratch = p; }

/** Records the first error of a run; `detail` is an index, a size or an address that the host's message names. */
export function fail(code: i32, detail: i32): void {
  if (SOLO) {
    if (load<i32>(STATUS) != 0) return;
    store<i32>(STATUS, code);
    store<i32>(STATUS, detail, 4);
  } else if (atomic.cmpxchg<i32>(STATUS, 0, code) == 0) store<i32>(STATUS, detail, 4);
}
/** Whether an error was recorded in this run: phases that write after a check do nothing then. */
export function failed(): bool {
  if (SOLO) return load<i32>(STATUS) != 0;
  return atomic.load<i32>(STATUS) != 0;
}
/** The first error since the last call; 0: none. The workers have joined when it is asked. */
export function takeStatus(): i32 {
  const code = load<i32>(STATUS);
  if (code != 0) store<i32>(STATUS, 0);
  return code;
}
export function statusDetail(): i32 { return load<i32>(STATUS, 4); }

/** Milliseconds on a steady clock of the host. */
// @ts-ignore: decorator
@external('env', 'now')
declare function now(): f64;

/** Brings the functions of the module at JOINED into this instance's table. */
// @ts-ignore: decorator
@external('env', 'join')
declare function join(): void;
let joined: u32 = 0; // the module that this instance has

let spent: f64 = 0; // in forks of this window
let alone: f64 = 0; // what this thread would have needed for them by the pace of its own tiles
let pause: f64 = PAUSE;
let until: f64 = 0;

/** Pauses the workers when forks take longer than this thread alone would, which is so when they share its core with others. */
function judge(time: f64, waited: f64, own: i32, tiles: i32): void {
  spent += time;
  alone += own > 0 ? (time - waited) * tiles / own : time;
  if (spent < WINDOW) return;
  if (alone < spent * GAIN) {
    until = now() + pause;
    pause = min(pause * 2, LONGEST);
  } else pause = PAUSE;
  spent = 0;
  alone = 0;
}
/** Whether a phase of many tiles is shared with the workers at this moment. */
export function shares(): bool {
  if (workers() <= 0) return false;
  if (until == 0) return true;
  if (now() < until) return false;
  until = 0;
  return true;
}

/** Runs tiles until none is left; how many. */
function work(): i32 {
  let own = 0;
  while (true) {
    const claim = atomic.add<i64>(TICKET, 1);
    // Atomic loads: the check of the ticket below must not overtake them.
    const s = <usize>atomic.load<u32>(JOB);
    const phase = atomic.load<i32>(JOB, 4);
    const tiles = atomic.load<i32>(JOB, 8);
    const tile = <i32>claim;
    if (atomic.load<i32>(TICKET + 4) != <i32>(claim >> 32) || tile >= tiles) return own;
    const module = load<u32>(JOINED);
    if (module != joined) {
      joined = module;
      join();
    }
    execute(s, phase, tile);
    own++;
    if (atomic.add<i32>(DONE, 1) + 1 == tiles && atomic.load<i32>(MAIN)) atomic.notify(DONE, 1);
  }
}

/** Runs all tiles of a phase on this thread and on every worker that is awake in time. */
export function fork(s: usize, phase: i32, tiles: i32, mayWait: bool): void {
  const start = now();
  const job = atomic.load<i32>(TICKET + 4) + 1;
  atomic.store<i64>(TICKET, (<i64>job << 32) | <i64>CLOSED);
  atomic.store<u32>(JOB, <u32>s);
  atomic.store<i32>(JOB, phase, 4);
  atomic.store<i32>(JOB, tiles, 8);
  atomic.store<i32>(DONE, 0);
  atomic.store<i64>(TICKET, <i64>job << 32);
  if (atomic.load<i32>(ASLEEP) > 0) atomic.notify(TICKET + 4, min(tiles - 1, atomic.load<i32>(READY)));
  const own = work();
  const finished = now();
  let turns = SPIN;
  while (true) {
    const done = atomic.load<i32>(DONE);
    if (done == tiles) break;
    if (turns > 0 || !mayWait) { turns--; continue; }
    atomic.store<i32>(MAIN, 1);
    if (atomic.load<i32>(DONE) == done) atomic.wait<i32>(DONE, done, 1000000);
    atomic.store<i32>(MAIN, 0);
  }
  const end = now();
  judge(end - start, end - finished, own, tiles);
}

/** Workers that take part. */
export function workers(): i32 { return min(atomic.load<i32>(READY), atomic.load<i32>(LIMIT) - 1); }
/** Lets n threads take part from the next phase on; a worker whose number is n or more stays asleep. */
export function setThreads(n: i32): void { atomic.store<i32>(LIMIT, n); }

/** The life of worker `id` (1 and up): wait for a job, take part, wait again. It does not return. */
export function serve(id: i32): void {
  atomic.add<i32>(READY, 1);
  let seen = atomic.load<i32>(TICKET + 4);
  while (true) {
    // A ticket that is still closed is waited for too: its number is seen before its tiles can be claimed.
    let turns = SPIN;
    let ticket = atomic.load<i64>(TICKET);
    while (<i32>(ticket >> 32) == seen || <i32>ticket >= CLOSED) {
      if (turns > 0) turns--;
      else if (<i32>(ticket >> 32) == seen) {
        atomic.add<i32>(ASLEEP, 1);
        atomic.wait<i32>(TICKET + 4, seen, -1);
        atomic.sub<i32>(ASLEEP, 1);
      }
      ticket = atomic.load<i64>(TICKET);
    }
    seen = <i32>(ticket >> 32);
    if (id < atomic.load<i32>(LIMIT)) work();
  }
}

/** Called for a worker whose tile trapped: the tile counts as finished, the run as failed, the worker as gone. */
export function abandon(code: i32): void {
  fail(code, 0);
  atomic.sub<i32>(READY, 1);
  atomic.add<i32>(DONE, 1);
  atomic.notify(DONE, 1);
}
