import '../../ts/index.ts';

export * from '../../ts/formats/safetensors.ts';
