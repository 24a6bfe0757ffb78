// Convolutions and pools.
import { isFloat } from '../base/dtype.ts';
import { show } from '../base/shape.ts';
import { functional as F } from '../nn/index.ts';
import { TABLE } from '../ops/networks.ts';
import type { KernelOp } from '../ops/op.ts';
import { arange, callKernel, type Tensor, tensor, zeros } from '../tensor/index.ts';
import { bytePool } from './bytes.ts';
import type { Call, Row } from './call.ts';
import { RANGES } from './types.ts';
import { Value } from './value.ts';
import { counted, type Window, windowOf } from './windows.ts';

const product = (list: readonly number[]): number => list.reduce((a, b) => a * b, 1);

/** Zeros, or another value, around the spatial dimensions. */
function padded(x: Tensor, before: readonly number[], after: readonly number[], value: number = 0): Tensor {
  if ([...before, ...after].every((p) => p === 0)) return x;
  return x.pad(
    before.flatMap((_, i) => [before[before.length - 1 - i], after[after.length - 1 - i]]),
    { value },
  );
}

/** The convolution that a node's attributes describe. */
export function convolution(c: Call, x: Tensor, w: Tensor, bias: Tensor | null): Tensor {
  const n = x.ndim - 2;
  if (n < 1 || w.ndim !== x.ndim) c.fail(`x ${show(x.shape)} and w ${show(w.shape)} do not fit each other`);
  if (n > 3) c.fail(`${n} spatial dimensions; convolutions have at most three`);
  const window = windowOf(c, x.shape.slice(2), c.intsOr('kernel_shape') ?? w.shape.slice(2));
  const { strides, dilations, before, after } = window;
  c.room([x.shape[0], w.shape[0], ...x.shape.slice(2).map((size, i) => counted(size, window, i))]);
  const groups = c.int('group', 1);
  const negative = [...before, ...after].some((p) => p < 0);
  const image = negative ? padded(x, before, after) : x;
  const zero = before.map(() => 0);
  const [padding, paddingEnd] = negative ? [zero, zero] : [before, after];
  const attrs = { stride: strides, padding, paddingEnd, dilation: dilations, groups };
  return callKernel(TABLE.convolution as KernelOp, [image, w, bias], attrs)[0];
}

function conv(c: Call): Tensor {
  const [x, w] = [c.x(0), c.x(1)];
  return convolution(c, x, w, c.opt(2));
}

function convTranspose(c: Call): Tensor {
  const [x, w] = [c.x(0), c.x(1)];
  const n = x.ndim - 2;
  if (n < 1 || n > 3 || w.ndim !== x.ndim) c.fail(`x ${show(x.shape)} and w ${show(w.shape)} do not fit each other`);
  const kernel = c.intsOr('kernel_shape') ?? w.shape.slice(2);
  const image = x.shape.slice(2);
  const each = (name: string, otherwise: number): number[] => c.intsOr(name) ?? new Array<number>(n).fill(otherwise);
  const [stride, dilation, extra] = [each('strides', 1), each('dilations', 1), each('output_padding', 0)];
  const full = image.map((size, i) => stride[i] * (size - 1) + extra[i] + (kernel[i] - 1) * dilation[i] + 1);
  const auto = c.str('auto_pad', 'NOTSET');
  const wanted = c.intsOr('output_shape')?.slice(-n) ?? (auto.startsWith('SAME') ? image.map((size, i) => size * stride[i]) : null);
  let before = c.intsOr('pads')?.slice(0, n) ?? new Array<number>(n).fill(0);
  let after = c.intsOr('pads')?.slice(n) ?? new Array<number>(n).fill(0);
  if (auto === 'VALID') [before, after] = [before.map(() => 0), after.map(() => 0)];
  if (wanted !== null) {
    const total = full.map((size, i) => size - wanted[i]);
    const small = total.map((t) => Math.trunc(t / 2));
    const large = total.map((t, i) => t - small[i]);
    [before, after] = auto === 'SAME_UPPER' ? [small, large] : [large, small];
  }
  const inputSize = full.map((size, i) => size - before[i] - after[i]);
  c.room([x.shape[0], w.shape[1] * c.int('group', 1), ...full]);
  c.room([x.shape[0], w.shape[1] * c.int('group', 1), ...inputSize]);
  const paddingEnd = after.map((a, i) => a - extra[i]);
  // A kernel that leaves some places untouched reads beyond its image: what is negative is cut off or added afterwards.
  const crop = before.map((b) => Math.max(0, -b));
  const y = callKernel(TABLE.convolutionInput as KernelOp, [x, w], {
    inputSize: inputSize.map((s, i) => s - crop[i]),
    stride,
    padding: before.map((b) => Math.max(0, b)),
    paddingEnd,
    dilation,
    groups: c.int('group', 1),
  })[0];
  const whole = padded(
    y,
    crop,
    crop.map(() => 0),
  );
  const bias = c.opt(2);
  return bias === null ? whole : whole.add(bias.reshape([-1, ...new Array<number>(n).fill(1)]));
}

/** Sizes after a pool, and what is added behind the padding for windows that reach beyond it. */
function poolSize(c: Call, image: readonly number[], w: Window): { out: number[]; extra: number[] } {
  const ceil = c.int('ceil_mode', 0) !== 0;
  const out = image.map((size, i) => {
    const span = size + w.before[i] + w.after[i] - ((w.kernel[i] - 1) * w.dilations[i] + 1);
    const count = (ceil ? Math.ceil(span / w.strides[i]) : Math.floor(span / w.strides[i])) + 1;
    // A window that starts in the padding behind the image is left out.
    const last = ceil && (count - 1) * w.strides[i] >= size + w.before[i] ? count - 1 : count;
    if (last < 1) c.fail(`the kernel ${show(w.kernel)} is larger than the padded image ${show(image)}`);
    return last;
  });
  const extra = image.map((size, i) =>
    Math.max(0, (out[i] - 1) * w.strides[i] + (w.kernel[i] - 1) * w.dilations[i] + 1 - size - w.before[i] - w.after[i]),
  );
  const maps = c.v(0).shape.slice(0, 2);
  c.room([...maps, ...image.map((size, i) => Math.max(0, size + w.before[i] + w.after[i] + extra[i]))]);
  c.room([...maps, ...out]);
  return { out, extra };
}
const symmetric = (w: Window): boolean => w.before.every((b, i) => b === w.after[i] && b <= w.kernel[i] / 2 && b >= 0);
const kernelOf = (c: Call): number[] => c.intsOr('kernel_shape') ?? c.fail("the attribute 'kernel_shape' is missing");

function maxPool(c: Call): (Tensor | Value)[] {
  const given = c.x(0);
  const image = given.shape.slice(2);
  const n = image.length;
  const w = windowOf(c, image, kernelOf(c));
  const { out, extra } = poolSize(c, image, w);
  const bytes = c.wants(1) ? null : bytePool(given, w, out);
  if (bytes !== null) return [c.same(bytes)];
  const x = isFloat(given.dtype) ? given : given.to('float32');
  const direct = symmetric(w) && extra.every((e) => e === 0) && isFloat(given.dtype);
  const after = w.after.map((a, i) => a + extra[i]);
  // Bytes have a least one instead of an infinity.
  const least = isFloat(given.dtype) ? -Infinity : (RANGES[c.type(0)]?.[0] ?? -Infinity);
  const source = direct ? x : padded(x, w.before, after, least);
  const options = { stride: w.strides, dilation: w.dilations, padding: direct ? w.before : 0 };
  const run =
    [F.maxPool1dWithIndices, F.maxPool2dWithIndices, F.maxPool3dWithIndices][n - 1] ??
    c.fail(`${n} spatial dimensions; pools have at most three`);
  let [y, at] = run(source, w.kernel, options);
  const cut = (t: Tensor): Tensor => out.reduce((u, size, i) => (u.shape[2 + i] === size ? u : u.narrow(2 + i, 0, size)), t);
  [y, at] = [cut(y), cut(at)];
  const values = c.same(y.to(given.dtype));
  if (!c.wants(1)) return [values];
  // The place in the whole tensor, from the place in its (padded) image.
  const grid = source.shape.slice(2);
  const offset = direct ? w.before.map(() => 0) : w.before;
  const column = c.int('storage_order', 0) === 1;
  let rest = at;
  let index: Tensor | null = null;
  const weights = image.map((_, i) => product(column ? image.slice(0, i) : image.slice(i + 1)));
  for (let i = n - 1; i >= 0; i--) {
    const part = rest.remainder(grid[i]).sub(offset[i]).mul(weights[i]);
    rest = rest.floorDivide(grid[i]);
    index = index === null ? part : index.add(part);
  }
  const maps = arange(given.shape[0] * given.shape[1])
    .mul(product(image))
    .reshape([given.shape[0], given.shape[1], ...image.map(() => 1)]);
  return [values, Value.of((index as Tensor).add(maps), 'int64')];
}

/** Sums over windows of x, which is padded already. */
function windowSums(c: Call, x: Tensor, w: Window, out: readonly number[]): Tensor {
  let y = x;
  c.turns(w.kernel.reduce((a, b) => a + b, 0));
  w.kernel.forEach((k, i) => {
    const dim = 2 + i;
    let sum: Tensor | null = null;
    for (let t = 0; t < k; t++) {
      const from = t * w.dilations[i];
      const part = y.slice(dim, from, from + (out[i] - 1) * w.strides[i] + 1, w.strides[i]);
      sum = sum === null ? part : sum.add(part);
    }
    y = sum as Tensor;
  });
  return y;
}
function averagePool(c: Call): Tensor {
  const x = c.x(0);
  const image = x.shape.slice(2);
  const w = windowOf(c, image, kernelOf(c));
  const { out, extra } = poolSize(c, image, w);
  const include = c.int('count_include_pad', 0) !== 0;
  const run = [F.avgPool1d, F.avgPool2d, F.avgPool3d][image.length - 1];
  if (run !== undefined && symmetric(w) && w.dilations.every((d) => d === 1)) {
    const ceilMode = extra.some((e) => e > 0);
    return run(x, w.kernel, { stride: w.strides, padding: w.before, countIncludePad: include, ceilMode });
  }
  const after = w.after.map((a, i) => a + extra[i]);
  let y = windowSums(c, padded(x, w.before, after), w, out);
  image.forEach((size, i) => {
    c.list(out[i] * w.kernel[i]);
    const counts = Array.from({ length: out[i] }, (_, o) => {
      let count = 0;
      for (let t = 0; t < w.kernel[i]; t++) {
        const at = o * w.strides[i] + t * w.dilations[i] - w.before[i];
        if (include ? at < size + w.after[i] : at >= 0 && at < size) count++;
      }
      return count;
    });
    y = y.div(tensor(counts, { dtype: x.dtype }).reshape(y.shape.map((_, d) => (d === 2 + i ? -1 : 1))));
  });
  return y;
}
function lpPool(c: Call): Tensor {
  const x = c.x(0);
  const image = x.shape.slice(2);
  const w = windowOf(c, image, kernelOf(c));
  const { out, extra } = poolSize(c, image, w);
  const p = c.int('p', 2);
  const powers = p === 2 ? x.mul(x) : p === 1 ? x.abs() : x.abs().pow(p);
  const sums = windowSums(
    c,
    padded(
      powers,
      w.before,
      w.after.map((a, i) => a + extra[i]),
    ),
    w,
    out,
  );
  return p === 2 ? sums.sqrt() : p === 1 ? sums : sums.pow(1 / p);
}
const spatial = (x: Tensor): number[] => x.shape.map((_, i) => i).slice(2);

function globalLp(x: Tensor, p: number): Tensor {
  return x.norm(p, spatial(x), { keepdim: true });
}

function maxUnpool(c: Call): Tensor {
  const x = c.x(0);
  const image = x.shape.slice(2);
  const w = windowOf(c, image, kernelOf(c));
  const inferred = image.map((size, i) => (size - 1) * w.strides[i] + w.kernel[i] - w.before[i] - w.after[i]);
  const maps = x.shape[0] * x.shape[1];
  c.room([maps, ...inferred]);
  const flat = zeros([maps * product(inferred)], { dtype: x.dtype }).scatter(0, c.x(1).reshape([-1]), x.reshape([-1]));
  const y = flat.reshape([x.shape[0], x.shape[1], ...inferred]);
  if (!c.has(2)) return y;
  const wanted = c.numbers(2).slice(2);
  c.room([maps, ...wanted]);
  return padded(
    y,
    wanted.map(() => 0),
    wanted.map((size, i) => size - inferred[i]),
  );
}

/** Columns to images: what unfolding took apart, overlaps added. */
function col2im(c: Call): Tensor {
  const x = c.x(0);
  const image = c.numbers(1);
  const block = c.numbers(2);
  const n = image.length;
  const w = windowOf(c, image, block);
  const channels = x.shape[1] / product(block);
  const grid = image.map(
    (size, i) => Math.floor((size + w.before[i] + w.after[i] - (block[i] - 1) * w.dilations[i] - 1) / w.strides[i]) + 1,
  );
  const size = image.map((s, i) => s + w.before[i] + w.after[i]);
  c.room([...grid, ...block]);
  c.room([x.shape[0], channels, ...size]);
  // The place of each element in the padded image.
  let at = tensor(0, { dtype: 'int64' });
  for (let i = 0; i < n; i++) {
    const taps = arange(block[i]).mul(w.dilations[i]).reshape([block[i], 1]);
    const starts = arange(grid[i]).mul(w.strides[i]).reshape([1, grid[i]]);
    const places = taps
      .add(starts)
      .reshape([...block.map((_, k) => (k === i ? block[i] : 1)), ...grid.map((_, k) => (k === i ? grid[i] : 1))]);
    at = at.mul(size[i]).add(places);
  }
  const flat = x.reshape([x.shape[0], channels, -1]);
  const index = at.reshape([1, 1, -1]).expand(flat.shape);
  const y = zeros([x.shape[0], channels, product(size)], { dtype: x.dtype }).scatterAdd(2, index, flat);
  return image.reduce((u, s, i) => u.narrow(2 + i, w.before[i], s), y.reshape([x.shape[0], channels, ...size]));
}

/** Convolutions and pools. */
export const CONVOLUTIONS: Readonly<Record<string, Row>> = {
  Conv: { run: conv },
  ConvTranspose: { run: convTranspose },
  MaxPool: { run: maxPool },
  AveragePool: { run: averagePool },
  LpPool: { run: lpPool },
  GlobalAveragePool: {
    run: (c) => {
      const x = c.x(0);
      const pool = isFloat(x.dtype) ? [F.adaptiveAvgPool1d, F.adaptiveAvgPool2d, F.adaptiveAvgPool3d][x.ndim - 3] : undefined;
      return pool?.(x, 1) ?? x.mean(spatial(x), { keepdim: true });
    },
  },
  GlobalMaxPool: { run: (c) => c.x(0).amax(spatial(c.x(0)), { keepdim: true }) },
  GlobalLpPool: { run: (c) => globalLp(c.x(0), c.int('p', 2)) },
  MaxUnpool: { host: [2], run: maxUnpool },
  Col2Im: { host: [1, 2], run: col2im },
};
