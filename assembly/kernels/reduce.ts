// Sums, products, extremes and truth tests over any axes.
import { sum as f } from '../gen/fields';
import { Binary } from '../lanes';
import { F32, F64, dtype, float, operand } from '../step';
import { reduce } from './axes';
import { All, Any, Max, Min, Plain, Prod, Sum } from './fold';

@inline function plain<K extends Binary, T>(s: usize, phase: i32, tile: i32): void {
  reduce<K, T, Plain>(s, phase, tile, operand(s, 0), operand(s, 1), operand(s, 2), 0, isFloat<T>() ? float(s, f.divisor) : 1);
}
@inline function arithmetic<K extends Binary>(s: usize, phase: i32, tile: i32): void {
  switch (dtype(s, 1)) {
    case F32: { plain<K, f32>(s, phase, tile); return; }
    case F64: { plain<K, f64>(s, phase, tile); return; }
    default: plain<K, i64>(s, phase, tile);
  }
}
export function sum(s: usize, phase: i32, tile: i32): void { arithmetic<Sum>(s, phase, tile); }
export function prod(s: usize, phase: i32, tile: i32): void { arithmetic<Prod>(s, phase, tile); }
export function amax(s: usize, phase: i32, tile: i32): void { arithmetic<Max>(s, phase, tile); }
export function amin(s: usize, phase: i32, tile: i32): void { arithmetic<Min>(s, phase, tile); }
export function all(s: usize, phase: i32, tile: i32): void { plain<All, u8>(s, phase, tile); }
export function any(s: usize, phase: i32, tile: i32): void { plain<Any, u8>(s, phase, tile); }
