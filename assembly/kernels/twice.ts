// Reductions in two passes over any axes: the first fold gives every output a parameter c, the second folds (x - c) squared or
// exp(x - c).
import { variance as f } from '../gen/fields';
import { log1 } from '../math/scalar';
import { F32, dtype, float, int, operand } from '../step';
import { blocks, foldPiece, keptCount, width } from './axes';
import { COLUMNS, SQUARE, SUM, TOP, accumulators, parameters } from './fold';

@inline function put(t: i32, p: usize, x: f64): void {
  if (t == F32) store<f32>(p, <f32>x);
  else store<f64>(p, x);
}

function passes(s: usize, tile: i32, log: bool): void {
  const t = dtype(s, 1), shift: usize = t == F32 ? 2 : 3;
  const n = width(s), group = int(s, f.group), rows = int(s, f.rows) != 0;
  const column = (tile % blocks(s)) * COLUMNS;
  const count = min(n - column, COLUMNS);
  const a = accumulators(), c = parameters();
  let o = (tile / blocks(s)) * group;
  for (const last = min(keptCount(s), o + group); o < last; o++) {
    v128.store(c, i32x4.splat(0));
    foldPiece(s, (log ? TOP : SUM) | t, operand(s, 1), o, column, count, 0, false);
    for (let j = 0; j < count; j++) {
      let x = load<f64>(a + (<usize>j << 3));
      // Infinite levels stay out of the subtraction, so that they come out as themselves and not as NaN.
      if (!log) x /= float(s, f.count);
      else if (abs(x) == Infinity) x = 0;
      put(t, c + (<usize>j << shift), x);
    }
    if (rows) v128.store(c, t == F32 ? v128.load32_splat(c) : v128.load64_splat(c));
    foldPiece(s, (log ? SUM : SQUARE) | t, operand(s, 1), o, column, count, 0, log);
    const y = operand(s, 0) + (<usize>(o * n + column) << shift);
    for (let j = 0; j < count; j++) {
      const e = <usize>j << shift;
      const x = load<f64>(a + (<usize>j << 3));
      put(t, y + e, log ? (t == F32 ? <f64>load<f32>(c + e) : load<f64>(c + e)) + log1(x) : x / float(s, f.divisor));
    }
  }
}

export function variance(s: usize, phase: i32, tile: i32): void { passes(s, tile, false); }
export function logsumexp(s: usize, phase: i32, tile: i32): void { passes(s, tile, true); }
