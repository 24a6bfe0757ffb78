import '../ts/index.ts';

export * from '../ts/gpu/index.ts';
