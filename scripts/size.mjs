// `npm run size`: what the core ships, raw and gzipped, and where the Wasm's code bytes come from. Fails above the limit.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, posix } from 'node:path';
import { gzipSync } from 'node:zlib';
import { at, node } from './sources.mjs';

const LIMIT = 120_000;
const AIM = 80_000;
const ENTRY = 'dist/index.js';

const gzipped = (data) => gzipSync(data, { level: 9 }).length;
const kB = (bytes) => `${(bytes / 1000).toFixed(1).padStart(8)} kB`;
const row = (name, raw, gz) => console.log(`${name.padEnd(34)} ${kB(raw)} raw ${gz === undefined ? '' : `${kB(gz)} gzipped`}`);

const total = ship();
families();
const verdict = total <= AIM ? 'under the aim' : total <= LIMIT ? `${kB(total - AIM).trim()} above the aim` : 'ABOVE THE LIMIT';
console.log(`\ncore total${kB(total)} gzipped; aim ${AIM / 1000} kB, limit ${LIMIT / 1000} kB: ${verdict}`);
process.exitCode = total > LIMIT ? 1 : 0;

/** Prints each file that importing wick loads, then its two parts; returns the gzipped total, each file compressed on its own as servers do. */
function ship() {
  const wasm = readFileSync(at('build/wasm/core.wasm'));
  const base64 = wasm.toString('base64');
  const sums = { raw: 0, gz: 0, jsRaw: 0, jsGz: 0 };
  let inlined = false;
  for (const path of loaded()) {
    const code = readFileSync(at(path), 'utf8').replace(/^\/\/# sourceMappingURL=.*$/m, '');
    const script = code.replace(base64, '');
    inlined ||= script !== code;
    row(path, Buffer.byteLength(code), gzipped(code));
    sums.raw += Buffer.byteLength(code);
    sums.gz += gzipped(code);
    sums.jsRaw += Buffer.byteLength(script);
    sums.jsGz += gzipped(script);
  }
  console.log('');
  row('Wasm as a file', wasm.length, gzipped(wasm));
  row('Wasm as inlined (base64)', base64.length, gzipped(base64));
  row('JavaScript without it', sums.jsRaw, sums.jsGz);
  row('core, as shipped', sums.raw, sums.gz);
  if (!inlined) {
    console.error(`\n${ENTRY} does not hold build/wasm/core.wasm: the figures would be wrong; run \`npm run build\`.`);
    process.exit(1);
  }
  return sums.gz;
}

function loaded() {
  const queue = [ENTRY];
  for (const path of queue) {
    for (const [, specifier] of readFileSync(at(path), 'utf8').matchAll(/(?:from|import)\s*["'](\.[^"']+)["']/g)) {
      const target = posix.join(posix.dirname(path), specifier);
      if (!queue.includes(target)) queue.push(target);
    }
  }
  return queue;
}

/** Prints code bytes per family: a function belongs to the last assembly/kernels/<family> in its name (map1<assembly/kernels/unary/Sqrt> is unary's). */
function families() {
  const folder = mkdtempSync(join(tmpdir(), 'wick-size-'));
  const named = join(folder, 'named.wasm');
  node(
    at('node_modules/assemblyscript/bin/asc.js'),
    'assembly/index.ts',
    '--config',
    'asconfig.json',
    '--target',
    'core',
    '--debug',
    '-o',
    named,
  );
  const { names, bodies, imported } = parse(readFileSync(named));
  rmSync(dirname(named), { recursive: true, force: true });
  const sums = new Map();
  bodies.forEach((size, i) => {
    const name = names.get(imported + i) ?? '';
    const family = [...name.matchAll(/assembly\/kernels\/([\w-]+)/g)].at(-1)?.[1];
    const key = family ? `kernels/${family}` : (name.match(/^(?:~lib|assembly)\/[\w-]+/)?.[0] ?? 'other');
    const { bytes, functions } = sums.get(key) ?? { bytes: 0, functions: 0 };
    sums.set(key, { bytes: bytes + size, functions: functions + 1 });
  });
  console.log(`\nWasm code, ${bodies.length} functions`);
  for (const [key, { bytes, functions }] of [...sums].sort((a, b) => b[1].bytes - a[1].bytes)) {
    console.log(`  ${key.padEnd(32)} ${kB(bytes)} raw in ${functions}`);
  }
}

/** The sizes of a module's function bodies, its count of imported functions and its function names, from the binary. */
function parse(bytes) {
  let at = 8;
  const u32 = () => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++];
      value += (byte & 127) * 2 ** shift;
      if (byte < 128) return value;
    }
  };
  const text = () => {
    const length = u32();
    at += length;
    return bytes.toString('utf8', at - length, at);
  };
  const module = new WebAssembly.Module(bytes);
  const result = {
    names: new Map(),
    bodies: [],
    imported: WebAssembly.Module.imports(module).filter(({ kind }) => kind === 'function').length,
  };
  while (at < bytes.length) {
    const id = bytes[at++];
    const end = u32() + at;
    if (id === 10) {
      for (let left = u32(); left > 0; left--) {
        const size = u32();
        result.bodies.push(size);
        at += size;
      }
    } else if (id === 0 && text() === 'name') {
      while (at < end) {
        const kind = bytes[at++];
        const next = u32() + at;
        if (kind === 1) for (let left = u32(); left > 0; left--) result.names.set(u32(), text());
        at = next;
      }
    }
    at = end;
  }
  return result;
}
