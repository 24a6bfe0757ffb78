import { FormatError } from '../base/errors.ts';

// The probabilities of an LZMA stream (lc = 3, lp = 0, pb = 0), one after the other; scripts/lzma.mjs has the same places.
const [MATCH, REP, REP_0, REP_1, REP_2, REP_0_LONG] = [0, 12, 24, 36, 48, 60];
const [SLOT, SPECIAL, ALIGN, LENGTH, REP_LENGTH, LITERAL, COUNT] = [72, 328, 456, 472, 746, 1024, 7168];

/**
 * The bytes that a raw LZMA stream (lc = 3, lp = 0, pb = 0, no header, no end mark) stands for; `size` is their known number.
 * As the LZMA specification of the LZMA SDK has it.
 *
 * @throws FormatError when the data end early or copy from before the start
 * @example unpack(data, size)
 */
export function unpack(data: Uint8Array, size: number): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(size);
  const odds = new Uint16Array(COUNT).fill(1024);
  // Load-bearing: a captured variable that passes 2^30 would be a heap number, made anew at every bit (5 times the time).
  const coder = new Uint32Array([0xffffffff, 0]);
  const [RANGE, CODE] = [0, 1];
  let at = 1;
  let to = 0;
  let state = 0;
  // The last four distances, the latest first.
  let rep0 = 0;
  let rep1 = 0;
  let rep2 = 0;
  let rep3 = 0;

  function next(): number {
    if (at >= data.length) throw new FormatError(`unpack: the data end early, after ${data.length} bytes; they are damaged or truncated`);
    return data[at++]!;
  }
  function narrow(): void {
    coder[RANGE]! <<= 8;
    coder[CODE] = (coder[CODE]! << 8) | next();
  }
  function bit(i: number): number {
    const p = odds[i]!;
    const range = coder[RANGE]!;
    const bound = (range >>> 11) * p;
    const one = coder[CODE]! >= bound ? 1 : 0;
    if (one) {
      coder[RANGE] = range - bound;
      coder[CODE]! -= bound;
      odds[i] = p - (p >> 5);
    } else {
      coder[RANGE] = bound;
      odds[i] = p + ((2048 - p) >> 5);
    }
    if (coder[RANGE]! < 0x1000000) narrow();
    return one;
  }
  function tree(base: number, bits: number): number {
    let m = 1;
    for (let n = bits; n > 0; n--) m = (m << 1) | bit(base + m);
    return m - (1 << bits);
  }
  function reversed(base: number, bits: number): number {
    let value = 0;
    for (let n = 0, m = 1; n < bits; n++) {
      const b = bit(base + m);
      m = (m << 1) | b;
      value |= b << n;
    }
    return value;
  }
  function direct(bits: number): number {
    let value = 0;
    for (let n = bits; n > 0; n--) {
      coder[RANGE]! >>>= 1;
      const one = coder[CODE]! >= coder[RANGE]! ? 1 : 0;
      if (one) coder[CODE]! -= coder[RANGE]!;
      value = (value << 1) | one;
      if (coder[RANGE]! < 0x1000000) narrow();
    }
    return value;
  }
  function literal(): number {
    const base = LITERAL + 0x300 * (to > 0 ? out[to - 1]! >> 5 : 0);
    let m = 1;
    if (state >= 7) {
      let like = out[to - rep0 - 1]!;
      while (m < 0x100) {
        like <<= 1;
        const expected = like & 0x100;
        const b = bit(base + 0x100 + expected + m);
        m = (m << 1) | b;
        if (expected >> 8 !== b) break;
      }
    }
    while (m < 0x100) m = (m << 1) | bit(base + m);
    return m;
  }
  function length(base: number): number {
    if (bit(base) === 0) return 2 + tree(base + 1, 3);
    return bit(base + 9) === 0 ? 10 + tree(base + 9, 3) : 18 + tree(base + 17, 8);
  }
  function distance(run: number): number {
    const slot = tree(SLOT + 64 * Math.min(run - 2, 3), 6);
    if (slot < 4) return slot;
    const bits = (slot >> 1) - 1;
    const start = (2 | (slot & 1)) << bits;
    return slot < 14 ? start + reversed(SPECIAL + start - slot, bits) : start + (direct(bits - 4) << 4) + reversed(ALIGN, 4);
  }

  /** Makes one of the three distances before the last the last. */
  function recall(): void {
    const before = rep0;
    if (bit(REP_1 + state) === 0) rep0 = rep1;
    else {
      if (bit(REP_2 + state) === 0) rep0 = rep2;
      else {
        rep0 = rep3;
        rep3 = rep2;
      }
      rep2 = rep1;
    }
    rep1 = before;
  }

  function copy(run: number): void {
    if (rep0 >= to) throw new FormatError(`unpack: a copy from before the start (byte ${at} of ${data.length}); the data are damaged`);
    const end = Math.min(to + run, size);
    for (let from = to - rep0 - 1; to < end; from++, to++) out[to] = out[from]!;
  }
  function step(): void {
    if (bit(MATCH + state) === 0) {
      out[to] = literal();
      to++;
      state = state < 4 ? 0 : state < 10 ? state - 3 : state - 6;
    } else if (bit(REP + state) === 0) {
      rep3 = rep2;
      rep2 = rep1;
      rep1 = rep0;
      const run = length(LENGTH);
      rep0 = distance(run);
      state = state < 7 ? 7 : 10;
      copy(run);
    } else {
      const last = bit(REP_0 + state) === 0;
      if (last && bit(REP_0_LONG + state) === 0) {
        state = state < 7 ? 9 : 11;
        copy(1);
      } else {
        if (!last) recall();
        const run = length(REP_LENGTH);
        state = state < 7 ? 8 : 11;
        copy(run);
      }
    }
  }

  for (let n = 0; n < 4; n++) coder[CODE] = (coder[CODE]! << 8) | next();
  while (to < size) step();
  return out;
}
