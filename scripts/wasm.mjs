// Compiles assembly/ to Wasm: asc, then binaryen's own -O3 once more.
import { execFileSync } from 'node:child_process';
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { at, node, root } from './sources.mjs';

/** How the module's bytes are written into ts/wasm/gen/core.ts; ts/wasm/load.ts reads the same. */
export const ENCODING = 'raw deflate, base64';

/** The module as that text: base64 keeps what deflate gained, as a compressed transfer squeezes its 6 bits a character back out. */
export function pack(bytes) {
  const tries = [5, 6, 7, 8, 9].map((memLevel) => deflateRawSync(bytes, { level: 9, memLevel })); // how often the Huffman codes are made anew
  return tries.reduce((a, b) => (b.length < a.length ? b : a)).toString('base64');
}

/** The module's bytes out of that text. */
export const unpack = (text) => inflateRawSync(Buffer.from(text, 'base64'));

const FEATURES = ['simd', 'threads', 'bulk-memory', 'nontrapping-float-to-int', 'sign-ext', 'mutable-globals'].map(
  (name) => `--enable-${name}`,
);
// asc stops after one round; the second makes the same code 8 % smaller gzipped (exp, log, tanh 12 %) at the same speed. --converge adds nothing.
const SHRINK = ['-O3'];
const STRIP = ['--strip-debug', '--strip-producers', '--strip-target-features', '--vacuum'];

/** Writes the core to a path; `named` keeps function names and writes `${path}.map`, which change no code byte. */
export function compile(path, { named = false } = {}) {
  const asc = ['assembly/index.ts', '--config', 'asconfig.json', '--target', 'core', '-o', path];
  node(at('node_modules/assemblyscript/bin/asc.js'), ...asc, ...(named ? ['--debug', '--sourceMap'] : []));
  const rest = named ? ['--debuginfo', '--input-source-map', `${path}.map`, '--output-source-map', `${path}.map`] : STRIP;
  const wasmOpt = at('node_modules/binaryen/bin/wasm-opt');
  execFileSync(process.execPath, [wasmOpt, path, '-o', path, ...FEATURES, ...SHRINK, ...rest], { cwd: root, stdio: 'inherit' });
}
