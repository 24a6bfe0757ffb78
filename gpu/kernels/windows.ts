// Convolutions, their derivatives, and pools: images of three dimensions as they lie; one and two are filled up.
import type { View } from '../../ts/backend.ts';
import { type Shape, sizeOf } from '../../ts/base/shape.ts';
import type { GpuKernel, KernelCall, Operand } from '../kernel.ts';
import { bitsOf } from '../queue.ts';
import { float, int, uint } from '../shader.ts';
import { ADD, runLines } from './lines.ts';
import { runTiles, tiling } from './tiles.ts';

type Sizes = readonly number[];
const filled = (list: Sizes | undefined, value: number): number[] => [
  ...new Array<number>(3 - (list ?? []).length).fill(value),
  ...(list ?? []),
];
/** Strides of [n, c, d, h, w]. */
const five = ({ strides }: View): number[] => [strides[0], strides[1], ...filled(strides.slice(2), 0)];

// Numbers: the geometry, then strides of image, weight and result.
const [IMAGES, CHANNELS, OUTPUTS, GROUPS, SIZE, OUT, KERNEL, STRIDE, PADDING, DILATION] = [0, 1, 2, 3, 4, 7, 10, 13, 16, 19];
const [XS, WS, YS] = [22, 27, 32];
const FLOATS = 37;

interface Geometry {
  readonly x: Shape;
  readonly w: Shape;
  readonly y: Shape;
  readonly attrs: { stride?: Sizes; padding?: Sizes; dilation?: Sizes; groups?: number };
}
function geometry({ x, w, y, attrs }: Geometry): number[] {
  const { stride, padding, dilation, groups = 1 } = attrs;
  return [
    ...[x[0], x[1], w[0], groups],
    ...filled(x.slice(2), 1),
    ...filled(y.slice(2), 1),
    ...filled(w.slice(2), 1),
    ...filled(stride, 1),
    ...filled(padding, 0),
    ...filled(dilation, 1),
  ];
}
/** WGSL: e taken apart into n, c (of `channels`) and z, y, x of a volume whose sizes begin at number `at`. */
const apart = (at: number, channels: string): string => `  var e = t;
  let ix = i32(e % ${uint(at + 2)}); e = e / ${uint(at + 2)};
  let iy = i32(e % ${uint(at + 1)}); e = e / ${uint(at + 1)};
  let iz = i32(e % ${uint(at)}); e = e / ${uint(at)};
  let c = i32(e % ${channels});
  let n = i32(e / ${channels});`;
const place = (s: number, n: string, c: string, z: string, y: string, x: string): string =>
  `u32((${n}) * ${int(s)} + (${c}) * ${int(s + 1)} + (${z}) * ${int(s + 2)} + (${y}) * ${int(s + 3)} + (${x}) * ${int(s + 4)})`;
const taps = (
  inner: string,
): string => `  for (var kz = 0; kz < ${int(KERNEL)}; kz++) { for (var ky = 0; ky < ${int(KERNEL + 1)}; ky++) { for (var kx = 0; kx < ${int(KERNEL + 2)}; kx++) {
${inner}
  } } }`;

const LIMITS: Readonly<Record<string, readonly [number, number]>> = { relu: [0, Infinity], relu6: [0, 6] };

function convolution(call: KernelCall): void {
  const [x, w, bias] = call.inputs as readonly View[];
  const [y] = call.outputs;
  const attrs = call.attrs as Geometry['attrs'] & { activation?: string };
  const numbers = {
    ints: [...geometry({ x: x.shape, w: w.shape, y: y.shape, attrs }), ...five(x), ...five(w), ...five(y)],
    floats: [] as number[],
  };
  const n = sizeOf(y.shape);
  const [low, high] = attrs.activation ? LIMITS[attrs.activation] : [-Infinity, Infinity];
  if (attrs.activation) numbers.floats = [low, high];
  let result = 'sum';
  if (bias) result = `${result} + ld_bias(u32(c))`;
  if (low > -Infinity) result = `max_f32(${result}, ${float(FLOATS)})`;
  if (high < Infinity) result = `min_f32(${result}, ${float(FLOATS + 1)})`;
  const body = `  if (t >= ${uint(IMAGES)} * ${uint(OUTPUTS)} * ${uint(OUT)} * ${uint(OUT + 1)} * ${uint(OUT + 2)}) { return; }
${apart(OUT, uint(OUTPUTS))}
  let per = ${int(CHANNELS)} / ${int(GROUPS)};
  let first = (c / (${int(OUTPUTS)} / ${int(GROUPS)})) * per;
  var sum = 0.0;
${taps(`    let z = iz * ${int(STRIDE)} - ${int(PADDING)} + kz * ${int(DILATION)};
    let v = iy * ${int(STRIDE + 1)} - ${int(PADDING + 1)} + ky * ${int(DILATION + 1)};
    let u = ix * ${int(STRIDE + 2)} - ${int(PADDING + 2)} + kx * ${int(DILATION + 2)};
    if (z < 0 || v < 0 || u < 0 || z >= ${int(SIZE)} || v >= ${int(SIZE + 1)} || u >= ${int(SIZE + 2)}) { continue; }
    var p = ${place(XS, 'n', 'first', 'z', 'v', 'u')};
    var q = ${place(WS, 'c', '0', 'kz', 'ky', 'kx')};
    for (var k = 0; k < per; k++) { sum = sum + ld_x(p) * ld_w(q); p = p + ${uint(XS + 1)}; q = q + ${uint(WS + 1)}; }`)}
  st_y(${place(YS, 'n', 'c', 'iz', 'iy', 'ix')}, ${result});`;
  const operands: Operand[] = [
    { name: 'x', view: x },
    { name: 'w', view: w },
    ...(bias ? [{ name: 'bias', view: bias }] : []),
    { name: 'y', view: y, writes: true },
  ];
  const form = `${bias ? 'b' : ''}${attrs.activation ?? ''}`;
  const groups = attrs.groups ?? 1;
  const [rows, columns, depth] = [w.shape[0] / groups, x.shape[0] * sizeOf(y.shape.slice(2)), sizeOf(w.shape.slice(1))];
  if (!worthTiles(rows, columns, depth)) {
    call.run(`direct${form}`, operands, numbers, n, body);
    return;
  }
  // Rows are output channels of group z, columns pixels of all results, the depth channels and taps.
  const c = `i32(z) * ${int(M)} + i32`;
  const more = `fn image_(z: u32, k: u32, column: u32) -> f32 {
  ${tap('k')}
  ${pixel('column', OUT)}
  let u_ = ix * ${int(STRIDE + 2)} - ${int(PADDING + 2)} + kx * ${int(DILATION + 2)};
  let v_ = iy * ${int(STRIDE + 1)} - ${int(PADDING + 1)} + ky * ${int(DILATION + 1)};
  let z_ = iz * ${int(STRIDE)} - ${int(PADDING)} + kz * ${int(DILATION)};
  if (z_ < 0 || v_ < 0 || u_ < 0 || z_ >= ${int(SIZE)} || v_ >= ${int(SIZE + 1)} || u_ >= ${int(SIZE + 2)}) { return 0.0; }
  return ld_x(${place(XS, 'n', `i32(z) * (${int(CHANNELS)} / ${int(GROUPS)}) + c`, 'z_', 'v_', 'u_')});
}
fn weight_(z: u32, row: u32, k: u32) -> f32 {
  ${tap('k')}
  return ld_w(${place(WS, `${c}(row)`, 'c', 'kz', 'ky', 'kx')});
}
fn put_(z: u32, row: u32, column: u32, sum: f32) {
  ${pixel('column', OUT)}
  let c = ${c}(row);
  st_y(${place(YS, 'n', 'c', 'iz', 'iy', 'ix')}, ${result});
}`;
  tiles(call, `product${form}`, operands, numbers, [rows, columns, depth], groups, more);
}

/** Rows of a product are output channels of a group, or channels of the image. */
const [M, N, K, BLOCKS] = [40, 41, 42, 43];
const worthTiles = (rows: number, columns: number, depth: number): boolean => rows >= 16 && columns >= 16 && depth >= 16;
/** WGSL: channel and tap of element k of the depth. */
const tap = (k: string): string => `var r = ${k};
  let kx = i32(r % ${uint(KERNEL + 2)}); r = r / ${uint(KERNEL + 2)};
  let ky = i32(r % ${uint(KERNEL + 1)}); r = r / ${uint(KERNEL + 1)};
  let kz = i32(r % ${uint(KERNEL)});
  let c = i32(r / ${uint(KERNEL)});`;
/** WGSL: image and position of a pixel of all images, whose sizes begin at number `at`. */
const pixel = (p: string, at: number): string => `var e = ${p};
  let ix = i32(e % ${uint(at + 2)}); e = e / ${uint(at + 2)};
  let iy = i32(e % ${uint(at + 1)}); e = e / ${uint(at + 1)};
  let iz = i32(e % ${uint(at)});
  let n = i32(e / ${uint(at)});`;
function tiles(
  call: KernelCall,
  name: string,
  operands: readonly Operand[],
  { ints, floats = [] }: { readonly ints: readonly number[]; readonly floats?: readonly number[] },
  [m, n, k]: readonly [number, number, number],
  groups: number,
  more: string,
): void {
  const all = [...ints, ...floats.map(bitsOf)];
  const numbers = { ints: [...all, ...new Array<number>(M - all.length).fill(0), m, n, k, ...tiling(m, n, groups)] };
  runTiles(call, name, operands, numbers, {
    ...{ kind: 'f32', m: M, n: N, k: K, sizes: BLOCKS, start: () => '', along: 'true', across: 'true', more },
    a: (row, k) => `weight_(z, ${row}, ${k})`,
    b: (k, column) => `image_(z, ${k}, ${column})`,
    store: (v, row, column) => `put_(z, ${row}, ${column}, ${v});`,
  });
}

function convolutionInput(call: KernelCall): void {
  const [dy, w] = call.inputs as readonly View[];
  const [dx] = call.outputs;
  const attrs = call.attrs as Geometry['attrs'];
  const numbers = { ints: [...geometry({ x: dx.shape, w: w.shape, y: dy.shape, attrs }), ...five(dx), ...five(w), ...five(dy)] };
  const reach = (d: number, i: string, k: string, to: string): string =>
    `    let a${to} = ${i} + ${int(PADDING + d)} - ${k} * ${int(DILATION + d)};
    if (a${to} < 0 || a${to} % ${int(STRIDE + d)} != 0) { continue; }
    let ${to} = a${to} / ${int(STRIDE + d)};
    if (${to} >= ${int(OUT + d)}) { continue; }`;
  const body = `  if (t >= ${uint(IMAGES)} * ${uint(CHANNELS)} * ${uint(SIZE)} * ${uint(SIZE + 1)} * ${uint(SIZE + 2)}) { return; }
${apart(SIZE, uint(CHANNELS))}
  let per = ${int(CHANNELS)} / ${int(GROUPS)};
  let outs = ${int(OUTPUTS)} / ${int(GROUPS)};
  let first = (c / per) * outs;
  var sum = 0.0;
${taps(`${reach(0, 'iz', 'kz', 'z')}
${reach(1, 'iy', 'ky', 'v')}
${reach(2, 'ix', 'kx', 'u')}
    var p = ${place(YS, 'n', 'first', 'z', 'v', 'u')};
    var q = ${place(WS, 'first', 'c % per', 'kz', 'ky', 'kx')};
    for (var k = 0; k < outs; k++) { sum = sum + ld_g(p) * ld_w(q); p = p + ${uint(YS + 1)}; q = q + ${uint(WS)}; }`)}
  st_dx(${place(XS, 'n', 'c', 'iz', 'iy', 'ix')}, sum);`;
  const operands: Operand[] = [
    { name: 'g', view: dy },
    { name: 'w', view: w },
    { name: 'dx', view: dx, writes: true },
  ];
  const groups = attrs.groups ?? 1;
  const [rows, columns, depth] = [w.shape[1], dx.shape[0] * sizeOf(dx.shape.slice(2)), (w.shape[0] / groups) * sizeOf(w.shape.slice(2))];
  if (!worthTiles(rows, columns, depth)) {
    call.run('input', operands, numbers, sizeOf(dx.shape), body);
    return;
  }
  // Rows are channels of group z, columns pixels of all images, the depth output channels and taps.
  const outs = `i32(z) * (${int(OUTPUTS)} / ${int(GROUPS)}) + c`;
  const more = `fn image_(z: u32, k: u32, column: u32) -> f32 {
  ${tap('k')}
  ${pixel('column', SIZE)}
${['iz,kz,z', 'iy,ky,v', 'ix,kx,u']
  .map((names, d) => {
    const [i, k, to] = names.split(',');
    return `  let a${to} = ${i} + ${int(PADDING + d)} - ${k} * ${int(DILATION + d)};
  let ${to}_ = a${to} / ${int(STRIDE + d)};
  if (a${to} < 0 || a${to} % ${int(STRIDE + d)} != 0 || ${to}_ >= ${int(OUT + d)}) { return 0.0; }`;
  })
  .join('\n')}
  return ld_g(${place(YS, 'n', outs, 'z_', 'v_', 'u_')});
}
fn weight_(z: u32, row: u32, k: u32) -> f32 {
  ${tap('k')}
  return ld_w(${place(WS, outs, 'i32(row)', 'kz', 'ky', 'kx')});
}
fn put_(z: u32, row: u32, column: u32, sum: f32) {
  ${pixel('column', SIZE)}
  st_dx(${place(XS, 'n', `i32(z) * ${int(M)} + i32(row)`, 'iz', 'iy', 'ix')}, sum);
}`;
  tiles(call, 'inputProduct', operands, numbers, [rows, columns, depth], groups, more);
}

function convolutionWeight(call: KernelCall): void {
  const [dy, x] = call.inputs as readonly View[];
  const [dw] = call.outputs;
  const attrs = call.attrs as Geometry['attrs'];
  const numbers = { ints: [...geometry({ x: x.shape, w: dw.shape, y: dy.shape, attrs }), ...five(x), ...five(dw), ...five(dy)] };
  const pixels = dy.shape[0] * sizeOf(dy.shape.slice(2));
  const body = `  let per = ${int(CHANNELS)} / ${int(GROUPS)};
  var e = line;
  let kx = i32(e % ${uint(KERNEL + 2)}); e = e / ${uint(KERNEL + 2)};
  let ky = i32(e % ${uint(KERNEL + 1)}); e = e / ${uint(KERNEL + 1)};
  let kz = i32(e % ${uint(KERNEL)}); e = e / ${uint(KERNEL)};
  let k = i32(e) % per;
  let c = i32(e) / per;
  let channel = (c / (${int(OUTPUTS)} / ${int(GROUPS)})) * per + k;
  var s = 0.0;
  for (var j = lane; j < ${uint(IMAGES)} * ${uint(OUT)} * ${uint(OUT + 1)} * ${uint(OUT + 2)}; j = j + LANES) {
    var r = j;
    let ix = i32(r % ${uint(OUT + 2)}); r = r / ${uint(OUT + 2)};
    let iy = i32(r % ${uint(OUT + 1)}); r = r / ${uint(OUT + 1)};
    let iz = i32(r % ${uint(OUT)});
    let n = i32(r / ${uint(OUT)});
    let z = iz * ${int(STRIDE)} - ${int(PADDING)} + kz * ${int(DILATION)};
    let v = iy * ${int(STRIDE + 1)} - ${int(PADDING + 1)} + ky * ${int(DILATION + 1)};
    let u = ix * ${int(STRIDE + 2)} - ${int(PADDING + 2)} + kx * ${int(DILATION + 2)};
    if (z < 0 || v < 0 || u < 0 || z >= ${int(SIZE)} || v >= ${int(SIZE + 1)} || u >= ${int(SIZE + 2)}) { continue; }
    s = s + ld_g(${place(YS, 'n', 'c', 'iz', 'iy', 'ix')}) * ld_x(${place(XS, 'n', 'channel', 'z', 'v', 'u')});
  }
  let sum = total(s, lane);
  if (lane == 0u) { st_dw(${place(WS, 'c', 'k', 'kz', 'ky', 'kx')}, sum); }`;
  const operands: Operand[] = [
    { name: 'g', view: dy },
    { name: 'x', view: x },
    { name: 'dw', view: dw, writes: true },
  ];
  runLines(call, 'weight', operands, numbers, sizeOf(dw.shape), pixels, [ADD], body);
}

// ---- pools

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

const asTheyLie = (run: (call: KernelCall) => void, strided: readonly number[]): GpuKernel => ({ run, strided, anyResult: true });
const windowOf = (call: KernelCall): Window => call.attrs as Window;

export const WINDOWS: Readonly<Record<string, GpuKernel>> = {
  convolution: asTheyLie(convolution, [0, 1]),
  convolutionInput: asTheyLie(convolutionInput, [0, 1]),
  convolutionWeight: asTheyLie(convolutionWeight, [0, 1]),
  maxPool: asTheyLie((call) => maxima(call, windowOf(call), false), [0]),
  adaptiveMaxPool: asTheyLie((call) => maxima(call, {}, true), [0]),
  maxPoolBackward: asTheyLie(maximaBackward, [0, 1]),
  maxPoolGather: asTheyLie(maximaGather, [0, 1]),
  avgPool: asTheyLie((call) => average(call, windowOf(call), false), [0]),
  avgPoolBackward: asTheyLie((call) => averageBackward(call, windowOf(call), false), [0]),
  adaptiveAvgPool: asTheyLie((call) => average(call, {}, true), [0]),
  adaptiveAvgPoolBackward: asTheyLie((call) => averageBackward(call, {}, true), [0]),
};
