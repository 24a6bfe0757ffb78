import '../ts/index.ts';

export * from '../ts/export/index.ts';
