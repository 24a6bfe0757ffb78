// Gradient of a convolution with respect to its weight: dy transposed times patches, which are read where they lie.
// The order of a sum: chunks of units cut by shape, added in order; in a chunk the order of the units and of their pixels.
import { convolution as f } from '../../gen/fields';
import { int, operand } from '../../step';
import { scratch } from '../../threads';
import { width } from '../gemm/pack';
import { weightTile } from './gen/tile';
import { axis, BLOCK, open, PIECES, pieces, PIXELS, setClass } from './window';

/** Channels of one piece of a patch. */
@inline function length(s: usize, run: i32): i32 { return int(s, f.merged) ? int(s, f.kernelW) * run : run; }
@inline function room(n: i32, m: i32): i32 { return (n + m - 1) & -m; }

/**
 * Phase 0, unit u: a range of blocks of outputs over one chunk, into the workspace: [chunk][group][outputs][piece][channels], in tiles of
 * four outputs by a panel of channels; swapped, [chunk][group][piece][channels][outputs], in tiles of four channels by a panel of outputs.
 */
function partial<T>(s: usize, u: i32, workspace: usize): void {
  const groups = int(s, f.groups), ig = int(s, f.channels) / groups, og = int(s, f.outputs) / groups, swapped = int(s, f.swapped) != 0;
  const outs = swapped ? width<T>() : 4, ins = swapped ? 4 : width<T>(), blocks = (og + outs - 1) / outs;
  const step = int(s, f.panels), ranges = (blocks * groups + step - 1) / step;
  const from = u % ranges * step, to = min(from + step, blocks * groups);
  u /= ranges;
  const area = setClass(s, 0, false), run = length(s, ig), n = area * ig / run, spaced = room(run, ins), rows = room(og, outs);
  const ldc = <usize>(swapped ? rows : n * spaced) * sizeof<T>(), slice = workspace + <usize>u * int(s, f.classBytes);
  const per = int(s, f.per), first = u * per, last = min(first + per, int(s, f.units)), merged = int(s, f.merged) != 0;
  for (let unit = first; unit < last; unit++) {
    const end = open(
      s, unit, operand(s, 2), <usize>(ig * groups) * sizeof<T>(),
      operand(s, 1), <usize>(og * groups) * sizeof<T>(), BLOCK * sizeof<T>() + 16,
    );
    const count = axis(1).count * axis(2).count;
    if (swapped) for (let p = scratch + PIXELS; p < end; p += 8) store<u64>(p, rotl<u64>(load<u64>(p), 32));
    for (let at = from; at < to; ) {
      const g = at / blocks, o0 = at - g * blocks, o1 = min(blocks, to - g * blocks);
      for (let t = 0; t < n; t++)
        for (let k = 0; k < run; k += BLOCK) {
          const k1 = min(run, k + BLOCK);
          pieces<T>(t * run + k, t * run + k1, ig, <usize>(g * ig) * sizeof<T>(), merged);
          const piece = load<usize>(scratch + PIECES);
          for (let j = k; j < k1; j += ins)
            for (let b = o0; b < o1; b++) {
              const o = b * outs, row = t * spaced + j, dy = <usize>(g * og + o) * sizeof<T>(), x = piece + <usize>(j - k) * sizeof<T>();
              const place = swapped ? (g * n * spaced + row) * rows + o : (g * rows + o) * n * spaced + row;
              weightTile<T>(
                count, scratch + PIXELS, swapped ? x : dy, swapped ? dy : x,
                slice + <usize>place * sizeof<T>(), ldc, unit > first,
              );
            }
        }
      at += o1 - o0;
    }
  }
}

/** Phase 1: adds the chunks of output o and puts them in the weight's order (channel, tap). */
function combine<T>(s: usize, o: i32, workspace: usize): void {
  const ig = int(s, f.channels) / int(s, f.groups), og = int(s, f.outputs) / int(s, f.groups), swapped = int(s, f.swapped) != 0;
  const area = int(s, f.kernelD) * int(s, f.kernelH) * int(s, f.kernelW), run = length(s, ig), across = run / ig;
  const spaced = room(run, swapped ? 4 : width<T>()), rows = room(og, swapped ? width<T>() : 4), all = area / across * spaced;
  const chunks = int(s, f.chunks), slice = <usize>int(s, f.classBytes), g = o / og;
  const inner: usize = (swapped ? <usize>rows : 1) * sizeof<T>();
  const row = workspace + <usize>(swapped ? g * all * rows + o % og : (g * rows + o % og) * all) * sizeof<T>();
  const w = operand(s, 0) + <usize>(o * ig * area) * sizeof<T>(), step = <usize>area * sizeof<T>();
  for (let t = 0; t < area; t++) {
    let to = w + <usize>t * sizeof<T>(), from = row + <usize>(t / across * spaced + t % across * ig) * inner;
    for (let i = 0; i < ig; i++, to += step, from += inner) {
      let sum: T = <T>0;
      for (let c = 0, p = from; c < chunks; c++, p += slice) sum = <T>(sum + load<T>(p));
      store<T>(to, sum);
    }
  }
}

/** Operands: dw, dy, x, workspace. */
export function weightGradient<T>(s: usize, phase: i32, tile: i32, workspace: usize): void {
  if (phase == 0) {
    partial<T>(s, tile, workspace);
    return;
  }
  const per = int(s, f.packPer), end = min((tile + 1) * per, int(s, f.packUnits));
  for (let o = tile * per; o < end; o++) combine<T>(s, o, workspace);
}
