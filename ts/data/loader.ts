import { StateError } from '../base/errors.ts';
import { defaultCollate } from './collate.ts';
import type { Dataset } from './dataset.ts';
import { BatchSampler, RandomSampler, type Sampler, SequentialSampler } from './sampler.ts';

/** Options of DataLoader. */
export interface DataLoaderOptions<T, B> {
  readonly batchSize?: number;
  /** Another random order at each epoch. */
  readonly shuffle?: boolean;
  /** Makes the shuffled orders the same in every run and on every machine. */
  readonly seed?: number;
  /** Leaves out a last batch that is short. */
  readonly dropLast?: boolean;
  /** Makes a batch of samples; default: defaultCollate. */
  readonly collate?: (samples: T[]) => B;
  /** The order of samples; excludes shuffle. */
  readonly sampler?: Sampler;
}

/**
 * Batches of a dataset. Each `for` (or `for await`, which datasets with promises need) is one epoch.
 * @throws ValueError for a batch size that is no count
 * @example for (const [x, y] of new DataLoader(new TensorDataset(images, labels), { batchSize: 32, shuffle: true, seed: 1 })) train(x, y);
 */
// biome-ignore lint/suspicious/noExplicitAny: what the default collation makes of a sample has no static type
export class DataLoader<T, B = any> {
  readonly dataset: Dataset<T>;
  readonly batchSampler: BatchSampler;
  readonly #collate: ((samples: T[]) => B) | undefined;

  constructor(dataset: Dataset<T>, options: DataLoaderOptions<T, B> = {}) {
    const { batchSize = 1, shuffle = false, seed, dropLast = false, collate } = options;
    if (shuffle && options.sampler) throw new StateError('DataLoader: sampler and shuffle exclude each other; give one of them');
    const sampler = options.sampler ?? (shuffle ? new RandomSampler(dataset.length, { seed }) : new SequentialSampler(dataset.length));
    this.dataset = dataset;
    this.batchSampler = new BatchSampler(sampler, batchSize, dropLast);
    this.#collate = collate;
  }
  /** Batches in an epoch. */
  get length(): number {
    return this.batchSampler.length;
  }
  #whole(indices: readonly number[]): B | undefined {
    return this.#collate === undefined ? (this.dataset.batch?.(indices) as B | undefined) : undefined;
  }
  #join(samples: T[]): B {
    return this.#collate === undefined ? (defaultCollate(samples) as B) : this.#collate(samples);
  }
  *[Symbol.iterator](): Iterator<B> {
    for (const indices of this.batchSampler) {
      yield this.#whole(indices) ??
        this.#join(
          indices.map((i) => {
            const sample = this.dataset.get(i);
            if (sample instanceof Promise) throw new StateError('DataLoader: this dataset returns promises; iterate with `for await`');
            return sample;
          }),
        );
    }
  }
  async *[Symbol.asyncIterator](): AsyncIterator<B> {
    for (const indices of this.batchSampler) yield this.#whole(indices) ?? this.#join(await Promise.all(indices.map((i) => this.dataset.get(i))));
  }
}
