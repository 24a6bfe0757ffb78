// Helper functions in WGSL, by name; a shader gets those that it names. Suffixes tell the kind: _f32, _i32, _i64 (a pair of words).
// NaN and infinity are told by their bits, because drivers may assume that there are none.
import { SPECIAL } from './special.ts';

const list = `
fn isnan_f32(x: f32) -> bool { return (bitcast<u32>(x) & 0x7fffffffu) > 0x7f800000u; }
fn isinf_f32(x: f32) -> bool { return (bitcast<u32>(x) & 0x7fffffffu) == 0x7f800000u; }
fn isfinite_f32(x: f32) -> bool { return (bitcast<u32>(x) & 0x7fffffffu) < 0x7f800000u; }
fn isposinf_f32(x: f32) -> bool { return bitcast<u32>(x) == 0x7f800000u; }
fn isneginf_f32(x: f32) -> bool { return bitcast<u32>(x) == 0xff800000u; }
fn signbit_f32(x: f32) -> bool { return bitcast<u32>(x) >= 0x80000000u; }
fn signbit_i32(x: i32) -> bool { return x < 0; }
fn signbit_i64(x: vec2u) -> bool { return bitcast<i32>(x.y) < 0; }
fn isnan_i32(x: i32) -> bool { return false; }
fn isinf_i32(x: i32) -> bool { return false; }
fn isposinf_i32(x: i32) -> bool { return false; }
fn isneginf_i32(x: i32) -> bool { return false; }
fn isfinite_i32(x: i32) -> bool { return true; }
fn isnan_i64(x: vec2u) -> bool { return false; }
fn isinf_i64(x: vec2u) -> bool { return false; }
fn isposinf_i64(x: vec2u) -> bool { return false; }
fn isneginf_i64(x: vec2u) -> bool { return false; }
fn isfinite_i64(x: vec2u) -> bool { return true; }
fn nan_f32(x: f32) -> f32 { return bitcast<f32>(0x7fc00000u | (bitcast<u32>(x) & 1u)); }
fn inf_f32(x: f32) -> f32 { return bitcast<f32>(0x7f800000u | (bitcast<u32>(x) & 0x80000000u)); }
fn true_f32(x: f32) -> bool { return (bitcast<u32>(x) & 0x7fffffffu) != 0u; }
fn true_i32(x: i32) -> bool { return x != 0; }
fn true_i64(x: vec2u) -> bool { return any(x != vec2u(0u)); }
fn eq_f32(a: f32, b: f32) -> bool { return a == b && !isnan_f32(a) && !isnan_f32(b); }
fn eq_i32(a: i32, b: i32) -> bool { return a == b; }
fn eq_i64(a: vec2u, b: vec2u) -> bool { return all(a == b); }
fn lt_f32(a: f32, b: f32) -> bool { return a < b && !isnan_f32(a) && !isnan_f32(b); }
fn lt_i32(a: i32, b: i32) -> bool { return a < b; }
fn lt_i64(a: vec2u, b: vec2u) -> bool { return bitcast<i32>(a.y) < bitcast<i32>(b.y) || (a.y == b.y && a.x < b.x); }
fn le_f32(a: f32, b: f32) -> bool { return a <= b && !isnan_f32(a) && !isnan_f32(b); }
fn le_i32(a: i32, b: i32) -> bool { return a <= b; }
fn le_i64(a: vec2u, b: vec2u) -> bool { return !lt_i64(b, a); }
fn pick_f32(no: f32, yes: f32, c: bool) -> f32 { return select(no, yes, c); }
fn pick_i32(no: i32, yes: i32, c: bool) -> i32 { return select(no, yes, c); }
fn pick_i64(no: vec2u, yes: vec2u, c: bool) -> vec2u { return select(no, yes, c); }
fn half_f32(h: u32) -> f32 {
  let s = (h & 0x8000u) << 16u;
  let e = (h >> 10u) & 31u;
  let m = h & 1023u;
  if (e == 0u) { return bitcast<f32>(s | bitcast<u32>(f32(m) * 5.9604644775390625e-8)); }
  if (e == 31u) { return bitcast<f32>(s | 0x7f800000u | (m << 13u)); }
  return bitcast<f32>(s | ((e + 112u) << 23u) | (m << 13u));
}
fn half_bits(x: f32) -> u32 {
  let bits = bitcast<u32>(x);
  let s = (bits >> 16u) & 0x8000u;
  var a = bits & 0x7fffffffu;
  if (a > 0x7f800000u) { return s | 0x7e00u; }
  if (a >= 0x477ff000u) { return s | 0x7c00u; }
  if (a < 0x38800000u) { return s | (bitcast<u32>(bitcast<f32>(a) + 0.5) - 0x3f000000u); }
  a += 0xfffu + ((a >> 13u) & 1u);
  return s | ((a - 0x38000000u) >> 13u);
}
fn half_f16(x: f32) -> f16 { return f16(unpack2x16float(half_bits(x)).x); }
fn brain_bits(x: f32) -> u32 {
  let bits = bitcast<u32>(x);
  if ((bits & 0x7fffffffu) > 0x7f800000u) { return (bits >> 16u) | 0x40u; }
  return ((bits + 0x7fffu + ((bits >> 16u) & 1u)) >> 16u) & 0xffffu;
}
fn int_f32(x: f32) -> i32 {
  if (isnan_f32(x)) { return 0; }
  if (x >= 2147483648.0) { return 2147483647; }
  if (x <= -2147483648.0) { return i32(-2147483647) - 1; }
  return i32(x);
}
fn wide_i32(x: i32) -> vec2u { return vec2u(bitcast<u32>(x), bitcast<u32>(x >> 31u)); }
fn wide_f32(x: f32) -> vec2u {
  if (isnan_f32(x)) { return vec2u(0u); }
  let a = abs(x);
  if (a >= 9223372036854775808.0) { return select(vec2u(0u, 0x80000000u), vec2u(0xffffffffu, 0x7fffffffu), x > 0.0); }
  let t = trunc(a);
  let high = u32(t * 2.3283064365386963e-10);
  let v = vec2u(u32(t - f32(high) * 4294967296.0), high);
  return select(v, neg_i64(v), x < 0.0);
}
fn float_i64(v: vec2u) -> f32 {
  let negative = bitcast<i32>(v.y) < 0;
  let a = abs_i64(v);
  if (a.y == 0u) { return select(f32(a.x), -f32(a.x), negative); }
  let r = f32(a.y) * 4294967296.0 + f32(a.x);
  return select(r, -r, negative);
}
fn narrow_i64(v: vec2u) -> i32 {
  let x = bitcast<i32>(v.x);
  return select(select(2147483647, i32(-2147483647) - 1, bitcast<i32>(v.y) < 0), x, bitcast<i32>(v.y) == (x >> 31u));
}
fn product_u32(a: u32, b: u32) -> vec2u { return vec2u(a * b, high_u32(a, b)); }
fn high_i64(a: vec2u, b: vec2u) -> vec2u {
  let low = product_u32(a.x, b.x);
  let one = add_i64(product_u32(a.y, b.x), vec2u(low.y, 0u));
  let two = add_i64(product_u32(a.x, b.y), vec2u(one.x, 0u));
  return add_i64(add_i64(product_u32(a.y, b.y), vec2u(one.y, 0u)), vec2u(two.y, 0u));
}
fn add_f32(a: f32, b: f32) -> f32 { return a + b; }
fn add_i32(a: i32, b: i32) -> i32 { return a + b; }
fn add_i64(a: vec2u, b: vec2u) -> vec2u { let x = a.x + b.x; return vec2u(x, a.y + b.y + select(0u, 1u, x < a.x)); }
fn neg_i64(a: vec2u) -> vec2u { return add_i64(~a, vec2u(1u, 0u)); }
fn sub_f32(a: f32, b: f32) -> f32 { return a - b; }
fn sub_i32(a: i32, b: i32) -> i32 { return a - b; }
fn sub_i64(a: vec2u, b: vec2u) -> vec2u { return vec2u(a.x - b.x, a.y - b.y - select(0u, 1u, a.x < b.x)); }
fn abs_i64(a: vec2u) -> vec2u { return select(a, neg_i64(a), bitcast<i32>(a.y) < 0); }
fn high_u32(a: u32, b: u32) -> u32 {
  let al = a & 0xffffu; let ah = a >> 16u; let bl = b & 0xffffu; let bh = b >> 16u;
  let mid = ah * bl + ((al * bl) >> 16u);
  return ah * bh + (mid >> 16u) + ((al * bh + (mid & 0xffffu)) >> 16u);
}
fn mul_f32(a: f32, b: f32) -> f32 { return a * b; }
fn mul_i32(a: i32, b: i32) -> i32 { return a * b; }
fn mul_i64(a: vec2u, b: vec2u) -> vec2u { return vec2u(a.x * b.x, high_u32(a.x, b.x) + a.x * b.y + a.y * b.x); }
fn sign_f32(x: f32) -> f32 { return select(0.0, select(0.0, -1.0, x < 0.0), x != 0.0) + select(0.0, 1.0, x > 0.0 && !isnan_f32(x)); }
fn sign_i32(x: i32) -> i32 { return sign(x); }
fn sign_i64(x: vec2u) -> vec2u { return select(select(vec2u(0u), vec2u(1u, 0u), any(x != vec2u(0u))), vec2u(0xffffffffu), bitcast<i32>(x.y) < 0); }
fn max_f32(a: f32, b: f32) -> f32 {
  if (isnan_f32(a)) { return a; }
  if (isnan_f32(b)) { return b; }
  return select(b, a, a > b || (a == b && !signbit_f32(a)));
}
fn max_i32(a: i32, b: i32) -> i32 { return max(a, b); }
fn max_i64(a: vec2u, b: vec2u) -> vec2u { return select(a, b, lt_i64(a, b)); }
fn min_f32(a: f32, b: f32) -> f32 {
  if (isnan_f32(a)) { return a; }
  if (isnan_f32(b)) { return b; }
  return select(b, a, a < b || (a == b && signbit_f32(a)));
}
fn min_i32(a: i32, b: i32) -> i32 { return min(a, b); }
fn min_i64(a: vec2u, b: vec2u) -> vec2u { return select(b, a, lt_i64(a, b)); }
fn fmax_f32(a: f32, b: f32) -> f32 { if (isnan_f32(a)) { return b; } if (isnan_f32(b)) { return a; } return max_f32(a, b); }
fn fmax_i32(a: i32, b: i32) -> i32 { return max(a, b); }
fn fmax_i64(a: vec2u, b: vec2u) -> vec2u { return max_i64(a, b); }
fn fmin_f32(a: f32, b: f32) -> f32 { if (isnan_f32(a)) { return b; } if (isnan_f32(b)) { return a; } return min_f32(a, b); }
fn fmin_i32(a: i32, b: i32) -> i32 { return min(a, b); }
fn fmin_i64(a: vec2u, b: vec2u) -> vec2u { return min_i64(a, b); }
fn floor_f32(x: f32) -> f32 { return floor(x); }
fn floor_i32(x: i32) -> i32 { return x; }
fn floor_i64(x: vec2u) -> vec2u { return x; }
fn ceil_f32(x: f32) -> f32 { return ceil(x); }
fn ceil_i32(x: i32) -> i32 { return x; }
fn ceil_i64(x: vec2u) -> vec2u { return x; }
fn round_f32(x: f32) -> f32 { return round(x); }
fn round_i32(x: i32) -> i32 { return x; }
fn round_i64(x: vec2u) -> vec2u { return x; }
fn trunc_f32(x: f32) -> f32 { return trunc(x); }
fn trunc_i32(x: i32) -> i32 { return x; }
fn trunc_i64(x: vec2u) -> vec2u { return x; }
fn abs_f32(x: f32) -> f32 { return abs(x); }
fn abs_i32(x: i32) -> i32 { return abs(x); }
fn neg_f32(x: f32) -> f32 { return -x; }
fn neg_i32(x: i32) -> i32 { return -x; }
fn quotient_f32(a: f32, b: f32) -> f32 { return a / b; }
fn quotient_i32(a: i32, b: i32) -> i32 { if (b == 0) { return 0; } if (b == -1) { return -a; } return a / b; }
fn rest_i32(a: i32, b: i32) -> i32 { if (b == 0 || b == -1) { return 0; } return a % b; }
fn rest_f32(a: f32, b: f32) -> f32 {
  if (isnan_f32(a) || isnan_f32(b) || isinf_f32(a) || b == 0.0) { return nan_f32(a); }
  if (isinf_f32(b)) { return a; }
  let d = abs(b);
  var r = abs(a);
  // Exact: each step takes away the largest d 2^k that fits.
  for (var k = 0; k < 300 && r >= d; k++) {
    var s = d * exp2(floor(log2(r / d)));
    if (s > r) { s = s * 0.5; }
    if (s < d) { s = d; }
    r = r - s;
  }
  return bitcast<f32>(bitcast<u32>(r) | (bitcast<u32>(a) & 0x80000000u));
}
fn fmod_f32(a: f32, b: f32) -> f32 { return rest_f32(a, b); }
fn fmod_i32(a: i32, b: i32) -> i32 { return rest_i32(a, b); }
fn remainder_f32(a: f32, b: f32) -> f32 { let r = rest_f32(a, b); return select(r, r + b, r != 0.0 && ((r < 0.0) != (b < 0.0))); }
fn remainder_i32(a: i32, b: i32) -> i32 { let r = rest_i32(a, b); return select(r, r + b, r != 0 && ((r < 0) != (b < 0))); }
fn floorDivide_f32(a: f32, b: f32) -> f32 {
  if (b == 0.0) { return a / b; }
  let r = rest_f32(a, b);
  let w = (a - r) / b - select(0.0, 1.0, r != 0.0 && ((b < 0.0) != (r < 0.0)));
  return floor(w + 0.5);
}
fn floorDivide_i32(a: i32, b: i32) -> i32 {
  let q = quotient_i32(a, b);
  return select(q, q - 1, rest_i32(a, b) != 0 && ((a < 0) != (b < 0)));
}
fn truncDivide_f32(a: f32, b: f32) -> f32 { return trunc(a / b); }
fn truncDivide_i32(a: i32, b: i32) -> i32 { return quotient_i32(a, b); }
fn left_i32(a: i32, b: i32) -> i32 { return select(a << (u32(b) & 31u), 0, b < 0 || b > 31); }
fn right_i32(a: i32, b: i32) -> i32 { return a >> select(u32(b) & 31u, 31u, b < 0 || b > 31); }
fn copysign_f32(a: f32, b: f32) -> f32 { return bitcast<f32>((bitcast<u32>(a) & 0x7fffffffu) | (bitcast<u32>(b) & 0x80000000u)); }
fn heaviside_f32(a: f32, b: f32) -> f32 { if (a > 0.0 && !isnan_f32(a)) { return 1.0; } return select(0.0, b, a == 0.0 && !isnan_f32(a)); }
fn heaviside_i32(a: i32, b: i32) -> i32 { return select(select(0, b, a == 0), 1, a > 0); }
fn nextafter_f32(a: f32, b: f32) -> f32 {
  if (isnan_f32(a) || isnan_f32(b)) { return nan_f32(a); }
  let x = bitcast<i32>(a);
  let u = select(x, i32(-2147483647) - 1 - x, x < 0);
  let y = bitcast<i32>(b);
  let v = select(y, i32(-2147483647) - 1 - y, y < 0);
  if (u == v) { return b; }
  let n = select(u - 1, u + 1, u < v);
  return bitcast<f32>(select(n, i32(-2147483647) - 1 - n, n < 0));
}
fn powi_i32(a: i32, b: i32) -> i32 {
  if (b < 0) { if (a == 1) { return 1; } if (a == -1) { return select(-1, 1, (b & 1) == 0); } return 0; }
  var r = 1; var x = a; var n = b;
  while (n > 0) { if ((n & 1) == 1) { r = r * x; } x = x * x; n = n >> 1u; }
  return r;
}
fn pow_i32(a: i32, b: i32) -> i32 { return powi_i32(a, b); }
${SPECIAL}
`;

/** Text of each helper by its name. */
export const FUNCTIONS: Readonly<Record<string, string>> = Object.fromEntries(
  list
    .split(/\n(?=fn )/)
    .map((text) => text.trim())
    .filter((text) => text.startsWith('fn '))
    .map((text) => [/^fn (\w+)/.exec(text)?.[1] as string, text]),
);
