// What the parts of wick tell a capture in progress: what it depends on besides tensors, and what it cannot contain.
import { StateError } from '../base/errors.ts';

/** A capture in progress. */
export interface Capture {
  /** Conditions under which the captured program is what the function would do. */
  readonly guards: { readonly what: string; readonly holds: () => boolean }[];
  /** Leaves whose gradients were dropped by the function itself. */
  readonly cleared: Set<object>;
  /** Leaves that were given gradients, and what they had before. */
  readonly graded: Map<object, object | null>;
  /** Why the function has to stay eager; null: nothing was found yet. */
  refused: string | null;
}

let current: Capture | null = null;

/** The capture in progress, or null. */
export function capturing(): Capture | null {
  return current;
}
/** Notes that a leaf is given a gradient; `before`: the one that it has. */
export function noteGradient(leaf: object, before: object | null): void {
  if (current !== null && !current.graded.has(leaf)) current.graded.set(leaf, before);
}
/** Runs fn as a capture. */
export function captureWith<T>(capture: Capture, fn: () => T): T {
  const outer = current;
  current = capture;
  try {
    return fn();
  } finally {
    current = outer;
  }
}
/** Notes a condition, with its name for `explain`. */
export function guard(what: string, holds: () => boolean): void {
  current?.guards.push({ what, holds });
}
/** Notes that what runs cannot be part of a plan: the function stays eager. */
export function refuse(why: string): void {
  if (current !== null) current.refused ??= why;
}
/** Refuses what changes JavaScript state that no plan sees. @throws StateError while capturing */
export function onlyOutside(what: string): void {
  if (current !== null) throw new StateError(`${what} changes state that a plan does not see; call it outside the compiled function`);
}
