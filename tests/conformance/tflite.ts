// npm run conformance:tflite [-- part of a name ...]: runs the TensorFlow Lite operator tests, eagerly and as plans.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as wick from '../../ts/index.ts';
import { implemented, TFLiteModel } from '../../ts/tflite/index.ts';
import { conformanceFolder } from './folder.ts';
import { compare, type Expectation, golden, goldenTensor } from './golden.ts';

interface Port {
  readonly dtype: string;
}
interface Case {
  readonly inputs: readonly string[];
  readonly outputs: readonly Expectation[];
}
interface Test {
  readonly name: string;
  readonly ops: Readonly<Record<string, number>>;
  readonly inputs: readonly Port[];
  readonly cases: readonly Case[];
  readonly files: Readonly<Record<string, readonly [offset: number, length: number]>>;
}

const words = process.argv.slice(2).filter((a) => !a.startsWith('-'));
const folder = conformanceFolder('tflite-ops');
if (folder === null)
  console.log('skipped: conformance:tflite - ../shared/conformance/tflite-ops is not here (WICK_CONFORMANCE names another folder)');
else process.exitCode = run(folder) ? 0 : 1;

function run(folder: string): boolean {
  const { tests } = JSON.parse(readFileSync(join(folder, 'index.json'), 'utf8')) as { tests: Test[] };
  const data = readFileSync(join(folder, 'data.bin'));
  const known = new Set(implemented());
  const missing = new Map<string, number>();
  const failures: string[] = [];
  const unequal: string[] = [];
  let [passed, integers, equal] = [0, 0, 0];
  for (const test of tests) {
    if (words.length > 0 && !words.some((w) => test.name.includes(w))) continue;
    const absent = Object.keys(test.ops).filter((op) => !known.has(op));
    for (const op of absent) missing.set(op, (missing.get(op) ?? 0) + 1);
    const file = (name: string): Uint8Array => {
      const [offset, length] = test.files[name];
      return data.subarray(offset, offset + length);
    };
    const outcome = absent.length > 0 ? { problem: `not implemented: ${absent.join(', ')}`, results: [] } : runTest(test, file);
    integers += outcome.results.length;
    equal += outcome.results.filter(Boolean).length;
    if (outcome.results.includes(false)) unequal.push(test.name);
    if (outcome.problem === null) passed++;
    else failures.push(`${test.name}: ${outcome.problem}`);
  }
  for (const failure of failures) console.log(`FAIL ${failure}`);
  if (unequal.length > 0) console.log(`integer results not bit-equal in: ${unequal.join(', ')}`);
  for (const [op, n] of missing) console.log(`operator not implemented: ${op} (${n} tests)`);
  const share = integers === 0 ? 100 : (100 * equal) / integers;
  console.log(`${equal} of ${integers} integer results bit-equal to the reference kernels (${share.toFixed(1)} %; 95 % are asked for)`);
  console.log(`${passed} passed, ${failures.length} failed`);
  return failures.length === 0 && share >= 95;
}

/** Every case call by call, then as plans: the second calls of each must agree with the first to the bit. */
function runTest({ inputs, cases }: Test, file: (name: string) => Uint8Array): { problem: string | null; results: boolean[] } {
  const results: boolean[] = [];
  let problem: string | null = null;
  try {
    const all = golden(file('golden.safetensors'));
    const eager = new TFLiteModel(file('model.tflite'), { compile: false });
    const planned = new TFLiteModel(file('model.tflite'));
    cases.forEach(({ inputs: keys, outputs }, n) => {
      wick.scope(() => {
        const list = keys.map((key, i) => goldenTensor(all, key, inputs[i].dtype));
        const got = [eager.forward(...list)].flat();
        outputs.forEach((e, i) => {
          const { problem: p, equal } = compare(got[i], e, all);
          if (p !== null) problem ??= `case ${n}, output ${i} ${p}`;
          if (equal !== null) results.push(equal);
        });
        for (const how of ['first', 'captured', 'planned'] as const) {
          const again = [planned.forward(...list)].flat();
          again.forEach((y, i) => {
            if (Buffer.compare(Buffer.from(wick.bytesOf(y)), Buffer.from(wick.bytesOf(got[i]))) !== 0)
              problem ??= `case ${n}, output ${i}: the ${how} run of a compiled model differs from the eager one`;
          });
        }
      });
    });
    eager.dispose();
    planned.dispose();
  } catch (error) {
    problem ??= error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    if (process.argv.includes('--stack')) console.log((error as Error).stack, ((error as Error).cause as Error)?.stack);
  }
  return { problem, results };
}
