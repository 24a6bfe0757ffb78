// Shapes: views, parts, joins, borders and blocks.
import { FormatError } from '../base/errors.ts';
import { sizeOf } from '../base/shape.ts';
import { arange, cat, expand, flip, full, pad, repeat, scalar, stack, type Tensor, tensor } from '../tensor/index.ts';
import { type Call, operators } from './call.ts';
import { activated } from './ops-elementwise.ts';
import { rescaled } from './quantised.ts';

/** Complex numbers have a last dimension of two that the file does not count. */
const isComplex = (c: Call, i = 0): boolean => c.info(i).type.startsWith('complex');

function reshaped(c: Call): Tensor {
  const x = c.x(0);
  const asked = c.maybe(1) !== null ? c.numbers(1) : c.options.has(0) ? c.options.i32s(0) : c.out().shape;
  const shape = [...asked];
  const open = shape.indexOf(-1);
  const n = sizeOf(x.shape) / (isComplex(c) ? 2 : 1);
  if (open >= 0) {
    const rest = shape.reduce((p, s, d) => (d === open ? p : p * s), 1);
    shape[open] = rest === 0 ? 0 : n / rest;
  }
  const [last] = isComplex(c) ? x.shape.slice(-1) : [];
  if (last !== undefined) shape.push(last);
  if (sizeOf(shape) !== sizeOf(x.shape) || shape.some((s) => !Number.isInteger(s) || s < 0))
    throw new FormatError(`[${x.shape}] does not reshape to [${asked}]`);
  return x.reshape(shape);
}

/** Python's slice of each dimension, with masks for defaults, new and dropped dimensions. */
function stridedSlice(c: Call): Tensor {
  let x = c.x(0);
  const [begin, end, strides] = [1, 2, 3].map((i) => c.numbers(i));
  const [beginMask, endMask, ellipsis, added, dropped] = [0, 1, 2, 3, 4].map((i) => c.options.i32(i));
  const offset = c.options.bool(5);
  const n = begin.length;
  if (end.length !== n || strides.length !== n) throw new FormatError('begin, end and strides have different lengths');
  const has = (mask: number, i: number): boolean => ((mask >> i) & 1) === 1;
  const news = Array.from({ length: n }, (_, i) => i).filter((i) => has(added, i) && !has(ellipsis, i)).length;
  const drops: number[] = [];
  let d = 0;
  for (let i = 0; i < n; i++) {
    if (has(ellipsis, i)) {
      d += Math.max(
        0,
        x.ndim - d - (n - i - 1) + Array.from({ length: n - i - 1 }, (_, k) => i + 1 + k).filter((k) => has(added, k)).length,
      );
      continue;
    }
    if (has(added, i)) {
      x = x.unsqueeze(d++);
      continue;
    }
    const size = x.shape[d];
    if (size === undefined) throw new FormatError(`slices ${n - news} dimensions of a tensor that has ${x.ndim}`);
    const step = has(dropped, i) ? 1 : strides[i];
    if (step === 0) throw new FormatError('a stride of 0');
    const wrap = (v: number): number => (v < 0 ? v + size : v);
    const [low, high] = step > 0 ? [0, size] : [-1, size - 1];
    const clamp = (v: number): number => Math.min(Math.max(v, low), high);
    const from = has(beginMask, i) ? (step > 0 ? 0 : size - 1) : clamp(wrap(begin[i]));
    if (has(dropped, i)) {
      const at = has(beginMask, i) ? 0 : wrap(begin[i]);
      if (!(at >= 0 && at < size)) throw new FormatError(`index ${begin[i]} of a dimension of ${size}`);
      x = x.narrow(d, at, 1);
      drops.push(d++);
      continue;
    }
    const to = has(endMask, i) ? (step > 0 ? size : -1) : offset ? clamp(from + end[i]) : clamp(wrap(end[i]));
    const count = Math.max(0, Math.ceil((to - from) / step));
    if (step > 0) x = count === size ? x : x.slice(d, from, from + count * step, step);
    else {
      const last = from + (count - 1) * step;
      x = count === 0 ? x.narrow(d, 0, 0) : flip(x.slice(d, last, from + 1, -step), [d]);
    }
    d++;
  }
  return drops.length === 0 ? x : x.reshape(x.shape.filter((_, k) => !drops.includes(k)));
}

/** Pairs of sizes as pad takes them: the last dimension first. */
function borders(c: Call, rank: number): number[] {
  const list = c.numbers(1);
  if (list.length !== 2 * rank) throw new FormatError(`${list.length} borders for ${rank} dimensions`);
  if (list.some((n) => n < 0)) throw new FormatError(`a border of ${Math.min(...list)} elements`);
  return Array.from({ length: rank }, (_, k) => rank - 1 - k).flatMap((d) => [list[2 * d], list[2 * d + 1]]);
}
function padded(c: Call, value: number): Tensor {
  const x = c.x(0);
  const list = borders(c, x.ndim);
  c.room(x.shape.map((n, d) => n + list[2 * (x.ndim - 1 - d)] + list[2 * (x.ndim - 1 - d) + 1]));
  return pad(x, list, { value });
}
function mirrored(c: Call): Tensor {
  let x = c.x(0);
  const list = borders(c, x.ndim);
  const symmetric = c.options.i8(0) === 1;
  for (let d = 0; d < x.ndim; d++) {
    const [before, after] = [list[2 * (x.ndim - 1 - d)], list[2 * (x.ndim - 1 - d) + 1]];
    if (before === 0 && after === 0) continue;
    const n = x.shape[d];
    const most = symmetric ? n : n - 1;
    c.room(x.shape.map((m, k) => (k === d ? m + before + after : m)));
    c.list(n + before + after);
    if (before > most || after > most) throw new FormatError(`mirrors ${Math.max(before, after)} of ${n} elements`);
    const at = Array.from({ length: n + before + after }, (_, i) => {
      const k = i - before;
      return k < 0 ? -k - (symmetric ? 1 : 0) : k >= n ? 2 * n - k - (symmetric ? 1 : 2) : k;
    });
    x = x.indexSelect(d, tensor(at, { dtype: 'int32' }));
  }
  return x;
}

function concatenated(c: Call): Tensor {
  const list = c.all();
  if (list.length === 0) throw new FormatError('joins nothing');
  const axis = c.dim(c.options.i32(0), list[0].ndim);
  const same = list.map((x, i) => {
    if (!c.quantised(i) || !c.quantised(0)) return x;
    return rescaled(x, c.q(i), c.outType(), c.outQ());
  });
  return activated(same.length === 1 ? same[0].clone() : cat(same, axis), c.quantised() ? 0 : c.options.i8(1));
}

/** Spatial blocks moved into the batch, borders added first. */
function spaceToBatch(c: Call): Tensor {
  const x = c.x(0);
  const block = c.numbers(1);
  const edges = c.numbers(2);
  const m = block.length;
  if (edges.length !== 2 * m || x.ndim < m + 1 || block.some((b) => b < 1) || edges.some((e) => e < 0))
    throw new FormatError(`blocks [${block}] with borders [${edges}] of [${x.shape}]`);
  const zero = c.quantised() ? c.outQ().zero : 0;
  const list = [
    ...new Array<number>(2 * (x.ndim - m - 1)).fill(0),
    ...[...block.keys()].reverse().flatMap((i) => [edges[2 * i], edges[2 * i + 1]]),
  ];
  c.room(x.shape.map((n, d) => (d >= 1 && d <= m ? n + edges[2 * d - 2] + edges[2 * d - 1] : n)));
  const wide = list.some((n) => n > 0) ? pad(x, list, { value: zero }) : x;
  const rest = wide.shape.slice(m + 1);
  const cut = block.flatMap((b, i) => [wide.shape[1 + i] / b, b]);
  if (cut.some((n) => !Number.isInteger(n))) throw new FormatError(`blocks [${block}] do not divide [${wide.shape}]`);
  const parts = wide.reshape([x.shape[0], ...cut, ...rest]);
  const order = [...block.map((_, i) => 2 + 2 * i), 0, ...block.map((_, i) => 1 + 2 * i), ...rest.map((_, i) => 2 * m + 1 + i)];
  return parts.permute(order).reshape([x.shape[0] * sizeOf(block), ...block.map((_, i) => cut[2 * i]), ...rest]);
}
function batchToSpace(c: Call): Tensor {
  const x = c.x(0);
  const block = c.numbers(1);
  const crops = c.numbers(2);
  const m = block.length;
  const batch = x.shape[0] / sizeOf(block);
  if (crops.length !== 2 * m || x.ndim < m + 1 || !Number.isInteger(batch) || block.some((b) => b < 1) || crops.some((n) => n < 0))
    throw new FormatError(`blocks [${block}] cropped by [${crops}] of [${x.shape}]`);
  const rest = x.shape.slice(m + 1);
  const parts = x.reshape([...block, batch, ...x.shape.slice(1)]);
  const order = [m, ...block.flatMap((_, i) => [m + 1 + i, i]), ...rest.map((_, i) => 2 * m + 1 + i)];
  let y = parts.permute(order).reshape([batch, ...block.map((b, i) => b * x.shape[1 + i]), ...rest]);
  for (let i = 0; i < m; i++) {
    const left = y.shape[1 + i] - crops[2 * i] - crops[2 * i + 1];
    if (left < 0) throw new FormatError(`crops [${crops}] take more than there is`);
    y = y.narrow(1 + i, crops[2 * i], left);
  }
  return y;
}

operators({
  RESHAPE: reshaped,
  SQUEEZE: (c) => {
    const x = c.x(0);
    const dims = c.options.i32s(0).map((d) => c.dim(d, x.ndim));
    return x.reshape(x.shape.filter((n, d) => n !== 1 || (dims.length > 0 && !dims.includes(d))));
  },
  EXPAND_DIMS: (c) => {
    const d = c.number(1);
    const x = c.x(0);
    return x.unsqueeze(c.dim(d, x.ndim + 1));
  },
  TRANSPOSE: (c) => {
    const x = c.x(0);
    const order = c.numbers(1);
    if (order.length !== x.ndim) throw new FormatError(`the order [${order}] of ${x.ndim} dimensions`);
    return x.permute(order.map((d) => c.dim(d, x.ndim)));
  },
  STRIDED_SLICE: stridedSlice,
  SLICE: (c) => {
    const x = c.x(0);
    const [begin, size] = [c.numbers(1), c.numbers(2)];
    if (begin.length !== x.ndim || size.length !== x.ndim) throw new FormatError(`takes ${begin.length} dimensions of ${x.ndim}`);
    return begin.reduce((y, from, d) => {
      const n = size[d] === -1 ? x.shape[d] - from : size[d];
      if (!(from >= 0 && n >= 0 && from + n <= x.shape[d]))
        throw new FormatError(`elements ${from} to ${from + n} of a dimension of ${x.shape[d]}`);
      return y.narrow(d, from, n);
    }, x);
  },
  PACK: (c) => {
    const list = c.all();
    if (list.length === 0) throw new FormatError('joins nothing');
    return stack(list, c.dim(c.options.i32(1), list[0].ndim + 1));
  },
  UNPACK: (c) => {
    const d = c.dim(c.options.i32(1), c.x(0).ndim);
    if (c.x(0).shape[d] !== c.op.outputs.length) throw new FormatError(`${c.op.outputs.length} results of ${c.x(0).shape[d]} parts`);
    return c.x(0).unbind(d);
  },
  SPLIT: (c) => {
    const x = c.x(1);
    const d = c.dim(c.number(0), x.ndim);
    const n = c.options.i32(0);
    if (n !== c.op.outputs.length || n < 1 || x.shape[d] % n !== 0) throw new FormatError(`${n} equal parts of ${x.shape[d]}`);
    return x.split(Math.max(1, x.shape[d] / n), d);
  },
  SPLIT_V: (c) => {
    const x = c.x(0);
    const d = c.dim(c.number(2), x.ndim);
    const sizes = [...c.numbers(1)];
    const open = sizes.indexOf(-1);
    if (open >= 0) sizes[open] = x.shape[d] - sizes.reduce((sum, n) => sum + n, 1);
    if (sizes.some((n) => n < 0) || sizes.reduce((sum, n) => sum + n, 0) !== x.shape[d])
      throw new FormatError(`parts [${sizes}] of ${x.shape[d]}`);
    return x.split(sizes, d);
  },
  CONCATENATION: concatenated,
  PAD: (c) => padded(c, c.quantised() ? c.outQ().zero : 0),
  PADV2: (c) => padded(c, c.number(2)),
  MIRROR_PAD: mirrored,
  TILE: (c) => {
    const x = c.x(0);
    const counts = c.numbers(1);
    if (counts.length !== x.ndim || counts.some((n) => n < 0)) throw new FormatError(`repeats [${counts}] of ${x.ndim} dimensions`);
    c.room(x.shape.map((n, d) => n * counts[d]));
    return repeat(x, counts);
  },
  BROADCAST_TO: (c) => expand(c.x(0), c.room(c.numbers(1))),
  BROADCAST_ARGS: (c) => {
    const [a, b] = [c.numbers(0), c.numbers(1)];
    const rank = Math.max(a.length, b.length);
    const shape = Array.from({ length: rank }, (_, i) => {
      const [m, n] = [a[a.length - rank + i] ?? 1, b[b.length - rank + i] ?? 1];
      if (m !== n && m !== 1 && n !== 1) throw new FormatError(`[${a}] and [${b}] do not broadcast`);
      return m === 1 ? n : m;
    });
    return tensor(shape, { dtype: c.x(0).dtype });
  },
  SHAPE: (c) => tensor([...c.x(0).shape.slice(0, isComplex(c) ? -1 : undefined)], { dtype: c.outType() }),
  RANK: (c) => scalar(c.x(0).ndim - (isComplex(c) ? 1 : 0), { dtype: 'int32' }),
  REVERSE_V2: (c) => flip(c.x(0), c.dims(1, c.x(0).ndim)),
  SPACE_TO_DEPTH: (c) => {
    const x = c.x(0);
    const b = c.options.i32(0);
    const [n, h, w, k] = x.shape;
    if (x.ndim !== 4 || b < 1 || h % b !== 0 || w % b !== 0) throw new FormatError(`blocks of ${b} in [${x.shape}]`);
    return x
      .reshape([n, h / b, b, w / b, b, k])
      .permute([0, 1, 3, 2, 4, 5])
      .reshape([n, h / b, w / b, b * b * k]);
  },
  DEPTH_TO_SPACE: (c) => {
    const x = c.x(0);
    const b = c.options.i32(0);
    const [n, h, w, k] = x.shape;
    if (x.ndim !== 4 || b < 1 || k % (b * b) !== 0) throw new FormatError(`blocks of ${b} in [${x.shape}]`);
    return x
      .reshape([n, h, w, b, b, k / (b * b)])
      .permute([0, 1, 3, 2, 4, 5])
      .reshape([n, h * b, w * b, k / (b * b)]);
  },
  SPACE_TO_BATCH_ND: spaceToBatch,
  BATCH_TO_SPACE_ND: batchToSpace,
  RANGE: (c) => {
    const [start, limit, step] = [0, 1, 2].map((i) => c.number(i));
    const n = step === 0 ? Number.NaN : Math.max(0, Math.ceil((limit - start) / step));
    c.room([n]);
    return n === 0 ? full([0], 0, { dtype: c.outType() }) : arange(0, n, 1, { dtype: c.outType() }).mul(step).add(start).to(c.outType());
  },
  DYNAMIC_UPDATE_SLICE: (c) => {
    const [x, update] = [c.x(0), c.x(1)];
    const at = c.numbers(2);
    if (at.length !== x.ndim || update.ndim !== x.ndim || update.shape.some((n, d) => n > x.shape[d]))
      throw new FormatError(`writes [${update.shape}] at [${at}] into [${x.shape}]`);
    const y = x.clone();
    const place = at.reduce((p, from, d) => p.narrow(d, Math.min(Math.max(from, 0), x.shape[d] - update.shape[d]), update.shape[d]), y);
    place.copy_(update);
    return y;
  },
  DILATE: (c) => {
    const x = c.x(0);
    const by = c.numbers(1);
    if (by.length !== x.ndim || by.some((n) => n < 1)) throw new FormatError(`dilates [${x.shape}] by [${by}]`);
    const y = full(c.room(x.shape.map((n, d) => (n === 0 ? 0 : (n - 1) * by[d] + 1))), c.number(2), { dtype: x.dtype });
    x.shape.reduce((p, _, d) => p.slice(d, 0, null, by[d]), y).copy_(x);
    return y;
  },
});
