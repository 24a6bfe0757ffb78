// One vector of each trigonometric and hyperbolic function.
import { LongUnary } from '../lanes';
import {
  acos_f32, acos_f64, acosh_f32, acosh_f64, asin_f32, asin_f64, asinh_f32, asinh_f64, atan_f32, atan_f64, atanh_f32, atanh_f64,
  cos_f32, cos_f64, cosh_f32, cosh_f64, sin_f32, sin_f64, sinh_f32, sinh_f64, tan_f32, tan_f64, tanh_f32, tanh_f64,
} from '../math';

@final export class Sin extends LongUnary {
  @inline f32(x: v128): v128 { return sin_f32(x); }
  @inline f64(x: v128): v128 { return sin_f64(x); }
}
@final export class Cos extends LongUnary {
  @inline f32(x: v128): v128 { return cos_f32(x); }
  @inline f64(x: v128): v128 { return cos_f64(x); }
}
@final export class Tan extends LongUnary {
  @inline f32(x: v128): v128 { return tan_f32(x); }
  @inline f64(x: v128): v128 { return tan_f64(x); }
}
@final export class Asin extends LongUnary {
  @inline f32(x: v128): v128 { return asin_f32(x); }
  @inline f64(x: v128): v128 { return asin_f64(x); }
}
@final export class Acos extends LongUnary {
  @inline f32(x: v128): v128 { return acos_f32(x); }
  @inline f64(x: v128): v128 { return acos_f64(x); }
}
@final export class Atan extends LongUnary {
  @inline f32(x: v128): v128 { return atan_f32(x); }
  @inline f64(x: v128): v128 { return atan_f64(x); }
}
@final export class Sinh extends LongUnary {
  @inline f32(x: v128): v128 { return sinh_f32(x); }
  @inline f64(x: v128): v128 { return sinh_f64(x); }
}
@final export class Cosh extends LongUnary {
  @inline f32(x: v128): v128 { return cosh_f32(x); }
  @inline f64(x: v128): v128 { return cosh_f64(x); }
}
@final export class Tanh extends LongUnary {
  @inline f32(x: v128): v128 { return tanh_f32(x); }
  @inline f64(x: v128): v128 { return tanh_f64(x); }
}
@final export class Asinh extends LongUnary {
  @inline f32(x: v128): v128 { return asinh_f32(x); }
  @inline f64(x: v128): v128 { return asinh_f64(x); }
}
@final export class Acosh extends LongUnary {
  @inline f32(x: v128): v128 { return acosh_f32(x); }
  @inline f64(x: v128): v128 { return acosh_f64(x); }
}
@final export class Atanh extends LongUnary {
  @inline f32(x: v128): v128 { return atanh_f32(x); }
  @inline f64(x: v128): v128 { return atanh_f64(x); }
}
