// Compiles assembly/ to Wasm: asc at -O3 with shrink level 1 (a quarter smaller packed than level 0, hot loops alike), then wasm-opt.
import { readFileSync, writeFileSync } from 'node:fs';
import { pack, unpack } from './pack.mjs';
import { at, node } from './sources.mjs';

/** How the module's bytes are written into ts/wasm/gen/core.ts; ts/wasm/module.ts reads the same. */
export const ENCODING = 'packed by scripts/pack.mjs, base64';

/** Both modules as those texts: base64 keeps what packing gained, as a compressed transfer squeezes its 6 bits a character back out. */
export const textOf = (bytes, unpacker) => ({ core: base64(pack(bytes)), unpacker: base64(unpacker) });

/**
 * What the source of ts/wasm/gen/core.ts holds: the core's text, its bytes, and the bytes of the module that unpacks it. A source without
 * that one (ts/fast/gen/fast.ts) is unpacked by the one given.
 */
export function inlinedIn(source, given) {
  const size = Number(source.match(/size: number = (\d+)/)[1]);
  const [core, unpacker] = [...source.matchAll(/'([A-Za-z0-9+/=]+)';$/gm)].map(([, text]) => text).reverse();
  const module = unpacker ? Buffer.from(unpacker, 'base64') : given;
  return { text: core, bytes: unpack(module, Buffer.from(core, 'base64'), size), unpacker: module };
}

const base64 = (bytes) => Buffer.from(bytes).toString('base64');

/** What asc compiles, and what each module may use beyond the features of all. */
const TARGETS = {
  core: { entry: 'assembly/index.ts', features: ['threads'] },
  fast: { entry: 'assembly/fast.ts', features: ['threads', 'relaxed-simd'] },
  quant: { entry: 'assembly/quant.ts', features: ['threads'] },
  solo: { entry: 'assembly/solo.ts', features: [] },
};
const FEATURES = ['simd', 'bulk-memory', 'nontrapping-float-to-int', 'sign-ext', 'mutable-globals'];
// What level 1 leaves out and the hot loops want: a constant is loaded once a block, not at each use.
// By name, functions made from one generic lie side by side, where packing sees that they are alike.
const CLEAN = ['--reorder-functions-by-name', '--local-cse', '--simplify-locals', '--coalesce-locals', '--reorder-locals'];
const STRIP = ['--strip-debug', '--strip-producers', '--strip-target-features', '--vacuum'];

/** Writes a target to a path; `named` keeps function names and writes `${path}.map`, which change no code byte. */
export async function compile(path, { named = false, target = 'core' } = {}) {
  const { entry, features } = TARGETS[target];
  await asc(entry, target, path, '--debug', ...(named ? ['--sourceMap'] : []));
  const rest = named ? ['--debuginfo', '--input-source-map', `${path}.map`, '--output-source-map', `${path}.map`] : STRIP;
  const wasmOpt = at('node_modules/binaryen/bin/wasm-opt');
  const enabled = [...FEATURES, ...features].map((name) => `--enable-${name}`);
  await node(wasmOpt, path, '-o', path, ...enabled, ...CLEAN, ...rest);
  if (!named) writeFileSync(path, withoutFunctionObjects(readFileSync(path)));
}

/** Whether a data segment is AssemblyScript's object for a function taken as a value: a header of 20 bytes, a table index, no environment. */
function isFunction(data) {
  const words = data.length === 32 ? [0, 4, 8, 16, 24, 28].map((i) => data.readUInt32LE(i)) : [];
  return words.join() === '28,0,0,8,0,0';
}

/**
 * The module without the objects of the functions in its table. Nothing reads them: a function is called by its index alone
 * (`layout` in assembly/gen/dispatch.ts), which is checked here.
 */
function withoutFunctionObjects(bytes) {
  let at = 8;
  const number = () => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++];
      value += (byte & 127) * 2 ** shift;
      if (byte < 128) return value;
    }
  };
  const leb = (n) => (n < 128 ? [n] : [(n & 127) | 128, ...leb(n >>> 7)]);
  const out = [bytes.subarray(0, 8)];
  const write = (id, ...parts) => {
    const body = Buffer.concat(parts.map((part) => Buffer.from(part)));
    out.push(Buffer.from([id, ...leb(body.length)]), body);
  };
  let count = -1;
  let next = 1;
  while (at < bytes.length) {
    const id = bytes[at++];
    const size = number();
    const start = at;
    if (id === 12) count = out.push(Buffer.alloc(0)) - 1;
    else if (id === 11) {
      const kept = [];
      for (let left = number(); left > 0; left--) {
        const from = at++;
        if (bytes[from] !== 0) throw new Error('wasm: a data segment that is not active');
        at++;
        number();
        at++;
        const length = number();
        const data = bytes.subarray(at, at + length);
        at += length;
        if (!isFunction(data)) kept.push(bytes.subarray(from, at));
        else if (data.readUInt32LE(20) !== next++) throw new Error('wasm: a function is taken as a value outside gen/dispatch.ts');
      }
      write(11, leb(kept.length), ...kept);
      if (count >= 0) out[count] = Buffer.from([12, leb(kept.length).length, ...leb(kept.length)]);
    } else write(id, bytes.subarray(start, start + size));
    at = start + size;
  }
  return Buffer.concat(out);
}

/** Writes the module that unpacks the core to a path. */
export const compileUnpacker = (path) => asc('assembly/unpack.ts', 'unpack', path);

function asc(entry, target, path, ...options) {
  return node(at('node_modules/assemblyscript/bin/asc.js'), entry, '--config', 'asconfig.json', '--target', target, '-o', path, ...options);
}
