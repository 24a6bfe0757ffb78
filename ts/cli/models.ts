// Models as the commands see them: any format, and the plan of each.
import { readFileSync, writeFileSync } from 'node:fs';
import { FormatError, ValueError } from '../base/errors.ts';
import { load as loadPlan } from '../formats/plan.ts';
import * as wick from '../index.ts';
// Their imports register the formats.
import '../onnx/index.ts';
import '../tflite/index.ts';

/** A file's bytes. @throws DeviceError that names it */
export function bytesAt(path: string): Uint8Array {
  try {
    return readFileSync(path);
  } catch (cause) {
    throw new wick.DeviceError(`cannot read ${path}: ${(cause as Error).message}`, { cause });
  }
}
/** Writes a file. @throws DeviceError that names it */
export function writeTo(path: string, bytes: Uint8Array | string): void {
  try {
    writeFileSync(path, bytes);
  } catch (cause) {
    throw new wick.DeviceError(`cannot write ${path}: ${(cause as Error).message}`, { cause });
  }
}

export const isWasm = (path: string): boolean => path.toLowerCase().endsWith('.wasm');

/** A model of any format. @throws FormatError, DeviceError */
export function open(path: string, options?: wick.LoadOptions): Promise<wick.Model> {
  if (isWasm(path))
    return Promise.reject(
      new FormatError(`${path} is a stand-alone module: any WebAssembly runtime runs it; wick reads what it came from`),
    );
  return wick.load(path, options);
}

/** A model's plan, and what its memory is freed with. */
export interface Planned {
  readonly model: wick.Model;
  readonly plan: wick.Plan;
  readonly inputs: Readonly<Record<string, wick.Tensor>>;
  dispose(): void;
}
/** The plan of a model for inputs of the kind that `make` gives. @throws ValueError where it has none */
export async function planned(path: string, make: (model: wick.Model) => Record<string, wick.Tensor>): Promise<Planned> {
  const model = await open(path, { compile: false });
  const inputs = make(model);
  if (model.format === 'wick') {
    const { plan, dispose } = loadPlan(bytesAt(path));
    return { model, plan, inputs, dispose };
  }
  // What follows from constants and shapes alone is kept in a first run: a TensorFlow Lite model reads it then.
  if (model.format === 'tflite') wick.scope(() => void model.run(inputs));
  const compiled = wick.compile((given: Readonly<Record<string, wick.Tensor>>) => wick.noGrad(() => model.run(given)));
  for (let i = 0; i < 2 && compiled.plans.length === 0; i++) compiled(inputs);
  const [plan] = compiled.plans;
  if (plan === undefined) throw new ValueError(`${path}: ${wick.explain(compiled)[0]?.runs ?? 'it has no plan'}`);
  return { model, plan, inputs, dispose: () => compiled.dispose() };
}
