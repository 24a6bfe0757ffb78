import type { StepTiming } from '../backend.ts';
import { toTrace } from '../formats/plan.ts';
import * as wick from '../index.ts';
import { type Command, lastOf, modelOf, numberOf } from './command.ts';
import { INPUT_HELP, INPUT_OPTIONS, inputsOf } from './inputs.ts';
import { planned, writeTo } from './models.ts';

export const profile: Command = {
  name: 'profile',
  takes: 'MODEL [INPUT ...]',
  summary: 'Times the steps of a model and lists where the time goes.',
  options: [
    { name: 'runs', value: 'N', doc: 'runs, of which the fastest is shown (20 unless told)' },
    { name: 'top', value: 'N', doc: 'steps that are listed (20 unless told)' },
    { name: 'trace', value: 'FILE', doc: 'writes that run as a trace for Perfetto or chrome://tracing' },
    { name: 'threads', value: 'N', doc: 'threads in all' },
    { name: 'json', doc: 'the steps as JSON' },
    ...INPUT_OPTIONS,
  ],
  help: `${INPUT_HELP}

  wick profile model.wick --runs 50
  wick profile model.wick --trace trace.json`,
  async run(words, out) {
    if (words.options.has('threads')) wick.setThreads(numberOf(words, 'threads', 1));
    const { plan, inputs, model, dispose } = await planned(modelOf(words), (m) => inputsOf(m, words.plain.slice(1), words));
    const once = (): StepTiming[] => plan.profile(...argumentsOf(plan, model, inputs));
    const whole = (steps: readonly StepTiming[]): number => steps.reduce((sum, s) => sum + s.duration, 0);
    let best = once();
    for (let i = 1, n = numberOf(words, 'runs', 20); i < n; i++) {
      const next = once();
      if (whole(next) < whole(best)) best = next;
    }
    const trace = lastOf(words, 'trace');
    if (trace !== undefined) writeTo(trace, toTrace(best));
    dispose();
    if (words.options.has('json')) {
      out(JSON.stringify(best));
      return;
    }
    const total = whole(best);
    out(`${best.length} steps, ${total.toFixed(3)} ms${trace ? ` -> ${trace}` : ''}`);
    const slowest = best.map((s, i) => ({ ...s, i })).sort((a, b) => b.duration - a.duration);
    for (const { name, duration, i } of slowest.slice(0, numberOf(words, 'top', 20)))
      out(
        `${duration.toFixed(3).padStart(10)} ms ${((100 * duration) / total).toFixed(1).padStart(5)} %  ${String(i).padStart(4)}  ${name}`,
      );
  },
};

/** The arguments of a plan as its function took them. */
function argumentsOf(plan: wick.Plan, model: wick.Model, inputs: Readonly<Record<string, wick.Tensor>>): unknown[] {
  if (model.format !== 'wick') return [inputs];
  return wick.built(
    plan.recipe.args,
    model.inputs.map((port) => inputs[port.name]),
  ) as unknown[];
}
