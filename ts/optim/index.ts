export { Adadelta, type AdadeltaOptions, Adagrad, type AdagradOptions, RMSprop, type RMSpropOptions } from './adagrad.ts';
export { Adam, type AdamOptions, AdamW } from './adam.ts';
export { Adamax, type AdamaxOptions, NAdam, type NAdamOptions, RAdam, type RAdamOptions } from './adam-family.ts';
export { LBFGS, type LBFGSOptions } from './lbfgs.ts';
export { Optimizer, type OptimizerState, type ParamGroup, type Params, type State } from './optimizer.ts';
export { Rprop, type RpropOptions } from './rprop.ts';
export * as lrScheduler from './schedulers.ts';
export { SGD, type SGDOptions } from './sgd.ts';
