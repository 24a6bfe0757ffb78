// `npm run test:standalone`: exports plans and runs them wherever this machine can; every output must have the bits of wick.
//   node tests/standalone/main.mjs [--emulated] [name of a case ...]     --emulated: also arm64 under qemu, which takes minutes
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cases } from '../../build/tests/standalone/cases.js';
import { exportWasm } from '../../build/ts/export/index.js';
import { at } from '../../scripts/sources.mjs';
import { sh } from '../runtime/install.mjs';
import { tools } from './tools.mjs';

const words = process.argv.slice(2);
const names = words.filter((word) => !word.startsWith('--'));
/** Compiling C takes seconds a module: these are enough to see a rounding, unless cases are named. */
const COMPILED = ['digits', 'mobile', 'transformer', 'recurrent', 'mixed'];
const total = { passed: 0, failed: 0, skipped: 0 };
const skips = [];
mkdirSync(at('out/standalone'), { recursive: true });
const folder = mkdtempSync(join(tmpdir(), 'wick-standalone-'));
try {
  const all = [];
  for (const one of cases(names.length ? names : undefined)) {
    const path = (end) => join(folder, `${one.name}${end}`);
    writeFileSync(path('.wasm'), await exportWasm(one.file));
    writeFileSync(path('.wasi.wasm'), await exportWasm(one.file, { wasi: true }));
    // Three runs, one after the other: what a run leaves in the module is there in the next.
    const row = Buffer.concat(one.inputs);
    writeFileSync(path('.in'), Buffer.concat([row, row, row]));
    all.push({ name: one.name, path, expected: Buffer.concat(one.outputs.flat()) });
  }
  for (const tool of await tools({ emulated: words.includes('--emulated') })) await test(tool, all);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
if (skips.length) console.log(`\nskipped:\n${skips.map((line) => `  ${line}`).join('\n')}`);
console.log(`\n${total.passed} passed, ${total.failed} failed${total.skipped ? `, ${total.skipped} skipped` : ''}`);
process.exitCode = total.failed ? 1 : 0;

async function test(tool, all) {
  if (tool.missing) {
    skips.push(`${tool.name} - ${tool.missing}`);
    total.skipped++;
    return;
  }
  const start = performance.now();
  const wrong = [];
  const chosen = tool.native && names.length === 0 ? all.filter(({ name }) => COMPILED.includes(name)) : all;
  for (const one of chosen) {
    const why = await outcome(tool, one);
    total[why ? 'failed' : 'passed']++;
    if (why) wrong.push(`${one.name}: ${why}`);
  }
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  console.log(
    `${wrong.length ? 'FAIL' : 'ok  '} ${tool.name.padEnd(28)} ${chosen.length - wrong.length} of ${chosen.length}  (${seconds} s)`,
  );
  for (const line of wrong) console.log(`     ${line}`);
}

/** null, or what is wrong. */
async function outcome(tool, { path, expected, name }) {
  rmSync(path('.out'), { force: true });
  const piped = (command) => ['sh', ['-c', '"$@" < "$IN" > "$OUT"', 'sh', ...command]];
  const env = { IN: path('.in'), OUT: path('.out'), NO_COLOR: '1' };
  let command;
  if (tool.api) command = [tool.api[0], [...tool.api.slice(1), at('tests/standalone/api.mjs'), path('.wasm'), env.IN, env.OUT]];
  else if (tool.wasi) command = piped([...tool.wasi, path('.wasi.wasm')]);
  else {
    const { wasm2c, cc, flags, run, runtime, simde } = tool.native;
    const home = join(folder, `native-${name}`);
    mkdirSync(home, { recursive: true });
    const made = await sh(wasm2c[0], [...wasm2c.slice(1), path('.wasm'), '-n', 'model', '-o', join(home, 'model.c')]);
    if (made.code !== 0) return `wasm2c: ${made.output}`;
    const sources = [join(home, 'model.c'), at('examples/standalone/host.c'), `${runtime}/wasm-rt-impl.c`, `${runtime}/wasm-rt-mem-impl.c`];
    const built = await sh(cc, [...flags, ...sources, `-I${home}`, `-I${runtime}`, `-I${simde}`, '-lm', '-o', join(home, 'model')]);
    if (built.code !== 0) return `${cc}: ${built.output.slice(0, 2000)}`;
    command = piped([...run, join(home, 'model')]);
  }
  const { code, output } = await sh(...command, { env });
  if (code !== 0) return `exit code ${code}: ${output.slice(0, 2000)}`;
  const given = readFileSync(env.OUT);
  return expected.equals(given) ? null : `${given.length} bytes that are not the ${expected.length} of wick`;
}
