// The calls whose arguments differ from wick's in more than names and order.
import type { DType, Tensor } from '../../ts/index.ts';
import * as wick from '../../ts/index.ts';
import {
  type Adapter,
  arg,
  as,
  atLeast,
  type Call,
  cast,
  deviation,
  dtypeOf,
  ends,
  extremum,
  Float,
  fillDtype,
  generic,
  getItem,
  isTensor,
  newLike,
  number,
  pool,
  reverse,
  samples,
  shapeArg,
  sized,
} from './op-calls.ts';
import { bind, lookup } from './op-names.ts';
import { NotImplemented, type Plain } from './torch-names.ts';

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
  conj_physical: (call) => as('conj', call),
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
  contiguous: ({ args: [x] }) => (x as Tensor).contiguous(),
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
    return lookup('embedding', call.path)(index, weight, { paddingIdx: call.kwargs.get('padding_idx') ?? null });
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
  block_diag: ({ args }) => wick.blockDiag(...(args.flat() as Tensor[])),
  cartesian_prod: ({ args }) => wick.cartesianProd(...(args.flat() as Tensor[])),
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
  'linalg.matrix_norm': (call) =>
    matrixNorm(
      call,
      number(arg(call, 1, 'ord') ?? 'fro') as number | 'fro',
      (arg(call, 2, 'dim') ?? [-2, -1]) as number[],
      (arg(call, 3, 'keepdim') ?? false) as boolean,
    ),
  matrix_power: (call) => {
    if ((call.args[1] as number) < 0) throw new NotImplemented('matrix inverse');
    return generic(call);
  },
  'linalg.cross': ({ args, kwargs, path }) => lookup('cross', path)(args[0], args[1], args[2] ?? kwargs.get('dim') ?? -1),
};

function matrixNorm(call: Call, ord: number | 'fro', dims: readonly number[], keepdim: boolean): unknown {
  if (typeof ord === 'string' ? ord !== 'fro' : Math.abs(ord) === 2) throw new NotImplemented('norms from singular values');
  return wick.matrixNorm(call.args[0] as Tensor, ord, { dim: dims, keepdim });
}
function matrixOrVectorNorm(call: Call): unknown {
  const x = call.args[0] as Tensor;
  const ord = number(arg(call, 1, 'ord') ?? null) as number | string | null;
  const dim = (arg(call, 2, 'dim') ?? null) as number | number[] | null;
  const keepdim = (arg(call, 3, 'keepdim') ?? false) as boolean;
  const dims = dim === null ? (ord === null ? null : x.shape.map((_, d) => d)) : [dim].flat();
  if (dims !== null && dims.length === 2 && ord !== null) return matrixNorm(call, ord as number, dims, keepdim);
  return wick.norm(x, (ord ?? 2) as number, dims ?? undefined, { keepdim });
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
