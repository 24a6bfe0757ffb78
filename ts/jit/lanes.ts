// Groups of four elements in vectors: one of four lanes, or two of two. How what memory holds becomes lanes, lanes those of another type,
// and lanes what memory holds: with the results of assembly/convert.ts and assembly/runs.ts.
import { access, type Bytes, either, get, MORE, number, set, vector } from './code.ts';

export const F32 = 0;
export const F64 = 1;
export const I32 = 2;
export const I64 = 3;
const F16 = 4;
const BF16 = 5;
const I16 = 6;
const I8 = 7;
const U8 = 8;
export const BOOL = 9;

/** The logarithm of a dtype's size in bytes. */
export const shiftOf = (dtype: number): number => [2, 3, 2, 3, 1, 1, 1, 0, 0, 0][dtype];
/** Vectors of four elements. */
export const vectorsOf = (type: number): number => (shiftOf(type) === 3 ? 2 : 1);
/** The lanes that hold a dtype as it is. */
const lanesOf = (dtype: number): number => (dtype < F16 ? dtype : dtype <= BF16 ? F32 : I32);

/** Code that grows, and locals of vectors to compute in. */
export interface Body {
  readonly out: number[];
  vector(): number;
}
/** Locals that hold four elements. */
export type Lanes = readonly number[];

/** Constants in all lanes of 4 bytes, and shifts of them. */
const all = (x: number): Bytes => [...number(x), ...vector(0x11)];
const left = (by: number): Bytes => [...number(by), ...vector(0xab)];
const rightUnsigned = (by: number): Bytes => [...number(by), ...vector(0xad)];
const AND = vector(0x4e);
const OR = vector(0x50);
const SELECT = vector(0x52);
const PLUS = vector(0xae);
const MINUS = vector(0xb1);
/** Bytes of two vectors. */
const bytes = (...from: readonly number[]): Bytes => [...vector(0x0d), ...from];
/** Lanes of 4 bytes of two vectors. */
const words = (...from: readonly number[]): Bytes => bytes(...from.flatMap((lane) => [0, 1, 2, 3].map((b) => 4 * lane + b)));
const upper = (x: number): Bytes => [...get(x), ...get(x), ...words(2, 3, 2, 3)];

/** Puts what `code` leaves on the stack into a local of its own. */
function kept(body: Body, code: Bytes): number {
  const at = body.vector();
  body.out.push(...code, ...set(at));
  return at;
}
const one = (body: Body, code: Bytes): Lanes => [kept(body, code)];

/** Each lane by an instruction on numbers: from lanes of one width to those of another. */
function singly(body: Body, x: Lanes, from: number, to: number): Lanes {
  const [take, put, splat] = [[0x1f, 0x21, 0, 0x1d][from], [0x20, 0x22, 0, 0x1e][to], [0x13, 0x14, 0, 0x12][to]];
  const turn: Bytes = from === F32 ? [0xfc, 4] : from === F64 ? [0xfc, 6] : [to === F32 ? 0xb4 : 0xb9];
  const lane = (i: number): Bytes => {
    const per = from === F32 ? 4 : 2;
    return [...get(x[Math.floor(i / per)]), ...vector(take), i % per, ...turn];
  };
  const per = to === F32 ? 4 : 2;
  return Array.from({ length: 4 / per }, (_, v) => {
    const rest = Array.from({ length: per - 1 }, (_, i) => [...lane(v * per + i + 1), ...vector(put), i + 1]).flat();
    return kept(body, [...lane(v * per), ...vector(splat), ...rest]);
  });
}

/** Lanes of one type as those of another. */
export function converted(body: Body, x: Lanes, from: number, to: number): Lanes {
  if (from === to) return x;
  const apart = (instruction: number): Lanes => [
    kept(body, [...get(x[0]), ...vector(instruction)]),
    kept(body, [...upper(x[0]), ...vector(instruction)]),
  ];
  const together = (instruction: number): Lanes =>
    one(body, [...get(x[0]), ...vector(instruction), ...get(x[1]), ...vector(instruction), ...words(0, 1, 4, 5)]);
  switch (from * 4 + to) {
    case F32 * 4 + F64:
      return apart(0x5f);
    case F32 * 4 + I32:
      return one(body, [...get(x[0]), ...vector(0xf8)]);
    case F64 * 4 + F32:
      return together(0x5e);
    case F64 * 4 + I32:
      return together(0xfc);
    case I32 * 4 + F32:
      return one(body, [...get(x[0]), ...vector(0xfa)]);
    case I32 * 4 + F64:
      return apart(0xfe);
    case I32 * 4 + I64:
      return apart(0xc7);
    case I64 * 4 + I32:
      return one(body, [...get(x[0]), ...get(x[1]), ...words(0, 2, 4, 6)]);
    default:
      return singly(body, x, from, to);
  }
}

/** Halves in the low 16 bits of lanes to floats: scaling by 2^112 rebiases and normalises. */
function widenedHalf(body: Body, h: number): Lanes {
  const low = kept(body, [...get(h), ...all(0x7fff), ...AND, ...left(13)]);
  const scaled = [...get(low), ...all(0x77800000), ...vector(0xe6)];
  const value = [...get(low), ...all(0x7f800000), ...OR, ...scaled, ...get(low), ...all(0x0f800000), ...vector(0x3f), ...SELECT];
  return one(body, [...value, ...get(h), ...all(0x8000), ...AND, ...left(16), ...OR]);
}
/** Floats to halves in the low 16 bits, to nearest even; below the normal range the addition rounds at the half's fixed last place. */
function narrowedHalf(body: Body, x: number): number {
  const a = kept(body, [...get(x), ...all(0x7fffffff), ...AND]);
  const half = [...number(0x3f000000), ...vector(0x11)];
  const tiny = [...get(a), ...half, ...vector(0xe4), ...half, ...MINUS];
  const odd = [...get(a), ...rightUnsigned(13), ...all(1), ...AND];
  const body16 = [...get(a), ...all(0xfff), ...PLUS, ...odd, ...PLUS, ...all(0x38000000), ...MINUS, ...rightUnsigned(13)];
  const normal = [...tiny, ...body16, ...get(a), ...all(0x38800000), ...vector(0x39), ...SELECT];
  const large = kept(body, normal);
  const finite = [...all(0x7c00), ...get(large), ...get(a), ...all(0x477ff000), ...vector(0x3f), ...SELECT];
  const known = kept(body, finite);
  const value = [...all(0x7e00), ...get(known), ...get(a), ...all(0x7f800000), ...vector(0x3b), ...SELECT];
  return kept(body, [...value, ...get(x), ...rightUnsigned(16), ...all(0x8000), ...AND, ...OR]);
}
function narrowedBrain(body: Body, x: number): number {
  const odd = [...get(x), ...rightUnsigned(16), ...all(1), ...AND];
  const high = [...get(x), ...rightUnsigned(16), ...all(0x40), ...OR];
  const value = [...get(x), ...all(0x7fff), ...PLUS, ...odd, ...PLUS, ...rightUnsigned(16)];
  return kept(body, [...high, ...value, ...get(x), ...get(x), ...vector(0x42), ...SELECT]);
}
/** Ones where lanes are not zero, in lanes of 4 bytes. */
function truth(body: Body, x: Lanes, type: number): number {
  const zero = body.vector();
  const is = x.map((v) => [...get(v), ...get(zero), ...vector([0x42, 0x48, 0x38, 0xd7][type])]);
  const mask = is.length === 2 ? [...is[0], ...is[1], ...words(0, 2, 4, 6)] : is[0];
  body.out.push(...all(0), ...set(zero));
  return kept(body, [...mask, ...all(1), ...AND]);
}

/** What vectors that were just loaded, each as wide as four elements or less, hold in lanes of a type. */
export function loaded(body: Body, raw: Lanes, dtype: number, type: number): Lanes {
  const [x] = raw;
  let lanes = raw;
  if (dtype === F16 || dtype === BF16) {
    const low = [...get(x), ...vector(0xa9)];
    lanes = dtype === F16 ? widenedHalf(body, kept(body, low)) : one(body, [...low, ...left(16)]);
  } else if (dtype === I16) lanes = one(body, [...get(x), ...vector(0xa7)]);
  else if (dtype === I8) lanes = one(body, [...get(x), ...vector(0x87), ...vector(0xa7)]);
  else if (dtype >= U8) lanes = one(body, [...get(x), ...vector(0x89), ...vector(0xa9)]);
  return converted(body, lanes, lanesOf(dtype), type);
}

/** Four elements as memory has them, from the first byte of a vector on. */
export function packed(body: Body, x: Lanes, type: number, dtype: number): Lanes {
  if (dtype < F16) return converted(body, x, type, dtype);
  const lanes = dtype === BOOL ? truth(body, x, type) : converted(body, x, type, lanesOf(dtype))[0];
  const narrow = dtype === F16 ? narrowedHalf(body, lanes) : dtype === BF16 ? narrowedBrain(body, lanes) : lanes;
  const low = shiftOf(dtype) === 1 ? [0, 1, 4, 5, 8, 9, 12, 13] : [0, 4, 8, 12, 0, 4, 8, 12];
  return one(body, [...get(narrow), ...get(narrow), ...bytes(...low, ...low)]);
}

/** Lanes as they are once stored as `dtype` and loaded as lanes of `to`. */
export function recast(body: Body, x: Lanes, from: number, dtype: number, to: number): Lanes {
  return loaded(body, packed(body, x, from, dtype), dtype, to);
}

/** Writes four elements, of 1 << `shift` bytes, `offset` elements behind an address; `left`: the local that says how many, or 0: all. */
export function stored([low, high]: Lanes, address: Bytes, shift: number, offset: number, left: number): Bytes {
  const at = offset << shift;
  const whole: Bytes = [...address, ...get(low), ...access(0x0b, at)];
  const lane = (from: number, size: number, i: number, to: number): Bytes => [...address, ...get(from), ...access(0x58 + size, at + to), i];
  if (left === 0)
    return shift === 3 ? [...whole, ...address, ...get(high), ...access(0x0b, at + 16)] : shift === 2 ? whole : lane(low, shift + 2, 0, 0);
  const two = shift === 3 ? whole : lane(low, shift + 1, 0, 0);
  const third = shift === 3 ? lane(high, 3, 0, 16) : lane(low, shift, 2, 2 << shift);
  const more = [...two, ...get(left), ...number(2), MORE, ...either(third)];
  return [...get(left), ...number(1), MORE, ...either(more, lane(low, shift, 0, 0))];
}
