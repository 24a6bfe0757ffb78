// The calls whose arguments differ from wick's in more than names and order.

import type { DType, Tensor } from '../../ts/index.ts';
import * as wick from '../../ts/index.ts';
import { bind, invoke, lookup } from './op-names.ts';
import { NotImplemented, type Plain } from './torch-names.ts';

/** One call: the function's last name and whole path, positional arguments, keyword arguments. */
export interface Call {
  readonly leaf: string;
  readonly path: string;
  readonly args: readonly Plain[];
  readonly kwargs: ReadonlyMap<string, Plain>;
}
type Adapter = (call: Call) => unknown;

/** Python's float, which a JavaScript number does not tell from an int. */
export class Float {
  readonly value: number;
  constructor(value: number) {
    this.value = value;
  }
}

const isTensor = (x: Plain): x is Tensor => x instanceof wick.Tensor;
const number = (x: Plain): Plain => (x instanceof Float ? x.value : Array.isArray(x) ? x.map(number) : x);
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

const shapeArg = (args: readonly Plain[]): number[] => (Array.isArray(args[0]) ? args[0] : args) as number[];
const dtypeOf = (call: Call, fallback: DType | undefined): DType | undefined => (call.kwargs.get('dtype') ?? fallback) as DType | undefined;
/** The dtype PyTorch gives a fill value where none is named. */
const fillDtype = (value: Plain): DType =>
  typeof value === 'boolean' ? 'bool' : typeof value === 'number' || typeof value === 'bigint' ? 'int64' : 'float32';
const arg = (call: Call, i: number, ...names: string[]): Plain =>
  i < call.args.length ? call.args[i] : names.map((n) => call.kwargs.get(n)).find((v) => v !== undefined);
const generic: Adapter = ({ leaf, path, args, kwargs }) => {
  const inPlace = leaf.endsWith('_') ? leaf.slice(0, -1) : leaf;
  const all = [...args, ...kwargs.values()];
  const convert = PROMOTING.has(inPlace) ? (x: Plain): Plain => operand(x, all) : number;
  const list = args.map(convert);
  // A number in the tensor's place.
  if (PROMOTING.has(inPlace) && typeof list[0] === 'number') list[0] = wick.scalar(list[0] as number, { dtype: fillDtype(args[0]) });
  return invoke(leaf, path, bind(leaf, list, new Map([...kwargs].map(([k, v]) => [k, convert(v)]))));
};
const as = (leaf: string, call: Call, args: readonly Plain[] = call.args, kwargs: ReadonlyMap<string, Plain> = call.kwargs): unknown =>
  generic({ leaf, path: call.path, args, kwargs });
const without = (kwargs: ReadonlyMap<string, Plain>, ...names: string[]): Map<string, Plain> =>
  new Map([...kwargs].filter(([k]) => !names.includes(k)));
const reverse =
  (leaf: string): Adapter =>
  (call) => {
    const [self, other] = call.args;
    if (isTensor(other)) return as(leaf, call, [other, self]);
    return as(leaf, call, [wick.scalar(number(other) as number, { dtype: fillDtype(other) }), self]);
  };
const cast =
  (dtype: DType): Adapter =>
  ({ args }) =>
    (args[0] as Tensor).to(dtype);
const newLike =
  (leaf: string): Adapter =>
  (call) =>
    as(leaf, call, call.args.slice(1), new Map([['dtype', dtypeOf(call, (call.args[0] as Tensor).dtype)]]));
/** max_pool2d and the like: one function with return_indices or two. */
const pool =
  (leaf: string): Adapter =>
  (call) => {
    const both = leaf.endsWith('_with_indices') || call.kwargs.get('return_indices') === true || call.args[6] === true;
    const base = leaf.replace('_with_indices', '');
    return as(both ? `${base}_with_indices` : base, call, call.args.slice(0, 6), without(call.kwargs, 'return_indices'));
  };
/** var, std and their pairs: `unbiased` is an older word for correction. */
const deviation =
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
const extremum =
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
const getItem: Adapter = ({ args: [x, key] }) =>
  (x as Tensor & { index(...items: unknown[]): Tensor }).index(...(Array.isArray(key) ? key : [key]).map(indexItem));

/** The creation functions with a size as list or as separate numbers. */
const sized =
  (leaf: string): Adapter =>
  (call) =>
    as(leaf, call, call.args.length > 0 ? [shapeArg(call.args)] : [], call.kwargs);

const ADAPTERS: Readonly<Record<string, Adapter>> = {
  'aten.slice.Tensor': ({ args: [x, dim = 0, start, stop, step] }) =>
    (x as Tensor & { index(...items: unknown[]): Tensor }).index(...new Array<string>(dim as number).fill(':'), { start, stop, step }),
  __getitem__: getItem,
  __rsub__: reverse('sub'),
  rsub: reverse('sub'),
  __radd__: reverse('add'),
  __rmul__: reverse('mul'),
  __rtruediv__: (call) => as('mul', call, [(call.args[0] as Tensor).reciprocal(), call.args[1]]),
  __rdiv__: (call) => as('mul', call, [(call.args[0] as Tensor).reciprocal(), call.args[1]]),
  __rpow__: reverse('pow'),
  __rmod__: reverse('remainder'),
  __rfloordiv__: reverse('floor_divide'),
  __rmatmul__: reverse('matmul'),
  __rand__: reverse('bitwise_and'),
  __ror__: reverse('bitwise_or'),
  __rxor__: reverse('bitwise_xor'),
  ...Object.fromEntries(
    Object.entries({
      add: 'add',
      sub: 'sub',
      mul: 'mul',
      truediv: 'div',
      div: 'div',
      pow: 'pow',
      mod: 'remainder',
      floordiv: 'floor_divide',
      matmul: 'matmul',
      and: 'bitwise_and',
      or: 'bitwise_or',
      xor: 'bitwise_xor',
      lshift: 'bitwise_left_shift',
      rshift: 'bitwise_right_shift',
      eq: 'eq',
      ne: 'ne',
      lt: 'lt',
      le: 'le',
      gt: 'gt',
      ge: 'ge',
      neg: 'neg',
      invert: 'bitwise_not',
      abs: 'abs',
    }).map(([py, leaf]): [string, Adapter] => [`__${py}__`, (call) => as(leaf, call)]),
  ),
  'T.__get__': ({ args: [x] }) => (x as Tensor).T,
  'mT.__get__': ({ args: [x] }) => (x as Tensor).mT,
  'H.__get__': ({ args: [x] }) => (x as Tensor).T,
  'mH.__get__': ({ args: [x] }) => (x as Tensor).mT,
  float: cast('float32'),
  double: cast('float64'),
  half: cast('float16'),
  bfloat16: cast('bfloat16'),
  long: cast('int64'),
  int: cast('int32'),
  short: cast('int16'),
  char: cast('int8'),
  byte: cast('uint8'),
  bool: cast('bool'),
  to: ({ args: [x, ...rest], kwargs }) => {
    const dtype = [...rest, kwargs.get('dtype')].find((v) => typeof v === 'string' && v !== 'cpu') as DType | undefined;
    const other = rest.find(isTensor);
    return (x as Tensor).to(dtype ?? other?.dtype ?? (x as Tensor).dtype);
  },
  type: ({ args: [x, dtype] }) => (x as Tensor).to(dtype as DType),
  item: ({ args: [x] }) => (x as Tensor).itemSync(),
  tolist: ({ args: [x] }) => (x as Tensor).arraySync(),
  contiguous: ({ args: [x] }) => (x as Tensor).asContiguous(),
  positive: ({ args: [x] }) => x,
  conj: ({ args: [x] }) => x,
  conj_physical: ({ args: [x] }) => x,
  resolve_conj: ({ args: [x] }) => x,
  real: ({ args: [x] }) => x,
  new_full: (call) => as('full', call, call.args.slice(1), new Map([['dtype', dtypeOf(call, (call.args[0] as Tensor).dtype)]])),
  new_ones: newLike('ones'),
  new_zeros: newLike('zeros'),
  new_empty: newLike('empty'),
  full: (call) => as('full', call, call.args, new Map([['dtype', dtypeOf(call, fillDtype(arg(call, 1, 'fill_value')))]])),
  scalar_tensor: ({ args, kwargs }) => wick.scalar(number(args[0]) as number, { dtype: (kwargs.get('dtype') ?? 'float32') as DType }),
  zeros: sized('zeros'),
  ones: sized('ones'),
  empty: sized('empty'),
  rand: sized('rand'),
  randn: sized('randn'),
  empty_permuted: ({ args, kwargs }) => wick.empty(args[0] as number[], { dtype: (kwargs.get('dtype') ?? undefined) as DType | undefined }),
  empty_strided: ({ args, kwargs }) => wick.empty(args[0] as number[], { dtype: (kwargs.get('dtype') ?? undefined) as DType | undefined }),
  arange: (call) => {
    const list = call.args.length > 0 ? [...call.args] : [];
    if (call.kwargs.has('end')) list[1] = call.kwargs.get('end');
    if (call.kwargs.has('step')) list[2] = call.kwargs.get('step');
    const floats = list.some((v) => v instanceof Float);
    const [a, b, c] = list.map((v) => Number(number(v)));
    const dtype = dtypeOf(call, floats ? 'float32' : 'int64');
    return list.length === 1 ? wick.arange(a, undefined, undefined, { dtype }) : wick.arange(a, b, c, { dtype });
  },
  range: () => {
    throw new NotImplemented('range');
  },
  linspace: (call) => ends('linspace', call),
  logspace: (call) => ends('logspace', call),
  eye: (call) =>
    lookup('eye', call.path)(...call.args, ...(call.args.length === 1 ? [undefined] : []), { dtype: dtypeOf(call, undefined) }),
  randint: (call) => {
    const list = [...call.args];
    const size = list.pop();
    const [low, high] = list.length === 1 ? [0, list[0]] : list;
    return wick.randint(low as number, high as number, size as number[], { dtype: dtypeOf(call, 'int64') });
  },
  einsum: ({ args: [equation, ...rest] }) => wick.einsum(equation as string, ...((Array.isArray(rest[0]) ? rest[0] : rest) as Tensor[])),
  broadcast_tensors: ({ args }) => wick.broadcastTensors(...((Array.isArray(args[0]) ? args[0] : args) as Tensor[])),
  meshgrid: (call) => as('meshgrid', call, [Array.isArray(call.args[0]) ? call.args[0] : call.args]),
  var: deviation('var'),
  std: deviation('std'),
  var_mean: deviation('var_mean'),
  std_mean: deviation('std_mean'),
  max: extremum('max'),
  min: extremum('min'),
  median: extremum('median'),
  nanmedian: extremum('nanmedian'),
  embedding: (call) => {
    const [index, weight] = call.args;
    if (call.kwargs.get('max_norm')) throw new NotImplemented('embedding: max_norm');
    return lookup('embedding', call.path)(weight, index, { paddingIdx: call.kwargs.get('padding_idx') ?? null });
  },
  max_pool1d: pool('max_pool1d'),
  max_pool2d: pool('max_pool2d'),
  max_pool3d: pool('max_pool3d'),
  max_pool1d_with_indices: pool('max_pool1d_with_indices'),
  max_pool2d_with_indices: pool('max_pool2d_with_indices'),
  adaptive_max_pool1d: pool('adaptive_max_pool1d'),
  adaptive_max_pool2d: pool('adaptive_max_pool2d'),
  adaptive_max_pool2d_with_indices: pool('adaptive_max_pool2d_with_indices'),
  atleast_1d: atLeast('atleast_1d'),
  atleast_2d: atLeast('atleast_2d'),
  atleast_3d: atLeast('atleast_3d'),
  nonzero: ({ args: [x], kwargs }) =>
    kwargs.get('as_tuple') === true ? wick.nonzero(wick.atleast1d(x as Tensor)).unbind(1) : wick.nonzero(x as Tensor),
  argwhere: ({ args: [x] }) => wick.nonzero(x as Tensor),
  where: (call) => (call.args.length === 1 ? wick.nonzero(call.args[0] as Tensor).unbind(1) : generic(call)),
  scatter: (call) => {
    const [x, dim, index, src] = [...call.args.slice(0, 3), arg(call, 3, 'src', 'value')];
    const how = call.kwargs.get('reduce');
    const value = number(src);
    if (how === undefined || how === null) return wick.scatter(x as Tensor, dim as number, index as Tensor, value as Tensor);
    const filled = isTensor(value) ? value : wick.full((index as Tensor).shape, value as number, { dtype: (x as Tensor).dtype });
    return wick.scatterReduce(x as Tensor, dim as number, index as Tensor, filled, how === 'add' ? 'sum' : 'prod');
  },
  repeat: ({ args: [x, ...counts] }) => wick.repeat(x as Tensor, shapeArg(counts)),
  permute: ({ args: [x, ...dims] }) => wick.permute(x as Tensor, shapeArg(dims)),
  expand: ({ args: [x, ...sizes] }) => wick.expand(x as Tensor, shapeArg(sizes)),
  view: ({ args: [x, ...sizes] }) =>
    typeof sizes[0] === 'string' ? (x as Tensor & { view(d: unknown): Tensor }).view(sizes[0]) : wick.view(x as Tensor, shapeArg(sizes)),
  'torch.nn.functional.softmax': generic,
  normal: ({ args: [mean, std, size], path }) => lookup('normal', path)(number(mean), number(std ?? 1), size),
  narrow: (call) =>
    as(
      'narrow',
      call,
      call.args.map((a, i) => (i === 2 && isTensor(a) ? a.itemSync() : a)),
    ),
  constant_pad_nd: (call) =>
    wick.pad(call.args[0] as Tensor, arg(call, 1, 'pad') as number[], { value: number(arg(call, 2, 'value') ?? 0) as number }),
  unique: (call) => {
    const { values, inverse, counts } = wick.unique(call.args[0] as Tensor, { dim: (call.kwargs.get('dim') ?? null) as number | null });
    return [
      values,
      ...(call.kwargs.get('return_inverse') === true ? [inverse] : []),
      ...(call.kwargs.get('return_counts') === true ? [counts] : []),
    ];
  },
  unique_consecutive: (call) => {
    const { values, inverse, counts } = wick.uniqueConsecutive(call.args[0] as Tensor, {
      dim: (call.kwargs.get('dim') ?? null) as number | null,
    });
    return [
      values,
      ...(call.kwargs.get('return_inverse') === true ? [inverse] : []),
      ...(call.kwargs.get('return_counts') === true ? [counts] : []),
    ];
  },
  tril_indices: (call) =>
    wick.trilIndices(call.args[0] as number, call.args[1] as number, (arg(call, 2, 'offset') ?? 0) as number, {
      dtype: dtypeOf(call, 'int64'),
    }),
  triu_indices: (call) =>
    wick.triuIndices(call.args[0] as number, call.args[1] as number, (arg(call, 2, 'offset') ?? 0) as number, {
      dtype: dtypeOf(call, 'int64'),
    }),
  cross: (call) => {
    const [a, b] = call.args as Tensor[];
    const dim = arg(call, 2, 'dim') ?? a.shape.indexOf(3);
    return wick.cross(a, b, dim as number);
  },
  cumulative_trapezoid: (call) => samples('cumulative_trapezoid', call),
  trapezoid: (call) => samples('trapezoid', call),
  trapz: (call) => samples('trapezoid', call),
  alias: ({ args: [x] }) => x,
  lift_fresh: ({ args: [x] }) => x,
  resolve_neg: ({ args: [x] }) => x,
  broadcast_shapes: ({ args }) => [...wick.broadcastTensors(...args.map((s) => wick.empty([s].flat() as number[]))).at(0)!.shape],
  block_diag: ({ args }) => wick.blockDiag(...(args.flat() as Tensor[])),
  cartesian_prod: ({ args }) => wick.cartesianProd(...(args.flat() as Tensor[])),
  multi_dot: ({ args: [list] }) => (list as Tensor[]).reduce((a, b) => a.matmul(b)),
  chain_matmul: ({ args }) => (args.flat() as Tensor[]).reduce((a, b) => a.matmul(b)),
  randint_like: (call) => {
    const list = call.args.slice(1).map(number) as number[];
    const [low, high] = list.length === 1 ? [(call.kwargs.get('low') ?? 0) as number, list[0]] : list;
    return wick.randintLike(call.args[0] as Tensor, low, (high ?? call.kwargs.get('high')) as number, {
      dtype: dtypeOf(call, (call.args[0] as Tensor).dtype),
    });
  },
  randperm: (call) => wick.randperm(call.args[0] as number, { dtype: dtypeOf(call, 'int64') }),
  norm: (call) => {
    if (arg(call, 1, 'p') === 'nuc') throw new NotImplemented('norms from singular values');
    return generic(call);
  },
  multinomial: (call) =>
    wick.multinomial(call.args[0] as Tensor, arg(call, 1, 'num_samples') as number, (arg(call, 2, 'replacement') ?? false) as boolean),
  dropout: (call) => {
    const named = bind('dropout', call.args.map(number), new Map([...call.kwargs].map(([k, v]) => [k, number(v)])));
    return lookup('dropout', 'torch.nn.functional.dropout')(named.get('input') ?? named.get('0'), named.get('p') ?? 0.5, {
      training: named.get('training') ?? true,
    });
  },
  clamp_min: (call) => as('clamp', call, [call.args[0], arg(call, 1, 'min')], new Map()),
  clamp_min_: (call) => as('clamp_', call, [call.args[0], arg(call, 1, 'min')], new Map()),
  clamp_max_: (call) => as('clamp_', call, [call.args[0], null, arg(call, 1, 'max')], new Map()),
  clamp_max: (call) => as('clamp', call, [call.args[0], null, arg(call, 1, 'max')], new Map()),
  tensor_split: (call) =>
    lookup('tensor_split', call.path)(call.args[0], arg(call, 1, 'indices_or_sections', 'indices', 'sections'), arg(call, 2, 'dim') ?? 0),
  'torch.nn.functional.unfold': ({ args, kwargs, path }) => {
    const named = bind('windows', args, kwargs);
    const [x, kernelSize, dilation = 1, padding = 0, stride = 1] = args;
    const options = {
      dilation: named.get('dilation') ?? dilation,
      padding: named.get('padding') ?? padding,
      stride: named.get('stride') ?? stride,
    };
    return lookup('unfold', path)(x, kernelSize ?? named.get('kernel_size'), options);
  },
  'linalg.norm': (call) => (call.args.length + call.kwargs.size === 1 ? wick.norm(call.args[0] as Tensor) : matrixOrVectorNorm(call)),
  'linalg.vector_norm': (call) => {
    const named = bind('vector_norm', call.args.map(number), new Map([...call.kwargs].map(([k, v]) => [k, number(v)])));
    return wick.norm(named.get('input') as Tensor, (named.get('ord') ?? 2) as number, (named.get('dim') ?? undefined) as number[], {
      keepdim: (named.get('keepdim') ?? false) as boolean,
    });
  },
  'linalg.diagonal': (call) =>
    wick.diagonal(
      call.args[0] as Tensor,
      (arg(call, 1, 'offset') ?? 0) as number,
      (arg(call, 2, 'dim1') ?? -2) as number,
      (arg(call, 3, 'dim2') ?? -1) as number,
    ),
  'linalg.vecdot': (call) => (call.args[0] as Tensor).mul(call.args[1] as Tensor).sum((arg(call, 2, 'dim') ?? -1) as number),
  'linalg.matrix_norm': (call) =>
    matrixNorm(
      call.args[0] as Tensor,
      number(arg(call, 1, 'ord') ?? 'fro') as number | string,
      (arg(call, 2, 'dim') ?? [-2, -1]) as number[],
      (arg(call, 3, 'keepdim') ?? false) as boolean,
    ),
  matrix_power: (call) => {
    if ((call.args[1] as number) < 0) throw new NotImplemented('matrix inverse');
    return generic(call);
  },
  'linalg.cross': ({ args, kwargs, path }) => lookup('cross', path)(args[0], args[1], args[2] ?? kwargs.get('dim') ?? -1),
};

/** Norms of matrices that follow from sums of absolute values. */
function matrixNorm(x: Tensor, ord: number | string, dim: readonly number[], keepdim: boolean): Tensor {
  const [rows, cols] = dim.map((d) => (d < 0 ? d + x.ndim : d));
  if (ord === 'fro') return wick.norm(x, 2, [rows, cols], { keepdim });
  if (typeof ord !== 'number' || Math.abs(ord) === 2) throw new NotImplemented('norms from singular values');
  const [inner, outer] = Math.abs(ord) === 1 ? [rows, cols] : [cols, rows];
  const sums = x.abs().sum(inner, { keepdim: true });
  const y = ord > 0 ? sums.amax(outer, { keepdim: true }) : sums.amin(outer, { keepdim: true });
  return keepdim ? y : y.squeeze([rows, cols]);
}
function matrixOrVectorNorm(call: Call): unknown {
  const x = call.args[0] as Tensor;
  const ord = number(arg(call, 1, 'ord') ?? null) as number | string | null;
  const dim = (arg(call, 2, 'dim') ?? null) as number | number[] | null;
  const keepdim = (arg(call, 3, 'keepdim') ?? false) as boolean;
  const dims = dim === null ? (ord === null ? null : x.shape.map((_, d) => d)) : [dim].flat();
  if (dims !== null && dims.length === 2 && ord !== null) return matrixNorm(x, ord, dims, keepdim);
  return wick.norm(x, (ord ?? 2) as number, dims ?? undefined, { keepdim });
}
function samples(leaf: string, call: Call): unknown {
  const [dx, dim] = [number(call.kwargs.get('dx') ?? 1), call.kwargs.get('dim') ?? -1];
  return lookup(leaf, call.path)(call.args[0], arg(call, 1, 'x') ?? null, { dx, dim });
}
function ends(leaf: string, call: Call): unknown {
  const list = call.args.map((a) => (isTensor(a) && a.ndim === 0 ? a.itemSync() : number(a)));
  list[2] = list[2] ?? number(call.kwargs.get('steps'));
  if (leaf === 'logspace') list[3] = list[3] ?? number(call.kwargs.get('base')) ?? 10;
  return lookup(leaf, call.path)(...list, { dtype: dtypeOf(call, undefined) });
}
function atLeast(leaf: string): Adapter {
  return (call) => {
    const list = (Array.isArray(call.args[0]) ? call.args[0] : call.args) as Plain[];
    const fn = lookup(leaf, call.path);
    return list.length === 1 && !Array.isArray(call.args[0]) ? fn(list[0]) : list.map((x) => fn(x));
  };
}

/** Runs a call of the reference's public function `path` (torch.add, torch.Tensor.view, ...) with wick's. @throws NotImplemented */
export function run(path: string, args: readonly Plain[], kwargs: ReadonlyMap<string, Plain>): unknown {
  const parts = path.split('.');
  const property = path.endsWith('.__get__');
  const leaf = property ? parts.slice(-2).join('.') : parts[parts.length - 1];
  if ([kwargs.get('out')].flat().some((t) => isTensor(t))) throw new NotImplemented('results written into `out`');
  for (const word of ['antialias', 'scale_grad_by_freq']) if (kwargs.get(word) === true) throw new NotImplemented(word);
  // torch.view_copy and the like are the same values without sharing memory.
  if (leaf.endsWith('_copy') && leaf !== 'index_copy') return run(path.replace(/_copy$/, ''), args, kwargs);
  const call = { leaf, path, args, kwargs };
  const adapter = ADAPTERS[path] ?? ADAPTERS[parts.slice(-2).join('.')] ?? ADAPTERS[leaf] ?? generic;
  return adapter(call);
}
