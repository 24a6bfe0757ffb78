// Test entry: applies one function of assembly/math to contiguous memory. The order of `fn` is that of tests/math/measure.ts.
//   npx asc assembly/tests/math.ts -o build/wasm/math-test.wasm --enable simd --enable threads --enable bulk-memory \
//     -O3 --noAssert --runtime stub --disableWarning 112
import * as m from '../math';

/** Applies function `fn` to a vector; `type` 0 is f32x4, 1 is f64x2. */
function apply(fn: i32, type: i32, x: v128, y: v128): v128 {
  if (type == 0) {
    switch (fn) {
      case 0: return m.exp_f32(x);
      case 1: return m.exp2_f32(x);
      case 2: return m.expm1_f32(x);
      case 3: return m.log_f32(x);
      case 4: return m.log2_f32(x);
      case 5: return m.log10_f32(x);
      case 6: return m.log1p_f32(x);
      case 7: return m.sin_f32(x);
      case 8: return m.cos_f32(x);
      case 9: return m.tan_f32(x);
      case 10: return m.asin_f32(x);
      case 11: return m.acos_f32(x);
      case 12: return m.atan_f32(x);
      case 13: return m.sinh_f32(x);
      case 14: return m.cosh_f32(x);
      case 15: return m.tanh_f32(x);
      case 16: return m.asinh_f32(x);
      case 17: return m.acosh_f32(x);
      case 18: return m.atanh_f32(x);
      case 19: return m.erf_f32(x);
      case 20: return m.erfc_f32(x);
      case 21: return m.erfinv_f32(x);
      case 22: return m.lgamma_f32(x);
      case 23: return m.digamma_f32(x);
      case 24: return m.sigmoid_f32(x);
      case 25: return m.pow_f32(x, y);
      case 26: return m.atan2_f32(x, y);
      default: return x;
    }
  }
  switch (fn) {
    case 0: return m.exp_f64(x);
    case 1: return m.exp2_f64(x);
    case 2: return m.expm1_f64(x);
    case 3: return m.log_f64(x);
    case 4: return m.log2_f64(x);
    case 5: return m.log10_f64(x);
    case 6: return m.log1p_f64(x);
    case 7: return m.sin_f64(x);
    case 8: return m.cos_f64(x);
    case 9: return m.tan_f64(x);
    case 10: return m.asin_f64(x);
    case 11: return m.acos_f64(x);
    case 12: return m.atan_f64(x);
    case 13: return m.sinh_f64(x);
    case 14: return m.cosh_f64(x);
    case 15: return m.tanh_f64(x);
    case 16: return m.asinh_f64(x);
    case 17: return m.acosh_f64(x);
    case 18: return m.atanh_f64(x);
    case 19: return m.erf_f64(x);
    case 20: return m.erfc_f64(x);
    case 21: return m.erfinv_f64(x);
    case 22: return m.lgamma_f64(x);
    case 23: return m.digamma_f64(x);
    case 24: return m.sigmoid_f64(x);
    case 25: return m.pow_f64(x, y);
    case 26: return m.atan2_f64(x, y);
    default: return x;
  }
}

/** out = fn(a, b) over `bytes` bytes, a multiple of 16; one-argument functions ignore b. */
export function run(fn: i32, type: i32, a: usize, b: usize, out: usize, bytes: i32): void {
  for (let i = 0; i < bytes; i += 16) v128.store(out + i, apply(fn, type, v128.load(a + i), v128.load(b + i)));
}
