// ai.onnx.ml's TreeEnsemble of version 5: inner nodes and leaves in lists of their own.
import { type Tensor, tensor } from '../tensor/index.ts';
import type { Call } from './call.ts';

/** Whether a feature goes the way of the true branch, by the node's mode. */
const MODES: readonly ((x: number, split: number) => boolean)[] = [
  (x, v) => x <= v,
  (x, v) => x < v,
  (x, v) => x >= v,
  (x, v) => x > v,
  (x, v) => x === v,
  (x, v) => x !== v,
];
const MEMBER = 6;
const AVERAGE = 0;
const LEAST = 2;
const GREATEST = 3;

/** The values that each node of the mode MEMBER asks for: lists that end with NaN, in the order of the nodes. */
function members(modes: readonly number[], values: readonly number[]): readonly (ReadonlySet<number> | null)[] {
  let at = 0;
  return modes.map((mode) => {
    if (mode !== MEMBER) return null;
    const from = at;
    while (at < values.length && !Number.isNaN(values[at])) at++;
    return new Set(values.slice(from, at++));
  });
}

/** Scores of rows [rows, features]: what the leaves that they reach hold, joined by target. */
export function treeEnsemble(c: Call): Tensor {
  const x = c.v(0);
  const width = x.shape[x.shape.length - 1];
  const rows = x.size / Math.max(width, 1);
  const features = x.numbers();
  const needed = (name: string): number[] => c.tensorOr(name)?.numbers() ?? c.fail(`the attribute '${name}' is missing`);
  const [modes, splits, weights] = [needed('nodes_modes'), needed('nodes_splits'), needed('leaf_weights')];
  const list = (name: string): number[] => c.intsOr(name) ?? c.fail(`the attribute '${name}' is missing`);
  const branches = [
    { at: list('nodes_truenodeids'), leaf: list('nodes_trueleafs') },
    { at: list('nodes_falsenodeids'), leaf: list('nodes_falseleafs') },
  ];
  const [feature, roots, targets] = [list('nodes_featureids'), list('tree_roots'), list('leaf_targetids')];
  const missing = c.intsOr('nodes_missing_value_tracks_true') ?? [];
  const sets = members(modes, c.tensorOr('membership_values')?.numbers() ?? []);
  const count = c.int('n_targets', 1);
  const how = c.int('aggregate_function', 1);
  const leafOf = (root: number, row: number): number => {
    let node = root;
    for (let steps = 0; steps <= modes.length; steps++) {
      const value = features[row * width + feature[node]];
      const set = sets[node];
      const test = MODES[modes[node]];
      if (value === undefined || (test === undefined && set == null)) c.fail(`node ${node} names no feature or mode that there is`);
      const on = set == null ? test(value, splits[node]) : set.has(value);
      const way = branches[on || (Number.isNaN(value) && missing[node] === 1) ? 0 : 1];
      const next = way.at[node];
      if (way.leaf[node] === 1) return next;
      node = next;
    }
    return c.fail('a tree has a cycle');
  };
  c.list(rows * (count + roots.length));
  const out = new Float64Array(rows * count);
  for (let row = 0; row < rows; row++) {
    const sums = new Array<number | null>(count).fill(null);
    for (const root of roots) {
      const leaf = leafOf(root, row);
      const [target, w] = [targets[leaf], weights[leaf]];
      if (w === undefined || !(target >= 0 && target < count)) c.fail(`leaf ${leaf} is not there or has target ${target} of ${count}`);
      const old = sums[target];
      sums[target] = old === null ? w : how === LEAST ? Math.min(old, w) : how === GREATEST ? Math.max(old, w) : old + w;
    }
    for (let t = 0; t < count; t++) out[row * count + t] = (sums[t] ?? 0) / (how === AVERAGE ? roots.length : 1);
  }
  const scores = tensor(out, { shape: [rows, count], dtype: x.dtype });
  const post = c.int('post_transform', 0);
  if (post === 0) return scores;
  if (post === 1) return scores.softmax(-1);
  if (post === 2) return scores.sigmoid();
  if (post === 3) return scores.softmax(-1).mul(scores.ne(0).to(scores.dtype));
  return c.fail(`the transform ${post} is not supported`);
}
