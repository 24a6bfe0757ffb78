// Pictures: padding, resizing, sampling.
import { show } from '../base/shape.ts';
import { channelsOf, readPicture } from '../formats/pictures/index.ts';
import { type Tensor, tensor } from '../tensor/index.ts';
import type { Call, Row } from './call.ts';
import { moves } from './ops-shape.ts';
import { Value } from './value.ts';

/** Amounts of padding, [before of every axis, after of every axis], from negative ones on taken away. */
function pad(x: Tensor, c: Call): Tensor {
  const pads = c.either('pads', 1) ?? c.intsOr('paddings') ?? c.fail('the amounts are missing');
  const axes = c.has(3) ? c.numbers(3).map((a) => c.axis(a, x.ndim)) : x.shape.map((_, i) => i);
  if (pads.length !== 2 * axes.length) c.fail(`pads ${show(pads)} does not hold two amounts for each of ${axes.length} axes`);
  const mode = c.str('mode', 'constant');
  const value = c.has(2) ? c.numbers(2)[0] : c.float('value', 0);
  let y = x.dtype === 'bool' ? x.to('uint8') : x;
  axes.forEach((dim, i) => {
    const [before, after] = [pads[i], pads[i + axes.length]];
    if (before === 0 && after === 0) return;
    c.room(y.shape.map((n, d) => (d === dim ? n + before + after : n)));
    if (mode === 'constant') {
      const amounts = new Array<number>(2 * (x.ndim - dim)).fill(0);
      amounts[amounts.length - 2] = before;
      amounts[amounts.length - 1] = after;
      y = y.pad(amounts, { value });
      return;
    }
    y = y.indexSelect(dim, line(edgePlaces(mode, y.shape[dim], before, after, c)));
  });
  return y.to(x.dtype);
}
const line = (list: readonly number[]): Tensor => tensor(list, { dtype: 'int64', shape: [list.length] });

function edgePlaces(mode: string, n: number, before: number, after: number, c: Call): number[] {
  const size = n + before + after;
  if (size < 0 || (n === 0 && size > 0)) c.fail(`a dimension of ${n} cannot be padded by ${before} and ${after} in mode ${mode}`);
  const wrap = (i: number, m: number): number => ((i % m) + m) % m;
  return Array.from({ length: c.list(size) }, (_, k) => {
    const i = k - before;
    if (mode === 'edge') return Math.min(Math.max(i, 0), n - 1);
    if (mode === 'wrap') return wrap(i, n);
    if (mode !== 'reflect') return c.fail(`the mode '${mode}' is unknown`);
    if (n === 1) return 0;
    const t = wrap(i, 2 * (n - 1));
    return t < n ? t : 2 * (n - 1) - t;
  });
}

/** How one axis is resampled: for each new place, old places and their weights; null: outside, the extrapolation value. */
type Taps = readonly ({ readonly at: readonly number[]; readonly weight: readonly number[] } | null)[];

interface Resampling {
  readonly mode: string;
  readonly transform: string;
  readonly nearest: string;
  readonly a: number;
  readonly exclude: boolean;
  readonly antialias: boolean;
}

function origin(x: number, n: number, m: number, scale: number, r: Resampling, roi: readonly [number, number]): number {
  const width = scale * n;
  switch (r.transform) {
    case 'align_corners':
      return width <= 1 || m === 1 ? 0 : (x * (n - 1)) / (width - 1);
    case 'asymmetric':
      return x / scale;
    case 'tf_crop_and_resize':
      return m > 1 ? roi[0] * (n - 1) + (x * (roi[1] - roi[0]) * (n - 1)) / (m - 1) : 0.5 * (roi[0] + roi[1]) * (n - 1);
    case 'pytorch_half_pixel':
      return m > 1 ? (x + 0.5) / scale - 0.5 : -0.5;
    case 'tf_half_pixel_for_nn':
      return (x + 0.5) / scale;
    case 'half_pixel_symmetric':
      return (n / 2) * (1 - m / width) + (x + 0.5) / scale - 0.5;
    default:
      return (x + 0.5) / scale - 0.5;
  }
}
function kernel(mode: string, t: number, a: number): number {
  const x = Math.abs(t);
  if (mode === 'linear') return Math.max(0, 1 - x);
  if (x <= 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  return x < 2 ? ((a * x - 5 * a) * x + 8 * a) * x - 4 * a : 0;
}
function tapsOf(n: number, m: number, scale: number, r: Resampling, roi: readonly [number, number]): Taps {
  const clip = (i: number): number => Math.min(Math.max(i, 0), n - 1);
  return Array.from({ length: m }, (_, k) => {
    const x = origin(k, n, m, scale, r, roi);
    if (r.transform === 'tf_crop_and_resize' && (x < 0 || x > n - 1)) return null;
    const base = Math.floor(x);
    if (r.mode === 'nearest') {
      const rest = x - base;
      const up =
        r.nearest === 'ceil' ? rest > 0 : r.nearest === 'floor' ? false : r.nearest === 'round_prefer_ceil' ? rest >= 0.5 : rest > 0.5;
      return { at: [clip(up ? base + 1 : base)], weight: [1] };
    }
    const reach = r.mode === 'linear' ? 1 : 2;
    const s = r.antialias ? Math.min(scale, 1) : 1;
    const from = Math.floor(-reach / s) + 1;
    const at: number[] = [];
    let weight: number[] = [];
    for (let i = from; i <= 1 - from; i++) {
      at.push(base + i);
      weight.push(kernel(r.mode, (base + i - x) * s, r.a));
    }
    if (r.exclude) weight = weight.map((w, i) => (at[i] < 0 || at[i] >= n ? 0 : w));
    const sum = weight.reduce((p, q) => p + q, 0);
    if (r.exclude || r.antialias) weight = weight.map((w) => w / sum);
    return { at: at.map(clip), weight };
  });
}
function resample(x: Tensor, dim: number, taps: Taps, beyond: number): Tensor {
  const shape = x.shape.map((_, i) => (i === dim ? -1 : 1));
  const column = (list: readonly number[], like: Tensor): Tensor =>
    tensor(list, { dtype: like.dtype, shape: [list.length] }).reshape(shape);
  const inside = taps.map((t) => t ?? { at: new Array<number>(taps.find((u) => u !== null)?.at.length ?? 1).fill(0), weight: [] });
  const count = inside[0]?.at.length ?? 0;
  const single = count === 1;
  let y: Tensor | null = null;
  for (let k = 0; k < count; k++) {
    const part = x.indexSelect(dim, line(inside.map((t) => t.at[k])));
    const weighted = single
      ? part
      : part.mul(
          column(
            inside.map((t) => t.weight[k] ?? 0),
            part,
          ),
        );
    y = y === null ? weighted : y.add(weighted);
  }
  const result = y ?? x.narrow(dim, 0, 0);
  if (taps.every((t) => t !== null)) return result;
  const on = tensor(
    taps.map((t) => t !== null),
    { dtype: 'bool' },
  ).reshape(shape);
  return result.maskedFill(on.logicalNot(), beyond);
}

function resize(c: Call): Value {
  const given = c.x(0);
  const upsample = c.node.op === 'Upsample';
  const old = upsample || c.version < 11;
  const mode = c.str('mode', 'nearest');
  const r: Resampling = {
    mode: mode === 'bilinear' ? 'linear' : mode === 'bicubic' ? 'cubic' : mode,
    transform: old ? 'asymmetric' : c.str('coordinate_transformation_mode', 'half_pixel'),
    nearest: old ? 'floor' : c.str('nearest_mode', 'round_prefer_floor'),
    a: c.float('cubic_coeff_a', -0.75),
    exclude: c.int('exclude_outside', 0) !== 0,
    antialias: c.int('antialias', 0) !== 0,
  };
  const rank = given.ndim;
  const axes = c.intsOr('axes')?.map((a) => c.axis(a, rank)) ?? given.shape.map((_, i) => i);
  const list = (i: number): number[] | null => {
    if (!c.has(i)) return null;
    const numbers = c.numbers(i);
    return numbers.length === 0 ? null : numbers;
  };
  let scales = old ? (c.has(1) ? c.numbers(1) : c.floatsOr('scales')) : list(2);
  const sizes = old ? null : list(3);
  const roi = r.transform === 'tf_crop_and_resize' ? (list(1) ?? c.fail('the region is missing')) : [];
  const region = (i: number): [number, number] => (roi.length > 0 ? [roi[i], roi[i + axes.length]] : [0, 1]);
  let out: number[];
  const n = axes.map((a) => given.shape[a]);
  if (sizes !== null) {
    if (sizes.length !== axes.length) c.fail(`sizes ${show(sizes)} do not fit ${axes.length} axes`);
    const ratios = sizes.map((s, i) => s / n[i]);
    const policy = c.str('keep_aspect_ratio_policy', 'stretch');
    const common = policy === 'not_larger' ? Math.min(...ratios) : policy === 'not_smaller' ? Math.max(...ratios) : null;
    scales = common === null ? ratios : ratios.map(() => common);
    out = common === null ? [...sizes] : n.map((s) => Math.floor(s * common + 0.5));
  } else {
    const factors = scales ?? c.fail('scales and sizes are both missing');
    if (factors.length !== axes.length) c.fail(`scales [${factors.join(', ')}] do not fit ${axes.length} axes`);
    out = factors.map((s, i) => Math.floor(n[i] * (region(i)[1] - region(i)[0]) * s));
    scales = factors;
  }
  const resized = [...given.shape];
  axes.forEach((a, i) => {
    resized[a] = out[i];
  });
  c.room(resized);
  // Antialiasing looks further the more the image shrinks.
  out.forEach((s, i) => {
    c.list(s * (r.antialias ? Math.ceil(4 / Math.min(1, (scales as number[])[i])) : 4));
  });
  const whole = r.mode !== 'nearest' && !['float32', 'float64'].includes(given.dtype);
  let y = whole ? given.to('float32') : given;
  const beyond = c.float('extrapolation_value', 0);
  axes.forEach((dim, i) => {
    const scale = (scales as number[])[i];
    if (out[i] === n[i] && scale === 1 && roi.length === 0) return;
    y = resample(y, dim, tapsOf(n[i], out[i], scale, r, region(i)), beyond);
  });
  return Value.of(
    whole && given.dtype !== 'float16' && given.dtype !== 'bfloat16' ? y.round().to(given.dtype) : y.to(given.dtype),
    c.type(0),
  );
}

/** Coordinates folded back between low and high. */
function reflected(x: Tensor, low: number, high: number): Tensor {
  const span = high - low;
  if (span <= 0) return x.mul(0);
  const t = x.sub(low).abs();
  const extra = t.fmod(span);
  const flips = t.div(span).floor();
  const even = flips.remainder(2).eq(0).to(x.dtype);
  return even.mul(extra.add(low)).add(even.neg().add(1).mul(extra.neg().add(high)));
}

/** Sampling at the places that a grid gives in the range from -1 to 1. */
function gridSample(c: Call): Tensor {
  const x = c.x(0);
  const grid = c.x(1).to(x.dtype);
  const dims = x.ndim - 2;
  if (grid.ndim !== x.ndim || grid.shape[dims + 1] !== dims) c.fail(`the grid ${show(grid.shape)} does not fit ${show(x.shape)}`);
  const align = c.int('align_corners', 0) !== 0;
  const padding = c.str('padding_mode', 'zeros');
  const mode = c.str('mode', 'linear').replace('bilinear', 'linear').replace('bicubic', 'cubic');
  const image = x.shape.slice(2);
  const [n, ch] = x.shape;
  const points = grid.shape.slice(1, -1);
  const settled = (p: Tensor, size: number): Tensor => {
    if (padding === 'border') return p.clamp(0, size - 1);
    if (padding === 'reflection') return (align ? reflected(p, 0, size - 1) : reflected(p, -0.5, size - 0.5)).clamp(0, size - 1);
    return p;
  };
  // One list of taps for each dimension: places and weights.
  const taps = image.map((size, i) => {
    const g = grid.select(dims + 1, dims - 1 - i).reshape([n, -1]);
    const at = align ? g.add(1).mul((size - 1) / 2) : g.add(1).mul(size).sub(1).div(2);
    const p = mode === 'cubic' ? at : settled(at, size);
    if (mode === 'nearest') return [{ at: settled(p.round(), size), weight: null }];
    const base = p.floor();
    const t = p.sub(base);
    if (mode === 'linear')
      return [
        { at: base, weight: t.neg().add(1) },
        { at: base.add(1), weight: t },
      ];
    return [-1, 0, 1, 2].map((k) => ({ at: settled(base.add(k), size), weight: cubic(t.sub(k).abs(), k === 0 || k === 1) }));
  });
  const flat = x.reshape([n, ch, -1]);
  let result: Tensor | null = null;
  const visit = (i: number, place: Tensor | null, weight: Tensor | null, inside: Tensor | null): void => {
    if (i === dims) {
      let value = flat.gather(2, (place as Tensor).unsqueeze(1).expand([n, ch, (place as Tensor).shape[1]]));
      if (weight !== null) value = value.mul(weight.unsqueeze(1));
      if (inside !== null) value = value.mul(inside.unsqueeze(1));
      result = result === null ? value : result.add(value);
      return;
    }
    const size = image[i];
    for (const tap of taps[i]) {
      const on = tap.at
        .ge(0)
        .logicalAnd(tap.at.le(size - 1))
        .to(x.dtype);
      const at = tap.at.clamp(0, size - 1).to('int64');
      visit(
        i + 1,
        place === null ? at : place.mul(size).add(at),
        tap.weight === null ? weight : weight === null ? tap.weight : weight.mul(tap.weight),
        inside === null ? on : inside.mul(on),
      );
    }
  };
  visit(0, null, null, null);
  return (result as unknown as Tensor).reshape([n, ch, ...points]);
}
/** Cubic convolution with a = -0.75 at a distance below 1 (near) or from 1 to 2. */
function cubic(x: Tensor, near: boolean): Tensor {
  const a = -0.75;
  if (near)
    return x
      .mul(a + 2)
      .sub(a + 3)
      .mul(x)
      .mul(x)
      .add(1);
  return x
    .mul(a)
    .sub(5 * a)
    .mul(x)
    .add(8 * a)
    .mul(x)
    .sub(4 * a);
}

function affineGrid(c: Call): Tensor {
  const theta = c.x(0);
  const size = c.numbers(1);
  const align = c.int('align_corners', 0) !== 0;
  const image = size.slice(2);
  const dims = image.length;
  c.room([...size, dims]);
  c.list(image.reduce((a, b) => a * b, 1));
  const total = image.reduce((a, b) => a * b, 1);
  const columns: Tensor[] = image.map((n, i) => {
    const list = Array.from({ length: n }, (_, k) => (align ? (n > 1 ? -1 + (2 * k) / (n - 1) : 0) : (2 * k + 1) / n - 1));
    return tensor(list, { dtype: theta.dtype })
      .reshape(image.map((_, d) => (d === i ? n : 1)))
      .expand(image)
      .reshape([total, 1]);
  });
  const ones = tensor(new Array<number>(total).fill(1), { dtype: theta.dtype }).reshape([total, 1]);
  let y = ones.matmul(theta.select(2, dims).unsqueeze(1));
  for (let i = 0; i < dims; i++) y = y.add(columns[dims - 1 - i].matmul(theta.select(2, i).unsqueeze(1)));
  return y.reshape([size[0], ...image, dims]);
}

/** The picture in a file that is the input: [height, width, channels] of uint8. */
function imageDecoder(c: Call): Value {
  const bytes = c.v(0).type === 'uint8' ? (c.v(0).data() as Uint8Array) : c.fail(`the file is ${c.type(0)} instead of uint8`);
  const format = c.str('pixel_format', 'RGB');
  if (!['RGB', 'BGR', 'Grayscale'].includes(format)) c.fail(`the pixel format ${format} is none of RGB, BGR, Grayscale`);
  const picture = readPicture(bytes, (shape) => c.room(shape));
  const channels = format === 'Grayscale' ? 1 : 3;
  const samples = channelsOf(picture, channels);
  if (format === 'BGR') for (let i = 0; i < samples.length; i += 3) samples.subarray(i, i + 3).reverse();
  return Value.known('uint8', [picture.height, picture.width, channels], samples);
}

/** Padding, resizing, sampling, pictures. */
export const IMAGES: Readonly<Record<string, Row>> = {
  Pad: moves(pad, [1, 2, 3]),
  Resize: { host: [1, 2, 3], fixed: [1, 2, 3], run: resize },
  Upsample: { host: [1], fixed: [1], run: resize },
  GridSample: { run: gridSample },
  ImageDecoder: { run: imageDecoder },
  AffineGrid: { host: [1], run: affineGrid },
};
