// npm run test:webgpu [-- --everywhere] [parts of names]: the suite on WebGPU against Wasm, in Node through the npm package `webgpu` (Dawn);
// `--everywhere` runs one case of each row and the programs in Deno and Chromium too. Without a graphics driver it looks for the software one
// that Chromium brings; where a runtime or a driver is missing it is named, and in Node alone that fails.
import { availableParallelism } from 'node:os';
import { at } from '../../scripts/sources.mjs';
import { install, sh } from '../runtime/install.mjs';
import { environment, inChromium, inDeno, lavapipe, swiftshader } from './hosts.mjs';

const words = process.argv.slice(2).filter((word) => !word.startsWith('--'));
const everywhere = process.argv.includes('--everywhere');
const total = { passed: 0, failed: 0, skipped: 0 };

const why = await install('tests/webgpu');
if (why) {
  console.error(why);
  process.exit(1);
}
const parts = words.length > 0 ? 1 : Math.min(2, availableParallelism());
const jobs = Array.from({ length: parts }, (_, i) => ({
  name: 'Node',
  run: async () => {
    const args = ['--expose-gc', at('build/tests/webgpu/run.js'), `--part=${i}/${parts}`, ...words];
    return { output: (await sh(process.execPath, args, { env: environment(swiftshader()), limit: 900 })).output };
  },
}));
if (everywhere)
  jobs.push(
    { name: 'Deno', run: () => inDeno(swiftshader(), words) },
    { name: 'Deno, lavapipe', run: () => inDeno(lavapipe(), words) },
    { name: 'Chromium', run: () => inChromium(words) },
  );
const queue = [...jobs];
const worker = async () => {
  for (let job = queue.shift(); job !== undefined; job = queue.shift()) {
    const began = performance.now();
    Object.assign(job, await job.run(), { seconds: (performance.now() - began) / 1000 });
  }
};
await Promise.all([worker(), worker()]);
for (const name of new Set(jobs.map((job) => job.name))) {
  const own = jobs.filter((job) => job.name === name);
  if (own[0].missing) skip(`${name}: not run, ${own[0].missing}`);
  else report(name, own);
}
console.log(`${total.passed} passed, ${total.failed} failed${total.skipped ? `, ${total.skipped} skipped` : ''}`);
process.exit(total.failed ? 1 : 0);

function skip(line) {
  total.skipped++;
  console.log(`skipped: ${line}`);
}

/** Prints what the processes of one host found, and adds it up. */
function report(name, own) {
  const outputs = own.map(({ output }) => output);
  const sum = { passed: 0, failed: 0, covered: 0, rows: 0 };
  for (const output of outputs) {
    const line = /^@(.*)$/m.exec(output)?.[1];
    if (line === undefined) {
      console.log(`FAIL ${name}: ${output.trim().slice(-2000)}`);
      sum.failed++;
      continue;
    }
    const found = JSON.parse(line);
    for (const key of Object.keys(sum)) sum[key] += found[key];
    for (const text of found.lines) console.log(`${name}: ${text}`);
    for (const text of found.skipped) skip(`${name}: ${text}`);
  }
  total.passed += sum.passed;
  total.failed += sum.failed;
  const adapter = /^@.*"adapter":"([^"]*)"/m.exec(outputs[0])?.[1] ?? outputs[0].split('\n')[0];
  const seconds = Math.max(...own.map((job) => job.seconds)).toFixed(0);
  console.log(
    `${name} (${adapter}): gpu covers ${sum.covered} of ${sum.rows} ops; ${sum.passed} passed, ${sum.failed} failed in ${seconds} s`,
  );
}
