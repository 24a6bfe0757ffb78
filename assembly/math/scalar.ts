// Scalar double functions that NativeMath lacks, gets wrong, or only has with large tables.

const LG: usize = memory.data<f64>([
  6.666666666666735130e-1, 3.999999999940941908e-1, 2.857142874366239149e-1, 2.222219843214978396e-1,
  1.818357216161805012e-1, 1.531383769920937332e-1, 1.479819860511658591e-1,
]);

/** The polynomial of `n` double coefficients at `p`, constant term first. */
export function poly(p: usize, n: i32, x: f64): f64 {
  let r = 0.0;
  for (let q = p + (<usize>n << 3); q > p; ) r = load<f64>(q -= 8) + x * r;
  return r;
}

/** The logarithm of base `base` (0 for e, 2, 10): fdlibm's e_log.c, with its leading part split for the other bases. */
function logBase(x: f64, base: i32): f64 {
  if (!(x > 0)) return x == 0 ? -Infinity : NaN;
  if (x == Infinity) return x;
  let k = 0.0;
  if (x < 2.2250738585072014e-308) {
    x *= 18014398509481984.0;
    k = -54;
  }
  // x = 2^k (1 + f), sqrt(1/2) <= 1 + f < sqrt(2)
  const u = reinterpret<u64>(x) + 0x0009_5f62_0000_0000;
  k += <f64>(<i32>(u >> 52) - 1023);
  const f = reinterpret<f64>((u & 0x000f_ffff_ffff_ffff) + 0x3fe6_a09e_0000_0000) - 1;
  const h = 0.5 * f * f, s = f / (2 + f), z = s * s;
  const r = s * (h + z * poly(LG, 7, z));
  if (base == 0) return k * 6.93147180369123816490e-1 - (h - (r + k * 1.90821492927058770002e-10) - f);
  const hi = reinterpret<f64>(reinterpret<u64>(f - h) & 0xffff_ffff_0000_0000), lo = f - hi - h + r;
  let a: f64, b: f64, e: f64;
  if (base == 2) {
    a = hi * 1.44269504072144627571;
    b = (lo + hi) * 1.67517131648865118353e-10 + lo * 1.44269504072144627571;
    e = k;
  } else {
    a = hi * 4.34294481878168880939e-1;
    b = k * 3.69423907715893078616e-13 + (lo + hi) * 2.50829467116452752298e-11 + lo * 4.34294481878168880939e-1;
    e = k * 3.01029995663611771306e-1;
  }
  const w = e + a;
  return b + (e - w + a) + w;
}

/** ln(x). */
export function log1(x: f64): f64 { return logBase(x, 0); }

/** log2(x). */
export function log21(x: f64): f64 { return logBase(x, 2); }

/** log10(x). */
export function log101(x: f64): f64 { return logBase(x, 10); }

/** asinh(x). */
export function asinh1(x: f64): f64 {
  const a = abs(x);
  let r = a;
  if (a >= 67108864) r = log1(a) + 0.693147180559945309417;
  else if (a >= 2) r = log1(2 * a + 1 / (sqrt(a * a + 1) + a));
  else if (a >= 1.4901161193847656e-8) r = NativeMath.log1p(a + (a * a) / (sqrt(a * a + 1) + 1));
  return copysign(r, x);
}

/** acosh(x); NaN below 1. */
export function acosh1(x: f64): f64 {
  if (!(x >= 1)) return NaN;
  if (x >= 67108864) return log1(x) + 0.693147180559945309417;
  if (x >= 2) return log1(2 * x - 1 / (x + sqrt(x * x - 1)));
  const t = x - 1;
  return NativeMath.log1p(t + sqrt(2 * t + t * t));
}

/** 2^x. */
export function exp21(x: f64): f64 { return NativeMath.pow(2, x); }

/** 1 / (1 + exp(-x)). */
export function sigmoid1(x: f64): f64 {
  const e = NativeMath.exp(-abs(x));
  return (x < 0 ? e : 1) / (1 + e);
}

/** x^y by the rules of C99: 1^y = 1 and (-1)^(+-inf) = 1, even where JavaScript has NaN. */
export function pow1(x: f64, y: f64): f64 {
  if (x == 1 || (x == -1 && abs(y) == Infinity)) return 1;
  return NativeMath.pow(x, y);
}
