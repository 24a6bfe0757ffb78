// Convolution and its gradient with respect to the input as matrix products: gathered patches times packed weights.
// The gradient of a strided convolution falls apart into stride x stride classes of input pixels; each sees its own taps and is a
// convolution of dy with stride 1. The order of a sum: blocks of k = (row, column, channel) of at most 256, as in matmul.
import { convolution as f } from '../../gen/fields';
import { int, operand } from '../../step';
import { scratch } from '../../threads';
import { FREE, addRow, multiply } from '../gemm/block';
import { width } from '../gemm/pack';
import { gather } from './gather';

const PIXELS: i32 = 64; // patches gathered at a time
const BLOCK: usize = FREE + 64 * 256 * 8 + 64; // after them: the products of one such block, where their rows lie apart

@inline function gcd(a: i32, b: i32): i32 {
  while (b) { const t = a % b; a = b; b = t; }
  return a;
}
/** Taps of a kernel line of length k with dilation d that meet residue a of stride s. */
@inline function taps(k: i32, d: i32, s: i32, a: i32): i32 {
  let n = 0;
  for (let r = 0; r < k; r++) n += i32((r * d) % s == a);
  return n;
}
@inline function lastTap(k: i32, d: i32, s: i32, a: i32): i32 {
  let last = 0;
  for (let r = 0; r < k; r++) if ((r * d) % s == a) last = r;
  return last;
}
/** Length of a block of k. */
@inline function blockOf(k: i32): i32 {
  const blocks = (k + 255) >> 8;
  return ((k + blocks - 1) / blocks + 7) & ~7;
}
@inline function panelOf(k: i32): usize { return (<usize>k << 5) + 64; }

/** Byte offset of the panels of class q in the workspace. */
function classStart(s: usize, q: i32, run: i32, perClass: i32): usize {
  const sh = int(s, f.strideH), sw = int(s, f.strideW);
  let at: usize = 0;
  for (let c = 0; c < q; c++) {
    const k = taps(int(s, f.kernelH), int(s, f.dilationH), sh, c / sw) * taps(int(s, f.kernelW), int(s, f.dilationW), sw, c % sw) * run;
    if (k) at += <usize>perClass * panelOf(k);
  }
  return at;
}

/** Packs one panel: width columns of the weight of one group, in the class's order of k. */
function packWeight<T>(s: usize, u: i32, w: usize, workspace: usize, backward: bool): void {
  const groups = int(s, f.groups), kh = int(s, f.kernelH), kw = int(s, f.kernelW);
  const ig = int(s, f.channels) / groups, og = int(s, f.outputs) / groups;
  const columns = backward ? ig : og, run = backward ? og : ig;
  const panels = (columns + width<T>() - 1) / width<T>();
  const inClass = u % (panels * groups), q = u / (panels * groups);
  const j0 = (inClass % panels) * width<T>(), g = inClass / panels;
  let nr = kh, ns = kw, r0 = 0, s0 = 0, rStep = 1, sStep = 1;
  if (backward) {
    const sh = int(s, f.strideH), sw = int(s, f.strideW), dh = int(s, f.dilationH), dw = int(s, f.dilationW);
    nr = taps(kh, dh, sh, q / sw);
    ns = taps(kw, dw, sw, q % sw);
    r0 = lastTap(kh, dh, sh, q / sw);
    s0 = lastTap(kw, dw, sw, q % sw);
    rStep = -(sh / gcd(dh, sh));
    sStep = -(sw / gcd(dw, sw));
  }
  const k = nr * ns * run;
  if (!k) return;
  let dst = workspace + (backward ? classStart(s, q, run, panels * groups) : 0) + <usize>inClass * panelOf(k);
  const area = <usize>(kh * kw) * sizeof<T>(), matrix = <usize>ig * area;
  const columnStride = backward ? area : matrix, runStride = backward ? matrix : area;
  w += <usize>(g * og) * matrix + <usize>j0 * columnStride;
  const n = min(columns - j0, width<T>());
  for (let r = 0; r < nr; r++)
    for (let t = 0; t < ns; t++) {
      let p = w + <usize>((r0 + r * rStep) * kw + s0 + t * sStep) * sizeof<T>();
      for (let i = 0; i < run; i++, p += runStride, dst += 32) {
        v128.store(dst, i32x4.splat(0));
        v128.store(dst, i32x4.splat(0), 16);
        for (let j = 0; j < n; j++) store<T>(dst + <usize>j * sizeof<T>(), load<T>(p + <usize>j * columnStride));
      }
    }
}

/** Computes unit u: a run of pixels by a block of columns of one group and class. */
function product<T>(s: usize, u: i32, y: usize, x: usize, bias: usize, workspace: usize, backward: bool): void {
  const groups = int(s, f.groups), kh = int(s, f.kernelH), kw = int(s, f.kernelW), sh = int(s, f.strideH), sw = int(s, f.strideW);
  const ph = int(s, f.paddingH), pw = int(s, f.paddingW), dh = int(s, f.dilationH), dw = int(s, f.dilationW);
  const ig = int(s, f.channels) / groups, og = int(s, f.outputs) / groups;
  const columns = backward ? ig : og, run = backward ? og : ig, nBlock = <i32>(1024 / sizeof<T>());
  const pixelUnits = int(s, f.pixelUnits), nBlocks = (columns + nBlock - 1) / nBlock;
  const unit = u % pixelUnits;
  u /= pixelUnits;
  const j0 = (u % nBlocks) * nBlock, nc = min(columns - j0, nBlock);
  u /= nBlocks;
  const g = u % groups, q = u / groups;

  // The source of the patches and the grid of pixels to compute.
  const sourceH = int(s, backward ? f.outHeight : f.height), sourceW = int(s, backward ? f.outWidth : f.width);
  const targetH = int(s, backward ? f.height : f.outHeight), targetW = int(s, backward ? f.width : f.outWidth);
  let gridH = targetH, gridW = targetW, nr = kh, ns = kw, stepY = sh, stepX = sw, offY = -ph, offX = -pw, tapY = dh, tapX = dw;
  let firstY = 0, firstX = 0, strideY = 1, strideX = 1;
  if (backward) {
    const a = q / sw, b = q % sw;
    nr = taps(kh, dh, sh, a);
    ns = taps(kw, dw, sw, b);
    // The first rows and columns of the class: those with (i + padding) % stride == a.
    firstY = ((a - ph) % sh + sh) % sh;
    firstX = ((b - pw) % sw + sw) % sw;
    gridH = max(0, (targetH - firstY + sh - 1) / sh);
    gridW = max(0, (targetW - firstX + sw - 1) / sw);
    offY = (firstY + ph - lastTap(kh, dh, sh, a) * dh) / sh;
    offX = (firstX + pw - lastTap(kw, dw, sw, b) * dw) / sw;
    tapY = dh / gcd(dh, sh);
    tapX = dw / gcd(dw, sw);
    strideY = sh;
    strideX = sw;
    stepY = 1;
    stepX = 1;
  }
  const k = nr * ns * run, total = int(s, f.images) * gridH * gridW, per = int(s, f.pixels);
  let at = unit * per;
  const end = min(at + per, total);
  if (at >= end) return;

  const panels = (columns + width<T>() - 1) / width<T>(), panel = panelOf(k);
  const b = workspace + (backward ? classStart(s, q, run, panels * groups) : 0) + <usize>(g * panels + j0 / width<T>()) * panel;
  const pixel = <usize>(run * groups) * sizeof<T>(), runBytes = <usize>run * sizeof<T>(), kstep = k ? blockOf(k) : 1;
  const image = <usize>(sourceH * sourceW) * pixel;
  const outPixel = <usize>(columns * groups) * sizeof<T>(), ncBytes = <usize>nc * sizeof<T>();
  x += <usize>(g * run) * sizeof<T>();
  y += <usize>(g * columns + j0) * sizeof<T>();
  if (bias) bias += <usize>(g * columns + j0) * sizeof<T>();
  const direct = strideY == 1 && strideX == 1; // results lie one after another
  const inPlace = nr == 1 && ns == 1 && gridH == sourceH && gridW == sourceW && stepY == 1 && stepX == 1 && offY == 0 && offX == 0;

  for (; at < end; at += PIXELS) {
    const count = min(end - at, PIXELS);
    const c = direct ? y + <usize>at * outPixel : scratch + BLOCK, ldc = direct ? outPixel : ncBytes;
    if (k == 0) for (let i = 0; i < count; i++) memory.fill(c + <usize>i * ldc, 0, ncBytes);
    for (let k0 = 0; k0 < k; k0 += kstep) {
      const kc = min(kstep, k - k0), rowBytes = <usize>kc * sizeof<T>(), panelK = b + (<usize>k0 << 5);
      if (inPlace) {
        multiply<T>(count, nc, kc, x + <usize>at * pixel + <usize>k0 * sizeof<T>(), pixel, false, panelK, panel, c, ldc, k0 > 0);
        continue;
      }
      let gx = at % gridW, gy = (at / gridW) % gridH, source = x + <usize>(at / gridW / gridH) * image, dst = scratch + FREE;
      for (let i = 0; i < count; i++, dst += rowBytes) {
        gather(
          source, sourceH, sourceW, pixel, gy * stepY + offY, gx * stepX + offX, ns, tapY, tapX, runBytes,
          <usize>k0 * sizeof<T>(), <usize>(k0 + kc) * sizeof<T>(), dst,
        );
        if (++gx == gridW) {
          gx = 0;
          if (++gy == gridH) { gy = 0; source += image; }
        }
      }
      multiply<T>(count, nc, kc, scratch + FREE, rowBytes, false, panelK, panel, c, ldc, k0 > 0);
    }
    if (bias) addRow<T>(count, nc, bias, c, ldc);
    if (direct) continue;
    for (let i = 0; i < count; i++) {
      const p = at + i, gx = p % gridW, gy = (p / gridW) % gridH, n = p / gridW / gridH;
      const place = (n * targetH + firstY + gy * strideY) * targetW + firstX + gx * strideX;
      memory.copy(y + <usize>place * outPixel, c + <usize>i * ldc, ncBytes);
    }
  }
}

/** Phase 0 packs the weight, phase 1 multiplies. Operands: result, source, weight, [bias], workspace. */
export function implicit<T>(s: usize, phase: i32, tile: i32, bias: usize, workspace: usize, backward: bool): void {
  const per = int(s, phase ? f.per : f.packPer), end = min((tile + 1) * per, int(s, phase ? f.units : f.packUnits));
  for (let u = tile * per; u < end; u++) {
    if (phase) product<T>(s, u, operand(s, 0), operand(s, 1), bias, workspace, backward);
    else packWeight<T>(s, u, operand(s, 2), workspace, backward);
  }
}
