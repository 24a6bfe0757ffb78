// Ops that only move elements: numbers in a row, regions of other strides, triangles, indices, sorting.
import type { View } from '../../ts/backend.ts';
import { type DType, isFloat } from '../../ts/base/dtype.ts';
import { contiguousStrides, type Shape, sizeOf, wrapDim, wrapDims } from '../../ts/base/shape.ts';
import { mayOverlap } from '../../ts/ops/view.ts';
import type { GpuKernel, KernelCall, Operand } from '../kernel.ts';
import { float, int, uint } from '../shader.ts';
import { type Kind, kindOf } from '../types.ts';

const RANK = 8;
const pad = (list: readonly number[], value: number): number[] => [...list, ...new Array<number>(RANK - list.length).fill(value)];
const out = (call: KernelCall, kind?: Kind): Operand => ({ name: 'y', view: call.outputs[0], kind, writes: true });

/** WGSL: p becomes the place of element e in strides from number `from` on, of sizes before them; innermost dimension last. */
const walk = (from: number, rank: number): string =>
  Array.from({ length: rank }, (_, k) => {
    const d = rank - 1 - k;
    return `p = p + (e % ${uint(from + d)}) * bitcast<u32>(${int(from + RANK + d)}); e = e / ${uint(from + d)};`;
  }).join(' ');
const tooMany = (rank: number): string | null => (rank > RANK ? `more than ${RANK} dimensions` : null);

/** y takes elements of x at strides over its row-major order. */
function strided(call: KernelCall, sizes: Shape, strides: Shape, offset: number): void {
  const n = sizeOf(sizes);
  const kind = kindOf((call.inputs[0] as View).dtype);
  const body = `  if (t >= ${uint(0)}) { return; }\n  var e = t;\n  var p = ${uint(1)};\n  ${walk(2, sizes.length)}\n  st_y(t, ld_x(p));`;
  const operands: Operand[] = [{ name: 'x', view: call.inputs[0] as View, kind }, out(call, kind)];
  call.run(`strided${sizes.length}`, operands, { ints: [n, offset, ...pad(sizes, 1), ...pad(strides, 0)] }, n, body);
}
/** Zeros, and dy added at strides over the row-major order of y; what overlaps by one thread, in order. */
function back(call: KernelCall, strides: Shape, offset: number): void {
  const dy = call.inputs[0] as View;
  const [y] = call.outputs;
  const n = sizeOf(dy.shape);
  const kind = kindOf(y.dtype);
  call.run(
    'clear',
    [out(call, kind)],
    { ints: [sizeOf(y.shape)] },
    sizeOf(y.shape),
    `  if (t >= ${uint(0)}) { return; }\n  st_y(t, ${kind}_zero());`,
    { more: ZEROS[kind] },
  );
  const serial = mayOverlap(dy.shape, strides);
  const one = `  var p = ${uint(1)};\n  ${walk(2, dy.shape.length)}\n  st_y(p, add_${kind}(ld_y(p), ld_x(k)));`;
  const body = serial
    ? `  if (t > 0u) { return; }\n  for (var k = 0u; k < ${uint(0)}; k++) {\n  var e = k;\n${one}\n  }`
    : `  if (t >= ${uint(0)}) { return; }\n  let k = t;\n  var e = k;\n${one}`;
  const operands: Operand[] = [{ name: 'x', view: dy, kind }, out(call, kind)];
  call.run(
    `back${dy.shape.length}${serial}`,
    operands,
    { ints: [n, offset, ...pad(dy.shape, 1), ...pad(strides, 0)] },
    serial ? 1 : n,
    body,
  );
}
const ZEROS: Record<Kind, string> = {
  f32: 'fn f32_zero() -> f32 { return 0.0; }',
  i32: 'fn i32_zero() -> i32 { return 0; }',
  i64: 'fn i64_zero() -> vec2u { return vec2u(0u); }',
};

function triangle(lower: boolean): GpuKernel {
  return {
    run: (call) => {
      const x = call.inputs[0] as View;
      const [rows, columns] = x.shape.slice(-2);
      const n = sizeOf(x.shape);
      const kind = kindOf(x.dtype);
      const diagonal = Math.max(-rows - 1, Math.min(columns + 1, (call.attrs.diagonal as number | undefined) ?? 0));
      const body = `  if (t >= ${uint(0)}) { return; }
  let column = i32(t % ${uint(2)});
  let row = i32((t / ${uint(2)}) % ${uint(1)});
  if (column - row ${lower ? '<=' : '>='} ${int(3)}) { st_y(t, ld_x(t)); } else { st_y(t, ${kind}_zero()); }`;
      call.run(`triangle${lower}`, [{ name: 'x', view: x, kind }, out(call, kind)], { ints: [n, rows, columns, diagonal] }, n, body, {
        more: ZEROS[kind],
      });
    },
  };
}

// ---- indices

/** [outer, n, inner] around a dimension. */
function around(shape: Shape, dim: number): [number, number, number] {
  if (shape.length === 0) return [1, 1, 1];
  return [sizeOf(shape.slice(0, dim)), shape[dim], sizeOf(shape.slice(dim + 1))];
}
const WRAP = (n: string): string => `if (c < 0 || c >= ${n}) { fault(c); }`;

/** y[outer, j, inner] = x[outer, index[j], inner]. */
function select(call: KernelCall, dim: number): void {
  const [x, index] = call.inputs as readonly View[];
  const [outer, n, inner] = around(x.shape, dim);
  const k = sizeOf(index.shape);
  const kind = kindOf(x.dtype);
  const body = `  if (t >= ${uint(0)}) { return; }
  let inner = t % ${uint(3)};
  let j = (t / ${uint(3)}) % ${uint(2)};
  let outer = t / (${uint(3)} * ${uint(2)});
  let c = ld_index(j);
  ${WRAP(int(1))} else { st_y(t, ld_x((outer * ${uint(1)} + u32(c)) * ${uint(3)} + inner)); }`;
  const operands: Operand[] = [{ name: 'x', view: x, kind }, { name: 'index', view: index, kind: 'i32' }, out(call, kind)];
  call.run('select', operands, { ints: [outer * k * inner, n, k, inner] }, outer * k * inner, body, { checks: true });
}
/** Slices of src go to the places of index, in order: each column by a thread. y holds what was there. */
function into(call: KernelCall, src: View, index: View, dim: number, alpha: number, skip: number, adds: boolean): void {
  const [y] = call.outputs;
  const [outer, n, inner] = around(y.shape, dim);
  const k = sizeOf(index.shape);
  const kind = kindOf(y.dtype);
  const value = adds
    ? alpha === 1
      ? `add_${kind}(ld_y(p), v)`
      : `add_${kind}(ld_y(p), mul_${kind}(v, ${kind === 'f32' ? float(5) : kind === 'i32' ? int(6) : `wide_i32(${int(6)})`}))`
    : 'v';
  const body = `  if (t >= ${uint(0)}) { return; }
  let inner = t % ${uint(3)};
  let outer = t / ${uint(3)};
  for (var j = 0u; j < ${uint(2)}; j++) {
    let c = ld_index(j);
    if (c < 0 || c >= ${int(1)}) { fault(c); continue; }
    if (c == ${int(4)}) { continue; }
    let p = (outer * ${uint(1)} + u32(c)) * ${uint(3)} + inner;
    let v = ld_src((outer * ${uint(2)} + j) * ${uint(3)} + inner);
    st_y(p, ${value});
  }`;
  const operands: Operand[] = [{ name: 'src', view: src, kind }, { name: 'index', view: index, kind: 'i32' }, out(call, kind)];
  const bits = new Int32Array(new Float32Array([alpha]).buffer)[0];
  const numbers = { ints: [outer * inner, n, k, inner, skip, bits, Math.trunc(alpha) | 0] };
  call.run(`into${adds}${alpha === 1}`, operands, numbers, outer * inner, body, { checks: true });
}
const clear = (call: KernelCall): void => {
  const [y] = call.outputs;
  const kind = kindOf(y.dtype);
  const n = sizeOf(y.shape);
  call.run('clear', [out(call, kind)], { ints: [n] }, n, `  if (t >= ${uint(0)}) { return; }\n  st_y(t, ${kind}_zero());`, {
    more: ZEROS[kind],
  });
};

/**
 * One index per element: lines of the index along dim, each by a thread in order. Numbers: lines, places of x along dim, elements of a line of
 * the index, strides of x and source along dim, then sizes of the other dimensions and the strides of x and of the source (16 in all).
 */
function each(
  call: KernelCall,
  name: string,
  x: View,
  index: View,
  src: View | null,
  dim: number,
  body: string,
  more: readonly Operand[],
  start = '',
): void {
  const rank = Math.max(1, index.shape.length, x.shape.length);
  const full = (s: Shape): Shape => (s.length === 0 ? new Array<number>(rank).fill(1) : s);
  const [xs, is, ss] = [full(x.shape), full(index.shape), full(src?.shape ?? index.shape)];
  const [tx, ti, ts] = [xs, is, ss].map((s) => contiguousStrides(s));
  const d = wrapDim(name, dim, xs.length);
  const others = is.map((_, k) => k).filter((k) => k !== d);
  const lines = others.reduce((p, k) => p * is[k], 1);
  const fill = (l: number[], v: number): number[] => [...l, ...new Array<number>(7 - l.length).fill(v)];
  const ints = [lines, xs[d], is[d], tx[d], ti[d], ts[d]];
  for (const [list, v] of [
    [is, 1],
    [tx, 0],
    [ti, 0],
    [ts, 0],
  ] as const)
    ints.push(
      ...fill(
        others.map((k) => list[k]),
        v,
      ),
    );
  const places = [...others.keys()]
    .reverse()
    .map(
      (k) =>
        `  { let c = e % ${uint(6 + k)}; e = e / ${uint(6 + k)}; px = px + c * ${uint(13 + k)}; pi = pi + c * ${uint(20 + k)}; ps = ps + c * ${uint(27 + k)}; }`,
    )
    .join('\n');
  const text = `  if (t >= ${uint(0)}) { return; }
  var e = t;
  var px = 0u;
  var pi = 0u;
  var ps = 0u;
${places}
${start}
  for (var j = 0u; j < ${uint(2)}; j++) {
    let c = ld_index(pi + j * ${uint(4)});
    if (c < 0 || c >= ${int(1)}) { fault(c); continue; }
    let p = px + u32(c) * ${uint(3)};
    let q = ps + j * ${uint(5)};
    let i = pi + j * ${uint(4)};
${body}
  }`;
  call.run(`${name}${rank}`, [{ name: 'index', view: index, kind: 'i32' }, ...more], { ints }, lines, text, { checks: true });
}
const ranked: GpuKernel['refuses'] = (inputs) => tooMany(inputs[0]?.shape.length ?? 0);

function scatterAll(call: KernelCall, adds: boolean): void {
  const [x, index, src] = call.inputs as readonly View[];
  const kind = kindOf(x.dtype);
  call.copy(x, call.outputs[0]);
  each(
    call,
    `scatter${adds}`,
    x,
    index,
    src,
    call.attrs.dim as number,
    adds ? `    st_y(p, add_${kind}(ld_y(p), ld_src(q)));` : '    st_y(p, ld_src(q));',
    [{ name: 'src', view: src, kind }, out(call, kind)],
  );
}
function scatterReduce(call: KernelCall): void {
  const [x, index, src] = call.inputs as readonly View[];
  const { dim, reduce, includeSelf = true } = call.attrs as { dim: number; reduce: string; includeSelf?: boolean };
  const kind = kindOf(x.dtype);
  const count = call.temporary(x.shape, 'int32');
  call.zero(count);
  call.copy(x, call.outputs[0]);
  const by = { sum: 'add', mean: 'add', prod: 'mul', amax: 'max', amin: 'min' }[reduce] as string;
  const body = `    let n = ld_count(p);
    st_count(p, n + 1);
    let v = ld_src(q);
    if (n == 0 && ${includeSelf ? 'false' : 'true'}) { st_y(p, v); } else { st_y(p, ${by}_${kind}(ld_y(p), v)); }`;
  const counted: Operand = { name: 'count', view: count, writes: true };
  each(call, `reduce${by}${includeSelf}`, x, index, src, dim, body, [{ name: 'src', view: src, kind }, out(call, kind), counted]);
  if (reduce !== 'mean') return;
  const n = sizeOf(x.shape);
  const divided = kind === 'f32' ? 'ld_y(t) / f32(k)' : 'floorDivide_i32(ld_y(t), k)';
  call.run(
    'mean',
    [{ name: 'count', view: count }, out(call, kind)],
    { ints: [n, includeSelf ? 1 : 0] },
    n,
    `  if (t >= ${uint(0)}) { return; }\n  let k = ld_count(t) + ${int(1)};\n  if (k > 1) { st_y(t, ${divided}); }`,
  );
}

// ---- sorting: each element counts those before it

const LONGEST = 16384;
function sorted(call: KernelCall, k: number, descending: boolean): void {
  const x = call.inputs[0] as View;
  const dim = wrapDim('sort', (call.attrs.dim as number | undefined) ?? -1, x.shape.length);
  const [outer, n, inner] = around(x.shape, dim);
  const kind: Kind = kindOf(x.dtype);
  const before = (a: string, b: string): string => {
    const less = descending ? `lt_${kind}(${b}, ${a})` : `lt_${kind}(${a}, ${b})`;
    if (kind !== 'f32') return less;
    return descending ? `((isnan_f32(${a}) && !isnan_f32(${b})) || ${less})` : `((!isnan_f32(${a}) && isnan_f32(${b})) || ${less})`;
  };
  const body = `  if (t >= ${uint(0)}) { return; }
  let inner = t % ${uint(3)};
  let j = (t / ${uint(3)}) % ${uint(1)};
  let outer = t / (${uint(3)} * ${uint(1)});
  let base = outer * ${uint(1)} * ${uint(3)} + inner;
  let v = ld_x(base + j * ${uint(3)});
  var rank = 0u;
  for (var i = 0u; i < ${uint(1)}; i++) {
    let w = ld_x(base + i * ${uint(3)});
    if (${before('w', 'v')} || (i < j && !${before('v', 'w')})) { rank++; }
  }
  if (rank < ${uint(2)}) { let p = (outer * ${uint(2)} + rank) * ${uint(3)} + inner; st_y(p, v); st_at(p, i32(j)); }`;
  const operands: Operand[] = [
    { name: 'x', view: x, kind },
    out(call, kind),
    { name: 'at', view: call.outputs[1], kind: 'i32', writes: true },
  ];
  call.run(`sort${descending}`, operands, { ints: [outer * n * inner, n, k, inner] }, outer * n * inner, body);
}
const short: GpuKernel['refuses'] = ([x], { dim = -1 }) => {
  const n = x && x.shape.length > 0 ? x.shape[wrapDim('sort', dim as number, x.shape.length)] : 1;
  return n > LONGEST ? `lines longer than ${LONGEST}` : null;
};

export const MOVES: Readonly<Record<string, GpuKernel>> = {
  full: {
    run: (call) => {
      const [y] = call.outputs;
      const { value } = call.attrs as { value: number | bigint | boolean };
      const n = sizeOf(y.shape);
      const kind = kindOf(y.dtype);
      const big =
        kind === 'i64' || typeof value === 'bigint'
          ? BigInt(typeof value === 'number' ? (Number.isFinite(value) ? Math.trunc(value) : 0) : value)
          : 0n;
      const low = kind === 'i64' ? Number(BigInt.asIntN(32, big)) : Number(value) | 0;
      const text = kind === 'f32' ? float(3) : kind === 'i32' ? int(1) : `vec2u(${uint(1)}, ${uint(2)})`;
      const numbers = { ints: [n, low, Number(BigInt.asIntN(32, big >> 32n))], floats: [Number(value)] };
      call.run('full', [out(call)], numbers, n, `  if (t >= ${uint(0)}) { return; }\n  st_y(t, ${text});`);
    },
  },
  arange: {
    refuses: (_, { dtype, start, step, n }) => {
      const end = (start as number) + (step as number) * (n as number);
      const whole = Number.isInteger(start) && Number.isInteger(step);
      return !isFloat(dtype as DType) && !(whole && Math.abs(end) < 2147483648) ? 'numbers beyond int32' : null;
    },
    run: (call) => {
      const { start, step, n } = call.attrs as { start: number; step: number; n: number };
      const whole = kindOf(call.outputs[0].dtype) !== 'f32';
      const text = whole ? `${int(1)} + i32(t) * ${int(2)}` : `${float(3)} + f32(t) * ${float(4)}`;
      call.run(
        'arange',
        [out(call, whole ? 'i32' : 'f32')],
        { ints: [n, start | 0, step | 0], floats: [start, step] },
        n,
        `  if (t >= ${uint(0)}) { return; }\n  st_y(t, ${text});`,
      );
    },
  },
  linspace: {
    refuses: (_, { dtype }) => (isFloat(dtype as DType) ? null : 'a whole dtype'),
    run: (call) => {
      const { start, end, n } = call.attrs as { start: number; end: number; n: number };
      const body = `  if (t >= ${uint(0)}) { return; }
  let step = ${float(3)};
  st_y(t, select(${float(2)} - step * f32(${uint(0)} - 1u - t), ${float(1)} + step * f32(t), t < ${uint(0)} / 2u));`;
      call.run(
        'linspace',
        [out(call)],
        { ints: [n], floats: [start, end, n > 1 ? (end - start) / (n - 1) : 0] },
        n,
        n === 1 ? `  if (t == 0u) { st_y(0u, ${float(1)}); }` : body,
      );
    },
  },
  flip: {
    refuses: ranked,
    run: (call) => {
      const { shape } = call.inputs[0] as View;
      const { dims } = call.attrs as { dims: number | Shape };
      const named = typeof dims !== 'number' && dims.length === 0 ? [] : wrapDims('flip', dims, shape.length);
      const strides = contiguousStrides(shape);
      let offset = 0;
      for (const d of named) {
        offset += (shape[d] - 1) * strides[d];
        strides[d] = -strides[d];
      }
      strided(call, shape, strides, offset);
    },
  },
  asStridedCopy: {
    refuses: (_, { sizes }) => tooMany((sizes as Shape).length),
    run: (call) => strided(call, call.attrs.sizes as Shape, call.attrs.strides as Shape, call.attrs.offset as number),
  },
  asStridedBackward: { refuses: ranked, run: (call) => back(call, call.attrs.strides as Shape, call.attrs.offset as number) },
  sliceBackward: {
    refuses: ranked,
    run: (call) => {
      const { shape, starts, steps } = call.attrs as { shape: Shape; starts: Shape; steps: Shape };
      const strides = contiguousStrides(shape);
      const offset = starts.reduce((sum, start, d) => sum + start * strides[d], 0);
      back(
        call,
        strides.map((s, d) => s * steps[d]),
        offset,
      );
    },
  },
  tril: triangle(true),
  triu: triangle(false),
  indexSelect: { run: (call) => select(call, wrapDim('indexSelect', call.attrs.dim as number, (call.inputs[0] as View).shape.length)) },
  embedding: { run: (call) => select(call, 0) },
  indexAdd: {
    run: (call) => {
      const [x, index, src] = call.inputs as readonly View[];
      call.copy(x, call.outputs[0]);
      into(
        call,
        src,
        index,
        wrapDim('indexAdd', call.attrs.dim as number, x.shape.length),
        (call.attrs.alpha as number | undefined) ?? 1,
        -1,
        true,
      );
    },
  },
  indexCopy: {
    run: (call) => {
      const [x, index, src] = call.inputs as readonly View[];
      call.copy(x, call.outputs[0]);
      into(call, src, index, wrapDim('indexCopy', call.attrs.dim as number, x.shape.length), 1, -1, false);
    },
  },
  indexSelectBackward: {
    run: (call) => {
      const [dy, index] = call.inputs as readonly View[];
      clear(call);
      into(call, dy, index, wrapDim('indexSelect', call.attrs.dim as number, call.outputs[0].shape.length), 1, -1, true);
    },
  },
  embeddingBackward: {
    run: (call) => {
      const [dy, index] = call.inputs as readonly View[];
      const { rows, paddingIdx } = call.attrs as { rows: number; paddingIdx?: number | null };
      clear(call);
      into(call, dy, index, 0, 1, paddingIdx == null ? -1 : paddingIdx < 0 ? paddingIdx + rows : paddingIdx, true);
    },
  },
  gather: {
    refuses: ranked,
    run: (call) => {
      const [x, index] = call.inputs as readonly View[];
      const kind = kindOf(x.dtype);
      each(call, 'gather', x, index, null, call.attrs.dim as number, '    st_y(i, ld_x(p));', [
        { name: 'x', view: x, kind },
        out(call, kind),
      ]);
    },
  },
  gatherBackward: {
    refuses: ranked,
    run: (call) => {
      const [dy, index] = call.inputs as readonly View[];
      const [y] = call.outputs;
      const kind = kindOf(y.dtype);
      clear(call);
      each(call, 'gatherBackward', y, index, dy, call.attrs.dim as number, `    st_y(p, add_${kind}(ld_y(p), ld_src(q)));`, [
        { name: 'src', view: dy, kind },
        out(call, kind),
      ]);
    },
  },
  scatter: { refuses: ranked, run: (call) => scatterAll(call, false) },
  scatterAdd: { refuses: ranked, run: (call) => scatterAll(call, true) },
  scatterReduce: {
    refuses: (inputs, attrs) => ranked?.(inputs, attrs) ?? (inputs[0]?.dtype === 'int64' && attrs.reduce === 'mean' ? 'int64' : null),
    run: scatterReduce,
  },
  searchsorted: {
    refuses: (inputs) =>
      inputs.some((x) => x?.dtype === 'int64') && inputs.some((x) => x !== null && isFloat(x.dtype)) ? 'int64 beside floats' : null,
    run: (call) => {
      const [row, values] = call.inputs as readonly View[];
      const count = sizeOf(values.shape);
      const kind: Kind = isFloat(row.dtype) || isFloat(values.dtype) ? 'f32' : 'i64';
      const n = row.shape[row.shape.length - 1];
      const m = row.shape.length === 1 ? count : values.shape[values.shape.length - 1];
      const less = (a: string, b: string): string =>
        kind === 'f32' ? `(lt_f32(${a}, ${b}) || (isnan_f32(${b}) && !isnan_f32(${a})))` : `lt_i64(${a}, ${b})`;
      const body = `  if (t >= ${uint(0)}) { return; }
  let v = ld_values(t);
  let base = (t / ${uint(2)}) * ${uint(1)};
  var low = 0u;
  var high = ${uint(1)};
  while (low < high) {
    let middle = (low + high) / 2u;
    let w = ld_row(base + middle);
    if (select(${less('w', 'v')}, !${less('v', 'w')}, ${int(3)} == 1)) { low = middle + 1u; } else { high = middle; }
  }
  st_y(t, i32(low));`;
      const operands: Operand[] = [{ name: 'row', view: row, kind }, { name: 'values', view: values, kind }, out(call, 'i32')];
      call.run('search', operands, { ints: [count, n, Math.max(1, m), call.attrs.right ? 1 : 0] }, count, body);
    },
  },
  nonzeroCount: {
    run: (call) => {
      const x = call.inputs[0] as View;
      const kind = kindOf(x.dtype);
      const body = `  if (t > 0u) { return; }\n  var k = 0;\n  for (var i = 0u; i < ${uint(0)}; i++) { if (true_${kind}(ld_x(i))) { k++; } }\n  st_y(0u, k);`;
      call.run('count', [{ name: 'x', view: x, kind }, out(call, 'i32')], { ints: [sizeOf(x.shape)] }, 1, body);
    },
  },
  nonzeroFill: {
    refuses: ranked,
    run: (call) => {
      const x = call.inputs[0] as View;
      const { shape } = x;
      const kind = kindOf(x.dtype);
      const body = `  if (t > 0u) { return; }
  var k = 0u;
  for (var i = 0u; i < ${uint(0)} && k < ${uint(1)}; i++) {
    if (!true_${kind}(ld_x(i))) { continue; }
    var e = i;
    ${shape.map((_, d) => `st_y(k * ${shape.length}u + ${shape.length - 1 - d}u, i32(e % ${uint(2 + shape.length - 1 - d)})); e = e / ${uint(2 + shape.length - 1 - d)};`).join(' ')}
    k++;
  }`;
      call.run(
        `fill${shape.length}`,
        [{ name: 'x', view: x, kind }, out(call, 'i32')],
        { ints: [sizeOf(shape), call.attrs.count as number, ...shape] },
        1,
        body,
      );
    },
  },
  sort: {
    refuses: short,
    run: (call) => {
      const { shape } = call.inputs[0] as View;
      const dim = wrapDim('sort', (call.attrs.dim as number | undefined) ?? -1, shape.length);
      sorted(call, shape.length === 0 ? 1 : shape[dim], (call.attrs.descending as boolean | undefined) ?? false);
    },
  },
  topk: {
    refuses: short,
    run: (call) =>
      sorted(
        call,
        (call.inputs[0] as View).shape.length === 0 ? 1 : (call.attrs.k as number),
        (call.attrs.largest as boolean | undefined) ?? true,
      ),
  },
};
