// The base of stand-alone modules: the interpreter and all kernels for one thread over a memory of their own. ts/export puts a plan into
// that memory and strips what it does not use.
import { chain } from './chain';
import { SPANS, indexOf, layout } from './gen/dispatch';
import { map } from './map';
import { F16, F32, F64, BF16 } from './step';
import { run as interpret } from './run';
import { setScratch, statusDetail } from './threads';

export { chain, map, statusDetail as error_detail };
/** Quantised kernels: a plan that uses one gets it a place in the function table (ts/export/strip.ts). */
export * from './quant';

/** Words that ts/export/image.ts writes: steps, their count, forms, their count, scratch, tensors, inputs, outputs. */
const PLAN: usize = 64;
@inline function word(i: usize): u32 { return load<u32>(PLAN + (i << 2)); }
@inline function steps(): usize { return word(0); }
@inline function count(): i32 { return <i32>word(1); }
@inline function forms(): usize { return word(2); }
@inline function formsEnd(): usize { return forms() + (<usize>word(3) << 2); }
@inline function scratchAt(): usize { return word(4); }
@inline function inputCount(): i32 { return <i32>word(6); }
@inline function outputCount(): i32 { return <i32>word(7); }
/** Tensor i, inputs first: address, bytes, dtype. */
@inline function tensor(i: i32): usize { return <usize>word(5) + <usize>i * 12; }
@inline function addressOf(i: i32): usize { return load<u32>(tensor(i)); }
@inline function bytesOf(i: i32): i32 { return load<i32>(tensor(i), 4); }
@inline function dtypeOf(i: i32): i32 { return load<i32>(tensor(i), 8); }
@inline function isInput(i: i32): bool { return <u32>i < <u32>inputCount(); }
@inline function isOutput(i: i32): bool { return <u32>i < <u32>outputCount(); }

/** How many inputs and outputs there are, where they lie, and how many bytes they have; 0 for a number that none has. */
export function inputs(): i32 { return inputCount(); }
export function outputs(): i32 { return outputCount(); }
export function input_address(i: i32): usize { return isInput(i) ? addressOf(i) : 0; }
export function input_bytes(i: i32): i32 { return isInput(i) ? bytesOf(i) : 0; }
export function output_address(i: i32): usize { return isOutput(i) ? addressOf(inputCount() + i) : 0; }
export function output_bytes(i: i32): i32 { return isOutput(i) ? bytesOf(inputCount() + i) : 0; }

/** Runs the plan over what lies in the inputs; 0, or 1 for an index out of range (`error_detail` is the index). */
export function run(): i32 {
  layout();
  setScratch(scratchAt());
  const status = interpret(steps(), count());
  if (status != 0) return status;
  // Weights are packed now: their phases have no tiles any more.
  for (let p = forms(); p < formsEnd(); p += 4) store<u32>(load<u32>(p), 0);
  for (let i = inputCount(); i < inputCount() + outputCount(); i++) canonical(addressOf(i), bytesOf(i), dtypeOf(i));
  return 0;
}

/** Gives NaNs, whose bits engines choose, the bits of the one NaN. */
function canonical(p: usize, bytes: i32, dtype: i32): void {
  const end = p + <usize>bytes;
  if (dtype == F32) {
    for (; p < end; p += 4) if ((load<u32>(p) & 0x7fffffff) > 0x7f800000) store<u32>(p, 0x7fc00000);
  } else if (dtype == F64) {
    for (; p < end; p += 8) if ((load<u64>(p) & 0x7fffffffffffffff) > 0x7ff0000000000000) store<u64>(p, 0x7ff8000000000000);
  } else if (dtype == F16) {
    for (; p < end; p += 2) if ((load<u16>(p) & 0x7fff) > 0x7c00) store<u16>(p, 0x7e00);
  } else if (dtype == BF16) {
    for (; p < end; p += 2) if ((load<u16>(p) & 0x7fff) > 0x7f80) store<u16>(p, 0x7fc0);
  }
}

// @ts-ignore: decorator
@external('wasi_snapshot_preview1', 'fd_read')
declare function fd_read(fd: i32, parts: usize, count: i32, done: usize): i32;
// @ts-ignore: decorator
@external('wasi_snapshot_preview1', 'fd_write')
declare function fd_write(fd: i32, parts: usize, count: i32, done: usize): i32;
// @ts-ignore: decorator
@external('wasi_snapshot_preview1', 'proc_exit')
declare function proc_exit(code: i32): void;

/** A buffer as WASI has it (address, bytes) and how many bytes were moved. */
const PART: usize = 128;
const DONE: usize = 136;

/** Moves all bytes at p; how many there were before the end. */
function move(out: bool, p: usize, bytes: i32): i32 {
  let moved = 0;
  while (moved < bytes) {
    store<u32>(PART, <u32>p + moved);
    store<u32>(PART, bytes - moved, 4);
    const error = out ? fd_write(1, PART, 1, DONE) : fd_read(0, PART, 1, DONE);
    if (error != 0) proc_exit(74);
    const n = load<i32>(DONE);
    if (n == 0) break;
    moved += n;
  }
  return moved;
}

/**
 * Reads the inputs from standard input, runs, writes the outputs, until there is no more input (once where the plan has none). Exits with
 * 65 where the input ends in the middle, with 70 where an index was out of range.
 */
export function _start(): void {
  let total = 0;
  for (let i = 0; i < inputCount(); i++) total += bytesOf(i);
  do {
    let got = 0;
    for (let i = 0; i < inputCount(); i++) got += move(false, addressOf(i), bytesOf(i));
    if (got < total) {
      if (got > 0) proc_exit(65);
      return;
    }
    if (run() != 0) proc_exit(70);
    for (let i = inputCount(); i < inputCount() + outputCount(); i++) move(true, addressOf(i), bytesOf(i));
  } while (total > 0);
}
