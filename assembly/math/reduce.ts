// sin, cos and tan of doubles. Large angles are reduced exactly (M. Payne and R. Hanek, 1983).
import { poly } from './scalar';

// 2/pi behind 96 zero bits
const BITS: usize = memory.data<u64>([
  0x0000000000000000, 0x00000000a2f9836e, 0x4e441529fc2757d1, 0xf534ddc0db629599,
  0x3c439041fe5163ab, 0xdebbc561b7246e3a, 0x424dd2e006492eea, 0x09d1921cfe1deb1c,
  0xb129a73ee88235f5, 0x2ebb4484e99c7026, 0xb45f7e413991d639, 0x835339f49c845f8b,
  0xbdf9283b1ff897ff, 0xde05980fef2f118b, 0x5a0a6d1f6d367ecf, 0x27cb09b74f463f66,
  0x9e5fea2d7527bac7, 0xebe5f17b3d0739f7, 0x8a5292ea6bfb5fb1, 0x1f8d5d0856033046,
  0xfc7b6babf0cfbc20,
]);

const SIN: usize = memory.data<f64>([
  -1.66666666666666324348e-01, 8.33333333332248946124e-03, -1.98412698298579493134e-04,
  2.75573137070700676789e-06, -2.50507602534068634195e-08, 1.58969099521155010221e-10,
]);
const COS: usize = memory.data<f64>([
  4.16666666666666019037e-02, -1.38888888888741095749e-03, 2.48015872894767294178e-05,
  -2.75573143513906633035e-07, 2.08757232129817482790e-09, -1.13596475577881948265e-11,
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

/** sin(angle + error) (fdlibm's k_sin.c). */
function sine(): f64 {
  const z = angle * angle, v = z * angle;
  return angle - (z * (0.5 * error - v * poly(SIN + 8, 5, z)) - error - v * load<f64>(SIN));
}
/** cos(angle + error) (fdlibm's k_cos.c). */
function cosine(): f64 {
  const z = angle * angle, h = 0.5 * z, w = 1 - h;
  return w + (1 - w - h + (z * (z * poly(COS, 6, z)) - angle * error));
}

/** Sets `angle` and `error` to x less the quarter turns that it returns. */
function reduce(x: f64): i32 {
  angle = abs(x) < Infinity ? x : NaN;
  error = 0;
  if (!(abs(angle) > 0.7853981633974483)) return 0;
  if (abs(x) > 1048576) return quarters(x);
  // pi/2 in parts of 33, 33 and 53 bits (fdlibm's e_rem_pio2.c): the first two products are exact.
  const n = nearest(x * 6.36619772367581382433e-01);
  const t = x - n * 1.57079632673412561417e+00, w = n * 6.07710050630396597660e-11;
  const r = t - w, v = n * 2.02226624879595063154e-21 - (t - r - w);
  angle = r - v;
  error = r - angle - v;
  return <i32>n;
}

/** sin(x + quarter pi/2). */
function wave(x: f64, quarter: i32): f64 {
  quarter += reduce(x);
  const r = quarter & 1 ? cosine() : sine();
  return quarter & 2 ? -r : r;
}

/** sin(x), radians, for every finite x. */
export function sin1(x: f64): f64 { return wave(x, 0); }

/** cos(x), radians, for every finite x. */
export function cos1(x: f64): f64 { return wave(x, 1); }

/** tan(x), radians, for every finite x. */
export function tan1(x: f64): f64 {
  const q = reduce(x), s = sine(), c = cosine();
  return q & 1 ? -c / s : s / c;
}
