// Reductions over any dimensions of tensors as they lie, and arg- and pair-reductions along one.
import type { View } from '../../ts/backend.ts';
import { isFloat } from '../../ts/base/dtype.ts';
import { sizeOf } from '../../ts/base/shape.ts';
import type { GpuKernel, KernelCall, Operand } from '../kernel.ts';
import { int, uint } from '../shader.ts';
import type { Kind } from '../types.ts';
import { runLines } from './lines.ts';

const RANK = 6;
/** Elements from which the lines of a reduction are cut, and how long the pieces are. */
const CUT = 1 << 16;
const PIECE = 1 << 13;

// Numbers: elements of a line, of a piece, pieces of a line; then the kept dimensions' sizes and strides, then the reduced ones'.
const [LENGTH, PART, PIECES] = [0, 1, 2];
const KEPT = 3;
const REDUCED = KEPT + 2 * RANK;

interface Fold {
  readonly name: string;
  readonly kind: Kind;
  /** WGSL: the value with nothing in it, and the name of the function that joins two. */
  readonly start: string;
  readonly by: string;
  /** WGSL of what goes in, from an element v and the line's own number m. */
  readonly each?: string;
  /** WGSL of the result r, with the line's number m and the count of elements n. */
  readonly end?: string;
  /** A number for each line. */
  readonly beside?: View;
}

function axes(x: View, dims: readonly number[]): { size: number; stride: number }[] {
  const list: { size: number; stride: number }[] = [];
  for (const d of [...dims].reverse()) {
    if (x.shape[d] === 1) continue;
    const last = list.at(-1);
    if (last && last.stride * last.size === x.strides[d]) last.size *= x.shape[d];
    else list.push({ size: x.shape[d], stride: x.strides[d] });
  }
  return list;
}
const walk = (from: number, count: number, index: string, to: string): string =>
  Array.from({ length: count }, (_, d) => {
    const size = uint(from + d);
    const stride = uint(from + RANK + d);
    return d === count - 1
      ? `${to} = ${to} + ${index} * ${stride};`
      : `${to} = ${to} + (${index} % ${size}) * ${stride}; ${index} = ${index} / ${size};`;
  }).join(' ');

/** Folds the dimensions of x away into y, a row-major tensor of the others. */
export function fold(call: KernelCall, given: View, dims: readonly number[], y: View, f: Fold): void {
  const lines = sizeOf(y.shape);
  if (lines === 0) return;
  const keptDims = given.shape.map((_, d) => d).filter((d) => !dims.includes(d));
  let x = given;
  let kept = axes(x, keptDims);
  let reduced = axes(x, dims);
  if (kept.length > RANK || reduced.length > RANK) {
    x = call.rowMajor(x);
    kept = axes(x, keptDims);
    reduced = axes(x, dims);
  }
  const n = dims.reduce((p, d) => p * x.shape[d], 1);
  const pieces = n >= CUT ? Math.ceil(n / PIECE) : 1;
  const part = Math.ceil(n / pieces);
  const pad = (list: readonly number[], value: number): number[] => [...list, ...new Array<number>(RANK - list.length).fill(value)];
  const sides = [kept, reduced].flatMap((l) =>
    [
      pad(
        l.map((a) => a.size),
        1,
      ),
      pad(
        l.map((a) => a.stride),
        0,
      ),
    ].flat(),
  );
  const out = pieces === 1 ? y : call.temporary([lines, pieces], f.kind === 'f32' ? 'float32' : f.kind === 'i64' ? 'int64' : 'int32');
  const operands: Operand[] = [{ name: 'x', view: x, kind: f.kind }];
  if (f.beside) operands.push({ name: 'm', view: f.beside });
  operands.push({ name: 'y', view: out, kind: f.kind, writes: true });
  const end = pieces === 1 ? (f.end ?? 'r') : 'r';
  const body = `  var row = line / ${uint(PIECES)};
  let place = row;
  var base = 0u;
  ${walk(KEPT, kept.length, 'row', 'base')}
  let n = f32(${uint(LENGTH)});
  ${f.beside ? 'let m = ld_m(place);' : ''}
  let first = (line % ${uint(PIECES)}) * ${uint(PART)};
  let last = min(${uint(LENGTH)}, first + ${uint(PART)});
  var s = ${f.start};
  for (var j = first + lane; j < last; j = j + LANES) {
    var e = j;
    var p = base;
    ${walk(REDUCED, reduced.length, 'e', 'p')}
    let v = ld_x(p);
    s = ${f.by}(s, ${f.each ?? 'v'});
  }
  let r = whole(s, lane);
  if (lane == 0u) { st_y(line, ${end}); }`;
  const name = `${f.name}${kept.length}${reduced.length}${pieces === 1 ? '' : 'p'}`;
  runLines(
    call,
    name,
    operands,
    { ints: [n, part, pieces, ...sides] },
    lines * pieces,
    part,
    [{ name: 'whole', kind: f.kind, by: f.by }],
    body,
  );
  if (pieces > 1)
    fold(call, out, [1], y, {
      name: `${f.name}J`,
      kind: f.kind,
      start: f.start,
      by: f.by,
      end: f.end?.replace(/\bn\b/g, `${n}.0`),
      beside: f.beside,
    });
}

const kindOfSum = (x: View, y: View): Kind => (isFloat(y.dtype) ? 'f32' : isFloat(x.dtype) && !isFloat(y.dtype) ? 'i64' : 'i64');
const ZERO: Record<Kind, string> = { f32: '0.0', i32: '0', i64: 'vec2u(0u)' };
const ONE: Record<Kind, string> = { f32: '1.0', i32: '1', i64: 'vec2u(1u, 0u)' };
const LOWEST: Record<Kind, string> = { f32: '-inf_f32(f32(lane * 0u))', i32: '(i32(-2147483647) - 1)', i64: 'vec2u(0u, 0x80000000u)' };
const HIGHEST: Record<Kind, string> = { f32: 'inf_f32(f32(lane * 0u))', i32: '2147483647', i64: 'vec2u(0xffffffffu, 0x7fffffffu)' };
const wide = (x: View): Kind => (isFloat(x.dtype) ? 'f32' : 'i64');

type Run = (call: KernelCall, x: View, dims: readonly number[], y: View) => void;
const over = (run: Run): GpuKernel => ({
  strided: [0],
  run: (call) => run(call, call.inputs[0] as View, call.attrs.dims as readonly number[], call.outputs[0]),
});

/** Along one dimension: lines of [outer, n, inner], each by a thread in order. */
function along(x: View, dim: number | null): number[] {
  const { shape } = x;
  if (dim === null || shape.length === 0) return [1, sizeOf(shape), 1];
  const d = dim < 0 ? dim + shape.length : dim;
  return [sizeOf(shape.slice(0, d)), shape[d], sizeOf(shape.slice(d + 1))];
}
const LINE = `  let outer = t / ${uint(2)};\n  let inner = t % ${uint(2)};\n  if (outer >= ${uint(0)}) { return; }\n  let n = ${int(1)};\n  let base = outer * ${uint(1)} * ${uint(2)} + inner;`;

const better = (kind: Kind, most: boolean, a: string, b: string): string => {
  const order = most ? `lt_${kind}(${b}, ${a})` : `lt_${kind}(${a}, ${b})`;
  return kind === 'f32' ? `((isnan_f32(${a}) && !isnan_f32(${b})) || ${order})` : order;
};
function extreme(most: boolean, values: boolean): GpuKernel {
  return {
    run: (call) => {
      const x = call.inputs[0] as View;
      const [outer, n, inner] = along(x, call.attrs.dim as number | null);
      const kind = wide(x);
      const operands: Operand[] = [{ name: 'x', view: x, kind }];
      if (values) operands.push({ name: 'y', view: call.outputs[0], kind, writes: true });
      operands.push({ name: 'i', view: call.outputs[values ? 1 : 0], kind: 'i32', writes: true });
      const body = `${LINE}
  var best = ld_x(base);
  var at = 0;
  for (var j = 1; j < n; j++) {
    let v = ld_x(base + u32(j) * ${uint(2)});
    if (${better(kind, most, 'v', 'best')}) { best = v; at = j; }
  }
  ${values ? 'st_y(t, best);' : ''}
  st_i(t, at);`;
      call.run(`arg${most}${values}`, operands, { ints: [outer, n, inner] }, outer * inner, body);
    },
  };
}

/** A running value along a dimension. `start` sets s from the first element, `step` from s and v. */
function scan(name: string, kindFor: (x: View, y: View) => Kind, step: (kind: Kind) => string): GpuKernel {
  return {
    run: (call) => {
      const x = call.inputs[0] as View;
      const y = call.outputs[0];
      const [outer, n, inner] = along(x, call.attrs.dim as number);
      const kind = kindFor(x, y);
      const body = `${LINE}
  var s = ${ZERO[kind]};
  for (var j = 0; j < n; j++) {
    let k = base + u32(select(j, n - 1 - j, ${int(3)} == 1)) * ${uint(2)};
    let v = ld_x(k);
    if (j == 0) { s = v; } else { s = ${step(kind)}; }
    st_y(k, s);
  }`;
      const operands: Operand[] = [
        { name: 'x', view: x, kind },
        { name: 'y', view: y, kind, writes: true },
      ];
      call.run(name, operands, { ints: [outer, n, inner, call.attrs.reverse ? 1 : 0] }, outer * inner, body);
    },
  };
}
function running(most: boolean): GpuKernel {
  return {
    run: (call) => {
      const x = call.inputs[0] as View;
      const [outer, n, inner] = along(x, call.attrs.dim as number);
      const kind = wide(x);
      const later = most ? `le_${kind}(best, v)` : `le_${kind}(v, best)`;
      const wins = kind === 'f32' ? `(isnan_f32(v) || (!isnan_f32(best) && ${later}))` : later;
      const body = `${LINE}
  var best = ld_x(base);
  var at = 0;
  for (var j = 0; j < n; j++) {
    let k = base + u32(j) * ${uint(2)};
    let v = ld_x(k);
    if (${wins}) { best = v; at = j; }
    st_y(k, best);
    st_i(k, at);
  }`;
      const operands: Operand[] = [
        { name: 'x', view: x, kind },
        { name: 'y', view: call.outputs[0], kind, writes: true },
        { name: 'i', view: call.outputs[1], kind: 'i32', writes: true },
      ];
      call.run(`running${most}`, operands, { ints: [outer, n, inner] }, outer * inner, body);
    },
  };
}

export const REDUCE: Readonly<Record<string, GpuKernel>> = {
  sum: over((call, x, dims, y) => {
    const kind = kindOfSum(x, y);
    fold(call, x, dims, y, { name: 'sum', kind, start: ZERO[kind], by: `add_${kind}` });
  }),
  mean: over((call, x, dims, y) => fold(call, x, dims, y, { name: 'mean', kind: 'f32', start: '0.0', by: 'add_f32', end: 'r / n' })),
  prod: over((call, x, dims, y) => {
    const kind = kindOfSum(x, y);
    fold(call, x, dims, y, { name: 'prod', kind, start: ONE[kind], by: `mul_${kind}` });
  }),
  amax: over((call, x, dims, y) => fold(call, x, dims, y, { name: 'amax', kind: wide(x), start: LOWEST[wide(x)], by: `max_${wide(x)}` })),
  amin: over((call, x, dims, y) => fold(call, x, dims, y, { name: 'amin', kind: wide(x), start: HIGHEST[wide(x)], by: `min_${wide(x)}` })),
  all: over((call, x, dims, y) => truths(call, x, dims, y, 'all', '1', 'min_i32')),
  any: over((call, x, dims, y) => truths(call, x, dims, y, 'any', '0', 'max_i32')),
  variance: over((call, x, dims, y) => {
    const mean = call.temporary(y.shape, 'float32');
    fold(call, x, dims, mean, { name: 'mean', kind: 'f32', start: '0.0', by: 'add_f32', end: 'r / n' });
    const divisor = Math.max(0, dims.reduce((p, d) => p * x.shape[d], 1) - ((call.attrs.correction as number | undefined) ?? 0));
    const end = divisor === 0 ? 'r / (n - n)' : `r / ${divisor}.0`.replace(/(\.\d+)\.0$/, '$1');
    fold(call, x, dims, y, {
      name: `variance${divisor}`,
      kind: 'f32',
      start: '0.0',
      by: 'add_f32',
      each: '(v - m) * (v - m)',
      end,
      beside: mean,
    });
  }),
  logsumexp: over((call, x, dims, y) => {
    const most = call.temporary(y.shape, 'float32');
    fold(call, x, dims, most, { name: 'amax', kind: 'f32', start: LOWEST.f32, by: 'max_f32' });
    const each = 'exp_f32(v - select(m, 0.0, isinf_f32(m)))';
    fold(call, x, dims, y, {
      name: 'lse',
      kind: 'f32',
      start: '0.0',
      by: 'add_f32',
      each,
      end: 'log_f32(r) + select(m, 0.0, isinf_f32(m))',
      beside: most,
    });
  }),
  argmax: extreme(true, false),
  argmin: extreme(false, false),
  maxDim: extreme(true, true),
  minDim: extreme(false, true),
  cumsum: scan('cumsum', kindOfSum, (k) => `add_${k}(s, v)`),
  cumprod: scan('cumprod', kindOfSum, (k) => `mul_${k}(s, v)`),
  logcumsumexp: scan(
    'logcumsumexp',
    () => 'f32',
    () => 'select(logaddexp_f32(s, v), v, isneginf_f32(s))',
  ),
  cummax: running(true),
  cummin: running(false),
  recurrence: {
    run: (call) => {
      const [a, b] = call.inputs as readonly View[];
      const [outer, n, inner] = along(a, call.attrs.dim as number);
      const body = `${LINE}
  var s = 0.0;
  let back = ${int(3)} == 1;
  for (var j = 0; j < n; j++) {
    let i = select(j, n - 1 - j, back);
    let k = base + u32(i) * ${uint(2)};
    if (j == 0) { s = ld_b(k); } else { s = ld_b(k) + ld_a(base + u32(select(i, i + 1, back)) * ${uint(2)}) * s; }
    st_y(k, s);
  }`;
      const operands: Operand[] = [
        { name: 'a', view: a },
        { name: 'b', view: b },
        { name: 'y', view: call.outputs[0], writes: true },
      ];
      call.run('recurrence', operands, { ints: [outer, n, inner, call.attrs.reverse ? 1 : 0] }, outer * inner, body);
    },
  },
};
function truths(call: KernelCall, x: View, dims: readonly number[], y: View, name: string, start: string, by: string): void {
  const kind = wide(x);
  const operand = kind === 'f32' ? 'true_f32(v)' : 'true_i64(v)';
  // Each element counts as 0 or 1, in float32 or int64 as it is read.
  const [one, zero] = kind === 'f32' ? ['1.0', '0.0'] : ['vec2u(1u, 0u)', 'vec2u(0u)'];
  fold(call, x, dims, y, {
    name,
    kind,
    start: start === '1' ? one : zero,
    by: by === 'min_i32' ? `min_${kind}` : `max_${kind}`,
    each: `select(${zero}, ${one}, ${operand})`,
  });
}
