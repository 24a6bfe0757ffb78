// Special functions in WGSL, on f32. Coefficients of erf, erfc and lgamma: fdlibm (Sun Microsystems 1993, freely granted);
// erfinv: M. Giles' single approximation (2010); digamma near its root: Boost's digamma.hpp (J. Maddock).

const horner = (c: readonly number[], x: string): string =>
  c.slice(0, -1).reduceRight((text, k) => `(${lit(k)} + ${x} * ${text})`, lit(c[c.length - 1]));
const lit = (x: number): string => (Number.isInteger(x) ? `${x}.0` : x.toString());

const PP = [1.28379167e-1, -3.25042107e-1, -2.84817496e-2, -5.77027029e-3, -2.37630167e-5];
const QQ = [1, 3.97917223e-1, 6.502225e-2, 5.08130628e-3, 1.32494738e-4, -3.96022828e-6];
const PA = [-2.36211856e-3, 4.14856119e-1, -3.72207876e-1, 3.1834662e-1, -1.10894694e-1, 3.54783043e-2, -2.16637559e-3];
const QA = [1, 1.0642088e-1, 5.40397918e-1, 7.18286544e-2, 1.2617122e-1, 1.36370839e-2, 1.19844998e-2];
const RA = [-9.86494403e-3, -6.93858573e-1, -10.5586262, -62.3753325, -162.396669, -184.605093, -81.2874355, -9.81432934];
const SA = [1, 19.6512717, 137.657754, 434.565877, 645.387272, 429.00814, 108.635006, 6.57024977, -6.04244152e-2];
const RB = [-9.86494292e-3, -7.99283238e-1, -17.757955, -160.636385, -637.566443, -1025.09513, -483.519192];
const SB = [1, 30.3380607, 325.792513, 1536.7296, 3199.85822, 2553.05041, 474.528541, -22.440952];
const GC = [
  1.50140941, 0.246640727, -0.00417768164, -0.00125372503, 0.00021858087, -4.39150654e-6, -3.5233877e-6, 3.43273939e-7, 2.81022636e-8,
];
const GT = [
  2.83297682, 1.00167406, 0.00943887047, -0.0076224613, 0.00573950773, -0.00367342844, 0.00134934322, 0.000100950558, -0.000200214257,
];
const LS = [-7.72156649e-2, 2.14982416e-1, 3.25778796e-1, 1.46350473e-1, 2.66422703e-2, 1.84028451e-3, 3.19475327e-5];
const LR = [1, 1.39200533, 7.21935548e-1, 1.71933866e-1, 1.86459192e-2, 7.77942496e-4, 7.32668431e-6];
const LW = [8.33333333e-2, -2.77777778e-3, 7.93650559e-4, -5.95187557e-4, 8.3633992e-4, -1.63092934e-3];
const LA = [7.72156649e-2, 6.73523011e-2, 7.38555086e-3, 1.19270763e-3, 2.20862791e-4, 2.52144565e-5];
const LB = [3.22467033e-1, 2.05808084e-2, 2.89051383e-3, 5.10069792e-4, 1.08011567e-4, 4.4864095e-5];
const LT0 = [4.83836123e-1, -3.2788541e-2, 6.1005387e-3, -1.4034647e-3, 3.15632071e-4];
const LT1 = [-1.47587723e-1, 1.79706751e-2, -3.68452017e-3, 8.81081882e-4, -3.12754168e-4];
const LT2 = [6.46249402e-2, -1.03142241e-2, 2.25964781e-3, -5.38595305e-4, 3.35529192e-4];
const LU = [-7.72156649e-2, 6.32827064e-1, 1.4549225, 9.77717528e-1, 2.28963728e-1, 1.33810919e-2];
const LV = [1, 2.45597794, 2.12848976, 7.6928515e-1, 1.04222646e-1, 3.21709242e-3];
const DG = [8.33333333e-2, -8.33333333e-3, 3.96825397e-3, -4.16666667e-3, 7.57575758e-3];
const DP = [0.254798511, -0.325550312, -0.650318538, -0.289191264, -0.0452513214, -0.00207133212];
const DQ = [1, 2.07671171, 1.46062429, 0.435935293, 0.0541517972, 0.0021284987, -0.557898413e-6];

export const SPECIAL: string = `
fn exp_f32(x: f32) -> f32 {
  if (isnan_f32(x)) { return x; }
  if (x > 88.72284) { return bitcast<f32>(0x7f800000u | (bitcast<u32>(x) & 0u)); }
  if (x < -103.97283) { return 0.0; }
  let n = round(x * 1.4426950408889634);
  let r = (x - n * 0.693145751953125) - n * 1.428606765330187e-6;
  let p = 1.0 + r * (1.0 + r * (0.5 + r * (0.16666667 + r * (0.041666668 + r * (0.008333334 + r * (0.0013888889 + r * 0.0001984127))))));
  let h = i32(n) / 2;
  return p * bitcast<f32>((h + 127) << 23u) * bitcast<f32>((i32(n) - h + 127) << 23u);
}
fn log_f32(x: f32) -> f32 {
  if (isnan_f32(x) || x < 0.0) { return nan_f32(x); }
  if (x == 0.0) { return -inf_f32(abs(x)); }
  if (isinf_f32(x)) { return x; }
  let small = x < 1.17549435e-38;
  let u = bitcast<u32>(select(x, x * 8388608.0, small));
  var e = i32(u >> 23u) - 127 - select(0, 23, small);
  var m = bitcast<f32>((u & 0x7fffffu) | 0x3f800000u);
  if (m > 1.4142135) { m = m * 0.5; e = e + 1; }
  let f = m - 1.0;
  let s = f / (2.0 + f);
  let z = s * s;
  let w = z * (0.6666666 + z * (0.40000972 + z * (0.28498787 + z * 0.24279079)));
  let h = 0.5 * f * f;
  let k = f32(e);
  return k * 0.693145751953125 - ((h - (s * (h + w) + k * 1.428606765330187e-6)) - f);
}
fn expm1_f32(x: f32) -> f32 {
  if (abs(x) < 0.5) {
    return x * (1.0 + x * (0.5 + x * (0.16666667 + x * (0.041666668 + x * (0.008333334 + x * (0.0013888889 + x * (0.0001984127 + x * 2.48015873e-5)))))));
  }
  return exp_f32(x) - 1.0;
}
fn log1p_f32(x: f32) -> f32 {
  if (abs(x) < 1e-4) { return x * (1.0 - x * (0.5 - x * 0.33333334)); }
  let u = 1.0 + x;
  if (!isfinite_f32(u) || u <= 0.0) { return log_f32(u); }
  return log_f32(u) + ((x - (u - 1.0)) / u);
}
fn sigmoid_f32(x: f32) -> f32 {
  if (isnan_f32(x)) { return x; }
  let e = exp_f32(-abs(x));
  return select(e / (1.0 + e), 1.0 / (1.0 + e), x >= 0.0);
}
fn tanh_f32(x: f32) -> f32 {
  if (isnan_f32(x)) { return x; }
  let a = abs(x);
  if (a > 10.0) { return sign(x); }
  let e = expm1_f32(2.0 * a);
  return copysign_f32(e / (e + 2.0), x);
}
fn sinh_f32(x: f32) -> f32 {
  if (!isfinite_f32(x)) { return x; }
  let a = abs(x);
  if (a > 88.0) { let h = exp_f32(0.5 * a); return copysign_f32(0.5 * h * h, x); }
  let e = expm1_f32(a);
  return copysign_f32(0.5 * (e + e / (e + 1.0)), x);
}
fn cosh_f32(x: f32) -> f32 {
  let a = abs(x);
  if (isnan_f32(x) || isinf_f32(x)) { return a; }
  let h = exp_f32(0.5 * a);
  let e = h * h;
  if (a > 44.0) { return (0.5 * h) * h; }
  return 0.5 * e + 0.5 / e;
}
fn asinh_f32(x: f32) -> f32 {
  if (!isfinite_f32(x)) { return x; }
  let a = abs(x);
  if (a > 1e9) { return copysign_f32(log_f32(a) + 0.6931472, x); }
  let z = a * a;
  return copysign_f32(log1p_f32(a + z / (1.0 + sqrt(z + 1.0))), x);
}
fn acosh_f32(x: f32) -> f32 {
  if (isnan_f32(x) || x < 1.0) { return nan_f32(x); }
  if (isinf_f32(x)) { return x; }
  if (x > 1e9) { return log_f32(x) + 0.6931472; }
  let t = x - 1.0;
  return log1p_f32(t + sqrt(t * (t + 2.0)));
}
fn atanh_f32(x: f32) -> f32 {
  let a = abs(x);
  if (isnan_f32(x) || a > 1.0) { return nan_f32(x); }
  if (a == 1.0) { return inf_f32(x); }
  return copysign_f32(0.5 * log1p_f32(2.0 * a / (1.0 - a)), x);
}
fn turn_f32(x: f32) -> vec2f {
  if (abs(x) > 8192.0) { return turnExactly_f32(x); }
  let n = round(x * 0.63661975);
  return vec2f(((x - n * 1.5703125) - n * 4.837512969970703e-4) - n * 7.549790126404332e-8, f32(i32(n) & 3));
}
fn turnExactly_f32(x: f32) -> vec2f {
  // M. Payne and R. Hanek, 1983: of 2/pi, here in words, those bits matter that make no whole turns.
  var turns = array<u32, 8>(0u, 0x28be60dbu, 0x9391054au, 0x7f09d5f4u, 0x7d4d3770u, 0x36d8a566u, 0x4f10e410u, 0x7f9458eau);
  let bits = bitcast<u32>(x);
  let e = ((bits >> 23u) & 0xffu) - 126u;
  let m = (bits << 8u) | 0x80000000u;
  let i = e >> 5u;
  let s = e & 31u;
  var w = vec3u(turns[i], turns[i + 1u], turns[i + 2u]);
  if (s > 0u) { w = (w << vec3u(s)) | (vec3u(turns[i + 1u], turns[i + 2u], turns[i + 3u]) >> vec3u(32u - s)); }
  // The fraction of |x| / 2 pi in 64 bits, the upper two of which are quarter turns.
  let low = product_u32(m, w.z);
  let middle = product_u32(m, w.y);
  var lo = middle.x + low.y;
  var hi = middle.y + m * w.x + select(0u, 1u, lo < low.y);
  var q = (hi + 0x20000000u) >> 30u;
  hi = hi - (q << 30u);
  let negative = hi >= 0x80000000u;
  if (negative) {
    lo = ~lo + 1u;
    hi = ~hi + select(0u, 1u, lo == 0u);
  }
  // Its leading 32 bits as a float: those of cancelled turns are gone.
  var scale = 4.656612873077393e-10;
  if (hi == 0u) { hi = lo; lo = 0u; scale = scale * 2.3283064365386963e-10; }
  let z = countLeadingZeros(hi);
  if (z >= 32u) { return vec2f(0.0, f32(q & 3u)); }
  if (z > 0u) { hi = (hi << z) | (lo >> (32u - z)); }
  // Two parts, each exact, times pi/2 in two parts.
  let a = f32(hi >> 16u) * 65536.0;
  let b = f32(hi & 0xffffu);
  let unit = scale * bitcast<f32>((127u - z) << 23u) * 2.0;
  let r = (a * 1.5703125 + (a * 4.838267948966e-4 + b * 1.5707964)) * unit;
  let flip = negative != (bits >= 0x80000000u);
  return vec2f(select(r, -r, flip), f32(select(q, 4u - q, bits >= 0x80000000u) & 3u));
}
fn sine_f32(r: f32) -> f32 { let z = r * r; return r + r * z * (-0.16666667 + z * (0.008333332 + z * (-1.9841271e-4 + z * 2.7525562e-6))); }
fn cosine_f32(r: f32) -> f32 { let z = r * r; return 1.0 + z * (-0.5 + z * (0.041666668 + z * (-0.0013888889 + z * 2.4801587e-5))); }
fn sin_f32(x: f32) -> f32 {
  if (!isfinite_f32(x)) { return nan_f32(x); }
  let t = turn_f32(x);
  let q = i32(t.y) & 3;
  let v = select(sine_f32(t.x), cosine_f32(t.x), (q & 1) == 1);
  return select(v, -v, q >= 2);
}
fn cos_f32(x: f32) -> f32 {
  if (!isfinite_f32(x)) { return nan_f32(x); }
  let t = turn_f32(x);
  let q = (i32(t.y) + 1) & 3;
  let v = select(sine_f32(t.x), cosine_f32(t.x), (q & 1) == 1);
  return select(v, -v, q >= 2);
}
fn tan_f32(x: f32) -> f32 {
  if (!isfinite_f32(x)) { return nan_f32(x); }
  let t = turn_f32(x);
  let s = sine_f32(t.x);
  let c = cosine_f32(t.x);
  return select(s / c, -c / s, (i32(t.y) & 1) == 1);
}
fn atan_f32(x: f32) -> f32 {
  if (isnan_f32(x)) { return x; }
  let a = abs(x);
  var r = a;
  var base = 0.0;
  if (a > 2.4142137) { r = -1.0 / a; base = 1.5707964; } else if (a > 0.41421357) { r = (a - 1.0) / (a + 1.0); base = 0.7853982; }
  if (isinf_f32(a)) { r = 0.0; }
  let z = r * r;
  let p = base + (r + r * z * (-0.33333334 + z * (0.19999999 + z * (-0.14285037 + z * (0.11106531 + z * (-0.0899 + z * 0.062))))));
  return copysign_f32(p, x);
}
fn atan2_f32(y: f32, x: f32) -> f32 {
  if (isnan_f32(x) || isnan_f32(y)) { return nan_f32(x); }
  let b = abs(y);
  let a = abs(x);
  var r: f32;
  if (isinf_f32(a) && isinf_f32(b)) { r = 0.7853982; }
  else if (b > a) { r = 1.5707964 - atan_f32(a / b); }
  else if (a == 0.0) { r = 0.0; }
  else { r = atan_f32(b / a); }
  return copysign_f32(select(r, 3.1415927 - r, signbit_f32(x)), y);
}
fn asin_f32(x: f32) -> f32 {
  let a = abs(x);
  if (isnan_f32(x) || a > 1.0) { return nan_f32(x); }
  if (a < 0.5) { return atan_f32(x / sqrt(1.0 - x * x)); }
  return copysign_f32(1.5707964 - 2.0 * atan_f32(sqrt((1.0 - a) / (1.0 + a))), x);
}
fn acos_f32(x: f32) -> f32 {
  if (isnan_f32(x) || abs(x) > 1.0) { return nan_f32(x); }
  return 2.0 * atan2_f32(sqrt(1.0 - x), sqrt(1.0 + x));
}
fn exp2_f32(x: f32) -> f32 {
  if (isnan_f32(x)) { return x; }
  if (x >= 128.0) { return bitcast<f32>(0x7f800000u | (bitcast<u32>(x) & 0u)); }
  if (x < -150.0) { return 0.0; }
  let n = round(x);
  let h = i32(n) / 2;
  return exp_f32((x - n) * 0.6931472) * bitcast<f32>((h + 127) << 23u) * bitcast<f32>((i32(n) - h + 127) << 23u);
}
fn hypot_f32(a: f32, b: f32) -> f32 {
  let x = max(abs(a), abs(b));
  let y = min(abs(a), abs(b));
  if (isinf_f32(a) || isinf_f32(b)) { return abs(inf_f32(x)); }
  if (isnan_f32(a) || isnan_f32(b)) { return nan_f32(a); }
  if (x == 0.0) { return 0.0; }
  let r = y / x;
  return x * sqrt(1.0 + r * r);
}
fn pow_f32(a: f32, b: f32) -> f32 {
  if (b == 0.0 || a == 1.0) { return 1.0; }
  if (isnan_f32(a) || isnan_f32(b)) { return nan_f32(a); }
  let whole = floor(b) == b;
  let odd = whole && abs(b) < 16777216.0 && (i32(b) & 1) == 1;
  let x = abs(a);
  if (a == -1.0 && isinf_f32(b)) { return 1.0; }
  if (a < 0.0 && !whole && !isinf_f32(a)) { return nan_f32(a); }
  var r: f32;
  if (whole && abs(b) <= 64.0 && x != 0.0 && !isinf_f32(x)) {
    r = 1.0;
    var p = x;
    for (var n = i32(abs(b)); n > 0; n = n >> 1u) { if ((n & 1) == 1) { r = r * p; } p = p * p; }
    if (b < 0.0) { r = 1.0 / r; }
  } else if (x == 0.0) { r = select(0.0, inf_f32(x), b < 0.0); }
  else if (isinf_f32(x)) { r = select(0.0, x, b > 0.0); }
  else if (isinf_f32(b)) { r = select(0.0, inf_f32(x), (x > 1.0) == (b > 0.0)); }
  else {
    // log(x) b in two parts: the power of two by itself, so that large exponents keep their digits.
    let u = bitcast<u32>(select(x, x * 8388608.0, x < 1.17549435e-38));
    var e = f32(i32(u >> 23u) - 127 - select(0, 23, x < 1.17549435e-38));
    var m = bitcast<f32>((u & 0x7fffffu) | 0x3f800000u);
    if (m > 1.4142135) { m = m * 0.5; e = e + 1.0; }
    let t = e * b;
    let i = round(t);
    let l = log_f32(m) * b;
    let k = round(l * 1.4426950408889634);
    let f = (l - k * 0.693145751953125) - k * 1.428606765330187e-6 + (t - i) * 0.6931472;
    r = exp_f32(f) * exp2_f32(clamp(i + k, -300.0, 300.0));
  }
  return select(r, -r, signbit_f32(a) && odd);
}
fn centre_f32(x: f32) -> f32 { let z = x * x; return ${horner(PP, 'z')} / ${horner(QQ, 'z')}; }
fn shoulder_f32(a: f32) -> f32 { let s = a - 1.0; return ${horner(PA, 's')} / ${horner(QA, 's')}; }
fn tail_f32(a: f32) -> f32 {
  if (a >= 10.1) { return 0.0; }
  let s = 1.0 / (a * a);
  var w: f32;
  if (a < 2.857143) { w = ${horner(RA, 's')} / ${horner(SA, 's')}; } else { w = ${horner(RB, 's')} / ${horner(SB, 's')}; }
  let z = bitcast<f32>(bitcast<u32>(a) & 0xfffff000u);
  return exp_f32(-z * z - 0.5625) * exp_f32((z - a) * (z + a) + w) / a;
}
fn erf_f32(x: f32) -> f32 {
  if (isnan_f32(x)) { return x; }
  let a = abs(x);
  if (a < 0.84375) { return x + x * centre_f32(x); }
  if (a < 1.25) { return copysign_f32(0.8450629 + shoulder_f32(a), x); }
  return copysign_f32(select(1.0 - tail_f32(a), 1.0, a >= 6.0), x);
}
fn erfc_f32(x: f32) -> f32 {
  if (isnan_f32(x)) { return x; }
  let a = abs(x);
  if (a < 0.84375) { let y = x * centre_f32(x); return select(0.5 - (y + (x - 0.5)), 1.0 - (x + y), x < 0.25); }
  if (a < 1.25) { return select(1.0 + (0.8450629 + shoulder_f32(a)), 1.0 - 0.8450629 - shoulder_f32(a), x > 0.0); }
  if (x < -6.0) { return 2.0; }
  return select(2.0 - tail_f32(a), tail_f32(a), x > 0.0);
}
fn erfinv_f32(y: f32) -> f32 {
  let a = abs(y);
  if (isnan_f32(y) || a > 1.0) { return nan_f32(y); }
  if (a == 1.0) { return inf_f32(y); }
  let w = -log_f32((1.0 - a) * (1.0 + a));
  if (w < 5.0) { let c = w - 2.5; return y * ${horner(GC, 'c')}; }
  let t = sqrt(w) - 3.0;
  return y * ${horner(GT, 't')};
}
fn gammaNear_f32(y: f32, which: i32) -> f32 {
  let z = y * y;
  if (which == 0) { return y * ${horner(LA, 'z')} + z * ${horner(LB, 'z')} - 0.5 * y; }
  if (which == 1) { let w = z * y; return -0.121486291 + z * ${horner(LT0, 'w')} + w * (${horner(LT1, 'w')} + y * ${horner(LT2, 'w')}); }
  return -0.5 * y + y * ${horner(LU, 'y')} / ${horner(LV, 'y')};
}
fn gammaPositive_f32(x: f32) -> f32 {
  if (x < 0.9) {
    let r = -log_f32(x);
    if (x >= 0.7316) { return r + gammaNear_f32(1.0 - x, 0); }
    if (x >= 0.23164) { return r + gammaNear_f32(x - 0.46163214, 1); }
    return r + gammaNear_f32(x, 2);
  }
  if (x < 2.0) {
    if (x >= 1.7316) { return gammaNear_f32(2.0 - x, 0); }
    if (x >= 1.23164) { return gammaNear_f32(x - 1.46163214, 1); }
    return gammaNear_f32(x - 1.0, 2);
  }
  if (x < 8.0) {
    let i = floor(x);
    let y = x - i;
    var z = 1.0;
    for (var k = i - 1.0; k >= 2.0; k = k - 1.0) { z = z * (y + k); }
    return 0.5 * y + y * ${horner(LS, 'y')} / ${horner(LR, 'y')} + log_f32(z);
  }
  let t = log_f32(x);
  if (x >= 2.8e17) { return x * (t - 1.0); }
  let z = 1.0 / x;
  let s = z * z;
  return (x - 0.5) * (t - 1.0) + (0.418938533 + z * ${horner(LW, 's')});
}
fn lgamma_f32(x: f32) -> f32 {
  if (isnan_f32(x)) { return x; }
  let a = abs(x);
  if (isinf_f32(x)) { return a; }
  if (x > 0.0) { return gammaPositive_f32(x); }
  let f = x - round(x);
  if (f == 0.0) { return inf_f32(a); }
  return log_f32(3.1415927 / abs(sin_f32(3.1415927 * f) * x)) - gammaPositive_f32(a);
}
fn digamma_f32(v: f32) -> f32 {
  if (isnan_f32(v)) { return v; }
  if (v == 0.0) { return inf_f32(-v); }
  var x = v;
  var r = 0.0;
  if (x < 0.0) {
    let f = x - round(x);
    if (f == 0.0 || isinf_f32(x)) { return nan_f32(x); }
    r = -3.1415927 / tan_f32(3.1415927 * f);
    x = 1.0 - x;
  }
  if (isinf_f32(x)) { return x; }
  if (x >= 10.0) { let z = 1.0 / (x * x); return log_f32(x) - 0.5 / x - z * ${horner(DG, 'z')} + r; }
  while (x > 2.0) { x = x - 1.0; r = r + 1.0 / x; }
  if (x < 1.0) { r = r - 1.0 / x; x = x + 1.0; }
  let g = (x - 1.4616321) - 3.8e-8;
  let o = x - 1.0;
  return g * 0.99558163 + g * ${horner(DP, 'o')} / ${horner(DQ, 'o')} + r;
}
fn zeta_f32(s: f32, v: f32) -> f32 {
  if (isnan_f32(s)) { return s; }
  if (s == 1.0) { return inf_f32(s); }
  if (isnan_f32(v)) { return v; }
  let poles = v <= 0.0 && floor(v) == v;
  if (isneginf_f32(v) || poles) { return select(nan_f32(s), inf_f32(abs(s)), s >= 1.0); }
  if (s < 1.0 || (v < 0.0 && floor(s) != s)) { return nan_f32(s); }
  if (isinf_f32(s)) { return select(select(select(nan_f32(s), inf_f32(s), v > 0.0), 1.0, v == 1.0), 0.0, v > 1.0); }
  var q = v;
  var sum = 0.0;
  for (var i = 0; i < 4096 && q < 12.0 + min(s, 40.0); i++) { sum = sum + pow_f32(q, -s); q = q + 1.0; }
  if (isinf_f32(q)) { return 0.0; }
  let p = pow_f32(q, -s);
  if (p == 0.0) { return sum; }
  return sum + (q * p) / (s - 1.0) + 0.5 * p + ((s * p) / (12.0 * q)) * (1.0 - ((s + 1.0) * (s + 2.0)) / (60.0 * q * q));
}
fn xlogy_f32(a: f32, b: f32) -> f32 { if (a == 0.0 && !isnan_f32(b)) { return 0.0; } return a * log_f32(b); }
fn softplus_f32(x: f32) -> f32 { if (isnan_f32(x)) { return x; } return max(x, 0.0) + log1p_f32(exp_f32(-abs(x))); }
fn logaddexp_f32(a: f32, b: f32) -> f32 {
  if (isnan_f32(a) || isnan_f32(b)) { return nan_f32(a); }
  if (a == b) { return a + 0.6931472; }
  return max(a, b) + log1p_f32(exp_f32(-abs(a - b)));
}
fn ramp_f32(x: f32) -> f32 { if (isnan_f32(x)) { return x; } return clamp(x + 3.0, 0.0, 6.0) / 6.0; }
fn softplusOf_f32(a: f32, b: f32, c: f32) -> f32 {
  let z = a * b;
  if (isnan_f32(z) || isnan_f32(b)) { return nan_f32(z); }
  if (z > c) { return a; }
  return log1p_f32(exp_f32(z)) / b;
}
fn softshrink_f32(a: f32, b: f32) -> f32 {
  if (isnan_f32(a)) { return a; }
  if (lt_f32(b, a)) { return a - b; }
  if (lt_f32(a, -b)) { return a + b; }
  if (isinf_f32(a)) { return nan_f32(a); }
  return a * 0.0;
}
fn gelu_f32(x: f32) -> f32 { return 0.5 * x * (1.0 + erf_f32(x * 0.70710677)); }
fn geluSlope_f32(b: f32) -> f32 { return 0.5 * (1.0 + erf_f32(b * 0.70710677)) + b * 0.3989423 * exp_f32(-0.5 * b * b); }
fn geluTanh_f32(b: f32) -> f32 { return tanh_f32(0.7978846 * b * (1.0 + 0.044715 * b * b)); }
fn geluTanhSlope_f32(b: f32) -> f32 {
  let t = geluTanh_f32(b);
  return 0.5 * (1.0 + t + b * (1.0 - t * t) * 0.7978846 * (1.0 + 3.0 * 0.044715 * b * b));
}
fn silu_f32(x: f32) -> f32 { return x * sigmoid_f32(x); }
fn siluSlope_f32(b: f32) -> f32 { let s = sigmoid_f32(b); return s * (1.0 + b * (1.0 - s)); }
`;
