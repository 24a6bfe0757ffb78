// Where wick is tested: programs that run a file, and browsers in several states of isolation.
import { arm64 } from './arm64.mjs';
import { BROWSERS, ISOLATED } from './browsers.mjs';
import { install, installed } from './install.mjs';
import { workerd } from './workerd.mjs';

/** The Node modules that Deno and Bun have and that tests may use there; browsers have none. */
const COMMON = ['binaryen', 'node:crypto', 'node:util'];
const NODE = [...COMMON, 'node:fs', 'node:os', 'node:path', 'node:url', 'node:v8', 'node:vm', 'node:zlib'];

/**
 * All hosts, in order; one that this machine lacks has `missing`, which says why. What they run:
 * `threads` lists runs of the identity program, `shared` tells whether threads are expected; `badDays` and `suites` are asked for by flags.
 */
export async function hosts(wanted = () => true) {
  const none = await install('tests/runtime');
  const program = (name, command, rest = {}) => ({
    name,
    command: command.every((part) => part !== null) ? command : null,
    missing: command.every((part) => part !== null) ? null : (none ?? 'npm has no build for this machine'),
    threads: [1, 2, 4],
    shared: true,
    badDays: true,
    modules: COMMON,
    limit: 120,
    ...rest,
  });
  const deno = installed('@deno/linux-x64-glibc/deno');
  const bun = installed('@oven/bun-linux-x64/bin/bun');
  const list = [
    program(`Node ${process.versions.node.split('.')[0]}`, [process.execPath]),
    program('Node 24', [installed('node24/bin/node')]),
    program('Node 26', [installed('node26/bin/node')], { suites: true, modules: NODE }),
    // No permission flag: what needs one says so.
    program('Deno', [deno, 'run'], { suites: true, example: 'example.mjs', allow: { workers: ['--allow-read'] } }),
    program('Bun', [bun], { suites: true }),
  ];

  const browser = (name, which, rest) => ({
    name,
    browser: which,
    missing: typeof BROWSERS[which] === 'string' ? BROWSERS[which] : null,
    threads: [1, 2, 4],
    shared: true,
    modules: [],
    limit: 120,
    where: 'page',
    headers: ISOLATED,
    ...rest,
  });
  const alone = { threads: [4], shared: false };
  list.push(
    browser('Chromium, isolated', 'chromium', { suites: true, badDays: true, example: 'example.html' }),
    browser('Chromium, isolated by document', 'chromium', {
      headers: { 'document-isolation-policy': 'isolate-and-credentialless' },
      threads: [2],
    }),
    browser('Chromium, plain http', 'chromium', { ...alone, ownWorkers: true, example: 'example.html', headers: {}, address: 'wick.test' }),
    browser('Chromium, workers forbidden', 'chromium', {
      ...alone,
      headers: { ...ISOLATED, 'content-security-policy': "worker-src 'none'" },
    }),
    browser('Chromium, module worker', 'chromium', { where: 'worker', threads: [2] }),
    browser('Chromium, service worker', 'chromium', { ...alone, where: 'service' }),
    browser('Firefox, isolated', 'firefox', { threads: [1, 4] }),
    browser('Firefox, plain', 'firefox', { ...alone, headers: {} }),
    browser('WebKitGTK, isolated', 'webkit', { threads: [1, 4] }),
  );

  const edge = (name, flavour, wasm) => ({
    name,
    missing: workerd() === null ? (none ?? 'npm has no build for this machine') : null,
    flavour,
    carries: ['run.mjs', 'identity.mjs', 'smoke.bundle.mjs', 'edge.bundle.mjs', wasm],
    where: 'edge',
    ...alone,
    modules: [],
    limit: 120,
  });
  list.push(edge('workerd', 'edge', 'core.wasm'), edge('workerd, as edge-light', 'edge-light', 'core.wasm?module'));

  const names = ['arm64 Node 20', 'arm64 Node 24', 'arm64 Deno', 'arm64 Bun'].filter(wanted);
  const foreign = names.length ? await arm64() : {};
  for (const name of names) {
    const missing = typeof foreign === 'string' ? foreign : null;
    list.push({ ...program(name, missing ? [null] : foreign[name], { threads: [2], badDays: false, limit: 600 }), missing });
  }
  return list.filter(({ name }) => wanted(name));
}
