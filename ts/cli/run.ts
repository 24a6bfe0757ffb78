import { ValueError } from '../base/errors.ts';
import { save as saveNpy } from '../formats/npy.ts';
import * as wick from '../index.ts';
import { type Command, lastOf, modelOf, numberOf, UsageError, type Words } from './command.ts';
import { INPUT_HELP, INPUT_OPTIONS, inputsOf } from './inputs.ts';
import { bytesAt, open, writeTo } from './models.ts';

export const run: Command = {
  name: 'run',
  takes: 'MODEL [INPUT ...]',
  summary: 'Runs a model once and prints or writes what it gives.',
  options: [
    { name: 'output', short: 'o', value: '[NAME=]FILE', doc: 'writes an output as .npy; a name where there are several' },
    { name: 'top', value: 'N', doc: 'the N largest elements of each row instead of the first ones' },
    { name: 'labels', value: 'FILE', doc: 'their names, one a line' },
    { name: 'json', doc: 'shapes, dtypes and all elements as JSON' },
    { name: 'threads', value: 'N', doc: 'threads in all; no bit depends on it' },
    ...INPUT_OPTIONS,
  ],
  help: `${INPUT_HELP}

  wick run digits.wick picture.png --top 3
  wick run model.wick x=array.npy -o y.npy
  wick run model.wick x=random --seed 7 --json`,
  async run(words, out) {
    if (words.options.has('threads')) wick.setThreads(numberOf(words, 'threads', 1));
    const model = await open(modelOf(words));
    const inputs = inputsOf(model, words.plain.slice(1), words);
    const files = outputsOf(model, words);
    const top = words.options.has('top') ? numberOf(words, 'top', 1) : 0;
    const results = wick.noGrad(() => model.run(inputs));
    for (const [name, path] of files) writeTo(path, saveNpy(results[name]));
    if (words.options.has('json')) {
      const all = Object.entries(results).map(([name, x]) => [name, { dtype: x.dtype, shape: x.shape, data: listed(x) }]);
      out(JSON.stringify(Object.fromEntries(all)));
      return;
    }
    const labels = lastOf(words, 'labels');
    const names = labels === undefined ? null : new TextDecoder().decode(bytesAt(labels)).split(/\r?\n/);
    for (const [name, x] of Object.entries(results)) {
      const path = files.get(name);
      out(`${name}: ${x.dtype}[${x.shape.join(', ')}]${path ? ` -> ${path}` : ''}`);
      if (top > 0) ranking(x, top, names).forEach(out);
      else if (path === undefined) out(String(x));
    }
  },
};

/** Elements for JSON, which has no NaN, no infinity and no 64-bit integers: those are texts. */
function listed(x: wick.Tensor): unknown {
  return Array.from<number | bigint, unknown>(wick.dataSync(x) as Iterable<number | bigint>, (v) =>
    typeof v === 'bigint' || !Number.isFinite(v) ? String(v) : v,
  );
}
/** @throws UsageError */
function outputsOf(model: wick.Model, words: Words): Map<string, string> {
  const names = model.outputs.map((port) => port.name);
  return new Map(
    (words.options.get('output') ?? []).map((text) => {
      const name = /^[^=./\\]+(?==)/.exec(text)?.[0];
      const path = name === undefined ? text : text.slice(name.length + 1);
      if (name === undefined && names.length > 1)
        throw new UsageError(`--output ${text}: which one? NAME=FILE; outputs are ${names.join(', ')}`);
      if (name !== undefined && !names.includes(name))
        throw new UsageError(`--output ${text}: no output '${name}'; there are ${names.join(', ')}`);
      if (!/\.npy$/i.test(path)) throw new UsageError(`--output ${text}: outputs are written as .npy`);
      return [name ?? names[0], path];
    }),
  );
}
/** Lines with the largest elements of each row. */
function ranking(x: wick.Tensor, top: number, names: readonly string[] | null): string[] {
  if (x.ndim === 0) throw new ValueError('--top: the output is one number');
  const n = x.shape[x.ndim - 1];
  const { values, indices } = wick.topk(x.reshape([-1, n]).to('float64'), Math.min(top, n));
  const rows = wick.arraySync(values) as number[][];
  const places = wick.arraySync(indices) as number[][];
  return rows.flatMap((row, r) => [
    ...(rows.length > 1 ? [`row ${r}`] : []),
    ...row.map(
      (value, i) => `  ${value.toPrecision(6).padStart(12)}  ${places[r][i]}${names?.[places[r][i]] ? ` ${names[places[r][i]]}` : ''}`,
    ),
  ]);
}
