/** How `drawDigit` draws: `size` pixels a side, each `scale` columns wide; without `color` in shades that any terminal and any file shows. */
export type DrawOptions = { size?: number; scale?: number; color?: boolean };

const SHADES = ' ░▒▓█';
const FIRST_GREY = 232;
const GREYS = 24;

/**
 * Draws a square picture of pixels from 0 (black) to 1 (white) as lines of text: half blocks in 24 greys (two pixels a character), or
 * shades (one pixel in two characters) without `color`.
 *
 * `console.log(drawDigit(images.subarray(0, 64)))`
 */
export function drawDigit(image: Float32Array, { size = 8, scale = 2, color = true }: DrawOptions = {}): string {
  const rows: string[] = [];
  if (!color) {
    for (let y = 0; y < size; y++)
      rows.push(Array.from(image.subarray(y * size, (y + 1) * size), (v) => SHADES[level(v, SHADES.length)]!.repeat(2)).join(''));
    return rows.join('\n');
  }
  const grey = (y: number, x: number): number =>
    FIRST_GREY + level(image[Math.floor(y / scale) * size + Math.floor(x / scale)] ?? 0, GREYS);
  for (let y = 0; y < size * scale; y += 2) {
    let row = '';
    for (let x = 0; x < size * scale; x++) row += `\x1b[38;5;${grey(y, x)};48;5;${grey(y + 1, x)}m▀`;
    rows.push(`${row}\x1b[0m`);
  }
  return rows.join('\n');
}

/** Puts texts of several lines next to each other, `gap` columns apart: `sideBySide([drawDigit(a), drawDigit(b)])`. */
export function sideBySide(blocks: string[], gap = 3): string {
  const columns = blocks.map((block) => block.split('\n'));
  const widths = columns.map((lines) => Math.max(...lines.map(visibleLength)));
  const height = Math.max(0, ...columns.map((lines) => lines.length));
  const row = (y: number): string =>
    columns.map((lines, i) => (lines[y] ?? '') + ' '.repeat(widths[i]! - visibleLength(lines[y] ?? ''))).join(' '.repeat(gap));
  return Array.from({ length: height }, (_, y) => row(y).trimEnd()).join('\n');
}

/**
 * Prints a confusion matrix, `counts[truth][prediction]`, as an aligned table with the share found of each class.
 *
 * `console.log(confusionMatrix([[9, 1], [0, 10]]))`
 */
export function confusionMatrix(counts: number[][]): string {
  const width = Math.max(3, ...counts.flat().map((n) => String(n).length + 1));
  const cell = (text: string | number): string => String(text).padStart(width);
  const head = `${cell('')} │${counts.map((_, i) => cell(i)).join('')} │  found`;
  const rule = `${'─'.repeat(width + 1)}┼${'─'.repeat(width * counts.length + 1)}┼───────`;
  const rows = counts.map((row, truth) => {
    const total = row.reduce((a, b) => a + b, 0);
    const found = total === 0 ? '-' : `${((100 * row[truth]!) / total).toFixed(1)}%`;
    return `${cell(truth)} │${row.map((n) => cell(n === 0 ? '·' : n)).join('')} │${found.padStart(7)}`;
  });
  return [`${cell('')}  predicted (each row: a true digit)`, head, rule, ...rows].join('\n');
}

function level(value: number, levels: number): number {
  return Math.min(levels - 1, Math.max(0, Math.round(value * (levels - 1))));
}

function visibleLength(line: string): number {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: colours begin with one
  return line.replace(/\x1b\[[\d;]*m/g, '').length;
}
