// Operators that pick and place elements by indices.
import { show } from '../base/shape.ts';
import { arange, full, type Tensor, tensor, where } from '../tensor/index.ts';
import type { Call, Row } from './call.ts';
import { places, textAt } from './ops-math.ts';
import { moves } from './ops-shape.ts';
import { Value } from './value.ts';

const product = (list: readonly number[]): number => list.reduce((a, b) => a * b, 1);

/** Indices counted from the front. */
function fromFront(index: Tensor, n: number): Tensor {
  const at = index.to('int64');
  return where(at.lt(0), at.add(n), at);
}

function gather(x: Tensor, c: Call): Tensor {
  const axis = c.axis(c.int('axis', 0), x.ndim);
  const index = fromFront(c.x(1), x.shape[axis]);
  const y = x.indexSelect(axis, index.reshape([-1]));
  return y.reshape([...x.shape.slice(0, axis), ...index.shape, ...x.shape.slice(axis + 1)]);
}
function gatherElements(x: Tensor, c: Call): Tensor {
  const axis = c.axis(c.int('axis', 0), x.ndim);
  return x.gather(axis, fromFront(c.x(1), x.shape[axis]));
}

/** Places in the flattened x of the slices that the last dimension of an index names, after `batch` shared dimensions. */
function slicesAt(x: Tensor, index: Tensor, batch: number, c: Call): Tensor {
  const k = index.shape[index.ndim - 1];
  if (!(k >= 1 && k <= x.ndim - batch))
    c.fail(`the last dimension of the indices ${show(index.shape)} names ${k} of the ${x.ndim - batch} dimensions of ${show(x.shape)}`);
  let at: Tensor | null = null;
  for (let i = 0; i < k; i++) {
    const n = x.shape[batch + i];
    const part = fromFront(index.select(index.ndim - 1, i), n);
    // A wrong index must not land in the next row.
    const checked = where(part.ge(0).logicalAnd(part.lt(n)), part, product(x.shape) + 1);
    at = at === null ? checked : at.mul(n).add(checked);
  }
  return at as Tensor;
}
function gatherNd(x: Tensor, c: Call): Tensor {
  const batch = c.int('batch_dims', 0);
  const index = c.x(1);
  const shared = x.shape.slice(0, batch);
  const k = index.shape[index.ndim - 1];
  const at = slicesAt(x, index, batch, c);
  const rest = x.shape.slice(batch + k);
  const middle = index.shape.slice(batch, -1);
  const b = product(shared);
  const inner = product(x.shape.slice(batch, batch + k));
  const flat = at.reshape([b, -1]);
  const lines = x.reshape([b * inner, product(rest)]);
  const limited = where(flat.lt(inner), flat, b * inner + 1);
  const rows = limited.add(arange(b).mul(inner).reshape([b, 1]));
  return lines.indexSelect(0, rows.reshape([-1])).reshape([...shared, ...middle, ...rest]);
}

type Reduction = 'none' | 'add' | 'mul' | 'max' | 'min';
const REDUCE: Readonly<Record<string, 'sum' | 'prod' | 'amax' | 'amin'>> = { add: 'sum', mul: 'prod', max: 'amax', min: 'amin' };

function placed(x: Tensor, dim: number, index: Tensor, source: Tensor, reduction: string, c: Call): Tensor {
  if (reduction === 'none') return x.scatter(dim, index, source);
  const kind = REDUCE[reduction as Reduction] ?? c.fail(`the reduction '${reduction}' is unknown`);
  return x.scatterReduce(dim, index, source, kind);
}
function scatterElements(c: Call): Value {
  const v = c.v(0);
  if (v.type === 'string') {
    const list = [...v.strings(), ...c.v(2).strings()];
    const x = places(v);
    const axis = c.axis(c.int('axis', 0), x.ndim);
    return textAt(list, x.scatter(axis, fromFront(c.x(1), x.shape[axis]), places(c.v(2)).add(v.size)));
  }
  const x = v.tensor();
  const axis = c.axis(c.int('axis', 0), x.ndim);
  return c.same(placed(x, axis, fromFront(c.x(1), x.shape[axis]), c.x(2), c.str('reduction', 'none'), c));
}
function scatterNd(x: Tensor, c: Call): Tensor {
  const index = c.x(1);
  const k = index.shape[index.ndim - 1];
  const at = slicesAt(x, index, 0, c).reshape([-1]);
  const width = product(x.shape.slice(k));
  const n = product(x.shape.slice(0, k));
  const lines = x.reshape([n, width]);
  const updates = c.x(2).reshape([at.numel, width]);
  return placed(lines, 0, at.reshape([-1, 1]).expand([at.numel, width]), updates, c.str('reduction', 'none'), c).reshape(x.shape);
}

function compress(x: Tensor, c: Call): Tensor {
  const flags = c.numbers(1);
  const whole = c.attr('axis') === undefined;
  const y = whole ? x.reshape([-1]) : x;
  const axis = whole ? 0 : c.axis(c.int('axis'), x.ndim);
  const at = flags.flatMap((on, i) => (on ? [i] : []));
  return y.indexSelect(axis, tensor(at, { dtype: 'int64', shape: [at.length] }));
}

function reverseSequence(x: Tensor, c: Call): Tensor {
  const time = c.int('time_axis', 0);
  const batch = c.int('batch_axis', 1);
  const lengths = c.x(1).to('int64');
  const n = x.shape[time];
  const line = (dim: number, size: number): number[] => x.shape.map((_, i) => (i === dim ? size : 1));
  const t = arange(n).reshape(line(time, n));
  const l = lengths.reshape(line(batch, x.shape[batch]));
  const at = where(t.lt(l), l.sub(1).sub(t), t);
  return x.gather(time, at.expand(x.shape));
}

function unique(c: Call): (Value | null)[] {
  const v = c.v(0);
  const x = v.type === 'string' ? codes(v) : v.tensor();
  const whole = c.attr('axis') === undefined;
  const dim = whole ? null : c.axis(c.int('axis'), x.ndim);
  const { values, inverse, counts } = x.unique({ dim });
  const m = counts.numel;
  const flat = inverse.reshape([-1]);
  const n = flat.numel;
  // Where each value comes first.
  let first = full([m], n, { dtype: 'int64' }).scatterReduce(0, flat, arange(n), 'amin');
  let [y, back, number] = [values, flat, counts];
  if (c.int('sorted', 1) === 0) {
    const order = first.argsort(0);
    const rank = order.argsort(0);
    [y, back, number, first] = [
      y.indexSelect(dim ?? 0, order),
      rank.indexSelect(0, flat),
      counts.indexSelect(0, order),
      first.indexSelect(0, order),
    ];
  }
  const text = v.type === 'string' ? textAt(sortedTexts(v), y) : Value.of(y, v.type);
  return [text, Value.of(first, 'int64'), Value.of(back, 'int64'), Value.of(number, 'int64')];
}
const sortedTexts = (v: Value): string[] => [...new Set(v.strings())].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
function codes(v: Value): Tensor {
  const number = new Map(sortedTexts(v).map((s, i) => [s, i]));
  return tensor(
    v.strings().map((s) => number.get(s) as number),
    { shape: v.shape, dtype: 'int64' },
  );
}

/** Updates written into a cache from a place on; in a ring where the mode says so. */
function tensorScatter(c: Call): Value {
  const past = c.x(0);
  const update = c.x(1);
  const axis = c.axis(c.int('axis', -2), past.ndim);
  const [n, m] = [past.shape[axis], update.shape[axis]];
  const start = c.opt(2)?.to('int64') ?? full([past.shape[0]], 0, { dtype: 'int64' });
  const line = (dim: number, size: number): number[] => past.shape.map((_, i) => (i === dim ? size : 1));
  const at = start.reshape(line(0, past.shape[0])).add(arange(m).reshape(line(axis, m)));
  const ring = c.str('mode', 'linear') === 'circular' ? at.remainder(n) : at;
  return c.same(past.scatter(axis, ring.expand(update.shape), update));
}

/** Operators on indices. */
export const INDICES: Readonly<Record<string, Row>> = {
  Gather: moves(gather),
  GatherElements: moves(gatherElements),
  GatherND: moves(gatherNd),
  Scatter: { run: scatterElements },
  ScatterElements: { run: scatterElements },
  ScatterND: { run: (c) => c.same(scatterNd(c.x(0), c)) },
  Compress: moves(compress, [1]),
  ReverseSequence: moves(reverseSequence),
  Unique: { run: unique },
  TensorScatter: { run: tensorScatter },
};
