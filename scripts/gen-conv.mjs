// The text of assembly/kernels/conv/gen/tile.ts: the unrolled inner loops of convolution, as gen-gemm.mjs for matrices.

const STEPS = 8;
const ROWS = [0, 1, 2, 3];
const range = (n) => [...Array(n).keys()];
const mac = (c, x, b) => `${c} = mac<T>(${c}, ${x}, ${b});`;
const macs = ROWS.map((i) => `      ${mac(`c${i}0`, `x${i}`, 'b0')} ${mac(`c${i}1`, `x${i}`, 'b1')}\n`).join('');
const at = (u) => `${u} * sizeof<T>()`;
const sums = (f) => ROWS.map((i) => f(i)).join(' ');
// Load-bearing: an exit ends the basic block, so V8 cannot float this step's multiplies past the next step's loads, which would spill.
const exit = (counter, u, then = '') =>
  u < STEPS - 1 ? `    if (${counter} == ${u + 1}) ${then ? `{ ${then} break; }` : 'break;'}\n` : '';

/** Some pixels by one panel. Above four an element of the source is loaded just before its use. */
function product(name, doc, count) {
  const rows = range(count);
  const both = (f) => rows.map((i) => [0, 1].map((j) => f(i, j)).join(' ')).join('\n    ');
  const splat = (i, u) => `x${i} = v128.load_splat<T>(a${i}, ${at(u)})`;
  const all = (u) => (count > 4 ? '' : `      const ${rows.map((i) => splat(i, u)).join(', ')};\n`);
  const products = (i, u) => `${count > 4 ? `const ${splat(i, u)}; ` : ''}${mac(`c${i}0`, `x${i}`, 'b0')} ${mac(`c${i}1`, `x${i}`, 'b1')}`;
  return `
/**
 * ${doc}
 */
export function ${name}<T>(pieces: usize, end: usize, pixels: usize, b: usize, at: usize, start: usize, add: bool, limits: usize, bytes: usize): void {
  let c00 = v128.load(start), c01 = v128.load(start, 16), ${rows
    .slice(1)
    .map((i) => `c${i}0 = c00, c${i}1 = c01`)
    .join(', ')};
  for (; pieces != end; pieces += 8) {
    const offset = load<usize>(pieces);
    let ${rows.map((i) => `a${i} = load<usize>(pixels, ${8 * i}) + offset`).join(', ')}, k = load<i32>(pieces, 4);
    while (true) {
${range(STEPS)
  .map(
    (u) =>
      `    {\n      const b0 = v128.load(b, ${u * 32}), b1 = v128.load(b, ${u * 32 + 16});\n${all(u)}${rows.map((i) => `      ${products(i, u)}\n`).join('')}    }\n${exit('k', u, `b += ${(u + 1) * 32};`)}`,
  )
  .join('')}      b += ${STEPS * 32}; ${rows.map((i) => `a${i} += ${at(STEPS)};`).join(' ')}
      k -= ${STEPS};
      if (k == 0) break;
    }
  }
  if (add) {
    let p: usize;
    ${rows.map((i) => `p = load<usize>(pixels, ${8 * i + 4}) + at; c${i}0 = v128.add<T>(v128.load(p), c${i}0); c${i}1 = v128.add<T>(v128.load(p, 16), c${i}1);`).join('\n    ')}
  }
  if (limits) {
    const low = v128.load(limits), high = v128.load(limits, 16);
    ${both((i, j) => `c${i}${j} = v128.pmin<T>(v128.pmax<T>(c${i}${j}, low), high);`)}
  }
  ${rows.map((i) => `put(load<usize>(pixels, ${8 * i + 4}) + at, c${i}0, c${i}1, bytes);`).join('\n  ')}
}
`;
}

const products = [
  product(
    'tile',
    `Four pixels by one panel of columns: the row at \`start\`, then the pieces in their order, added to what is there if \`add\`, clamped to the
 * vectors at \`limits\` if there are any; stores \`bytes\` of the 32. \`pixels\`: pairs of source and target address.
 * Pieces: pairs of source offset and length; their rows of the panel follow one another.`,
    4,
  ),
  product('tile6', 'As tile with six pixels: for fused multiply-adds and engines that keep the order of the text.', 6),
].join('');

const weights = `
/** Four outputs by one panel of sources, summed over pixels: C[4, panel] = sum of target times source, or added to C. */
export function weightTile<T>(count: i32, pixels: usize, target: usize, source: usize, c: usize, ldc: usize, add: bool): void {
  ${ROWS.map((i) => `let c${i}0 = i32x4.splat(0), c${i}1 = c${i}0;`).join('\n  ')}
  let p: usize;
  if (add) {
    p = c;
    ${sums((i) => `c${i}0 = v128.load(p); c${i}1 = v128.load(p, 16);${i < 3 ? ' p += ldc;' : ''}`)}
  }
  while (true) {
${range(STEPS)
  .map(
    (u) =>
      `    {\n      const a = load<usize>(pixels, ${8 * u + 4}) + target, b = load<usize>(pixels, ${8 * u}) + source;\n      const b0 = v128.load(b), b1 = v128.load(b, 16), ${ROWS.map((i) => `x${i} = v128.load_splat<T>(a, ${at(i)})`).join(', ')};\n${macs}    }\n${exit('count', u)}`,
  )
  .join('')}    pixels += ${STEPS * 8};
    count -= ${STEPS};
    if (count == 0) break;
  }
  ${ROWS.map((i) => `v128.store(c, c${i}0); v128.store(c, c${i}1, 16);${i < 3 ? ' c += ldc;' : ''}`).join('\n  ')}
}
`;

const depthwise = `
/**
 * Four pixels by all their channels, each with its own weights: pairs of vectors at a time. Pieces: pairs of source offset and row of
 * weights. Starts from the row at \`start\` (a row of \`step\` bytes each pair) or from what is there.
 */
export function depthwiseTile<T>(pieces: usize, end: usize, pixels: usize, bytes: usize, start: usize, step: usize, limits: usize): void {
  for (let at: usize = 0; at < bytes; at += 32) {
    let ${ROWS.map((i) => `c${i}0: v128, c${i}1: v128`).join(', ')};
    const ${ROWS.map((i) => `a${i} = load<usize>(pixels, ${8 * i}) + at`).join(', ')};
    if (start) {
      c00 = v128.load(start); c01 = v128.load(start, 16);
      ${sums((i) => (i ? `c${i}0 = c00; c${i}1 = c01;` : ''))}
      start += step;
    } else {
      let p: usize;
      ${ROWS.map((i) => `p = load<usize>(pixels, ${8 * i + 4}) + at; c${i}0 = v128.load(p); c${i}1 = v128.load(p, 16);`).join('\n      ')}
    }
    for (let t = pieces; t != end; t += 8) {
      const offset = load<usize>(t), w = load<usize>(t, 4) + at;
      const b0 = v128.load(w), b1 = v128.load(w, 16);
      let p: usize;
      ${ROWS.map((i) => `${i > 0 ? 'if (!w) break; // never: ends the basic block, see above\n      ' : ''}p = a${i} + offset; ${mac(`c${i}0`, 'v128.load(p)', 'b0')} ${mac(`c${i}1`, 'v128.load(p, 16)', 'b1')}`).join('\n      ')}
    }
    if (limits) {
      const low = v128.load(limits), high = v128.load(limits, 16);
      ${ROWS.map((i) => [0, 1].map((j) => `c${i}${j} = v128.pmin<T>(v128.pmax<T>(c${i}${j}, low), high);`).join(' ')).join('\n      ')}
    }
    const n = min<usize>(bytes - at, 32);
    ${ROWS.map((i) => `put(load<usize>(pixels, ${8 * i + 4}) + at, c${i}0, c${i}1, n);`).join('\n    ')}
  }
}
`;

/** The generated file. */
export const convolutionTiles = () =>
  `// Generated by scripts/generate.mjs. Do not edit.
// Strides and offsets are bytes. Lengths are at least 1 and unrolled ${STEPS} times with an exit after every step.
import { scratch } from '../../../threads';
import { mac } from '../../mac';

function putPart(p: usize, a: v128, b: v128, n: usize): void {
  v128.store(scratch, a);
  v128.store(scratch, b, 16);
  memory.copy(p, scratch, n);
}
/** Stores the first n of 32 bytes. */
@inline function put(p: usize, a: v128, b: v128, n: usize): void {
  if (n == 32) {
    v128.store(p, a);
    v128.store(p, b, 16);
  } else putPart(p, a, b, n);
}
${products}${weights}${depthwise}`;
