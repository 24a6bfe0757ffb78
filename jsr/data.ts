import '../ts/index.ts';

export * from '../ts/data/index.ts';
