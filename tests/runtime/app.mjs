// An application as a user has it: the packed tarball installed in an empty folder, and beside it the programs to run.
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { at, files } from '../../scripts/sources.mjs';
import { bundle } from './bundle.mjs';
import { sh } from './install.mjs';

const PROGRAMS = ['run', 'bits', 'smoke', 'bad-days', 'own-workers', 'work', 'full-memory', 'suspended'];

/** Packs wick, installs it, and writes the programs; { root, tarball, remove }. */
export async function makeApp() {
  const root = mkdtempSync(join(tmpdir(), 'wick-app-'));
  const remove = () => rmSync(root, { recursive: true, force: true, maxRetries: 5 });
  try {
    const must = async (program, args, cwd) => {
      const { code, output } = await sh(program, args, { cwd });
      if (code !== 0) throw new Error(`${program} ${args.join(' ')} failed:\n${output}`);
      return output;
    };
    const packed = await must('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', root], at('.'));
    const [{ filename }] = JSON.parse(packed.slice(packed.indexOf('[')));
    writeFileSync(join(root, 'package.json'), '{ "private": true, "type": "module" }\n');
    await must('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--offline', '--no-package-lock', `./${filename}`], root);
    cpSync(join(root, 'node_modules/wick'), join(root, 'node_modules/wick-again'), { recursive: true });
    const home = join(root, 'node_modules/wick');
    for (const name of PROGRAMS) cpSync(at(`tests/runtime/programs/${name}.mjs`), join(root, `${name}.mjs`));
    cpSync(at('examples/deno/main.mjs'), join(root, 'example.mjs'));
    const page = readFileSync(at('examples/browser/index.html'), 'utf8').replaceAll('../../dist/', '/node_modules/wick/dist/');
    writeFileSync(join(root, 'example.html'), page);
    await bundle('build/tests/identity/main.js', join(root, 'identity.mjs'), { home });
    for (const [name, file] of [
      ['smoke', 'smoke.bundle'],
      ['in-worker', 'in-worker'],
      ['share-worker', 'share-worker'],
    ])
      await bundle(`tests/runtime/programs/${name}.mjs`, join(root, `${file}.mjs`), { home });
    return { root, tarball: join(root, filename), remove };
  } catch (error) {
    remove();
    throw error;
  }
}

/** Bundles every suite against the installed package: { path, file, needs, whole } each; `needs` names what only Node has. */
export async function makeSuites(root) {
  mkdirSync(join(root, 'suites'), { recursive: true });
  const suites = [];
  for (const path of files(['tests'], /\.test\.ts$/)) {
    const built = `build/${path.replace(/\.ts$/, '.js')}`;
    const file = `suites/${path.slice('tests/'.length).replaceAll('/', '-').replace(/\.ts$/, '.mjs')}`;
    const { needs, whole } = await bundle(built, join(root, file));
    const text = readFileSync(join(root, file), 'utf8');
    if (text.includes('import.meta.url')) needs.push('its own place in the checkout');
    if (text.includes("'wick/export'") || text.includes('"wick/export"')) needs.push('binaryen');
    suites.push({ path, file, needs, whole });
  }
  return suites;
}

/** Writes a program that says '@' and the JSON of an expression's value, where it runs: 'page' (or process), 'worker', 'service', 'edge'. */
export function makeJob(root, name, { imports, value, where = 'page' }) {
  const file = `job-${name}-${where}.mjs`;
  const ways = {
    page: `console.log('@' + JSON.stringify(await ${value}));`,
    worker: `postMessage('@' + JSON.stringify(await ${value}));`,
    edge: `export default { async test() { console.log('@' + JSON.stringify(await ${value})); } };`,
    service: `onmessage = async (event) => event.source.postMessage('@' + JSON.stringify(await ${value}));`,
  };
  writeFileSync(join(root, file), `${imports}\n${ways[where]}\n`);
  return { file, where };
}
