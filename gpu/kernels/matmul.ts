// Matrix products: any strides, batches, and the last pass of linear (alpha, bias, beta times a residual, a clamp).
import type { View } from '../../ts/backend.ts';
import { sizeOf } from '../../ts/base/shape.ts';
import { type Stack, stackOf, transposed } from '../../ts/ops/matmul.ts';
import type { GpuKernel, KernelCall, Operand } from '../kernel.ts';
import { bitsOf } from '../queue.ts';
import { float, int, uint } from '../shader.ts';
import { converted, kindOf, load, stored, WGSL } from '../types.ts';
import { runTiles, tiling } from './tiles.ts';

const BATCH = 6;

interface Matrix extends Stack {
  readonly view: View;
}
const matrix = (view: View): Matrix => ({ ...stackOf(view), view });

interface Finish {
  readonly bias: View | null;
  readonly residual: View | null;
  readonly alpha: number;
  readonly beta: number;
  readonly low: number;
  readonly high: number;
}

// Numbers of the shader.
const [M, N, K, AROW, ACOL, BROW, BCOL, AOFF, BOFF, BIAS, RES, YOFF] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11];
const SIZE = 12;
const ASTRIDE = SIZE + BATCH;
const BSTRIDE = ASTRIDE + BATCH;
const FLOATS = BSTRIDE + BATCH;

function product(call: KernelCall, a: Matrix, b: Matrix, y: View, finish: Finish | null): void {
  const rank = Math.max(a.batch.length, b.batch.length);
  const dims: { size: number; a: number; b: number }[] = [];
  for (let i = -rank; i < 0; i++) {
    const sa = a.batch.at(i) ?? 1;
    const sb = b.batch.at(i) ?? 1;
    if (sa === 1 && sb === 1) continue;
    const dim = {
      size: sa === 1 ? sb : sa,
      a: sa === 1 ? 0 : (a.batchStrides.at(i) as number),
      b: sb === 1 ? 0 : (b.batchStrides.at(i) as number),
    };
    const last = dims.at(-1);
    if (last && last.a === dim.a * dim.size && last.b === dim.b * dim.size) {
      last.size *= dim.size;
      last.a = dim.a;
      last.b = dim.b;
    } else dims.push(dim);
  }
  const m = a.rows;
  const n = b.columns;
  const k = a.columns;
  const count = dims.reduce((p, d) => p * d.size, 1);
  if (m * n * count === 0) return;
  const fill = (list: number[], value: number): number[] => [...list, ...new Array<number>(BATCH - list.length).fill(value)];
  const inward = [...dims].reverse();
  const ints = [
    m,
    n,
    k,
    a.rowStride,
    a.columnStride,
    b.rowStride,
    b.columnStride,
    a.view.offset,
    b.view.offset,
    finish?.bias?.offset ?? 0,
    finish?.residual?.offset ?? 0,
    y.offset,
  ];
  ints.push(
    ...fill(
      inward.map((d) => d.size),
      1,
    ),
    ...fill(
      inward.map((d) => d.a),
      0,
    ),
    ...fill(
      inward.map((d) => d.b),
      0,
    ),
  );
  const operands: Operand[] = [
    { name: 'a', view: a.view },
    { name: 'b', view: b.view },
  ];
  if (finish?.bias) operands.push({ name: 'bias', view: finish.bias });
  if (finish?.residual) operands.push({ name: 'residual', view: finish.residual });
  operands.push({ name: 'y', view: y, writes: true });
  const kind = kindOf(y.dtype);
  const type = WGSL[kind];
  const batches = dims
    .map((_, d) => {
      const size = uint(SIZE + d);
      return `  { let c = left % ${size}; left = left / ${size}; pa = pa + c * ${uint(ASTRIDE + d)}; pb = pb + c * ${uint(BSTRIDE + d)}; }`;
    })
    .join('\n');
  const start = (z: string): string => `  var left = ${z};\n  var pa = ${uint(AOFF)};\n  var pb = ${uint(BOFF)};\n${batches}`;
  const end = (v: string, column: string, at: string): string => {
    let text = v;
    if (finish) {
      text = `${converted(v, kind, 'f32')} * ${float(FLOATS)}`;
      if (finish.bias) text += ` + ${load('bias', `${uint(BIAS)} + ${column}`, finish.bias.dtype, 'f32')}`;
      if (finish.residual) text += ` + ${float(FLOATS + 1)} * ${load('residual', `${uint(RES)} + ${at}`, finish.residual.dtype, 'f32')}`;
      if (finish.low > -Infinity) text = `max_f32(${text}, ${float(FLOATS + 2)})`;
      if (finish.high < Infinity) text = `min_f32(${text}, ${float(FLOATS + 3)})`;
      text = converted(`(${text})`, 'f32', kind);
    }
    return `y[${uint(YOFF)} + ${at}] = ${stored(text, kind, y.dtype)};`;
  };
  const floats = finish ? [finish.alpha, finish.beta, finish.low, finish.high] : [];
  const form = `${dims.length}${finish ? `f${finish.bias ? 'b' : ''}${finish.residual ? 'r' : ''}${finish.low > -Infinity ? 'l' : ''}${finish.high < Infinity ? 'h' : ''}` : ''}`;
  const la = (i: string, j: string): string => load('a', `pa + (${i}) * ${uint(AROW)} + (${j}) * ${uint(ACOL)}`, a.view.dtype, kind);
  const lb = (i: string, j: string): string => load('b', `pb + (${i}) * ${uint(BROW)} + (${j}) * ${uint(BCOL)}`, b.view.dtype, kind);
  if (m < 16 || n < 16 || k < 16) {
    const body = `  if (t >= ${m === 0 ? '0u' : `${uint(M)} * ${uint(N)} * ${uint(FLOATS + 4)}`}) { return; }
  let column = t % ${uint(N)};
  let row = (t / ${uint(N)}) % ${uint(M)};
${start(`t / (${uint(N)} * ${uint(M)})`)}
  var sum = ${type}(0);
  for (var k = 0u; k < ${uint(K)}; k++) { sum = sum + ${la('row', 'k')} * ${lb('k', 'column')}; }
  ${end('sum', 'column', 't')}`;
    const numbers = { ints: [...ints, ...floats.map(bitsOf), ...new Array<number>(4 - floats.length).fill(0), count] };
    call.run(`small${form}`, operands, numbers, m * n * count, body);
    return;
  }
  const [at, ...sizes] = [FLOATS + 4, ...tiling(m, n, count)];
  const numbers = { ints: [...ints, ...floats.map(bitsOf), ...new Array<number>(4 - floats.length).fill(0), ...sizes] };
  runTiles(call, `tiled${form}`, operands, numbers, {
    ...{ kind, m: M, n: N, k: K, sizes: at, start, a: la, b: lb },
    along: `${int(ACOL)} == 1`,
    across: `${int(BCOL)} == 1`,
    store: (v, row, column) => `let at = (z * ${uint(M)} + ${row}) * ${uint(N)} + ${column}; ${end(v, `(${column})`, 'at')}`,
  });
}
const LIMITS: Readonly<Record<string, readonly [number, number]>> = { relu: [0, Infinity], relu6: [0, 6] };
const narrow: GpuKernel['refuses'] = (inputs) => (inputs.some((x) => x?.dtype === 'int64') ? 'int64' : null);

export const MATMUL: Readonly<Record<string, GpuKernel>> = {
  matmul: {
    halves: true,
    strided: [0, 1],
    refuses: narrow,
    run: (call) => product(call, matrix(call.inputs[0] as View), matrix(call.inputs[1] as View), call.outputs[0], null),
  },
  linear: {
    halves: true,
    strided: [0, 1],
    refuses: narrow,
    run: (call) => {
      const [given, w, bias, residual] = call.inputs as readonly (View | null)[];
      const { alpha = 1, beta = 1, activation } = call.attrs as { alpha?: number; beta?: number; activation?: string };
      let x = given as View;
      if (x.shape.length !== 2) {
        const dense = call.rowMajor(x);
        const k = x.shape[x.shape.length - 1];
        x = {
          ...dense,
          shape: [sizeOf(x.shape.slice(0, -1)), k],
          strides: [k, 1],
          rowMajor: true,
          storage: dense.storage,
          offset: dense.offset,
          dtype: dense.dtype,
        };
      }
      const right = w as View;
      const [low, high] = activation ? LIMITS[activation] : [-Infinity, Infinity];
      const finish =
        bias || residual || activation || alpha !== 1 ? { bias: bias ?? null, residual: residual ?? null, alpha, beta, low, high } : null;
      product(call, matrix(x), { ...transposed(stackOf(right)), view: right }, call.outputs[0], finish);
    },
  },
};
