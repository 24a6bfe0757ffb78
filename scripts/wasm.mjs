// Compiles assembly/ to Wasm: asc at -O3 with shrink level 1 (a quarter smaller deflated than level 0, hot loops alike), then wasm-opt.
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
// What level 1 leaves out and the hot loops want: a constant is loaded once a block, not at each use.
// By name, functions made from one generic lie side by side, where deflate sees that they are alike.
const CLEAN = ['--reorder-functions-by-name', '--local-cse', '--simplify-locals', '--coalesce-locals', '--reorder-locals'];
const STRIP = ['--strip-debug', '--strip-producers', '--strip-target-features', '--vacuum'];

/** Writes the core to a path; `named` keeps function names and writes `${path}.map`, which change no code byte. */
export function compile(path, { named = false } = {}) {
  const asc = ['assembly/index.ts', '--config', 'asconfig.json', '--target', 'core', '-o', path];
  node(at('node_modules/assemblyscript/bin/asc.js'), ...asc, '--debug', ...(named ? ['--sourceMap'] : []));
  const rest = named ? ['--debuginfo', '--input-source-map', `${path}.map`, '--output-source-map', `${path}.map`] : STRIP;
  const wasmOpt = at('node_modules/binaryen/bin/wasm-opt');
  execFileSync(process.execPath, [wasmOpt, path, '-o', path, ...FEATURES, ...CLEAN, ...rest], { cwd: root, stdio: 'inherit' });
}
