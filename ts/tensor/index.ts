// The tensor layer as the layers above import it.
import './gen/install.ts';
import './ops.ts';

export { backward, grad, type BackwardOptions } from './backward.ts';
export { callKernel, callMap, callMapInto } from './call.ts';
export { backend, keep, scope, setBackend, Tensor } from './core.ts';
export * from './gen/functions.ts';
export { checkpoint } from './checkpoint.ts';
export { Function, type FunctionContext, type FunctionInput } from './function.ts';
export { gradcheck, type GradcheckOptions, gradgradcheck } from './gradcheck.ts';
export { enableGrad, noGrad, setGradEnabled } from './modes.ts';
export { isGradEnabled, withGrad } from './node.ts';
export { getDefaultDtype, resultType, setDefaultDtype } from './promotion.ts';
export * from './functions/arithmetic.ts';
export * from './functions/create.ts';
export * from './functions/linalg.ts';
export * from './functions/read.ts';
export * from './functions/reductions.ts';
export * from './functions/views.ts';
export * from './functions/write.ts';
export * from './functions/activation.ts';
export * from './functions/conv.ts';
export * from './functions/indexing.ts';
export * from './functions/joining.ts';
export * from './functions/pool.ts';
export * from './functions/random.ts';
export * from './functions/sorting.ts';
export { defaultGenerator, Generator, manualSeed } from './generator.ts';
