import '../../ts/index.ts';

export * from '../../ts/formats/plan.ts';
