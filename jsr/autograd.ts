import '../ts/index.ts';

export * from '../ts/autograd/index.ts';
