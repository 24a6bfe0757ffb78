// Installs a nested package on demand, once per lock file.
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { at, collect } from '../../scripts/sources.mjs';

/** Runs a program: { code, output }; a program that does not exist has code -1. */
export const sh = async (program, args, options) => {
  const { code, signal, output } = await collect(program, args, { limit: 600, ...options });
  return { code: code ?? -1, output: signal ? `${output}\nended by ${signal}` : output };
};

/** `npm ci` in a folder of the checkout; null, or a text that says why it failed. */
export async function install(folder, options = []) {
  const lock = createHash('sha256')
    .update(readFileSync(at(`${folder}/package-lock.json`)))
    .digest('hex');
  const stamp = at(`${folder}/node_modules/.wick-lock`);
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === lock) return null;
  console.log(`Installing ${folder} (npm ci) ...`);
  const { code, output } = await sh('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund', ...options], { cwd: at(folder) });
  if (code !== 0) return `npm ci in ${folder} failed: ${output.trim().split('\n').slice(0, 3).join(' / ')}`;
  writeFileSync(stamp, lock);
  return null;
}

/** Where npm put a package's file, or null. */
export function installed(path) {
  const file = join(at('tests/runtime/node_modules'), path);
  return existsSync(file) ? file : null;
}
