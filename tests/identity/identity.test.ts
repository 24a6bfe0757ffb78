import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { repositoryRoot } from '../conformance/folder.ts';
import { main } from './main.ts';
import { Sha256 } from './sha256.ts';

const path = join(repositoryRoot(), 'tests/identity/expected.json');

test('the hash is SHA-256', () => {
  for (const n of [0, 3, 55, 56, 63, 64, 1000]) {
    const bytes = Uint8Array.from({ length: n }, (_, i) => (7 * i) & 255);
    assert.is(new Sha256().update(bytes).hex(), createHash('sha256').update(bytes).digest('hex'));
  }
});

for (const threads of [1, 2, 4])
  test(`${threads} threads give the bits of expected.json`, async () => {
    const { hashes, threads: ready, reason } = await main(threads);
    // A deliberate change of bits: run with --write, say so in CHANGELOG.md, commit.
    if (process.argv.includes('--write') && threads === 1) writeFileSync(path, `${JSON.stringify(hashes, null, 2)}\n`);
    assert.is(ready, threads, reason);
    assert.equal(hashes, JSON.parse(readFileSync(path, 'utf8')));
  });

test.run();
