// What extends or checks differentiation (torch.autograd): kept out of the core, which a program that only trains never needs.
export { type BackwardOptions, backward, grad } from '../tensor/backward.ts';
export { checkpoint } from '../tensor/checkpoint.ts';
export { Function, type FunctionContext, type FunctionInput } from '../tensor/function.ts';
export { type GradcheckOptions, gradcheck, gradgradcheck } from '../tensor/gradcheck.ts';
export { enableGrad, noGrad, setGradEnabled } from '../tensor/modes.ts';
export { isGradEnabled } from '../tensor/node.ts';
