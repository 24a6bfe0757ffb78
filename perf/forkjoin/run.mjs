// `npm run perf:forkjoin`: the round trip of an empty parallel region on two threads, by runtime, beside the least that was seen there with
// two bare threads that spin, or of which one sleeps (2 cores of an AMD EPYC, Zen 4, on a day when the machine was not idle).
import { readFileSync } from 'node:fs';
import binaryen from 'binaryen';
import { at } from '../../scripts/sources.mjs';
import { everywhere, markdown } from '../everywhere.mjs';

/** Microseconds with bare threads: awake, asleep. */
const BARE = {
  'Node 20': [0.13, 1.3],
  'Node 24': [0.14, 4.6],
  'Node 26': [0.14, 15],
  Deno: [0.15, 0.6],
  Bun: [0.48, 11],
  'Chromium, isolated': [0.12, 1.2],
  'Firefox, isolated': [0.49, 12],
  'WebKitGTK, isolated': [0.12, 8],
};

const kernel = Buffer.from(binaryen.parseText(readFileSync(at('perf/forkjoin/kernel.wat'), 'utf8')).emitBinary()).toString('base64');
const wanted = process.argv.slice(2);
const names = Object.keys(BARE).filter(
  (name) => wanted.length === 0 || wanted.some((part) => name.toLowerCase().startsWith(part.toLowerCase())),
);
const rows = [];
for await (const { name, value, missing } of everywhere(names, 'build/perf/forkjoin/main.js', `main(${JSON.stringify(kernel)})`)) {
  if (missing) console.log(`${name}: ${missing}`);
  else {
    const pair = ([least, median]) => `${least.toFixed(2)} / ${median.toFixed(2)}`;
    rows.push([name, pair(value.awake), BARE[name][0], pair(value.asleep), BARE[name][1]]);
  }
}
console.log(markdown(['runtime', 'awake, us', 'bare', 'asleep, us', 'bare'], rows));
console.log('Least / median. Both threads must be on a core at once: on a busy machine a region takes a time slice, some milliseconds.');
