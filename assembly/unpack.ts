// A module of its own that unpacks the core (scripts/pack.mjs packs it): matches and literals as in LZMA, coded bit by bit with adaptive
// probabilities, each the mean of a fast and a slow one. Memory: contexts from 0, the result from OUT, the packed bytes behind the result.

const OUT: u32 = 1 << 19;
// A probability goes this power of 1/2 of the way to each bit that comes.
const FAST: i32 = 3;
const SLOW: i32 = 7;
// First contexts of each kind; scripts/pack.mjs has the same.
const REPEAT: u32 = 0;
const OTHER: u32 = 16;
const OLDER: u32 = 32;
const OLDEST: u32 = 48;
const LONGER: u32 = 64;
const SLOT: u32 = 80;
const BITS: u32 = SLOT + 256;
const LOW: u32 = BITS + 128;
const LENGTH: u32 = LOW + 16;
const AGAIN: u32 = LENGTH + 274;
const MATCH: u32 = AGAIN + 274;
const LITERAL: u32 = MATCH + 4096;

let at: u32, code: u32, range: u32;

/** Undoes `range` having become small: there are always 24 bits of it. */
@inline
function fill(): void {
  while (range < 1 << 24) {
    range <<= 8;
    code = (code << 8) | load<u8>(at++);
  }
}

/** The next bit in a context, whose record is fast i16, slow i16, count u32. */
function bit(context: u32): u32 {
  const p = context << 3;
  const fast: i32 = load<i16>(p);
  const slow: i32 = load<i16>(p, 2);
  const count: i32 = load<i32>(p, 4);
  const bound = u32(((range as u64) * (((fast + slow) >> 1) + 32768)) >> 16);
  const one = code >= bound;
  if (one) {
    code -= bound;
    range -= bound;
  } else range = bound;
  const target: i32 = one ? -32640 : 32767;
  const rate = 32 - clz(count + 1); // quick at first
  store<i16>(p, fast + ((target - fast) >> min(rate, FAST)));
  store<i16>(p, slow + ((target - slow) >> min(rate, SLOW)), 2);
  store<i32>(p, count + 1, 4);
  fill();
  return u32(one);
}

/** A number of n bits, the highest first. */
function tree(context: u32, n: u32): u32 {
  let m: u32 = 1;
  for (let i: u32 = 0; i < n; i++) m = (m << 1) | bit(context + m);
  return m - (1 << n);
}

/** A number of n bits, the lowest first. */
function reverse(context: u32, n: u32): u32 {
  let m: u32 = 1;
  let value: u32 = 0;
  for (let i: u32 = 0; i < n; i++) {
    const b = bit(context + m);
    m = (m << 1) | b;
    value |= b << i;
  }
  return value;
}

/** n bits that are as often 0 as 1. */
function plain(n: u32): u32 {
  let value: u32 = 0;
  for (; n > 0; n--) {
    range >>= 1;
    const one = u32(code >= range);
    code -= range * one;
    value = (value << 1) | one;
    fill();
  }
  return value;
}

function length(context: u32): u32 {
  if (!bit(context)) return tree(context + 2, 3);
  if (!bit(context + 1)) return 8 + tree(context + 10, 3);
  return 16 + tree(context + 18, 8);
}

/** A match's distance less 1; short matches lie nearer. */
function distance(length: u32): u32 {
  const slot = tree(SLOT + (min(length, 3) << 6), 6);
  if (slot < 4) return slot;
  const n = (slot >> 1) - 1;
  const base = (2 | (slot & 1)) << n;
  return base + (slot < 14 ? reverse(BITS + base - slot, n) : (plain(n - 4) << 4) + reverse(LOW, 4));
}

/** What a byte is likely to be, by the three before it: a local's number, a constant, a vector's opcode or its operand. */
@inline
function kind(to: u32, before: u32): u32 {
  const opcode: u32 = load<u8>(to - 2);
  const after = load<u8>(to - 3) === 0xfd ? 4 : opcode === 0xfd ? 3 : opcode === 0x41 ? 2 : opcode - 0x20 < 3 ? 1 : 0;
  return after * 8 + (before >> 5);
}

/** A byte, in the context of those before; after a match the byte that would have gone on with it tells its bits until one differs. */
function literal(context: u32, matched: bool, expected: u32): u32 {
  let m: u32 = 1;
  while (m < 256) {
    const e = (expected >> 7) & 1;
    expected <<= 1;
    const b = bit(context + m + (matched ? (1 + e) << 8 : 0));
    if (b !== e) matched = false;
    m = (m << 1) | b;
  }
  return m;
}

/** Unpacks `size` bytes to OUT. */
export function unpack(size: u32): void {
  let to = OUT;
  const end = OUT + size;
  let state: u32 = 0; // the kinds of the last moves: below 7 the last was a literal
  let a: u32 = 0, b: u32 = 0, c: u32 = 0, d: u32 = 0; // the last four distances less 1
  code = bswap(load<u32>(end));
  range = -1;
  at = end + 4;
  while (to < end) {
    const before: u32 = load<u8>(to - 1);
    if (!bit(MATCH + (before << 4) + state)) {
      store<u8>(to, literal(LITERAL + kind(to, before) * 768, state >= 7, load<u8>(to - a - 1)));
      to++;
      state = state < 4 ? 0 : state < 10 ? state - 3 : state - 6;
      continue;
    }
    const late: u32 = state < 7 ? 0 : 3;
    let n: u32;
    if (!bit(REPEAT + state)) {
      d = c;
      c = b;
      b = a;
      n = length(LENGTH);
      a = distance(n);
      state = 7 + late;
    } else {
      n = -1; // one byte
      if (bit(OTHER + state)) {
        let other = b;
        if (bit(OLDER + state)) {
          other = c;
          if (bit(OLDEST + state)) {
            other = d;
            d = c;
          }
          c = b;
        }
        b = a;
        a = other;
        n = 0;
      } else if (bit(LONGER + state)) n = 0;
      state = late ? 11 : n ? 9 : 8;
      if (!n) n = length(AGAIN);
    }
    for (n += 2; n > 0; n--, to++) store<u8>(to, load<u8>(to - a - 1));
  }
}
