import type { RawTensor } from '../../ts/formats/raw.ts';

/** What `JSON.parse` gives. */
export type JsonValue = null | boolean | number | string | JsonValue[] | { [key: string]: JsonValue };

/** A value of the conformance files: Python's types told apart, tensors as whatever the caller makes of them. */
export type Value<T> =
  | { kind: 'none' }
  | { kind: 'bool'; value: boolean }
  /** A bigint where it does not fit 2^53. */
  | { kind: 'int'; value: number | bigint }
  | { kind: 'float'; value: number }
  | { kind: 'complex'; re: number; im: number }
  | { kind: 'string'; value: string }
  /** `complex`: complex64 as float32 with a last dimension of 2. A `$ref` gives the very object its `$tensor` gave. */
  | { kind: 'tensor'; key: string; tensor: T; requiresGrad: boolean; complex: boolean }
  | { kind: 'dtype'; name: string }
  | { kind: 'slice'; start: number | null; stop: number | null; step: number | null }
  | { kind: 'ellipsis' }
  | { kind: 'list'; items: Value<T>[] }
  /** `fields`: the names of a named tuple. */
  | { kind: 'tuple'; items: Value<T>[]; fields: string[] | null }
  | { kind: 'dict'; entries: Map<string, Value<T>> }
  /** Only dtype and shape are known: the result is random or uninitialised. */
  | { kind: 'meta'; dtype: string; shape: number[] }
  | { kind: 'function'; name: string }
  | { kind: 'module'; name: string; args: Value<T>[]; kwargs: Map<string, Value<T>> }
  /** PyTorch options that may be ignored. */
  | { kind: 'option'; option: 'memory_format' | 'layout' | 'device'; value: string };

/** A tensor node of a value. */
export type TensorValue<T> = Extract<Value<T>, { kind: 'tensor' }>;

/** How a tensor is asked for: its key, and whether gradients are wanted. */
export type TensorInfo = { key: string; requiresGrad: boolean; complex: boolean };

/**
 * Decodes the JSON values of one case (README of the conformance data, "JSON values"); `make` is called once per key, so that `$ref`
 * and repeated keys give the same object. An unknown `$` key, a key that is not in the file and a `$ref` to nothing are errors.
 *
 * `new Decoder(file.tensors, (raw) => raw).value({ $float: 0.5 }) // { kind: 'float', value: 0.5 }`
 */
export class Decoder<T> {
  /** The tensors made so far, by key. */
  readonly made: Map<string, TensorValue<T>> = new Map();
  private readonly raw: ReadonlyMap<string, RawTensor>;
  private readonly make: (raw: RawTensor, info: TensorInfo) => T;

  constructor(raw: ReadonlyMap<string, RawTensor>, make: (raw: RawTensor, info: TensorInfo) => T) {
    this.raw = raw;
    this.make = make;
  }

  value(json: JsonValue): Value<T> {
    if (json === null) return { kind: 'none' };
    if (typeof json === 'boolean') return { kind: 'bool', value: json };
    if (typeof json === 'string') return { kind: 'string', value: json };
    if (typeof json === 'number') return { kind: 'int', value: toInt(json) };
    if (Array.isArray(json)) return { kind: 'list', items: this.list(json) };
    return this.tagged(json);
  }

  list(json: JsonValue): Value<T>[] {
    if (!Array.isArray(json)) throw new Error(`expected an array, got ${show(json)}`);
    return json.map((item) => this.value(item));
  }

  dict(json: JsonValue): Map<string, Value<T>> {
    return new Map(Object.entries(toObject(json)).map(([key, item]) => [key, this.value(item)]));
  }

  private tagged(json: { [key: string]: JsonValue }): Value<T> {
    const tags = Object.keys(json).filter((key) => key.startsWith('$'));
    if (tags.length !== 1) throw new Error(`expected one $ key in ${show(json)}`);
    const tag = tags[0]!;
    const content = json[tag]!;
    switch (tag) {
      case '$float':
        return { kind: 'float', value: toFloat(content) };
      case '$int':
        return { kind: 'int', value: toInt(content) };
      case '$complex':
        return this.complex(content);
      case '$tensor':
        return this.tensor({ key: toText(content), requiresGrad: json.requires_grad === true, complex: json.complex === true });
      case '$ref':
        return this.made.get(toText(content)) ?? raise(`$ref to ${show(content)}, which no $tensor before it made`);
      case '$dtype':
        return { kind: 'dtype', name: toText(content) };
      case '$slice':
        return toSlice(content);
      case '$ellipsis':
        return { kind: 'ellipsis' };
      case '$tuple':
        return { kind: 'tuple', items: this.list(content), fields: json.fields === undefined ? null : (json.fields as string[]) };
      case '$dict':
        return { kind: 'dict', entries: this.dict(content) };
      case '$meta':
        return { kind: 'meta', ...(toObject(content) as { dtype: string; shape: number[] }) };
      case '$fn':
        return { kind: 'function', name: toText(content) };
      case '$module':
        return { kind: 'module', name: toText(content), args: this.list(json.args ?? []), kwargs: this.dict(json.kwargs ?? {}) };
      case '$memory_format':
      case '$layout':
      case '$device':
        return { kind: 'option', option: tag.slice(1) as 'memory_format' | 'layout' | 'device', value: toText(content) };
      default:
        throw new Error(`unknown ${tag} in ${show(json)}`);
    }
  }

  private tensor(info: TensorInfo): TensorValue<T> {
    const known = this.made.get(info.key);
    if (known) return known;
    const raw = this.raw.get(info.key) ?? raise(`no tensor ${show(info.key)} in the file`);
    const node: TensorValue<T> = { kind: 'tensor', ...info, tensor: this.make(raw, info) };
    this.made.set(info.key, node);
    return node;
  }

  private complex(json: JsonValue): Value<T> {
    const [re, im] = this.list(json).map((part) =>
      part.kind === 'float' || part.kind === 'int' ? Number(part.value) : raise(`not a number in ${show(json)}`),
    );
    return { kind: 'complex', re: re!, im: im! };
  }
}

/** The tensor nodes of a value, in order of appearance: the order of a case's `atol`. `tensorsIn(value)[0]?.key` */
export function tensorsIn<T>(value: Value<T>): TensorValue<T>[] {
  switch (value.kind) {
    case 'tensor':
      return [value];
    case 'list':
    case 'tuple':
      return value.items.flatMap(tensorsIn);
    case 'dict':
      return [...value.entries.values()].flatMap(tensorsIn);
    default:
      return [];
  }
}

function toFloat(json: JsonValue): number {
  if (typeof json === 'number') return json;
  if (json === 'nan') return Number.NaN;
  if (json === 'inf') return Number.POSITIVE_INFINITY;
  return json === '-inf' ? Number.NEGATIVE_INFINITY : raise(`not a float: ${show(json)}`);
}

function toInt(json: JsonValue): number | bigint {
  if (typeof json === 'string' && /^-?\d+$/.test(json)) {
    const value = BigInt(json);
    return Number.isSafeInteger(Number(value)) ? Number(value) : value;
  }
  if (typeof json !== 'number' || !Number.isSafeInteger(json)) throw new Error(`not an int: ${show(json)}`);
  return json;
}

function toSlice<T>(json: JsonValue): Value<T> {
  if (!Array.isArray(json) || json.length !== 3) throw new Error(`not a slice: ${show(json)}`);
  const [start, stop, step] = json.map((part) => (part === null ? null : Number(toInt(part))));
  return { kind: 'slice', start: start!, stop: stop!, step: step! };
}

function toText(json: JsonValue): string {
  return typeof json === 'string' ? json : raise(`not a string: ${show(json)}`);
}

function toObject(json: JsonValue): { [key: string]: JsonValue } {
  return json !== null && typeof json === 'object' && !Array.isArray(json) ? json : raise(`not an object: ${show(json)}`);
}

function show(json: JsonValue): string {
  return JSON.stringify(json).slice(0, 100);
}

function raise(message: string): never {
  throw new Error(message);
}
