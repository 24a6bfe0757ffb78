// The three convolution kernels: one set of fields, float32 and float64.
import { convolution as f } from '../../gen/fields';
import { F64, int, operand, type } from '../../step';
import { depthwise, depthwiseWeight } from './depthwise';
import { dense } from './dense';
import { weightGradient } from './weight';

@inline function product<T>(s: usize, phase: i32, tile: i32, bias: usize, workspace: usize, backward: bool): void {
  if (int(s, f.depthwise)) depthwise<T>(s, phase, tile, bias, workspace, backward);
  else dense<T>(s, phase, tile, bias, workspace, backward);
}

export function convolution(s: usize, phase: i32, tile: i32): void {
  if (type(s) == F64) product<f64>(s, phase, tile, operand(s, 3), operand(s, 4), false);
  else product<f32>(s, phase, tile, operand(s, 3), operand(s, 4), false);
}

export function convolutionInput(s: usize, phase: i32, tile: i32): void {
  if (type(s) == F64) product<f64>(s, phase, tile, 0, operand(s, 3), true);
  else product<f32>(s, phase, tile, 0, operand(s, 3), true);
}

@inline function weight<T>(s: usize, phase: i32, tile: i32): void {
  if (int(s, f.depthwise)) depthwiseWeight<T>(s, phase, tile, operand(s, 3));
  else weightGradient<T>(s, phase, tile, operand(s, 3));
}

export function convolutionWeight(s: usize, phase: i32, tile: i32): void {
  if (type(s) == F64) weight<f64>(s, phase, tile);
  else weight<f32>(s, phase, tile);
}
