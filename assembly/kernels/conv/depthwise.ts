// Convolution with one input and one output per group, vectorised over channels: forward, gradient of the image, gradient of the weight.
// An element is its bias, then the taps in their order.
import { convolution as f } from '../../gen/fields';
import { int, operand } from '../../step';
import { scratch } from '../../threads';
import { mac } from '../mac';
import { constants } from './dense';
import { depthwiseTile } from './gen/tile';
import { axis, BLOCK, open, PIECES, pieces, PIXELS, setClass, tapIndex, ZEROS } from './window';

/** Bytes of a row of weights: channels in pairs of vectors. */
@inline function padded<T>(channels: i32): usize { return (<usize>channels * sizeof<T>() + 31) & ~31; }

/** Lists taps t0 to t1 as pairs of source offset and row of the table at `rows`; returns the end of the list. */
function list<T>(s: usize, t0: i32, t1: i32, rows: usize, line: usize): usize {
  const channels = int(s, f.channels);
  let end = int(s, f.gather) ? pieces<T>(t0 * channels, t1 * channels, channels, 0, false) : pieces<T>(t0, t1, 1, 0, false);
  for (let p = scratch + PIECES; p < end; p += 8) store<usize>(p, rows + <usize>tapIndex(s, t0++) * line, 4);
  return end;
}

/** Phase 0 turns the weight to [tap, channel]; phase 1 computes units. Operands: result, source, weight, [bias], workspace. */
export function depthwise<T>(s: usize, phase: i32, tile: i32, bias: usize, workspace: usize, backward: bool): void {
  const channels = int(s, f.channels), area = int(s, f.kernelD) * int(s, f.kernelH) * int(s, f.kernelW), line = padded<T>(channels);
  if (phase == 0) {
    let w = operand(s, 2);
    for (let c = 0; c < channels; c++)
      for (let t = 0; t < area; t++, w += sizeof<T>()) store<T>(workspace + <usize>t * line + <usize>c * sizeof<T>(), load<T>(w));
    return;
  }
  const classes = backward ? int(s, f.strideD) * int(s, f.strideH) * int(s, f.strideW) : 1, bytes = <usize>channels * sizeof<T>();
  const per = int(s, f.per), last = min((tile + 1) * per, int(s, f.units)), most = int(s, f.gather) ? 1 : BLOCK, limits = constants<T>(s);
  for (let u = tile * per; u < last; u++) {
    const taps = setClass(s, u % classes, backward), end = open(s, u / classes, operand(s, 1), bytes, operand(s, 0), bytes, bytes + 16);
    let t = 0;
    do {
      const next = min(t + most, taps), tail = list<T>(s, t, next, workspace, line), start: usize = t ? 0 : bias ? bias : scratch + ZEROS;
      for (let p = scratch + PIXELS; p < end; p += 32)
        depthwiseTile<T>(scratch + PIECES, tail, p, bytes, start, start == bias ? 32 : 0, next == taps ? limits : 0);
      t = next;
    } while (t < taps);
  }
}

/** Phase 0: sums over a chunk of units, [chunk, tap, channel] in the workspace; phase 1 adds the chunks in order. */
export function depthwiseWeight<T>(s: usize, phase: i32, tile: i32, workspace: usize): void {
  const channels = int(s, f.channels), area = setClass(s, 0, false), line = padded<T>(channels), bytes = <usize>channels * sizeof<T>();
  const chunks = int(s, f.chunks), slice = <usize>area * line;
  if (phase) {
    let w = operand(s, 0);
    for (let c = 0; c < channels; c++)
      for (let t = 0; t < area; t++, w += sizeof<T>()) {
        let p = workspace + <usize>t * line + <usize>c * sizeof<T>(), sum: T = <T>0;
        for (let i = 0; i < chunks; i++, p += slice) sum = <T>(sum + load<T>(p));
        store<T>(w, sum);
      }
    return;
  }
  const per = int(s, f.per), last = min((tile + 1) * per, int(s, f.units)), sums = workspace + <usize>tile * slice;
  const most = int(s, f.gather) ? 1 : BLOCK;
  memory.fill(sums, 0, slice);
  for (let u = tile * per; u < last; u++) {
    open(s, u, operand(s, 2), bytes, operand(s, 1), bytes, bytes + 16);
    const end = scratch + PIXELS + (<usize>(axis(1).count * axis(2).count) << 3);
    for (let t = 0; t < area; t += most) {
      const tail = list<T>(s, t, min(t + most, area), sums, line);
      // Two taps at a time; an odd last one is paired with itself, into the scratch.
      for (let p = scratch + PIECES; p < tail; p += 16) {
        const r = p + 8 < tail ? p + 8 : p;
        for (let c: usize = 0; c < bytes; c += 32) {
          const one = load<usize>(p) + c, two = load<usize>(r) + c;
          const sum = load<usize>(p, 4) + c, other = r == p ? scratch : load<usize>(r, 4) + c;
          let a0 = v128.load(sum), a1 = v128.load(sum, 16), b0 = v128.load(other), b1 = v128.load(other, 16);
          for (let q = scratch + PIXELS; q < end; q += 8) {
            const x = load<usize>(q), y = load<usize>(q, 4) + c, y0 = v128.load(y), y1 = v128.load(y, 16);
            const v = x + one, w = x + two;
            a0 = mac<T>(a0, v128.load(v), y0);
            a1 = mac<T>(a1, v128.load(v, 16), y1);
            b0 = mac<T>(b0, v128.load(w), y0);
            b1 = mac<T>(b1, v128.load(w, 16), y1);
          }
          v128.store(sum, a0);
          v128.store(sum, a1, 16);
          v128.store(other, b0);
          v128.store(other, b1, 16);
        }
      }
    }
  }
}
