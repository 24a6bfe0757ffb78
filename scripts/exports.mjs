// Proves the package: packs the tarball, unpacks it as node_modules/wick of an empty project, imports every subpath in a plain .mjs,
// compiles a TypeScript user against its declarations, and runs something when the engine is there.
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bundle } from '../tests/runtime/bundle.mjs';
import { entries } from './entries.mjs';
import { at, collect } from './sources.mjs';

const folder = mkdtempSync(join(tmpdir(), 'wick-exports-'));
try {
  const { filename, size, files } = await pack();
  await run(
    'npm',
    ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--offline', '--no-package-lock', join(folder, filename)],
    project(),
  );
  const home = join(folder, 'user/node_modules/wick');
  for (const { name, js, edge, types } of entries()) {
    for (const path of [js, edge, edge.replace('/edge/', '/edge-light/'), types])
      if (!existsSync(join(home, path))) fail(`${name}: the package lacks ${path}`);
  }
  const { exports, dependencies: listed = {} } = JSON.parse(readFileSync(join(home, 'package.json'), 'utf8'));
  for (const [subpath, target] of Object.entries(exports)) {
    const rest = target.default?.slice('./dist/'.length);
    const wanted = {
      types: target.types,
      workerd: `./dist/edge/${rest}`,
      'edge-light': `./dist/edge-light/${rest}`,
      default: target.default,
    };
    if (rest && JSON.stringify(target) !== JSON.stringify(wanted))
      fail(`package.json: exports['${subpath}'] must be ${JSON.stringify(wanted)}`);
  }
  const dependencies = Object.keys(listed);
  if (dependencies.length) fail(`the core has run-time dependencies: ${dependencies.join(', ')}`);
  const said = await run(process.execPath, [write('user.mjs', importer())], join(folder, 'user'));
  await compileTypes();
  // What rollup leaves out of wick/lite is what these tests do not miss.
  await bundle('build/tests/lite/lite.test.js', join(folder, 'user/lite.mjs'));
  await run(process.execPath, ['lite.mjs'], join(folder, 'user'));
  console.log(`${filename}, ${(size / 1024).toFixed(0)} kB, ${files.length} files; ${said.trim()}`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}

async function pack() {
  const output = await run('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', folder], at('.'));
  return JSON.parse(output.slice(output.indexOf('[')))[0];
}

function project() {
  mkdirSync(join(folder, 'user'));
  write('package.json', '{ "private": true }');
  return join(folder, 'user');
}

/** A user's program: every subpath imported, then a sum on the engine when wick exports tensor. */
function importer() {
  const names = entries().map(({ name }) => name);
  return `import * as wick from 'wick';
${names.map((name, i) => `import * as m${i} from '${name}';`).join('\n')}
const modules = { ${names.map((name, i) => `'${name}': m${i}`).join(', ')} };
for (const [name, module] of Object.entries(modules)) {
  if (Object.keys(module).length === 0) throw new Error(name + ' exports nothing');
}
let said = Object.keys(modules).length + ' subpaths import';
if (typeof wick.tensor === 'function') {
  const sum = wick.tensor([[1, 2], [3, 4]]).add(wick.tensor([10, 20]));
  const values = JSON.stringify(await sum.array());
  if (values !== '[[11,22],[13,24]]') throw new Error('[[1,2],[3,4]] + [10,20] gave ' + values);
  said += ', [[1,2],[3,4]] + [10,20] = ' + values;
}
console.log(said);
`;
}

/** A TypeScript user with strict settings and without skipLibCheck, so that a dangling import inside the declarations is an error. */
async function compileTypes() {
  symlinkSync(at('node_modules/@types'), join(folder, 'user/node_modules/@types'), 'junction');
  const uses = entries().map(({ name }, i) => `import * as m${i} from '${name}';\nexport const k${i}: number = Object.keys(m${i}).length;`);
  write('user.mts', uses.join('\n'));
  const options = {
    strict: true,
    target: 'es2022',
    module: 'nodenext',
    lib: ['es2023', 'esnext.disposable', 'dom'],
    types: ['node'],
    noEmit: true,
  };
  write('tsconfig.json', JSON.stringify({ compilerOptions: options, files: ['user.mts'] }));
  await run(process.execPath, [at('node_modules/typescript/bin/tsc'), '-p', '.'], join(folder, 'user'));
}

function write(name, text) {
  const path = join(folder, 'user', name);
  writeFileSync(path, text);
  return path;
}

async function run(program, args, cwd) {
  const { code, output } = await collect(program, args, { cwd, env: { NODE_PATH: '' } });
  if (code !== 0) fail(`${program === process.execPath ? 'node' : program} ${args.join(' ')} failed:\n${output}`);
  return output;
}

function fail(message) {
  rmSync(folder, { recursive: true, force: true });
  console.error(message);
  process.exit(1);
}
