// Reductions in two passes over any axes: the first fold gives every output a parameter c, the second folds P(x, c).
import { variance as f } from '../gen/fields';
import { Binary } from '../lanes';
import { exp_f32, exp_f64 } from '../math';
import { F32, dtype, float, int, operand } from '../step';
import { foldColumns, foldRow, keptCount } from './axes';
import { COLUMNS, Max, Plain, SquareLess, Sum, accumulators, parameters } from './fold';

@final class ExpLess extends Binary {
  @inline f32(x: v128, c: v128): v128 { return exp_f32(f32x4.sub(x, c)); }
  @inline f64(x: v128, c: v128): v128 { return exp_f64(f64x2.sub(x, c)); }
}
/** What lies between the passes and behind them, in float64. */
abstract class Between {
  parameter(first: f64, count: f64): f64 { return unreachable(); }
  result(second: f64, c: f64, divisor: f64): f64 { return unreachable(); }
}
@final class Variance extends Between {
  @inline parameter(first: f64, count: f64): f64 { return first / count; }
  @inline result(second: f64, c: f64, divisor: f64): f64 { return second / divisor; }
}
@final class LogSum extends Between {
  // Infinite levels stay out of the subtraction, so that they come out as themselves and not as NaN.
  @inline parameter(first: f64, count: f64): f64 { return abs(first) == Infinity ? 0 : first; }
  @inline result(second: f64, c: f64, divisor: f64): f64 { return c + NativeMath.log(second); }
}

function passes<K extends Binary, P extends Binary, B extends Between, T>(s: usize, tile: i32): void {
  const b = changetype<B>(0);
  const y = operand(s, 0), x = operand(s, 1);
  const count = float(s, f.count), divisor = float(s, f.divisor);
  const group = int(s, f.group), n = int(s, f.n);
  if (int(s, f.rows)) {
    let o = tile * group;
    for (const last = min(keptCount(s), o + group); o < last; o++) {
      const c = <T>b.parameter(f64x2.extract_lane(foldRow<K, T, Plain>(s, x, o, 0, i32x4.splat(0)), 0), count);
      const second = f64x2.extract_lane(foldRow<Sum, T, P>(s, x, o, 0, v128.splat<T>(c)), 0);
      store<T>(y + <usize>o * sizeof<T>(), <T>b.result(second, <f64>c, divisor));
    }
    return;
  }
  const blocks = (n + COLUMNS - 1) / COLUMNS;
  const column = (tile % blocks) * COLUMNS;
  const columns = min(n - column, COLUMNS);
  const a = accumulators(), c = parameters();
  let o = (tile / blocks) * group;
  for (const last = min(keptCount(s), o + group); o < last; o++) {
    foldColumns<K, T, Plain>(s, x, o, column, columns, 0);
    for (let j = 0; j < columns; j++) store<T>(c + <usize>j * sizeof<T>(), <T>b.parameter(load<f64>(a + (<usize>j << 3)), count));
    foldColumns<Sum, T, P>(s, x, o, column, columns, 0);
    const q = y + <usize>(o * n + column) * sizeof<T>();
    for (let j = 0; j < columns; j++) {
      const e = <usize>j * sizeof<T>();
      store<T>(q + e, <T>b.result(load<f64>(a + (<usize>j << 3)), <f64>load<T>(c + e), divisor));
    }
  }
}

export function variance(s: usize, phase: i32, tile: i32): void {
  if (dtype(s, 1) == F32) passes<Sum, SquareLess, Variance, f32>(s, tile);
  else passes<Sum, SquareLess, Variance, f64>(s, tile);
}
export function logsumexp(s: usize, phase: i32, tile: i32): void {
  if (dtype(s, 1) == F32) passes<Max, ExpLess, LogSum, f32>(s, tile);
  else passes<Max, ExpLess, LogSum, f64>(s, tile);
}
