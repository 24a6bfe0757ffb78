import { spawnSync } from 'node:child_process';
import { appendFileSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const TREE = [
  'assembly',
  'ts',
  'gpu',
  'scripts',
  'package.json',
  'package-lock.json',
  'tsconfig.json',
  'asconfig.json',
  'rollup.config.js',
];

test('CONTRIBUTING.md, followed to the letter, adds an op', () => {
  const page = readFileSync(join(root, 'CONTRIBUTING.md'), 'utf8');
  const steps = [...page.matchAll(/(Append to|Create) `([^`]+)`:\n\n```ts\n([\s\S]*?)```/g)];
  const commands = /```sh\n([\s\S]*?)```/.exec(page)?.[1]?.trim().split('\n') ?? [];
  assert.is(steps.length, 3);
  assert.is(commands.length, 4);

  const folder = mkdtempSync(join(tmpdir(), 'wick-contributing-'));
  try {
    for (const path of TREE) if (existsSync(join(root, path))) cpSync(join(root, path), join(folder, path), { recursive: true });
    symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'), 'junction');
    for (const [, verb, path, text] of steps) {
      const target = join(folder, path!);
      mkdirSync(dirname(target), { recursive: true });
      if (verb === 'Create') writeFileSync(target, text!);
      else {
        assert.ok(existsSync(target), `${path} to append to`);
        appendFileSync(target, `\n${text}`);
      }
    }
    for (const command of commands) {
      const { status, stdout, stderr } = spawnSync(command, { cwd: folder, encoding: 'utf8', shell: true });
      assert.is(status, 0, `${command}\n${stdout}${stderr}`);
      if (command.startsWith('node')) assert.match(stdout, /Passed: +1/);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test.run();
