import { IndexError, ShapeError, ValueError } from '../base/errors.ts';
import { show } from '../base/shape.ts';
import { type Tensor, tensor } from '../tensor/index.ts';
import { permutation } from './sampler.ts';

/** Samples by number. `get` may return a promise; such a dataset is iterated with `for await`. */
export interface Dataset<T> {
  readonly length: number;
  get(index: number): T | Promise<T>;
  /** A batch in one piece, where that is faster than collating samples. */
  batch?(indices: readonly number[]): unknown;
}

/** @throws IndexError for an index outside a dataset */
export function checkIndex(name: string, index: number, length: number): number {
  const i = index < 0 ? index + length : index;
  if (!(Number.isInteger(i) && i >= 0 && i < length)) throw new IndexError(`${name}: index ${index} is outside a dataset of ${length}; use 0 to ${length - 1}`);
  return i;
}

/** Tensors of one length; sample i is [a[i], b[i], ...]. @throws ShapeError @example new TensorDataset(images, labels).get(0) */
export class TensorDataset implements Dataset<Tensor[]> {
  readonly tensors: readonly Tensor[];

  constructor(...tensors: Tensor[]) {
    if (tensors.length === 0 || tensors.some((t) => t.ndim === 0 || t.shape[0] !== tensors[0].shape[0]))
      throw new ShapeError(`TensorDataset: tensors ${tensors.map((t) => show(t.shape)).join(', ')} must share their first size`);
    this.tensors = tensors;
  }
  get length(): number {
    return this.tensors[0].shape[0];
  }
  get(index: number): Tensor[] {
    const i = checkIndex('TensorDataset', index, this.length);
    return this.tensors.map((t) => t.select(0, i));
  }
  batch(indices: readonly number[]): Tensor[] {
    const index = tensor(indices.map((i) => checkIndex('TensorDataset', i, this.length)), { dtype: 'int64' });
    return this.tensors.map((t) => t.indexSelect(0, index));
  }
}

/** A plain array as a dataset. */
export class ArrayDataset<T> implements Dataset<T> {
  readonly items: readonly T[];

  constructor(items: readonly T[]) {
    this.items = items;
  }
  get length(): number {
    return this.items.length;
  }
  get(index: number): T {
    return this.items[checkIndex('ArrayDataset', index, this.length)];
  }
}

/** Some samples of a dataset, in the order of the indices. */
export class Subset<T> implements Dataset<T> {
  readonly dataset: Dataset<T>;
  readonly indices: readonly number[];
  declare batch?: (indices: readonly number[]) => unknown;

  constructor(dataset: Dataset<T>, indices: readonly number[]) {
    this.dataset = dataset;
    this.indices = indices;
    if (dataset.batch) this.batch = (list) => dataset.batch?.(list.map((i) => this.#at(i)));
  }
  #at(index: number): number {
    return this.indices[checkIndex('Subset', index, this.length)];
  }
  get length(): number {
    return this.indices.length;
  }
  get(index: number): T | Promise<T> {
    return this.dataset.get(this.#at(index));
  }
}

/** Datasets one after the other. */
export class ConcatDataset<T> implements Dataset<T> {
  readonly datasets: readonly Dataset<T>[];

  constructor(datasets: readonly Dataset<T>[]) {
    if (datasets.length === 0) throw new ValueError('ConcatDataset: no datasets were given');
    this.datasets = datasets;
  }
  get length(): number {
    return this.datasets.reduce((n, d) => n + d.length, 0);
  }
  get(index: number): T | Promise<T> {
    let i = checkIndex('ConcatDataset', index, this.length);
    for (const d of this.datasets) {
      if (i < d.length) return d.get(i);
      i -= d.length;
    }
    throw new IndexError(`ConcatDataset: index ${index} is outside`);
  }
}

/**
 * Splits a dataset at random into parts: sizes, or fractions that add up to 1. A seed makes the split the same everywhere.
 * @throws ValueError when the sizes do not add up
 * @example const [train, test] = randomSplit(data, [0.8, 0.2], { seed: 1 });
 */
export function randomSplit<T>(dataset: Dataset<T>, lengths: readonly number[], { seed }: { seed?: number } = {}): Subset<T>[] {
  const n = dataset.length;
  const sum = lengths.reduce((a, b) => a + b, 0);
  let counts = [...lengths];
  if (Math.abs(sum - 1) < 1e-9 && lengths.some((l) => l < 1)) {
    counts = lengths.map((l) => Math.floor(l * n + 1e-9));
    // What rounding left over goes to the first parts, one each.
    for (let rest = n - counts.reduce((a, b) => a + b, 0), i = 0; rest > 0; rest--, i++) counts[i % counts.length]++;
  }
  if (counts.some((c) => !(Number.isInteger(c) && c >= 0)) || counts.reduce((a, b) => a + b, 0) !== n)
    throw new ValueError(`randomSplit: lengths [${lengths.join(', ')}] do not add up to the ${n} samples; give sizes of that sum, or fractions of sum 1`);
  const order = permutation(n, seed, 0);
  let at = 0;
  return counts.map((c) => {
    const part = new Subset(dataset, order.slice(at, at + c));
    at += c;
    return part;
  });
}
