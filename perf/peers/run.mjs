// wick beside its peers in one run: each in a process of its own, timed in turn, round after round, so a slow spell of the machine
// meets all of them; the best batch counts, and first outputs must agree.
//   npm run bench:peers [-- --peers wick,tfjs-wasm,torch --cases 'mm_|train' --rounds 6 --ms 50 --threads 1 --json out.json --markdown]
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, lstatSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { cases, missing, networks } from './cases.mjs';

const PEERS = {
  wick: './wick.mjs',
  'wick-plan': './wick.mjs?plan',
  'tfjs-wasm': './tfjs.mjs',
  'ort-web': './ort.mjs?web',
  'ort-node': './ort.mjs?node',
  'jax-js': './jax.mjs',
  torch: null,
};
const TOLERANCE = 2e-3;
const here = fileURLToPath(new URL('.', import.meta.url));
const { values: options } = parseArgs({
  options: {
    peers: { type: 'string', default: Object.keys(PEERS).join(',') },
    cases: { type: 'string', default: '.' },
    rounds: { type: 'string', default: '6' },
    ms: { type: 'string', default: '50' },
    threads: { type: 'string', default: '1' },
    json: { type: 'string' },
    markdown: { type: 'boolean', default: false },
  },
});

/** Installs the peers' packages into perf/node_modules when they are missing. */
function install() {
  const home = fileURLToPath(new URL('..', import.meta.url));
  const modules = `${home}node_modules`;
  if (existsSync(`${modules}/@tensorflow/tfjs`) || (existsSync(modules) && lstatSync(modules).isSymbolicLink())) return;
  console.error('Installing the peers into perf/node_modules ...');
  const npm = spawnSync('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--no-package-lock'], {
    cwd: home,
    stdio: 'inherit',
    shell: true,
  });
  if (npm.status !== 0) console.error('npm install failed: only the peers that are present take part.');
}

class Peer {
  constructor(name) {
    this.name = name;
    this.waiting = [];
    this.errors = '';
    const { threads } = options;
    const env = { ...process.env, OMP_NUM_THREADS: threads, OPENBLAS_NUM_THREADS: threads };
    const [command, args] =
      PEERS[name] === null
        ? [process.env.PYTHON ?? 'python3', [`${here}torch_peer.py`, threads]]
        : [process.execPath, ['--no-warnings', `${here}child.mjs`, PEERS[name], threads]];
    this.process = spawn(command, args, { cwd: here, env });
    this.process.on('error', (error) => this.end(error.message));
    this.process.on('exit', (code) => this.end(`ended with ${code}: ${this.errors.trim().split('\n').at(-1)}`));
    this.process.stdin.on('error', () => {});
    this.process.stderr.on('data', (text) => {
      this.errors = (this.errors + text).slice(-2000);
    });
    createInterface({ input: this.process.stdout }).on('line', (line) => {
      if (line.startsWith('\u0001')) this.waiting.shift()?.(JSON.parse(line.slice(1)));
    });
    this.started = new Promise((resolve) => this.waiting.push(resolve));
    if (PEERS[name] === null) this.process.stdin.write(`${JSON.stringify({ cases, networks })}\n`);
  }
  end(reason) {
    this.dead = reason;
    for (const resolve of this.waiting.splice(0)) resolve({ error: reason });
  }
  ask(request) {
    if (this.dead) return Promise.resolve({ error: this.dead });
    return new Promise((resolve) => {
      this.waiting.push(resolve);
      this.process.stdin.write(`${JSON.stringify(request)}\n`);
    });
  }
}

const near = (a, b, absolute) =>
  a.every((v, i) => b[i] === undefined || Math.abs(v - b[i]) <= (absolute ?? TOLERANCE * (1 + Math.abs(b[i]))));
const duration = (ms) => (ms < 1 ? `${(ms * 1000).toPrecision(3)} us` : `${ms.toPrecision(3)} ms`);
function rate(c, ms) {
  if (c.flop) return ` (${(c.flop / ms / 1e6).toFixed(1)} GF/s)`;
  return c.elems ? ` (${(c.elems / ms / 1e6).toFixed(2)} G/s)` : '';
}

install();
const live = [];
for (const name of options.peers.split(',')) {
  if (!(name in PEERS)) throw new Error(`bench:peers: no peer '${name}'; there are ${Object.keys(PEERS).join(', ')}`);
  const peer = new Peer(name);
  const { error, info } = await peer.started;
  console.error(error ? `${name} does not take part: ${error}` : `${name}: ${JSON.stringify(info)}`);
  if (!error) live.push(peer);
}
if (options.markdown)
  console.log(`| case | ${live.map((p) => p.name).join(' | ')} | wick against the best other |\n|${' --- |'.repeat(live.length + 2)}`);

for (const path of missing) console.error(`left out: there is no ${path}`);
const results = {};
let wrong = 0;
for (const name of Object.keys(cases).filter((n) => new RegExp(options.cases).test(n))) {
  const ready = [];
  const notes = [];
  let reference = null;
  for (const peer of live) {
    const answer = await peer.ask({ prepare: name });
    if (answer.error) notes.push(`${peer.name}: ${answer.error.split('\n')[0]}`);
    if (!answer.ready) continue;
    ready.push(peer);
    if (!answer.out) continue;
    if (answer.memory) notes.push(`${peer.name}: ${answer.memory}`);
    reference ??= { name: peer.name, out: answer.out };
    if (near(answer.out, reference.out, cases[name].absolute)) continue;
    wrong++;
    notes.push(`${peer.name} differs from ${reference.name}: ${answer.out.slice(0, 3)} and ${reference.out.slice(0, 3)}`);
  }
  const best = {};
  for (let i = 0; i < Number(options.rounds); i++) {
    for (const peer of ready) {
      const answer = await peer.ask({ ms: Number(options.ms) });
      if (answer.best !== undefined && !(best[peer.name] < answer.best)) best[peer.name] = answer.best;
    }
  }
  results[name] = best;
  const others = Object.entries(best).filter(([peer]) => peer !== 'wick');
  const rival = Math.min(...others.map(([, ms]) => ms));
  const ratio = best.wick !== undefined && others.length > 0 ? `${(rival / best.wick).toFixed(2)}x` : '';
  const cells = live.map((p) => (best[p.name] === undefined ? '' : duration(best[p.name]) + rate(cases[name], best[p.name])));
  console.log(
    options.markdown
      ? `| ${name} | ${cells.join(' | ')} | ${ratio} |`
      : `${name.padEnd(22)} ${live
          .map((p, i) => cells[i] && `${p.name} ${cells[i]}`)
          .filter(Boolean)
          .join(' | ')}   ${ratio}`,
  );
  for (const note of notes) console.error(`  ${name}: ${note}`);
}
for (const peer of live) peer.process.kill();
if (options.json) {
  const { threads } = options;
  writeFileSync(
    options.json,
    `${JSON.stringify({ date: new Date().toISOString(), node: process.version, threads, milliseconds: results }, null, 1)}\n`,
  );
}
if (wrong > 0) process.exitCode = 1;
