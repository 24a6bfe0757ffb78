// Reading .wick files: what a plan is made of, checked before anything runs.
import { type Call, type Input, Planned, type Storage, type View } from '../backend.ts';
import { CODE, type DType, SIZE } from '../base/dtype.ts';
import { FormatError } from '../base/errors.ts';
import { isContiguous, type Shape, show, sizeOf } from '../base/shape.ts';
import { TABLE } from '../ops/networks.ts';
import type { Attrs, Op } from '../ops/op.ts';
import type { Form, Recipe, Result } from '../tensor/index.ts';
import { crc32 } from './zip.ts';

// Bytes 0 to 7 the magic; then, as little-endian 32-bit numbers, the version, the header's length and the CRC-32 of all that follows
// them; the header as JSON; the states' bytes, each from a multiple of 64.
export const MAGIC = 'WICKPLAN';
export const VERSION = 1;
export const HEAD = 20;
const ALIGN = 64;
const MAX_DIMS = 64;

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

const fail = (what: string): never => {
  throw new FormatError(`plan: ${what}`);
};
export const aligned = (n: number): number => Math.ceil(n / ALIGN) * ALIGN;

/** A record with its values mapped. */
export const mapped = <A, B>(record: { readonly [key: string]: A }, fn: (x: A) => B): { [key: string]: B } =>
  Object.fromEntries(Object.entries(record).map(([key, x]) => [key, fn(x)]));

function read(x: Json, what: string): unknown {
  if (Array.isArray(x)) return x.map((part) => read(part, what));
  if (typeof x !== 'object' || x === null) return x;
  if (typeof x.bigint === 'string' && /^-?\d{1,40}$/.test(x.bigint)) return BigInt(x.bigint);
  if (typeof x.number === 'string' && /^(NaN|-?Infinity|-0)$/.test(x.number)) return Number(x.number);
  return mapped(fields(x.record, what), (part) => read(part, what));
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

/** Makes a storage that holds these bytes. */
export type Fill = (bytes: Uint8Array) => Storage;
/** What is wrong with a call, or null. */
export type Judge = (call: Call) => string | null;

/**
 * What a file says, its state in storages that `fill` makes, its calls as `judge` lets them pass.
 * @throws FormatError on anything but a whole file of this version
 */
export function readRecipe(bytes: Uint8Array, fill: Fill, judge: Judge): Recipe {
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
  return recipeOf(fields(parsed, 'the header'), bytes.subarray(start), fill, judge);
}

function recipeOf(header: { [key: string]: Json }, data: Uint8Array, fill: Fill, judge: Judge): Recipe {
  const [inputCount, outputCount] = wholes(header.counts, 'counts');
  const made: Storage[] = [];
  try {
    const storages = list(header.storages, 'storages').map((x, i): Storage => {
      const [size, at] = list(x, 'a storage');
      if (!isWhole(size) || size > 0x100000000) return fail(`storage ${i} has no size`);
      if (i < inputCount) return new Planned(Number.POSITIVE_INFINITY);
      if (at === undefined || i < inputCount + outputCount) return new Planned(size);
      if (!isWhole(at) || at + size > data.length) return fail(`storage ${i} lies outside the file`);
      made.push(fill(data.subarray(at, at + size)));
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
      const problem = judge(call);
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
