// Convolution and its gradient with respect to the image as products of patches with packed weights. An element is its bias and the
// products in the order (tap, channel), in blocks of 512 whose sums are added in turn.
import { convolution as f } from '../../gen/fields';
import { TALL, float, int, operand } from '../../step';
import { scratch } from '../../threads';
import { packColumns, packRows, width } from '../gemm/pack';
import { tile, tile6 } from './gen/tile';
import { axis, BLOCK, LIMITS, open, PATCH, PIECES, pieces, PIXELS, setClass, ZEROS } from './window';

/** Rows of 32 bytes that packing transposes at a time. */
const ROWS: i32 = 8192;

/** The zeros from which sums start without a bias, and the limits of the activation; their address, or 0. */
export function constants<T>(s: usize): usize {
  v128.store(scratch + ZEROS, i32x4.splat(0));
  v128.store(scratch + ZEROS, i32x4.splat(0), 16);
  v128.store(scratch + LIMITS, v128.splat<T>(<T>float(s, f.low)));
  v128.store(scratch + LIMITS, v128.splat<T>(<T>float(s, f.high)), 16);
  return int(s, f.clamp) ? scratch + LIMITS : 0;
}

@inline function classes(s: usize, backward: bool): i32 {
  return backward ? int(s, f.strideD) * int(s, f.strideH) * int(s, f.strideW) : 1;
}

/** Packs one panel: width columns of the weight of one group, in the class's order of taps and channels. */
function pack<T>(s: usize, u: i32, w: usize, workspace: usize, backward: bool): void {
  const groups = int(s, f.groups), ig = int(s, f.channels) / groups, og = int(s, f.outputs) / groups;
  const columns = backward ? ig : og, run = backward ? og : ig, panels = (columns + width<T>() - 1) / width<T>();
  const q = u % classes(s, backward);
  u /= classes(s, backward);
  const taps = setClass(s, q, backward), j = u % panels * width<T>(), n = min(columns - j, width<T>());
  const area = int(s, f.kernelD) * int(s, f.kernelH) * int(s, f.kernelW), matrix = <usize>(ig * area) * sizeof<T>();
  const line = <usize>area * sizeof<T>(), columnStride = backward ? line : matrix, runStride = backward ? matrix : line;
  const dst = workspace + <usize>q * int(s, f.classBytes) + (<usize>(u * taps * run) << 5);
  w += <usize>(u / panels * og) * matrix + <usize>j * columnStride;
  if (area == 1) {
    if (!taps) return;
    if (backward) packRows<T>(run, n, w, runStride, dst, 0);
    else packColumns<T>(run, n, w, columnStride, dst, 0);
    return;
  }
  // A few channels at a time, or one and a part of its taps: transposed, then each row to its place.
  const az = axis(0), ay = axis(1), ax = axis(2), kh = int(s, f.kernelH), kw = int(s, f.kernelW);
  const most = backward ? 1 : max(1, 4096 / area);
  for (let i = 0; i < run; i += most) {
    const m = min(most, run - i);
    for (let e = 0; e < area; e += ROWS) {
      const there = min(area - e, ROWS);
      packColumns<T>(m * there, n, w + <usize>e * sizeof<T>(), columnStride, scratch + PATCH, 0);
      let to = dst + (<usize>i << 5);
      for (let z = 0; z < az.taps; z++)
        for (let y = 0; y < ay.taps; y++)
          for (let x = 0, t = az.at(z) * kh + ay.at(y); x < ax.taps; x++, to += <usize>run << 5) {
            const index = t * kw + ax.at(x) - e;
            if (<u32>index >= <u32>there) continue;
            let from = scratch + PATCH + (<usize>index << 5), row = to;
            for (let c = 0; c < m; c++, from += <usize>area << 5, row += 32) {
              v128.store(row, v128.load(from));
              v128.store(row, v128.load(from, 16), 16);
            }
          }
    }
    w += <usize>m * runStride;
  }
}

function tiles<T>(list: usize, end: usize, b: usize, at: usize, start: usize, add: bool, limits: usize, bytes: usize): void {
  let p = scratch + PIXELS;
  // A multiple of four pixels is sixes and up to two fours.
  if (FAST && load<i32>(TALL))
    for (; end - p == 48 || end - p > 64; p += 48) tile6<T>(scratch + PIECES, list, p, b, at, start, add, limits, bytes);
  for (; p < end; p += 32) tile<T>(scratch + PIECES, list, p, b, at, start, add, limits, bytes);
}

/** Computes unit u: a rectangle of pixels of one class by a range of panels. */
function product<T>(s: usize, u: i32, bias: usize, workspace: usize, backward: bool): void {
  const groups = int(s, f.groups), ig = int(s, f.channels) / groups, og = int(s, f.outputs) / groups;
  const columns = backward ? ig : og, run = backward ? og : ig, perGroup = (columns + width<T>() - 1) / width<T>();
  const step = int(s, f.panels), ranges = (perGroup * groups + step - 1) / step;
  const first = u % ranges * step, last = min(first + step, perGroup * groups);
  u /= ranges;
  const q = u % classes(s, backward), k = setClass(s, q, backward) * run;
  const end = open(
    s, u / classes(s, backward), operand(s, 1), <usize>(run * groups) * sizeof<T>(), operand(s, 0), <usize>(columns * groups) * sizeof<T>(),
    BLOCK * sizeof<T>() + 16,
  );
  const limits = constants<T>(s), merged = int(s, f.merged) != 0, panels = workspace + <usize>q * int(s, f.classBytes);
  let k0 = 0;
  do {
    const k1 = min(k, k0 + BLOCK);
    let group = -1, list: usize = 0;
    for (let p = first; p < last; p++) {
      const g = p / perGroup, j = (p - g * perGroup) * width<T>(), bytes = <usize>min(columns - j, width<T>()) * sizeof<T>();
      if (g != group) {
        list = pieces<T>(k0, k1, run, <usize>(g * run) * sizeof<T>(), merged);
        group = g;
      }
      const at = <usize>(g * columns + j) * sizeof<T>(), start = bias && !k0 ? bias + at : scratch + ZEROS;
      tiles<T>(list, end, panels + (<usize>p * k + k0 << 5), at, start, k0 > 0, k1 == k ? limits : 0, bytes);
    }
    k0 = k1;
  } while (k0 < k);
}

/** Phase 0 packs the weight, phase 1 multiplies. Operands: result, source, weight, [bias], workspace. */
export function dense<T>(s: usize, phase: i32, tile: i32, bias: usize, workspace: usize, backward: bool): void {
  const per = int(s, phase ? f.per : f.packPer), end = min((tile + 1) * per, int(s, phase ? f.units : f.packUnits));
  for (let u = tile * per; u < end; u++) {
    if (phase) product<T>(s, u, bias, workspace, backward);
    else pack<T>(s, u, operand(s, 2), workspace, backward);
  }
}
