// The shape of a call: which tensors, containers and values its arguments and its result are made of.
import type { DType } from '../base/dtype.ts';
import { type Shape, sameShape, show } from '../base/shape.ts';
import { TensorCore } from './core.ts';

/** What an argument or a result was: tensors by metadata, containers by their parts, everything else by value. */
export type Form =
  | {
      readonly kind: 'tensor';
      readonly index: number;
      readonly shape: Shape;
      readonly strides: Shape;
      readonly dtype: DType;
      readonly grad: boolean;
    }
  | { readonly kind: 'list'; readonly parts: readonly Form[] }
  | { readonly kind: 'record'; readonly keys: readonly string[]; readonly parts: readonly Form[] }
  | { readonly kind: 'value'; readonly value: unknown };

const isRecord = (x: unknown): x is Record<string, unknown> =>
  typeof x === 'object' && x !== null && (Object.getPrototypeOf(x) === Object.prototype || Object.getPrototypeOf(x) === null);

/** The form of a value; its tensors are appended to `tensors`. */
export function formOf(x: unknown, tensors: TensorCore[]): Form {
  if (x instanceof TensorCore) {
    const known = tensors.indexOf(x);
    const index = known >= 0 ? known : tensors.push(x) - 1;
    return { kind: 'tensor', index, shape: x.shape, strides: x.strides, dtype: x.dtype, grad: x.requiresGrad };
  }
  if (Array.isArray(x)) return { kind: 'list', parts: x.map((part) => formOf(part, tensors)) };
  if (isRecord(x)) return { kind: 'record', keys: Object.keys(x), parts: Object.values(x).map((part) => formOf(part, tensors)) };
  return { kind: 'value', value: x };
}

/** Whether x is of a form; its tensors go to `tensors` by their numbers. */
export function matches(form: Form, x: unknown, tensors: TensorCore[]): boolean {
  switch (form.kind) {
    case 'value':
      return Object.is(form.value, x);
    case 'tensor': {
      if (!(x instanceof TensorCore) || x.dtype !== form.dtype || x.requiresGrad !== form.grad) return false;
      if (!sameShape(x.shape, form.shape) || !sameShape(x.strides, form.strides)) return false;
      if (form.index < tensors.length) return tensors[form.index] === x;
      return tensors.push(x) - 1 === form.index;
    }
    case 'list':
      return Array.isArray(x) && x.length === form.parts.length && form.parts.every((part, i) => matches(part, x[i], tensors));
    case 'record': {
      if (!isRecord(x)) return false;
      const keys = Object.keys(x);
      return keys.length === form.keys.length && form.keys.every((key, i) => keys[i] === key && matches(form.parts[i], x[key], tensors));
    }
  }
}

/** A value of a form around other tensors. */
export function built(form: Form, tensors: readonly TensorCore[]): unknown {
  if (form.kind === 'value') return form.value;
  if (form.kind === 'tensor') return tensors[form.index];
  const parts = form.parts.map((part) => built(part, tensors));
  return form.kind === 'list' ? parts : Object.fromEntries(form.keys.map((key, i) => [key, parts[i]]));
}

/** A form as text. */
export function shownForm(form: Form): string {
  switch (form.kind) {
    case 'tensor':
      return `${form.dtype}${show(form.shape)}${form.grad ? ' with gradient' : ''}`;
    case 'list':
      return `[${form.parts.map(shownForm).join(', ')}]`;
    case 'record':
      return `{ ${form.keys.map((key, i) => `${key}: ${shownForm(form.parts[i])}`).join(', ')} }`;
    case 'value':
      return typeof form.value === 'function' ? 'function' : String(form.value);
  }
}
