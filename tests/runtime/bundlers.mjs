// Four bundlers without configuration: each builds a small app from the installed package, which must then run as it is, with nothing
// beside it. And JSR: what `deno publish` would send is checked and thrown away.
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { rollup } from 'rollup';
import { at } from '../../scripts/sources.mjs';
import { BROWSERS, inBrowser } from './browsers.mjs';
import { install, installed, sh } from './install.mjs';

const HERE = at('tests/runtime/node_modules');
/** Trains one step, and uses two threads where there are two. */
const APP = `import * as wick from 'wick';
import * as nn from 'wick/nn';
import * as optim from 'wick/optim';
async function app() {
  wick.manualSeed(1);
  wick.setThreads(2);
  wick.scope(() => wick.randn([1 << 18]).exp());
  for (let i = 0; i < 200 && wick.info().threads.ready < 2; i++) await new Promise((resolve) => setTimeout(resolve, 10));
  const model = new nn.Linear(3, 2);
  const sgd = new optim.SGD(model.parameters(), { lr: 0.1 });
  model.forward(wick.ones([4, 3])).square().mean().backward();
  sgd.step();
  return [wick.info().threads.ready, ...(await model.weight.data())].join(' ');
}
app().then((said) => console.log('@' + JSON.stringify(said)), (error) => console.log('not caught: ' + error.stack));
`;

const own = async (name, path) => import(pathToFileURL(join(HERE, name, path)).href);
/** Each writes `out` from `input`. */
const BUNDLERS = {
  async rollup(input, out, root) {
    const { entries } = await import('../../scripts/entries.mjs');
    const js = new Map(entries().map((entry) => [entry.name, join(root, 'node_modules/wick', entry.js)]));
    // rollup alone reads no node_modules: this stands for its plugin that does.
    const build = await rollup({ input, external: [/^node:/], plugins: [{ name: 'packages', resolveId: (id) => js.get(id) ?? null }] });
    await build.write({ file: out, format: 'es', inlineDynamicImports: true });
  },
  async esbuild(input, out) {
    const { build } = await own('esbuild', 'lib/main.js');
    await build({ entryPoints: [input], outfile: out, bundle: true, minify: true, format: 'esm', logLevel: 'silent' });
  },
  async vite(input, out, root) {
    const { build } = await own('vite', 'dist/node/index.js');
    const lib = { entry: input, formats: ['es'], fileName: () => out.split('/').at(-1) };
    await build({ root, configFile: false, logLevel: 'silent', build: { outDir: join(out, '..'), emptyOutDir: false, minify: true, lib } });
  },
  async webpack(input, out) {
    const { default: webpack } = await own('webpack', 'lib/index.js');
    const output = { path: join(out, '..'), filename: out.split('/').at(-1), module: true };
    const compiler = webpack({
      mode: 'production',
      entry: input,
      output,
      experiments: { outputModule: true },
      performance: { hints: false },
    });
    const stats = await new Promise((resolve, reject) => compiler.run((error, stats) => (error ? reject(error) : resolve(stats))));
    if (stats.hasErrors() || stats.hasWarnings()) throw new Error(stats.toString({ colors: false }));
  },
};

/** Builds with each and runs the output in Node, Deno, Bun and Chromium; one result { name, failed or missing } for each run. */
export async function bundlers({ root }) {
  const why = await install('tests/runtime');
  if (why) return [{ name: 'apps of bundlers', missing: why }];
  const results = [await jsr(root)];
  const input = join(root, 'app-source.mjs');
  writeFileSync(input, APP);
  const alone = join(root, 'apps');
  mkdirSync(alone, { recursive: true });
  for (const [name, make] of Object.entries(BUNDLERS)) {
    try {
      await make(input, join(alone, `${name}.mjs`), root);
    } catch (error) {
      results.push({ name, failed: [error.stack] });
      continue;
    }
    results.push(...(await runs(alone, name)));
  }
  return results;
}

async function runs(folder, name) {
  const file = `${name}.mjs`;
  const programs = {
    Node: [process.execPath],
    Deno: [installed('@deno/linux-x64-glibc/deno'), 'run'],
    Bun: [installed('@oven/bun-linux-x64/bin/bun')],
  };
  const said = [];
  for (const [where, [program, ...args]] of Object.entries(programs)) {
    if (program) said.push([where, (await sh(program, [...args, file], { cwd: folder, limit: 60 })).output]);
  }
  if (typeof BROWSERS.chromium === 'function') {
    // Without isolation, so on one thread.
    const [output] = await inBrowser('chromium', folder, [{ file, where: 'page' }]);
    said.push(['Chromium', output.replace('@"1 ', '@"2 ')]);
  }
  const wanted = /^@"2 .*$/m.exec(said[0][1])?.[0];
  return said.map(([where, output]) => ({
    name: `${name} in ${where}`,
    failed: wanted !== undefined && output.split('\n').includes(wanted) ? null : [`said ${output.slice(0, 2000)}\nnot ${wanted}`],
  }));
}

/** `deno publish --dry-run` on a copy of what would be sent: it refuses types that are slow to read. */
async function jsr(root) {
  const name = 'deno publish --dry-run';
  const deno = installed('@deno/linux-x64-glibc/deno');
  if (deno === null) return { name, missing: 'needs Deno' };
  const folder = join(root, 'jsr');
  const { publish } = JSON.parse(readFileSync(at('jsr.json'), 'utf8'));
  for (const path of publish.include) if (existsSync(at(path))) cpSync(at(path), join(folder, path), { recursive: true });
  const { code, output } = await sh(deno, ['publish', '--dry-run', '--allow-dirty'], { cwd: folder, env: { NO_COLOR: '1' } });
  rmSync(folder, { recursive: true });
  return { name, failed: code === 0 ? null : [output] };
}
