import '../ts/index.ts';

export * from '../ts/tflite/index.ts';
