// Picking and placing elements by index.
import { FormatError } from '../base/errors.ts';
import { sizeOf } from '../base/shape.ts';
import { arange, full, type Tensor, tensor, where, zeros } from '../tensor/index.ts';
import { type Call, operators } from './call.ts';
import { dequantised } from './quantised.ts';

/** Indices as the ops take them. */
const indices = (c: Call, i: number): Tensor => c.x(i).to('int64');
/** The weights of a lookup: floats, where the result is. */
const table = (c: Call, i: number): Tensor =>
  c.quantised(i) && c.out().type === 'float32' ? c.derived(i, 'dequantised', () => dequantised(c, i)) : c.x(i);

function gathered(c: Call): Tensor {
  const x = table(c, 0);
  const at = indices(c, 1);
  const axis = c.dim(c.options.i32(0), x.ndim);
  const given = c.options.i32(1);
  const batch = given < 0 ? given + at.ndim : given;
  if (!(batch >= 0 && batch <= Math.min(axis, at.ndim))) throw new FormatError(`${given} batch dimensions before dimension ${axis}`);
  if (batch === 0)
    return x.indexSelect(axis, at.reshape([-1])).reshape([...x.shape.slice(0, axis), ...at.shape, ...x.shape.slice(axis + 1)]);
  const lead = x.shape.slice(0, batch);
  if (lead.some((n, d) => n !== at.shape[d])) throw new FormatError(`[${x.shape}] and indices [${at.shape}] differ in their batch`);
  const [outer, mid, n, rest] = [sizeOf(lead), sizeOf(x.shape.slice(batch, axis)), x.shape[axis], sizeOf(x.shape.slice(axis + 1))];
  const own = at.reshape([outer, -1]);
  const k = own.shape[1];
  const picked = x.reshape([outer, mid, n, rest]).gather(2, own.reshape([outer, 1, k, 1]).expand([outer, mid, k, rest]));
  return picked.reshape([...lead, ...x.shape.slice(batch, axis), ...at.shape.slice(batch), ...x.shape.slice(axis + 1)]);
}

/** The last dimension of indices as places in the first dimensions of a shape, each within it. */
function flatIndices(at: Tensor, shape: readonly number[]): Tensor {
  const depth = at.shape.at(-1) as number;
  if (depth > shape.length) throw new FormatError(`indices of ${depth} dimensions into [${shape}]`);
  const parts = at.unbind(-1);
  return parts.reduce((sum, part, d) => sum.mul(shape[d]).add(part), zeros(at.shape.slice(0, -1), { dtype: 'int64' }));
}

function scattered(c: Call): Tensor {
  const at = indices(c, 0);
  const updates = c.x(1);
  const shape = c.room(c.numbers(2));
  const depth = at.shape.at(-1) ?? 0;
  const rest = shape.slice(depth);
  const y = zeros([sizeOf(shape.slice(0, depth)), sizeOf(rest)], { dtype: updates.dtype });
  if (sizeOf(updates.shape) === 0) return y.reshape([...shape]);
  return y.indexAdd(0, flatIndices(at, shape).reshape([-1]), updates.reshape([-1, sizeOf(rest)])).reshape([...shape]);
}

function oneHot(c: Call): Tensor {
  const at = c.x(0);
  const depth = c.number(1);
  const axis = c.options.i32(0, -1);
  const d = axis === -1 ? at.ndim : c.dim(axis, at.ndim + 1);
  c.room([...at.shape, depth]);
  const wide = at.unsqueeze(d);
  const places = arange(0, depth, 1, { dtype: at.dtype }).reshape([depth, ...new Array<number>(at.ndim - d).fill(1)]);
  return where(wide.eq(places), c.x(2), c.x(3)).to(c.outType());
}

/** Sums, products and extremes of rows by segment. */
const segments =
  (reduce: 'sum' | 'prod' | 'amax' | 'amin', counted: boolean) =>
  (c: Call): Tensor => {
    const x = c.x(0);
    const ids = indices(c, 1);
    const n = counted ? c.number(2) : c.numbers(1).reduce((a, b) => Math.max(a, b), -1) + 1;
    const rest = x.shape.slice(ids.ndim);
    c.room([n, ...rest]);
    const first = { sum: 0, prod: 1, amax: lowest(x.dtype), amin: highest(x.dtype) }[reduce];
    const y = full([n, sizeOf(rest)], first, { dtype: x.dtype });
    const rows = x.reshape([-1, sizeOf(rest)]);
    const places = ids.reshape([-1, 1]).expand(rows.shape);
    const out = reduce === 'sum' ? y.scatterAdd(0, places, rows) : y.scatterReduce(0, places, rows, reduce);
    return out.reshape([n, ...rest]);
  };
const RANGES: Readonly<Record<string, readonly [number, number]>> = {
  int32: [-2147483648, 2147483647],
  int8: [-128, 127],
  uint8: [0, 255],
  int16: [-32768, 32767],
  float32: [-3.4028234663852886e38, 3.4028234663852886e38],
};
const lowest = (dtype: string): number => RANGES[dtype]?.[0] ?? 0;
const highest = (dtype: string): number => RANGES[dtype]?.[1] ?? 0;

/** Boxes by falling score, without those that overlap one taken before. */
function suppressed(c: Call, soft: boolean): (Tensor | null)[] {
  const boxes = c.numbers(0);
  const scores = [...c.numbers(1)];
  const most = Math.max(0, c.number(2));
  const [overlap, threshold] = [c.number(3), c.number(4)];
  const sigma = soft ? c.number(5) : 0;
  c.list(most);
  const area = (i: number): number => Math.max(0, boxes[4 * i + 2] - boxes[4 * i]) * Math.max(0, boxes[4 * i + 3] - boxes[4 * i + 1]);
  const shared = (i: number, j: number): number => {
    const h = Math.min(boxes[4 * i + 2], boxes[4 * j + 2]) - Math.max(boxes[4 * i], boxes[4 * j]);
    const w = Math.min(boxes[4 * i + 3], boxes[4 * j + 3]) - Math.max(boxes[4 * i + 1], boxes[4 * j + 1]);
    const both = Math.max(0, h) * Math.max(0, w);
    return both === 0 ? 0 : both / (area(i) + area(j) - both);
  };
  if (sigma > 0) throw new FormatError('suppression with a soft weight is not implemented');
  const taken: number[] = [];
  const order = [...scores.keys()].filter((i) => scores[i] > threshold).sort((a, b) => scores[b] - scores[a] || a - b);
  for (const i of order) if (taken.length < most && taken.every((j) => shared(i, j) <= overlap)) taken.push(i);
  const fill = (list: readonly number[]): number[] => [...list, ...new Array<number>(most - list.length).fill(0)];
  const at = tensor(fill(taken), { dtype: 'int32' });
  const count = tensor(taken.length, { dtype: 'int32' });
  return soft ? [at, tensor(fill(taken.map((i) => scores[i])), { dtype: 'float32' }), count] : [at, count];
}

operators({
  GATHER: gathered,
  GATHER_ND: (c) => {
    const x = c.x(0);
    const at = indices(c, 1);
    const depth = at.shape.at(-1) ?? 0;
    const rest = x.shape.slice(depth);
    c.room([...at.shape.slice(0, -1), ...rest]);
    const rows = x.reshape([sizeOf(x.shape.slice(0, depth)), sizeOf(rest)]);
    return rows.indexSelect(0, flatIndices(at, x.shape).reshape([-1])).reshape([...at.shape.slice(0, -1), ...rest]);
  },
  SCATTER_ND: scattered,
  EMBEDDING_LOOKUP: (c) => {
    const x = table(c, 1);
    const at = indices(c, 0);
    return x.indexSelect(0, at.reshape([-1])).reshape([...at.shape, ...x.shape.slice(1)]);
  },
  ONE_HOT: oneHot,
  WHERE: (c) => {
    c.numbers(0);
    return c.x(0).nonzero();
  },
  TOPK_V2: (c) => {
    const x = c.x(0);
    const k = c.number(1);
    if (!(k >= 0 && k <= (x.shape.at(-1) ?? 0))) throw new FormatError(`the ${k} largest of ${x.shape.at(-1)}`);
    // Of equal elements the first come first.
    const { values, indices: at } = x.sort(-1, { descending: true, stable: true });
    return [values.narrow(-1, 0, k), at.narrow(-1, 0, k).to('int32')];
  },
  UNIQUE: (c) => {
    const list = c.numbers(0);
    const seen = [...new Set(list)];
    const place = new Map(seen.map((v, i) => [v, i]));
    const at = list.map((v) => place.get(v) as number);
    return [tensor(seen, { dtype: c.x(0).dtype }), tensor(at, { dtype: c.outType(1) })];
  },
  SPARSE_TO_DENSE: (c) => {
    const shape = c.room(c.numbers(1));
    const at = indices(c, 0);
    const rows = shape.length === 1 && (at.ndim < 2 || at.shape[1] !== 1) ? at.reshape([-1, 1]) : at.reshape([-1, shape.length]);
    const value = c.x(2).reshape([-1]).expand([rows.shape[0]]);
    const y = full([sizeOf(shape)], c.number(3), { dtype: c.x(2).dtype });
    return y.indexCopy(0, flatIndices(rows, shape), value).reshape([...shape]);
  },
  SEGMENT_SUM: segments('sum', false),
  UNSORTED_SEGMENT_SUM: segments('sum', true),
  UNSORTED_SEGMENT_PROD: segments('prod', true),
  UNSORTED_SEGMENT_MAX: segments('amax', true),
  UNSORTED_SEGMENT_MIN: segments('amin', true),
  MATRIX_DIAG: (c) => {
    c.room([...c.x(0).shape, c.x(0).shape.at(-1) ?? 1]);
    return c.x(0).diagEmbed();
  },
  MATRIX_SET_DIAG: (c) => c.x(0).diagonalScatter(c.x(1), 0, -2, -1),
  REVERSE_SEQUENCE: (c) => {
    const x = c.x(0);
    const along = c.dim(c.options.i32(0), x.ndim);
    const batch = c.dim(c.options.i32(1), x.ndim);
    const n = x.shape[along];
    const places = arange(0, n, 1, { dtype: 'int64' });
    const lengths = indices(c, 1).reshape([-1, 1]);
    const at = where(places.lt(lengths), lengths.sub(1).sub(places), places);
    const shape = x.shape.map((m, d) => (d === along || d === batch ? m : 1));
    const turned = batch < along ? at : at.transpose(0, 1);
    return x.gather(along, turned.reshape(shape).expand(x.shape));
  },
  NON_MAX_SUPPRESSION_V4: (c) => suppressed(c, false),
  NON_MAX_SUPPRESSION_V5: (c) => suppressed(c, true),
});
