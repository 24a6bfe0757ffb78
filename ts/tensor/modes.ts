import { withGrad } from './node.ts';

/** Runs fn without recording: its results require no gradient. @example noGrad(() => w.sub_(w.grad.mul(0.1))) */
export function noGrad<T>(fn: () => T): T {
  return withGrad(false, fn);
}
/** Runs fn with recording on, inside noGrad too. @example noGrad(() => enableGrad(() => x.mul(2)).requiresGrad) */
export function enableGrad<T>(fn: () => T): T {
  return withGrad(true, fn);
}
/** Runs fn with recording on or off. @example setGradEnabled(training, () => model.forward(x)) */
export function setGradEnabled<T>(on: boolean, fn: () => T): T {
  return withGrad(on, fn);
}
