// workerd, Cloudflare's runtime: an edge runtime that compiles no WebAssembly at run time. Each job is a worker of its own, made of modules
// that its configuration names.
import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { at } from '../../scripts/sources.mjs';
import { bundle } from './bundle.mjs';
import { installed, sh } from './install.mjs';

/** From here on weak references are there; from 2025-06-01 on compiling would be allowed while a worker starts. */
const DATE = '2025-05-20';
const TYPES = { '.mjs': 'esModule', '.wasm': 'wasm', '?module': 'wasm' };

export const workerd = () => installed('@cloudflare/workerd-linux-64/bin/workerd');

/** Bundles the programs with the edge build (`edge` or `edge-light`) of the installed package into a folder of its own. */
export async function makeEdgeApp(root, flavour) {
  const folder = join(root, flavour);
  mkdirSync(folder);
  const home = join(root, 'node_modules/wick');
  cpSync(at('tests/runtime/programs/run.mjs'), join(folder, 'run.mjs'));
  cpSync(join(home, `dist/${flavour}/core.wasm`), join(folder, flavour === 'edge' ? 'core.wasm' : 'core.wasm?module'));
  await bundle('build/tests/identity/main.js', join(folder, 'identity.mjs'), { home, flavour });
  await bundle('tests/runtime/programs/smoke.mjs', join(folder, 'smoke.bundle.mjs'), { home, flavour });
  // This one as a user's bundler does it: by the export condition.
  cpSync(at('tests/runtime/programs/edge.mjs'), join(root, 'edge.mjs'));
  const { build } = await import(pathToFileURL(installed('esbuild/lib/main.js')).href);
  await build({
    entryPoints: [join(root, 'edge.mjs')],
    outfile: join(folder, 'edge.bundle.mjs'),
    bundle: true,
    format: 'esm',
    conditions: [flavour === 'edge' ? 'workerd' : flavour],
    external: ['*.wasm', '*.wasm?module'],
    logLevel: 'silent',
  });
  return folder;
}

/** Runs jobs, { file, limit } of makeJob with where 'edge', one after the other; what each printed. */
export async function inWorkerd(folder, jobs, modules) {
  const outputs = [];
  for (const { file, limit } of jobs) {
    const names = [file, ...modules].map(
      (name) =>
        `(name = ${JSON.stringify(name)}, ${Object.entries(TYPES).find(([end]) => name.endsWith(end))[1]} = embed ${JSON.stringify(name)})`,
    );
    const config = `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (services = [(name = "main", worker = .job)]);
const job :Workerd.Worker = (modules = [${names.join(', ')}], compatibilityDate = "${DATE}");
`;
    const path = join(folder, `${basename(file, '.mjs')}.capnp`);
    writeFileSync(path, config);
    const { code, output } = await sh(workerd(), ['test', path], { cwd: folder, limit });
    outputs.push(code === 0 ? output : `${output}\nnot caught: exit code ${code}`);
  }
  return outputs;
}
