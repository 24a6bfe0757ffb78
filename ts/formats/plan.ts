import { type Call, type Input, Planned, type Storage, type View } from '../backend.ts';
import { CODE, type DType, SIZE } from '../base/dtype.ts';
import { FormatError, ValueError } from '../base/errors.ts';
import { broadcast, isContiguous, type Shape, sameShape, show, sizeOf } from '../base/shape.ts';
import { TABLE } from '../ops/networks.ts';
import { AGAIN, type Attrs, type Op } from '../ops/op.ts';
import {
  backend,
  built,
  type Form,
  filled,
  formOf,
  type Loaded,
  type Plan,
  type Recipe,
  type Result,
  revived,
  setPlanFiles,
  type Tensor,
  wholeOf,
} from '../tensor/index.ts';
import { toDot, toMermaid, toTrace } from './drawing.ts';
import { registerFormat } from './load.ts';
import type { Model, Port } from './model.ts';
import { crc32 } from './zip.ts';

export { toDot, toMermaid, toTrace };

// Bytes 0 to 7 the magic; then, as little-endian 32-bit numbers, the version, the header's length and the CRC-32 of all that follows
// them; the header as JSON; the states' bytes, each from a multiple of 64.
const MAGIC = 'WICKPLAN';
const VERSION = 1;
const HEAD = 20;
const ALIGN = 64;
const MAX_DIMS = 64;

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

const fail = (what: string): never => {
  throw new FormatError(`plan: ${what}`);
};
const aligned = (n: number): number => Math.ceil(n / ALIGN) * ALIGN;

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
  const operand = (x: Input): Json => (typeof x === 'object' && x !== null ? { view: view(x) } : written(x, 'an operand'));
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
  throw new ValueError(`save: ${what} is ${typeof x === 'object' ? 'an object' : typeof x}, which a file cannot hold`);
}
function read(x: Json, what: string): unknown {
  if (Array.isArray(x)) return x.map((part) => read(part, what));
  if (typeof x !== 'object' || x === null) return x;
  if (typeof x.bigint === 'string' && /^-?\d{1,40}$/.test(x.bigint)) return BigInt(x.bigint);
  if (typeof x.number === 'string' && /^(NaN|-?Infinity|-0)$/.test(x.number)) return Number(x.number);
  return fail(`${what} is not a value`);
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

const isWhole = (x: Json): x is number => typeof x === 'number' && Number.isSafeInteger(x) && x >= 0;
const wholes = (x: Json, what: string): number[] =>
  Array.isArray(x) && x.length <= MAX_DIMS && x.every(isWhole) ? x : fail(`${what} is not a list of sizes`);
const list = (x: Json | undefined, what: string): Json[] => (Array.isArray(x) ? x : fail(`${what} is not a list`));
const fields = (x: Json | undefined, what: string): { [key: string]: Json } =>
  typeof x === 'object' && x !== null && !Array.isArray(x) ? x : fail(`${what} is not an object`);
const dtypeOf = (x: Json, what: string): DType =>
  typeof x === 'string' && Object.hasOwn(CODE, x) ? (x as DType) : fail(`${what} has the dtype ${JSON.stringify(x)}`);

function readForm(x: Json, depth: number, count: { tensors: number }): Form {
  if (depth > 64) fail('an argument is nested too deeply');
  const form = fields(x, 'an argument');
  const parts = (): Form[] => list(form.parts, 'an argument').map((part) => readForm(part, depth + 1, count));
  if (form.kind === 'absent') return { kind: 'value', value: undefined };
  if (form.kind === 'value') return { kind: 'value', value: read(form.value, 'an argument') };
  if (form.kind === 'list') return { kind: 'list', parts: parts() };
  if (form.kind === 'record') {
    const keys = list(form.keys, 'an argument').map((k) => (typeof k === 'string' ? k : fail('a key is no text')));
    const own = parts();
    return own.length === keys.length ? { kind: 'record', keys, parts: own } : fail('an argument has other keys than parts');
  }
  if (form.kind !== 'tensor' || !isWhole(form.index) || form.index > count.tensors) return fail('an argument is of no known kind');
  count.tensors = Math.max(count.tensors, form.index + 1);
  const shape = wholes(form.shape, 'a shape');
  const strides = wholes(form.strides, 'strides');
  if (shape.length !== strides.length) fail('an argument has other strides than sizes');
  return { kind: 'tensor', index: form.index, shape, strides, dtype: dtypeOf(form.dtype, 'an argument'), grad: false };
}

/** Whether a view lies inside its storage. */
function checkExtent(shape: Shape, strides: Shape, dtype: DType, offset: number, bytes: number, what: string): void {
  let last = offset;
  for (let d = 0; d < shape.length; d++) last += (shape[d] - 1) * strides[d];
  if (sizeOf(shape) > 0 && !((last + 1) * SIZE[dtype] <= bytes)) fail(`${what} ${show(shape)} reaches past its ${bytes} bytes`);
}

/** Bytes of the tensors of a form, by number. */
function extents(form: Form, bytes: number[] = []): number[] {
  if (form.kind === 'list' || form.kind === 'record') for (const part of form.parts) extents(part, bytes);
  if (form.kind === 'tensor')
    bytes[form.index] =
      sizeOf(form.shape) === 0 ? 0 : form.shape.reduce((last, n, d) => last + (n - 1) * form.strides[d], 1) * SIZE[form.dtype];
  return bytes;
}

/** What is wrong with a call by its op's own rules (operands, shapes, dtypes), or null. */
function problemOf({ op, inputs, attrs, outputs }: Call): string | null {
  if (op.kind === 'view' || inputs.length !== op.inputs.length) return `${inputs.length} operands`;
  if (inputs.some((x, i) => x === null && !op.inputs[i].endsWith('?'))) return 'an operand is missing';
  const views = inputs.filter((x): x is View => typeof x === 'object' && x !== null);
  const numbers = inputs.filter((x) => typeof x === 'number' || typeof x === 'bigint' || typeof x === 'boolean');
  if (views.length + numbers.length + inputs.filter((x) => x === null).length < inputs.length) return 'an operand is no number';
  try {
    if (op.kind === 'map') {
      if (outputs.length !== 1 || typeof attrs.dtype !== 'string' || !Object.hasOwn(CODE, attrs.dtype)) return 'no dtype or result';
      const { shape } = outputs[0];
      const whole = views.reduce((s: Shape, x) => broadcast(op.name, s, x.shape), shape);
      return sameShape(whole, shape) ? null : `it gives ${show(whole)}, not ${show(shape)}`;
    }
    if (numbers.length > 0) return 'a number among its operands';
    const results = op.infer(inputs as readonly View[], attrs);
    const same = results.every((r, i) => r.dtype === outputs[i]?.dtype && sameShape(r.shape, outputs[i].shape));
    return same && results.length === outputs.length ? null : 'its results are not those of the file';
  } catch (error) {
    // Attributes of another type than the row's.
    return error instanceof Error ? error.message : String(error);
  }
}

/**
 * Reads a plan that save() wrote and makes it ready to run: a function that takes and gives what the captured one did. Its state is its
 * own. Throws FormatError on anything but a whole file of this version: truncation, a changed byte, operands outside their storage, unknown ops.
 *
 * `load(readFileSync('model.wick'))(x)`
 */
export function load(bytes: Uint8Array): Loaded {
  if (bytes.length < HEAD || new TextDecoder('latin1').decode(bytes.subarray(0, 8)) !== MAGIC) fail('this is not a .wick file');
  const head = new DataView(bytes.buffer, bytes.byteOffset, HEAD);
  const [version, length, crc] = [8, 12, 16].map((at) => head.getUint32(at, true));
  if (version !== VERSION) fail(`the file has version ${version}; this release reads version ${VERSION}`);
  const start = aligned(HEAD + length);
  if (start > bytes.length) fail(`the file is cut off: a header of ${length} bytes, and ${bytes.length} bytes in all`);
  if (crc32(bytes.subarray(HEAD)) !== crc) fail('the file is damaged: its CRC-32 does not match');
  let parsed: Json;
  try {
    parsed = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes.slice(HEAD, HEAD + length)));
  } catch {
    return fail('the header is no JSON');
  }
  return revived(recipeOf(fields(parsed, 'the header'), new Uint8Array(bytes.buffer, bytes.byteOffset + start, bytes.length - start)));
}

function recipeOf(header: { [key: string]: Json }, data: Uint8Array): Recipe {
  const [inputCount, outputCount] = wholes(header.counts, 'counts');
  const made: Storage[] = [];
  try {
    const storages = list(header.storages, 'storages').map((x, i): Storage => {
      const [size, at] = list(x, 'a storage');
      if (!isWhole(size) || size > 0x100000000) return fail(`storage ${i} has no size`);
      if (i < inputCount) return new Planned(Number.POSITIVE_INFINITY);
      if (at === undefined || i < inputCount + outputCount) return new Planned(size);
      if (!isWhole(at) || at + size > data.length) return fail(`storage ${i} lies outside the file`);
      made.push(filled(data.subarray(at, at + size)));
      return made[made.length - 1];
    });
    if (!(inputCount + outputCount <= storages.length)) fail('inputs and outputs are missing');
    const count = { tensors: 0 };
    const args = readForm(header.args, 0, count);
    if (count.tensors !== inputCount) fail(`${count.tensors} tensors among the arguments, ${inputCount} inputs`);
    const given = extents(args);
    const limitOf = (s: Storage): number => (Number.isFinite(s.bytes) ? s.bytes : given[storages.indexOf(s)]);
    const storageAt = (n: Json): Storage => (isWhole(n) && n < storages.length ? storages[n] : fail(`no storage ${JSON.stringify(n)}`));
    const view = (x: Json): View => {
      const [n, offset, sizes, steps, type] = list(x, 'a view');
      const storage = storageAt(n);
      const shape = wholes(sizes, 'a shape');
      const strides = wholes(steps, 'strides');
      const dtype = dtypeOf(type, 'a view');
      if (!isWhole(offset) || shape.length !== strides.length) return fail('a view is not whole');
      checkExtent(shape, strides, dtype, offset, limitOf(storage), 'a view');
      return { storage, offset, shape, strides, dtype, rowMajor: isContiguous(shape, strides) };
    };
    const operand = (x: Json): Input =>
      typeof x === 'object' && x !== null && !Array.isArray(x) && 'view' in x ? view(x.view) : (read(x, 'an operand') as Input);
    const calls = list(header.calls, 'calls').map((x): Call => {
      const [name, inputs, attrs, outputs] = list(x, 'a call');
      if (typeof name !== 'string' || !Object.hasOwn(TABLE, name)) return fail(`this release has no op ${JSON.stringify(name)}`);
      const op: Op = TABLE[name];
      const own = Object.entries(fields(attrs, 'attributes')).map(([k, v]) => [k, read(v, `${name}.${k}`)]);
      const call = {
        op,
        inputs: list(inputs, 'operands').map(operand),
        attrs: Object.fromEntries(own) as Attrs,
        outputs: list(outputs, 'results').map(view),
      };
      const problem = problemOf(call);
      if (problem !== null) fail(`${name}: ${problem}`);
      return call;
    });
    const results = list(header.results, 'results').map((x) => readResult(fields(x, 'a result'), storages, given, outputCount));
    const outs = { tensors: 0 };
    const result = readForm(header.result, 0, outs);
    if (outs.tensors !== results.length) fail(`${outs.tensors} tensors in the result, ${results.length} places`);
    const changes = list(header.changes ?? [], 'changes').map(String);
    const outputs = storages.slice(inputCount, inputCount + outputCount);
    return { args, result, results, graph: { calls, inputs: storages.slice(0, inputCount), outputs }, changes };
  } catch (error) {
    for (const s of made) s.release();
    throw error;
  }
}

function readResult(x: { [key: string]: Json }, storages: readonly Storage[], given: readonly number[], outputs: number): Result {
  const inputs = given.length;
  const shape = wholes(x.shape, 'a shape');
  const strides = wholes(x.strides, 'strides');
  const dtype = dtypeOf(x.dtype, 'a result');
  const from = fields(x.from, 'a place');
  if (!isWhole(x.offset) || shape.length !== strides.length) return fail('a result is not whole');
  const number = (key: string, end: number): number => (isWhole(from[key]) && from[key] < end ? from[key] : fail('a result has no place'));
  const known = { shape, strides, dtype, offset: x.offset };
  if ('self' in from) return { ...known, from: { self: number('self', inputs) } };
  const [place, storage] =
    'fresh' in from
      ? [{ fresh: number('fresh', outputs) }, storages[inputs + number('fresh', outputs)]]
      : 'argument' in from
        ? [{ argument: number('argument', inputs) }, storages[number('argument', inputs)]]
        : [{ state: storages[number('state', storages.length)] }, storages[number('state', storages.length)]];
  if ('state' in place && storage.device === 'plan') fail('a result is no state');
  checkExtent(shape, strides, dtype, x.offset, 'argument' in place ? given[place.argument] : storage.bytes, 'a result');
  return { ...known, from: place };
}

/** The tensors of a form by name: where they stand among the arguments or in the result. */
function ports(form: Form, name: string, into: Map<number, Port>): Map<number, Port> {
  if (form.kind === 'tensor' && !into.has(form.index)) into.set(form.index, { name, dtype: form.dtype, shape: form.shape });
  if (form.kind === 'list') form.parts.forEach((part, i) => void ports(part, `${name}${i}`, into));
  if (form.kind === 'record')
    form.parts.forEach((part, i) => void ports(part, name === 'y' ? form.keys[i] : `${name}.${form.keys[i]}`, into));
  return into;
}

/** A loaded plan as a model: arguments are x0, x1, x1.key, ...; results y, y0, y1, ..., or the keys of a record. */
function modelOf(loaded: Loaded): Model {
  const { args, result } = loaded.plan.recipe;
  const inputs = [...ports(args, 'x', new Map()).values()];
  const outputs = [...ports(result, 'y', new Map()).values()];
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
      const unknown = Object.keys(named).find((name) => !inputs.some((port) => port.name === name));
      const missing = inputs.find((port) => named[port.name] === undefined)?.name;
      const names = inputs.map((port) => port.name).join(', ');
      if (unknown ?? missing)
        throw new ValueError(`run: ${unknown ? `no input '${unknown}'` : `'${missing}' is missing`}; the inputs are ${names}`);
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
