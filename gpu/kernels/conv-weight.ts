// The gradient of a convolution's weight: a product over the pixels of all images, fetched where they lie.
import type { View } from '../../ts/backend.ts';
import { sizeOf } from '../../ts/base/shape.ts';
import type { KernelCall, Operand } from '../kernel.ts';
import { int, uint } from '../shader.ts';
import { BLOCKS, K, M, N, pixel, tiles, worthTiles } from './conv.ts';
import {
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
import { ADD, runLines } from './lines.ts';

/** Numbers behind those of a product: parts of the depth, and all of the depth. */
const PARTS = BLOCKS + 3;
const PIXELS = BLOCKS + 4;
/** Blocks that keep a device busy, and the depth of the shortest part worth a block. */
const BUSY = 256;
const SHORTEST = 256;

export function convolutionWeight(call: KernelCall): void {
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
  if (weightProduct(call, operands, numbers.ints)) return;
  runLines(call, 'weight', operands, numbers, sizeOf(dw.shape), pixels, [ADD], body);
}

/**
 * Rows are output channels of a group, columns taps and channels, the depth pixels of all images. Where rows and columns make few blocks the
 * depth is cut by shape into parts, whose sums are added in their order. False where sizes are too small for blocks.
 */
function weightProduct(call: KernelCall, operands: readonly Operand[], ints: readonly number[]): boolean {
  const [dy] = call.inputs as readonly View[];
  const [dw] = call.outputs;
  const groups = ints[GROUPS];
  const [rows, columns, depth] = [dw.shape[0] / groups, sizeOf(dw.shape.slice(1)), dy.shape[0] * sizeOf(dy.shape.slice(2))];
  if (!worthTiles(rows, columns, depth)) return false;
  const blocks = Math.ceil(rows / 64) * Math.ceil(columns / 64) * groups;
  const wanted = Math.max(1, Math.min(Math.ceil(BUSY / blocks), Math.floor(depth / SHORTEST)));
  const slice = Math.ceil(depth / wanted / 16) * 16;
  const parts = Math.ceil(depth / slice);
  const sums = parts > 1 ? call.temporary([parts, groups, rows, columns], 'float32') : null;
  const more = `fn pixels_(z: u32, row: u32, k: u32) -> f32 {
  let p = (z % ${uint(PARTS)}) * ${uint(K)} + k;
  if (p >= ${uint(PIXELS)}) { return 0.0; }
  ${pixel('p', OUT)}
  return ld_g(${place(YS, 'n', `i32((z / ${uint(PARTS)}) * ${uint(M)} + row)`, 'iz', 'iy', 'ix')});
}
fn image_(z: u32, k: u32, column: u32) -> f32 {
  let p = (z % ${uint(PARTS)}) * ${uint(K)} + k;
  if (p >= ${uint(PIXELS)}) { return 0.0; }
  ${pixel('p', OUT)}
  ${tapOf('column')}
  let u_ = ix * ${int(STRIDE + 2)} - ${int(PADDING + 2)} + kx * ${int(DILATION + 2)};
  let v_ = iy * ${int(STRIDE + 1)} - ${int(PADDING + 1)} + ky * ${int(DILATION + 1)};
  let z_ = iz * ${int(STRIDE)} - ${int(PADDING)} + kz * ${int(DILATION)};
  if (z_ < 0 || v_ < 0 || u_ < 0 || z_ >= ${int(SIZE)} || v_ >= ${int(SIZE + 1)} || u_ >= ${int(SIZE + 2)}) { return 0.0; }
  return ld_x(${place(XS, 'n', `i32(z / ${uint(PARTS)}) * per + c`, 'z_', 'v_', 'u_')});
}
fn put_(z: u32, row: u32, column: u32, sum: f32) {
  ${sums === null ? target(`z * ${uint(M)} + row`, 'column', 'sum') : `st_sums((((z % ${uint(PARTS)}) * ${uint(GROUPS)} + z / ${uint(PARTS)}) * ${uint(M)} + row) * ${uint(N)} + column, sum);`}
}`;
  const own = sums === null ? operands : [...operands.slice(0, 2), { name: 'sums', view: sums, writes: true }];
  const product = {
    // Whichever of pixels and channels lie side by side are fetched by neighbouring threads.
    along: `${int(YS + 4)} == 1`,
    across: `${int(XS + 1)} == 1`,
    a: (row: string, k: string) => `pixels_(z, ${row}, ${k})`,
  };
  tiles(call, `weightProduct${parts > 1 ? 'Parts' : ''}`, own, { ints }, [rows, columns, slice], groups * parts, more, product, [
    parts,
    depth,
  ]);
  if (sums === null) return true;
  const body = `  if (t >= ${uint(OUTPUTS)} * ${uint(N)}) { return; }
  let all = ${uint(OUTPUTS)} * ${uint(N)};
  var sum = 0.0;
  for (var s = 0u; s < ${uint(PARTS)}; s++) { sum = sum + ld_sums(s * all + t); }
  let column = t % ${uint(N)};
  ${target(`t / ${uint(N)}`, 'column', 'sum')}`;
  const numbers = [...ints, ...new Array<number>(M - ints.length).fill(0), rows, columns, slice, 0, 0, 0, parts, depth];
  const last: Operand[] = [{ name: 'sums', view: sums }, operands[2]];
  call.run('weightSum', last, { ints: numbers }, sizeOf(dw.shape), body);
  return true;
}
/** WGSL: channel and tap of a column; channels follow one another, as they lie in images of channels last. */
const tapOf = (column: string): string => `let per = ${int(CHANNELS)} / ${int(GROUPS)};
  let c = i32(${column}) % per;
  var r = ${column} / u32(per);
  let kx = i32(r % ${uint(KERNEL + 2)}); r = r / ${uint(KERNEL + 2)};
  let ky = i32(r % ${uint(KERNEL + 1)});
  let kz = i32(r / ${uint(KERNEL + 1)});`;
/** WGSL: stores an element of the weight. */
const target = (row: string, column: string, value: string): string => `${tapOf(column)}
  st_dw(${place(WS, `i32(${row})`, 'c', 'kz', 'ky', 'kx')}, ${value});`;
