// PNG pictures as numbers (PNG specification, third edition): 8 bits a sample, not interlaced.
import { unzlibSync } from 'fflate';
import { FormatError } from '../../base/errors.ts';
import { joined } from '../../base/sections.ts';
import type { Picture, Room } from './picture.ts';

const fail = (what: string): never => {
  throw new FormatError(`png: ${what}`);
};
const SIGNATURE = [137, 80, 78, 71, 13, 10, 26, 10];
/** Samples a pixel by colour type; a palette's are indices. */
const CHANNELS: Readonly<Record<number, number>> = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 };

/** @throws FormatError on what is no such PNG */
export function readPng(bytes: Uint8Array, room: Room): Picture {
  if (SIGNATURE.some((b, i) => bytes[i] !== b)) fail('the file does not begin as a PNG');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const data: Uint8Array[] = [];
  let [width, height, type] = [0, 0, -1];
  let palette: Uint8Array | null = null;
  for (let at = 8; at + 12 <= bytes.length; ) {
    const length = view.getUint32(at);
    const name = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    const body = bytes.subarray(at + 8, at + 8 + length);
    if (body.length < length) fail(`the chunk ${name} is cut off`);
    if (name === 'IHDR') {
      if (length < 13) fail('the header is cut off');
      [width, height, type] = [view.getUint32(at + 8), view.getUint32(at + 12), body[9]];
      if (body[8] !== 8) fail(`${body[8]} bits a sample; save it with 8`);
      if (body[12] !== 0) fail('it is interlaced; save it without');
    } else if (name === 'PLTE') palette = body;
    else if (name === 'IDAT') data.push(body);
    else if (name === 'IEND') break;
    at += 12 + length;
  }
  const channels = CHANNELS[type] ?? fail('the header is missing or of an unknown kind');
  const line = width * channels;
  if (line === 0 || height === 0) fail(`the size ${width} x ${height} is not one to read`);
  room([height, width + 1, type === 3 ? 3 : channels]);
  const raw = inflated(joined(data), height * (line + 1));
  const samples = new Uint8Array(height * line);
  for (let y = 0; y < height; y++) unfilter(raw, y * (line + 1), samples, y * line, line, channels);
  if (type !== 3) return { width, height, channels, samples };
  const colours = palette ?? fail('the palette is missing');
  const own = new Uint8Array(samples.length * 3);
  samples.forEach((index, i) => own.set(colours.subarray(index * 3, index * 3 + 3), i * 3));
  return { width, height, channels: 3, samples: own };
}

function inflated(data: Uint8Array, size: number): Uint8Array {
  let raw: Uint8Array;
  try {
    raw = unzlibSync(data, { out: new Uint8Array(size) });
  } catch {
    return fail('its data are damaged');
  }
  return raw.length === size ? raw : fail(`${raw.length} bytes of data where ${size} belong`);
}

/** Undoes the filter of one line: 0 none, 1 left, 2 up, 3 their mean, 4 the nearest of left, up and upper left. */
function unfilter(raw: Uint8Array, from: number, out: Uint8Array, to: number, line: number, step: number): void {
  const kind = raw[from];
  if (kind > 4) fail(`a line has the filter ${kind}`);
  for (let i = 0; i < line; i++) {
    const left = i >= step ? out[to + i - step] : 0;
    const up = to > 0 ? out[to + i - line] : 0;
    const corner = i >= step && to > 0 ? out[to + i - step - line] : 0;
    let guess = 0;
    if (kind === 1) guess = left;
    else if (kind === 2) guess = up;
    else if (kind === 3) guess = (left + up) >> 1;
    else if (kind === 4) {
      const [a, b, c] = [Math.abs(up - corner), Math.abs(left - corner), Math.abs(left + up - 2 * corner)];
      guess = a <= b && a <= c ? left : b <= c ? up : corner;
    }
    out[to + i] = raw[from + 1 + i] + guess;
  }
}
