// Control flow, sequences and optionals.
import { cat, stack, type Tensor } from '../tensor/index.ts';
import type { Call, Out, Row } from './call.ts';
import type { Graph } from './graph.ts';
import { places, textAt } from './ops-math.ts';
import { type ElemType, elemType } from './types.ts';
import { type Item, None, Sequence, Value } from './value.ts';

const truth = (c: Call, item: Item): boolean => {
  const list = item instanceof Value ? item.numbers() : c.fail('a condition is no tensor');
  if (list.length !== 1) c.fail(`a condition holds ${list.length} values instead of one`);
  return list[0] !== 0;
};

function branch(c: Call): Out {
  return c.enter(c.graph(truth(c, c.item(0)) ? 'then_branch' : 'else_branch'), []);
}

/** Values of a scan stacked along a new dimension. */
function stacked(c: Call, items: readonly Item[], empty: () => Value, axis: number = 0): Value {
  if (items.length === 0) return empty();
  const values = items.map((x) => (x instanceof Value ? x : c.fail('a scan output is no tensor')));
  const [{ type }] = values;
  if (values.every((v) => v.known && v.type !== 'string' && v.size <= 64) && values.length <= 1024 && axis === 0) {
    const lists = values.map((v) => Array.from(v.data() as ArrayLike<number | bigint>));
    const array = values[0].data() as unknown as { constructor: { from(list: unknown[]): never } };
    return Value.known(type, [values.length, ...values[0].shape], array.constructor.from(lists.flat()));
  }
  return Value.of(
    stack(
      values.map((v) => v.tensor()),
      axis,
    ),
    type,
  );
}
const nothing = (graph: Graph, i: number): Value => {
  const { type, shape } = graph.outputs[i];
  const rest = (shape ?? []).map((n) => (typeof n === 'number' ? n : 0));
  return type === 'string' ? Value.known('string', [0, ...rest], []) : Value.raw(type, [0, ...rest], new Uint8Array());
};

function loop(c: Call): Out {
  const body = c.graph('body');
  const most = c.has(0) ? c.number(0) : Number.POSITIVE_INFINITY;
  const state = c.inputs.length - 2;
  let carried: Item[] = c.inputs.slice(2).map((x) => x ?? None);
  const scans: Item[][] = body.outputs.slice(1 + state).map(() => []);
  let on = c.has(1) ? truth(c, c.item(1)) : true;
  const keep = Value.known('bool', [], Uint8Array.of(1));
  for (let i = 0; i < most && on; i++) {
    c.turns(1);
    const out = c.enter(body, [Value.ints([i], []), keep, ...carried]);
    on = c.has(1) || out[0] instanceof Value ? truth(c, out[0]) : true;
    carried = out.slice(1, 1 + state);
    for (const [k, list] of scans.entries()) list.push(out[1 + state + k]);
  }
  return [...carried, ...scans.map((list, k) => stacked(c, list, () => nothing(body, 1 + state + k)))];
}

function scan(c: Call): Out {
  const body = c.graph('body');
  const count = c.int('num_scan_inputs');
  if (c.version < 9) return scan8(c, body, count);
  const state = c.inputs.length - count;
  const given = c.inputs.slice(state).map((_, i) => c.v(state + i));
  const inAxes = given.map((v, i) => c.axis(c.intsOr('scan_input_axes')?.[i] ?? 0, v.shape.length));
  const backwards = c.intsOr('scan_input_directions') ?? [];
  const [carried, scans] = steps(
    c,
    body,
    c.inputs.slice(0, state).map((x) => x ?? None),
    given,
    inAxes,
    backwards,
  );
  const outAxes = c.intsOr('scan_output_axes') ?? [];
  const turned = c.intsOr('scan_output_directions') ?? [];
  return [
    ...carried,
    ...scans.map((list, k) => {
      const items = turned[k] === 1 ? [...list].reverse() : list;
      const rank = (list[0] as Value | undefined)?.shape.length ?? 0;
      return stacked(c, items, () => nothing(body, state + k), c.axis(outAxes[k] ?? 0, rank + 1));
    }),
  ];
}
function steps(
  c: Call,
  body: Graph,
  first: Item[],
  given: readonly Value[],
  axes: readonly number[],
  backwards: readonly number[],
): [Item[], Item[][]] {
  const n = given[0]?.shape[axes[0]] ?? c.fail('it has nothing to scan');
  let carried = first;
  const scans: Item[][] = body.outputs.slice(first.length).map(() => []);
  const tensors = given.map((v) => v.tensor());
  c.turns(n);
  for (let t = 0; t < n; t++) {
    const slices = tensors.map((x, i) => Value.of(x.select(axes[i], backwards[i] === 1 ? n - 1 - t : t), given[i].type));
    const out = c.enter(body, [...carried, ...slices]);
    carried = out.slice(0, first.length);
    for (const [k, list] of scans.entries()) list.push(out[first.length + k]);
  }
  return [carried, scans];
}
/** Version 8: every input has a batch dimension first, and an optional input gives the lengths. */
function scan8(c: Call, body: Graph, count: number): Out {
  const state = c.inputs.length - 1 - count;
  const batch = c.v(1).shape[0];
  const lengths = c.has(0) ? c.numbers(0) : null;
  const results: Item[][] = [];
  for (let b = 0; b < batch; b++) {
    const pick = (i: number): Value => Value.of(c.x(i).select(0, b), c.type(i));
    const given = Array.from({ length: c.turns(count) }, (_, k) => {
      const v = pick(1 + state + k);
      return lengths === null ? v : Value.of(v.tensor().narrow(0, 0, lengths[b]), v.type);
    });
    const first = Array.from({ length: state }, (_, k) => pick(1 + k));
    const [carried, scans] = steps(
      c,
      body,
      first,
      given,
      given.map(() => 0),
      c.intsOr('directions') ?? [],
    );
    results.push([...carried, ...scans.map((list, k) => stacked(c, list, () => nothing(body, state + k)))]);
  }
  return results[0].map((_, k) =>
    stacked(
      c,
      results.map((r) => r[k]),
      () => c.fail('the batch is empty'),
    ),
  );
}

const joined = (c: Call, s: Sequence): Value => {
  const values = s.items.map((x) => (x instanceof Value ? x : c.fail('the sequence holds no tensors')));
  if (values.length === 0) c.fail('the sequence is empty');
  const axis = c.int('axis');
  const fresh = c.int('new_axis', 0) !== 0;
  const join = (list: Tensor[]): Tensor => {
    const rank = list[0].ndim + (fresh ? 1 : 0);
    return fresh ? stack(list, c.axis(axis, rank)) : cat(list, c.axis(axis, rank));
  };
  const [{ type }] = values;
  if (type !== 'string') return Value.of(join(values.map((v) => v.tensor())), type);
  const texts: string[] = [];
  const at = values.map((v) => {
    const part = places(v).add(texts.length);
    for (const t of v.strings()) texts.push(t);
    return part;
  });
  return textAt(texts, join(at));
};
const place = (c: Call, s: Sequence, i: number, room: number): number => {
  if (!c.has(i)) return s.items.length;
  const at = c.number(i);
  if (at < -s.items.length || at >= s.items.length + room) c.fail(`place ${at} is outside a sequence of ${s.items.length}`);
  return at < 0 ? at + s.items.length : at;
};

function splitToSequence(c: Call): Sequence {
  const v = c.v(0);
  const axis = c.axis(c.int('axis', 0), v.shape.length);
  const n = v.shape[axis];
  let parts: number[];
  if (!c.has(1)) parts = new Array<number>(c.turns(n)).fill(1);
  else if (c.v(1).shape.length === 0) {
    const size = c.number(1);
    if (!(size > 0)) c.fail(`a part of ${size} elements`);
    parts = Array.from({ length: c.turns(Math.ceil(n / size)) }, (_, i) => Math.min(size, n - i * size));
  } else parts = c.numbers(1);
  const squeezed = !c.has(1) && c.int('keepdims', 1) === 0;
  const x = v.type === 'string' ? places(v) : v.tensor();
  const items = x.split(parts, axis).map((p) => {
    const part = squeezed ? p.squeeze(axis) : p;
    return v.type === 'string' ? textAt(v.strings(), part) : Value.of(part, v.type);
  });
  return new Sequence(items, v.type);
}
function sequenceMap(c: Call): Out {
  const body = c.graph('body');
  const n = c.sequence(0).items.length;
  const rows = Array.from({ length: n }, (_, i) =>
    c.enter(
      body,
      c.inputs.map((x) => (x instanceof Sequence ? x.items[i] : (x ?? None))),
    ),
  );
  return body.outputs.map(
    (port, k) =>
      new Sequence(
        rows.map((r) => r[k]),
        port.type,
      ),
  );
}
const elementType = (x: Item | undefined): ElemType => (x instanceof Value || x instanceof Sequence ? x.type : 'float');
const same = (c: Call, s: Sequence, item: Item): Item => {
  if (item instanceof Value && s.items.some((x) => x instanceof Value && x.type !== item.type))
    c.fail(`a ${item.type} tensor in a sequence of ${s.type}`);
  return item;
};

/** Control flow, sequences, optionals. */
export const CONTROL: Readonly<Record<string, Row>> = {
  If: { host: [0], folds: false, run: branch },
  Loop: { host: [0, 1], folds: false, run: loop },
  Scan: { folds: false, run: scan },
  SequenceEmpty: { run: (c) => new Sequence([], c.attr('dtype') ? elemType(c.int('dtype'), 'dtype') : 'float') },
  SequenceConstruct: {
    run: (c) =>
      new Sequence(
        c.inputs.map((_, i) => c.item(i)),
        elementType(c.item(0)),
      ),
  },
  SequenceInsert: {
    host: [2],
    run: (c) => {
      const s = c.sequence(0);
      const items = [...s.items];
      items.splice(place(c, s, 2, 1), 0, same(c, s, c.item(1)));
      return new Sequence(items, elementType(c.item(1)));
    },
  },
  SequenceErase: {
    host: [1],
    run: (c) => {
      const s = c.sequence(0);
      const at = c.has(1) ? place(c, s, 1, 0) : s.items.length - 1;
      return new Sequence(
        s.items.filter((_, i) => i !== at),
        s.type,
      );
    },
  },
  SequenceAt: { host: [1], run: (c) => c.sequence(0).items[place(c, c.sequence(0), 1, 0)] },
  SequenceLength: { shapeOnly: true, run: (c) => Value.ints([c.sequence(0).items.length], []) },
  ConcatFromSequence: { run: (c) => joined(c, c.sequence(0)) },
  SplitToSequence: { host: [1], run: splitToSequence },
  SequenceMap: { folds: false, run: sequenceMap },
  Optional: { run: (c) => (c.has(0) ? c.item(0) : None) },
  OptionalHasElement: {
    shapeOnly: true,
    run: (c) => Value.known('bool', [], Uint8Array.of(c.has(0) && c.item(0) !== None ? 1 : 0)),
  },
  OptionalGetElement: { run: (c) => (c.item(0) === None ? c.fail('the optional is empty') : c.item(0)) },
};
