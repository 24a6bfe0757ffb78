import '../ts/index.ts';

export * from '../ts/nn/index.ts';
