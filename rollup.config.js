// Bundles what tsc emitted under build/ts into dist/: one entry per export of package.json, shared chunks, source maps back to ts/.
import { existsSync, readFileSync } from 'node:fs';
import { minify } from 'terser';
import { entries, programs } from './scripts/entries.mjs';
import { at } from './scripts/sources.mjs';

// The packages whose code ships inside wick's: what is installed needs nothing at run time.
const INSIDE = { '@assemblyscript/loader': 'node_modules/@assemblyscript/loader/index.js', fflate: 'node_modules/fflate/esm/browser.js' };
const inside = { name: 'inside', resolveId: (id) => (Object.hasOwn(INSIDE, id) ? at(INSIDE[id]) : null) };

// Tensors need a device, which only the root names: every other entry imports the root first.
const ENTRY = '\0entry:';
const engine = {
  name: 'engine',
  resolveId: (id) => (id.startsWith(ENTRY) ? { id, moduleSideEffects: true } : null),
  load(id) {
    if (!id.startsWith(ENTRY)) return null;
    const source = JSON.stringify(at(`build/ts/${id.slice(ENTRY.length)}.js`));
    return { code: `import ${JSON.stringify(at('build/ts/index.js'))};\nexport * from ${source};\n`, map: { mappings: '' } };
  },
};

// Fields of the table's rows that only the generator and the tests read. What is dropped becomes blanks, so that source maps stay right.
const DROPPED = ['attrs', 'doc', 'floats', 'ints', 'kernel', 'onnx', 'reference', 'wgsl'];
const shedding = (fields) => ({
  name: 'shed',
  transform(code, id) {
    if (!id.startsWith(at('build/ts/ops/'))) return null;
    let text = code;
    const visit = (node) => {
      if (Array.isArray(node)) node.forEach(visit);
      else if (typeof node?.type !== 'string') return;
      else if (node.type === 'ObjectExpression' && node.properties.some(({ key }) => key?.name === 'doc')) node.properties.forEach(drop);
      else Object.values(node).forEach(visit);
    };
    const drop = ({ key, start, end }) => {
      if (!fields.includes(key?.name)) return;
      const comma = /^\s*,/.exec(code.slice(end))?.[0].length ?? 0;
      text = text.slice(0, start) + code.slice(start, end + comma).replace(/[^\n]/g, ' ') + text.slice(end + comma);
    };
    visit(this.parse(code));
    return { code: text, map: null };
  },
});

/** Hands tsc's source maps on. The inlined Wasm is not source: it gets an empty map, or every map would carry it once more. */
const maps = {
  name: 'maps',
  load(id) {
    if (!existsSync(`${id}.map`)) return null;
    const code = readFileSync(id, 'utf8').replace(/^\/\/# sourceMappingURL=.*$/m, '');
    return { code, map: id.endsWith('gen/core.js') ? { mappings: '' } : JSON.parse(readFileSync(`${id}.map`, 'utf8')) };
  },
};

/**
 * Shortens what ships. Class names stay: errors and printed modules show them. No unsafe or floating-point rewriting is on.
 * The inlined Wasm moves to the front: in the middle it would part names from their repetitions by more than deflate's window of 32 kB.
 */
const shorten = {
  name: 'shorten',
  async renderChunk(code) {
    const [statement = '', name] = /^const (core\S*) =\s+'[^']+';$/m.exec(code) ?? [];
    const { code: short, map } = await minify(code.replace(statement, statement.replace(/[^\n]/g, '')), {
      module: true,
      ecma: 2022,
      keep_classnames: true,
      sourceMap: true,
      compress: { passes: 3 },
      mangle: { reserved: [name] },
    });
    if (!statement) return { code: short, map: JSON.parse(map) };
    const { mappings, ...rest } = JSON.parse(map);
    return { code: `${statement.replace(/\s+/g, ' ')}\n${short}`, map: { ...rest, mappings: `;${mappings}` } };
  },
};

const output = { dir: 'dist', format: 'es', sourcemap: true, entryFileNames: '[name].js', chunkFileNames: 'chunks/[name]-[hash].js' };
const common = {
  external: [/^node:/, 'binaryen'],
  onLog(level, log, handler) {
    if (level === 'warn') handler('error', log);
    else handler(level, log);
  },
};
const present = entries().filter(({ source }) => existsSync(at(`build/ts/${source}.js`)));
const shared = present.filter(({ alone, source }) => !alone || source === 'index');
const sources = [...shared.map(({ source }) => source), ...programs()];

export default [
  {
    ...common,
    input: Object.fromEntries(sources.map((source) => [source, source === 'index' ? at('build/ts/index.js') : ENTRY + source])),
    plugins: [inside, engine, maps, shedding(DROPPED), shorten],
    // The root entry holds the core itself: a shared chunk would repeat its list of names twice.
    preserveEntrySignatures: 'allow-extension',
    output: { ...output, banner: ({ name }) => (programs().includes(name) ? '#!/usr/bin/env node' : '') },
  },
  // An entry with an engine of its own holds all of it, and of the rows only what running takes.
  ...present
    .filter(({ alone, source }) => alone && source !== 'index')
    .map(({ source }) => ({
      ...common,
      input: { [source]: at(`build/ts/${source}.js`) },
      plugins: [inside, maps, shedding([...DROPPED, 'vjp', 'uses', 'saves']), shorten],
      // Rows join the table as their module is imported; nothing else is done by importing.
      treeshake: { moduleSideEffects: (id) => id.endsWith('/ops/networks.js') },
      output,
    })),
];
