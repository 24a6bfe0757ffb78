// Rows with kernels of their own as ONNX operators.
import type { DType } from '../base/dtype.ts';
import { ValueError } from '../base/errors.ts';
import type { Shape } from '../base/shape.ts';
import type { Attrs, Sketch } from './sketch.ts';

interface Meta {
  readonly shape: Shape;
  readonly dtype: DType;
}
/** A call that is being written. */
export interface KernelCall {
  readonly s: Sketch;
  /** Names of the operands; '' for one that was left out. */
  readonly x: readonly string[];
  readonly metas: readonly (Meta | null)[];
  readonly outs: readonly Meta[];
  readonly attrs: Readonly<Record<string, unknown>>;
}
/** The names of the outputs; null for one that ONNX does not give, a function for one that is written where it is used. */
export type Made = string | null | (() => string);
type Writer = (c: KernelCall) => readonly Made[];

const meta = (c: KernelCall, i: number): Meta => c.metas[i] as Meta;
const ints = (v: unknown, n: number, otherwise: number): number[] =>
  v === undefined ? new Array<number>(n).fill(otherwise) : [...(v as number[])];
const flag = (v: unknown): { i: number } => ({ i: v ? 1 : 0 });
const from = (d: number, rank: number): number => (d < 0 ? d + rank : d);
const fail = (what: string): never => {
  throw new ValueError(`exportONNX: ${what}`);
};

function reduce(op: string): Writer {
  return (c) => {
    const { s, attrs, outs } = c;
    const wanted = attrs.dtype as DType | undefined;
    const x = s.cast(
      c.x[0],
      meta(c, 0).dtype,
      wanted ?? (op === 'ReduceSum' || op === 'ReduceProd' || op === 'ReduceMean' ? outs[0].dtype : meta(c, 0).dtype),
    );
    return [s.node(op, [x, s.ints(attrs.dims as number[])], { keepdims: flag(attrs.keepdim) })];
  };
}
/** Whether all or any are true, by the least or greatest of bytes. */
const truth =
  (op: string): Writer =>
  (c) => {
    const { s } = c;
    const on = s.cast(c.x[0], meta(c, 0).dtype, 'bool');
    const y = s.node(op, [s.cast(on, 'bool', 'int32'), s.ints(c.attrs.dims as number[])], { keepdims: flag(c.attrs.keepdim) });
    return [s.cast(y, 'int32', 'bool')];
  };
const arg =
  (op: string): Writer =>
  (c) => {
    const { dim, keepdim } = c.attrs as { dim: number | null; keepdim: boolean };
    if (dim !== null) return [c.s.node(op, [c.x[0]], { axis: { i: dim }, keepdims: flag(keepdim) })];
    return [c.s.node(op, [c.s.node('Reshape', [c.x[0], c.s.ints([-1])])], { axis: { i: 0 }, keepdims: { i: 0 } })];
  };
const extreme =
  (op: 'Max' | 'Min'): Writer =>
  (c) => {
    const { dim, keepdim } = c.attrs as { dim: number; keepdim: boolean };
    const values = c.s.node(`Reduce${op}`, [c.x[0], c.s.ints([dim])], { keepdims: flag(keepdim) });
    return [values, c.s.node(`Arg${op}`, [c.x[0]], { axis: { i: dim }, keepdims: flag(keepdim) })];
  };
const along =
  (op: string): Writer =>
  (c) => {
    const x = c.s.cast(c.x[0], meta(c, 0).dtype, c.outs[0].dtype);
    return [c.s.node(op, [x], { axis: { i: c.attrs.dim as number } })];
  };
function variance(c: KernelCall): [string] {
  const { s } = c;
  const { dims, keepdim, correction } = c.attrs as { dims: number[]; keepdim: boolean; correction: number };
  const { shape, dtype } = meta(c, 0);
  const axes = s.ints(dims);
  const centred = s.node('Sub', [c.x[0], s.node('ReduceMean', [c.x[0], axes])]);
  const squares = s.node('Mul', [centred, centred]);
  if (dims.some((d) => s.varies(shape[from(d, shape.length)]))) fail('a variance over the batch; export it without dynamicBatch');
  const n = dims.reduce((a, d) => a * shape[from(d, shape.length)], 1);
  return [s.node('Div', [s.node('ReduceSum', [squares, axes], { keepdims: flag(keepdim) }), s.scalar(Math.max(0, n - correction), dtype)])];
}
function activated(c: KernelCall, y: string): string {
  const { activation } = c.attrs as { activation?: string };
  if (activation === 'relu') return c.s.node('Relu', [y]);
  return activation === 'relu6' ? c.s.node('Clip', [y, c.s.scalar(0, c.outs[0].dtype), c.s.scalar(6, c.outs[0].dtype)]) : y;
}
function linear(c: KernelCall): [string] {
  const { s, x } = c;
  const { alpha = 1, beta = 1 } = c.attrs as { alpha?: number; beta?: number };
  if (meta(c, 0).shape.length === 2 && x[3] === '') {
    const attrs: Attrs = {
      transB: { i: 1 },
      ...(alpha === 1 ? {} : { alpha: { f: alpha } }),
      ...(beta === 1 ? {} : { beta: { f: beta } }),
    };
    return [activated(c, s.node('Gemm', [x[0], x[1], x[2] ?? ''], attrs))];
  }
  let y = s.node('MatMul', [x[0], s.node('Transpose', [x[1]], { perm: { ints: [1, 0] } })]);
  const scaled = (name: string, by: number): string => (by === 1 ? name : s.node('Mul', [name, s.scalar(by, c.outs[0].dtype)]));
  y = scaled(y, alpha);
  if (x[2]) y = s.node('Add', [y, scaled(x[2], beta)]);
  if (x[3]) y = s.node('Add', [y, scaled(x[3], x[2] ? 1 : beta)]);
  return [activated(c, y)];
}
function windowAttrs(c: KernelCall, n: number): Attrs {
  const before = ints(c.attrs.padding, n, 0);
  const after = c.attrs.paddingEnd === undefined ? before : ints(c.attrs.paddingEnd, n, 0);
  return {
    strides: { ints: ints(c.attrs.stride, n, 1) },
    pads: { ints: [...before, ...after] },
    dilations: { ints: ints(c.attrs.dilation, n, 1) },
  };
}
function convolution(c: KernelCall): [string] {
  const kernel = meta(c, 1).shape.slice(2);
  const attrs = {
    ...windowAttrs(c, kernel.length),
    group: { i: (c.attrs.groups as number | undefined) ?? 1 },
    kernel_shape: { ints: kernel },
  };
  return [activated(c, c.s.node('Conv', c.x, attrs))];
}
function convTranspose(c: KernelCall): [string] {
  const kernel = meta(c, 1).shape.slice(2);
  const n = kernel.length;
  const before = ints(c.attrs.padding, n, 0);
  const after = c.attrs.paddingEnd === undefined ? before : ints(c.attrs.paddingEnd, n, 0);
  const extra = before.map((b, i) => Math.max(0, b - after[i]));
  return [
    c.s.node('ConvTranspose', c.x, {
      ...windowAttrs(c, n),
      pads: { ints: [...before, ...after.map((a, i) => a + extra[i])] },
      output_padding: { ints: extra },
      group: { i: (c.attrs.groups as number | undefined) ?? 1 },
      kernel_shape: { ints: kernel },
    }),
  ];
}
/** Places of the largest elements: in their image, where ONNX counts them through the whole tensor. */
function places(c: KernelCall, attrs: Attrs): string {
  const area = meta(c, 0)
    .shape.slice(2)
    .reduce((a, b) => a * b, 1);
  const [, at] = c.s.many('MaxPool', c.x, attrs, 2);
  return c.s.node('Mod', [at, c.s.scalar(area, 'int64')]);
}
function pool(c: KernelCall, op: 'AveragePool' | 'MaxPool'): readonly Made[] {
  const kernel = c.attrs.kernelSize as number[];
  const n = kernel.length;
  if (c.attrs.divisorOverride !== undefined) fail('avgPool with divisorOverride has no ONNX operator');
  const base = windowAttrs(c, n);
  const strides = { ints: ints(c.attrs.stride, n, 1) };
  const attrs: Attrs = { ...base, strides, kernel_shape: { ints: kernel }, ceil_mode: flag(c.attrs.ceilMode) };
  if (op === 'AveragePool') return [c.s.node(op, c.x, { ...attrs, count_include_pad: flag(c.attrs.countIncludePad ?? true) })];
  return [c.s.node(op, c.x, attrs), () => places(c, attrs)];
}
function adaptive(op: 'Average' | 'Max'): Writer {
  return (c) => {
    const size = c.attrs.outputSize as number[];
    const image = meta(c, 0).shape.slice(2);
    const kernel = image.map((n, i) =>
      n % size[i] === 0 ? n / size[i] : fail(`an adaptive pool from ${n} to ${size[i]}, which does not divide it, has no ONNX operator`),
    );
    const attrs = { kernel_shape: { ints: kernel }, strides: { ints: kernel } };
    const y = size.every((s) => s === 1) ? c.s.node(`Global${op}Pool`, c.x) : c.s.node(`${op}Pool`, c.x, attrs);
    return op === 'Average' ? [y] : [y, () => places(c, attrs)];
  };
}
function normalization(c: KernelCall): (string | null)[] {
  const { s, x } = c;
  const { dims, groups, batch, rms, eps } = c.attrs as { dims?: number; groups?: number; batch?: boolean; rms?: boolean; eps: number };
  const { shape, dtype } = meta(c, 0);
  const filled = (name: string, sizes: Shape, value: number): string => {
    if (name !== '') return name;
    return s.node('Expand', [s.scalar(value, dtype), s.ints(sizes)]);
  };
  const none = [null, null];
  if (dims !== undefined) {
    const own = shape.slice(shape.length - dims);
    const attrs: Attrs = { axis: { i: -dims }, epsilon: { f: eps } };
    if (rms) return [s.node('RMSNormalization', [x[0], filled(x[1], own, 1)], attrs), ...none];
    return [s.node('LayerNormalization', [x[0], filled(x[1], own, 1), x[2]], attrs), ...none];
  }
  const channels = [shape[1]];
  const [scale, bias] = [filled(x[1], channels, 1), filled(x[2], channels, 0)];
  if (batch) {
    if (!x[3] || !x[4]) return fail('batch normalisation by the batch itself; call eval() before the export');
    return [s.node('BatchNormalization', [x[0], scale, bias, x[3], x[4]], { epsilon: { f: eps } }), ...none];
  }
  if (groups === shape[1] && shape.length > 2)
    return [s.node('InstanceNormalization', [x[0], scale, bias], { epsilon: { f: eps } }), ...none];
  return [s.node('GroupNormalization', [x[0], scale, bias], { epsilon: { f: eps }, num_groups: { i: groups ?? 1 } }), ...none];
}
function attention(c: KernelCall): (string | null)[] {
  const { scale, causal } = c.attrs as { scale: number; causal: boolean };
  return [c.s.node('Attention', c.x, { scale: { f: scale }, is_causal: flag(causal) }), null];
}
function crossEntropy(c: KernelCall): (string | null)[] {
  const { ignoreIndex, smoothing, reduction } = c.attrs as { ignoreIndex: number; smoothing: number; reduction: string };
  if (smoothing !== 0) return fail('crossEntropy with label smoothing has no ONNX operator');
  const target = c.s.cast(c.x[1], meta(c, 1).dtype, 'int64');
  const attrs: Attrs = { ignore_index: { i: ignoreIndex }, reduction: { s: reduction } };
  return [c.s.node('SoftmaxCrossEntropyLoss', [c.x[0], target, c.x[2]], attrs), null, null, null];
}
function lstmCell(c: KernelCall): (string | null)[] {
  const { s } = c;
  const [i, f, g, o] = s.many('Split', [s.node('Add', [c.x[0], c.x[1]])], { axis: { i: 1 }, num_outputs: { i: 4 } }, 4);
  const kept = s.node('Mul', [s.node('Sigmoid', [f]), c.x[2]]);
  const cell = s.node('Add', [kept, s.node('Mul', [s.node('Sigmoid', [i]), s.node('Tanh', [g])])]);
  return [s.node('Mul', [s.node('Sigmoid', [o]), s.node('Tanh', [cell])]), cell, null];
}
function gruCell(c: KernelCall): (string | null)[] {
  const { s } = c;
  const parts = (x: string): string[] => s.many('Split', [x], { axis: { i: 1 }, num_outputs: { i: 3 } }, 3);
  const [xr, xz, xn] = parts(c.x[0]);
  const [rr, rz, rn] = parts(c.x[1]);
  const r = s.node('Sigmoid', [s.node('Add', [xr, rr])]);
  const z = s.node('Sigmoid', [s.node('Add', [xz, rz])]);
  const n = s.node('Tanh', [s.node('Add', [xn, s.node('Mul', [r, rn])])]);
  return [s.node('Add', [s.node('Mul', [z, s.node('Sub', [c.x[2], n])]), n]), null];
}
const scatter =
  (reduction: string): Writer =>
  (c) => [c.s.node('ScatterElements', c.x, { axis: { i: c.attrs.dim as number }, reduction: { s: reduction } })];
const REDUCTIONS: Readonly<Record<string, string>> = { sum: 'add', prod: 'mul', amax: 'max', amin: 'min' };

/** Rows by name. */
export const KERNELS: Readonly<Record<string, Writer>> = {
  full: (c) => {
    const { value, shape, dtype } = c.attrs as { value: number; shape: Shape; dtype: DType };
    return [c.s.expand(c.s.scalar(value, dtype), [], shape)];
  },
  arange: (c) => {
    const { start, step, n, dtype } = c.attrs as { start: number; step: number; n: number; dtype: DType };
    if (c.s.varies(n)) return fail('a row of numbers as long as the batch; export it without dynamicBatch');
    const [a, b, d] = [start, start + n * step, step].map((v) => c.s.scalar(v, dtype));
    return [c.s.node('Range', [a, b, d])];
  },
  all: truth('ReduceMin'),
  any: truth('ReduceMax'),
  amax: reduce('ReduceMax'),
  amin: reduce('ReduceMin'),
  mean: reduce('ReduceMean'),
  prod: reduce('ReduceProd'),
  sum: reduce('ReduceSum'),
  logsumexp: reduce('ReduceLogSumExp'),
  argmax: arg('ArgMax'),
  argmin: arg('ArgMin'),
  maxDim: extreme('Max'),
  minDim: extreme('Min'),
  variance,
  cumsum: (c) => [
    c.s.node(
      'CumSum',
      [c.s.cast(c.x[0], meta(c, 0).dtype, c.outs[0].dtype), c.s.scalar(from(c.attrs.dim as number, meta(c, 0).shape.length), 'int64')],
      {
        reverse: flag(c.attrs.reverse),
      },
    ),
  ],
  softmax: along('Softmax'),
  logSoftmax: along('LogSoftmax'),
  linear,
  matmul: (c) => [c.s.node('MatMul', c.x)],
  embedding: (c) => [c.s.node('Gather', c.x, { axis: { i: 0 } })],
  indexSelect: (c) => [c.s.node('Gather', c.x, { axis: { i: c.attrs.dim as number } })],
  gather: (c) => [c.s.node('GatherElements', c.x, { axis: { i: c.attrs.dim as number } })],
  scatter: scatter('none'),
  scatterAdd: scatter('add'),
  scatterReduce: (c) => {
    const reduction = REDUCTIONS[c.attrs.reduce as string];
    if (reduction === undefined || c.attrs.includeSelf === false)
      return fail(`scatterReduce by ${c.attrs.reduce} without self has no ONNX operator`);
    return scatter(reduction)(c);
  },
  flip: (c) => {
    const dims = [c.attrs.dims as number | number[]].flat();
    const all = (v: number): string => c.s.ints(dims.map(() => v));
    return [c.s.node('Slice', [c.x[0], all(-1), c.s.ints(dims.map(() => -9223372036854775807n)), c.s.ints(dims), all(-1)])];
  },
  tril: (c) => [c.s.node('Trilu', [c.x[0], c.s.scalar((c.attrs.diagonal as number) ?? 0, 'int64')], { upper: { i: 0 } })],
  triu: (c) => [c.s.node('Trilu', [c.x[0], c.s.scalar((c.attrs.diagonal as number) ?? 0, 'int64')], { upper: { i: 1 } })],
  sort: (c) => {
    const { shape } = meta(c, 0);
    const dim = from((c.attrs.dim as number) ?? -1, shape.length);
    if (c.s.varies(shape[dim])) return fail('sorting along the batch; export it without dynamicBatch');
    return c.s.many('TopK', [c.x[0], c.s.ints([shape[dim]])], { axis: { i: dim }, largest: flag(c.attrs.descending) }, 2);
  },
  topk: (c) => {
    const attrs = {
      axis: { i: (c.attrs.dim as number) ?? -1 },
      largest: flag(c.attrs.largest ?? true),
      sorted: flag(c.attrs.sorted ?? true),
    };
    return c.s.many('TopK', [c.x[0], c.s.ints([c.attrs.k as number])], attrs, 2);
  },
  convolution,
  convolutionInput: convTranspose,
  avgPool: (c) => pool(c, 'AveragePool'),
  maxPool: (c) => pool(c, 'MaxPool'),
  adaptiveAvgPool: adaptive('Average'),
  adaptiveMaxPool: adaptive('Max'),
  normalization,
  crossEntropy,
  attention,
  lstmCell,
  gruCell,
};
