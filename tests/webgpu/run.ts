// The suite in Node through the npm package `webgpu` (Dawn). Arguments: `--part=i/n`, and parts of names to run alone.
import { startDawn } from './dawn.ts';
import { PLANS } from './plans.ts';
import { PROGRAMS } from './programs.ts';
import { suite } from './suite.ts';
import { TRAINING } from './training.ts';
import { UPDATES } from './updates.ts';

const part = process.argv.find((word) => word.startsWith('--part='))?.slice(7) ?? '0/1';
const words = process.argv.slice(2).filter((word) => !word.startsWith('--'));
console.log(await startDawn());
const [i, n] = part.split('/').map(Number);
const outcome = await suite({ ...PLANS, ...TRAINING, ...PROGRAMS, ...UPDATES }, { words, part: [i, n] });
console.log(`@${JSON.stringify(outcome)}`);
process.exit(outcome.failed ? 1 : 0);
