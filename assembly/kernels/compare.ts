// Comparisons, logic and predicates: every form returns a lane mask. Bitwise ops return integers.
import { Binary, IntBinary, IntUnary, LongBinary, Unary } from '../lanes';
import { ShiftLeft, ShiftRight, each32, each64 } from './integer';
import { INF } from '../math/constants';
import { C } from '../math/vector';

@inline function nonzero_f32(x: v128): v128 { return f32x4.ne(x, i32x4.splat(0)); }
@inline function nonzero_f64(x: v128): v128 { return f64x2.ne(x, i32x4.splat(0)); }
@inline function nonzero_i32(x: v128): v128 { return i32x4.ne(x, i32x4.splat(0)); }
@inline function nonzero_i64(x: v128): v128 { return i64x2.ne(x, i32x4.splat(0)); }
@inline function infinity(): v128 { return f64x2.splat(Infinity); }

@final export class Eq extends Binary {
  @inline f32(a: v128, b: v128): v128 { return f32x4.eq(a, b); }
  @inline f64(a: v128, b: v128): v128 { return f64x2.eq(a, b); }
  @inline i32(a: v128, b: v128): v128 { return i32x4.eq(a, b); }
  @inline i64(a: v128, b: v128): v128 { return i64x2.eq(a, b); }
}
@final export class Ne extends Binary {
  @inline f32(a: v128, b: v128): v128 { return f32x4.ne(a, b); }
  @inline f64(a: v128, b: v128): v128 { return f64x2.ne(a, b); }
  @inline i32(a: v128, b: v128): v128 { return i32x4.ne(a, b); }
  @inline i64(a: v128, b: v128): v128 { return i64x2.ne(a, b); }
}
@final export class Lt extends Binary {
  @inline f32(a: v128, b: v128): v128 { return f32x4.lt(a, b); }
  @inline f64(a: v128, b: v128): v128 { return f64x2.lt(a, b); }
  @inline i32(a: v128, b: v128): v128 { return i32x4.lt_s(a, b); }
  @inline i64(a: v128, b: v128): v128 { return i64x2.lt_s(a, b); }
}
@final export class Le extends Binary {
  @inline f32(a: v128, b: v128): v128 { return f32x4.le(a, b); }
  @inline f64(a: v128, b: v128): v128 { return f64x2.le(a, b); }
  @inline i32(a: v128, b: v128): v128 { return i32x4.le_s(a, b); }
  @inline i64(a: v128, b: v128): v128 { return i64x2.le_s(a, b); }
}
@final export class Gt extends Binary {
  @inline f32(a: v128, b: v128): v128 { return f32x4.gt(a, b); }
  @inline f64(a: v128, b: v128): v128 { return f64x2.gt(a, b); }
  @inline i32(a: v128, b: v128): v128 { return i32x4.gt_s(a, b); }
  @inline i64(a: v128, b: v128): v128 { return i64x2.gt_s(a, b); }
}
@final export class Ge extends Binary {
  @inline f32(a: v128, b: v128): v128 { return f32x4.ge(a, b); }
  @inline f64(a: v128, b: v128): v128 { return f64x2.ge(a, b); }
  @inline i32(a: v128, b: v128): v128 { return i32x4.ge_s(a, b); }
  @inline i64(a: v128, b: v128): v128 { return i64x2.ge_s(a, b); }
}
@final export class LogicalAnd extends LongBinary {
  @inline f32(a: v128, b: v128): v128 { return v128.and(nonzero_f32(a), nonzero_f32(b)); }
  @inline f64(a: v128, b: v128): v128 { return v128.and(nonzero_f64(a), nonzero_f64(b)); }
  @inline i32(a: v128, b: v128): v128 { return v128.and(nonzero_i32(a), nonzero_i32(b)); }
  @inline i64(a: v128, b: v128): v128 { return v128.and(nonzero_i64(a), nonzero_i64(b)); }
}
@final export class LogicalOr extends LongBinary {
  @inline f32(a: v128, b: v128): v128 { return v128.or(nonzero_f32(a), nonzero_f32(b)); }
  @inline f64(a: v128, b: v128): v128 { return v128.or(nonzero_f64(a), nonzero_f64(b)); }
  @inline i32(a: v128, b: v128): v128 { return v128.or(nonzero_i32(a), nonzero_i32(b)); }
  @inline i64(a: v128, b: v128): v128 { return v128.or(nonzero_i64(a), nonzero_i64(b)); }
}
@final export class LogicalXor extends LongBinary {
  @inline f32(a: v128, b: v128): v128 { return v128.xor(nonzero_f32(a), nonzero_f32(b)); }
  @inline f64(a: v128, b: v128): v128 { return v128.xor(nonzero_f64(a), nonzero_f64(b)); }
  @inline i32(a: v128, b: v128): v128 { return v128.xor(nonzero_i32(a), nonzero_i32(b)); }
  @inline i64(a: v128, b: v128): v128 { return v128.xor(nonzero_i64(a), nonzero_i64(b)); }
}
@final export class LogicalNot extends Unary {
  @inline f32(x: v128): v128 { return f32x4.eq(x, i32x4.splat(0)); }
  @inline f64(x: v128): v128 { return f64x2.eq(x, i32x4.splat(0)); }
  @inline i32(x: v128): v128 { return i32x4.eq(x, i32x4.splat(0)); }
  @inline i64(x: v128): v128 { return i64x2.eq(x, i32x4.splat(0)); }
}
@final export class Signbit extends Unary {
  @inline f32(x: v128): v128 { return i32x4.shr_s(x, 31); }
  @inline f64(x: v128): v128 { return i64x2.shr_s(x, 63); }
  @inline i32(x: v128): v128 { return i32x4.shr_s(x, 31); }
  @inline i64(x: v128): v128 { return i64x2.shr_s(x, 63); }
}

/** A predicate that is false for every integer. */
abstract class Never extends Unary {
  @inline i32(x: v128): v128 { return i32x4.splat(0); }
  @inline i64(x: v128): v128 { return i32x4.splat(0); }
}
@final export class Isnan extends Never {
  @inline f32(x: v128): v128 { return f32x4.ne(x, x); }
  @inline f64(x: v128): v128 { return f64x2.ne(x, x); }
}
@final export class Isinf extends Never {
  @inline f32(x: v128): v128 { return f32x4.eq(f32x4.abs(x), C(INF)); }
  @inline f64(x: v128): v128 { return f64x2.eq(f64x2.abs(x), infinity()); }
}
@final export class Isposinf extends Never {
  @inline f32(x: v128): v128 { return f32x4.eq(x, C(INF)); }
  @inline f64(x: v128): v128 { return f64x2.eq(x, infinity()); }
}
@final export class Isneginf extends Never {
  @inline f32(x: v128): v128 { return f32x4.eq(f32x4.neg(x), C(INF)); }
  @inline f64(x: v128): v128 { return f64x2.eq(f64x2.neg(x), infinity()); }
}
@final export class Isfinite extends Unary {
  @inline f32(x: v128): v128 { return f32x4.lt(f32x4.abs(x), C(INF)); }
  @inline f64(x: v128): v128 { return f64x2.lt(f64x2.abs(x), infinity()); }
  @inline i32(x: v128): v128 { return i32x4.splat(-1); }
  @inline i64(x: v128): v128 { return i32x4.splat(-1); }
}

@final export class BitwiseNot extends IntUnary {
  @inline i32(x: v128): v128 { return v128.not(x); }
  @inline i64(x: v128): v128 { return v128.not(x); }
}
@final export class BitwiseAnd extends IntBinary {
  @inline i32(a: v128, b: v128): v128 { return v128.and(a, b); }
  @inline i64(a: v128, b: v128): v128 { return v128.and(a, b); }
}
@final export class BitwiseOr extends IntBinary {
  @inline i32(a: v128, b: v128): v128 { return v128.or(a, b); }
  @inline i64(a: v128, b: v128): v128 { return v128.or(a, b); }
}
@final export class BitwiseXor extends IntBinary {
  @inline i32(a: v128, b: v128): v128 { return v128.xor(a, b); }
  @inline i64(a: v128, b: v128): v128 { return v128.xor(a, b); }
}
@final export class BitwiseLeftShift extends IntBinary {
  @inline i32(a: v128, b: v128): v128 { return each32<ShiftLeft>(a, b); }
  @inline i64(a: v128, b: v128): v128 { return each64<ShiftLeft>(a, b); }
}
@final export class BitwiseRightShift extends IntBinary {
  @inline i32(a: v128, b: v128): v128 { return each32<ShiftRight>(a, b); }
  @inline i64(a: v128, b: v128): v128 { return each64<ShiftRight>(a, b); }
}
