// Pools and their derivatives.
import type { View } from '../../ts/backend.ts';
import { sizeOf } from '../../ts/base/shape.ts';
import type { GpuKernel, KernelCall, Operand } from '../kernel.ts';
import { int, uint } from '../shader.ts';
import {
  apart,
  asTheyLie,
  CHANNELS,
  DILATION,
  filled,
  five,
  geometry,
  IMAGES,
  KERNEL,
  OUT,
  OUTPUTS,
  PADDING,
  place,
  SIZE,
  type Sizes,
  STRIDE,
  XS,
  YS,
} from './geometry.ts';

interface Window {
  readonly kernelSize?: Sizes;
  readonly stride?: Sizes;
  readonly padding?: Sizes;
  readonly dilation?: Sizes;
  readonly countIncludePad?: boolean;
  readonly divisorOverride?: number;
}
/** Numbers of a pool from x to y; [37] is the divisor, 0 for the count. */
function pool(x: View, y: View, a: Window): number[] {
  const kernel = a.kernelSize ?? [1];
  const attrs = { stride: a.stride ?? kernel, padding: a.padding, dilation: a.dilation };
  const w = [y.shape[1], 1, ...filled(kernel, 1)];
  const ints = geometry({ x: x.shape, w, y: y.shape, attrs });
  return [...ints, ...five(x), 0, 0, 0, 0, 0, ...five(y), a.divisorOverride ?? 0];
}
const NAMES = ['z', 'y', 'x'];
/** WGSL: first and one past the last position under the window of output i in each dimension, clipped; whole sizes as count. */
const bounds = (adaptive: boolean, padded: boolean): string =>
  NAMES.map((d, k) => {
    const [size, outs, i] = [int(SIZE + k), int(OUT + k), `i${d}`];
    if (adaptive)
      return `  let a${d} = ${i} * ${size} / ${outs}; let b${d} = ((${i} + 1) * ${size} + ${outs} - 1) / ${outs}; let w${d} = b${d} - a${d};`;
    const start = `${i} * ${int(STRIDE + k)} - ${int(PADDING + k)}`;
    return `  let s${d} = ${start};
  let f${d} = min(s${d} + (${int(KERNEL + k)} - 1) * ${int(DILATION + k)} + 1, ${size} + ${int(PADDING + k)});
  let a${d} = select(s${d}, s${d} + ((${int(DILATION + k)} - 1 - s${d}) / ${int(DILATION + k)}) * ${int(DILATION + k)}, s${d} < 0);
  let b${d} = min(f${d}, ${size});
  let w${d} = ${padded ? `f${d} - s${d}` : `b${d} - a${d}`};`;
  }).join('\n');
const PIXELS = `${uint(IMAGES)} * ${uint(OUTPUTS)} * ${uint(OUT)} * ${uint(OUT + 1)} * ${uint(OUT + 2)}`;

function maxima(call: KernelCall, a: Window, adaptive: boolean): void {
  const x = call.inputs[0] as View;
  const [y, indices] = call.outputs;
  const [dz, dy, dx] = [0, 1, 2].map((k) => (adaptive ? '1' : int(DILATION + k)));
  const body = `  if (t >= ${PIXELS}) { return; }
${apart(OUT, uint(OUTPUTS))}
${bounds(adaptive, false)}
  var best = -inf_f32(0.0);
  var at = (min(az, ${int(SIZE)} - 1) * ${int(SIZE + 1)} + min(ay, ${int(SIZE + 1)} - 1)) * ${int(SIZE + 2)} + min(ax, ${int(SIZE + 2)} - 1);
  for (var z = az; z < bz; z = z + ${dz}) { for (var v = ay; v < by; v = v + ${dy}) { for (var u = ax; u < bx; u = u + ${dx}) {
    let value = ld_x(${place(XS, 'n', 'c', 'z', 'v', 'u')});
    if (isnan_f32(value) || (!isnan_f32(best) && value > best)) { best = value; at = (z * ${int(SIZE + 1)} + v) * ${int(SIZE + 2)} + u; }
  } } }
  st_y(${place(YS, 'n', 'c', 'iz', 'iy', 'ix')}, best);
  st_at(${place(38, 'n', 'c', 'iz', 'iy', 'ix')}, at);`;
  const operands: Operand[] = [
    { name: 'x', view: x },
    { name: 'y', view: y, writes: true },
    { name: 'at', view: indices, kind: 'i32', writes: true },
  ];
  call.run(`max${adaptive}`, operands, { ints: [...pool(x, y, a), ...five(indices)] }, sizeOf(y.shape), body);
}

function average(call: KernelCall, a: Window, adaptive: boolean): void {
  const x = call.inputs[0] as View;
  const [y] = call.outputs;
  const padded = a.countIncludePad !== false && !adaptive;
  const body = `  if (t >= ${PIXELS}) { return; }
${apart(OUT, uint(OUTPUTS))}
${bounds(adaptive, padded)}
  var sum = 0.0;
  for (var z = az; z < bz; z++) { for (var v = ay; v < by; v++) { for (var u = ax; u < bx; u++) { sum = sum + ld_x(${place(XS, 'n', 'c', 'z', 'v', 'u')}); } } }
  let count = f32(select(wz * wy * wx, ${int(37)}, ${int(37)} != 0));
  st_y(${place(YS, 'n', 'c', 'iz', 'iy', 'ix')}, sum / count);`;
  const operands: Operand[] = [
    { name: 'x', view: x },
    { name: 'y', view: y, writes: true },
  ];
  call.run(`avg${adaptive}${padded}`, operands, { ints: pool(x, y, a) }, sizeOf(y.shape), body);
}
/** Each element of the image sums the shares of the windows that it is in. */
function averageBackward(call: KernelCall, a: Window, adaptive: boolean): void {
  const g = call.inputs[0] as View;
  const [dx] = call.outputs;
  const padded = a.countIncludePad !== false && !adaptive;
  const range = NAMES.map((d, k) => {
    const [size, outs, j] = [int(SIZE + k), int(OUT + k), `j${d}`];
    if (adaptive) return `  let l${d} = (${j} * ${outs}) / ${size}; let h${d} = min(${outs} - 1, ((${j} + 1) * ${outs} - 1) / ${size});`;
    return `  let l${d} = max(0, (${j} + ${int(PADDING + k)} - ${int(KERNEL + k)} + ${int(STRIDE + k)}) / ${int(STRIDE + k)});
  let h${d} = min(${outs} - 1, (${j} + ${int(PADDING + k)}) / ${int(STRIDE + k)});`;
  }).join('\n');
  const body = `  if (t >= ${uint(IMAGES)} * ${uint(CHANNELS)} * ${uint(SIZE)} * ${uint(SIZE + 1)} * ${uint(SIZE + 2)}) { return; }
${apart(SIZE, uint(CHANNELS)).replace(/\bi([xyz])\b/g, 'j$1')}
${range}
  var sum = 0.0;
  for (var iz = lz; iz <= hz; iz++) { for (var iy = ly; iy <= hy; iy++) { for (var ix = lx; ix <= hx; ix++) {
${bounds(adaptive, padded)}
    if (jz < az || jz >= bz || jy < ay || jy >= by || jx < ax || jx >= bx) { continue; }
    sum = sum + ld_g(${place(YS, 'n', 'c', 'iz', 'iy', 'ix')}) / f32(select(wz * wy * wx, ${int(37)}, ${int(37)} != 0));
  } } }
  st_dx(${place(XS, 'n', 'c', 'jz', 'jy', 'jx')}, sum);`;
  const operands: Operand[] = [
    { name: 'g', view: g },
    { name: 'dx', view: dx, writes: true },
  ];
  call.run(`avgBack${adaptive}${padded}`, operands, { ints: pool(dx, g, a) }, sizeOf(dx.shape), body);
}
/** A plane by a thread, in the order of its pixels. */
function maximaBackward(call: KernelCall): void {
  const [g, indices] = call.inputs as readonly View[];
  const [dx] = call.outputs;
  const body = `  if (t >= ${uint(IMAGES)} * ${uint(CHANNELS)}) { return; }
  let c = i32(t % ${uint(CHANNELS)});
  let n = i32(t / ${uint(CHANNELS)});
  for (var z = 0; z < ${int(SIZE)}; z++) { for (var v = 0; v < ${int(SIZE + 1)}; v++) { for (var u = 0; u < ${int(SIZE + 2)}; u++) { st_dx(${place(XS, 'n', 'c', 'z', 'v', 'u')}, 0.0); } } }
  for (var iz = 0; iz < ${int(OUT)}; iz++) { for (var iy = 0; iy < ${int(OUT + 1)}; iy++) { for (var ix = 0; ix < ${int(OUT + 2)}; ix++) {
    let at = ld_at(${place(38, 'n', 'c', 'iz', 'iy', 'ix')});
    if (at < 0 || at >= ${int(SIZE)} * ${int(SIZE + 1)} * ${int(SIZE + 2)}) { fault(at); continue; }
    let u = at % ${int(SIZE + 2)};
    let v = (at / ${int(SIZE + 2)}) % ${int(SIZE + 1)};
    let z = at / (${int(SIZE + 2)} * ${int(SIZE + 1)});
    let p = ${place(XS, 'n', 'c', 'z', 'v', 'u')};
    st_dx(p, ld_dx(p) + ld_g(${place(YS, 'n', 'c', 'iz', 'iy', 'ix')}));
  } } }`;
  const operands: Operand[] = [
    { name: 'g', view: g },
    { name: 'at', view: indices, kind: 'i32' },
    { name: 'dx', view: dx, writes: true },
  ];
  call.run('maxBack', operands, { ints: [...pool(dx, g, {}), ...five(indices)] }, dx.shape[0] * dx.shape[1], body, { checks: true });
}
function maximaGather(call: KernelCall): void {
  const [x, indices] = call.inputs as readonly View[];
  const [y] = call.outputs;
  const body = `  if (t >= ${PIXELS}) { return; }
${apart(OUT, uint(OUTPUTS))}
  let at = ld_at(${place(38, 'n', 'c', 'iz', 'iy', 'ix')});
  if (at < 0 || at >= ${int(SIZE)} * ${int(SIZE + 1)} * ${int(SIZE + 2)}) { fault(at); return; }
  let u = at % ${int(SIZE + 2)};
  let v = (at / ${int(SIZE + 2)}) % ${int(SIZE + 1)};
  let z = at / (${int(SIZE + 2)} * ${int(SIZE + 1)});
  st_y(${place(YS, 'n', 'c', 'iz', 'iy', 'ix')}, ld_x(${place(XS, 'n', 'c', 'z', 'v', 'u')}));`;
  const operands: Operand[] = [
    { name: 'x', view: x },
    { name: 'at', view: indices, kind: 'i32' },
    { name: 'y', view: y, writes: true },
  ];
  call.run('maxGather', operands, { ints: [...pool(x, y, {}), ...five(indices)] }, sizeOf(y.shape), body, { checks: true });
}

const windowOf = (call: KernelCall): Window => call.attrs as Window;

export const POOLS: Readonly<Record<string, GpuKernel>> = {
  maxPool: asTheyLie((call) => maxima(call, windowOf(call), false), [0]),
  adaptiveMaxPool: asTheyLie((call) => maxima(call, {}, true), [0]),
  maxPoolBackward: asTheyLie(maximaBackward, [0, 1]),
  maxPoolGather: asTheyLie(maximaGather, [0, 1]),
  avgPool: asTheyLie((call) => average(call, windowOf(call), false), [0]),
  avgPoolBackward: asTheyLie((call) => averageBackward(call, windowOf(call), false), [0]),
  adaptiveAvgPool: asTheyLie((call) => average(call, {}, true), [0]),
  adaptiveAvgPoolBackward: asTheyLie((call) => averageBackward(call, {}, true), [0]),
};
