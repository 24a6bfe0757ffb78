// Cells of LSTM and GRU behind their products, and products of bytes: an element by a thread.
import type { View } from '../../ts/backend.ts';
import { sizeOf } from '../../ts/base/shape.ts';
import type { GpuKernel, KernelCall, Operand } from '../kernel.ts';
import { int, uint } from '../shader.ts';

/** A cell: names of its operands, and a text with the place t of the state and the gates' place g(k). */
function cell(inputs: readonly string[], outputs: readonly string[], state: number, gates: number, text: string): GpuKernel {
  return {
    run: (call) => {
      const [rows, hidden] = (call.inputs[state] as View).shape;
      const operands: Operand[] = [
        ...inputs.map((name, i) => ({ name, view: call.inputs[i] as View })),
        ...outputs.map((name, i) => ({ name, view: call.outputs[i], writes: true })),
      ];
      const head = `  if (t >= ${uint(0)} * ${uint(1)}) { return; }\n  let g = (t / ${uint(1)}) * ${uint(1)} * ${gates}u + t % ${uint(1)};\n  let w = ${uint(1)};\n`;
      const used = operands.filter((o) => text.includes(`_${o.name}(`));
      call.run('cell', used, { ints: [rows, hidden] }, rows * hidden, head + text);
    },
  };
}

function bytes(call: KernelCall): void {
  const [a, b] = call.inputs as readonly View[];
  const { aZero = 0, bZero = 0 } = call.attrs as { aZero?: number; bZero?: number };
  const [k, n] = b.shape.slice(-2);
  const one = b.shape.length === 2;
  const m = one ? sizeOf(a.shape.slice(0, -1)) : (a.shape.at(-2) as number);
  const count = sizeOf(call.outputs[0].shape);
  const body = `  if (t >= ${uint(0)}) { return; }
  let column = t % ${uint(2)};
  let row = t / ${uint(2)};
  let stack = row / ${uint(1)};
  var s = 0;
  for (var j = 0u; j < ${uint(3)}; j++) {
    s = s + (ld_a(row * ${uint(3)} + j) - ${int(4)}) * (ld_b((stack * ${uint(3)} + j) * ${uint(2)} + column) - ${int(5)});
  }
  st_y(t, s);`;
  const operands: Operand[] = [
    { name: 'a', view: a },
    { name: 'b', view: b },
    { name: 'y', view: call.outputs[0], writes: true },
  ];
  call.run('bytes', operands, { ints: [count, m, n, k, aZero, bZero] }, count, body);
}

export const CELLS: Readonly<Record<string, GpuKernel>> = {
  intMm: { run: bytes },
  lstmCell: cell(
    ['x', 'r', 'c'],
    ['h', 'cell', 'gates'],
    2,
    4,
    `  let i = sigmoid_f32(ld_x(g) + ld_r(g));
  let f = sigmoid_f32(ld_x(g + w) + ld_r(g + w));
  let n = tanh_f32(ld_x(g + 2u * w) + ld_r(g + 2u * w));
  let o = sigmoid_f32(ld_x(g + 3u * w) + ld_r(g + 3u * w));
  st_gates(g, i); st_gates(g + w, f); st_gates(g + 2u * w, n); st_gates(g + 3u * w, o);
  let c = f * ld_c(t) + i * n;
  st_cell(t, c);
  st_h(t, o * tanh_f32(c));`,
  ),
  lstmCellBackward: cell(
    ['dh', 'dcell', 'gates', 'c', 'cell'],
    ['dx', 'dc'],
    3,
    4,
    `  let i = ld_gates(g); let f = ld_gates(g + w); let n = ld_gates(g + 2u * w); let o = ld_gates(g + 3u * w);
  let d = ld_dh(t);
  let u = tanh_f32(ld_cell(t));
  let s = ld_dcell(t) + d * o * (1.0 - u * u);
  st_dx(g, s * n * i * (1.0 - i));
  st_dx(g + w, s * ld_c(t) * f * (1.0 - f));
  st_dx(g + 2u * w, s * i * (1.0 - n * n));
  st_dx(g + 3u * w, d * u * o * (1.0 - o));
  st_dc(t, s * f);`,
  ),
  gruCell: cell(
    ['x', 'r', 'h'],
    ['y', 'gates'],
    2,
    3,
    `  let a = sigmoid_f32(ld_x(g) + ld_r(g));
  let z = sigmoid_f32(ld_x(g + w) + ld_r(g + w));
  let n = tanh_f32(ld_x(g + 2u * w) + a * ld_r(g + 2u * w));
  st_gates(g, a); st_gates(g + w, z); st_gates(g + 2u * w, n);
  st_y(t, n + z * (ld_h(t) - n));`,
  ),
  gruCellBackward: cell(
    ['dy', 'gates', 'r', 'h'],
    ['dx', 'dr', 'dh'],
    3,
    3,
    `  let a = ld_gates(g); let z = ld_gates(g + w); let n = ld_gates(g + 2u * w);
  let d = ld_dy(t);
  let q = d * (1.0 - z) * (1.0 - n * n);
  let reset = q * ld_r(g + 2u * w) * a * (1.0 - a);
  let update = d * (ld_h(t) - n) * z * (1.0 - z);
  st_dx(g, reset); st_dx(g + w, update); st_dx(g + 2u * w, q);
  st_dr(g, reset); st_dr(g + w, update); st_dr(g + 2u * w, q * a);
  st_dh(t, d * z);`,
  ),
};
