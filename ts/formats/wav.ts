// WAV sounds: 16-bit PCM.
import { FormatError } from '../base/errors.ts';

/** Samples from -1 to 1, the mean of all channels. */
export interface Sound {
  /** Samples a second. */
  readonly rate: number;
  readonly samples: Float32Array<ArrayBuffer>;
}
const fail = (what: string): never => {
  throw new FormatError(`wav: ${what}`);
};

/**
 * Reads a WAV file of 16 bits a sample. Throws FormatError on what is no such file.
 *
 * `readWav(readFileSync('yes.wav')).rate // 16000`
 */
export function readWav(bytes: Uint8Array): Sound {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const text = (at: number): string => String.fromCharCode(...bytes.subarray(at, at + 4));
  if (text(0) !== 'RIFF' || text(8) !== 'WAVE') fail('the file does not begin as a WAV');
  let [rate, channels] = [0, 0];
  for (let at = 12; at + 8 <= bytes.length; ) {
    const [name, size] = [text(at), view.getUint32(at + 4, true)];
    const body = at + 8;
    if (name === 'fmt ') {
      if (size < 16 || body + size > bytes.length) fail('the format is cut off');
      const [kind, bits] = [view.getUint16(body, true), view.getUint16(body + 14, true)];
      [channels, rate] = [view.getUint16(body + 2, true), view.getUint32(body + 4, true)];
      // What is wider than two channels names its kind behind the rest.
      const own = kind === 0xfffe && size >= 26 ? view.getUint16(body + 24, true) : kind;
      if (own !== 1 || bits !== 16) fail(`${bits} bits a sample of kind ${own} are not read; save it as 16-bit PCM`);
      if (channels === 0 || rate === 0) fail('it has no channels or no rate');
    } else if (name === 'data') {
      if (channels === 0) fail('the format is missing');
      // Programs that write a stream leave the length open.
      const n = Math.floor(Math.min(size, bytes.length - body) / (2 * channels));
      const samples = Float32Array.from({ length: n }, (_, i) => {
        let sum = 0;
        for (let c = 0; c < channels; c++) sum += view.getInt16(body + 2 * (i * channels + c), true);
        return sum / channels / 32768;
      });
      return { rate, samples };
    }
    at = body + size + (size % 2);
  }
  return fail('it holds no sound');
}
