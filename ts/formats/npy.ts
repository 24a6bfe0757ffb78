import { byteSize, type DType } from '../base/dtype.ts';
import { DTypeError, FormatError, ValueError } from '../base/errors.ts';
import type { Tensor } from '../tensor/index.ts';
import { checkRaw, type RawTensor } from './raw.ts';
import { fromRaw, toRaw } from './tensors.ts';

const MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];
const MAX_HEADER = 65_536;
const CODES: ReadonlyMap<string, DType> = new Map([
  ['f2', 'float16'],
  ['f4', 'float32'],
  ['f8', 'float64'],
  ['i1', 'int8'],
  ['i2', 'int16'],
  ['i4', 'int32'],
  ['i8', 'int64'],
  ['u1', 'uint8'],
  ['b1', 'bool'],
]);

/**
 * Reads a `.npy` file (versions 1 to 3, either endianness, C or Fortran order) into little-endian elements in C order; `bytes` is a
 * view of the input where nothing had to be changed. Bytes after the array are ignored, as NumPy does. Throws FormatError on anything
 * malformed and on dtypes other than float16/32/64, int8/16/32/64, uint8 and bool (so never unpickles).
 *
 * `parse(readFileSync('x.npy')).shape // [2, 3]`
 *
 * Format: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
 */
export function parse(bytes: Uint8Array): RawTensor {
  if (bytes.length < 10 || MAGIC.some((b, i) => bytes[i] !== b)) fail('the file does not begin with the magic string \\x93NUMPY');
  const major = bytes[6]!;
  if (major < 1 || major > 3 || bytes[7] !== 0) fail(`version ${major}.${bytes[7]} is not one of 1.0, 2.0 and 3.0`);
  const start = major === 1 ? 10 : 12;
  if (bytes.length < start) fail('the file ends within the length of its header');
  const view = new DataView(bytes.buffer, bytes.byteOffset, start);
  const size = major === 1 ? view.getUint16(8, true) : view.getUint32(8, true);
  if (size > MAX_HEADER) fail(`the header claims ${size} bytes, more than the ${MAX_HEADER} allowed`);
  if (start + size > bytes.length) fail(`the header claims ${size} bytes, but only ${bytes.length - start} follow: the file is cut off`);

  const { descr, fortran, shape } = readHeader(decode(bytes.slice(start, start + size), major));
  const code = /^([<>|=]?)(\w+)$/.exec(descr);
  const dtype = CODES.get(code?.[2] ?? '');
  if (!code || dtype === undefined)
    return fail(`the unsupported dtype '${descr}'; wick reads ${[...CODES.keys()].join(', ')}: convert with .astype() before saving`);
  const width = byteSize(dtype);
  const count = shape.reduce((a, b) => a * b, 1);
  const needed = count * width;
  const available = bytes.length - start - size;
  if (!Number.isSafeInteger(needed) || needed > available)
    fail(`${dtype} [${shape}] takes ${needed} bytes, but only ${available} follow the header`);

  // Not subarray: that of a Node Buffer is a Buffer again, whose slice() does not copy.
  let data: Uint8Array = new Uint8Array(bytes.buffer, bytes.byteOffset + start + size, needed);
  if (code[1] === '>' && width > 1) data = swap(data, width);
  if (fortran && shape.length > 1) data = toCOrder(data, shape, width);
  return { dtype, shape, bytes: data };
}

/**
 * Writes a `.npy` file of version 1.0, little-endian, C order: byte for byte what `numpy.save` writes. Throws DTypeError for bfloat16,
 * which NumPy has not, and ValueError for bytes that do not fill the shape.
 *
 * `serialize({ dtype: 'int8', shape: [3], bytes: new Uint8Array([1, 2, 3]) })`
 */
export function serialize(array: RawTensor): Uint8Array {
  const { dtype, shape, bytes } = array;
  const code = [...CODES].find(([, d]) => d === dtype)?.[0];
  if (code === undefined) throw new DTypeError(`npy: NumPy has no ${dtype}: convert to float32 first, or save as safetensors`);
  checkRaw('npy', array);
  const tuple = shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(', ')})`;
  const dict = `{'descr': '${byteSize(dtype) === 1 ? '|' : '<'}${code}', 'fortran_order': False, 'shape': ${tuple}, }`;
  // NumPy leaves room for the first dimension to grow to 21 digits in place, then pads to 64 bytes.
  const growth = shape.length === 0 ? 0 : 21 - String(shape[0]).length;
  const start = Math.ceil((10 + dict.length + growth + 1) / 64) * 64;
  if (start - 10 > 0xffff) throw new ValueError(`npy: ${shape.length} dimensions do not fit the header of version 1.0: reshape first`);
  const out = new Uint8Array(start + bytes.length);
  out.set([...MAGIC, 1, 0, (start - 10) & 255, (start - 10) >> 8]);
  out.set(new TextEncoder().encode(`${dict.padEnd(start - 11)}\n`), 10);
  out.set(bytes, start);
  return out;
}

type Header = { descr: string; fortran: boolean; shape: number[] };

/** The header is a Python dict literal; of Python this knows strings without escapes, True, False and tuples of integers. */
function readHeader(text: string): Header {
  const found = new Map<string, string | boolean | number[]>();
  let at = 0;
  const take = (pattern: RegExp): string | undefined => {
    const sticky = new RegExp(`\\s*(?:${pattern.source})`, 'y');
    sticky.lastIndex = at;
    const match = sticky.exec(text)?.[0];
    if (match !== undefined) at += match.length;
    return match?.trim();
  };
  const expect = (pattern: RegExp, what: string): string =>
    take(pattern) ??
    fail(`the header is not a Python dict at character ${at}, ${JSON.stringify(text.slice(at, at + 20))}: expected ${what}`);

  expect(/\{/, "'{'");
  while (take(/\}/) === undefined) {
    const key = expect(/'[^'\\]*'|"[^"\\]*"/, 'a key in quotes').slice(1, -1);
    if (found.has(key)) fail(`the header's key '${key}' appears twice`);
    expect(/:/, "':'");
    if (key === 'descr' && take(/\[/) !== undefined)
      fail('unsupported: a structured dtype; save each of its fields as an array of its own');
    const value = expect(
      /'[^'\\]*'|"[^"\\]*"|True|False|\((?:\s*\d+L?\s*,)*(?:\s*\d+L?)?\s*\)/,
      'a string, True, False or a tuple of integers',
    );
    found.set(key, readValue(value));
    if (take(/,/) === undefined) {
      expect(/\}/, "',' or '}'");
      break;
    }
  }
  if (text.slice(at).trim() !== '') fail(`the header goes on after its dict: ${JSON.stringify(text.slice(at, at + 20))}`);

  const [descr, fortran, shape] = [found.get('descr'), found.get('fortran_order'), found.get('shape')];
  if (typeof descr !== 'string' || typeof fortran !== 'boolean' || !Array.isArray(shape) || found.size !== 3) {
    return fail("the header must hold exactly a string 'descr', a bool 'fortran_order' and a tuple 'shape'");
  }
  return { descr, fortran, shape };
}

function readValue(token: string): string | boolean | number[] {
  if (token === 'True' || token === 'False') return token === 'True';
  if (token[0] !== '(') return token.slice(1, -1);
  const numbers = (token.match(/\d+/g) ?? []).map(Number);
  if (numbers.length === 1 && !token.includes(','))
    return fail(`the shape ${token} is a number in brackets, not a tuple: it lacks a comma`);
  if (!numbers.every(Number.isSafeInteger)) return fail(`the shape ${token} has a dimension of more than 2^53 - 1`);
  return numbers;
}

function decode(header: Uint8Array, major: number): string {
  if (major < 3) return Array.from(header, (b) => String.fromCharCode(b)).join('');
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(header);
  } catch (cause) {
    throw new FormatError('npy: the header is not valid UTF-8', { cause });
  }
}

function swap(data: Uint8Array, width: number): Uint8Array {
  const out = new Uint8Array(data.length);
  for (let i = 0; i < data.length; i += width) for (let j = 0; j < width; j++) out[i + j] = data[i + width - 1 - j]!;
  return out;
}

function toCOrder(data: Uint8Array, shape: number[], width: number): Uint8Array {
  const out = new Uint8Array(data.length);
  const strides: number[] = [];
  let stride = width;
  for (const d of shape) {
    strides.push(stride);
    stride *= d;
  }
  const index = shape.map(() => 0);
  let from = 0;
  for (let to = 0; to < out.length; to += width) {
    for (let j = 0; j < width; j++) out[to + j] = data[from + j]!;
    for (let k = shape.length - 1; k >= 0; k--) {
      from += strides[k]!;
      if (++index[k]! < shape[k]!) break;
      from -= strides[k]! * shape[k]!;
      index[k] = 0;
    }
  }
  return out;
}

function fail(problem: string): never {
  throw new FormatError(`npy: ${problem}`);
}

/** The bytes of a `.npy` file that holds this tensor. @example writeFileSync('x.npy', save(x)) */
export function save(x: Tensor): Uint8Array {
  return serialize(toRaw(x));
}
/** The tensor of a `.npy` file. Throws FormatError on anything malformed. @example load(readFileSync('x.npy')) */
export function load(bytes: Uint8Array): Tensor {
  return fromRaw(parse(bytes));
}
