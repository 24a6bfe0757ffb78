// Elementwise calls that follow one another over the same elements, as one shader: a value that only they read stays in a register.
import { type Call, isView, type Storage, sameView, type View } from '../ts/backend.ts';
import type { DType } from '../ts/base/dtype.ts';
import { isContiguous, type Shape, sameShape, sizeOf } from '../ts/base/shape.ts';
import { AGAIN, type MapOp, type Scalar } from '../ts/ops/op.ts';
import { EXPRESSIONS } from './gen/expressions.ts';
import { mapObstacle, RANK, walkOf, words } from './map.ts';
import type { GpuStorage } from './memory.ts';
import { type Binding, bound, GROUP, type Sink, WORDS } from './queue.ts';
import { type Declared, float, int, shader, uint } from './shader.ts';
import { arrayOf, converted, type Kind, kindOf, load, nonzero, perWord, stored, truth, unpacked } from './types.ts';

/** Calls that run as one, and those of their results that somebody else reads. */
export interface Chain {
  readonly calls: readonly Call[];
  readonly stores: readonly View[];
}

function elementwise({ op, inputs, attrs, outputs }: Call): boolean {
  if (op.kind !== 'map' || AGAIN in attrs || mapObstacle(op, inputs, attrs.dtype as DType, outputs[0]) !== null) return false;
  const all = [...inputs.filter(isView), outputs[0]];
  return all.every((x) => all.every((y) => x.storage !== y.storage || x.dtype === y.dtype)) && sizeOf(outputs[0].shape) > 0;
}

/** Whether a call may follow those of a chain: it sees of their results, and overwrites of what they read, only its own element. */
function follows(chain: readonly Call[], call: Call): boolean {
  const [out] = call.outputs;
  if (!sameShape(out.shape, chain[0].outputs[0].shape)) return false;
  const read = chain.flatMap((c) => c.inputs.filter(isView));
  const written = chain.map((c) => c.outputs[0]);
  const dtypes = new Map([...read, ...written].map((v) => [v.storage, v.dtype]));
  for (const x of [...call.inputs.filter(isView), out]) {
    if ((dtypes.get(x.storage) ?? x.dtype) !== x.dtype) return false;
    if (written.some((y) => y.storage === x.storage && !sameView(y, x))) return false;
  }
  const own = call.inputs.filter(isView);
  return ![...read, ...own].some((x) => x.storage === out.storage && !sameView(x, out));
}

/** The calls in their order, runs of elementwise ones as chains. `limit`: the most buffers of a shader; `lasting`: who outlives the program. */
export function chained(calls: readonly Call[], lasting: (s: Storage) => boolean, limit: number): (Call | Chain)[] {
  const lastRead = new Map<Storage, number>();
  calls.forEach(({ op, inputs }, i) => {
    for (const x of inputs) if (isView(x)) lastRead.set(x.storage, i);
    if (op.kind === 'kernel' && op.mutates) for (const x of inputs) if (isView(x)) lastRead.set(x.storage, calls.length);
  });
  const found: (Call | Chain)[] = [];
  const close = (from: number, to: number): void => {
    if (to - from <= 1) {
      found.push(...calls.slice(from, to));
      return;
    }
    const own = calls.slice(from, to);
    const stores: { view: View; at: number }[] = [];
    own.forEach(({ outputs: [y] }, i) => {
      const again = own.slice(i + 1).some((c) => c.outputs[0].storage === y.storage);
      if (!again && (lasting(y.storage) || (lastRead.get(y.storage) ?? -1) >= to)) stores.push({ view: y, at: from + i });
    });
    const narrow = stores.find(({ view }) => perWord(view.dtype) > 1 && !(fillsWords(view) && isRow(stores[0].view)));
    const chain = { calls: own, stores: stores.map((s) => s.view) };
    const cut = narrow !== undefined ? [narrow.at, narrow.at + 1] : fits(chain, limit) ? null : [(from + to) >> 1];
    if (cut === null) {
      if (stores.length > 0) found.push(chain);
      return;
    }
    [from, ...cut].forEach((start, i) => {
      close(start, cut[i] ?? to);
    });
  };
  let from = -1;
  calls.forEach((call, i) => {
    const fit = elementwise(call);
    if (from >= 0 && !(fit && follows(calls.slice(from, i), call))) {
      close(from, i);
      from = -1;
    }
    if (fit && from < 0) from = i;
    if (!fit) found.push(call);
  });
  if (from >= 0) close(from, calls.length);
  return found;
}

const isRow = ({ shape, strides }: View): boolean => isContiguous(shape, strides);
/** Whether a packed result takes whole words, or the rest of its last one is nobody's. */
function fillsWords(y: View): boolean {
  const per = perWord(y.dtype);
  const n = sizeOf(y.shape);
  return isRow(y) && y.offset % per === 0 && (n % per === 0 || y.offset + n >= Math.floor(y.storage.bytes * (per / 4)));
}

/** What a chain brings from memory: a result of the chain does not come from there. */
function loadsOf({ calls }: Chain): View[] {
  const loads: View[] = [];
  const made: View[] = [];
  for (const { inputs, outputs } of calls) {
    for (const x of inputs.filter(isView)) if (![...made, ...loads].some((v) => sameView(v, x))) loads.push(x);
    made.push(outputs[0]);
  }
  return loads;
}
/** The places that a chain walks: its stores, then its loads from elsewhere. */
const viewsOf = (chain: Chain): View[] => [...chain.stores, ...loadsOf(chain).filter((x) => !chain.stores.some((y) => sameView(x, y)))];
function fits(chain: Chain, limit: number): boolean {
  if (chain.stores.length === 0) return true;
  const [first, ...views] = viewsOf(chain);
  if (new Set([first, ...views].map((v) => v.storage)).size > limit) return false;
  const { sizes } = walkOf(first, views);
  const scalars = chain.calls.reduce((n, c) => n + c.inputs.filter((x) => !isView(x)).length, 0);
  return sizes.length <= RANK && 1 + sizes.length + (views.length + 1) * (1 + sizes.length) + 2 * scalars <= WORDS;
}

/** A value in the shader: of one element, in the kind of its dtype. */
interface Value {
  readonly text: string;
  readonly kind: Kind;
}

/** Encodes a chain. */
export function encodeChain(sink: Sink, chain: Chain): void {
  const { calls, stores } = chain;
  const views = viewsOf(chain);
  const { sizes, strides } = walkOf(views[0], views.slice(1));
  const n = sizeOf(views[0].shape);
  const numbers: number[] = [n, ...sizes];
  const put = (...list: number[]): number => numbers.push(...list) - list.length;
  const storages = [...new Set(views.map((v) => v.storage))];
  const array = (s: Storage): string => `m${storages.indexOf(s)}`;
  const flat = (s: Shape): boolean => sizes.length === 1 && (s[0] === 1 || sizes[0] === 1);
  // Results that are packed in words: a thread makes as many elements as the narrowest has in one.
  const packed = stores.filter((y) => perWord(y.dtype) > 1);
  const width = Math.max(1, ...packed.map((y) => perWord(y.dtype)));
  const lines: string[] = ['  var rest = i;'];
  sizes.forEach((_, d) => {
    const last = d === sizes.length - 1;
    lines.push(last ? `  let d${d} = rest;` : `  let d${d} = rest % ${uint(1 + d)}; rest = rest / ${uint(1 + d)};`);
  });
  const places = views.map((v, k) => {
    const offset = uint(put(v.offset));
    if (flat(strides[k]) || packed.includes(v)) return `${offset} + i`;
    const terms = strides[k].flatMap((s, d) => (s === 0 ? [] : [`d${d} * ${uint(put(s))}`]));
    return [offset, ...terms].join(' + ');
  });
  const placeOf = (x: View): string => places[views.findIndex((v) => sameView(v, x))];

  const values: { view: View; value: Value }[] = [];
  calls.forEach(({ op, inputs, attrs, outputs: [y] }, c) => {
    const { masks, name, out } = op as MapOp;
    const kind = kindOf(attrs.dtype as DType);
    let text = EXPRESSIONS[name].replaceAll('_T', `_${kind}`);
    inputs.forEach((x, i) => {
      const mask = masks.includes(i);
      let v: string;
      if (isView(x)) {
        const known = values.findLast(({ view }) => sameView(view, x))?.value;
        if (known) v = mask ? nonzero(known.text, known.kind) : converted(known.text, known.kind, kind);
        else v = mask ? truth(array(x.storage), placeOf(x), x.dtype) : load(array(x.storage), placeOf(x), x.dtype, kind);
      } else if (mask) v = `(${int(put(x ? 1 : 0))} != 0)`;
      else {
        const at = put(...words(x as Scalar, kind));
        v = kind === 'f32' ? float(at) : kind === 'i32' ? int(at) : `vec2u(${uint(at)}, ${uint(at + 1)})`;
      }
      const letter = 'abc'[i];
      lines.push(`  let ${letter}${c} = ${v};`);
      text = text.replaceAll(`$${letter}`, `${letter}${c}`);
    });
    const whole = out === 'bool';
    lines.push(`  let r${c} = ${whole ? `select(0, 1, ${text})` : text};`);
    lines.push(`  let v${c} = ${unpacked(stored(`r${c}`, whole ? 'i32' : kind, y.dtype), y.dtype)};`);
    values.push({ view: y, value: { text: `v${c}`, kind: kindOf(y.dtype) } });
  });
  const ends: string[] = [];
  for (const y of stores) {
    const { text, kind } = (values.findLast(({ view }) => sameView(view, y)) as (typeof values)[number]).value;
    const per = perWord(y.dtype);
    const target = `${array(y.storage)}[(${placeOf(y)})${per > 1 ? ` / ${per}u` : ''}]`;
    if (per === 1) lines.push(`  ${target} = ${stored(text, kind, y.dtype)};`);
    else {
      const word = `w${ends.push('') - 1}`;
      ends[ends.length - 1] = `  var ${word} = 0u;`;
      lines.push(`  ${word} = ${word} | (${stored(text, kind, y.dtype)} << ((e % ${per}u) * ${32 / per}u));`);
      lines.push(`  if (e % ${per}u == ${per - 1}u || i + 1u == ${uint(0)}) { ${target} = ${word}; ${word} = 0u; }`);
    }
  }
  const body =
    width === 1
      ? `  if (t >= ${uint(0)}) { return; }\n  let i = t;\n${lines.join('\n')}`
      : `  if (t * ${width}u >= ${uint(0)}) { return; }\n${ends.join('\n')}\n  for (var e = 0u; e < ${width}u; e++) {\n  let i = t * ${width}u + e;\n  if (i >= ${uint(0)}) { break; }\n${lines.join('\n')}\n  }`;
  const bindings = bound(storages.map((s): Binding => ({ of: s as GpuStorage, writes: stores.some((y) => y.storage === s) })));
  const arrays: Declared[] = storages.map((s, i) => ({
    name: array(s),
    type: arrayOf((views.find((v) => v.storage === s) as View).dtype),
    writes: bindings[i].writes,
  }));
  const text = shader(arrays, body);
  sink.dispatch(text, () => text, bindings, numbers, Math.ceil(Math.ceil(n / width) / GROUP));
}
