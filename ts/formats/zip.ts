import { deflateSync, inflateSync } from 'fflate';
import { FormatError, ValueError } from '../base/errors.ts';
import { joined } from '../base/sections.ts';

const LOCAL = 0x04034b50;
const CENTRAL = 0x02014b50;
const END = 0x06054b50;
const END64 = 0x06064b50;
const LOCATOR64 = 0x07064b50;
const NONE32 = 0xffff_ffff;
// No deflate stream expands more than this: a larger claim is a lie, found before memory is asked for.
const MAX_RATIO = 1032;

type Member = { name: string; flags: number; method: number; crc: number; packed: number; size: number; offset: number };

/**
 * Reads a zip archive (members stored or deflated, ZIP64 too) into its members by name, in the order of its directory; stored members
 * are views of the input. Checks every offset, length and CRC-32; throws FormatError, which begins with `what`.
 *
 * `[...unzip(readFileSync('a.zip')).keys()] // ['x.npy']`
 *
 * Format: APPNOTE.TXT 6.3, https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT
 */
export function unzip(bytes: Uint8Array, what = 'zip'): Map<string, Uint8Array> {
  const members = new Map<string, Uint8Array>();
  for (const member of directory(bytes, what)) {
    if (members.has(member.name)) fail(what, `two members are named ${JSON.stringify(member.name)}`);
    members.set(member.name, extract(bytes, member, what));
  }
  return members;
}

/**
 * Writes a zip archive of the members, stored or (with `compress`) deflated; the same members give the same bytes, as no clock is read.
 * Throws ValueError for a repeated name and for archives of 4 GiB or more.
 *
 * `zip([['x.npy', bytes]], { compress: true })`
 */
export function zip(members: Iterable<readonly [string, Uint8Array]>, options: { compress?: boolean } = {}): Uint8Array {
  const seen = new Set<string>();
  const parts: Uint8Array[] = [];
  const central: Uint8Array[] = [];
  let offset = 0;
  for (const [name, data] of members) {
    if (seen.has(name)) throw new ValueError(`zip: two members are named ${JSON.stringify(name)}: rename one`);
    seen.add(name);
    const packed = options.compress ? deflateSync(data) : data;
    const key = new TextEncoder().encode(name);
    const fields = { crc: crc32(data), method: options.compress ? 8 : 0, packed: packed.length, size: data.length, nameLength: key.length };
    if (offset + packed.length + 30 + key.length >= NONE32) throw new ValueError('zip: an archive of 4 GiB or more: save in several files');
    parts.push(head(LOCAL, fields), key, packed);
    central.push(head(CENTRAL, fields, offset), key);
    offset += 30 + key.length + packed.length;
  }
  if (seen.size >= 0xffff)
    throw new ValueError(`zip: ${seen.size} members, more than the 65,534 an archive may hold: save in several files`);
  const length = central.reduce((n, part) => n + part.length, 0);
  const end = new DataView(new ArrayBuffer(22));
  end.setUint32(0, END, true);
  end.setUint16(8, seen.size, true);
  end.setUint16(10, seen.size, true);
  end.setUint32(12, length, true);
  end.setUint32(16, offset, true);
  return joined([...parts, ...central, new Uint8Array(end.buffer)]);
}

type Fields = { crc: number; method: number; packed: number; size: number; nameLength: number };

/** A local header (30 bytes) or, given an offset, a directory entry (46): the same fields, two bytes apart. */
function head(signature: number, { crc, method, packed, size, nameLength }: Fields, offset?: number): Uint8Array {
  const view = new DataView(new ArrayBuffer(offset === undefined ? 30 : 46));
  const shift = offset === undefined ? 0 : 2;
  view.setUint32(0, signature, true);
  view.setUint16(4, 20, true);
  if (shift) view.setUint16(6, 20, true);
  view.setUint16(6 + shift, 0x800, true); // the name is UTF-8
  view.setUint16(8 + shift, method, true);
  view.setUint16(12 + shift, 0x21, true); // 1 January 1980, the first day there is
  view.setUint32(14 + shift, crc, true);
  view.setUint32(18 + shift, packed, true);
  view.setUint32(22 + shift, size, true);
  view.setUint16(26 + shift, nameLength, true);
  if (offset !== undefined) view.setUint32(42, offset, true);
  return new Uint8Array(view.buffer);
}

function directory(bytes: Uint8Array, what: string): Member[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let at = bytes.length - 22;
  const first = Math.max(0, at - 0xffff);
  while (at >= first && view.getUint32(at, true) !== END) at--;
  if (at < first) fail(what, 'the end of a zip directory is nowhere in the file: it is cut off or not a zip archive');
  let count = view.getUint16(at + 10, true);
  let start = view.getUint32(at + 16, true);
  if (at >= 20 && view.getUint32(at - 20, true) === LOCATOR64) {
    const record = u64(view, at - 12, what);
    if (record + 56 > at || view.getUint32(record, true) !== END64)
      fail(what, `the ZIP64 directory end is not at byte ${record}, as its locator says`);
    count = u64(view, record + 32, what);
    start = u64(view, record + 48, what);
  }

  const members: Member[] = [];
  let next = start;
  for (let i = 0; i < count; i++) {
    if (next + 46 > at || view.getUint32(next, true) !== CENTRAL) fail(what, `directory entry ${i} of ${count} is not at byte ${next}`);
    const nameEnd = next + 46 + view.getUint16(next + 28, true);
    const extraEnd = nameEnd + view.getUint16(next + 30, true);
    if (extraEnd > at) fail(what, `directory entry ${i} of ${count}, at byte ${next}, reaches past the directory`);
    const member: Member = {
      name: new TextDecoder().decode(bytes.slice(next + 46, nameEnd)),
      flags: view.getUint16(next + 8, true),
      method: view.getUint16(next + 10, true),
      crc: view.getUint32(next + 16, true),
      packed: view.getUint32(next + 20, true),
      size: view.getUint32(next + 24, true),
      offset: view.getUint32(next + 42, true),
    };
    members.push(readExtra(view, member, nameEnd, extraEnd, what));
    next = extraEnd + view.getUint16(next + 32, true);
  }
  return members;
}

/** Fills the sizes and the offset that did not fit 32 bits from the ZIP64 extra field. */
function readExtra(view: DataView, member: Member, from: number, end: number, what: string): Member {
  const full = { ...member };
  for (let at = from; at + 4 <= end; at += 4 + view.getUint16(at + 2, true)) {
    if (view.getUint16(at, true) !== 1) continue;
    const stop = Math.min(end, at + 4 + view.getUint16(at + 2, true));
    let next = at + 4;
    for (const field of ['size', 'packed', 'offset'] as const) {
      if (full[field] !== NONE32 || next + 8 > stop) continue;
      full[field] = u64(view, next, what);
      next += 8;
    }
  }
  return full;
}

function extract(bytes: Uint8Array, { name, flags, method, crc, packed, size, offset }: Member, what: string): Uint8Array {
  const label = `member ${JSON.stringify(name)}`;
  if (flags & 1) fail(what, `${label} is encrypted`);
  if (method !== 0 && method !== 8) fail(what, `${label} is compressed by the unsupported method ${method}; stored and deflate are read`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (offset + 30 > bytes.length || view.getUint32(offset, true) !== LOCAL)
    fail(what, `${label} is not at byte ${offset}, as the directory says`);
  const start = offset + 30 + view.getUint16(offset + 26, true) + view.getUint16(offset + 28, true);
  if (start + packed > bytes.length)
    fail(what, `${label} claims ${packed} bytes from byte ${start}, past the end of the file at ${bytes.length}`);
  const data = new Uint8Array(bytes.buffer, bytes.byteOffset + start, packed);
  if (method === 0 ? size !== packed : size > packed * MAX_RATIO) fail(what, `${label} claims that ${packed} bytes hold ${size}`);
  const out = method === 0 ? data : inflate(data, size, label, what);
  if (crc32(out) !== crc) fail(what, `${label} is damaged: its CRC-32 does not match`);
  return out;
}

function inflate(data: Uint8Array, size: number, label: string, what: string): Uint8Array {
  let out: Uint8Array;
  try {
    out = inflateSync(data, { out: new Uint8Array(size) });
  } catch (cause) {
    throw new FormatError(`${what}: ${label} is not a valid deflate stream`, { cause });
  }
  if (out.length !== size) fail(what, `${label} claims ${size} bytes but holds ${out.length}`);
  return out;
}

function u64(view: DataView, at: number, what: string): number {
  const value = view.getBigUint64(at, true);
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) fail(what, `the ZIP64 number at byte ${at} is more than 2^53 - 1`);
  return Number(value);
}

const CRC_TABLE: Int32Array = Int32Array.from({ length: 256 }, (_, n) => {
  let c = n;
  for (let k = 0; k < 8; k++) c = c & 1 ? (c >>> 1) ^ 0xedb88320 : c >>> 1;
  return c;
});

export function crc32(data: Uint8Array): number {
  let c = -1;
  for (let i = 0; i < data.length; i++) c = (c >>> 8) ^ CRC_TABLE[(c ^ data[i]!) & 255]!;
  return ~c >>> 0;
}

function fail(what: string, problem: string): never {
  throw new FormatError(`${what}: ${problem}`);
}
