// Where the WebGPU suite runs, and the drivers that machines without a GPU have.
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { BROWSERS, ISOLATED, inBrowser } from '../runtime/browsers.mjs';
import { bundle } from '../runtime/bundle.mjs';
import { install, installed, sh } from '../runtime/install.mjs';

const CHROMIUM = ['/usr/lib/chromium', '/usr/lib64/chromium', '/usr/lib/chromium-browser', '/opt/google/chrome'];
const MESA = ['/usr/share/vulkan/icd.d/lvp_icd.x86_64.json', '/usr/share/vulkan/icd.d/lvp_icd.json'];
/** Flags without which Chromium has no adapter on a machine without a GPU. */
const FLAGS = ['--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader'];

/** Chromium's software driver, which has no f16; null: the machine has a GPU, a driver of its choice, or no Chromium. */
export function swiftshader() {
  if (process.env.VK_DRIVER_FILES || process.env.VK_ICD_FILENAMES || existsSync('/dev/nvidia0') || existsSync('/dev/dri/renderD128'))
    return null;
  return CHROMIUM.map((folder) => join(folder, 'vk_swiftshader_icd.json')).find(existsSync) ?? null;
}
/** Mesa's software driver, which has f16; Dawn refuses its older versions. */
export const lavapipe = () => MESA.find(existsSync) ?? null;

/** The environment of a process that is to use a driver. */
export function environment(icd) {
  if (icd === null) return process.env;
  return {
    ...process.env,
    VK_DRIVER_FILES: icd,
    VK_ICD_FILENAMES: icd,
    XDG_RUNTIME_DIR: process.env.XDG_RUNTIME_DIR ?? tmpdir(),
    // Chromium's Vulkan loader lies beside its driver.
    LD_LIBRARY_PATH: [dirname(icd), process.env.LD_LIBRARY_PATH].filter(Boolean).join(':'),
  };
}

/** The smoke program as one module in a folder of its own. */
async function withSmoke(words, run) {
  const folder = mkdtempSync(join(tmpdir(), 'wick-webgpu-'));
  try {
    await bundle('build/tests/webgpu/smoke.js', join(folder, 'smoke.mjs'), { sources: true });
    writeFileSync(join(folder, 'main.mjs'), `globalThis.wickWords = ${JSON.stringify(words)};\nawait import('./smoke.mjs');\n`);
    return await run(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** One installation serves all jobs: npm does not bear two at once in a folder. */
let runtimes = null;

/** Runs it in Deno, whose WebGPU is built in: { output } or { missing }. */
export async function inDeno(icd, words) {
  runtimes ??= install('tests/runtime');
  const missing = await runtimes;
  const deno = installed('@deno/linux-x64-glibc/deno');
  if (missing || deno === null) return { missing: missing ?? 'npm has no Deno for this machine' };
  if (icd === null) return { missing: 'no such software driver (apt-get install mesa-vulkan-drivers)' };
  return withSmoke(words, async (folder) => ({
    output: (await sh(deno, ['run', '-A', join(folder, 'main.mjs')], { env: { ...environment(icd), NO_COLOR: '1' }, limit: 300 })).output,
  }));
}

/** Runs it in Chromium: { output } or { missing }. */
export async function inChromium(words) {
  if (typeof BROWSERS.chromium === 'string') return { missing: BROWSERS.chromium };
  return withSmoke(words, async (folder) => {
    const [output] = await inBrowser('chromium', folder, [{ file: 'main.mjs', where: 'page', limit: 300 }], {
      headers: ISOLATED,
      flags: FLAGS,
    });
    return { output };
  });
}
