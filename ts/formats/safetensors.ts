import { byteSize, type DType } from '../base/dtype.ts';
import { FormatError, ValueError } from '../base/errors.ts';
import type { Tensor } from '../tensor/index.ts';
import { type Json, parseJson } from './json.ts';
import { checkRaw, type RawTensor } from './raw.ts';
import { fromRaw, toRaw } from './tensors.ts';

/** What a `.safetensors` file holds: tensors in the order of their data, and the strings of `__metadata__`. */
export type SafetensorsFile = { tensors: Map<string, RawTensor>; metadata: Record<string, string> };

const MAX_HEADER = 100_000_000n;
const U64_MAX = 0xffff_ffff_ffff_ffffn;
const UNSUPPORTED = /^(F4|F6_E2M3|F6_E3M2|F8_\w+|U16|U32|U64|C64)$/;

// In the order in which the reference library lays tensors out: widest first, so that each is aligned to its element.
const NAMES: readonly (readonly [DType, string])[] = [
  ['int64', 'I64'],
  ['float64', 'F64'],
  ['float32', 'F32'],
  ['int32', 'I32'],
  ['bfloat16', 'BF16'],
  ['float16', 'F16'],
  ['int16', 'I16'],
  ['int8', 'I8'],
  ['uint8', 'U8'],
  ['bool', 'BOOL'],
];
const DTYPES: ReadonlyMap<string, DType> = new Map(NAMES.map(([dtype, name]) => [name, dtype]));
const RANK: ReadonlyMap<DType, number> = new Map(NAMES.map(([dtype], i) => [dtype, i]));

type Entry = { name: string; dtype: DType; shape: bigint[]; begin: bigint; end: bigint };

/**
 * Reads a `.safetensors` file from its bytes, checking every claim of its header first, as the reference library does; the tensors'
 * `bytes` are views of the input, not copies, and may be unaligned. Throws FormatError on anything malformed, on a repeated key, and
 * on dtypes wick has not (F4, F6, F8, U16, U32, U64, C64).
 *
 * `parse(readFileSync('model.safetensors')).tensors.get('0.weight')?.shape // [10, 64]`
 *
 * Format: https://huggingface.co/docs/safetensors
 */
export function parse(bytes: Uint8Array): SafetensorsFile {
  if (bytes.length < 8) fail(`the file has ${bytes.length} bytes, but the length of its header alone takes 8`);
  const size = new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0, true);
  if (size > MAX_HEADER) fail(`the header claims ${size} bytes, more than the ${MAX_HEADER} allowed: is this a safetensors file?`);
  const start = 8 + Number(size);
  if (start > bytes.length)
    fail(`the header claims ${size} bytes, but only ${bytes.length - 8} follow: the file is cut off or not safetensors`);

  const header = parseJson(decode(bytes.slice(8, start)), 'safetensors: header');
  if (!(header instanceof Map)) fail('the header is not a JSON object');
  const metadata = readMetadata(header.get('__metadata__') ?? null);
  header.delete('__metadata__');
  const entries = [...header].map(([name, value]) => readEntry(name, value));
  entries.sort((a, b) => compare(a.begin, b.begin) || compare(a.end, b.end));

  // Not subarray: that of a Node Buffer is a Buffer again, whose slice() does not copy.
  const data = new Uint8Array(bytes.buffer, bytes.byteOffset + start, bytes.length - start);
  const tensors = new Map<string, RawTensor>();
  let filled = 0n;
  for (const entry of entries) {
    checkExtent(entry, filled);
    filled = entry.end;
    if (filled > BigInt(data.length)) fail(`tensor ${quote(entry.name)} ends at byte ${filled} of the data, which has only ${data.length}`);
    tensors.set(entry.name, {
      dtype: entry.dtype,
      shape: entry.shape.map((d) => toSize(d, entry.name)),
      bytes: data.subarray(Number(entry.begin), Number(entry.end)),
    });
  }
  if (filled !== BigInt(data.length)) fail(`the tensors cover ${filled} bytes of the data, which has ${data.length}`);
  return { tensors, metadata };
}

/**
 * Writes a `.safetensors` file: widest dtype first, then by name, the header padded with spaces to 8 bytes, byte for byte what the
 * reference library writes. Throws ValueError for a repeated or impossible name, or bytes that do not fill the shape.
 *
 * `serialize([['bias', { dtype: 'float32', shape: [2], bytes: new Uint8Array(8) }]], { format: 'pt' })`
 */
export function serialize(tensors: Iterable<readonly [string, RawTensor]>, metadata?: Record<string, string>): Uint8Array {
  const sorted = [...tensors].map(([name, tensor]) => ({ name, key: encodeName(name), tensor }));
  sorted.sort((a, b) => RANK.get(a.tensor.dtype)! - RANK.get(b.tensor.dtype)! || compareBytes(a.key, b.key));

  const seen = new Set<string>();
  const fields = metadata === undefined ? [] : [`"__metadata__":${writeMetadata(metadata)}`];
  let offset = 0;
  for (const { name, tensor } of sorted) {
    if (seen.has(name)) throw new ValueError(`safetensors: two tensors are named ${quote(name)}: rename one`);
    seen.add(name);
    checkRaw(`safetensors: tensor ${quote(name)}`, tensor);
    const { dtype, shape, bytes } = tensor;
    const end = offset + bytes.length;
    const label = NAMES[RANK.get(dtype)!]![1];
    fields.push(`${JSON.stringify(name)}:{"dtype":"${label}","shape":[${shape}],"data_offsets":[${offset},${end}]}`);
    offset = end;
  }

  const header = new TextEncoder().encode(`{${fields.join(',')}}`);
  const start = 8 + Math.ceil(header.length / 8) * 8;
  const out = new Uint8Array(start + offset);
  new DataView(out.buffer).setBigUint64(0, BigInt(start - 8), true);
  out.fill(0x20, 8, start);
  out.set(header, 8);
  let at = start;
  for (const { tensor } of sorted) {
    out.set(tensor.bytes, at);
    at += tensor.bytes.length;
  }
  return out;
}

function readMetadata(value: Json): Record<string, string> {
  if (value === null) return {};
  if (!(value instanceof Map)) return fail('__metadata__ is not an object of strings');
  for (const [key, v] of value) if (typeof v !== 'string') fail(`__metadata__ may hold only strings, but ${quote(key)} is something else`);
  return Object.fromEntries(value as Map<string, string>);
}

function readEntry(name: string, value: Json): Entry {
  if (!(value instanceof Map)) return fail(`the entry of tensor ${quote(name)} is not an object with dtype, shape and data_offsets`);
  const field = (key: string): Json => {
    if (!value.has(key)) fail(`tensor ${quote(name)} has no ${key}`);
    return value.get(key)!;
  };
  const dtypeName = field('dtype');
  const dtype = typeof dtypeName === 'string' ? DTYPES.get(dtypeName) : undefined;
  if (dtype === undefined) {
    const shown = typeof dtypeName === 'string' ? quote(dtypeName) : 'something that is not a string';
    const problem = typeof dtypeName === 'string' && UNSUPPORTED.test(dtypeName) ? 'unsupported' : 'unknown';
    return fail(`tensor ${quote(name)} has the ${problem} dtype ${shown}; wick reads ${[...DTYPES.keys()].join(', ')}`);
  }
  const shape = sizes(field('shape'), name, 'shape');
  const offsets = sizes(field('data_offsets'), name, 'data_offsets');
  if (offsets.length !== 2) fail(`data_offsets of tensor ${quote(name)} holds ${offsets.length} numbers instead of [begin, end]`);
  return { name, dtype, shape, begin: offsets[0]!, end: offsets[1]! };
}

function sizes(value: Json, name: string, field: string): bigint[] {
  if (!Array.isArray(value)) return fail(`${field} of tensor ${quote(name)} is not an array`);
  return value.map((v) => {
    if (typeof v !== 'bigint' || v < 0n || v > U64_MAX)
      return fail(`${field} of tensor ${quote(name)} holds something other than whole numbers from 0 to 2^64 - 1`);
    return v;
  });
}

function checkExtent({ name, dtype, shape, begin, end }: Entry, filled: bigint): void {
  if (begin !== filled) {
    const problem = begin < filled ? 'overlaps the tensor before it, which ends' : 'leaves a hole: the data before it ends';
    fail(`tensor ${quote(name)} begins at byte ${begin} and ${problem} at ${filled}`);
  }
  if (end < begin) fail(`tensor ${quote(name)} ends at byte ${end}, before it begins at ${begin}`);
  // Each partial product must fit 64 bits, in the file's order: a later 0 does not excuse an overflow.
  let count = 1n;
  for (const d of shape) {
    count *= d;
    if (count > U64_MAX) fail(`the size of tensor ${quote(name)}, shape ${show(shape)}, overflows 64 bits`);
  }
  const needed = count * BigInt(byteSize(dtype));
  if (needed * 8n > U64_MAX) fail(`the size of tensor ${quote(name)}, shape ${show(shape)}, overflows 64 bits`);
  if (end - begin !== needed)
    fail(`tensor ${quote(name)}, ${dtype} ${show(shape)}, takes ${needed} bytes, but its data_offsets span ${end - begin}`);
}

function toSize(d: bigint, name: string): number {
  if (d > BigInt(Number.MAX_SAFE_INTEGER)) fail(`tensor ${quote(name)} has a dimension of ${d}, more than 2^53 - 1`);
  return Number(d);
}

function decode(header: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(header);
  } catch (cause) {
    throw new FormatError('safetensors: the header is not valid UTF-8: is this a safetensors file?', { cause });
  }
}

function encodeName(name: string): Uint8Array {
  if (name === '__metadata__') throw new ValueError('safetensors: a tensor may not be named "__metadata__"');
  return new TextEncoder().encode(wellFormed(name));
}

function writeMetadata(metadata: Record<string, string>): string {
  for (const [key, value] of Object.entries(metadata)) {
    if (typeof value !== 'string') throw new ValueError(`safetensors: metadata ${quote(key)} is not a string: use JSON.stringify on it`);
    wellFormed(key + value);
  }
  return JSON.stringify(metadata);
}

function wellFormed(text: string): string {
  if (/\p{Surrogate}/u.test(text))
    throw new ValueError(`safetensors: ${quote(text)} holds half of a surrogate pair, which UTF-8 cannot write`);
  return text;
}

function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const n = Math.min(a.length, b.length);
  for (let i = 0; i < n; i++) if (a[i] !== b[i]) return a[i]! - b[i]!;
  return a.length - b.length;
}

const compare = (a: bigint, b: bigint): number => (a < b ? -1 : a > b ? 1 : 0);
// For messages: what a hostile file claims may be megabytes long.
const quote = (name: string): string => JSON.stringify(name.length > 100 ? `${name.slice(0, 100)}...` : name);
const show = (shape: readonly (bigint | number)[]): string => (shape.length > 16 ? `[${shape.slice(0, 16)},...]` : `[${shape}]`);

function fail(problem: string): never {
  throw new FormatError(`safetensors: ${problem}`);
}

/**
 * The bytes of a `.safetensors` file that holds these tensors, such as a module's state dict.
 * @example writeFileSync('model.safetensors', save(model.stateDict()))
 */
export function save(tensors: Readonly<Record<string, Tensor>>, metadata: Record<string, string> = {}): Uint8Array {
  return serialize(
    Object.entries(tensors).map(([name, x]) => [name, toRaw(x)] as const),
    metadata,
  );
}
/**
 * The tensors of a `.safetensors` file by name, in the order of the file. Throws FormatError on anything malformed.
 * @example model.loadStateDict(load(readFileSync('model.safetensors')))
 */
export function load(bytes: Uint8Array): Record<string, Tensor> {
  return Object.fromEntries([...parse(bytes).tensors].map(([name, raw]) => [name, fromRaw(raw)]));
}
