// node tests/webgpu/start.mjs PROGRAM [words]: a compiled program in Node with WebGPU: the npm package `webgpu` installed, and a driver found.
import { spawnSync } from 'node:child_process';
import { at } from '../../scripts/sources.mjs';
import { install } from '../runtime/install.mjs';
import { environment, swiftshader } from './hosts.mjs';

const why = await install('tests/webgpu');
if (why) {
  console.error(why);
  process.exit(1);
}
const [program, ...words] = process.argv.slice(2);
const { status, signal } = spawnSync(process.execPath, ['--expose-gc', at(program), ...words], {
  env: environment(swiftshader()),
  stdio: 'inherit',
});
if (signal) console.error(`ended by ${signal}`);
process.exit(status ?? 1);
