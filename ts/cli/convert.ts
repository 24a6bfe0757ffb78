import { type Command, modelOf, UsageError } from './command.ts';
import { compile } from './compile.ts';
import { exporting } from './export.ts';
import { INPUT_HELP, INPUT_OPTIONS } from './inputs.ts';

/** The command that writes each kind of file. */
const TARGETS: Readonly<Record<string, Command>> = { '.wick': compile, '.wasm': exporting };

export const convert: Command = {
  name: 'convert',
  takes: 'MODEL TARGET [INPUT ...]',
  summary: 'Writes a model as another kind of file, told by the ending of TARGET: .wick or .wasm.',
  options: INPUT_OPTIONS,
  help: `What \`wick compile\` and \`wick export\` do, with the target as a word.
${INPUT_HELP}

  wick convert model.onnx model.wick --dim batch=1
  wick convert model.tflite model.wasm`,
  async run(words, out) {
    const model = modelOf(words);
    const [, target, ...inputs] = words.plain;
    const ending = /\.[^.]*$/.exec(target ?? '')?.[0].toLowerCase() ?? '';
    if (!Object.hasOwn(TARGETS, ending))
      throw new UsageError(`${target === undefined ? 'no target' : `cannot write ${target}`}; name a file that ends in .wick or .wasm`);
    const options = new Map([...words.options, ['output', [target]]]);
    await TARGETS[ending].run({ plain: [model, ...inputs], options }, out);
  },
};
