// One vector of each elementwise op on one operand.
import { exp_blocks, sigmoid_blocks } from '../math/blocks';
import { BlockUnary, FloatUnary, LongUnary, Unary } from '../lanes';
import {
  digamma_f32, digamma_f64, erf_f32, erf_f64, erfc_f32, erfc_f64, erfinv_f32, erfinv_f64, exp2_f32, exp2_f64, exp_f32, exp_f64,
  expm1_f32, expm1_f64, lgamma_f32, lgamma_f64, log10_f32, log10_f64, log1p_f32, log1p_f64, log2_f32, log2_f64, log_f32, log_f64,
  sigmoid_f32, sigmoid_f64,
} from '../math';
import { ONE } from '../math/constants';
import { C } from '../math/vector';

/** An op that leaves integers as they are. */
abstract class Rounding extends Unary {
  @inline i32(x: v128): v128 { return x; }
  @inline i64(x: v128): v128 { return x; }
}

@final export class Copy extends Rounding {
  @inline f32(x: v128): v128 { return x; }
  @inline f64(x: v128): v128 { return x; }
}
@final export class Floor extends Rounding {
  @inline f32(x: v128): v128 { return f32x4.floor(x); }
  @inline f64(x: v128): v128 { return f64x2.floor(x); }
}
@final export class Ceil extends Rounding {
  @inline f32(x: v128): v128 { return f32x4.ceil(x); }
  @inline f64(x: v128): v128 { return f64x2.ceil(x); }
}
@final export class Trunc extends Rounding {
  @inline f32(x: v128): v128 { return f32x4.trunc(x); }
  @inline f64(x: v128): v128 { return f64x2.trunc(x); }
}
@final export class Round extends Rounding {
  @inline f32(x: v128): v128 { return f32x4.nearest(x); }
  @inline f64(x: v128): v128 { return f64x2.nearest(x); }
}
@final export class Abs extends Unary {
  @inline f32(x: v128): v128 { return f32x4.abs(x); }
  @inline f64(x: v128): v128 { return f64x2.abs(x); }
  @inline i32(x: v128): v128 { return i32x4.abs(x); }
  @inline i64(x: v128): v128 { return i64x2.abs(x); }
}
@final export class Neg extends Unary {
  @inline f32(x: v128): v128 { return f32x4.neg(x); }
  @inline f64(x: v128): v128 { return f64x2.neg(x); }
  @inline i32(x: v128): v128 { return i32x4.neg(x); }
  @inline i64(x: v128): v128 { return i64x2.neg(x); }
}
@final export class Square extends Unary {
  @inline f32(x: v128): v128 { return f32x4.mul(x, x); }
  @inline f64(x: v128): v128 { return f64x2.mul(x, x); }
  @inline i32(x: v128): v128 { return i32x4.mul(x, x); }
  @inline i64(x: v128): v128 { return i64x2.mul(x, x); }
}
@final export class Sign extends Unary {
  @inline f32(x: v128): v128 {
    const zero = i32x4.splat(0);
    return v128.or(v128.and(f32x4.gt(x, zero), C(ONE)), v128.and(f32x4.lt(x, zero), f32x4.splat(-1)));
  }
  @inline f64(x: v128): v128 {
    const zero = i32x4.splat(0);
    return v128.or(v128.and(f64x2.gt(x, zero), f64x2.splat(1)), v128.and(f64x2.lt(x, zero), f64x2.splat(-1)));
  }
  @inline i32(x: v128): v128 { return i32x4.sub(i32x4.lt_s(x, i32x4.splat(0)), i32x4.gt_s(x, i32x4.splat(0))); }
  @inline i64(x: v128): v128 { return i64x2.sub(i64x2.lt_s(x, i32x4.splat(0)), i64x2.gt_s(x, i32x4.splat(0))); }
}
@final export class Frac extends FloatUnary {
  @inline f32(x: v128): v128 { return f32x4.sub(x, f32x4.trunc(x)); }
  @inline f64(x: v128): v128 { return f64x2.sub(x, f64x2.trunc(x)); }
}
@final export class Sqrt extends FloatUnary {
  @inline f32(x: v128): v128 { return f32x4.sqrt(x); }
  @inline f64(x: v128): v128 { return f64x2.sqrt(x); }
}
@final export class Rsqrt extends FloatUnary {
  @inline f32(x: v128): v128 { return f32x4.div(C(ONE), f32x4.sqrt(x)); }
  @inline f64(x: v128): v128 { return f64x2.div(f64x2.splat(1), f64x2.sqrt(x)); }
}
@final export class Reciprocal extends FloatUnary {
  @inline f32(x: v128): v128 { return f32x4.div(C(ONE), x); }
  @inline f64(x: v128): v128 { return f64x2.div(f64x2.splat(1), x); }
}
@final export class Exp extends BlockUnary {
  @inline blocks(p: usize, q: usize, m: i32): void { exp_blocks(p, q, m); }
  @inline f32(x: v128): v128 { return exp_f32(x); }
  @inline f64(x: v128): v128 { return exp_f64(x); }
}
@final export class Exp2 extends LongUnary {
  @inline f32(x: v128): v128 { return exp2_f32(x); }
  @inline f64(x: v128): v128 { return exp2_f64(x); }
}
@final export class Expm1 extends LongUnary {
  @inline f32(x: v128): v128 { return expm1_f32(x); }
  @inline f64(x: v128): v128 { return expm1_f64(x); }
}
@final export class Log extends LongUnary {
  @inline f32(x: v128): v128 { return log_f32(x); }
  @inline f64(x: v128): v128 { return log_f64(x); }
}
@final export class Log2 extends LongUnary {
  @inline f32(x: v128): v128 { return log2_f32(x); }
  @inline f64(x: v128): v128 { return log2_f64(x); }
}
@final export class Log10 extends LongUnary {
  @inline f32(x: v128): v128 { return log10_f32(x); }
  @inline f64(x: v128): v128 { return log10_f64(x); }
}
@final export class Log1p extends LongUnary {
  @inline f32(x: v128): v128 { return log1p_f32(x); }
  @inline f64(x: v128): v128 { return log1p_f64(x); }
}
@final export class Erf extends LongUnary {
  @inline f32(x: v128): v128 { return erf_f32(x); }
  @inline f64(x: v128): v128 { return erf_f64(x); }
}
@final export class Erfc extends LongUnary {
  @inline f32(x: v128): v128 { return erfc_f32(x); }
  @inline f64(x: v128): v128 { return erfc_f64(x); }
}
@final export class Erfinv extends LongUnary {
  @inline f32(x: v128): v128 { return erfinv_f32(x); }
  @inline f64(x: v128): v128 { return erfinv_f64(x); }
}
@final export class Lgamma extends LongUnary {
  @inline f32(x: v128): v128 { return lgamma_f32(x); }
  @inline f64(x: v128): v128 { return lgamma_f64(x); }
}
@final export class Digamma extends LongUnary {
  @inline f32(x: v128): v128 { return digamma_f32(x); }
  @inline f64(x: v128): v128 { return digamma_f64(x); }
}
@final export class Sigmoid extends BlockUnary {
  @inline blocks(p: usize, q: usize, m: i32): void { sigmoid_blocks(p, q, m); }
  @inline f32(x: v128): v128 { return sigmoid_f32(x); }
  @inline f64(x: v128): v128 { return sigmoid_f64(x); }
}
