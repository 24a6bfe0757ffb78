// Runs every suite: tests/**/*.test.ts as compiled to build/, each in a process of its own, two at a time.
//   node scripts/test.mjs [part of a path ...]
// A suite ends with uvu's Total / Passed / Skipped lines; one that crashes, hangs, leaves tests unfinished or has none is a failure.
// A suite that skips a case for a reason prints `skipped: <name> - <reason>`; the lines are gathered at the end.
import { existsSync } from 'node:fs';
import { at, collect, files, root } from './sources.mjs';

const AT_ONCE = 2;
const LIMIT = 600; // seconds

const wanted = process.argv.slice(2);
const suites = files(['tests'], /\.test\.ts$/).filter((path) => wanted.every((part) => path.includes(part)));
const sum = { passed: 0, failed: 0, skipped: 0 };
const skips = [];
const queue = [...suites];

if (suites.length === 0) {
  console.log(wanted.length ? `no suite matches '${wanted.join(' ')}'` : 'there is no suite under tests/');
  sum.failed = 1;
}
await Promise.all(Array.from({ length: AT_ONCE }, worker));

if (skips.length) console.log(`\nskipped:\n${skips.sort().join('\n')}`);
console.log(`\n${sum.passed} passed, ${sum.failed} failed${sum.skipped ? `, ${sum.skipped} skipped` : ''}`);
process.exitCode = sum.failed ? 1 : 0;

async function worker() {
  for (let suite = queue.shift(); suite !== undefined; suite = queue.shift()) {
    const start = performance.now();
    const script = `build/${suite.replace(/\.ts$/, '.js')}`;
    const result = existsSync(at(script))
      ? await collect(process.execPath, ['--enable-source-maps', script], { limit: LIMIT, env: { NO_COLOR: '1', FORCE_COLOR: '' } })
      : { code: 1, output: `${script} is missing: run \`npm run build\`\n` };
    report(suite, result, (performance.now() - start) / 1000);
  }
}

function report(suite, { code, signal, output }, seconds) {
  const count = (word) =>
    [...output.matchAll(new RegExp(`^ {2}${word}: +(\\d+)`, 'gm'))].reduce((total, match) => total + Number(match[1]), 0);
  const named = [...output.matchAll(/^\s*skipped: (.+)$/gm)].map((match) => `  ${suite}: ${match[1]}`);
  const [total, marked] = [count('Total'), count('Skipped')];
  // A test that finds out at run time that it cannot run says so in a line; uvu counted it as passed. uvu's Total leaves `test.skip` out.
  const late = Math.max(0, named.length - marked);
  const passed = Math.max(0, count('Passed') - late);
  let failed = total - count('Passed');
  let note = '';
  if (failed === 0 && code !== 0) note = signal ? `killed by ${signal}` : `exit code ${code}`;
  else if (total + marked === 0) note = 'ran no test';
  if (note) failed += 1;

  const skipped = marked + late;
  sum.passed += passed;
  sum.failed += failed;
  sum.skipped += skipped;
  skips.push(...named);
  if (marked > named.length) skips.push(`  ${suite}: ${marked - named.length} without a reason`);

  const numbers = [`${passed} passed`, failed && `${failed} failed`, skipped && `${skipped} skipped`, note].filter(Boolean).join(', ');
  console.log(`${failed ? 'FAIL' : 'ok  '} ${suite.slice('tests/'.length).padEnd(36)} ${numbers}  (${seconds.toFixed(1)} s)`);
  if (failed) console.log(output.replaceAll(root, '.').replace(/^/gm, '     '));
}
