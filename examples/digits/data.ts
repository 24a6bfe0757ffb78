import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { FormatError } from '../../ts/base/errors.ts';

/** Scans of handwritten digits: `images` holds count x 64 pixels, 8x8 row by row, from 0 (paper) to 1 (ink); `labels` the digits. */
export type Digits = { images: Float32Array; labels: Int32Array; count: number };

const PIXELS = 64;
const DARKEST = 16;

/**
 * Reads the 1,797 UCI handwritten digits that lie beside this file (DATA.md tells where they come from); in Node only.
 * Throws FormatError if the file is not what it should be.
 *
 * `const { images, labels, count } = loadDigits()`
 */
export function loadDigits(): Digits {
  return parseDigits(gunzipSync(readFileSync(join(packageRoot(), 'examples', 'digits', 'digits.csv.gz'))).toString('latin1'));
}

/** Reads lines of 64 pixels from 0 to 16 and a digit; throws FormatError naming the line. */
export function parseDigits(csv: string): Digits {
  const lines = csv.split('\n').filter((line) => line !== '');
  const images = new Float32Array(lines.length * PIXELS);
  const labels = new Int32Array(lines.length);
  lines.forEach((line, i) => {
    const values = line.split(',').map(Number);
    const whole = values.every((v, j) => Number.isInteger(v) && v >= 0 && v <= (j < PIXELS ? DARKEST : 9));
    if (values.length !== PIXELS + 1 || !whole)
      throw new FormatError(`digits: line ${i + 1} is not ${PIXELS} pixels from 0 to ${DARKEST} and a digit`);
    for (let j = 0; j < PIXELS; j++) images[i * PIXELS + j] = values[j]! / DARKEST;
    labels[i] = values[PIXELS]!;
  });
  return { images, labels, count: lines.length };
}

/** The nearest folder above this module that holds package.json: this may run from build/, where the data is not. */
function packageRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'package.json'))) {
    if (dirname(folder) === folder)
      throw new FormatError('digits: no package.json in any folder above this file, so digits.csv.gz cannot be found');
    folder = dirname(folder);
  }
  return folder;
}
