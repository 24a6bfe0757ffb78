// One vector of each arithmetic op on two operands.
import { Binary, FloatBinary, LongBinary, LongFloatBinary } from '../lanes';
import {
  atan2_f32, atan2_f64, exp2_f32, exp2_f64, exp_f32, exp_f64, log1p_f32, log1p_f64, log_f32, log_f64, pow_f32, pow_f64,
} from '../math';
import { INF, ONE, SIGN } from '../math/constants';
import { C, lane0, lane1, lane2, lane3, pair, quad } from '../math/vector';
import { FloorDivide1, Fmod1, Pow1, Remainder1, TruncDivide1, each32, each64 } from './integer';

@inline function lo(x: v128): f64 { return f64x2.extract_lane(x, 0); }
@inline function hi(x: v128): f64 { return f64x2.extract_lane(x, 1); }

@final export class Add extends Binary {
  @inline f32(a: v128, b: v128): v128 { return f32x4.add(a, b); }
  @inline f64(a: v128, b: v128): v128 { return f64x2.add(a, b); }
  @inline i32(a: v128, b: v128): v128 { return i32x4.add(a, b); }
  @inline i64(a: v128, b: v128): v128 { return i64x2.add(a, b); }
}
@final export class Sub extends Binary {
  @inline f32(a: v128, b: v128): v128 { return f32x4.sub(a, b); }
  @inline f64(a: v128, b: v128): v128 { return f64x2.sub(a, b); }
  @inline i32(a: v128, b: v128): v128 { return i32x4.sub(a, b); }
  @inline i64(a: v128, b: v128): v128 { return i64x2.sub(a, b); }
}
@final export class Mul extends Binary {
  @inline f32(a: v128, b: v128): v128 { return f32x4.mul(a, b); }
  @inline f64(a: v128, b: v128): v128 { return f64x2.mul(a, b); }
  @inline i32(a: v128, b: v128): v128 { return i32x4.mul(a, b); }
  @inline i64(a: v128, b: v128): v128 { return i64x2.mul(a, b); }
}
@final export class Div extends FloatBinary {
  @inline f32(a: v128, b: v128): v128 { return f32x4.div(a, b); }
  @inline f64(a: v128, b: v128): v128 { return f64x2.div(a, b); }
}

function remainder1(a: f64, b: f64): f64 {
  const r = a % b;
  return r != 0 && (r < 0) != (b < 0) ? r + b : r;
}
function floorDivide1(a: f64, b: f64): f64 {
  if (b == 0) return a / b;
  const r = a % b;
  let q = (a - r) / b;
  if (r != 0 && (r < 0) != (b < 0)) q -= 1;
  return q == 0 ? copysign(0, a / b) : nearest(q);
}
@final export class Remainder extends LongBinary {
  @inline f32(a: v128, b: v128): v128 {
    return quad(
      remainder1(lane0(a),
      lane0(b)),
      remainder1(lane1(a),
      lane1(b)),
      remainder1(lane2(a),
      lane2(b)),
      remainder1(lane3(a),
      lane3(b)),
    );
  }
  @inline f64(a: v128, b: v128): v128 { return pair(remainder1(lo(a), lo(b)), remainder1(hi(a), hi(b))); }
  @inline i32(a: v128, b: v128): v128 { return each32<Remainder1>(a, b); }
  @inline i64(a: v128, b: v128): v128 { return each64<Remainder1>(a, b); }
}
@final export class FloorDivide extends LongBinary {
  @inline f32(a: v128, b: v128): v128 {
    return quad(
      floorDivide1(lane0(a),
      lane0(b)),
      floorDivide1(lane1(a),
      lane1(b)),
      floorDivide1(lane2(a),
      lane2(b)),
      floorDivide1(lane3(a),
      lane3(b)),
    );
  }
  @inline f64(a: v128, b: v128): v128 { return pair(floorDivide1(lo(a), lo(b)), floorDivide1(hi(a), hi(b))); }
  @inline i32(a: v128, b: v128): v128 { return each32<FloorDivide1>(a, b); }
  @inline i64(a: v128, b: v128): v128 { return each64<FloorDivide1>(a, b); }
}
@final export class Fmod extends LongBinary {
  @inline f32(a: v128, b: v128): v128 {
    return quad(
      lane0(a) % lane0(b),
      lane1(a) % lane1(b),
      lane2(a) % lane2(b),
      lane3(a) % lane3(b),
    );
  }
  @inline f64(a: v128, b: v128): v128 { return pair(lo(a) % lo(b), hi(a) % hi(b)); }
  @inline i32(a: v128, b: v128): v128 { return each32<Fmod1>(a, b); }
  @inline i64(a: v128, b: v128): v128 { return each64<Fmod1>(a, b); }
}
@final export class TruncDivide extends LongBinary {
  @inline f32(a: v128, b: v128): v128 { return f32x4.trunc(f32x4.div(a, b)); }
  @inline f64(a: v128, b: v128): v128 { return f64x2.trunc(f64x2.div(a, b)); }
  @inline i32(a: v128, b: v128): v128 { return each32<TruncDivide1>(a, b); }
  @inline i64(a: v128, b: v128): v128 { return each64<TruncDivide1>(a, b); }
}
@final export class Pow extends LongBinary {
  @inline f32(a: v128, b: v128): v128 { return pow_f32(a, b); }
  @inline f64(a: v128, b: v128): v128 { return pow_f64(a, b); }
  @inline i32(a: v128, b: v128): v128 { return each32<Pow1>(a, b); }
  @inline i64(a: v128, b: v128): v128 { return each64<Pow1>(a, b); }
}
@final export class Maximum extends Binary {
  @inline f32(a: v128, b: v128): v128 { return f32x4.max(a, b); }
  @inline f64(a: v128, b: v128): v128 { return f64x2.max(a, b); }
  @inline i32(a: v128, b: v128): v128 { return i32x4.max_s(a, b); }
  @inline i64(a: v128, b: v128): v128 { return v128.bitselect(a, b, i64x2.gt_s(a, b)); }
}
@final export class Minimum extends Binary {
  @inline f32(a: v128, b: v128): v128 { return f32x4.min(a, b); }
  @inline f64(a: v128, b: v128): v128 { return f64x2.min(a, b); }
  @inline i32(a: v128, b: v128): v128 { return i32x4.min_s(a, b); }
  @inline i64(a: v128, b: v128): v128 { return v128.bitselect(a, b, i64x2.lt_s(a, b)); }
}
@final export class Fmax extends Binary {
  @inline f32(a: v128, b: v128): v128 { return v128.bitselect(b, f32x4.pmax(a, b), f32x4.ne(a, a)); }
  @inline f64(a: v128, b: v128): v128 { return v128.bitselect(b, f64x2.pmax(a, b), f64x2.ne(a, a)); }
  @inline i32(a: v128, b: v128): v128 { return i32x4.max_s(a, b); }
  @inline i64(a: v128, b: v128): v128 { return v128.bitselect(a, b, i64x2.gt_s(a, b)); }
}
@final export class Fmin extends Binary {
  @inline f32(a: v128, b: v128): v128 { return v128.bitselect(b, f32x4.pmin(a, b), f32x4.ne(a, a)); }
  @inline f64(a: v128, b: v128): v128 { return v128.bitselect(b, f64x2.pmin(a, b), f64x2.ne(a, a)); }
  @inline i32(a: v128, b: v128): v128 { return i32x4.min_s(a, b); }
  @inline i64(a: v128, b: v128): v128 { return v128.bitselect(a, b, i64x2.lt_s(a, b)); }
}
@final export class Atan2 extends LongFloatBinary {
  @inline f32(a: v128, b: v128): v128 { return atan2_f32(a, b); }
  @inline f64(a: v128, b: v128): v128 { return atan2_f64(a, b); }
}

/** In double precision float32 cannot overflow; an infinity wins over a NaN. */
@inline function norm(a: v128, b: v128): v128 { return f64x2.sqrt(f64x2.add(f64x2.mul(a, a), f64x2.mul(b, b))); }
@final export class Hypot extends LongFloatBinary {
  f32(a: v128, b: v128): v128 {
    const low = f32x4.demote_f64x2_zero(norm(f64x2.promote_low_f32x4(a), f64x2.promote_low_f32x4(b)));
    const ah = v128.shuffle<i64>(a, a, 1, 1), bh = v128.shuffle<i64>(b, b, 1, 1);
    const high = f32x4.demote_f64x2_zero(norm(f64x2.promote_low_f32x4(ah), f64x2.promote_low_f32x4(bh)));
    const infinite = v128.or(f32x4.eq(f32x4.abs(a), C(INF)), f32x4.eq(f32x4.abs(b), C(INF)));
    return v128.bitselect(C(INF), v128.shuffle<i64>(low, high, 0, 2), infinite);
  }
  f64(a: v128, b: v128): v128 {
    a = f64x2.abs(a);
    b = f64x2.abs(b);
    const m = f64x2.max(a, b);
    const r = f64x2.div(f64x2.min(a, b), m);
    const y = f64x2.mul(m, f64x2.sqrt(f64x2.add(f64x2.splat(1), f64x2.mul(r, r))));
    const infinity = f64x2.splat(Infinity);
    const infinite = v128.or(f64x2.eq(a, infinity), f64x2.eq(b, infinity));
    return v128.bitselect(infinity, v128.andnot(y, f64x2.eq(m, f64x2.splat(0))), infinite);
  }
}
@final export class Copysign extends FloatBinary {
  @inline f32(a: v128, b: v128): v128 { return v128.bitselect(b, a, C(SIGN)); }
  @inline f64(a: v128, b: v128): v128 { return v128.bitselect(b, a, i64x2.splat(i64.MIN_VALUE)); }
}
/** The neighbour is one more or one less in the bits, as integers; away from zero when a < b as a < 0 is not. */
@final export class Nextafter extends LongFloatBinary {
  f32(a: v128, b: v128): v128 {
    const zero = i32x4.splat(0), one = i32x4.splat(1);
    const away = v128.xor(f32x4.lt(a, b), f32x4.lt(a, zero));
    let y = i32x4.sub(a, v128.or(away, one));
    y = v128.bitselect(v128.bitselect(b, one, C(SIGN)), y, f32x4.eq(a, zero));
    y = v128.bitselect(b, y, f32x4.eq(a, b));
    return v128.bitselect(f32x4.add(a, b), y, v128.or(f32x4.ne(a, a), f32x4.ne(b, b)));
  }
  f64(a: v128, b: v128): v128 {
    const zero = i64x2.splat(0), one = i64x2.splat(1);
    const away = v128.xor(f64x2.lt(a, b), f64x2.lt(a, zero));
    let y = i64x2.sub(a, v128.or(away, one));
    y = v128.bitselect(v128.bitselect(b, one, i64x2.splat(i64.MIN_VALUE)), y, f64x2.eq(a, zero));
    y = v128.bitselect(b, y, f64x2.eq(a, b));
    return v128.bitselect(f64x2.add(a, b), y, v128.or(f64x2.ne(a, a), f64x2.ne(b, b)));
  }
}
/** max + log(1 + exp(-|a - b|)), where equal infinities stay themselves. */
@final export class Logaddexp extends LongFloatBinary {
  f32(a: v128, b: v128): v128 {
    const y = f32x4.add(f32x4.max(a, b), log1p_f32(exp_f32(v128.or(f32x4.sub(a, b), C(SIGN)))));
    return v128.bitselect(a, y, v128.and(f32x4.eq(a, b), f32x4.eq(f32x4.abs(a), C(INF))));
  }
  f64(a: v128, b: v128): v128 {
    const y = f64x2.add(f64x2.max(a, b), log1p_f64(exp_f64(f64x2.neg(f64x2.abs(f64x2.sub(a, b))))));
    return v128.bitselect(a, y, v128.and(f64x2.eq(a, b), f64x2.eq(f64x2.abs(a), f64x2.splat(Infinity))));
  }
}
const LOG2E: f64 = 1.4426950408889634074;
@final export class Logaddexp2 extends LongFloatBinary {
  f32(a: v128, b: v128): v128 {
    const tail = f32x4.mul(log1p_f32(exp2_f32(v128.or(f32x4.sub(a, b), C(SIGN)))), f32x4.splat(<f32>LOG2E));
    return v128.bitselect(a, f32x4.add(f32x4.max(a, b), tail), v128.and(f32x4.eq(a, b), f32x4.eq(f32x4.abs(a), C(INF))));
  }
  f64(a: v128, b: v128): v128 {
    const tail = f64x2.mul(log1p_f64(exp2_f64(f64x2.neg(f64x2.abs(f64x2.sub(a, b))))), f64x2.splat(LOG2E));
    return v128.bitselect(a, f64x2.add(f64x2.max(a, b), tail), v128.and(f64x2.eq(a, b), f64x2.eq(f64x2.abs(a), f64x2.splat(Infinity))));
  }
}
/** a log(b), 0 where a is 0 and b is not NaN. */
@final export class Xlogy extends LongFloatBinary {
  f32(a: v128, b: v128): v128 {
    return v128.andnot(f32x4.mul(a, log_f32(b)), v128.and(f32x4.eq(a, i32x4.splat(0)), f32x4.eq(b, b)));
  }
  f64(a: v128, b: v128): v128 {
    return v128.andnot(f64x2.mul(a, log_f64(b)), v128.and(f64x2.eq(a, i32x4.splat(0)), f64x2.eq(b, b)));
  }
}
@final export class Heaviside extends LongBinary {
  @inline f32(a: v128, b: v128): v128 {
    return v128.bitselect(b, v128.and(f32x4.gt(a, i32x4.splat(0)), C(ONE)), f32x4.eq(a, i32x4.splat(0)));
  }
  @inline f64(a: v128, b: v128): v128 {
    return v128.bitselect(b, v128.and(f64x2.gt(a, i32x4.splat(0)), f64x2.splat(1)), f64x2.eq(a, i32x4.splat(0)));
  }
  @inline i32(a: v128, b: v128): v128 {
    return v128.bitselect(b, i32x4.neg(i32x4.gt_s(a, i32x4.splat(0))), i32x4.eq(a, i32x4.splat(0)));
  }
  @inline i64(a: v128, b: v128): v128 {
    return v128.bitselect(b, i64x2.neg(i64x2.gt_s(a, i32x4.splat(0))), i64x2.eq(a, i32x4.splat(0)));
  }
}

/** Bernoulli numbers B(2k) / (2k)!. */
const BERNOULLI: usize = memory.data<f64>([
  8.333333333333333e-2, -1.388888888888889e-3, 3.306878306878307e-5, -8.267195767195768e-7, 2.08767569878681e-8, -5.284190138687493e-10,
  1.3382536530684679e-11, -3.3896802963225829e-13,
]);
/** Sum of (q + k)^-s over k >= 0, q > 0 and s > 1: term by term until none counts or, from q >= s + 12 on, by Euler and Maclaurin. */
function zetaPositive(s: f64, q: f64): f64 {
  let sum = 0.0;
  for (; q < s + 12; q += 1) {
    const t = NativeMath.pow(q, -s);
    sum += t;
    if (!(t > sum * 1e-17)) return sum;
  }
  const p = NativeMath.pow(q, -s);
  sum += q * p / (s - 1) + 0.5 * p;
  let t = s * p / q;
  for (let k = 0; k < 8; k++) {
    sum += load<f64>(BERNOULLI + (<usize>k << 3)) * t;
    const m = s + <f64>(2 * k + 1);
    t *= m * (m + 1) / (q * q);
  }
  return sum;
}
/** The Hurwitz zeta function. Left of zero only an integer s has real values; its finite part of negative terms is a difference of two. */
function zeta1(s: f64, q: f64): f64 {
  if (s == 1) return Infinity;
  if (!(s > 1) || q != q) return NaN;
  // 1 to the power -Infinity is NaN in JavaScript's pow.
  if (q == 1 && s == Infinity) return 1;
  if (q > 0) return q == Infinity ? 0 : zetaPositive(s, q);
  const low = floor(q);
  if (q == low) return Infinity;
  if (s != floor(s)) return NaN;
  const f = q - low;
  const left = zetaPositive(s, 1 - f) - zetaPositive(s, 1 - q);
  return zetaPositive(s, f) + (s % 2 == 0 ? left : -left);
}
@final export class Zeta extends LongFloatBinary {
  @inline f32(a: v128, b: v128): v128 {
    return quad(zeta1(lane0(a), lane0(b)), zeta1(lane1(a), lane1(b)), zeta1(lane2(a), lane2(b)), zeta1(lane3(a), lane3(b)));
  }
  @inline f64(a: v128, b: v128): v128 { return pair(zeta1(lo(a), lo(b)), zeta1(hi(a), hi(b))); }
}
