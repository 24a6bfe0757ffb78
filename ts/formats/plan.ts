import { type Input, isView, type Storage, type View } from '../backend.ts';
import { ValueError } from '../base/errors.ts';
import { AGAIN } from '../ops/op.ts';
import {
  backend,
  built,
  type Form,
  filled,
  formOf,
  type Loaded,
  type Plan,
  revived,
  setPlanFiles,
  type Tensor,
  wholeOf,
} from '../tensor/index.ts';
import { toDot, toMermaid, toTrace } from './drawing.ts';
import { registerFormat } from './load.ts';
import type { Model } from './model.ts';
import { checkNames, portsOf } from './ports.ts';
import { aligned, HEAD, type Json, MAGIC, mapped, readRecipe, VERSION } from './recipe.ts';
import { problemOf } from './rules.ts';
import { crc32 } from './zip.ts';

export { toDot, toMermaid, toTrace };

/**
 * Writes a plan as a `.wick` file: its calls by the names of their ops, and the state that they read. load() runs it without the program
 * that it was captured from. Throws ValueError where a number of the plan comes from the program in each run (random numbers, an
 * optimizer's step) or an argument is neither tensor, number, text nor container of such.
 *
 * `save(compile(model).plans[0])` after a first call
 */
export function save(plan: Plan): Uint8Array {
  const { args, result, results, graph, changes } = plan.recipe;
  const order: Storage[] = [...graph.inputs, ...graph.outputs];
  const known = new Map(order.map((s, i) => [s, i]));
  const numberOf = (s: Storage): number => {
    let n = known.get(s);
    if (n === undefined) {
      n = order.push(s) - 1;
      known.set(s, n);
    }
    return n;
  };
  const view = (x: View): Json => [numberOf(x.storage), x.offset, [...x.shape], [...x.strides], x.dtype];
  const operand = (x: Input): Json => (isView(x) ? { view: view(x) } : written(x, 'an operand'));
  const calls = graph.calls.map(({ op, inputs, attrs, outputs }): Json => {
    if (AGAIN in attrs)
      throw new ValueError(`save: ${op.name} takes numbers that the program gives anew in each run; save a plan without it`);
    const own = Object.entries(attrs).filter(([, v]) => v !== undefined);
    return [op.name, inputs.map(operand), Object.fromEntries(own.map(([k, v]) => [k, written(v, `${op.name}.${k}`)])), outputs.map(view)];
  });
  const homes = results.map(({ shape, strides, dtype, offset, from }): Json => {
    const place: Json = 'state' in from ? { state: numberOf(from.state) } : { ...from };
    return { shape: [...shape], strides: [...strides], dtype, offset, from: place };
  });
  const data: Uint8Array[] = [];
  let end = 0;
  const storages = order.map((s): Json => {
    if (s.device === 'plan') return [Number.isFinite(s.bytes) ? s.bytes : 0];
    const bytes = backend().readSync(wholeOf(s));
    const at = end;
    data.push(bytes);
    end = aligned(at + bytes.length);
    return [s.bytes, at];
  });
  const counts = [graph.inputs.length, graph.outputs.length];
  const header = new TextEncoder().encode(
    JSON.stringify({ counts, args: writtenForm(args), result: writtenForm(result), results: homes, storages, calls, changes }),
  );
  const start = aligned(HEAD + header.length);
  const file = new Uint8Array(start + end);
  file.set(new TextEncoder().encode(MAGIC));
  file.set(header, HEAD);
  let at = start;
  for (const bytes of data) {
    file.set(bytes, at);
    at = aligned(at + bytes.length);
  }
  const fields = new DataView(file.buffer);
  [VERSION, header.length, crc32(file.subarray(HEAD))].forEach((x, i) => {
    fields.setUint32(8 + 4 * i, x, true);
  });
  return file;
}

function written(x: unknown, what: string): Json {
  if (x === null || typeof x === 'boolean' || typeof x === 'string') return x;
  if (typeof x === 'bigint') return { bigint: String(x) };
  if (typeof x === 'number') return Number.isFinite(x) && !Object.is(x, -0) ? x : { number: Object.is(x, -0) ? '-0' : String(x) };
  if (Array.isArray(x)) return x.map((part) => written(part, what));
  if (typeof x === 'object' && Object.getPrototypeOf(x) === Object.prototype)
    return { record: mapped(x as { readonly [key: string]: unknown }, (part) => written(part, what)) };
  throw new ValueError(`save: ${what} is ${typeof x === 'object' ? 'an object' : typeof x}, which a file cannot hold`);
}
function writtenForm(form: Form): Json {
  switch (form.kind) {
    case 'value':
      return form.value === undefined ? { kind: 'absent' } : { kind: 'value', value: written(form.value, 'an argument or a result') };
    case 'tensor':
      return { ...form, shape: [...form.shape], strides: [...form.strides], grad: false };
    case 'list':
      return { kind: 'list', parts: form.parts.map(writtenForm) };
    case 'record':
      return { kind: 'record', keys: [...form.keys], parts: form.parts.map(writtenForm) };
  }
}

/**
 * Reads a plan that save() wrote and makes it ready to run: a function that takes and gives what the captured one did. Its state is its
 * own. Throws FormatError on anything but a whole file of this version: truncation, a changed byte, operands outside their storage, unknown ops.
 *
 * `load(readFileSync('model.wick'))(x)`
 */
export function load(bytes: Uint8Array): Loaded {
  const states: Storage[] = [];
  const fill = (data: Uint8Array): Storage => {
    const storage = filled(data);
    states.push(storage);
    return storage;
  };
  const loaded = revived(readRecipe(bytes, fill, problemOf));
  const dispose = (): void => {
    loaded.dispose();
    for (const s of states.splice(0)) s.release();
  };
  return Object.assign((...args: readonly unknown[]) => loaded(...args), { plan: loaded.plan, dispose });
}

/** A loaded plan as a model: arguments are x0, x1, x1.key, ...; results y, y0, y1, ..., or the keys of a record. */
function modelOf(loaded: Loaded): Model {
  const { args, result } = loaded.plan.recipe;
  const inputs = portsOf(args, 'x');
  const outputs = portsOf(result, 'y');
  const call = (tensors: readonly Tensor[]): Tensor[] => {
    const given = loaded(...(built(args, tensors) as unknown[]));
    const found: Tensor[] = [];
    formOf(given, found);
    return found;
  };
  return {
    format: 'wick',
    inputs,
    outputs,
    metadata: {},
    run(named) {
      checkNames(named, inputs);
      const found = call(inputs.map((port) => named[port.name]));
      return Object.fromEntries(outputs.map((port, i) => [port.name, found[i]]));
    },
    forward(...tensors) {
      if (tensors.length !== inputs.length) throw new ValueError(`forward: ${tensors.length} inputs, the model takes ${inputs.length}`);
      const found = call(tensors);
      return found.length === 1 ? found[0] : found;
    },
    namedParameters: () => [],
    dispose: () => loaded.dispose(),
  };
}

setPlanFiles({ save, toDot, toMermaid });
registerFormat({ from: 'wick/formats/plan', read: ({ bytes }) => modelOf(load(bytes)) });
