// Exact reduction of large angles (M. Payne and R. Hanek, 1983). NativeMath's own (AssemblyScript 0.28) reads in front of its
// table for 2^20 pi/2 <= |x| < 2^22 and drops cross products beyond, which shows near multiples of pi/2.

// 2/pi behind 96 zero bits
const BITS: usize = memory.data<u64>([
  0x0000000000000000, 0x00000000a2f9836e, 0x4e441529fc2757d1, 0xf534ddc0db629599,
  0x3c439041fe5163ab, 0xdebbc561b7246e3a, 0x424dd2e006492eea, 0x09d1921cfe1deb1c,
  0xb129a73ee88235f5, 0x2ebb4484e99c7026, 0xb45f7e413991d639, 0x835339f49c845f8b,
  0xbdf9283b1ff897ff, 0xde05980fef2f118b, 0x5a0a6d1f6d367ecf, 0x27cb09b74f463f66,
  0x9e5fea2d7527bac7, 0xebe5f17b3d0739f7, 0x8a5292ea6bfb5fb1, 0x1f8d5d0856033046,
  0xfc7b6babf0cfbc20,
]);

let angle: f64 = 0;
let error: f64 = 0;

/** The upper 64 bits of a b. */
function mulHigh(a: u64, b: u64): u64 {
  const a0 = a & 0xffff_ffff, a1 = a >> 32, b0 = b & 0xffff_ffff, b1 = b >> 32;
  const m = a1 * b0 + ((a0 * b0) >> 32), n = a0 * b1 + (m & 0xffff_ffff);
  return a1 * b1 + (m >> 32) + (n >> 32);
}

/** Reduces finite x, |x| >= 2^20, to `angle` + `error` in [-pi/4, pi/4]; returns the number of quarter turns taken off, modulo 4. */
function quarters(x: f64): i32 {
  const u = reinterpret<u64>(x), m = (u & 0x000f_ffff_ffff_ffff) | 0x0010_0000_0000_0000;
  const o = <i32>((u >> 52) & 0x7ff) - 981, p = BITS + ((o >> 6) << 3);
  const s = <u64>(o & 63);
  let s0 = load<u64>(p), s1 = load<u64>(p, 8), s2 = load<u64>(p, 16);
  if (s) {
    s0 = (s0 << s) | (s1 >> (64 - s));
    s1 = (s1 << s) | (s2 >> (64 - s));
    s2 = (s2 << s) | (load<u64>(p, 24) >> (64 - s));
  }
  // the fraction of |x| / (2 pi), 128 bits
  const cross = mulHigh(s2, m);
  let lo = s1 * m + cross;
  let hi = s0 * m + mulHigh(s1, m) + u64(lo < cross);
  const q = <i32>((hi + 0x2000_0000_0000_0000) >> 62);
  hi -= <u64>q << 62;
  const negative = <i64>hi < 0;
  if (negative) {
    lo = 0 - lo;
    hi = ~hi + u64(lo == 0);
  }
  let k = clz(hi);
  if (k == 64) {
    hi = lo;
    lo = 0;
    k += clz(hi);
  }
  const l = k & 63;
  if (l) hi = (hi << l) | (lo >> (64 - l));
  const unit = reinterpret<f64>((959 - k) << 52);
  // 2 pi in parts of 21, 21 and 53 bits times the fraction in parts of 32: the leading products are exact
  const a = <f64>(hi >> 32) * 4294967296.0 * unit, b = <f64>(hi & 0xffff_ffff) * unit;
  const top = a * 6.283184051513672;
  const rest = a * 1.2556656656670384e-06 + b * 6.283184051513672 + (b * 1.2556656656670384e-06 + a * 2.4893488687586454e-13);
  angle = top + rest;
  error = top - angle + rest;
  const flip = negative != (x < 0);
  if (flip) {
    angle = -angle;
    error = -error;
  }
  return x < 0 ? -q : q;
}

function far(x: f64): bool { return abs(x) >= 1647099 && abs(x) < Infinity; }

/** sin(x + quarter pi/2) for finite |x| >= 2^20. */
function wave(x: f64, quarter: i32): f64 {
  const q = quarters(x) + quarter;
  const s = NativeMath.sin(angle), c = NativeMath.cos(angle);
  const r = q & 1 ? c - error * s : s + error * c;
  return q & 2 ? -r : r;
}

/** sin(x), radians, for every finite x. */
export function sin1(x: f64): f64 { return far(x) ? wave(x, 0) : NativeMath.sin(x); }

/** cos(x), radians, for every finite x. */
export function cos1(x: f64): f64 { return far(x) ? wave(x, 1) : NativeMath.cos(x); }

/** tan(x), radians, for every finite x. */
export function tan1(x: f64): f64 {
  if (!far(x)) return NativeMath.tan(x);
  const q = quarters(x), t = NativeMath.tan(angle);
  return q & 1 ? -(1 - t * error) / (t + error) : (t + error) / (1 - t * error);
}
