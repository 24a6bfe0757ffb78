// npm run conformance:models [-- part of a name ...]: real models against their golden outputs, step by step, as plans and call by call;
// the forms that exporters write; accuracy on labelled sets.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import '../../ts/onnx/index.ts';
import '../../ts/tflite/index.ts';
import type { DType } from '../../ts/base/dtype.ts';
import type { Model } from '../../ts/formats/model.ts';
import { load, noGrad, type Tensor, tensor } from '../../ts/index.ts';
import { conformanceFolder } from './folder.ts';
import { formulaOf } from './models/feeds.ts';
import { type Decode, goldenOf, stored, type Wanted, wrong } from './models/golden.ts';

const words = process.argv.slice(2).filter((a) => !a.startsWith('-'));
const folder = conformanceFolder('models');
let passed = 0;
let failed = 0;
const without: string[] = [];

const json = <T>(...path: string[]): T => JSON.parse(readFileSync(join(...path), 'utf8')) as T;
const wanted = (name: string): boolean => words.length === 0 || words.some((w) => name.includes(w));

async function judged(name: string, run: () => Promise<string | null>): Promise<void> {
  if (!wanted(name)) return;
  let problem: string | null;
  try {
    problem = await run();
  } catch (error) {
    problem = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  }
  if (problem === null) passed++;
  else {
    failed++;
    console.log(`FAIL ${name}: ${problem}`);
  }
}

interface Step {
  readonly inputs: Readonly<Record<string, { readonly key: string; readonly decode?: Decode }>>;
  readonly outputs: Readonly<Record<string, Wanted>>;
}
interface Case {
  readonly name: string;
  readonly steps: readonly Step[];
  readonly carry?: Readonly<Record<string, string>>;
}
const dtypeFor = (model: Model, name: string): string | undefined => model.inputs.find((p) => p.name === name)?.dtype;

async function models(folder: string): Promise<void> {
  const index = json<{ models: { id: string; format: string }[] }>(folder, 'index.json');
  for (const { id, format } of index.models) {
    if (format !== 'onnx' && format !== 'tflite') {
      if (wanted(id)) without.push(`${id}: ${format} holds weights, no graph`);
      continue;
    }
    const golden = json<{ file: string; cases: readonly Case[] }>(folder, id, 'golden.json');
    const tensors = goldenOf(readFileSync(join(folder, id, 'golden.safetensors')));
    for (const one of golden.cases)
      for (const compile of [false, true])
        await judged(`${id} ${one.name} (${compile ? 'plan' : 'eager'})`, async () => {
          const model = await load(join(folder, id, golden.file), { compile });
          let state: Record<string, Tensor> = {};
          for (const [i, step] of one.steps.entries()) {
            const inputs: Record<string, Tensor> = { ...state };
            for (const [name, { key, decode }] of Object.entries(step.inputs))
              inputs[name] = stored(tensors, key, decode, dtypeFor(model, name));
            const results = model.run(inputs);
            for (const [name, want] of Object.entries(step.outputs)) {
              const problem = wrong(results[name], want, tensors);
              if (problem !== null) return `step ${i}, output '${name}' ${problem}`;
            }
            state = Object.fromEntries(Object.entries(one.carry ?? {}).map(([from, to]) => [to, results[from]]));
          }
          model.dispose();
          return null;
        });
  }
}

async function exports(folder: string): Promise<void> {
  if (!existsSync(folder)) {
    without.push('models/exports is not here');
    return;
  }
  interface Export {
    readonly name: string;
    readonly file: string;
    readonly data: string;
    readonly cases: readonly { readonly inputs: Readonly<Record<string, string>>; readonly outputs: Readonly<Record<string, Wanted>> }[];
  }
  for (const { name, file, data, cases } of json<{ models: readonly Export[] }>(folder, 'index.json').models) {
    const tensors = goldenOf(readFileSync(join(folder, data)));
    for (const compile of [false, true])
      await judged(`exports/${name} (${compile ? 'plan' : 'eager'})`, async () => {
        const model = await load(join(folder, file), { compile });
        for (const [i, one] of cases.entries()) {
          const inputs = Object.fromEntries(
            Object.entries(one.inputs).map(([n, key]) => [n, stored(tensors, key, undefined, dtypeFor(model, n))]),
          );
          const results = model.run(inputs);
          for (const [n, want] of Object.entries(one.outputs)) {
            const problem = wrong(results[n], want, tensors);
            if (problem !== null) return `case ${i}, output '${n}' ${problem}`;
          }
        }
        model.dispose();
        return null;
      });
  }
}

interface Evaluation {
  readonly n: number;
  readonly data: string;
  readonly y?: string;
  readonly models: Readonly<
    Record<
      string,
      { readonly feed?: string; readonly accuracy?: number; readonly mean_squared_error_per_window_every_5th?: readonly number[] }
    >
  >;
}
async function evaluations(folder: string): Promise<void> {
  const at = join(folder, 'eval');
  if (!existsSync(at)) {
    without.push('models/eval is not here');
    return;
  }
  const sets = (await import('node:fs')).readdirSync(at).filter((f) => f.endsWith('.json'));
  for (const file of sets) {
    const set = json<Evaluation>(at, file);
    const data = goldenOf(readFileSync(join(at, set.data)));
    for (const [id, entry] of Object.entries(set.models))
      await judged(`eval/${file.slice(0, -5)} ${id}`, async () => {
        const golden = json<{ file: string }>(folder, id, 'golden.json');
        const model = await load(join(folder, id, golden.file));
        const errors = entry.mean_squared_error_per_window_every_5th;
        const problem = errors === undefined ? accuracy(model, data, set, entry) : anomalies(model, data, errors);
        model.dispose();
        return problem;
      });
  }
}

/** A row as the model's input: by the formula, rounded and limited where it is a whole number. */
function fed(model: Model, row: Tensor, formula: (x: number) => number): Tensor {
  const [{ dtype, shape }] = model.inputs;
  const whole = dtype === 'int8' || dtype === 'uint8';
  const [low, high] = dtype === 'int8' ? [-128, 127] : [0, 255];
  const values = Array.from(row.dataSync() as ArrayLike<number>, (x) => {
    const v = formula(Number(x));
    return whole ? Math.min(Math.max(Math.round(v), low), high) : v;
  });
  const sizes = (shape ?? row.shape).map((n, i) => (typeof n === 'number' && n > 0 ? n : i === 0 ? 1 : row.shape[i - 1]));
  return tensor(values, { dtype: dtype as DType, shape: sizes });
}
function accuracy(
  model: Model,
  data: ReturnType<typeof goldenOf>,
  set: Evaluation,
  { feed, accuracy }: { feed?: string; accuracy?: number },
): string | null {
  const x = stored(data, 'x');
  const y = stored(data, 'y').dataSync();
  const formula = formulaOf(feed ?? 'x');
  let right = 0;
  for (let i = 0; i < set.n; i++) {
    const out = noGrad(() => model.forward(fed(model, x.select(0, i).contiguous(), formula)));
    const scores = Array.from((Array.isArray(out) ? out[0] : out).dataSync() as ArrayLike<number>, Number);
    if (scores.indexOf(Math.max(...scores)) === Number(y[i])) right++;
  }
  const share = right / set.n;
  return Math.abs(share - (accuracy ?? 1)) <= 0.01 || share > (accuracy ?? 1) ? null : `accuracy ${share}, the reference has ${accuracy}`;
}
/** Mean squared errors of reconstructions, within one hundredth. */
function anomalies(model: Model, data: ReturnType<typeof goldenOf>, errors: readonly number[]): string | null {
  const x = stored(data, 'x');
  for (const [i, want] of errors.entries()) {
    const row = x.select(0, i).contiguous();
    const port = model.inputs[0] as Model['inputs'][0] & { readonly quantization?: readonly [number, number] };
    if (port.dtype !== 'float32' && port.quantization === undefined) return 'the input is quantised, but the port does not say how';
    const [scale, zero] = port.quantization ?? [1, 0];
    const out = noGrad(() => model.forward(fed(model, row, (v) => v / scale + zero))) as Tensor;
    const outPort = model.outputs[0] as typeof port;
    const [s, z] = outPort.quantization ?? [1, 0];
    const [a, b] = [row.dataSync(), out.dataSync()];
    let sum = 0;
    for (let k = 0; k < a.length; k++) {
      const d = Number(a[k]) - (Number(b[k]) - z) * s;
      sum += d * d;
    }
    const error = sum / a.length;
    if (!(Math.abs(error - want) <= 0.01 * want)) return `window ${i}: error ${error}, the reference has ${want}`;
  }
  return null;
}

if (folder === null) console.log('skipped: conformance:models - ../shared/conformance/models is not here');
else {
  await models(folder);
  await exports(join(folder, 'exports'));
  await evaluations(folder);
  for (const line of without) console.log(`not run: ${line}`);
  console.log(`${passed} passed, ${failed} failed`);
  process.exitCode = failed === 0 ? 0 : 1;
}
