// Products and convolutions of bytes on the kernels made for them. Images lie as [n, h, w, c] in memory, whatever order their names have.
import type { DType } from '../base/dtype.ts';
import { broadcast } from '../base/shape.ts';
import { integerPool, joined } from '../ops/quantised.ts';
import { integerConvolution, integerDepthwise, LONGEST } from '../ops/quantised-conv.ts';
import { capturing } from '../plan/capture.ts';
import { call, quantisedJoined } from '../quant/index.ts';
import { expand, ones, type Tensor } from '../tensor/index.ts';
import type { Call } from './call.ts';
import { counted, type Window } from './windows.ts';

export const isByte = (x: Tensor): boolean => x.dtype === 'int8' || x.dtype === 'uint8';

/** What sums become: bytes at `scales` (float32, one or one for each output) with a zero point, within limits. */
export interface Target {
  readonly dtype: DType;
  readonly scales: Tensor;
  readonly zero: number;
  readonly low?: number;
  readonly high?: number;
}

/** A number that is the same for all elements of input i, such as a zero point; null: it is not, or no plan may read it. Absent: 0. */
export function single(c: Call, i: number): number | null {
  if (!c.has(i)) return 0;
  const v = c.v(i);
  if (!v.known && capturing() !== null) return null;
  const [first, ...rest] = v.numbers();
  return first !== undefined && rest.every((z) => z === first) ? first : null;
}

const attrsOf = (to: Target | null): Record<string, unknown> => {
  if (to === null) return { dtype: 'int32' };
  const { scales: _, ...attrs } = to;
  return attrs;
};
const scalesOf = (to: Target | null): Tensor => to?.scales.reshape([1, -1]) ?? ones([1, 1], { dtype: 'float32' });

/** a [.., k] times b [k, n], less their zero points: int32 sums, or what `to` makes of them; null where the kernels do not fit. */
export function byteProduct(
  a: Tensor,
  b: Tensor,
  [xZero, wZero]: readonly [number, number],
  bias: Tensor | null,
  to: Target | null,
): Tensor | null {
  if (!quantisedJoined() || !isByte(a) || !isByte(b) || b.ndim !== 2 || a.ndim < 1) return null;
  const [k, n] = b.shape;
  if (k === 0 || k > LONGEST || a.shape[a.ndim - 1] !== k) return null;
  const rows = a.reshape([1, 1, -1, k]);
  const w = b.t().contiguous().reshape([n, 1, 1, k]);
  const how = { stride: [1, 1], dilation: [1, 1], padding: [0, 0], out: [1, rows.shape[2]] };
  return call(integerConvolution, [rows, w, bias, scalesOf(to)], { ...attrsOf(to), ...how, xZero, wZero }).reshape([
    ...a.shape.slice(0, -1),
    n,
  ]);
}

const backOrder = (rank: number): number[] => [0, ...Array.from({ length: rank - 2 }, (_, i) => i + 2), 1];
const pictured = (x: Tensor): Tensor => (x.ndim === 3 ? x.unsqueeze(2) : x).permute([0, 2, 3, 1]);

/** A convolution of x [n, c, (h,) w] with w [out, c / groups, (kh,) kw]; as byteProduct. */
export function byteConvolution(
  x: Tensor,
  w: Tensor,
  window: Window,
  groups: number,
  [xZero, wZero]: readonly [number, number],
  bias: Tensor | null,
  to: Target | null,
): Tensor | null {
  const rank = x.ndim;
  if (!quantisedJoined() || !isByte(x) || !isByte(w) || (rank !== 3 && rank !== 4) || w.ndim !== rank) return null;
  const [outs, depth] = w.shape;
  const own = groups > 1 && groups === x.shape[1] && depth === 1 && outs % groups === 0 && to !== null;
  if (!own && (groups !== 1 || depth !== x.shape[1])) return null;
  if (w.numel === 0 || w.numel / outs > LONGEST || [...window.before, ...window.after].some((p) => p < 0)) return null;
  const two = (list: readonly number[], first: number): number[] => (list.length === 1 ? [first, ...list] : [...list]);
  const out = x.shape.slice(2).map((size, i) => counted(size, window, i));
  const how = { stride: two(window.strides, 1), dilation: two(window.dilations, 1), padding: two(window.before, 0), out: two(out, 1) };
  const kernel = rank === 3 ? w.unsqueeze(2) : w;
  const weight = own ? kernel.permute([1, 2, 3, 0]).contiguous() : kernel.permute([0, 2, 3, 1]).contiguous();
  const attrs = { ...attrsOf(to), ...how, xZero, wZero };
  const y = call(own ? integerDepthwise : integerConvolution, [pictured(x), weight, bias, scalesOf(to)], attrs).permute([0, 3, 1, 2]);
  return rank === 3 ? y.squeeze(2) : y;
}

/** The largest bytes of windows; null where the kernel does not fit. */
export function bytePool(x: Tensor, window: Window, out: readonly number[]): Tensor | null {
  if (!quantisedJoined() || !isByte(x) || x.ndim !== 4 || window.dilations.some((d) => d !== 1) || window.before.some((p) => p < 0))
    return null;
  // A window that lies in the border alone has no largest byte.
  if (window.before.some((p, i) => p >= window.kernel[i] || (out[i] - 1) * window.strides[i] - p >= x.shape[2 + i])) return null;
  const attrs = { mean: false, size: window.kernel, stride: window.strides, padding: window.before, out };
  return call(integerPool, [pictured(x)], attrs).permute([0, 3, 1, 2]);
}

/** How one operand's bytes stand for real numbers. */
export interface Affine {
  readonly scale: number;
  readonly zero: number;
}
const fround = Math.fround;
/** The numbers of a sum, as onnxruntime prepares them: zero points in one term. */
function sumOf(a: Affine, b: Affine, y: Affine): Record<string, number> {
  const [aScale, bScale] = [fround(a.scale / y.scale), fround(b.scale / y.scale)];
  return { aScale, bScale, fixed: fround(y.zero - fround(fround(aScale * a.zero) + fround(bScale * b.zero))) };
}
const productOf = (a: Affine, b: Affine, y: Affine): Record<string, number> => ({
  ...{ aScale: fround(fround(a.scale * b.scale) / y.scale), zero: y.zero },
  ...{ aZero: a.zero, bZero: b.zero },
});
/** The sum or product of two operands as real numbers; null where the kernel does not fit. */
export function byteJoin(a: Tensor, b: Tensor, times: boolean, qa: Affine, qb: Affine, to: Omit<Target, 'scales'> & Affine): Tensor | null {
  if (!quantisedJoined() || !isByte(a) || !isByte(b)) return null;
  const shape = broadcast('QLinear', a.shape, b.shape);
  const [x, y] = [expand(a, shape), expand(b, shape)];
  // Elements are taken as they lie, so that images stay in their order.
  const order = backOrder(shape.length);
  const lies = shape.length > 2 && [x, y].every((t) => !t.rowMajor && t.permute(order).rowMajor);
  const attrs = { dtype: to.dtype, low: to.low, high: to.high, times, ...(times ? productOf(qa, qb, to) : sumOf(qa, qb, to)) };
  if (!lies) return call(joined, [x, y], attrs);
  return call(joined, [x.permute(order), y.permute(order)], attrs).permute([0, shape.length - 1, ...shape.slice(2).map((_, i) => i + 1)]);
}
