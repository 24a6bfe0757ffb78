// What a picture is, and how much memory a file may ask for.
import { FormatError } from '../../base/errors.ts';

/** Samples row by row, channel last, 0 to 255: 1 channel (grey), 3 (red, green, blue), with one more for opacity. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly channels: number;
  readonly samples: Uint8Array;
}
/** Checks [height, width, channels] before there is memory for them. @throws a typed error where they are too many */
export type Room = (shape: readonly number[]) => unknown;

/** Samples that any file may hold, and how many more each of its bytes allows: no deflate stream expands more. */
const SAMPLES = 1 << 22;
const SAMPLES_EACH = 1032;
/** The room that a file's own length backs. */
export const backed =
  (bytes: Uint8Array): Room =>
  ([height, width, channels]) => {
    if (height * width * channels > Math.min(0x7fffffff, Math.max(SAMPLES, SAMPLES_EACH * bytes.length)))
      throw new FormatError(`picture: ${bytes.length} bytes cannot hold ${width} x ${height} pixels of ${channels} channels`);
  };

/** Reads numbers of a file of one format, whose name stands in every error. */
export class Reader {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  private readonly format: string;
  constructor(bytes: Uint8Array, format: string) {
    this.bytes = bytes;
    this.format = format;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }
  fail(what: string): never {
    throw new FormatError(`${this.format}: ${what}`);
  }
  /** Checks that `size` bytes lie at `at`; gives `at`. @throws FormatError */
  at(at: number, size: number): number {
    return at >= 0 && size >= 0 && at + size <= this.bytes.length ? at : this.fail(`the file ends within the ${size} bytes at ${at}`);
  }
  u8(at: number): number {
    return this.bytes[this.at(at, 1)];
  }
  u16(at: number, little: boolean = false): number {
    return this.view.getUint16(this.at(at, 2), little);
  }
  u32(at: number, little: boolean = false): number {
    return this.view.getUint32(this.at(at, 4), little);
  }
  /** @throws FormatError for a side of 0, and what `room` throws */
  sized(width: number, height: number, channels: number, room: Room): Uint8Array {
    if (!(width > 0 && height > 0)) this.fail(`the size ${width} x ${height} is not one to read`);
    room([height, width, channels]);
    return new Uint8Array(width * height * channels);
  }
}
