// The package's public entries, read from package.json's exports: what rollup bundles, what types ship, what the exports check imports.
import { read } from './sources.mjs';

/**
 * One row per subpath: { name: 'wick/nn', source: 'nn/index', js: 'dist/nn/index.js', edge: 'dist/edge/nn/index.js',
 * types: 'dist/types/ts/nn/index.d.ts' }; `alone`: it has an engine of its own, and does not start the root's.
 */
export function entries() {
  const manifest = JSON.parse(read('package.json'));
  return Object.entries(manifest.exports)
    .filter(([, target]) => target.default)
    .map(([subpath, target]) => ({
      name: manifest.name + subpath.slice(1),
      source: target.default.slice('./dist/'.length, -'.js'.length),
      js: target.default.slice(2),
      edge: target.default.replace('./dist/', 'dist/edge/'),
      types: target.types.slice(2),
      alone: subpath === '.' || subpath === './lite',
    }));
}

/** The sources of package.json's programs: ['cli/main']. */
export function programs() {
  return Object.values(JSON.parse(read('package.json')).bin).map((js) => js.slice('dist/'.length, -'.js'.length));
}
