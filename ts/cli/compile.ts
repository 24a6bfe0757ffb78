import { save } from '../formats/plan.ts';
import { type Command, lastOf, modelOf } from './command.ts';
import { INPUT_HELP, INPUT_OPTIONS, inputsOf } from './inputs.ts';
import { planned, writeTo } from './models.ts';

/** Where a command writes: -o, or the model's name with another ending. */
export const targetOf = (path: string, given: string | undefined, extension: string): string =>
  given ?? path.replace(/^.*[\\/]/, '').replace(/\.[^.]*$/, '') + extension;

export const compile: Command = {
  name: 'compile',
  takes: 'MODEL [INPUT ...]',
  summary: 'Writes a model as a plan, a .wick file, for inputs of one kind.',
  options: [{ name: 'output', short: 'o', value: 'FILE', doc: 'the file; the name of MODEL with .wick unless told' }, ...INPUT_OPTIONS],
  help: `A plan is for inputs of one shape: that of the arrays given, or the model's own with --dim for what it leaves open.
${INPUT_HELP}

  wick compile model.onnx --dim batch=8 -o model.wick
  wick compile model.onnx x=array.npy`,
  async run(words, out) {
    const path = modelOf(words);
    const { plan, dispose } = await planned(path, (model) => inputsOf(model, words.plain.slice(1), words));
    const bytes = save(plan);
    const target = targetOf(path, lastOf(words, 'output'), '.wick');
    writeTo(target, bytes);
    const { calls, steps } = plan.stats();
    out(`${target}: ${bytes.length} bytes, ${calls} calls in ${steps} steps, for ${plan.signature}`);
    dispose();
  },
};
