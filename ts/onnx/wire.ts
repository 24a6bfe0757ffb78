// Protobuf's wire format, both ways, by tables of fields.
import { FormatError } from '../base/errors.ts';

/** What a field holds: `int` an int64 as a number, `long` as a bigint, a message by its table. */
export type Kind = 'int' | 'long' | 'float' | 'double' | 'string' | 'bytes' | Schema;
/** One field of a message; a table that is not there yet is given by a function. */
export interface Field {
  readonly name: string;
  readonly kind: Kind | (() => Schema);
  readonly many?: boolean;
}
/** The fields of a message by their numbers. */
export interface Schema {
  readonly [number: number]: Field;
}
/** A message as read: every repeated field is a list, a missing one is undefined. */
export type Message = Record<string, unknown>;

const MAX_DEPTH = 200;
const text = new TextDecoder();
const SIZES: Record<string, number> = { float: 4, double: 8 };

class Reader {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  at: number;
  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.at = 0;
  }
  fail(what: string): never {
    throw new FormatError(`onnx: ${what} at byte ${this.at}; the file is damaged or is no ONNX model`);
  }
  /** The low and high 32 bits of a varint. */
  varint(end: number): [low: number, high: number] {
    let low = 0;
    let high = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      if (this.at >= end) this.fail('a number is cut off');
      const b = this.bytes[this.at++];
      if (shift < 28) low |= (b & 127) << shift;
      else if (shift === 28) {
        low |= (b & 127) << 28;
        high |= (b & 127) >> 4;
      } else if (shift < 63) high |= (b & 127) << (shift - 32);
      else high |= (b & 1) << 31;
      if (b < 128) return [low >>> 0, high | 0];
    }
    return this.fail('a number has more than ten bytes');
  }
  int(end: number): number {
    const [low, high] = this.varint(end);
    return high * 4294967296 + low;
  }
  long(end: number): bigint {
    const [low, high] = this.varint(end);
    return (BigInt(high) << 32n) | BigInt(low);
  }
  length(end: number): number {
    const n = this.int(end);
    if (n < 0 || n > end - this.at) this.fail(`a field of ${n} bytes ends behind its message`);
    return n;
  }
  take(n: number, end: number): number {
    if (n > end - this.at) this.fail('a field is cut off');
    this.at += n;
    return this.at - n;
  }
  scalar(kind: 'int' | 'long' | 'float' | 'double', end: number): number | bigint {
    if (kind === 'int') return this.int(end);
    if (kind === 'long') return this.long(end);
    return kind === 'float' ? this.view.getFloat32(this.take(4, end), true) : this.view.getFloat64(this.take(8, end), true);
  }
  skip(wire: number, end: number): void {
    if (wire === 0) this.varint(end);
    else if (wire === 1) this.take(8, end);
    else if (wire === 2) this.take(this.length(end), end);
    else if (wire === 5) this.take(4, end);
    else this.fail(`a field has the unknown wire type ${wire}`);
  }
  message(schema: Schema, end: number, depth: number): Message {
    if (depth > MAX_DEPTH) this.fail(`messages are nested more than ${MAX_DEPTH} deep`);
    const out: Message = {};
    for (const { name, many } of Object.values(schema)) if (many) out[name] = [];
    while (this.at < end) {
      const tag = this.varint(end)[0];
      const wire = tag & 7;
      const field = schema[tag >>> 3];
      if (field === undefined) this.skip(wire, end);
      else this.field(field, wire, end, depth, out);
    }
    return out;
  }
  field({ name, kind: k, many }: Field, wire: number, end: number, depth: number, out: Message): void {
    const kind = typeof k === 'function' ? k() : k;
    const put = (value: unknown): void => {
      if (many) (out[name] as unknown[]).push(value);
      else out[name] = value;
    };
    if (kind === 'int' || kind === 'long' || kind === 'float' || kind === 'double') {
      if (wire === 2 && many) {
        const stop = this.length(end) + this.at;
        if (kind in SIZES && (stop - this.at) % SIZES[kind] !== 0) this.fail(`the packed field ${name} holds no whole number of elements`);
        while (this.at < stop) put(this.scalar(kind, stop));
      } else if (wire === (kind === 'float' ? 5 : kind === 'double' ? 1 : 0)) put(this.scalar(kind, end));
      else this.fail(`field ${name} has wire type ${wire}`);
      return;
    }
    if (wire !== 2) this.fail(`field ${name} has wire type ${wire}`);
    const n = this.length(end);
    const start = this.at;
    if (kind === 'bytes' || kind === 'string') {
      const part = this.bytes.subarray(start, start + n);
      put(kind === 'bytes' ? part : text.decode(part));
    } else put(this.message(kind, start + n, depth + 1));
    this.at = start + n;
  }
}

/** Reads a message; bytes are views of the file, not copies. @throws FormatError for damaged or deeply nested files */
export function decodeMessage(bytes: Uint8Array, schema: Schema): Message {
  return new Reader(bytes).message(schema, bytes.length, 0);
}

const encoder = new TextEncoder();

class Writer {
  private readonly parts: Uint8Array[] = [];
  size = 0;
  raw(bytes: Uint8Array): void {
    this.parts.push(bytes);
    this.size += bytes.length;
  }
  varint(value: number | bigint): void {
    let v = BigInt.asUintN(64, typeof value === 'bigint' ? value : BigInt(value));
    const out: number[] = [];
    do {
      const low = Number(v & 127n);
      v >>= 7n;
      out.push(v > 0n ? low | 128 : low);
    } while (v > 0n);
    this.raw(Uint8Array.from(out));
  }
  finish(): Uint8Array {
    const out = new Uint8Array(this.size);
    let at = 0;
    for (const part of this.parts) {
      out.set(part, at);
      at += part.length;
    }
    return out;
  }
}

function write(out: Writer, number: number, kind: Kind, value: unknown): void {
  const wire = kind === 'int' || kind === 'long' ? 0 : kind === 'float' ? 5 : kind === 'double' ? 1 : 2;
  out.varint(number * 8 + wire);
  if (wire === 0) out.varint(value as number | bigint);
  else if (wire !== 2) out.raw(new Uint8Array((kind === 'float' ? Float32Array : Float64Array).of(value as number).buffer));
  else {
    const bytes =
      kind === 'string'
        ? encoder.encode(value as string)
        : kind === 'bytes'
          ? (value as Uint8Array)
          : encodeMessage(value as Message, kind as Schema);
    out.varint(bytes.length);
    out.raw(bytes);
  }
}
/** Writes a message: the fields of its table in their order; what is undefined is left out. */
export function encodeMessage(message: Message, schema: Schema): Uint8Array {
  const out = new Writer();
  for (const [number, { name, kind: k, many }] of Object.entries(schema)) {
    const kind = typeof k === 'function' ? (k as () => Schema)() : (k as Kind);
    const value = message[name];
    if (value === undefined) continue;
    for (const one of many ? (value as unknown[]) : [value]) write(out, Number(number), kind, one);
  }
  return out.finish();
}
