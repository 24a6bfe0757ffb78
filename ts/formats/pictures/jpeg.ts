// JPEG pictures (ITU-T T.81): Huffman-coded, baseline and progressive, 8 bits, grey or three colours.
import { type Frame, pixels } from './jpeg-pixels.ts';
import { type Picture, Reader, type Room } from './picture.ts';

/** Where coefficient k of a block lies, in the order of the file. */
const ZIGZAG = [
  ...[0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7, 14, 21, 28],
  ...[35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63],
];
/** Passes over the picture that a file may make. */
const SCANS = 256;

/** One component of the picture with its blocks of 64 coefficients, as many as whole units need. */
export interface Component {
  readonly id: number;
  readonly h: number;
  readonly v: number;
  readonly table: number;
  /** Blocks across and down: those that hold samples, and those in a line of memory. */
  readonly across: number;
  readonly down: number;
  readonly stride: number;
  readonly blocks: Int16Array;
}
/** Codes by their length: the largest of each, where its values begin, the values. */
interface Codes {
  readonly largest: Int32Array;
  readonly offset: Int32Array;
  readonly values: Uint8Array;
}
/** A component in a scan: its tables, and what is carried from block to block. */
interface Part {
  readonly c: Component;
  readonly dc: Codes | undefined;
  readonly ac: Codes | undefined;
  before: number;
}
interface Scan {
  readonly from: number;
  readonly to: number;
  readonly high: number;
  readonly low: number;
}

/** The bits of one scan. */
class Bits {
  readonly r: Reader;
  at: number;
  /** Blocks without further coefficients. */
  run = 0;
  private hold = 0;
  private count = 0;
  constructor(r: Reader, at: number) {
    this.r = r;
    this.at = at;
  }
  bit(): number {
    if (this.count === 0) {
      this.hold = this.r.u8(this.at++);
      if (this.hold === 0xff && this.r.u8(this.at++) !== 0) this.r.fail('the data of a scan end too early');
      this.count = 8;
    }
    return (this.hold >> --this.count) & 1;
  }
  bits(n: number): number {
    let v = 0;
    for (let i = 0; i < n; i++) v = (v << 1) | this.bit();
    return v;
  }
  /** A number of n bits, whose first tells its sign. */
  signed(n: number): number {
    const v = this.bits(n);
    return n === 0 || v >= 1 << (n - 1) ? v : v - (1 << n) + 1;
  }
  value(codes: Codes | undefined): number {
    if (codes === undefined) return this.r.fail('a table of codes is missing');
    let code = 0;
    for (let length = 1; length <= 16; length++) {
      code = (code << 1) | this.bit();
      if (code <= codes.largest[length]) return codes.values[codes.offset[length] + code];
    }
    return this.r.fail('its data are damaged: a code that its table does not have');
  }
  /** Passes over a marker between units. */
  restart(): void {
    this.count = 0;
    this.run = 0;
    if ((this.r.u16(this.at) & 0xfff8) !== 0xffd0) this.r.fail('its data are damaged: a restart is missing');
    this.at += 2;
  }
}

/** All coefficients of a block. */
function whole(bits: Bits, part: Part, at: number): void {
  const { blocks } = part.c;
  part.before += bits.signed(bits.value(part.dc));
  blocks[at] = part.before;
  for (let k = 1; k < 64; k++) {
    const rs = bits.value(part.ac);
    k += rs >> 4;
    if ((rs & 15) === 0) {
      if (rs !== 0xf0) return;
    } else if (k < 64) blocks[at + ZIGZAG[k]] = bits.signed(rs & 15);
  }
}
/** The first or a later bit of the mean of a block. */
function mean(bits: Bits, part: Part, at: number, { high, low }: Scan): void {
  const { blocks } = part.c;
  if (high > 0) {
    if (bits.bit()) blocks[at] |= 1 << low;
    return;
  }
  part.before += bits.signed(bits.value(part.dc));
  blocks[at] = part.before << low;
}
/** The first bits of a band of coefficients. */
function band(bits: Bits, part: Part, at: number, { from, to, low }: Scan): void {
  if (bits.run > 0) {
    bits.run--;
    return;
  }
  for (let k = from; k <= to; k++) {
    const rs = bits.value(part.ac);
    const [r, s] = [rs >> 4, rs & 15];
    if (s === 0 && r < 15) {
      bits.run = (1 << r) + bits.bits(r) - 1;
      return;
    }
    k += r;
    if (s > 0 && k <= to) part.c.blocks[at + ZIGZAG[k]] = bits.signed(s) << low;
  }
}
/** One more bit of a band of coefficients. */
function refine(bits: Bits, part: Part, at: number, { from, to, low }: Scan): void {
  const { blocks } = part.c;
  const unit = 1 << low;
  const further = (i: number): void => {
    if (bits.bit() && (blocks[i] & unit) === 0) blocks[i] += blocks[i] > 0 ? unit : -unit;
  };
  let k = from;
  if (bits.run === 0)
    for (; k <= to; k++) {
      const rs = bits.value(part.ac);
      let r = rs >> 4;
      let fresh = 0;
      if ((rs & 15) === 0) {
        if (r < 15) {
          bits.run = (1 << r) + bits.bits(r);
          break;
        }
      } else fresh = bits.bit() ? unit : -unit;
      for (; k <= to; k++) {
        const i = at + ZIGZAG[k];
        if (blocks[i] !== 0) further(i);
        else if (r-- === 0) {
          if (fresh !== 0) blocks[i] = fresh;
          break;
        }
      }
    }
  if (bits.run === 0) return;
  for (; k <= to; k++) if (blocks[at + ZIGZAG[k]] !== 0) further(at + ZIGZAG[k]);
  bits.run--;
}

class Jpeg {
  private readonly r: Reader;
  private readonly room: Room;
  private readonly tables: (Uint16Array | undefined)[] = [];
  private readonly codes = new Map<number, Codes>();
  private components: Component[] = [];
  private size: readonly [width: number, height: number] = [0, 0];
  private largest: readonly [h: number, v: number] = [1, 1];
  private progressive = false;
  private interval = 0;
  private scans = 0;
  private plain: boolean | null = null;
  private jfif = false;

  constructor(bytes: Uint8Array, room: Room) {
    this.r = new Reader(bytes, 'jpeg');
    this.room = room;
  }
  read(): Picture {
    const { r } = this;
    let at = 2;
    for (;;) {
      const marker = r.u16(at);
      if (marker === 0xffff) {
        at++;
        continue;
      }
      if (marker >> 8 !== 0xff) r.fail(`no marker at byte ${at}`);
      if (marker === 0xffd9) break;
      const length = r.u16(at + 2);
      if (length < 2) r.fail(`a segment of ${length} bytes`);
      const body = r.at(at + 4, length - 2);
      at += 2 + length;
      if (marker === 0xffda) at = this.scan(body, at);
      else this.segment(marker & 0xff, body, at);
    }
    if (this.scans === 0) r.fail('it holds no picture');
    return this.picture();
  }
  private segment(kind: number, body: number, end: number): void {
    const { r } = this;
    const text = String.fromCharCode(...r.bytes.subarray(body, Math.min(end, body + 5)));
    if (kind === 0xdb) this.quantisers(body, end);
    else if (kind === 0xc4) this.trees(body, end);
    else if (kind === 0xdd) this.interval = r.u16(body);
    else if (kind === 0xe0 && text === 'JFIF\0') this.jfif = true;
    else if (kind === 0xee && text === 'Adobe' && end - body >= 12) this.plain = r.u8(body + 11) === 0;
    else if (kind >= 0xc0 && kind <= 0xc2) this.frame(body, kind === 0xc2);
    else if (kind >= 0xc3 && kind <= 0xcf && kind !== 0xc8 && kind !== 0xcc)
      r.fail('lossless, hierarchical and arithmetic-coded pictures are not read');
  }
  private quantisers(from: number, end: number): void {
    for (let at = from; at < end; ) {
      const kind = this.r.u8(at++);
      const wide = kind >> 4 !== 0;
      const table = new Uint16Array(64);
      for (let k = 0; k < 64; k++, at += wide ? 2 : 1) table[ZIGZAG[k]] = wide ? this.r.u16(at) : this.r.u8(at);
      this.tables[kind & 15] = table;
    }
  }
  private trees(from: number, end: number): void {
    const { r } = this;
    for (let at = from; at < end; ) {
      const kind = r.u8(at);
      const counts = r.bytes.subarray(r.at(at + 1, 16), at + 17);
      const total = counts.reduce((a, b) => a + b, 0);
      const values = r.bytes.subarray(r.at(at + 17, total), at + 17 + total);
      const [largest, offset] = [new Int32Array(17).fill(-1), new Int32Array(17)];
      let [code, k] = [0, 0];
      for (let length = 1; length <= 16; length++, code <<= 1) {
        offset[length] = k - code;
        code += counts[length - 1];
        k += counts[length - 1];
        if (code > 1 << length) r.fail('a table has more codes than their lengths allow');
        if (counts[length - 1] > 0) largest[length] = code - 1;
      }
      this.codes.set(kind, { largest, offset, values });
      at += 17 + total;
    }
  }
  private frame(at: number, progressive: boolean): void {
    const { r } = this;
    if (this.components.length > 0) r.fail('it holds two pictures');
    const [bits, height, width, count] = [r.u8(at), r.u16(at + 1), r.u16(at + 3), r.u8(at + 5)];
    if (bits !== 8) r.fail(`${bits} bits a sample are not read; save it with 8`);
    if (count !== 1 && count !== 3) r.fail(`${count} components, as of print colours, are not read; save it as RGB`);
    const raw = Array.from({ length: count }, (_, i) => {
      const own = at + 6 + i * 3;
      return { id: r.u8(own), h: r.u8(own + 1) >> 4, v: r.u8(own + 1) & 15, table: r.u8(own + 2) };
    });
    if (raw.some(({ h, v }) => h < 1 || h > 4 || v < 1 || v > 4)) r.fail('the sampling of a component is not 1 to 4');
    const most = [Math.max(...raw.map((c) => c.h)), Math.max(...raw.map((c) => c.v))] as const;
    if (!(width > 0 && height > 0)) r.fail(`the size ${width} x ${height} is not one to read`);
    const units = [Math.ceil(width / (8 * most[0])), Math.ceil(height / (8 * most[1]))];
    // Coefficients of whole units, and the samples.
    this.room([height, width, count]);
    this.room([units[1] * 8 * most[1], units[0] * 8 * most[0], count]);
    this.components = raw.map((c) => ({
      ...c,
      across: Math.ceil(Math.ceil((width * c.h) / most[0]) / 8),
      down: Math.ceil(Math.ceil((height * c.v) / most[1]) / 8),
      stride: units[0] * c.h,
      blocks: new Int16Array(units[0] * c.h * units[1] * c.v * 64),
    }));
    [this.size, this.largest, this.progressive] = [[width, height], most, progressive];
  }
  /** Reads a scan; gives where the next marker may be. */
  private scan(at: number, data: number): number {
    const { r } = this;
    if (++this.scans > SCANS) r.fail(`more than ${SCANS} scans`);
    const count = r.u8(at);
    const parts: Part[] = Array.from({ length: count }, (_, i) => {
      const [id, which] = [r.u8(at + 1 + 2 * i), r.u8(at + 2 + 2 * i)];
      const c = this.components.find((x) => x.id === id) ?? r.fail(`a scan of a component ${id}, which there is not`);
      return { c, dc: this.codes.get(which >> 4), ac: this.codes.get(16 + (which & 15)), before: 0 };
    });
    const tail = at + 1 + 2 * count;
    const scan: Scan = { from: r.u8(tail), to: r.u8(tail + 1), high: r.u8(tail + 2) >> 4, low: r.u8(tail + 2) & 15 };
    const one = scan.from > 0;
    if (count < 1 || new Set(parts.map((p) => p.c)).size < count || (one && count > 1)) r.fail('a scan of unfit components');
    if (this.progressive && (scan.to > 63 || scan.from > scan.to || scan.low > 13 || (!one && scan.to > 0)))
      r.fail('a scan of unfit bands');
    const step = !this.progressive ? whole : !one ? mean : scan.high > 0 ? refine : band;
    const bits = new Bits(r, data);
    const each = this.places(parts);
    for (let i = 0; i < each.units; i++) {
      if (this.interval > 0 && i > 0 && i % this.interval === 0) {
        bits.restart();
        for (const p of parts) p.before = 0;
      }
      for (const p of parts) each.visit(p.c, i, (place) => step(bits, p, place * 64, scan));
    }
    // What else lies before the next marker is passed over.
    let next = bits.at;
    while (!(r.u8(next) === 0xff && (r.u8(next + 1) & 0xf8) !== 0xd0 && r.bytes[next + 1] !== 0)) next++;
    return next;
  }
  /** The units of a scan and the blocks of a component in each: one by one where it is alone, else those of a rectangle. */
  private places(parts: readonly Part[]): { units: number; visit(c: Component, unit: number, f: (place: number) => void): void } {
    if (parts.length === 1) {
      const { across, down, stride } = parts[0].c;
      return { units: across * down, visit: (_, i, f) => f(Math.floor(i / across) * stride + (i % across)) };
    }
    const first = parts[0].c;
    const wide = first.stride / first.h;
    return {
      units: first.blocks.length / 64 / (first.h * first.v),
      visit: (c, i, f) => {
        const [x, y] = [(i % wide) * c.h, Math.floor(i / wide) * c.v];
        for (let v = 0; v < c.v; v++) for (let h = 0; h < c.h; h++) f((y + v) * c.stride + x + h);
      },
    };
  }
  private picture(): Picture {
    const { r, components } = this;
    const [width, height] = this.size;
    const letters = String.fromCharCode(...components.map((c) => c.id));
    const plain = components.length === 1 || (!this.jfif && (this.plain ?? letters === 'RGB'));
    const tables = components.map((c) => this.tables[c.table] ?? r.fail(`the table ${c.table} of component ${c.id} is missing`));
    const frame: Frame = { width, height, components, tables, largest: this.largest, plain };
    return { width, height, channels: components.length, samples: pixels(frame) };
  }
}

/** @throws FormatError on what is no such JPEG */
export function readJpeg(bytes: Uint8Array, room: Room): Picture {
  return new Jpeg(bytes, room).read();
}
