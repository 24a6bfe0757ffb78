import '../ts/index.ts';

export * from '../ts/onnx/index.ts';
