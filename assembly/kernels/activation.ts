// One vector of each activation function and of the derivatives that are fused.
import { FloatBinary, FloatTernary, FloatUnary, LongFloatBinary, LongUnary, Ternary, Unary } from '../lanes';
import {
  erf_f32, erf_f64, exp_f32, exp_f64, expm1_f32, expm1_f64, log1p_f32, log1p_f64, sigmoid_f32, sigmoid_f64, tanh_f32, tanh_f64,
} from '../math';
import { HALF, ONE, SIGN, TWO } from '../math/constants';
import { C } from '../math/vector';

@inline function d(x: f64): v128 { return f64x2.splat(x); }
@inline function s(x: f64): v128 { return f32x4.splat(<f32>x); }

const SELU_ALPHA: f64 = 1.6732632423543772848;
const SELU_SCALE: f64 = 1.0507009873554804934;
const SQRT1_2: f64 = 0.70710678118654752440;
/** 1 / sqrt(2 pi). */
const DENSITY: f64 = 0.39894228040143267794;
/** sqrt(2 / pi) and the cubic term of the tanh approximation of gelu. */
const GELU_K: f64 = 0.79788456080286535588;
const GELU_C: f64 = 0.044715;

@final export class Relu extends Unary {
  @inline f32(x: v128): v128 { return f32x4.pmax(x, i32x4.splat(0)); }
  @inline f64(x: v128): v128 { return f64x2.pmax(x, i32x4.splat(0)); }
  @inline i32(x: v128): v128 { return i32x4.max_s(x, i32x4.splat(0)); }
  @inline i64(x: v128): v128 { return v128.and(x, i64x2.gt_s(x, i32x4.splat(0))); }
}
@final export class LeakyRelu extends FloatBinary {
  @inline f32(a: v128, b: v128): v128 { return v128.bitselect(a, f32x4.mul(a, b), f32x4.gt(a, i32x4.splat(0))); }
  @inline f64(a: v128, b: v128): v128 { return v128.bitselect(a, f64x2.mul(a, b), f64x2.gt(a, i32x4.splat(0))); }
}
/** x above zero, alpha (exp(x) - 1) below. */
@final export class Elu extends LongFloatBinary {
  f32(a: v128, b: v128): v128 { return v128.bitselect(a, f32x4.mul(b, expm1_f32(a)), f32x4.gt(a, i32x4.splat(0))); }
  f64(a: v128, b: v128): v128 { return v128.bitselect(a, f64x2.mul(b, expm1_f64(a)), f64x2.gt(a, i32x4.splat(0))); }
}
@final export class Celu extends LongFloatBinary {
  f32(a: v128, b: v128): v128 { return v128.bitselect(a, f32x4.mul(b, expm1_f32(f32x4.div(a, b))), f32x4.gt(a, i32x4.splat(0))); }
  f64(a: v128, b: v128): v128 { return v128.bitselect(a, f64x2.mul(b, expm1_f64(f64x2.div(a, b))), f64x2.gt(a, i32x4.splat(0))); }
}
@final export class Selu extends LongUnary {
  f32(x: v128): v128 {
    const y = v128.bitselect(x, f32x4.mul(s(SELU_ALPHA), expm1_f32(x)), f32x4.gt(x, i32x4.splat(0)));
    return f32x4.mul(s(SELU_SCALE), y);
  }
  f64(x: v128): v128 {
    const y = v128.bitselect(x, f64x2.mul(d(SELU_ALPHA), expm1_f64(x)), f64x2.gt(x, i32x4.splat(0)));
    return f64x2.mul(d(SELU_SCALE), y);
  }
}
@final export class Gelu extends LongUnary {
  f32(x: v128): v128 { return f32x4.mul(f32x4.mul(x, C(HALF)), f32x4.add(C(ONE), erf_f32(f32x4.mul(x, s(SQRT1_2))))); }
  f64(x: v128): v128 { return f64x2.mul(f64x2.mul(x, d(0.5)), f64x2.add(d(1), erf_f64(f64x2.mul(x, d(SQRT1_2))))); }
}
@final export class GeluTanh extends LongUnary {
  f32(x: v128): v128 {
    const t = tanh_f32(f32x4.mul(f32x4.mul(x, s(GELU_K)), f32x4.add(C(ONE), f32x4.mul(s(GELU_C), f32x4.mul(x, x)))));
    return f32x4.mul(f32x4.mul(x, C(HALF)), f32x4.add(C(ONE), t));
  }
  f64(x: v128): v128 {
    const t = tanh_f64(f64x2.mul(f64x2.mul(x, d(GELU_K)), f64x2.add(d(1), f64x2.mul(d(GELU_C), f64x2.mul(x, x)))));
    return f64x2.mul(f64x2.mul(x, d(0.5)), f64x2.add(d(1), t));
  }
}
@final export class Silu extends LongUnary {
  @inline f32(x: v128): v128 { return f32x4.mul(x, sigmoid_f32(x)); }
  @inline f64(x: v128): v128 { return f64x2.mul(x, sigmoid_f64(x)); }
}
/** x tanh(log(1 + e)) = x n / (n + 2) with e = exp(x), n = e (e + 2); 1 in either precision from 20 on. */
@final export class Mish extends LongUnary {
  f32(x: v128): v128 {
    const e = exp_f32(f32x4.pmin(x, s(20)));
    const n = f32x4.mul(e, f32x4.add(e, C(TWO)));
    return f32x4.mul(x, f32x4.div(n, f32x4.add(n, C(TWO))));
  }
  f64(x: v128): v128 {
    const e = exp_f64(f64x2.pmin(x, d(20)));
    const n = f64x2.mul(e, f64x2.add(e, d(2)));
    return f64x2.mul(x, f64x2.div(n, f64x2.add(n, d(2))));
  }
}
@final export class Softplus extends FloatTernary {
  f32(a: v128, b: v128, c: v128): v128 {
    const z = f32x4.mul(a, b);
    return v128.bitselect(a, f32x4.div(log1p_f32(exp_f32(z)), b), f32x4.gt(z, c));
  }
  f64(a: v128, b: v128, c: v128): v128 {
    const z = f64x2.mul(a, b);
    return v128.bitselect(a, f64x2.div(log1p_f64(exp_f64(z)), b), f64x2.gt(z, c));
  }
}
@final export class LogSigmoid extends LongUnary {
  f32(x: v128): v128 { return f32x4.sub(f32x4.pmin(i32x4.splat(0), x), log1p_f32(exp_f32(v128.or(x, C(SIGN))))); }
  f64(x: v128): v128 { return f64x2.sub(f64x2.pmin(i32x4.splat(0), x), log1p_f64(exp_f64(f64x2.neg(f64x2.abs(x))))); }
}
@final export class Hardsigmoid extends FloatUnary {
  @inline f32(x: v128): v128 { return f32x4.div(f32x4.pmin(f32x4.pmax(f32x4.add(x, s(3)), i32x4.splat(0)), s(6)), s(6)); }
  @inline f64(x: v128): v128 { return f64x2.div(f64x2.pmin(f64x2.pmax(f64x2.add(x, d(3)), i32x4.splat(0)), d(6)), d(6)); }
}
@final export class Hardswish extends FloatUnary {
  @inline f32(x: v128): v128 { return f32x4.div(f32x4.mul(x, f32x4.pmin(f32x4.pmax(f32x4.add(x, s(3)), i32x4.splat(0)), s(6))), s(6)); }
  @inline f64(x: v128): v128 { return f64x2.div(f64x2.mul(x, f64x2.pmin(f64x2.pmax(f64x2.add(x, d(3)), i32x4.splat(0)), d(6))), d(6)); }
}
@final export class Softshrink extends LongFloatBinary {
  f32(a: v128, b: v128): v128 {
    const y = v128.bitselect(f32x4.add(a, b), f32x4.mul(a, i32x4.splat(0)), f32x4.lt(a, f32x4.neg(b)));
    return v128.bitselect(f32x4.sub(a, b), y, f32x4.gt(a, b));
  }
  f64(a: v128, b: v128): v128 {
    const y = v128.bitselect(f64x2.add(a, b), f64x2.mul(a, i32x4.splat(0)), f64x2.lt(a, f64x2.neg(b)));
    return v128.bitselect(f64x2.sub(a, b), y, f64x2.gt(a, b));
  }
}
@final export class Hardshrink extends FloatBinary {
  @inline f32(a: v128, b: v128): v128 { return v128.andnot(a, v128.and(f32x4.ge(a, f32x4.neg(b)), f32x4.le(a, b))); }
  @inline f64(a: v128, b: v128): v128 { return v128.andnot(a, v128.and(f64x2.ge(a, f64x2.neg(b)), f64x2.le(a, b))); }
}
@final export class Threshold extends Ternary {
  @inline f32(a: v128, b: v128, c: v128): v128 { return v128.bitselect(c, a, f32x4.le(a, b)); }
  @inline f64(a: v128, b: v128, c: v128): v128 { return v128.bitselect(c, a, f64x2.le(a, b)); }
  @inline i32(a: v128, b: v128, c: v128): v128 { return v128.bitselect(c, a, i32x4.le_s(a, b)); }
  @inline i64(a: v128, b: v128, c: v128): v128 { return v128.bitselect(c, a, i64x2.le_s(a, b)); }
}

// Derivatives: a is the incoming gradient, b the output or input they are taken at.
@final export class ReluBackward extends FloatBinary {
  @inline f32(a: v128, b: v128): v128 { return v128.andnot(a, f32x4.le(b, i32x4.splat(0))); }
  @inline f64(a: v128, b: v128): v128 { return v128.andnot(a, f64x2.le(b, i32x4.splat(0))); }
}
@final export class SigmoidBackward extends FloatBinary {
  @inline f32(a: v128, b: v128): v128 { return f32x4.mul(f32x4.mul(a, f32x4.sub(C(ONE), b)), b); }
  @inline f64(a: v128, b: v128): v128 { return f64x2.mul(f64x2.mul(a, f64x2.sub(d(1), b)), b); }
}
@final export class TanhBackward extends FloatBinary {
  @inline f32(a: v128, b: v128): v128 { return f32x4.mul(a, f32x4.sub(C(ONE), f32x4.mul(b, b))); }
  @inline f64(a: v128, b: v128): v128 { return f64x2.mul(a, f64x2.sub(d(1), f64x2.mul(b, b))); }
}
@final export class GeluBackward extends LongFloatBinary {
  f32(a: v128, b: v128): v128 {
    const p = f32x4.mul(C(HALF), f32x4.add(C(ONE), erf_f32(f32x4.mul(b, s(SQRT1_2)))));
    const q = f32x4.mul(s(DENSITY), exp_f32(f32x4.mul(f32x4.mul(b, b), s(-0.5))));
    return f32x4.mul(a, f32x4.add(p, f32x4.mul(b, q)));
  }
  f64(a: v128, b: v128): v128 {
    const p = f64x2.mul(d(0.5), f64x2.add(d(1), erf_f64(f64x2.mul(b, d(SQRT1_2)))));
    const q = f64x2.mul(d(DENSITY), exp_f64(f64x2.mul(f64x2.mul(b, b), d(-0.5))));
    return f64x2.mul(a, f64x2.add(p, f64x2.mul(b, q)));
  }
}
@final export class GeluTanhBackward extends LongFloatBinary {
  f32(a: v128, b: v128): v128 {
    const z = f32x4.mul(b, b);
    const t = tanh_f32(f32x4.mul(f32x4.mul(b, s(GELU_K)), f32x4.add(C(ONE), f32x4.mul(s(GELU_C), z))));
    const slope = f32x4.mul(s(GELU_K), f32x4.add(C(ONE), f32x4.mul(s(3 * GELU_C), z)));
    const right = f32x4.mul(f32x4.mul(b, f32x4.sub(C(ONE), f32x4.mul(t, t))), slope);
    return f32x4.mul(a, f32x4.mul(C(HALF), f32x4.add(f32x4.add(C(ONE), t), right)));
  }
  f64(a: v128, b: v128): v128 {
    const z = f64x2.mul(b, b);
    const t = tanh_f64(f64x2.mul(f64x2.mul(b, d(GELU_K)), f64x2.add(d(1), f64x2.mul(d(GELU_C), z))));
    const slope = f64x2.mul(d(GELU_K), f64x2.add(d(1), f64x2.mul(d(3 * GELU_C), z)));
    const right = f64x2.mul(f64x2.mul(b, f64x2.sub(d(1), f64x2.mul(t, t))), slope);
    return f64x2.mul(a, f64x2.mul(d(0.5), f64x2.add(f64x2.add(d(1), t), right)));
  }
}
@final export class SiluBackward extends LongFloatBinary {
  f32(a: v128, b: v128): v128 {
    const y = sigmoid_f32(b);
    return f32x4.mul(a, f32x4.mul(y, f32x4.add(C(ONE), f32x4.mul(b, f32x4.sub(C(ONE), y)))));
  }
  f64(a: v128, b: v128): v128 {
    const y = sigmoid_f64(b);
    return f64x2.mul(a, f64x2.mul(y, f64x2.add(d(1), f64x2.mul(b, f64x2.sub(d(1), y)))));
  }
}
