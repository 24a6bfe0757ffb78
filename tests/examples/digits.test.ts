import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { loadDigits, parseDigits } from '../../examples/digits/data.ts';
import { confusionMatrix, drawDigit, sideBySide } from '../../examples/digits/terminal.ts';
import { throwsFormatError } from '../formats/bytes.ts';

test('the data: 1,797 pictures from 0 to 1, about 180 of each digit', () => {
  const { images, labels, count } = loadDigits();
  assert.is(count, 1797);
  assert.is(images.length, count * 64);
  assert.is(labels.length, count);
  assert.equal(Array.from(labels.subarray(0, 12)), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1]);
  assert.equal(
    Array.from(images.subarray(0, 8)),
    [0, 0, 5, 13, 9, 1, 0, 0].map((v) => v / 16),
  );
  assert.is(Math.max(...images), 1);
  assert.is(Math.min(...images), 0);
  const counts = new Array<number>(10).fill(0);
  for (const label of labels) counts[label]!++;
  assert.equal(counts, [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]);
});

test('a line that is not a digit is refused and named', () => {
  const good = `${'0,'.repeat(64)}7\n`;
  assert.is(parseDigits(good).labels[0], 7);
  for (const bad of ['1,2\n', `${'17,'.repeat(64)}7\n`, `${'0,'.repeat(64)}10\n`, `${'x,'.repeat(64)}1\n`, `${'0,'.repeat(65)}1\n`]) {
    throwsFormatError(() => parseDigits(good + bad), /line 2 is not 64 pixels/, bad);
  }
});

const image = new Float32Array([0, 1, 0.5, 0]);

test('a picture in colour: half blocks, upper pixel in front, lower behind', () => {
  assert.is(drawDigit(image, { size: 2, scale: 1 }), '\x1b[38;5;232;48;5;244m▀\x1b[38;5;255;48;5;232m▀\x1b[0m');
  assert.is(drawDigit(image, { size: 2, scale: 2 }).split('\n').length, 2);
});

test('a picture without colour: shades, two characters a pixel', () => {
  assert.is(drawDigit(image, { size: 2, color: false }), '  ██\n▒▒  ');
});

test('pictures side by side line up whatever their colours', () => {
  assert.is(sideBySide(['a\nbcd', '\x1b[31mxy\x1b[0m\nz\nw'], 1), 'a   \x1b[31mxy\x1b[0m\nbcd z\n    w');
});

test('a confusion matrix lines up', () => {
  const lines = confusionMatrix([
    [35, 0, 1],
    [0, 0, 0],
    [0, 2, 1234],
  ]).split('\n');
  assert.equal(lines, [
    '       predicted (each row: a true digit)',
    '      │    0    1    2 │  found',
    '──────┼────────────────┼───────',
    '    0 │   35    ·    1 │  97.2%',
    '    1 │    ·    ·    · │      -',
    '    2 │    ·    2 1234 │  99.8%',
  ]);
});

test.run();
