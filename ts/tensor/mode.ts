// Recording on or off, as the program asks for it.
import { setRecording, withGrad } from './node.ts';

/**
 * Runs fn without recording: its results require no grad. Of an async function only the part before its first await is covered.
 * @example const y = noGrad(() => x.mul(2)) // y.requiresGrad is false
 */
export function noGrad<T>(fn: () => T): T {
  return withGrad(false, fn);
}
/** Runs fn with recording, also inside noGrad. @example noGrad(() => enableGrad(() => x.mul(2))) // recorded */
export function enableGrad<T>(fn: () => T): T {
  return withGrad(true, fn);
}
/** Turns recording on or off from here on; returns what it was before. @example const before = setGradEnabled(false) */
export function setGradEnabled(on: boolean): boolean {
  return setRecording(on);
}
