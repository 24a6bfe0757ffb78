// Gradient of a convolution with respect to its weight: dy transposed times patches, which are read where they lie.
// The order of a sum: chunks of units cut by shape, added in order; in a chunk the order of the units and of their pixels.
import { convolution as f } from '../../gen/fields';
import { int, operand } from '../../step';
import { scratch } from '../../threads';
import { width } from '../gemm/pack';
import { weightTile } from './gen/tile';
import { axis, BLOCK, open, PIECES, pieces, PIXELS, setClass } from './window';

/** Channels of one piece of a patch, and the room it takes in a row of sums: whole panels. */
@inline function length(s: usize, run: i32): i32 { return int(s, f.merged) ? int(s, f.kernelW) * run : run; }
@inline function room<T>(n: i32): i32 { return (n + width<T>() - 1) & -width<T>(); }

/** Phase 0, unit u: a range of fours of outputs over one chunk, into the workspace [chunk][group][outputs in fours][piece][room]. */
function partial<T>(s: usize, u: i32, workspace: usize): void {
  const groups = int(s, f.groups), ig = int(s, f.channels) / groups, og = int(s, f.outputs) / groups, fours = (og + 3) >> 2;
  const step = int(s, f.panels), ranges = (fours * groups + step - 1) / step;
  const from = u % ranges * step, to = min(from + step, fours * groups);
  u /= ranges;
  const area = setClass(s, 0, false), run = length(s, ig), n = area * ig / run, spaced = room<T>(run);
  const ldc = <usize>(n * spaced) * sizeof<T>(), slice = workspace + <usize>u * int(s, f.classBytes), merged = int(s, f.merged) != 0;
  const per = int(s, f.per), first = u * per, last = min(first + per, int(s, f.units));
  for (let unit = first; unit < last; unit++) {
    open(
      s, unit, operand(s, 2), <usize>(ig * groups) * sizeof<T>(),
      operand(s, 1), <usize>(og * groups) * sizeof<T>(), BLOCK * sizeof<T>() + 16,
    );
    const count = axis(1).count * axis(2).count;
    for (let at = from; at < to; ) {
      const g = at / fours, o0 = at - g * fours, o1 = min(fours, to - g * fours);
      for (let t = 0; t < n; t++)
        for (let k = 0; k < run; k += BLOCK) {
          const k1 = min(run, k + BLOCK);
          pieces<T>(t * run + k, t * run + k1, ig, <usize>(g * ig) * sizeof<T>(), merged);
          const source = load<usize>(scratch + PIECES);
          for (let j = k; j < k1; j += width<T>())
            for (let o = o0; o < o1; o++)
              weightTile<T>(
                count, scratch + PIXELS, <usize>(g * og + 4 * o) * sizeof<T>(), source + <usize>(j - k) * sizeof<T>(),
                slice + <usize>((g * fours + o) << 2) * ldc + <usize>(t * spaced + j) * sizeof<T>(), ldc, unit > first,
              );
        }
      at += o1 - o0;
    }
  }
}

/** Phase 1: adds the chunks of output o and puts them in the weight's order (channel, tap). */
function combine<T>(s: usize, o: i32, workspace: usize): void {
  const ig = int(s, f.channels) / int(s, f.groups), og = int(s, f.outputs) / int(s, f.groups);
  const area = int(s, f.kernelD) * int(s, f.kernelH) * int(s, f.kernelW), run = length(s, ig), spaced = room<T>(run);
  const chunks = int(s, f.chunks), slice = <usize>int(s, f.classBytes), across = run / ig;
  const row = workspace + <usize>((o / og * ((og + 3) & ~3) + o % og) * (area / across) * spaced) * sizeof<T>();
  const w = operand(s, 0) + <usize>(o * ig * area) * sizeof<T>(), step = <usize>area * sizeof<T>();
  for (let t = 0; t < area; t++) {
    let to = w + <usize>t * sizeof<T>(), from = row + <usize>(t / across * spaced + t % across * ig) * sizeof<T>();
    for (let i = 0; i < ig; i++, to += step, from += sizeof<T>()) {
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
