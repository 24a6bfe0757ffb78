// Bundles what tsc emitted under build/ts into dist/: one entry per export of package.json, shared chunks, source maps back to ts/.
import { existsSync, readFileSync } from 'node:fs';
import { minify } from 'terser';
import { entries } from './scripts/entries.mjs';

/** Hands tsc's source maps on. The inlined Wasm is not source: it gets an empty map, or every map would carry it once more. */
const maps = {
  name: 'maps',
  load(id) {
    if (!existsSync(`${id}.map`)) return null;
    const code = readFileSync(id, 'utf8').replace(/^\/\/# sourceMappingURL=.*$/m, '');
    return { code, map: id.endsWith('gen/core.js') ? { mappings: '' } : JSON.parse(readFileSync(`${id}.map`, 'utf8')) };
  },
};

/** Shortens what ships. Class names stay: errors and printed modules show them. No unsafe or floating-point rewriting is on. */
const shorten = {
  name: 'shorten',
  async renderChunk(code) {
    const { code: short, map } = await minify(code, { module: true, ecma: 2022, keep_classnames: true, sourceMap: true });
    return { code: short, map: JSON.parse(map) };
  },
};

const input = entries().map(({ source }) => [source, `build/ts/${source}.js`]);

export default {
  input: Object.fromEntries(input.filter(([, path]) => existsSync(path))),
  plugins: [maps, shorten],
  external: [/^node:/],
  output: { dir: 'dist', format: 'es', sourcemap: true, entryFileNames: '[name].js', chunkFileNames: 'chunks/[name]-[hash].js' },
  onLog(level, log, handler) {
    if (level === 'warn') handler('error', log);
    else handler(level, log);
  },
};
