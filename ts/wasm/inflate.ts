import { FormatError } from '../base/errors.ts';

// RFC 1951. Length codes 257..285 and distance codes 0..29: the value of the first, and how many bits follow.
const [LENGTHS, LENGTH_BITS] = ladder(3, 4, 28);
const [DISTANCES, DISTANCE_BITS] = ladder(1, 2, 30);
LENGTHS.push(258);
LENGTH_BITS.push(0);
const ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

function ladder(start: number, step: number, count: number): [number[], number[]] {
  const bits = Array.from({ length: count }, (_, i) => Math.max(0, Math.floor(i / step) - 1));
  const values: number[] = [];
  for (const extra of bits) {
    values.push(start);
    start += 1 << extra;
  }
  return [values, bits];
}

/** A canonical Huffman code: how many codes each length has, and the symbols in the order of their codes. */
interface Code {
  readonly counts: Uint16Array;
  readonly symbols: Uint16Array;
}

function codeOf(lengths: ArrayLike<number>): Code {
  const counts = new Uint16Array(16);
  for (let i = 0; i < lengths.length; i++) counts[lengths[i]!]!++;
  counts[0] = 0;
  const next = new Uint16Array(16);
  for (let n = 1; n < 15; n++) next[n + 1] = next[n]! + counts[n]!;
  const symbols = new Uint16Array(lengths.length);
  for (let i = 0; i < lengths.length; i++) if (lengths[i]! > 0) symbols[next[lengths[i]!]!++] = i;
  return { counts, symbols };
}

/**
 * The bytes that raw deflate data (RFC 1951) stand for, for runtimes that cannot inflate synchronously; `size` is their known number.
 *
 * @throws FormatError when the data end early, hold what deflate cannot, or stand for another number of bytes
 * @example inflate(deflateRawSync(bytes), bytes.length)
 */
export function inflate(data: Uint8Array, size: number): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(size);
  let [at, to, hold, held] = [0, 0, 0, 0];

  function fail(what: string): never {
    throw new FormatError(`inflate: ${what} (byte ${at} of ${data.length}); the data are damaged or not raw deflate`);
  }
  function bits(n: number): number {
    for (; held < n; held += 8) {
      if (at >= data.length) fail('the data end early');
      hold |= data[at++]! << held;
    }
    const value = hold & ((1 << n) - 1);
    hold >>>= n;
    held -= n;
    return value;
  }
  function symbol({ counts, symbols }: Code): number {
    for (let n = 1, code = 0, first = 0, index = 0; n < 16; n++) {
      code |= bits(1);
      const count = counts[n]!;
      if (code - first < count) return symbols[index + code - first]!;
      index += count;
      first = (first + count) << 1;
      code <<= 1;
    }
    return fail('no such code');
  }
  function stored(): void {
    hold = held = 0;
    const length = bits(16);
    if ((bits(16) ^ length) !== 0xffff) fail('the length of a stored block is wrong');
    if (at + length > data.length) fail('the data end early');
    if (to + length > size) fail(`it stands for more than ${size} bytes`);
    out.set(data.subarray(at, at + length), to);
    at += length;
    to += length;
  }
  function codes(): [Code, Code] {
    const [literals, distances, given] = [bits(5) + 257, bits(5) + 1, bits(4) + 4];
    const lengths = new Uint8Array(19);
    for (let i = 0; i < given; i++) lengths[ORDER[i]!] = bits(3);
    const code = codeOf(lengths);
    const all: number[] = [];
    while (all.length < literals + distances) {
      const s = symbol(code);
      if (s < 16) all.push(s);
      else {
        if (s === 16 && all.length === 0) fail('nothing to repeat');
        const value = s === 16 ? all.at(-1)! : 0;
        for (let n = s === 16 ? 3 + bits(2) : s === 17 ? 3 + bits(3) : 11 + bits(7); n > 0; n--) all.push(value);
      }
    }
    return [codeOf(all.slice(0, literals)), codeOf(all.slice(literals, literals + distances))];
  }
  function compressed([literals, distances]: [Code, Code]): void {
    for (let s = symbol(literals); s !== 256; s = symbol(literals)) {
      if (s < 256) {
        if (to >= size) fail(`it stands for more than ${size} bytes`);
        out[to++] = s;
        continue;
      }
      if (s > 285) fail('no such length');
      const length = LENGTHS[s - 257]! + bits(LENGTH_BITS[s - 257]!);
      const d = symbol(distances);
      if (d > 29) fail('no such distance');
      const from = to - DISTANCES[d]! - bits(DISTANCE_BITS[d]!);
      if (from < 0) fail('a copy from before the start');
      if (to + length > size) fail(`it stands for more than ${size} bytes`);
      for (let i = 0; i < length; i++) out[to++] = out[from + i]!;
    }
  }

  for (let last = 0; !last; ) {
    last = bits(1);
    const kind = bits(2);
    if (kind === 0) stored();
    else if (kind === 1) compressed(FIXED);
    else if (kind === 2) compressed(codes());
    else fail('no such kind of block');
  }
  if (to !== size) fail(`it stands for ${to} bytes, not ${size}`);
  return out;
}

const FIXED: [Code, Code] = [
  codeOf(Array.from({ length: 288 }, (_, i) => (i < 144 ? 8 : i < 256 ? 9 : i < 280 ? 7 : 8))),
  codeOf(new Uint8Array(30).fill(5)),
];
