// Conversions between element types.

import { isFloat } from '../base/dtype.ts';
import { searchsorted, type Tensor, tensor, where } from '../tensor/index.ts';
import type { Call, Row } from './call.ts';
import { typed } from './call.ts';
import { carrier, type ElemType, elemType, isNative, RANGES, SMALL, valuesOf } from './types.ts';
import { Value } from './value.ts';

/** x rounded to the nearest value of a small floating-point type, ties to even. `saturate`: what is too large becomes the largest. */
export function toSmall(x: Tensor, type: ElemType, saturate: boolean): Tensor {
  const { special, exponent, mantissa } = SMALL[type] ?? { special: 'none', exponent: 0, mantissa: 0 };
  const half = valuesOf(type).slice(0, 1 << (exponent + mantissa));
  const values = half.filter((v) => Number.isFinite(v));
  const wide = x.to('float32');
  const size = wide.abs();
  const middles = tensor(
    values.slice(1).map((v, i) => (v + values[i]) / 2),
    { dtype: 'float32' },
  );
  const below = searchsorted(middles, size.contiguous());
  const upTo = searchsorted(middles, size.contiguous(), { right: true });
  // At a tie the even code wins.
  const code = where(below.eq(upTo), below, below.add(below.bitwiseAnd(1)));
  const list = tensor(values, { dtype: 'float32' });
  let y = list
    .indexSelect(0, code.reshape([-1]))
    .reshape(x.shape)
    .copysign(wide);
  const largest = values[values.length - 1];
  const step = largest - values[values.length - 2];
  if (!saturate && special !== 'none') {
    const beyond = special === 'inf' ? Infinity : Number.NaN;
    const over = size.ge(largest + step / 2);
    y = where(over, tensor(beyond).copysign(wide), y);
  }
  if (special === 'uz') y = where(y.eq(0), 0, y);
  // A type without a NaN has zero for it.
  return where(wide.isnan(), special === 'none' ? 0 : Number.NaN, y);
}
function toPowers(x: Tensor, mode: string): Tensor {
  const values = valuesOf('float8e8m0').slice(0, 255);
  const list = tensor(values, { dtype: 'float32' });
  const wide = x.to('float32');
  const size = wide.contiguous();
  const limits =
    mode === 'nearest'
      ? tensor(
          values.slice(1).map((v, i) => (v + values[i]) / 2),
          { dtype: 'float32' },
        )
      : list;
  const at = searchsorted(limits, size, { right: mode !== 'up' }).sub(mode === 'down' ? 1 : 0);
  const y = list.indexSelect(0, at.clamp(0, 254).reshape([-1])).reshape(x.shape);
  return where(wide.isnan(), Number.NaN, y);
}

/** Numbers as NumPy writes them. */
function written(v: number, single: boolean): string {
  if (Number.isNaN(v)) return 'nan';
  if (!Number.isFinite(v)) return v > 0 ? 'inf' : '-inf';
  let digits = String(v);
  if (single) {
    for (let p = 1; p <= 9; p++) {
      const short = v.toPrecision(p);
      if (Math.fround(Number(short)) === v) {
        digits = String(Number(short));
        break;
      }
    }
  }
  const size = Math.abs(Number(digits));
  if (size !== 0 && (size < 1e-4 || size >= 1e16)) {
    const [m, e] = Number(digits).toExponential().split('e');
    return `${m}e${e[0]}${e.slice(1).padStart(2, '0')}`;
  }
  return Number.isInteger(Number(digits)) ? `${digits}.0` : digits;
}
function toText(v: Value): Value {
  const dtype = carrier(v.type);
  const list = Array.from(v.data() as ArrayLike<number | bigint>, (n) =>
    v.type === 'bool'
      ? n
        ? 'True'
        : 'False'
      : isFloat(dtype)
        ? written(Number(n), dtype !== 'float64')
        : String(v.type === 'uint64' ? BigInt.asUintN(64, n as bigint) : n),
  );
  return Value.known('string', v.shape, list);
}
function fromText(v: Value, type: ElemType): Value {
  const dtype = carrier(type);
  const numbers = v.strings().map((s) => {
    const t = s.trim().toLowerCase();
    if (/^[+-]?inf(inity)?$/.test(t)) return t.startsWith('-') ? -Infinity : Infinity;
    if (t === 'nan') return Number.NaN;
    return Number(t);
  });
  if (dtype === 'int64')
    return typed(
      tensor(
        v.strings().map((s) => BigInt(s.trim())),
        { shape: v.shape, dtype },
      ),
      type,
    );
  return cast(Value.known('double', v.shape, Float64Array.from(numbers)), type, true, 'up');
}

/** A value as another type. */
export function cast(v: Value, to: ElemType, saturate: boolean, mode: string): Value {
  if (v.type === to) return v;
  if (to === 'string') return toText(v);
  if (v.type === 'string') return fromText(v, to);
  const x = v.tensor();
  if (to === 'float8e8m0') return Value.of(toPowers(x, mode), to);
  if (SMALL[to]) return Value.of(toSmall(x, to, saturate), to);
  if (v.type === 'uint64' && isFloat(carrier(to))) {
    const upper = x.lt(0);
    const y = x.to(carrier(to));
    return Value.of(where(upper, y.add(18446744073709551616), y), to);
  }
  return typed(x, to);
}
function target(c: Call): ElemType {
  return elemType(c.int('to'), 'the attribute to');
}

/** The same bits as another type of the same width. */
function bitCast(c: Call): Value {
  const to = target(c);
  const v = c.v(0);
  const bytes = v.tensor().contiguous().detach();
  const width = { uint16: 2, uint32: 4 } as Readonly<Record<string, number>>;
  if (isNative(v.type) && isNative(to)) return Value.of(reinterpreted(bytes, to), to);
  const signed: Readonly<Record<string, ElemType>> = { uint16: 'int16', uint32: 'int32', uint64: 'int64' };
  const from = signed[v.type];
  const source = from === undefined ? bytes : bytes.to(carrier(from));
  const goal = signed[to] ?? to;
  const y = reinterpreted(source, goal);
  return width[to] === undefined ? Value.of(y, to) : typed(y.to(carrier(to)), to);
}
function reinterpreted(x: Tensor, to: ElemType): Tensor {
  return Value.raw(to, x.shape, bytesOf(x)).tensor();
}
const bytesOf = (x: Tensor): Uint8Array => x.bytesOf();

/** Rounds to even, then limits to the range of a whole-number type. */
export function quantised(x: Tensor, zero: Tensor | null, type: ElemType): Value {
  if (SMALL[type]) return Value.of(toSmall(zero === null ? x : x.add(zero), type, true), type);
  const range = RANGES[type] ?? [-2147483648, 2147483647];
  const whole = x.round();
  const y = (zero === null ? whole : whole.add(zero.to(x.dtype))).clamp(range[0], range[1]);
  return Value.of(y.to(carrier(type)), type);
}

/** Conversions. */
export const TYPES: Readonly<Record<string, Row>> = {
  Cast: { run: (c) => cast(c.v(0), target(c), c.int('saturate', 1) !== 0, c.str('round_mode', 'up')) },
  CastLike: { types: [1], run: (c) => cast(c.v(0), c.type(1), c.int('saturate', 1) !== 0, c.str('round_mode', 'up')) },
  BitCast: { host: [0], run: bitCast },
};
