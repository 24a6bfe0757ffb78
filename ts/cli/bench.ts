import * as wick from '../index.ts';
import { type Command, modelOf, numberOf } from './command.ts';
import { INPUT_HELP, INPUT_OPTIONS, inputsOf } from './inputs.ts';
import { open } from './models.ts';

/** Runs behind the first before the clock counts: captures, and the engine's first compiler. */
const WARM = 5;

export const bench: Command = {
  name: 'bench',
  takes: 'MODEL [INPUT ...]',
  summary: 'Times whole runs of a model: the first, then the median, the best and runs a second.',
  options: [
    { name: 'runs', value: 'N', doc: 'runs that count (50 unless told)' },
    { name: 'threads', value: 'N', doc: 'threads in all' },
    { name: 'json', doc: 'the times in milliseconds as JSON' },
    ...INPUT_OPTIONS,
  ],
  help: `An ONNX model's plan is captured in its first run, a TensorFlow Lite model's in its second; a .wick file has one.
${WARM} runs more go by before the clock counts.
${INPUT_HELP}

  wick bench model.onnx --threads 1
  wick bench model.tflite --runs 200 --json | jq .median`,
  async run(words, out) {
    if (words.options.has('threads')) wick.setThreads(numberOf(words, 'threads', 1));
    const start = performance.now();
    const model = await open(modelOf(words));
    const load = performance.now() - start;
    const inputs = inputsOf(model, words.plain.slice(1), words);
    const once = (): number => {
      const begin = performance.now();
      wick.scope(() => void model.run(inputs));
      return performance.now() - begin;
    };
    const first = once();
    for (let i = 0; i < WARM; i++) once();
    wick.resetPeakMemory();
    const times = Array.from({ length: numberOf(words, 'runs', 50) }, once).sort((a, b) => a - b);
    const [median, best] = [times[times.length >> 1], times[0]];
    const told = { load, first, median, best, runs: times.length, threads: wick.info().threads.ready, peak: wick.memory().peak };
    model.dispose();
    if (words.options.has('json')) {
      out(JSON.stringify(told));
      return;
    }
    out(`load ${load.toFixed(1)} ms, first run ${first.toFixed(2)} ms`);
    out(`median ${median.toFixed(3)} ms, best ${best.toFixed(3)} ms, ${(1000 / median).toFixed(1)} runs a second, ${told.threads} threads`);
    out(`memory at most ${(told.peak / 1024).toFixed(0)} kB, weights and inputs included`);
  },
};
