// Images under windows as shaders see them: images of three dimensions as they lie; one and two are filled up.
import type { View } from '../../ts/backend.ts';
import type { Shape } from '../../ts/base/shape.ts';
import type { GpuKernel, KernelCall } from '../kernel.ts';
import { int, uint } from '../shader.ts';

export type Sizes = readonly number[];
export const filled = (list: Sizes | undefined, value: number): number[] => [
  ...new Array<number>(3 - (list ?? []).length).fill(value),
  ...(list ?? []),
];
/** Strides of [n, c, d, h, w]. */
export const five = ({ strides }: View): number[] => [strides[0], strides[1], ...filled(strides.slice(2), 0)];

// Numbers: the geometry, then strides of image, weight and result.
export const IMAGES = 0;
export const CHANNELS = 1;
export const OUTPUTS = 2;
export const GROUPS = 3;
export const SIZE = 4;
export const OUT = 7;
export const KERNEL = 10;
export const STRIDE = 13;
export const PADDING = 16;
export const DILATION = 19;
export const XS = 22;
export const WS = 27;
export const YS = 32;

export interface Geometry {
  readonly x: Shape;
  readonly w: Shape;
  readonly y: Shape;
  readonly attrs: { stride?: Sizes; padding?: Sizes; dilation?: Sizes; groups?: number };
}
export function geometry({ x, w, y, attrs }: Geometry): number[] {
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
export const apart = (at: number, channels: string): string => `  var e = t;
  let ix = i32(e % ${uint(at + 2)}); e = e / ${uint(at + 2)};
  let iy = i32(e % ${uint(at + 1)}); e = e / ${uint(at + 1)};
  let iz = i32(e % ${uint(at)}); e = e / ${uint(at)};
  let c = i32(e % ${channels});
  let n = i32(e / ${channels});`;
export const place = (s: number, n: string, c: string, z: string, y: string, x: string): string =>
  `u32((${n}) * ${int(s)} + (${c}) * ${int(s + 1)} + (${z}) * ${int(s + 2)} + (${y}) * ${int(s + 3)} + (${x}) * ${int(s + 4)})`;
/** A kernel that takes operands with any strides, and fills results with any. */
export const asTheyLie = (run: (call: KernelCall) => void, strided: readonly number[]): GpuKernel => ({ run, strided, anyResult: true });
