// Convolutions and the gradients of their images: direct where they are small, else products over elements fetched where they lie.
import type { View } from '../../ts/backend.ts';
import { sizeOf } from '../../ts/base/shape.ts';
import type { KernelCall, Operand } from '../kernel.ts';
import { bitsOf } from '../queue.ts';
import { float, int, uint } from '../shader.ts';
import {
  apart,
  CHANNELS,
  DILATION,
  five,
  type Geometry,
  GROUPS,
  geometry,
  IMAGES,
  KERNEL,
  OUT,
  OUTPUTS,
  PADDING,
  place,
  SIZE,
  STRIDE,
  WS,
  XS,
  YS,
} from './geometry.ts';
import { runTiles, type Tiles, tiling } from './tiles.ts';

/** The number from which on floats of an activation lie. */
const FLOATS = 37;
const taps = (
  inner: string,
): string => `  for (var kz = 0; kz < ${int(KERNEL)}; kz++) { for (var ky = 0; ky < ${int(KERNEL + 1)}; ky++) { for (var kx = 0; kx < ${int(KERNEL + 2)}; kx++) {
${inner}
  } } }`;

const LIMITS: Readonly<Record<string, readonly [number, number]>> = { relu: [0, Infinity], relu6: [0, 6] };

export function convolution(call: KernelCall): void {
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
export const M = 40;
export const N = 41;
export const K = 42;
export const BLOCKS = 43;
export const worthTiles = (rows: number, columns: number, depth: number): boolean => rows >= 16 && columns >= 16 && depth >= 16;
/** WGSL: channel and tap of element k of the depth. */
const tap = (k: string): string => `var r = ${k};
  let kx = i32(r % ${uint(KERNEL + 2)}); r = r / ${uint(KERNEL + 2)};
  let ky = i32(r % ${uint(KERNEL + 1)}); r = r / ${uint(KERNEL + 1)};
  let kz = i32(r % ${uint(KERNEL)});
  let c = i32(r / ${uint(KERNEL)});`;
/** WGSL: image and position of a pixel of all images, whose sizes begin at number `at`. */
export const pixel = (p: string, at: number): string => `var e = ${p};
  let ix = i32(e % ${uint(at + 2)}); e = e / ${uint(at + 2)};
  let iy = i32(e % ${uint(at + 1)}); e = e / ${uint(at + 1)};
  let iz = i32(e % ${uint(at)});
  let n = i32(e / ${uint(at)});`;
export function tiles(
  call: KernelCall,
  name: string,
  operands: readonly Operand[],
  { ints, floats = [] }: { readonly ints: readonly number[]; readonly floats?: readonly number[] },
  [m, n, k]: readonly [number, number, number],
  count: number,
  more: string,
  own: Partial<Tiles> = {},
  rest: readonly number[] = [],
): void {
  const all = [...ints, ...floats.map(bitsOf)];
  const numbers = { ints: [...all, ...new Array<number>(M - all.length).fill(0), m, n, k, ...tiling(m, n, count), ...rest] };
  runTiles(call, name, operands, numbers, {
    ...{ kind: 'f32', m: M, n: N, k: K, sizes: BLOCKS, start: () => '', along: 'true', across: 'true', more },
    a: (row, k) => `weight_(z, ${row}, ${k})`,
    b: (k, column) => `image_(z, ${k}, ${column})`,
    store: (v, row, column) => `put_(z, ${row}, ${column}, ${v});`,
    ...own,
  });
}

export function convolutionInput(call: KernelCall): void {
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
