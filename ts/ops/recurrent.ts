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
function gatesOf(op: string, c: Meta): Shape {
  if (!isFloat(c.dtype)) throw new DTypeError(`${op}: needs floating-point dtypes, not ${c.dtype}; convert to float32 first`);
  if (c.shape.length !== 2) throw new ShapeError(`${op}: the cell state ${show(c.shape)} should be [n, hidden]`);
  return [c.shape[0], 4 * c.shape[1]];
}
const times = (n: number, x: Meta): DType[] => new Array<DType>(n).fill(COMPUTE[x.dtype]);

/** Gate k of [n, 4 hidden]. */
function gate(ops: Ops, x: Value, k: number): Value {
  const [n, width] = x.shape;
  return ops.slice(x, { starts: [0, (k * width) / 4], steps: [1, 1], sizes: [n, width / 4] });
}
/** Four gates side by side. */
function join(ops: Ops, gates: readonly Value[]): Value {
  const [n, hidden] = gates[0].shape;
  return gates
    .map((x, k) => ops.sliceBackward(x, { shape: [n, 4 * hidden], starts: [0, k * hidden], steps: [1, 1] }))
    .reduce((a, b) => ops.add(a, b));
}

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
    const mul = (...x: Value[]): Value => x.reduce((p, q) => ops.mul(p, q));
    const [i, f, g, o] = [0, 1, 2, 3].map((k) => gate(ops, gates, k));
    const none = ops.mul(c, 0);
    const [ai, af, ag, ao] = [0, 1, 2, 3].map((k) => (a ? gate(ops, a, k) : none));
    const bc = b ?? none;
    const bell = (x: Value): Value => mul(x, sub(1, x));
    const flat = (x: Value): Value => sub(1, mul(x, x));
    const tilt = (x: Value): Value => sub(1, ops.mul(x, 2));
    const t = tanh(cell);
    const s = add(dcell, mul(dh, o, flat(t)));
    const toS = add(add(mul(ai, g, bell(i)), mul(af, c, bell(f))), add(mul(ag, i, flat(g)), mul(bc, f)));
    const out = mul(ao, bell(o));
    const toGates = [
      mul(s, add(mul(ai, g, tilt(i)), mul(ag, flat(g)))),
      mul(s, add(mul(af, c, tilt(f)), bc)),
      mul(s, sub(mul(ai, bell(i)), ops.mul(mul(ag, i, g), 2))),
      mul(dh, add(mul(ao, tilt(o), t), mul(toS, flat(t)))),
    ];
    const toT = mul(dh, sub(out, ops.mul(mul(toS, o, t), 2)));
    return [add(mul(out, t), mul(toS, o, flat(t))), toS, join(ops, toGates), mul(s, af, bell(f)), mul(toT, flat(t))];
  },
});
