// Products of matrices of bytes, exact in int32: both are widened to 16 bits less their zero points, in pairs along k, and one
// instruction multiplies and adds a pair for each of four columns.
import { intMm as f } from '../../gen/fields';
import { I8, dtype, int, operand } from '../../step';
import { scratch } from '../../threads';

/** Rows and panels that one unit packs. */
const GROUP: i32 = 16;

/** Eight bytes as 16-bit integers less z. */
@inline function widen(p: usize, signed: bool, z: v128): v128 {
  const x = v128.load64_zero(p);
  return i16x8.sub(signed ? i16x8.extend_low_i8x16_s(x) : i16x8.extend_low_i8x16_u(x), z);
}
@inline function byte(p: usize, signed: bool): i32 { return signed ? <i32>load<i8>(p) : <i32>load<u8>(p); }

/** A row of k bytes to `pairs` pairs at dst; zero behind the end. */
function packRow(k: i32, pairs: i32, p: usize, signed: bool, zero: i32, dst: usize): void {
  const z = i16x8.splat(<i16>zero), end = dst + (<usize>pairs << 2);
  for (; k >= 8; k -= 8, p += 8, dst += 16) v128.store(dst, widen(p, signed, z));
  for (; k > 0; k--, p++, dst += 2) store<i16>(dst, <i16>(byte(p, signed) - zero));
  for (; dst < end; dst += 2) store<i16>(dst, 0);
}

/** Columns j to j + 8 of b[k, n] to a panel: for each pair of rows eight pairs; zero outside. */
export function packPanel(k: i32, n: i32, j: i32, p: usize, signed: bool, zero: i32, dst: usize): void {
  const z = i16x8.splat(<i16>zero), columns = min(n - j, 8);
  p += j;
  for (; k > 0; k -= 2, p += <usize>n << 1, dst += 32) {
    let a: v128, b = i16x8.splat(0);
    if (columns == 8) {
      a = widen(p, signed, z);
      if (k > 1) b = widen(p + n, signed, z);
    } else {
      v128.store(scratch, b);
      v128.store(scratch, b, 16);
      for (let c: usize = 0; c < <usize>columns; c++) {
        store<i16>(scratch + (c << 1), <i16>(byte(p + c, signed) - zero));
        if (k > 1) store<i16>(scratch + (c << 1), <i16>(byte(p + n + c, signed) - zero), 16);
      }
      a = v128.load(scratch);
      b = v128.load(scratch, 16);
    }
    v128.store(dst, v128.shuffle<i16>(a, b, 0, 8, 1, 9, 2, 10, 3, 11));
    v128.store(dst, v128.shuffle<i16>(a, b, 4, 12, 5, 13, 6, 14, 7, 15), 16);
  }
}

// @ts-ignore: decorator
@inline function mac(c: v128, a: v128, b: v128): v128 { return i32x4.add(c, i32x4.dot_i16x8_s(a, b)); }

/** A tile of 4 x 8 over all pairs of k; rows of a are `row` bytes apart, those of c ldc. */
export function tile(pairs: i32, a0: usize, row: usize, b: usize, c: usize, ldc: usize): void {
  const a1 = a0 + row, a2 = a1 + row, a3 = a2 + row;
  let c00 = i32x4.splat(0), c01 = c00, c10 = c00, c11 = c00, c20 = c00, c21 = c00, c30 = c00, c31 = c00;
  for (let o: usize = 0; ; o += 8, b += 64) {
    const p = v128.load(b), q = v128.load(b, 16);
    const x0 = v128.load32_splat(a0 + o), x1 = v128.load32_splat(a1 + o), x2 = v128.load32_splat(a2 + o), x3 = v128.load32_splat(a3 + o);
    c00 = mac(c00, x0, p); c01 = mac(c01, x0, q);
    c10 = mac(c10, x1, p); c11 = mac(c11, x1, q);
    c20 = mac(c20, x2, p); c21 = mac(c21, x2, q);
    c30 = mac(c30, x3, p); c31 = mac(c31, x3, q);
    // The exit between two steps keeps the engine's scheduler from loading both at once, which would spill.
    if (pairs == 1) break;
    const r = v128.load(b, 32), s = v128.load(b, 48);
    const y0 = v128.load32_splat(a0 + o, 4), y1 = v128.load32_splat(a1 + o, 4), y2 = v128.load32_splat(a2 + o, 4);
    const y3 = v128.load32_splat(a3 + o, 4);
    c00 = mac(c00, y0, r); c01 = mac(c01, y0, s);
    c10 = mac(c10, y1, r); c11 = mac(c11, y1, s);
    c20 = mac(c20, y2, r); c21 = mac(c21, y2, s);
    c30 = mac(c30, y3, r); c31 = mac(c31, y3, s);
    pairs -= 2;
    if (pairs == 0) break;
  }
  v128.store(c, c00); v128.store(c, c01, 16);
  c += ldc;
  v128.store(c, c10); v128.store(c, c11, 16);
  c += ldc;
  v128.store(c, c20); v128.store(c, c21, 16);
  c += ldc;
  v128.store(c, c30); v128.store(c, c31, 16);
}

/** Phase 0 packs rows of a, then panels of b; phase 1 multiplies blocks of rows of one product. */
export function intMm(s: usize, phase: i32, index: i32): void {
  const m = int(s, f.m), n = int(s, f.n), k = int(s, f.k), pairs = max((k + 1) >> 1, 1), panels = (n + 7) >> 3;
  const row = <usize>pairs << 2, panel = <usize>pairs << 5, rows = (m + 3) & -4, workspace = operand(s, 3);
  const stacks = int(s, f.stacks), packed = workspace + <usize>(rows * int(s, f.batch)) * row;
  if (phase == 0) {
    const aSigned = dtype(s, 1) == I8, bSigned = dtype(s, 2) == I8, all = rows * int(s, f.batch);
    const units = all + panels * stacks;
    for (let u = index * GROUP, end = min(u + GROUP, units); u < end; u++) {
      if (u < all) {
        const i = u % rows, from = operand(s, 1) + <usize>((u / rows) * m + i) * k;
        packRow(i < m ? k : 0, pairs, from, aSigned, int(s, f.aZero), workspace + <usize>u * row);
      } else {
        const v = u - all, from = operand(s, 2) + <usize>(v / panels) * <usize>k * n;
        packPanel(k, n, (v % panels) << 3, from, bSigned, int(s, f.bZero), packed + <usize>v * panel);
      }
    }
    return;
  }
  const block = int(s, f.block), blocks = (m + block - 1) / block, matrix = index / blocks, i0 = (index % blocks) * block;
  const b = packed + (stacks > 1 ? <usize>(matrix * panels) * panel : 0), ldc = <usize>n << 2;
  const c = operand(s, 0) + <usize>(matrix * m) * ldc, end = min(m, i0 + block);
  for (let j = 0; j < panels; j++) for (let i = i0; i < end; i += 4) {
    const to = c + <usize>i * ldc + (<usize>j << 5), high = min(m - i, 4), wide = min(n - (j << 3), 8);
    const whole = high == 4 && wide == 8;
    tile(pairs, workspace + <usize>(matrix * rows + i) * row, row, b + <usize>j * panel, whole ? to : scratch, whole ? ldc : 32);
    if (!whole) for (let r: usize = 0; r < <usize>high; r++) memory.copy(to + r * ldc, scratch + (r << 5), <usize>wide << 2);
  }
}
