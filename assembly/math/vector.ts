// Shorthand for v128 arithmetic, and the bridges between lanes and scalars.

// @ts-ignore: decorator
@inline export function C(row: usize): v128 { return v128.load(row); }
// @ts-ignore: decorator
@inline export function mul(a: v128, b: v128): v128 { return f32x4.mul(a, b); }
// @ts-ignore: decorator
@inline export function add(a: v128, b: v128): v128 { return f32x4.add(a, b); }
// @ts-ignore: decorator
@inline export function sub(a: v128, b: v128): v128 { return f32x4.sub(a, b); }
// @ts-ignore: decorator
@inline export function mad(a: v128, b: v128, c: v128): v128 { return f32x4.add(f32x4.mul(a, b), c); }

// Lane i of an f32x4 as a double; a lane number must be a literal.
// @ts-ignore: decorator
@inline export function lane0(x: v128): f64 { return <f64>f32x4.extract_lane(x, 0); }
// @ts-ignore: decorator
@inline export function lane1(x: v128): f64 { return <f64>f32x4.extract_lane(x, 1); }
// @ts-ignore: decorator
@inline export function lane2(x: v128): f64 { return <f64>f32x4.extract_lane(x, 2); }
// @ts-ignore: decorator
@inline export function lane3(x: v128): f64 { return <f64>f32x4.extract_lane(x, 3); }

/** Four doubles rounded to an f32x4. */
// @ts-ignore: decorator
@inline export function quad(a: f64, b: f64, c: f64, d: f64): v128 {
  return f32x4.replace_lane(f32x4.replace_lane(f32x4.replace_lane(f32x4.splat(<f32>a), 1, <f32>b), 2, <f32>c), 3, <f32>d);
}

/** Two doubles as an f64x2. */
// @ts-ignore: decorator
@inline export function pair(a: f64, b: f64): v128 { return f64x2.replace_lane(f64x2.splat(a), 1, b); }
