// `npm run perf:memory:everywhere [-- count [start of a host's name ...]]`: the loops in every runtime, as a table of the memory that each reserved.
import { everywhere, markdown } from '../everywhere.mjs';

const NAMES = ['Node 20', 'Node 24', 'Node 26', 'Deno', 'Bun', 'Chromium, isolated', 'Firefox, isolated', 'WebKitGTK, isolated'];
const [count = '1000000', ...wanted] = process.argv.slice(2);
const names = NAMES.filter((name) => wanted.length === 0 || wanted.some((part) => name.toLowerCase().startsWith(part.toLowerCase())));
const rows = [];
for await (const { name, value, missing } of everywhere(names, 'build/perf/memory/loops.js', `main(${Number(count)})`, 1800)) {
  if (missing) console.log(`${name}: ${missing}`);
  else {
    rows.push([name, ...value.map(({ reserved, error }) => (error ? error.split(':')[0] : `${reserved.toFixed(0)} MB`))]);
    console.log(rows.at(-1).join('  '), value.map(({ each }) => `${each.toFixed(1)} us`).join(' '));
  }
}
console.log(markdown(['runtime', 'in scopes', 'dropped, yielding', 'dropped, never yielding'], rows));
