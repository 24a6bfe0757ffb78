// Matrix products. An element is the sum over blocks of k, each summed in the order of k; only products with very few rows or one
// column whose matrix lies along k sum by vector lanes instead (dots).
import { matmul as f } from '../../gen/fields';
import { F32, F64, I32, float, int, operand, type } from '../../step';
import { scratch } from '../../threads';
import { addRow, finish, multiply, multiplyInPlace } from './block';
import { dots } from './gen/tile';
import { packColumns, packRows, panelBytes, width } from './pack';

// Ways to run, chosen by ts/ops/matmul.ts.
const PACKED: i32 = 0; // phase 0 packs B into panels, phase 1 multiplies
const IN_PLACE: i32 = 1; // few rows: B, stored by rows, is read where it lies
const DOTS: i32 = 2; // up to four rows times B stored by columns
const ZEROS: i32 = 3; // no k
// and 4: integers

/** Packs unit u: 32 panels of one block of k of one matrix B. */
function pack<T>(s: usize, u: i32, b: usize, workspace: usize): void {
  const n = int(s, f.n), k = int(s, f.k), kstep = int(s, f.kstep), ks = int(s, f.bk), ns = int(s, f.bn);
  const panel = panelBytes(kstep), panels = (n + width<T>() - 1) / width<T>();
  const groups = (panels + 31) >> 5, blocks = (k + kstep - 1) / kstep;
  const first = (u % groups) << 5;
  u /= groups;
  const k0 = (u % blocks) * kstep, kc = min(kstep, k - k0);
  let matrix = u / blocks;
  const dst = workspace + (<usize>u * panels + first) * panel;
  for (let i = int(s, f.dims) - 1; i >= 0; i--) {
    if (int(s, f.p0 + i) == 0) continue;
    const size = int(s, f.size0 + i);
    b += <usize>(matrix % size) * int(s, f.b0 + i) * sizeof<T>();
    matrix /= size;
  }
  const j = first * width<T>(), columns = min(n - j, width<T>() << 5);
  b += (<usize>k0 * ks + <usize>j * ns) * sizeof<T>();
  if (ns == 1) packRows<T>(kc, columns, b, <usize>ks * sizeof<T>(), dst, panel);
  else packColumns<T>(kc, columns, b, <usize>ns * sizeof<T>(), dst, panel);
}

/** Integers, whose sums do not depend on their order: straight loops for any strides, a vector of columns at a time where b has them. */
function plain<T>(m: i32, n: i32, k: i32, a: usize, am: usize, ak: usize, b: usize, bk: usize, bn: usize, c: usize, ldc: usize): void {
  for (let i = 0; i < m; i++, a += am, c += ldc) {
    memory.fill(c, 0, <usize>n * sizeof<T>());
    let p = a, q = b;
    for (let l = 0; l < k; l++, p += ak, q += bk) {
      const x = load<T>(p);
      let y = c, r = q, j = n;
      if (bn == sizeof<T>()) {
        const xs = v128.splat<T>(x), lanes = 16 / <i32>sizeof<T>();
        for (; j >= lanes; j -= lanes, y += 16, r += 16) v128.store(y, v128.add<T>(v128.load(y), v128.mul<T>(xs, v128.load(r))));
      }
      for (; j > 0; j--, y += sizeof<T>(), r += bn) store<T>(y, load<T>(y) + x * load<T>(r));
    }
  }
}

/** Computes unit u: a block of rows by a block of columns of one product. */
function product<T>(s: usize, u: i32, y: usize, a: usize, b: usize, bias: usize, residual: usize, workspace: usize): void {
  const m = int(s, f.m), n = int(s, f.n), k = int(s, f.k), kstep = int(s, f.kstep), path = int(s, f.path);
  const mBlocks = int(s, f.mBlocks), nBlocks = int(s, f.nBlocks);
  const i0 = (u % mBlocks) * int(s, f.mBlock);
  u /= mBlocks;
  const j0 = (u % nBlocks) * int(s, f.nBlock);
  u /= nBlocks;
  const mc = min(m - i0, int(s, f.mBlock)), nc = min(n - j0, int(s, f.nBlock));
  const c = y + ((<usize>u * m + i0) * n + j0) * sizeof<T>(), ldc = <usize>n * sizeof<T>();
  let matrix = 0;
  for (let i = int(s, f.dims) - 1; i >= 0; i--) {
    const size = int(s, f.size0 + i), at = u % size;
    a += <usize>at * int(s, f.a0 + i) * sizeof<T>();
    b += <usize>at * int(s, f.b0 + i) * sizeof<T>();
    matrix += at * int(s, f.p0 + i);
    u /= size;
  }
  const am = int(s, f.am), ak = int(s, f.ak), bk = <usize>int(s, f.bk) * sizeof<T>(), bn = <usize>int(s, f.bn) * sizeof<T>();
  const byColumns = int(s, f.byColumns) != 0, lda = <usize>(byColumns ? ak : am) * sizeof<T>();
  a += <usize>i0 * am * sizeof<T>();
  b += <usize>j0 * bn;
  const aStep = <usize>kstep * ak * sizeof<T>(), bStep = <usize>kstep * bk;
  if (isInteger<T>()) plain<T>(mc, nc, k, a, <usize>am * sizeof<T>(), <usize>ak * sizeof<T>(), b, bk, bn, c, ldc);
  else if (path == DOTS) for (let i = 0; i < mc; i++) dots<T>(nc, k, a + <usize>i * lda, b, bn, c + <usize>i * ldc);
  else if (path == IN_PLACE) {
    for (let k0 = 0; k0 < k; k0 += kstep, a += aStep, b += bStep)
      multiplyInPlace<T>(mc, nc, min(kstep, k - k0), a, lda, byColumns, b, bk, c, ldc, k0 > 0);
  } else if (path == ZEROS) for (let i = 0; i < mc; i++) memory.fill(c + <usize>i * ldc, 0, <usize>nc * sizeof<T>());
  else {
    const panel = panelBytes(kstep), panels = (n + width<T>() - 1) / width<T>(), blocks = (k + kstep - 1) / kstep;
    let p = workspace + (<usize>matrix * blocks * panels + j0 / width<T>()) * panel;
    for (let k0 = 0; k0 < k; k0 += kstep, a += aStep, p += <usize>panels * panel)
      multiply<T>(mc, nc, min(kstep, k - k0), a, lda, byColumns, p, panel, c, ldc, k0 > 0);
  }
  if (!int(s, f.finish)) return;
  const swap = int(s, f.swap) != 0;
  // Swapped, the row of C is a column of the result: one bias for all.
  if (bias && !swap) bias += <usize>j0 * sizeof<T>();
  if (isInteger<T>()) {
    if (swap) for (let j = 0; j < nc; j++) addRow<T>(1, 1, bias, c + <usize>j * sizeof<T>(), 0);
    else addRow<T>(mc, nc, bias, c, ldc);
    return;
  }
  if (bias && swap) {
    v128.store(scratch + 16, v128.load_splat<T>(bias));
    bias = scratch + 16;
  }
  const added = residual ? residual + (c - y) : 0;
  finish<T>(mc, nc, c, ldc, bias, swap ? 0 : 16, added, float(s, f.alpha), float(s, f.beta), float(s, f.low), float(s, f.high));
}

function run<T>(s: usize, phase: i32, tile: i32, a: usize, b: usize, bias: usize, residual: usize, workspace: usize): void {
  const packs = int(s, f.path) == PACKED && phase == 0;
  const per = int(s, packs ? f.packPer : f.per), end = min((tile + 1) * per, int(s, packs ? f.packUnits : f.units));
  for (let u = tile * per; u < end; u++) {
    if (!packs) product<T>(s, u, operand(s, 0), a, b, bias, residual, workspace);
    else if (!isInteger<T>()) pack<T>(s, u, b, workspace);
  }
}

@inline function dispatch(s: usize, phase: i32, tile: i32, a: usize, b: usize, bias: usize, residual: usize, workspace: usize): void {
  switch (type(s)) {
    case F32: { run<f32>(s, phase, tile, a, b, bias, residual, workspace); return; }
    case F64: { run<f64>(s, phase, tile, a, b, bias, residual, workspace); return; }
    case I32: { run<i32>(s, phase, tile, a, b, bias, residual, workspace); return; }
    default: run<i64>(s, phase, tile, a, b, bias, residual, workspace);
  }
}

export function matmul(s: usize, phase: i32, tile: i32): void {
  const swap = int(s, f.swap);
  dispatch(s, phase, tile, operand(s, 1 + swap), operand(s, 2 - swap), 0, 0, operand(s, 3));
}

/** The fields are matmul's. */
export function linear(s: usize, phase: i32, tile: i32): void {
  const swap = int(s, f.swap);
  dispatch(s, phase, tile, operand(s, 1 + swap), operand(s, 2 - swap), operand(s, 3), operand(s, 4), operand(s, 5));
}
