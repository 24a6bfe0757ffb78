// Operators that make, move and measure tensors without computing.
import { show } from '../base/shape.ts';
import { arange, cat, type Tensor, where, zeros } from '../tensor/index.ts';
import type { Call, Row } from './call.ts';
import { typed } from './call.ts';
import { places, textAt } from './ops-math.ts';
import { carrier, elemType } from './types.ts';
import { Value } from './value.ts';

/** A row that moves elements of any kind, text included. */
export const moves = (f: (x: Tensor, c: Call) => Tensor, host: readonly number[] = [], shapeOnly: boolean = false): Row => ({
  host,
  shapeOnly,
  run: (c) => {
    const v = c.v(0);
    if (v.type === 'string') return textAt(v.strings(), f(places(v), c));
    return Value.of(f(c.x(0), c), v.type);
  },
});

const product = (list: readonly number[]): number => list.reduce((a, b) => a * b, 1);

function reshape(x: Tensor, c: Call): Tensor {
  const wanted = c.has(1) ? c.numbers(1) : (c.intsOr('shape') ?? c.fail('the shape is missing'));
  const keepZero = c.int('allowzero', 0) !== 0;
  const shape = wanted.map((n, i) =>
    n === 0 && !keepZero ? (x.shape[i] ?? c.fail(`shape ${show(wanted)} copies dimension ${i} of ${show(x.shape)}`)) : n,
  );
  const open = shape.indexOf(-1);
  if (open >= 0) {
    const rest = product(shape.filter((_, i) => i !== open));
    if (shape.lastIndexOf(-1) !== open || rest === 0 || x.numel % rest !== 0)
      c.fail(`${show(x.shape)} cannot be viewed as ${show(wanted)}`);
    shape[open] = x.numel / rest;
  }
  if (shape.some((n) => n < 0) || product(shape) !== x.numel) c.fail(`${show(x.shape)} cannot be viewed as ${show(wanted)}`);
  return x.reshape(c.room(shape));
}

function unsqueeze(x: Tensor, c: Call): Tensor {
  const axes = c.either('axes', 1) ?? c.fail('axes are missing');
  const rank = c.room(new Array<number>(x.ndim + axes.length).fill(1)).length;
  const at = new Set(axes.map((a) => c.axis(a, rank)));
  if (at.size < axes.length) c.fail(`axes ${show(axes)} name a dimension twice`);
  const rest = [...x.shape];
  return x.reshape(Array.from({ length: rank }, (_, i) => (at.has(i) ? 1 : (rest.shift() as number))));
}
function squeeze(x: Tensor, c: Call): Tensor {
  const axes = c.either('axes', 1);
  if (axes === null) return x.reshape(x.shape.filter((n) => n !== 1));
  const at = new Set(axes.map((a) => c.axis(a, x.ndim)));
  for (const a of at) if (x.shape[a] !== 1) c.fail(`dimension ${a} of ${show(x.shape)} is not 1`);
  return x.reshape(x.shape.filter((_, i) => !at.has(i)));
}
function flatten(x: Tensor, c: Call): Tensor {
  const axis = c.axis(c.int('axis', 1), x.ndim + 1);
  const fixed = c.int('axis', 1) < 0 ? c.int('axis', 1) + x.ndim : axis;
  return x.reshape([product(x.shape.slice(0, fixed)), product(x.shape.slice(fixed))]);
}
function transpose(x: Tensor, c: Call): Tensor {
  const perm = c.intsOr('perm') ?? x.shape.map((_, i) => x.ndim - 1 - i);
  if (perm.length !== x.ndim) c.fail(`perm ${show(perm)} does not fit ${show(x.shape)}`);
  return x.permute(perm);
}
function expand(x: Tensor, c: Call): Tensor {
  const wanted = c.room(c.numbers(1));
  const rank = Math.max(wanted.length, x.ndim);
  const at = (list: readonly number[], i: number): number => list[i - rank + list.length] ?? 1;
  const shape = Array.from({ length: rank }, (_, i) => {
    const [a, b] = [at(x.shape, i), at(wanted, i)];
    if (a !== b && a !== 1 && b !== 1) c.fail(`${show(x.shape)} does not broadcast to ${show(wanted)}`);
    return a === 1 ? b : a;
  });
  return x.expand(c.room(shape));
}

/** Concat, also of text. */
function concat(c: Call): Value {
  const values = c.inputs.map((_, i) => c.v(i));
  const rank = values[0].shape.length;
  const axis = c.axis(c.int('axis', c.version < 4 ? 1 : undefined), rank);
  const type = values[0].type;
  for (const [i, v] of values.entries()) if (v.type !== type) c.fail(`input ${i} is ${v.type}, the first is ${type}`);
  if (type !== 'string')
    return Value.of(
      cat(
        values.map((v) => v.tensor()),
        axis,
      ),
      type,
    );
  const list: string[] = [];
  const parts = values.map((v) => {
    const part = places(v).add(list.length);
    for (const s of v.strings()) list.push(s);
    return part;
  });
  return textAt(list, cat(parts, axis));
}

function split(c: Call): Value[] {
  const v = c.v(0);
  const axis = c.axis(c.int('axis', 0), v.shape.length);
  const n = v.shape[axis];
  const count = c.int('num_outputs', c.node.outputs.length);
  if (!(count >= 1 && count <= c.node.outputs.length)) c.fail(`num_outputs ${count}, but ${c.node.outputs.length} outputs`);
  const size = Math.ceil(n / count);
  const parts = c.either('split', 1) ?? Array.from({ length: count }, (_, i) => Math.max(0, Math.min(size, n - i * size)));
  if (parts.some((p) => p < 0) || parts.reduce((a, b) => a + b, 0) !== n) c.fail(`parts ${show(parts)} do not add up to ${n}`);
  const x = v.type === 'string' ? places(v) : v.tensor();
  c.turns(parts.length);
  const list = x.split(parts, axis);
  return list.map((p) => (v.type === 'string' ? textAt(v.strings(), p) : Value.of(p, v.type)));
}

function slice(x: Tensor, c: Call): Tensor {
  const starts = c.either('starts', 1) ?? c.fail('starts are missing');
  const ends = c.either('ends', 2) ?? c.fail('ends are missing');
  const axes = c.either('axes', 3) ?? starts.map((_, i) => i);
  const steps = c.has(4) ? c.numbers(4) : starts.map(() => 1);
  if ([ends, axes, steps].some((l) => l.length !== starts.length)) c.fail('starts, ends, axes and steps differ in number');
  let y = x;
  starts.forEach((start, i) => {
    const dim = c.axis(axes[i], x.ndim);
    const n = x.shape[dim];
    const step = steps[i];
    if (step === 0) c.fail('a step is 0');
    const low = step > 0 ? 0 : -1;
    const high = step > 0 ? n : n - 1;
    const place = (v: number): number => Math.min(Math.max(v < 0 ? v + n : v, low), high);
    const from = Math.min(Math.max(start < 0 ? start + n : start, 0), high);
    const to = place(ends[i]);
    const count = Math.max(0, Math.ceil((to - from) / step));
    if (count === 0) y = y.narrow(dim, 0, 0);
    else if (step > 0) y = y.slice(dim, from, to, step);
    else
      y = y
        .narrow(dim, from + (count - 1) * step, (count - 1) * -step + 1)
        .slice(dim, 0, null, -step)
        .flip([dim]);
  });
  return y;
}

function tile(x: Tensor, c: Call): Tensor {
  const repeats = c.numbers(1);
  if (repeats.length !== x.ndim) c.fail(`${repeats.length} repeats for ${x.ndim} dimensions`);
  c.room(x.shape.map((n, d) => n * repeats[d]));
  return x.repeat(repeats);
}

function range(c: Call): Value {
  const type = c.type(0);
  const [start, limit, delta] = [c.number(0), c.number(1), c.number(2)];
  const n = Math.max(0, Math.ceil((limit - start) / delta));
  if (!Number.isFinite(n)) c.fail(`from ${start} to ${limit} by ${delta} never ends`);
  c.room([n]);
  const dtype = carrier(type);
  if (dtype === 'float64' || dtype === 'int64' || dtype === 'int32') return Value.of(arange(n).to(dtype).mul(delta).add(start), type);
  return Value.of(arange(n).to('float32').mul(delta).add(start).to(dtype), type);
}

function constantOfShape(c: Call): Value {
  const shape = c.room(c.numbers(0));
  const value = c.tensorOr('value');
  if (value === null) return Value.of(zeros(shape, { dtype: 'float32' }), 'float');
  if (value.type === 'string') return Value.known('string', shape, new Array<string>(c.list(product(shape))).fill(value.strings()[0]));
  return Value.of(value.tensor().reshape([]).expand(shape).clone(), value.type);
}
function constant(c: Call): Value {
  const value = c.tensorOr('value');
  if (value !== null) return value;
  const single = (name: string): boolean => c.attr(name) !== undefined;
  if (single('value_float')) return Value.known('float', [], Float32Array.of(c.float('value_float')));
  if (single('value_int')) return Value.ints([c.int('value_int')], []);
  if (single('value_string')) return Value.known('string', [], [c.str('value_string')]);
  const floats = c.floatsOr('value_floats');
  if (floats !== null) return Value.known('float', [floats.length], Float32Array.from(floats));
  const ints = c.intsOr('value_ints');
  if (ints !== null) return Value.ints(ints);
  const strings = c.stringsOr('value_strings');
  if (strings !== null) return Value.known('string', [strings.length], strings);
  return c.fail('it holds no value that is supported');
}

function shapeOf(c: Call): Value {
  const { shape } = c.v(0);
  const clip = (n: number): number => Math.min(Math.max(n < 0 ? n + shape.length : n, 0), shape.length);
  return Value.ints(shape.slice(clip(c.int('start', 0)), clip(c.int('end', shape.length))));
}

function eyeLike(c: Call): Value {
  const v = c.v(0);
  const [rows, columns] = v.shape;
  const type = c.attr('dtype') ? elemType(c.int('dtype'), 'dtype') : v.type;
  const k = c.int('k', 0);
  const row = arange(rows).reshape([rows, 1]);
  const x = arange(columns).sub(row).eq(k);
  return typed(x, type);
}

function oneHot(c: Call): Value {
  const indices = c.x(0).to('int64');
  const depth = c.number(1);
  const values = c.x(2);
  const axis = c.axis(c.int('axis', -1), indices.ndim + 1);
  c.room([...indices.shape, depth]);
  const places = arange(depth).reshape([...new Array<number>(axis).fill(1), depth, ...new Array<number>(indices.ndim - axis).fill(1)]);
  const wrapped = where(indices.lt(0), indices.add(depth), indices).unsqueeze(axis);
  return Value.of(where(wrapped.eq(places), values.select(0, 1), values.select(0, 0)), c.type(2));
}

function trilu(x: Tensor, c: Call): Tensor {
  const k = c.has(1) ? c.number(1) : 0;
  const y = x.dtype === 'bool' ? x.to('uint8') : x;
  return (c.int('upper', 1) !== 0 ? y.triu(k) : y.tril(k)).to(x.dtype);
}

function depthToSpace(x: Tensor, c: Call): Tensor {
  const b = c.int('blocksize');
  const [n, ch, h, w] = x.shape;
  const d = ch / (b * b);
  if (c.str('mode', 'DCR') === 'DCR')
    return x
      .reshape([n, b, b, d, h, w])
      .permute([0, 3, 4, 1, 5, 2])
      .reshape([n, d, h * b, w * b]);
  return x
    .reshape([n, d, b, b, h, w])
    .permute([0, 1, 4, 2, 5, 3])
    .reshape([n, d, h * b, w * b]);
}
function spaceToDepth(x: Tensor, c: Call): Tensor {
  const b = c.int('blocksize');
  const [n, ch, h, w] = x.shape;
  const blocks = x.reshape([n, ch, h / b, b, w / b, b]);
  const dcr = c.str('mode', 'DCR') === 'DCR';
  return (dcr ? blocks.permute([0, 3, 5, 1, 2, 4]) : blocks.permute([0, 1, 3, 5, 2, 4])).reshape([n, ch * b * b, h / b, w / b]);
}

function centerCropPad(x: Tensor, c: Call): Tensor {
  const wanted = c.numbers(1);
  const axes = c.intsOr('axes')?.map((a) => c.axis(a, x.ndim)) ?? x.shape.map((_, i) => i);
  let y = x;
  axes.forEach((dim, i) => {
    const n = x.shape[dim];
    const m = wanted[i];
    c.room(y.shape.map((k, d) => (d === dim ? m : k)));
    if (m < n) y = y.narrow(dim, Math.floor((n - m) / 2), m);
    else if (m > n) {
      const before = Math.floor((m - n) / 2);
      const padding = new Array<number>(2 * (x.ndim - dim)).fill(0);
      padding[padding.length - 2] = before;
      padding[padding.length - 1] = m - n - before;
      y = y.pad(padding);
    }
  });
  return y;
}

/** Operators on shapes. */
export const SHAPES: Readonly<Record<string, Row>> = {
  Identity: { run: (c) => c.item(0) },
  Reshape: moves(reshape, [1]),
  Flatten: moves(flatten),
  Squeeze: moves(squeeze, [1]),
  Unsqueeze: moves(unsqueeze, [1]),
  Transpose: moves(transpose),
  Expand: moves(expand, [1]),
  Tile: moves(tile, [1]),
  Slice: moves(slice, [1, 2, 3, 4]),
  Concat: { run: concat },
  Split: { host: [1], run: split },
  Shape: { shapeOnly: true, run: shapeOf },
  Size: { shapeOnly: true, run: (c) => Value.ints([c.v(0).size], []) },
  Range: { host: [0, 1, 2], run: range },
  ConstantOfShape: { host: [0], run: constantOfShape },
  Constant: { run: constant },
  EyeLike: { shapeOnly: true, run: eyeLike },
  OneHot: { host: [1], run: oneHot },
  Trilu: moves(trilu, [1]),
  DepthToSpace: moves(depthToSpace),
  SpaceToDepth: moves(spaceToDepth),
  CenterCropPad: moves(centerCropPad, [1]),
};
