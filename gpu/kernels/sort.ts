// Sorting along a dimension: each element counts those before it, so equal ones keep their order.
import type { View } from '../../ts/backend.ts';
import { wrapDim } from '../../ts/base/shape.ts';
import type { GpuKernel, KernelCall, Operand } from '../kernel.ts';
import { uint } from '../shader.ts';
import { type Kind, kindOf } from '../types.ts';
import { around } from './indices.ts';
import { out } from './moves.ts';

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

export const SORT: Readonly<Record<string, GpuKernel>> = {
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
