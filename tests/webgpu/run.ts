// The suite in Node through the npm package `webgpu` (Dawn). Arguments: `--part=i/n`, and parts of names to run alone.
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import type { GpuInfo } from '../../ts/gpu/index.ts';
import * as wick from '../../ts/index.ts';
import { PLANS } from './plans.ts';
import { PROGRAMS } from './programs.ts';
import { suite } from './suite.ts';
import { TRAINING } from './training.ts';

const part = process.argv.find((word) => word.startsWith('--part='))?.slice(7) ?? '0/1';
const words = process.argv.slice(2).filter((word) => !word.startsWith('--'));

const root = createRequire(new URL('../../../tests/webgpu/package.json', import.meta.url));
const { create, globals } = await import(pathToFileURL(root.resolve('webgpu')).href);
Object.assign(globalThis, globals);
try {
  const { adapter } = (await wick.gpu({ gpu: create([]) })) as GpuInfo;
  console.log(`${adapter.description || adapter.architecture}; ${adapter.features.join(', ')}`);
} catch (error) {
  console.log(`This machine lacks an adapter: ${(error as Error).message}`);
  process.exit(1);
}
const [i, n] = part.split('/').map(Number);
const outcome = await suite({ ...PLANS, ...TRAINING, ...PROGRAMS }, { words, part: [i, n] });
console.log(`@${JSON.stringify(outcome)}`);
process.exit(outcome.failed ? 1 : 0);
