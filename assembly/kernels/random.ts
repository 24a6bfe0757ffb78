// Random numbers, counter-based: what an element gets depends on seed, offset and its index alone.
// Philox4x32-10 (Salmon et al., "Parallel Random Numbers: As Easy as 1, 2, 3", 2011), four blocks at a time in the lanes of a vector.
import { bernoulli as ber, dropout as drop, randint as ri, randperm as perm, uniform as f } from '../gen/fields';
import { cos_f32, cos_f64, log_f32, log_f64, sin_f32, sin_f64 } from '../math';
import { F32, GRAIN, dtype, float, int, join, operand } from '../step';
import { scratch } from '../threads';

/** Philox's multipliers and the steps of its key, in memory: a vector constant would be built anew at each use. */
const KEYS: usize = memory.data<u32>([
  0xd2511f53, 0xd2511f53, 0xd2511f53, 0xd2511f53, 0xcd9e8d57, 0xcd9e8d57, 0xcd9e8d57, 0xcd9e8d57,
  0x9e3779b9, 0x9e3779b9, 0x9e3779b9, 0x9e3779b9, 0xbb67ae85, 0xbb67ae85, 0xbb67ae85, 0xbb67ae85,
], 16);

/** Writes 64 bytes at q: words 0, 1, 2, 3 of blocks `counter` to `counter` + 3, by word. */
export function philox(seedLo: i32, seedHi: i32, counter: i64, q: usize): void {
  const lo = v128.shuffle<i32>(i64x2.add(i64x2.splat(counter), i64x2(0, 1)), i64x2.add(i64x2.splat(counter), i64x2(2, 3)), 0, 2, 4, 6);
  const hi = v128.shuffle<i32>(i64x2.add(i64x2.splat(counter), i64x2(0, 1)), i64x2.add(i64x2.splat(counter), i64x2(2, 3)), 1, 3, 5, 7);
  const m0 = v128.load(KEYS), m1 = v128.load(KEYS, 16), w0 = v128.load(KEYS, 32), w1 = v128.load(KEYS, 48);
  let k0 = i32x4.splat(seedLo), k1 = i32x4.splat(seedHi);
  let c0 = lo, c1 = hi, c2 = i32x4.splat(0), c3 = c2;
  for (let round = 0; round < 10; round++) {
    // Products of 64 bits: lanes 0 and 1, then 2 and 3.
    const e0 = i64x2.extmul_low_i32x4_u(c0, m0), o0 = i64x2.extmul_high_i32x4_u(c0, m0);
    const e1 = i64x2.extmul_low_i32x4_u(c2, m1), o1 = i64x2.extmul_high_i32x4_u(c2, m1);
    const l0 = i32x4.mul(c0, m0), l1 = i32x4.mul(c2, m1);
    c0 = v128.xor(v128.xor(v128.shuffle<i32>(e1, o1, 1, 3, 5, 7), c1), k0);
    c2 = v128.xor(v128.xor(v128.shuffle<i32>(e0, o0, 1, 3, 5, 7), c3), k1);
    c1 = l1;
    c3 = l0;
    k0 = i32x4.add(k0, w0);
    k1 = i32x4.add(k1, w1);
  }
  v128.store(q, c0);
  v128.store(q, c1, 16);
  v128.store(q, c2, 32);
  v128.store(q, c3, 48);
}

/** Fields that every random row begins with. */
@inline function draw(s: usize, group: i32, q: usize): void {
  philox(int(s, f.seedLo), int(s, f.seedHi), join(int(s, f.offsetLo), int(s, f.offsetHi)) + (<i64>group << 2), q);
}

/** 64 random bits from word k of the low words and word k of the high words: element e of a group of 8. */
@inline function wide(q: usize, e: i32): u64 {
  const at = q + (<usize>(e & 3) << 2) + (<usize>(e >> 2) << 5);
  return <u64>join(load<i32>(at), load<i32>(at, 16));
}

/** High half of a 128-bit product. */
function mulHigh(a: u64, b: u64): u64 {
  const al = a & 0xffffffff;
  const ah = a >> 32;
  const bl = b & 0xffffffff;
  const bh = b >> 32;
  const mid = ah * bl + (al * bl >> 32);
  return ah * bh + (mid >> 32) + ((al * bh + (mid & 0xffffffff)) >> 32);
}

const UNIFORM: i32 = 0;
const NORMAL: i32 = 1;

/** 16 float32 numbers of mode at q, in place of their bits. */
function shape32(q: usize, mode: i32, bits: i32, a: f32, b: f32): void {
  const va = f32x4.splat(a);
  const vb = f32x4.splat(b);
  if (mode == NORMAL) {
    // Box-Muller on words (0, 1) and (2, 3): cosines, then sines.
    for (const end = q + 64; q < end; q += 32) {
      const u = f32x4.mul(f32x4.add(f32x4.convert_i32x4_u(v128.load(q)), f32x4.splat(0.5)), f32x4.splat(2.3283064365386963e-10));
      const angle = f32x4.mul(f32x4.convert_i32x4_u(v128.load(q, 16)), f32x4.splat(1.4629180792671596e-9));
      const r = f32x4.sqrt(f32x4.mul(f32x4.splat(-2), log_f32(u)));
      v128.store(q, f32x4.add(va, f32x4.mul(vb, f32x4.mul(r, cos_f32(angle)))));
      v128.store(q, f32x4.add(va, f32x4.mul(vb, f32x4.mul(r, sin_f32(angle)))), 16);
    }
    return;
  }
  const scale = f32x4.splat(reinterpret<f32>((127 - bits) << 23));
  for (const end = q + 64; q < end; q += 16) {
    const u = f32x4.mul(f32x4.convert_i32x4_s(i32x4.shr_u(v128.load(q), 32 - bits)), scale);
    if (mode == UNIFORM) {
      const y = f32x4.add(va, f32x4.mul(f32x4.sub(vb, va), u));
      v128.store(q, v128.bitselect(va, y, f32x4.ge(y, vb)));
    } else v128.store(q, f32x4.div(log_f32(f32x4.sub(f32x4.splat(1), u)), f32x4.neg(va)));
  }
}

/** 8 float64 numbers of mode at q, in place of their bits. */
function shape64(q: usize, mode: i32, a: f64, b: f64): void {
  const bits = scratch + 64;
  memory.copy(bits, q, 64);
  const unit = 1.1102230246251565e-16;
  if (mode == NORMAL) {
    for (let e = 0; e < 8; e += 2) {
      const u = (<f64>(wide(bits, e) >> 11) + 0.5) * unit;
      const angle = f64x2.splat(<f64>(wide(bits, e + 1) >> 11) * 6.283185307179586 * unit);
      const r = sqrt<f64>(-2 * f64x2.extract_lane(log_f64(f64x2.splat(u)), 0));
      store<f64>(q + (<usize>e << 3), a + b * (r * f64x2.extract_lane(cos_f64(angle), 0)));
      store<f64>(q + (<usize>e << 3), a + b * (r * f64x2.extract_lane(sin_f64(angle), 0)), 8);
    }
    return;
  }
  for (let e = 0; e < 8; e++) {
    const u = <f64>(wide(bits, e) >> 11) * unit;
    let y = a + (b - a) * u;
    if (mode != UNIFORM) y = f64x2.extract_lane(log_f64(f64x2.splat(1 - u)), 0) / -a;
    else if (y >= b) y = a;
    store<f64>(q + (<usize>e << 3), y);
  }
}

/** Uniform, normal and exponential numbers, in groups of 64 bytes. */
function sample(s: usize, tile: i32, mode: i32): void {
  const n = int(s, f.n);
  const single = dtype(s, 0) == F32;
  const a = float(s, f.a);
  const b = float(s, f.b);
  const each = single ? 16 : 8;
  const shift: usize = single ? 2 : 3;
  const hi = min(n, (tile + 1) * GRAIN);
  for (let i = tile * GRAIN; i < hi; i += each) {
    const y = operand(s, 0) + (<usize>i << shift);
    const q = i + each <= hi ? y : scratch;
    draw(s, i / each, q);
    if (single) shape32(q, mode, int(s, f.bits), <f32>a, <f32>b);
    else shape64(q, mode, a, b);
    if (q != y) memory.copy(y, q, <usize>(hi - i) << shift);
  }
}
export function uniform(s: usize, phase: i32, tile: i32): void { sample(s, tile, UNIFORM); }
export function normal(s: usize, phase: i32, tile: i32): void { sample(s, tile, NORMAL); }
export function exponential(s: usize, phase: i32, tile: i32): void { sample(s, tile, 2); }

/** int64 in low to low + range - 1, by the high half of a product with 64 random bits. */
export function randint(s: usize, phase: i32, tile: i32): void {
  const lowest = join(int(s, ri.lowLo), int(s, ri.lowHi));
  const range = <u64>join(int(s, ri.rangeLo), int(s, ri.rangeHi));
  const hi = min(int(s, ri.n), (tile + 1) * GRAIN);
  for (let i = tile * GRAIN; i < hi; i++) {
    if ((i & 7) == 0) draw(s, i >> 3, scratch);
    store<i64>(operand(s, 0) + (<usize>i << 3), lowest + <i64>mulHigh(wide(scratch, i & 7), range));
  }
}

/** A random order of 0 to n - 1: Fisher and Yates from the front. */
export function randperm(s: usize, phase: i32, tile: i32): void {
  const n = int(s, perm.n);
  const y = operand(s, 0);
  for (let i = 0; i < n; i++) {
    if ((i & 7) == 0) draw(s, i >> 3, scratch);
    const j = <i32>mulHigh(wide(scratch, i & 7), <u64>(i + 1));
    store<i64>(y + (<usize>i << 3), load<i64>(y + (<usize>j << 3)));
    store<i64>(y + (<usize>j << 3), i);
  }
}

/** Four uniform float32 numbers from word vector v of the scratch. */
@inline function unit32(v: usize): v128 {
  return f32x4.mul(f32x4.convert_i32x4_s(i32x4.shr_u(v128.load(scratch + (v << 4)), 8)), f32x4.splat(5.9604644775390625e-8));
}
/** Element e of eight uniform float64 numbers from the bits in the scratch. */
@inline function unit64(e: i32): f64 { return <f64>(wide(scratch, e) >> 11) * 1.1102230246251565e-16; }

function flips32(n: i32, p: usize, y: usize): void {
  const rest = scratch + 64;
  if (n < 16) memory.copy(rest, p, <usize>n << 2);
  const from = n < 16 ? rest : p, to = n < 16 ? rest : y;
  for (let v: usize = 0; v < 4; v++)
    v128.store(to + (v << 4), v128.and(f32x4.lt(unit32(v), v128.load(from + (v << 4))), f32x4.splat(1)));
  if (n < 16) memory.copy(y, rest, <usize>n << 2);
}
function flips64(n: i32, p: usize, y: usize): void {
  for (let e = 0; e < n; e++) store<f64>(y + (<usize>e << 3), unit64(e) < load<f64>(p + (<usize>e << 3)) ? 1 : 0);
}
/** 1 with the probability that each element gives, else 0. */
export function bernoulli(s: usize, phase: i32, tile: i32): void {
  const single = dtype(s, 0) == F32, each = single ? 16 : 8, shift: usize = single ? 2 : 3;
  const hi = min(int(s, ber.n), (tile + 1) * GRAIN);
  for (let i = tile * GRAIN; i < hi; i += each) {
    const at = <usize>i << shift, n = min(each, hi - i);
    draw(s, i / each, scratch);
    if (single) flips32(n, operand(s, 1) + at, operand(s, 0) + at);
    else flips64(n, operand(s, 1) + at, operand(s, 0) + at);
  }
}

@inline function kept(v: usize, p: v128): v128 { return f32x4.ge(unit32(v), p); }
function drops32(n: i32, p: f32, scale: f32, x: usize, y: usize, m: usize): void {
  const rest = scratch + 64;
  if (n < 16) memory.copy(rest, x, <usize>n << 2);
  const from = n < 16 ? rest : x, to = n < 16 ? rest : y, f = f32x4.splat(scale), q = f32x4.splat(p);
  const k0 = kept(0, q), k1 = kept(1, q), k2 = kept(2, q), k3 = kept(3, q);
  v128.store(to, v128.and(k0, f32x4.mul(v128.load(from), f)));
  v128.store(to, v128.and(k1, f32x4.mul(v128.load(from, 16), f)), 16);
  v128.store(to, v128.and(k2, f32x4.mul(v128.load(from, 32), f)), 32);
  v128.store(to, v128.and(k3, f32x4.mul(v128.load(from, 48), f)), 48);
  const mask = i8x16.narrow_i16x8_s(i16x8.narrow_i32x4_s(k0, k1), i16x8.narrow_i32x4_s(k2, k3));
  v128.store(n < 16 ? rest + 64 : m, v128.and(mask, i8x16.splat(1)));
  if (n == 16) return;
  memory.copy(y, rest, <usize>n << 2);
  memory.copy(m, rest + 64, n);
}
function drops64(n: i32, p: f64, scale: f64, x: usize, y: usize, m: usize): void {
  for (let e = 0; e < n; e++) {
    const stays = unit64(e) >= p;
    store<f64>(y + (<usize>e << 3), stays ? load<f64>(x + (<usize>e << 3)) * scale : 0);
    store<u8>(m + <usize>e, u8(stays));
  }
}
/** Zero with probability p, else x * scale; and where it was kept. */
export function dropout(s: usize, phase: i32, tile: i32): void {
  const single = dtype(s, 0) == F32, each = single ? 16 : 8, shift: usize = single ? 2 : 3;
  const p = float(s, drop.p), scale = float(s, drop.scale);
  const hi = min(int(s, drop.n), (tile + 1) * GRAIN);
  for (let i = tile * GRAIN; i < hi; i += each) {
    const at = <usize>i << shift, n = min(each, hi - i), m = operand(s, 1) + <usize>i;
    draw(s, i / each, scratch);
    if (single) drops32(n, <f32>p, <f32>scale, operand(s, 2) + at, operand(s, 0) + at, m);
    else drops64(n, p, scale, operand(s, 2) + at, operand(s, 0) + at, m);
  }
}
