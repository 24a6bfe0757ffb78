// A call of the reference's functions and the ways that groups of them become wick's.

import type { DType, Tensor } from '../../ts/index.ts';
import * as wick from '../../ts/index.ts';
import { bind, invoke, lookup } from './op-names.ts';
import type { Plain } from './torch-names.ts';

/** One call: the function's last name and whole path, positional arguments, keyword arguments. */
export interface Call {
  readonly leaf: string;
  readonly path: string;
  readonly args: readonly Plain[];
  readonly kwargs: ReadonlyMap<string, Plain>;
}
/** How one function's call becomes wick's. */
export type Adapter = (call: Call) => unknown;

/** Python's float, which a JavaScript number does not tell from an int. */
export class Float {
  readonly value: number;
  constructor(value: number) {
    this.value = value;
  }
}

export const isTensor = (x: Plain): x is Tensor => x instanceof wick.Tensor;
export const number = (x: Plain): Plain => (x instanceof Float ? x.value : Array.isArray(x) ? x.map(number) : x);
/** Functions whose numbers take part in type promotion. */
const PROMOTING = new Set(
  (
    'add sub mul div subtract multiply divide true_divide pow float_power rsub remainder fmod floor_divide atan2 arctan2 hypot copysign maximum minimum fmax fmin ' +
    'eq ne lt le gt ge greater greater_equal less less_equal not_equal where xlogy clamp clip clamp_min clamp_max lerp heaviside nextafter logaddexp logaddexp2 bitwise_and bitwise_or bitwise_xor ' +
    'bitwise_left_shift bitwise_right_shift xlog1py zeta'
  ).split(' '),
);
/** A float among integers raises the category: where its value is whole, only a zero-dimensional tensor says so. */
function operand(x: Plain, others: readonly Plain[]): Plain {
  if (!(x instanceof Float)) return x;
  const floats = others.some((t) => isTensor(t) && t.dtype.includes('float'));
  return !floats && Number.isInteger(x.value) ? wick.scalar(x.value, { dtype: 'float32' }) : x.value;
}

export const shapeArg = (args: readonly Plain[]): number[] => (Array.isArray(args[0]) ? args[0] : args) as number[];
export const dtypeOf = (call: Call, fallback: DType | undefined): DType | undefined =>
  (call.kwargs.get('dtype') ?? fallback) as DType | undefined;
/** The dtype PyTorch gives a fill value where none is named. */
export const fillDtype = (value: Plain): DType =>
  typeof value === 'boolean' ? 'bool' : typeof value === 'number' || typeof value === 'bigint' ? 'int64' : 'float32';
export const arg = (call: Call, i: number, ...names: string[]): Plain =>
  i < call.args.length ? call.args[i] : names.map((n) => call.kwargs.get(n)).find((v) => v !== undefined);
export const generic: Adapter = ({ leaf, path, args, kwargs }) => {
  const inPlace = leaf.endsWith('_') ? leaf.slice(0, -1) : leaf;
  const all = [...args, ...kwargs.values()];
  const convert = PROMOTING.has(inPlace) ? (x: Plain): Plain => operand(x, all) : number;
  const list = args.map(convert);
  // A number in the tensor's place.
  if (PROMOTING.has(inPlace) && typeof list[0] === 'number') list[0] = wick.scalar(list[0] as number, { dtype: fillDtype(args[0]) });
  return invoke(leaf, path, bind(leaf, list, new Map([...kwargs].map(([k, v]) => [k, convert(v)]))));
};
export const as = (
  leaf: string,
  call: Call,
  args: readonly Plain[] = call.args,
  kwargs: ReadonlyMap<string, Plain> = call.kwargs,
): unknown => generic({ leaf, path: call.path, args, kwargs });
export const without = (kwargs: ReadonlyMap<string, Plain>, ...names: string[]): Map<string, Plain> =>
  new Map([...kwargs].filter(([k]) => !names.includes(k)));
export const reverse =
  (leaf: string): Adapter =>
  (call) => {
    const [self, other] = call.args;
    if (isTensor(other)) return as(leaf, call, [other, self]);
    return as(leaf, call, [wick.scalar(number(other) as number, { dtype: fillDtype(other) }), self]);
  };
export const cast =
  (dtype: DType): Adapter =>
  ({ args }) =>
    (args[0] as Tensor).to(dtype);
export const newLike =
  (leaf: string): Adapter =>
  (call) =>
    as(leaf, call, call.args.slice(1), new Map([['dtype', dtypeOf(call, (call.args[0] as Tensor).dtype)]]));
/** max_pool2d and the like: one function with return_indices or two. */
export const pool =
  (leaf: string): Adapter =>
  (call) => {
    const both = leaf.endsWith('_with_indices') || call.kwargs.get('return_indices') === true || call.args[6] === true;
    const base = leaf.replace('_with_indices', '');
    return as(both ? `${base}_with_indices` : base, call, call.args.slice(0, 6), without(call.kwargs, 'return_indices'));
  };
/** var, std and their pairs: `unbiased` is an older word for correction. */
export const deviation =
  (leaf: string): Adapter =>
  (call) => {
    const kwargs = without(call.kwargs, 'unbiased', 'correction', 'dim');
    const positional =
      typeof call.args[1] === 'boolean' ? { unbiased: call.args[1], dim: undefined } : { unbiased: call.args[2], dim: call.args[1] };
    const unbiased = call.kwargs.get('unbiased') ?? positional.unbiased;
    const correction = number(call.kwargs.get('correction') ?? (unbiased === false ? 0 : 1)) as number;
    const dim = call.kwargs.get('dim') ?? positional.dim;
    return lookup(leaf, call.path)(call.args[0], dim ?? undefined, { correction, ...Object.fromEntries(kwargs) });
  };
/** Reductions to values and indices, or to one value without a dimension. */
export const extremum =
  (leaf: string): Adapter =>
  (call) => {
    const [x, ...rest] = call.args;
    const dim = arg(call, 1, 'dim', 'other');
    if (isTensor(dim) || dim === undefined) return as(leaf, call, dim === undefined ? [x] : [x, dim], new Map());
    const keepdim = rest[1] ?? call.kwargs.get('keepdim') ?? false;
    return lookup(leaf, call.path)(x, dim, { keepdim });
  };
/** Index lists of Python: sequences of integers, ranges, ellipses. */
function indexItem(item: Plain): unknown {
  if (item === null || typeof item !== 'object' || isTensor(item)) return item;
  if (Array.isArray(item))
    return item.every((v) => typeof v === 'boolean') && item.length > 0
      ? wick.tensor(item as never)
      : wick.tensor(item as never, { dtype: 'int64' });
  return item;
}
export const getItem: Adapter = ({ args: [x, key] }) =>
  (x as Tensor & { index(...items: unknown[]): Tensor }).index(...(Array.isArray(key) ? key : [key]).map(indexItem));

/** The creation functions with a size as list or as separate numbers. */
export const sized =
  (leaf: string): Adapter =>
  (call) =>
    as(leaf, call, call.args.length > 0 ? [shapeArg(call.args)] : [], call.kwargs);

export function samples(leaf: string, call: Call): unknown {
  const [dx, dim] = [number(call.kwargs.get('dx') ?? 1), call.kwargs.get('dim') ?? -1];
  return lookup(leaf, call.path)(call.args[0], arg(call, 1, 'x') ?? null, { dx, dim });
}
export function ends(leaf: string, call: Call): unknown {
  const list = call.args.map((a) => (isTensor(a) && a.ndim === 0 ? a.itemSync() : number(a)));
  list[2] = list[2] ?? number(call.kwargs.get('steps'));
  if (leaf === 'logspace') list[3] = list[3] ?? number(call.kwargs.get('base')) ?? 10;
  return lookup(leaf, call.path)(...list, { dtype: dtypeOf(call, undefined) });
}
export function atLeast(leaf: string): Adapter {
  return (call) => {
    const list = (Array.isArray(call.args[0]) ? call.args[0] : call.args) as Plain[];
    const fn = lookup(leaf, call.path);
    return list.length === 1 && !Array.isArray(call.args[0]) ? fn(list[0]) : list.map((x) => fn(x));
  };
}
