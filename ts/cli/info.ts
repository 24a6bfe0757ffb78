import { describe } from '../export/index.ts';
import type { Port } from '../formats/model.ts';
import { type Command, modelOf } from './command.ts';
import { inputsOf } from './inputs.ts';
import { bytesAt, isWasm, open, planned } from './models.ts';

export const shown = ({ name, dtype, shape }: Port): string =>
  `${name}: ${dtype}${shape === null ? ' of any shape' : `[${shape.map((n) => n ?? '?').join(', ')}]`}`;

export const info: Command = {
  name: 'info',
  takes: 'MODEL',
  summary: 'Tells what a model takes and gives, and what is in it.',
  options: [{ name: 'json', doc: 'as JSON, for programs' }],
  help: `MODEL is a .wick file, another format that wick loads, or a .wasm module that \`wick export\` wrote.

  wick info model.wick
  wick info model.wick --json | jq -r '.inputs[].name'`,
  async run(words, out) {
    const path = modelOf(words);
    const json = words.options.has('json');
    const told = isWasm(path) ? ofModule(path) : await ofModel(path);
    if (json) {
      out(JSON.stringify(told, null, 2));
      return;
    }
    const { inputs, outputs, ...rest } = told;
    for (const port of inputs) out(`input   ${shown(port)}`);
    for (const port of outputs) out(`output  ${shown(port)}`);
    for (const [key, value] of Object.entries(rest)) out(`${key.padEnd(8)} ${value}`);
  },
};

type Told = { readonly inputs: readonly Port[]; readonly outputs: readonly Port[] } & Readonly<Record<string, unknown>>;

function ofModule(path: string): Told {
  const bytes = bytesAt(path);
  const { inputs, outputs } = describe(bytes);
  return { format: 'wasm', bytes: bytes.length, inputs, outputs };
}
async function ofModel(path: string): Promise<Told> {
  const model = await open(path);
  const { format, inputs, outputs, metadata } = model;
  const weights = [...model.namedParameters()];
  const known = { format, bytes: bytesAt(path).length, ...metadata, inputs, outputs };
  if (format !== 'wick') {
    return { ...known, tensors: weights.length, parameters: weights.reduce((sum, [, x]) => sum + x.numel, 0) };
  }
  const { plan } = await planned(path, (m) => inputsOf(m, [], { plain: [], options: new Map() }));
  return { ...known, ...plan.stats() };
}
