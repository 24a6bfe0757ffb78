// Gradient of a convolution with respect to its weight: dy transposed times gathered patches, summed over the pixels.
// The order of a sum: chunks of pixels cut by shape, added in order; in a chunk, blocks of 128 pixels, each in the order of the pixels.
import { convolution as f } from '../../gen/fields';
import { int, operand } from '../../step';
import { scratch } from '../../threads';
import { FREE, multiply } from '../gemm/block';
import { packRow, panelBytes } from '../gemm/pack';
import { gather } from './gather';

const PIXELS: i32 = 128;
const PANELS: usize = FREE + 1024 + 64; // after one row of patches: 32 panels

/** Phase 0, unit u: [outputs of a group, a block of (row, column, channel)] over one chunk of pixels, into the workspace. */
function partial<T>(s: usize, u: i32, workspace: usize): void {
  const groups = int(s, f.groups), kh = int(s, f.kernelH), kw = int(s, f.kernelW), sh = int(s, f.strideH), sw = int(s, f.strideW);
  const ph = int(s, f.paddingH), pw = int(s, f.paddingW), height = int(s, f.height), width = int(s, f.width);
  const channels = int(s, f.channels), outputs = int(s, f.outputs), outH = int(s, f.outHeight), outW = int(s, f.outWidth);
  const ig = channels / groups, og = outputs / groups, k = kh * kw * ig;
  const nBlock = <i32>(1024 / sizeof<T>()), nBlocks = (k + nBlock - 1) / nBlock;
  const j0 = (u % nBlocks) * nBlock, nc = min(k - j0, nBlock);
  u /= nBlocks;
  const g = u % groups, chunk = u / groups, per = int(s, f.pixels);
  let at = chunk * per;
  const start = at, end = min(at + per, int(s, f.images) * outH * outW);
  const pixel = <usize>channels * sizeof<T>(), image = <usize>(height * width) * pixel, run = <usize>ig * sizeof<T>();
  const x = operand(s, 2) + <usize>g * run, lda = <usize>outputs * sizeof<T>(), dy = operand(s, 1) + <usize>(g * og) * sizeof<T>();
  const ldc = <usize>k * sizeof<T>(), c = workspace + (<usize>(chunk * outputs + g * og) * k + j0) * sizeof<T>();
  const panel = panelBytes(PIXELS);
  for (; at < end; at += PIXELS) {
    const count = min(end - at, PIXELS);
    let ox = at % outW, oy = (at / outW) % outH, source = x + <usize>(at / outW / outH) * image, dst = scratch + PANELS;
    for (let i = 0; i < count; i++, dst += 32) {
      gather(
        source, height, width, pixel, oy * sh - ph, ox * sw - pw, kw, int(s, f.dilationH), int(s, f.dilationW), run,
        <usize>j0 * sizeof<T>(), <usize>(j0 + nc) * sizeof<T>(), scratch + FREE,
      );
      packRow<T>(nc, scratch + FREE, dst, panel);
      if (++ox == outW) {
        ox = 0;
        if (++oy == outH) { oy = 0; source += image; }
      }
    }
    multiply<T>(og, nc, count, dy + <usize>at * lda, lda, true, scratch + PANELS, panel, c, ldc, at > start);
  }
}

/** Phase 1: adds the chunks of one output channel and puts them in the weight's order (channel, row, column). */
function combine<T>(s: usize, o: i32, workspace: usize): void {
  const ig = int(s, f.channels) / int(s, f.groups), area = int(s, f.kernelH) * int(s, f.kernelW), k = area * ig, chunks = int(s, f.chunks);
  const part = <usize>(int(s, f.outputs) * k) * sizeof<T>();
  let w = operand(s, 0) + <usize>(o * k) * sizeof<T>();
  for (let i = 0; i < ig; i++)
    for (let t = 0; t < area; t++, w += sizeof<T>()) {
      let p = workspace + <usize>(o * k + t * ig + i) * sizeof<T>(), sum: T = <T>0;
      for (let c = 0; c < chunks; c++, p += part) sum = <T>(sum + load<T>(p));
      store<T>(w, sum);
    }
}

/** Operands: dw, dy, x, workspace. */
export function weightGradient<T>(s: usize, phase: i32, tile: i32, workspace: usize): void {
  const per = int(s, phase ? f.packPer : f.per), end = min((tile + 1) * per, int(s, phase ? f.packUnits : f.units));
  for (let u = tile * per; u < end; u++) {
    if (phase) combine<T>(s, u, workspace);
    else partial<T>(s, u, workspace);
  }
}
