// A .tflite file as plain objects: what the schema says, checked for what the rest relies on.
import type { DType } from '../base/dtype.ts';
import { SIZE } from '../base/dtype.ts';
import { FormatError } from '../base/errors.ts';
import { sizeOf } from '../base/shape.ts';
import { Buffer, type Table } from './flatbuffer.ts';
import { BUILTINS } from './operators.ts';
import { densified, type Sparsity, sparsityOf } from './sparse.ts';

/** real = scale * (stored - zero); one pair, or one for each slice of dimension `axis`. */
export interface Quantization {
  readonly scale: readonly number[];
  readonly zero: readonly number[];
  readonly axis: number;
}

/** A tensor of a subgraph. */
export interface TensorInfo {
  readonly index: number;
  readonly name: string;
  readonly type: string;
  /** The dtype that holds it; null: wick has none (strings, unsigned 32 and 64 bits), or it is a handle of a variable. */
  readonly dtype: DType | null;
  readonly shape: readonly number[];
  /** The shape with -1 where it may vary. */
  readonly signature: readonly number[];
  readonly quantization: Quantization | null;
  /** The bytes of a constant, in the file; null: computed, or an input. */
  readonly data: Uint8Array | null;
  readonly isVariable: boolean;
  readonly sparsity: Sparsity | null;
}

/** An operator of a subgraph; tensors by index, -1: absent. */
export interface Operator {
  readonly index: number;
  readonly name: string;
  /** The name of a custom operator. */
  readonly custom: string;
  readonly version: number;
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
  readonly intermediates: readonly number[];
  readonly options: Table | null;
  readonly options2: Table | null;
  readonly customOptions: Uint8Array;
}

export interface Subgraph {
  readonly index: number;
  readonly name: string;
  readonly tensors: readonly TensorInfo[];
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
  readonly operators: readonly Operator[];
}

export interface File {
  readonly subgraphs: readonly Subgraph[];
  readonly metadata: Readonly<Record<string, string>>;
}

const TYPES: readonly (readonly [name: string, dtype: DType | null])[] = [
  ['float32', 'float32'],
  ['float16', 'float16'],
  ['int32', 'int32'],
  ['uint8', 'uint8'],
  ['int64', 'int64'],
  ['string', null],
  ['bool', 'bool'],
  ['int16', 'int16'],
  // Pairs of float32 in a last dimension of two.
  ['complex64', 'float32'],
  ['int8', 'int8'],
  ['float64', 'float64'],
  ['complex128', 'float64'],
  ['uint64', null],
  ['resource', null],
  ['variant', null],
  // Their bits; what the operators that take them do is the same for both, or checked by them.
  ['uint32', 'int32'],
  ['uint16', 'int16'],
  ['int4', 'int8'],
  ['bfloat16', 'bfloat16'],
];
/** The name and dtype of a code in the schema. @throws FormatError */
export function typeOf(code: number): readonly [name: string, dtype: DType | null] {
  const known = TYPES[code];
  if (known === undefined) throw new FormatError(`tflite: there is no tensor type ${code}`);
  return known;
}

const MAX_ELEMENTS = 2147483648;
const MAX_RANK = 8;

/** Reads and checks a file. @throws FormatError naming what is wrong */
export function readFile(bytes: Uint8Array): File {
  const buffer = new Buffer(bytes);
  const mark = String.fromCharCode(...bytes.subarray(4, 8));
  if (mark !== 'TFL3') throw new FormatError('tflite: this is not a TensorFlow Lite file: it lacks the mark TFL3');
  const root = buffer.root();
  const version = root.u32(0);
  if (version !== 3) throw new FormatError(`tflite: the file has schema version ${version}; version 3 is read`);
  const codes = root.tables(1).map((code) => ({
    builtin: Math.max(code.i8(0), code.i32(3)),
    custom: code.string(1),
    version: code.i32(2, 1),
  }));
  const buffers = root.tables(4).map((b) => {
    const [offset, size] = [b.u64(1), b.u64(2)];
    return offset > 1 ? bytes.subarray(buffer.check(offset, size, 'a buffer'), offset + size) : b.bytes(0);
  });
  const subgraphs = root.tables(2).map((table, index): Subgraph => {
    const where = `subgraph ${index}`;
    const tensors = table.tables(0).map((tensor, i) => tensorOf(tensor, i, buffers, `${where}, tensor ${i}`));
    const known = (list: readonly number[], what: string, absent: boolean): readonly number[] => {
      for (const i of list)
        if (i >= tensors.length || i < (absent ? -1 : 0)) throw new FormatError(`tflite: ${where}: ${what} names tensor ${i}`);
      return list;
    };
    const operators = table.tables(3).map((op, i): Operator => {
      const code = codes[op.u32(0)];
      const name = code === undefined ? undefined : BUILTINS[code.builtin];
      if (name === undefined) throw new FormatError(`tflite: ${where}: operator ${i} has a code that is not listed`);
      return {
        ...{ index: i, name, custom: code.custom, version: code.version },
        inputs: known(op.i32s(1), `operator ${i} ${name}`, true),
        outputs: known(op.i32s(2), `operator ${i} ${name}`, true),
        intermediates: known(op.i32s(8), `operator ${i} ${name}`, true),
        options: op.table(4),
        options2: op.table(12),
        customOptions: op.bytes(5),
      };
    });
    const inputs = known(table.i32s(1), 'the list of inputs', false);
    const outputs = known(table.i32s(2), 'the list of outputs', false);
    return { index, name: table.string(4), tensors, inputs, outputs, operators };
  });
  if (subgraphs.length === 0) throw new FormatError('tflite: the file has no subgraph');
  const metadata: Record<string, string> = {};
  if (root.string(3) !== '') metadata.description = root.string(3);
  for (const entry of root.tables(6)) {
    const data = buffers[entry.u32(1)];
    const text = data === undefined || data.length > 256 ? '' : new TextDecoder().decode(data.slice()).replace(/\0+$/, '');
    if (/^[\x20-\x7e]+$/.test(text)) metadata[entry.string(0)] = text;
  }
  return { subgraphs, metadata };
}

function tensorOf(table: Table, index: number, buffers: readonly Uint8Array[], where: string): TensorInfo {
  const [type, dtype] = typeOf(table.i8(1));
  const shape = table.i32s(0);
  const signature = table.has(7) ? table.i32s(7) : shape;
  if (shape.length > MAX_RANK) throw new FormatError(`tflite: ${where} has ${shape.length} dimensions; at most ${MAX_RANK} are read`);
  const elements = sizeOf(shape);
  if (shape.some((n) => n < 0) || !(elements < MAX_ELEMENTS)) throw new FormatError(`tflite: ${where} has the shape [${shape}]`);
  const slot = table.u32(2);
  const own = buffers[slot];
  if (own === undefined) throw new FormatError(`tflite: ${where} names buffer ${slot} of ${buffers.length}`);
  const sparsity = table.table(6);
  const stored = type === 'int4' ? Math.ceil(elements / 2) : elements * (type.startsWith('complex') ? 2 : 1) * (dtype ? SIZE[dtype] : 0);
  // An empty buffer is no constant, unless the tensor is empty too and not an input: that is for whoever asks.
  const data = own.length === 0 ? null : own;
  if (data !== null && dtype !== null && sparsity === null && data.length !== stored)
    throw new FormatError(`tflite: ${where} ${type} [${shape}] takes ${stored} bytes; its buffer has ${data.length}`);
  const quantization = quantizationOf(table.table(4), shape, where);
  return {
    ...{ index, name: table.string(3), type, dtype, shape, quantization, data, isVariable: table.bool(5) },
    signature: signature.length === shape.length ? signature : shape,
    sparsity: sparsity && sparsityOf(sparsity, where),
  };
}

function quantizationOf(table: Table | null, shape: readonly number[], where: string): Quantization | null {
  const scale = table?.f32s(2) ?? [];
  if (table === null || scale.length === 0) return null;
  const zero = table.i64s(3);
  const said = table.i32(6);
  // Biases often repeat the dimension of their weights.
  const axis = scale.length > 1 && shape[said] !== scale.length ? shape.indexOf(scale.length) : said;
  if (scale.some((s) => !(s >= 0 && s < Number.POSITIVE_INFINITY)))
    throw new FormatError(`tflite: ${where} has a scale that is no positive number`);
  if (zero.length > 1 && zero.length !== scale.length)
    throw new FormatError(`tflite: ${where} has ${scale.length} scales and ${zero.length} zero points`);
  if (scale.length > 1 && shape[axis] !== scale.length)
    throw new FormatError(`tflite: ${where} [${shape}] has ${scale.length} scales along dimension ${said}`);
  if (zero.some((z) => !(Math.abs(z) <= 2147483647))) throw new FormatError(`tflite: ${where} has the zero point ${zero}`);
  return { scale, zero: scale.map((_, i) => zero[zero.length === 1 ? 0 : i] ?? 0), axis };
}

/** The elements of a constant as they lie in memory: unpacked and dense. @throws FormatError */
export function contentsOf(tensor: TensorInfo): Uint8Array {
  const { data, dtype, shape, sparsity, type } = tensor;
  if (data === null || dtype === null) throw new FormatError(`tflite: tensor '${tensor.name}' ${type} has no data`);
  if (sparsity !== null) return densified(data, SIZE[dtype], shape, sparsity, `tensor '${tensor.name}'`);
  if (type !== 'int4') return data;
  const elements = new Int8Array(sizeOf(shape));
  for (let i = 0; i < elements.length; i++) elements[i] = (data[i >> 1] << (i & 1 ? 24 : 28)) >> 28;
  return new Uint8Array(elements.buffer);
}
