import { type Call, isView, type View } from '../backend.ts';
import { CODE } from '../base/dtype.ts';
import { broadcast, type Shape, sameShape, show } from '../base/shape.ts';

/** What is wrong with a call by its op's own rules (operands, shapes, dtypes), or null. */
export function problemOf({ op, inputs, attrs, outputs }: Call): string | null {
  if (op.kind === 'view' || inputs.length !== op.inputs.length) return `${inputs.length} operands`;
  if (inputs.some((x, i) => x === null && !op.inputs[i].endsWith('?'))) return 'an operand is missing';
  const views = inputs.filter(isView);
  const numbers = inputs.filter((x) => typeof x === 'number' || typeof x === 'bigint' || typeof x === 'boolean');
  if (views.length + numbers.length + inputs.filter((x) => x === null).length < inputs.length) return 'an operand is no number';
  try {
    if (op.kind === 'map') {
      if (outputs.length !== 1 || typeof attrs.dtype !== 'string' || !Object.hasOwn(CODE, attrs.dtype)) return 'no dtype or result';
      const { shape } = outputs[0];
      const whole = views.reduce((s: Shape, x) => broadcast(op.name, s, x.shape), shape);
      return sameShape(whole, shape) ? null : `it gives ${show(whole)}, not ${show(shape)}`;
    }
    if (numbers.length > 0) return 'a number among its operands';
    const results = op.infer(inputs as readonly View[], attrs);
    const same = results.every((r, i) => r.dtype === outputs[i]?.dtype && sameShape(r.shape, outputs[i].shape));
    return same && results.length === outputs.length ? null : 'its results are not those of the file';
  } catch (error) {
    // Attributes of another type than the row's.
    return error instanceof Error ? error.message : String(error);
  }
}
