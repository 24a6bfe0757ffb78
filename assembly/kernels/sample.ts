import { Binary, Unary } from '../lanes';
@final export class Sqrt extends Unary {
  @inline f32(x: v128): v128 { return f32x4.sqrt(x); }
  @inline f64(x: v128): v128 { return f64x2.sqrt(x); }
}
@final export class Add extends Binary {
  @inline f32(a: v128, b: v128): v128 { return f32x4.add(a, b); }
  @inline f64(a: v128, b: v128): v128 { return f64x2.add(a, b); }
  @inline i32(a: v128, b: v128): v128 { return i32x4.add(a, b); }
  @inline i64(a: v128, b: v128): v128 { return i64x2.add(a, b); }
}
