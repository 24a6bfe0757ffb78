// `npm run size`: what the core ships, raw and gzipped, and where the JavaScript and the Wasm's code bytes come from. Fails above the limit.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { SourceMap } from 'node:module';
import { tmpdir } from 'node:os';
import { join, posix } from 'node:path';
import { gzipSync } from 'node:zlib';
import { at } from './sources.mjs';
import { compile, ENCODING, inlinedIn } from './wasm.mjs';

const LIMIT = 120_000;
const AIM = 80_000;
const FAMILY = /assembly\/kernels\/([\w-]+)/g;
const ENTRY = 'dist/index.js';
const LITE = 'dist/lite/index.js';
/** What wick/lite's JavaScript may take, gzipped. */
const LITE_LIMIT = 25_000;

const gzipped = (data) => gzipSync(data, { level: 9 }).length;
const kB = (bytes) => `${(bytes / 1000).toFixed(1).padStart(8)} kB`;
const row = (name, raw, gz) => console.log(`${name.padEnd(34)} ${kB(raw)} raw ${gz === undefined ? '' : `${kB(gz)} gzipped`}`);

const total = ship();
const beside = lite();
modules();
await families();
const verdict = total <= AIM ? 'under the aim' : total <= LIMIT ? `${kB(total - AIM).trim()} above the aim` : 'ABOVE THE LIMIT';
console.log(`\ncore total${kB(total)} gzipped; aim ${AIM / 1000} kB, limit ${LIMIT / 1000} kB: ${verdict}`);
process.exitCode = total > LIMIT || beside > LITE_LIMIT ? 1 : 0;

/** Prints each file that importing wick loads, then its two parts; returns the gzipped total, each file compressed on its own as servers do. */
function ship() {
  const { text, bytes: wasm } = inlinedIn(readFileSync(at('ts/wasm/gen/core.ts'), 'utf8'));
  const sums = { raw: 0, gz: 0, jsRaw: 0, jsGz: 0 };
  let inlined = false;
  for (const path of loaded()) {
    const code = readFileSync(at(path), 'utf8').replace(/^\/\/# sourceMappingURL=.*$/m, '');
    const script = code.replace(text, '');
    inlined ||= script !== code;
    row(path, Buffer.byteLength(code), gzipped(code));
    sums.raw += Buffer.byteLength(code);
    sums.gz += gzipped(code);
    sums.jsRaw += Buffer.byteLength(script);
    sums.jsGz += gzipped(script);
  }
  console.log('');
  row('Wasm as a file', wasm.length, gzipped(wasm));
  row(`Wasm as inlined (${ENCODING})`, text.length, gzipped(text));
  row('JavaScript without it', sums.jsRaw, sums.jsGz);
  row('core, as shipped', sums.raw, sums.gz);
  if (!inlined) {
    console.error(`\n${ENTRY} does not hold the module of ts/wasm/gen/core.ts: the figures would be wrong; run \`npm run build\`.`);
    process.exit(1);
  }
  return sums.gz;
}

/** Prints what wick/lite ships, one file with the same module and its unpacker inlined; returns its gzipped JavaScript, without both. */
function lite() {
  const { text, unpacker } = inlinedIn(readFileSync(at('ts/wasm/gen/core.ts'), 'utf8'));
  const code = readFileSync(at(LITE), 'utf8').replace(/^\/\/# sourceMappingURL=.*$/m, '');
  const script = code.replace(text, '').replace(unpacker.toString('base64'), '');
  console.log('');
  row(LITE, Buffer.byteLength(code), gzipped(code));
  row('JavaScript without the Wasm', Buffer.byteLength(script), gzipped(script));
  const verdict = gzipped(script) > LITE_LIMIT ? 'ABOVE THE LIMIT' : 'within the limit';
  console.log(`lite's limit ${LITE_LIMIT / 1000} kB: ${verdict}`);
  return gzipped(script);
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

/** Prints for each module bundled into the root entry its characters and what the gzipped file would be smaller without them. */
function modules() {
  const code = readFileSync(at(ENTRY), 'utf8');
  const map = new SourceMap(JSON.parse(readFileSync(at(`${ENTRY}.map`), 'utf8')));
  const spans = new Map();
  let offset = 0;
  for (const [row, line] of code.split('\n').entries()) {
    for (let column = 0; column < line.length; column++) {
      const source = map.findEntry(row, column).originalSource;
      if (!source) continue;
      const own = spans.get(source) ?? [];
      spans.set(source, own);
      if (own.at(-1)?.end === offset + column) own.at(-1).end++;
      else own.push({ start: offset + column, end: offset + column + 1 });
    }
    offset += line.length + 1;
  }
  const all = gzipped(code);
  const rows = [...spans].map(([source, own]) => {
    const rest = own.map(({ start }, i) => code.slice(own[i - 1]?.end ?? 0, start)).join('') + code.slice(own.at(-1).end);
    return { source, raw: code.length - rest.length, gz: all - gzipped(rest) };
  });
  console.log('\nJavaScript by module');
  for (const { source, raw, gz } of rows.sort((a, b) => b.gz - a.gz))
    row(`  ${source.replace(/^.*?(ts|node_modules)\//, '$1/').replace(/\.[jt]s$/, '')}`, raw, gz);
}

/**
 * Prints code bytes per family. A function belongs to the last assembly/kernels/<family> in its name (map1<assembly/kernels/unary/Sqrt> is
 * unary's), else to the family that most of its bytes were inlined from, else to the file that most of them come from.
 */
async function families() {
  const folder = mkdtempSync(join(tmpdir(), 'wick-size-'));
  const path = join(folder, 'named.wasm');
  await compile(path, { named: true });
  const { names, bodies, imported } = parse(readFileSync(path));
  const map = new SourceMap(JSON.parse(readFileSync(`${path}.map`, 'utf8')));
  rmSync(folder, { recursive: true, force: true });
  const sums = new Map();
  let all = 0;
  bodies.forEach(({ start, size }, i) => {
    const named = [...(names.get(imported + i) ?? '').matchAll(FAMILY)].at(-1)?.[1];
    const key = named ? `kernels/${named}` : origin(map, start, size);
    const { bytes, functions } = sums.get(key) ?? { bytes: 0, functions: 0 };
    sums.set(key, { bytes: bytes + size, functions: functions + 1 });
    all += size;
  });
  console.log(`\nWasm code, ${kB(all).trim()} in ${bodies.length} functions`);
  for (const [key, { bytes, functions }] of [...sums].sort((a, b) => b[1].bytes - a[1].bytes)) {
    console.log(`  ${key.padEnd(32)} ${kB(bytes)} raw in ${functions}`);
  }
}

function origin(map, start, size) {
  const votes = new Map();
  for (let at = start; at < start + size; at++) {
    const source = map.findEntry(0, at).originalSource ?? 'other';
    const family = source.match(/assembly\/kernels\/([\w-]+)/)?.[1];
    const key = family ? `kernels/${family}` : source.replace(/^.*?(assembly|~lib)\//, '$1/').replace(/\.ts$/, '');
    votes.set(key, (votes.get(key) ?? 0) + 1);
  }
  const ranked = [...votes].sort((a, b) => b[1] - a[1]).map(([key]) => key);
  return ranked.find((key) => key.startsWith('kernels/')) ?? ranked[0] ?? 'other';
}

/** A module's function bodies, its count of imported functions and its function names, from the binary. */
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
        result.bodies.push({ start: at, size });
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
