import { SIZE } from '../base/dtype.ts';
import { WickError } from '../base/errors.ts';
import { describe } from '../export/index.ts';
import type { Port } from '../formats/model.ts';
import type { Plan } from '../tensor/index.ts';
import { type Command, modelOf, type Words } from './command.ts';
import { INPUT_OPTIONS, inputsOf } from './inputs.ts';
import { bytesAt, isWasm, open, planned } from './models.ts';

export const shown = ({ name, dtype, shape }: Port): string =>
  `${name}: ${dtype}${shape === null ? ' of any shape' : `[${shape.map((n) => n ?? '?').join(', ')}]`}`;

export const info: Command = {
  name: 'info',
  takes: 'MODEL',
  summary: 'Tells what a model takes and gives, and what is in it.',
  options: [{ name: 'json', doc: 'as JSON, for programs' }, ...INPUT_OPTIONS.filter(({ name }) => name === 'dim')],
  help: `MODEL is a .wick file, another format that wick loads, or a .wasm module that \`wick export\` wrote.

  macs           multiply-adds of products, convolutions and attention in one run
  flops          two for each of those, one for each element of other operations
  bytesMoved     bytes that the steps of its plan read and write
  arena          bytes in which all results between steps lie

What depends on the inputs' sizes is told for a size of 1 where the model leaves it open; --dim tells another.

  wick info model.wick
  wick info model.wick --json | jq -r '.inputs[].name'`,
  async run(words, out) {
    const path = modelOf(words);
    const json = words.options.has('json');
    const told = isWasm(path) ? ofModule(path) : await ofModel(path, words);
    if (json) {
      out(JSON.stringify(told, null, 2));
      return;
    }
    const { inputs, outputs, ...rest } = told;
    for (const port of inputs) out(`input   ${shown(port)}`);
    for (const port of outputs) out(`output  ${shown(port)}`);
    for (const [key, value] of Object.entries(rest)) out(`${key.padEnd(13)} ${value}`);
  },
};

type Told = { readonly inputs: readonly Port[]; readonly outputs: readonly Port[] } & Readonly<Record<string, unknown>>;

function ofModule(path: string): Told {
  const bytes = bytesAt(path);
  const { inputs, outputs } = describe(bytes);
  return { format: 'wasm', bytes: bytes.length, inputs, outputs };
}
async function ofModel(path: string, words: Words): Promise<Told> {
  const model = await open(path, { compile: false });
  const { format, inputs, outputs, metadata } = model;
  const weights = [...model.namedParameters()].map(([, x]) => x.numel);
  const known = { format, bytes: bytesAt(path).length, ...metadata, inputs, outputs };
  const count = (sizes: readonly number[]): Told => ({ ...known, tensors: sizes.length, parameters: sizes.reduce((sum, n) => sum + n, 0) });
  try {
    const { plan, dispose } = await planned(path, (m) => inputsOf(m, [], words));
    const told = { ...count(format === 'wick' ? stateOf(plan) : weights), ...plan.stats() };
    dispose();
    return told;
  } catch (error) {
    // Inputs of any shape, or numbers that random inputs do not fit.
    if (!(error instanceof WickError)) throw error;
    return { ...count(weights), plan: `none: ${error.message}` };
  } finally {
    model.dispose();
  }
}
/** Elements of each tensor that a plan keeps. */
function stateOf({ recipe }: Plan): number[] {
  const views = recipe.graph.calls.flatMap((c) => c.inputs).filter((x) => typeof x === 'object' && x !== null);
  const state = new Map(views.flatMap(({ storage, dtype }) => (storage.device === 'plan' ? [] : [[storage, storage.bytes / SIZE[dtype]]])));
  return [...state.values()];
}
