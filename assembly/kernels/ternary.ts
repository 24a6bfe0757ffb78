// One vector of each op on three operands.
import { FloatTernary, Ternary } from '../lanes';
import { HALF } from '../math/constants';
import { C } from '../math/vector';

/** The condition arrives as integer lanes of the same width, true where not zero. */
@final export class Where extends Ternary {
  @inline f32(a: v128, b: v128, c: v128): v128 { return v128.bitselect(c, b, i32x4.eq(a, i32x4.splat(0))); }
  @inline f64(a: v128, b: v128, c: v128): v128 { return v128.bitselect(c, b, i64x2.eq(a, i32x4.splat(0))); }
  @inline i32(a: v128, b: v128, c: v128): v128 { return v128.bitselect(c, b, i32x4.eq(a, i32x4.splat(0))); }
  @inline i64(a: v128, b: v128, c: v128): v128 { return v128.bitselect(c, b, i64x2.eq(a, i32x4.splat(0))); }
}
@final export class Clamp extends Ternary {
  @inline f32(a: v128, b: v128, c: v128): v128 { return f32x4.min(f32x4.max(a, b), c); }
  @inline f64(a: v128, b: v128, c: v128): v128 { return f64x2.min(f64x2.max(a, b), c); }
  @inline i32(a: v128, b: v128, c: v128): v128 { return i32x4.min_s(i32x4.max_s(a, b), c); }
  @inline i64(a: v128, b: v128, c: v128): v128 {
    const y = v128.bitselect(a, b, i64x2.gt_s(a, b));
    return v128.bitselect(y, c, i64x2.lt_s(y, c));
  }
}
/** From the nearer end, so that weight 1 gives b exactly. */
@final export class Lerp extends FloatTernary {
  @inline f32(a: v128, b: v128, c: v128): v128 {
    const d = f32x4.sub(b, a);
    const near = f32x4.lt(f32x4.abs(c), C(HALF));
    return v128.bitselect(f32x4.add(a, f32x4.mul(c, d)), f32x4.sub(b, f32x4.mul(d, f32x4.sub(f32x4.splat(1), c))), near);
  }
  @inline f64(a: v128, b: v128, c: v128): v128 {
    const d = f64x2.sub(b, a);
    const near = f64x2.lt(f64x2.abs(c), f64x2.splat(0.5));
    return v128.bitselect(f64x2.add(a, f64x2.mul(c, d)), f64x2.sub(b, f64x2.mul(d, f64x2.sub(f64x2.splat(1), c))), near);
  }
}
