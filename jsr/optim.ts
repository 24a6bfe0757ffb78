import '../ts/index.ts';

export * from '../ts/optim/index.ts';
