// Writes small .tflite files: tables and vectors laid down from the front, offsets filled in as soon as their target is there.
import { BUILTINS } from '../../ts/tflite/operators.ts';

/** A value of a field. */
export type Field =
  | { readonly i8: number }
  | { readonly i32: number }
  | { readonly f32: number }
  | { readonly text: string }
  | { readonly bytes: Uint8Array }
  | { readonly i32s: readonly number[] }
  | { readonly f32s: readonly number[] }
  | { readonly i64s: readonly number[] }
  | { readonly table: Fields }
  | { readonly tables: readonly Fields[] };
/** Fields by their number in the schema. */
export type Fields = Readonly<Record<number, Field>>;

const BYTES: Readonly<Record<string, number>> = { i8: 1, i32: 4, f32: 4 };

class Writer {
  private bytes = new Uint8Array(1024);
  private view = new DataView(this.bytes.buffer);
  private end = 0;

  private room(size: number, align: number): number {
    this.end = Math.ceil(this.end / align) * align;
    const at = this.end;
    this.end += size;
    while (this.end > this.bytes.length) {
      const more = new Uint8Array(this.bytes.length * 2);
      more.set(this.bytes);
      this.bytes = more;
      this.view = new DataView(more.buffer);
    }
    return at;
  }
  file(root: Fields, mark: string): Uint8Array {
    const at = this.room(8, 8);
    [...mark].forEach((c, i) => this.view.setUint8(4 + i, c.charCodeAt(0)));
    this.point(at, this.table(root));
    return this.bytes.slice(0, this.end);
  }
  private point(at: number, to: number): void {
    this.view.setUint32(at, to - at, true);
  }
  private table(fields: Fields): number {
    const list = Object.entries(fields).map(([n, field]) => ({ n: Number(n), field }));
    const count = Math.max(-1, ...list.map(({ n }) => n)) + 1;
    const offsets = this.room(4 + 2 * count, 4);
    this.view.setUint16(offsets, 4 + 2 * count, true);
    const table = this.room(4, 8);
    this.view.setInt32(table, table - offsets, true);
    const places = list.map(({ n, field }) => {
      const size = BYTES[Object.keys(field)[0]] ?? 4;
      const at = this.room(size, size);
      this.view.setUint16(offsets + 4 + 2 * n, at - table, true);
      return { at, field };
    });
    this.view.setUint16(offsets + 2, this.end - table, true);
    for (const { at, field } of places) this.value(at, field);
    return table;
  }
  private value(at: number, field: Field): void {
    if ('i8' in field) this.view.setInt8(at, field.i8);
    else if ('i32' in field) this.view.setInt32(at, field.i32, true);
    else if ('f32' in field) this.view.setFloat32(at, field.f32, true);
    else if ('table' in field) this.point(at, this.table(field.table));
    else if ('text' in field) this.vector(at, 1, [...new TextEncoder().encode(field.text), 0], (p, v) => this.view.setUint8(p, v), 1);
    else if ('bytes' in field) this.vector(at, 1, [...field.bytes], (p, v) => this.view.setUint8(p, v));
    else if ('i32s' in field) this.vector(at, 4, field.i32s, (p, v) => this.view.setInt32(p, v, true));
    else if ('f32s' in field) this.vector(at, 4, field.f32s, (p, v) => this.view.setFloat32(p, v, true));
    else if ('i64s' in field) this.vector(at, 8, field.i64s, (p, v) => this.view.setBigInt64(p, BigInt(v), true));
    else {
      const start = this.vector(at, 4, new Array<number>(field.tables.length).fill(0), () => {});
      field.tables.forEach((one, i) => {
        this.point(start + 4 * i, this.table(one));
      });
    }
  }
  /** A vector of elements; `ends`: how many of them its length leaves out. */
  private vector(at: number, size: number, list: readonly number[], set: (at: number, v: number) => void, ends = 0): number {
    this.room(0, 4);
    if (size === 8 && this.end % 8 === 0) this.room(4, 4);
    const length = this.room(4, 4);
    this.view.setUint32(length, list.length - ends, true);
    const start = this.room(size * list.length, size);
    list.forEach((v, i) => {
      set(start + size * i, v);
    });
    this.point(at, length);
    return start;
  }
}

const TYPES = ['float32', 'float16', 'int32', 'uint8', 'int64', 'string', 'bool', 'int16', 'complex64', 'int8'];

/** A tensor of a model to write. */
export interface TensorSpec {
  readonly name?: string;
  readonly type?: string;
  readonly shape: readonly number[];
  readonly signature?: readonly number[];
  /** The bytes of a constant. */
  readonly data?: ArrayBufferView;
  readonly scale?: readonly number[];
  readonly zero?: readonly number[];
  readonly axis?: number;
  readonly sparsity?: Fields;
  readonly isVariable?: boolean;
}
/** An operator: tensors by their place in the list, options by field. */
export interface OperatorSpec {
  readonly op: string;
  readonly custom?: string;
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
  readonly options?: Fields;
  readonly customOptions?: Uint8Array;
}
export interface GraphSpec {
  readonly tensors: readonly TensorSpec[];
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
  readonly operators: readonly OperatorSpec[];
}

/** A model of these subgraphs; the first is the main one. */
export function modelOf(...graphs: readonly GraphSpec[]): Uint8Array {
  const codes: { op: string; custom: string }[] = [];
  const buffers: Fields[] = [{}];
  const codeOf = (op: string, custom = ''): number => {
    const at = codes.findIndex((c) => c.op === op && c.custom === custom);
    return at >= 0 ? at : codes.push({ op, custom }) - 1;
  };
  const subgraphs = graphs.map(({ tensors, inputs, outputs, operators }): Fields => {
    const list = tensors.map((t, i): Fields => {
      let buffer = 0;
      if (t.data) buffer = buffers.push({ 0: { bytes: new Uint8Array(t.data.buffer, t.data.byteOffset, t.data.byteLength) } }) - 1;
      const fields: Record<number, Field> = {
        0: { i32s: t.shape },
        1: { i8: TYPES.indexOf(t.type ?? 'float32') },
        2: { i32: buffer },
        3: { text: t.name ?? `t${i}` },
      };
      if (t.scale) fields[4] = { table: { 2: { f32s: t.scale }, 3: { i64s: t.zero ?? t.scale.map(() => 0) }, 6: { i32: t.axis ?? 0 } } };
      if (t.isVariable) fields[5] = { i8: 1 };
      if (t.sparsity) fields[6] = { table: t.sparsity };
      if (t.signature) fields[7] = { i32s: t.signature };
      return fields;
    });
    const ops = operators.map(({ op, custom, inputs: ins, outputs: outs, options, customOptions }): Fields => {
      const fields: Record<number, Field> = { 0: { i32: codeOf(op, custom) }, 1: { i32s: ins }, 2: { i32s: outs } };
      if (options) {
        fields[3] = { i8: 1 };
        fields[4] = { table: options };
      }
      if (customOptions) fields[5] = { bytes: customOptions };
      return fields;
    });
    return { 0: { tables: list }, 1: { i32s: inputs }, 2: { i32s: outputs }, 3: { tables: ops }, 4: { text: 'main' } };
  });
  const operatorCodes = codes.map(({ op, custom }): Fields => {
    const code = BUILTINS.indexOf(op);
    const fields: Record<number, Field> = { 0: { i8: Math.min(code, 127) }, 2: { i32: 1 }, 3: { i32: code } };
    if (custom) fields[1] = { text: custom };
    return fields;
  });
  const root: Fields = {
    0: { i32: 3 },
    1: { tables: operatorCodes },
    2: { tables: subgraphs },
    3: { text: 'written by a test' },
    4: { tables: buffers },
  };
  return new Writer().file(root, 'TFL3');
}
