// Pictures of every kind that is read. The files and the SHA-256 of their samples were made by Pillow 12.3 (libjpeg-turbo).
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { FormatError } from '../../ts/base/errors.ts';
import { channelsOf, readPicture } from '../../ts/formats/pictures/index.ts';
import { tensor } from '../../ts/index.ts';
import { readOnnx } from '../../ts/onnx/index.ts';
import { repositoryRoot } from '../conformance/folder.ts';
import { modelOf, node, port } from '../onnx/build.ts';

interface Known {
  readonly file: string;
  readonly size: readonly [width: number, height: number, channels: 1 | 3];
  readonly samples: string;
  readonly grey: string;
}
const pictures = JSON.parse(readFileSync(join(repositoryRoot(), 'tests/formats/pictures.json'), 'utf8')) as Record<string, Known>;
const bytesOf = (name: string): Uint8Array => new Uint8Array(Buffer.from(pictures[name].file, 'base64'));
const sha = (x: Uint8Array): string => createHash('sha256').update(x).digest('hex');

for (const [name, { size, samples, grey }] of Object.entries(pictures))
  test(`${name}: the samples that Pillow reads`, () => {
    const picture = readPicture(bytesOf(name));
    assert.equal([picture.width, picture.height], size.slice(0, 2));
    assert.is(sha(channelsOf(picture, size[2])), samples);
    assert.is(sha(channelsOf(picture, 1)), grey);
  });

test('a damaged picture gives a picture or a FormatError, soon', () => {
  let state = 1;
  const next = (n: number): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 4294967296) * n);
  };
  const start = performance.now();
  for (const name of Object.keys(pictures))
    for (let turn = 0; turn < 40; turn++) {
      const bytes = bytesOf(name).slice();
      for (let k = next(4); k >= 0; k--) bytes[next(bytes.length)] = next(3) === 0 ? 255 : next(256);
      try {
        readPicture(turn % 3 === 0 ? bytes.subarray(0, next(bytes.length)) : bytes);
      } catch (error) {
        assert.instance(error, FormatError, `${name}, turn ${turn}: ${(error as Error).stack}`);
      }
    }
  assert.ok(performance.now() - start < 60_000);
});

test('sizes that the file does not back are refused before there is memory for them', () => {
  const png = bytesOf('png rgb');
  new DataView(png.buffer).setUint32(16, 1 << 20);
  new DataView(png.buffer).setUint32(20, 1 << 20);
  assert.throws(() => readPicture(png), /cannot hold 1048577 x 1048576 pixels/);
  const jpeg = bytesOf('jpeg 4:2:0').slice();
  const at = jpeg.findIndex((b, i) => b === 0xff && jpeg[i + 1] === 0xc0);
  jpeg.fill(0xff, at + 5, at + 9);
  assert.throws(() => readPicture(jpeg), /cannot hold 65535 x 65535 pixels/);
});

test('other formats are refused by name', () => {
  const start = (hex: string): Uint8Array => new Uint8Array(Buffer.from(hex.padEnd(64, '0'), 'hex'));
  assert.throws(() => readPicture(start('524946466e0000005745425056503820')), /WebP is not read/);
  assert.throws(() => readPicture(start('0000000c6a5020200d0a870a')), /JPEG 2000 is not read/);
  assert.throws(() => readPicture(start('474946383761')), /GIF is not read/);
  assert.throws(() => readPicture(start('00')), /a file of an unknown format is not read/);
  assert.throws(() => readPicture(new Uint8Array(0)), /is not read/);
});

test('ImageDecoder: its pixel formats, and its errors name the node', () => {
  const decoded = (name: string, format: string): number[] => {
    const model = readOnnx(
      modelOf({
        nodes: [node('ImageDecoder', ['x'], ['y'], { pixel_format: format })],
        inputs: [port('x', 'uint8', ['n'])],
        outputs: [port('y', 'uint8', ['h', 'w', 'c'])],
      }),
    );
    const bytes = name === '' ? new Uint8Array(9) : bytesOf(name);
    const { y } = model.run({ x: tensor(bytes, { dtype: 'uint8', shape: [bytes.length] }) });
    const list = [...y.shape, ...(y.dataSync() as Uint8Array)];
    model.dispose();
    return list;
  };
  const [h, w, c, ...rgb] = decoded('ppm', 'RGB');
  assert.equal([h, w, c], [7, 13, 3]);
  const bgr = decoded('ppm', 'BGR').slice(3);
  rgb.forEach((v, i) => {
    assert.is(v, bgr[i - (i % 3) + 2 - (i % 3)]);
  });
  assert.equal(decoded('pgm', 'RGB').slice(0, 3), [7, 13, 3]);
  assert.is(sha(Uint8Array.from(decoded('jpeg 4:2:0', 'Grayscale').slice(3))), pictures['jpeg 4:2:0'].grey);
  assert.throws(() => decoded('', 'RGB'), /\(ImageDecoder\): picture: a file of an unknown format/);
  assert.throws(() => decoded('ppm', 'CMYK'), /pixel format CMYK is none of/);
});

test.run();
