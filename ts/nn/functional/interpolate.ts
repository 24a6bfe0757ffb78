import { ShapeError, ValueError } from '../../base/errors.ts';
import { show } from '../../base/shape.ts';
import { type Tensor, tensor } from '../../tensor/index.ts';

/** How images are scaled. */
export interface InterpolateOptions {
  /** Size of the result, one number for all spatial dimensions or one each; or scaleFactor. */
  readonly size?: number | readonly number[] | null;
  readonly scaleFactor?: number | readonly number[] | null;
  /** Default 'nearest'. */
  readonly mode?: 'nearest' | 'nearest-exact' | 'linear' | 'bilinear' | 'trilinear' | 'bicubic';
  /** Corner pixels lie at the corners of both images; not for 'nearest'. */
  readonly alignCorners?: boolean | null;
  /** Use the ratio of the sizes rather than scaleFactor itself. */
  readonly recomputeScaleFactor?: boolean | null;
}
/** Which elements of a line of n take part at each of m places, and by how much. */
type Taps = { readonly index: number[]; readonly weight: number[] }[];

/** Cubic convolution with a = -0.75 (Keys 1981). */
function cubic(t: number): number[] {
  const a = -0.75;
  const near = (x: number): number => ((a + 2) * x - (a + 3)) * x * x + 1;
  const far = (x: number): number => ((a * x - 5 * a) * x + 8 * a) * x - 4 * a;
  return [far(t + 1), near(t), near(1 - t), far(2 - t)];
}
function taps(mode: string, n: number, m: number, scale: number, align: boolean): Taps {
  const clip = (i: number): number => Math.min(Math.max(i, 0), n - 1);
  const places = Array.from({ length: m }, (_, j) => {
    if (mode === 'nearest') return { at: Math.min(Math.floor(Math.fround(j * Math.fround(scale))), n - 1), rest: 0 };
    if (mode === 'nearest-exact') return { at: Math.min(Math.floor((j + 0.5) * scale), n - 1), rest: 0 };
    const x = align ? (m > 1 ? (j * (n - 1)) / (m - 1) : 0) : (j + 0.5) * scale - 0.5;
    const y = mode === 'bicubic' ? x : Math.max(x, 0);
    return { at: Math.floor(y), rest: y - Math.floor(y) };
  });
  if (mode.startsWith('nearest')) return [{ index: places.map((p) => p.at), weight: [] }];
  const steps = mode === 'bicubic' ? [-1, 0, 1, 2] : [0, 1];
  const weights = places.map((p) => (mode === 'bicubic' ? cubic(p.rest) : [1 - p.rest, p.rest]));
  return steps.map((s, k) => ({ index: places.map((p) => clip(p.at + s)), weight: weights.map((w) => w[k]) }));
}

/**
 * Images [N, C, ...] scaled to a size or by a factor, one dimension after the other.
 * @throws ShapeError, ValueError
 * @example F.interpolate(ones([1, 1, 2, 2]), { scaleFactor: 2 }).shape // [1, 1, 4, 4]
 */
export function interpolate(x: Tensor, options: InterpolateOptions): Tensor {
  const { size = null, scaleFactor = null, mode = 'nearest', alignCorners = false, recomputeScaleFactor = false } = options;
  const dims = x.ndim - 2;
  const rank: Record<string, number> = { linear: 1, bilinear: 2, trilinear: 3, bicubic: 2 };
  if (!['nearest', 'nearest-exact', ...Object.keys(rank)].includes(mode)) throw new ValueError(`interpolate: mode '${mode}' is unknown`);
  if (dims < 1 || (rank[mode] !== undefined && rank[mode] !== dims))
    throw new ShapeError(
      `interpolate: input ${show(x.shape)} must be [N, C, ...] with ${rank[mode] ?? 'at least 1'} spatial dimensions for mode '${mode}'`,
    );
  if ((size === null) === (scaleFactor === null)) throw new ValueError('interpolate: give either size or scaleFactor');
  const each = (v: number | readonly number[]): number[] => (typeof v === 'number' ? new Array<number>(dims).fill(v) : [...v]);
  const factors = scaleFactor === null ? null : each(scaleFactor);
  const sizes = size === null ? (factors as number[]).map((f, i) => Math.floor(x.shape[2 + i] * f)) : each(size);
  if (sizes.length !== dims || sizes.some((n) => !(n > 0)))
    throw new ValueError(`interpolate: size ${show(sizes)} must hold ${dims} positive numbers`);
  let y = x;
  sizes.forEach((m, i) => {
    const n = x.shape[2 + i];
    const scale = factors !== null && !recomputeScaleFactor ? 1 / factors[i] : n / m;
    y = resample(y, 2 + i, taps(mode, n, m, scale, alignCorners ?? false));
  });
  return y;
}
function resample(x: Tensor, dim: number, list: Taps): Tensor {
  const parts = list.map(({ index, weight }) => {
    const picked = x.indexSelect(dim, tensor(index, { dtype: 'int64' }));
    if (weight.length === 0) return picked;
    return picked.mul(tensor(weight, { dtype: x.dtype }).reshape(x.shape.map((_, d) => (d === dim ? -1 : 1))));
  });
  return parts.reduce((a, b) => a.add(b));
}
/** interpolate by nearest neighbours. */
export function upsampleNearest(x: Tensor, options: Pick<InterpolateOptions, 'size' | 'scaleFactor'>): Tensor {
  return interpolate(x, { ...options, mode: 'nearest' });
}
/** interpolate by bilinear weights with aligned corners. */
export function upsampleBilinear(x: Tensor, options: Pick<InterpolateOptions, 'size' | 'scaleFactor'>): Tensor {
  return interpolate(x, { ...options, mode: 'bilinear', alignCorners: true });
}
