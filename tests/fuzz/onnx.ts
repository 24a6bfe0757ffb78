// npm run fuzz:onnx [-- --seconds 120 --seed 1]: damaged ONNX models. Each must load and run or be a typed error, within 2 s of processor time, without memory
// that neither the file nor the results account for.

import type { DType } from '../../ts/base/dtype.ts';
import { memory, reclaim, setMemoryLimit, type Tensor, WickError, zeros } from '../../ts/index.ts';
import { exportONNX, readOnnx } from '../../ts/onnx/index.ts';
import { conformanceFolder } from '../conformance/folder.ts';
import { OnnxTests } from '../conformance/onnx/cases.ts';
import { written } from '../onnx/modules.ts';
import { cost, diceSeed, type FuzzOptions, fuzzOptions, LONGEST } from './harness.ts';
import { damaged } from './onnx-mutations.ts';
import { Dice } from './random.ts';

/** Valid models: what wick itself writes, and, where they are, the backend tests. */
export function seeds(): Uint8Array[] {
  const own = written().map(({ module, examples }) => exportONNX(module, examples));
  const folder = conformanceFolder('onnx-node');
  if (folder === null) return own;
  const data = new OnnxTests(folder);
  return [...own, ...data.tests.filter((t) => !t.name.startsWith('light')).map((t) => new Uint8Array(data.model(t)))];
}

/** Runs one damaged model; what is wrong with how wick took it, or null. */
export function judge(bytes: Uint8Array): string | null {
  let wrong: string | null = null;
  const time = cost(() => {
    wrong = mistake(bytes);
  });
  return wrong ?? (time > LONGEST ? `it took ${Math.round(time)} ms` : null);
}
function mistake(bytes: Uint8Array): string | null {
  try {
    const model = readOnnx(bytes);
    try {
      const inputs: Record<string, Tensor> = {};
      for (const { name, dtype, shape } of model.inputs) {
        const sizes = (shape ?? []).map((n) => (typeof n === 'number' ? n : 2));
        if (sizes.reduce((a, b) => a * b, 1) <= 1 << 20 && !['string', 'sequence', 'optional', 'map'].includes(dtype))
          inputs[name] = zeros(sizes, { dtype: dtype as DType });
      }
      for (let run = 0; run < 2; run++) for (const y of Object.values(model.run(inputs))) y.dispose();
    } finally {
      model.dispose();
    }
  } catch (error) {
    if (!(error instanceof WickError)) return `an error without a type: ${error instanceof Error ? error.stack : error}`;
  }
  return null;
}

/** Fuzzes for some seconds; the failures, each with the seed that makes it again. */
export function fuzz({ seconds, seed, from, files }: FuzzOptions): { runs: number; failures: string[] } {
  const models = seeds();
  const failures: string[] = [];
  const end = performance.now() + 1000 * seconds;
  setMemoryLimit(1 << 30);
  let runs = 0;
  for (; performance.now() < end && runs < files; runs++) {
    const number = from + runs;
    const dice = new Dice(diceSeed(seed, number));
    const { bytes, what } = damaged(dice, dice.pick(models));
    const wrong = judge(bytes);
    if (wrong !== null) failures.push(`seed ${seed}, number ${number} (${what}): ${wrong}`);
    if (runs % 500 === 499) reclaim();
  }
  reclaim();
  return { runs, failures };
}

if (process.argv[1]?.endsWith('onnx.js') && process.argv[1].includes('fuzz')) {
  const before = memory().live;
  const { runs, failures } = fuzz(fuzzOptions());
  for (const line of failures) console.log(`FAIL ${line}`);
  console.log(`${runs} damaged models, ${failures.length} failures, ${memory().live - before} bytes more than before`);
  process.exitCode = failures.length === 0 ? 0 : 1;
}
