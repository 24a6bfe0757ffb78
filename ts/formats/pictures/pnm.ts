// PNM pictures: grey (P2, P5) and coloured (P3, P6), samples up to 255.
import { type Picture, Reader, type Room } from './picture.ts';

/** @throws FormatError on what is no such PNM */
export function readPnm(bytes: Uint8Array, room: Room): Picture {
  const r = new Reader(bytes, 'pnm');
  const kind = bytes[1] - 48;
  const channels = kind % 3 === 0 ? 3 : 1;
  let at = 2;
  const blank = (c: number): boolean => c === 32 || (c >= 9 && c <= 13);
  const number = (): number => {
    for (;;) {
      if (blank(r.u8(at))) at++;
      else if (bytes[at] === 35) while (r.u8(at) !== 10) at++;
      else break;
    }
    let value = -1;
    while (at < bytes.length && bytes[at] >= 48 && bytes[at] <= 57 && value < 0x1000000) value = Math.max(value, 0) * 10 + bytes[at++] - 48;
    return value >= 0 ? value : r.fail(`byte ${at} belongs to no number`);
  };
  const [width, height, most] = [number(), number(), number()];
  if (!(most > 0 && most < 256)) r.fail(`samples up to ${most} are not read; save it with 255`);
  // As many samples as there are bytes at least: each takes one.
  r.at(at, width * height * channels);
  const samples = r.sized(width, height, channels, room);
  if (kind > 3) samples.set(bytes.subarray(r.at(at + 1, samples.length), at + 1 + samples.length));
  else for (let i = 0; i < samples.length; i++) samples[i] = number();
  if (most < 255) for (let i = 0; i < samples.length; i++) samples[i] = Math.min(255, Math.round((samples[i] / most) * 255));
  return { width, height, channels, samples };
}
