// Every row of the op table on WebGPU, forward and derivative, against Wasm; then whole programs. Arguments: parts of names to run alone.
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import type { GpuInfo } from '../../ts/gpu/index.ts';
import * as wick from '../../ts/index.ts';
import { TABLE } from '../../ts/ops/networks.ts';
import type { KernelOp } from '../../ts/ops/op.ts';
import { kernelCases, mapCases } from './cases.ts';
import { PROGRAMS } from './programs.ts';

const wanted = process.argv.slice(2);
const runs = (name: string): boolean => wanted.length === 0 || wanted.some((w) => name.includes(w));

let passed = 0;
const failures: string[] = [];
async function check(name: string, run: () => Promise<void>): Promise<void> {
  try {
    await run();
    passed++;
  } catch (error) {
    failures.push(`${name}: ${(error as Error).message.split('\n')[0]}`);
    console.log(`FAIL ${failures.at(-1)}`);
  }
}

const root = createRequire(new URL('../../../tests/webgpu/package.json', import.meta.url));
const { create, globals } = await import(pathToFileURL(root.resolve('webgpu')).href);
Object.assign(globalThis, globals);
let info: GpuInfo;
try {
  info = (await wick.gpu({ gpu: create([]) })) as GpuInfo;
} catch (error) {
  console.log(`This machine lacks an adapter: ${(error as Error).message}`);
  process.exit(1);
}
console.log(`${info.adapter.description || info.adapter.architecture}; ${info.adapter.features.join(', ')}`);

const rows = Object.values(TABLE).filter((op) => op.kind !== 'view' && runs(op.name));
const covered = new Set<string>();
const reasons = new Map<string, string>();
for (const op of rows) {
  const cases = op.kind === 'map' ? mapCases(op) : kernelCases(op as KernelOp);
  const before = failures.length;
  for (const { name, run, counts } of cases) {
    await check(name, run);
    const why = (wick.info().gpu as GpuInfo).onWasm[op.name];
    if (counts && why) reasons.set(op.name, why);
  }
  if (failures.length > before) reasons.set(op.name, 'differs');
  if (!reasons.has(op.name)) covered.add(op.name);
}
const { counts } = wick.info().gpu as GpuInfo;
for (const [name, run] of Object.entries(PROGRAMS)) if (runs(name)) await check(name, run);

for (const [name, reason] of [...reasons].sort()) console.log(`not covered: ${name} (${reason})`);
console.log(
  `rows: ${counts.dispatches} dispatches, ${counts.pipelines} pipelines, ${counts.submits} submits, ${counts.read} bytes read, ${counts.written} written`,
);
console.log(`gpu covers ${covered.size} of ${rows.length} ops`);
console.log(`${passed} passed, ${failures.length} failed`);
process.exit(failures.length ? 1 : 0);
