// FlatBuffers read as they lie: tables, vectors and strings, every offset checked against the file before it is followed.
import { FormatError } from '../base/errors.ts';

/** A file of tables; everything that it says is read through one of these. */
export class Buffer {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  /** Entries of lists that may still be read: tables may share lists, a file that repeats itself without end may not. */
  private left: number;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.left = 16 * bytes.length;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }
  /** Fails unless `size` bytes lie at `at`. */
  check(at: number, size: number, what: string): number {
    if (!(at >= 0 && size >= 0 && at + size <= this.bytes.length))
      throw new FormatError(`tflite: ${what} lies outside the file: ${size} bytes at ${at}, the file has ${this.bytes.length}`);
    return at;
  }
  u32(at: number, what: string): number {
    return this.view.getUint32(this.check(at, 4, what), true);
  }
  /** Counts entries of a list. @throws FormatError where tables name the same ones over and over */
  take(entries: number): number {
    this.left -= entries;
    if (this.left < 0) throw new FormatError('tflite: its tables repeat one another more often than a model does');
    return entries;
  }
  /** Where the offset at `at` leads. */
  follow(at: number, what: string): number {
    return this.check(at + this.u32(at, what), 4, what);
  }
  root(): Table {
    return new Table(this, this.follow(0, 'the root table'));
  }
}

/** A vector: `length` elements from byte `at`. */
interface Vector {
  readonly at: number;
  readonly length: number;
}

/** One table; fields by their number in the schema, with the default of what is absent. */
export class Table {
  private readonly buffer: Buffer;
  private readonly at: number;
  /** Where its list of field offsets lies, and how many there are. */
  private readonly fields: number;
  private readonly count: number;

  constructor(buffer: Buffer, at: number) {
    this.buffer = buffer;
    this.at = at;
    const { view } = buffer;
    this.fields = buffer.check(at - view.getInt32(buffer.check(at, 4, 'a table'), true), 4, 'a list of fields');
    const size = view.getUint16(this.fields, true);
    buffer.check(this.fields, size, 'a list of fields');
    this.count = Math.max(0, (size >> 1) - 2);
  }
  private place(field: number, size: number): number {
    if (field >= this.count) return 0;
    const offset = this.buffer.view.getUint16(this.fields + 4 + 2 * field, true);
    return offset === 0 ? 0 : this.buffer.check(this.at + offset, size, `field ${field} of a table`);
  }
  has(field: number): boolean {
    return this.place(field, 1) !== 0;
  }
  i8(field: number, absent = 0): number {
    const at = this.place(field, 1);
    return at === 0 ? absent : this.buffer.view.getInt8(at);
  }
  bool(field: number, absent = false): boolean {
    return this.i8(field, absent ? 1 : 0) !== 0;
  }
  i32(field: number, absent = 0): number {
    const at = this.place(field, 4);
    return at === 0 ? absent : this.buffer.view.getInt32(at, true);
  }
  u32(field: number, absent = 0): number {
    return this.i32(field, absent) >>> 0;
  }
  f32(field: number, absent = 0): number {
    const at = this.place(field, 4);
    return at === 0 ? absent : this.buffer.view.getFloat32(at, true);
  }
  u64(field: number): number {
    const at = this.place(field, 8);
    return at === 0 ? 0 : Number(this.buffer.view.getBigUint64(at, true));
  }
  table(field: number): Table | null {
    const at = this.place(field, 4);
    return at === 0 ? null : new Table(this.buffer, this.buffer.follow(at, `table ${field}`));
  }
  private vector(field: number, size: number): Vector {
    const at = this.place(field, 4);
    if (at === 0) return { at: 0, length: 0 };
    const start = this.buffer.follow(at, `list ${field}`);
    const length = this.buffer.u32(start, `list ${field}`);
    return { at: this.buffer.check(start + 4, length * size, `list ${field}`), length };
  }
  private numbers(field: number, size: number, read: (at: number) => number): number[] {
    const { at, length } = this.vector(field, size);
    return Array.from({ length: this.buffer.take(length) }, (_, i) => read(at + i * size));
  }
  i32s(field: number): number[] {
    return this.numbers(field, 4, (at) => this.buffer.view.getInt32(at, true));
  }
  u16s(field: number): number[] {
    return this.numbers(field, 2, (at) => this.buffer.view.getUint16(at, true));
  }
  u8s(field: number): number[] {
    return this.numbers(field, 1, (at) => this.buffer.view.getUint8(at));
  }
  f32s(field: number): number[] {
    return this.numbers(field, 4, (at) => this.buffer.view.getFloat32(at, true));
  }
  i64s(field: number): number[] {
    return this.numbers(field, 8, (at) => Number(this.buffer.view.getBigInt64(at, true)));
  }
  /** Raw bytes, not copied. */
  bytes(field: number): Uint8Array {
    const { at, length } = this.vector(field, 1);
    return this.buffer.bytes.subarray(at, at + length);
  }
  string(field: number): string {
    const text = this.bytes(field);
    this.buffer.take(text.length);
    return new TextDecoder().decode(text.slice());
  }
  tables(field: number): Table[] {
    const { at, length } = this.vector(field, 4);
    return Array.from(
      { length: this.buffer.take(length) },
      (_, i) => new Table(this.buffer, this.buffer.follow(at + 4 * i, `list ${field}`)),
    );
  }
}
