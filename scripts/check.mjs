// The gate, `npm run ok`: every check in order, one line each, what failed in full, and the test count as the last line.
import { existsSync } from 'node:fs';
import { at, collect } from './sources.mjs';

const script = (name, ...args) => [process.execPath, `scripts/${name}.mjs`, ...args];

// A check passes when each of its commands does; `needs` is a file without which there is nothing to check yet.
const CHECKS = [
  { name: 'generated', needs: 'scripts/generate.mjs', commands: [script('generate', '--check')] },
  { name: 'tsc', commands: [script('build', 'ts')] },
  { name: 'asc', needs: 'assembly/index.ts', commands: [script('build', 'wasm', '--check')] },
  { name: 'layers', commands: [script('layers')] },
  { name: 'rules', commands: [script('rules')] },
  { name: 'jsr', commands: [script('jsr', '--check')] },
  {
    name: 'biome',
    commands: [
      [
        process.execPath,
        'node_modules/@biomejs/biome/bin/biome',
        'ci',
        '--colors=off',
        '--max-diagnostics=200',
        '--error-on-warnings',
        '.',
      ],
    ],
  },
  { name: 'tests', commands: [script('test')] },
  { name: 'exports', commands: [script('build', 'bundle'), script('exports')] },
];

const failed = [];
let count = '0 passed, 1 failed';
for (const { name, needs, commands } of CHECKS) {
  const start = performance.now();
  const line = (state, rest = '') =>
    console.log(`${state} ${name.padEnd(10)} ${((performance.now() - start) / 1000).toFixed(1).padStart(6)} s  ${rest}`);
  if (needs && !existsSync(at(needs))) {
    line('none', `${needs} does not exist`);
    continue;
  }
  const results = [];
  for (const [program, ...args] of commands) results.push(await collect(program, args, { limit: 1800 }));
  const output = results
    .map(({ output }) => output)
    .join('')
    .trimEnd();
  const last = output.split('\n').at(-1);
  if (name === 'tests' && /^\d+ passed, \d+ failed/.test(last)) count = last;
  if (results.every(({ code }) => code === 0)) {
    line('ok  ', last);
    for (const warning of output.match(/^(warning: .*|skipped:\n( .*\n?)+)/gm) ?? []) console.log(warning.replace(/^/gm, '       '));
  } else {
    failed.push(name);
    line('FAIL', last);
    console.log(output.replace(/^/gm, '       '));
  }
}

console.log(failed.length ? `\nnot ok: ${failed.join(', ')}` : '\nok');
console.log(count);
process.exitCode = failed.length ? 1 : 0;
