// npm run perf:webgpu [-- --save]: what training steps send to the device. A software adapter's times mean nothing; counts do.
// `--save` makes them what `npm run test:webgpu` holds later ones to.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { repositoryRoot } from '../../tests/conformance/folder.ts';
import { startDawn } from '../../tests/webgpu/dawn.ts';
import { type StepCounts, stepCounts } from './steps.ts';

console.log(await startDawn());
const counts = await stepCounts();
const columns = ['dispatches', 'submits', 'pipelines', 'written', 'read', 'touched'] as const satisfies readonly (keyof StepCounts)[];
const heads = ['dispatches', 'submits', 'new shaders', 'bytes sent', 'bytes read', 'operand bytes'];
const width = Math.max(...Object.keys(counts).map((n) => n.length));
console.log(`${'a training step'.padEnd(width)}  ${heads.map((h) => h.padStart(13)).join(' ')}`);
for (const [name, row] of Object.entries(counts))
  console.log(`${name.padEnd(width)}  ${columns.map((c) => String(row[c]).padStart(13)).join(' ')}`);
if (process.argv.includes('--save'))
  writeFileSync(join(repositoryRoot(), 'tests/webgpu/counts.json'), `${JSON.stringify(counts, null, 2)}\n`);
process.exit();
