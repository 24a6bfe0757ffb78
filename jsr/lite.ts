export * from '../ts/lite/index.ts';
