// TIFF pictures (revision 6.0): grey or coloured, 8 bits a sample, in strips without compression.
import { type Picture, Reader, type Room } from './picture.ts';

const TAGS = {
  width: 256,
  height: 257,
  bits: 258,
  compression: 259,
  colours: 262,
  strips: 273,
  channels: 277,
  rows: 278,
  planes: 284,
} as const;
/** Bytes of a number by its type: 8, 16 or 32 bits. */
const SIZES: Readonly<Record<number, number>> = { 1: 1, 3: 2, 4: 4 };

/** @throws FormatError on what is no such TIFF */
export function readTiff(bytes: Uint8Array, room: Room): Picture {
  const r = new Reader(bytes, 'tiff');
  const little = bytes[0] === 0x49;
  const first = r.u32(4, little);
  const fields = new Map<number, number[]>();
  for (let i = 0, n = r.u16(first, little); i < n; i++) {
    const at = first + 2 + i * 12;
    const [tag, type, count] = [r.u16(at, little), r.u16(at + 2, little), r.u32(at + 4, little)];
    const size = SIZES[type];
    if (size === undefined || !(Object.values(TAGS) as number[]).includes(tag)) continue;
    const from = r.at(size * count <= 4 ? at + 8 : r.u32(at + 8, little), size * count);
    const read = [r.u8, r.u16, r.u32][Math.log2(size)];
    fields.set(
      tag,
      Array.from({ length: count }, (_, k) => read.call(r, from + k * size, little)),
    );
  }
  const all = (name: keyof typeof TAGS, otherwise: number): number[] => fields.get(TAGS[name]) ?? [otherwise];
  const one = (name: keyof typeof TAGS, otherwise: number): number => all(name, otherwise)[0] ?? otherwise;
  const [width, height, channels, colours] = [one('width', 0), one('height', 0), one('channels', 1), one('colours', 1)];
  if (one('compression', 1) !== 1) r.fail(`compression ${one('compression', 1)} is not read; save it without`);
  if (all('bits', 1).some((b) => b !== 8)) r.fail(`${all('bits', 1).join(', ')} bits a sample are not read; save it with 8`);
  if (colours > 2 || channels < (colours === 2 ? 3 : 1) || channels > 4 || (channels > 1 && one('planes', 1) !== 1))
    r.fail(`${channels} channels of kind ${colours} are not read; save it as grey or RGB`);
  r.at(0, width * height * channels);
  const samples = r.sized(width, height, channels, room);
  const rows = Math.min(height, one('rows', height));
  if (!(rows > 0)) r.fail('its strips have no rows');
  all('strips', 0).forEach((from, k) => {
    const to = k * rows * width * channels;
    const size = Math.min(samples.length - to, rows * width * channels);
    if (size > 0) samples.set(bytes.subarray(r.at(from, size), from + size), to);
  });
  if (all('strips', 0).length * rows < height) r.fail('strips are missing');
  if (colours === 0) for (let i = 0; i < samples.length; i++) if (i % channels === 0) samples[i] = 255 - samples[i];
  return { width, height, channels, samples };
}
