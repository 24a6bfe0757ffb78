import '../ts/index.ts';

export * from '../ts/jit/index.ts';
