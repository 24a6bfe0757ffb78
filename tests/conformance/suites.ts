import { opFiles } from './cases.ts';
import { runModules } from './modules.ts';
import { runOps } from './ops.ts';
import { runOptim } from './optim.ts';
import type { Verdict } from './report.ts';
import { runSafetensors } from './safetensors.ts';
import { runTrain } from './train.ts';

/** Every verdict of a folder of conformance data; `words` keeps ops, modules and cases whose name holds one of them. */
export function* verdicts(folder: string, words: readonly string[] = []): Generator<Verdict> {
  const wanted = (name: string): boolean => words.length === 0 || words.some((w) => name.includes(w));
  const ops = words.length === 0 ? undefined : new Set([...opFiles(folder)].map((f) => f.op).filter(wanted));
  yield* runOps(folder, ops);
  for (const suite of [runModules, runOptim, runTrain, runSafetensors])
    for (const v of suite(folder)) if (wanted(v.name) || wanted(v.suite)) yield v;
}
