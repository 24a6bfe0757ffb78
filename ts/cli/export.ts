import { exportWasm } from '../export/index.ts';
import { type Command, lastOf, modelOf } from './command.ts';
import { targetOf } from './compile.ts';
import { INPUT_HELP, INPUT_OPTIONS, inputsOf } from './inputs.ts';
import { planned, writeTo } from './models.ts';

export const exporting: Command = {
  name: 'export',
  takes: 'MODEL [INPUT ...]',
  summary: 'Writes a model as one WebAssembly module with its kernels, plan and weights, and no import.',
  options: [
    { name: 'output', short: 'o', value: 'FILE', doc: 'the file; the name of MODEL with .wasm unless told' },
    { name: 'wasi', doc: 'a command: reads raw tensors from standard input, writes them to standard output' },
    ...INPUT_OPTIONS,
  ],
  help: `The module runs in any WebAssembly runtime with SIMD and, through wasm2c, where there is none; docs/standalone.md shows how.
It needs the package binaryen (npm install binaryen), and is for inputs of one shape, as a plan is.
${INPUT_HELP}

  wick export model.wick -o model.wasm
  wick export model.wick --wasi && wazero run model.wasm < x.raw > y.raw`,
  async run(words, out) {
    const path = modelOf(words);
    const { plan, dispose } = await planned(path, (model) => inputsOf(model, words.plain.slice(1), words));
    const bytes = await exportWasm(plan, { wasi: words.options.has('wasi') });
    const target = targetOf(path, lastOf(words, 'output'), '.wasm');
    writeTo(target, bytes);
    out(`${target}: ${bytes.length} bytes, for ${plan.signature}`);
    dispose();
  },
};
