// `npm run test:runtimes`: packs wick, installs the tarball in an empty folder, and runs there, on every runtime that this machine has,
// the identity program, the smoke tests, the bad days and (on some) the whole suite.
//   node tests/runtime/main.mjs [--all] [--quick] [start of a host's name ... or apps]
// --all: a host that is missing is a failure (CI); --quick: without the suites and the bundlers' apps, unless apps are asked for.
import { readFileSync } from 'node:fs';
import { at } from '../../scripts/sources.mjs';
import { makeApp, makeJob, makeSuites } from './app.mjs';
import { inBrowser } from './browsers.mjs';
import { bundlers } from './bundlers.mjs';
import { hosts } from './hosts.mjs';
import { sh } from './install.mjs';
import { inWorkerd, makeEdgeApp } from './workerd.mjs';

const flags = process.argv.slice(2).filter((word) => word.startsWith('--'));
const parts = process.argv.slice(2).filter((word) => !word.startsWith('--'));
const all = flags.includes('--all');
const quick = flags.includes('--quick');
const expected = JSON.parse(readFileSync(at('tests/identity/expected.json'), 'utf8'));
const total = { passed: 0, failed: 0, skipped: 0 };
const skips = [];
/** Suites that test the checkout or Node itself, and the hosts where they do not run; `npm test` runs them. */
const elsewhere = new Map();
const table = [];

const app = await makeApp();
try {
  const chosen = await hosts((name) => parts.length === 0 || parts.some((part) => name.toLowerCase().startsWith(part.toLowerCase())));
  const suites = !quick && chosen.some(({ suites, missing }) => suites && !missing) ? await makeSuites(app.root) : [];
  for (const host of chosen) await test(host, suites);
  if (parts.length === 0 ? !quick : parts.includes('apps'))
    for (const { name, failed, missing } of await bundlers(app)) {
      if (missing) skip(name, missing, all);
      else tell(name, failed ? [] : [name], failed ?? []);
    }
} finally {
  app.remove();
}
console.log(`\n${table.join('\n')}`);
if (elsewhere.size) console.log('\nneed the checkout or Node itself, so not in:');
for (const [path, names] of elsewhere) console.log(`  ${path} - ${names.join(', ')}`);
if (skips.length) console.log(`\nskipped:\n${skips.map((line) => `  ${line}`).join('\n')}`);
console.log(`\n${total.passed} passed, ${total.failed} failed${total.skipped ? `, ${total.skipped} skipped` : ''}`);
process.exitCode = total.failed ? 1 : 0;

async function test(host, suites) {
  if (host.missing) {
    skip(host.name, host.missing, all);
    return;
  }
  const start = performance.now();
  const root = host.flavour ? await makeEdgeApp(app.root, host.flavour) : app.root;
  const todo = jobs(host, root);
  for (const suite of host.suites ? suites : []) {
    const lacks = suite.needs.filter((name) => !host.modules.includes(name));
    if (lacks.length) elsewhere.set(suite.path, [...(elsewhere.get(suite.path) ?? []), host.name]);
    else todo.push({ title: suite.path, file: suite.file, where: 'page', limit: 300, judge: judgeSuite });
  }
  const outputs = host.flavour
    ? await inWorkerd(root, todo, host.carries)
    : host.browser
      ? await inBrowser(host.browser, app.root, todo, { headers: host.headers, name: host.address })
      : await inProcesses(host, todo);
  const hashes = new Set();
  let count = 0;
  todo.forEach(({ title, judge, threads }, i) => {
    const { passed, failed, skipped = [], hash } = judge(outputs[i], host, threads);
    if (hash) hashes.add(hash);
    count += passed.length;
    tell(`${host.name}: ${title}`, passed, failed);
    for (const line of skipped) skip(`${host.name}: ${title}`, line);
  });
  const seconds = ((performance.now() - start) / 1000).toFixed(0);
  table.push(
    `${host.name.padEnd(34)} ${[...hashes].join(' ') || 'no hash'}  threads ${host.threads.join(', ')}  ${count} passed  ${seconds} s`,
  );
  console.log(table.at(-1));
}

/** The programs that a host runs. */
function jobs({ flavour, where = 'page', threads, badDays, ownWorkers = badDays, limit, example, allow = {} }, root) {
  const list = threads.map((n) => ({
    title: `identity with ${n} threads`,
    ...makeJob(root, `identity-${n}`, { imports: "import { main } from './identity.mjs';", value: `main(${n})`, where }),
    limit,
    judge: judgeIdentity,
    threads: n,
  }));
  const program = (title, file) => ({
    title,
    ...makeJob(root, title, {
      imports: `import { tests } from './${file}.mjs';\nimport { run } from './run.mjs';`,
      value: 'run(tests)',
      where,
    }),
    limit,
    judge: judgeTests,
  });
  list.push(program('smoke', where === 'page' ? 'smoke' : 'smoke.bundle'));
  if (flavour) list.push(program('edge', 'edge.bundle'));
  if (badDays) {
    list.push({ ...program('bad-days', 'bad-days'), options: allow.workers });
    list.push(program('full-memory', 'full-memory'), { ...program('suspended', 'suspended'), suspend: true });
  }
  if (ownWorkers) list.push({ ...program('own-workers', 'own-workers'), options: allow.workers });
  const own = { title: 'the example', file: example, limit, judge: judgeExample };
  if (example) list.push(example.endsWith('.html') ? { ...own, where: 'frame', until: 'sin(1)' } : { ...own, where });
  return list;
}

/** Two at a time, in the order given. */
async function inProcesses(host, todo) {
  const outputs = [];
  const queue = [...todo.keys()];
  const [program, ...args] = host.command;
  const worker = async () => {
    for (let i = queue.shift(); i !== undefined; i = queue.shift()) {
      const { file, limit, options = [], suspend } = todo[i];
      const words = [program, ...args, ...options, file];
      const { code, output } = await sh(...(suspend ? suspended(words) : [program, words.slice(1)]), {
        cwd: app.root,
        limit,
        env: { NO_COLOR: '1', FORCE_COLOR: '' },
      });
      outputs[i] = code === 0 || /Passed:/.test(output) ? output : `${output}\nnot caught: exit code ${code}`;
    }
  };
  await Promise.all([worker(), worker()]);
  return outputs;
}

/** The command that stops a program now and then for a second, until it ends. */
function suspended(words) {
  const script = '"$@" & p=$!; (while sleep 1 && kill -STOP $p; do sleep 1; kill -CONT $p; done) 2> /dev/null & wait $p';
  return ['sh', ['-c', script, 'sh', ...words]];
}

function answer(output) {
  const line = /^@(.*)$/m.exec(output)?.[1];
  return line && !/^not caught: /m.test(output) ? JSON.parse(line) : null;
}

function judgeIdentity(output, { shared }, threads) {
  const result = answer(output);
  if (result === null) return { passed: [], failed: [output] };
  const names = new Set([...Object.keys(expected), ...Object.keys(result.hashes)]);
  const failed = [...names].filter((name) => result.hashes[name] !== expected[name]).map((name) => `${name} has other bits`);
  if (result.threads !== (shared ? threads : 1)) failed.push(`${result.threads} threads took part: ${result.reason}`);
  if (!shared && result.reason === '') failed.push('info() does not say why there is one thread');
  return failed.length ? { passed: [], failed, hash: 'OTHER BITS' } : { passed: ['identity'], failed, hash: fingerprint(result.hashes) };
}

/** A short name of all hashes, for the table: they were compared one by one. */
function fingerprint(hashes) {
  let code = 0;
  for (const c of Object.values(hashes).join('')) code = (Math.imul(code, 31) + c.charCodeAt(0)) >>> 0;
  return code.toString(16).padStart(8, '0');
}

function judgeTests(output) {
  return answer(output) ?? { passed: [], failed: [output] };
}

/** What README.md prints, from a page or a script. */
function judgeExample(output) {
  return /sin\(1\) is about 0\.842/.test(output) ? { passed: ['example'], failed: [] } : { passed: [], failed: [output] };
}

function judgeSuite(output) {
  const count = (word) => [...output.matchAll(new RegExp(`^ *${word}: +(\\d+)`, 'gm'))].reduce((sum, match) => sum + Number(match[1]), 0);
  const passed = new Array(count('Passed')).fill('');
  const wrong = count('Total') - passed.length || passed.length === 0 || /^not caught: /m.test(output);
  return { passed, failed: wrong ? [output] : [] };
}

function tell(title, passed, failed) {
  total.passed += passed.length;
  total.failed += failed.length;
  for (const text of failed) console.log(`FAIL ${title}\n${text.slice(0, 3000).replace(/^/gm, '     ')}`);
}

function skip(name, why, isFailure = false) {
  if (isFailure) tell(name, [], [`missing: ${why}`]);
  else {
    total.skipped++;
    skips.push(`${name} - ${why}`);
  }
}
