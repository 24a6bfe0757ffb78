import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const readme = readFileSync(join(root, 'README.md'), 'utf8');

function block(language: string): string {
  const found = new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``).exec(readme);
  if (found === null) throw new Error(`README.md has no ${language} block`);
  return found[1]!;
}

test('the example runs as printed and prints what it says', () => {
  // The package's own names stand for what tsc built; scripts/exports.mjs imports them from the packed tarball.
  const code = block('js').replace(
    /'wick(\/\w+)?'/g,
    (_, sub: string | undefined) => `'${pathToFileURL(join(root, 'build/ts', sub ?? '', 'index.js')).href}'`,
  );
  const folder = mkdtempSync(join(tmpdir(), 'wick-readme-'));
  try {
    writeFileSync(join(folder, 'example.mjs'), code);
    const { status, stdout, stderr } = spawnSync(process.execPath, ['example.mjs'], { cwd: folder, encoding: 'utf8', timeout: 60_000 });
    assert.is(status, 0, stderr);
    assert.is(stdout, block('text'));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test('the picture of the layers is the one that scripts/layers.mjs draws', () => {
  const { stdout } = spawnSync(process.execPath, ['scripts/layers.mjs', '--mermaid'], { cwd: root, encoding: 'utf8' });
  assert.is(block('mermaid'), stdout);
});

test.run();
