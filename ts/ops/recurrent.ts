import { COMPUTE, type DType, isFloat } from '../base/dtype.ts';
import { DTypeError, ShapeError } from '../base/errors.ts';
import { needSame, type Shape, show } from '../base/shape.ts';
import type { Ops } from './gen/ops.ts';
import { kernel, type Lowered, type Meta, type Op, type Value } from './op.ts';

const INTS: readonly string[] = ['rows', 'hidden', 'group'];
const GRAIN = 4096;

function lower(c: Meta): Lowered {
  const [rows, hidden] = c.shape;
  const group = Math.max(1, Math.floor(GRAIN / Math.max(hidden, 1)));
  return { ints: [rows, hidden, group], tiles: rows * hidden === 0 ? [] : [Math.ceil(rows / group)] };
}
/** The shape of the gates of a state c. */
function gatesOf(op: string, c: Meta, count: number = 4): Shape {
  if (!isFloat(c.dtype)) throw new DTypeError(`${op}: needs floating-point dtypes, not ${c.dtype}; convert to float32 first`);
  if (c.shape.length !== 2) throw new ShapeError(`${op}: the state ${show(c.shape)} should be [n, hidden]`);
  return [c.shape[0], count * c.shape[1]];
}
const times = (n: number, x: Meta): DType[] => new Array<DType>(n).fill(COMPUTE[x.dtype]);

/** Gate k of [n, count hidden]. */
function gate(ops: Ops, x: Value, k: number, count: number = 4): Value {
  const [n, width] = x.shape;
  return ops.slice(x, { starts: [0, (k * width) / count], steps: [1, 1], sizes: [n, width / count] });
}
/** Gates side by side. */
function join(ops: Ops, gates: readonly Value[]): Value {
  const [n, hidden] = gates[0].shape;
  return gates
    .map((x, k) => ops.sliceBackward(x, { shape: [n, gates.length * hidden], starts: [0, k * hidden], steps: [1, 1] }))
    .reduce((a, b) => ops.add(a, b));
}

/** Products of several, and what the derivatives of the gates' functions are made of. */
const product = (ops: Ops, ...x: Value[]): Value => x.reduce((p, q) => ops.mul(p, q));
const bell = (ops: Ops, x: Value): Value => ops.mul(x, ops.sub(1, x));
const flat = (ops: Ops, x: Value): Value => ops.sub(1, ops.mul(x, x));

export const lstmCell: Op = kernel({
  doc: 'A step of an LSTM behind its products: gates x + r [n, 4 hidden] in the order input, forget, cell, output, and state c give h, the new c and the gates behind their functions.',
  inputs: ['x', 'r', 'c'],
  outputs: ['h', 'cell', 'gates'],
  attrs: {},
  infer: ([x, r, c]) => {
    const gates = gatesOf('lstmCell', c);
    needSame('lstmCell', 'gates', x.shape, 'four of the state', gates);
    needSame('lstmCell', 'gates', r.shape, 'four of the state', gates);
    const state = { shape: c.shape, dtype: c.dtype };
    return [state, state, { shape: gates, dtype: COMPUTE[c.dtype] }];
  },
  loads: ([, , c]) => COMPUTE[c.dtype],
  writes: ([, , c]) => times(3, c),
  ints: INTS,
  lower: ([, , c]) => lower(c as Meta),
  kernel: { file: 'recurrent', name: 'lstmCell' },
  saves: ['c', 'cell', 'gates'],
  vjp: (ops, { dy, dys, c, cell, gates }) => {
    const [dx, dc] = ops.lstmCellBackward(dy, dys[1] ?? ops.mul(cell, 0), gates, c, cell);
    if (!dys[2]) return [dx, dx, dc];
    // The gates have gradients of their own when this derivative is differentiated.
    const d = dys[2];
    const own = [0, 1, 2, 3].map((k) => {
      const y = gate(ops, gates, k);
      return ops.mul(gate(ops, d, k), k === 2 ? ops.sub(1, ops.mul(y, y)) : ops.mul(y, ops.sub(1, y)));
    });
    const all = ops.add(dx, join(ops, own));
    return [all, all, dc];
  },
});

export const lstmCellBackward: Op = kernel({
  doc: 'Gradients of lstmCell in its gates and in c for the gradients dh and dcell of its states.',
  inputs: ['dh', 'dcell', 'gates', 'c', 'cell'],
  outputs: ['dx', 'dc'],
  attrs: {},
  infer: ([dh, dcell, gates, c, cell]) => {
    const op = 'lstmCellBackward';
    const shape = gatesOf(op, c);
    needSame(op, 'gates', gates.shape, 'four of the state', shape);
    for (const x of [dh, dcell, cell]) needSame(op, 'gradient', x.shape, 'state', c.shape);
    return [
      { shape, dtype: c.dtype },
      { shape: c.shape, dtype: c.dtype },
    ];
  },
  loads: ([, , , c]) => COMPUTE[c.dtype],
  writes: ([, , , c]) => times(2, c),
  ints: INTS,
  lower: ([, , , c]) => lower(c as Meta),
  kernel: { file: 'recurrent', name: 'lstmCellBackward' },
  saves: ['dh', 'dcell', 'gates', 'c', 'cell'],
  // With t = tanh(cell), s = dcell + dh o (1 - t t): the gates' gradients are s g i', s c f', s i g' and dh t o'; dc = s f.
  vjp: (ops, { dys: [a, b], dh, dcell, gates, c, cell }) => {
    const { add, sub, tanh } = ops;
    const mul = (...x: Value[]): Value => product(ops, ...x);
    const [i, f, g, o] = [0, 1, 2, 3].map((k) => gate(ops, gates, k));
    const none = ops.mul(c, 0);
    const [ai, af, ag, ao] = [0, 1, 2, 3].map((k) => (a ? gate(ops, a, k) : none));
    const bc = b ?? none;
    const tilt = (x: Value): Value => sub(1, ops.mul(x, 2));
    const t = tanh(cell);
    const s = add(dcell, mul(dh, o, flat(ops, t)));
    const toS = add(add(mul(ai, g, bell(ops, i)), mul(af, c, bell(ops, f))), add(mul(ag, i, flat(ops, g)), mul(bc, f)));
    const out = mul(ao, bell(ops, o));
    const toGates = [
      mul(s, add(mul(ai, g, tilt(i)), mul(ag, flat(ops, g)))),
      mul(s, add(mul(af, c, tilt(f)), bc)),
      mul(s, sub(mul(ai, bell(ops, i)), ops.mul(mul(ag, i, g), 2))),
      mul(dh, add(mul(ao, tilt(o), t), mul(toS, flat(ops, t)))),
    ];
    const toT = mul(dh, sub(out, ops.mul(mul(toS, o, t), 2)));
    return [add(mul(out, t), mul(toS, o, flat(ops, t))), toS, join(ops, toGates), mul(s, af, bell(ops, f)), mul(toT, flat(ops, t))];
  },
});

export const gruCell: Op = kernel({
  doc: 'A step of a GRU behind its products: gates x and r [n, 3 hidden] in the order reset, update, new, and state h give the new h and the gates behind their functions.',
  inputs: ['x', 'r', 'h'],
  outputs: ['y', 'gates'],
  attrs: {},
  infer: ([x, r, h]) => {
    const gates = gatesOf('gruCell', h, 3);
    needSame('gruCell', 'gates', x.shape, 'three of the state', gates);
    needSame('gruCell', 'gates', r.shape, 'three of the state', gates);
    return [
      { shape: h.shape, dtype: h.dtype },
      { shape: gates, dtype: COMPUTE[h.dtype] },
    ];
  },
  loads: ([, , h]) => COMPUTE[h.dtype],
  writes: ([, , h]) => times(2, h),
  ints: INTS,
  lower: ([, , h]) => lower(h as Meta),
  kernel: { file: 'recurrent', name: 'gruCell' },
  saves: ['r', 'h', 'gates'],
  vjp: (ops, { dy, dys, r, h, gates }) => {
    const [dx, dr, dh] = ops.gruCellBackward(dy, gates, r, h);
    if (!dys[1]) return [dx, dr, dh];
    // The gates have gradients of their own when this derivative is differentiated.
    const [reset, update, fresh] = [0, 1, 2].map((k) => gate(ops, gates, k, 3));
    const [a, b, c] = [0, 1, 2].map((k) => gate(ops, dys[1] as Value, k, 3));
    const toNew = ops.mul(c, flat(ops, fresh));
    const toReset = ops.mul(ops.add(a, ops.mul(toNew, gate(ops, r, 2, 3))), bell(ops, reset));
    const toUpdate = ops.mul(b, bell(ops, update));
    const own = (last: Value): Value => join(ops, [toReset, toUpdate, last]);
    return [ops.add(dx, own(toNew)), ops.add(dr, own(ops.mul(toNew, reset))), dh];
  },
});

export const gruCellBackward: Op = kernel({
  doc: 'Gradients of gruCell in its gates and in h for the gradient dy of its state.',
  inputs: ['dy', 'gates', 'r', 'h'],
  outputs: ['dx', 'dr', 'dh'],
  attrs: {},
  infer: ([dy, gates, r, h]) => {
    const op = 'gruCellBackward';
    const shape = gatesOf(op, h, 3);
    for (const x of [gates, r]) needSame(op, 'gates', x.shape, 'three of the state', shape);
    needSame(op, 'gradient', dy.shape, 'state', h.shape);
    return [shape, shape, h.shape].map((own) => ({ shape: own, dtype: h.dtype }));
  },
  loads: ([, , , h]) => COMPUTE[h.dtype],
  writes: ([, , , h]) => times(3, h),
  ints: INTS,
  lower: ([, , , h]) => lower(h as Meta),
  kernel: { file: 'recurrent', name: 'gruCellBackward' },
  saves: ['dy', 'gates', 'r', 'h'],
  // With w = dy (1 - z) (1 - n n): dx = (w rn r', dy (h - n) z', w), dr = (as dx, as dx, w r), dh = dy z; r' = r (1 - r), z' likewise.
  vjp: (ops, { dys: [toDx, toDr, toDh], dy, gates, r, h }) => {
    const { add, sub, neg } = ops;
    const mul = (...x: Value[]): Value => product(ops, ...x);
    const tilt = (x: Value): Value => sub(1, ops.mul(x, 2));
    const none = ops.mul(dy, 0);
    const part = (x: Value | null, k: number): Value => (x ? gate(ops, x, k, 3) : none);
    const [reset, z, n] = [0, 1, 2].map((k) => gate(ops, gates, k, 3));
    const rn = gate(ops, r, 2, 3);
    const a = add(part(toDx, 0), part(toDr, 0));
    const b = add(part(toDx, 1), part(toDr, 1));
    const last = part(toDr, 2);
    const c = toDh ?? none;
    const w = mul(dy, sub(1, z), flat(ops, n));
    const toW = add(add(mul(a, rn, bell(ops, reset)), part(toDx, 2)), mul(last, reset));
    const apart = sub(h, n);
    const toReset = mul(w, add(mul(a, rn, tilt(reset)), last));
    const toUpdate = mul(dy, add(sub(mul(b, apart, tilt(z)), mul(toW, flat(ops, n))), c));
    const toH = mul(b, dy, bell(ops, z));
    const toNew = neg(add(ops.mul(mul(toW, dy, sub(1, z), n), 2), toH));
    const toDy = add(add(mul(toW, sub(1, z), flat(ops, n)), mul(b, apart, bell(ops, z))), mul(c, z));
    return [toDy, join(ops, [toReset, toUpdate, toNew]), join(ops, [none, none, mul(a, w, bell(ops, reset))]), toH];
  },
});
