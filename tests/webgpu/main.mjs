// npm run test:webgpu: the op samples on WebGPU against Wasm, in Node through the npm package `webgpu` (Dawn). Without a graphics driver it
// looks for the software one that Chromium brings; with neither it says what the machine lacks, and fails.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { at } from '../../scripts/sources.mjs';
import { install } from '../runtime/install.mjs';

const why = await install('tests/webgpu');
if (why) {
  console.error(why);
  process.exit(1);
}
const CHROMIUM = ['/usr/lib/chromium', '/usr/lib64/chromium', '/usr/lib/chromium-browser', '/opt/google/chrome'];
const env = { ...process.env };
if (!env.VK_DRIVER_FILES && !env.VK_ICD_FILENAMES && !existsSync('/dev/nvidia0') && !existsSync('/dev/dri/renderD128')) {
  const icd = CHROMIUM.map((folder) => join(folder, 'vk_swiftshader_icd.json')).find(existsSync);
  if (icd) {
    Object.assign(env, { VK_DRIVER_FILES: icd, VK_ICD_FILENAMES: icd });
    // The Vulkan loader lies beside it.
    env.LD_LIBRARY_PATH = [dirname(icd), env.LD_LIBRARY_PATH].filter(Boolean).join(':');
  }
}
const { status, signal } = spawnSync(process.execPath, ['--expose-gc', at('build/tests/webgpu/run.js'), ...process.argv.slice(2)], {
  env,
  stdio: 'inherit',
});
if (signal) console.error(`ended by ${signal}`);
process.exit(status ?? 1);
