// Packs bytes as a raw LZMA stream (lc = 3, lp = 0, pb = 0, no header, no end mark), the smallest of what ships: ts/wasm/unpack.ts reads it.
// Slow and thorough: each pass takes the cheapest path through all matches at the prices that the pass before ended with.

// Places of the probabilities, as in ts/wasm/unpack.ts.
const [MATCH, REP, REP_0, REP_1, REP_2, REP_0_LONG] = [0, 12, 24, 36, 48, 60];
const [SLOT, SPECIAL, ALIGN, LENGTH, REP_LENGTH, LITERAL, COUNT] = [72, 328, 456, 472, 746, 1024, 7168];
const LONGEST = 273;
const DEPTH = 400; // candidates looked at for each place
const PASSES = 4;

/** The stream for some bytes; its length is not in it. */
export function pack(bytes) {
  const matches = findMatches(bytes);
  let prices = pricesOf(new Float64Array(2 * COUNT).fill(1));
  let best = null;
  for (let pass = 0; pass < PASSES; pass++) {
    const path = cheapest(bytes, matches, prices);
    const coder = encoder();
    walk(bytes, path, coder);
    const packed = coder.end();
    if (best === null || packed.length < best.length) best = packed;
    prices = pricesOf(coder.counts);
  }
  return best;
}

/** For each place its matches as [length, distance - 1, ...], ever longer ones at ever larger distances. */
function findMatches(bytes) {
  const last = new Map();
  const previous = new Int32Array(bytes.length).fill(-1);
  const all = [];
  for (let i = 0; i < bytes.length; i++) {
    const found = [];
    const limit = Math.min(LONGEST, bytes.length - i);
    if (limit >= 2) {
      const key = bytes[i] | (bytes[i + 1] << 8);
      let longest = 1;
      for (let j = last.get(key) ?? -1, n = 0; j >= 0 && n < DEPTH && longest < limit; j = previous[j], n++) {
        if (longest > 1 && bytes[j + longest] !== bytes[i + longest]) continue;
        let length = 2;
        while (length < limit && bytes[j + length] === bytes[i + length]) length++;
        if (length > longest) {
          longest = length;
          found.push(length, i - j - 1);
        }
      }
      previous[i] = last.get(key) ?? -1;
      last.set(key, i);
    }
    all.push(found);
  }
  return all;
}

/** Bits that a 0 (at 2 i) and a 1 (at 2 i + 1) cost in each place, from how often each was coded. */
function pricesOf(counts) {
  const prices = new Float64Array(2 * COUNT);
  for (let i = 0; i < COUNT; i++) {
    const [zeros, ones] = [counts[2 * i] + 0.4, counts[2 * i + 1] + 0.4];
    prices[2 * i] = -Math.log2(zeros / (zeros + ones));
    prices[2 * i + 1] = -Math.log2(ones / (zeros + ones));
  }
  return prices;
}

// What follows speaks to a sink with bit(place, value) and direct(value, bits): the encoder writes them, the scale adds up their prices.

function tree(sink, base, bits, value) {
  for (let n = bits - 1, m = 1; n >= 0; n--) {
    const b = (value >> n) & 1;
    sink.bit(base + m, b);
    m = (m << 1) | b;
  }
}
function reversed(sink, base, bits, value) {
  for (let n = 0, m = 1; n < bits; n++) {
    const b = (value >> n) & 1;
    sink.bit(base + m, b);
    m = (m << 1) | b;
  }
}
function literal(sink, bytes, i, state, rep0) {
  const base = LITERAL + 0x300 * (i > 0 ? bytes[i - 1] >> 5 : 0);
  let matched = state >= 7;
  for (let n = 7, m = 1; n >= 0; n--) {
    const b = (bytes[i] >> n) & 1;
    const expected = matched ? (bytes[i - rep0 - 1] >> n) & 1 : 0;
    sink.bit(base + (matched ? 0x100 + 0x100 * expected : 0) + m, b);
    if (expected !== b) matched = false;
    m = (m << 1) | b;
  }
}
function runLength(sink, base, run) {
  sink.bit(base, run < 10 ? 0 : 1);
  if (run < 10) tree(sink, base + 1, 3, run - 2);
  else {
    sink.bit(base + 9, run < 18 ? 0 : 1);
    if (run < 18) tree(sink, base + 9, 3, run - 10);
    else tree(sink, base + 17, 8, run - 18);
  }
}
function distance(sink, run, value) {
  const top = 31 - Math.clz32(value);
  const slot = value < 4 ? value : 2 * top + ((value >> (top - 1)) & 1);
  tree(sink, SLOT + 64 * Math.min(run - 2, 3), 6, slot);
  if (slot < 4) return;
  const bits = (slot >> 1) - 1;
  const start = (2 | (slot & 1)) << bits;
  if (slot < 14) reversed(sink, SPECIAL + start - slot, bits, value - start);
  else {
    sink.direct((value - start) >> 4, bits - 4);
    reversed(sink, ALIGN, 4, value & 15);
  }
}
/** The flags that say: the distance used k distances ago; not yet whether a run of 1. */
function repeat(sink, state, k) {
  sink.bit(MATCH + state, 1);
  sink.bit(REP + state, 1);
  sink.bit(REP_0 + state, k > 0 ? 1 : 0);
  if (k > 0) sink.bit(REP_1 + state, k > 1 ? 1 : 0);
  if (k > 1) sink.bit(REP_2 + state, k > 2 ? 1 : 0);
}

const afterLiteral = (state) => (state < 4 ? 0 : state < 10 ? state - 3 : state - 6);
const recalled = (reps, k) => [reps[k], ...reps.slice(0, k), ...reps.slice(k + 1)];

/** The cheapest way to the end: steps of [run, kind], kind being -1 for a literal, 0..3 for a distance used before, 4 + distance - 1. */
function cheapest(bytes, matches, prices) {
  const size = bytes.length;
  const cost = new Float64Array(size + 1).fill(Infinity);
  const run = new Int32Array(size + 1);
  const kind = new Int32Array(size + 1);
  const states = new Uint8Array(size + 1);
  const reps = new Array(size + 1);
  const scale = {
    sum: 0,
    bit(i, b) {
      this.sum += prices[2 * i + b];
    },
    direct(_, bits) {
      this.sum += bits;
    },
  };
  const priceOf = (f, ...args) => {
    scale.sum = 0;
    f(scale, ...args);
    return scale.sum;
  };
  const lengths = [LENGTH, REP_LENGTH].map((base) =>
    Array.from({ length: LONGEST + 1 }, (_, n) => (n < 2 ? 0 : priceOf(runLength, base, n))),
  );
  const reach = (to, price, n, what) => {
    if (price >= cost[to]) return;
    cost[to] = price;
    run[to] = n;
    kind[to] = what;
  };
  cost[0] = 0;
  for (let i = 0; i < size; i++) {
    const [state, recent] = i === 0 ? [0, [0, 0, 0, 0]] : arrived(i);
    states[i] = state;
    reps[i] = recent;
    const here = cost[i];
    const matched = here + prices[2 * (MATCH + state) + 1];
    reach(i + 1, here + prices[2 * (MATCH + state)] + priceOf(literal, bytes, i, state, recent[0]), 1, -1);
    for (let k = 0; k < 4; k++) {
      const from = i - recent[k] - 1;
      if (from < 0 || bytes[from] !== bytes[i]) continue;
      const price = here + priceOf(repeat, state, k);
      if (k === 0) reach(i + 1, price + prices[2 * (REP_0_LONG + state)], 1, 0);
      const start = price + (k === 0 ? prices[2 * (REP_0_LONG + state) + 1] : 0);
      const limit = Math.min(LONGEST, size - i);
      for (let n = 2; n <= limit && bytes[from + n - 1] === bytes[i + n - 1]; n++) reach(i + n, start + lengths[1][n], n, k);
    }
    const found = matches[i];
    for (let m = 0, n = 2; m < found.length; m += 2) {
      const priced = [];
      for (; n <= found[m]; n++) {
        const group = Math.min(n - 2, 3);
        priced[group] ??= matched + prices[2 * (REP + state)] + priceOf(distance, n, found[m + 1]);
        reach(i + n, priced[group] + lengths[0][n], n, 4 + found[m + 1]);
      }
    }
  }
  const path = [];
  for (let i = size; i > 0; i -= run[i]) path.push([run[i], kind[i]]);
  return path.reverse();

  function arrived(i) {
    const from = i - run[i];
    const [state, recent, what] = [states[from], reps[from], kind[i]];
    if (what === -1) return [afterLiteral(state), recent];
    if (what >= 4) return [state < 7 ? 7 : 10, [what - 4, ...recent.slice(0, 3)]];
    if (run[i] === 1) return [state < 7 ? 9 : 11, recent];
    return [state < 7 ? 8 : 11, recalled(recent, what)];
  }
}

function walk(bytes, path, sink) {
  let [at, state, reps] = [0, 0, [0, 0, 0, 0]];
  for (const [run, kind] of path) {
    if (kind === -1) {
      sink.bit(MATCH + state, 0);
      literal(sink, bytes, at, state, reps[0]);
      state = afterLiteral(state);
    } else if (kind >= 4) {
      sink.bit(MATCH + state, 1);
      sink.bit(REP + state, 0);
      runLength(sink, LENGTH, run);
      distance(sink, run, kind - 4);
      reps = [kind - 4, ...reps.slice(0, 3)];
      state = state < 7 ? 7 : 10;
    } else {
      repeat(sink, state, kind);
      if (kind === 0) sink.bit(REP_0_LONG + state, run === 1 ? 0 : 1);
      if (run > 1) runLength(sink, REP_LENGTH, run);
      reps = recalled(reps, kind);
      state = run === 1 ? (state < 7 ? 9 : 11) : state < 7 ? 8 : 11;
    }
    at += run;
  }
}

/** The range coder; it also counts what it codes, for the prices of the next pass. */
function encoder() {
  const odds = new Uint16Array(COUNT).fill(1024);
  const counts = new Float64Array(2 * COUNT);
  const out = [];
  let [low, range, cache, pending] = [0, 0xffffffff, 0, 1];
  function shift() {
    if (low < 0xff000000 || low > 0xffffffff) {
      const carry = low > 0xffffffff ? 1 : 0;
      for (let byte = cache; pending > 0; pending--, byte = 0xff) out.push((byte + carry) & 0xff);
      cache = Math.floor(low / 0x1000000) & 0xff;
    }
    pending++;
    low = (low % 0x1000000) * 0x100;
  }
  function widen() {
    while (range < 0x1000000) {
      range = (range << 8) >>> 0;
      shift();
    }
  }
  return {
    counts,
    bit(i, b) {
      const bound = (range >>> 11) * odds[i];
      counts[2 * i + b]++;
      if (b === 0) {
        range = bound;
        odds[i] += (2048 - odds[i]) >> 5;
      } else {
        low += bound;
        range -= bound;
        odds[i] -= odds[i] >> 5;
      }
      widen();
    },
    direct(value, bits) {
      for (let n = bits - 1; n >= 0; n--) {
        range >>>= 1;
        if ((value >> n) & 1) low += range;
        widen();
      }
    },
    end() {
      for (let n = 0; n < 5; n++) shift();
      return Uint8Array.from(out);
    },
  };
}
