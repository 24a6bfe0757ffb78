import '../../ts/index.ts';

export * from '../../ts/formats/npy.ts';
