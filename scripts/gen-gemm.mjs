// The text of assembly/kernels/gemm/gen/tile.ts: the unrolled inner loops of matrix multiplication and convolution.
// scripts/generate.mjs writes it with the other generated files.
// AssemblyScript's @inline functions cannot write several locals, so the text is unrolled here.
// Every function is generic over the four compute types; a panel is two vectors (32 bytes) per k.

const STEPS = 8;
const ROWS = [0, 1, 2, 3];
const range = (n) => [...Array(n).keys()];
const mac = (c, x, b) => `${c} = v128.add<T>(${c}, v128.mul<T>(${x}, ${b}));`;
const at = (u) => `${u} * sizeof<T>()`;
// Load-bearing: an exit ends the basic block, so V8 cannot float this step's multiplies past the next step's loads, which would spill.
const exit = (counter, u, then = '') =>
  u < STEPS - 1 ? `    if (${counter} == ${u + 1}) ${then ? `{ ${then} break; }` : 'break;'}\n` : '';

/** A tile of 4 rows by one panel; B is a packed panel or, in place, rows of stride ldb. */
function tile(name, doc, inPlace) {
  let s = `\n/** ${doc} */\nexport function ${name}<T>(kc: i32, a0: usize, lda: usize, b: usize, ${inPlace ? 'ldb: usize, ' : ''}c: usize, ldc: usize, add: bool): void {\n`;
  for (const i of ROWS.slice(1)) s += `  let a${i} = a${i - 1} + lda;\n`;
  for (const i of ROWS) s += `  let c${i}0 = i32x4.splat(0), c${i}1 = i32x4.splat(0);\n`;
  s += '  while (true) {\n';
  for (const u of range(STEPS)) {
    const o = inPlace ? 0 : u * 32;
    s += `    {\n      const b0 = v128.load(b, ${o}), b1 = v128.load(b, ${o + 16});\n`;
    s += `      const ${ROWS.map((i) => `x${i} = v128.load_splat<T>(a${i}, ${at(u)})`).join(', ')};\n`;
    for (const i of ROWS) s += `      ${mac(`c${i}0`, `x${i}`, 'b0')} ${mac(`c${i}1`, `x${i}`, 'b1')}\n`;
    s += `    }\n${inPlace ? '    b += ldb;\n' : ''}${exit('kc', u)}`;
  }
  if (!inPlace) s += `    b += ${STEPS * 32};\n`;
  s += `    ${ROWS.map((i) => `a${i} += ${at(STEPS)};`).join(' ')}\n    kc -= ${STEPS};\n    if (kc == 0) break;\n  }\n  if (add) {\n    let p = c;\n`;
  for (const i of ROWS)
    s += `    c${i}0 = v128.add<T>(c${i}0, v128.load(p)); c${i}1 = v128.add<T>(c${i}1, v128.load(p, 16));${i < 3 ? ' p += ldc;' : ''}\n`;
  s += '  }\n';
  for (const i of ROWS) s += `  v128.store(c, c${i}0); v128.store(c, c${i}1, 16);${i < 3 ? ' c += ldc;' : ''}\n`;
  return `${s}}\n`;
}

const dot = `
@inline function total<T>(v: v128): T {
  if (sizeof<T>() == 8) return <T>(v128.extract_lane<T>(v, 0) + v128.extract_lane<T>(v, 1));
  const t = v128.add<T>(v, v128.shuffle<i32>(v, v, 2, 3, 0, 1));
  return <T>(v128.extract_lane<T>(t, 0) + v128.extract_lane<T>(t, 1));
}

/** y[n] = W[n, k] * x[k], rows of W ldw bytes apart, four at a time: one vector of partial sums a row, then the last k % lanes products. */
export function dots<T>(n: i32, k: i32, x: usize, w: usize, ldw: usize, y: usize): void {
  const lanes = <i32>(16 / sizeof<T>());
  for (; n > 0; n -= 4) {
    let p0 = w, p1 = select(p0 + ldw, p0, n > 1), p2 = select(p1 + ldw, p1, n > 2), p3 = select(p2 + ldw, p2, n > 3);
    let c0 = i32x4.splat(0), c1 = c0, c2 = c0, c3 = c0, q = x, i = k / lanes;
    while (i > 0) {
${range(STEPS)
  .map(
    (u) => `      {
        const v = v128.load(q, ${u * 16});
        ${ROWS.map((r) => mac(`c${r}`, 'v', `v128.load(p${r}, ${u * 16})`)).join('\n        ')}
      }
  ${exit('i', u, `p0 += ${(u + 1) * 16}; p1 += ${(u + 1) * 16}; p2 += ${(u + 1) * 16}; p3 += ${(u + 1) * 16}; q += ${(u + 1) * 16};`)}`,
  )
  .join('')}      p0 += ${STEPS * 16}; p1 += ${STEPS * 16}; p2 += ${STEPS * 16}; p3 += ${STEPS * 16}; q += ${STEPS * 16}; i -= ${STEPS};
    }
    let s0 = total<T>(c0), s1 = total<T>(c1), s2 = total<T>(c2), s3 = total<T>(c3);
    for (i = k & (lanes - 1); i > 0; i--) {
      const v = load<T>(q);
      s0 = <T>(s0 + v * load<T>(p0)); s1 = <T>(s1 + v * load<T>(p1)); s2 = <T>(s2 + v * load<T>(p2)); s3 = <T>(s3 + v * load<T>(p3));
      q += sizeof<T>(); p0 += sizeof<T>(); p1 += sizeof<T>(); p2 += sizeof<T>(); p3 += sizeof<T>();
    }
    store<T>(y, s0);
    if (n > 1) store<T>(y, s1, sizeof<T>());
    if (n > 2) store<T>(y, s2, 2 * sizeof<T>());
    if (n > 3) store<T>(y, s3, 3 * sizeof<T>());
    y += 4 * sizeof<T>(); w += ldw << 2;
  }
}
`;

const axpy = `
/** y[n vectors] += x[k] * B[k, n vectors], rows of B ldb bytes apart: four rows at a time, each element in the order of k. */
export function rows<T>(n: i32, k: i32, x: usize, b: usize, ldb: usize, y: usize): void {
  for (; k >= 4; k -= 4) {
    const x0 = v128.load_splat<T>(x), x1 = v128.load_splat<T>(x, ${at(1)}), x2 = v128.load_splat<T>(x, ${at(2)}), x3 = v128.load_splat<T>(x, ${at(3)});
    let p0 = b, p1 = b + ldb, p2 = p1 + ldb, p3 = p2 + ldb, q = y, i = n;
    while (i > 0) {
${range(4)
  .map(
    (u) => `      {
        let c = v128.load(q, ${u * 16});
        ${ROWS.map((r) => mac('c', `x${r}`, `v128.load(p${r}, ${u * 16})`)).join('\n        ')}
        v128.store(q, c, ${u * 16});
      }
${u < 3 ? `      if (i == ${u + 1}) break;\n` : ''}`,
  )
  .join('')}      p0 += 64; p1 += 64; p2 += 64; p3 += 64; q += 64; i -= 4;
    }
    x += 4 * sizeof<T>(); b += ldb << 2;
  }
  for (; k > 0; k--) {
    const x0 = v128.load_splat<T>(x);
    let p = b, q = y;
    for (let i = n; i > 0; i--) { v128.store(q, v128.add<T>(v128.load(q), v128.mul<T>(x0, v128.load(p)))); p += 16; q += 16; }
    x += sizeof<T>(); b += ldb;
  }
}
`;

/** The generated file. */
export const gemmTiles = () =>
  `// Generated by scripts/generate.mjs. Do not edit.
// Strides are bytes. k is at least 1 and unrolled ${STEPS} times with an exit after every step.
${tile('tilePacked', 'C[4, panel] = A[4, kc] * B, or added to C; A is read in place through four row pointers, B is a packed panel.', false)}${tile(
  'tileInPlace',
  'As tilePacked with B read in place, rows ldb bytes apart.',
  true,
)}${dot}${axpy}`;
