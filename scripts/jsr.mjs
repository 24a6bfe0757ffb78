// Keeps what JSR publishes equal to package.json: jsr.json, and in jsr/ a module for each subpath that starts the engine first, as the
// bundled entries do. `--check` fails when they differ; without it they are written.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { posix } from 'node:path';
import { entries } from './entries.mjs';
import { at, files, read } from './sources.mjs';

const manifest = JSON.parse(read('package.json'));
const written = new Map();
const exports = {};
for (const { name, source, alone } of entries()) {
  const subpath = `.${name.slice(manifest.name.length)}`;
  if (subpath === '.') exports[subpath] = './ts/index.ts';
  else {
    const path = `jsr/${subpath.slice(2)}.ts`;
    const up = posix.relative(posix.dirname(path), 'ts');
    written.set(path, `${alone ? '' : `import '${up}/index.ts';\n\n`}export * from '${up}/${source}.ts';\n`);
    exports[subpath] = `./${path}`;
  }
}

/** Packages whose code the npm tarball holds: from npm on JSR, in the same versions. */
const inside = files(['ts', 'gpu'], /\.ts$/)
  .flatMap((path) => [...read(path).matchAll(/^import .* from '([^.'][^']*)';$/gm)].map((match) => match[1]))
  .filter((name) => !name.startsWith('node:'));
const imports = Object.fromEntries([...new Set(inside)].sort().map((name) => [name, `npm:${name}@${manifest.devDependencies[name]}`]));
const { name, version, license } = manifest;
const publish = { include: ['ts', 'gpu', 'jsr', 'LICENSE', 'README.md', 'CHANGELOG.md', 'jsr.json'] };
const text = JSON.stringify({ name: `@${name}/${name}`, version, license, exports, imports, publish }, null, 2);
// Lists on one line, as the formatter has them.
written.set(
  'jsr.json',
  `${text.replace(/\[\n[^\]]*\]/g, (list) =>
    list
      .replace(/\s*\n\s*/g, ' ')
      .replace('[ ', '[')
      .replace(' ]', ']'),
  )}\n`,
);

const stale = [...written].filter(([path, text]) => !existsSync(at(path)) || readFileSync(at(path), 'utf8') !== text).map(([path]) => path);
const strange = files(['jsr'], /./).filter((path) => !written.has(path));
if (process.argv.includes('--check')) {
  for (const path of [...stale, ...strange]) console.log(`${path} does not agree with package.json: run \`node scripts/jsr.mjs\``);
  console.log(`${written.size} files for JSR`);
  process.exitCode = stale.length + strange.length ? 1 : 0;
} else {
  for (const path of stale) {
    mkdirSync(at(posix.dirname(path)), { recursive: true });
    writeFileSync(at(path), written.get(path));
  }
  for (const path of strange) console.log(`${path} stands for nothing: remove it`);
}
