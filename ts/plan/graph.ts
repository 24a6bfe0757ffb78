// A captured program in single assignment of storages, and the passes that keep every bit.
import { type Call, type Input, isView, Planned, readsOf, type Storage, type View, writesOf } from '../backend.ts';
import { sameShape } from '../base/shape.ts';
import { AGAIN, type Attrs } from '../ops/op.ts';

export { readsOf, writesOf };

/** Calls over stand-ins, and which of them come from outside. */
export interface Graph {
  readonly calls: Call[];
  readonly inputs: readonly Storage[];
  readonly outputs: readonly Storage[];
}

/** The calls with storages replaced: those in `places`, and those made by the program itself by stand-ins. */
export function relocated(
  calls: readonly Call[],
  made: ReadonlySet<Storage>,
  places: Map<Storage, { storage: Storage; back: number }>,
): Call[] {
  const move = (x: Input): Input => (isView(x) ? moved(x) : x);
  const moved = (x: View): View => {
    let place = places.get(x.storage);
    if (place === undefined) {
      if (!made.has(x.storage)) return x;
      place = { storage: new Planned(x.storage.bytes, x.storage.device), back: 0 };
      places.set(x.storage, place);
    }
    return { ...x, storage: place.storage, offset: x.offset - place.back };
  };
  return calls.map((c) => ({ ...c, inputs: c.inputs.map(move), outputs: c.outputs.map(moved) }));
}

/** Whether what a call computes follows from its operands alone: it draws no random numbers, changes no input, renews no attribute. */
export const isPure = ({ op, attrs }: Call): boolean =>
  !(AGAIN in attrs) && !(op.kind === 'kernel' && (op.random || op.mutates !== undefined));

/** How often each storage is written. */
export const writesIn = (calls: readonly Call[]): Map<Storage, number> => counted(calls.flatMap(writesOf));
/** How often each storage is read or written. */
export const usesIn = (calls: readonly Call[]): Map<Storage, number> =>
  counted(calls.flatMap((call) => [...readsOf(call), ...writesOf(call)]));
function counted(storages: readonly Storage[]): Map<Storage, number> {
  const counts = new Map<Storage, number>();
  for (const s of storages) counts.set(s, (counts.get(s) ?? 0) + 1);
  return counts;
}

/** Leaves out calls whose results nothing reads. */
export function withoutDead(calls: readonly Call[], outputs: readonly Storage[]): Call[] {
  const wanted = new Set<Storage>(outputs);
  const kept: Call[] = [];
  for (let i = calls.length - 1; i >= 0; i--) {
    const call = calls[i];
    if (!writesOf(call).some((s) => s.device !== 'plan' || wanted.has(s))) continue;
    kept.push(call);
    for (const s of readsOf(call)) wanted.add(s);
  }
  return kept.reverse();
}

/** Computes what several calls compute alike once: only storages that are written once take part. */
export function withoutTwins(calls: readonly Call[], inputs: readonly Storage[], outputs: readonly Storage[]): Call[] {
  const writes = writesIn(calls);
  const fixed = (s: Storage): boolean => (writes.get(s) ?? 0) <= (s.device === 'plan' && !inputs.includes(s) ? 1 : 0);
  const keep = new Set(outputs);
  const numbers = new Map<Storage, number>();
  const number = (s: Storage): number => {
    if (!numbers.has(s)) numbers.set(s, numbers.size);
    return numbers.get(s) as number;
  };
  const twins = new Map<Storage, Storage>();
  const seen = new Map<string, Call>();
  const kept: Call[] = [];
  const move = (x: Input): Input => (isView(x) && twins.has(x.storage) ? { ...x, storage: twins.get(x.storage) as Storage } : x);
  for (const raw of calls) {
    const call = { ...raw, inputs: raw.inputs.map(move) };
    const { op, attrs, inputs, outputs: outs } = call;
    const pure = isPure(call) && [...readsOf(call), ...writesOf(call)].every(fixed);
    if (!pure || outs.some((y) => y.storage.device !== 'plan')) {
      kept.push(call);
      continue;
    }
    const key = keyOf(op.name, inputs, attrs, outs, number);
    const first = seen.get(key);
    if (first === undefined || outs.some((y) => keep.has(y.storage))) {
      seen.set(key, call);
      kept.push(call);
    } else outs.forEach((y, i) => twins.set(y.storage, first.outputs[i].storage));
  }
  return kept;
}

/** An activation behind a product or a convolution that nothing else reads becomes part of its last pass. */
export function withActivations(calls: readonly Call[], outputs: readonly Storage[]): Call[] {
  const uses = usesIn(calls);
  const makers = new Map<Storage, number>();
  const before = new Map<Storage, number>();
  const kept: Call[] = [];
  for (const call of calls) {
    const { op, inputs, outputs: outs } = call;
    const earlier = (s: Storage): number => before.get(s) ?? 0;
    const x = inputs[0];
    const name = op.kind !== 'map' ? null : op.activation === undefined ? op.name : op.activation(inputs);
    const at = name !== null && !inputs.slice(1).some(isView) && isView(x) ? makers.get(x.storage) : undefined;
    if (name !== null && at !== undefined && takes(kept[at], name, x as View, outs[0])) {
      const s = (x as View).storage;
      const y = outs[0].storage;
      // In place, nothing may have read the product; else nothing may read it at all, nor have touched where the result goes.
      if (s === y ? earlier(s) === 1 : uses.get(s) === 2 && !outputs.includes(s) && earlier(y) === 0) {
        kept[at] = { ...kept[at], attrs: { ...kept[at].attrs, activation: name }, outputs: outs };
        makers.delete(s);
        continue;
      }
    }
    for (const s of [...readsOf(call), ...writesOf(call)]) before.set(s, earlier(s) + 1);
    for (const y of outs) makers.set(y.storage, kept.length);
    kept.push(call);
  }
  return kept;
}
/** Whether a call can apply an activation that goes from x to y. */
function takes({ op, attrs, outputs }: Call, activation: string, x: View, y: View): boolean {
  if (op.kind !== 'kernel' || !op.activations?.(attrs).includes(activation) || attrs.activation !== undefined) return false;
  const same = (a: View, b: View): boolean =>
    a.offset === b.offset && a.dtype === b.dtype && sameShape(a.shape, b.shape) && sameShape(a.strides, b.strides);
  return outputs.length === 1 && same(outputs[0], x) && same(x, y);
}

function keyOf(name: string, inputs: readonly Input[], attrs: Attrs, outs: readonly View[], number: (s: Storage) => number): string {
  const meta = (x: View): unknown[] => [x.offset, x.shape, x.strides, x.dtype];
  const parts = inputs.map((x) =>
    isView(x)
      ? [number(x.storage), ...meta(x)]
      : typeof x === 'bigint'
        ? `${x}n`
        : Object.is(x, -0)
          ? '-0'
          : x === null
            ? 'none'
            : String(x),
  );
  return JSON.stringify([name, parts, Object.entries(attrs).map(([k, v]) => [k, typeof v === 'number' ? String(v) : v]), outs.map(meta)]);
}

/** The graph as text: one line a call. */
export function printed({ calls, inputs, outputs }: Graph): string {
  const names = new Map<Storage, string>();
  inputs.forEach((s, i) => names.set(s, `in${i}`));
  outputs.forEach((s, i) => names.set(s, `out${i}`));
  let own = 0;
  let states = 0;
  const name = (s: Storage): string => {
    if (!names.has(s)) names.set(s, s.device === 'plan' ? `t${own++}` : `state${states++}`);
    return names.get(s) as string;
  };
  const view = (x: View): string => `${name(x.storage)}${x.offset === 0 ? '' : `+${x.offset}`}:${x.dtype}[${x.shape.join(', ')}]`;
  const shown = (x: Input): string => (isView(x) ? view(x) : String(x));
  return calls
    .map(({ op, inputs: xs, attrs, outputs: ys }) => {
      const extra = op.kind === 'map' ? '' : JSON.stringify(attrs);
      const left = ys.length > 0 ? `${ys.map(view).join(', ')} = ` : '';
      return `${left}${op.name}(${xs.map(shown).join(', ')})${extra === '' || extra === '{}' ? '' : ` ${extra}`}`;
    })
    .join('\n');
}
