import { setRecording, withGrad } from './node.ts';

/** Runs fn without recording: its results require no gradient. @example noGrad(() => w.sub_(w.grad.mul(0.1))) */
export function noGrad<T>(fn: () => T): T {
  return withGrad(false, fn);
}
/** Runs fn with recording on, inside noGrad too. @example noGrad(() => enableGrad(() => x.mul(2)).requiresGrad) */
export function enableGrad<T>(fn: () => T): T {
  return withGrad(true, fn);
}
/** Runs fn with recording on or off; without fn, turns it on or off from here on and returns what it was. @example setGradEnabled(training, () => model.forward(x)) */
export function setGradEnabled(on: boolean): boolean;
export function setGradEnabled<T>(on: boolean, fn: () => T): T;
export function setGradEnabled<T>(on: boolean, fn?: () => T): T | boolean {
  return fn === undefined ? setRecording(on) : withGrad(on, fn);
}
