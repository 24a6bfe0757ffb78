import { CATEGORY, isFloat } from '../../base/dtype.ts';
import { DTypeError, ShapeError, ValueError } from '../../base/errors.ts';
import { show } from '../../base/shape.ts';
import type { MapOp, Scalar } from '../../ops/op.ts';
import { TABLE } from '../../ops/table.ts';
import { applyMap, callMap, callMapInto } from '../call.ts';
import { type Tensor, TensorCore } from '../core.ts';

const rows = TABLE as Readonly<Record<string, MapOp>>;
const { add: addRow, sub: subRow, mul: mulRow, div: divRow } = rows;

/** Options of add and sub. */
export interface AlphaOptions {
  /** Factor of the second operand. */
  readonly alpha?: number;
}
/** Options of div. */
export interface DivOptions {
  /** 'trunc' rounds towards zero, 'floor' down; default: true division. */
  readonly roundingMode?: 'trunc' | 'floor' | null;
}
/** Options of clamp: at least one bound. */
export interface ClampOptions {
  readonly min?: Tensor | Scalar | null;
  readonly max?: Tensor | Scalar | null;
}
/** Options of addcmul and addcdiv. */
export interface ValueOptions {
  readonly value?: number;
}

function scaled(x: Tensor, b: Tensor | Scalar, options: AlphaOptions): Tensor | Scalar {
  const alpha = options.alpha ?? 1;
  if (alpha === 1) return b;
  if (!Number.isInteger(alpha) && !isFloat(x.dtype) && !(b instanceof TensorCore && isFloat(b.dtype)))
    throw new ValueError(`add: alpha ${alpha} must be a whole number for ${x.dtype}`);
  return b instanceof TensorCore ? applyMap(mulRow, b, alpha) : typeof b === 'bigint' ? b * BigInt(alpha) : Number(b) * alpha;
}

/** a + alpha * b. Operands broadcast and promote. @example tensor([1, 2]).add(tensor([3, 4])) // [4, 6] */
export function add(a: Tensor, b: Tensor | Scalar, options?: AlphaOptions): Tensor {
  return applyMap(addRow, a, options === undefined ? b : scaled(a, b, options));
}
/** a + alpha * b, in place. */
export function add_(a: Tensor, b: Tensor | Scalar, options: AlphaOptions = {}): Tensor {
  return callMapInto(addRow, [a, scaled(a, b, options)], a);
}
function noBool(name: string, a: Tensor, b: Tensor | Scalar): void {
  if (a.dtype === 'bool' || typeof b === 'boolean' || (b instanceof TensorCore && b.dtype === 'bool'))
    throw new DTypeError(`${name}: a difference of bools is not defined; did you mean a.logicalXor(b), a.logicalNot() or a.to('int64')?`);
}
/** a - alpha * b. @example tensor([1, 2]).sub(1) // [0, 1] */
export function sub(a: Tensor, b: Tensor | Scalar, options: AlphaOptions = {}): Tensor {
  noBool('sub', a, b);
  return applyMap(subRow, a, scaled(a, b, options));
}
/** a - alpha * b, in place. */
export function sub_(a: Tensor, b: Tensor | Scalar, options: AlphaOptions = {}): Tensor {
  noBool('sub_', a, b);
  return callMapInto(subRow, [a, scaled(a, b, options)], a);
}
/** b - alpha * a: the operands of sub exchanged. @example tensor([1, 2]).rsub(1) // [0, -1] */
export function rsub(a: Tensor, b: Tensor | Scalar, options: AlphaOptions = {}): Tensor {
  noBool('rsub', a, b);
  return applyMap(subRow, b, scaled(a, a, options));
}

function divide(options: DivOptions): MapOp {
  const mode = options.roundingMode ?? null;
  if (mode === null) return divRow;
  if (mode === 'floor') return rows.floorDivide;
  if (mode === 'trunc') return rows.truncDivide;
  throw new ValueError(`div: roundingMode '${mode as string}' is not 'trunc', 'floor' or null`);
}
/** a / b: true division, or rounded. @example tensor([7]).div(2, { roundingMode: 'floor' }) // [3] */
export function div(a: Tensor, b: Tensor | Scalar, options: DivOptions = {}): Tensor {
  return applyMap(divide(options), a, b);
}
/** a / b, in place. */
export function div_(a: Tensor, b: Tensor | Scalar, options: DivOptions = {}): Tensor {
  return callMapInto(divide(options), [a, b], a, 'div_');
}

function bounds(
  x: Tensor,
  min: ClampOptions | Tensor | Scalar | null | undefined,
  max: Tensor | Scalar | null | undefined,
): [MapOp, (Tensor | Scalar)[]] {
  const options = min !== null && typeof min === 'object' && !(min instanceof TensorCore) ? min : { min, max };
  const lo = options.min as Tensor | Scalar | null | undefined;
  const hi = options.max as Tensor | Scalar | null | undefined;
  if (lo === undefined || lo === null) {
    if (hi === undefined || hi === null) throw new ValueError('clamp: neither min nor max is given');
    return [rows.minimum, [x, hi]];
  }
  return hi === undefined || hi === null ? [rows.maximum, [x, lo]] : [rows.clamp, [x, lo, hi]];
}
/** Every element brought into [min, max]; either may be absent. NaN stays. @example tensor([-2, 5]).clamp({ min: 0, max: 3 }) // [0, 3] */
export function clamp(x: Tensor, min?: ClampOptions | Tensor | Scalar | null, max?: Tensor | Scalar | null): Tensor {
  return callMap(...bounds(x, min, max));
}
/** As clamp, in place. */
export function clamp_(x: Tensor, min?: ClampOptions | Tensor | Scalar | null, max?: Tensor | Scalar | null): Tensor {
  return callMapInto(...bounds(x, min, max), x, 'clamp_');
}

/** a + value * b * c. @example tensor([1]).addcmul(tensor([2]), tensor([3])) // [7] */
export function addcmul(a: Tensor, b: Tensor, c: Tensor, options: ValueOptions = {}): Tensor {
  return add(a, applyMap(mulRow, b, c), { alpha: options.value ?? 1 });
}
/** a + value * b / c. @example tensor([1]).addcdiv(tensor([6]), tensor([3])) // [3] */
export function addcdiv(a: Tensor, b: Tensor, c: Tensor, options: ValueOptions = {}): Tensor {
  return add(a, applyMap(divRow, b, c), { alpha: options.value ?? 1 });
}

function truth(x: Tensor): Tensor {
  return x.dtype === 'bool' ? x : applyMap(rows.ne, x, 0);
}
/** a where the condition is true, else b; a and b may be numbers. @function @example where(x.gt(0), x, 0) */
export function where(condition: Tensor, a: Tensor | Scalar, b: Tensor | Scalar): Tensor {
  const cond = truth(condition);
  if (!(a instanceof TensorCore) && !(b instanceof TensorCore)) {
    const type =
      typeof a === 'boolean' && typeof b === 'boolean'
        ? 'bool'
        : [a, b].every((v) => typeof v !== 'number' || Number.isInteger(v))
          ? 'int64'
          : undefined;
    const base = applyMap(mulRow, cond, 0);
    return applyMap(rows.where, cond, type ? base.to(type).add(a).to(type) : base.to('float32').add(a), b);
  }
  return applyMap(rows.where, cond, a, b);
}
/** x where the condition is true, else other. @method where */
export function whereOther(x: Tensor, condition: Tensor, other: Tensor | Scalar): Tensor {
  return where(condition, x, other);
}
function fillValue(name: string, x: Tensor, value: Tensor | Scalar): Tensor | Scalar {
  if (!(value instanceof TensorCore)) return value;
  if (value.ndim > 0)
    throw new ShapeError(
      `${name}: a value of shape ${show(value.shape)}; it must be a number or a tensor of no dimensions, or use where(mask, value, x)`,
    );
  return (value as Tensor).to(x.dtype);
}
/** x, every element replaced by a value (a number or a tensor of no dimensions). @example zeros([2]).fill(3) // [3, 3] */
export function fill(x: Tensor, value: Tensor | Scalar): Tensor {
  return x
    .detach()
    .emptyLike()
    .fill_(fillValue('fill', x, value));
}
/** value where the mask is true, else x. @example x.maskedFill(mask, -Infinity) */
export function maskedFill(x: Tensor, mask: Tensor, value: Tensor | Scalar): Tensor {
  if (mask.dtype !== 'bool') throw new DTypeError(`maskedFill: the mask is ${mask.dtype}; it must be bool, e.g. mask.ne(0)`);
  return applyMap(rows.where, mask, fillValue('maskedFill', x, value), x).to(x.dtype);
}
/** As maskedFill, in place. */
export function maskedFill_(x: Tensor, mask: Tensor, value: Tensor | Scalar): Tensor {
  if (mask.dtype !== 'bool') throw new DTypeError(`maskedFill_: the mask is ${mask.dtype}; it must be bool, e.g. mask.ne(0)`);
  return callMapInto(rows.where, [mask, fillValue('maskedFill_', x, value), x], x, 'maskedFill_');
}
/** a to the power b. @throws ValueError for integers to a negative whole number @example tensor([2, 3]).pow(2) // [4, 9] */
export function pow(a: Tensor, b: Tensor | Scalar): Tensor {
  if (a.dtype === 'bool' && (typeof b === 'boolean' || (b instanceof TensorCore && b.dtype === 'bool')))
    return applyMap(rows.logicalOr, a, typeof b === 'boolean' ? !b : applyMap(rows.logicalNot, b));
  const whole = typeof b === 'bigint' || (typeof b === 'number' && Number.isInteger(b));
  if (whole && Number(b) < 0 && CATEGORY[a.dtype] === 1)
    throw new ValueError(`pow: ${a.dtype} to the power ${b} is no whole number; did you mean a.to('float32').pow(${b})?`);
  return applyMap(rows.pow, a, b);
}
/** The square of each element; bools count as int64. @example tensor([2, 3]).square() // [4, 9] */
export function square(x: Tensor): Tensor {
  return applyMap(rows.square, x.dtype === 'bool' ? x.to('int64') : x);
}
/** Options of round. */
export interface RoundOptions {
  /** Digits kept after the point (before it, where negative); default 0. */
  readonly decimals?: number;
}
/** The nearest whole number, halves to the even one; or so many decimals. @example tensor([2.5]).round() // [2] */
export function round(x: Tensor, options: RoundOptions = {}): Tensor {
  const decimals = options.decimals ?? 0;
  if (decimals === 0 || !isFloat(x.dtype)) return applyMap(rows.round, x);
  let scale = 1;
  for (let i = 0; i < (decimals < 0 ? -decimals : decimals); i++) scale *= 10;
  const wide = x.dtype === 'float16' || x.dtype === 'bfloat16' ? x.to('float32') : x;
  const [up, down] = decimals > 0 ? [mulRow, divRow] : [divRow, mulRow];
  return applyMap(down, applyMap(rows.round, applyMap(up, wide, scale)), scale).to(x.dtype);
}
/** Bits inverted; bool: logical not. @example tensor([0n]).bitwiseNot() // [-1] */
export function bitwiseNot(x: Tensor): Tensor {
  return applyMap(x.dtype === 'bool' ? rows.logicalNot : rows.bitwiseNot, x);
}
/** Degrees as radians. @example tensor([180]).deg2rad() */
export function deg2rad(x: Tensor): Tensor {
  return applyMap(mulRow, isFloat(x.dtype) ? x : x.to('float32'), 0.017453292519943295);
}
/** Radians as degrees. @example tensor([3.14159]).rad2deg() */
export function rad2deg(x: Tensor): Tensor {
  return applyMap(mulRow, isFloat(x.dtype) ? x : x.to('float32'), 57.29577951308232);
}
