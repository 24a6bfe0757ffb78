// Writes the ONNX models that onnxruntime is timed on: protobuf by hand, as these few messages need no library.
// Field numbers are those of onnx.proto (ONNX 1.17, IR version 8).
const text = new TextEncoder();

function varint(n) {
  const bytes = [];
  let rest = BigInt.asUintN(64, BigInt(n));
  for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128);
  bytes.push(Number(rest));
  return bytes;
}
/** One field: numbers as varints, strings, bytes and messages (lists of fields) by length. */
function field(number, value) {
  if (typeof value === 'number' || typeof value === 'bigint') return [...varint(number << 3), ...varint(value)];
  const bytes = typeof value === 'string' ? text.encode(value) : value;
  return [Buffer.from([...varint((number << 3) | 2), ...varint(bytes.length)]), Buffer.from(bytes)];
}
const message = (...fields) => Buffer.concat(fields.flat().map((f) => (typeof f === 'number' ? Buffer.from([f]) : f)));
const float = (number, value) => [...varint((number << 3) | 5), ...new Uint8Array(Float32Array.of(value).buffer)];

const TYPES = { float32: 1, uint8: 2, int8: 3, int32: 6, int64: 7 };
function typeOf(data) {
  if (data instanceof Float32Array) return TYPES.float32;
  if (data instanceof Uint8Array) return TYPES.uint8;
  if (data instanceof Int8Array) return TYPES.int8;
  if (data instanceof BigInt64Array) return TYPES.int64;
  return TYPES.int32;
}
function constant({ name, data, shape }) {
  const raw = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return message(...shape.map((d) => field(1, d)), field(2, typeOf(data)), field(8, name), field(9, raw));
}
function attribute([name, value]) {
  if (Array.isArray(value)) return message(field(1, name), ...value.map((v) => field(8, v)), field(20, 7));
  if (typeof value === 'string') return message(field(1, name), field(4, value), field(20, 3));
  if (Number.isInteger(value)) return message(field(1, name), field(3, value), field(20, 2));
  return message(field(1, name), float(2, value), field(20, 1));
}
function valueInfo({ name, shape, type = 'float32' }) {
  const dims = message(...shape.map((d) => field(1, message(field(1, d)))));
  return message(field(1, name), field(2, message(field(1, message(field(1, TYPES[type]), field(2, dims))))));
}

/** A graph under construction: each method returns the name of its result. */
export class Graph {
  #nodes = [];
  #constants = [];
  #inputs = [];
  #count = 0;

  input(name, shape, type) {
    this.#inputs.push({ name, shape, type });
    return name;
  }
  constant(data, shape) {
    const name = `c${this.#count++}`;
    this.#constants.push({ name, data, shape });
    return name;
  }
  /** The first output of a node. */
  node(op, inputs, attributes = {}, outputs = 1) {
    const names = Array.from({ length: outputs }, () => `t${this.#count++}`);
    const given = Object.entries(attributes).map((a) => field(5, attribute(a)));
    this.#nodes.push(message(...inputs.map((i) => field(1, i)), ...names.map((o) => field(2, o)), field(4, op), ...given));
    return names[0];
  }
  /** The model's bytes. */
  model(output, type = 'float32') {
    const graph = message(
      ...this.#nodes.map((n) => field(1, n)),
      field(2, 'case'),
      ...this.#constants.map((c) => field(5, constant(c))),
      ...this.#inputs.map((i) => field(11, valueInfo(i))),
      field(12, message(field(1, output), field(2, message(field(1, message(field(1, TYPES[type]))))))),
    );
    return message(field(1, 8), field(7, graph), field(8, message(field(1, ''), field(2, 17))));
  }
}
