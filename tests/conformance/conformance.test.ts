import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { conformanceFolder, repositoryRoot } from './folder.ts';
import type { Verdict } from './report.ts';
import { verdicts } from './suites.ts';
import { type Expected, summarise } from './summary.ts';

const expected = JSON.parse(readFileSync(join(repositoryRoot(), 'tests/conformance/expected-failures.json'), 'utf8')) as Expected;
const folder = conformanceFolder('torch');
if (folder === null) {
  console.log('skipped: every implemented case agrees with the reference - ../shared/conformance is not here');
  test.skip('every implemented case agrees with the reference', () => {});
} else {
  test('every implemented case agrees with the reference', () => {
    const { lines, good } = summarise(verdicts(join(folder, '..')), expected, false);
    console.log(lines.slice(-8).join('\n'));
    assert.ok(good, lines.filter((line) => line.startsWith('FAIL')).join('\n'));
  });
}

test('a run is good only if exactly the expected cases fail', () => {
  const verdict = (id: string, result: Verdict['result']): Verdict => ({ suite: 'ops', name: id, id, result, message: 'why' });
  const good = (expectedToFail: string[], ...list: Verdict[]): boolean =>
    summarise(list, Object.fromEntries(expectedToFail.map((id) => [id, 'known'])), false).good;
  assert.ok(good([], verdict('a', 'pass'), verdict('b', 'not implemented')));
  assert.not(good([], verdict('a', 'fail')));
  assert.ok(good(['a'], verdict('a', 'fail')));
  assert.not(good(['a'], verdict('a', 'pass')));
});

test('what is not implemented is counted apart', () => {
  const { lines } = summarise(
    [
      { suite: 'ops', name: 'a', id: 'a/0', result: 'not implemented', message: 'why' },
      { suite: 'ops', name: 'b', id: 'b/0', result: 'pass', message: '' },
    ],
    {},
    false,
  );
  assert.ok(lines.includes('implemented 1 of 2 ops (1 of them in every case)'));
  assert.is(lines.at(-1), '1 passed, 0 failed');
});

test.run();
