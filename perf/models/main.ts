// How much faster than real time streaming models run: the time that one step's sound lasts over the time that the step takes.
//   npm run perf:models [-- --seconds 2 --threads 1]
// Models come from the folder of conformance data: WICK_CONFORMANCE, else ../shared/conformance beside the repository.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { conformanceFolder } from '../../tests/conformance/folder.ts';
import * as wick from '../../ts/index.ts';
import '../../ts/onnx/index.ts';
import '../../ts/tflite/index.ts';

/** One model: inputs of a step, which input takes which output in the next step, and the milliseconds of sound that a step covers. */
interface Stream {
  readonly name: string;
  readonly file: string;
  readonly step: number;
  readonly inputs: () => Record<string, wick.Tensor>;
  readonly state: Readonly<Record<string, string>>;
}
const sound = (...shape: number[]): wick.Tensor => wick.randn(shape).mul(0.1);
const dtln = (name: string, file: string, state: string): Stream => ({
  name,
  file,
  // 128 new samples at 16 kHz, as the magnitudes of a spectrum of 512.
  step: 8,
  inputs: () => ({ input_2: sound(1, 1, 257).abs(), input_3: wick.zeros([1, 2, 128, 2]) }),
  state: { input_3: state },
});
const STREAMS: readonly Stream[] = [
  {
    name: 'silero_vad',
    file: 'model.onnx',
    // 512 new samples at 16 kHz behind 64 old ones.
    step: 32,
    inputs: () => ({ input: sound(1, 576), state: wick.zeros([2, 1, 128]), sr: wick.tensor(16000, { dtype: 'int64' }) }),
    state: { state: 'stateN' },
  },
  dtln('dtln1_onnx', 'model.onnx', 'tf_op_layer_stack_2'),
  dtln('dtln1_tflite', 'model.tflite', 'Identity_1'),
];

const { values: options } = parseArgs({
  options: { seconds: { type: 'string', default: '1' }, threads: { type: 'string', default: '1' }, only: { type: 'string' } },
});
wick.setThreads(Number(options.threads));
const folder = conformanceFolder('models');
for (const { name, file, step, inputs, state } of STREAMS) {
  // Each in a process of its own, whose memory is that model's alone.
  if (options.only === undefined) {
    spawnSync(process.execPath, [process.argv[1], ...process.argv.slice(2), '--only', name], { stdio: 'inherit' });
    continue;
  }
  if (options.only !== name) continue;
  const path = folder === null ? null : join(folder, name, file);
  if (path === null || !existsSync(path)) {
    console.log(`${name}: left out, there is no ${path ?? 'folder of models'}`);
    continue;
  }
  wick.resetPeakMemory();
  const before = wick.memory().live;
  const model = await wick.load(path);
  let feeds = inputs();
  const turn = (): void => {
    const outputs = model.run(feeds);
    const next = { ...feeds };
    for (const [input, output] of Object.entries(state)) next[input] = outputs[output];
    for (const [key, y] of Object.entries(outputs)) if (!Object.values(state).includes(key)) y.dispose();
    for (const key of Object.keys(state)) feeds[key].dispose();
    feeds = next;
  };
  for (let i = 0; i < 20; i++) turn();
  const times: number[] = [];
  for (const end = performance.now() + Number(options.seconds) * 1000; performance.now() < end; ) {
    const start = performance.now();
    turn();
    times.push(performance.now() - start);
  }
  times.sort((a, b) => a - b);
  const [median, late] = [0.5, 0.99].map((part) => times[Math.floor(part * (times.length - 1))]);
  const memory = ((wick.memory().peak - before) / 1048576).toFixed(2);
  console.log(
    `${name}: ${(step / median).toFixed(0)}x real time (a step of ${step} ms takes ${(median * 1000).toFixed(0)} us in the median, ` +
      `${(late * 1000).toFixed(0)} us at the 99th percentile; real-time factor ${(median / step).toFixed(5)}; at most ${memory} MB)`,
  );
  model.dispose();
  for (const x of Object.values(feeds)) x.dispose();
}
