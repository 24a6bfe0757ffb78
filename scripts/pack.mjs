// Packs the core for assembly/unpack.ts, which tells the format: moves found by dynamic programming over the prices that the adaptive
// probabilities give them, then coded as a range.

const OUT = 1 << 19;
const [FAST, SLOW] = [3, 7];
const [REPEAT, OTHER, OLDER, OLDEST, LONGER, SLOT] = [0, 16, 32, 48, 64, 80];
const BITS = SLOT + 256;
const LOW = BITS + 128;
const LENGTH = LOW + 16;
const AGAIN = LENGTH + 274;
const MATCH = AGAIN + 274;
const LITERAL = MATCH + 4096;
const CONTEXTS = LITERAL + 40 * 768;

const LONGEST = 273;
const WINDOW = 4096; // bytes that are planned at once
const KEPT = 4; // ways to a byte that stay in the race: the cheapest need not leave the best distances
const ENOUGH = 128; // a match as long as this is not tried shorter

/** Bits that something costs whose probability is (i + 0.5) / 4096. */
const PRICES = Float64Array.from({ length: 4096 }, (_, i) => -Math.log2((i + 0.5) / 4096));

/** The bytes that `unpack(size)` of assembly/unpack.ts turns back, behind the room for its result. */
export function pack(bytes) {
  const coder = makeCoder();
  const matches = findMatches(bytes);
  let place = { at: 0, state: 0, recent: [0, 0, 0, 0] };
  while (place.at < bytes.length) {
    for (const move of plan(bytes, matches, coder.price, place)) {
      encode(bytes, coder, place, move);
      place = move;
    }
  }
  return coder.end();
}

/** Undoes `pack` with the compiled module of assembly/unpack.ts: what ts/wasm/module.ts does. */
export function unpack(unpacker, packed, size) {
  const pages = (OUT + size + packed.length + 65_535) >> 16;
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(unpacker), { env: { memory } });
  new Uint8Array(memory.buffer).set(packed, OUT + size);
  exports.unpack(size);
  return Buffer.from(memory.buffer, OUT, size);
}

/** The probabilities and the range: `bit` writes a bit in a context, `plain` one without, `price` says what a bit would cost. */
function makeCoder() {
  const [fast, slow, count] = [new Int32Array(CONTEXTS), new Int32Array(CONTEXTS), new Int32Array(CONTEXTS)];
  const out = [];
  let [low, range, held, waiting] = [0, 2 ** 32 - 1, null, 0];

  const ofZero = (context) => ((fast[context] + slow[context]) >> 1) + 32768;
  const step = (from, to, n) => from + ((to - from) >> n);
  const shift = () => {
    if (low < 0xff000000 || low >= 2 ** 32) {
      const carry = low >= 2 ** 32 ? 1 : 0;
      if (held !== null) out.push((held + carry) & 255);
      for (; waiting > 0; waiting--) out.push((255 + carry) & 255);
      held = Math.floor(low / 2 ** 24) & 255;
    } else waiting++;
    low = (low % 2 ** 24) * 256;
  };
  const fill = () => {
    for (; range < 2 ** 24; range *= 256) shift();
  };
  return {
    price: (context, bit) => PRICES[(bit ? 65535 - ofZero(context) : ofZero(context)) >> 4],
    bit(context, bit) {
      const bound = Math.floor((range * ofZero(context)) / 65536);
      if (bit) {
        low += bound;
        range -= bound;
      } else range = bound;
      const target = bit ? -32640 : 32767;
      const rate = 32 - Math.clz32(++count[context]);
      fast[context] = step(fast[context], target, Math.min(rate, FAST));
      slow[context] = step(slow[context], target, Math.min(rate, SLOW));
      fill();
    },
    plain(value, n) {
      while (n-- > 0) {
        range = Math.floor(range / 2);
        if ((value >> n) & 1) low += range;
        fill();
      }
    },
    end() {
      for (let i = 0; i < 5; i++) shift();
      return Uint8Array.from(out);
    },
  };
}

// The parts of a move, over a function of (context, bit) that writes or prices; each returns the sum of what that gave.

function tree(bit, context, n, value) {
  let [m, sum] = [1, 0];
  while (n-- > 0) {
    const b = (value >> n) & 1;
    sum += bit(context + m, b);
    m = m * 2 + b;
  }
  return sum;
}

function reverse(bit, context, n, value) {
  let [m, sum] = [1, 0];
  for (let i = 0; i < n; i++) {
    const b = (value >> i) & 1;
    sum += bit(context + m, b);
    m = m * 2 + b;
  }
  return sum;
}

function length(bit, context, n) {
  if (n < 8) return bit(context, 0) + tree(bit, context + 2, 3, n);
  if (n < 16) return bit(context, 1) + bit(context + 1, 0) + tree(bit, context + 10, 3, n - 8);
  return bit(context, 1) + bit(context + 1, 1) + tree(bit, context + 18, 8, n - 16);
}

/** A distance's class, how many bits follow it, and the least distance of the class. */
function slotOf(distance) {
  if (distance < 4) return [distance, 0, distance];
  const k = 31 - Math.clz32(distance);
  const high = (distance >> (k - 1)) & 1;
  return [2 * k + high, k - 1, (2 | high) << (k - 1)];
}

function near(bit, distance) {
  const [slot, n, base] = slotOf(distance);
  return slot < 4 ? 0 : slot < 14 ? reverse(bit, BITS + base - slot, n, distance - base) : reverse(bit, LOW, 4, distance & 15);
}

/** What a byte is likely to be, by the three before it: a local's number, a constant, a vector's opcode or its operand. */
function kind(bytes, at) {
  const [before, opcode] = [bytes[at - 1] ?? 0, bytes[at - 2] ?? 0];
  const after = bytes[at - 3] === 0xfd ? 4 : opcode === 0xfd ? 3 : opcode === 0x41 ? 2 : opcode >= 0x20 && opcode <= 0x22 ? 1 : 0;
  return after * 8 + (before >> 5);
}

function literal(bit, bytes, { at, state, recent }) {
  const context = LITERAL + kind(bytes, at) * 768;
  const expected = state < 7 ? 0 : bytes[at - recent[0] - 1];
  let [m, sum, matched] = [1, 0, state >= 7];
  for (let k = 7; k >= 0; k--) {
    const [b, e] = [(bytes[at] >> k) & 1, (expected >> k) & 1];
    sum += bit(context + m + (matched ? (1 + e) << 8 : 0), b);
    if (b !== e) matched = false;
    m = m * 2 + b;
  }
  return sum;
}

/** Contexts and bits that say which of the recent distances a repeat takes. */
const which = (state, k) =>
  [
    [OTHER + state, k > 0],
    [OLDER + state, k > 1],
    [OLDEST + state, k > 2],
  ].slice(0, Math.min(k + 1, 3));

/** A move is a place (the byte it leads to, the state and the recent distances there) with its kind: 'literal', 'match', 'one' or 0 to 3, a repeat. */
function encode(bytes, { bit, plain }, place, move) {
  const { state } = place;
  const n = move.at - place.at - 2;
  bit(MATCH + (bytes[place.at - 1] ?? 0) * 16 + state, move.kind === 'literal' ? 0 : 1);
  if (move.kind === 'literal') {
    literal(bit, bytes, place);
    return;
  }
  bit(REPEAT + state, move.kind === 'match' ? 0 : 1);
  if (move.kind === 'match') {
    const [slot, more, base] = slotOf(move.recent[0]);
    length(bit, LENGTH, n);
    tree(bit, SLOT + 64 * Math.min(n, 3), 6, slot);
    if (slot >= 14) plain((move.recent[0] - base) >> 4, more - 4);
    near(bit, move.recent[0]);
    return;
  }
  for (const [context, b] of which(state, move.kind === 'one' ? 0 : move.kind)) bit(context, b ? 1 : 0);
  if (move.kind === 'one' || move.kind === 0) bit(LONGER + state, move.kind === 'one' ? 0 : 1);
  if (move.kind !== 'one') length(bit, AGAIN, n);
}

/** For each byte the matches that begin there, as [length, distance less 1]: ever longer, each at its least distance. */
function findMatches(bytes) {
  const pairs = new Int32Array(65536).fill(-1);
  const triples = new Map();
  const chain = new Int32Array(bytes.length).fill(-1);
  return Array.from(bytes, (byte, i) => {
    const found = [];
    const pair = byte | (bytes[i + 1] << 8);
    const triple = pair | (bytes[i + 2] << 16);
    let longest = 1;
    const look = (from) => {
      if (bytes[from + longest] !== bytes[i + longest]) return;
      const n = common(bytes, from, i, bytes.length);
      if (n <= longest) return;
      longest = n;
      found.push([n, i - from - 1]);
    };
    if (pairs[pair] >= 0) look(pairs[pair]);
    chain[i] = triples.get(triple) ?? -1;
    for (let from = chain[i]; from >= 0 && longest < LONGEST; from = chain[from]) look(from);
    pairs[pair] = i;
    triples.set(triple, i);
    return found;
  });
}

/** How many bytes from `a` on are as those from `b` on. */
function common(bytes, a, b, end) {
  const most = Math.min(LONGEST, end - b);
  let n = 0;
  while (n < most && bytes[a + n] === bytes[b + n]) n++;
  return n;
}

/** The moves from a place that write the next window at the least price. */
function plan(bytes, matches, price, start) {
  const end = Math.min(bytes.length, start.at + WINDOW);
  const [lengths, again] = [LENGTH, AGAIN].map((context) => Array.from({ length: LONGEST - 1 }, (_, n) => length(price, context, n)));
  const slots = [0, 1, 2, 3].map((n) => Array.from({ length: 64 }, (_, slot) => tree(price, SLOT + 64 * n, 6, slot)));
  const nearest = Array.from({ length: 128 }, (_, d) => near(price, d));
  const lows = Array.from({ length: 16 }, (_, d) => reverse(price, LOW, 4, d));
  const far = (d, n) => {
    const [slot, more] = slotOf(d);
    return slots[Math.min(n, 3)][slot] + (slot < 14 ? nearest[d] : more - 4 + lows[d & 15]);
  };

  const ways = Array.from({ length: end - start.at + 1 }, () => []);
  const offer = (cost, from, at, kind, state, recent) => {
    const rivals = ways[at - start.at];
    if (rivals.length === KEPT && rivals.at(-1).cost <= cost) return;
    const same = rivals.findIndex((rival) => rival.state === state && rival.recent[0] === recent[0]);
    if (same >= 0 && rivals[same].cost <= cost) return;
    if (same >= 0) rivals.splice(same, 1);
    const rank = rivals.findIndex((rival) => rival.cost > cost);
    rivals.splice(rank < 0 ? rivals.length : rank, 0, { cost, from, at, kind, state, recent });
    rivals.length = Math.min(rivals.length, KEPT);
  };
  const extend = (from) => {
    const { at, state, recent } = from;
    const flag = MATCH + (bytes[at - 1] ?? 0) * 16 + state;
    const late = state < 7 ? 0 : 3;
    offer(
      from.cost + price(flag, 0) + literal(price, bytes, from),
      from,
      at + 1,
      'literal',
      state < 4 ? 0 : state < 10 ? state - 3 : state - 6,
      recent,
    );
    const copy = from.cost + price(flag, 1);
    const repeat = copy + price(REPEAT + state, 1);
    recent.forEach((distance, k) => {
      if (distance >= at || recent.indexOf(distance) < k) return;
      const most = common(bytes, at - distance - 1, at, end);
      const chosen = which(state, k).reduce((sum, [context, b]) => sum + price(context, b ? 1 : 0), repeat);
      if (k === 0 && most > 0) offer(chosen + price(LONGER + state, 0), from, at + 1, 'one', late ? 11 : 9, recent);
      const base = chosen + (k === 0 ? price(LONGER + state, 1) : 0);
      const moved = k === 0 ? recent : [distance, ...recent.filter((_, i) => i !== k)];
      for (let n = most > ENOUGH ? most : 2; n <= most; n++) offer(base + again[n - 2], from, at + n, k, late ? 11 : 8, moved);
    });
    const base = copy + price(REPEAT + state, 0);
    let n = 2;
    for (const [found, distance] of matches[at]) {
      const most = Math.min(found, end - at);
      const moved = [distance, ...recent.slice(0, 3)];
      if (most > ENOUGH) n = most;
      for (; n <= most; n++) offer(base + lengths[n - 2] + far(distance, n - 2), from, at + n, 'match', 7 + late, moved);
    }
  };
  ways[0].push({ ...start, cost: 0, from: null });
  for (const rivals of ways.slice(0, -1)) rivals.forEach(extend);
  const moves = [];
  for (let move = ways.at(-1)[0]; move.from; move = move.from) moves.push(move);
  for (const move of moves) move.from = null;
  return moves.reverse();
}
