// Where the sources are: the checkout's root, a file walk, a content hash, and running a program.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('..', import.meta.url)).replace(/[\\/]$/, '');

export const at = (path) => join(root, path);

/** Every file under the given folders (or the given files) whose name matches, as sorted slash-separated paths from the root. */
export function files(paths, matches = /./) {
  const found = [];
  for (const path of paths) {
    if (!existsSync(at(path))) continue;
    const entries = readdirSafe(path);
    if (entries === null) found.push(path);
    else found.push(...entries.map((name) => `${path}/${name}`));
  }
  return found.filter((path) => matches.test(path)).sort();
}

function readdirSafe(path) {
  try {
    return within(at(path), '');
  } catch (error) {
    if (error.code === 'ENOTDIR') return null;
    throw error;
  }
}

/** Files below a folder, without what npm installed. */
function within(folder, prefix) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (entry.isFile()) return [prefix + entry.name];
    return entry.isDirectory() && entry.name !== 'node_modules' ? within(join(folder, entry.name), `${prefix}${entry.name}/`) : [];
  });
}

export const isGenerated = (path) => path.split('/').includes('gen');

export const read = (path) => readFileSync(at(path), 'utf8');

/** SHA-256 over the names and contents of files, as hex. */
export function hashOf(paths) {
  const hash = createHash('sha256');
  for (const path of paths)
    hash
      .update(path)
      .update('\0')
      .update(readFileSync(at(path)))
      .update('\0');
  return hash.digest('hex');
}

/** Runs `node args` from the root with the terminal attached; exits with its status when it fails. */
export function node(...args) {
  return new Promise((resolve) => {
    spawn(process.execPath, args, { cwd: root, stdio: 'inherit' }).on('close', (status) => {
      if (status !== 0) process.exit(status ?? 1);
      resolve();
    });
  });
}

/** Runs a program from the root, collects what it prints, and kills it after `limit` seconds. */
export function collect(program, args, { limit = 600, env = {}, cwd = root } = {}) {
  return new Promise((resolve) => {
    const child = spawn(program, args, { cwd, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
    const chunks = [];
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      child.kill('SIGKILL');
    }, limit * 1000);
    child.stdout.on('data', (chunk) => chunks.push(chunk));
    child.stderr.on('data', (chunk) => chunks.push(chunk));
    child.on('error', (error) => chunks.push(Buffer.from(`${error.message}\n`)));
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      const output = Buffer.concat(chunks).toString();
      resolve({ code, signal, late, output: late ? `${output}\nkilled: it had not ended after ${limit} s\n` : output });
    });
  });
}
