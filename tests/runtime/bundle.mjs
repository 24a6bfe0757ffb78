// Bundles programs and suites of build/tests so that they run on the packed package instead of the sources: what the package exports is
// imported from it; what it does not (rows of the table, the sources' own helpers) is bundled in.
import { relative, resolve, sep } from 'node:path';
import { rollup } from 'rollup';
import { entries } from '../../scripts/entries.mjs';
import { at } from '../../scripts/sources.mjs';

/** Modules of build/ by the entry of the package that stands for them. */
const PUBLIC = new Map([
  ...entries().map(({ name, source }) => [`ts/${source}.js`, name]),
  ['ts/base/errors.js', 'wick'],
  ['ts/tensor/index.js', 'wick'],
]);
/** A namespace that an entry exports, by the module that it is made of. */
const NAMESPACES = new Map([['ts/nn/functional/index.js', ['wick/nn', 'functional']]]);
/** Packages of the tests; kleur reads the environment, which takes a permission, so it is left out. */
const PACKAGES = {
  uvu: 'node_modules/uvu/dist/index.mjs',
  'uvu/assert': 'node_modules/uvu/assert/index.mjs',
  'uvu/diff': 'node_modules/uvu/diff/index.mjs',
  dequal: 'node_modules/dequal/dist/index.mjs',
  diff: 'node_modules/diff/lib/index.mjs',
  fflate: 'node_modules/fflate/esm/browser.js',
  '@assemblyscript/loader': 'node_modules/@assemblyscript/loader/index.js',
};
const PLAIN = '\0plain';
const SPACE = '\0namespace:';
/** Where the package keeps state: a suite that reaches inside gets a whole copy of the sources instead. */
const INNER = /^ts\/(tensor\/|wasm\/engine)/;

const fromBuild = (path) => relative(at('build'), path).split(sep).join('/');

function substitutes(whole, packaged) {
  return {
    name: 'substitutes',
    resolveId(source, importer) {
      if (source === 'kleur') return PLAIN;
      if (/\.wasm(\?module)?$/.test(source)) return { id: source, external: true };
      if (PACKAGES[source]) return at(PACKAGES[source]);
      if (source.startsWith('wick')) return packaged(source);
      if (whole || importer === undefined || !source.startsWith('.')) return null;
      const path = fromBuild(resolve(importer, '..', source));
      if (NAMESPACES.has(path)) return SPACE + path;
      return PUBLIC.has(path) ? packaged(PUBLIC.get(path)) : null;
    },
    load(id) {
      if (id === PLAIN)
        return 'const plain = new Proxy((text) => text, { get: () => (text) => (text === undefined ? plain : text) });\nexport default plain;';
      if (!id.startsWith(SPACE)) return null;
      const [from, name] = NAMESPACES.get(id.slice(SPACE.length));
      return { code: `export { ${name} } from '${from}';`, syntheticNamedExports: name };
    },
  };
}

/**
 * Writes one self-contained module; what stays outside is Node's modules and, unless `home` is given, the package itself.
 * @param path of a compiled module under build/
 * @param home folder of the installed package, to bundle it in too
 * @param sources whether to bundle the sources whole instead of the package
 * @param flavour 'edge' or 'edge-light' for those builds of it
 * @returns the Node modules it needs, and whether it tests a copy of the sources
 */
export async function bundle(path, file, { home, flavour, sources = false } = {}) {
  const byName = new Map(entries().map(({ name, js }) => [name, flavour ? js.replace('dist/', `dist/${flavour}/`) : js]));
  const packaged = (name) => (home ? resolve(home, byName.get(name)) : { id: name, external: true });
  const make = (whole) =>
    rollup({
      input: at(path),
      plugins: [substitutes(whole, packaged)],
      external: [/^node:/],
      onwarn(warning) {
        if (!['CIRCULAR_DEPENDENCY', 'THIS_IS_UNDEFINED'].includes(warning.code)) throw new Error(`${path}: ${warning.message}`);
      },
    });
  let build = await make(sources);
  const whole = sources || build.watchFiles.some((name) => INNER.test(fromBuild(name)));
  if (whole && !sources) build = await make(true);
  const { output } = await build.write({ file, format: 'es', inlineDynamicImports: true });
  return { needs: output[0].imports.filter((name) => name.startsWith('node:')), whole };
}
