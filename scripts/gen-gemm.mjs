// The text of assembly/kernels/gemm/gen/tile.ts: the unrolled inner loops of matrix multiplication and convolution.
// scripts/generate.mjs writes it with the other generated files.
// AssemblyScript's @inline functions cannot write several locals, so the text is unrolled here.
// Every function is generic over the compute types; a panel is two vectors (32 bytes) per k.

const STEPS = 8;
const ROWS = [0, 1, 2, 3];
const range = (n) => [...Array(n).keys()];
const mac = (c, x, b) => `${c} = mac<T>(${c}, ${x}, ${b});`;
const at = (u) => `${u} * sizeof<T>()`;
// Load-bearing: an exit ends the basic block, so V8 cannot float this step's multiplies past the next step's loads, which would spill.
const exit = (counter, u, then = '') =>
  u < STEPS - 1 ? `    if (${counter} == ${u + 1}) ${then ? `{ ${then} break; }` : 'break;'}\n` : '';

/**
 * A tile of some rows by one packed panel, or by the first vector of its two. Above four rows an element of A is loaded just before its use.
 * `spread`: each element of A fills a vector in memory.
 */
function tile(name, doc, count, vectors = 2, spread = false) {
  const rows = range(count);
  const splat = (i, u) => (spread ? `x${i} = v128.load(a${i}, ${u * 16})` : `x${i} = v128.load_splat<T>(a${i}, ${at(u)})`);
  const each = (f) => range(vectors).map(f);
  const lines = (f) => rows.map((i) => `    ${each((v) => f(i, v)).join(' ')}${i < count - 1 ? ' STEP' : ''}\n`).join('');
  const ldc = (p) => (text) => text.replaceAll('STEP', `${p} += ldc;`);
  let s = `\n/** ${doc} */\nexport function ${name}<T>(kc: i32, a0: usize, lda: usize, b: usize, c: usize, ldc: usize, add: bool): void {\n`;
  for (const i of rows.slice(1)) s += `  let a${i} = a${i - 1} + lda;\n`;
  for (const i of rows) s += `  let ${each((v) => `c${i}${v} = i32x4.splat(0)`).join(', ')};\n`;
  s += '  while (true) {\n';
  for (const u of range(STEPS)) {
    s += `    {\n      const ${each((v) => `b${v} = v128.load(b, ${u * 32 + v * 16})`).join(', ')};\n`;
    s += ``;
    if (count <= 4) s += `      const ${rows.map((i) => splat(i, u)).join(', ')};\n`;
    for (const i of rows)
      s +=
        count > 4
          ? `      const ${splat(i, u)}; ${each((v) => mac(`c${i}${v}`, `x${i}`, `b${v}`)).join(' ')}\n`
          : `      ${each((v) => mac(`c${i}${v}`, `x${i}`, `b${v}`)).join(' ')}\n`;
    s += `    }\n${exit('kc', u)}`;
  }
  s += `    b += ${STEPS * 32};\n`;
  s += `    ${rows.map((i) => `a${i} += ${spread ? STEPS * 16 : at(STEPS)};`).join(' ')}\n    kc -= ${STEPS};\n    if (kc == 0) break;\n  }\n  if (add) {\n    let p = c;\n`;
  s += ldc('p')(lines((i, v) => `c${i}${v} = v128.add<T>(c${i}${v}, v128.load(p, ${v * 16}));`));
  s += `  }\n${ldc('c')(lines((i, v) => `v128.store(c, c${i}${v}, ${v * 16});`))}`;
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

/** Some rows of C += rows of A times four rows of B at a time. */
function axpy(name, doc, count) {
  const rows = range(count);
  const x = (i, r) => `x${i}${r}`;
  return `
/** ${doc} */
export function ${name}<T>(n: i32, k: i32, a: usize, lda: usize, b: usize, ldb: usize, c: usize, ldc: usize): void {
  for (; k >= 4; k -= 4) {
    ${rows.map((i) => `const ${ROWS.map((r) => `${x(i, r)} = v128.load_splat<T>(a${i ? ' + lda' : ''}, ${at(r)})`).join(', ')};`).join('\n    ')}
    let p0 = b, p1 = b + ldb, p2 = p1 + ldb, p3 = p2 + ldb, i = n;
    let ${rows.map((i) => `q${i} = ${i ? `q${i - 1} + ldc` : 'c'}`).join(', ')};
    while (i > 0) {
${range(4)
  .map(
    (u) => `      {
        let ${rows.map((i) => `c${i} = v128.load(q${i}, ${u * 16})`).join(', ')};
        ${ROWS.map((r) => `const b${r} = v128.load(p${r}, ${u * 16}); ${rows.map((i) => mac(`c${i}`, x(i, r), `b${r}`)).join(' ')}`).join('\n        ')}
        ${rows.map((i) => `v128.store(q${i}, c${i}, ${u * 16});`).join(' ')}
      }
${u < 3 ? `      if (i == ${u + 1}) break;\n` : ''}`,
  )
  .join('')}      p0 += 64; p1 += 64; p2 += 64; p3 += 64; ${rows.map((i) => `q${i} += 64;`).join(' ')} i -= 4;
    }
    a += 4 * sizeof<T>(); b += ldb << 2;
  }
  for (; k > 0; k--, a += sizeof<T>(), b += ldb) {
    for (let r: usize = 0; r < ${count}; r++) {
      const x = v128.load_splat<T>(a + r * lda);
      let q = c + r * ldc;
      for (let i: usize = 0, e = <usize>n << 4; i < e; i += 16, q += 16) v128.store(q, mac<T>(v128.load(q), x, v128.load(b + i)));
    }
  }
}
`;
}

/** The generated file. */
export const gemmTiles = () =>
  `// Generated by scripts/generate.mjs. Do not edit.
// Strides are bytes. k is at least 1 and unrolled ${STEPS} times with an exit after every step.
import { mac } from '../../mac';
${[
  tile('tile4', 'C[4, panel] = A[4, kc] * B, or added to C; A is read in place through row pointers, B is a packed panel.', 4),
  tile('spread4', 'As tile4 with A spread by packSpread: for engines that are slow to load one number into all lanes.', 4, 2, true),
  tile('tile6', 'As tile4 with six rows: for fused multiply-adds and engines that keep the order of the text.', 6),
  tile('tile3', 'As tile4 with three rows.', 3),
  tile('tile2', 'As tile4 with two rows.', 2),
  tile('narrow', 'As tile4 with the first 16 bytes of each row of the panel.', 4, 1),
  dot,
  axpy('row', 'C[n vectors] += A[k] * B[k, n vectors], rows of B ldb bytes apart, each element in the order of k.', 1),
  axpy('rows', 'As row with two rows of A and C.', 2),
].join('')}`;
