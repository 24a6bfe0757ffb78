import '../ts/index.ts';

export * from '../ts/fast/index.ts';
