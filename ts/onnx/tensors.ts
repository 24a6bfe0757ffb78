// TensorProto and its relatives, in and out.
import type { Data } from '../backend.ts';
import { FormatError } from '../base/errors.ts';
import { show } from '../base/shape.ts';
import { Allowance, RANK } from '../formats/allowance.ts';
import type { OptionalProto, SequenceProto, SparseTensorProto, TensorProto } from './messages.ts';
import { carrier, codeOf, type ElemType, elemType, rawSize, valuesOf } from './types.ts';
import { type Item, None, Sequence, Value } from './value.ts';

/** Gives the bytes of a file beside the model; null: there is none. */
export type External = (location: string) => Uint8Array | null;

function shapeOf(dims: readonly number[], where: string): number[] {
  if (dims.length > RANK) throw new FormatError(`${where}: has ${dims.length} dimensions; at most ${RANK} are read`);
  let n = 1;
  for (const d of dims) {
    if (!Number.isSafeInteger(d) || d < 0) throw new FormatError(`${where}: dims ${show(dims)} hold a size that is none`);
    n *= d;
    if (!Number.isSafeInteger(n)) throw new FormatError(`${where}: dims ${show(dims)} have more elements than can be counted`);
  }
  return [...dims];
}

function externalBytes(t: TensorProto, bytes: number, external: External, where: string): Uint8Array {
  const entry = (key: string): string | undefined => t.externalData.find((e) => e.key === key)?.value;
  const location = entry('location') ?? '';
  if (location === '' || /^([/\\]|[a-zA-Z]:)/.test(location) || location.split(/[/\\]/).includes('..'))
    throw new FormatError(`${where}: its data lies in '${location}', outside the model's folder; that is refused`);
  const file = external(location);
  if (file === null)
    throw new FormatError(
      `${where}: its data lies in the file '${location}', which is not there; load the model by its path, or give { external }`,
    );
  const offset = Number(entry('offset') ?? 0);
  const length = Number(entry('length') ?? bytes);
  if (!Number.isSafeInteger(offset) || !Number.isSafeInteger(length) || offset < 0 || length !== bytes || offset + length > file.length)
    throw new FormatError(
      `${where}: bytes ${offset} to ${offset + length} of '${location}' (${file.length} bytes) are not the ${bytes} that its shape needs`,
    );
  return file.subarray(offset, offset + length);
}

/** The elements of raw data, in the array of the carrier. */
function unpacked(raw: Uint8Array, type: ElemType, n: number): Data {
  const copy = new Uint8Array(raw);
  const b = copy.buffer;
  switch (type) {
    case 'uint16':
      return Int32Array.from(new Uint16Array(b));
    case 'uint32':
      return BigInt64Array.from(new Uint32Array(b), BigInt);
    case 'uint4':
      return Uint8Array.from({ length: n }, (_, i) => (copy[i >> 1] >> (4 * (i & 1))) & 15);
    case 'int4':
      return Int8Array.from({ length: n }, (_, i) => (copy[i >> 1] << (28 - 4 * (i & 1))) >> 28);
    case 'uint2':
      return Uint8Array.from({ length: n }, (_, i) => (copy[i >> 2] >> (2 * (i & 3))) & 3);
    case 'int2':
      return Int8Array.from({ length: n }, (_, i) => (copy[i >> 2] << (30 - 2 * (i & 3))) >> 30);
    case 'float4e2m1':
      return Float32Array.from({ length: n }, (_, i) => valuesOf(type)[(copy[i >> 1] >> (4 * (i & 1))) & 15]);
    default:
      return Float32Array.from(copy, (code) => valuesOf(type)[code]);
  }
}
const DIRECT = new Set<ElemType>(['float', 'uint8', 'int8', 'int16', 'int32', 'int64', 'bool', 'float16', 'double', 'uint64', 'bfloat16']);

/** The bytes of elements that stand in the typed fields. */
function fieldBytes(t: TensorProto, type: ElemType, n: number, where: string): Uint8Array {
  const need = (list: readonly unknown[], count: number): void => {
    if (list.length !== count)
      throw new FormatError(`${where}: holds ${list.length} elements, but its shape ${show(t.dims)} of ${type} needs ${count}`);
  };
  const bytesOf = (x: ArrayBufferView): Uint8Array => new Uint8Array(x.buffer as ArrayBuffer, x.byteOffset, x.byteLength);
  if (type === 'float') {
    need(t.floatData, n);
    return bytesOf(Float32Array.from(t.floatData));
  }
  if (type === 'double') {
    need(t.doubleData, n);
    return bytesOf(Float64Array.from(t.doubleData));
  }
  if (type === 'int64') {
    need(t.int64Data, n);
    return bytesOf(BigInt64Array.from(t.int64Data));
  }
  if (type === 'uint64' || type === 'uint32') {
    need(t.uint64Data, n);
    return bytesOf(type === 'uint64' ? BigInt64Array.from(t.uint64Data) : Uint32Array.from(t.uint64Data, Number));
  }
  const bytes = rawSize(type, n);
  const size = type === 'int32' ? 4 : type === 'int16' || type === 'uint16' || type === 'float16' || type === 'bfloat16' ? 2 : 1;
  need(t.int32Data, bytes / size);
  return bytesOf(size === 4 ? Int32Array.from(t.int32Data) : size === 2 ? Int16Array.from(t.int32Data) : Int8Array.from(t.int32Data));
}

/** The value of a TensorProto; its data is copied once, where a tensor is made of it. @throws FormatError naming it */
export function tensorValue(t: TensorProto, external: External, name: string = t.name ?? ''): Value {
  const where = `onnx: tensor '${name}'`;
  const shape = shapeOf(t.dims, where);
  const n = shape.reduce((a, b) => a * b, 1);
  const type = elemType(t.dataType, where);
  if (type === 'string') {
    if (t.stringData.length !== n)
      throw new FormatError(`${where}: holds ${t.stringData.length} strings, but its shape ${show(shape)} needs ${n}`);
    const decoder = new TextDecoder();
    return Value.known(
      'string',
      shape,
      t.stringData.map((s) => decoder.decode(s)),
    );
  }
  const bytes = rawSize(type, n);
  const raw =
    t.dataLocation === 1
      ? externalBytes(t, bytes, external, where)
      : t.rawData !== undefined && (t.rawData.length > 0 || n === 0)
        ? t.rawData
        : n === 0
          ? new Uint8Array()
          : fieldBytes(t, type, n, where);
  if (raw.length !== bytes)
    throw new FormatError(`${where}: holds ${raw.length} bytes, but its shape ${show(shape)} of ${type} needs ${bytes}`);
  return DIRECT.has(type) ? Value.raw(type, shape, raw) : Value.known(type, shape, unpacked(raw, type, n));
}

/** The dense value of a SparseTensorProto. @throws FormatError */
export function sparseValue(s: SparseTensorProto, external: External): Value {
  const where = `onnx: sparse tensor '${s.values?.name ?? ''}'`;
  if (s.values === undefined || s.indices === undefined) throw new FormatError(`${where}: has no values or no indices`);
  const values = tensorValue(s.values, external);
  const indices = tensorValue(s.indices, external).numbers();
  const shape = shapeOf(s.dims, where);
  const n = shape.reduce((a, b) => a * b, 1);
  const count = values.size;
  new Allowance(count).room(shape);
  const width = indices.length === count ? 1 : shape.length;
  if (indices.length !== count * width) throw new FormatError(`${where}: ${indices.length} indices for ${count} values`);
  const source = values.data() as Data;
  const data = new (source.constructor as { new (n: number): Data })(n);
  for (let i = 0; i < count; i++) {
    const at = width === 1 ? indices[i] : shape.reduce((a, d, k) => a * d + indices[i * width + k], 0);
    if (!(at >= 0 && at < n)) throw new FormatError(`${where}: index ${at} is outside ${show(shape)}`);
    data[at] = source[i];
  }
  return Value.known(values.type, shape, data);
}

/** The items of a SequenceProto. @throws FormatError */
export function sequenceItem(s: SequenceProto): Sequence {
  const none: External = () => null;
  const parts: Item[] = [...s.tensors.map((t) => tensorValue(t, none)), ...s.sequences.map(sequenceItem), ...s.optionals.map(optionalItem)];
  return new Sequence(parts, 'float');
}
/** What an OptionalProto holds. @throws FormatError */
export function optionalItem(o: OptionalProto): Item {
  if (o.tensor !== undefined) return tensorValue(o.tensor, () => null);
  if (o.sequence !== undefined) return sequenceItem(o.sequence);
  return o.optional !== undefined ? optionalItem(o.optional) : None;
}

/** A TensorProto of bytes in row-major order. */
export function tensorProto(name: string, type: ElemType, shape: readonly number[], rawData: Uint8Array): Partial<TensorProto> {
  carrier(type);
  return { dims: [...shape], dataType: codeOf(type), name, rawData };
}
