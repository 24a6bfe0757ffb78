// `npm run perf:memory [-- count]`: the loops in this runtime, each against its limit.
import { main, mean } from './loops.ts';

const count = Number(process.argv[2] ?? 1_000_000);
console.log(`${count} results, mean ${mean.toFixed(0)} kB`);
await main(count, ({ name, limit, reserved, live, each, error }) =>
  console.log(
    `${name.padEnd(38)} reserved ${reserved.toFixed(0).padStart(5)} MB (limit ${limit}), live ${live.toFixed(1)} MB, ${each.toFixed(2)} us each: ${error || (reserved < limit ? 'ok' : 'TOO MUCH')}`,
  ),
);
