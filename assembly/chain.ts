// A chain: elementwise ops that follow one another over the same elements, tile by tile, so that what one hands to the next stays in the
// first-level cache. Header as of a map step: w4 elements, w5 operands, w6 type, w7 ops. Operands as of a map step, or REGISTER: a tile of
// the thread's own, by number. Then five words an op: its opcode and the numbers of its operands: result, a, b, c.
import { indexOf } from './gen/dispatch';
import { base, entry, fill, modeOf } from './map';
import { DIRECT, GRAIN, REGISTER, int32, spanType } from './step';
import { shiftOf } from './convert';
import { scratch } from './threads';

/** Bytes of a tile: as many as leave room for twelve in the first-level cache. */
const TILE: usize = 2048;
/** Behind the operands' addresses, at most 64. */
const TILES: usize = 4096;

/** Runs tile `tile` of chain s. */
export function chain(s: usize, tile: i32): void {
  const operands = int32(s, 20), ops = int32(s, 28), t = spanType(int32(s, 24)), shift = shiftOf(t);
  const lo = tile * GRAIN, hi = min(int32(s, 16), lo + GRAIN);
  for (let k = 0; k < operands; k++) {
    const e = entry(s, k), mode = modeOf(e), own = scratch + TILES + <usize>k * TILE;
    let at = own;
    if (mode == DIRECT) at = base(e) + (<usize>lo << shift);
    else if (mode == REGISTER) at = scratch + TILES + <usize>int32(e, 8) * TILE;
    else fill(e, own, <i32>(TILE >> shift));
    store<u32>(scratch + (<usize>k << 2), <u32>at);
  }
  const program = entry(s, operands);
  for (let left = <usize>(hi - lo) << shift; ; left -= TILE) {
    const bytes = (min(left, TILE) + 15) & -16;
    for (let p = program, end = program + <usize>ops * 20; p < end; p += 20) {
      const y = operandAt(p, 4);
      call_indirect<void>(indexOf(int32(p, 0)), t, y, operandAt(p, 8), operandAt(p, 12), operandAt(p, 16), y + bytes);
    }
    if (left <= TILE) return;
    for (let k = 0; k < operands; k++)
      if (modeOf(entry(s, k)) == DIRECT) store<u32>(scratch + (<usize>k << 2), <u32>operandOf(k) + <u32>TILE);
  }
}

@inline function operandOf(k: i32): usize { return load<u32>(scratch + (<usize>k << 2)); }
@inline function operandAt(p: usize, offset: usize): usize { return operandOf(int32(p, offset)); }
