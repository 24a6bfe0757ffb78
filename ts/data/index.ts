export { defaultCollate } from './collate.ts';
export { ArrayDataset, ConcatDataset, type Dataset, randomSplit, Subset, TensorDataset } from './dataset.ts';
export { DataLoader, type DataLoaderOptions } from './loader.ts';
export * from './progress.ts';
export { BatchSampler, RandomSampler, type Sampler, SequentialSampler, SubsetRandomSampler } from './sampler.ts';
