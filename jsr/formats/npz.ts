import '../../ts/index.ts';

export * from '../../ts/formats/npz.ts';
