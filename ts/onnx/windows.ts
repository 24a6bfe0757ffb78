// Windows over images: how kernels and pools move.
import { show } from '../base/shape.ts';
import type { Call } from './call.ts';

/** How a window moves: per spatial dimension. */
export interface Window {
  readonly kernel: readonly number[];
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  readonly before: readonly number[];
  readonly after: readonly number[];
}

/** The window of a node over an image, automatic padding worked out. */
export function windowOf(c: Call, image: readonly number[], kernel: readonly number[]): Window {
  const n = image.length;
  const list = (name: string, otherwise: number): number[] => {
    const given = c.intsOr(name);
    const value = given === null || given.length === 0 ? new Array<number>(n).fill(otherwise) : given;
    if (value.length !== n) c.fail(`${name} ${show(value)} does not fit the ${n} spatial dimensions`);
    return value;
  };
  const strides = list('strides', 1);
  const dilations = list('dilations', 1);
  if (kernel.length !== n) c.fail(`the kernel ${show(kernel)} does not fit the ${n} spatial dimensions`);
  if ([...kernel, ...strides, ...dilations].some((v) => !(v > 0))) c.fail('sizes of the kernel, strides and dilations must be positive');
  const auto = c.str('auto_pad', 'NOTSET');
  if (auto === 'SAME_UPPER' || auto === 'SAME_LOWER') {
    const total = image.map((size, i) =>
      Math.max(0, (Math.ceil(size / strides[i]) - 1) * strides[i] + (kernel[i] - 1) * dilations[i] + 1 - size),
    );
    const small = total.map((t) => Math.floor(t / 2));
    const large = total.map((t) => Math.ceil(t / 2));
    return { kernel, strides, dilations, before: auto === 'SAME_UPPER' ? small : large, after: auto === 'SAME_UPPER' ? large : small };
  }
  const pads = auto === 'VALID' ? new Array<number>(2 * n).fill(0) : (c.intsOr('pads') ?? new Array<number>(2 * n).fill(0));
  if (pads.length !== 2 * n) c.fail(`pads ${show(pads)} does not hold two amounts for each of ${n} dimensions`);
  return { kernel, strides, dilations, before: pads.slice(0, n), after: pads.slice(n) };
}

/** Places of the window along dimension i, none where it is larger than the image. */
export function counted(size: number, w: Window, i: number): number {
  const span = size + w.before[i] + w.after[i] - (w.kernel[i] - 1) * w.dilations[i] - 1;
  return Math.max(0, Math.floor(span / w.strides[i]) + 1);
}
