import { StateError } from '../base/errors.ts';
import { sameShape, show } from '../base/shape.ts';
import { noGrad, type Tensor } from '../tensor/index.ts';

/** Tensors by dotted key, in PyTorch's order. */
export type StateDict = Record<string, Tensor>;

/** What a state dict left out and what it had too much. */
export interface LoadResult {
  readonly missingKeys: string[];
  readonly unexpectedKeys: string[];
}

/** Copies `source` into the tensors of `target` after checking all of it. @throws StateError */
export function copyState(name: string, target: StateDict, source: Readonly<StateDict>, strict: boolean): LoadResult {
  const missingKeys = Object.keys(target).filter((k) => !Object.hasOwn(source, k));
  const unexpectedKeys = Object.keys(source).filter((k) => !Object.hasOwn(target, k));
  const shared = Object.keys(target).filter((k) => Object.hasOwn(source, k));
  const problems: string[] = [];
  if (strict && missingKeys.length > 0) problems.push(`missing keys: ${missingKeys.join(', ')}`);
  if (strict && unexpectedKeys.length > 0) problems.push(`unexpected keys: ${unexpectedKeys.join(', ')}`);
  for (const k of shared) {
    if (!sameShape(target[k].shape, source[k].shape))
      problems.push(`'${k}' has shape ${show(source[k].shape)} in the state dict, ${show(target[k].shape)} in the module`);
  }
  if (problems.length > 0) {
    const hint =
      problems.length === 1 && /^'/.test(problems[0])
        ? 'build the module with the sizes it was saved with'
        : 'build the module as it was saved, or pass { strict: false } to skip keys';
    throw new StateError(`loadStateDict of ${name}: ${problems.join('; ')}; ${hint}`);
  }
  noGrad(() => {
    for (const k of shared) target[k].copy_(source[k]);
  });
  return { missingKeys, unexpectedKeys };
}
