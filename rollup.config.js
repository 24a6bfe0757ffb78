// Bundles what tsc emitted under build/ts into dist/: one entry per export of package.json, shared chunks, source maps back to ts/.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { minify } from 'terser';
import { entries, programs } from './scripts/entries.mjs';
import { at, read } from './scripts/sources.mjs';
import { inlinedIn } from './scripts/wasm.mjs';

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
const blank = (text) => text.replace(/[^\n]/g, ' ');
/** Edits each node of a module for which `edit` gives the text to stand there; what it returns true for is not looked into. */
const rewriting = (name, inside, edit) => ({
  name,
  transform(code, id) {
    if (!inside.some((path) => id.startsWith(at(path)))) return null;
    let text = code;
    const put = (start, end, short = '') => {
      text = text.slice(0, start) + short + blank(code.slice(start, end).slice(short.length)) + text.slice(end);
    };
    const visit = (node) => {
      if (Array.isArray(node)) node.forEach(visit);
      else if (typeof node?.type === 'string' && edit(node, put, code) !== true) Object.values(node).forEach(visit);
    };
    visit(this.parse(code));
    return { code: text, map: null };
  },
});
const keysOf = (node) => (node.type === 'ObjectExpression' ? node.properties.map(({ key }) => key?.name) : []);
const shedding = (fieldsOf) =>
  rewriting('shed', ['build/ts/ops/'], (node, put, code) => {
    const keys = keysOf(node);
    const fields = keys.length > 0 ? fieldsOf(keys) : [];
    for (const { key, start, end } of fields.length > 0 ? node.properties : [])
      if (fields.includes(key?.name)) put(start, end + (/^\s*,/.exec(code.slice(end))?.[0].length ?? 0));
    return fields.length > 0;
  });
const isRow = (keys) => keys.includes('doc');
const shed = shedding((keys) => (isRow(keys) ? DROPPED : []));

/** The loader's helpers for managed objects and classes stay out: the module has neither, and its exports are called as they are. */
const lean = {
  name: 'lean',
  transform(code, id) {
    if (!id.includes('@assemblyscript/loader')) return null;
    const found = this.parse(code).body.find(({ id: name }) => name?.name === 'postInstantiate');
    if (found === undefined) throw new Error('rollup: the loader has no function postInstantiate');
    const { start, end } = found.body;
    const lines = code.slice(start, end).replace(/[^\n]/g, '');
    return { code: `${code.slice(0, start)}{ return extendedExports;${lines} }${code.slice(end)}`, map: null };
  },
};

/** Hands tsc's source maps on. The inlined Wasm is not source: it gets an empty map, or every map would carry it once more. */
const maps = {
  name: 'maps',
  load(id) {
    if (!existsSync(`${id}.map`)) return null;
    const code = readFileSync(id, 'utf8').replace(/^\/\/# sourceMappingURL=.*$/m, '');
    return { code, map: id.endsWith('gen/core.js') ? { mappings: '' } : JSON.parse(readFileSync(`${id}.map`, 'utf8')) };
  },
};

/** Classes of the core whose names users see. */
const SEEN = /Error$|^(Generator|Plan|TensorCore)$/;
/**
 * Shortens what ships. Names of classes that users see stay: errors and printed modules show them. No unsafe or floating-point rewriting is on.
 * The inlined Wasm moves to the front: in the middle it would part names from their repetitions by more than deflate's window of 32 kB.
 */
const shorten = (classes) => ({
  name: 'shorten',
  async renderChunk(code, { name: chunk }) {
    const [statement = '', name] = /^const (core\S*) =\s+'[^']+';$/m.exec(code) ?? [];
    const { code: short, map } = await minify(code.replace(statement, statement.replace(/[^\n]/g, '')), {
      module: true,
      ecma: 2022,
      keep_classnames: chunk === 'index' ? SEEN : classes,
      sourceMap: true,
      compress: { passes: 3 },
      mangle: { reserved: [name] },
    });
    if (!statement) return { code: short, map: JSON.parse(map) };
    const { mappings, ...rest } = JSON.parse(map);
    return { code: `${statement.replace(/\s+/g, ' ')}\n${short}`, map: { ...rest, mappings: `;${mappings}` } };
  },
});

/** For runtimes that compile nothing at run time: the module is a file (`core` is where), imported; fast mathematics have no kernels. */
const edge = (core = './core.wasm') => {
  const standIns = {
    [at('build/ts/wasm/module.js')]:
      `import core from '${core}';\nexport const compiled = () => core;\nexport const unpacked = () => new Uint8Array();\n`,
    [at('build/ts/fast/gen/fast.js')]: "export const fast = '';\nexport const size = 0;\n",
  };
  return {
    name: 'edge',
    resolveId: (id) => (id === core ? { id: core, external: true, moduleSideEffects: false } : null),
    load: (id) => (standIns[id] ? { code: standIns[id], map: { mappings: '' } } : null),
    generateBundle() {
      this.emitFile({ type: 'asset', fileName: 'core.wasm', source: inlinedIn(read('ts/wasm/gen/core.ts')).bytes });
    },
    /** Bundlers for edge-light want to be told that the file is imported as a module. */
    writeBundle({ dir }, files) {
      for (const { fileName, source, code } of Object.values(files)) {
        const to = at(`${dir}-light/${fileName}`);
        mkdirSync(dirname(to), { recursive: true });
        writeFileSync(to, source ?? code.replace(`"${core}"`, `"${core}?module"`));
      }
    },
  };
};

const present = entries().filter(({ source }) => existsSync(at(`build/ts/${source}.js`)));
const isRoot = ({ source }) => source === 'index';
const rooted = present.filter((entry) => isRoot(entry) || !entry.alone).map(({ source }) => source);
const alone = present.filter((entry) => !isRoot(entry) && entry.alone).map(({ source }) => source);

const bundle = (input, plugins, output, { classes = true, ...rest }) => ({
  input,
  plugins: [inside, ...plugins, maps, lean, shorten(classes)],
  external: [/^node:/, 'binaryen'],
  output: { format: 'es', entryFileNames: '[name].js', chunkFileNames: 'chunks/[name]-[hash].js', ...output },
  onLog(level, log, handler) {
    if (level === 'warn') handler('error', log);
    else handler(level, log);
  },
  ...rest,
});
const together = (sources, plugins, output) =>
  bundle(
    Object.fromEntries(sources.map((source) => [source, source === 'index' ? at('build/ts/index.js') : ENTRY + source])),
    [engine, ...plugins, shed],
    { ...output, freeze: false, banner: ({ name }) => (programs().includes(name) ? '#!/usr/bin/env node' : '') },
    // The root entry holds the core itself: a shared chunk would repeat its list of names twice.
    { preserveEntrySignatures: 'allow-extension' },
  );
/** Views are no steps: a table for running alone has none. */
const viewless = {
  name: 'viewless',
  transform(code, id) {
    if (id !== at('build/ts/ops/table.js')) return null;
    const without = code.replace(/^import \* as view from .*$/m, '').replace(/^ *view,$/m, '');
    if (/\bview\b,|as view/.test(without)) throw new Error('rollup: the table holds views in another way than expected');
    return { code: without, map: null };
  },
};
/** What passes over a captured graph read of rows, and what derivatives and promotion do. */
const CAPTURING = [
  'activation',
  'activations',
  'affine',
  'channelwise',
  'dense',
  'dtypes',
  'infer',
  'promote',
  'saves',
  'sources',
  'tiled',
  'uses',
  'vjp',
];
/** Rows for running alone. */
const bare = shedding((keys) => (keys.includes('sources') ? CAPTURING : isRow(keys) ? [...DROPPED, ...CAPTURING] : []));
/** Rows of which no file holds a call, as the program gives their numbers: their names keep the places of the others. */
const absent = {
  name: 'absent',
  transform(code, id) {
    if (!/build\/ts\/ops\/(random|update)\.js$/.test(id)) return null;
    const rows = [...code.matchAll(/^export const (\w+)/gm)].map(([text]) => `${text} = { ...row };`);
    return { code: `const row = { kind: 'kernel', inputs: [], random: true };\n${rows.join('\n')}\n`, map: { mappings: '' } };
  },
};
/** A file holds calls that kept their ops' rules when they were captured: the checks of rows, which would say so again, stay out. */
const trusting = rewriting('trusting', ['build/ts/ops/', 'build/ts/base/shape.js'], (node, put) => {
  const { type, consequent, alternate } = node;
  if (type !== 'IfStatement' || consequent.type !== 'ThrowStatement' || alternate) return false;
  put(node.start, node.end, ';');
  return true;
});
/** In the loader's place: it tells where a module aborts, which kernels that plans call do not. */
const DIRECT = '\0direct';
const direct = {
  name: 'direct',
  resolveId: { order: 'pre', handler: (id) => (id === '@assemblyscript/loader' ? DIRECT : null) },
  load(id) {
    if (id !== DIRECT) return null;
    const body = "env.abort = () => { throw new Error('abort'); }; return { instance: new WebAssembly.Instance(module, { env }) };";
    return { code: `export function instantiateSync(module, { env }) { ${body} }`, map: { mappings: '' } };
  },
};

/** An entry with an engine of its own holds all of it, and of the rows what running takes. Importing does no more than fill the table. */
const single = (source, plugins, output) =>
  bundle(
    { [source]: at(`build/ts/${source}.js`) },
    [...plugins, viewless, absent, bare, trusting, direct],
    { ...output, freeze: false },
    {
      classes: /Error$/,
      treeshake: {
        moduleSideEffects: (id) => id.endsWith('/ops/networks.js'),
        propertyReadSideEffects: false,
      },
    },
  );

const plain = { dir: 'dist', sourcemap: true };
const light = { dir: 'dist/edge', hoistTransitiveImports: false };
export default [
  together([...rooted, ...programs()], [], plain),
  together(rooted, [edge()], light),
  ...alone.flatMap((source) => [single(source, [], plain), single(source, [edge('../core.wasm')], light)]),
];
