import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

const root = fileURLToPath(new URL('../../..', import.meta.url));

/** Runs a script of the toolchain in an empty project that holds only the given files. */
function run(script: string, sources: Record<string, string>, ...args: string[]): { status: number | null; output: string } {
  const folder = mkdtempSync(join(tmpdir(), 'wick-gate-'));
  try {
    cpSync(join(root, 'scripts'), join(folder, 'scripts'), { recursive: true });
    symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'), 'junction');
    for (const [path, text] of Object.entries(sources)) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), text);
    }
    const { status, stdout, stderr } = spawnSync(process.execPath, [`scripts/${script}.mjs`, ...args], { cwd: folder, encoding: 'utf8' });
    return { status, output: stdout + stderr };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const layers = suite('layers');

layers('lower layers may be imported, private ones by the root, and a type may close a loop', () => {
  const { status, output } = run('layers', {
    'ts/base/a.ts': "import { b } from './b.ts';\nexport const a = (): unknown => b;\n",
    'ts/base/b.ts': "import type { a } from './a.ts';\nexport const b: typeof a | 1 = 1;\n",
    'ts/nn/linear.ts': "import { a } from '../base/a.ts';\nexport const c = a;\n",
    'ts/wasm/load.ts': 'export const load = 1;\n',
    'ts/index.ts': "export * from './nn/linear.ts';\nimport { load } from './wasm/load.ts';\nexport const d = load;\n",
  });
  assert.is(status, 0, output);
});

layers('upward and private imports, neighbours, strangers, cycles and a leaving assembly are named', () => {
  const { status, output } = run('layers', {
    'ts/base/up.ts': "import { x } from '../tensor/t.ts';\nexport const y = x;\n",
    'ts/base/a.ts': "import { b } from './b.ts';\nexport const a = (): unknown => b;\n",
    'ts/base/b.ts': "import { a } from './a.ts';\nexport const b = (): unknown => a;\n",
    'ts/tensor/t.ts': "import type { L } from '../wasm/load.ts';\nexport const x: L = 1;\n",
    'ts/wasm/load.ts': 'export type L = number;\n',
    'ts/nn/n.ts': "export const d = (): unknown => import('../data/d.ts');\n",
    'ts/data/d.ts': 'export const d = 1;\n',
    'ts/elsewhere/e.ts': 'export const e = 1;\n',
    'assembly/index.ts': "import { y } from '../ts/base/up';\n",
  });
  assert.is(status, 1);
  assert.match(output, 'ts/base/up.ts:1: ts/base (level 0) imports ts/tensor (level 4)');
  assert.match(output, 'ts/tensor/t.ts:1: names ts/wasm; only ts/index.ts, ts/export, ts/lite may');
  assert.match(output, 'ts/nn/n.ts:1: ts/nn imports ts/data, a neighbour on level 5');
  assert.match(output, 'ts/elsewhere/e.ts: has no room');
  assert.match(output, 'cycle of value imports: ts/base/a.ts -> ts/base/b.ts -> ts/base/a.ts');
  assert.match(output, "assembly/index.ts:1: imports '../ts/base/up'");
  assert.match(output, '6 layer problems');
});

const rules = suite('rules');

rules('every banned thing is refused where it stands', () => {
  const banned = {
    'ts/base/exp.ts': 'export const x = Math.exp(1);\n',
    'gpu/hypot.ts': 'export const x = Math.hypot(1);\n',
    'ts/base/taken.ts': 'const { sin } = Math;\n',
    'ts/base/power.ts': 'export const x = (y: number): number => y ** 2;\n',
    'tests/enum.ts': 'enum E { A }\n',
    'ts/data/random.ts': 'export const x = Math.random();\n',
    'ts/nn/log.ts': "console.log('x');\n",
    'ts/base/utils.ts': 'export const x = 1;\n',
    'ts/base/machine.ts': `export const x = '/${'home'}/someone/x';\n`,
    'assembly/wide.ts': `// ${'x'.repeat(140)}\n`,
  };
  const { status, output } = run('rules', banned);
  assert.is(status, 1);
  for (const path of Object.keys(banned)) assert.match(output, new RegExp(`^${path}:`, 'm'));
  assert.match(output, `${Object.keys(banned).length} rules broken`);
});

rules('references, comments, strings and generated files are free', () => {
  const { status, output } = run('rules', {
    'ts/ops/unary.ts':
      '/** x ** 2 */\nexport const exp = { reference: (x: number): number => Math.exp(x) ** 2, doc: "Math.exp(x) ** y" };\n',
    'ts/ops/reference.ts': 'export const x = Math.pow(2, 3);\n',
    'ts/ops/binary.ts': 'export const x = Math.pow(2, 3); // reference\n',
    'ts/ops/gen/x.ts': 'export const x = Math.exp(1);\n',
  });
  assert.is(status, 0, output);
});

const tests = suite('test runner');
const uvu = "import { test } from 'uvu';\n";

tests('failures, crashes, empty and unfinished suites count, skips are named', () => {
  const { status, output } = run('test', {
    'tests/a.test.ts': '',
    'build/tests/a.test.js': `${uvu}test('p', () => {});\ntest('f', () => { throw new Error('planted'); });\ntest.run();\n`,
    'tests/b.test.ts': '',
    'build/tests/b.test.js': `${uvu}test('p', () => {});\ntest.skip('s', () => {});\nconsole.log('skipped: s - no luck');\ntest.run();\nprocess.on('exit', () => process.exit(3));\n`,
    'tests/c.test.ts': '',
    'build/tests/c.test.js': 'export {};\n',
    'tests/d.test.ts': '',
    'build/tests/d.test.js': `${uvu}test('hangs', () => new Promise(() => {}));\ntest.run();\n`,
    'tests/e.test.ts': '',
    'package.json': '{ "type": "module" }',
  });
  assert.is(status, 1);
  assert.match(output, 'planted');
  assert.match(output, 'tests/b.test.ts: s - no luck');
  assert.match(output, /^2 passed, 5 failed, 1 skipped$/m);
});

layers.run();
rules.run();
tests.run();
