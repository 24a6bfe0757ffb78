// BMP pictures: 8 bits with a palette, 24 and 32 bits a pixel, not compressed.
import { type Picture, Reader, type Room } from './picture.ts';

/** @throws FormatError on what is no such BMP */
export function readBmp(bytes: Uint8Array, room: Room): Picture {
  const r = new Reader(bytes, 'bmp');
  const [data, header] = [r.u32(10, true), r.u32(14, true)];
  if (header < 40) r.fail(`a header of ${header} bytes is not read`);
  const [width, down, bits, packing] = [r.u32(18, true) | 0, r.u32(22, true) | 0, r.u16(28, true), r.u32(30, true)];
  // Bit fields in their usual order are what 32 bits without packing are.
  const usual = packing === 3 && bits === 32 && r.u32(54, true) === 0xff0000 && r.u32(58, true) === 0xff00 && r.u32(62, true) === 0xff;
  if (packing !== 0 && !usual) r.fail(`packing ${packing} is not read; save it without`);
  if (bits !== 8 && bits !== 24 && bits !== 32) r.fail(`${bits} bits a pixel are not read; save it with 24`);
  const height = Math.abs(down);
  const samples = r.sized(width, height, 3, room);
  const line = Math.ceil((width * bits) / 32) * 4;
  r.at(data, line * height);
  const step = bits / 8;
  for (let y = 0; y < height; y++) {
    const from = data + (down > 0 ? height - 1 - y : y) * line;
    for (let x = 0; x < width; x++) {
      const at = bits === 8 ? r.at(14 + header + bytes[from + x] * 4, 3) : from + x * step;
      const to = (y * width + x) * 3;
      samples[to] = bytes[at + 2];
      samples[to + 1] = bytes[at + 1];
      samples[to + 2] = bytes[at];
    }
  }
  return { width, height, channels: 3, samples };
}
