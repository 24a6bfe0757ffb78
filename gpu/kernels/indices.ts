// Elements and slices at the places that an index names, and the sums that lead back; places in sorted rows.
import type { View } from '../../ts/backend.ts';
import { isFloat } from '../../ts/base/dtype.ts';
import { contiguousStrides, type Shape, sizeOf, wrapDim } from '../../ts/base/shape.ts';
import type { GpuKernel, KernelCall, Operand } from '../kernel.ts';
import { float, int, uint } from '../shader.ts';
import { type Kind, kindOf } from '../types.ts';
import { out, ranked, ZEROS } from './moves.ts';

/** [outer, n, inner] around a dimension. */
export function around(shape: Shape, dim: number): [number, number, number] {
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

export const INDICES: Readonly<Record<string, GpuKernel>> = {
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
};
