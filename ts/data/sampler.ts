import { ValueError } from '../base/errors.ts';
import type { KernelOp } from '../ops/op.ts';
import { TABLE } from '../ops/table.ts';
import { callKernel, randperm, scope, type Tensor } from '../tensor/index.ts';

/** Numbers of samples in the order in which they are wanted; each iteration is an epoch. */
export interface Sampler {
  readonly length: number;
  [Symbol.iterator](): Iterator<number>;
}

function numbers(t: Tensor): number[] {
  return Array.from(t.dataSync() as unknown as ArrayLike<number | bigint>, Number);
}

/**
 * 0 to n - 1 in random order. With a seed the order depends on (n, seed, epoch) alone and is the same on every machine; without one it
 * comes from the default generator.
 */
export function permutation(n: number, seed: number | undefined, epoch: number): number[] {
  let order: number[] = [];
  scope(() => {
    if (seed === undefined) order = numbers(randperm(n));
    else {
      const draw = { n, dtype: 'int64', seedLo: seed | 0, seedHi: Math.floor(seed / 4294967296) | 0, offsetLo: 0, offsetHi: epoch };
      order = numbers(callKernel(TABLE.randperm as KernelOp, [], draw)[0]);
    }
  });
  return order;
}

/** 0, 1, 2, ... */
export class SequentialSampler implements Sampler {
  readonly length: number;

  constructor(length: number) {
    this.length = length;
  }
  *[Symbol.iterator](): Iterator<number> {
    for (let i = 0; i < this.length; i++) yield i;
  }
}

/** Every number once in random order, another at each epoch. */
export class RandomSampler implements Sampler {
  readonly length: number;
  readonly #seed: number | undefined;
  #epoch: number = 0;

  constructor(length: number, { seed }: { seed?: number } = {}) {
    this.length = length;
    this.#seed = seed;
  }
  [Symbol.iterator](): Iterator<number> {
    return permutation(this.length, this.#seed, this.#epoch++)[Symbol.iterator]();
  }
  /** Chooses the epoch that the next iteration is, to go on from later. */
  setEpoch(epoch: number): void {
    this.#epoch = epoch;
  }
}

/** The given numbers in random order. */
export class SubsetRandomSampler implements Sampler {
  readonly indices: readonly number[];
  readonly #order: RandomSampler;

  constructor(indices: readonly number[], options: { seed?: number } = {}) {
    this.indices = indices;
    this.#order = new RandomSampler(indices.length, options);
  }
  get length(): number {
    return this.indices.length;
  }
  *[Symbol.iterator](): Iterator<number> {
    for (const i of this.#order) yield this.indices[i];
  }
}

/** Groups another sampler's numbers into batches; `dropLast` leaves out a last one that is short. @throws ValueError */
export class BatchSampler {
  readonly sampler: Sampler;
  readonly batchSize: number;
  readonly dropLast: boolean;

  constructor(sampler: Sampler, batchSize: number, dropLast: boolean = false) {
    if (!(Number.isInteger(batchSize) && batchSize > 0)) throw new ValueError(`BatchSampler: batchSize ${batchSize} must be a whole number above 0`);
    this.sampler = sampler;
    this.batchSize = batchSize;
    this.dropLast = dropLast;
  }
  get length(): number {
    const n = this.sampler.length / this.batchSize;
    return this.dropLast ? Math.floor(n) : Math.ceil(n);
  }
  *[Symbol.iterator](): Iterator<number[]> {
    let batch: number[] = [];
    for (const i of this.sampler) {
      batch.push(i);
      if (batch.length < this.batchSize) continue;
      yield batch;
      batch = [];
    }
    if (batch.length > 0 && !this.dropLast) yield batch;
  }
}
