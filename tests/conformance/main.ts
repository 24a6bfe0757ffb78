// npm run conformance [-- part of a name ...]: judges every case of the conformance data and prints how each op and part fares.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { conformanceFolder, repositoryRoot } from './folder.ts';
import { verdicts } from './suites.ts';
import { type Expected, summarise } from './summary.ts';

const words = process.argv.slice(2).filter((a) => !a.startsWith('-'));
const verbose = process.argv.includes('--verbose') || words.length > 0;
const folder = conformanceFolder('torch');
if (folder === null) {
  console.log('skipped: conformance - ../shared/conformance is not here');
} else {
  const expected = JSON.parse(readFileSync(join(repositoryRoot(), 'tests/conformance/expected-failures.json'), 'utf8')) as Expected;
  const { lines, good } = summarise(verdicts(join(folder, '..'), words), expected, verbose);
  console.log(lines.join('\n'));
  process.exitCode = good ? 0 : 1;
}
