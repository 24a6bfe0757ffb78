// Pictures from files: PNG, JPEG, BMP, PNM, TIFF.
import { FormatError } from '../../base/errors.ts';
import { readBmp } from './bmp.ts';
import { readJpeg } from './jpeg.ts';
import { backed, type Picture, type Room } from './picture.ts';
import { readPng } from './png.ts';
import { readPnm } from './pnm.ts';
import { readTiff } from './tiff.ts';

export type { Picture, Room } from './picture.ts';

type Read = (bytes: Uint8Array, room: Room) => Picture;
/** First bytes, in hexadecimal with dots for any digit, of what is read, and the names of what is not. */
const KINDS: readonly (readonly [start: RegExp, read: Read | string])[] = [
  [/^89504e470d0a1a0a/, readPng],
  [/^ffd8ff/, readJpeg],
  [/^424d/, readBmp],
  [/^503[2356]/, readPnm],
  [/^(49492a00|4d4d002a)/, readTiff],
  [/^52494646.{8}57454250/, 'WebP'],
  [/^(0000000c6a502020|ff4fff51)/, 'JPEG 2000'],
  [/^47494638/, 'GIF'],
  [/^.{8}66747970(61766966|68656963)/, 'AVIF or HEIC'],
  [/^(49492b00|4d4d002b)/, 'BigTIFF'],
];

/**
 * The picture in a file: PNG and TIFF (8 bits a sample), JPEG (baseline and progressive, with libjpeg's arithmetic), BMP, PNM. `room` checks
 * its [height, width, channels] before there is memory for them; else the file's length bounds them. Throws FormatError for damaged files,
 * and for other formats, which it names.
 *
 * `readPicture(readFileSync('face.jpg')).width`
 */
export function readPicture(bytes: Uint8Array, room: Room = backed(bytes)): Picture {
  const start = Array.from(bytes.subarray(0, 16), (b) => b.toString(16).padStart(2, '0')).join('');
  const kind = KINDS.find(([pattern]) => pattern.test(start))?.[1];
  if (typeof kind === 'function') return kind(bytes, room);
  throw new FormatError(`picture: ${kind ?? 'a file of an unknown format'} is not read; save it as PNG, JPEG, BMP, PNM or TIFF`);
}

/** A picture's samples as red, green, blue or as grey (ITU-R BT.601, rounded as Pillow rounds), opacity left out. */
export function channelsOf({ channels, samples, width, height }: Picture, wanted: 1 | 3): Uint8Array {
  const n = width * height;
  const colours = channels > 2;
  const out = new Uint8Array(n * wanted);
  for (let i = 0; i < n; i++) {
    const at = i * channels;
    if (wanted === 1)
      out[i] = colours ? (samples[at] * 19595 + samples[at + 1] * 38470 + samples[at + 2] * 7471 + 0x8000) >> 16 : samples[at];
    else for (let k = 0; k < 3; k++) out[i * 3 + k] = samples[colours ? at + k : at];
  }
  return out;
}
