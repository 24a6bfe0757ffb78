// Ops that only move elements: numbers in a row, regions of other strides, triangles.
import type { View } from '../../ts/backend.ts';
import { type DType, isFloat } from '../../ts/base/dtype.ts';
import { contiguousStrides, type Shape, sizeOf } from '../../ts/base/shape.ts';
import { reversed } from '../../ts/ops/strided.ts';
import { mayOverlap } from '../../ts/ops/view.ts';
import type { GpuKernel, KernelCall, Operand } from '../kernel.ts';
import { float, int, uint } from '../shader.ts';
import { type Kind, kindOf } from '../types.ts';

const RANK = 8;
const pad = (list: readonly number[], value: number): number[] => [...list, ...new Array<number>(RANK - list.length).fill(value)];
export const out = (call: KernelCall, kind?: Kind): Operand => ({ name: 'y', view: call.outputs[0], kind, writes: true });

/** WGSL: p becomes the place of element e in strides from number `from` on, of sizes before them; innermost dimension last. */
const walk = (from: number, rank: number): string =>
  Array.from({ length: rank }, (_, k) => {
    const d = rank - 1 - k;
    return `p = p + (e % ${uint(from + d)}) * bitcast<u32>(${int(from + RANK + d)}); e = e / ${uint(from + d)};`;
  }).join(' ');
export const tooMany = (rank: number): string | null => (rank > RANK ? `more than ${RANK} dimensions` : null);

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
export const ZEROS: Record<Kind, string> = {
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

export const ranked: GpuKernel['refuses'] = (inputs) => tooMany(inputs[0]?.shape.length ?? 0);

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
      const { strides, offset } = reversed(shape, call.attrs.dims as number | Shape);
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
};
