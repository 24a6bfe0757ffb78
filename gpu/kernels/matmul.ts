// Matrix products: any strides, batches, and the last pass of linear (alpha, bias, beta times a residual, a clamp).
import type { View } from '../../ts/backend.ts';
import type { Shape } from '../../ts/base/shape.ts';
import { sizeOf } from '../../ts/base/shape.ts';
import type { GpuKernel, KernelCall, Operand } from '../kernel.ts';
import { float, int, uint } from '../shader.ts';
import { converted, kindOf, load, WGSL } from '../types.ts';

const BATCH = 6;
/** Rows and columns of a block, and the depth of its slices; 16 by 16 threads make 4 by 4 numbers each. */
const TILE = 64;
const DEPTH = 16;

interface Matrix {
  readonly view: View;
  readonly batch: Shape;
  readonly strides: Shape;
  readonly rows: number;
  readonly columns: number;
  readonly row: number;
  readonly column: number;
}
function matrix(view: View): Matrix {
  const r = view.shape.length;
  return {
    view,
    batch: view.shape.slice(0, -2),
    strides: view.strides.slice(0, -2),
    rows: view.shape[r - 2],
    columns: view.shape[r - 1],
    row: view.strides[r - 2],
    column: view.strides[r - 1],
  };
}

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
    const dim = { size: sa === 1 ? sb : sa, a: sa === 1 ? 0 : (a.strides.at(i) as number), b: sb === 1 ? 0 : (b.strides.at(i) as number) };
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
    a.row,
    a.column,
    b.row,
    b.column,
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
    return `y[${uint(YOFF)} + ${at}] = ${text};`;
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
    const numbers = { ints: [...ints, ...floats.map(asBits), ...new Array<number>(4 - floats.length).fill(0), count] };
    call.run(`small${form}`, operands, numbers, m * n * count, body);
    return;
  }
  const blocks = Math.ceil(n / TILE);
  const rows = Math.ceil(m / TILE);
  const numbers = {
    ints: [...ints, ...floats.map(asBits), ...new Array<number>(4 - floats.length).fill(0), blocks, rows, blocks * rows * count],
  };
  const [BLOCKS, ROWS, TOTAL] = [FLOATS + 4, FLOATS + 5, FLOATS + 6];
  const each = (f: (i: number, j: number) => string): string =>
    [0, 1, 2, 3].map((i) => [0, 1, 2, 3].map((j) => f(i, j)).join('\n')).join('\n');
  const body = `  if (block >= ${uint(TOTAL)}) { return; }
  let column = (block % ${uint(BLOCKS)}) * ${TILE}u;
  let row = ((block / ${uint(BLOCKS)}) % ${uint(ROWS)}) * ${TILE}u;
  let z = block / (${uint(BLOCKS)} * ${uint(ROWS)});
${start('z')}
  let x = member % 16u;
  let w = member / 16u;
${each((i, j) => `  var s${i}${j} = ${type}(0);`)}
  for (var k = 0u; k < ${uint(K)}; k = k + ${DEPTH}u) {
    for (var e = member; e < ${TILE * DEPTH}u; e = e + 256u) {
      // Neighbouring threads read along whichever dimension is contiguous.
      let along = ${int(ACOL)} == 1;
      let i = select(e % ${TILE}u, e / ${DEPTH}u, along);
      let j = select(e / ${TILE}u, e % ${DEPTH}u, along);
      var v = ${type}(0);
      if (row + i < ${uint(M)} && k + j < ${uint(K)}) { v = ${la('row + i', 'k + j')}; }
      left_[j * ${TILE}u + i] = v;
      let across = ${int(BCOL)} == 1;
      let q = select(e / ${DEPTH}u, e % ${TILE}u, across);
      let p = select(e % ${DEPTH}u, e / ${TILE}u, across);
      v = ${type}(0);
      if (column + q < ${uint(N)} && k + p < ${uint(K)}) { v = ${lb('k + p', 'column + q')}; }
      right_[p * ${TILE}u + q] = v;
    }
    workgroupBarrier();
    for (var d = 0u; d < ${DEPTH}u; d++) {
${[0, 1, 2, 3].map((i) => `      let a${i} = left_[d * ${TILE}u + w * 4u + ${i}u]; let b${i} = right_[d * ${TILE}u + x * 4u + ${i}u];`).join('\n')}
${each((i, j) => `      s${i}${j} = s${i}${j} + a${i} * b${j};`)}
    }
    workgroupBarrier();
  }
  let top = row + w * 4u;
  let side = column + x * 4u;
${each((i, j) => `  if (top + ${i}u < ${uint(M)} && side + ${j}u < ${uint(N)}) { let at = (z * ${uint(M)} + top + ${i}u) * ${uint(N)} + side + ${j}u; ${end(`s${i}${j}`, `(side + ${j}u)`, 'at')} }`)}`;
  call.run(`tiled${form}`, operands, numbers, blocks * rows * count, body, {
    more: `var<workgroup> left_: array<${type}, ${TILE * DEPTH}>;\nvar<workgroup> right_: array<${type}, ${TILE * DEPTH}>;`,
    size: '256',
  });
}
const cell = new Float32Array(1);
const cellBits = new Int32Array(cell.buffer);
function asBits(x: number): number {
  cell[0] = x;
  return cellBits[0];
}

const LIMITS: Readonly<Record<string, readonly [number, number]>> = { relu: [0, Infinity], relu6: [0, 6] };
const narrow: GpuKernel['refuses'] = (inputs) => (inputs.some((x) => x?.dtype === 'int64') ? 'int64' : null);

export const MATMUL: Readonly<Record<string, GpuKernel>> = {
  matmul: {
    strided: [0, 1],
    refuses: narrow,
    run: (call) => product(call, matrix(call.inputs[0] as View), matrix(call.inputs[1] as View), call.outputs[0], null),
  },
  linear: {
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
      const right = matrix(w as View);
      const turned = { ...right, rows: right.columns, columns: right.rows, row: right.column, column: right.row };
      const [low, high] = activation ? LIMITS[activation] : [-Infinity, Infinity];
      const finish =
        bias || residual || activation || alpha !== 1 ? { bias: bias ?? null, residual: residual ?? null, alpha, beta, low, high } : null;
      product(call, matrix(x), turned, call.outputs[0], finish);
    },
  },
};
