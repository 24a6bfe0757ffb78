// Makes a bare checkout ready: installs the pinned packages when they are missing or differ from the lock, then builds when a source
// differs from what was last built. Says nothing and does nothing when all is current.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, lstatSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { at, files, hashOf, node, root } from './sources.mjs';

const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 16)) {
  console.error(`wick needs Node 20.16 or newer; this is ${process.version}.`);
  process.exit(1);
}

const stamped = (path) => (existsSync(at(path)) ? readFileSync(at(path), 'utf8') : '');
const lockHash = createHash('sha256')
  .update(readFileSync(at('package-lock.json')))
  .digest('hex');

// A node_modules that is a link belongs to another checkout; npm would empty it.
const isLink = existsSync(at('node_modules')) && lstatSync(at('node_modules')).isSymbolicLink();
if (!isLink && stamped('node_modules/.wick-lock') !== lockHash) {
  if (!installed()) install();
  writeFileSync(at('node_modules/.wick-lock'), lockHash);
}

const sources = files(
  [
    'assembly',
    'ts',
    'gpu',
    'tests',
    'examples',
    'perf',
    'package.json',
    'package-lock.json',
    'tsconfig.json',
    'asconfig.json',
    'rollup.config.js',
    'scripts',
  ],
  /\.(ts|mts|js|mjs|json)$/,
);
if (!process.argv.includes('--install-only') && stamped('build/.stamp') !== hashOf(sources)) {
  await node(at('scripts/build.mjs'), 'all', '--reuse-wasm');
  mkdirSync(at('build'), { recursive: true });
  writeFileSync(at('build/.stamp'), hashOf(sources)); // hashed again: the build may have rewritten the inlined Wasm
}

/** True when npm's own record of node_modules already agrees with the lock: the user installed by hand. */
function installed() {
  if (!existsSync(at('node_modules/.package-lock.json'))) return false;
  const wanted = JSON.parse(readFileSync(at('package-lock.json'), 'utf8')).packages;
  const present = JSON.parse(readFileSync(at('node_modules/.package-lock.json'), 'utf8')).packages;
  return Object.entries(wanted).every(([path, { version, optional }]) => path === '' || optional || present[path]?.version === version);
}

function install() {
  console.log('Installing the pinned development packages (npm ci) ...');
  const args = ['ci', '--ignore-scripts', '--include=dev', '--no-audit', '--no-fund'];
  const npm = process.env.npm_execpath;
  const { status } = npm?.endsWith('.js')
    ? spawnSync(process.execPath, [npm, ...args], { cwd: root, stdio: 'inherit' })
    : spawnSync('npm', args, { cwd: root, stdio: 'inherit', shell: process.platform === 'win32' });
  if (status === 0) return;
  console.error(`
npm ci failed, so wick cannot be built yet. What to do:
  - no network or a proxy: connect, or set npm's proxy (npm config set proxy URL), then run the command again;
  - a mirror: npm config set registry URL, then run the command again;
  - offline with a filled npm cache: npm ci --ignore-scripts --offline, then run the command again.`);
  process.exit(1);
}
