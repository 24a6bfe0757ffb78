// npm run conformance:onnx [-- part of a name ...]: every ONNX backend test, node by node and as a plan.
import '../../../ts/index.ts';
import { readOnnx } from '../../../ts/onnx/index.ts';
import { type Item, Value } from '../../../ts/onnx/value.ts';
import { scope } from '../../../ts/tensor/index.ts';
import { conformanceFolder } from '../folder.ts';
import { type OnnxTest, OnnxTests } from './cases.ts';
import { difference } from './compare.ts';

const words = process.argv.slice(2).filter((a) => !a.startsWith('-'));
const folder = conformanceFolder('onnx-node');
if (folder === null) console.log('skipped: conformance:onnx - ../shared/conformance/onnx-node is not here');
else run(new OnnxTests(folder));

type Mode = 'eager' | 'plan';
interface Count {
  passed: number;
  failed: number;
}

function run(data: OnnxTests): void {
  const counts = new Map<string, Count>();
  const missing = new Map<string, number>();
  const stayed = new Map<string, number>();
  let passed = 0;
  let failed = 0;
  for (const test of data.tests.filter(({ name }) => words.length === 0 || words.some((w) => name.includes(w)))) {
    for (const mode of ['eager', 'plan'] as const) {
      const wrong = verdict(data, test, mode, stayed);
      for (const tier of ['all', test.tier]) {
        const count = counts.get(`${tier} ${mode}`) ?? { passed: 0, failed: 0 };
        counts.set(`${tier} ${mode}`, count);
        count[wrong === null ? 'passed' : 'failed']++;
      }
      if (wrong === null) passed++;
      else {
        failed++;
        const operator = /the operator (\S+) is not implemented/.exec(wrong)?.[1];
        if (operator !== undefined && mode === 'eager') missing.set(operator, (missing.get(operator) ?? 0) + 1);
        console.log(`FAIL ${test.tier} ${test.name} (${mode}): ${wrong}`);
      }
    }
  }
  for (const [operator, n] of [...missing].sort()) console.log(`not implemented: ${operator} (${n} tests)`);
  const eager = [...stayed.values()].reduce((a, b) => a + b, 0);
  if (eager > 0) console.log(`${eager} of the tests run as plans stayed eager:`);
  for (const [why, n] of [...stayed].sort((a, b) => b[1] - a[1])) console.log(`  ${n}: ${why}`);
  for (const [key, { passed: p, failed: f }] of [...counts].sort()) {
    console.log(`${key}: ${p} passed, ${f} failed (${((100 * p) / (p + f)).toFixed(1)} %)`);
  }
  console.log(`${passed} passed, ${failed} failed`);
  process.exitCode = good(counts) ? 0 : 1;
}
/** What is promised: 98 of 100 core tests, 80 of all. */
function good(counts: ReadonlyMap<string, Count>): boolean {
  const share = (key: string): number => {
    const { passed, failed } = counts.get(key) ?? { passed: 1, failed: 0 };
    return passed / (passed + failed);
  };
  return (['eager', 'plan'] as const).every((mode) => share(`core ${mode}`) >= 0.98 && share(`all ${mode}`) >= 0.8);
}

function verdict(data: OnnxTests, test: OnnxTest, mode: Mode, stayed: Map<string, number>): string | null {
  try {
    return scope(() => {
      const model = readOnnx(data.model(test), { compile: mode === 'plan' });
      try {
        for (const { inputs, outputs } of data.sets(test)) {
          const results = mode === 'eager' ? model.runItems(inputs) : planned(model, inputs);
          for (const [i, { name }] of test.outputs.entries()) {
            const wrong = difference(results.get(name) as Item, outputs[i], test);
            if (wrong !== null) return `output '${name}': ${wrong}`;
          }
        }
        if (mode === 'plan' && model.runs !== 'plan') {
          const why = model.runs
            .replace(/.*\(([\w.:]+)\): /, '$1: ')
            .replace(/ \(inputs: .*/, '')
            .replace(/'[^']*'/g, '...');
          stayed.set(why, (stayed.get(why) ?? 0) + 1);
        }
        return null;
      } finally {
        model.dispose();
      }
    });
  } catch (error) {
    return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  }
}

/** The results of the second run: the first one captures. */
function planned(model: ReturnType<typeof readOnnx>, inputs: ReadonlyMap<string, Item>): ReadonlyMap<string, Item> {
  const tensors = [...inputs].flatMap(([name, x]) => (x instanceof Value && x.type !== 'string' ? [[name, x.tensor()] as const] : []));
  const special = [...model.inputs, ...model.outputs].some((p) => ['string', 'sequence', 'optional', 'map'].includes(p.dtype));
  if (special || tensors.length < inputs.size) return model.runItems(inputs);
  const feed = Object.fromEntries(tensors);
  model.run(feed);
  const results = model.run(feed);
  return new Map(model.program.graph.outputs.map(({ name, type }) => [name, Value.of(results[name], type)]));
}
