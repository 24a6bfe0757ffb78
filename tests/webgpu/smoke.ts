// One case of each row and the small programs, where `navigator.gpu` is: Deno and browsers.
import type { GpuInfo } from '../../ts/gpu/index.ts';
import * as wick from '../../ts/index.ts';
import { PLANS } from './plans.ts';
import { PROGRAMS } from './programs.ts';
import { suite } from './suite.ts';
import { UPDATES } from './updates.ts';

const { adapter } = (await wick.gpu()) as GpuInfo;
const words = (globalThis as { wickWords?: string[] }).wickWords;
const outcome = await suite({ ...PLANS, ...PROGRAMS, ...UPDATES }, { smoke: true, words });
console.log(
  `@${JSON.stringify({ ...outcome, adapter: `${adapter.description || adapter.architecture}; ${adapter.features.join(', ')}` })}`,
);
(globalThis as { Deno?: { exit(code: number): never } }).Deno?.exit(outcome.failed ? 1 : 0);
